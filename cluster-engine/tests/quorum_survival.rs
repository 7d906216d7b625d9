//! What a cluster survives: the table of `explore` against the published one (reference 7.5), and against a second count
//! made with bit masks, straight from the definitions.

mod quorum_votes;

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::NodeId;
use cluster_engine::quorum::{
    AtOnce, ExploreFault, Model, OneByOne, Side, Standing, Table, Voter, WitnessAccess, explore, rebalance, standing,
};

use self::quorum_votes::shown;

use Model::{DiskOnly, NodeAndDiskMajority as Disk, NodeAndFileShareMajority as Share, NodeMajority as Nodes};

const REFERENCE: &str = include_str!("../../docs/reference/07-quorum-membership.md");

fn table(nodes: u32, model: Model, dynamic: bool) -> Table {
    explore(nodes, model, dynamic).expect("a size that is explored")
}

fn one_by_one(table: &Table, nodes_lost: u32, witness_lost: bool) -> &OneByOne {
    let found = table.one_by_one.iter().find(|r| (r.nodes_lost, r.witness_lost) == (nodes_lost, witness_lost));
    found.expect("a row of the table")
}

fn at_once(table: &Table, nodes_lost: u32, witness_lost: bool) -> &AtOnce {
    let found = table.at_once.iter().find(|r| (r.nodes_lost, r.witness_lost) == (nodes_lost, witness_lost));
    found.expect("a row of the table")
}

/// The published words, and what they say about nodes that fail one after the other: in how many percent of the cases
/// that got so far the cluster survives the next failure.
#[test]
fn one_after_the_other_as_published() {
    let check = |published: &str, nodes, models: &[Model], percents: &[u32]| {
        assert!(REFERENCE.contains(published), "the reference does not say '{published}'");
        for model in models {
            let table = table(nodes, *model, true);
            let found: Vec<u32> =
                (1..nodes).map(|lost| one_by_one(&table, lost, false)).map(|r| r.survived * 100 / r.reached).collect();
            assert_eq!(found, percents, "{nodes} {model}");
        }
    };
    check("2 nodes no witness: 50 % / no", 2, &[Nodes], &[50]);
    check("2 + witness: yes", 2, &[Disk, Share], &[100]);
    check("3 no witness: 1 then 50 % of a second", 3, &[Nodes], &[100, 50]);
    check("3 + witness: 1 then 1", 3, &[Disk, Share], &[100, 100]);
    check("4 no witness: 1,1,50 %", 4, &[Nodes], &[100, 100, 50]);
    check("then down to 1", 4, &[Disk, Share], &[100, 100, 100]);
    check("(+ more sequentially)", 5, &[Nodes], &[100, 100, 100, 50]);
    check("any node that owns the disk", 5, &[DiskOnly], &[100, 100, 100, 100]);
}

#[test]
fn at_the_same_moment_as_published() {
    let check = |published: &str, nodes, model, lost, witness_lost, expected: (u32, u32)| {
        assert!(REFERENCE.contains(published), "the reference does not say '{published}'");
        let table = table(nodes, model, true);
        let row = at_once(&table, lost, witness_lost);
        assert_eq!((row.survived, row.cases), expected, "{nodes} {model}: {lost} nodes, witness {witness_lost}");
    };
    check("2 nodes no witness: 50 % / no", 2, Nodes, 1, false, (1, 2));
    check("2 + witness: yes", 2, Disk, 1, false, (2, 2));
    check("2 + witness: yes", 2, Disk, 1, true, (0, 2));
    check("3 no witness: 1", 3, Nodes, 1, false, (3, 3));
    check("3 no witness: 1", 3, Nodes, 2, false, (0, 3));
    check("3 + witness: 1", 3, Share, 2, false, (0, 3));
    check("4 + witness: 2 simultaneous (with witness on that side)", 4, Share, 2, false, (6, 6));
    check("4 + witness: 2 simultaneous (with witness on that side)", 4, Share, 2, true, (0, 6));
    check("4 + witness: 2 simultaneous (with witness on that side)", 4, Share, 3, false, (0, 4));
    check("5: 2 simultaneous", 5, Nodes, 2, false, (10, 10));
    check("5: 2 simultaneous", 5, Nodes, 3, false, (0, 10));
    for nodes in 1..=5 {
        for model in [Disk, Share] {
            check("Witness failure alone never takes the cluster down", nodes, model, 0, true, (1, 1));
        }
    }
    check("disk alone", 3, DiskOnly, 0, true, (0, 1));
}

