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
