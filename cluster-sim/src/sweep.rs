//! A sweep: what becomes of a cluster after every single fault, and after every pair of them.
//!
//! Each case is a world of its own, made from a copy of the cluster's state. It settles, the faults strike, it settles
//! again; what is online where, whether there is quorum, and how long it took, is the outcome. Nothing is done to the
//! cluster that the state comes from.

use std::fmt;
use std::fmt::Write as _;

use cluster_engine::state::{ClusterState, NodeState};
use cluster_engine::{Guid, Millis, NodeId, Time};
use serde::Serialize;

use crate::scenario::script::StepKind;
use crate::scenario::{self, Failure, Simulated};
use crate::world::World;

/// A world that has not settled after so long is left as it is.
pub const SETTLE_WITHIN: Millis = Millis(120_000);
/// It has settled when nothing changed for so many times the span after which a silent node is down, and at least for
/// [`QUIET_MIN`]: an arbitration may still be under way.
const QUIET_DETECTIONS: u64 = 3;
const QUIET_MIN: Millis = Millis(3_000);
/// How closely it is looked.
const LOOK: Millis = Millis(25);
/// A resource that fails for good fails Online so often.
const FOR_GOOD: u32 = u32::MAX;
/// Most nodes that a sweep takes: the number of pairs grows with the square.
pub const MOST_NODES: usize = 16;
/// Most resources.
pub const MOST_RESOURCES: usize = 64;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service of a node dies and does not come back.
    Kill(NodeId, String),
    /// All wires of a node are cut.
    Cut(NodeId, String),
    /// A node loses its storage path.
    Storage(NodeId, String),
    /// Nobody can use the quorum device.
    Witness(Guid, String),
    /// A resource fails and never comes online again.
    Resource(Guid, String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Kill(_, name) => write!(f, "kill {name}"),
            Fault::Cut(_, name) => write!(f, "cut off {name}"),
            Fault::Storage(_, name) => write!(f, "{name} loses storage"),
            Fault::Witness(_, name) => write!(f, "lose '{name}'"),
            Fault::Resource(_, name) => write!(f, "fail '{name}'"),
        }
    }
}

impl Fault {
    /// Everything that can be broken in a cluster, one at a time.
    #[must_use]
    pub fn all(state: &ClusterState) -> Vec<Fault> {
        let nodes = || state.nodes.values().filter(|n| n.state == NodeState::Up).map(|n| (n.id, n.config.name.clone()));
        let mut faults: Vec<Fault> = nodes().map(|(id, name)| Fault::Kill(id, name)).collect();
        faults.extend(nodes().map(|(id, name)| Fault::Cut(id, name)));
        if let Some(witness) = &state.quorum.witness {
            faults.extend(nodes().map(|(id, name)| Fault::Storage(id, name)));
            faults.push(Fault::Witness(witness.resource, state.resource_name(witness.resource)));
        }
        let ordinary = state.resources.values().filter(|r| !state.is_quorum_resource(r.id));
        faults.extend(ordinary.map(|r| Fault::Resource(r.id, r.config.name.clone())));
        faults
    }

    fn strike(&self, world: &mut World) {
        match self {
            Fault::Kill(node, _) => world.kill(*node),
            Fault::Cut(node, _) => {
                let others: Vec<NodeId> = world.machines.keys().copied().filter(|other| other != node).collect();
                others.into_iter().for_each(|other| world.cut(*node, other, true));
            }
            Fault::Storage(node, _) => world.cut_storage(*node, true),
            Fault::Witness(resource, _) => {
                if let Some(device) = world.devices.get_mut(resource) {
                    device.is_broken = true;
                }
            }
            Fault::Resource(resource, _) => {
                let behaviour = crate::machine::Behaviour { fail_online: FOR_GOOD, ..world.ordinary };
                world.behaviours.insert(*resource, behaviour);
                world.fail_resource(*resource);
            }
        }
    }
}

