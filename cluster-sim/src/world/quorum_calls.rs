//! What the monitors of a machine do with a quorum device: fight for it, defend it, give it up.
//!
//! Arbitrate and Online want the same thing, the reservation of the device, and the one that comes second finds it held.
//! Whoever asked is told when it is lost: the service by QUORUM_RESOURCE_LOST, the resource by failing. All of it happens
//! in the monitor, so it goes on while the service is frozen and ends with the monitor.

use cluster_engine::call::{Cause, EntryPoint, MonitorKey, Status};
use cluster_engine::{ArbitrationStep, Component, Event, Guid, Level, Millis, NodeId, Notice, Subject};

use super::happenings::Happening;
use super::{Seen, World};
use crate::device::reservation::LOOKS_PER_INTERVAL;
use crate::device::{ABORTED, Challenge, Defence, Device, NOT_AVAILABLE, NOT_READY, OWNER_ALIVE, Step, Terms};
use crate::machine::Report;

/// A device that a monitor defends.
#[derive(Clone, Debug)]
pub struct Defender {
    /// The monitor.
    pub monitor: MonitorKey,
    /// Its promise.
    pub defence: Defence,
    /// Arbitrate was called: the service wants to hear of a loss.
    pub is_arbitrated: bool,
}

/// A device that a monitor is fighting for.
#[derive(Clone, Debug)]
pub struct Contest {
    /// Told apart from earlier ones.
    pub number: u64,
    /// The monitor.
    pub monitor: MonitorKey,
    /// What it has seen so far.
    pub challenge: Challenge,
    /// Whom to answer.
    pub purposes: Vec<Purpose>,
}

/// Who wants the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Arbitrate, of this round.
    Arbitrate(u64),
    /// Online, call of this generation, which takes so long.
    Online(u64, u64),
}

impl World {
    /// Is this resource a quorum device, as this node knows it? It is made when it is first asked for.
    pub(super) fn device_of(&mut self, node: NodeId, resource: Guid) -> bool {
        if self.devices.contains_key(&resource) {
            return true;
        }
        let Some(state) = self.state_of(node) else { return false };
        let Some(known) = state.resources.get(&resource) else { return false };
        let Some(kind) = Device::kind_of(&known.config.type_name) else { return false };
        let path = format!("Resources\\{resource}\\Parameters");
        let own = |name| state.hive.dword(&path, name).map(u64::from).filter(|ms| *ms > 0);
        let terms = match kind {
            cluster_engine::quorum::Witness::Disk => {
                Terms { interval: own("ArbitrationIntervalMs").unwrap_or(Terms::DISK.interval), ..Terms::DISK }
            }
            cluster_engine::quorum::Witness::FileShare => {
                let delay = own("ArbitrationDelayMs").unwrap_or(Terms::SHARE.least_wait);
                Terms { interval: (delay / 3).max(1), least_wait: delay }
            }
        };
        self.devices.insert(resource, Device::new(kind, terms));
        true
    }

    /// Can this machine use the device at the moment?
    #[must_use]
    pub fn reaches(&self, node: NodeId, resource: Guid) -> bool {
        !self.storage_cuts.contains(&node) && self.devices.get(&resource).is_some_and(|d| !d.is_broken)
    }

    /// How long the next access to a device takes.
    pub(super) fn access_time(&mut self, resource: Guid) -> Millis {
        match self.devices.get(&resource).map_or(0, |d| d.slow) {
            0 => Millis(1),
            slow => Millis(self.device_dice.between(1, slow)),
        }
    }

    /// An entry point of a quorum device, beside what every resource does. True: Online reports by itself, later.
    pub(super) fn quorum_call(
        &mut self,
        node: NodeId,
        resource: Guid,
        monitor: MonitorKey,
        generation: u64,
        entry: &EntryPoint,
        online_ms: Option<u64>,
    ) {
        match entry {
            EntryPoint::Arbitrate => {
                self.say(node, resource, "Arbitrate: the device is wanted.");
                self.contest(node, resource, monitor, Purpose::Arbitrate(generation));
            }
            EntryPoint::Release => {
                self.give_up(node, resource);
                self.report_soon(node, resource, generation, 1, Status::Released { code: 0 });
            }
            EntryPoint::Online => {
                if let Some(online_ms) = online_ms {
                    self.contest(node, resource, monitor, Purpose::Online(generation, online_ms));
                }
            }
            EntryPoint::Offline | EntryPoint::Terminate | EntryPoint::Close => self.give_up(node, resource),
            EntryPoint::Open(_) | EntryPoint::Configure(_) | EntryPoint::Cancel | EntryPoint::CheckDrain => {}
        }
    }

    fn report_soon(&mut self, node: NodeId, resource: Guid, generation: u64, delay: u64, status: Status) {
        let Some(incarnation) = self.machines.get(&node).map(|m| m.incarnation) else { return };
        let at = self.now + Millis(delay.max(1));
        let report = Report { at, resource, generation, status, is_stray: false };
        self.later(at, Happening::Reported { node, incarnation, report });
    }

