//! The stage that is a simulated world. Every promise is checked after every step of it.

use clusreg::{Batch, Value};
use cluster_engine::quorum::Witness;
use cluster_engine::state::{Answer, ClusterState, Command, Object};
use cluster_engine::{EngineSabotage, Guid, Millis, NodeId, Refusal, Time, code};

use super::acts::{kind_of, typed};
use super::diary::Diary;
use super::entry::Entry;
use super::opening::Opening;
use super::rest;
use super::script::{Condition, DISK_INTERVAL, Fault, Heard, Moment, Order, Preparation, SHARE_DELAY};
use super::stage::Stage;
use crate::device::{DISK_TYPE, SHARE_TYPE, Terms};
use crate::invariants::{Broken, Invariants, acknowledged_is_kept};
use crate::machine::Machine;
use crate::world::{START, Seen, World};

/// Steps of engines after which a story is too long.
const STORY_STEPS: u64 = 20_000_000;
/// How long a request waits for its answer.
const ANSWER_WITHIN: Millis = Millis(30_000);
/// How long a preparation may take.
const PREPARED_WITHIN: Millis = Millis(600_000);
/// At rest means also: nothing was told for so many times the span after which a silent node is down.
const QUIET_DETECTIONS: u64 = 2;
const DAY_MS: u64 = 86_400_000;
/// Quorum devices belong to this group.
const DEVICE_GROUP: &str = "Cluster Group";
/// The owner of a share locks it so many times while another one waits.
const LOCKS_PER_DELAY: u64 = 3;

/// A story in the simulated world.
#[derive(Default)]
pub struct Simulated {
    pub(super) world: Option<World>,
    invariants: Invariants,
    broken: Option<Broken>,
    pub(super) diary: Diary,
    opening: Option<Opening>,
    sabotage: EngineSabotage,
    replies: Vec<(u64, Result<Answer, Refusal>)>,
    writes: u32,
    /// What the client heard that wrote last.
    pub(super) heard: Option<Heard>,
}

impl Stage for Simulated {
    fn prepare(&mut self, what: &Preparation) -> Result<(), String> {
        match what {
            Preparation::Nodes { count, seed, clock } => self.form(*count, *seed, *clock),
            Preparation::Group { name, on, preferred, values } => self.group(name, on, preferred, values),
            Preparation::Resource { name, group, depends, possible, values } => {
                self.resource(name, group, depends, possible, values)
            }
            Preparation::Device { name, kind, span } => self.device(name, *kind, *span),
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        self.wait(&Condition::Settled, PREPARED_WITHIN)?;
        let now = self.world()?.now;
        self.diary.begin(now);
        self.opening = Some(self.picture()?);
        Ok(())
    }

    fn pass(&mut self, to: Moment) -> Result<(), String> {
        let now = self.world()?.now;
        let began = self.diary.began().unwrap_or(now);
        let until = match to {
            Moment::At(span) => began + span,
            Moment::After(span) => now + span,
            Moment::Clock(minutes) => next_clock(now, minutes),
        };
        if until < now {
            return Err(format!("{} ms of the story have passed already", now.since(began).0));
        }
        self.run_until(until)
    }

    fn ask(&mut self, order: &Order, text: &str) -> Result<Result<(), Refusal>, String> {
        let command = self.command(&order.what)?;
        let now = self.world()?.now;
        self.diary.act(now, text);
        let answer = self.submit(command, order.from.as_deref())?;
        if let Err(refusal) = &answer {
            let now = self.world()?.now;
            self.diary.refused(now, refusal);
        }
        Ok(answer.map(|_| ()))
    }

    fn strike(&mut self, fault: &Fault, text: &str) -> Result<(), String> {
        let now = self.world()?.now;
        self.diary.act(now, text);
        self.carry_out(fault)?;
        self.observe()
    }

    fn wait(&mut self, condition: &Condition, within: Millis) -> Result<(), String> {
        let limit = self.world()?.now + within;
        loop {
            let Err(instead) = self.holds(condition) else { return self.check_settled(condition) };
            if self.world()?.now >= limit {
                return Err(format!("not within {} ms; {instead}", within.0));
            }
            if !self.world()?.advance() {
                // Nothing will ever happen again.
                self.world()?.now = limit;
            }
            self.observe()?;
        }
    }

    fn look(&mut self, condition: &Condition) -> Result<(), String> {
        self.holds(condition)
    }

    fn write(&mut self, node: &str, text: &str) -> Result<(), String> {
        self.writes += 1;
        let name = format!("Write {}", self.writes);
        let batch =
            Batch::at("").create_key(acknowledged_is_kept::KEY).set_value(name.as_str(), Value::dword(self.writes));
        let now = self.world()?.now;
        self.diary.act(now, text);
        let heard = match self.ask_for(Command::Registry { batch }, Some(node), Some(name))? {
            Ok(_) => Heard::Acknowledged,
            Err(refusal) if refusal.code == code::TIMEOUT => Heard::Nothing,
            Err(refusal) => Heard::Refused(Some(refusal.code)),
        };
        let now = self.world()?.now;
        self.diary.answered(now, &heard.to_string());
        self.heard = Some(heard);
        Ok(())
    }

    fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    fn entries(&self) -> &[Entry] {
        self.diary.entries()
    }
}

impl Simulated {
    /// With rules of the engine taken out, for tests: the promises must notice.
    #[doc(hidden)]
    #[must_use]
    pub fn sabotaged(sabotage: EngineSabotage) -> Simulated {
        Simulated { sabotage, ..Simulated::default() }
    }

