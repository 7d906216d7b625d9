//! The executor: makes true on this node what the replicated state asks of it.
//!
//! It compares the state with what it knows of the local instances and issues the calls that are missing. It decides
//! nothing: which call is due was decided when the entry was applied, on every node alike. What it adds is what only this
//! node can know: whether an instance is open, in which monitor it is, which call runs, and whether the lease allows it.
//!
//! An instance is *active* from the moment a call is issued that may start something until a final report of that call.
//! Whatever is active and not asked for by the state is terminated.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Cause, EntryPoint, MonitorKey, OpenSpec, Status};
use crate::event::Effect;
use crate::id::{Guid, NodeId};
use crate::state::{ClusterState, Command, NodeState, Resource, ResourceState};
use crate::time::{Millis, Time};

/// What is known of one instance.
#[derive(Clone, Debug)]
struct Instance {
    monitor: MonitorKey,
    spec: OpenSpec,
    open: Open,
    /// The call that the last attempt to open was for, if it was for one.
    opened_for: Option<u64>,
    /// The generation of the last call issued for the state.
    generation: u64,
    /// Something of it may be running.
    is_active: bool,
    /// Terminate was issued by this node's own decision and has not returned.
    is_ending: bool,
    /// Since when it should have ended for want of a lease.
    overdue_since: Option<Time>,
    /// The last arbitration round that Arbitrate was called for.
    round: u64,
    /// The last call that Cancel was called for.
    cancelled: u64,
    /// The last drain that it was asked about, and whether it has yet to answer.
    drain: (u64, bool),
}

/// What becomes of the wish to call Arbitrate.
pub(crate) enum Arbitration {
    /// The instance is not ready; ask again.
    Wait,
    /// Carry this out.
    Call(Box<Effect>),
    /// It cannot be opened.
    Failed { code: u32, message: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Open {
    Opening,
    Yes,
    Failed { code: u32, message: String },
    Closing,
}

/// How long an instance whose monitor was lost is not opened again unless a call asks for it; doubled each time, up to
/// [`MAX_REOPEN_DELAY`], so that a library that crashes when it is opened does not take its monitor down for ever.
pub(crate) const REOPEN_DELAY: Millis = Millis(1_000);
/// The longest such delay.
pub(crate) const MAX_REOPEN_DELAY: Millis = Millis(60_000);

/// The local instances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Executor {
    instances: BTreeMap<Guid, Instance>,
    /// Instances that went down with their monitor: not before this time, and the delay that led to it.
    held: BTreeMap<Guid, (Time, Millis)>,
    /// The last call that was answered of a resource that has no instance any more, or none yet. It is not made a second
    /// time: its answer is on its way to the state.
    answered: BTreeMap<Guid, u64>,
    /// With this state and licence nothing was missing; cleared by whatever changes an instance.
    at_rest: Option<(u64, bool, Option<Guid>)>,
}

/// What this node may do at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Licence {
    /// Its id.
    pub(crate) me: NodeId,
    /// The state shows this life of this node as up.
    pub(crate) is_member: bool,
    /// The lease holds.
    pub(crate) may_run: bool,
    /// The time.
    pub(crate) now: Time,
    /// How long Terminate may take without a lease.
    pub(crate) terminate_grace: Millis,
    /// A resource to open whether or not this node is a member: the quorum resource, to arbitrate.
    pub(crate) opens: Option<Guid>,
}

impl Executor {
    /// Issues every call that is missing. Returns reports to propose.
    pub(crate) fn settle(&mut self, state: &ClusterState, licence: Licence, out: &mut Vec<Effect>) -> Vec<Command> {
        let mut reports = Vec::new();
        // Only a lapse of the lease and a delay that is over come with time alone.
        let rest = (state.applied, licence.is_member, licence.opens);
        if self.at_rest == Some(rest) && licence.may_run && self.held.is_empty() {
            return reports;
        }
        let calls = out.len();
        let gone = |id: &Guid| !state.resources.contains_key(id);
        let unwanted: Vec<Guid> = self.instances.keys().copied().filter(gone).collect();
        unwanted.into_iter().for_each(|id| self.give_up(id, out));
        self.answered.retain(|id, _| state.resources.contains_key(id));
        for resource in state.resources.values() {
            self.settle_one(state, resource, licence, out, &mut reports);
            self.ask_about_drain(state, resource, licence, out, &mut reports);
        }
        self.kill_overdue(licence, out);
        let is_done = licence.may_run && reports.is_empty() && out.len() == calls;
        self.at_rest = is_done.then_some(rest);
        reports
    }

