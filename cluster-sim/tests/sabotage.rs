//! Each promise is able to notice something: a rule is taken out, and some storm breaks the promise that rests on it.

use cluster_engine::EngineSabotage;
use cluster_engine::replica;
use cluster_sim::Sabotage;
use cluster_sim::storm::{self, Kind, Settings};

/// A rule that is taken out is noticed within so many seeds.
const SEEDS: u64 = 2_000;

fn engine(change: impl Fn(&mut EngineSabotage)) -> Sabotage {
    let mut engine = EngineSabotage::default();
    change(&mut engine);
    Sabotage::from(engine)
}

fn world(change: impl Fn(&mut Sabotage)) -> Sabotage {
    let mut sabotage = Sabotage::default();
    change(&mut sabotage);
    sabotage
}

/// The first seed that breaks one of these promises; other promises that it breaks on the way count as well, as long as
/// the one that is looked for is broken by some seed.
fn check(name: &str, sabotage: Sabotage, kind: Kind, invariants: &[&str]) {
    let mut others: Vec<String> = Vec::new();
    for seed in 0..SEEDS {
        let (outcome, _) = storm::run(Settings::of(seed, kind), sabotage, false);
        let Some(broken) = outcome.broken else { continue };
        if invariants.contains(&broken.invariant) {
            println!("{name}: found by seed {seed} ({kind}): {}: {}", broken.invariant, broken.what);
            return;
        }
        others.push(format!("{seed} {}", broken.invariant));
    }
    panic!("{name}: {invariants:?} was not broken in {SEEDS} seeds ({kind}); others: {}", others.join(", "));
}

/// One test per row, so that they run side by side.
macro_rules! table {
    ($($test:ident: $sabotage:expr, $kind:ident, [$($invariant:literal),+];)+) => {
        $(#[test]
        fn $test() {
            check(stringify!($test), $sabotage, Kind::$kind, &[$($invariant),+]);
        })+
    };
}

table! {
    // Rules of the engine.
    no_fence_delay: engine(|e| e.no_fence_delay = true), Freezing, ["one_host"];
    ignore_lease: engine(|e| e.ignore_lease = true), Nodes, ["one_host"];
    trust_stale_state: engine(|e| e.trust_stale_state = true), Parting, ["one_host", "owner_durable"];
    answer_before_commit: engine(|e| e.answer_before_commit = true), Dying, ["acknowledged_is_kept"];
    ack_before_persist: engine(|e| e.replica = replica::Sabotage { ack_before_persist: true, ..Default::default() }),
        Dying, ["acknowledged_is_kept", "same_state", "one_quorum"];
    // The world below it.
    a_disk_that_lies: world(|w| w.persisted_before_durable = true), Dying,
        ["acknowledged_is_kept", "same_state", "one_quorum", "only_forward"];
    a_store_that_goes_back: world(|w| w.store_goes_back = true), Dying, ["only_forward"];
    entries_that_are_altered: world(|w| w.entries_altered = true), Nodes, ["one_quorum"];
    a_snapshot_that_is_altered: world(|w| w.snapshot_altered = true), Nodes, ["same_state"];
    terminate_that_ends_nothing: world(|w| w.terminate_lies = true), Parting, ["one_host"];
    terminate_that_reports_nothing: world(|w| w.terminate_report_lost = true), Failing, ["pending_bounded"];
    online_that_is_reported_too_soon: world(|w| w.online_too_soon = true), Failing, ["dependency_order"];
    calls_that_go_astray: world(|w| w.calls_go_astray = true), Nodes, ["possible_owner"];
    replies_that_are_lost: world(|w| w.replies_lost = true), Nodes, ["one_reply"];
    replies_that_come_twice: world(|w| w.replies_twice = true), Nodes, ["one_reply"];
    clocks_that_race: world(|w| w.clocks_race = true), Failing, ["threshold_kept"];
    a_service_that_nobody_wakes: world(|w| w.nobody_wakes = true), Nodes, ["heals"];
    // The rules of the witness (docs/witness.md). R2 alone shows nothing: R3 and R5 come after the flush and hold.
    r1_shared_store: world(|w| w.witness_shares_store = true), Disk,
        ["acknowledged_is_kept", "same_state", "one_quorum", "heals"];
    r1_copy_before_the_raise: world(|w| w.witness_copies_first = true), Disk,
        ["acknowledged_is_kept", "same_state", "one_quorum"];
    r2_and_r3_no_checks: world(|w| {
        w.witness_flushes_unchecked = true;
        w.witness_sends_unchecked = true;
        w.witness_check_passes = true;
    }), Disk, ["acknowledged_is_kept", "same_state", "one_quorum"];
    r6_goes_on: world(|w| w.witness_goes_on = true), Disk, ["acknowledged_is_kept", "same_state", "one_quorum"];
}
