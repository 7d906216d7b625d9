//! How the leader moves votes: towards what the rules of [`quorum`](crate::quorum) want, one voter at a time.
//!
//! The set of voters of the log *is* the set of votes in force. Each step the leader works out the target from the
//! configured votes, the membership and the witness, and proposes one change: a newcomer becomes a learner, a learner that
//! has caught up gets its vote, a vote is taken, a store that is gone is removed. While quorum is forced, only the node that
//! forced it votes.

use std::collections::BTreeSet;

use crate::contact::WitnessHealth;
use crate::engine::Engine;
use crate::id::NodeId;
use crate::notice::{Component, Level};
use crate::quorum::{Change, Model, NodeVote, Voter, Votes, WitnessVote, next_change, rebalance_beside};
use crate::replica::{VoterChange, VoterId, Voters};
use crate::state::{ClusterState, NodeState};

/// What the wanted voters follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    /// What is applied to the set of voters and to the state, and who leads.
    state: (u64, u64, VoterId),
    is_hosted: bool,
    health: WitnessHealth,
}

impl Engine {
    /// Proposes the next change, if one is due. Refused while another one is under way, or a learner is behind: then it is
    /// asked for again at the next step.
    pub(crate) fn keep_voters(&mut self) {
        let Some(seat) = self.seat() else { return };
        let (present, leads) = (seat.voters(), seat.id());
        // It is asked for at every step, and the answer is nearly always that nothing is to be changed.
        let state = (seat.applied(), self.state().applied, leads);
        let basis = Basis { state, is_hosted: self.witness_host().is_some(), health: self.witness_health() };
        if self.voters_at_rest == Some(basis) {
            return;
        }
        let change = self.wanted_change(present, leads, basis);
        self.voters_at_rest = change.is_none().then_some(basis);
        let Some(change) = change else { return };
        if matches!(change, VoterChange::Demote(id) | VoterChange::Remove(id) if id == leads) {
            return self.hand_over_leadership();
        }
        let proposed = self.seat_mut().is_some_and(|seat| seat.change_voters(change).is_ok());
        if proposed {
            self.has_proposed = true;
            self.note(Level::Debug, Component::Quorum, format!("Change of voters proposed: {change:?}."));
        }
    }

    fn wanted_change(&self, present: &Voters, leads: VoterId, basis: Basis) -> Option<VoterChange> {
        let state = self.state();
        let witness = state.quorum.witness.as_ref();
        let is_hosted = basis.is_hosted;
        let belongs =
            |id: &VoterId| state.nodes.values().any(|n| n.voter == *id) || witness.is_some_and(|w| w.voter == *id);
        // What does not belong any more. Without a vote it goes at once; with one it is a step like any other.
        if let Some(gone) = present.learners.iter().find(|v| !belongs(v)) {
            return Some(VoterChange::Remove(*gone));
        }
        // A store that is to be filled: of a node that is not gone, or of the witness when somebody hosts it.
        let is_coming = |n: &&crate::state::Node| n.state != NodeState::Down && !present.has(n.voter);
        if let Some(node) = state.nodes.values().find(is_coming) {
            return Some(VoterChange::AddLearner(node.voter));
        }
        if let Some(witness) = witness.filter(|w| is_hosted && !w.is_leaving && !present.has(w.voter)) {
            return Some(VoterChange::AddLearner(witness.voter));
        }
        let has_vote = witness.is_some_and(|w| present.voters.contains(&w.voter));
        let healthy = match basis.health {
            WitnessHealth::Well => true,
            // Neither given nor taken.
            WitnessHealth::Unknown => has_vote,
            WitnessHealth::Lost => false,
        };
        let up = state.up_nodes();
        let strangers: Vec<VoterId> = present.voters.iter().filter(|v| !belongs(v)).copied().collect();
        let present_votes = votes_of(state, present);
        let leader = state.nodes.iter().find(|(_, node)| node.voter == leads).map(|(id, _)| *id);
        let wanted = target(state, &present_votes, &up, healthy, leader);
        let change = next_change(&present_votes, &wanted, &up, healthy);
        // A stranger with a vote is absent, or about to be: taking its vote comes first, unless it is the only one.
        if let Some(stranger) = strangers.first().filter(|_| present.voters.len() > 1) {
            return Some(VoterChange::Remove(*stranger));
        }
        match change? {
            Change::Give(voter) => self.voter_id(voter).map(VoterChange::Promote),
            Change::Take(voter) => self.voter_id(voter).map(VoterChange::Demote),
        }
    }

