//! What must never happen, noticed the moment it does.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use cluster_engine::replica::{MessageKind, Out, Payload, RaftMessage, SnapshotImage, VoterId};

/// FNV-1a: the same on every machine and in every process.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

#[derive(Default)]
pub struct Ledger {
    /// The one true history, by index.
    entries: BTreeMap<u64, (u64, Payload)>,
    /// Who led each term, in which of its lives.
    leaders: BTreeMap<u64, (VoterId, u32)>,
    /// The first promise that was broken.
    pub fault: Option<String>,
    /// Hashes everything that every host said.
    pub trace: u64,
    pub reads: u64,
    pub installs: u64,
}

impl Ledger {
    pub fn expect(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds && self.fault.is_none() {
            self.fault = Some(otherwise());
        }
    }

    /// The highest index that any host has applied: what a client may have been told.
    pub fn committed(&self) -> u64 {
        self.entries.last_key_value().map_or(1, |(index, _)| *index)
    }

    /// The operations up to an index, in order.
    pub fn ops(&self, up_to: u64) -> Vec<u64> {
        let mut ops = Vec::new();
        for (_, payload) in self.entries.range(..=up_to).map(|(_, entry)| entry) {
            if let Payload::Data(data) = payload {
                ops.push(super::op_of(data));
            }
        }
        ops
    }

    pub fn terms(&self) -> usize {
        self.leaders.len()
    }

    pub fn trace(&mut self, now: u64, id: VoterId, out: &Out) {
        let mut hasher = Fnv(self.trace ^ 0xcbf2_9ce4_8422_2325);
        (now, id, out).hash(&mut hasher);
        self.trace = hasher.finish();
    }

    pub fn saw_committed(&mut self, id: VoterId, index: u64, term: u64, payload: Payload) {
        let known = self.entries.entry(index).or_insert_with(|| (term, payload.clone()));
        let same = *known == (term, payload);
        let known = format!("{known:?}");
        self.expect(same, || format!("{id} diverged at {index}, term {term}; it was {known}"));
    }

    pub fn saw_restored(&mut self, id: VoterId, image: &SnapshotImage, state: &[u64]) {
        self.installs += 1;
        let truth = self.ops(image.index);
        let same = truth == state;
        self.expect(same, || format!("{id} restored a wrong state at {}: {state:?}, not {truth:?}", image.index));
    }

    pub fn saw_leader(&mut self, term: u64, id: VoterId, life: u32) {
        let first = *self.leaders.entry(term).or_insert((id, life));
        self.expect(first == (id, life), || format!("two leaders in term {term}: {first:?} and {id} (life {life})"));
    }

    /// Whoever appends or beats is a leader, announced or not.
    pub fn saw_message(&mut self, message: &RaftMessage, life: u32) {
        if matches!(message.kind, MessageKind::Append | MessageKind::Heartbeat | MessageKind::Snapshot) {
            self.saw_leader(message.term, message.from, life);
        }
    }

    pub fn saw_read(&mut self, id: VoterId, context: u64, index: u64, floor: Option<u64>, applied: u64) {
        self.reads += 1;
        match floor {
            Some(floor) => {
                self.expect(index >= floor, || format!("stale read at {id}: index {index}, committed was {floor}"));
                self.expect(applied >= index, || format!("{id} answered a read at {index}, applied {applied}"));
            }
            None => self.expect(false, || format!("{id} answered read {context} that nobody asked")),
        }
    }
}