/// Why a state cannot be swept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// No node is up.
    #[error("no node of the cluster is up, so there is nothing to strike; start it first")]
    NobodyUp,
    /// Too big.
    #[error("a sweep takes at most {limit} {what}, this cluster has {found}; sweep a smaller copy as a scenario file")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// The copy itself does not get quorum.
    #[error("the copy of the cluster has no quorum within {0} ms, before anything was done to it")]
    NoQuorum(u64),
}

/// How a world stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Situation {
    /// Some node holds a lease.
    pub quorum: bool,
    /// Names of the nodes that do.
    pub members: Vec<String>,
    /// Groups with resources, by name.
    pub groups: Vec<GroupThere>,
}

/// A group and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupThere {
    /// Its name.
    pub name: String,
    /// The node on which something of it really runs.
    pub node: Option<String>,
    /// Its state as the part in quorum shows it; `Offline` when there is none.
    pub state: String,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What was done, in words.
    pub faults: Vec<String>,
    /// How it stands afterwards.
    pub after: Situation,
    /// From the fault to the last change, virtual ms; `None`: it had not settled within [`SETTLE_WITHIN`].
    pub took_ms: Option<u64>,
}

/// The outcome of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Before anything was done.
    pub before: Situation,
    /// Single faults first, then pairs.
    pub cases: Vec<Case>,
}

