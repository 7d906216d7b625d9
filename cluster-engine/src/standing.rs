//! A node's standing in the cluster: does it hold a lease, is it a member, is it leaving?
//!
//! When the lease runs out the node terminates everything of its own accord and says event 1177. When it is back it first
//! reports what it did ([`Command::ResourcesLost`], or a fresh [`Command::NodeStarted`] when it was declared down
//! meanwhile), waits until that is part of the state, and only then starts anything again. So the state never believes
//! that something runs which was terminated, and nothing is started twice.

use crate::engine::Engine;
use crate::event::Effect;
use crate::executor;
use crate::notice::{Component, Level};
use crate::quorum;
use crate::state::{Command, Resource};
use crate::time::{Millis, Time};

/// Where a node stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// The lease held when it was last looked at.
    has_lease: bool,
    /// The state includes everything that was committed when the lease was granted anew.
    has_caught_up: bool,
    /// Something was terminated for want of a lease, and that is not part of the state yet.
    has_lapsed: bool,
    /// The request that tells the others: a start, or what was lost.
    telling: Option<u64>,
    leaving: Leaving,
    /// While stopping: how long at most it waits for its vote to be taken.
    vote_until: Option<Time>,
    /// It was said, or never will be, that no cluster can be formed.
    has_told_unformed: bool,
}

/// After so many detection times without a cluster a starting service says what is missing.
const UNFORMED_DETECTIONS: u64 = 5;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Leaving {
    #[default]
    No,
    /// NodeLeaving was asked for; groups move away or stop.
    Asked,
    /// NodeLeft was asked for.
    Telling(u64),
    Done,
}

impl Standing {
    /// May anything be started?
    pub(crate) fn may_run(&self) -> bool {
        self.has_lease && self.has_caught_up && !self.has_lapsed && self.telling.is_none()
    }
}

impl Engine {
    /// Looks at lease and membership, and acts.
    pub(crate) fn keep_standing(&mut self) {
        let holds = self.rejoining.is_none()
            && (self.is_quorate(self.now) || self.config.sabotage.ignore_lease && self.standing.has_lease);
        if self.standing.has_lease && !holds {
            self.lose_lease();
        } else if !self.standing.has_lease && holds {
            self.standing.has_lease = true;
            self.note(Level::Information, Component::Quorum, "This node is in contact with a majority of the cluster.");
        }
        if holds && !self.standing.has_caught_up {
            self.standing.has_caught_up = self.state().applied >= self.must_have_applied();
        }
        self.tell_unformed(holds);
        if self.standing.telling.is_some_and(|s| !self.requests.is_waiting(s)) {
            self.standing.telling = None;
        }
        self.tell();
        self.leave();
    }

    fn lose_lease(&mut self) {
        self.standing.has_lease = false;
        self.standing.has_caught_up = false;
        let mut notice = self.notice(
            Level::Critical,
            Component::Quorum,
            "Quorum was lost: no contact with a majority of the cluster. Every resource on this node is terminated.",
        );
        notice.event = Some(1177);
        notice.why = vec![format!(
            "the last proof of contact is older than {} ms (SameSubnetDelay x SameSubnetThreshold)",
            self.detection().0
        )];
        self.push(Effect::Notice(notice));
        if self.executor.is_active() {
            self.standing.has_lapsed = true;
            let mut calls = Vec::new();
            self.executor.end_all(&mut calls);
            for call in calls {
                self.push(call);
            }
        }
    }

    /// A service that has been up for a while and neither joins nor forms says what is missing (event 5398), once.
    fn tell_unformed(&mut self, holds: bool) {
        let patience = Millis(self.detection().0 * UNFORMED_DETECTIONS);
        if holds {
            self.standing.has_told_unformed = true;
        }
        if self.standing.has_told_unformed || self.now.since(self.membership.started()) < patience {
            return;
        }
        self.standing.has_told_unformed = true;
        let Some(state) = &self.state else { return };
        let (votes, part) = (state.votes(), self.reachable());
        let needed = quorum::needed(&votes);
        let available = part.iter().filter(|id| votes.has_vote(**id)).count();
        let voters: Vec<String> = self.replica.voters().voters.iter().map(|v| state.voter_name(*v)).collect();
        let text = format!(
            "The cluster cannot be formed: the newest database is not among the nodes that are here. Votes required: {needed}; \
             available: {available}; who has one: {}.",
            voters.join(", ")
        );
        let mut notice = self.notice(Level::Error, Component::Quorum, text);
        notice.event = Some(5398);
        notice.why = vec![
            "start the other nodes, or mend the network".to_owned(),
            "if they are gone for good: cluster node start NAME --force-quorum".to_owned(),
        ];
        self.push(Effect::Notice(notice));
    }