    /// What the cluster knows itself to be, for those who go on from there.
    #[must_use]
    pub fn cluster_state(&self) -> Option<ClusterState> {
        self.world.as_ref()?.newest_state().cloned()
    }

    pub(super) fn world(&mut self) -> Result<&mut World, String> {
        self.world.as_mut().ok_or_else(|| "there are no nodes yet".to_owned())
    }

    // ---- preparations ----

    fn form(&mut self, count: u32, seed: u64, clock: Option<u32>) -> Result<(), String> {
        let mut world = World::form(seed, self.sabotage);
        if let Some(minutes) = clock {
            world.now = next_clock(START, minutes);
        }
        self.world = Some(world);
        self.node_is_up("n1")?;
        for number in 2..=count {
            let name = format!("n{number}");
            self.world()?.join(&name).map_err(|refusal| refusal.message)?;
            self.node_is_up(&name)?;
        }
        Ok(())
    }

    fn node_is_up(&mut self, name: &str) -> Result<(), String> {
        self.wait(&Condition::Node { node: name.to_owned(), state: "Up".to_owned() }, PREPARED_WITHIN)
    }

    fn group(&mut self, name: &str, on: &str, preferred: &[String], values: &[(String, String)]) -> Result<(), String> {
        let id = self.world()?.guid();
        // A new group belongs to the node at which it is asked for.
        self.demand(Command::CreateGroup { id, name: name.to_owned(), group_type: 9999 }, Some(on))?;
        if !preferred.is_empty() {
            let nodes = preferred.iter().map(|n| self.node(n)).collect::<Result<_, _>>()?;
            self.demand(Command::SetPreferredOwners { group: id, nodes }, None)?;
        }
        self.set(Object::Group(id), values)
    }

    fn resource(
        &mut self,
        name: &str,
        group: &str,
        depends: &str,
        possible: &[String],
        values: &[(String, String)],
    ) -> Result<(), String> {
        let id = self.world()?.guid();
        let group = self.find_group(group)?;
        let (name, type_name) = (name.to_owned(), "Simulated".to_owned());
        self.demand(Command::CreateResource { id, group, name, type_name, separate_monitor: false }, None)?;
        if !depends.is_empty() {
            self.demand(Command::SetDependencies { dependent: id, expression: depends.to_owned() }, None)?;
        }
        if !possible.is_empty() {
            let wanted: Vec<NodeId> = possible.iter().map(|n| self.node(n)).collect::<Result<_, _>>()?;
            let all: Vec<NodeId> = self.world()?.machines.keys().copied().collect();
            for node in all.into_iter().filter(|n| !wanted.contains(n)) {
                self.demand(Command::RemovePossibleOwner { resource: id, node }, None)?;
            }
        }
        self.set(Object::Resource(id), values)
    }

