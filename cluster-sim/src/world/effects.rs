//! What engines want done, and how the world does it: writes, messages, calls to resources, replies.

use cluster_engine::call::{EntryPoint, MonitorKey, Status};
use cluster_engine::replica::{EntryBody, Write};
use cluster_engine::state::{ClusterState, LogBatch};
use cluster_engine::{Effect, Event, Guid, Millis, NodeId, PeerBody, PeerMessage};

use super::happenings::Happening;
use super::{Seen, World};
use crate::machine::{Behaviour, Report};

/// DeadlockTimeout of simulated resources.
pub const DEADLOCK_TIMEOUT: Millis = Millis(3_000);
/// The second of two equal reports comes so much later.
const TWICE_MS: u64 = 7;
/// The machine whose copies are altered by a sabotage.
const ALTERED: NodeId = NodeId(2);

impl World {
    /// One step of one engine, and everything it wants done.
    pub(super) fn step(&mut self, id: NodeId, event: Event) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let now = machine.clock(self.now);
        let Some(engine) = &mut machine.engine else { return };
        self.steps += 1;
        let effects = engine.step(now, event);
        self.note_leader(id);
        let incarnation = self.machines.get(&id).map_or(0, |m| m.incarnation);
        for effect in effects {
            self.carry_out(id, effect);
            // The disk failed and the service is gone: what it still wanted is not done.
            if self.machines.get(&id).is_none_or(|m| m.engine.is_none() || m.incarnation != incarnation) {
                break;
            }
        }
        let Some(machine) = self.machines.get(&id) else { return };
        let Some(engine) = &machine.engine else { return };
        if let Some(due) = engine.next_deadline() {
            let due = machine.world(due).max(self.now + Millis(1));
            if self.wakes.get(&id).is_none_or(|at| due < *at || *at <= self.now) {
                self.wakes.insert(id, due);
                self.later(due, Happening::Wake { node: id, incarnation });
            }
        }
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Persist { n, writes } => self.persist(id, n, writes),
            Effect::Send { to, message } => self.send(id, to, message),
            Effect::Call { resource, monitor, generation, entry } => {
                self.call(id, resource, monitor, generation, &entry);
            }
            Effect::KillMonitor { monitor, culprit } => {
                // The process is gone at once, with everything that it started; the service hears of it a moment later.
                self.end_monitor(id, monitor, culprit);
            }
            Effect::Reply { ticket, result } => {
                self.rejoin_answered(ticket, id, &result);
                if !(self.sabotage.replies_lost && self.has_begun) {
                    self.seen.push(Seen::Reply { node: id, ticket, result: result.clone() });
                }
                if self.sabotage.replies_twice {
                    self.seen.push(Seen::Reply { node: id, ticket, result });
                }
            }
            Effect::WitnessTake { round, resource, voter, may_create } => {
                self.witness_take(id, round, resource, voter, may_create);
            }
            Effect::WitnessPersist { epoch, n, writes } => self.witness_persist(id, epoch, n, writes),
            Effect::WitnessSend { epoch, to, message } => self.witness_send(id, epoch, to, message),
            Effect::WitnessCheck { epoch, stamp } => self.witness_check(id, epoch, stamp),
            Effect::WitnessEnd => self.witness_end(id),
            Effect::Rejoin { lineage, via } => self.rejoin(id, lineage, via),
            Effect::Notice(notice) => self.seen.push(Seen::Notice { node: id, notice }),
            Effect::Stopped => {
                self.runs_changed += 1;
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.end_service();
                    machine.stopped = true;
                    machine.end_resources();
                    self.wakes.remove(&id);
                }
            }
        }
    }

    /// A monitor process crashes.
    pub fn crash_monitor(&mut self, id: NodeId, monitor: MonitorKey) {
        if self
            .machines
            .get(&id)
            .is_some_and(|m| m.engine.is_some() && m.instances.values().any(|i| i.monitor == monitor))
        {
            self.end_monitor(id, monitor, None);
        }
    }

    /// A monitor process ends, with everything in it.
    pub(super) fn end_monitor(&mut self, id: NodeId, monitor: MonitorKey, culprit: Option<(Guid, String)>) {
        self.runs_changed += 1;
        self.monitor_gone(id, monitor);
        let Some(incarnation) = self.machines.get(&id).map(|m| m.incarnation) else { return };
        self.later(self.now + Millis(1), Happening::MonitorGone { node: id, incarnation, monitor, culprit });
    }

    fn persist(&mut self, id: NodeId, n: u64, mut writes: Vec<Write>) {
        let mut delay = Millis(self.dice.between(self.weather.disk_min, self.weather.disk_max));
        let Some(machine) = self.machines.get_mut(&id) else { return };
        if machine.disk_fails {
            self.seen.push(Seen::Act(format!("the disk of node {id} fails; its service ends")));
            return self.kill(id);
        }
        if machine.disk_slow > 0 {
            delay = Millis(delay.0 + self.device_dice.between(0, machine.disk_slow));
        }
        if self.sabotage.entries_altered && id == ALTERED {
            writes.iter_mut().for_each(alter_entries);
        }
        let after = machine.disk.back().map_or(self.now, |(_, _, at)| *at);
        let at = after.max(self.now + delay);
        machine.disk.push_back((n, writes, at));
        let incarnation = machine.incarnation;
        self.later(at, Happening::Durable { node: id, incarnation, n });
        if self.sabotage.persisted_before_durable {
            let event = Box::new(Event::Persisted { n });
            self.later(self.now, Happening::Heard { node: id, incarnation, event });
        }
    }

    /// A message goes out. It may be lost, come late or twice.
    pub(super) fn send(&mut self, from: NodeId, to: NodeId, mut message: PeerMessage) {
        let copies = if self.dice.chance(self.weather.duplication) { 2 } else { 1 };
        if self.sabotage.snapshot_altered && to == ALTERED {
            alter_snapshot(&mut message);
        }
        for _ in 0..copies {
            let delay = Millis(self.dice.between(self.weather.delay_min, self.weather.delay_max));
            if !self.dice.chance(self.weather.loss) {
                let message = Box::new(message.clone());
                self.later(self.now + delay, Happening::Message { from, to, message });
            }
        }
    }

    fn call(&mut self, asked_by: NodeId, resource: Guid, monitor: MonitorKey, generation: u64, entry: &EntryPoint) {
        let id = self.who_carries_out(asked_by, resource, entry);
        self.note_call(asked_by, id, resource, entry);
        self.runs_changed += 1;
        let mut how = self.behaviours.get(&resource).copied().unwrap_or(self.ordinary);
        let is_device = self.device_of(asked_by, resource);
        let rules = self.sabotage;
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let incarnation = machine.incarnation;
        if *entry == EntryPoint::Terminate && rules.terminate_lies {
            let at = self.now + Millis(2);
            let report = Report { at, resource, generation, status: Status::Terminated, is_stray: true };
            return self.later(at, Happening::Reported { node: id, incarnation, report });
        }
        let mut reports = machine.call(resource, monitor, generation, entry, &mut how);
        if *entry == EntryPoint::Terminate && rules.terminate_report_lost {
            reports.clear();
        }
        if how.hang_terminate && *entry == EntryPoint::Terminate {
            let at = self.now + DEADLOCK_TIMEOUT;
            self.later(at, Happening::Hung { node: id, incarnation, resource });
        }
        if self.behaviours.contains_key(&resource) {
            self.behaviours.insert(resource, how);
        }
        if is_device {
            let online_ms = take_online(&mut reports);
            self.quorum_call(id, resource, monitor, generation, entry, online_ms);
        }
        if rules.online_too_soon && *entry == EntryPoint::Online {
            let at = self.now + Millis(1);
            let report = Report { at, resource, generation, status: Status::Online, is_stray: true };
            self.later(at, Happening::Reported { node: id, incarnation, report });
        }
        for (delay, status) in reports {
            self.report(id, incarnation, resource, generation, delay, status, how);
        }
    }

    #[allow(clippy::too_many_arguments)] // A report is that many things.
    fn report(
        &mut self,
        node: NodeId,
        incarnation: u64,
        resource: Guid,
        generation: u64,
        delay: u64,
        status: Status,
        how: Behaviour,
    ) {
        let is_final = !matches!(status, Status::OnlinePending { .. } | Status::OfflinePending { .. });
        let talks = is_final && matches!(status, Status::Online | Status::Offline | Status::Failed(_));
        let delay = if talks { delay + how.late_ms } else { delay };
        let at = self.now + Millis(delay.max(1));
        let report = Report { at, resource, generation, status, is_stray: false };
        if talks && (how.twice || how.late_ms > 0) {
            // What the library says once more, whether anybody waits for it or not.
            let at = at + Millis(TWICE_MS);
            let report = Report { at, is_stray: true, ..report.clone() };
            self.later(at, Happening::Reported { node, incarnation, report });
        }
        self.later(at, Happening::Reported { node, incarnation, report });
    }

    /// The machine on which a call is carried out: the one that asked, unless a sabotage sends it elsewhere.
    fn who_carries_out(&self, asked_by: NodeId, resource: Guid, entry: &EntryPoint) -> NodeId {
        if !self.sabotage.calls_go_astray || *entry != EntryPoint::Online {
            return asked_by;
        }
        let possible = self.state_of(asked_by).and_then(|s| s.resources.get(&resource)?.config.possible.clone());
        let Some(possible) = possible else { return asked_by };
        let other = self.machines.values().find(|m| !possible.contains(&m.id) && m.instances.contains_key(&resource));
        let any = || self.machines.values().find(|m| !possible.contains(&m.id));
        other.or_else(any).map_or(asked_by, |m| m.id)
    }
}

/// When a quorum device would report Online; it has to win the device first.
fn take_online(reports: &mut Vec<(u64, Status)>) -> Option<u64> {
    let at = reports.iter().position(|(_, status)| *status == Status::Online)?;
    Some(reports.remove(at).0)
}

fn alter_entries(write: &mut Write) {
    let Write::Entries(entries) = write else { return };
    for entry in entries {
        let EntryBody::Data(bytes) = &mut entry.body else { continue };
        if let Ok(mut batch) = postcard::from_bytes::<LogBatch>(bytes) {
            batch.at = batch.at + Millis(1);
            *bytes = postcard::to_stdvec(&batch).unwrap_or_default();
        }
    }
}

fn alter_snapshot(message: &mut PeerMessage) {
    let PeerBody::Raft(raft) = &mut message.body else { return };
    let Some(image) = &mut raft.snapshot else { return };
    if let Ok(mut state) = postcard::from_bytes::<ClusterState>(&image.data) {
        state.done_below.insert((NodeId(0), 0), 1);
        image.data = postcard::to_stdvec(&state).unwrap_or_default();
    }
}
