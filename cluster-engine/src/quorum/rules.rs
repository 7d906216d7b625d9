//! The rules: how many votes are needed, who keeps quorum, and how votes move when the membership does.
//!
//! With dynamic quorum the cluster takes the vote of a node that has left and gives it back on return, and it keeps the
//! number of votes odd, so that every split into two leaves one side with more than half. That is how a cluster can
//! shrink to its last node, one failure at a time. It does not help when more than half of the votes go at once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::model::{NodeVote, Voter, Votes, WitnessVote};
use crate::id::NodeId;

/// What a part of the cluster has of the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WitnessAccess {
    /// A node of this part has won the arbitration: the witness's vote is this part's.
    Owned,
    /// It answers, and may be arbitrated for.
    Reachable,
    /// It does not answer.
    Unreachable,
}

/// Where a part of the cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It has more than half of the votes.
    Keeps,
    /// Exactly the vote of the witness is missing ("one off quorum"): arbitrate, within the time there is for it.
    NeedsWitness,
    /// It has too little, and nothing it can reach would change that: it stops (event 1177).
    Lost,
}

/// How many votes keep quorum: strictly more than half of those in force (reference 7.5). With no vote in force that is
/// one, which nobody has.
#[must_use]
pub fn needed(votes: &Votes) -> usize {
    votes.total() / 2 + 1
}

/// Where the part of the cluster stands that consists of the nodes `reachable` to each other. Every node asks this after
/// each loss of contact, with the votes that were agreed on last. Ids that are no nodes of the cluster count for nothing;
/// a part without any node is `Lost`, whatever it owns.
#[must_use]
pub fn standing(votes: &Votes, reachable: &BTreeSet<NodeId>, witness: WitnessAccess) -> Standing {
    if !reachable.iter().any(|id| votes.nodes.contains_key(id)) {
        return Standing::Lost;
    }
    let own = reachable.iter().filter(|id| votes.has_vote(**id)).count();
    let with_witness = own + usize::from(votes.witness_has_vote());
    let needed = needed(votes);
    if own >= needed {
        return Standing::Keeps;
    }
    match witness {
        WitnessAccess::Owned if with_witness >= needed => Standing::Keeps,
        WitnessAccess::Reachable if with_witness >= needed => Standing::NeedsWitness,
        WitnessAccess::Owned | WitnessAccess::Reachable | WitnessAccess::Unreachable => Standing::Lost,
    }
}

/// The votes that suit the membership `up`: the target after a change of membership, or after the witness was lost or
/// came back. `witness_healthy`: this part of the cluster can use the witness.
///
/// Only a part that keeps quorum may go there. Nothing changes for one that has no node with a vote: the last vote is
/// never taken, and in a model of nodes the witness never votes alone.
///
/// The rules of reference 7.5, with dynamic quorum:
/// - A node votes when it may (`NodeWeight`) and is up.
/// - An even number of those and a healthy witness: the witness votes too. An odd number: it does not.
/// - An even number and no healthy witness: one of them gives up its vote. It is the one that
///   `LowerQuorumPriorityNodeID` names, if it is among them, and otherwise the one with the highest id. The real cluster
///   chooses by a rule that is not published (unverified); the highest id needs no memory.
///
/// Without dynamic quorum every configured vote is in force, always.
#[must_use]
pub fn rebalance(votes: &Votes, up: &BTreeSet<NodeId>, witness_healthy: bool) -> Votes {
    rebalance_beside(votes, up, witness_healthy, None)
}

/// [`rebalance`] as the leader asks for it: if it is a node, another one gives up its vote unless
/// `LowerQuorumPriorityNodeID` names the leader. One that gives up its own vote must hand over first, and its successor
/// waits for the fence of a dead node from the beginning: the groups of that node would move a detection time later.
#[must_use]
pub fn rebalance_beside(votes: &Votes, up: &BTreeSet<NodeId>, witness_healthy: bool, leader: Option<NodeId>) -> Votes {
    if !votes.dynamic_quorum {
        return configured(votes);
    }
    let mut voting: BTreeSet<NodeId> = up.iter().copied().filter(|id| may_vote(votes, *id)).collect();
    if voting.is_empty() {
        return votes.clone();
    }
    let is_even = voting.len().is_multiple_of(2);
    let witness_votes = votes.witness.is_some() && witness_healthy && is_even;
    if is_even && !witness_votes {
        let named = votes.lower_priority.filter(|id| voting.contains(id));
        let lowered = named.or_else(|| voting.iter().rfind(|id| Some(**id) != leader).copied());
        voting.retain(|id| Some(*id) != lowered);
    }
    let mut next = votes.clone();
    for (id, node) in &mut next.nodes {
        node.dynamic = voting.contains(id);
    }
    if let Some(witness) = &mut next.witness {
        witness.dynamic = witness_votes;
    }
    assert!(next.total() % 2 == 1, "dynamic quorum leaves an odd number of votes: {next:?}");
    next
}

