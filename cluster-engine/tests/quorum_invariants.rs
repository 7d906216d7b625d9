//! Never two clusters: every state that failures, splits, returns and single steps of votes can lead to is visited, and in
//! each of them no two parts without a common member may both keep quorum.
//!
//! Every node, and the witness, remembers the votes it agreed on last, so a node that was away brings an old
//! configuration along. A part acts on the newest one that a member of it knows. It does not need to be everybody who
//! learns of a step: any part that has more than half of the votes of before is enough.

mod quorum_votes;

use std::collections::BTreeSet;

use cluster_engine::NodeId;
use cluster_engine::quorum::{Model, Standing, Voter, Votes, WitnessAccess, leave, next_change, rebalance, standing};

use self::quorum_votes::configured;

use Model::{DiskOnly, NodeAndDiskMajority as Disk, NodeAndFileShareMajority as Share, NodeMajority as Nodes};

/// What a member knows: how new, and the votes in force as a mask.
type Known = (u8, u8);

/// What each node knows, and at the end the witness.
type Memory = Vec<Known>;

/// What the members know, and who may be part of what goes on.
type State = (Memory, u8);

/// How far the check goes.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// As `All`, and whoever was lost is not taken back into the part that goes on. What the lost ones could do together
    /// is still looked at in each state.
    NoReturn,
    /// All members of the part learn of a step; whoever was lost can return at any time.
    All,
    /// Any majority of it, and nodes also leave in an orderly way.
    AnyMajority,
}

/// The rules as tables over masks: bit 0 is node 1, the bit above the last node the witness.
struct Rules {
    nodes: u8,
    has_witness: bool,
    start: u8,
    /// `[votes][part]`: the part keeps quorum.
    keeps: Vec<Vec<bool>>,
    /// `[votes][part]`: the votes after the next step, for each way to go on.
    next: Vec<Vec<Vec<u8>>>,
}

impl Rules {
    fn new(plan: &Votes, reach: Reach) -> Rules {
        let nodes = u8::try_from(plan.nodes.len()).expect("few");
        let size = 1_u16 << (nodes + 1);
        let part = |mask: u16| {
            let up: BTreeSet<NodeId> =
                (0..u32::from(nodes)).filter(|at| mask & (1 << at) != 0).map(|at| NodeId(at + 1)).collect();
            (up, plan.witness.is_some() && mask & (1 << nodes) != 0)
        };
        let mut rules =
            Rules { nodes, has_witness: plan.witness.is_some(), start: 0, keeps: Vec::new(), next: Vec::new() };
        for votes in 0..size {
            let votes = votes_of(plan, votes);
            let keeps = |mask| {
                let (up, witness) = part(mask);
                let access = if witness { WitnessAccess::Reachable } else { WitnessAccess::Unreachable };
                standing(&votes, &up, access) != Standing::Lost
            };
            let next = |mask| {
                let (up, witness) = part(mask);
                let mut targets = vec![rebalance(&votes, &up, witness)];
                if reach == Reach::AnyMajority {
                    targets.extend(up.iter().map(|leaver| leave(&votes, &up, *leaver, witness)));
                }
                let steps = targets.iter().filter_map(|to| next_change(&votes, to, &up, witness));
                let after: BTreeSet<u8> = steps.map(|change| mask_of(&votes.after(change))).collect();
                after.into_iter().collect()
            };
            rules.keeps.push((0..size).map(keeps).collect());
            rules.next.push((0..size).map(next).collect());
        }
        let (all, witness) = part(size - 1);
        rules.start = mask_of(&rebalance(plan, &all, witness));
        rules
    }

    /// The members of a part that exist.
    fn parts(&self) -> impl Iterator<Item = u8> {
        let bits = self.nodes + u8::from(self.has_witness);
        let nodes = self.node_mask();
        (1..1_u8 << bits).filter(move |part| part & nodes != 0)
    }

    fn node_mask(&self) -> u8 {
        (1 << self.nodes) - 1
    }

    fn witness_bit(&self) -> u8 {
        1 << self.nodes
    }
}

