//! The life of a cluster of replicas: elections, hand-over, newcomers, restarts, snapshots, reads, changes that are
//! refused, and force quorum.

mod replica_net;

use cluster_engine::replica::{
    EntryBody, MAX_PROPOSAL_BYTES, Out, Payload, Refused, Replica, ReplicaConfig, StoreFault, Stored, VoterChange,
    VoterId, Voters, Write,
};
use replica_net::Net;

const A: VoterId = VoterId(1);
const B: VoterId = VoterId(2);
const C: VoterId = VoterId(3);

fn node(id: VoterId) -> ReplicaConfig {
    ReplicaConfig { tail_entries: 5, snapshot_entries: 10, ..ReplicaConfig::node(id, 11) }
}

fn net(voters: &[u64], learners: &[u64]) -> Net {
    Net::new(11, &Voters::new(voters, learners), node)
}

/// A leader of the test's choice that can take changes.
fn lead(net: &mut Net, id: VoterId) {
    for _ in 0..400 {
        let replica = net.replica(id);
        if net.leaders() == [id] && replica.applied() == replica.last_index() {
            return;
        }
        net.act(id, Replica::campaign);
        if let Some(other) = net.leaders().last().copied().filter(|other| *other != id) {
            net.act(other, |replica| replica.transfer(id).is_ok());
        }
        net.tick();
    }
    panic!("{id} does not become leader");
}

fn change(net: &mut Net, leader: VoterId, change: VoterChange) -> Result<(), Refused> {
    net.act(leader, |replica| replica.change_voters(change)).expect("it is up").map(|_| ())
}

fn check(net: &Net) {
    assert_eq!(net.ledger.fault, None);
}

#[test]
fn a_proposal_costs_one_write_on_each_replica() {
    for shape in [Voters::new(&[1], &[]), Voters::new(&[1, 2, 3], &[])] {
        let mut net = Net::new(11, &shape, node);
        lead(&mut net, A);
        net.run(40);
        let before = net.written.clone();
        for _ in 0..10 {
            net.propose(A).expect("A leads");
            net.run(1);
        }
        for id in shape.members() {
            assert_eq!(net.written[&id] - before[&id], 10, "{id} of {shape:?}");
        }
        // Then the commit index alone, once, when the log has been quiet.
        net.run(60);
        for id in shape.members() {
            assert_eq!(net.written[&id] - before[&id], 11, "{id} of {shape:?}");
            assert_eq!(net.hosts[&id].disk.hard.commit, net.replica(id).committed());
        }
        check(&net);
    }
}

#[test]
fn a_follower_that_was_cut_off_disturbs_nobody() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    let term = net.replica(A).term();
    net.isolate(C);
    net.run(500);
    assert_eq!(net.replica(C).term(), term, "pre-vote: it does not raise its term alone");
    assert_eq!((net.replica(C).leader(), net.replica(C).quorum_active()), (None, false));
    net.cuts.clear();
    net.run(60);
    assert_eq!((net.leaders(), net.replica(A).term()), (vec![A], term));
    assert_eq!(net.replica(C).leader(), Some(A));
    check(&net);
}

#[test]
fn a_leader_that_is_cut_off_steps_down_and_its_reads_are_lost() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    assert!(net.replica(A).quorum_active());
    net.isolate(A);
    assert!(net.read(A));
    net.propose(A).expect("it does not know yet");
    net.run(20);
    assert!(!net.replica(A).quorum_active(), "nobody was heard for a lease");
    assert!(net.run_until(40, |net| net.replica(A).leader().is_none()));
    assert_eq!((net.hosts[&A].lost.len(), net.hosts[&A].answered.len()), (1, 0));
    assert!(net.run_until(60, |net| !net.leaders().is_empty()));
    net.cuts.clear();
    let leader = net.elect();
    let op = net.propose(leader).expect("it leads");
    assert!(net.run_until(60, |net| net.hosts[&A].state == [op]), "A's own proposal gave way");
    check(&net);
}

