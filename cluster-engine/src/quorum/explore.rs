//! Every failure a small cluster can meet, counted: what `cluster quorum explore` shows.
//!
//! Three questions, each answered by trying every case from a cluster that is whole: what if voters fail one after the
//! other, with the votes moved in between; what if several fail at the same moment; what if the network splits the nodes
//! in two. Nothing comes back in the meantime. Whoever is left gets the witness if that has not failed: with nobody else
//! there the arbitration has one contender.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::model::{Model, Voter, Votes, Witness};
use super::rules::{Standing, WitnessAccess, rebalance, standing};
use crate::id::NodeId;

/// The largest cluster that is explored: with 5 nodes and a witness there are 1,116 orders to try, with each node
/// more about seven times as many.
pub const MAX_NODES: u32 = 5;

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExploreFault {
    /// Too many or none.
    #[error("{0} nodes cannot be explored; take 1 to {MAX_NODES}")]
    Nodes(u32),
}

/// Voters that fail one after the other; the votes follow in between. All orders that lose the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneByOne {
    /// How many nodes fail.
    pub nodes_lost: u32,
    /// The witness fails too, at any place in the order.
    pub witness_lost: bool,
    /// How many orders there are.
    pub orders: u32,
    /// In how many of them the cluster was still running before the last failure.
    pub reached: u32,
    /// In how many of them it runs at the end.
    pub survived: u32,
    /// The orders whose last failure stopped it: `reached - survived` of them.
    pub fatal: Vec<Vec<Voter>>,
}

/// Voters that fail at the same moment. All sets that hold the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtOnce {
    /// How many nodes fail.
    pub nodes_lost: u32,
    /// The witness fails with them.
    pub witness_lost: bool,
    /// How many such sets there are.
    pub cases: u32,
    /// How many of them leave a cluster that runs.
    pub survived: u32,
    /// The sets that stop it: `cases - survived` of them.
    pub fatal: Vec<Vec<Voter>>,
}

/// One side of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// The side of the first node.
    Left,
    /// The other one.
    Right,
}

/// A network that falls into two sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The side of the first node.
    pub left: BTreeSet<NodeId>,
    /// The others.
    pub right: BTreeSet<NodeId>,
    /// The side that gets the witness; `None`: neither, or there is none.
    pub witness: Option<Side>,
    /// The side that goes on; `None`: neither.
    pub survivor: Option<Side>,
}

/// What a cluster survives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The quorum model.
    pub model: Model,
    /// The votes of the whole cluster, before anything fails.
    pub start: Votes,
    /// By number of nodes that fail, first without and then with the witness. One node at least is left.
    pub one_by_one: Vec<OneByOne>,
    /// In the same order.
    pub at_once: Vec<AtOnce>,
    /// Every split once for each place of the witness, smaller left sides first.
    pub splits: Vec<Split>,
}

/// Tries every failure of a cluster of `nodes` nodes with equal weights, numbered from 1, and counts what survives.
///
/// # Errors
/// [`ExploreFault`] when there are none, or more than [`MAX_NODES`].
pub fn explore(nodes: u32, model: Model, dynamic_quorum: bool) -> Result<Table, ExploreFault> {
    if !(1..=MAX_NODES).contains(&nodes) {
        return Err(ExploreFault::Nodes(nodes));
    }
    let all: BTreeSet<NodeId> = (1..=nodes).map(NodeId).collect();
    let weights: BTreeMap<NodeId, bool> = all.iter().map(|id| (*id, true)).collect();
    let votes = Votes::new(model, &weights, dynamic_quorum, None).expect("1 to 5 nodes, each with a vote");
    let witness = model.witness();
    let whole = World { votes: rebalance(&votes, &all, witness.is_some()), up: all, witness };
    Ok(Table {
        model,
        one_by_one: one_by_one(&whole),
        at_once: at_once(&whole),
        splits: splits(&whole),
        start: whole.votes,
    })
}

/// A cluster that runs.
#[derive(Clone)]
struct World {
    votes: Votes,
    up: BTreeSet<NodeId>,
    /// The witness, while it is there.
    witness: Option<Witness>,
}

impl World {
    /// What becomes of it when these fail at the same moment; `None`: it stops.
    fn lose(&self, lost: &[Voter]) -> Option<World> {
        let up: BTreeSet<NodeId> = self.up.iter().copied().filter(|id| !lost.contains(&Voter::Node(*id))).collect();
        let witness = self.witness.filter(|kind| !lost.contains(&Voter::Witness(*kind)));
        let access = if witness.is_some() { WitnessAccess::Reachable } else { WitnessAccess::Unreachable };
        match standing(&self.votes, &up, access) {
            Standing::Lost => None,
            Standing::Keeps | Standing::NeedsWitness => {
                Some(World { votes: rebalance(&self.votes, &up, witness.is_some()), up, witness })
            }
        }
    }

