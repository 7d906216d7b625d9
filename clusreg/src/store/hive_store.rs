//! A hive in a store: one record per registry key, and one that seals them.
//!
//! The store keeps a copy of the hive as it was last written (the copy shares everything with the hive, see
//! [`Hive::diff`]) and so knows what to write: the keys that differ, however many batches lie between. The seal holds
//! the number of records and a sum over their checksums and is written with them. If a part of the records is lost
//! or changed on the disk, the seal no longer fits and opening says so, instead of running a cluster on half a
//! configuration. A store that went back to an earlier whole state cannot be told that way; whoever keeps an index
//! beside the hive (see [`HiveStore::commit_with`]) can.

use serde::{Deserialize, Serialize};

use super::{Db, StoreError, TreeOp, checksum, export_to};
use crate::diff::Difference;
use crate::hive::Hive;
use crate::name;
use crate::time::FileTime;
use crate::value::Value;

/// The tree of the store that holds the hive. Other trees are free for the owner of the store.
pub const HIVE_TREE: &str = "hive";

/// First byte of the records of keys; the folded path follows, so that a key comes before its subkeys.
const KEY_RECORD: u8 = b'k';
/// The key of the seal.
const SEAL_RECORD: &[u8] = b"s";

/// A hive in a [`Db`], open for writing.
#[derive(Debug)]
pub struct HiveStore {
    db: Db,
    written: Hive,
    seal: Seal,
}

/// Number of records, and the sum of their checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seal {
    records: u64,
    sum: u64,
}

/// A registry key as stored; the key of the record has the path. The name is empty for the root.
#[derive(Serialize)]
struct KeyOut<'a> {
    name: &'a str,
    last_write: FileTime,
    values: Vec<(&'a str, &'a Value)>,
}

#[derive(Deserialize)]
struct KeyIn {
    name: String,
    last_write: FileTime,
    values: Vec<(String, Value)>,
}

impl HiveStore {
    /// Reads the hive from a store; a new store has an empty one.
    ///
    /// Called once at the start of a node. Anything that is not exactly what was written is [`StoreError::Damaged`].
    pub fn open(db: Db) -> Result<(HiveStore, Hive), StoreError> {
        let (mut hive, mut found, mut written) = (Hive::new(), Seal::default(), Seal::default());
        let mut times = Vec::new();
        for (key, record) in db.scan(HIVE_TREE)? {
            if key == SEAL_RECORD {
                written = Seal::read(&record).ok_or_else(|| db.damaged("the seal of the hive is unreadable"))?;
                continue;
            }
            found.add(&key, &record);
            times.push(restore(&mut hive, &key, &record).ok_or_else(|| db.damaged("a key of the hive is unreadable"))?);
        }
        if found != written {
            return Err(db.damaged("a part of the hive is missing"));
        }
        // Putting a subkey in place touched its parent.
        for (path, last_write) in times {
            hive.restore_key(&path, last_write).map_err(|error| db.damaged(error.to_string()))?;
        }
        let store = HiveStore { db, written: hive.clone(), seal: found };
        Ok((store, hive))
    }

    /// The store below, for records beside the hive.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The hive as it was last written.
    pub fn written(&self) -> &Hive {
        &self.written
    }

    /// Writes what changed since the last time; safe when it returns, also from a loss of power.
    ///
    /// After an error the hive on the disk is the old one or the new one, and the store must be opened again.
    pub fn commit(&mut self, hive: &Hive) -> Result<(), StoreError> {
        self.commit_with(hive, &[])
    }

    /// [`HiveStore::commit`] with records of the caller in the same atomic write, such as the index of the last
    /// applied log entry. Those must not be in [`HIVE_TREE`].
    pub fn commit_with(&mut self, hive: &Hive, own: &[TreeOp]) -> Result<(), StoreError> {
        self.write_with(hive, own)?;
        self.db.flush()
    }

    /// As [`HiveStore::commit_with`] without the flush: for a caller whose log brings the change back after a crash,
    /// and who flushes at snapshots only.
    pub fn write_with(&mut self, hive: &Hive, own: &[TreeOp]) -> Result<(), StoreError> {
        let (mut ops, seal) = self.changes(hive);
        ops.extend_from_slice(own);
        self.db.write(&ops)?;
        (self.seal, self.written) = (seal, hive.clone());
        Ok(())
    }

