//! A storm: a safety phase with faults on, then a liveness phase with faults off.
//!
//! What happens in the safety phase is drawn while it runs, and written down. The list can be played again, also with
//! parts left out: that is how [`shrink`] finds out what of a storm was needed to break a promise.

mod act;
pub mod busy;
mod draw;
mod kind;
pub mod script;
mod settings;
pub mod shrink;

use std::fmt::Write as _;

use clusreg::{Batch, Value};
use cluster_engine::quorum::{HYBRID_SIZE, LEGACY_SIZE, Model, Witness};
use cluster_engine::state::{Command, Object, ResourceState};
use cluster_engine::{Guid, Millis, NodeId, Time};

use self::draw::{Cast, Drawing};
use crate::device::{DISK_TYPE, SHARE_TYPE};
use crate::dice::Dice;
use crate::invariants::acknowledged_is_kept::{self, KEY};
use crate::invariants::{Broken, Invariants, heals};
use crate::machine::{MAX_DRIFT, Machine};
use crate::sabotage::Sabotage;
use crate::store;
use crate::world::{Weather, World};

pub use self::act::{Act, Timed};
pub use self::kind::{Kind, UnknownKind};
pub use self::settings::{LENGTH, Settings};

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
        let Settings { seed, kind, .. } = self.settings;
        match kind {
            Kind::Any => format!("cluster sim --seed {seed}"),
            kind => format!("cluster sim --seed {seed} --kind {kind}"),
        }
    }
}

/// What a storm did, beside how it went.
#[derive(Clone, Debug)]
pub struct Run {
    /// How it went.
    pub outcome: Outcome,
    /// What happened in its safety phase.
    pub acts: Vec<Timed>,
    /// Everything that was seen, if that was asked for.
    pub trace: Option<String>,
    /// When the promise was broken, ms after the safety phase began; 0 when none was, or before it.
    pub broken_at: u64,
}

/// Everything must have settled this long after the faults ended.
pub const SETTLE_LIMIT: Millis = Millis(60_000);
/// Resources of a group at most.
pub const MOST_RESOURCES: u64 = 3;
/// The id of the quorum device: the next one after those of the cluster and its core groups. The others follow it.
pub const FIRST_ID: Guid = crate::world::guid_number(4);
/// How long the device and its vote have to appear in quiet weather.
const QUORUM_SPAN: u64 = 5_000;
/// A vote that was wiped off the quorum device may have been the one that was missing: people wait so long, and force.
const FORCE_AFTER: Millis = Millis(20_000);
/// Between two attempts to let nodes out of quarantine.
const CLEAR_EVERY: Millis = Millis(2_000);

struct Storm {
    world: World,
    invariants: Invariants,
    broken: Option<Broken>,
    cast: Cast,
    writes: u64,
    digest: u64,
    trace: Option<String>,
    /// When the safety phase began.
    began: Time,
}

/// Runs a storm. `trace`: collects everything that is seen as text.
pub fn run(settings: Settings, sabotage: impl Into<Sabotage>, trace: bool) -> (Outcome, Option<String>) {
    let run = play(settings, sabotage.into(), None, trace);
    (run.outcome, run.trace)
}

/// Builds the cluster of a storm, in quiet weather, and hands it over.
///
/// # Errors
/// What went wrong.
pub fn cluster(settings: &Settings) -> Result<World, Broken> {
    let mut storm = Storm::new(settings, Sabotage::default(), false);
    storm.build(settings);
    match storm.broken {
        None => Ok(storm.world),
        Some(broken) => Err(broken),
    }
}

/// Runs a storm, with what is drawn from its seed or with these acts.
#[must_use]
pub fn play(settings: Settings, sabotage: Sabotage, acts: Option<&[Timed]>, trace: bool) -> Run {
    let mut storm = Storm::new(&settings, sabotage, trace);
    let mut settled_after = 0;
    let mut done = Vec::new();
    storm.build(&settings);
    storm.began = storm.world.now;
    if storm.broken.is_none() {
        match acts {
            None => storm.safety(&settings, &mut done),
            Some(acts) => {
                storm.again(&settings, acts);
                done = acts.to_vec();
            }
        }
    }
    let broken_at = if storm.broken.is_some() { storm.world.now.since(storm.began).0 } else { 0 };
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
    Run { outcome, acts: done, trace: storm.trace, broken_at }
}

