//! Storms: seeds in which no promise is broken, and sabotage that is found.

use cluster_engine::EngineSabotage;
use cluster_sim::storm::{self, Settings};

fn seeds() -> u64 {
    std::env::var("WOLFDEN_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

#[test]
fn no_promise_is_broken() {
    let first: u64 = std::env::var("WOLFDEN_FIRST_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut bad = Vec::new();
    let mut acknowledged = 0;
    for seed in first..first + seeds() {
        let (outcome, _) = storm::run(Settings::draw(seed), EngineSabotage::default(), false);
        acknowledged += outcome.acknowledged;
        if let Some(broken) = &outcome.broken {
            bad.push(format!("{}: {}: {}", outcome.replay(), broken.invariant, broken.what));
        }
    }
    assert!(bad.is_empty(), "{} of {} seeds:\n{}", bad.len(), seeds(), bad.join("\n"));
    assert!(acknowledged > 0, "the storms wrote nothing");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 11] {
        let one = storm::run(Settings::draw(seed), EngineSabotage::default(), true);
        let two = storm::run(Settings::draw(seed), EngineSabotage::default(), true);
        assert_eq!(one, two, "seed {seed}");
    }
}

/// Takes out one rule and looks for a seed that notices, in storms of the kind that the rule is for.
fn check_sabotage(name: &str, sabotage: EngineSabotage, kind: fn(Settings) -> Settings, invariants: &[&str]) {
    const SEEDS: u64 = 2_000;
    for seed in 0..SEEDS {
        let (outcome, _) = storm::run(kind(Settings::draw(seed)), sabotage, false);
        if let Some(broken) = outcome.broken {
            println!("{name}: found by seed {seed}: {}: {}", broken.invariant, broken.what);
            assert!(invariants.contains(&broken.invariant), "{name} breaks {}: {}", broken.invariant, broken.what);
            return;
        }
    }
    panic!("{name}: not found in {SEEDS} seeds");
}

fn any(settings: Settings) -> Settings {
    settings
}

#[test]
fn groups_that_move_without_the_fence_delay_are_found() {
    let sabotage = EngineSabotage { no_fence_delay: true, ..EngineSabotage::default() };
    check_sabotage("no_fence_delay", sabotage, Settings::freezing, &["one_host"]);
}

#[test]
fn a_node_that_goes_on_without_a_lease_is_found() {
    let sabotage = EngineSabotage { ignore_lease: true, ..EngineSabotage::default() };
    check_sabotage("ignore_lease", sabotage, any, &["one_host"]);
}

#[test]
fn a_node_that_starts_things_from_a_stale_state_is_found() {
    let sabotage = EngineSabotage { trust_stale_state: true, ..EngineSabotage::default() };
    check_sabotage("trust_stale_state", sabotage, Settings::parting, &["one_host"]);
}

#[test]
fn an_answer_before_the_commit_is_found() {
    let sabotage = EngineSabotage { answer_before_commit: true, ..EngineSabotage::default() };
    check_sabotage("answer_before_commit", sabotage, Settings::dying, &["acknowledged_is_kept"]);
}

#[test]
fn acknowledging_before_persistence_is_found() {
    let replica = cluster_engine::replica::Sabotage { ack_before_persist: true, ..Default::default() };
    let sabotage = EngineSabotage { replica, ..EngineSabotage::default() };
    check_sabotage("ack_before_persist", sabotage, Settings::dying, &["acknowledged_is_kept", "same_state", "heals"]);
}
