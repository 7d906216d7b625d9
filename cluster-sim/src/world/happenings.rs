//! What will happen in a world, and how it happens: messages arrive, writes become durable, monitors report.

use cluster_engine::call::{MonitorKey, Status};
use cluster_engine::{Engine, Event, Guid, Millis, NodeId, PeerMessage, Time};

use super::World;
use crate::machine::{Machine, Report};
use crate::store;

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
    /// The service hears something; a frozen one when it wakes.
    Heard {
        node: NodeId,
        incarnation: u64,
        event: Box<Event>,
    },
    /// A monitor looks at the reservation of a quorum device, or takes it: (the record it was decided on, when).
    Contest {
        node: NodeId,
        incarnation: u64,
        resource: Guid,
        number: u64,
        decided_on: Option<(u64, u64)>,
    },
    /// A monitor defends a quorum device; `begun`: the write, begun then, reaches it.
    Defend {
        node: NodeId,
        incarnation: u64,
        resource: Guid,
        reign: u64,
        begun: Option<u64>,
    },
    /// The witness's store has done a piece of work.
    Witness {
        node: NodeId,
        incarnation: u64,
        number: u64,
    },
    /// A machine asks to join anew.
    Rejoin {
        node: NodeId,
        attempt: u64,
    },
    /// A service starts.
    Start {
        node: NodeId,
    },
}

/// What a frozen service cannot hear now is tried again after so long.
const ASLEEP: Millis = Millis(20);

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
                    self.later(self.now + ASLEEP, Happening::Durable { node, incarnation, n });
                    return;
                }
                self.durable(node, n);
            }
            Happening::Reported { node, incarnation, report } => {
                let Some(machine) = self.machines.get_mut(&node).filter(|m| m.incarnation == incarnation) else {
                    return;
                };
                if machine.engine.is_none() {
                    return;
                }
                if machine.frozen {
                    self.later(self.now + ASLEEP, Happening::Reported { node, incarnation, report });
                    return;
                }
                self.runs_changed += 1;
                if report.status == Status::Failed(cluster_engine::call::Cause::LeaseLost) {
                    machine.lost_untold.remove(&report.resource);
                }
                if machine.reports(&report) {
                    let Report { resource, generation, status, .. } = report;
                    self.step(node, Event::Resource { resource, generation, status });
                }
            }
            Happening::Wake { node, incarnation } => {
                let is_due = self.wakes.get(&node).is_some_and(|at| *at <= self.now);
                if self.sabotage.nobody_wakes && self.has_begun {
                    return;
                }
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
                    self.later(self.now + ASLEEP, happening);
                } else {
                    let text = "it was killed".to_owned();
                    self.heard_of_losses(node);
                    self.step(node, Event::MonitorLost { monitor, culprit, text });
                }
            }
            Happening::Orphans { node, incarnation } => self.orphans(node, incarnation),
            Happening::Heard { node, incarnation, event } => {
                let Some(machine) = self.machines.get(&node).filter(|m| m.incarnation == incarnation) else { return };
                if machine.frozen {
                    self.later(self.now + ASLEEP, Happening::Heard { node, incarnation, event });
                } else {
                    self.step(node, *event);
                }
            }
            Happening::Contest { node, incarnation, resource, number, decided_on } => {
                if self.is_life(node, incarnation) {
                    self.contest_step(node, resource, number, decided_on);
                }
            }
            Happening::Defend { node, incarnation, resource, reign, begun } => {
                if self.is_life(node, incarnation) {
                    self.defend(node, resource, reign, begun);
                }
            }
            Happening::Witness { node, incarnation, number } => {
                if self.is_life(node, incarnation) {
                    self.witness_step(node, number);
                }
            }
            Happening::Rejoin { node, attempt } => self.rejoin_step(node, attempt),
            Happening::Start { node } => self.start(node),
        }
    }

    fn is_life(&self, node: NodeId, incarnation: u64) -> bool {
        self.machines.get(&node).is_some_and(|m| m.incarnation == incarnation)
    }

    /// A monitor's end is told to the service. What another one lost in the same moment is told a moment later.
    fn heard_of_losses(&mut self, node: NodeId) {
        if let Some(machine) = self.machines.get_mut(&node) {
            machine.lost_untold.clear();
        }
    }

    /// Everything up to a number has reached the disk.
    fn durable(&mut self, node: NodeId, n: u64) {
        let keep_before = self.sabotage.store_goes_back;
        let Some(machine) = self.machines.get_mut(&node) else { return };
        while machine.disk.front().is_some_and(|(first, _, _)| *first <= n) {
            if let Some((_, writes, _)) = machine.disk.pop_front() {
                if keep_before {
                    machine.before_last = Some(Box::new(machine.stored.clone()));
                }
                store::write(&mut machine.stored, &writes);
            }
        }
        let hard = machine.stored.hard;
        machine.confirmed = (hard.term, hard.commit);
        self.note_commits(node);
        if !self.sabotage.persisted_before_durable {
            self.step(node, Event::Persisted { n });
        }
    }

    /// The monitors of a machine whose service is gone or frozen.
    fn orphans(&mut self, node: NodeId, incarnation: u64) {
        let now = self.now;
        self.runs_changed += 1;
        let Some(machine) = self.machines.get_mut(&node).filter(|m| m.incarnation == incarnation) else { return };
        if machine.engine.is_none() {
            return machine.end_resources();
        }
        if !machine.frozen {
            return;
        }
        let lease = machine.engine.as_ref().and_then(Engine::lease).map_or(now, |l| machine.world(l));
        if lease > now {
            // It had woken meanwhile and was frozen again.
            return self.later(lease, Happening::Orphans { node, incarnation });
        }
        // The lease ran out: the monitors terminate what runs, and defend nothing any more. They will report when the
        // service wakes.
        let lost: Vec<(Guid, u64)> =
            machine.instances.iter().filter(|(_, i)| i.runs).map(|(id, i)| (*id, i.call.map_or(0, |c| c.0))).collect();
        let arbitrated: Vec<Guid> =
            machine.defences.iter().filter(|(_, d)| d.is_arbitrated).map(|(resource, _)| *resource).collect();
        machine.defences.clear();
        machine.contests.clear();
        for (resource, generation) in lost {
            let Some(machine) = self.machines.get_mut(&node) else { return };
            if let Some(instance) = machine.instances.get_mut(&resource) {
                if instance.is_online {
                    machine.lost_untold.insert(resource);
                }
                instance.end();
                instance.call = None;
            }
            let known = machine.engine.as_ref().and_then(|e| e.state().resources.get(&resource));
            let generation = known.map_or(generation, |r| r.generation);
            let status = Status::Failed(cluster_engine::call::Cause::LeaseLost);
            let report = Report { at: now, resource, generation, status, is_stray: false };
            self.later(now + ASLEEP, Happening::Reported { node, incarnation, report });
        }
        for resource in arbitrated {
            let event = Box::new(Event::QuorumResourceLost { resource });
            self.later(now + ASLEEP, Happening::Heard { node, incarnation, event });
        }
    }

    fn is_awake(&self, id: NodeId) -> bool {
        self.machines.get(&id).is_some_and(Machine::is_awake)
    }
}