#[test]
fn learners_notice_a_silent_leader_but_never_stand() {
    let mut net = net(&[1], &[2, 3]);
    lead(&mut net, A);
    net.run(10);
    assert_eq!(net.replica(B).leader(), Some(A));
    net.crash(A, 0);
    net.run(100);
    assert_eq!((net.replica(B).leader(), net.leaders()), (None, vec![]));
    net.act(B, Replica::campaign);
    net.run(40);
    assert_eq!(net.leaders(), []);
    net.restart(A);
    assert!(net.run_until(60, |net| net.replica(B).leader() == Some(A)));
    check(&net);
}

#[test]
fn leadership_is_handed_over_and_proposals_wait() {
    let mut net = net(&[1, 2, 3], &[4]);
    lead(&mut net, A);
    let transfer = |net: &mut Net, from, to| net.act(from, |r| r.transfer(to)).expect("it is up");
    assert_eq!(transfer(&mut net, A, VoterId(4)), Err(Refused::NotVoter(VoterId(4))));
    assert_eq!(transfer(&mut net, B, C), Err(Refused::NotLeader { leader: Some(A) }));
    net.isolate(B);
    net.propose(A).expect("A leads");
    assert_eq!(transfer(&mut net, A, B), Ok(()));
    let refused = net.act(A, |a| a.propose(vec![1])).expect("A is up");
    assert_eq!(refused.unwrap_err(), Refused::HandingOver { to: B });
    assert!(!net.replica(A).can_take_proposals());
    net.run(31);
    assert!(net.replica(A).can_take_proposals(), "a hand-over to a dead voter is given up");
    assert_eq!(transfer(&mut net, A, B), Ok(()));
    net.act(A, Replica::cancel_transfer);
    assert!(net.replica(A).can_take_proposals());
    net.cuts.clear();
    net.run(20);
    assert_eq!(transfer(&mut net, A, B), Ok(()));
    assert!(net.run_until(10, |net| net.leaders() == [B]));
    check(&net);
}

#[test]
fn a_wiped_store_comes_back_under_a_new_id() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    for _ in 0..30 {
        net.propose(A);
        net.tick();
    }
    net.crash(C, 0);
    let fresh = VoterId(20);
    net.add(node(fresh), Stored::empty());
    assert_eq!(change(&mut net, A, VoterChange::Remove(C)), Ok(()));
    net.run(5);
    assert_eq!(change(&mut net, A, VoterChange::AddLearner(fresh)), Ok(()));
    net.run(5);
    let early = change(&mut net, A, VoterChange::Promote(fresh));
    assert!(matches!(early, Err(Refused::LearnerBehind { matched: 0, .. })), "found {early:?}");
    assert!(net.replica(A).snapshot_due());
    net.snapshot(A);
    assert!(net.run_until(100, |net| change_would_do(net, fresh)));
    assert_eq!(change(&mut net, A, VoterChange::Promote(fresh)), Ok(()));
    net.run(5);
    assert_eq!(net.replica(fresh).voters(), &Voters::new(&[1, 2, 20], &[]));
    assert_eq!(net.hosts[&fresh].state, net.hosts[&A].state);
    // It counts: without B the two are a majority, also after its restart.
    net.crash(B, 0);
    net.crash(fresh, 9);
    net.restart(fresh);
    let op = net.propose(A).expect("A leads");
    assert!(net.run_until(40, |net| net.hosts[&fresh].state.last() == Some(&op)));
    check(&net);
}

fn change_would_do(net: &Net, id: VoterId) -> bool {
    net.replica(A).matched(id) == Some(net.replica(A).last_index())
}

#[test]
fn changes_that_cannot_be_are_refused() {
    let mut net = net(&[1, 2, 3], &[4]);
    lead(&mut net, A);
    let refused = |net: &mut Net, at, asked| change(net, at, asked).expect_err("it cannot be");
    assert_eq!(refused(&mut net, B, VoterChange::Demote(C)), Refused::NotLeader { leader: Some(A) });
    assert!(matches!(refused(&mut net, A, VoterChange::AddLearner(B)), Refused::Change(_)));
    assert!(matches!(refused(&mut net, A, VoterChange::Promote(B)), Refused::Change(_)));
    assert!(matches!(refused(&mut net, A, VoterChange::Remove(VoterId(9))), Refused::Change(_)));
    net.crash(VoterId(4), 0);
    net.run(40);
    let silent = refused(&mut net, A, VoterChange::Promote(VoterId(4)));
    assert!(matches!(silent, Refused::LearnerBehind { .. }), "a dead learner gets no vote: {silent:?}");
    net.eats = |_| true;
    assert_eq!(change(&mut net, A, VoterChange::Demote(C)), Ok(()));
    assert_eq!(refused(&mut net, A, VoterChange::Demote(B)), Refused::ChangePending);
    net.eats = |_| false;
    net.run(20);
    assert_eq!(change(&mut net, A, VoterChange::Demote(B)), Ok(()));
    net.run(20);
    assert_eq!(net.replica(A).voters(), &Voters::new(&[1], &[2, 3, 4]));
    check(&net);
}

