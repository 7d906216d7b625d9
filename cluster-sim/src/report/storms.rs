//! Storms on a terminal, and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::storm::{Outcome, Settings};

/// Width of the names of settings.
const NAME_COLUMNS: usize = 22;

/// The seed and all that was drawn from it, a line each; printed before the storm starts.
#[must_use]
pub fn settings_text(settings: &Settings) -> String {
    settings.list().into_iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name:<NAME_COLUMNS$} {value}");
        text
    })
}

/// How a storm went: a line, and of a broken promise which one, what was seen, and the line that replays it.
#[must_use]
pub fn outcome_text(outcome: &Outcome) -> String {
    let Outcome { settings, broken, acknowledged, steps, digest, settled_after } = outcome;
    let seed = settings.seed;
    let counts = format!("{steps} steps, {acknowledged} writes acknowledged, digest {digest:016x}");
    match broken {
        None => format!("passed     seed {seed}: {counts}, settled after {settled_after} ms\n"),
        Some(broken) => format!(
            "FAILED     seed {seed}: the promise {} was broken\n    {}\n    {counts}\n    replay: {} --trace\n",
            broken.invariant,
            broken.what,
            outcome.replay()
        ),
    }
}

/// One object on one line: settings, verdict, what was broken and how to replay it, counts, and the trace if there is one.
#[must_use]
pub fn json(outcome: &Outcome, trace: Option<&str>) -> String {
    let Outcome { settings, broken, acknowledged, steps, digest, settled_after } = outcome;
    let settings: serde_json::Map<String, Value> =
        settings.list().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut object = json!({
        "settings": settings,
        "verdict": if broken.is_none() { "passed" } else { "failed" },
        "broken": broken.as_ref().map(|b| json!({ "invariant": b.invariant, "what": b.what })),
        "replay": outcome.replay(),
        "acknowledged": acknowledged,
        "steps": steps,
        "digest": format!("{digest:016x}"),
        "settled_after_ms": settled_after,
    });
    if let (Some(trace), Some(members)) = (trace, object.as_object_mut()) {
        members.insert("trace".to_owned(), trace.lines().collect());
    }
    format!("{object}\n")
}

/// Virtual time that a storm lasted at least, in ms of all its nodes together: its safety and its liveness phase. Building
/// the cluster is not counted, and a storm that broke off not at all.
#[must_use]
pub fn node_ms(outcome: &Outcome) -> u64 {
    match outcome.broken {
        None => outcome.settings.length.saturating_add(outcome.settled_after).saturating_mul(outcome.settings.nodes),
        Some(_) => 0,
    }
}
