//! A world of machines and wires in virtual time.
//!
//! One queue of things that will happen, ordered by time; one set of dice. Nothing here is concurrent, so the same seed
//! gives the same world on every machine, to the byte.

mod copied;
pub mod effects;
pub mod facts;
mod happenings;
mod lives;
pub mod quorum_calls;
pub mod witness;

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::call::Status;
use cluster_engine::quorum::Witness;
use cluster_engine::replica::Stored;
use cluster_engine::state::{Answer, ClusterState, Command, FormSpec};
use cluster_engine::{Engine, Event, Guid, Millis, NodeId, Notice, Refusal, Time};

use self::facts::Fact;
use self::happenings::Happening;
use crate::device::{DISK_TYPE, Device, SHARE_TYPE, Terms};
use crate::dice::Dice;
use crate::machine::{Behaviour, Machine, Report};
use crate::sabotage::Sabotage;

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
    /// Quorum devices, by their resources.
    pub devices: BTreeMap<Guid, Device>,
    /// Machines that cannot reach any quorum device.
    pub storage_cuts: BTreeSet<NodeId>,
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
    /// Facts for the invariants that cannot be seen in the world any more when a step is over; taken with `seen`.
    pub facts: Vec<Fact>,
    /// How many of them were taken before.
    pub facts_taken: usize,
    /// Raised whenever something starts or ends to run on some machine.
    pub runs_changed: u64,
    /// Times at which quorum was forced on some node.
    pub forced: u64,
    /// The cluster is built; sabotage of what building it needs begins now.
    pub has_begun: bool,
    /// Rules taken out, for tests of the simulator.
    pub sabotage: Sabotage,
    seed: u64,
    dice: Dice,
    /// Of their own, so that quorum devices do not change the throws of wires and disks.
    device_dice: Dice,
    contests_begun: u64,
    hostings_begun: u64,
    rejoins_begun: u64,
    queue: BTreeMap<(Time, u64), Happening>,
    order: u64,
    next_ticket: u64,
    next_guid: u128,
    next_incarnation: u64,
    wakes: BTreeMap<NodeId, Time>,
}

/// The id with this number.
#[must_use]
pub const fn guid_number(number: u128) -> Guid {
    Guid(0x6b1a_0c3e_0000_4000_8000_0000_0000_0000 | number)
}

/// Resource types of simulated clusters.
pub const TYPES: [&str; 3] = ["Simulated", DISK_TYPE, SHARE_TYPE];

fn type_row(name: &str) -> (String, String, String, u32, u32) {
    (name.to_owned(), name.to_owned(), "simulated.dll".to_owned(), 5_000, 60_000)
}

/// Heartbeats of simulated clusters: 250 ms x 4.
pub const HEARTBEAT: [(&str, u32); 2] = [("SameSubnetDelay", 250), ("SameSubnetThreshold", 4)];

impl World {
    fn empty(seed: u64, sabotage: Sabotage) -> World {
        World {
            now: START,
            machines: BTreeMap::new(),
            cuts: BTreeSet::new(),
            devices: BTreeMap::new(),
            storage_cuts: BTreeSet::new(),
            weather: Weather::CALM,
            behaviours: BTreeMap::new(),
            ordinary: Behaviour { online_ms: 5, offline_ms: 5, ..Behaviour::default() },
            seen: Vec::new(),
            taken: 0,
            steps: 0,
            facts: Vec::new(),
            facts_taken: 0,
            runs_changed: 0,
            forced: 0,
            has_begun: false,
            sabotage,
            seed,
            dice: Dice::new(seed),
            device_dice: Dice::new(seed ^ 0xD15C),
            contests_begun: 0,
            hostings_begun: 0,
            rejoins_begun: 0,
            queue: BTreeMap::new(),
            order: 0,
            next_ticket: 1,
            next_guid: 1,
            next_incarnation: 1,
            wakes: BTreeMap::new(),
        }
    }

    /// A cluster of one node, `n1`, that has just formed.
    #[must_use]
    pub fn form(seed: u64, sabotage: impl Into<Sabotage>) -> World {
        let mut world = World::empty(seed, sabotage.into());
        let spec = FormSpec {
            cluster_name: "WOLFDEN".to_owned(),
            cluster_id: world.guid(),
            node_name: "n1".to_owned(),
            address: "n1".to_owned(),
            group_ids: [world.guid(), world.guid()],
            types: TYPES.iter().map(|name| type_row(name)).collect(),
            properties: HEARTBEAT.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
            at: START,
        };
        let state = spec.state();
        let node = state.nodes.values().next().expect("a new cluster has one node");
        let machine = world.new_machine(node.id, "n1", node.voter, spec.stored());
        let id = machine.id;
        world.machines.insert(id, machine);
        world.start(id);
        world
    }

    /// A new id for a group or resource; counts up, so that logs are readable.
    pub fn guid(&mut self) -> Guid {
        let number = self.next_guid;
        self.next_guid += 1;
        guid_number(number)
    }

    // ---- things people do ----

    /// Adds a machine and joins it through whoever leads. Returns its id, or what refused it.
    ///
    /// # Errors
    /// What the cluster refused it with.
    pub fn join(&mut self, name: &str) -> Result<NodeId, Refusal> {
        let command = Command::AddNode { name: name.to_owned(), address: name.to_owned() };
        let Answer::Node { node, voter } = self.ask(command)? else { unreachable!("AddNode answers with a node") };
        let mut machine = self.new_machine(node, name, voter, Stored::empty());
        machine.lineage = self.newest_lineage();
        self.machines.insert(node, machine);
        self.start(node);
        Ok(node)
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

    /// Cuts or mends the storage path of a machine: everything of it that touches a quorum device fails.
    pub fn cut_storage(&mut self, node: NodeId, cut: bool) {
        if cut {
            self.storage_cuts.insert(node);
        } else {
            self.storage_cuts.remove(&node);
        }
    }

    /// Makes a quorum device with other terms than the usual ones, for a resource that is going to be created.
    pub fn add_device(&mut self, resource: Guid, kind: Witness, terms: Terms) {
        self.devices.insert(resource, Device::new(kind, terms));
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
        let report = Report { at: self.now, resource, generation, status, is_stray: false };
        let incarnation = machine.incarnation;
        self.later(self.now, Happening::Reported { node: id, incarnation, report });
        true
    }

    /// A client of a node asks for a change. Returns the ticket that the reply will carry.
    pub fn submit(&mut self, id: NodeId, command: Command) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        if let Some(incarnation) = self.machines.get(&id).filter(|m| m.is_awake()).map(|m| m.incarnation) {
            self.facts.push(Fact::Asked { node: id, incarnation, ticket });
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
        self.facts_taken += self.facts.len();
        self.facts.clear();
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

    /// When the next thing will happen.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
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