/// The votes to agree on before `leaver` stops in an orderly way: as if it had gone already. Its vote is taken while it
/// is still there to agree, and where it held the only one of two, the other gets it (reference 7.5). Nothing changes when
/// no other node can vote: then the cluster stops with it.
#[must_use]
pub fn leave(votes: &Votes, up: &BTreeSet<NodeId>, leaver: NodeId, witness_healthy: bool) -> Votes {
    let stay: BTreeSet<NodeId> = up.iter().copied().filter(|id| *id != leaver).collect();
    rebalance(votes, &stay, witness_healthy)
}

/// One step from a configuration to another: one vote. An entry of the replicated log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Change {
    /// This one votes from now on.
    Give(Voter),
    /// This one votes no more.
    Take(Voter),
}

/// The next step from `from` towards `to`; `None` when the same votes are in force in both, and `to` can be adopted as it
/// stands with whatever else it says. `up` and `witness_healthy` are those who are there to agree.
///
/// Voters change one at a time, because then every majority of before shares a member with every majority of after: of
/// n and n + 1 votes the majorities add up to n + 2. The order keeps the change within reach of those who are present.
/// Call the votes present minus the votes absent the margin; a majority is present while it is above 0. To take an
/// absent vote or to give a present one adds one to it, the other two take one away. All that adds comes first, so the
/// margin is never lower than both at the start and at the end.
///
/// There is one exception: a witness has to lose its vote before another kind of witness can get one. To replace it when
/// the margin is 1 and it is present itself, wait until another voter is back.
#[must_use]
pub fn next_change(from: &Votes, to: &Votes, up: &BTreeSet<NodeId>, witness_healthy: bool) -> Option<Change> {
    let (before, after) = (from.voters(), to.voters());
    let is_present = |voter: &Voter| match voter {
        Voter::Node(id) => up.contains(id),
        Voter::Witness(_) => witness_healthy,
    };
    let is_replaced = |voter: &Voter| match voter {
        Voter::Node(_) => false,
        Voter::Witness(kind) => to.witness_has_vote() && to.witness.is_some_and(|w| w.kind != *kind),
    };
    let taken = || before.difference(&after).copied();
    let given = || after.difference(&before).copied();
    let mut steps = taken()
        .filter(|v| !is_present(v))
        .map(Change::Take)
        .chain(taken().filter(|v| is_present(v) && is_replaced(v)).map(Change::Take))
        .chain(given().filter(is_present).map(Change::Give))
        .chain(taken().filter(|v| is_present(v) && !is_replaced(v)).map(Change::Take))
        .chain(given().filter(|v| !is_present(v)).map(Change::Give));
    // The last vote stays until another one is there, and there are never two witnesses.
    steps.find(|step| match step {
        Change::Take(_) => before.len() > 1,
        Change::Give(Voter::Node(_)) => true,
        Change::Give(Voter::Witness(_)) => !from.witness_has_vote(),
    })
}

impl Votes {
    /// The configuration after a change: whoever is given a vote may have one and has it, whoever it is taken from keeps
    /// the right to one. A witness that is given a vote becomes the witness.
    #[must_use]
    pub fn after(&self, change: Change) -> Votes {
        let mut next = self.clone();
        match change {
            Change::Give(Voter::Node(id)) => {
                next.nodes.insert(id, NodeVote { weight: true, dynamic: true });
            }
            Change::Take(Voter::Node(id)) => {
                if let Some(node) = next.nodes.get_mut(&id) {
                    node.dynamic = false;
                }
            }
            Change::Give(Voter::Witness(kind)) => next.witness = Some(WitnessVote { kind, dynamic: true }),
            Change::Take(Voter::Witness(kind)) => {
                if let Some(witness) = next.witness.as_mut().filter(|w| w.kind == kind) {
                    witness.dynamic = false;
                }
            }
        }
        next
    }
}

fn may_vote(votes: &Votes, node: NodeId) -> bool {
    votes.nodes.get(&node).is_some_and(|n| n.weight)
}

/// Every configured vote in force.
fn configured(votes: &Votes) -> Votes {
    let mut next = votes.clone();
    for node in next.nodes.values_mut() {
        node.dynamic = node.weight;
    }
    if let Some(witness) = &mut next.witness {
        witness.dynamic = true;
    }
    next
}
