//! Availability: how much of the time each quorum model keeps a cluster going, when nodes, wires and the quorum device
//! fail and are mended at given rates.
//!
//! Many seeds, each some virtual hours long. Rates are accelerated: a node that fails every twenty minutes stands for one
//! that fails every few months, as long as repairs stay much shorter than what is between two failures. What is compared
//! is the models with each other, under the same failures: each seed draws them once, for all models.

use std::fmt::Write as _;

use clusreg::{Batch, Value};
use cluster_engine::quorum::Model;
use cluster_engine::state::{Command, Object};
use cluster_engine::{Guid, Millis, NodeId};
use serde::Serialize;

use crate::dice::Dice;
use crate::storm::{self, Kind, Settings};
use crate::world::{Seen, Weather, World};

/// Failures are drawn, and the cluster is tried, once in so many ms.
const STEP: u64 = 1_000;
/// A chance is a number of so many.
const CHANCE_OF: u64 = 1 << 32;

/// How often something fails, and how long it takes to mend, on average, in virtual seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Mean time between failures, s. 0: never fails.
    pub mtbf_s: u64,
    /// Mean time to repair, s.
    pub mttr_s: u64,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Nodes.
    pub nodes: u64,
    /// The first seed.
    pub seed: u64,
    /// Seeds.
    pub seeds: u64,
    /// Virtual seconds of each.
    pub seconds: u64,
    /// Of each node's service.
    pub node: Rate,
    /// Of each wire between two nodes.
    pub link: Rate,
    /// Of the quorum device.
    pub storage: Rate,
}

/// How one model did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Times at which the cluster was tried.
    pub tried: u64,
    /// Times at which a write at some node was acknowledged within a second.
    pub writes: u64,
    /// Groups that were looked at.
    pub groups: u64,
    /// Groups that were online.
    pub online: u64,
    /// Spans without an acknowledged write.
    pub outages: u64,
    /// The longest of them, s.
    pub longest_s: u64,
}

impl Score {
    /// Share of the time in which writes were acknowledged.
    #[must_use]
    pub fn write_share(&self) -> f64 {
        share(self.writes, self.tried)
    }

    /// Share of the time in which a group was online.
    #[must_use]
    pub fn group_share(&self) -> f64 {
        share(self.online, self.groups)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    let small = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if whole == 0 { 0.0 } else { small(part) / small(whole) }
}

/// One model and its score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// As Get-ClusterQuorum shows it.
    pub model: &'static str,
    /// Share of the time in which a write at some node was acknowledged.
    pub writes: f64,
    /// Share of the time in which a group was online, over all groups.
    pub groups: f64,
    /// The counts.
    pub score: Score,
}

