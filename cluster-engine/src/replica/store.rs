//! What a replica keeps on its disk, as plain data, and what each write does to it.
//!
//! The replica never touches a disk. It says `Persist { n, writes }`, the driver makes the batch durable, and after a
//! restart the driver hands back one [`Stored`]. [`Stored::write`] is the reference for what a store has to do: a real
//! store may lay the bytes out as it likes, as long as reading them back gives the same `Stored`.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::voters::{VoterChange, VoterId, Voters, VotersFault};

/// The highest index and term accepted from outside. Far above anything a cluster reaches, far below overflow.
pub const MAX_POSITION: u64 = 1 << 62;

/// A place in the log.
#[derive(Serialize, Deserialize, Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// 1 is the first entry of a cluster's life; 0 means "before everything".
    pub index: u64,
    /// The term of the leader that wrote the entry.
    pub term: u64,
}

/// The promises of one voter: it never goes back to an earlier term and never votes twice in one.
#[derive(Serialize, Deserialize, Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct HardState {
    /// The newest term this voter has heard of.
    pub term: u64,
    /// Whom it voted for in that term; 0 for nobody yet.
    pub vote: u64,
    /// Up to where it knows the log to be committed. May lag behind, never lies.
    pub commit: u64,
}

/// What one entry of the log carries.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub enum EntryBody {
    /// Nothing: a new leader's first entry.
    Empty,
    /// What the caller proposed.
    Data(Vec<u8>),
    /// A change of the voters.
    Change(VoterChange),
}

/// One entry of the log.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub struct LogEntry {
    /// Its place, counted from 1 without gaps.
    pub index: u64,
    /// The term of the leader that wrote it.
    pub term: u64,
    /// What it carries.
    pub body: EntryBody,
}

/// The replicated state as of one applied index, with the voters that were in force there.
///
/// The voters live here and nowhere else: at a restart later changes are applied again from the log (docs/raft.md rule 8).
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct SnapshotImage {
    /// The last entry that is contained.
    pub index: u64,
    /// The term of that entry.
    pub term: u64,
    /// The voters after that entry.
    pub voters: Voters,
    /// The state machine's own bytes; the replica does not look inside.
    pub data: Vec<u8>,
}

/// One change of a store. The writes of one `Persist` are one atomic batch, and batches become durable in order.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Write {
    /// Replaces the hard state.
    Hard(HardState),
    /// Never empty, without gaps. Removes every entry from `entries[0].index` on, then appends these.
    Entries(Vec<LogEntry>),
    /// A leader's snapshot was installed: it replaces the snapshot **and the whole log**. Nothing that stood in the log
    /// survives, above the index or below, because it did not agree with the snapshot.
    Snapshot(SnapshotImage),
    /// The replica's own snapshot at an applied index: it replaces the snapshot, entries up to and including its index
    /// go, and **every entry above stays**.
    Compact(SnapshotImage),
}

/// Everything a store gives back at a start. The entries follow the snapshot without a gap.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Stored {
    /// The voter's promises.
    pub hard: HardState,
    /// The newest snapshot; index 0 in an empty store.
    pub snapshot: SnapshotImage,
    /// What follows the snapshot.
    pub entries: Vec<LogEntry>,
}

/// Why a store cannot be used. None of these can come from the writes of a replica: the store was damaged or mixed up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreFault {
    /// The entry at this place of the list has another index than its place demands.
    #[error("log entry {expected} is missing, entry {found} stands in its place; rebuild this store from its peers")]
    Gap {
        /// The index that should stand there.
        expected: u64,
        /// The index that stands there.
        found: u64,
    },
    /// Terms never fall from one entry to the next.
    #[error("log entry {index} has term {term}, less than the entry before it; rebuild this store from its peers")]
    TermFalls {
        /// The entry.
        index: u64,
        /// Its term.
        term: u64,
    },
    /// The hard state is older than the log, so promises have been lost.
    #[error("the store remembers term {hard} but its log reaches term {log}; rebuild it from its peers under a new id")]
    TermForgotten {
        /// The term of the hard state.
        hard: u64,
        /// The term of the last entry.
        log: u64,
    },
    /// Committed entries are not there.
    #[error("entry {commit} is committed but the log ends at {last}; rebuild this store from its peers under a new id")]
    CommitBeyondLog {
        /// The committed index.
        commit: u64,
        /// The last index.
        last: u64,
    },
    /// The set of voters is unusable.
    #[error("the voters of the snapshot at {index} are unusable: {fault}")]
    Voters {
        /// The snapshot.
        index: u64,
        /// What is wrong.
        fault: VotersFault,
    },
    /// An index or a term beyond [`MAX_POSITION`].
    #[error("index or term {0} is out of range; rebuild this store from its peers")]
    OutOfRange(u64),
    /// Forcing quorum on an empty store would make an empty cluster out of nothing.
    #[error("the store is empty and holds no cluster state; force quorum on a node that was a member")]
    Empty,
    /// Id 0 means "nobody".
    #[error("id 0 is not a voter; take an id above 0")]
    IdZero,
}

