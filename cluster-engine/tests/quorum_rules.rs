//! The rules of quorum, rule by rule (reference 7.4, 7.5).

mod quorum_votes;

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::NodeId;
use cluster_engine::quorum::{
    Change, Model, Standing, Voter, Votes, VotesFault, Witness, WitnessAccess, WitnessVote, explain, leave, needed,
    next_change, rebalance, rebalance_beside, standing,
};
use expect_test::{Expect, expect};
use proptest::prelude::*;

use self::quorum_votes::{configured, ids, shown, votes};

const REFERENCE: &str = include_str!("../../docs/reference/07-quorum-membership.md");

use Model::{DiskOnly, NodeAndDiskMajority as Disk, NodeAndFileShareMajority as Share, NodeMajority as Nodes};

#[test]
fn models_have_the_sizes_of_the_reference() {
    let check = |constant: &str, models: &[Model]| {
        let after = REFERENCE.split(constant).nth(1).expect("the reference names the constant");
        let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
        let size: u32 = digits.parse().expect("a size follows the constant");
        for model in models {
            assert_eq!(model.size(), size, "{model}");
            let witness = model.witness().unwrap_or(Witness::Disk);
            assert_eq!(Model::of_size(size, witness), Some(*model));
        }
    };
    check("CLUS_NODE_MAJORITY_QUORUM", &[Nodes]);
    check("CLUS_HYBRID_QUORUM", &[Disk, Share]);
    check("CLUS_LEGACY_QUORUM", &[DiskOnly]);
    assert_eq!(Model::of_size(0, Witness::FileShare), Some(Nodes));
    assert_eq!(Model::of_size(4_194_304, Witness::FileShare), None, "a share is no quorum alone");
    assert_eq!(Model::of_size(4096, Witness::Disk), None, "the size of a log");
}

#[test]
fn models_are_known_by_name() {
    for model in Model::ALL {
        assert_eq!(model.name().parse(), Ok(model));
        assert_eq!(model.name().to_lowercase().parse(), Ok(model));
        assert_eq!(configured(model, 3, "", true, None).model(), model);
    }
    let unknown = "Majority".parse::<Model>().map_err(|e| e.to_string());
    assert!(unknown.is_err_and(|text| text.contains("'Majority'") && text.contains("NodeAndDiskMajority")));
}

#[test]
fn impossible_votes_are_refused() {
    let weights = |list: &[(u32, bool)]| list.iter().map(|(id, w)| (NodeId(*id), *w)).collect::<BTreeMap<_, _>>();
    let check = |model, list: &[(u32, bool)], expected: Option<VotesFault>| {
        assert_eq!(Votes::new(model, &weights(list), true, None).err(), expected, "{model} {list:?}");
    };
    for model in Model::ALL {
        check(model, &[], Some(VotesFault::NoNode));
        check(model, &[(1, true)], None);
    }
    for model in [Nodes, Disk, Share] {
        check(model, &[(1, false), (2, false)], Some(VotesFault::NoNodeVote(model)));
        check(model, &[(1, false), (2, true)], None);
    }
    check(DiskOnly, &[(1, false), (2, false)], None);
    let many = |count: u32| (1..=count).map(|id| (id, true)).collect::<Vec<_>>();
    check(Nodes, &many(64), None);
    check(Nodes, &many(65), Some(VotesFault::TooManyNodes(65)));
}

#[test]
fn more_than_half_is_needed() {
    let check = |in_force: &str, expected| assert_eq!(needed(&votes(Disk, 5, in_force)), expected, "{in_force}");
    check("", 1);
    check("W", 1);
    check("1", 1);
    check("1 W", 2);
    check("1 2 W", 2);
    check("1 2 3 4", 3);
    check("1 2 3 4 5", 3);
    check("1 2 3 4 5 W", 4);
}

