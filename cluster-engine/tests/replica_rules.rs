//! The nine rules of docs/raft.md (and one more), each in a scene of its own.

mod replica_net;

use cluster_engine::replica::{
    EntryBody, LogEntry, MAX_HELD_MESSAGES, MAX_UNPERSISTED, MessageKind, Out, Payload, RaftMessage, Refused, Rejected,
    Replica, ReplicaConfig, Sabotage, Stored, VoterChange, VoterId, Voters, Write,
};
use replica_net::Net;

const A: VoterId = VoterId(1);
const B: VoterId = VoterId(2);
const C: VoterId = VoterId(3);
const W: VoterId = VoterId(9);

fn node(id: VoterId) -> ReplicaConfig {
    ReplicaConfig { tail_entries: 5, ..ReplicaConfig::node(id, 7) }
}

fn net(voters: &[u64], learners: &[u64]) -> Net {
    Net::new(7, &Voters::new(voters, learners), node)
}

/// A leader of the test's choice.
fn elect(net: &mut Net, id: VoterId) {
    for _ in 0..400 {
        if net.leaders() == [id] && net.replica(id).committed() == net.replica(id).last_index() {
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

fn check(net: &Net) {
    assert_eq!(net.ledger.fault, None);
}

fn kinds_sent(outs: &[Out]) -> Vec<MessageKind> {
    outs.iter()
        .filter_map(|out| match out {
            Out::Send { message, .. } => Some(message.kind),
            _ => None,
        })
        .collect()
}

/// Starts a sole voter with one learner and lets it stand; returns it with what it said.
fn sole_voter_stands(sabotage: Sabotage) -> (Replica, Vec<Out>) {
    let voters = Voters::new(&[W.0], &[A.0]);
    let config = ReplicaConfig { sabotage, ..node(W) };
    let mut replica = Replica::start(config, Stored::first(voters, Vec::new())).expect("a good store");
    replica.drain();
    replica.campaign();
    let outs = replica.drain();
    (replica, outs)
}

#[test]
fn rule_1_a_sole_voter_is_silent_until_its_term_is_durable() {
    let (mut replica, outs) = sole_voter_stands(Sabotage::default());
    assert_eq!(kinds_sent(&outs), [], "nothing leaves before term 2 is durable");
    assert!(!replica.is_leader() && replica.leader().is_none());
    assert!(matches!(replica.propose(vec![1]), Err(Refused::NotLeader { leader: None })));
    assert!(replica.is_waiting_for_disk() && !replica.can_take_proposals());
    replica.persisted(replica.unpersisted());
    let outs = replica.drain();
    assert!(kinds_sent(&outs).contains(&MessageKind::Append));
    assert!(replica.is_leader() && replica.can_take_proposals());

    let (replica, outs) = sole_voter_stands(Sabotage { send_before_durable: true, ..Sabotage::default() });
    assert!(replica.is_leader());
    assert_eq!(kinds_sent(&outs), [MessageKind::Append], "the switch takes the rule out");
}

#[test]
fn a_leader_sends_its_entries_before_they_are_durable() {
    let mut net = net(&[1, 2, 3], &[]);
    elect(&mut net, A);
    net.hosts.get_mut(&A).unwrap().disk_stuck = true;
    let op = net.propose(A).expect("A leads");
    net.run(3);
    assert_eq!(net.hosts[&B].state, [op], "B and C are a majority without A's disk");
    assert_eq!(net.hosts[&A].state, [], "A has not got it on its own disk");
    assert_eq!(net.replica(A).unpersisted(), 1);
    net.hosts.get_mut(&A).unwrap().disk_stuck = false;
    net.run(1);
    assert_eq!(net.hosts[&A].state, [op]);
    check(&net);
}

#[test]
fn rule_2_a_leader_does_not_vote_itself_out() {
    let mut net = net(&[1, 2], &[]);
    elect(&mut net, A);
    for change in [VoterChange::Demote(A), VoterChange::Remove(A)] {
        assert_eq!(net.act(A, |a| a.change_voters(change)), Some(Err(Refused::Leader(A))));
    }
}

/// The former leader's demotion of B is committed by B itself, as leader: B resigns, and meanwhile serves nothing.
fn demoted_by_the_former_leader(change: VoterChange) -> Net {
    let mut net = net(&[1, 2, 3], &[]);
    elect(&mut net, A);
    net.run(10);
    // The change reaches everybody, but nobody learns that it is committed.
    net.eats = |message| message.kind == MessageKind::AppendResponse;
    net.act(A, |a| a.change_voters(change)).expect("A is up").expect("A leads");
    net.run(1);
    net.crash(A, usize::MAX);
    net.eats = |message| message.kind == MessageKind::TimeoutNow;
    for _ in 0..60 {
        net.act(B, Replica::campaign);
        net.tick();
        if !net.replica(B).voters().voters.contains(&B) {
            return net;
        }
        assert!(!net.leaders().contains(&C), "the scene needs B");
    }
    panic!("B never applied its demotion");
}

#[test]
fn rule_2_a_demoted_leader_serves_nothing_and_resigns() {
    let mut net = demoted_by_the_former_leader(VoterChange::Demote(B));
    let term = net.replica(B).term();
    assert!(!net.replica(B).is_leader());
    assert_eq!(net.replica(B).leader(), None, "B still leads in raft-rs, but it does not say so");
    assert!(!net.read(B));
    assert_eq!(net.propose(B), None);
    // Its hand-over is eaten; after a lease it steps down and C is elected.
    net.restart(A);
    assert!(net.run_until(120, |net| net.leaders().iter().any(|id| *id != B)));
    assert!(net.replica(B).term() > term);
    let leader = net.elect();
    let op = net.propose(leader).expect("just elected");
    assert!(net.run_until(60, |net| net.hosts[&B].state.contains(&op)), "B follows as a learner");
    check(&net);
}

#[test]
fn rule_2_a_removed_leader_steps_down_at_once() {
    let mut net = demoted_by_the_former_leader(VoterChange::Remove(B));
    assert_eq!(net.replica(B).leader(), None);
    assert_eq!(net.replica(B).matched(B), None, "it is a follower now");
    net.restart(A);
    assert!(net.run_until(120, |net| !net.leaders().is_empty()));
    check(&net);
}

#[test]
fn rule_2_taken_out_gives_stale_reads() {
    let sabotage = Sabotage { serve_as_non_voter: true, ..Sabotage::default() };
    let mut net = Net::new(7, &Voters::new(&[1, 2], &[]), |id| ReplicaConfig { sabotage, ..node(id) });
    elect(&mut net, A);
    net.run(10);
    net.act(A, |a| a.change_voters(VoterChange::Demote(A))).unwrap().expect("the switch allows it");
    net.run(5);
    net.cut(A, B);
    elect_beside(&mut net, B);
    net.propose(B).expect("B leads alone");
    net.run(2);
    assert!(net.leaders().contains(&A), "A still says it leads");
    net.read(A);
    let fault = net.ledger.fault.clone().unwrap_or_default();
    assert!(fault.contains("stale read"), "found {fault:?}");
}

fn elect_beside(net: &mut Net, id: VoterId) {
    assert!(net.run_until(200, |net| net.leaders().contains(&id)));
}

#[test]
fn rule_3_the_witness_stands_last_but_can_lead_and_hands_over() {
    let settings = |id| match id {
        W => ReplicaConfig::witness(W, 7, true),
        id => node(id),
    };
    let mut first: Vec<VoterId> = Vec::new();
    for seed in 0..40 {
        let config = |id| ReplicaConfig { seed, ..settings(id) };
        let mut net = Net::new(seed, &Voters::new(&[1, 2, W.0], &[]), config);
        first.push(net.elect());
    }
    assert!(!first.contains(&W), "nodes come first: {first:?}");
    let mut net = Net::new(7, &Voters::new(&[1, 2, W.0], &[]), settings);
    elect(&mut net, W);
    // Hand-over works with equal logs, which raft-rs's priorities would prevent.
    net.act(W, |w| w.transfer(A)).unwrap().expect("W leads");
    assert!(net.run_until(10, |net| net.leaders() == [A]));
    check(&net);
}

#[test]
fn a_voter_that_may_not_lead_votes_and_never_stands() {
    let settings = |id| match id {
        W => ReplicaConfig::witness(W, 7, false),
        id => node(id),
    };
    let mut net = Net::new(7, &Voters::new(&[1, 2, W.0], &[]), settings);
    let leader = net.elect();
    let op = net.propose(leader).expect("it leads");
    net.run(5);
    net.act(leader, |l| l.transfer(W)).unwrap().expect("the leader does not know what W may");
    net.run(40);
    assert_ne!(net.leaders(), [W]);
    net.crash(leader, 0);
    let next = net.elect();
    assert!(next != W && next != leader, "the other node wins with the vote of W");
    assert!(net.run_until(20, |net| net.hosts[&next].state.contains(&op)));
    net.crash(next, 0);
    net.run(300);
    assert_eq!(net.leaders(), []);
    assert_eq!(net.replica(W).leader(), None, "it knows that nobody leads");
    assert!(!net.replica(W).quorum_active());
    check(&net);
}

/// A newcomer whose disk is stuck while the leader's snapshot is on its way to it.
fn installing(net: &mut Net) -> VoterId {
    let newcomer = VoterId(20);
    net.add(node(newcomer), Stored::empty());
    elect(net, A);
    for _ in 0..30 {
        net.propose(A);
        net.tick();
    }
    net.act(A, |a| a.change_voters(VoterChange::AddLearner(newcomer))).unwrap().expect("A leads");
    net.run(30);
    net.hosts.get_mut(&newcomer).unwrap().disk_stuck = true;
    assert!(net.replica(A).snapshot_due(), "rule 7: the newest snapshot does not name the newcomer");
    net.snapshot(A);
    assert!(!net.replica(A).snapshot_due());
    assert!(net.run_until(200, |net| net.replica(newcomer).is_installing()));
    newcomer
}

#[test]
fn rule_4_nothing_is_stepped_while_a_snapshot_is_installed() {
    let mut net = net(&[1, 2, 3], &[]);
    let newcomer = installing(&mut net);
    let mut beat = RaftMessage::new(MessageKind::Heartbeat, A, newcomer, net.replica(A).term());
    beat.commit = 1;
    assert_eq!(net.act(newcomer, |n| n.receive(beat.clone())), Some(Err(Rejected::Installing)));
    assert_eq!(net.act(newcomer, |n| n.take_snapshot(1, Vec::new())), Some(Err(Refused::Installing)));
    assert_eq!(net.hosts[&newcomer].state, [], "the state is not replaced before it is durable");
    net.run(100);
    assert_eq!(net.replica(newcomer).applied(), 0);
    net.hosts.get_mut(&newcomer).unwrap().disk_stuck = false;
    let leader = net.elect();
    let op = net.propose(leader).expect("it leads");
    assert!(net.run_until(100, |net| net.hosts[&newcomer].state.last() == Some(&op)));
    assert_eq!(net.hosts[&newcomer].state, net.hosts[&leader].state);
    check(&net);
}

#[test]
fn rule_4_taken_out_lets_messages_in() {
    let sabotage = Sabotage { step_during_install: true, ..Sabotage::default() };
    let config = ReplicaConfig { sabotage, ..node(B) };
    for (config, expected) in [(node(B), Err(Rejected::Installing)), (config, Ok(()))] {
        let mut replica = Replica::start(config, Stored::empty()).expect("a good store");
        let image = Stored::first(Voters::new(&[1, 2], &[]), Vec::new()).snapshot;
        let mut snapshot = RaftMessage::new(MessageKind::Snapshot, A, B, 2);
        snapshot.snapshot = Some(image);
        replica.receive(snapshot).expect("a good message");
        replica.drain();
        let beat = RaftMessage::new(MessageKind::Heartbeat, A, B, 2);
        assert_eq!(replica.receive(beat), expected);
    }
}

#[test]
fn a_disk_that_is_stuck_does_not_fill_the_memory() {
    let stored = Stored::first(Voters::new(&[1, 2, 3], &[]), Vec::new());
    let mut replica = Replica::start(node(B), stored).expect("a good store");
    for _ in 0..MAX_HELD_MESSAGES + 500 {
        replica.receive(RaftMessage::new(MessageKind::Heartbeat, A, B, 2)).expect("a good message");
        assert_eq!(kinds_sent(&replica.drain()), []);
    }
    replica.persisted(1);
    assert_eq!(kinds_sent(&replica.drain()).len(), MAX_HELD_MESSAGES);

    let (mut leader, _) = sole_voter_stands(Sabotage::default());
    leader.persisted(1);
    leader.drain();
    let full = (0..MAX_UNPERSISTED + 1).find_map(|_| {
        let refused = leader.propose(vec![1]).err();
        leader.drain();
        refused
    });
    assert_eq!(full, Some(Refused::Full));
    assert_eq!(leader.unpersisted(), MAX_UNPERSISTED);
    leader.persisted(1 + MAX_UNPERSISTED);
    leader.drain();
    assert!(leader.propose(vec![1]).is_ok());
}

#[test]
fn rule_5_reads_cost_no_writes_and_keep_their_place() {
    let mut net = net(&[1, 2, 3], &[]);
    elect(&mut net, A);
    net.run(20);
    let written = net.act(A, |a| a.unpersisted()).unwrap();
    assert_eq!(written, 0);
    for id in [A, B, C] {
        net.hosts.get_mut(&id).unwrap().disk_stuck = true;
    }
    for _ in 0..200 {
        assert!(net.read(A));
        net.run(1);
    }
    assert_eq!(net.hosts[&A].answered.len(), 200);
    for id in [A, B, C] {
        assert_eq!(net.replica(id).unpersisted(), 0, "{id} wrote something for a read");
    }
    // With one write under way everywhere, answers wait for it and no further write is added.
    net.propose(A).expect("A leads");
    for _ in 0..10 {
        net.read(A);
        net.run(1);
    }
    assert_eq!(net.hosts[&A].answered.len(), 200, "the followers' answers ride behind their write");
    for id in [A, B, C] {
        assert!(net.replica(id).unpersisted() <= 2, "{id}: {}", net.replica(id).unpersisted());
        net.hosts.get_mut(&id).unwrap().disk_stuck = false;
    }
    net.run(10);
    assert_eq!(net.hosts[&A].answered.len(), 210);
    check(&net);
}

#[test]
fn rule_6_a_lost_snapshot_is_sent_again() {
    let caught_up = |sabotage: Sabotage| {
        let settings = |id| ReplicaConfig { sabotage, ..node(id) };
        let mut net = Net::new(7, &Voters::new(&[1, 2, 3], &[]), settings);
        elect(&mut net, A);
        net.isolate(C);
        for _ in 0..30 {
            net.propose(A);
            net.tick();
        }
        net.snapshot(A);
        net.snapshot(B);
        net.eats = |message| message.kind == MessageKind::Snapshot;
        net.cuts.clear();
        net.run(30);
        net.eats = |_| false;
        net.run(200);
        check(&net);
        net.hosts[&C].state == net.hosts[&A].state
    };
    assert!(caught_up(Sabotage::default()));
    assert!(!caught_up(Sabotage { no_snapshot_report: true, ..Sabotage::default() }));
}

#[test]
fn rule_7_a_snapshot_names_its_receiver() {
    let newcomer = VoterId(20);
    let snapshots_sent = |sabotage: Sabotage| {
        let settings = |id| ReplicaConfig { sabotage, ..node(id) };
        let mut net = Net::new(7, &Voters::new(&[1, 2, 3], &[]), settings);
        elect(&mut net, A);
        for _ in 0..30 {
            net.propose(A);
            net.tick();
        }
        net.snapshot(A);
        net.add(node(newcomer), Stored::empty());
        net.cut(A, newcomer);
        net.act(A, |a| a.change_voters(VoterChange::AddLearner(newcomer))).unwrap().expect("A leads");
        net.run(2);
        net.cuts.clear();
        // Look at what A sends in answer to the newcomer.
        let mut sent = 0;
        for _ in 0..20 {
            let mut answer = RaftMessage::new(MessageKind::HeartbeatResponse, newcomer, A, net.replica(A).term());
            answer.commit = 0;
            let outs = {
                let a = net.hosts.get_mut(&A).unwrap().replica.as_mut().unwrap();
                a.receive(answer).expect("a good answer");
                let mut reject = RaftMessage::new(MessageKind::AppendResponse, newcomer, A, a.term());
                reject.reject = true;
                reject.index = a.last_index() - 1;
                let _ = a.receive(reject);
                a.drain()
            };
            sent += kinds_sent(&outs).iter().filter(|kind| **kind == MessageKind::Snapshot).count();
        }
        sent
    };
    assert_eq!(snapshots_sent(Sabotage::default()), 0, "A's snapshot is older than the newcomer");
    assert!(snapshots_sent(Sabotage { snapshot_for_anyone: true, ..Sabotage::default() }) > 0);
}

#[test]
fn rule_8_a_restart_applies_changes_again_from_the_snapshot() {
    let mut net = net(&[1, 2, 3], &[]);
    elect(&mut net, A);
    net.run(10);
    for change in [VoterChange::Demote(C), VoterChange::Remove(C)] {
        net.act(A, |a| a.change_voters(change)).unwrap().expect("A leads");
        net.run(10);
    }
    let op = net.propose(A).expect("A leads");
    // Long enough for a quiet log to have its commit index written.
    net.run(25);
    let disk = net.hosts[&B].disk.clone();
    assert_eq!(disk.snapshot.voters, Voters::new(&[1, 2, 3], &[]), "the store knows only the first set");
    net.crash(B, 0);
    net.restart(B);
    assert_eq!(net.replica(B).voters(), &Voters::new(&[1, 2], &[]));
    assert_eq!(net.hosts[&B].state, [op]);
    net.snapshot(B);
    assert_eq!(net.hosts[&B].disk.snapshot.voters, Voters::new(&[1, 2], &[]));
    check(&net);
}

#[test]
fn rule_9_a_batch_never_holds_entries_of_a_term_that_is_not_promised() {
    let mut net = net(&[1, 2, 3], &[]);
    let mut stored = Stored::first(Voters::new(&[1, 2, 3], &[]), Vec::new());
    let mut replica = Replica::start(node(A), stored.clone()).expect("a good store");
    elect(&mut net, B);
    let mut append = RaftMessage::new(MessageKind::Append, B, A, 5);
    (append.index, append.log_term, append.commit) = (1, 1, 2);
    append.entries = vec![LogEntry { index: 2, term: 5, body: EntryBody::Empty }];
    replica.receive(append).expect("a good message");
    let outs = replica.drain();
    let batches: Vec<&Vec<Write>> = outs
        .iter()
        .filter_map(|out| match out {
            Out::Persist { writes, .. } => Some(writes),
            _ => None,
        })
        .collect();
    // However many batches there are: after each of them the store is one that starts.
    for batch in &batches {
        stored.write(batch);
        stored.check().expect("a store is sound after every batch");
    }
    assert_eq!((stored.hard.term, stored.hard.commit, stored.last_index()), (5, 2, 2));
    assert_eq!(kinds_sent(&outs), [], "the answer waits");
    assert!(!outs.iter().any(|out| matches!(out, Out::Committed { .. })), "and so does applying");
    replica.persisted(batches.len() as u64);
    let outs = replica.drain();
    assert_eq!(kinds_sent(&outs), [MessageKind::AppendResponse]);
    let committed = Out::Committed { index: 2, term: 5, payload: Payload::Empty };
    assert!(outs.contains(&committed));
}

/// B becomes sole voter by an applied change while later entries are still on their way to its disk.
fn sole_voter_with_a_slow_disk(sabotage: Sabotage) -> Replica {
    let voters = Voters::new(&[A.0, B.0], &[]);
    let config = ReplicaConfig { sabotage, ..node(B) };
    let mut replica = Replica::start(config, Stored::first(voters, Vec::new())).expect("a good store");
    let entry = |index, body| LogEntry { index, term: 2, body };
    let mut append = RaftMessage::new(MessageKind::Append, A, B, 2);
    (append.index, append.log_term, append.commit) = (1, 1, 2);
    append.entries = vec![entry(2, EntryBody::Change(VoterChange::Demote(A)))];
    replica.receive(append.clone()).expect("a good message");
    replica.drain();
    replica.persisted(replica.unpersisted());
    replica.drain();
    assert_eq!(replica.voters(), &Voters::new(&[B.0], &[A.0]));
    (append.index, append.log_term) = (2, 2);
    append.entries = vec![entry(3, EntryBody::Data(vec![1]))];
    replica.receive(append).expect("a good message");
    replica.drain();
    replica
}

#[test]
fn a_replica_does_not_stand_while_its_log_is_not_durable() {
    let mut replica = sole_voter_with_a_slow_disk(Sabotage::default());
    let now = RaftMessage::new(MessageKind::TimeoutNow, A, B, 2);
    assert_eq!(replica.receive(now), Err(Rejected::CannotLead));
    for _ in 0..100 {
        replica.campaign();
        replica.tick();
        replica.drain();
    }
    assert_eq!((replica.term(), replica.leader()), (2, None), "it has given its leader up, no more");
    replica.persisted(replica.unpersisted() + 1);
    replica.drain();
    replica.tick();
    replica.drain();
    assert_eq!(replica.term(), 3, "it stands as soon as its disk has caught up");

    let sabotage = Sabotage { campaign_before_durable: true, ..Sabotage::default() };
    let broken = std::panic::catch_unwind(|| {
        let mut replica = sole_voter_with_a_slow_disk(sabotage);
        replica.campaign();
        replica.drain();
    });
    assert!(broken.is_err(), "raft-rs asserts what this rule keeps");
}
