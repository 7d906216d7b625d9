//! Who was heard when, and what that proves: contact with a majority, leases, the past of earlier leaders.
//!
//! The arithmetic of one node's heartbeats is in `membership`; here it meets the set of voters. A voter is a node, or the
//! witness: the witness acknowledges through the heartbeats of whoever hosts it, as of the last time at which the
//! ownership of its device was found to be that node's. So a host that has lost the device earns no lease by it, whether or
//! not it knows (docs/witness.md R5).

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::event::{Effect, PeerBody};
use crate::id::NodeId;
use crate::membership::{Heartbeat, WitnessBeat, lease_length, majority_acknowledged, majority_let_go};
use crate::replica::VoterId;
use crate::time::{Millis, Time};

/// The witness counts as lost when it has not acknowledged for so many detection times. A move of the quorum resource takes
/// less.
const WITNESS_PATIENCE: u64 = 2;

impl Engine {
    pub(crate) fn beat_all(&mut self) {
        let others: Vec<NodeId> = self.state().nodes.keys().copied().filter(|n| *n != self.config.node).collect();
        for node in others {
            self.send_beat(node, false);
        }
    }

    pub(crate) fn send_beat(&mut self, to: NodeId, is_answer: bool) {
        self.enter_term();
        if self.leader() == Some(to) {
            self.membership.note_ack(to);
        }
        let committed = self.seat().unwrap_or(&self.replica).committed();
        let witness = self.witness_beat();
        let beat = self.membership.heartbeat(to, self.now, is_answer, self.contact(), committed, witness);
        let message = self.says(PeerBody::Heartbeat(beat));
        self.push(Effect::Send { to, message });
    }

    pub(crate) fn heartbeat(&mut self, from: NodeId, beat: &Heartbeat) {
        self.enter_term();
        let leader = self.leader();
        let t1 = lease_length(self.detection());
        self.membership.hear(from, beat, leader, t1, self.now);
        if !beat.is_answer {
            self.send_beat(from, true);
        }
    }

    /// The term in which this node acknowledges: that of the voter by which it leads, else that of its own.
    pub(crate) fn enter_term(&mut self) {
        let term = self.term();
        let led = self.led.is_some_and(|(_, led_in)| led_in < term);
        self.membership.enter_term(term, led, self.now);
    }

    fn witness_beat(&self) -> Option<WitnessBeat> {
        let hosted = self.arbiter.hosted()?;
        Some(WitnessBeat {
            epoch: hosted.epoch,
            voter: hosted.replica.id(),
            term: hosted.replica.term(),
            checked_age: hosted.checked.map(|at| self.now.since(at)),
            past_ack_age: self.now.since(self.membership.past_ack().max(hosted.since)),
        })
    }

    /// This node leads and has committed an entry of its term: the latest time at which a majority obeyed it.
    pub(crate) fn contact(&self) -> Option<Time> {
        let seat = self.seat()?;
        if self.led_from.is_none_or(|first| seat.committed() < first) {
            return None;
        }
        let voters = &seat.voters().voters;
        let acks = voters.iter().filter_map(|v| self.voter_acked(*v)).collect();
        majority_acknowledged(acks, voters.len())
    }

    /// The latest own time that a voter has acknowledged in the present term.
    pub(crate) fn voter_acked(&self, voter: VoterId) -> Option<Time> {
        if voter == self.config.voter {
            return Some(self.now);
        }
        if let Some(hosted) = self.arbiter.hosted().filter(|h| h.replica.id() == voter) {
            if self.config.sabotage.witness_lease_unchecked {
                return Some(self.now);
            }
            return hosted.checked.filter(|_| hosted.replica.term() == self.term());
        }
        let node = self.state().nodes.values().find(|n| n.voter == voter).map(|n| n.id);
        node.map_or_else(|| self.membership.witness_acked(voter), |node| self.membership.acked(node))
    }