    fn voter_id(&self, voter: Voter) -> Option<VoterId> {
        match voter {
            Voter::Node(id) => self.state().nodes.get(&id).map(|n| n.voter),
            Voter::Witness(_) => self.state().quorum.witness.as_ref().map(|w| w.voter),
        }
    }
}

/// The votes that a set of voters means. Whoever is in the set has a vote in force, whether or not it is configured to have
/// one: that is what has to be taken away from it.
fn votes_of(state: &ClusterState, present: &Voters) -> Votes {
    let mut votes = state.votes();
    for (id, vote) in &mut votes.nodes {
        let is_voter = state.nodes.get(id).is_some_and(|n| present.voters.contains(&n.voter));
        *vote = NodeVote { weight: vote.weight || is_voter, dynamic: is_voter };
    }
    if let (Some(vote), Some(witness)) = (&mut votes.witness, &state.quorum.witness) {
        vote.dynamic = present.voters.contains(&witness.voter);
    }
    votes
}

/// The votes that should be in force.
fn target(
    state: &ClusterState,
    present: &Votes,
    up: &BTreeSet<NodeId>,
    healthy: bool,
    leader: Option<NodeId>,
) -> Votes {
    let configured = state.votes();
    let mut wanted = present.clone();
    for (id, vote) in &mut wanted.nodes {
        vote.weight = configured.nodes.get(id).is_some_and(|v| v.weight);
    }
    if let Some(node) = state.quorum.forced_by {
        for (id, vote) in &mut wanted.nodes {
            *vote = NodeVote { weight: true, dynamic: *id == node };
        }
        if let Some(witness) = &mut wanted.witness {
            witness.dynamic = false;
        }
        return wanted;
    }
    if state.quorum.witness.as_ref().is_some_and(|w| w.is_leaving) {
        return without_witness(state, &wanted, up, leader).unwrap_or_else(|| present.clone());
    }
    match state.quorum.model {
        Model::DiskOnly => {
            // The disk alone votes, from the moment that it has a copy. Until then everything stays.
            let can_vote = healthy || present.witness_has_vote();
            if can_vote {
                for vote in wanted.nodes.values_mut() {
                    vote.dynamic = false;
                }
                if let Some(witness) = &mut wanted.witness {
                    witness.dynamic = true;
                }
                return wanted;
            }
            present.clone()
        }
        Model::NodeMajority | Model::NodeAndDiskMajority | Model::NodeAndFileShareMajority => {
            let mut wanted = rebalance_beside(&wanted, up, healthy, leader);
            // A witness that is not there cannot be given a vote, with dynamic quorum or without.
            if let Some(witness) = &mut wanted.witness
                && !healthy
                && !present.witness_has_vote()
            {
                witness.dynamic = false;
            }
            wanted
        }
    }
}

/// The votes on the way from one witness to another quorum: those of the nodes alone, whatever comes after. `None`: no node
/// that is up could vote.
fn without_witness(
    state: &ClusterState,
    votes: &Votes,
    up: &BTreeSet<NodeId>,
    leader: Option<NodeId>,
) -> Option<Votes> {
    let weighs = |n: &crate::state::Node| n.config.weight == 1;
    let has_weights = state.nodes.values().any(weighs);
    let mut next = Votes { witness: None, ..votes.clone() };
    for (id, vote) in &mut next.nodes {
        vote.weight = !has_weights || state.nodes.get(id).is_some_and(weighs);
    }
    let mut next = rebalance_beside(&next, up, false, leader);
    next.witness = votes.witness.map(|witness| WitnessVote { dynamic: false, ..witness });
    (next.total() > 0).then_some(next)
}