    /// Tells the others that this life has started, or has lost its resources.
    fn tell(&mut self) {
        if !self.standing.has_lease
            || !self.standing.has_caught_up
            || self.standing.telling.is_some()
            || self.standing.leaving != Leaving::No
        {
            return;
        }
        let Some(state) = &self.state else { return };
        if !state.nodes.contains_key(&self.config.node) || state.is_quarantined(self.config.node) {
            return;
        }
        let (node, incarnation) = (self.config.node, self.config.incarnation);
        let is_member = executor::is_member(state, node, incarnation);
        if (is_member && !self.standing.has_lapsed) || self.executor.is_active() {
            return;
        }
        let command = if is_member {
            Command::ResourcesLost { node, incarnation }
        } else {
            let (address, version) = (self.config.address.clone(), self.config.version.clone());
            Command::NodeStarted { node, incarnation, address, version }
        };
        self.standing.has_lapsed = false;
        self.standing.telling = self.requests.add(command, None, None);
    }

    /// The service was told to stop.
    pub(crate) fn stop(&mut self) {
        if self.standing.leaving != Leaving::No {
            return;
        }
        self.standing.leaving = Leaving::Asked;
        let drain = self.state().config.drain_on_shutdown;
        let (node, incarnation) = (self.config.node, self.config.incarnation);
        self.requests.add(Command::NodeLeaving { node, incarnation, drain }, None, None);
        self.hand_over_leadership();
    }

    fn leave(&mut self) {
        let (node, incarnation) = (self.config.node, self.config.incarnation);
        match self.standing.leaving {
            Leaving::No | Leaving::Done => {}
            Leaving::Asked => {
                let state = self.state();
                let is_member = executor::is_member(state, node, incarnation);
                let is_leaving = state.nodes.get(&node).is_some_and(|n| n.leaving);
                // What was terminated for want of a lease is not waited for: the others hear that the node has left.
                let is_here = |r: &Resource| state.groups.get(&r.group).is_some_and(|g| g.owner == node);
                let owns_active =
                    !self.standing.has_lapsed && state.resources.values().any(|r| r.state.is_active() && is_here(r));
                if !self.standing.has_lease || !is_member {
                    // Nobody to tell. What runs here ends here.
                    let mut calls = Vec::new();
                    self.executor.end_all(&mut calls);
                    for call in calls {
                        self.push(call);
                    }
                    if !self.executor.is_active() {
                        self.finish_leaving();
                    }
                } else if is_leaving
                    && !owns_active
                    && !self.executor.is_active()
                    && !self.waits_for_vote()
                    && let Some(sequence) = self.requests.add(Command::NodeLeft { node, incarnation }, None, None)
                {
                    self.standing.leaving = Leaving::Telling(sequence);
                }
            }
            Leaving::Telling(sequence) => {
                if !self.requests.is_waiting(sequence) || !self.standing.has_lease {
                    self.finish_leaving();
                }
            }
        }
    }

    /// A node that stops in an orderly way lets its vote be taken first, while it is there to agree (reference 7.5). It
    /// does not wait for ever: a vote that cannot be taken is lost with the node, as with a crash.
    fn waits_for_vote(&mut self) -> bool {
        let until = *self.standing.vote_until.get_or_insert(self.now + Millis(self.detection().0 * 2));
        let others = self.state().up_nodes().iter().any(|n| *n != self.config.node);
        let has_vote = self.replica.voters().voters.contains(&self.config.voter);
        let is_sole = !self.state().config.dynamic_quorum || !others;
        has_vote && !is_sole && self.now < until
    }

    fn finish_leaving(&mut self) {
        self.standing.leaving = Leaving::Done;
        self.give_up_witness("the service stops");
        self.push(Effect::Stopped);
    }

    /// Is the service on its way out?
    pub(crate) fn is_leaving(&self) -> bool {
        self.standing.leaving != Leaving::No
    }
}
