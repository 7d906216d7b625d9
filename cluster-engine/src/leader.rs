//! What only the leader does: propose, declare nodes down, fence them, keep the set of voters, watch deadlines.

use crate::engine::Engine;
use crate::event::{Effect, PeerBody};
use crate::id::NodeId;
use crate::membership::fence_length;
use crate::quorum::Witness;
use crate::replica::{Replica, VoterId};
use crate::state::{Command, LogBatch, NodeState};
use crate::time::{Millis, Time};

/// Leadership is handed over at most so many times within a detection time.
const HAND_OVERS_PER_DETECTION: u64 = 4;

/// What the leader has asked for and not yet seen applied, so that it asks once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Duties {
    tick: Option<u64>,
    down: std::collections::BTreeMap<NodeId, u64>,
    fence: std::collections::BTreeMap<NodeId, u64>,
    /// When leadership was last handed over: not again at once, so that two voters never play ball with it.
    handed_over: Option<Time>,
}

impl Duties {
    pub(crate) fn handed_over(&self) -> Option<Time> {
        self.handed_over
    }

    /// The brake outlives a leadership: two voters of one node may be playing.
    pub(crate) fn keep_handed_over(&mut self, at: Option<Time>) {
        self.handed_over = at;
    }

    /// Everything that was asked for, when leadership ends.
    fn take_all(&mut self) -> Vec<u64> {
        let Duties { tick, down, fence, handed_over: _ } = std::mem::take(self);
        tick.into_iter().chain(down.into_values()).chain(fence.into_values()).collect()
    }
}

impl Engine {
    /// Leadership came or went. What a former leader wanted as the leader must not reach the next one: it knows the others
    /// only as they were when it led.
    pub(crate) fn drop_duties(&mut self) {
        for sequence in self.duties.take_all() {
            self.requests.withdraw(sequence);
        }
    }

    pub(crate) fn lead(&mut self) {
        if !self.is_leader() || self.state.is_none() {
            return;
        }
        self.watch_deadlines();
        self.watch_nodes();
        self.keep_voters();
        self.propose();
        // The witness leads where it alone has a vote; elsewhere only until a node can.
        let leads_by_witness = self.led.is_some_and(|(voter, _)| voter != self.config.voter);
        if self.is_leaving() || (leads_by_witness && self.state().quorum.model.has_node_votes()) {
            self.hand_over_leadership();
        }
    }

    /// Cluster time has come to something.
    fn watch_deadlines(&mut self) {
        let now = self.cluster_time();
        if self.due.0 != self.state().applied {
            self.due = (self.state().applied, self.state().next_deadline());
        }
        let is_due = self.due.1.is_some_and(|due| due <= now);
        if is_due && self.duties.tick.is_none_or(|s| !self.requests.is_waiting(s)) {
            self.duties.tick = self.requests.add(Command::Tick { at: now }, None, None);
        }
    }

    /// Declares silent nodes down, and fenced when that is certain.
    fn watch_nodes(&mut self) {
        // Without contact to a majority a leader knows nothing of who is alive: it may just have woken up.
        if !self.is_quorate(self.now) {
            return;
        }
        let me = self.config.node;
        let detection = self.detection();
        let past = self.past_contact();
        let mut commands = Vec::new();
        for node in self.state().nodes.values().filter(|n| n.id != me && n.incarnation != 0) {
            let (id, incarnation, down_at) = (node.id, node.incarnation, node.down_at);
            let heard = self.membership.last_heard(id).unwrap_or(self.membership.started());
            match node.state {
                NodeState::Up | NodeState::Joining => {
                    if self.now.since(heard) >= detection && !self.is_asked(self.duties.down.get(&id)) {
                        commands.push((id, Command::NodeDown { node: id, incarnation }));
                    }
                }
                NodeState::Down if node.fenced => {}
                NodeState::Down => {
                    // The lease of a life that has ended is still in force for what its monitors run.
                    let last_proof = past.map(|past| past.max(heard));
                    let is_safe = last_proof.is_some_and(|t| self.now >= t + fence_length(detection));
                    if (is_safe || self.config.sabotage.no_fence_delay) && !self.is_asked(self.duties.fence.get(&id)) {
                        commands.push((id, Command::NodeFenced { node: id, incarnation, down_at }));
                    }
                }
            }
        }
        for (id, command) in commands {
            let is_down = matches!(command, Command::NodeDown { .. });
            let Some(sequence) = self.requests.add(command, None, None) else { continue };
            let asked = if is_down { &mut self.duties.down } else { &mut self.duties.fence };
            asked.insert(id, sequence);
        }
    }

