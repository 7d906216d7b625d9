//! A storm: a safety phase with faults on, then a liveness phase with faults off.

use std::fmt::Write as _;

use clusreg::{Batch, Value};
use cluster_engine::state::{Command, GroupState, NodeState, ResourceState};
use cluster_engine::{EngineSabotage, Guid, Millis, NodeId, Time};

use crate::dice::Dice;
use crate::invariants::acknowledged_is_kept::KEY;
use crate::invariants::{Broken, Invariants};
use crate::machine::Behaviour;
use crate::world::{Seen, Weather, World};

/// What a storm is made of; drawn from the seed, and printed before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The seed.
    pub seed: u64,
    /// Nodes.
    pub nodes: u64,
    /// Groups, each with a chain of resources.
    pub groups: u64,
    /// Resources of a group.
    pub resources: u64,
    /// Length of the safety phase, ms.
    pub length: u64,
    /// Wires and disks.
    pub weather: Weather,
    /// Between two faults or requests on average, ms.
    pub pace: u64,
    /// Which kinds of faults this storm has.
    pub kills: bool,
    /// Freezing and thawing of services.
    pub freezes: bool,
    /// Partitions.
    pub cuts: bool,
    /// Resources that fail, hang, refuse.
    pub failures: bool,
    /// Clocks that are off.
    pub skew: bool,
}

impl Settings {
    /// Draws the settings of a seed. Each seed turns on another subset of the faults.
    #[must_use]
    pub fn draw(seed: u64) -> Settings {
        let mut dice = Dice::new(seed ^ 0xA5A5);
        let rough = dice.chance(500);
        let slow_disk = dice.chance(300);
        Settings {
            seed,
            nodes: dice.between(2, 5),
            groups: dice.between(1, 4),
            resources: dice.between(1, 3),
            length: 60_000,
            weather: Weather {
                loss: if rough { dice.between(0, 100) } else { 0 },
                duplication: if rough { dice.between(0, 50) } else { 0 },
                delay_min: 1,
                delay_max: if rough { dice.between(2, 80) } else { 2 },
                disk_min: 1,
                disk_max: if slow_disk { dice.between(5, 100) } else { 2 },
            },
            pace: dice.between(200, 2_000),
            kills: dice.chance(600),
            freezes: dice.chance(500),
            cuts: dice.chance(600),
            failures: dice.chance(600),
            skew: dice.chance(300),
        }
    }
}

impl Settings {
    /// Of the kind with frozen and thawed services on a quick network.
    #[must_use]
    pub fn freezing(self) -> Settings {
        Settings { kills: false, freezes: true, cuts: true, failures: false, pace: 400, ..self }
    }

    /// Of the kind with partitions that come and go on a slow network with slow disks, and many groups on the move.
    #[must_use]
    pub fn parting(self) -> Settings {
        let weather = Weather { loss: 80, delay_max: 60, disk_max: 100, ..self.weather };
        Settings {
            nodes: 5,
            groups: 4,
            kills: false,
            freezes: false,
            cuts: true,
            failures: true,
            pace: 250,
            weather,
            ..self
        }
    }

    /// Of the kind with services that die all the time, on slow disks.
    #[must_use]
    pub fn dying(self) -> Settings {
        let weather = Weather { disk_max: 100, ..self.weather };
        Settings { kills: true, cuts: true, pace: 300, weather, ..self }
    }
}

/// How a storm went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its settings.
    pub settings: Settings,
    /// What was broken, if anything.
    pub broken: Option<Broken>,
    /// Writes that were acknowledged.
    pub acknowledged: usize,
    /// Steps of engines.
    pub steps: u64,
    /// A number made from everything that was seen: the same for the same seed, on every machine.
    pub digest: u64,
    /// How long the liveness phase took, ms of virtual time.
    pub settled_after: u64,
}

impl Outcome {
    /// The line that runs this storm again.
    #[must_use]
    pub fn replay(&self) -> String {
        format!("cluster sim --seed {}", self.settings.seed)
    }
}

/// Everything must have settled this long after the faults ended.
pub const SETTLE_LIMIT: Millis = Millis(60_000);

