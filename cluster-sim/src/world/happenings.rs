//! What will happen in a world, and how it happens: messages arrive, writes become durable, monitors report.

use cluster_engine::call::{EntryPoint, MonitorKey, Status};
use cluster_engine::{Effect, Engine, Event, Guid, Millis, NodeId, PeerMessage, Time};

use super::{Seen, World};
use crate::machine::{Machine, Report};

/// DeadlockTimeout of simulated resources.
const DEADLOCK_TIMEOUT: Millis = Millis(3_000);

/// Something that will happen.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Message {
        from: NodeId,
        to: NodeId,
        message: Box<PeerMessage>,
    },
    Durable {
        node: NodeId,
        incarnation: u64,
        n: u64,
    },
    Reported {
        node: NodeId,
        incarnation: u64,
        report: Report,
    },
    Wake {
        node: NodeId,
        incarnation: u64,
    },
    /// DeadlockTimeout of a Terminate that does not return.
    Hung {
        node: NodeId,
        incarnation: u64,
        resource: Guid,
    },
    /// A monitor was killed.
    MonitorGone {
        node: NodeId,
        incarnation: u64,
        monitor: MonitorKey,
        culprit: Option<(Guid, String)>,
    },
    /// Monitors without a service stop their resources.
    Orphans {
        node: NodeId,
        incarnation: u64,
    },
}

