//! The durable part of a node: the replicated log, its hard state and its snapshots, in the store of its directory.
//!
//! One thread owns the files. It takes the engine's writes in the order in which they were asked for, writes each one
//! atomically, makes several that wait durable with one flush, and then says up to which number everything is safe. With
//! each snapshot the cluster registry goes into the same atomic write in readable form, and into a `.reg` text file as
//! the last resort.
//!
//! A store belongs to one voter id for life and says so in a record of its own: a store that was swapped, or emptied
//! behind the service's back, has forgotten its promises and is refused.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clusreg::store::{Db, HiveStore, Record, StoreError, TreeOp};
use cluster_engine::replica::{LogEntry, SnapshotImage, StoreFault, Stored, VoterId, Voters, Write};
use cluster_engine::state::ClusterState;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::watch;

use super::identity::Identity;
use super::log::LogWriter;

/// How many writes may wait for the disk before the node takes no more events.
pub const QUEUE_WRITES: u64 = 256;
/// How many waiting writes share one flush.
const GROUP_WRITES: usize = 64;
/// How often a store is tried again whose lock somebody holds.
const LOCK_TRIES: u32 = 50;
/// The pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// The tree of the replicated log.
const TREE: &str = "raft";
/// A snapshot is kept in pieces of this many bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// The text export of the cluster registry, beside the store.
const EXPORT_FILE: &str = "cluster.reg";

const OWNER_KEY: &[u8] = b"o";
const HARD_KEY: &[u8] = b"h";
const SNAPSHOT_KEY: &[u8] = b"s";
const CHUNK_PREFIX: u8 = b'd';
const ENTRY_PREFIX: u8 = b'e';

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailure {
    /// The store itself.
    #[error(
        "{0}. If other nodes of the cluster run, start this node with --rebuild --join ADDRESS to fill it anew from them; the damaged folder is kept aside"
    )]
    Store(#[from] StoreError),
    /// A record that is no record of ours.
    #[error(
        "the store in {folder} is damaged: {reason}. If other nodes of the cluster run, start this node with --rebuild --join ADDRESS to fill it anew from them; the damaged folder is kept aside, and the last text export is {EXPORT_FILE} in it"
    )]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What was found.
        reason: String,
    },
    /// It belongs to somebody else, or was emptied.
    #[error(
        "the store in {folder} {found}, but this node's store is voter {expected}; put the right folder back, or start this node with --rebuild --join ADDRESS of another node"
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: VoterId,
    },
}

/// What a snapshot record says; the state itself is in the chunks.
#[derive(Serialize, Deserialize)]
struct SnapshotHead {
    index: u64,
    term: u64,
    voters: Voters,
    bytes: u64,
}

/// An open store, before its thread is started.
pub struct StoreFile {
    db: Db,
    hive: HiveStore,
    /// The log holds the entries above the first and up to the second.
    log: (u64, u64),
    chunks: u32,
}

impl StoreFile {
    /// Makes the store of a new member: of the first node with the first state, of a newcomer empty, after force quorum
    /// with everything that its former store held. Durable when it returns.
    ///
    /// # Errors
    /// [`StoreFailure`] names the folder.
    pub fn create(folder: &Path, voter: VoterId, first: &Stored) -> Result<(), StoreFailure> {
        let mut file = StoreFile::open_files(folder)?;
        let mut ops = vec![TreeOp::put(TREE, OWNER_KEY, bytes(&voter))];
        if first.snapshot.index > 0 {
            let entries = Write::Entries(first.entries.clone());
            ops.extend(file.ops(&[Write::Snapshot(first.snapshot.clone()), entries, Write::Hard(first.hard)]));
        }
        file.db.commit(&ops)?;
        Ok(())
    }

    /// Opens the store of `voter` and reads everything that is in it.
    ///
    /// # Errors
    /// [`StoreFailure`] names the folder and the remedy.
    pub fn open(folder: &Path, voter: VoterId) -> Result<(StoreFile, Stored), StoreFailure> {
        let mut file = StoreFile::open_files(folder)?;
        let damaged = |reason: String| StoreFailure::Damaged { folder: folder.to_owned(), reason };
        let not_ours = |found| StoreFailure::NotOurs { folder: folder.to_owned(), found, expected: voter };
        match file.db.get(TREE, OWNER_KEY)? {
            Some(owner) => match value::<VoterId>(&owner).map_err(&damaged)? {
                owner if owner == voter => {}
                owner => return Err(not_ours(format!("belongs to {owner}"))),
            },
            None => return Err(not_ours("is empty".into())),
        }
        let stored = read(file.db.scan(TREE)?).map_err(&damaged)?;
        stored.check().map_err(|fault: StoreFault| damaged(fault.to_string()))?;
        file.log = (stored.snapshot.index, stored.last_index());
        file.chunks = chunk_count(stored.snapshot.data.len());
        Ok((file, stored))
    }

