//! A world of machines and wires in virtual time.
//!
//! One queue of things that will happen, ordered by time; one set of dice. Nothing here is concurrent, so the same seed
//! gives the same world on every machine, to the byte.

mod happenings;

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::call::Status;
use cluster_engine::replica::Stored;
use cluster_engine::state::{Answer, ClusterState, Command, FormSpec};
use cluster_engine::{Engine, EngineConfig, EngineSabotage, Event, Guid, Millis, NodeId, Notice, Refusal, Time};

use self::happenings::Happening;
use crate::dice::Dice;
use crate::machine::{Behaviour, Machine, Report};

/// The world's time at the start: noon of some day, so that hours mean something.
pub const START: Time = Time(1_700_000_000_000 - 1_700_000_000_000 % 86_400_000 + 43_200_000);

/// How the wires and disks behave. All chances in per mille, all times in ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// A message is lost.
    pub loss: u64,
    /// A message comes twice.
    pub duplication: u64,
    /// The least delay of a message.
    pub delay_min: u64,
    /// The greatest; messages overtake each other within it.
    pub delay_max: u64,
    /// The least time until a write is durable.
    pub disk_min: u64,
    /// The greatest.
    pub disk_max: u64,
}

impl Weather {
    /// A quiet local network and a good disk.
    pub const CALM: Weather = Weather { loss: 0, duplication: 0, delay_min: 1, delay_max: 1, disk_min: 1, disk_max: 1 };
}

/// Something that the outside can see, in order: for traces, golden logs and checks.
#[derive(Clone, Debug, PartialEq)]
// The fields are named for what they are.
#[allow(missing_docs)]
pub enum Seen {
    /// An engine told something.
    Notice { node: NodeId, notice: Notice },
    /// A client was answered.
    Reply { node: NodeId, ticket: u64, result: Result<Answer, Refusal> },
    /// Something was done to the world.
    Act(String),
}

/// The world.
pub struct World {
    /// World time.
    pub now: Time,
    /// Machines by node id.
    pub machines: BTreeMap<NodeId, Machine>,
    /// Wires that are cut, one way each.
    pub cuts: BTreeSet<(NodeId, NodeId)>,
    /// Wires and disks.
    pub weather: Weather,
    /// What resources do when called.
    pub behaviours: BTreeMap<Guid, Behaviour>,
    /// What a resource does that is not named above.
    pub ordinary: Behaviour,
    /// What was seen since somebody last took it.
    pub seen: Vec<Seen>,
    /// How much was taken before.
    pub taken: usize,
    /// Steps of engines so far.
    pub steps: u64,
    /// Rules taken out, for tests of the simulator.
    pub sabotage: EngineSabotage,
    seed: u64,
    dice: Dice,
    queue: BTreeMap<(Time, u64), Happening>,
    order: u64,
    next_ticket: u64,
    next_guid: u128,
    next_incarnation: u64,
    wakes: BTreeMap<NodeId, Time>,
}

/// Heartbeats of simulated clusters: 250 ms x 4.
pub const HEARTBEAT: [(&str, u32); 2] = [("SameSubnetDelay", 250), ("SameSubnetThreshold", 4)];

impl World {
    /// A cluster of one node, `n1`, that has just formed.
    #[must_use]
    pub fn form(seed: u64, sabotage: EngineSabotage) -> World {
        let mut world = World {
            now: START,
            machines: BTreeMap::new(),
            cuts: BTreeSet::new(),
            weather: Weather::CALM,
            behaviours: BTreeMap::new(),
            ordinary: Behaviour { online_ms: 5, offline_ms: 5, ..Behaviour::default() },
            seen: Vec::new(),
            taken: 0,
            steps: 0,
            sabotage,
            seed,
            dice: Dice::new(seed),
            queue: BTreeMap::new(),
            order: 0,
            next_ticket: 1,
            next_guid: 1,
            next_incarnation: 1,
            wakes: BTreeMap::new(),
        };
        let spec = FormSpec {
            cluster_name: "WOLFDEN".to_owned(),
            cluster_id: world.guid(),
            node_name: "n1".to_owned(),
            address: "n1".to_owned(),
            group_ids: [world.guid(), world.guid()],
            types: vec![("Simulated".to_owned(), "Simulated".to_owned(), "simulated.dll".to_owned(), 5_000, 60_000)],
            properties: HEARTBEAT.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
            at: START,
        };
        let state = spec.state();
        let node = state.nodes.values().next().expect("a new cluster has one node");
        let machine = Machine {
            id: node.id,
            name: "n1".to_owned(),
            voter: node.voter,
            stored: spec.stored(),
            disk: std::collections::VecDeque::new(),
            engine: None,
            frozen: false,
            incarnation: 0,
            instances: BTreeMap::new(),
            lease: None,
            skew: 0,
            stopped: false,
        };
        let id = machine.id;
        world.machines.insert(id, machine);
        world.start(id);
        world
    }