    /// Everything that can fail.
    fn parts(&self) -> Vec<Voter> {
        self.up.iter().map(|id| Voter::Node(*id)).chain(self.witness.map(Voter::Witness)).collect()
    }
}

/// Which row a loss belongs to: with or without the witness, and how many nodes.
fn row(lost: &[Voter]) -> (bool, u32) {
    let count = |voter: &&Voter| match voter {
        Voter::Node(_) => true,
        Voter::Witness(_) => false,
    };
    let nodes_lost = lost.iter().filter(count).count();
    (nodes_lost < lost.len(), u32::try_from(nodes_lost).expect("at most MAX_NODES"))
}

/// The keys of all rows that lose something and leave a node.
fn rows(whole: &World) -> Vec<(bool, u32)> {
    let nodes = u32::try_from(whole.up.len()).expect("at most MAX_NODES");
    let with_witness = (0..nodes).filter(|_| whole.witness.is_some()).map(|lost| (true, lost));
    (1..nodes).map(|lost| (false, lost)).chain(with_witness).collect()
}

fn one_by_one(whole: &World) -> Vec<OneByOne> {
    let nodes = u32::try_from(whole.up.len()).expect("at most MAX_NODES");
    let empty = |(witness_lost, nodes_lost): (bool, u32)| {
        // The nodes in any order, and the witness before, between or after them.
        let orders = (nodes - nodes_lost + 1..=nodes).product::<u32>() * if witness_lost { nodes_lost + 1 } else { 1 };
        OneByOne { nodes_lost, witness_lost, orders, reached: 0, survived: 0, fatal: Vec::new() }
    };
    let mut table: BTreeMap<(bool, u32), OneByOne> = rows(whole).into_iter().map(|key| (key, empty(key))).collect();
    walk(whole, &mut Vec::new(), &mut table);
    table.into_values().collect()
}

/// Lets each part fail that is still there, after those in `order`.
fn walk(world: &World, order: &mut Vec<Voter>, table: &mut BTreeMap<(bool, u32), OneByOne>) {
    for part in world.parts() {
        order.push(part);
        // There is no row for the loss of the last node.
        if let Some(entry) = table.get_mut(&row(order)) {
            entry.reached += 1;
            match world.lose(&[part]) {
                None => entry.fatal.push(order.clone()),
                Some(next) => {
                    entry.survived += 1;
                    walk(&next, order, table);
                }
            }
        }
        order.pop();
    }
}

fn at_once(whole: &World) -> Vec<AtOnce> {
    let empty =
        |(witness_lost, nodes_lost)| AtOnce { nodes_lost, witness_lost, cases: 0, survived: 0, fatal: Vec::new() };
    let mut table: BTreeMap<(bool, u32), AtOnce> = rows(whole).into_iter().map(|key| (key, empty(key))).collect();
    for lost in subsets(&whole.parts()) {
        if let Some(entry) = table.get_mut(&row(&lost)) {
            entry.cases += 1;
            match whole.lose(&lost) {
                None => entry.fatal.push(lost),
                Some(_) => entry.survived += 1,
            }
        }
    }
    table.into_values().collect()
}

fn splits(whole: &World) -> Vec<Split> {
    let ids: Vec<NodeId> = whole.up.iter().copied().collect();
    let Some((first, others)) = ids.split_first() else { return Vec::new() };
    let mut places = vec![None];
    if whole.witness.is_some() {
        places = vec![Some(Side::Left), Some(Side::Right), None];
    }
    let mut found = Vec::new();
    for with_first in subsets(others) {
        let left: BTreeSet<NodeId> = with_first.iter().copied().chain([*first]).collect();
        let right: BTreeSet<NodeId> = whole.up.difference(&left).copied().collect();
        if right.is_empty() {
            continue;
        }
        for witness in &places {
            let keeps = |side: Side, nodes: &BTreeSet<NodeId>| {
                let access = if *witness == Some(side) { WitnessAccess::Owned } else { WitnessAccess::Unreachable };
                standing(&whole.votes, nodes, access) == Standing::Keeps
            };
            let survivor = match (keeps(Side::Left, &left), keeps(Side::Right, &right)) {
                (true, true) => {
                    panic!("both sides of a split keep quorum: {left:?} and {right:?} of {:?}", whole.votes)
                }
                (true, false) => Some(Side::Left),
                (false, true) => Some(Side::Right),
                (false, false) => None,
            };
            found.push(Split { left: left.clone(), right: right.clone(), witness: *witness, survivor });
        }
    }
    found.sort_by_key(|split| split.left.len());
    found
}

/// Every subset, the empty one too, in the order of the elements.
fn subsets<T: Copy>(all: &[T]) -> Vec<Vec<T>> {
    let mut found = vec![Vec::new()];
    for element in all {
        let with: Vec<Vec<T>> = found.iter().map(|set| set.iter().copied().chain([*element]).collect()).collect();
        found.extend(with);
    }
    found
}