    /// A quorum device, online.
    fn device(&mut self, name: &str, kind: Witness, span: Option<Millis>) -> Result<(), String> {
        let (type_name, terms) = match kind {
            Witness::Disk => (DISK_TYPE, Terms { interval: span.unwrap_or(DISK_INTERVAL).0, ..Terms::DISK }),
            Witness::FileShare => {
                let delay = span.unwrap_or(SHARE_DELAY).0;
                (SHARE_TYPE, Terms { interval: (delay / LOCKS_PER_DELAY).max(1), least_wait: delay })
            }
        };
        let id = self.world()?.guid();
        let group = self.find_group(DEVICE_GROUP)?;
        self.world()?.add_device(id, kind, terms);
        let (name, type_name) = (name.to_owned(), type_name.to_owned());
        let create = Command::CreateResource { id, group, name: name.clone(), type_name, separate_monitor: false };
        self.demand(create, None)?;
        self.demand(Command::OnlineResource { resource: id }, None)?;
        let online = Condition::State { name, state: "Online".to_owned(), on: None };
        self.wait(&online, PREPARED_WITHIN)
    }

    fn set(&mut self, object: Object, values: &[(String, String)]) -> Result<(), String> {
        if values.is_empty() {
            return Ok(());
        }
        let values = typed(kind_of(&object), values);
        self.demand(Command::SetProperties { object, values }, None)
    }

    /// Asks for what cannot be refused if the preparation makes sense.
    fn demand(&mut self, command: Command, from: Option<&str>) -> Result<(), String> {
        let answer = self.submit(command, from)?;
        answer.map(|_| ()).map_err(|refusal| format!("was refused with {}: {}", refusal.code, refusal.message))
    }

    // ---- requests ----

    /// Asks a node and waits for its answer.
    fn submit(&mut self, command: Command, from: Option<&str>) -> Result<Result<Answer, Refusal>, String> {
        self.ask_for(command, from, None)
    }

    /// Asks a node and waits for its answer. `kept`: the value that must be there for ever once this is acknowledged.
    fn ask_for(
        &mut self,
        command: Command,
        from: Option<&str>,
        kept: Option<String>,
    ) -> Result<Result<Answer, Refusal>, String> {
        let nobody = |who: &str| Refusal::new(code::TIMEOUT, format!("{who} does not run, so nobody answers."));
        let node = match from {
            Some(name) => Some(self.node(name)?),
            None => self.world()?.spokesman(),
        };
        let Some(node) = node else { return Ok(Err(nobody("Any node"))) };
        if !self.world()?.machines.get(&node).is_some_and(Machine::is_awake) {
            return Ok(Err(nobody(from.unwrap_or("The node"))));
        }
        let ticket = self.world()?.submit(node, command);
        if let Some(name) = kept {
            self.invariants.acknowledged.asked(ticket, name);
        }
        let limit = self.world()?.now + ANSWER_WITHIN;
        loop {
            self.observe()?;
            if let Some(at) = self.replies.iter().position(|(t, _)| *t == ticket) {
                return Ok(self.replies.swap_remove(at).1);
            }
            if self.world()?.now > limit || !self.world()?.advance() {
                return Ok(Err(Refusal::new(code::TIMEOUT, "No answer came in time.")));
            }
        }
    }

    // ---- time ----

    fn run_until(&mut self, until: Time) -> Result<(), String> {
        let Some(world) = &mut self.world else { return Err("there are no nodes yet".to_owned()) };
        let (invariants, broken) = (&mut self.invariants, &mut self.broken);
        let mut stamps = Vec::new();
        world.run_until(until, |world| {
            if broken.is_none() {
                *broken = invariants.check(world).err();
            }
            stamps.resize(world.seen.len(), world.now);
        });
        self.take_seen(&stamps);
        self.observe()
    }

