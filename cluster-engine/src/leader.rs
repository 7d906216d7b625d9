//! What only the leader does: propose, declare nodes down, fence them, keep the set of voters, watch deadlines.

use crate::engine::Engine;
use crate::event::{Effect, PeerBody};
use crate::id::NodeId;
use crate::membership::fence_length;
use crate::replica::{VoterChange, VoterId};
use crate::state::{Command, LogBatch, NodeState};
use crate::time::Time;

/// What the leader has asked for and not yet seen applied, so that it asks once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Duties {
    tick: Option<u64>,
    down: std::collections::BTreeMap<NodeId, u64>,
    fence: std::collections::BTreeMap<NodeId, u64>,
}

impl Engine {
    pub(crate) fn lead(&mut self) {
        if !self.replica.is_leader() || self.state.is_none() {
            return;
        }
        self.watch_deadlines();
        self.watch_nodes();
        self.keep_voters();
        self.propose();
        if self.is_leaving() {
            self.hand_over_leadership();
        }
    }

    /// Cluster time has come to something.
    fn watch_deadlines(&mut self) {
        let now = self.cluster_time();
        let is_due = self.state().next_deadline().is_some_and(|due| due <= now);
        if is_due && self.duties.tick.is_none_or(|s| !self.requests.is_waiting(s)) {
            self.duties.tick = self.requests.add(Command::Tick { at: now }, None, None);
        }
    }

    /// Declares silent nodes down, and fenced when that is certain.
    fn watch_nodes(&mut self) {
        let me = self.config.node;
        let detection = self.detection();
        let voters: Vec<NodeId> = self.replica.voters().voters.iter().filter_map(|v| self.node_of(*v)).collect();
        let past = self.membership.past_contact(me, &voters);
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

    /// Every node of the state is a voter; a new one learns first. One change at a time.
    fn keep_voters(&mut self) {
        let present = self.replica.voters();
        let wanted: Vec<VoterId> = self.state().nodes.values().map(|n| n.voter).collect();
        let me = self.config.voter;
        let gone = present.voters.iter().chain(&present.learners).find(|v| !wanted.contains(v));
        let new = wanted.iter().find(|v| !present.has(**v));
        let change = match (gone, new, present.learners.first()) {
            (Some(gone), _, _) if *gone == me => return self.hand_over_leadership(),
            (Some(gone), _, _) => VoterChange::Remove(*gone),
            (None, Some(new), _) => VoterChange::AddLearner(*new),
            (None, None, Some(learner)) => VoterChange::Promote(*learner),
            (None, None, None) => return,
        };
        // Refused while another change is under way, or the learner is behind: it is asked again at the next step.
        if self.replica.change_voters(change).is_ok() {
            self.note_voters(change);
        }
    }

    fn note_voters(&mut self, change: VoterChange) {
        let text = format!("Change of voters proposed: {change:?}.");
        self.note(crate::notice::Level::Debug, crate::notice::Component::Quorum, text);
    }

    /// Many waiting proposals go into one entry, and the next entry waits until the disk has the last one.
    fn propose(&mut self) {
        while !self.queue.is_empty() && self.replica.can_take_proposals() {
            let proposals = self.queue.next_entry();
            let at = self.cluster_time();
            let bytes = postcard::to_stdvec(&LogBatch { at, proposals }).expect("proposals are serializable");
            if self.replica.propose(bytes).is_err() {
                // What was taken out comes again from its proposers.
                self.queue.clear();
                return;
            }
            self.has_proposed = true;
        }
    }

    /// Gives leadership to the voter that is furthest, when there is another one that is heard and stays.
    pub(crate) fn hand_over_leadership(&mut self) {
        if !self.replica.is_leader() {
            return;
        }
        let me = self.config.voter;
        let is_heard = |v: &VoterId| {
            let Some(node) = self.node_of(*v) else { return false };
            let stays = self.state().nodes.get(&node).is_some_and(|n| n.state == NodeState::Up && !n.leaving);
            let heard = self.membership.last_heard(node).unwrap_or(Time(0));
            stays && self.now.since(heard) < self.detection()
        };
        let voters = self.replica.voters().voters;
        let best = voters
            .into_iter()
            .filter(|v| *v != me && is_heard(v))
            .max_by_key(|v| (self.replica.matched(*v), std::cmp::Reverse(*v)));
        if let Some(best) = best {
            // Refused when it is under way already.
            let _ = self.replica.transfer(best);
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
            if self.replica.is_leader() {
                self.queue.take_in(proposals);
                self.propose();
            }
        } else {
            self.push(Effect::Send { to: leader, message: self.says(PeerBody::Proposals(proposals)) });
        }
    }
}