    /// What the resource's library writes into the log.
    fn say(&mut self, node: NodeId, resource: Guid, text: &str) {
        let Some(machine) = self.machines.get(&node) else { return };
        let name = self.state_of(node).map_or_else(|| resource.to_string(), |s| s.resource_name(resource));
        let notice = Notice {
            place: None,
            at: machine.clock(self.now),
            level: Level::Information,
            component: Component::Res,
            event: None,
            text: format!("{name}: {text}"),
            subject: Some(Subject::Resource(name)),
            why: Vec::new(),
            step: Some(ArbitrationStep::Said),
        };
        self.seen.push(Seen::Notice { node, notice });
    }

    fn contest(&mut self, node: NodeId, resource: Guid, monitor: MonitorKey, purpose: Purpose) {
        self.contests_begun += 1;
        let number = self.contests_begun;
        let now = self.now;
        let Some(terms) = self.devices.get(&resource).map(|d| d.terms) else { return };
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let steady = machine.steady(now);
        if let Some(defender) = machine.defences.get_mut(&resource).filter(|d| !d.defence.is_lost(steady, terms)) {
            defender.is_arbitrated |= matches!(purpose, Purpose::Arbitrate(_));
            return self.won(node, resource, &[purpose]);
        }
        if let Some(contest) = machine.contests.get_mut(&resource) {
            // A later round of arbitration takes the place of an earlier one.
            contest.purposes.retain(|p| std::mem::discriminant(p) != std::mem::discriminant(&purpose));
            contest.purposes.push(purpose);
            return;
        }
        let challenge = Challenge::new(node, machine.incarnation);
        machine.contests.insert(resource, Contest { number, monitor, challenge, purposes: vec![purpose] });
        let incarnation = machine.incarnation;
        let at = now + self.access_time(resource);
        self.later(at, Happening::Contest { node, incarnation, resource, number, decided_on: None });
    }

    /// A look at the record, or the write that a look decided on.
    pub(super) fn contest_step(&mut self, node: NodeId, resource: Guid, number: u64, decided_on: Option<(u64, u64)>) {
        let now = self.now;
        let reaches = self.reaches(node, resource);
        let Some(device) = self.devices.get_mut(&resource) else { return };
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (incarnation, steady) = (machine.incarnation, machine.steady(now));
        let Some(contest) = machine.contests.get_mut(&resource).filter(|c| c.number == number) else { return };
        if !reaches {
            let purposes = contest.purposes.clone();
            machine.contests.remove(&resource);
            return self.not_won(node, resource, &purposes, NOT_READY, "the device cannot be reached");
        }
        if let Some((serial, begun)) = decided_on
            && let Some(reign) = device.record.take(node, incarnation, serial)
        {
            let purposes = contest.purposes.clone();
            let is_arbitrated = purposes.iter().any(|p| matches!(p, Purpose::Arbitrate(_)));
            let defender =
                Defender { monitor: contest.monitor, defence: Defence { reign, last: begun }, is_arbitrated };
            machine.contests.remove(&resource);
            machine.defences.insert(resource, defender);
            let due = now + Millis(device.terms.interval);
            self.later(due, Happening::Defend { node, incarnation, resource, reign, begun: None });
            self.say(node, resource, "the reservation is ours.");
            return self.won(node, resource, &purposes);
        }
        // Somebody wrote meanwhile: look again.
        let was_watching = contest.challenge.is_watching();
        let (step, serial, terms) =
            (contest.challenge.look(steady, &device.record, device.terms), device.record.serial, device.terms);
        match step {
            Step::Take => {
                let victim = device.record.holder.map(|h| h.node).filter(|holder| *holder != node);
                if let Some(holder) = victim {
                    let text =
                        format!("node {holder} did not defend for {} ms; its reservation is broken.", terms.wait());
                    self.say(node, resource, &text);
                }
                let at = now + self.access_time(resource);
                let decided_on = Some((serial, steady));
                self.later(at, Happening::Contest { node, incarnation, resource, number, decided_on });
            }
            Step::Wait(ms) => {
                if !was_watching && let Some(holder) = device.record.holder {
                    let text = format!("node {} has it; waiting {} ms for a defence.", holder.node, terms.wait());
                    self.say(node, resource, &text);
                }
                let at = now + Millis(ms);
                self.later(at, Happening::Contest { node, incarnation, resource, number, decided_on: None });
            }
            Step::Refused(holder) => {
                let purposes = contest.purposes.clone();
                machine.contests.remove(&resource);
                let text = format!("node {holder} defends it");
                self.not_won(node, resource, &purposes, OWNER_ALIVE, &text);
            }
        }
    }