    /// Without a lease nothing may go on running: a monitor in which something does not end in time is killed, and all
    /// that it started dies with it.
    fn kill_overdue(&mut self, licence: Licence, out: &mut Vec<Effect>) {
        let mut killed: BTreeSet<MonitorKey> = BTreeSet::new();
        for (id, instance) in &mut self.instances {
            if licence.may_run || !(instance.is_active || instance.is_ending) {
                instance.overdue_since = None;
                continue;
            }
            let since = *instance.overdue_since.get_or_insert(licence.now);
            if licence.now.since(since) >= licence.terminate_grace {
                instance.overdue_since = Some(licence.now);
                if killed.insert(instance.monitor) {
                    let culprit = Some((*id, "Terminate".to_owned()));
                    out.push(Effect::KillMonitor { monitor: instance.monitor, culprit });
                }
            }
        }
    }

    fn settle_one(
        &mut self,
        state: &ClusterState,
        resource: &Resource,
        licence: Licence,
        out: &mut Vec<Effect>,
        reports: &mut Vec<Command>,
    ) {
        let is_possible = resource.config.possible.as_ref().is_none_or(|list| list.contains(&licence.me));
        let is_owner = state.groups.get(&resource.group).is_some_and(|g| g.owner == licence.me);
        let is_mine = is_owner && licence.is_member;
        let asked = is_mine && resource.state.has_call();
        let Some(wanted) = state.description(resource) else {
            if asked && self.is_new_call(resource) {
                self.answered.insert(resource.id, resource.generation);
                reports.push(refuse_call(resource, 5078, "its resource type is not registered any more"));
            }
            return self.give_up(resource.id, out);
        };
        if !is_possible && !is_mine {
            return self.give_up(resource.id, out);
        }
        let monitor = state.monitor_of(resource);
        let has_providers = asked && self.has_providers(resource);
        let Some(instance) = self.instances.get_mut(&resource.id) else {
            let is_held = self.held.get(&resource.id).is_some_and(|(until, _)| licence.now < *until);
            if asked || ((licence.is_member || licence.opens == Some(resource.id)) && !is_held) {
                let spec = wanted.to_spec();
                let entry = EntryPoint::Open(spec.clone());
                out.push(Effect::Call { resource: resource.id, monitor, generation: resource.generation, entry });
                let before = resource.generation.saturating_sub(1);
                let answered = self.answered.get(&resource.id).copied().unwrap_or(before);
                let instance = Instance {
                    monitor,
                    spec,
                    open: Open::Opening,
                    opened_for: asked.then_some(resource.generation),
                    generation: if asked { answered.max(before) } else { resource.generation },
                    is_active: false,
                    is_ending: false,
                    overdue_since: None,
                    round: 0,
                    cancelled: 0,
                    drain: (0, false),
                };
                self.instances.insert(resource.id, instance);
            }
            return;
        };
        let must_end = !is_mine || !licence.may_run || (!resource.state.is_active() && instance.is_active);
        if must_end {
            instance.end(resource.id, out);
            if !is_mine || !licence.may_run {
                return;
            }
        }
        let is_new = asked && resource.generation > instance.generation;
        if instance.is_active || instance.is_ending {
            if is_new {
                instance.call_active(resource, out);
            }
            let call = instance.generation;
            if resource.cancelled == call && instance.cancelled < call && !instance.is_ending {
                instance.cancelled = call;
                out.push(instance.call(resource.id, call, EntryPoint::Cancel));
            }
            if instance.spec.timing != wanted.timing && instance.open == Open::Yes {
                let entry = EntryPoint::Configure(wanted.timing);
                instance.spec.timing = wanted.timing;
                out.push(instance.call(resource.id, resource.generation, entry));
            }
            return;
        }
        // A new name is told to the library (SET_NAME, reference 01.8); that is no reason to open the instance anew.
        if instance.spec.name != wanted.name {
            wanted.name.clone_into(&mut instance.spec.name);
        }
        let is_stale = instance.monitor != monitor || !wanted.is(&instance.spec);
        match &instance.open {
            Open::Opening | Open::Closing => {}
            Open::Yes if is_stale => {
                // Another monitor or another description: close it; it is opened anew when that is done.
                instance.open = Open::Closing;
                let generation = instance.generation;
                out.push(instance.call(resource.id, generation, EntryPoint::Close));
            }
            Open::Yes if is_new => match resource.state {
                // A provider has ended here, and the state does not know yet: it will decide anew when it does.
                ResourceState::OnlineCallIssued | ResourceState::OnlinePending if !has_providers => {}
                ResourceState::OnlineCallIssued | ResourceState::OnlinePending => {
                    instance.generation = resource.generation;
                    instance.is_active = true;
                    out.push(instance.call(resource.id, resource.generation, EntryPoint::Online));
                }
                // Nothing runs here any more: what was to be ended has ended.
                ResourceState::OfflineCallIssued | ResourceState::OfflinePending => {
                    instance.generation = resource.generation;
                    reports.push(report(resource.id, resource.generation, Status::Offline));
                }
                ResourceState::Terminating => {
                    instance.generation = resource.generation;
                    reports.push(report(resource.id, resource.generation, Status::Terminated));
                }
                ResourceState::Offline
                | ResourceState::WaitingToComeOnline
                | ResourceState::Online
                | ResourceState::WaitingToGoOffline
                | ResourceState::DelayRestartingResource
                | ResourceState::Failed => {}
            },
            Open::Yes => {}
            // What was wrong when it was opened earlier may be mended: each call tries once itself.
            Open::Failed { .. } if is_new && instance.opened_for != Some(resource.generation) => {
                instance.open = Open::Opening;
                instance.opened_for = Some(resource.generation);
                instance.monitor = monitor;
                instance.spec = wanted.to_spec();
                let entry = EntryPoint::Open(instance.spec.clone());
                out.push(instance.call(resource.id, resource.generation, entry));
            }
            Open::Failed { code, message } if is_new => {
                let status = Status::Failed(Cause::NotOpen { code: *code, message: message.clone() });
                instance.generation = resource.generation;
                reports.push(report(resource.id, resource.generation, status));
            }
            Open::Failed { .. } if is_stale => {
                self.forget(resource.id);
            }
            Open::Failed { .. } => {}
        }
    }

