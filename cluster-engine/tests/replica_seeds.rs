//! Hundreds of seeded storms: no two leaders in a term, one history, nothing acknowledged is lost, no stale read, and
//! everything settles when the faults end. Then the same with one rule taken out at a time: the storms must notice.

mod replica_net;

use cluster_engine::replica::Sabotage;
use replica_net::weather;

/// WOLFDEN_SEEDS=n runs n seeds instead (in a release build thousands are fine).
const QUICK_SEEDS: u64 = 540;

fn seeds() -> u64 {
    std::env::var("WOLFDEN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(QUICK_SEEDS)
}

/// Runs the seeds on two threads.
fn storm(from: u64, to: u64, sabotage: Sabotage) -> Vec<Result<weather::Summary, String>> {
    let half = move |first: u64| {
        std::thread::spawn(move || {
            (from + first..to).step_by(2).map(|seed| weather::run(seed, sabotage)).collect::<Vec<_>>()
        })
    };
    let halves = [half(0), half(1)];
    halves.into_iter().flat_map(|half| half.join().expect("run() catches panics")).collect()
}

#[test]
fn every_promise_holds_in_every_storm() {
    let results = storm(0, seeds(), Sabotage::default());
    let faults: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(faults.is_empty(), "{} of {} seeds failed:\n{}", faults.len(), results.len(), faults[0]);
    let total = |part: fn(&weather::Summary) -> u64| {
        results.iter().filter_map(|result| result.as_ref().ok()).map(part).sum::<u64>()
    };
    let per_seed = |part: fn(&weather::Summary) -> u64| total(part) / seeds();
    let worst = results.iter().filter_map(|r| r.as_ref().ok()).map(|s| s.settled_after).max();
    println!(
        "{} seeds, trace {:016x}: committed {}, reads {}, terms {}, installs {}, crashes {}, changes {}, settled after at most {worst:?}",
        seeds(),
        results.iter().flatten().fold(0u64, |all, s| all.rotate_left(1) ^ s.trace),
        total(|s| s.committed),
        total(|s| s.reads),
        total(|s| s.terms as u64),
        total(|s| s.installs),
        total(|s| s.crashes),
        total(|s| s.changes),
    );
    // A storm in which nothing happens would prove nothing.
    assert!(per_seed(|s| s.committed) >= 30, "too few writes");
    assert!(per_seed(|s| s.reads) >= 10, "too few reads");
    assert!(per_seed(|s| s.terms as u64) >= 2, "too few elections");
    assert!(total(|s| s.crashes) >= seeds(), "too few crashes");
    assert!(total(|s| s.changes) >= seeds(), "too few changes of the voters");
    assert!(per_seed(|s| s.installs) >= 5, "too few snapshots");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..24 {
        let first = weather::run(seed, Sabotage::default());
        assert_eq!(first, weather::run(seed, Sabotage::default()), "seed {seed}");
        let other = weather::run(seed + 1000, Sabotage::default());
        assert_ne!(first.map(|s| s.trace), other.map(|s| s.trace), "seed {seed}");
    }
}

/// One of the seeds must fail with one of the faults that the rule prevents; the search ends there.
fn check_found(rule: &str, sabotage: Sabotage, seeds: u64, faults: &[&str]) {
    let is_known = |fault: &String| faults.iter().any(|known| fault.contains(known));
    let found = (0..seeds).filter_map(|seed| weather::run(seed, sabotage).err()).find(is_known);
    println!("{rule} taken out: {found:?}");
    assert!(found.is_some(), "{rule} was taken out and none of {seeds} storms noticed");
}

#[test]
fn speaking_before_the_term_is_durable_is_found() {
    let sabotage = Sabotage { send_before_durable: true, ..Sabotage::default() };
    check_found("rule 1", sabotage, 200, &["two leaders", "diverged"]);
}

#[test]
fn leading_without_a_vote_is_found() {
    let sabotage = Sabotage { serve_as_non_voter: true, ..Sabotage::default() };
    check_found("rule 2", sabotage, 600, &["stale read", "not settled"]);
}

#[test]
fn a_lost_snapshot_that_is_not_reported_is_found() {
    let sabotage = Sabotage { no_snapshot_report: true, ..Sabotage::default() };
    check_found("rule 6", sabotage, 120, &["not settled"]);
}

#[test]
fn acknowledging_before_persistence_is_found() {
    let sabotage = Sabotage { ack_before_persist: true, ..Sabotage::default() };
    check_found("acknowledgement after persistence", sabotage, 120, &["diverged", "two leaders", "restored a wrong"]);
}