#[test]
fn who_keeps_quorum() {
    use Standing::{Keeps, Lost, NeedsWitness};
    let check = |model, in_force: &str, reachable: &str, [owned, free, gone]: [Standing; 3]| {
        let votes = votes(model, 4, in_force);
        let found = [WitnessAccess::Owned, WitnessAccess::Reachable, WitnessAccess::Unreachable]
            .map(|access| standing(&votes, &ids(reachable), access));
        assert_eq!(found, [owned, free, gone], "{in_force}: {reachable}");
    };
    check(Nodes, "1 2 3", "1 2", [Keeps, Keeps, Keeps]);
    check(Nodes, "1 2 3", "1", [Lost, Lost, Lost]);
    check(Nodes, "1 2 3 4", "1 2", [Lost, Lost, Lost]);
    check(Nodes, "2", "2", [Keeps, Keeps, Keeps]);
    check(Nodes, "2", "1 3 4", [Lost, Lost, Lost]);
    check(Disk, "1 2 W", "1", [Keeps, NeedsWitness, Lost]);
    check(Disk, "1 2 W", "1 2", [Keeps, Keeps, Keeps]);
    check(Share, "1 2 3 4 W", "1 2", [Keeps, NeedsWitness, Lost]);
    check(Share, "1 2 3 4 W", "1", [Lost, Lost, Lost]);
    // Its vote is not in force: owning it helps nobody.
    check(Share, "1 2 3", "1", [Lost, Lost, Lost]);
    // Whoever owns the disk is the cluster, but the disk alone is none.
    check(DiskOnly, "W", "3", [Keeps, NeedsWitness, Lost]);
    check(DiskOnly, "W", "1 2 3 4", [Keeps, NeedsWitness, Lost]);
    check(DiskOnly, "W", "", [Lost, Lost, Lost]);
    // Strangers count for nothing.
    check(Nodes, "1 2 3", "1 7 8", [Lost, Lost, Lost]);
    check(DiskOnly, "W", "7", [Lost, Lost, Lost]);
}

#[test]
fn the_leader_keeps_its_vote_where_another_node_can_give_one_up() {
    // Columns: LowerQuorumPriorityNodeID, members up, who leads, votes without a witness.
    let check = |lower: Option<u32>, up: &str, leader: Option<u32>, expected: &str| {
        let votes = configured(Nodes, 4, "", true, lower);
        let found = rebalance_beside(&votes, &ids(up), false, leader.map(NodeId));
        assert_eq!(shown(&found), expected, "{up} up, {leader:?} leads");
    };
    check(None, "2 3", Some(3), "3");
    check(None, "2 3", Some(2), "2");
    check(None, "1 2 3 4", Some(4), "1 2 4");
    check(None, "1 2 3 4", Some(1), "1 2 3");
    check(None, "3", Some(3), "3");
    // The witness leads, or a node that is not among them.
    check(None, "2 3", None, "2");
    check(None, "2 3", Some(4), "2");
    // What the administrator says comes first.
    check(Some(3), "2 3", Some(3), "2");
    check(Some(2), "2 3", Some(3), "3");
}

#[test]
fn votes_follow_the_membership() {
    // Columns: configuration, members up, votes with a healthy witness, votes without.
    let check = |from: &Votes, up: &str, healthy: &str, broken: &str| {
        let found = [true, false].map(|ok| shown(&rebalance(from, &ids(up), ok)));
        assert_eq!(found, [healthy, broken], "{up} up");
    };
    let nodes = configured(Nodes, 4, "", true, None);
    check(&nodes, "1 2 3 4", "1 2 3", "1 2 3");
    check(&nodes, "1 2 4", "1 2 4", "1 2 4");
    check(&nodes, "1 4", "1", "1");
    check(&nodes, "3", "3", "3");
    // From whatever it was before: a node that comes back gets its vote back.
    check(&votes(Nodes, 4, "4"), "2 3 4", "2 3 4", "2 3 4");
    for model in [Disk, Share] {
        let witness = configured(model, 4, "", true, None);
        check(&witness, "1 2 3 4", "1 2 3 4 W", "1 2 3");
        check(&witness, "1 2 3", "1 2 3", "1 2 3");
        check(&witness, "2 3", "2 3 W", "2");
        check(&witness, "1", "1", "1");
        // Nobody who could vote: nothing changes.
        check(&witness, "", "1 2 3 4 W", "1 2 3 4 W");
        check(&votes(model, 4, "1 2 W"), "7", "1 2 W", "1 2 W");
    }
    // LowerQuorumPriorityNodeID, while that node is there to give up its vote.
    let lower = configured(Nodes, 4, "", true, Some(3));
    check(&lower, "1 2 3 4", "1 2 4", "1 2 4");
    check(&lower, "1 3", "1", "1");
    check(&lower, "1 2", "1", "1");
    // NodeWeight 0 never counts, neither for the vote nor for even and odd.
    let weightless = configured(Disk, 4, "2", true, Some(2));
    check(&weightless, "1 2 3 4", "1 3 4", "1 3 4");
    check(&weightless, "1 2 3", "1 3 W", "1");
    check(&weightless, "1 2", "1", "1");
    check(&weightless, "2", "1 3 4 W", "1 3 4 W");
    // The disk alone, come what may.
    let disk = configured(DiskOnly, 4, "", true, None);
    check(&disk, "1 2 3 4", "W", "W");
    check(&disk, "2 3", "W", "W");
    // Without dynamic quorum everything that is configured votes.
    check(&configured(Nodes, 4, "3", false, None), "1", "1 2 4", "1 2 4");
    check(&configured(Share, 4, "", false, None), "1 2 3", "1 2 3 4 W", "1 2 3 4 W");
    check(&Votes { dynamic_quorum: false, ..votes(Disk, 4, "2") }, "2", "1 2 3 4 W", "1 2 3 4 W");
}