#[test]
fn asks_that_cannot_be_are_refused() {
    let mut net = net(&[1, 2, 3], &[]);
    assert_eq!(net.act(A, |a| a.read(1)), Some(Err(Refused::NotLeader { leader: None })));
    lead(&mut net, A);
    let propose = |net: &mut Net, data: Vec<u8>| net.act(A, |a| a.propose(data)).expect("A is up");
    assert_eq!(propose(&mut net, Vec::new()), Err(Refused::EmptyProposal));
    let (size, limit) = (MAX_PROPOSAL_BYTES + 1, MAX_PROPOSAL_BYTES);
    assert_eq!(propose(&mut net, vec![0; size]), Err(Refused::TooLarge { size, limit }));
    // Proposals that find no majority fill up, and are taken again when they have found one.
    net.isolate(A);
    let replica = net.hosts.get_mut(&A).unwrap().replica.as_mut().expect("A is up");
    let full = (0..1000).find_map(|_| replica.propose(vec![1; limit]).err());
    assert_eq!(full, Some(Refused::Full));
    let snapshot = |net: &mut Net, index| net.act(A, |a| a.take_snapshot(index, Vec::new())).expect("A is up");
    for index in [0, 1, 1000] {
        let refused = snapshot(&mut net, index).expect_err("there is nothing to keep");
        assert!(matches!(refused, Refused::SnapshotIndex { newest: 1, .. }), "{refused}");
    }
    let replica = net.hosts.get_mut(&A).unwrap().replica.as_mut().expect("A is up");
    assert_eq!(replica.read(5), Ok(()));
    assert_eq!(replica.read(5), Err(Refused::ReadTwice(5)));
    assert_eq!((6..100_000).find_map(|context| replica.read(context).err()), Some(Refused::TooManyReads));
    assert!(Refused::TooManyReads.to_string().contains("16384"));
}

#[test]
fn a_restart_replays_the_log_from_the_snapshot() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    for round in 0..40 {
        net.propose(A);
        net.tick();
        if round == 20 {
            net.snapshot(A);
        }
    }
    net.run(40);
    let (state, term) = (net.hosts[&A].state.clone(), net.replica(A).term());
    let disk = net.hosts[&A].disk.clone();
    assert!(disk.snapshot.index > 15 && !disk.entries.is_empty());
    assert_eq!(disk.entries[0].index, disk.snapshot.index + 1);
    net.crash(A, 0);
    // What a start says first: the snapshot, then the committed tail, and nothing before that.
    let mut replica = Replica::start(node(A), disk.clone()).expect("a good store");
    let outs = replica.drain();
    assert!(matches!(&outs[0], Out::Restored(image) if *image == disk.snapshot));
    let replayed = outs.iter().filter(|out| matches!(out, Out::Committed { payload: Payload::Data(_), .. }));
    assert_eq!(replayed.count(), state.len() - disk.snapshot.data.len() / 8);
    assert!(!outs.iter().any(|out| matches!(out, Out::Persist { .. } | Out::Send { .. })));
    assert_eq!((replica.term(), replica.is_leader()), (term, false), "it was leader and is follower now");
    net.restart(A);
    assert_eq!(net.hosts[&A].state, state);
    check(&net);
}

