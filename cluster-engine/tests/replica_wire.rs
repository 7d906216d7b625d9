//! What comes from outside: messages through the filter, and damaged stores. Nothing panics, and every refusal names its
//! reason.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cluster_engine::replica::{
    EntryBody, HardState, LogEntry, MAX_POSITION, MessageKind, Out, RaftMessage, Rejected, Replica, ReplicaConfig,
    SnapshotImage, StoreFault, Stored, VoterChange, VoterId, Voters, VotersFault, Write,
};

mod replica_net;

use replica_net::Dice;

const A: VoterId = VoterId(1);
const B: VoterId = VoterId(2);

const KINDS: [MessageKind; 10] = [
    MessageKind::Append,
    MessageKind::AppendResponse,
    MessageKind::RequestVote,
    MessageKind::RequestVoteResponse,
    MessageKind::Snapshot,
    MessageKind::Heartbeat,
    MessageKind::HeartbeatResponse,
    MessageKind::TimeoutNow,
    MessageKind::RequestPreVote,
    MessageKind::RequestPreVoteResponse,
];

fn message(kind: MessageKind) -> RaftMessage {
    RaftMessage::new(kind, A, B, 3)
}

fn entry(index: u64, term: u64) -> LogEntry {
    LogEntry { index, term, body: EntryBody::Data(vec![7]) }
}

fn image(index: u64, term: u64) -> SnapshotImage {
    SnapshotImage { index, term, voters: Voters::new(&[1, 2, 3], &[]), data: vec![1, 2, 3] }
}

/// A follower of three with entries 2 to 4 in term 2, of which 3 are committed.
fn follower() -> Replica {
    let mut stored = Stored::first(Voters::new(&[1, 2, 3], &[]), Vec::new());
    stored.write(&[
        Write::Hard(HardState { term: 2, vote: 1, commit: 3 }),
        Write::Entries(vec![entry(2, 2), entry(3, 2), entry(4, 2)]),
    ]);
    let mut replica = Replica::start(ReplicaConfig::node(B, 7), stored).expect("a good store");
    replica.drain();
    replica
}

