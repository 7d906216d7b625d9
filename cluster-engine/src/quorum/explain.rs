//! The votes in sentences: who has one and why not, how many are needed, and what the next failure would do.
//!
//! The sentences are computed by playing each failure through the rules, never by a rule of thumb of their own; so they
//! say what the cluster would do.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Voter, Votes};
use super::rules::{Standing, WitnessAccess, needed, rebalance, standing};
use crate::id::NodeId;

/// What the votes mean now, for `cluster quorum show` and the dashboard: the votes in force and who has none, how many are
/// needed and present, what each single failure would come to, and how many may fail at the same moment.
///
/// `up` are the nodes of the part of the cluster that is asked, `witness_healthy` says that it can use the witness, and
/// `name` gives the name of a node as people know it.
#[must_use]
pub fn explain(
    votes: &Votes,
    up: &BTreeSet<NodeId>,
    witness_healthy: bool,
    name: &dyn Fn(NodeId) -> String,
) -> Vec<String> {
    let seen = Seen { votes, up, witness_healthy, name };
    let mut sentences = vec![seen.in_force()];
    sentences.extend(seen.without_vote());
    sentences.push(seen.standing());
    if seen.is_running() {
        sentences.extend(seen.failures());
        sentences.push(seen.spare());
        if !votes.dynamic_quorum {
            sentences.push("Dynamic quorum is off: the votes stay as they are, whoever fails.".to_owned());
        }
    }
    sentences
}

struct Seen<'a> {
    votes: &'a Votes,
    up: &'a BTreeSet<NodeId>,
    witness_healthy: bool,
    name: &'a dyn Fn(NodeId) -> String,
}

impl Seen<'_> {
    fn in_force(&self) -> String {
        let voters = self.votes.voters();
        let total = self.votes.total();
        format!("{} in force: {}.", counted(total, "vote is", "votes are"), self.listed(voters, "and"))
    }

    /// Who has no vote, with the reason.
    fn without_vote(&self) -> Option<String> {
        let nodes = self.votes.nodes.iter().filter(|(id, _)| !self.votes.has_vote(**id)).map(|(id, node)| {
            let why = match (node.weight, self.up.contains(id)) {
                (false, _) if !self.votes.model().has_node_votes() => "the disk alone votes",
                (false, _) => "NodeWeight 0",
                (true, false) => "not up",
                (true, true) => "given up, so that the number of votes is odd",
            };
            format!("{} ({why})", (self.name)(*id))
        });
        let witness = self.votes.witness.filter(|w| !w.dynamic).map(|w| {
            let why =
                if self.witness_healthy { "not needed, the nodes' votes are odd in number" } else { "not usable" };
            format!("the {} ({why})", w.kind)
        });
        let all: Vec<String> = nodes.chain(witness).collect();
        (!all.is_empty()).then(|| format!("Without a vote now: {}.", all.join(", ")))
    }

    fn standing(&self) -> String {
        let (total, needed) = (self.votes.total(), needed(self.votes));
        let head = format!("Quorum takes {needed} of {total}, more than half; present: {}.", self.present());
        let tail = match standing(self.votes, self.up, self.access()) {
            Standing::Keeps => " Quorum is kept.",
            Standing::NeedsWitness => " Quorum is kept as long as the witness is owned here.",
            Standing::Lost => " Quorum is lost: every resource here is terminated (event 1177).",
        };
        head + tail
    }

    /// One sentence for all voters and nodes whose failure comes to the same.
    fn failures(&self) -> Vec<String> {
        let nodes = self.up.iter().filter(|id| self.votes.nodes.contains_key(id)).map(|id| Voter::Node(*id));
        let witness = self.votes.witness.filter(|_| self.witness_healthy).map(|w| Voter::Witness(w.kind));
        let mut by_outcome: BTreeMap<Option<(usize, usize)>, BTreeSet<Voter>> = BTreeMap::new();
        for voter in nodes.chain(witness) {
            by_outcome.entry(self.outcome(voter)).or_default().insert(voter);
        }
        let sentence = |(outcome, voters): (Option<(usize, usize)>, BTreeSet<Voter>)| {
            let who = self.listed(voters, "or");
            match outcome {
                None => format!("If {who} fails next, the cluster stops."),
                Some((total, needed)) => {
                    let then = counted(total, "vote is", "votes are");
                    format!("If {who} fails next, the cluster goes on; then {then} in force and {needed} needed.")
                }
            }
        };
        by_outcome.into_iter().rev().map(sentence).collect()
    }

    /// The votes in force and needed after a failure, or that there is no cluster any more.
    fn outcome(&self, lost: Voter) -> Option<(usize, usize)> {
        let mut up = self.up.clone();
        let mut witness_healthy = self.witness_healthy;
        match lost {
            Voter::Node(id) => {
                up.remove(&id);
            }
            Voter::Witness(_) => witness_healthy = false,
        }
        match standing(self.votes, &up, access(witness_healthy)) {
            Standing::Lost => None,
            Standing::Keeps | Standing::NeedsWitness => {
                let next = rebalance(self.votes, &up, witness_healthy);
                Some((next.total(), needed(&next)))
            }
        }
    }

    fn spare(&self) -> String {
        match self.present().saturating_sub(needed(self.votes)) {
            0 => "No vote may be lost at this moment.".to_owned(),
            1 => "At the same moment 1 vote may be lost, not more.".to_owned(),
            spare => format!("At the same moment {spare} votes may be lost, not more."),
        }
    }

    fn is_running(&self) -> bool {
        standing(self.votes, self.up, self.access()) != Standing::Lost
    }

    fn present(&self) -> usize {
        let witness = self.witness_healthy && self.votes.witness_has_vote();
        self.up.iter().filter(|id| self.votes.has_vote(**id)).count() + usize::from(witness)
    }

    fn access(&self) -> WitnessAccess {
        access(self.witness_healthy)
    }

    fn listed(&self, voters: BTreeSet<Voter>, word: &str) -> String {
        let names: Vec<String> = voters
            .into_iter()
            .map(|voter| match voter {
                Voter::Node(id) => (self.name)(id),
                Voter::Witness(kind) => format!("the {kind}"),
            })
            .collect();
        match names.split_last() {
            None => "nobody".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
        }
    }
}

fn access(witness_healthy: bool) -> WitnessAccess {
    if witness_healthy { WitnessAccess::Reachable } else { WitnessAccess::Unreachable }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
