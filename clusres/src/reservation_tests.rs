//! Tables for the reservation state machine: who holds the disk after which sequence, and at which moment.

use super::*;

const INTERVAL_MS: u64 = 3000;

fn node(name: &str) -> Contender {
    Contender { node: name.into(), key: u64::from(name.as_bytes()[1]) }
}

/// Runs steps such as `register n1`, `reserve n1`, `defend n2`, `preempt n2` (of whoever holds it), `release n1`; each ends
/// in `ok` or in the refusal that is expected.
fn check(steps: &[(&str, &str)], holder: Option<&str>, registered: &[&str]) {
    let mut record = Reservation::default();
    for (step, expected) in steps {
        let before = record.clone();
        let (verb, name) = step.split_once(' ').expect("a verb and a node");
        let me = node(name);
        let result = match verb {
            "register" => {
                record.register(&me);
                Ok(())
            }
            "release" => {
                record.release(&me);
                Ok(())
            }
            "reserve" => record.reserve(&me, INTERVAL_MS),
            "defend" => record.defend(&me),
            "preempt" => {
                let victim = record.holder.clone().expect("the case has a holder");
                record.preempt(&me, &victim, INTERVAL_MS)
            }
            other => panic!("{other} is no step"),
        };
        let word = match result {
            Ok(()) => "ok".to_owned(),
            Err(Refused::HeldBy(holder)) => format!("held by {}", holder.node),
            Err(Refused::NotRegistered) => "not registered".to_owned(),
            Err(Refused::HolderChanged) => "nobody".to_owned(),
        };
        assert_eq!(word, *expected, "{step} in {steps:?}");
        if word != "ok" {
            assert_eq!(record, before, "a refusal changes nothing: {step}");
        }
        assert!(record.generation >= before.generation, "the generation never falls");
    }
    assert_eq!(record.holder.as_ref().map(|holder| holder.node.as_str()), holder, "{steps:?}");
    assert_eq!(record.registrations.keys().map(String::as_str).collect::<Vec<_>>(), registered, "{steps:?}");
}

#[test]
fn persistent_reservation() {
    check(&[("reserve n1", "not registered")], None, &[]);
    check(&[("register n1", "ok"), ("reserve n1", "ok"), ("reserve n1", "ok")], Some("n1"), &["n1"]);
    check(
        &[
            ("register n1", "ok"),
            ("reserve n1", "ok"),
            ("register n2", "ok"),
            ("reserve n2", "held by n1"),
            ("defend n2", "held by n1"),
        ],
        Some("n1"),
        &["n1", "n2"],
    );
    check(
        &[
            ("register n1", "ok"),
            ("reserve n1", "ok"),
            ("register n2", "ok"),
            ("preempt n2", "ok"),
            ("defend n1", "held by n2"),
            ("reserve n1", "not registered"),
        ],
        Some("n2"),
        &["n2"],
    );
    check(&[("register n1", "ok"), ("reserve n1", "ok"), ("preempt n2", "not registered")], Some("n1"), &["n1"]);
    check(&[("register n1", "ok"), ("reserve n1", "ok"), ("release n1", "ok"), ("defend n1", "nobody")], None, &[]);
    check(
        &[("register n1", "ok"), ("register n2", "ok"), ("reserve n2", "ok"), ("release n1", "ok")],
        Some("n2"),
        &["n2"],
    );
}

#[test]
fn preempting_names_the_holder_that_was_watched() {
    let mut record = Reservation::default();
    record.register(&node("n1"));
    record.reserve(&node("n1"), INTERVAL_MS).expect("free");
    record.register(&node("n2"));
    let seen = record.holder.clone().expect("n1 holds it");
    record.defend(&node("n1")).expect("the holder");
    assert_eq!(record.preempt(&node("n2"), &seen, INTERVAL_MS), Err(Refused::HolderChanged), "it has defended since");
    assert!(record.is_held_by(&node("n1")));
}

#[test]
fn a_new_life_of_the_same_node_fences_the_old_one() {
    let old = node("n1");
    let new = Contender { key: 99, ..old.clone() };
    let mut record = Reservation::default();
    record.register(&old);
    record.reserve(&old, INTERVAL_MS).expect("free");
    let step = Challenge::new(new.clone(), INTERVAL_MS, 0).look(0, &record);
    let Step::Take(record) = step else { panic!("the same node need not wait: {step:?}") };
    assert!(record.is_held_by(&new));
    assert!(record.clone().defend(&old).is_err(), "the old life hears that it has lost");
}