#[test]
fn the_filter_names_what_is_wrong() {
    let check = |kind, change: fn(&mut RaftMessage), expected: fn(&Rejected) -> bool| {
        let mut message = message(kind);
        change(&mut message);
        let mut replica = follower();
        let (term, last) = (replica.term(), replica.last_index());
        let found = replica.receive(message.clone()).expect_err("it is wrong");
        assert!(expected(&found), "{message:?} gave {found:?}");
        assert!(!found.to_string().is_empty());
        assert_eq!((replica.term(), replica.last_index()), (term, last), "nothing has changed");
        assert_eq!(replica.drain(), [], "and nothing is said");
    };
    use MessageKind as K;
    let malformed = |r: &Rejected| matches!(r, Rejected::Malformed { .. });
    let range = |r: &Rejected| matches!(r, Rejected::OutOfRange { .. });
    check(K::Heartbeat, |m| m.to = A, |r| matches!(r, Rejected::NotForUs { .. }));
    check(K::Heartbeat, |m| m.from = VoterId(0), |r| matches!(r, Rejected::BadSender(_)));
    check(K::Heartbeat, |m| m.from = B, |r| matches!(r, Rejected::BadSender(_)));
    check(K::Heartbeat, |m| m.term = 0, range);
    check(K::Heartbeat, |m| m.term = MAX_POSITION + 1, range);
    check(K::Append, |m| m.index = u64::MAX, range);
    check(K::AppendResponse, |m| m.reject_hint = u64::MAX, range);
    check(K::Heartbeat, |m| m.context = vec![0; 33], range);
    check(K::Heartbeat, |m| m.commit = 5, |r| *r == Rejected::BeyondLog { index: 5, last: 4 });
    check(K::AppendResponse, |m| (m.term, m.index) = (2, 5), |r| *r == Rejected::BeyondLog { index: 5, last: 4 });
    check(K::AppendResponse, |m| (m.reject, m.index, m.reject_hint) = (true, 3, 4), malformed);
    check(K::Heartbeat, |m| m.entries = vec![entry(1, 1)], malformed);
    check(K::Heartbeat, |m| m.snapshot = Some(image(5, 2)), malformed);
    check(K::Snapshot, |_| {}, malformed);
    check(K::Snapshot, |m| m.snapshot = Some(image(0, 2)), malformed);
    check(K::Snapshot, |m| m.snapshot = Some(image(5, 0)), malformed);
    check(K::Snapshot, |m| m.snapshot = Some(image(5, 4)), malformed);
    check(K::Snapshot, |m| m.snapshot = Some(image(3, 1)), |r| *r == Rejected::Contradicts { index: 3 });
    check(K::Snapshot, |m| m.snapshot = Some(image(5, 1)), |r| *r == Rejected::Contradicts { index: 3 });
    let nobody =
        |m: &mut RaftMessage| m.snapshot = Some(SnapshotImage { voters: Voters::new(&[], &[2]), ..image(5, 2) });
    check(K::Snapshot, nobody, |r| *r == Rejected::Voters(VotersFault::NoVoter));
    let twice =
        |m: &mut RaftMessage| m.snapshot = Some(SnapshotImage { voters: Voters::new(&[2], &[2]), ..image(5, 2) });
    check(K::Snapshot, twice, |r| *r == Rejected::Voters(VotersFault::Twice(B)));
    check(K::Append, |m| append_at_4(m, vec![entry(6, 2)]), malformed);
    check(K::Append, |m| (m.index, m.log_term) = (9, 0), malformed);
    check(K::Append, |m| append_at_4(m, vec![entry(5, 2), entry(7, 2)]), malformed);
    check(K::Append, |m| append_at_4(m, vec![entry(5, 1)]), malformed);
    check(K::Append, |m| append_at_4(m, vec![entry(5, 4)]), malformed);
    check(K::Append, |m| append_at_4(m, vec![LogEntry { body: EntryBody::Data(vec![]), ..entry(5, 2) }]), malformed);
    let zero = |m: &mut RaftMessage| {
        let body = EntryBody::Change(VoterChange::Promote(VoterId(0)));
        append_at_4(m, vec![LogEntry { body, ..entry(5, 2) }]);
    };
    check(K::Append, zero, malformed);
    let stranger = |m: &mut RaftMessage| (m.from, m.term) = (VoterId(77), 2);
    check(K::HeartbeatResponse, stranger, |r| *r == Rejected::Stranger(VoterId(77)));
    // And the good one next to them is taken.
    let mut good = message(K::Append);
    append_at_4(&mut good, vec![entry(5, 2), entry(6, 3)]);
    let mut replica = follower();
    assert_eq!(replica.receive(good), Ok(()));
    assert_eq!(replica.last_index(), 6);
}

fn append_at_4(message: &mut RaftMessage, entries: Vec<LogEntry>) {
    (message.index, message.log_term, message.entries) = (4, 2, entries);
}

/// A well-formed message with numbers near those of the replica, so that much of it passes the filter.
fn random_message(dice: &mut Dice, replica: &Replica) -> RaftMessage {
    let kind = dice.pick(&KINDS).expect("there are kinds");
    let term = (replica.term() + dice.below(4)).saturating_sub(1 + dice.below(2)).max(1);
    let near = |dice: &mut Dice, around: u64| (around + dice.below(5)).saturating_sub(dice.below(5));
    let mut message = RaftMessage::new(kind, VoterId(1 + 2 * dice.below(3)), B, term);
    message.index = near(dice, replica.last_index());
    message.log_term = dice.below(term + 1);
    message.commit = near(dice, replica.committed());
    message.commit_term = dice.below(term + 1);
    message.reject = dice.hits(300);
    message.reject_hint = message.index.saturating_sub(dice.below(4));
    match kind {
        MessageKind::Append => {
            let mut term_now = message.log_term.max(1);
            for place in 1..=dice.below(5) {
                term_now = (term_now + dice.below(2)).min(term.max(term_now));
                let body = match dice.below(6) {
                    0 => EntryBody::Empty,
                    1 => EntryBody::Change(random_change(dice)),
                    _ => EntryBody::Data(vec![dice.below(256) as u8]),
                };
                message.entries.push(LogEntry { index: message.index + place, term: term_now, body });
            }
        }
        MessageKind::Snapshot => {
            let learners: &[u64] = if dice.hits(500) { &[5] } else { &[] };
            message.snapshot = Some(SnapshotImage {
                index: near(dice, replica.committed() + 2),
                term: dice.below(term + 1),
                voters: Voters::new(if dice.hits(800) { &[1, 2, 3] } else { &[1, 3] }, learners),
                data: vec![1],
            });
        }
        MessageKind::Heartbeat | MessageKind::HeartbeatResponse => {
            message.context = if dice.hits(500) { dice.below(4).to_le_bytes().to_vec() } else { Vec::new() };
        }
        MessageKind::RequestVote | MessageKind::RequestPreVote if dice.hits(300) => {
            message.context = b"CampaignTransfer".to_vec();
        }
        MessageKind::AppendResponse
        | MessageKind::RequestVote
        | MessageKind::RequestVoteResponse
        | MessageKind::TimeoutNow
        | MessageKind::RequestPreVote
        | MessageKind::RequestPreVoteResponse => {}
    }
    message
}