    /// A new id for a group or resource; counts up, so that logs are readable.
    pub fn guid(&mut self) -> Guid {
        let number = self.next_guid;
        self.next_guid += 1;
        Guid(0x6b1a_0c3e_0000_4000_8000_0000_0000_0000 | number)
    }

    // ---- things people do ----

    /// Starts the service on a machine. Its monitors of before are gone by then.
    pub fn start(&mut self, id: NodeId) {
        let (incarnation, seed, sabotage) = (self.next_incarnation, self.seed, self.sabotage);
        let Some(machine) = self.machines.get_mut(&id) else { return };
        if machine.engine.is_some() {
            return;
        }
        self.next_incarnation += 1;
        machine.end_resources();
        machine.incarnation = incarnation;
        machine.stopped = false;
        machine.frozen = false;
        machine.disk.clear();
        let config = EngineConfig {
            node: id,
            voter: machine.voter,
            incarnation,
            address: machine.name.clone(),
            version: String::new(),
            seed,
            lineage: cluster_engine::Lineage::default(),
            forced: false,
            prevent_quorum: false,
            sabotage,
        };
        let now = machine.clock(self.now);
        machine.engine =
            Some(Engine::new(config, machine.stored.clone(), now).expect("a store that the engine wrote makes sense"));
        self.step(id, Event::Tick);
    }

    /// Adds a machine and joins it through whoever leads. Returns its id, or what refused it.
    ///
    /// # Errors
    /// What the cluster refused it with.
    pub fn join(&mut self, name: &str) -> Result<NodeId, Refusal> {
        let command = Command::AddNode { name: name.to_owned(), address: name.to_owned() };
        let Answer::Node { node, voter } = self.ask(command)? else { unreachable!("AddNode answers with a node") };
        let machine = Machine {
            id: node,
            name: name.to_owned(),
            voter,
            stored: Stored::empty(),
            disk: std::collections::VecDeque::new(),
            engine: None,
            frozen: false,
            incarnation: 0,
            instances: BTreeMap::new(),
            lease: None,
            skew: 0,
            stopped: false,
        };
        self.machines.insert(node, machine);
        self.start(node);
        Ok(node)
    }

    /// SIGKILL of the service. Its monitors notice within a moment, but at the end of the lease at the latest.
    pub fn kill(&mut self, id: NodeId) {
        let linger = self.dice.between(0, 50);
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let lease = machine.engine.as_ref().and_then(Engine::lease).map(|l| machine.world(l));
        machine.engine = None;
        machine.frozen = false;
        machine.disk.clear();
        self.wakes.remove(&id);
        let end = lease.map_or(now, |l| l.min(now + Millis(linger)).max(now));
        let incarnation = machine.incarnation;
        self.later(end, Happening::Orphans { node: id, incarnation });
    }

    /// SIGSTOP of the service: its resources go on until the monitors' lease ends.
    pub fn freeze(&mut self, id: NodeId) {
        let Some(machine) = self.machines.get_mut(&id).filter(|m| m.is_awake()) else { return };
        machine.frozen = true;
        let lease = machine.engine.as_ref().and_then(Engine::lease).map(|l| machine.world(l));
        let incarnation = machine.incarnation;
        let end = lease.unwrap_or(self.now).max(self.now);
        self.later(end, Happening::Orphans { node: id, incarnation });
    }