    /// Own time after which no earlier leader can have had contact with a majority; `None` while that is not known of one.
    ///
    /// It is found once per leadership, with the voters of its beginning, and holds from then on: an earlier leader cannot
    /// have heard of changes that this one made without having been deposed by them. Contact with voters of before the last
    /// change that came *before* this leadership counts as having lasted until this node saw the change.
    pub(crate) fn past_contact(&mut self) -> Option<Time> {
        if self.past.is_some() {
            return self.past;
        }
        let seat = self.seat()?;
        if self.led_from.is_none_or(|first| seat.committed() < first) {
            return None;
        }
        let voters = &seat.voters().voters;
        let acks = voters.iter().filter_map(|v| self.voter_past_ack(*v)).collect();
        self.past = majority_let_go(acks, voters.len()).map(|at| at.max(self.membership.voters_changed_at()));
        self.past
    }

    fn voter_past_ack(&self, voter: VoterId) -> Option<Time> {
        if voter == self.config.voter {
            return Some(self.membership.past_ack());
        }
        if let Some(hosted) = self.arbiter.hosted().filter(|h| h.replica.id() == voter) {
            let taken = if self.config.sabotage.forget_takeover { Time(0) } else { hosted.since };
            return Some(self.membership.past_ack().max(taken));
        }
        let node = self.state().nodes.values().find(|n| n.voter == voter).map(|n| n.id);
        node.map_or_else(|| self.membership.witness_past_ack(voter), |node| self.membership.peer_past_ack(node))
    }

    /// Which node a voter is on, as far as this one knows.
    pub(crate) fn node_of(&self, voter: VoterId) -> Option<NodeId> {
        if let Some(node) = self.state().nodes.values().find(|n| n.voter == voter) {
            return Some(node.id);
        }
        if self.arbiter.hosted().is_some_and(|h| h.replica.id() == voter) {
            return Some(self.config.node);
        }
        if let Some(seen) = self.membership.witness().filter(|w| w.voter == voter) {
            return Some(seen.host);
        }
        if self.state().quorum.witness.as_ref().is_some_and(|w| w.voter == voter) {
            return None;
        }
        self.routes.get(&voter).copied()
    }

    /// The nodes that this one is in contact with, itself included.
    #[must_use]
    pub fn reachable(&self) -> BTreeSet<NodeId> {
        self.state().nodes.keys().copied().filter(|id| self.is_reachable(*id)).collect()
    }

    /// Is this node in contact with that one?
    pub(crate) fn is_reachable(&self, id: NodeId) -> bool {
        let is_recent = |at: Time| self.now.since(at) < self.detection();
        id == self.config.node || self.membership.last_heard(id).is_some_and(is_recent)
    }

    /// Where the witness votes, as far as this node knows: the node and the epoch.
    #[must_use]
    pub fn witness_host(&self) -> Option<(NodeId, u64)> {
        if let Some(hosted) = self.arbiter.hosted() {
            return Some((self.config.node, hosted.epoch));
        }
        let seen = self.membership.witness()?;
        (self.now.since(seen.heard) < self.detection()).then_some((seen.host, seen.epoch))
    }

    /// The leader's judgement of the witness. A leader that is new, or a witness that has just moved, gets some patience
    /// before it counts as lost.
    pub(crate) fn witness_health(&self) -> WitnessHealth {
        let Some(witness) = &self.state().quorum.witness else { return WitnessHealth::Lost };
        let patience = Millis(self.detection().0 * WITNESS_PATIENCE);
        let is_recent = |at: Time| self.now.since(at) < patience;
        if self.voter_acked(witness.voter).is_some_and(is_recent) {
            return WitnessHealth::Well;
        }
        let hosted = self.arbiter.hosted().filter(|h| h.replica.id() == witness.voter).map(|h| h.since);
        let leads = self.time_base.map(|(_, own)| own);
        let spoke = self.membership.witness().filter(|w| w.voter == witness.voter).map(|w| w.heard);
        let ended = self.arbiter.lost_at();
        if [hosted, leads, spoke, ended].into_iter().flatten().any(is_recent) {
            WitnessHealth::Unknown
        } else {
            WitnessHealth::Lost
        }
    }
}

/// How the witness is, as the leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WitnessHealth {
    /// It has acknowledged not long ago.
    Well,
    /// It has not, but has not had the time either.
    Unknown,
    /// It has not for long.
    Lost,
}