/// A world of one holder `n1` and one challenger `n2`. `defended_at` are the moments of n1's defences; the challenge begins
/// at 0. Answers what came of it and when.
fn challenge(defended_at: &[u64], least_wait_ms: u64) -> (String, u64) {
    let mut record = Reservation::default();
    record.register(&node("n1"));
    record.reserve(&node("n1"), INTERVAL_MS).expect("free");
    let mut challenge = Challenge::new(node("n2"), INTERVAL_MS, least_wait_ms);
    let mut defences = defended_at.iter().peekable();
    let mut now = 0;
    loop {
        while defences.next_if(|at| **at <= now).is_some() {
            record.defend(&node("n1")).expect("n1 holds it");
        }
        match challenge.look(now, &record) {
            Step::Take(taken) => {
                assert!(taken.is_held_by(&node("n2")));
                assert!(taken.generation > record.generation);
                return ("taken".into(), now);
            }
            Step::Wait(ms) => {
                assert!(ms > 0, "a challenge never spins");
                now += ms;
            }
            Step::Refused(holder) => return (format!("refused by {}", holder.node), now),
        }
        assert!(now < 100_000, "a challenge ends");
    }
}

#[test]
fn challenge_and_defence() {
    // A dead holder: taken right after two intervals and a third.
    assert_eq!(challenge(&[], 0), ("taken".into(), 7001));
    // The least wait of the challenger counts when it is longer.
    assert_eq!(challenge(&[], 10_000), ("taken".into(), 10_001));
    // A living holder is noticed at the first look after its defence.
    assert_eq!(challenge(&[2900], 0), ("refused by n1".into(), 3000));
    assert_eq!(challenge(&[6900], 0), ("refused by n1".into(), 7001), "even in the last moment");
    // What happened before the first look says nothing.
    assert_eq!(challenge(&[0], 0), ("taken".into(), 7001));
}

#[test]
fn a_free_disk_is_taken_at_once() {
    let step = Challenge::new(node("n2"), INTERVAL_MS, 60_000).look(5, &Reservation::default());
    let Step::Take(record) = step else { panic!("{step:?}") };
    assert!(record.is_held_by(&node("n2")));
}

#[test]
fn a_faster_challenger_wins() {
    let mut record = Reservation::default();
    record.register(&node("n1"));
    record.reserve(&node("n1"), INTERVAL_MS).expect("free");
    let mut slow = Challenge::new(node("n2"), INTERVAL_MS, 0);
    assert!(matches!(slow.look(0, &record), Step::Wait(_)));
    let victim = record.holder.clone().expect("n1");
    record.register(&node("n3"));
    record.preempt(&node("n3"), &victim, INTERVAL_MS).expect("n1 was dead");
    assert!(matches!(slow.look(7001, &record), Step::Refused(holder) if holder.node == "n3"));
}

#[test]
fn the_holder_gives_up_before_anybody_may_preempt() {
    for interval_ms in [1, 2, 3, 50, 100, 1000, 3000, 60_000] {
        let defence = Defence::new(interval_ms, 0);
        assert!(defence.is_lost(2 * interval_ms + 1));
        assert!(!defence.is_lost(2 * interval_ms));
        // A challenger takes later than its wait, and it began to watch no earlier than the last defence.
        assert!(challenge_wait_ms(interval_ms) > 2 * interval_ms, "{interval_ms}");
    }
}

#[test]
fn a_defence_counts_from_its_beginning() {
    let mut defence = Defence::new(1000, 0);
    assert_eq!(defence.due_ms(), 1000);
    defence.defended(1100);
    assert_eq!(defence.due_ms(), 2100);
    defence.defended(500);
    assert_eq!(defence.due_ms(), 2100, "an older one changes nothing");
    assert!(!defence.is_lost(3100));
    assert!(defence.is_lost(3101));
}

#[test]
fn the_longest_interval_does_not_overflow() {
    assert!(challenge_wait_ms(u64::MAX) > 0);
    assert!(!Defence::new(u64::MAX, 0).is_lost(u64::MAX));
}