    fn is_asked(&self, sequence: Option<&u64>) -> bool {
        sequence.is_some_and(|s| self.requests.is_waiting(*s))
    }

    /// Many waiting proposals go into one entry, and the next entry waits until the disk has the last one.
    fn propose(&mut self) {
        while !self.queue.is_empty() && self.seat().is_some_and(Replica::can_take_proposals) {
            let proposals = self.queue.next_entry();
            let at = self.cluster_time();
            let bytes = postcard::to_stdvec(&LogBatch { at, proposals }).expect("proposals are serializable");
            if self.seat_mut().is_none_or(|seat| seat.propose(bytes).is_err()) {
                // What was taken out comes again from its proposers.
                self.queue.clear();
                return;
            }
            self.has_proposed = true;
        }
    }

    /// Gives leadership to the voter that is furthest, when there is another one that is heard and stays. A node's own
    /// voter comes before the witness, which leads only where it has to.
    pub(crate) fn hand_over_leadership(&mut self) {
        let Some(seat) = self.seat() else { return };
        let (leads, voters) = (seat.id(), seat.voters().voters.clone());
        let own = self.config.voter;
        let is_heard = |v: &VoterId| {
            let Some(node) = self.node_of(*v) else { return false };
            if node == self.config.node {
                return !self.is_leaving();
            }
            let stays = self.state().nodes.get(&node).is_some_and(|n| n.state == NodeState::Up && !n.leaving);
            let heard = self.membership.last_heard(node).unwrap_or(Time(0));
            stays && self.now.since(heard) < self.detection()
        };
        let nodes_vote = self.state().quorum.model.has_node_votes();
        let is_witness = |v: &VoterId| self.state().quorum.witness.as_ref().is_some_and(|w| w.voter == *v);
        let can_lead = |v: &VoterId| {
            !is_witness(v) || self.state().quorum.witness.as_ref().is_some_and(|w| w.kind == Witness::Disk)
        };
        let best = voters
            .into_iter()
            .filter(|v| *v != leads && is_heard(v) && can_lead(v))
            .max_by_key(|v| (is_witness(v) != nodes_vote, *v == own, seat.matched(*v), std::cmp::Reverse(*v)));
        let Some(best) = best else { return };
        let brake = Millis(self.detection().0 / HAND_OVERS_PER_DETECTION);
        if self.duties.handed_over.is_some_and(|at| self.now.since(at) < brake) {
            return;
        }
        self.duties.handed_over = Some(self.now);
        // The witness hands over to nodes only: with a disk alone there is nobody else, and it goes on.
        if let Some(seat) = self.seat_mut() {
            // Refused when it is under way already.
            let _ = seat.transfer(best);
        }
    }

    /// Sends this node's waiting requests to whoever leads.
    pub(crate) fn send_requests(&mut self) {
        let Some(leader) = self.leader() else { return };
        let proposals = self.requests.due(self.now, self.resend_after());
        if proposals.is_empty() {
            return;
        }
        if leader == self.config.node {
            if self.is_leader() {
                self.queue.take_in(proposals);
                self.propose();
            }
        } else {
            self.push(Effect::Send { to: leader, message: self.says(PeerBody::Proposals(proposals)) });
        }
    }
}