fn random_change(dice: &mut Dice) -> VoterChange {
    let id = VoterId(1 + dice.below(6));
    match dice.below(4) {
        0 => VoterChange::AddLearner(id),
        1 => VoterChange::Promote(id),
        2 => VoterChange::Demote(id),
        _ => VoterChange::Remove(id),
    }
}

/// One random call; the answer is what was drawn and whether a message was taken.
fn random_call(dice: &mut Dice, replica: &mut Replica, stored: &mut Stored) -> (String, bool) {
    let mut taken = false;
    let call = match dice.below(20) {
        0 => {
            replica.propose(vec![1]).ok();
            "propose".to_string()
        }
        1 => {
            replica.read(dice.below(1000)).ok();
            "read".to_string()
        }
        2 => {
            let change = random_change(dice);
            replica.change_voters(change).ok();
            format!("{change:?}")
        }
        3 => {
            replica.campaign();
            "campaign".to_string()
        }
        4 => {
            replica.transfer(VoterId(dice.below(5))).ok();
            "transfer".to_string()
        }
        5 => {
            let index = replica.applied().saturating_sub(dice.below(3));
            replica.take_snapshot(index, vec![1]).ok();
            format!("snapshot {index}")
        }
        6..=8 => {
            replica.tick();
            "tick".to_string()
        }
        9 | 10 => {
            replica.persisted(dice.below(200));
            "persisted".to_string()
        }
        _ => {
            let message = random_message(dice, replica);
            taken = replica.receive(message.clone()).is_ok();
            format!("{message:?}")
        }
    };
    if dice.hits(800) {
        for out in replica.drain() {
            if let Out::Persist { n, writes } = out {
                stored.write(&writes);
                if dice.hits(500) {
                    replica.persisted(n);
                }
            }
        }
    }
    (call, taken)
}

#[test]
fn random_messages_and_calls_do_not_panic() {
    let (mut taken, mut panics, mut led) = (0, Vec::new(), 0);
    for seed in 0..3000 {
        let mut dice = Dice::new(seed);
        let mut calls = Vec::new();
        let run = catch_unwind(AssertUnwindSafe(|| {
            let (mut count, mut led) = (0, false);
            // Every other run begins as sole voter, so that leaders are met as well.
            let voters = if seed % 2 == 0 { Voters::new(&[1, 2, 3], &[]) } else { Voters::new(&[2], &[1, 3]) };
            let mut stored = Stored::first(voters, Vec::new());
            let config = ReplicaConfig { tail_entries: 2, ..ReplicaConfig::node(B, seed) };
            let mut replica = Replica::start(config, stored.clone()).expect("a good store");
            replica.campaign();
            for _ in 0..60 {
                let (call, was_taken) = random_call(&mut dice, &mut replica, &mut stored);
                count += u64::from(was_taken);
                led |= replica.is_leader();
                calls.push(call);
            }
            // Drained to the end, what was written must be a store that starts.
            for out in replica.drain() {
                if let Out::Persist { writes, .. } = out {
                    stored.write(&writes);
                }
            }
            stored.check().expect("every store that was written is sound");
            (count, led)
        }));
        match run {
            Ok((count, was_leader)) => {
                taken += count;
                led += u64::from(was_leader);
            }
            Err(_) => panics.push((seed, calls.last().cloned())),
        }
    }
    println!("{taken} messages taken, {led} of 3000 runs led at some time");
    assert!(taken > 10_000, "the filter lets {taken} through, too few to prove anything");
    assert!(led > 1000, "only {led} of 3000 runs ever led");
    assert!(panics.is_empty(), "{} of 3000 runs panic, the first: {:?}", panics.len(), panics.first());
}