struct Storm {
    world: World,
    dice: Dice,
    invariants: Invariants,
    broken: Option<Broken>,
    groups: Vec<Guid>,
    resources: Vec<Guid>,
    writes: u64,
    digest: u64,
    trace: Option<String>,
}

/// Runs a storm. `trace`: collects everything that is seen as text.
pub fn run(settings: Settings, sabotage: EngineSabotage, trace: bool) -> (Outcome, Option<String>) {
    let mut storm = Storm {
        world: World::form(settings.seed, sabotage),
        dice: Dice::new(settings.seed ^ 0x5707),
        invariants: Invariants::default(),
        broken: None,
        groups: Vec::new(),
        resources: Vec::new(),
        writes: 0,
        digest: 0xcbf2_9ce4_8422_2325,
        trace: trace.then(String::new),
    };
    let mut settled_after = 0;
    storm.build(&settings);
    if storm.broken.is_none() {
        storm.safety(&settings);
    }
    if storm.broken.is_none() {
        settled_after = storm.liveness();
    }
    let outcome = Outcome {
        settings,
        acknowledged: storm.invariants.acknowledged.count(),
        steps: storm.world.steps,
        digest: storm.digest,
        broken: storm.broken,
        settled_after,
    };
    (outcome, storm.trace)
}

impl Storm {
    fn fail(&mut self, invariant: &'static str, what: String) {
        self.broken.get_or_insert(Broken { invariant, what });
    }

    fn build(&mut self, settings: &Settings) {
        self.pass(2_000);
        for n in 2..=settings.nodes {
            if let Err(refusal) = self.world.join(&format!("n{n}")) {
                return self.fail("heals", format!("n{n} cannot join: {refusal}"));
            }
            self.pass(1_000);
        }
        for g in 1..=settings.groups {
            let group = self.world.guid();
            self.groups.push(group);
            self.ask(Command::CreateGroup { id: group, name: format!("G{g}"), group_type: 9999 });
            let mut below = None;
            for r in 1..=settings.resources {
                let id = self.world.guid();
                self.resources.push(id);
                self.world.behaviours.insert(id, self.world.ordinary);
                let name = format!("G{g}R{r}");
                let type_name = "Simulated".to_owned();
                self.ask(Command::CreateResource { id, group, name, type_name, separate_monitor: false });
                let values = vec![("PendingTimeout".to_owned(), Some(Value::dword(1_000)))];
                self.ask(Command::SetProperties { object: cluster_engine::state::Object::Resource(id), values });
                if let Some(provider) = below.replace(id) {
                    self.ask(Command::AddDependency { dependent: id, provider });
                }
            }
            self.ask(Command::OnlineGroup { group, node: None });
        }
        self.pass(2_000);
        self.world.weather = settings.weather;
        if settings.skew {
            for machine in self.world.machines.values_mut() {
                machine.skew = i64::try_from(self.dice.between(0, 5_000)).unwrap_or(0);
            }
        }
    }

    fn ask(&mut self, command: Command) {
        if let Err(refusal) = self.world.ask(command.clone()) {
            self.fail("heals", format!("{command:?} was refused in quiet weather: {refusal}"));
        }
        self.look();
    }

    /// Lets time pass, looking after every step.
    fn pass(&mut self, span: u64) {
        let until = self.world.now + Millis(span);
        while self.broken.is_none() && self.world.now < until {
            let step_until = self.world.now + Millis(1);
            self.world.run_until(step_until, |_| {});
            self.look();
        }
    }