/// Tries every model. `progress` hears (runs done, runs in all).
///
/// # Errors
/// When a cluster cannot be built, which is a bug; the text says what was broken.
pub fn availability(plan: &Plan, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Row>, String> {
    let total = plan.seeds * Model::ALL.len() as u64;
    let mut done = 0;
    let mut rows = Vec::new();
    for model in Model::ALL {
        let mut score = Score::default();
        for seed in plan.seed..plan.seed.saturating_add(plan.seeds) {
            one(plan, model, seed, &mut score)?;
            done += 1;
            progress(done, total);
        }
        let (writes, groups) = (score.write_share(), score.group_share());
        rows.push(Row { model: model.name(), writes, groups, score });
    }
    Ok(rows)
}

/// Something that fails and is mended.
struct Part {
    what: What,
    rate: Rate,
    is_down: bool,
}

#[derive(Clone, Copy)]
enum What {
    Node(NodeId),
    Link(NodeId, NodeId),
    Storage,
}

impl Part {
    /// Draws whether it changes within a step.
    fn changes(&self, dice: &mut Dice) -> bool {
        // Drawn always, so that the failures of one part do not depend on another's.
        let drawn = dice.roll() % CHANCE_OF;
        let mean_s = if self.is_down { self.rate.mttr_s } else { self.rate.mtbf_s };
        mean_s > 0 && drawn < CHANCE_OF / (mean_s * 1_000 / STEP).max(1)
    }

    fn turn(&mut self, world: &mut World) {
        self.is_down = !self.is_down;
        match self.what {
            What::Node(node) if self.is_down => world.kill(node),
            What::Node(node) => world.start(node),
            What::Link(a, b) => world.cut(a, b, self.is_down),
            What::Storage => world.devices.values_mut().for_each(|device| device.is_broken = self.is_down),
        }
    }
}

fn one(plan: &Plan, model: Model, seed: u64, score: &mut Score) -> Result<(), String> {
    let settings = Settings {
        nodes: plan.nodes,
        groups: 2,
        resources: 1,
        weather: Weather::CALM,
        model,
        dynamic_quorum: true,
        slow_witness: 0,
        skew: false,
        ..Settings::of(seed, Kind::Any)
    };
    let mut world = storm::cluster(&settings).map_err(|broken| broken.what)?;
    // The intervals of a real cluster, and nobody is kept out.
    let values = [("SameSubnetDelay", 1_000), ("SameSubnetThreshold", 10), ("QuarantineThreshold", 0)];
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), Some(Value::dword(*value)))).collect();
    let set = Command::SetProperties { object: Object::Cluster, values };
    world.ask(set).map_err(|refusal| refusal.message)?;
    let nodes: Vec<NodeId> = world.machines.keys().copied().collect();
    let mut parts: Vec<Part> =
        nodes.iter().map(|node| Part { what: What::Node(*node), rate: plan.node, is_down: false }).collect();
    for (at, a) in nodes.iter().enumerate() {
        let links = nodes[at + 1..].iter().map(|b| What::Link(*a, *b));
        parts.extend(links.map(|what| Part { what, rate: plan.link, is_down: false }));
    }
    parts.push(Part { what: What::Storage, rate: plan.storage, is_down: false });
    // The same failures for every model.
    let mut dice = Dice::new(seed ^ 0xA7A1_1AB1);
    let mut down_since = None;
    for second in 0..plan.seconds * 1_000 / STEP {
        for part in &mut parts {
            if part.changes(&mut dice) {
                part.turn(&mut world);
            }
        }
        let is_written = try_write(&mut world);
        let (groups, online) = groups_online(&world);
        score.tried += 1;
        score.writes += u64::from(is_written);
        score.groups += groups;
        score.online += online;
        match (is_written, down_since) {
            (false, None) => {
                down_since = Some(second);
                score.outages += 1;
            }
            (true, _) => down_since = None,
            (false, Some(_)) => {}
        }
        if let Some(since) = down_since {
            score.longest_s = score.longest_s.max((second - since + 1) * STEP / 1_000);
        }
    }
    Ok(())
}

/// A client writes at a node that should answer. True when that is acknowledged within the step.
fn try_write(world: &mut World) -> bool {
    world.take_seen();
    let until = world.now + Millis(STEP);
    let ticket = world.spokesman().map(|node| {
        let batch = Batch::at("").create_key("Availability").set_value("Last", Value::dword(1));
        world.submit(node, Command::Registry { batch })
    });
    world.run_until(until, |_| {});
    let is_mine = |seen: &Seen| matches!(seen, Seen::Reply { ticket: t, result: Ok(_), .. } if Some(*t) == ticket);
    world.take_seen().iter().any(is_mine)
}

/// Groups with resources, and how many of them have everything running.
fn groups_online(world: &World) -> (u64, u64) {
    let Some(state) = world.newest_state() else { return (0, 0) };
    let runs = |id: &Guid| world.machines.values().any(|m| m.instances.get(id).is_some_and(|i| i.runs && i.is_online));
    let (mut groups, mut online) = (0, 0);
    for group in state.groups.values() {
        let mut resources = state.resources.values().filter(|r| r.group == group.id).peekable();
        // The core group is the cluster's own.
        if resources.peek().is_none() || !group.config.name.starts_with('G') {
            continue;
        }
        groups += 1;
        online += u64::from(resources.all(|r| runs(&r.id)));
    }
    (groups, online)
}