#[test]
fn an_orderly_leave_takes_the_vote_first() {
    let check = |from: &Votes, up: &str, leaver, expected: &str| {
        assert_eq!(shown(&leave(from, &ids(up), NodeId(leaver), true)), expected, "{leaver} leaves {up}");
    };
    // Of two nodes without a witness one votes; when it leaves, the other gets the vote.
    check(&votes(Nodes, 2, "2"), "1 2", 2, "1");
    check(&votes(Nodes, 2, "2"), "1 2", 1, "2");
    check(&votes(Nodes, 3, "1 2 3"), "1 2 3", 3, "1");
    check(&votes(Disk, 3, "1 2 3"), "1 2 3", 3, "1 2 W");
    check(&votes(Disk, 2, "1 2 W"), "1 2", 1, "2");
    // The last one takes the cluster with it; a vote that nobody holds would help nobody.
    check(&votes(Nodes, 2, "1"), "1", 1, "1");
    check(&configured(Nodes, 2, "2", true, None), "1 2", 1, "1");
    check(&configured(Disk, 3, "", false, None), "1 2 3", 3, "1 2 3 W");
}

/// The changes that lead from one configuration to another, such as `-3 +W`.
fn path(from: &Votes, to: &Votes, up: &str, witness_healthy: bool) -> String {
    let mut at = from.clone();
    let mut path = Vec::new();
    while let Some(change) = next_change(&at, to, &ids(up), witness_healthy) {
        let one = |voter| match voter {
            Voter::Node(id) => id.to_string(),
            Voter::Witness(Witness::Disk) => "W".to_owned(),
            Voter::Witness(Witness::FileShare) => "S".to_owned(),
        };
        path.push(match change {
            Change::Give(voter) => format!("+{}", one(voter)),
            Change::Take(voter) => format!("-{}", one(voter)),
        });
        at = at.after(change);
        assert!(path.len() <= 130, "it comes to an end");
    }
    path.join(" ")
}

#[test]
fn votes_change_one_at_a_time() {
    let check = |from: &Votes, to: &Votes, up: &str, healthy, expected: &str| {
        assert_eq!(path(from, to, up, healthy), expected, "{} to {}", shown(from), shown(to));
    };
    let n = |in_force| votes(Nodes, 4, in_force);
    let d = |in_force| votes(Disk, 4, in_force);
    check(&n("1 2 3"), &n("1 2 3"), "1 2 3", false, "");
    // The absent first: after -1 the quorum of {2 3} would need node 3.
    check(&n("1 2 3"), &n("2"), "1 2", false, "-3 -1");
    check(&n("2 3 4"), &n("1 2 3"), "1 2 3", false, "-4 +1");
    check(&n("2"), &n("1"), "1 2", false, "+1 -2");
    check(&d("1 2 W"), &d("1"), "1", true, "-2 -W");
    check(&d("1 2 W"), &d("2"), "1 2", false, "-W -1");
    check(&d("1 2 3"), &d("1 2 W"), "1 2", true, "-3 +W");
    check(&n("1"), &n("1 2 3"), "1", false, "+2 +3");
    // To another model.
    check(&n("1 2 3 4"), &configured(DiskOnly, 4, "", true, None), "1 2 3 4", true, "+W -1 -2 -3 -4");
    check(&configured(DiskOnly, 4, "", true, None), &n("2 3 4"), "1 2 3 4", true, "+2 +3 +4 -W");
    check(&d("1 2 3 4 W"), &votes(Share, 4, "1 2 3 4 W"), "1 2 3 4", true, "-W +S");
    check(&configured(DiskOnly, 2, "", true, None), &votes(Share, 2, "1 2 W"), "1 2", true, "+1 -W +2 +S");
    // Somebody new, somebody evicted.
    check(&votes(Nodes, 2, "1 2"), &n("1 2 3"), "1 2 3", false, "+3");
    check(&n("1 2 3"), &votes(Nodes, 2, "2"), "1 2", false, "-3 -1");
}

