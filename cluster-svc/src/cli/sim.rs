//! `cluster sim`: storms in the simulator, and experiments. No cluster is needed.
//!
//! Standard output is a function of the seed, byte for byte. What depends on this machine, the speed and the progress bar,
//! goes to standard error.

mod bar;
mod experiments;

use std::io::Write;
use std::time::Duration;

use cluster_sim::Sabotage;
use cluster_sim::report::storms;
use cluster_sim::storm::{self, Settings};

use self::bar::Bar;
use super::args::{Experiment, Sim};
use super::scenario::say;
use super::trouble::Trouble;

/// A promise was broken.
const EXIT_FAILED: u8 = 1;
/// Seeds that are drawn are short enough to be typed.
const DRAWN_SEEDS: u128 = 1_000_000_000;

/// Runs the storms. Returns the exit code; the sentence on speed goes to `aside`.
pub(super) fn run(options: &Sim, is_json: bool, out: &mut dyn Write, aside: &mut dyn Write) -> Result<u8, Trouble> {
    match &options.experiment {
        Some(Experiment::Sweep(sweep)) => return experiments::sweep(sweep, is_json, out),
        Some(Experiment::Availability(plan)) => return experiments::availability(plan, is_json, out),
        None if options.shrink => return experiments::shrink(options, is_json, out),
        None if options.speed => return experiments::speed(options, is_json, out),
        None => {}
    }
    let first = options.seed.unwrap_or_else(drawn_seed);
    let Some(last) = first.checked_add(options.count - 1) else {
        let most = u64::MAX - first + 1;
        return Err(Trouble::Argument(format!(
            "after seed {first} there are only {most} seeds; take a smaller --seed"
        )));
    };
    let mut bar = Bar::new(options.count, "storms");
    let (mut failed, mut node_ms, mut spent) = (0_u64, 0_u64, Duration::ZERO);
    for seed in first..=last {
        let settings = Settings::of(seed, options.kind);
        if !is_json {
            bar.aside(|| say(out, &storms::settings_text(&settings)))?;
        }
        let before = cpu_time();
        let (outcome, trace) = storm::run(settings, Sabotage::default(), options.trace);
        if outcome.broken.is_none() {
            spent += cpu_time().saturating_sub(before);
            node_ms = node_ms.saturating_add(storms::node_ms(&outcome));
        }
        failed += u64::from(outcome.broken.is_some());
        let told = match is_json {
            true => storms::json(&outcome, trace.as_deref()),
            false => trace.unwrap_or_default() + &storms::outcome_text(&outcome),
        };
        bar.aside(|| say(out, &told))?;
        bar.one_more();
    }
    bar.end();
    if !is_json {
        let count = options.count;
        say(out, &format!("{} of {count} storms passed, seeds {first} to {last}\n", count - failed))?;
        // Whether anybody reads the aside does not matter.
        let _ = writeln!(aside, "{}", speed(node_ms, spent));
    }
    Ok(if failed == 0 { 0 } else { EXIT_FAILED })
}

/// A seed for those who have none in mind.
fn drawn_seed() -> u64 {
    u64::try_from(uuid::Uuid::new_v4().as_u128() % DRAWN_SEEDS).unwrap_or(0)
}

/// CPU time of this process.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How fast it went, in a sentence.
fn speed(node_ms: u64, spent: Duration) -> String {
    let node_seconds = Duration::from_millis(node_ms).as_secs_f64();
    let cpu_seconds = spent.as_secs_f64();
    if node_ms == 0 || spent.is_zero() {
        return "no storm passed, so there is no speed to tell".to_owned();
    }
    let rate = node_seconds / cpu_seconds;
    format!(
        "{rate:.0} virtual node-seconds per CPU second ({node_seconds:.0} in {cpu_seconds:.2} s, of storms that passed)"
    )
}
