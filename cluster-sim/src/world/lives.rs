//! How services of machines live and die: started, killed, frozen, stopped, forced, and joined anew.

use cluster_engine::replica::{Stored, VoterId};
use cluster_engine::state::{Answer, Command};
use cluster_engine::{Engine, EngineConfig, Event, Lineage, Millis, NodeId, Refusal};

use super::happenings::Happening;
use super::{Seen, World};
use crate::machine::{Machine, Rejoining};

/// A machine that joins anew asks again after so long.
const REJOIN_AGAIN: Millis = Millis(500);
/// A request that has no answer for so long is put anew.
const REJOIN_PATIENCE: Millis = Millis(25_000);
/// How much faster clocks run that race, parts per million.
const RACING: i64 = 2_000_000;

/// How a service is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    Forced,
    Prevented,
}

impl World {
    pub(super) fn new_machine(&self, id: NodeId, name: &str, voter: VoterId, stored: Stored) -> Machine {
        let drift = if self.sabotage.clocks_race { RACING } else { 0 };
        Machine { drift, ..Machine::new(id, name, voter, stored) }
    }

    /// The line of descent that was forced last.
    pub(super) fn newest_lineage(&self) -> Lineage {
        self.machines.values().map(|m| m.lineage).max().unwrap_or_default()
    }

    /// Starts the service on a machine. Its monitors of before are gone by then.
    pub fn start(&mut self, id: NodeId) {
        self.start_with(id, Manner::Plain);
    }

    /// Starts it with prevent quorum: it may join and not form.
    pub fn prevent_start(&mut self, id: NodeId) {
        self.start_with(id, Manner::Prevented);
    }

    /// Starts it with force quorum: what its store says is the truth from now on, in a new line of descent. A store that
    /// never belonged to a cluster cannot be forced; then the service does not start.
    pub fn force_start(&mut self, id: NodeId) {
        let draw = self.device_dice.roll();
        let Some(machine) = self.machines.get_mut(&id).filter(|m| m.engine.is_none()) else { return };
        machine.end_resources();
        let mut stored = machine.stored.clone();
        match stored.force_sole_voter(machine.voter) {
            Ok(()) => {
                // The line of descent first: a store that is changed and not marked would be a second majority.
                machine.lineage = Lineage { number: machine.lineage.number + 1, draw };
                machine.rejoining = None;
                machine.stored = stored;
                machine.forget_notes();
                self.forced += 1;
                self.start_with(id, Manner::Forced);
            }
            Err(fault) => self.seen.push(Seen::Act(format!("quorum cannot be forced on node {id}: {fault}"))),
        }
    }

    fn start_with(&mut self, id: NodeId, manner: Manner) {
        let (incarnation, seed, sabotage) = (self.next_incarnation, self.seed, self.sabotage.engine);
        let Some(machine) = self.machines.get_mut(&id) else { return };
        if machine.engine.is_some() || machine.rejoining.is_some() {
            return;
        }
        self.next_incarnation += 1;
        self.runs_changed += 1;
        machine.end_resources();
        machine.end_service();
        machine.incarnation = incarnation;
        machine.retold = machine.stored.last_index();
        machine.stopped = false;
        let config = EngineConfig {
            node: id,
            voter: machine.voter,
            incarnation,
            address: machine.name.clone(),
            version: String::new(),
            seed,
            lineage: machine.lineage,
            forced: manner == Manner::Forced,
            prevent_quorum: manner == Manner::Prevented,
            sabotage,
        };
        let now = machine.clock(self.now);
        machine.engine =
            Some(Engine::new(config, machine.stored.clone(), now).expect("a store that the engine wrote makes sense"));
        self.step(id, Event::Tick);
    }

    /// SIGKILL of the service. Its monitors notice within a moment, but at the end of the lease at the latest.
    pub fn kill(&mut self, id: NodeId) {
        let linger = self.dice.between(0, 50);
        let now = self.now;
        let goes_back = self.sabotage.store_goes_back;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let lease = machine.engine.as_ref().and_then(Engine::lease).map(|l| machine.world(l));
        machine.end_service();
        if goes_back && let Some(before) = machine.before_last.take() {
            machine.stored = *before;
        }
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
        let now = self.now;
        let Some(machine) = self.machines.get_mut(&id).filter(|m| m.frozen) else { return };
        machine.frozen = false;
        machine.awake_since = now;
        self.step(id, Event::Tick);
    }