impl Storm {
    fn new(settings: &Settings, sabotage: Sabotage, trace: bool) -> Storm {
        Storm {
            world: World::form(settings.seed, sabotage),
            invariants: Invariants::default(),
            broken: None,
            cast: Cast::default(),
            writes: 0,
            digest: 0xcbf2_9ce4_8422_2325,
            trace: trace.then(String::new),
            began: Time(0),
        }
    }

    fn fail(&mut self, invariant: &'static str, what: String) {
        self.broken.get_or_insert(Broken { invariant, what });
    }

    // ---- building the cluster ----

    fn build(&mut self, settings: &Settings) {
        let mut dice = Dice::new(settings.seed ^ 0xB01D);
        self.pass(2_000);
        for n in 2..=settings.nodes {
            if let Err(refusal) = self.world.join(&format!("n{n}")) {
                return self.fail("heals", format!("n{n} cannot join: {refusal}"));
            }
            self.pass(1_000);
        }
        let device = self.world.guid();
        assert_eq!(device, FIRST_ID, "the core of a cluster has three ids");
        for g in 1..=settings.groups {
            self.build_group(g, settings, &mut dice);
        }
        let values = vec![("DynamicQuorum".to_owned(), Some(Value::dword(u32::from(settings.dynamic_quorum))))];
        self.ask(Command::SetProperties { object: Object::Cluster, values });
        if let Some(kind) = settings.model.witness() {
            self.build_quorum(device, kind, settings);
        }
        self.pass(2_000);
        self.world.weather = settings.weather;
        self.world.has_begun = true;
        if let Some(device) = self.world.devices.get_mut(&device) {
            device.slow = settings.slow_witness;
        }
        if settings.skew {
            for machine in self.world.machines.values_mut() {
                machine.skew = i64::try_from(dice.between(0, 5_000)).unwrap_or(0);
                machine.drift = i64::try_from(dice.between(0, 2 * MAX_DRIFT.unsigned_abs())).unwrap_or(0) - MAX_DRIFT;
            }
        }
    }

    fn build_group(&mut self, g: u64, settings: &Settings, dice: &mut Dice) {
        let group = self.world.guid();
        self.cast.groups.push(group);
        self.ask(Command::CreateGroup { id: group, name: format!("G{g}"), group_type: 9999 });
        let mut below = None;
        for r in 1..=MOST_RESOURCES {
            // Ids do not depend on how many there are, so that a list of acts fits a smaller cluster too.
            let id = self.world.guid();
            if r > settings.resources {
                continue;
            }
            self.cast.resources.push(id);
            self.world.behaviours.insert(id, self.world.ordinary);
            let name = format!("G{g}R{r}");
            let type_name = "Simulated".to_owned();
            self.ask(Command::CreateResource { id, group, name, type_name, separate_monitor: false });
            let mut values = vec![("PendingTimeout".to_owned(), Some(Value::dword(1_000)))];
            if dice.chance(500) {
                values.push(("RestartPeriod".to_owned(), Some(Value::dword(20_000))));
            }
            self.ask(Command::SetProperties { object: Object::Resource(id), values });
            if settings.nodes > 2 && dice.chance(100) {
                let node = NodeId(u32::try_from(dice.between(2, settings.nodes)).unwrap_or(2));
                self.ask(Command::RemovePossibleOwner { resource: id, node });
            }
            if let Some(provider) = below.replace(id) {
                self.ask(Command::AddDependency { dependent: id, provider });
            }
        }
        self.ask(Command::OnlineGroup { group, node: None });
    }

