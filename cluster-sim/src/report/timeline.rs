//! The timeline of a scenario: for each node and each group, what it was when.
//!
//! How things stand at `begin` is asked of the simulated world, by playing the script up to there once more: a seed gives
//! the same world each time. What changes after that stands in the log. A node's lane says what people see who stand
//! beside it (its service runs, is frozen, has quorum), a group's lane who owns it and in which state it is.

use std::collections::BTreeMap;

use cluster_engine::state::ResourceState;

use super::chronicle::{self, Entry, Said};
use super::fold::{Fold, Service};
use super::fold::{GroupTruth, NodeTruth};
use crate::scenario::script::{Act, Condition, Fault, Preparation, Script, StepKind};
use crate::scenario::{Simulated, Stage, golden, parse, play};

/// Groups that every cluster has.
const CORE_GROUPS: [&str; 2] = ["Cluster Group", "Available Storage"];

/// Resource states that clients can tell apart, and the state that each stands for when a story begins.
const BEGIN_STATES: [ResourceState; 5] = [
    ResourceState::Online,
    ResourceState::Offline,
    ResourceState::Failed,
    ResourceState::OnlinePending,
    ResourceState::OfflinePending,
];

/// A scenario over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// What the scenario says of itself.
    pub story: Vec<String>,
    /// The nodes in order.
    pub nodes: Vec<Lane>,
    /// The groups in order, those of the core last.
    pub groups: Vec<Lane>,
    /// The log.
    pub entries: Vec<Entry>,
    /// The line of the script, from 1, on which an entry stands that is an act.
    pub act_lines: BTreeMap<usize, usize>,
    /// The last thing that was told, ms since the story began.
    pub end_ms: u64,
}

/// One node or group over time.
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

/// What a node or a group looks like from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// For the colour.
    pub shade: Shade,
    /// The word for it.
    pub word: &'static str,
    /// A group: its owner.
    pub owner: Option<String>,
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
    /// At rest or not running.
    Quiet,
    /// Deleted, evicted.
    Gone,
}

/// The timeline of a scenario file and of the log that playing it gave. A file that cannot be understood has none.
#[must_use]
pub fn read(text: &str, log: &[String]) -> Option<Timeline> {
    let script = parse(golden::split(text).0).ok()?;
    let entries = chronicle::read(log);
    let mut fold = at_begin(&script)?;
    let acts: Vec<_> = told_acts(&script).collect();
    let mut act_lines = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let act = match entry.said {
            Said::Act(_) => acts.get(act_lines.len()),
            Said::Refusal(_) | Said::Notice { .. } | Said::Other(_) => None,
        };
        if let Some((line, fault)) = act {
            act_lines.insert(at, *line);
            fault.iter().for_each(|fault| fold.strike(fault));
        }
        fold.hear(&entry.said);
        fold.look(entry.at_ms);
    }
    let end_ms = entries.iter().map(|e| e.at_ms).max().unwrap_or(0);
    let (nodes, groups) = fold.into_lanes();
    Some(Timeline { story: script.story, nodes, groups, entries, act_lines, end_ms })
}

/// The steps after `begin` that write an act into the log: lines, and the faults among them.
fn told_acts(script: &Script) -> impl Iterator<Item = (usize, Option<&Fault>)> {
    let story = script.steps.iter().skip_while(|s| s.kind != StepKind::Begin);
    story.filter_map(|step| match &step.kind {
        StepKind::Act(Act::Fault(fault)) => Some((step.line, Some(fault))),
        StepKind::Act(Act::Order(_)) | StepKind::Refused { .. } => Some((step.line, None)),
        StepKind::Prepare(_)
        | StepKind::Begin
        | StepKind::Pass(_)
        | StepKind::Until { .. }
        | StepKind::Expect(_)
        | StepKind::ExpectNot(_) => None,
    })
}

/// How things stand when the story begins.
fn at_begin(script: &Script) -> Option<Fold> {
    let begin = script.steps.iter().position(|s| s.kind == StepKind::Begin)?;
    let prefix = Script { story: Vec::new(), steps: script.steps[..=begin].to_vec() };
    let mut stage = Simulated::default();
    if !play(&prefix, &mut stage).is_empty() {
        return None;
    }
    let mut fold = Fold::default();
    for step in &prefix.steps {
        match &step.kind {
            StepKind::Prepare(Preparation::Nodes { count, .. }) => {
                fold.nodes.extend((1..=*count).map(|n| (format!("n{n}"), NodeTruth::default())));
            }
            StepKind::Prepare(Preparation::Group { name, .. }) => fold.groups.push(group(&stage, &fold, name)),
            StepKind::Prepare(Preparation::Resource { name, group, .. }) => {
                let state = BEGIN_STATES.into_iter().find(|state| is_state(&stage, name, state.word(), None));
                let resources = fold.groups.iter_mut().find(|(known, _)| known == group).map(|(_, g)| &mut g.resources);
                let state = state.unwrap_or(ResourceState::Offline);
                resources.into_iter().for_each(|r| r.push((name.clone(), state)));
            }
            StepKind::Act(Act::Fault(fault)) => fold.strike(fault),
            StepKind::Begin
            | StepKind::Pass(_)
            | StepKind::Act(Act::Order(_))
            | StepKind::Refused { .. }
            | StepKind::Until { .. }
            | StepKind::Expect(_)
            | StepKind::ExpectNot(_) => {}
        }
    }
    let core = CORE_GROUPS.map(|name| group(&stage, &fold, name));
    fold.groups.extend(core);
    for (name, node) in &mut fold.nodes {
        let is = |state: &str| {
            let condition = Condition::Node { node: name.clone(), state: state.to_owned() };
            stage.look(&condition).is_ok()
        };
        node.paused = is("Paused");
        node.is_member = node.paused || is("Up");
        node.is_quorate = node.service == Service::Runs && node.is_member;
    }
    fold.look(0);
    Some(fold)
}

/// A group without its resources, as it stands.
fn group(stage: &Simulated, fold: &Fold, name: &str) -> (String, GroupTruth) {
    let states = ["Online", "Offline", "Failed", "PartialOnline", "Pending"];
    let owns = |node: &&String| states.iter().any(|state| is_state(stage, name, state, Some(node)));
    let owner = fold.nodes.iter().map(|(node, _)| node).find(owns).cloned();
    (name.to_owned(), GroupTruth::owned_by(owner))
}

fn is_state(stage: &Simulated, name: &str, state: &str, on: Option<&str>) -> bool {
    let on = on.map(str::to_owned);
    stage.look(&Condition::State { name: name.to_owned(), state: state.to_owned(), on }).is_ok()
}