    fn won(&mut self, node: NodeId, resource: Guid, purposes: &[Purpose]) {
        for purpose in purposes {
            match *purpose {
                Purpose::Arbitrate(round) => {
                    self.report_soon(node, resource, round, 1, Status::Arbitrated { code: 0 });
                }
                Purpose::Online(generation, online_ms) => {
                    self.report_soon(node, resource, generation, online_ms, Status::Online);
                }
            }
        }
    }

    fn not_won(&mut self, node: NodeId, resource: Guid, purposes: &[Purpose], code: u32, text: &str) {
        self.say(node, resource, &format!("not ours: {text} ({code})."));
        for purpose in purposes {
            match *purpose {
                Purpose::Arbitrate(round) => self.report_soon(node, resource, round, 1, Status::Arbitrated { code }),
                Purpose::Online(generation, _) => {
                    let code = if code == OWNER_ALIVE { NOT_AVAILABLE } else { code };
                    let cause = Cause::CallFailed { call: "Online".to_owned(), code, message: text.to_owned() };
                    self.report_soon(node, resource, generation, 1, Status::Failed(cause));
                }
            }
        }
    }

    /// A defence is due, or the write of one reaches the device.
    pub(super) fn defend(&mut self, node: NodeId, resource: Guid, reign: u64, begun: Option<u64>) {
        let now = self.now;
        let reaches = self.reaches(node, resource);
        let Some(device) = self.devices.get_mut(&resource) else { return };
        let terms = device.terms;
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let (incarnation, steady) = (machine.incarnation, machine.steady(now));
        let Some(defender) = machine.defences.get_mut(&resource).filter(|d| d.defence.reign == reign) else { return };
        let Some(begun) = begun else {
            let at = now + self.access_time(resource);
            return self.later(at, Happening::Defend { node, incarnation, resource, reign, begun: Some(steady) });
        };
        if !reaches {
            if defender.defence.is_lost(steady, terms) {
                return self.lose_device(node, resource, "it could not be defended in time");
            }
            let at = now + Millis((terms.interval / LOOKS_PER_INTERVAL).max(1));
            return self.later(at, Happening::Defend { node, incarnation, resource, reign, begun: None });
        }
        if !device.record.defend(reign) {
            let text = match device.record.holder {
                Some(holder) => format!("node {} has taken the reservation", holder.node),
                None => "somebody has removed the reservation".to_owned(),
            };
            return self.lose_device(node, resource, &text);
        }
        defender.defence.last = begun;
        let due = now + Millis(terms.interval.saturating_sub(steady.saturating_sub(begun)).max(1));
        self.later(due, Happening::Defend { node, incarnation, resource, reign, begun: None });
    }

    fn lose_device(&mut self, node: NodeId, resource: Guid, text: &str) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let incarnation = machine.incarnation;
        let Some(defender) = machine.defences.remove(&resource) else { return };
        let runs = machine.instances.get(&resource).is_some_and(|i| i.runs && i.call.is_none());
        let generation = self.state_of(node).and_then(|s| s.resources.get(&resource)).map(|r| r.generation);
        self.say(node, resource, &format!("the reservation is lost: {text}."));
        // The service first: it has to stop everything on this node.
        if defender.is_arbitrated {
            let event = Event::QuorumResourceLost { resource };
            self.later(self.now, Happening::Heard { node, incarnation, event: Box::new(event) });
        }
        if let Some(generation) = generation.filter(|_| runs) {
            self.report_soon(node, resource, generation, 1, Status::Failed(Cause::EventSignalled));
        }
    }

    /// Release, Offline, Terminate: the device is given free, and what is being fought for is given up.
    fn give_up(&mut self, node: NodeId, resource: Guid) {
        let reaches = self.reaches(node, resource);
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let contest = machine.contests.remove(&resource);
        if let Some(defender) = machine.defences.remove(&resource)
            && let Some(device) = self.devices.get_mut(&resource).filter(|_| reaches)
        {
            device.record.release(defender.defence.reign);
            self.say(node, resource, "the reservation is given up.");
        }
        for purpose in contest.map(|c| c.purposes).unwrap_or_default() {
            if let Purpose::Arbitrate(round) = purpose {
                self.report_soon(node, resource, round, 1, Status::Arbitrated { code: ABORTED });
            }
        }
    }

    /// A monitor is gone: what it defended stays reserved and is not defended any more.
    pub(super) fn monitor_gone(&mut self, node: NodeId, monitor: MonitorKey) {
        let Some(machine) = self.machines.get_mut(&node) else { return };
        let lost = machine.instances.iter().filter(|(_, i)| i.monitor == monitor && i.is_online).map(|(id, _)| *id);
        machine.lost_untold.extend(lost);
        machine.instances.retain(|_, instance| instance.monitor != monitor);
        machine.defences.retain(|_, defender| defender.monitor != monitor);
        machine.contests.retain(|_, contest| contest.monitor != monitor);
    }
}
