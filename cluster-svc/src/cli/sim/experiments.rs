//! `cluster sim sweep`, `cluster sim availability`, `cluster sim --shrink` and `cluster sim --speed`.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use cluster_engine::state::ClusterState;
use cluster_sim::Sabotage;
use cluster_sim::availability::{self, Plan, Rate};
use cluster_sim::scenario::SCENARIO_BYTES;
use cluster_sim::storm::{Settings, busy, script, shrink};
use cluster_sim::sweep;

use super::super::args::{Availability, Sim, Sweep};
use super::super::scenario::say;
use super::super::trouble::Trouble;
use super::bar::Bar;
use super::{EXIT_FAILED, cpu_time, drawn_seed};

/// Virtual seconds of the busy cluster.
const BUSY_SECONDS: u64 = 60;
/// What the simulator should reach, virtual node-seconds per CPU second.
const AIM: f64 = 500.0;

/// Sweeps over the cluster that a scenario file describes.
pub(super) fn sweep(options: &Sweep, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let text = read(&options.file)?;
    let state = sweep::state_of_scenario(&text).map_err(|failures| {
        let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
        Trouble::File { path: options.file.clone(), why: lines.join("; ") }
    })?;
    sweep_state(&state, options.seed, options.pairs, is_json, out)
}

/// Sweeps over a copy of a cluster, wherever its state comes from.
pub(crate) fn sweep_state(
    state: &ClusterState,
    seed: u64,
    pairs: bool,
    is_json: bool,
    out: &mut dyn Write,
) -> Result<u8, Trouble> {
    let mut bar = Bar::new(1, "cases");
    let result = sweep::sweep(state, seed, pairs, &mut |done, total| bar.stands_at(done as u64, total as u64));
    bar.end();
    let result = result.map_err(|error| Trouble::Argument(error.to_string()))?;
    let text = match is_json {
        true => format!("{}\n", serde_json::to_string(&result).unwrap_or_default()),
        false => result.table(),
    };
    say(out, &text)?;
    Ok(0)
}

/// Compares the quorum models.
pub(super) fn availability(options: &Availability, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let rate = |pair: &[u64]| match pair {
        [mtbf_s, mttr_s] => Rate { mtbf_s: *mtbf_s, mttr_s: *mttr_s },
        _ => Rate { mtbf_s: 0, mttr_s: 0 },
    };
    let plan = Plan {
        nodes: options.nodes,
        seed: options.seed,
        seeds: options.seeds,
        seconds: options.minutes * 60,
        node: rate(&options.node),
        link: rate(&options.link),
        storage: rate(&options.storage),
    };
    let mut bar = Bar::new(1, "runs");
    let rows = availability::availability(&plan, &mut |done, total| bar.stands_at(done, total));
    bar.end();
    let rows = rows.map_err(Trouble::Argument)?;
    if let Some(path) = &options.svg {
        let write = fs::write(path, availability::svg(&plan, &rows));
        write.map_err(|error| Trouble::File { path: path.clone(), why: error.to_string() })?;
    }
    let text = match is_json {
        true => format!("{}\n", serde_json::json!({ "plan": plan, "models": rows })),
        false => availability::table(&plan, &rows),
    };
    say(out, &text)?;
    Ok(0)
}

/// Finds the shortest storm that breaks the same promise.
pub(super) fn shrink(options: &Sim, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let Some(seed) = options.seed else {
        return Err(Trouble::Argument(
            "name the storm that is to be shrunk: cluster sim --seed SEED --shrink".to_owned(),
        ));
    };
    let settings = Settings::of(seed, options.kind);
    let mut bar = Bar::new(shrink::MOST_RUNS.into(), "storms at most");
    let shrunk = shrink::shrink(settings, Sabotage::default(), shrink::MOST_RUNS, &mut |_, _| bar.one_more());
    bar.end();
    let Some(shrunk) = shrunk else {
        let text = format!("seed {seed} breaks no promise, so there is nothing to shrink");
        say(out, &if is_json { format!("{}\n", serde_json::json!({ "broken": null })) } else { format!("{text}\n") })?;
        return Ok(0);
    };
    let text = script::scenario(&shrunk);
    let told = match is_json {
        true => {
            let broken = shrunk.outcome.broken.as_ref();
            let object = serde_json::json!({
                "broken": broken.map(|b| serde_json::json!({ "invariant": b.invariant, "what": b.what })),
                "acts_before": shrunk.acts_before,
                "acts": shrunk.acts.len(),
                "storms": shrunk.runs,
                "replay": format!("{} --shrink", shrunk.outcome.replay()),
                "scenario": text,
            });
            format!("{object}\n")
        }
        false => text,
    };
    say(out, &told)?;
    Ok(EXIT_FAILED)
}

/// Measures a busy cluster on this machine.
pub(super) fn speed(options: &Sim, is_json: bool, out: &mut dyn Write) -> Result<u8, Trouble> {
    let seed = options.seed.unwrap_or_else(drawn_seed);
    let before = cpu_time();
    let outcome = busy::busy(seed, BUSY_SECONDS);
    let spent = cpu_time().saturating_sub(before).as_secs_f64().max(0.001);
    let node_seconds = std::time::Duration::from_secs(busy::NODES * BUSY_SECONDS).as_secs_f64();
    let rate = node_seconds / spent;
    let text = match is_json {
        true => format!(
            "{}\n",
            serde_json::json!({
                "seed": seed,
                "nodes": busy::NODES,
                "writes_per_second": busy::WRITES_PER_S,
                "virtual_seconds": BUSY_SECONDS,
                "acknowledged": outcome.acknowledged,
                "steps": outcome.steps,
                "cpu_seconds": spent,
                "node_seconds_per_cpu_second": rate,
            })
        ),
        false => format!(
            "{rate:.0} virtual node-seconds per CPU second (aim: {AIM:.0}): {} nodes, a disk witness and {} writes per second \
             for {BUSY_SECONDS} virtual s in {spent:.2} s of CPU time; {} writes acknowledged, {} steps, every promise \
             checked after each\n",
            busy::NODES,
            busy::WRITES_PER_S,
            outcome.acknowledged,
            outcome.steps
        ),
    };
    say(out, &text)?;
    Ok(if outcome.broken.is_none() { 0 } else { EXIT_FAILED })
}

/// A scenario file, not longer than one may be.
fn read(path: &Path) -> Result<String, Trouble> {
    let trouble = |why: String| Trouble::File { path: path.to_owned(), why };
    let file = fs::File::open(path).map_err(|error| trouble(error.to_string()))?;
    let mut bytes = Vec::new();
    let limit = SCENARIO_BYTES as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| trouble(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| trouble("this is no UTF-8 text".to_owned()))
}
