//! The timeline of a scenario: for each node and each group, what it was when.
//!
//! How things stood at `begin` was noted by the stage; what changes after that stands in the log. A node's lane says what
//! people see who stand beside it (its service runs, is frozen, has quorum), a group's lane who owns it and in which state
//! it is. Where quorum matters there are more: who has a vote, where the witness votes, which wires and storage paths are
//! cut. Nothing here asks on which stage the story was played.

use std::collections::BTreeMap;

use super::fold::Fold;
use crate::scenario::entry::{Entry, Said, Told};
use crate::scenario::script::{Act, Fault, Script, StepKind};
use crate::scenario::{Report, golden, parse};

/// A scenario over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What the scenario says of itself.
    pub story: Vec<String>,
    /// The nodes in order.
    pub nodes: Vec<Lane>,
    /// Who has a vote, and where the witness votes. Empty when neither ever changed and there is no witness.
    pub quorum: Vec<Lane>,
    /// What is cut: wires, storage paths. Empty when nothing ever was.
    pub cuts: Vec<Lane>,
    /// The groups in order, those of the core last.
    pub groups: Vec<Lane>,
    /// The log.
    pub entries: Vec<Entry>,
    /// The line of the script, from 1, on which an entry stands that is an act.
    pub act_lines: BTreeMap<usize, usize>,
    /// The last thing that was told, ms since the story began.
    pub end_ms: u64,
}

/// One node, group or other thing over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What it was, without gaps from the beginning; the last one has no end.
    pub spans: Vec<Span>,
}

/// A time during which something stayed as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Since when, ms since the story began.
    pub from_ms: u64,
    /// What it was.
    pub look: Look,
}

/// What something looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// For the colour.
    pub shade: Shade,
    /// The word for it; empty when the detail says it all.
    pub word: &'static str,
    /// A group: its owner. The witness: its host.
    pub owner: Option<String>,
    /// More than the word says: who votes, which sides there are.
    pub detail: String,
}

impl Look {
    /// Without owner and detail.
    #[must_use]
    pub fn plain(shade: Shade, word: &'static str) -> Look {
        Look { shade, word, owner: None, detail: String::new() }
    }
}

/// Kinds of states that have one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shade {
    /// As it should be.
    Well,
    /// Partly, or for a while, not as it could be.
    Partly,
    /// Under way.
    Busy,
    /// Failed.
    Bad,
    /// Out of contact.
    Apart,
    /// Stopped from outside.
    Frozen,
    /// At rest or not running.
    Quiet,
    /// Deleted, evicted.
    Gone,
    /// Neither good nor bad.
    Plain,
}

/// The timeline of a scenario file and of what playing it gave. A story that did not begin has none.
#[must_use]
pub fn read(text: &str, report: &Report) -> Option<Timeline> {
    let script = parse(golden::split(text).0).ok()?;
    let mut fold = Fold::new(report.opening.as_ref()?);
    let (before, after): (Vec<_>, Vec<_>) = script.steps.iter().partition(|step| is_before_begin(&script, step.line));
    for step in before {
        if let StepKind::Act(Act::Fault(fault)) = &step.kind {
            fold.strike(fault);
        }
    }
    fold.look(0);
    let acts: Vec<(usize, Option<&Fault>)> = after.into_iter().filter_map(told_act).collect();
    let mut act_lines = BTreeMap::new();
    for (at, entry) in report.entries.iter().enumerate() {
        match &entry.said {
            Said::Act(_) => {
                if let Some((line, fault)) = acts.get(act_lines.len()) {
                    act_lines.insert(at, *line);
                    fault.iter().for_each(|fault| fold.strike(fault));
                }
            }
            Said::Notice(told) => fold.hear(told),
            Said::Answer { .. } => {}
        }
        fold.look(entry.at_ms);
    }
    let end_ms = report.entries.iter().map(|e| e.at_ms).max().unwrap_or(0);
    let mut timeline = fold.into_lanes();
    timeline.story = script.story;
    timeline.entries = report.entries.clone();
    (timeline.act_lines, timeline.end_ms) = (act_lines, end_ms);
    Some(timeline)
}

fn is_before_begin(script: &Script, line: usize) -> bool {
    script.steps.iter().find(|s| s.kind == StepKind::Begin).is_none_or(|begin| line < begin.line)
}

/// A step that writes an act into the log: its line, and the fault that it is.
fn told_act(step: &crate::scenario::script::Step) -> Option<(usize, Option<&Fault>)> {
    match &step.kind {
        StepKind::Act(Act::Fault(fault)) => Some((step.line, Some(fault))),
        StepKind::Act(Act::Order(_) | Act::Write(_)) | StepKind::Refused { .. } => Some((step.line, None)),
        StepKind::Prepare(_)
        | StepKind::Begin
        | StepKind::Pass(_)
        | StepKind::Until { .. }
        | StepKind::Expect(_)
        | StepKind::ExpectNot(_) => None,
    }
}

/// The notices that are steps of an arbitration, with the node at which each happened.
pub(super) fn steps(timeline: &Timeline) -> impl Iterator<Item = (usize, &Entry, &Told)> {
    timeline.entries.iter().enumerate().filter_map(|(at, entry)| match &entry.said {
        Said::Notice(told) if told.step.is_some() => Some((at, entry, told)),
        Said::Notice(_) | Said::Act(_) | Said::Answer { .. } => None,
    })
}
