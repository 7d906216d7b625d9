//! The last resort: the whole hive as a `.reg` text file, replaced as a whole so that one good file is always there.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::StoreError;
use crate::batch::Batch;
use crate::hive::Hive;
use crate::reg_text;

/// Writes the hive as `.reg` text (UTF-8) to `file`, whose folder must exist.
///
/// Called by the owner of a store now and then, and before anything risky. The text goes to `file` with `.tmp` added,
/// and takes the place of `file` when it is safely on the disk; a crash leaves the old file or the new one.
pub fn export_to(hive: &Hive, file: &Path) -> Result<(), StoreError> {
    replace_file(file, reg_text::export(hive, "").as_bytes())
}

/// Reads a file written by [`export_to`], or by the registry editor of Windows. Applied to an empty hive, the batch
/// gives the hive that was exported, apart from the times of last writes.
pub fn import_from(file: &Path) -> Result<Batch, StoreError> {
    let bytes = std::fs::read(file).map_err(io_error("reading", file))?;
    let batch = reg_text::decode(&bytes).and_then(|text| reg_text::import(&text));
    batch.map_err(|error| StoreError::BadExport { file: file.to_owned(), error })
}

/// Puts a file in place durably: written aside, synced, renamed, and the folder synced.
pub(super) fn replace_file(file: &Path, content: &[u8]) -> Result<(), StoreError> {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".tmp");
    let aside = Path::new(&aside);
    let mut out = File::create(aside).map_err(io_error("creating", aside))?;
    out.write_all(content).and_then(|()| out.sync_all()).map_err(io_error("writing", aside))?;
    std::fs::rename(aside, file).map_err(io_error("replacing", file))?;
    sync_folder(file.parent().unwrap_or(Path::new("")))
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("syncing", folder))
}

pub(super) fn io_error(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    move |error| StoreError::Io { path: path.to_owned(), doing, reason: error.to_string() }
}