#[test]
fn a_change_is_a_change_of_one_vote() {
    let from = configured(Nodes, 3, "2", true, None);
    let given = from.after(Change::Give(Voter::Node(NodeId(2))));
    assert_eq!((shown(&given).as_str(), given.nodes[&NodeId(2)].weight), ("1 2 3", true));
    let taken = given.after(Change::Take(Voter::Node(NodeId(2))));
    assert_eq!((shown(&taken).as_str(), taken.nodes[&NodeId(2)].weight), ("1 3", true));
    let witness = from.after(Change::Give(Voter::Witness(Witness::FileShare)));
    assert_eq!(witness.witness, Some(WitnessVote { kind: Witness::FileShare, dynamic: true }));
    assert_eq!(from.after(Change::Take(Voter::Node(NodeId(9)))), from);
    assert_eq!(witness.after(Change::Take(Voter::Witness(Witness::Disk))), witness, "not this witness");
}

/// True when every majority of `before` and every majority of `after` have a member in common, by trying all.
fn overlap(before: &BTreeSet<Voter>, after: &BTreeSet<Voter>) -> bool {
    let all: Vec<Voter> = before.union(after).copied().collect();
    let majorities = |of: &BTreeSet<Voter>| -> Vec<u32> {
        let mask: u32 = all.iter().enumerate().filter(|(_, v)| of.contains(v)).map(|(at, _)| 1 << at).sum();
        (0..1_u32 << all.len())
            .filter(|set| (set & mask).count_ones() * 2 > mask.count_ones())
            .map(|s| s & mask)
            .collect()
    };
    let later = majorities(after);
    majorities(before).iter().all(|one| later.iter().all(|other| one & other != 0))
}