#[test]
fn a_split_as_published() {
    let check =
        |nodes, model, sizes: [usize; 2], places: &[Option<Side>], survivor: &dyn Fn(Option<Side>) -> Option<Side>| {
            let table = table(nodes, model, true);
            let fitting = table.splits.iter().filter(|s| [s.left.len(), s.right.len()] == sizes);
            let fitting: Vec<_> = fitting.filter(|s| places.contains(&s.witness)).collect();
            assert!(!fitting.is_empty());
            for split in fitting {
                assert_eq!(split.survivor, survivor(split.witness), "{split:?}");
            }
        };
    assert!(REFERENCE.contains("partition: the side with the witness"));
    let both = [Some(Side::Left), Some(Side::Right)];
    check(2, Disk, [1, 1], &both, &|witness| witness);
    check(4, Share, [2, 2], &both, &|witness| witness);
    check(4, Share, [2, 2], &[None], &|_| None);
    check(5, Nodes, [2, 3], &[None], &|_| Some(Side::Right));
    check(3, Disk, [1, 2], &both, &|_| Some(Side::Right));
    check(3, DiskOnly, [1, 2], &both, &|witness| witness);
    check(3, DiskOnly, [2, 1], &[None], &|_| None);
    // Node 2 is the one without a vote.
    check(2, Nodes, [1, 1], &[None], &|_| Some(Side::Left));
}

/// "2 simultaneous (with witness on that side), then down to 1".
#[test]
fn four_and_a_witness_lose_two_at_once_and_then_one_more() {
    let start = table(4, Share, true).start;
    assert_eq!(shown(&start), "1 2 3 4 W");
    let two = BTreeSet::from([NodeId(2), NodeId(3)]);
    assert_eq!(standing(&start, &two, WitnessAccess::Reachable), Standing::NeedsWitness);
    let votes = rebalance(&start, &two, true);
    for last in two {
        let one = BTreeSet::from([last]);
        assert_eq!(standing(&votes, &one, WitnessAccess::Reachable), Standing::NeedsWitness);
        assert_eq!(shown(&rebalance(&votes, &one, true)), last.to_string());
    }
}

#[test]
fn without_dynamic_quorum_only_the_first_minority_is_survived() {
    let check = |nodes, model, survived: &[u32]| {
        let table = table(nodes, model, false);
        let percent = |r: &OneByOne| r.survived * 100 / r.orders;
        let found: Vec<u32> = (1..nodes).map(|lost| percent(one_by_one(&table, lost, false))).collect();
        assert_eq!(found, survived, "{nodes} {model}");
    };
    check(2, Nodes, &[0]);
    check(2, Disk, &[100]);
    check(3, Nodes, &[100, 0]);
    check(3, Share, &[100, 0]);
    check(4, Nodes, &[100, 0, 0]);
    check(4, Share, &[100, 100, 0]);
    check(5, Nodes, &[100, 100, 0, 0]);
    check(5, DiskOnly, &[100, 100, 100, 100]);
}

#[test]
fn only_small_clusters_are_explored() {
    for nodes in [0, 6, u32::MAX] {
        assert_eq!(explore(nodes, Nodes, true).err(), Some(ExploreFault::Nodes(nodes)));
    }
    let alone = table(1, Nodes, true);
    assert_eq!((alone.one_by_one.len(), alone.at_once.len(), alone.splits.len()), (0, 0, 0));
}

// The second count. Bit 0 is node 1, the bit above the last node is the witness. Nothing of the engine is used.

#[derive(Clone, Copy)]
struct Masks {
    nodes: u32,
    /// 0 when there is none.
    witness: u32,
    disk_only: bool,
    dynamic: bool,
}

impl Masks {
    fn of(count: u32, model: Model, dynamic: bool) -> Masks {
        let witness = if model == Nodes { 0 } else { 1 << count };
        Masks { nodes: (1 << count) - 1, witness, disk_only: model == DiskOnly, dynamic }
    }

    /// Votes in force when those in `alive` are left.
    fn votes(self, alive: u32) -> u32 {
        if self.disk_only {
            return self.witness;
        }
        if !self.dynamic {
            return self.nodes | self.witness;
        }
        let nodes = alive & self.nodes;
        let odd = nodes.count_ones() % 2 == 1;
        let usable = alive & self.witness;
        match (odd, usable) {
            (true, _) => nodes,
            // Without the highest bit; 0 has none.
            (false, 0) => nodes & !nodes.checked_ilog2().map_or(0, |highest| 1 << highest),
            (false, witness) => nodes | witness,
        }
    }

    fn runs(self, votes: u32, alive: u32) -> bool {
        alive & self.nodes != 0 && 2 * (alive & votes).count_ones() > votes.count_ones()
    }

    fn all(self) -> u32 {
        self.nodes | self.witness
    }

    fn key(self, lost: u32) -> (u32, bool) {
        ((lost & self.nodes).count_ones(), lost & self.witness != 0)
    }

    /// The index of the failure that stops the cluster when bits fail in this order.
    fn stops_at(self, order: &[u32]) -> Option<usize> {
        let mut alive = self.all();
        let mut votes = self.votes(alive);
        for (at, bit) in order.iter().enumerate() {
            alive &= !bit;
            if !self.runs(votes, alive) {
                return Some(at);
            }
            votes = self.votes(alive);
        }
        None
    }