    /// Looks at the world after a step.
    fn observe(&mut self) -> Result<(), String> {
        let Some(world) = &mut self.world else { return Ok(()) };
        if self.broken.is_none() {
            self.broken = self.invariants.check(world).err();
        }
        self.take_seen(&[]);
        let Some(world) = &self.world else { return Ok(()) };
        if let Some(broken) = &self.broken {
            return Err(format!("the promise {} was broken: {}", broken.invariant, broken.what));
        }
        if world.steps > STORY_STEPS {
            return Err(format!(
                "the story is too long ({STORY_STEPS} steps); a long time passes faster with slower heartbeats, \
                 e.g. 'set SameSubnetDelay 2000 SameSubnetThreshold 120'"
            ));
        }
        Ok(())
    }

    /// Takes what was seen: notices for the log, answers for those who wait. `stamps`: when; beyond them, now.
    fn take_seen(&mut self, stamps: &[Time]) {
        let Some(world) = &mut self.world else { return };
        // What is taken has been looked at.
        if self.broken.is_none() {
            self.broken = self.invariants.check(world).err();
        }
        for (at, seen) in world.take_seen().into_iter().enumerate() {
            match seen {
                Seen::Notice { node, notice } => {
                    let name = world.machines.get(&node).map_or("", |m| m.name.as_str());
                    self.diary.notice(stamps.get(at).copied().unwrap_or(world.now), name, &notice);
                }
                Seen::Reply { ticket, result, .. } => {
                    self.replies.push((ticket, result));
                }
                Seen::Act(_) => {}
            }
        }
    }

    pub(super) fn is_settled(&self, world: &World) -> Result<(), String> {
        if let Some(unrest) = rest::unrest(world) {
            return Err(unrest);
        }
        let detection = world.newest_state().map_or(Millis(0), |s| s.config.detection());
        let quiet = world.now.since(self.diary.last());
        if quiet.0 < detection.0 * QUIET_DETECTIONS {
            return Err(format!("the last thing happened {} ms ago", quiet.0));
        }
        Ok(())
    }

    /// At rest, and every node is there: now all have the same state.
    fn check_settled(&mut self, condition: &Condition) -> Result<(), String> {
        let Some(world) = &self.world else { return Ok(()) };
        let is_whole = world.cuts.is_empty() && world.machines.values().all(|m| rest::is_quorate(world, m));
        if *condition == Condition::Settled && is_whole {
            let checked = self.invariants.check_settled(world);
            checked.map_err(|b| format!("the promise {} was broken: {}", b.invariant, b.what))?;
        }
        Ok(())
    }

    // ---- names ----

    pub(super) fn node(&self, name: &str) -> Result<NodeId, String> {
        let found = self.world.iter().flat_map(|w| w.machines.values()).find(|m| m.name == name);
        found.map(|m| m.id).ok_or_else(|| format!("there is no machine '{name}'"))
    }

    fn newest_state(&self) -> Result<&ClusterState, String> {
        let world = self.world.as_ref().ok_or("there are no nodes yet")?;
        rest::present_state(world).or_else(|| world.newest_state()).ok_or_else(|| "no node runs".to_owned())
    }

    pub(super) fn find_group(&self, name: &str) -> Result<Guid, String> {
        self.newest_state()?.find_group(name).map(|g| g.id).ok_or_else(|| format!("there is no group '{name}'"))
    }

    pub(super) fn find_resource(&self, name: &str) -> Result<Guid, String> {
        let found = self.newest_state()?.find_resource(name).map(|r| r.id);
        found.ok_or_else(|| format!("there is no resource '{name}'"))
    }
}

/// The next time after `now` at which the clock shows these minutes since midnight.
fn next_clock(now: Time, minutes: u32) -> Time {
    let today = now.0 - now.0 % DAY_MS + u64::from(minutes) * 60_000;
    Time(if today > now.0 { today } else { today + DAY_MS })
}
