//! Why the registry refuses something.
//!
//! A refusal carries its facts, the Win32 code a program on Windows would see, and a message that says what to do.
//! Nothing has changed when one is returned.

use crate::batch::Comparison;
use crate::limits;

/// A refusal by the registry. Comparable, so that tests and replicas can check that they refuse alike.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path starts with a backslash; paths are relative (reference 06.3).
    #[error("the path \"{path}\" starts with a backslash; paths are relative to a key, so leave the backslash out")]
    LeadingBackslash {
        /// The path as given, shortened.
        path: String,
    },
    /// A path has an empty name in it, or one with a control character.
    #[error(
        "\"{name}\" in the path \"{path}\" cannot be the name of a key; separate names by single backslashes, \
         end without one, and use no control characters"
    )]
    BadKeyName {
        /// The whole path, shortened.
        path: String,
        /// The name in it that is at fault.
        name: String,
    },
    /// A key name is longer than [`limits::KEY_NAME_CHARS`].
    #[error("the key name \"{name}\" has {chars} characters; shorten it to {} at most", limits::KEY_NAME_CHARS)]
    KeyNameTooLong {
        /// The name, shortened.
        name: String,
        /// Its length in UTF-16 units.
        chars: usize,
    },
    /// A path is longer than [`limits::PATH_CHARS`].
    #[error(
        "the path \"{path}\" has {chars} characters; use shorter key names, a path has {} at most",
        limits::PATH_CHARS
    )]
    PathTooLong {
        /// The path, shortened.
        path: String,
        /// Its length in UTF-16 units.
        chars: usize,
    },
    /// A path has more levels than [`limits::KEY_DEPTH`].
    #[error(
        "the path \"{path}\" is {depth} levels deep; use a flatter tree, {} levels are the limit",
        limits::KEY_DEPTH
    )]
    TooDeep {
        /// The path, shortened.
        path: String,
        /// Its depth below the root.
        depth: usize,
    },
    /// A value name has a control character in it.
    #[error("\"{name}\" cannot be the name of a value; leave control characters out of it")]
    BadValueName {
        /// The name, shortened.
        name: String,
    },
    /// A value name is longer than [`limits::VALUE_NAME_CHARS`].
    #[error("the value name \"{name}\" has {chars} characters; shorten it to {} at most", limits::VALUE_NAME_CHARS)]
    ValueNameTooLong {
        /// The name, shortened.
        name: String,
        /// Its length in UTF-16 units.
        chars: usize,
    },
    /// The data of a value is larger than [`limits::VALUE_BYTES`].
    #[error(
        "the value \"{name}\" has {bytes} bytes; keep large data in a file and store its path, a value holds {} at most",
        limits::VALUE_BYTES
    )]
    ValueTooLarge {
        /// The name of the value, shortened.
        name: String,
        /// The size of its data.
        bytes: usize,
    },
    /// The hive would grow beyond [`limits::HIVE_BYTES`].
    #[error(
        "the hive would grow to {bytes} bytes; delete what is no longer needed, {} are the limit",
        limits::HIVE_BYTES
    )]
    HiveFull {
        /// The size it would have.
        bytes: usize,
    },
    /// A batch has more commands than [`limits::BATCH_COMMANDS`].
    #[error("the batch has {commands} commands; split it, {} are the limit", limits::BATCH_COMMANDS)]
    TooManyCommands {
        /// How many it has.
        commands: usize,
    },
    /// A batch is larger than [`limits::BATCH_BYTES`].
    #[error("the batch has {bytes} bytes of names and data; split it, {} are the limit", limits::BATCH_BYTES)]
    BatchTooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// There is no such key.
    #[error("there is no key \"{path}\"; create it first, or check the spelling")]
    KeyMissing {
        /// The path from the root.
        path: String,
    },
    /// A key with subkeys cannot be deleted alone (reference 06.3).
    #[error("the key \"{path}\" has {subkeys} subkeys; delete those first, or delete the whole tree")]
    KeyHasSubkeys {
        /// The path from the root.
        path: String,
        /// How many direct subkeys it has.
        subkeys: usize,
    },
    /// A batch asks to delete the very key it works on.
    #[error(
        "a batch cannot delete the key it is relative to (\"{base}\"); base the batch on the parent and name the key"
    )]
    DeletesItsBase {
        /// The key the batch is relative to; empty for the root.
        base: String,
    },
    /// A value command after DELETE_KEY and before the next CREATE_KEY (reference 06.4).
    #[error("no key is open after a key was deleted; put a CREATE_KEY before the next command on values")]
    NoCurrentKey,
    /// A condition on a key did not hold (reference 06.4).
    #[error("the key \"{path}\" was expected {}; read the registry again and retry", if *.expected { "to exist" } else { "not to exist" })]
    KeyCondition {
        /// The path from the root.
        path: String,
        /// True when the key should have existed.
        expected: bool,
    },
    /// A condition on a value did not hold (reference 06.4).
    #[error("the value \"{name}\" of \"{path}\" was expected {expected}; read the registry again and retry")]
    ValueCondition {
        /// The key, from the root.
        path: String,
        /// The name of the value.
        name: String,
        /// What should have been true.
        expected: Comparison,
    },
    /// A watch asks for no kind of change of the registry.
    #[error("the filter {filter:#x} has none of the registry bits; use NAME 0x10, VALUE 0x40 or SUBTREE 0x80")]
    EmptyFilter {
        /// The filter as given.
        filter: u32,
    },
    /// There are [`limits::WATCHES`] watches already.
    #[error("there are {} watches already; close the ones that are no longer needed", limits::WATCHES)]
    TooManyWatches,
    /// A text does not stand for a value of the type asked for.
    #[error("\"{text}\" is no {kind}; {remedy}")]
    BadText {
        /// The text, shortened.
        text: String,
        /// The type as people write it, `REG_DWORD`.
        kind: String,
        /// What to write instead.
        remedy: &'static str,
    },
}