    /// A drain of this node waits for what the resource says. What cannot be opened has no objection.
    fn ask_about_drain(
        &mut self,
        state: &ClusterState,
        resource: &Resource,
        licence: Licence,
        out: &mut Vec<Effect>,
        reports: &mut Vec<Command>,
    ) {
        let Some(group) = state.groups.get(&resource.group).filter(|g| g.owner == licence.me) else { return };
        let asks = group.drain.as_ref().filter(|asks| asks.waiting.contains(&resource.id));
        let (Some(asks), Some(instance)) = (asks, self.instances.get_mut(&resource.id)) else { return };
        if instance.drain.0 >= asks.round {
            return;
        }
        match instance.open {
            Open::Yes => {
                instance.drain = (asks.round, true);
                out.push(instance.call(resource.id, asks.round, EntryPoint::CheckDrain));
            }
            Open::Failed { .. } => {
                instance.drain = (asks.round, false);
                reports.push(no_objection(resource.id, asks.round));
            }
            Open::Opening | Open::Closing => {}
        }
    }

    /// Is there a provider of each set of which something may be running here?
    fn has_providers(&self, resource: &Resource) -> bool {
        let is_active = |id: &Guid| self.instances.get(id).is_some_and(|i| i.is_active && !i.is_ending);
        resource.config.dependencies.sets().iter().all(|set| set.iter().any(is_active))
    }

    fn is_new_call(&self, resource: &Resource) -> bool {
        let last = match self.instances.get(&resource.id) {
            Some(instance) => Some(instance.generation),
            None => self.answered.get(&resource.id).copied(),
        };
        last.is_none_or(|last| resource.generation > last)
    }