    fn look(&mut self) {
        if let Err(broken) = self.invariants.check(&self.world) {
            self.broken.get_or_insert(broken);
        }
        for seen in self.world.take_seen() {
            let line = format!("{} {seen:?}", self.world.now.0);
            for byte in line.bytes() {
                self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            if let Some(trace) = &mut self.trace {
                let _ = writeln!(trace, "{line}");
            }
            if let Seen::Reply { ticket, result, .. } = seen
                && let Err(broken) = self.invariants.acknowledged.replied(ticket, result.is_ok())
            {
                self.broken.get_or_insert(broken);
            }
        }
    }

    fn safety(&mut self, settings: &Settings) {
        let end = self.world.now + Millis(settings.length);
        while self.broken.is_none() && self.world.now < end {
            let wait = self.dice.between(1, settings.pace * 2);
            self.pass(wait);
            self.act(settings);
        }
    }

    /// One thing happens to the cluster.
    fn act(&mut self, settings: &Settings) {
        let nodes: Vec<NodeId> = self.world.machines.keys().copied().collect();
        let Some(node) = self.dice.pick(&nodes).copied() else { return };
        let Some(other) = self.dice.pick(&nodes).copied() else { return };
        let Some(group) = self.dice.pick(&self.groups).copied() else { return };
        let Some(resource) = self.dice.pick(&self.resources).copied() else { return };
        let is_running = self.world.machines.get(&node).is_some_and(|m| m.engine.is_some());
        let act = self.dice.between(0, 99);
        let text = match act {
            0..=9 if settings.kills && is_running => {
                self.world.kill(node);
                format!("kill node {node}")
            }
            10..=24 if !is_running => {
                self.world.start(node);
                format!("start node {node}")
            }
            25..=29 if settings.freezes => {
                self.world.freeze(node);
                format!("freeze node {node}")
            }
            30..=39 => {
                self.world.thaw(node);
                format!("thaw node {node}")
            }
            40..=47 if settings.cuts && node != other => {
                if self.dice.chance(300) {
                    self.world.cuts.insert((node, other));
                    format!("cut {node} -> {other}")
                } else {
                    self.world.cut(node, other, true);
                    format!("cut {node} - {other}")
                }
            }
            48..=56 => {
                self.world.cut(node, other, false);
                if self.dice.chance(300) {
                    self.world.cuts.clear();
                }
                format!("mend {node} - {other}")
            }
            57..=61 if settings.failures => {
                let behaviour = self.draw_behaviour();
                self.world.behaviours.insert(resource, behaviour);
                format!("{resource} will {behaviour:?}")
            }
            62..=66 if settings.failures => {
                self.world.fail_resource(resource);
                format!("{resource} fails")
            }
            67..=69 if settings.kills => {
                self.world.stop(node);
                format!("stop node {node}")
            }
            70..=79 => {
                let command = self.draw_command(group, resource, node);
                let text = format!("client of node {other}: {command:?}");
                self.world.submit(other, command);
                text
            }
            _ => {
                for _ in 0..self.dice.between(1, 8) {
                    self.write(node);
                }
                String::new()
            }
        };
        if !text.is_empty() {
            self.world.seen.push(Seen::Act(text));
        }
        self.look();
    }

    fn write(&mut self, node: NodeId) {
        self.writes += 1;
        let name = format!("w{}", self.writes);
        let number = u32::try_from(self.writes).unwrap_or(u32::MAX);
        let batch = Batch::at("").create_key(KEY).set_value(&name, Value::dword(number));
        let ticket = self.world.submit(node, Command::Registry { batch });
        self.invariants.acknowledged.asked(ticket, name);
    }

    fn draw_behaviour(&mut self) -> Behaviour {
        let ordinary = self.world.ordinary;
        match self.dice.between(0, 6) {
            0 => Behaviour { fail_online: 2, ..ordinary },
            1 => Behaviour { fail_offline: 1, ..ordinary },
            2 => Behaviour { hang_online: true, ..ordinary },
            3 => Behaviour { hang_offline: true, ..ordinary },
            4 => Behaviour { online_ms: self.dice.between(5, 900), offline_ms: self.dice.between(5, 900), ..ordinary },
            5 => Behaviour { hang_terminate: true, ..ordinary },
            _ => ordinary,
        }
    }

    fn draw_command(&mut self, group: Guid, resource: Guid, node: NodeId) -> Command {
        match self.dice.between(0, 8) {
            0 => Command::MoveGroup { group, to: Some(node) },
            1 | 2 => Command::MoveGroup { group, to: None },
            3 => Command::OfflineGroup { group },
            4 => Command::OnlineGroup { group, node: None },
            5 => Command::OfflineResource { resource, force: self.dice.chance(300) },
            6 => Command::OnlineResource { resource },
            7 => Command::PauseNode { node, drain: self.dice.chance(500), target: None },
            _ => Command::ResumeNode { node, failback: cluster_engine::state::Failback::Immediate },
        }
    }

    /// Faults off: everything must settle.
    fn liveness(&mut self) -> u64 {
        self.world.weather = Weather::CALM;
        self.world.cuts.clear();
        let ids: Vec<NodeId> = self.world.machines.keys().copied().collect();
        for id in &ids {
            self.world.thaw(*id);
            self.world.start(*id);
        }
        let ordinary = self.world.ordinary;
        for behaviour in self.world.behaviours.values_mut() {
            *behaviour = ordinary;
        }
        let began = self.world.now;
        while self.broken.is_none() {
            self.pass(200);
            // A service that was stopped in an orderly way during the storm ends now at the latest; it starts again.
            for id in &ids {
                self.world.start(*id);
            }
            if self.is_settled() {
                self.pass(1_000);
                if let Err(broken) = self.invariants.check_settled(&self.world) {
                    self.broken.get_or_insert(broken);
                }
                break;
            }
            if self.world.now.since(began) > SETTLE_LIMIT {
                let what = format!("not settled {} ms after the faults ended: {}", SETTLE_LIMIT.0, self.unsettled());
                self.fail("heals", what);
            }
        }
        self.world.now.since(began).0
    }

    fn is_settled(&self) -> bool {
        self.unsettled().is_empty()
    }

    /// What is not at rest, in words.
    fn unsettled(&self) -> String {
        let mut what = String::new();
        let Some(newest) = self.world.newest_state() else { return "no node has a state".to_owned() };
        for machine in self.world.machines.values() {
            let Some(state) = self.world.state_of(machine.id) else {
                let _ = write!(what, "node {} has no state; ", machine.id);
                continue;
            };
            if state.applied != newest.applied {
                let _ = write!(what, "node {} is behind ({} of {}); ", machine.id, state.applied, newest.applied);
            }
        }
        for node in newest.nodes.values().filter(|n| n.state != NodeState::Up) {
            let _ = write!(what, "node {} is {:?}; ", node.id, node.state);
        }
        for group in newest.groups.values().filter(|g| g.moving.is_some()) {
            let _ = write!(what, "group {} is moving; ", group.config.name);
        }
        for resource in newest.resources.values() {
            let group = newest.groups.get(&resource.group);
            let on_paused = group.and_then(|g| newest.nodes.get(&g.owner)).is_some_and(|n| n.paused);
            let at_rest = match resource.state {
                ResourceState::Online | ResourceState::Offline | ResourceState::Failed => true,
                // Waits for its provider, which failed for good, or for the node, which is paused.
                ResourceState::WaitingToComeOnline => on_paused,
                ResourceState::OnlineCallIssued
                | ResourceState::OnlinePending
                | ResourceState::WaitingToGoOffline
                | ResourceState::OfflineCallIssued
                | ResourceState::OfflinePending
                | ResourceState::Terminating
                | ResourceState::DelayRestartingResource => false,
            };
            let group_failed = group.is_some_and(|g| newest.group_state(g.id) == GroupState::Failed);
            let wanted = newest.is_wanted(resource) && !on_paused && !group_failed;
            let runs = resource.state == ResourceState::Online;
            let chain_is_wanted = resource
                .config
                .dependencies
                .providers()
                .all(|p| newest.resources.get(&p).is_some_and(|p| p.state == ResourceState::Online));
            if !at_rest || (wanted && chain_is_wanted && !runs) {
                let _ = write!(what, "{} is {}; ", resource.config.name, resource.state.name());
            }
            let host = self.world.machines.values().find(|m| m.instances.get(&resource.id).is_some_and(|i| i.runs));
            if host.map(|m| m.id) != runs.then(|| group.map_or(NodeId(0), |g| g.owner)) {
                let _ = write!(
                    what,
                    "{} is shown as {} but runs on {:?}; ",
                    resource.config.name,
                    resource.state.name(),
                    host.map(|m| m.id)
                );
            }
        }
        what
    }
}

/// The world's time as the time of day, for people.
#[must_use]
pub fn clock_text(at: Time) -> String {
    let ms = at.0 % 86_400_000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}
