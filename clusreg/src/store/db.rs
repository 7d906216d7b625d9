//! Named trees of keys and bytes on sled 0.34.7, with the care that it needs (docs/witness.md, "sled facts").
//!
//! - All trees share one sled tree, told apart by a prefix: one batch is then atomic over all of them.
//! - A long record is kept in chunks. sled would put a large page into a file of its own, which it never syncs.
//! - `flush` of sled does not sync; [`Db::flush`] does, with a handle of its own on sled's file.
//! - sled may panic on damaged files. Every call into it goes through one door that turns this into an error.
//! - An empty store and one that lost everything look alike to sled. A marker file tells them apart.
//! - After damage sled may silently go back to an earlier state. Writes are counted in the store, and the count that
//!   was flushed is noted in a small file beside it; a store that is behind its note is damaged. The note is written
//!   after the sync and not synced itself: it may lag after a loss of power, it is never ahead.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, Write};
use std::ops::{Bound, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::export_file::{io_error, replace_file, sync_folder};
use super::{CACHE_BYTES, RECORD_BYTES, RECORD_KEY_BYTES, StoreError, TREE_NAME_BYTES, checksum};

/// Longest piece of a record that is kept in one piece, in bytes. sled keeps up to 17 pieces in a page, and puts a
/// page beyond 128 KiB into a file of its own.
const CHUNK_BYTES: usize = 3 << 10;

/// How long closing a store waits for sled to let go of its file.
const CLOSE_WAIT_MS: u64 = 2_000;

/// The file of sled that holds the records.
const SLED_FILE: &str = "db";
/// The folder in which sled puts pages that are too large for its file.
const SLED_PAGES: &str = "blobs";
/// Says that the folder holds a store that has been set up, and in which format.
const MARKER_FILE: &str = "store.format";
/// The content of the marker, and of the record at [`MARKER_KEY`].
const FORMAT: &str = "wolfden store 1\n";

/// Holds the number of writes that were flushed, and a checksum.
pub(super) const NOTE_FILE: &str = "store.flushed";

/// First byte of a sled key: the head of a record, a chunk of one, the marker, or the number of writes.
const HEAD: u8 = 0;
const CHUNK: u8 = 1;
const MARKER_KEY: [u8; 1] = [2];
const COUNT_KEY: [u8; 1] = [3];

/// First byte of a head: the record follows, or its length and checksum do and the record is in chunks.
const WHOLE: u8 = 0;
const IN_CHUNKS: u8 = 1;

/// The key and the bytes of a record.
pub type Record = (Vec<u8>, Vec<u8>);

/// One change of a record, for [`Db::write`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeOp {
    /// The tree; it comes into being with its first record.
    pub tree: String,
    /// The key of the record; it may be empty.
    pub key: Vec<u8>,
    /// The new bytes, or `None` to delete the record.
    pub value: Option<Vec<u8>>,
}

impl TreeOp {
    /// Writes a record.
    pub fn put(tree: impl Into<String>, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> TreeOp {
        TreeOp { tree: tree.into(), key: key.into(), value: Some(value.into()) }
    }

    /// Deletes a record; one that is missing is fine.
    pub fn delete(tree: impl Into<String>, key: impl Into<Vec<u8>>) -> TreeOp {
        TreeOp { tree: tree.into(), key: key.into(), value: None }
    }
}

/// An open store. Copies are handles of the same store, which is closed when the last one is dropped.
#[derive(Clone)]
pub struct Db {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    /// Taken out only when the store is closed.
    sled: Option<sled::Db>,
    /// Our own handle on sled's file, for syncing.
    file: File,
    /// Held while records are written or flushed, by one at a time.
    progress: Mutex<Progress>,
}

struct Progress {
    /// Number of writes since the store was set up.
    writes: u64,
    /// Our own handle on the note of what was flushed; there is none before the store is set up.
    note: Option<File>,
    /// The failure that stopped the store.
    stopped: Option<String>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Db {
    /// Opens the store in the folder `path`, which is created when it is missing.
    ///
    /// Only one process can have a store open. A damaged store is an error, never a panic; see [`StoreError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Db, StoreError> {
        let folder = path.as_ref().to_owned();
        let is_set_up = check_marker(&folder)?;
        let config = sled::Config::new().path(&folder).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let sled = door(&folder, || config.open()).map_err(|error| in_use(&folder, error))?;
        let file = folder.join(SLED_FILE);
        let file = File::options().read(true).write(true).open(&file).map_err(io_error("opening", &file))?;
        let progress = Mutex::new(Progress { writes: 0, note: None, stopped: None });
        let db = Db { inner: Arc::new(Inner { folder, sled: Some(sled), file, progress }) };
        if is_set_up {
            db.check_flushed()?
        } else {
            db.set_up()?
        }
        Ok(db)
    }