    /// The instance is not wanted here any more.
    fn give_up(&mut self, id: Guid, out: &mut Vec<Effect>) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        if instance.is_active || instance.is_ending {
            instance.end(id, out);
            return;
        }
        match instance.open {
            Open::Opening | Open::Closing => {}
            Open::Yes => {
                instance.open = Open::Closing;
                let generation = instance.generation;
                out.push(instance.call(id, generation, EntryPoint::Close));
            }
            Open::Failed { .. } => {
                self.forget(id);
            }
        }
    }

    /// The instance is gone. What it was called last is kept.
    fn forget(&mut self, id: Guid) -> Option<Instance> {
        let instance = self.instances.remove(&id)?;
        self.answered.insert(id, instance.generation);
        Some(instance)
    }

    /// A report of a monitor. Returns what to propose.
    pub(crate) fn reported(&mut self, id: Guid, generation: u64, status: Status) -> Option<Command> {
        self.at_rest = None;
        let instance = self.instances.get_mut(&id)?;
        match &status {
            Status::Opened => {
                instance.open = Open::Yes;
                self.held.remove(&id);
                return None;
            }
            Status::OpenFailed { code, message } => {
                instance.open = Open::Failed { code: *code, message: message.clone() };
                instance.is_active = false;
                return None;
            }
            Status::Closed => {
                self.forget(id);
                return None;
            }
            Status::Arbitrated { .. } | Status::Released { .. } => return None,
            Status::DrainAnswered { code } => {
                if instance.drain != (generation, true) {
                    return None;
                }
                instance.drain = (generation, false);
                return Some(Command::DrainAnswered { resource: id, round: generation, code: *code });
            }
            Status::Terminated if instance.is_ending => {
                instance.is_ending = false;
                instance.is_active = false;
                // Ended by this node's own decision. When the state asks for that too, it is told so.
                return Some(report(id, generation, Status::Terminated));
            }
            Status::Offline | Status::Failed(_) | Status::Terminated if generation == instance.generation => {
                instance.is_active = false;
                instance.is_ending = false;
            }
            Status::OnlinePending { .. }
            | Status::Online
            | Status::OfflinePending { .. }
            | Status::Offline
            | Status::Failed(_)
            | Status::Terminated => {}
        }
        Some(report(id, generation, status))
    }

    /// A monitor process ended with everything in it for which `is_lost`. Returns what to propose.
    pub(crate) fn monitor_lost(
        &mut self,
        monitor: MonitorKey,
        is_lost: impl Fn(Guid) -> bool,
        cause: &Cause,
        now: Time,
    ) -> Vec<Command> {
        self.at_rest = None;
        let is_hit = |id: Guid, instance: &Instance| instance.monitor == monitor && is_lost(id);
        let lost: Vec<Guid> = self.instances.iter().filter(|(id, i)| is_hit(**id, i)).map(|(id, _)| *id).collect();
        let mut reports = Vec::new();
        for id in lost {
            let Some(instance) = self.forget(id) else { continue };
            if instance.open == Open::Opening {
                let last = self.held.get(&id).map_or(Millis(0), |(_, delay)| *delay);
                let delay = Millis(last.0 * 2).clamp(REOPEN_DELAY, MAX_REOPEN_DELAY);
                self.held.insert(id, (now + delay, delay));
            }
            // A call that waited for the instance to be open is answered too, or it would be opened for ever.
            let waited =
                instance.opened_for.filter(|call| instance.open == Open::Opening && *call > instance.generation);
            let call = waited.or((instance.is_active || instance.is_ending).then_some(instance.generation));
            if let Some(call) = call {
                self.answered.insert(id, call);
                reports.push(report(id, call, Status::Failed(cause.clone())));
            }
            // Whoever crashes or hangs over the question is not asked it again.
            if let (round, true) = instance.drain {
                reports.push(no_objection(id, round));
            }
        }
        reports
    }

    /// Arbitrate of the quorum resource, for this round, once it is open here and nothing of it has to end first.
    pub(crate) fn arbitrate(&mut self, id: Guid, round: u64, may_run: bool) -> Arbitration {
        self.at_rest = None;
        let Some(instance) = self.instances.get_mut(&id) else { return Arbitration::Wait };
        let must_end = instance.is_ending || (instance.is_active && !may_run);
        match &instance.open {
            Open::Yes if !must_end && instance.round < round => {
                instance.round = round;
                Arbitration::Call(Box::new(instance.call(id, round, EntryPoint::Arbitrate)))
            }
            Open::Yes | Open::Opening | Open::Closing => Arbitration::Wait,
            Open::Failed { code, message } => Arbitration::Failed { code: *code, message: message.clone() },
        }
    }

    /// Release of the quorum resource. `None`: it is not open, or online here by the will of the state and keeps its device.
    pub(crate) fn release(&mut self, id: Guid, round: u64) -> Option<Effect> {
        self.at_rest = None;
        let instance = self.instances.get(&id).filter(|i| i.open == Open::Yes && !i.is_active)?;
        Some(instance.call(id, round, EntryPoint::Release))
    }

    /// The monitor that a resource is in.
    pub(crate) fn monitor_of(&self, id: Guid) -> Option<MonitorKey> {
        self.instances.get(&id).map(|i| i.monitor)
    }

    /// Ends everything that is active, by this node's own decision.
    pub(crate) fn end_all(&mut self, out: &mut Vec<Effect>) {
        self.at_rest = None;
        for (id, instance) in &mut self.instances {
            instance.end(*id, out);
        }
    }

    /// May anything be running on this node?
    pub(crate) fn is_active(&self) -> bool {
        self.instances.values().any(|i| i.is_active || i.is_ending)
    }

    /// The resources that may be running on this node.
    pub(crate) fn active(&self) -> impl Iterator<Item = Guid> + '_ {
        self.instances.iter().filter(|(_, i)| i.is_active || i.is_ending).map(|(id, _)| *id)
    }
}