#[test]
fn a_slow_follower_gets_entries_from_the_tail_and_a_slower_one_the_snapshot() {
    let installs_after = |behind: u64| {
        let mut net = net(&[1, 2, 3], &[]);
        lead(&mut net, A);
        net.run(10);
        let before = net.ledger.installs;
        net.isolate(C);
        for _ in 0..behind {
            net.propose(A).expect("A leads");
            net.run(1);
        }
        net.snapshot(A);
        net.cuts.clear();
        assert!(net.run_until(100, |net| net.hosts[&C].state == net.hosts[&A].state));
        check(&net);
        net.ledger.installs - before
    };
    assert_eq!(installs_after(4), 0);
    assert_eq!(installs_after(9), 1);
}

#[test]
fn a_snapshot_may_lie_behind_what_is_applied() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    let op = net.propose(A).expect("A leads");
    net.run(2);
    let at = net.replica(A).applied();
    change(&mut net, A, VoterChange::Demote(C)).expect("A leads");
    net.run(2);
    net.propose(A).expect("A leads");
    net.run(2);
    net.act(A, |a| a.take_snapshot(at, op.to_le_bytes().to_vec())).unwrap().expect("it is applied");
    let kept = &net.hosts[&A].disk;
    assert_eq!((kept.snapshot.index, kept.entries.len()), (at, 2));
    assert_eq!(kept.snapshot.voters, Voters::new(&[1, 2, 3], &[]), "the voters of then, not of now");
    net.crash(A, 0);
    net.restart(A);
    net.run(60);
    assert_eq!(net.replica(A).voters(), &Voters::new(&[1, 2], &[3]));
    check(&net);
}

#[test]
fn force_quorum_keeps_what_was_acknowledged() {
    let mut net = net(&[1, 2, 3], &[]);
    lead(&mut net, A);
    for _ in 0..50 {
        net.propose(A).expect("A leads");
        net.run(1);
    }
    // A change is under way that those it names will never decide.
    net.eats = |_| true;
    change(&mut net, A, VoterChange::Demote(B)).expect("A leads");
    net.eats = |_| false;
    let acknowledged = net.hosts[&A].state.clone();
    for id in [A, B, C] {
        net.crash(id, 0);
    }
    let mut disk = net.hosts[&A].disk.clone();
    let (term, last) = (disk.hard.term, disk.last_index());
    assert!(matches!(disk.entries.last().expect("the change").body, EntryBody::Change(_)));
    disk.force_sole_voter(A).expect("A was a member");
    assert_eq!((disk.hard.term, disk.hard.vote, disk.last_index()), (term + 1, 0, last));
    assert_eq!(disk.entries.last().expect("it stays").body, EntryBody::Empty);
    let mut forced = Net::new(11, &Voters::default(), node);
    forced.add(node(A), disk);
    assert!(forced.run_until(100, |net| net.leaders() == [A]));
    forced.run(5);
    assert_eq!(forced.hosts[&A].state, acknowledged);
    // The others come back empty and under new ids.
    for fresh in [VoterId(21), VoterId(22)] {
        forced.add(node(fresh), Stored::empty());
        change(&mut forced, A, VoterChange::AddLearner(fresh)).expect("A leads");
        forced.run(2);
        forced.snapshot(A);
        assert!(forced.run_until(100, |net| change_would_do(net, fresh)));
        change(&mut forced, A, VoterChange::Promote(fresh)).expect("it has caught up");
        forced.run(5);
        assert_eq!(forced.hosts[&fresh].state, acknowledged);
    }
    assert_eq!(forced.replica(A).voters(), &Voters::new(&[1, 21, 22], &[]));
    check(&forced);
    // Why the caller needs an incarnation number: the old stores still make a majority of their own.
    for id in [B, C] {
        net.restart(id);
    }
    assert!(net.run_until(100, |net| !net.leaders().is_empty()));
}

#[test]
fn force_quorum_needs_a_store_that_was_a_member() {
    assert_eq!(Stored::empty().force_sole_voter(A), Err(StoreFault::Empty));
    let mut stored = Stored::first(Voters::new(&[1, 2], &[]), vec![1]);
    assert_eq!(stored.force_sole_voter(VoterId(0)), Err(StoreFault::IdZero));
    stored.write(&[Write::Hard(Default::default())]);
    let before = stored.clone();
    assert!(matches!(stored.force_sole_voter(A), Err(StoreFault::TermForgotten { .. })));
    assert_eq!(stored, before, "a refusal changes nothing");
}