    /// The folder of the store.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// Writes all of these or none, in any trees. Of two for the same record the later counts.
    ///
    /// What is written is seen by the next read, and is safe only after [`Db::flush`]. After a crash a prefix of the
    /// writes is there, each one whole.
    pub fn write(&self, ops: &[TreeOp]) -> Result<(), StoreError> {
        let mut last = BTreeMap::new();
        for op in ops {
            check_size("a tree name", op.tree.len(), 1, TREE_NAME_BYTES)?;
            check_size("a key", op.key.len(), 0, RECORD_KEY_BYTES)?;
            check_size("a record", op.value.as_ref().map_or(0, Vec::len), 0, RECORD_BYTES)?;
            last.insert((&op.tree, &op.key), op.value.as_deref());
        }
        let mut progress = self.running()?;
        let result = self.write_batch(&last, progress.writes + 1);
        match &result {
            Ok(()) => progress.writes += 1,
            Err(error) => progress.stopped = Some(error.to_string()),
        }
        result
    }

    /// Makes everything written so far safe, also from a loss of power. Takes as long as the disk does.
    ///
    /// When this fails, nobody knows what is on the disk, so the store takes nothing more until it is opened again.
    pub fn flush(&self) -> Result<(), StoreError> {
        let mut progress = self.running()?;
        let result = self.flush_to_disk().and_then(|()| self.take_note(&progress));
        if let Err(error) = &result {
            progress.stopped = Some(error.to_string());
        }
        result
    }

    /// [`Db::write`] and [`Db::flush`].
    pub fn commit(&self, ops: &[TreeOp]) -> Result<(), StoreError> {
        self.write(ops)?;
        self.flush()
    }

    /// The bytes of one record.
    pub fn get(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let head = self.through_door(|sled| sled.get(head_key(tree, key)))?;
        head.map(|head| self.record(tree, key, &head)).transpose()
    }

    /// All records of a tree in the order of their keys; none for a tree that was never written.
    pub fn scan(&self, tree: &str) -> Result<Vec<Record>, StoreError> {
        self.range::<&[u8]>(tree, ..)
    }

    /// The records with keys in a range, in the order of their keys. A range that ends before it starts has none.
    pub fn range<K: AsRef<[u8]>>(&self, tree: &str, keys: impl RangeBounds<K>) -> Result<Vec<Record>, StoreError> {
        let bounds = (bound(tree, keys.start_bound()), bound(tree, keys.end_bound()));
        let prefix = head_key(tree, &[]);
        // Scanned from the first key wanted, in which an inverted range is harmless, to the first one that is not.
        let start = match &bounds.0 {
            Bound::Included(key) | Bound::Excluded(key) => key.clone(),
            Bound::Unbounded => prefix.clone(),
        };
        let heads = self.through_door(|sled| {
            let mut heads = Vec::new();
            for head in sled.range(start..) {
                let (key, head) = head?;
                let key = key.to_vec();
                let ended = match &bounds.1 {
                    Bound::Included(end) => key > *end,
                    Bound::Excluded(end) => key >= *end,
                    Bound::Unbounded => false,
                };
                if ended || !key.starts_with(&prefix) {
                    break;
                }
                if bounds.contains(&key) {
                    heads.push((key, head));
                }
            }
            Ok(heads)
        })?;
        let record = |(key, head): (Vec<u8>, sled::IVec)| {
            let key = key[prefix.len()..].to_vec();
            let value = self.record(tree, &key, &head)?;
            Ok((key, value))
        };
        heads.into_iter().map(record).collect()
    }

    /// The record with the last key of a tree.
    pub fn last(&self, tree: &str) -> Result<Option<Record>, StoreError> {
        let prefix = head_key(tree, &[]);
        let found = self.through_door(|sled| sled.scan_prefix(&prefix).next_back().transpose())?;
        found
            .map(|(key, head)| {
                let key = key[prefix.len()..].to_vec();
                let value = self.record(tree, &key, &head)?;
                Ok((key, value))
            })
            .transpose()
    }

    /// The damage of this store, in the words of whoever found it.
    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { folder: self.inner.folder.clone(), what: what.into() }
    }

    /// First use of a new store. A crash on the way leaves no marker file, and the next start does it again.
    fn set_up(&self) -> Result<(), StoreError> {
        let folder = &self.inner.folder;
        let marked = self.through_door(|sled| sled.contains_key(MARKER_KEY))?;
        if !marked && !self.through_door(|sled| Ok(sled.is_empty()))? {
            return Err(self.damaged("its first record is gone"));
        }
        self.through_door(|sled| sled.insert(MARKER_KEY, FORMAT.as_bytes()))?;
        self.running()?.writes = self.count_writes()?.unwrap_or(0);
        self.flush()?;
        sync_folder(&folder.join(SLED_PAGES))?;
        let note = folder.join(NOTE_FILE);
        replace_file(&note, &note_of(0))?;
        self.running()?.note = Some(open_note(&note)?);
        replace_file(&folder.join(MARKER_FILE), FORMAT.as_bytes())?;
        sync_folder(folder.parent().unwrap_or(Path::new("")))
    }