fn mask_of(votes: &Votes) -> u8 {
    let bit = |voter| match voter {
        Voter::Node(NodeId(id)) => 1_u8 << (id - 1),
        Voter::Witness(_) => 1 << votes.nodes.len(),
    };
    votes.voters().into_iter().map(bit).sum()
}

/// The votes of which these are in force. A mask that gives a vote to whoever may have none is not one that can be: it is
/// read without those votes, and the visit asserts that no step leads there.
fn votes_of(plan: &Votes, mask: u16) -> Votes {
    let mut votes = plan.clone();
    for (at, node) in votes.nodes.values_mut().enumerate() {
        node.dynamic = node.weight && mask & (1 << at) != 0;
    }
    if let Some(witness) = &mut votes.witness {
        witness.dynamic = mask & (1 << plan.nodes.len()) != 0;
    }
    votes
}

/// The newest votes that a member of the part knows.
fn newest(memory: &Memory, part: u8) -> Known {
    let known = memory.iter().enumerate().filter(|(at, _)| part & (1 << at) != 0).map(|(_, known)| *known);
    known.max().expect("a part has a member")
}

/// Numbers the ages anew, from 0, so that states that only differ in how much happened before are the same.
fn normal(mut memory: Memory) -> Memory {
    let ages = memory.iter().fold(0_u64, |ages, known| ages | 1 << known.0);
    for known in &mut memory {
        known.0 = u8::try_from((ages & ((1 << known.0) - 1)).count_ones()).expect("at most 64");
    }
    memory
}

/// Two parts without a common member that both keep quorum.
fn two_clusters(rules: &Rules, memory: &Memory) -> Option<(u8, u8)> {
    let keeping: Vec<u8> =
        rules.parts().filter(|part| rules.keeps[usize::from(newest(memory, *part).1)][usize::from(*part)]).collect();
    keeping
        .iter()
        .enumerate()
        .find_map(|(at, one)| keeping[at + 1..].iter().find(|other| one & *other == 0).map(|other| (*one, *other)))
}

/// Visits every state and says how many there are, or tells of the first in which two clusters run.
fn visit(rules: &Rules, may_vote: u8, reach: Reach, dynamic: bool) -> Result<usize, String> {
    let members = usize::from(rules.nodes) + usize::from(rules.has_witness);
    let first: State = (vec![(0, rules.start); members], u8::MAX);
    let mut seen = BTreeSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some((memory, allowed)) = open.pop() {
        if let Some((one, other)) = two_clusters(rules, &memory) {
            return Err(format!("{one:b} and {other:b} both keep quorum; known {memory:?}"));
        }
        for part in rules.parts().filter(|part| part & !allowed == 0) {
            let (age, votes) = newest(&memory, part);
            if !rules.keeps[usize::from(votes)][usize::from(part)] {
                continue;
            }
            assert_eq!(votes & !may_vote, 0, "NodeWeight 0 counts: {votes:b}");
            let steps = &rules.next[usize::from(votes)][usize::from(part)];
            if steps.is_empty() && dynamic {
                assert_eq!(votes.count_ones() % 2, 1, "{votes:b} of {part:b} is settled and even");
            }
            for after in steps {
                if !rules.keeps[usize::from(*after)][usize::from(part)] {
                    return Err(format!("{part:b} goes from {votes:b} to {after:b} and has no quorum there"));
                }
            }
            let rested = steps.is_empty().then_some((age, votes));
            for known in steps.iter().map(|after| (age + 1, *after)).chain(rested) {
                for learners in learners(rules, part, votes, reach) {
                    let mut next = memory.clone();
                    for (at, member) in next.iter_mut().enumerate() {
                        // The witness keeps a copy only while it has a vote, before the step or after it.
                        let bit = 1 << at;
                        let stores = bit != rules.witness_bit() || (votes | known.1) & bit != 0;
                        if learners & bit != 0 && stores {
                            *member = known;
                        }
                    }
                    let next = (normal(next), if reach == Reach::NoReturn { part } else { allowed });
                    if seen.insert(next.clone()) {
                        open.push(next);
                    }
                }
            }
        }
    }
    Ok(seen.len())
}