impl Error {
    /// The Win32 code that a program on Windows sees for this refusal.
    pub fn win32(&self) -> u32 {
        self.code().0
    }

    /// The name of [`Error::win32`], such as `ERROR_FILE_NOT_FOUND`.
    pub fn name(&self) -> &'static str {
        self.code().1
    }

    fn code(&self) -> (u32, &'static str) {
        match self {
            Error::KeyMissing { .. } => (2, "ERROR_FILE_NOT_FOUND"),
            Error::KeyHasSubkeys { .. } => (5, "ERROR_ACCESS_DENIED"),
            Error::HiveFull { .. } | Error::TooManyWatches => (8, "ERROR_NOT_ENOUGH_MEMORY"),
            Error::KeyNameTooLong { .. }
            | Error::PathTooLong { .. }
            | Error::TooDeep { .. }
            | Error::ValueNameTooLong { .. }
            | Error::ValueTooLarge { .. }
            | Error::TooManyCommands { .. }
            | Error::BatchTooLarge { .. }
            | Error::DeletesItsBase { .. }
            | Error::NoCurrentKey
            | Error::EmptyFilter { .. } => (87, "ERROR_INVALID_PARAMETER"),
            Error::BadText { .. } => (13, "ERROR_INVALID_DATA"),
            Error::BadKeyName { .. } | Error::BadValueName { .. } => (123, "ERROR_INVALID_NAME"),
            Error::LeadingBackslash { .. } => (161, "ERROR_BAD_PATHNAME"),
            Error::KeyCondition { .. } | Error::ValueCondition { .. } => {
                (5986, "ERROR_CLUSTER_DATABASE_UPDATE_CONDITION_FAILED")
            }
        }
    }
}

/// Why a whole batch was refused, and at which command.
///
/// `index` is what `ClusterRegCloseBatch` returns in `failedCommand` (reference 06.4): counted from 0, and `None`
/// (−1 there, see [`BatchError::failed_command`]) when the batch failed before its first command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchError {
    /// The command that failed.
    pub index: Option<usize>,
    /// Why.
    pub error: Error,
}

impl BatchError {
    /// The index in the form of the API: −1 when no command was reached.
    pub fn failed_command(&self) -> i32 {
        self.index.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1)
    }
}

impl std::fmt::Display for BatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            Some(index) => write!(f, "command {index} of the batch: {}", self.error),
            None => write!(f, "the batch: {}", self.error),
        }
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