    /// Tells the service to stop in an orderly way.
    pub fn stop(&mut self, id: NodeId) {
        if self.machines.get(&id).is_some_and(Machine::is_awake) {
            self.step(id, Event::Stop);
        }
    }

    // ---- joining anew ----

    /// `Effect::Rejoin`: the store belongs to a line of descent that was forced out. The service ends, the store is put
    /// aside, and the node joins with an empty one.
    pub(super) fn rejoin(&mut self, id: NodeId, lineage: Lineage, via: NodeId) {
        self.rejoins_begun += 1;
        let attempt = self.rejoins_begun;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        machine.end_service();
        machine.end_resources();
        machine.stored = Stored::empty();
        machine.forget_notes();
        machine.rejoining = Some(Rejoining { attempt, lineage, via, asked: None });
        self.wakes.remove(&id);
        self.runs_changed += 1;
        self.later(self.now + Millis(1), Happening::Rejoin { node: id, attempt });
    }

    /// Asks a node of the line of descent that has quorum to be let in, until one does.
    pub(super) fn rejoin_step(&mut self, id: NodeId, attempt: u64) {
        let Some(machine) = self.machines.get(&id) else { return };
        let Some(Rejoining { lineage, via, asked, .. }) = machine.rejoining.filter(|r| r.attempt == attempt) else {
            return;
        };
        let name = machine.name.clone();
        let waits = asked.is_some_and(|(_, door, life, at)| {
            let lives = self.machines.get(&door).is_some_and(|m| m.incarnation == life && m.engine.is_some());
            lives && self.now.since(at) < REJOIN_PATIENCE
        });
        let is_heard = |other: NodeId| !self.cuts.contains(&(id, other)) && !self.cuts.contains(&(other, id));
        let knows = |m: &&Machine| m.id != id && m.is_awake() && m.lineage >= lineage && is_heard(m.id);
        let door = self.machines.values().filter(knows).max_by_key(|m| (m.lineage, m.id == via, m.id));
        if let Some((door, life)) = door.filter(|_| !waits).map(|m| (m.id, m.incarnation)) {
            let ticket = self.next_ticket;
            let asked = Some((ticket, door, life, self.now));
            if let Some(rejoining) = self.machines.get_mut(&id).and_then(|m| m.rejoining.as_mut()) {
                rejoining.asked = asked;
            }
            let command = Command::AddNode { name: name.clone(), address: name };
            let taken = self.submit(door, command);
            assert_eq!(taken, ticket, "tickets count up");
        }
        self.later(self.now + REJOIN_AGAIN, Happening::Rejoin { node: id, attempt });
    }

    /// The answer to that.
    pub(super) fn rejoin_answered(&mut self, ticket: u64, door: NodeId, result: &Result<Answer, Refusal>) {
        let is_mine = |m: &&Machine| m.rejoining.is_some_and(|r| r.asked.is_some_and(|(t, ..)| t == ticket));
        let Some(id) = self.machines.values().find(is_mine).map(|m| m.id) else { return };
        let lineage = self.machines.get(&door).map(|m| m.lineage);
        let (Ok(Answer::Node { node, voter }), Some(lineage)) = (result, lineage) else {
            // Refused: once more, in a while.
            if let Some(rejoining) = self.machines.get_mut(&id).and_then(|m| m.rejoining.as_mut()) {
                rejoining.asked = None;
            }
            return;
        };
        if *node != id && self.machines.contains_key(node) {
            return;
        }
        let Some(mut machine) = self.machines.remove(&id) else { return };
        machine.rejoining = None;
        machine.id = *node;
        machine.voter = *voter;
        machine.lineage = lineage;
        machine.stored = Stored::empty();
        machine.forget_notes();
        self.machines.insert(*node, machine);
        self.later(self.now + Millis(1), Happening::Start { node: *node });
    }
}