    /// A quorum device in the core group, online, and the model that it is for.
    fn build_quorum(&mut self, id: Guid, kind: Witness, settings: &Settings) {
        let Some(group) = self.world.newest_state().and_then(|s| s.find_group("Cluster Group")).map(|g| g.id) else {
            return self.fail("heals", "there is no core group".to_owned());
        };
        let type_name = if kind == Witness::Disk { DISK_TYPE } else { SHARE_TYPE };
        let (name, type_name) = ("Witness".to_owned(), type_name.to_owned());
        self.ask(Command::CreateResource { id, group, name, type_name, separate_monitor: false });
        self.ask(Command::OnlineResource { resource: id });
        let limit = self.world.now + Millis(QUORUM_SPAN);
        let is_online = |world: &World| {
            world.newest_state().is_some_and(|s| s.resources.get(&id).is_some_and(|r| r.state == ResourceState::Online))
        };
        while self.broken.is_none() && !is_online(&self.world) {
            self.pass(50);
            if self.world.now > limit {
                return self.fail("heals", "the quorum resource does not come online in quiet weather".to_owned());
            }
        }
        let size = if settings.model == Model::DiskOnly { LEGACY_SIZE } else { HYBRID_SIZE };
        self.ask(Command::SetQuorum { resource: Some(id), kind, size, path: String::new() });
        self.cast.device = Some(id);
        self.pass(QUORUM_SPAN);
        let is_hosted = self.world.newest_state().and_then(|s| s.quorum.witness.as_ref()?.host).is_some();
        if !is_hosted {
            self.fail("heals", "the witness votes nowhere in quiet weather".to_owned());
        }
    }

    fn ask(&mut self, command: Command) {
        if self.broken.is_some() {
            return;
        }
        if let Err(refusal) = self.world.ask(command.clone()) {
            self.fail("heals", format!("{command:?} was refused in quiet weather: {refusal}"));
        }
        self.look();
    }

    // ---- time ----

    /// Lets time pass, looking after every step.
    fn pass(&mut self, span: u64) {
        let until = self.world.now + Millis(span);
        while self.broken.is_none() && self.world.now < until {
            let step_until = (self.world.now + Millis(1)).max(self.world.next_at().unwrap_or(until)).min(until);
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
        }
    }

    // ---- the safety phase ----

    fn safety(&mut self, settings: &Settings, done: &mut Vec<Timed>) {
        let mut drawing = Drawing::new(Dice::new(settings.seed ^ 0x5707));
        let end = self.world.now + Millis(settings.length);
        while self.broken.is_none() && self.world.now < end {
            let wait = drawing.wait(settings);
            self.pass(wait);
            if let Some(act) = drawing.act(settings, &self.world, &self.cast) {
                self.strike(&act);
                done.push(Timed { at: self.world.now.since(self.began).0, act });
            }
        }
    }

    /// Plays acts that were written down.
    fn again(&mut self, settings: &Settings, acts: &[Timed]) {
        for Timed { at, act } in acts {
            let at = self.began + Millis(*at);
            self.pass(at.since(self.world.now).0);
            if self.broken.is_some() {
                return;
            }
            self.strike(act);
        }
        let end = self.began + Millis(settings.length);
        self.pass(end.since(self.world.now).0);
    }

    fn strike(&mut self, act: &Act) {
        act.strike(&mut self.world);
        match act {
            Act::Client(node, command) => {
                self.world.submit(*node, command.clone());
            }
            Act::Write(node, count) => (0..*count).for_each(|_| self.write(*node)),
            Act::Read(node, count) => (0..*count).for_each(|_| self.read(*node)),
            Act::Kill(_)
            | Act::Start(_)
            | Act::Prevent(_)
            | Act::Force(_)
            | Act::Freeze(_)
            | Act::Thaw(_)
            | Act::Stop(_)
            | Act::Cut { .. }
            | Act::Mend { .. }
            | Act::MendAll
            | Act::Behave(..)
            | Act::Fail(_)
            | Act::CrashMonitor(..)
            | Act::SlowDisk(..)
            | Act::FailDisk(..)
            | Act::CutStorage(..)
            | Act::LoseReservation(_)
            | Act::SlowDevice(..)
            | Act::FullDevice(..)
            | Act::BreakDevice(..)
            | Act::WipeDevice(_) => {}
        }
        self.look();
    }