    fn bits(self, lost: &[Voter]) -> Vec<u32> {
        let bit = |voter: &Voter| match voter {
            Voter::Node(id) => 1 << (id.0 - 1),
            Voter::Witness(_) => self.witness,
        };
        lost.iter().map(bit).collect()
    }
}

/// Every order of the bits of `set`.
fn orders(set: u32) -> Vec<Vec<u32>> {
    if set == 0 {
        return vec![Vec::new()];
    }
    let bits = (0..32).map(|at| 1 << at).filter(|bit| set & bit != 0);
    bits.flat_map(|last| {
        orders(set & !last).into_iter().map(move |mut order| {
            order.push(last);
            order
        })
    })
    .collect()
}

fn compare(count: u32, model: Model, dynamic: bool) {
    let masks = Masks::of(count, model, dynamic);
    let table = table(count, model, dynamic);
    let mut sequences: BTreeMap<(u32, bool), (u32, u32, u32)> = BTreeMap::new();
    let mut fatal_orders: BTreeMap<(u32, bool), BTreeSet<Vec<u32>>> = BTreeMap::new();
    let mut sets: BTreeMap<(u32, bool), (u32, u32)> = BTreeMap::new();
    for lost in (1..=masks.all()).filter(|lost| lost & masks.nodes != masks.nodes) {
        let key = masks.key(lost);
        let set = sets.entry(key).or_default();
        set.0 += 1;
        set.1 += u32::from(masks.runs(masks.votes(masks.all()), masks.all() & !lost));
        for order in orders(lost) {
            let stops_at = masks.stops_at(&order);
            let counts = sequences.entry(key).or_default();
            counts.0 += 1;
            counts.1 += u32::from(stops_at.is_none_or(|at| at + 1 == order.len()));
            counts.2 += u32::from(stops_at.is_none());
            if stops_at == Some(order.len() - 1) {
                fatal_orders.entry(key).or_default().insert(order);
            }
        }
    }
    let what = format!("{count} {model} dynamic {dynamic}");
    let found = table.one_by_one.iter().map(|r| ((r.nodes_lost, r.witness_lost), (r.orders, r.reached, r.survived)));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), sequences, "{what}");
    let found = table.at_once.iter().map(|r| ((r.nodes_lost, r.witness_lost), (r.cases, r.survived)));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), sets, "{what}");
    for row in &table.one_by_one {
        let expected = fatal_orders.remove(&(row.nodes_lost, row.witness_lost)).unwrap_or_default();
        let found: BTreeSet<Vec<u32>> = row.fatal.iter().map(|order| masks.bits(order)).collect();
        assert_eq!((found.len(), found), (row.fatal.len(), expected), "{what}");
    }
    for row in &table.at_once {
        assert_eq!(row.fatal.len() as u32, row.cases - row.survived);
        for lost in &row.fatal {
            let lost: u32 = masks.bits(lost).into_iter().sum();
            assert_eq!(masks.key(lost), (row.nodes_lost, row.witness_lost));
            assert!(!masks.runs(masks.votes(masks.all()), masks.all() & !lost), "{what}: {lost:b}");
        }
    }
    compare_splits(masks, &table, &what);
}

fn compare_splits(masks: Masks, table: &Table, what: &str) {
    let votes = masks.votes(masks.all());
    let mut expected = BTreeMap::new();
    // The side of node 1, and not everybody.
    for left in (1..masks.nodes).step_by(2) {
        let right = masks.nodes & !left;
        let witness = masks.witness;
        let places = [(None, 0, 0), (Some(Side::Left), witness, 0), (Some(Side::Right), 0, witness)];
        for (place, with_left, with_right) in places.into_iter().filter(|p| p.0.is_none() || witness != 0) {
            let keeps = (masks.runs(votes, left | with_left), masks.runs(votes, right | with_right));
            let survivor = match keeps {
                (false, false) => None,
                (true, false) => Some(Side::Left),
                (false, true) => Some(Side::Right),
                (true, true) => panic!("{what}: both {left:b} and {right:b} keep quorum"),
            };
            expected.insert((left, place), survivor);
        }
    }
    let mask = |nodes: &BTreeSet<NodeId>| nodes.iter().map(|id| 1_u32 << (id.0 - 1)).sum::<u32>();
    let mut found = BTreeMap::new();
    for split in &table.splits {
        assert_eq!(mask(&split.left) ^ mask(&split.right), masks.nodes, "{what}");
        assert_eq!(found.insert((mask(&split.left), split.witness), split.survivor), None, "{what}: twice");
    }
    assert_eq!(found, expected, "{what}");
}

#[test]
fn every_case_agrees_with_the_second_count() {
    for count in 1..=5 {
        for model in Model::ALL {
            for dynamic in [true, false] {
                compare(count, model, dynamic);
            }
        }
    }
}
