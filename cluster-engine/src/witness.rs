//! The witness voter while this node hosts it.
//!
//! It is a replica like the node's own, with a store on the quorum device. Everything that it promises waits for the
//! device: writes go out as [`Effect::WitnessPersist`], messages as [`Effect::WitnessSend`], and the driver checks the
//! ownership after each flush and before each message (docs/witness.md R2, R3). Messages to it that begin on this node
//! come in at once.
//!
//! A disk witness keeps a full copy and can lead. A file share witness keeps its vote and positions and never leads: what
//! it writes is stripped of all content here.

use std::collections::VecDeque;

use crate::engine::Engine;
use crate::event::{Effect, PeerBody};
use crate::notice::{ArbitrationStep, Component, Level};
use crate::quorum::Witness;
use crate::replica::{
    EntryBody, LogEntry, Out, RaftMessage, Replica, ReplicaConfig, SnapshotImage, Stored, VoterId, Write,
};
use crate::time::{Millis, Time};

/// Checks of the ownership within one detection time.
const CHECKS_PER_DETECTION: u64 = 8;

/// The witness on this node.
#[derive(Debug)]
pub(crate) struct Hosted {
    /// The ownership epoch.
    pub(crate) epoch: u64,
    /// What it is.
    pub(crate) kind: Witness,
    /// The voter.
    pub(crate) replica: Replica,
    /// When it was taken over: nobody before can have counted on it after this.
    pub(crate) since: Time,
    /// The stamp of the newest check that succeeded.
    pub(crate) checked: Option<Time>,
    /// When a check was asked for last.
    asked: Option<Time>,
    /// Messages that began on this node.
    incoming: VecDeque<RaftMessage>,
}

impl Hosted {
    /// A voter on the store that was taken over.
    ///
    /// # Errors
    /// In words, when the store makes no sense.
    pub(crate) fn start(
        voter: VoterId,
        kind: Witness,
        epoch: u64,
        stored: Stored,
        (seed, election_ticks, election_spread, heartbeat_ticks): (u64, u32, u32, u32),
        now: Time,
    ) -> Result<Hosted, String> {
        let mut config = ReplicaConfig::witness(voter, seed, kind == Witness::Disk);
        config.election_ticks = election_ticks;
        config.election_spread = election_spread;
        config.heartbeat_ticks = heartbeat_ticks;
        config.patience_ticks = election_ticks;
        let replica = Replica::start(config, stored).map_err(|error| error.to_string())?;
        // R4: it never goes on in the term that it led before.
        assert!(!replica.is_leader(), "a voter starts as a follower, whatever it was before");
        Ok(Hosted { epoch, kind, replica, since: now, checked: None, asked: None, incoming: VecDeque::new() })
    }

    /// A message that began on this node, for the next drain.
    pub(crate) fn hear(&mut self, message: RaftMessage) {
        self.incoming.push_back(message);
    }

    /// Does something wait that was said to it?
    pub(crate) fn has_mail(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// The place of the last entry, to compare logs by: (term, index).
    pub(crate) fn has_more_than(&self, own: &Replica) -> bool {
        self.replica.last_place() > own.last_place()
    }
}

/// Without content: all that a file share keeps.
fn strip(write: Write) -> Write {
    let bare = |image: SnapshotImage| SnapshotImage { data: Vec::new(), ..image };
    match write {
        Write::Hard(hard) => Write::Hard(hard),
        Write::Entries(entries) => Write::Entries(entries.into_iter().map(strip_entry).collect()),
        Write::Snapshot(image) => Write::Snapshot(bare(image)),
        Write::Compact(image) => Write::Compact(bare(image)),
    }
}

fn strip_entry(entry: LogEntry) -> LogEntry {
    let body = match entry.body {
        EntryBody::Data(_) | EntryBody::Empty => EntryBody::Empty,
        EntryBody::Change(change) => EntryBody::Change(change),
    };
    LogEntry { body, ..entry }
}

impl Engine {
    /// Lets the hosted witness catch up with everything that was said to it, and carries out what it wants.
    pub(crate) fn drain_witness(&mut self) {
        let Some(hosted) = self.arbiter.hosted_mut() else { return };
        let (epoch, kind) = (hosted.epoch, hosted.kind);
        while let Some(message) = hosted.incoming.pop_front() {
            // What it rejects comes again.
            let _ = hosted.replica.receive(message);
        }
        let mut sends: Vec<(VoterId, RaftMessage)> = Vec::new();
        let mut effects: Vec<Effect> = Vec::new();
        let mut notes: Vec<String> = Vec::new();
        for out in hosted.replica.drain() {
            match out {
                Out::Persist { n, writes } => {
                    let writes = if kind == Witness::Disk { writes } else { writes.into_iter().map(strip).collect() };
                    effects.push(Effect::WitnessPersist { epoch, n, writes });
                }
                Out::Send { to, message } => sends.push((to, message)),
                Out::Role { term, leader, is_leader } => {
                    let who = leader.map_or("nobody".to_owned(), |l| l.to_string());
                    let what = if is_leader { "leads".to_owned() } else { format!("follows {who}") };
                    notes.push(format!("The witness on this node {what}, term {term}."));
                }
                // The node's own voter applies what is committed; the witness only keeps it.
                Out::Committed { .. } | Out::Restored(_) | Out::ReadReady { .. } | Out::ReadLost { .. } => {}
            }
        }
        for effect in effects {
            self.push(effect);
        }
        for (to, message) in sends {
            if let Some(to) = self.node_of(to) {
                let message = self.says(PeerBody::Raft(message));
                self.push(Effect::WitnessSend { epoch, to, message });
            }
        }
        for text in notes {
            self.note(Level::Debug, Component::Quorum, text);
        }
        self.compact_witness();
    }