#[test]
fn damaged_stores_are_refused_with_a_reason() {
    let good = || {
        let mut stored = Stored::first(Voters::new(&[1, 2, 3], &[]), Vec::new());
        stored.write(&[
            Write::Hard(HardState { term: 2, vote: 1, commit: 3 }),
            Write::Entries(vec![entry(2, 2), entry(3, 2)]),
        ]);
        stored
    };
    let check = |damage: fn(&mut Stored), expected: Result<(), StoreFault>| {
        let mut stored = good();
        damage(&mut stored);
        assert_eq!(stored.check(), expected);
        let started = Replica::start(ReplicaConfig::node(B, 7), stored);
        assert_eq!(started.is_ok(), expected.is_ok());
    };
    check(|_| {}, Ok(()));
    check(|s| drop(s.entries.remove(0)), Err(StoreFault::Gap { expected: 2, found: 3 }));
    check(|s| s.entries.swap(0, 1), Err(StoreFault::Gap { expected: 2, found: 3 }));
    check(|s| s.entries[1].term = 1, Err(StoreFault::TermFalls { index: 3, term: 1 }));
    check(|s| s.hard = HardState::default(), Err(StoreFault::TermForgotten { hard: 0, log: 2 }));
    check(|s| s.hard.commit = 4, Err(StoreFault::CommitBeyondLog { commit: 4, last: 3 }));
    check(|s| s.entries.clear(), Err(StoreFault::CommitBeyondLog { commit: 3, last: 1 }));
    check(|s| s.hard.term = u64::MAX, Err(StoreFault::OutOfRange(u64::MAX)));
    let nobody = StoreFault::Voters { index: 1, fault: VotersFault::NoVoter };
    check(|s| s.snapshot.voters = Voters::default(), Err(nobody));
    check(|s| *s = Stored::empty(), Ok(()));
    check(|s| s.hard.vote = u64::MAX, Ok(()));
}

/// What each write does to a store, as the documentation of [`Write`] says.
#[test]
fn writes_do_what_they_say() {
    let check = |write: Write, snapshot: u64, entries: &[(u64, u64)]| {
        let mut stored = Stored::first(Voters::new(&[1], &[]), Vec::new());
        stored.write(&[Write::Entries((2..=5).map(|index| entry(index, 2)).collect())]);
        stored.write(std::slice::from_ref(&write));
        let found: Vec<(u64, u64)> = stored.entries.iter().map(|entry| (entry.index, entry.term)).collect();
        assert_eq!((stored.snapshot.index, &found[..]), (snapshot, entries), "{write:?}");
    };
    check(Write::Hard(HardState::default()), 1, &[(2, 2), (3, 2), (4, 2), (5, 2)]);
    check(Write::Entries(vec![entry(6, 3)]), 1, &[(2, 2), (3, 2), (4, 2), (5, 2), (6, 3)]);
    check(Write::Entries(vec![entry(3, 3)]), 1, &[(2, 2), (3, 3)]);
    check(Write::Snapshot(image(3, 2)), 3, &[]);
    check(Write::Snapshot(image(9, 4)), 9, &[]);
    check(Write::Compact(image(3, 2)), 3, &[(4, 2), (5, 2)]);
    check(Write::Compact(image(5, 2)), 5, &[]);
}

#[test]
fn everything_that_travels_or_is_kept_survives_encoding() {
    let mut replica = follower();
    let mut append = message(MessageKind::Append);
    append_at_4(&mut append, vec![entry(5, 2), LogEntry { body: EntryBody::Empty, ..entry(6, 3) }]);
    append.entries.push(LogEntry { body: EntryBody::Change(VoterChange::Promote(A)), ..entry(7, 3) });
    let mut snapshot = message(MessageKind::Snapshot);
    snapshot.snapshot = Some(image(5, 2));
    for message in [append.clone(), snapshot] {
        let bytes = postcard::to_allocvec(&message).expect("it encodes");
        assert_eq!(postcard::from_bytes::<RaftMessage>(&bytes), Ok(message));
    }
    replica.receive(append).expect("a good message");
    let outs = replica.drain();
    assert!(outs.iter().any(|out| matches!(out, Out::Persist { .. })));
    for out in outs {
        let bytes = postcard::to_allocvec(&out).expect("it encodes");
        assert_eq!(postcard::from_bytes::<Out>(&bytes), Ok(out));
    }
    // Damaged bytes are an error, not a panic.
    assert!(postcard::from_bytes::<RaftMessage>(&[255; 40]).is_err());
}