    /// Checks that a store which was set up before still has everything that was flushed.
    fn check_flushed(&self) -> Result<(), StoreError> {
        let marker = self.through_door(|sled| sled.get(MARKER_KEY))?;
        if marker.as_deref() != Some(FORMAT.as_bytes()) {
            return Err(self.damaged("its records are gone"));
        }
        let path = self.inner.folder.join(NOTE_FILE);
        let found = std::fs::read(&path).map_err(io_error("reading", &path))?;
        let flushed = found.first_chunk().map_or(0, |count| u64::from_be_bytes(*count));
        if found != note_of(flushed) {
            return Err(self.damaged(format!("its file {} is unreadable", path.display())));
        }
        let writes = self.count_writes()?.unwrap_or(0);
        if writes < flushed {
            return Err(self.damaged(format!("{flushed} writes were safe and only {writes} are there")));
        }
        let mut progress = self.running()?;
        progress.writes = writes;
        progress.note = Some(open_note(&path)?);
        Ok(())
    }

    /// Number of writes that the store contains; none in a new one.
    fn count_writes(&self) -> Result<Option<u64>, StoreError> {
        let Some(count) = self.through_door(|sled| sled.get(COUNT_KEY))? else { return Ok(None) };
        let count = <[u8; 8]>::try_from(&*count).map_err(|_| self.damaged("its number of writes is unreadable"))?;
        Ok(Some(u64::from_be_bytes(count)))
    }

    /// Notes that all writes so far were flushed.
    fn take_note(&self, progress: &Progress) -> Result<(), StoreError> {
        let Some(mut note) = progress.note.as_ref() else { return Ok(()) };
        let written = note.rewind().and_then(|()| note.write_all(&note_of(progress.writes)));
        written.map_err(io_error("writing", &self.inner.folder.join(NOTE_FILE)))
    }

    fn write_batch(&self, ops: &BTreeMap<(&String, &Vec<u8>), Option<&[u8]>>, count: u64) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(&COUNT_KEY, &count.to_be_bytes());
        for ((tree, key), value) in ops {
            let old = self.through_door(|sled| sled.get(head_key(tree, key)))?;
            let old_chunks =
                old.and_then(|head| long_record(&head)).map_or(0, |(length, _)| length.div_ceil(CHUNK_BYTES));
            let mut new_chunks = 0;
            match value {
                None => batch.remove(head_key(tree, key)),
                Some(value) if value.len() <= CHUNK_BYTES => {
                    batch.insert(head_key(tree, key), [&[WHOLE], *value].concat());
                }
                Some(value) => {
                    let head =
                        [&[IN_CHUNKS][..], &(value.len() as u64).to_be_bytes(), &checksum([*value]).to_be_bytes()];
                    batch.insert(head_key(tree, key), head.concat());
                    for chunk in value.chunks(CHUNK_BYTES) {
                        batch.insert(chunk_key(tree, key, new_chunks), chunk);
                        new_chunks += 1;
                    }
                }
            }
            for index in new_chunks..old_chunks {
                batch.remove(chunk_key(tree, key, index));
            }
        }
        self.through_door(|sled| sled.apply_batch(batch))
    }

    fn flush_to_disk(&self) -> Result<(), StoreError> {
        self.through_door(|sled| sled.flush())?;
        let folder = &self.inner.folder;
        // Only an index over thousands of very long keys can make a page so large that it becomes a file.
        let pages = folder.join(SLED_PAGES);
        for page in std::fs::read_dir(&pages).map_err(io_error("reading", &pages))? {
            let page = page.map_err(io_error("reading", &pages))?.path();
            let synced = File::open(&page).and_then(|page| page.sync_all());
            // sled removes a page that is no longer needed at any time.
            if synced.as_ref().is_err_and(|error| error.kind() != std::io::ErrorKind::NotFound) {
                synced.map_err(io_error("syncing", &page))?;
            }
        }
        self.inner.file.sync_data().map_err(io_error("syncing", folder))
    }

    /// The bytes of a record whose head has been read.
    fn record(&self, tree: &str, key: &[u8], head: &[u8]) -> Result<Vec<u8>, StoreError> {
        if let Some((WHOLE, value)) = head.split_first().map(|(kind, value)| (*kind, value)) {
            return Ok(value.to_vec());
        }
        let (length, sum) = long_record(head).ok_or_else(|| self.damaged("the head of a record is unreadable"))?;
        let mut value = Vec::new();
        for index in 0..length.div_ceil(CHUNK_BYTES) {
            match self.through_door(|sled| sled.get(chunk_key(tree, key, index)))? {
                Some(chunk) => value.extend_from_slice(&chunk),
                None => break,
            }
        }
        if value.len() != length || checksum([value.as_slice()]) != sum {
            return Err(self.damaged(format!("a record in the tree \"{tree}\" is incomplete")));
        }
        Ok(value)
    }

    fn running(&self) -> Result<MutexGuard<'_, Progress>, StoreError> {
        let progress = self.inner.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match &progress.stopped {
            None => Ok(progress),
            Some(reason) => Err(StoreError::Stopped { folder: self.inner.folder.clone(), reason: reason.clone() }),
        }
    }

    fn through_door<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StoreError> {
        let inner = &self.inner;
        let sled = inner.sled.as_ref().ok_or_else(|| self.damaged("it is closed"))?;
        door(&inner.folder, || call(sled))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let sled = self.sled.take();
        // Closing a damaged store may fail once more; whatever was flushed is safe all the same.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(sled)));
        // Background work of sled may hold its file, and with it the lock, a moment longer. Who closes a store wants to
        // open it again, so wait until the lock is free. It goes with our handle.
        for _ in 0..CLOSE_WAIT_MS {
            if self.file.try_lock().is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The one door through which sled is called: its errors and its panics become errors of ours.
fn door<T>(folder: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    let damaged = |what: String| StoreError::Damaged { folder: folder.to_owned(), what };
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(sled::Error::Io(error))) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            Err(io_error("using the store in", folder)(error))
        }
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(damaged(format!("reading it broke off: {text}")))
        }
    }
}