/// Sweeps over every single fault, and with `pairs` over every pair of faults that strike at once. `progress` hears
/// (cases done, cases in all).
///
/// # Errors
/// When the state cannot be swept.
pub fn sweep(
    state: &ClusterState,
    seed: u64,
    pairs: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Sweep, SweepError> {
    let up = state.nodes.values().filter(|n| n.state == NodeState::Up).count();
    for (what, limit, found) in
        [("nodes", MOST_NODES, state.nodes.len()), ("resources", MOST_RESOURCES, state.resources.len())]
    {
        if found > limit {
            return Err(SweepError::TooMany { what, limit, found });
        }
    }
    if up == 0 {
        return Err(SweepError::NobodyUp);
    }
    let faults = Fault::all(state);
    let mut cases: Vec<Vec<&Fault>> = faults.iter().map(|fault| vec![fault]).collect();
    if pairs {
        for (at, one) in faults.iter().enumerate() {
            cases.extend(faults[at + 1..].iter().map(|other| vec![one, other]));
        }
    }
    let mut world = World::of_state(seed, state);
    settle(&mut world);
    let before = situation(&world);
    if !before.quorum {
        return Err(SweepError::NoQuorum(SETTLE_WITHIN.0));
    }
    let total = cases.len();
    let mut done = Vec::with_capacity(total);
    for faults in cases {
        done.push(case(state, seed, &faults));
        progress(done.len(), total);
    }
    Ok(Sweep { before, cases: done })
}

/// The state of the cluster that a scenario file describes, at its `begin`.
///
/// # Errors
/// What of the file cannot be understood, or what of its preparations fails.
pub fn state_of_scenario(text: &str) -> Result<ClusterState, Vec<Failure>> {
    let mut script = scenario::read(text)?;
    let end = script.steps.iter().position(|step| step.kind == StepKind::Begin).map_or(script.steps.len(), |at| at + 1);
    script.steps.truncate(end);
    let mut stage = Simulated::default();
    let failures = scenario::play(&script, &mut stage);
    if !failures.is_empty() {
        return Err(failures);
    }
    stage.cluster_state().ok_or_else(|| vec![Failure::at(1, "the scenario builds no cluster".to_owned())])
}

fn case(state: &ClusterState, seed: u64, faults: &[&Fault]) -> Case {
    let mut world = World::of_state(seed, state);
    settle(&mut world);
    let struck = world.now;
    for fault in faults {
        fault.strike(&mut world);
    }
    let took_ms = settle(&mut world).map(|at| at.since(struck).0);
    Case { faults: faults.iter().map(ToString::to_string).collect(), after: situation(&world), took_ms }
}

/// Lets time pass until nothing changes any more. The time of the last change; `None` when it goes on changing.
fn settle(world: &mut World) -> Option<Time> {
    let limit = world.now + SETTLE_WITHIN;
    let quiet = world.newest_state().map_or(Millis(0), |s| Millis(s.config.detection().0 * QUIET_DETECTIONS));
    let quiet = quiet.max(QUIET_MIN);
    let mut last = (world.now, signature(world));
    while world.now < limit {
        world.run_until(world.now + LOOK, |_| {});
        world.take_seen();
        let present = signature(world);
        if present != last.1 {
            last = (world.now, present);
        } else if world.now.since(last.0) >= quiet {
            return Some(last.0);
        }
    }
    None
}

/// What may not change any more: who is in quorum, what is known, what runs where.
fn signature(world: &World) -> Vec<(NodeId, bool, u64, Vec<Guid>)> {
    let of = |m: &crate::machine::Machine| {
        let applied = world.state_of(m.id).map_or(0, |s| s.applied);
        let runs = m.instances.iter().filter(|(_, i)| i.runs).map(|(id, _)| *id).collect();
        (m.id, is_quorate(world, m), applied, runs)
    };
    world.machines.values().map(of).collect()
}

fn is_quorate(world: &World, machine: &crate::machine::Machine) -> bool {
    machine.is_awake() && machine.engine.as_ref().is_some_and(|e| e.is_quorate(machine.clock(world.now)))
}

fn situation(world: &World) -> Situation {
    let members: Vec<&crate::machine::Machine> = world.machines.values().filter(|m| is_quorate(world, m)).collect();
    let shown = members.iter().filter_map(|m| world.state_of(m.id)).max_by_key(|s| s.applied);
    let mut groups = Vec::new();
    if let Some(known) = shown.or_else(|| world.newest_state()) {
        for group in known.groups.values() {
            let mut resources = known.resources.values().filter(|r| r.group == group.id).peekable();
            if resources.peek().is_none() {
                continue;
            }
            let ids: Vec<Guid> = resources.map(|r| r.id).collect();
            let runs = |m: &&crate::machine::Machine| ids.iter().any(|id| m.instances.get(id).is_some_and(|i| i.runs));
            let node = world.machines.values().find(runs).map(|m| m.name.clone());
            let state = shown.map_or("Offline", |s| s.group_state(group.id).word()).to_owned();
            groups.push(GroupThere { name: group.config.name.clone(), node, state });
        }
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Situation { quorum: !members.is_empty(), members: members.iter().map(|m| m.name.clone()).collect(), groups }
}

impl Sweep {
    /// The table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let groups: Vec<&str> = self.before.groups.iter().map(|g| g.name.as_str()).collect();
        let mut rows = vec![
            ["FAULT", "QUORUM", "SETTLED", "MEMBERS"]
                .into_iter()
                .chain(groups.iter().copied())
                .map(str::to_owned)
                .collect(),
            row("(none)".to_owned(), &self.before, None, &groups),
        ];
        for case in &self.cases {
            let took = Some(case.took_ms.map_or("never".to_owned(), |ms| format!("{:.1} s", ms_to_s(ms))));
            rows.push(row(case.faults.join(" + "), &case.after, took, &groups));
        }
        aligned(&rows)
    }
}

fn row(what: String, there: &Situation, took: Option<String>, groups: &[&str]) -> Vec<String> {
    let quorum = if there.quorum { "kept" } else { "LOST" }.to_owned();
    let members = if there.members.is_empty() { "-".to_owned() } else { there.members.join(" ") };
    let mut cells = vec![what, quorum, took.unwrap_or_else(|| "-".to_owned()), members];
    for name in groups {
        let group = there.groups.iter().find(|g| g.name == *name);
        cells.push(match group {
            Some(GroupThere { node: Some(node), state, .. }) if state == "Online" => node.clone(),
            Some(GroupThere { node: Some(node), state, .. }) => format!("{node} ({state})"),
            Some(GroupThere { node: None, state, .. }) => state.clone(),
            None => "-".to_owned(),
        });
    }
    cells
}

fn ms_to_s(ms: u64) -> f64 {
    f64::from(u32::try_from(ms).unwrap_or(u32::MAX)) / 1_000.0
}

/// Columns side by side.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|r| r.get(at)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