prop_compose! {
    fn any_votes()(model in 0..3_usize, weights in prop::collection::vec(any::<bool>(), 6),
        dynamic in prop::collection::vec(any::<bool>(), 6), witness in any::<bool>()) -> Votes {
        let mut votes = configured([Nodes, Disk, Share][model], 6, "", true, None);
        for (at, node) in votes.nodes.values_mut().enumerate() {
            (node.weight, node.dynamic) = (weights[at], dynamic[at]);
        }
        if let Some(vote) = &mut votes.witness {
            vote.dynamic = witness;
        }
        votes
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_step_overlaps_and_stays_within_reach(
        from in any_votes(), to in any_votes(), up in prop::collection::btree_set((1..=6_u32).prop_map(NodeId), 0..7),
        witness in any::<bool>(),
    ) {
        let access = if witness { WitnessAccess::Owned } else { WitnessAccess::Unreachable };
        let keeps = |votes: &Votes| standing(votes, &up, access) == Standing::Keeps;
        let is_replaced = from.witness_has_vote() && to.witness_has_vote() && from.witness != to.witness;
        let within_reach = keeps(&from) && keeps(&to) && !is_replaced;
        let mut at = from.clone();
        let mut steps = 0;
        while let Some(change) = next_change(&at, &to, &up, witness) {
            let next = at.after(change);
            prop_assert_eq!(at.voters().symmetric_difference(&next.voters()).count(), 1);
            prop_assert!(overlap(&at.voters(), &next.voters()));
            prop_assert!(next.total() > 0);
            prop_assert!(!within_reach || keeps(&next), "{} out of reach", shown(&next));
            at = next;
            steps += 1;
        }
        if to.total() > 0 {
            // Where nobody could agree anyway, or a witness stands alone, another kind of witness cannot follow it.
            let is_stuck = is_replaced && (from.total() == 1 || !keeps(&from));
            prop_assert!(is_stuck || at.voters() == to.voters());
            prop_assert!(is_stuck || steps == from.voters().symmetric_difference(&to.voters()).count());
        }
    }

    #[test]
    fn rebalancing_again_changes_nothing(
        from in any_votes(), up in prop::collection::btree_set((1..=6_u32).prop_map(NodeId), 0..7), ok in any::<bool>(),
    ) {
        let once = rebalance(&from, &up, ok);
        prop_assert_eq!(rebalance(&once, &up, ok), once.clone());
        let may_vote = |voter: &Voter| match voter {
            Voter::Node(id) => from.nodes[id].weight,
            Voter::Witness(_) => true,
        };
        prop_assert!(once.voters().iter().all(may_vote), "NodeWeight 0 counts");
    }
}

#[test]
fn the_votes_in_sentences() {
    let check = |votes: &Votes, up: &str, healthy, expected: Expect| {
        expected.assert_eq(&explain(votes, &ids(up), healthy, &|id| format!("n{id}")).join("\n"));
    };
    check(
        &votes(Nodes, 3, "1 2 3"),
        "1 2 3",
        false,
        expect![[r#"
        3 votes are in force: n1, n2 and n3.
        Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
        If n1, n2 or n3 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
        At the same moment 1 vote may be lost, not more."#]],
    );
    check(
        &votes(Nodes, 2, "2"),
        "1 2",
        false,
        expect![[r#"
        1 vote is in force: n2.
        Without a vote now: n1 (given up, so that the number of votes is odd).
        Quorum takes 1 of 1, more than half; present: 1. Quorum is kept.
        If n1 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
        If n2 fails next, the cluster stops.
        No vote may be lost at this moment."#]],
    );
    check(
        &votes(Disk, 4, "1 2 W"),
        "1 2",
        true,
        expect![[r#"
        3 votes are in force: n1, n2 and the disk witness.
        Without a vote now: n3 (not up), n4 (not up).
        Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
        If n1, n2 or the disk witness fails next, the cluster goes on; then 1 vote is in force and 1 needed.
        At the same moment 1 vote may be lost, not more."#]],
    );
    check(
        &votes(Share, 3, "1 2 3"),
        "1 2 3",
        true,
        expect![[r#"
        3 votes are in force: n1, n2 and n3.
        Without a vote now: the file share witness (not needed, the nodes' votes are odd in number).
        Quorum takes 2 of 3, more than half; present: 3. Quorum is kept.
        If n1, n2, n3 or the file share witness fails next, the cluster goes on; then 3 votes are in force and 2 needed.
        At the same moment 1 vote may be lost, not more."#]],
    );
    check(
        &votes(Share, 2, "2"),
        "1 2",
        false,
        expect![[r#"
        1 vote is in force: n2.
        Without a vote now: n1 (given up, so that the number of votes is odd), the file share witness (not usable).
        Quorum takes 1 of 1, more than half; present: 1. Quorum is kept.
        If n1 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
        If n2 fails next, the cluster stops.
        No vote may be lost at this moment."#]],
    );
    check(
        &configured(DiskOnly, 2, "", true, None),
        "1 2",
        true,
        expect![[r#"
        1 vote is in force: the disk witness.
        Without a vote now: n1 (the disk alone votes), n2 (the disk alone votes).
        Quorum takes 1 of 1, more than half; present: 1. Quorum is kept as long as the witness is owned here.
        If n1 or n2 fails next, the cluster goes on; then 1 vote is in force and 1 needed.
        If the disk witness fails next, the cluster stops.
        No vote may be lost at this moment."#]],
    );
    check(
        &configured(Nodes, 3, "3", false, None),
        "1 2 3",
        false,
        expect![[r#"
        2 votes are in force: n1 and n2.
        Without a vote now: n3 (NodeWeight 0).
        Quorum takes 2 of 2, more than half; present: 2. Quorum is kept.
        If n3 fails next, the cluster goes on; then 2 votes are in force and 2 needed.
        If n1 or n2 fails next, the cluster stops.
        No vote may be lost at this moment.
        Dynamic quorum is off: the votes stay as they are, whoever fails."#]],
    );
    check(
        &votes(Nodes, 3, "1 2 3"),
        "1",
        false,
        expect![[r#"
        3 votes are in force: n1, n2 and n3.
        Quorum takes 2 of 3, more than half; present: 1. Quorum is lost: every resource here is terminated (event 1177)."#]],
    );
}
