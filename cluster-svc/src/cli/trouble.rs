//! What can go wrong with a command, in people's words, and the exit code that goes with it.

use std::path::PathBuf;

use crate::api::refused::RefusalView;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The cluster refused it.
    #[error("{} (code {} {})", .0.message, .0.code, .0.name)]
    Refused(RefusalView),
    /// It was accepted, but did not come to what was asked for.
    #[error("{message} (code {code} {})", crate::api::refused::code_name(*code))]
    Unreached {
        /// Win32 code.
        code: u32,
        /// What it came to.
        message: String,
    },
    /// Nobody is there.
    #[error("nothing answers at {url} ({why}). Start a cluster with `cluster demo`, or name one with --cluster URL.")]
    NoAnswer {
        /// Where.
        url: String,
        /// What the system says.
        why: String,
    },
    /// Whoever is there is no cluster.
    #[error("{url} answered something that is no answer of a cluster: {what}. Is it the right address?")]
    Strange {
        /// Where.
        url: String,
        /// What.
        what: String,
    },
    /// A file.
    #[error("{}: {why}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An argument that cannot be meant.
    #[error("{0}")]
    Argument(String),
    /// Standard output is closed: whoever read it has seen enough.
    #[error("nobody reads the output")]
    NobodyReads,
}

/// Exit code for everything without a Win32 code of 255 or less.
const EXIT_OTHER: u8 = 1;

/// Exit code for an argument that cannot be meant, as clap has it.
const EXIT_ARGUMENT: u8 = 2;

impl Trouble {
    /// The Win32 code when it fits into an exit code, which has 8 bits; otherwise 1. cluster.exe exits with the code itself.
    pub(super) fn exit_code(&self) -> u8 {
        let fold = |code: u32| u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(EXIT_OTHER);
        match self {
            Trouble::Refused(refusal) => fold(refusal.code),
            Trouble::Unreached { code, .. } => fold(*code),
            Trouble::Argument(_) => EXIT_ARGUMENT,
            Trouble::NoAnswer { .. } | Trouble::Strange { .. } | Trouble::File { .. } | Trouble::NobodyReads => {
                EXIT_OTHER
            }
        }
    }
}