    /// What has to be written to bring the store to `hive`, for a caller who writes it together with own records by
    /// [`Db::write`]. Follow a successful write with [`HiveStore::wrote`], with the same hive.
    pub fn ops(&self, hive: &Hive) -> Vec<TreeOp> {
        self.changes(hive).0
    }

    /// Says that the operations of [`HiveStore::ops`] for this hive have been written.
    pub fn wrote(&mut self, hive: &Hive) {
        self.seal = self.changes(hive).1;
        self.written = hive.clone();
    }

    /// Writes the last written hive as a text file; see [`export_to`].
    pub fn export_to(&self, file: impl AsRef<std::path::Path>) -> Result<(), StoreError> {
        export_to(&self.written, file.as_ref())
    }

    /// The operations that bring the store to `hive`, and the seal it has then.
    fn changes(&self, hive: &Hive) -> (Vec<TreeOp>, Seal) {
        let mut seal = self.seal;
        let mut ops = Vec::new();
        for difference in self.written.diff(hive) {
            let (Difference::Put { path } | Difference::Removed { path }) = difference;
            let key = record_key(&path);
            if let Some(old) = record(&self.written, &path) {
                seal.remove(&key, &old);
            }
            match record(hive, &path) {
                Some(record) => {
                    seal.add(&key, &record);
                    ops.push(TreeOp::put(HIVE_TREE, key, record));
                }
                None => ops.push(TreeOp::delete(HIVE_TREE, key)),
            }
        }
        if seal != self.seal {
            ops.push(TreeOp::put(HIVE_TREE, SEAL_RECORD, seal.write()));
        }
        (ops, seal)
    }
}

impl Seal {
    fn write(self) -> Vec<u8> {
        [self.records.to_be_bytes(), self.sum.to_be_bytes()].concat()
    }

    fn read(record: &[u8]) -> Option<Seal> {
        let (records, sum) = record.split_at_checked(size_of::<u64>())?;
        let number = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        Some(Seal { records: number(records)?, sum: number(sum)? })
    }

    fn add(&mut self, key: &[u8], record: &[u8]) {
        self.records = self.records.wrapping_add(1);
        self.sum = self.sum.wrapping_add(checksum([key, record]));
    }

    fn remove(&mut self, key: &[u8], record: &[u8]) {
        self.records = self.records.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(checksum([key, record]));
    }
}

fn record_key(path: &str) -> Vec<u8> {
    [&[KEY_RECORD], name::fold(path).as_bytes()].concat()
}

/// The record of a key. A root that was never touched has none, as in a new store.
fn record(hive: &Hive, path: &str) -> Option<Vec<u8>> {
    let key = hive.key(path)?;
    let out = KeyOut { name: key.name(), last_write: key.last_write(), values: key.values().collect() };
    if path.is_empty() && out.values.is_empty() && out.last_write == FileTime::default() {
        return None;
    }
    // postcard refuses only sequences that do not know their length, and a Vec does.
    Some(postcard::to_stdvec(&out).expect("names, numbers and bytes can always be written to memory"))
}

/// Puts a stored key into the hive and returns its path and time; `None` for a record that is no key.
fn restore(hive: &mut Hive, key: &[u8], record: &[u8]) -> Option<(String, FileTime)> {
    let folded = std::str::from_utf8(key.strip_prefix(&[KEY_RECORD])?).ok()?;
    let KeyIn { name, last_write, values } = postcard::from_bytes(record).ok()?;
    let parent = folded.rsplit_once(name::SEPARATOR).map_or("", |(parent, _)| parent);
    let mut path = parent.to_owned();
    if !folded.is_empty() {
        name::push(&mut path, &name);
    }
    if name::fold(&path) != folded {
        return None;
    }
    hive.restore_key(&path, last_write).ok()?;
    for (name, value) in values {
        hive.set(&path, &name, &value, last_write).ok()?;
    }
    Some((path, last_write))
}