impl Instance {
    fn call(&self, id: Guid, generation: u64, entry: EntryPoint) -> Effect {
        Effect::Call { resource: id, monitor: self.monitor, generation, entry }
    }

    /// Terminates it, once.
    fn end(&mut self, id: Guid, out: &mut Vec<Effect>) {
        if self.is_active && !self.is_ending {
            self.is_ending = true;
            let generation = self.generation;
            out.push(self.call(id, generation, EntryPoint::Terminate));
        }
    }

    /// A new call for an instance of which something may be running.
    fn call_active(&mut self, resource: &Resource, out: &mut Vec<Effect>) {
        match resource.state {
            ResourceState::OfflineCallIssued | ResourceState::OfflinePending if !self.is_ending => {
                self.generation = resource.generation;
                out.push(self.call(resource.id, resource.generation, EntryPoint::Offline));
            }
            ResourceState::Terminating => {
                // Also when this node is ending it already: the answer then belongs to the state's call.
                self.generation = resource.generation;
                self.is_ending = false;
                out.push(self.call(resource.id, resource.generation, EntryPoint::Terminate));
            }
            // An Online for what still runs from before: that has to end first.
            ResourceState::OnlineCallIssued | ResourceState::OnlinePending => self.end(resource.id, out),
            ResourceState::OfflineCallIssued
            | ResourceState::OfflinePending
            | ResourceState::Offline
            | ResourceState::WaitingToComeOnline
            | ResourceState::Online
            | ResourceState::WaitingToGoOffline
            | ResourceState::DelayRestartingResource
            | ResourceState::Failed => {}
        }
    }
}

fn report(resource: Guid, generation: u64, status: Status) -> Command {
    Command::Report { resource, generation, status }
}

fn no_objection(resource: Guid, round: u64) -> Command {
    Command::DrainAnswered { resource, round, code: 0 }
}

fn refuse_call(resource: &Resource, code: u32, message: &str) -> Command {
    let cause = Cause::NotOpen { code, message: message.to_owned() };
    report(resource.id, resource.generation, Status::Failed(cause))
}

/// Is this life of the node shown as a member?
pub(crate) fn is_member(state: &ClusterState, me: NodeId, incarnation: u64) -> bool {
    state.nodes.get(&me).is_some_and(|n| n.state == NodeState::Up && n.incarnation == incarnation)
}
