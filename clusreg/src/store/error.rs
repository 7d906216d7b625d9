//! What can go wrong with a store, and what to do then.

use std::path::PathBuf;

/// A failure of the store. Every message names the folder or file and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store open.
    #[error("the store in {folder} is in use by another process; stop that one first, or use another folder", folder = .folder.display())]
    InUse {
        /// The folder of the store.
        folder: PathBuf,
    },
    /// What is on the disk is not what was written.
    #[error(
        "the store in {folder} is damaged ({what}); move the folder away and start the node again, and it is restored \
         from its peers; if there are none, import the last export file of the registry",
        folder = .folder.display()
    )]
    Damaged {
        /// The folder of the store.
        folder: PathBuf,
        /// What was found.
        what: String,
    },
    /// The store was written by another version.
    #[error(
        "the store in {folder} has the format \"{found}\" and this program knows \"{known}\"; start the version that wrote \
         it, or move the folder away to have it restored from the peers",
        folder = .folder.display()
    )]
    OtherFormat {
        /// The folder of the store.
        folder: PathBuf,
        /// The format found.
        found: String,
        /// The format this program writes.
        known: String,
    },
    /// The operating system refused something.
    #[error("{doing} {path} failed: {reason}; check that the path is right, that it may be written and that the disk has room", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, "opening" for example.
        doing: &'static str,
        /// What the operating system said.
        reason: String,
    },
    /// A write or a flush failed before, so nobody knows what is on the disk. The store takes no more until it is
    /// opened again.
    #[error("the store in {folder} stopped after a failure ({reason}); remove the cause and start the node again", folder = .folder.display())]
    Stopped {
        /// The folder of the store.
        folder: PathBuf,
        /// The failure that stopped it.
        reason: String,
    },
    /// A tree name, key or record is too large for the store, or a tree has no name.
    #[error("{what} of {bytes} bytes cannot be stored; 1 to {limit} are allowed")]
    BadSize {
        /// What was too large.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// An export file cannot be read back.
    #[error("{file}: {error}", file = .file.display())]
    BadExport {
        /// The file.
        file: PathBuf,
        /// What is wrong in it.
        error: crate::reg_text::RegTextError,
    },
}