    /// SIGCONT.
    pub fn thaw(&mut self, id: NodeId) {
        let Some(machine) = self.machines.get_mut(&id).filter(|m| m.frozen) else { return };
        machine.frozen = false;
        self.step(id, Event::Tick);
    }

    /// Tells the service to stop in an orderly way.
    pub fn stop(&mut self, id: NodeId) {
        if self.machines.get(&id).is_some_and(Machine::is_awake) {
            self.step(id, Event::Stop);
        }
    }

    /// Cuts or mends a wire, both ways.
    pub fn cut(&mut self, a: NodeId, b: NodeId, cut: bool) {
        for wire in [(a, b), (b, a)] {
            if cut {
                self.cuts.insert(wire);
            } else {
                self.cuts.remove(&wire);
            }
        }
    }

    /// A resource fails by itself (IsAlive). True when it was running.
    pub fn fail_resource(&mut self, resource: Guid) -> bool {
        let Some(id) =
            self.machines.iter().find(|(_, m)| m.instances.get(&resource).is_some_and(|i| i.runs)).map(|(id, _)| *id)
        else {
            return false;
        };
        let machine = &self.machines[&id];
        let Some(generation) =
            machine.engine.as_ref().and_then(|e| e.state().resources.get(&resource)).map(|r| r.generation)
        else {
            return false;
        };
        let status = Status::Failed(cluster_engine::call::Cause::IsAlive);
        let report = Report { at: self.now, resource, generation, status };
        let incarnation = machine.incarnation;
        self.later(self.now, Happening::Reported { node: id, incarnation, report });
        true
    }

    /// A client of a node asks for a change. Returns the ticket that the reply will carry.
    pub fn submit(&mut self, id: NodeId, command: Command) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if self.machines.get(&id).is_some_and(Machine::is_awake) {
            self.step(id, Event::Client { ticket, command });
        }
        ticket
    }

    /// Asks for a change at a node that answers and waits for the reply.
    ///
    /// # Errors
    /// What it was refused with; 1460 when no node answers.
    pub fn ask(&mut self, command: Command) -> Result<Answer, Refusal> {
        let nobody = || Refusal::new(1460, "no node answers");
        let node = self.spokesman().ok_or_else(nobody)?;
        let ticket = self.submit(node, command);
        let limit = self.now + Millis(30_000);
        let mut looked = 0;
        loop {
            while let Some(seen) = self.seen.get(looked) {
                looked += 1;
                if let Seen::Reply { ticket: t, result, .. } = seen
                    && *t == ticket
                {
                    return result.clone();
                }
            }
            if self.now > limit || !self.advance() {
                return Err(nobody());
            }
        }
    }

    /// A node that is awake, in quorum if there is one.
    #[must_use]
    pub fn spokesman(&self) -> Option<NodeId> {
        let awake = || self.machines.values().filter(|m| m.is_awake());
        let is_quorate = |m: &&Machine| m.engine.as_ref().is_some_and(|e| e.is_quorate(m.clock(self.now)));
        awake().find(|m| is_quorate(m)).or_else(|| awake().next()).map(|m| m.id)
    }

    /// The state as a node knows it.
    #[must_use]
    pub fn state_of(&self, id: NodeId) -> Option<&ClusterState> {
        self.machines.get(&id)?.engine.as_ref().filter(|e| e.has_state()).map(Engine::state)
    }

    /// The newest state that any running node knows.
    #[must_use]
    pub fn newest_state(&self) -> Option<&ClusterState> {
        self.machines.keys().filter_map(|id| self.state_of(*id)).max_by_key(|s| s.applied)
    }

    /// Takes what was seen since the last time.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        self.taken += self.seen.len();
        std::mem::take(&mut self.seen)
    }

    // ---- time ----

    /// Lets the next thing happen. False when nothing will ever happen again.
    pub fn advance(&mut self) -> bool {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return false };
        self.now = self.now.max(at);
        self.happen(happening);
        true
    }

    /// Lets everything happen up to a time.
    pub fn run_until(&mut self, until: Time, mut each: impl FnMut(&World)) {
        while let Some(((at, _), _)) = self.queue.first_key_value() {
            if *at > until {
                break;
            }
            self.advance();
            each(self);
        }
        self.now = self.now.max(until);
    }
}
