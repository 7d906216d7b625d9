//! Storms: seeds in which no promise is broken.
//!
//! `WOLFDEN_SEEDS` says how many of each kind (the long form: thousands), `WOLFDEN_FIRST_SEED` where they begin.

use cluster_sim::Sabotage;
use cluster_sim::storm::{self, Kind, Settings};

fn number(name: &str, ordinary: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(ordinary)
}

/// Seeds of a kind that anybody runs who runs the tests.
const SEEDS: u64 = 30;

fn check(kind: Kind) {
    let (first, count) = (number("WOLFDEN_FIRST_SEED", 0), number("WOLFDEN_SEEDS", SEEDS));
    let mut bad = Vec::new();
    let mut acknowledged = 0;
    for seed in first..first + count {
        let (outcome, _) = storm::run(Settings::of(seed, kind), Sabotage::default(), false);
        acknowledged += outcome.acknowledged;
        if let Some(broken) = &outcome.broken {
            bad.push(format!("{}: {}: {}", outcome.replay(), broken.invariant, broken.what));
        }
    }
    assert!(bad.is_empty(), "{} of {count} seeds:\n{}", bad.len(), bad.join("\n"));
    assert!(acknowledged > 0, "the storms wrote nothing");
}

#[test]
fn no_promise_is_broken() {
    check(Kind::Any);
}

#[test]
fn no_promise_is_broken_where_nodes_alone_vote() {
    for kind in [Kind::Nodes, Kind::Freezing, Kind::Parting, Kind::Dying, Kind::Failing, Kind::Lying] {
        check(kind);
    }
}

#[test]
fn no_promise_is_broken_where_a_disk_decides() {
    for kind in [Kind::Disk, Kind::Takeover, Kind::Reading] {
        check(kind);
    }
}

#[test]
fn no_promise_is_broken_where_quorum_is_forced() {
    check(Kind::Forcing);
}

/// Seeds that failed once, each with what was wrong.
#[test]
fn seeds_that_failed_once_pass() {
    for (kind, seed, story) in [
        (
            Kind::Any,
            1,
            "the witness was given up in the step in which it led, for a quorum resource that was to go offline",
        ),
        (Kind::Any, 3, "the witness was given up for an owner of the quorum resource that was not there"),
        (Kind::Any, 23, "a store that was put aside counted as one that went back"),
        (Kind::Forcing, 3, "two that were forced from the same past shared the store of the witness"),
        (Kind::Forcing, 57, "a node that joined anew was given two ids, and the cluster waited for the other one"),
        (Kind::Reading, 29, "a node that may only join was alone"),
        (Kind::Dying, 17, "a resource came online whose provider had ended with its monitor a moment ago"),
        (
            Kind::Parting,
            203,
            "a call was made a second time after its monitor had ended, while its failure was on its way",
        ),
        (
            Kind::Lying,
            221,
            "the simulated monitor told of a failure that it had found before the resource came online anew",
        ),
        (Kind::Any, 52, "the disk that alone voted was given up, and everybody died before the nodes had votes"),
        (Kind::Forcing, 103, "restarts of two lines of descent were counted together"),
        (Kind::Reading, 2721, "a service that lost its lease and was stopped then waited for ever for what had ended"),
        (Kind::Reading, 340, "a leader that stepped down within its term forgot that it had acknowledged itself"),
    ] {
        let (outcome, _) = storm::run(Settings::of(seed, kind), Sabotage::default(), false);
        assert_eq!(outcome.broken, None, "{}: {story}", outcome.replay());
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for (seed, kind) in [(3, Kind::Any), (11, Kind::Takeover), (5, Kind::Forcing)] {
        let one = storm::run(Settings::of(seed, kind), Sabotage::default(), true);
        let two = storm::run(Settings::of(seed, kind), Sabotage::default(), true);
        assert_eq!(one, two, "seed {seed}");
    }
}

#[test]
fn a_storm_that_was_written_down_plays_the_same_again() {
    for (seed, kind) in [(2, Kind::Nodes), (4, Kind::Disk), (6, Kind::Forcing)] {
        let settings = Settings::of(seed, kind);
        let drawn = storm::play(settings, Sabotage::default(), None, false);
        let again = storm::play(settings, Sabotage::default(), Some(&drawn.acts), false);
        assert_eq!(drawn.outcome, again.outcome, "seed {seed}, {kind}");
    }
}
