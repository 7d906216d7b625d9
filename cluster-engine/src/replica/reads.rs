//! Linearizable reads, in rounds.
//!
//! One round asks a majority "do I still lead?" for all reads that have gathered, then the next may start. So the number
//! of messages does not grow with the number of reads, and reads cost no disk writes (docs/raft.md rule 5).

use std::collections::{BTreeMap, BTreeSet};

use super::said::{MAX_WAITING_READS, Refused};

#[derive(Default)]
pub(super) struct Reads {
    /// Every context that has no answer yet.
    waiting: BTreeSet<u64>,
    /// Asked for since the round under way was opened.
    gathered: Vec<u64>,
    /// The number of the newest round; never used twice in the life of a replica.
    newest: u64,
    /// The round under way: its number, the term it was opened in, its reads.
    round: Option<(u64, u64, Vec<u64>)>,
    /// Confirmed at an index, waiting until that is applied.
    confirmed: BTreeMap<u64, Vec<u64>>,
}

impl Reads {
    pub(super) fn gather(&mut self, context: u64) -> Result<(), Refused> {
        if self.waiting.len() >= MAX_WAITING_READS {
            return Err(Refused::TooManyReads);
        }
        if !self.waiting.insert(context) {
            return Err(Refused::ReadTwice(context));
        }
        self.gathered.push(context);
        Ok(())
    }

    /// True when reads have gathered and no round is under way.
    pub(super) fn wants_round(&self) -> bool {
        !self.gathered.is_empty() && self.round.is_none()
    }

    /// Opens the next round with everything gathered; returns the bytes that travel.
    pub(super) fn open_round(&mut self, term: u64) -> Vec<u8> {
        self.newest += 1;
        self.round = Some((self.newest, term, std::mem::take(&mut self.gathered)));
        self.newest.to_le_bytes().to_vec()
    }

    /// A majority has confirmed the round with these bytes at `index`. Older rounds were given up and are ignored.
    pub(super) fn confirm(&mut self, bytes: &[u8], index: u64) {
        match self.round.take() {
            Some((number, _, contexts)) if number.to_le_bytes() == bytes => {
                self.confirmed.entry(index).or_default().extend(contexts);
            }
            other => self.round = other,
        }
    }

    /// Takes the reads confirmed at an index that is applied by now, as (context, index).
    pub(super) fn take_ready(&mut self, applied: u64) -> Vec<(u64, u64)> {
        let later = self.confirmed.split_off(&(applied + 1));
        let ready = std::mem::replace(&mut self.confirmed, later);
        let ready: Vec<_> =
            ready.into_iter().flat_map(|(index, contexts)| contexts.into_iter().map(move |c| (c, index))).collect();
        for (context, _) in &ready {
            self.waiting.remove(context);
        }
        ready
    }

    /// Takes the reads that raft-rs has forgotten: those of a round of another term than the one led in, and all that no
    /// majority has confirmed when this replica does not lead at all.
    pub(super) fn take_lost(&mut self, leads_in: Option<u64>) -> Vec<u64> {
        let mut lost = match self.round.take() {
            Some((_, term, contexts)) if Some(term) != leads_in => contexts,
            kept => {
                self.round = kept;
                Vec::new()
            }
        };
        if leads_in.is_none() {
            lost.append(&mut self.gathered);
        }
        for context in &lost {
            self.waiting.remove(context);
        }
        lost
    }
}