/// The table for people.
#[must_use]
pub fn table(plan: &Plan, rows: &[Row]) -> String {
    let Plan { nodes, seeds, seconds, node, link, storage, .. } = plan;
    let mut text = format!(
        "{nodes} nodes, {seeds} seed(s) of {seconds} virtual s each; fails after / mended after, on average: node {}, wire {}, \
         quorum device {}\n\n",
        rate(*node),
        rate(*link),
        rate(*storage)
    );
    let head = ["MODEL", "WRITES", "GROUPS", "OUTAGES", "LONGEST"].map(str::to_owned).to_vec();
    let mut cells = vec![head];
    for row in rows {
        cells.push(vec![
            row.model.to_owned(),
            format!("{:.3} %", row.writes * 100.0),
            format!("{:.3} %", row.groups * 100.0),
            row.score.outages.to_string(),
            format!("{} s", row.score.longest_s),
        ]);
    }
    text.push_str(&crate::sweep::aligned(&cells));
    text
}

fn rate(rate: Rate) -> String {
    if rate.mtbf_s == 0 { "never".to_owned() } else { format!("{} s / {} s", rate.mtbf_s, rate.mttr_s) }
}

/// Width of the plot, in units of its own.
const WIDTH: f64 = 760.0;
/// Left of this stand the names of the models.
const LEFT: f64 = 210.0;
/// Right of the bars stand the numbers.
const RIGHT: f64 = 90.0;
/// Height of a model's two bars, with the space below them.
const ROW: f64 = 52.0;
/// Height of a bar.
const BAR: f64 = 18.0;
/// Height of the title.
const TITLE: f64 = 54.0;

/// The plot: unavailability on a logarithmic axis, from everything down to one in a hundred thousand, so that more nines
/// are shorter bars. One file that shows by itself, in light and dark surroundings.
#[must_use]
pub fn svg(plan: &Plan, rows: &[Row]) -> String {
    let height = rows.iter().fold(TITLE + 34.0, |y, _| y + ROW);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-label=\"Unavailability per quorum model\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <style>text{{fill:#1b1f24}}.w{{fill:#2a78d6}}.g{{fill:#e08a1e}}.t{{stroke:#8a929c;stroke-width:.5}}\
         @media (prefers-color-scheme:dark){{text{{fill:#e6e9ed}}.w{{fill:#6aa9f0}}.g{{fill:#f0b060}}}}</style>\n\
         <text x=\"8\" y=\"20\" font-size=\"15\">Unavailability per quorum model, {} nodes (shorter is better)</text>\n\
         <rect class=\"w\" x=\"8\" y=\"31\" width=\"12\" height=\"12\"/><text x=\"26\" y=\"42\">no write acknowledged</text>\n\
         <rect class=\"g\" x=\"190\" y=\"31\" width=\"12\" height=\"12\"/><text x=\"208\" y=\"42\">group not online</text>\n",
        plan.nodes
    );
    let bottom = height - 28.0;
    for (label, missing) in [("100 %", 1.0), ("10 %", 0.1), ("1 %", 0.01), ("0.1 %", 0.001), ("0.01 %", 0.0001)] {
        let x = LEFT + length(missing);
        let _ = writeln!(
            svg,
            "<line class=\"t\" x1=\"{x:.1}\" y1=\"{TITLE}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 18.0
        );
    }
    let mut y = TITLE + 4.0;
    for row in rows {
        let _ = writeln!(svg, "<text x=\"8\" y=\"{:.1}\">{}</text>", y + BAR + 4.0, row.model);
        for (class, available, top) in [("w", row.writes, y), ("g", row.groups, y + BAR + 2.0)] {
            let missing = (1.0 - available).max(0.0);
            let width = length(missing);
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{:.3} %</text>",
                LEFT + width + 6.0,
                top + 13.0,
                missing * 100.0
            );
        }
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

/// How long the bar of a share is: five decades, nothing for less.
fn length(missing: f64) -> f64 {
    const DECADES: f64 = 5.0;
    let decades = if missing > 0.0 { (missing.log10() + DECADES).clamp(0.0, DECADES) } else { 0.0 };
    decades / DECADES * (WIDTH - LEFT - RIGHT)
}