impl World {
    pub(super) fn later(&mut self, at: Time, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    pub(super) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Message { from, to, message } => {
                if !self.cuts.contains(&(from, to)) && self.is_awake(to) {
                    self.step(to, Event::Peer { from, message: *message });
                }
            }
            Happening::Durable { node, incarnation, n } => {
                let Some(machine) = self.machines.get_mut(&node).filter(|m| m.incarnation == incarnation) else {
                    return;
                };
                if machine.engine.is_none() || machine.disk.front().is_none_or(|(first, _, _)| *first > n) {
                    return;
                }
                if machine.frozen {
                    // The disk has it; the process hears of it when it wakes.
                    self.later(self.now + Millis(20), Happening::Durable { node, incarnation, n });
                    return;
                }
                while machine.disk.front().is_some_and(|(first, _, _)| *first <= n) {
                    if let Some((_, writes, _)) = machine.disk.pop_front() {
                        machine.stored.write(&writes);
                    }
                }
                self.step(node, Event::Persisted { n });
            }
            Happening::Reported { node, incarnation, report } => {
                let Some(machine) = self.machines.get_mut(&node).filter(|m| m.incarnation == incarnation) else {
                    return;
                };
                if machine.engine.is_none() {
                    return;
                }
                if machine.frozen {
                    self.later(self.now + Millis(20), Happening::Reported { node, incarnation, report });
                    return;
                }
                if machine.reports(&report) {
                    let Report { resource, generation, status, .. } = report;
                    self.step(node, Event::Resource { resource, generation, status });
                }
            }
            Happening::Wake { node, incarnation } => {
                let is_due = self.wakes.get(&node).is_some_and(|at| *at <= self.now);
                if is_due && self.machines.get(&node).is_some_and(|m| m.incarnation == incarnation && m.is_awake()) {
                    self.wakes.remove(&node);
                    self.step(node, Event::Tick);
                }
            }
            Happening::Hung { node, incarnation, resource } => {
                let Some(machine) = self.machines.get(&node).filter(|m| m.incarnation == incarnation) else { return };
                let Some(instance) = machine.instances.get(&resource).filter(|i| i.runs && i.call.is_none()) else {
                    return;
                };
                if machine.is_awake() {
                    let (monitor, culprit) = (instance.monitor, Some((resource, "Terminate".to_owned())));
                    self.step(node, Event::MonitorHung { monitor, culprit });
                }
            }
            Happening::MonitorGone { node, incarnation, monitor, culprit } => {
                let Some(machine) = self.machines.get(&node).filter(|m| m.incarnation == incarnation) else { return };
                if machine.frozen {
                    let happening = Happening::MonitorGone { node, incarnation, monitor, culprit };
                    self.later(self.now + Millis(20), happening);
                } else {
                    let text = "it was killed".to_owned();
                    self.step(node, Event::MonitorLost { monitor, culprit, text });
                }
            }
            Happening::Orphans { node, incarnation } => {
                let now = self.now;
                let Some(machine) = self.machines.get_mut(&node).filter(|m| m.incarnation == incarnation) else {
                    return;
                };
                if machine.engine.is_none() {
                    machine.end_resources();
                } else if machine.frozen {
                    let lease = machine.engine.as_ref().and_then(Engine::lease).map_or(now, |l| machine.world(l));
                    if lease > now {
                        // It had woken meanwhile and was frozen again.
                        self.later(lease, Happening::Orphans { node, incarnation });
                        return;
                    }
                    // The lease ran out: the monitors terminate what runs. They will report when the service wakes.
                    let lost: Vec<(Guid, u64)> = machine
                        .instances
                        .iter()
                        .filter(|(_, i)| i.runs)
                        .map(|(id, i)| (*id, i.call.map_or(0, |c| c.0)))
                        .collect();
                    for (resource, generation) in lost {
                        if let Some(instance) = machine.instances.get_mut(&resource) {
                            instance.runs = false;
                            instance.call = None;
                        }
                        let generation = machine
                            .engine
                            .as_ref()
                            .and_then(|e| e.state().resources.get(&resource))
                            .map_or(generation, |r| r.generation);
                        let status = Status::Failed(cluster_engine::call::Cause::LeaseLost);
                        let report = Report { at: now, resource, generation, status };
                        self.order += 1;
                        let happening = Happening::Reported { node, incarnation, report };
                        self.queue.insert((now + Millis(20), self.order), happening);
                    }
                }
            }
        }
    }

    fn is_awake(&self, id: NodeId) -> bool {
        self.machines.get(&id).is_some_and(Machine::is_awake)
    }

    /// One step of one engine, and everything it wants done.
    pub(super) fn step(&mut self, id: NodeId, event: Event) {
        let Some(machine) = self.machines.get_mut(&id) else { return };
        let now = machine.clock(self.now);
        let Some(engine) = &mut machine.engine else { return };
        self.steps += 1;
        let effects = engine.step(now, event);
        for effect in effects {
            self.carry_out(id, effect);
        }
        let Some(machine) = self.machines.get(&id) else { return };
        let Some(engine) = &machine.engine else { return };
        if let Some(due) = engine.next_deadline() {
            let due = machine.world(due).max(self.now + Millis(1));
            let incarnation = machine.incarnation;
            if self.wakes.get(&id).is_none_or(|at| due < *at || *at <= self.now) {
                self.wakes.insert(id, due);
                self.later(due, Happening::Wake { node: id, incarnation });
            }
        }
    }

    fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Persist { n, writes } => {
                let delay = Millis(self.dice.between(self.weather.disk_min, self.weather.disk_max));
                let Some(machine) = self.machines.get_mut(&id) else { return };
                let after = machine.disk.back().map_or(self.now, |(_, _, at)| *at);
                let at = after.max(self.now + delay);
                machine.disk.push_back((n, writes, at));
                let incarnation = machine.incarnation;
                self.later(at, Happening::Durable { node: id, incarnation, n });
            }
            Effect::Send { to, message } => {
                let copies = if self.dice.chance(self.weather.duplication) { 2 } else { 1 };
                for _ in 0..copies {
                    let delay = Millis(self.dice.between(self.weather.delay_min, self.weather.delay_max));
                    if !self.dice.chance(self.weather.loss) {
                        let message = Box::new(message.clone());
                        self.later(self.now + delay, Happening::Message { from: id, to, message });
                    }
                }
            }
            Effect::Call { resource, monitor, generation, entry } => {
                let mut how = self.behaviours.get(&resource).copied().unwrap_or(self.ordinary);
                let Some(machine) = self.machines.get_mut(&id) else { return };
                let reports = machine.call(resource, monitor, generation, &entry, &mut how);
                let incarnation = machine.incarnation;
                if how.hang_terminate && entry == EntryPoint::Terminate {
                    let at = self.now + DEADLOCK_TIMEOUT;
                    self.later(at, Happening::Hung { node: id, incarnation, resource });
                }
                if self.behaviours.contains_key(&resource) {
                    self.behaviours.insert(resource, how);
                }
                for (delay, status) in reports {
                    let at = self.now + Millis(delay.max(1));
                    let report = Report { at, resource, generation, status };
                    self.later(at, Happening::Reported { node: id, incarnation, report });
                }
            }
            Effect::KillMonitor { monitor, culprit } => {
                let Some(machine) = self.machines.get_mut(&id) else { return };
                // The process is gone at once, with everything that it started; the service hears of it a moment later.
                machine.instances.retain(|_, instance| instance.monitor != monitor);
                let incarnation = machine.incarnation;
                self.later(self.now + Millis(1), Happening::MonitorGone { node: id, incarnation, monitor, culprit });
            }
            Effect::Reply { ticket, result } => self.seen.push(Seen::Reply { node: id, ticket, result }),
            Effect::WitnessTake { .. }
            | Effect::WitnessPersist { .. }
            | Effect::WitnessSend { .. }
            | Effect::WitnessCheck { .. }
            | Effect::WitnessEnd
            | Effect::Rejoin { .. } => {}
            Effect::Notice(notice) => self.seen.push(Seen::Notice { node: id, notice }),
            Effect::Stopped => {
                if let Some(machine) = self.machines.get_mut(&id) {
                    machine.engine = None;
                    machine.stopped = true;
                    machine.end_resources();
                    self.wakes.remove(&id);
                }
            }
        }
    }
}
