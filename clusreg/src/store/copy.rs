//! A copy of a store, file by file: how the witness's new owner gets a store of its own (docs/witness.md, R1).

use std::fs::File;
use std::path::Path;

use super::StoreError;
use super::db::NOTE_FILE;
use super::export_file::{io_error, sync_folder};

/// Copies the store in the folder `from` to the folder `to`, which must not exist yet, and syncs the copy.
///
/// The store may be open, even written to by a process that has not heard yet that it lost it: the copy then has
/// everything that was flushed before the call, and opening it fails or gives a whole state. On an error `to` is left
/// as it is, to be removed by the caller, who tries again.
pub fn copy_store(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::create_dir(to).map_err(io_error("creating", to))?;
    // What was flushed is noted first and copied first: the copy may have more than its note says, never less.
    let note = from.join(NOTE_FILE);
    if note.exists() {
        copy_file(&note, &to.join(NOTE_FILE))?;
    }
    copy_folder(from, to)?;
    sync_folder(to.parent().unwrap_or(Path::new("")))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    for entry in std::fs::read_dir(from).map_err(io_error("reading", from))? {
        let entry = entry.map_err(io_error("reading", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            std::fs::create_dir(&target).map_err(io_error("creating", &target))?;
            copy_folder(&source, &target)?;
        } else if !target.exists() {
            copy_file(&source, &target)?;
        }
    }
    sync_folder(to)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::copy(from, to).map_err(io_error("copying", from))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(io_error("syncing", to))
}