    fn open_files(folder: &Path) -> Result<StoreFile, StoreFailure> {
        let mut db = Db::open(folder);
        // Whoever closed it a moment ago may have started a process meanwhile, which holds the lock until it runs a program
        // of its own.
        for _ in 0..LOCK_TRIES {
            if !matches!(db, Err(StoreError::InUse { .. })) {
                break;
            }
            std::thread::sleep(LOCK_PAUSE);
            db = Db::open(folder);
        }
        let db = db?;
        let (hive, _) = HiveStore::open(db.clone())?;
        Ok(StoreFile { db, hive, log: (0, 0), chunks: 0 })
    }

    /// The changes of records that a batch of the replica means.
    fn ops(&mut self, writes: &[Write]) -> Vec<TreeOp> {
        let mut ops = Vec::new();
        for write in writes {
            match write {
                Write::Hard(hard) => ops.push(TreeOp::put(TREE, HARD_KEY, bytes(hard))),
                Write::Entries(entries) => self.entry_ops(entries, &mut ops),
                Write::Snapshot(image) => {
                    self.drop_entries(self.log.1, &mut ops);
                    self.snapshot_ops(image, &mut ops);
                    self.log = (image.index, image.index);
                }
                Write::Compact(image) => {
                    self.drop_entries(image.index.min(self.log.1), &mut ops);
                    self.snapshot_ops(image, &mut ops);
                    self.log = (image.index, self.log.1.max(image.index));
                }
            }
        }
        ops
    }

    fn entry_ops(&mut self, entries: &[LogEntry], ops: &mut Vec<TreeOp>) {
        let Some(first) = entries.first() else { return };
        for index in first.index.max(self.log.0 + 1)..=self.log.1 {
            ops.push(TreeOp::delete(TREE, entry_key(index)));
        }
        self.log.1 = self.log.1.min(first.index.saturating_sub(1)).max(self.log.0);
        for entry in entries.iter().filter(|entry| entry.index > self.log.0) {
            ops.push(TreeOp::put(TREE, entry_key(entry.index), bytes(entry)));
            self.log.1 = entry.index;
        }
    }

    fn drop_entries(&self, up_to: u64, ops: &mut Vec<TreeOp>) {
        ops.extend((self.log.0 + 1..=up_to).map(|index| TreeOp::delete(TREE, entry_key(index))));
    }

    fn snapshot_ops(&mut self, image: &SnapshotImage, ops: &mut Vec<TreeOp>) {
        let head = SnapshotHead {
            index: image.index,
            term: image.term,
            voters: image.voters.clone(),
            bytes: image.data.len() as u64,
        };
        ops.push(TreeOp::put(TREE, SNAPSHOT_KEY, bytes(&head)));
        let chunks = chunk_count(image.data.len());
        for (number, chunk) in (0..chunks).zip(image.data.chunks(CHUNK_BYTES)) {
            ops.push(TreeOp::put(TREE, chunk_key(number), chunk));
        }
        ops.extend((chunks..self.chunks).map(|number| TreeOp::delete(TREE, chunk_key(number))));
        self.chunks = chunks;
    }

    /// Makes durable what was written.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.db.flush()
    }

    /// Writes one batch, not yet durable. True when there was a snapshot in it.
    pub(super) fn write(&mut self, writes: &[Write]) -> Result<bool, StoreError> {
        let mut ops = self.ops(writes);
        let state = writes.iter().rev().find_map(|write| match write {
            Write::Snapshot(image) | Write::Compact(image) => Some(&image.data),
            Write::Hard(_) | Write::Entries(_) => None,
        });
        // The bytes are the engine's own. Should they not be readable, the log and the snapshot are stored all the same;
        // only the readable copy of the registry stays behind.
        let state = state.and_then(|data| postcard::from_bytes::<ClusterState>(data).ok());
        if let Some(state) = &state {
            ops.extend(self.hive.ops(&state.hive));
        }
        self.db.write(&ops)?;
        if let Some(state) = &state {
            self.hive.wrote(&state.hive);
        }
        Ok(state.is_some())
    }
}

/// What the store's thread has to say to the node's task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreProgress {
    /// Everything up to this number is durable.
    pub persisted: u64,
    /// The store takes nothing more. The node has to end at once: it cannot keep promises any longer.
    pub failure: Option<String>,
}

/// Something for the store's thread to do.
enum Job {
    /// A batch of the replica, and its number.
    Batch(u64, Vec<Write>),
    /// The identity file, for the directory named.
    Identity(Box<Identity>, PathBuf),
}