impl Stored {
    /// The first store of a new cluster: `data` is the first state, at index 1 and term 1. All first voters and learners
    /// start from an equal one.
    pub fn first(voters: Voters, data: Vec<u8>) -> Stored {
        Stored {
            hard: HardState { term: 1, vote: 0, commit: 1 },
            snapshot: SnapshotImage { index: 1, term: 1, voters, data },
            entries: Vec::new(),
        }
    }

    /// A newcomer's store. It belongs to nobody until a leader that knows its id sends a snapshot.
    pub fn empty() -> Stored {
        Stored::default()
    }

    /// The index of the last entry, or of the snapshot when no entry follows it.
    pub fn last_index(&self) -> u64 {
        self.entries.last().map_or(self.snapshot.index, |entry| entry.index)
    }

    /// The reference implementation of a store: applies one batch, in order.
    ///
    /// Entries at or below the snapshot are ignored rather than stored twice; a replica does not write them.
    pub fn write(&mut self, batch: &[Write]) {
        for write in batch {
            match write {
                Write::Hard(hard) => self.hard = *hard,
                Write::Entries(entries) => {
                    if let Some(first) = entries.first() {
                        self.entries.retain(|old| old.index < first.index);
                    }
                    let floor = self.snapshot.index;
                    self.entries.extend(entries.iter().filter(|entry| entry.index > floor).cloned());
                }
                Write::Snapshot(image) => {
                    self.snapshot = image.clone();
                    self.entries.clear();
                }
                Write::Compact(image) => {
                    self.entries.retain(|old| old.index > image.index);
                    self.snapshot = image.clone();
                }
            }
        }
    }

    /// Checks what a store gave back before a replica is built on it.
    ///
    /// # Errors
    /// The first fault found. The store is not touched.
    pub fn check(&self) -> Result<(), StoreFault> {
        let snapshot = &self.snapshot;
        for number in [snapshot.index, snapshot.term, self.hard.term, self.hard.commit] {
            if number > MAX_POSITION {
                return Err(StoreFault::OutOfRange(number));
            }
        }
        if snapshot.index > 0 || !snapshot.voters.is_empty() {
            let fault = |fault| StoreFault::Voters { index: snapshot.index, fault };
            snapshot.voters.check().map_err(fault)?;
        }
        let mut before = Position { index: snapshot.index, term: snapshot.term };
        for entry in &self.entries {
            if entry.index > MAX_POSITION || entry.term > MAX_POSITION {
                return Err(StoreFault::OutOfRange(entry.index.max(entry.term)));
            }
            if entry.index != before.index + 1 {
                return Err(StoreFault::Gap { expected: before.index + 1, found: entry.index });
            }
            if entry.term < before.term || entry.term == 0 {
                return Err(StoreFault::TermFalls { index: entry.index, term: entry.term });
            }
            before = Position { index: entry.index, term: entry.term };
        }
        if self.hard.term < before.term {
            return Err(StoreFault::TermForgotten { hard: self.hard.term, log: before.term });
        }
        if self.hard.commit > before.index {
            return Err(StoreFault::CommitBeyondLog { commit: self.hard.commit, last: before.index });
        }
        Ok(())
    }

    /// Force quorum: turns the store of one survivor into a cluster of its own (docs/raft.md section 6).
    ///
    /// Called on the closed store of the node that was started with `/fq`. The tail of the log stays, because it may hold
    /// writes that were acknowledged; changes of the voters in it become empty entries, because they speak of members
    /// that are gone. The caller must raise the cluster's incarnation number as well, or the old stores can make a second
    /// majority, and must give every node that comes back a new id and an empty store.
    ///
    /// # Errors
    /// [`StoreFault::Empty`] on a store that never belonged to a cluster, or what [`Stored::check`] finds.
    pub fn force_sole_voter(&mut self, me: VoterId) -> Result<(), StoreFault> {
        if self.snapshot.index == 0 {
            return Err(StoreFault::Empty);
        }
        if me.0 == 0 {
            return Err(StoreFault::IdZero);
        }
        self.check()?;
        self.snapshot.voters = Voters { voters: [me].into(), learners: Default::default() };
        for entry in &mut self.entries {
            match entry.body {
                EntryBody::Change(_) => entry.body = EntryBody::Empty,
                EntryBody::Empty | EntryBody::Data(_) => {}
            }
        }
        self.hard.term += 1;
        self.hard.vote = 0;
        Ok(())
    }
}
