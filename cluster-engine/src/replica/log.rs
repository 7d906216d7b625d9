//! The log as raft-rs reads it: in memory, always as new as the newest write handed out.
//!
//! It is the store's content plus a tail of older entries that the store has already compacted, so that a follower that
//! is a little slow gets entries and not the whole state. raft-rs owns it and reaches it through its `Storage` trait.

use std::collections::VecDeque;

use raft::eraftpb::{self, Entry};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};

use super::convert::{entry_to_raft, hard_to_raft, image_to_raft, voters_to_raft};
use super::store::{HardState, Position, SnapshotImage, Stored};
use super::voters::VoterId;

pub(super) struct Log {
    /// As it was at the start; raft-rs asks once.
    first_hard: HardState,
    /// The newest snapshot.
    image: SnapshotImage,
    /// The entry before the first one kept; its term is still known.
    floor: Position,
    /// What follows the floor, without gaps.
    entries: VecDeque<Entry>,
    /// Sabotage of rule 7.
    for_anyone: bool,
}

impl Log {
    /// `stored` has been checked.
    pub(super) fn new(stored: Stored, for_anyone: bool) -> Log {
        let commit = stored.hard.commit.max(stored.snapshot.index);
        Log {
            first_hard: HardState { commit, ..stored.hard },
            floor: Position { index: stored.snapshot.index, term: stored.snapshot.term },
            image: stored.snapshot,
            entries: stored.entries.into_iter().map(entry_to_raft).collect(),
            for_anyone,
        }
    }

    pub(super) fn image(&self) -> &SnapshotImage {
        &self.image
    }

    pub(super) fn last(&self) -> u64 {
        self.floor.index + self.entries.len() as u64
    }

    /// Removes everything from the first new entry on and appends.
    pub(super) fn append(&mut self, new: &[Entry]) {
        let Some(first) = new.first() else { return };
        assert!(
            self.floor.index < first.index && first.index <= self.last() + 1,
            "raft-rs writes entries that join on to its log"
        );
        self.entries.truncate((first.index - self.floor.index - 1) as usize);
        self.entries.extend(new.iter().cloned());
    }

    /// A leader's snapshot replaces everything.
    pub(super) fn install(&mut self, image: SnapshotImage) {
        self.floor = Position { index: image.index, term: image.term };
        self.image = image;
        self.entries.clear();
    }

    /// Our own snapshot of an applied index replaces the old one; `tail` entries up to it stay.
    pub(super) fn compact(&mut self, image: SnapshotImage, tail: u64) {
        let new_floor = image.index.saturating_sub(tail).max(self.floor.index);
        while self.floor.index < new_floor {
            let gone = self.entries.pop_front().expect("an applied entry above the floor is in the log");
            self.floor = Position { index: gone.index, term: gone.term };
        }
        self.image = image;
    }

    /// The term of the entry at `index`, if it is still known.
    pub(super) fn term_at(&self, index: u64) -> Option<u64> {
        if index == self.floor.index {
            return Some(self.floor.term);
        }
        let offset = index.checked_sub(self.floor.index + 1)?;
        self.entries.get(offset as usize).map(|entry| entry.term)
    }
}

impl Storage for Log {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(hard_to_raft(self.first_hard), voters_to_raft(&self.image.voters)))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> raft::Result<Vec<Entry>> {
        if low <= self.floor.index {
            return Err(StorageError::Compacted.into());
        }
        if high > self.last() + 1 {
            return Err(StorageError::Unavailable.into());
        }
        let offset = |index: u64| (index - self.floor.index - 1) as usize;
        let mut found: Vec<Entry> = self.entries.range(offset(low)..offset(high.max(low))).cloned().collect();
        raft::util::limit_size(&mut found, max_size.into());
        Ok(found)
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        match self.term_at(index) {
            Some(term) => Ok(term),
            None if index < self.floor.index => Err(StorageError::Compacted.into()),
            None => Err(StorageError::Unavailable.into()),
        }
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.floor.index + 1)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.last())
    }

    /// Only for receivers that the snapshot names: others would ignore it for ever (docs/raft.md rule 7).
    fn snapshot(&self, request_index: u64, to: u64) -> raft::Result<eraftpb::Snapshot> {
        let named = self.image.voters.has(VoterId(to)) || self.for_anyone;
        if !named || self.image.index == 0 || self.image.index < request_index {
            return Err(StorageError::SnapshotTemporarilyUnavailable.into());
        }
        Ok(image_to_raft(self.image.clone()))
    }
}