/// The running store: takes batches, tells how far it is.
pub struct Store {
    jobs: Option<Sender<Job>>,
    /// How far it is.
    pub progress: watch::Receiver<StoreProgress>,
    asked: u64,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Store {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(file: StoreFile, log: LogWriter) -> std::io::Result<Store> {
        // Bounded by `has_room`, which the node's task asks before it takes another event.
        let (jobs, queue) = channel();
        let (progress, watched) = watch::channel(StoreProgress::default());
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || {
            if let Err(error) = carry_out(file, &queue, &progress, &log) {
                log.error("DM", format!("the store failed, the service ends: {error}"));
                progress.send_modify(|progress| progress.failure = Some(error.to_string()));
            }
        })?;
        Ok(Store { jobs: Some(jobs), progress: watched, asked: 0, thread: Some(thread) })
    }

    /// Makes a batch durable after everything asked for before. Never waits.
    pub fn persist(&mut self, n: u64, writes: Vec<Write>) {
        self.asked = n;
        if let Some(jobs) = &self.jobs {
            // A thread that has ended has told its failure in `progress`.
            let _ = jobs.send(Job::Batch(n, writes));
        }
    }

    /// Saves the identity file, in order with everything else. Never waits; told in the log when it fails.
    pub fn save_identity(&self, identity: Identity, directory: PathBuf) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(Job::Identity(Box::new(identity), directory));
        }
    }

    /// False when so many writes wait that the node should take no more events until some are done.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.asked.saturating_sub(self.progress.borrow().persisted) < QUEUE_WRITES
    }

    /// Finishes what was asked for and closes the files.
    pub fn close(mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was printed by the thread itself.
            let _ = thread.join();
        }
    }
}

fn carry_out(
    mut file: StoreFile,
    queue: &Receiver<Job>,
    progress: &watch::Sender<StoreProgress>,
    log: &LogWriter,
) -> Result<(), StoreError> {
    while let Ok(first) = queue.recv() {
        let mut last = None;
        let mut has_snapshot = false;
        for job in std::iter::once(first).chain(queue.try_iter().take(GROUP_WRITES)) {
            match job {
                Job::Batch(n, writes) => {
                    has_snapshot |= file.write(&writes)?;
                    last = Some(n);
                }
                Job::Identity(identity, directory) => {
                    if let Err(error) = identity.save(&directory) {
                        log.warning("DM", format!("the addresses of the other nodes were not saved: {error}"));
                    }
                }
            }
        }
        let Some(last) = last else { continue };
        file.flush()?;
        progress.send_modify(|progress| progress.persisted = last);
        if has_snapshot && let Err(error) = file.hive.export_to(file.db.folder().join(EXPORT_FILE)) {
            log.warning("DM", format!("the text export of the cluster registry was not written: {error}"));
        }
    }
    Ok(())
}

/// Puts the records of the tree together again.
fn read(records: Vec<Record>) -> Result<Stored, String> {
    let mut stored = Stored::empty();
    let mut head: Option<SnapshotHead> = None;
    for (key, record) in records {
        match key.split_first() {
            _ if key == OWNER_KEY => {}
            _ if key == HARD_KEY => stored.hard = value(&record)?,
            _ if key == SNAPSHOT_KEY => head = Some(value(&record)?),
            // Keys are numbered big-endian, so they come in order.
            Some((&CHUNK_PREFIX, _)) => stored.snapshot.data.extend_from_slice(&record),
            Some((&ENTRY_PREFIX, number)) => {
                let entry: LogEntry = value(&record)?;
                if number != entry.index.to_be_bytes() {
                    return Err(format!("log entry {} lies at the place of another", entry.index));
                }
                stored.entries.push(entry);
            }
            Some(_) | None => return Err(format!("a record with the unknown key {key:02x?}")),
        }
    }
    if let Some(head) = head {
        stored.snapshot.index = head.index;
        stored.snapshot.term = head.term;
        stored.snapshot.voters = head.voters;
        if head.bytes != stored.snapshot.data.len() as u64 {
            return Err(format!("the snapshot has {} of {} bytes", stored.snapshot.data.len(), head.bytes));
        }
    }
    Ok(stored)
}

fn value<T: DeserializeOwned>(record: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(record) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(format!("{} bytes are left over in a record", rest.len())),
        Err(error) => Err(format!("a record cannot be read: {error}")),
    }
}

fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("plain values of ours have a length and fit in memory")
}

fn chunk_count(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(CHUNK_BYTES)).unwrap_or(u32::MAX)
}

fn entry_key(index: u64) -> Vec<u8> {
    [&[ENTRY_PREFIX], index.to_be_bytes().as_slice()].concat()
}

fn chunk_key(number: u32) -> Vec<u8> {
    [&[CHUNK_PREFIX], number.to_be_bytes().as_slice()].concat()
}

#[cfg(test)]
mod tests;