/// Who may be the ones that learn of a step.
fn learners(rules: &Rules, part: u8, votes: u8, reach: Reach) -> Vec<u8> {
    match reach {
        Reach::NoReturn | Reach::All => vec![part],
        Reach::AnyMajority => rules
            .parts()
            .filter(|some| some & !part == 0 && rules.keeps[usize::from(votes)][usize::from(*some)])
            .collect(),
    }
}

/// At least `least` states are visited, and none of them has two clusters.
fn check(plan: &Votes, reach: Reach, least: usize) {
    let rules = Rules::new(plan, reach);
    let may_vote: u8 = plan.nodes.iter().filter(|(_, n)| n.weight).map(|(id, _)| 1 << (id.0 - 1)).sum();
    let may_vote = may_vote | if rules.has_witness { rules.witness_bit() } else { 0 };
    match visit(&rules, may_vote, reach, plan.dynamic_quorum) {
        Ok(states) => assert!(states >= least, "only {states} states of {plan:?}"),
        Err(why) => panic!("{why} in {plan:?}"),
    }
}

#[test]
fn never_two_clusters_when_nothing_returns() {
    for nodes in 1..=5 {
        for model in Model::ALL {
            for dynamic in [true, false] {
                // From where nothing can move there is one state for each part that keeps quorum, at least one.
                check(&configured(model, nodes, "", dynamic, None), Reach::NoReturn, nodes as usize);
            }
        }
    }
}

#[test]
fn never_two_clusters_when_nodes_return() {
    let check = |nodes, model, least| check(&configured(model, nodes, "", true, None), Reach::All, least);
    // Two nodes without a witness have nothing to agree on: node 1 votes, whatever happens.
    check(2, Nodes, 1);
    check(2, Disk, 10);
    check(3, Nodes, 10);
    check(3, Disk, 100);
    check(3, Share, 100);
    check(4, Nodes, 400);
    check(4, Disk, 50_000);
    check(5, Nodes, 50_000);
}

#[test]
fn never_two_clusters_when_any_majority_learns() {
    for nodes in 1..=3 {
        for model in [Nodes, Disk, Share, DiskOnly] {
            check(&configured(model, nodes, "", true, None), Reach::AnyMajority, 1);
            check(&configured(model, nodes, "", true, Some(nodes)), Reach::AnyMajority, 1);
        }
    }
}

#[test]
fn never_two_clusters_with_nodes_that_may_not_vote() {
    for model in Model::ALL {
        check(&configured(model, 3, "2", true, None), Reach::AnyMajority, 1);
        check(&configured(model, 4, "1 3", true, Some(2)), Reach::All, 1);
    }
}

/// The check itself is worth something: with rules that are wrong it finds two clusters.
#[test]
fn wrong_rules_are_found_out() {
    let found = |wrong: &dyn Fn(&mut Rules)| {
        let mut rules = Rules::new(&configured(Disk, 4, "", true, None), Reach::All);
        wrong(&mut rules);
        visit(&rules, 0b1_1111, Reach::All, true).err()
    };
    assert_eq!(found(&|_| ()), None);
    let half_is_enough = found(&|rules| {
        for (votes, parts) in rules.keeps.iter_mut().enumerate() {
            for (part, keeps) in parts.iter_mut().enumerate() {
                *keeps |= votes != 0 && (votes & part).count_ones() * 2 >= votes.count_ones() && part & 0b1111 != 0;
            }
        }
    });
    assert!(half_is_enough.is_some_and(|why| why.contains("both keep quorum")));
    let two_votes_in_one_step = found(&|rules| {
        // From four nodes and the witness at once to the two nodes of the part, when only three agree.
        rules.next[0b1_1111][0b1_0011] = vec![0b0_1100];
        rules.keeps[0b0_1100][0b1_0011] = true;
    });
    assert!(two_votes_in_one_step.is_some_and(|why| why.contains("both keep quorum")));
    let out_of_reach = found(&|rules| rules.next[0b1_1111][0b1_0011] = vec![0b0_1111]);
    assert!(out_of_reach.is_some_and(|why| why.contains("has no quorum there")));
}