/// sled has no error of its own for a store that is open elsewhere.
fn in_use(folder: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Io { reason, .. } if reason.contains("could not acquire lock") => {
            StoreError::InUse { folder: folder.to_owned() }
        }
        other => other,
    }
}

/// True when the folder holds a store that was set up before.
fn check_marker(folder: &Path) -> Result<bool, StoreError> {
    let marker = folder.join(MARKER_FILE);
    let found = match std::fs::read(&marker) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(io_error("reading", &marker)(error)),
    };
    if found != FORMAT.as_bytes() {
        let show = |text: &[u8]| crate::name::shorten(String::from_utf8_lossy(text).trim());
        let (found, known) = (show(&found), show(FORMAT.as_bytes()));
        return Err(StoreError::OtherFormat { folder: folder.to_owned(), found, known });
    }
    let file = folder.join(SLED_FILE);
    if std::fs::metadata(&file).map_or(0, |file| file.len()) == 0 {
        let what = format!("its file {} is missing or empty", file.display());
        return Err(StoreError::Damaged { folder: folder.to_owned(), what });
    }
    Ok(true)
}

fn note_of(count: u64) -> Vec<u8> {
    let count = count.to_be_bytes();
    [count, checksum([&count[..]]).to_be_bytes()].concat()
}

fn open_note(path: &Path) -> Result<File, StoreError> {
    File::options().write(true).open(path).map_err(io_error("opening", path))
}

fn check_size(what: &'static str, bytes: usize, least: usize, limit: usize) -> Result<(), StoreError> {
    if (least..=limit).contains(&bytes) { Ok(()) } else { Err(StoreError::BadSize { what, bytes, limit }) }
}

/// The key under which sled has the head of a record. Heads of one tree are in the order of their keys.
fn head_key(tree: &str, key: &[u8]) -> Vec<u8> {
    [&[HEAD], tree.as_bytes(), &[0], key].concat()
}

fn chunk_key(tree: &str, key: &[u8], index: usize) -> Vec<u8> {
    let (length, index) = ((key.len() as u64).to_be_bytes(), (index as u64).to_be_bytes());
    [&[CHUNK], tree.as_bytes(), &[0], &length, key, &index].concat()
}

fn bound<K: AsRef<[u8]>>(tree: &str, bound: Bound<&K>) -> Bound<Vec<u8>> {
    bound.map(|key| head_key(tree, key.as_ref()))
}

/// Length and checksum of a record in chunks; `None` for a record in one piece.
fn long_record(head: &[u8]) -> Option<(usize, u64)> {
    let rest = head.strip_prefix(&[IN_CHUNKS])?;
    let length = u64::from_be_bytes(rest.get(..8)?.try_into().ok()?);
    let sum = u64::from_be_bytes(rest.get(8..)?.try_into().ok()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= RECORD_BYTES)?;
    Some((length, sum))
}