    /// The witness's snapshots: of a disk the state of the node's own voter, once the witness is as far; of a share the
    /// position alone.
    fn compact_witness(&mut self) {
        let applied = self.state.as_ref().map_or(0, |s| s.applied);
        let state = &self.state;
        let Some(hosted) = self.arbiter.hosted_mut().filter(|h| h.replica.snapshot_due()) else { return };
        let newest = hosted.replica.snapshot().index;
        let (index, data) = match (hosted.kind, state) {
            (Witness::FileShare, _) => (hosted.replica.applied(), Vec::new()),
            (Witness::Disk, Some(state)) if applied <= hosted.replica.applied() => {
                (applied, postcard::to_stdvec(state).expect("cluster state is serializable"))
            }
            (Witness::Disk, _) => return,
        };
        if index <= newest {
            return;
        }
        if let Err(refused) = hosted.replica.take_snapshot(index, data) {
            self.note(Level::Debug, Component::Quorum, format!("The witness took no snapshot: {refused}"));
        }
    }

    /// Asks for the next check of the ownership when it is due.
    pub(crate) fn check_witness(&mut self) {
        let interval = self.check_interval();
        let (now, detection) = (self.now, self.detection());
        let Some(hosted) = self.arbiter.hosted_mut() else { return };
        let is_due = match (hosted.asked, hosted.checked) {
            (None, _) => true,
            // The last one is still under way: not again before it is certain to be lost.
            (Some(asked), checked) if checked.is_none_or(|c| c < asked) => now.since(asked) >= detection,
            (Some(asked), _) => now.since(asked) >= interval,
        };
        if is_due {
            hosted.asked = Some(now);
            let epoch = hosted.epoch;
            self.push(Effect::WitnessCheck { epoch, stamp: now });
        }
    }

    fn check_interval(&self) -> Millis {
        Millis((self.detection().0 / CHECKS_PER_DETECTION).max(1))
    }

    /// When the next check is due.
    pub(crate) fn next_check(&self) -> Option<Time> {
        let hosted = self.arbiter.hosted()?;
        Some(hosted.asked.map_or(self.now, |at| at + self.check_interval()))
    }

    pub(crate) fn witness_persisted(&mut self, epoch: u64, n: u64) {
        if let Some(hosted) = self.arbiter.hosted_mut().filter(|h| h.epoch == epoch) {
            hosted.replica.persisted(n);
        }
    }

    pub(crate) fn witness_checked(&mut self, epoch: u64, stamp: Time) {
        let now = self.now;
        if let Some(hosted) = self.arbiter.hosted_mut().filter(|h| h.epoch == epoch && stamp <= now) {
            hosted.checked = hosted.checked.max(Some(stamp));
        }
    }

    /// A message for the witness came from another node, or from the node's own voter by way of the device.
    pub(crate) fn witness_hears(&mut self, message: RaftMessage) {
        if let Some(hosted) = self.arbiter.hosted_mut() {
            hosted.hear(message);
        }
    }

    /// The ownership was lost: the witness ends here at once (R6).
    pub(crate) fn witness_lost(&mut self, epoch: u64, text: &str) {
        if self.arbiter.hosted().is_some_and(|h| h.epoch == epoch) {
            self.arbiter.drop_hosted(self.now);
            let text = format!("The witness votes here no more: {text}.");
            self.step_notice(Level::Warning, ArbitrationStep::Ended, text, Vec::new());
            self.pause_arbitration();
        }
    }
}