    fn write(&mut self, node: NodeId) {
        self.writes += 1;
        let (key, name) = acknowledged_is_kept::place(self.writes);
        let number = u32::try_from(self.writes).unwrap_or(u32::MAX);
        let batch = Batch::at("").create_key(&key).set_value(&name, Value::dword(number));
        let ticket = self.world.submit(node, Command::Registry { batch });
        self.invariants.acknowledged.asked(ticket, name);
    }

    /// A read that goes through the log: it changes nothing, and its answer comes when everything before it is applied.
    fn read(&mut self, node: NodeId) {
        let ticket = self.world.submit(node, Command::Registry { batch: Batch::at("").create_key(KEY) });
        self.invariants.acknowledged.asked_to_read(ticket);
    }

    // ---- the liveness phase ----

    /// Faults off: everything must settle.
    fn liveness(&mut self) -> u64 {
        self.world.weather = Weather::CALM;
        self.world.cuts.clear();
        self.world.storage_cuts.clear();
        for device in self.world.devices.values_mut() {
            (device.slow, device.is_broken, device.is_full) = (0, false, false);
        }
        for machine in self.world.machines.values_mut() {
            (machine.disk_fails, machine.disk_slow) = (false, 0);
        }
        let ids: Vec<NodeId> = self.world.machines.keys().copied().collect();
        for id in &ids {
            self.world.thaw(*id);
            // Whoever may only join waits for ever when there is nobody: people start it anew, without that.
            let engine = self.world.machines.get(id).and_then(|m| m.engine.as_ref());
            if engine.is_some_and(|e| e.config().prevent_quorum) {
                self.world.kill(*id);
            }
            self.world.start(*id);
        }
        let ordinary = self.world.ordinary;
        for behaviour in self.world.behaviours.values_mut() {
            *behaviour = ordinary;
        }
        let began = self.world.now;
        let mut clear_at = began;
        let mut may_force = self.world.devices.values().any(|device| device.wiped > 0);
        while self.broken.is_none() {
            self.pass(200);
            // A service that was stopped in an orderly way during the storm ends now at the latest; it starts again.
            for id in &ids {
                self.world.start(*id);
            }
            if self.world.now >= clear_at {
                clear_at = self.world.now + CLEAR_EVERY;
                self.clear_quarantine();
            }
            if may_force && self.world.now.since(began) > FORCE_AFTER {
                may_force = false;
                self.force_newest();
            }
            if heals::unsettled(&self.world).is_empty() {
                self.pass(1_000);
                // Votes may still have been on their way; then it has not settled yet.
                if self.broken.is_none() && heals::unsettled(&self.world).is_empty() {
                    self.broken = self.invariants.check_settled(&self.world).err();
                    break;
                }
            }
            if self.world.now.since(began) > SETTLE_LIMIT {
                let unsettled = heals::unsettled(&self.world);
                let what = format!("not settled {} ms after the faults ended: {unsettled}", SETTLE_LIMIT.0);
                self.fail("heals", what);
            }
        }
        self.world.now.since(began).0
    }

    /// Where nobody has quorum, it is forced on a node that knows most, and the others join it.
    fn force_newest(&mut self) {
        let is_quorate = |m: &Machine| m.engine.as_ref().is_some_and(|e| e.is_quorate(m.clock(self.world.now)));
        let newest = self.world.machines.values().max_by_key(|m| (m.lineage, store::last_place(&m.stored)));
        let Some(newest) = newest.filter(|_| !self.world.machines.values().any(is_quorate)).map(|m| m.id) else {
            return;
        };
        let ids: Vec<NodeId> = self.world.machines.keys().copied().collect();
        ids.iter().for_each(|id| self.world.kill(*id));
        self.world.force_start(newest);
        ids.iter().for_each(|id| self.world.prevent_start(*id));
    }

    /// Nodes that fell out again and again may come back: the storm is over.
    fn clear_quarantine(&mut self) {
        let Some(node) = self.world.spokesman() else { return };
        let Some(state) = self.world.state_of(node) else { return };
        let out: Vec<NodeId> = state.nodes.values().filter(|n| n.quarantined_until.is_some()).map(|n| n.id).collect();
        for id in out {
            self.world.submit(node, Command::ClearQuarantine { node: id });
        }
    }
}
