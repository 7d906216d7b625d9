//! Where the witness should be: what the situation asks of this node. The arbiter acts on it.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::executor;
use crate::id::{Guid, NodeId};
use crate::quorum::{Standing, WitnessAccess, standing};
use crate::state::{ClusterState, NodeState, ResourceState};
use crate::time::Millis;

/// Nodes that are not the first choice fight for the witness after so many detection times without quorum,
const OTHERS_WAIT: u64 = 4;
/// and each after the one before it so many later.
const OTHERS_WAIT_EACH: u64 = 2;

/// What the situation asks of this node.
pub(crate) enum Wish {
    /// Host the witness; the sentences say why.
    Host(Vec<String>),
    /// Go on hosting it if it is here, do not fight for it otherwise.
    Keep,
    /// Go on hosting it, but give the device free for whoever is to have it.
    Free,
    /// It does not belong here; the sentence says why.
    Leave(&'static str),
}

impl Engine {
    pub(crate) fn wish(&self) -> Wish {
        let state = self.state();
        let Some(witness) = &state.quorum.witness else { return Wish::Keep };
        if self.rejoining.is_some() {
            return Wish::Leave("this node rejoins another line of descent");
        }
        if self.is_leaving() && self.arbiter.hosted().is_none() {
            return Wish::Leave("the service stops");
        }
        if self.is_quorate(self.now) {
            return self.wish_with_quorum(state, witness.resource);
        }
        self.wish_without_quorum(state)
    }

    /// There is quorum: the witness belongs to the owner of the quorum resource. But a vote without which there would be no
    /// quorum stays where it is until its next host has taken it: then only the device is given free, and the raised epoch
    /// ends it here.
    fn wish_with_quorum(&self, state: &ClusterState, resource: Guid) -> Wish {
        let Some(resource) = state.resources.get(&resource) else { return Wish::Leave("there is no quorum resource") };
        let owner = state.quorum_owner();
        // While nothing is under way here the two come to the same.
        let may_leave = || self.arbiter.is_busy() && !self.counts_on_witness(state);
        let leave = |why| if may_leave() { Wish::Leave(why) } else { Wish::Free };
        if owner == Some(self.config.node) {
            let is_member = executor::is_member(state, self.config.node, self.config.incarnation);
            return match resource.state {
                ResourceState::Online if is_member && !self.is_leaving() => {
                    Wish::Host(vec!["this node owns the quorum resource, which is online".to_owned()])
                }
                ResourceState::OfflineCallIssued
                | ResourceState::OfflinePending
                | ResourceState::Terminating
                | ResourceState::Failed
                    if is_member =>
                {
                    leave("the quorum resource goes offline here")
                }
                ResourceState::Online
                | ResourceState::OfflineCallIssued
                | ResourceState::OfflinePending
                | ResourceState::Terminating
                | ResourceState::Failed
                | ResourceState::Offline
                | ResourceState::WaitingToComeOnline
                | ResourceState::OnlineCallIssued
                | ResourceState::OnlinePending
                | ResourceState::WaitingToGoOffline
                | ResourceState::DelayRestartingResource => Wish::Keep,
            };
        }
        // An owner that has fallen silent has no claim, whether or not it was declared down yet.
        let is_up = |n: NodeId| state.nodes.get(&n).is_some_and(|n| n.state == NodeState::Up && !n.leaving);
        let is_claimed = || owner.is_some_and(|o| is_up(o) && self.is_reachable(o));
        let comes_online = matches!(
            resource.state,
            ResourceState::OnlineCallIssued | ResourceState::OnlinePending | ResourceState::Online
        );
        if comes_online && is_claimed() { leave("the quorum resource belongs to another node") } else { Wish::Keep }
    }

    /// Would there be no quorum without the vote of the witness?
    fn counts_on_witness(&self, state: &ClusterState) -> bool {
        standing(&state.votes_in_force(), &self.reachable(), WitnessAccess::Unreachable) != Standing::Keeps
    }

    /// There is none: fight for the witness where exactly its vote is missing.
    fn wish_without_quorum(&self, state: &ClusterState) -> Wish {
        let part = self.reachable();
        let votes = state.votes_in_force();
        let access = if self.arbiter.hosted().is_some() { WitnessAccess::Owned } else { WitnessAccess::Reachable };
        match standing(&votes, &part, access) {
            Standing::Keeps => Wish::Keep,
            Standing::Lost => Wish::Leave("its vote would not make a majority here"),
            Standing::NeedsWitness => {
                let has_waited = self.now.since(self.membership.started()) >= self.detection();
                let is_elsewhere = self.witness_host().is_some_and(|(host, _)| host != self.config.node);
                if self.prevented || is_elsewhere || !has_waited || self.leader_is_heard() {
                    return Wish::Keep;
                }
                if !self.is_candidate(state, &part) {
                    return Wish::Keep;
                }
                let total = votes.total();
                Wish::Host(vec![
                    format!("{} of {total} votes are here, and the witness has the one that is missing", {
                        part.iter().filter(|n| votes.has_vote(**n)).count()
                    }),
                    "this node fights for it: it owned the quorum resource, or has the lowest id here".to_owned(),
                ])
            }
        }
    }

    /// Is this node the one that fights for the witness? The owner of the quorum resource, if it is in this part, else the
    /// one with the lowest id. Nodes that have missed something may each believe that of another one: so after a while the
    /// others try too, one after the other.
    fn is_candidate(&self, state: &ClusterState, part: &BTreeSet<NodeId>) -> bool {
        let owner = state.quorum_owner().filter(|o| part.contains(o));
        if owner.or_else(|| part.first().copied()) == Some(self.config.node) {
            return true;
        }
        let rank = part.iter().take_while(|n| **n != self.config.node).count() as u64;
        let patience = Millis(self.detection().0 * (OTHERS_WAIT + rank * OTHERS_WAIT_EACH));
        self.arbiter.needed_since.is_some_and(|since| self.now.since(since) >= patience)
    }

    /// Remembers since when exactly the vote of the witness is missing here.
    pub(crate) fn note_need(&mut self) {
        let state = self.state();
        let is_needed = state.quorum.witness.is_some()
            && !self.is_quorate(self.now)
            && standing(&state.votes_in_force(), &self.reachable(), WitnessAccess::Reachable) == Standing::NeedsWitness;
        let since = self.arbiter.needed_since;
        self.arbiter.needed_since = if is_needed { since.or(Some(self.now)) } else { None };
    }

    fn leader_is_heard(&self) -> bool {
        self.leader().is_some_and(|l| self.reachable().contains(&l))
    }
}
