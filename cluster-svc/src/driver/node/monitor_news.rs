//! What monitors say, and what becomes of it.

use clusreg::{Batch, Value};
use cluster_engine::call::Status;
use cluster_engine::state::{Command, characteristics};
use cluster_engine::{Event, Guid, Level};
use resapi_sys_mock::codes::control::{
    CLUSCTL_RESOURCE_DELETE, CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT, CLUSCTL_RESOURCE_STATE_CHANGE_REASON,
};
use resmon::call_record::Interrupted;
use resmon::protocol::{FromMonitor, GuardMode, LogComponent, ToMonitor};

use super::{Node, Phase, Ticket, TypeName};
use crate::driver::convert;
use crate::driver::findings::{FindingKind, Mistake};
use crate::driver::log::LogLine;
use crate::driver::registry::{self, Work};
use crate::driver::resource_news::{Audience, News, operation_context, state_change_reason};
use crate::driver::service_codes;
use crate::driver::wine::Host;

impl Node {
    pub(super) fn monitor_says(&mut self, monitor: Host, life: u64, message: FromMonitor) {
        if !self.parts.monitors.is_current(monitor, life) {
            return;
        }
        let process_id = self.parts.monitors.process_id(monitor).unwrap_or(0);
        let line = |level, component, text| LogLine { at: self.parts.clock.now(), process_id, level, component, text };
        match message {
            FromMonitor::Hello { .. } => self.parts.log.warning("RHS", "a monitor said hello twice".into()),
            FromMonitor::LeasePing { stamp } => {
                let now = self.parts.clock.now();
                let remaining_ms = self.parts.engine.lease().map_or(0, |until| until.since(now).0);
                self.parts.monitors.send(monitor, life, ToMonitor::Lease { stamp, remaining_ms });
            }
            FromMonitor::Status { resource, generation, status } => {
                let (resource, status) = (convert::guid(resource), convert::status(status));
                self.arbitration_reported(resource, &status);
                match &status {
                    Status::Closed => self.parts.monitors.closed(resource),
                    Status::OpenFailed { code, message } => {
                        // Also when no call waits for it, and nothing of it comes into the state.
                        self.parts.log.line("RHS", format!("resource {resource} is not open ({code}): {message}"));
                        self.parts.monitors.not_opened(resource, *code, message.clone());
                    }
                    Status::Opened
                    | Status::OnlinePending { .. }
                    | Status::Online
                    | Status::OfflinePending { .. }
                    | Status::Offline
                    | Status::Failed(_)
                    | Status::Terminated
                    | Status::Arbitrated { .. }
                    | Status::Released { .. }
                    | Status::DrainAnswered { .. } => {}
                }
                let is_open = status == Status::Opened;
                self.step(Event::Resource { resource, generation, status });
                if is_open {
                    self.ask_characteristics(resource);
                }
            }
            FromMonitor::Controlled { request, code, output } => {
                if let Some((resource, bits)) = self.parts.monitors.controlled(request, code, output) {
                    self.characteristics_told(resource, bits);
                }
            }
            FromMonitor::Locked { resource, reason } => {
                let resource = convert::guid(resource);
                self.submit(Command::LockResource { resource, reason }, Ticket::Nobody);
            }
            FromMonitor::Deadlocked { resource, resource_type, dll_name, call, waited_ms } => {
                let culprit = resource.map(|resource| (convert::guid(resource), call.clone()));
                let who = culprit.as_ref().map_or_else(|| resource_type.clone(), |(id, _)| self.name_of(*id));
                let text =
                    format!("{call} of '{who}' ({dll_name}) did not return for {waited_ms} ms; ending the monitor");
                self.parts.log.error("RHS", text.clone());
                let who = culprit.as_ref().map(|(id, _)| *id);
                let mistake = self.mistake(FindingKind::Deadlock, dll_name, resource_type, who, Some(call));
                self.found(process_id, mistake, text, None);
                self.step(Event::MonitorHung { monitor: monitor.key, culprit });
            }
            FromMonitor::Log { level, component, resource, text } => {
                let (level, is_library) = (convert::level(level), component == LogComponent::Res);
                let resource = resource.map(convert::guid);
                if let Some(notice) = resource.filter(|_| is_library).and_then(|id| self.library_says(id, level, &text))
                {
                    self.parts.history.tell(notice);
                }
                let text = match resource {
                    Some(resource) => format!("<{}>: {text}", self.name_of(resource)),
                    None => text,
                };
                self.parts.log.write(line(level, convert::component(component), text));
            }
            FromMonitor::Slow { resource, call, took_ms } => {
                let who = self.name_of(convert::guid(resource));
                let text = format!("{call} of '{who}' took {took_ms} ms; it should return within 300 ms");
                self.parts.log.write(line(Level::Warning, "RHS", text.clone()));
                let resource = convert::guid(resource);
                let (resource_type, dll_name) = self.type_of(resource);
                let mistake = self.mistake(FindingKind::SlowCall, dll_name, resource_type, Some(resource), Some(call));
                self.found(process_id, mistake, text, None);
            }
            FromMonitor::Finding(found) => {
                let resource = found.resource.map(convert::guid);
                let (kind, entry) = (FindingKind::ForbiddenCall, found.entry_point);
                let mut mistake = self.mistake(kind, found.dll_name, found.resource_type, resource, entry);
                (mistake.thread, mistake.call) = (found.thread, found.call);
                let text = format!("{}: {}", found.usage, found.remedy);
                self.found(process_id, mistake, text, Some((found.mode, found.count)));
            }
            FromMonitor::Registry { request, call } => match registry::work(&self.parts.engine.state().hive, call) {
                Work::Answer(answer) => {
                    self.parts.monitors.send(monitor, life, ToMonitor::RegistryAnswer { request, answer });
                }
                Work::Write { command, created } => {
                    self.submit(command, Ticket::Registry { monitor, life, request, created });
                }
            },
            // Answers to the command line, which drives a monitor of its own.
            FromMonitor::Probed { .. } | FromMonitor::Inspected { .. } => {
                self.parts.log.warning("RHS", "a monitor answered a question that was not asked".into());
            }
            FromMonitor::QuorumResourceLost { resource } => {
                self.quorum_resource_lost(convert::guid(resource));
            }
        }
    }

    pub(super) fn monitor_ended(&mut self, monitor: Host, life: u64, text: String, interrupted: Vec<Interrupted>) {
        if self.parts.monitors.is_current(monitor, life) {
            self.arbitration_lost_with(monitor);
        }
        let Some(lost) = self.parts.monitors.ended(monitor, life) else { return };
        self.unlock(&lost.resources);
        let mut text = format!("the Resource Monitor (process {}): {text}", lost.process_id);
        let mut culprit = lost.culprit;
        for call in &interrupted {
            let resource = call.resource.map(convert::guid);
            let who = resource.map_or_else(|| call.resource_type.clone(), |id| self.name_of(id));
            text.push_str(&format!("; it was in {} of '{who}' ({})", call.call, call.dll_name));
            let (dll_name, type_name) = (call.dll_name.clone(), call.resource_type.clone());
            let mistake = self.mistake(FindingKind::Crash, dll_name, type_name, resource, Some(call.call.clone()));
            self.found(lost.process_id, mistake, text.clone(), None);
        }
        // Of several calls under way each may be to blame; then nobody is singled out.
        if let ([only], None) = (interrupted.as_slice(), &culprit) {
            culprit = only.resource.map(|resource| (convert::guid(resource), only.call.clone()));
        }
        match self.phase {
            Phase::Running | Phase::Stopping => {
                self.parts.log.warning("RHS", text.clone());
                let (monitor, resources) = (monitor.key, lost.resources);
                self.step(Event::MonitorPartLost { monitor, resources, culprit, text });
            }
            Phase::MonitorsEnding | Phase::MonitorsKilled => self.parts.log.line("RHS", text),
        }
    }

    /// Asks a library what its resource is like, once in the life of this service: the owner of the group does, and the answer
    /// is kept with the resource (reference 06.2). A library that hangs or crashes over the question is not asked again.
    pub(super) fn ask_characteristics(&mut self, resource: Guid) {
        let state = self.parts.engine.state();
        let group = state.resources.get(&resource).and_then(|resource| state.groups.get(&resource.group));
        let is_mine = group.is_some_and(|group| group.owner == self.parts.facts.node);
        if is_mine && !self.asked.contains(&resource) && self.parts.monitors.ask_characteristics(resource) {
            self.asked.insert(resource);
        }
    }

    fn characteristics_told(&mut self, resource: Guid, bits: u32) {
        let Some(found) = self.parts.engine.state().resources.get(&resource) else { return };
        if found.config.characteristics != bits {
            let key = Batch::at(format!("Resources\\{resource}"));
            let batch = key.set_value(characteristics::VALUE, Value::dword(bits));
            self.submit(Command::Registry { batch }, Ticket::Nobody);
        }
    }

    /// Locks end with the monitor that the instances were in.
    fn unlock(&mut self, resources: &[Guid]) {
        for resource in resources.iter().copied() {
            let found = self.parts.engine.state().resources.get(&resource);
            if found.is_some_and(|found| found.locked.is_some()) {
                self.submit(Command::LockResource { resource, reason: None }, Ticket::Nobody);
            }
        }
    }

    /// Tells resource libraries what has changed around them.
    pub(super) fn tell_resource_news(&mut self) {
        let (state, me) = (self.parts.engine.state(), self.parts.facts.node);
        self.asked.retain(|resource| state.resources.contains_key(resource));
        for News { to, code, input } in self.resource_news.look(state, me) {
            match to {
                Audience::Resource(resource) => self.parts.monitors.notify(resource, code, input),
                Audience::Type(name) => {
                    let mut homes = state.resources.iter().filter(|(_, r)| r.config.type_name == name);
                    let home = homes.find_map(|(id, _)| self.parts.monitors.home(*id));
                    let dll_name = state.types.get(&name.to_uppercase()).map(|found| found.config.dll_name.clone());
                    if let (Some(home), Some(dll_name)) = (home, dll_name) {
                        self.parts.monitors.notify_type(home, TypeName { name, dll_name }, code, input);
                    }
                }
            }
        }
    }

    /// A resource is about to go offline or to be terminated: why.
    pub(super) fn tell_reason(&mut self, resource: Guid) {
        if let Some(input) = operation_context(self.parts.engine.state(), resource) {
            self.parts.monitors.notify(resource, CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT, input);
        }
        let input = state_change_reason(self.parts.engine.state(), resource, self.parts.facts.node);
        self.parts.monitors.notify(resource, CLUSCTL_RESOURCE_STATE_CHANGE_REASON, input);
    }

    /// A resource that is about to be closed may have been deleted.
    pub(super) fn tell_deletion(&mut self, resource: Guid) {
        let (state, me) = (self.parts.engine.state(), self.parts.facts.node);
        if self.resource_news.is_deletion(resource, state, me) {
            self.parts.monitors.notify(resource, CLUSCTL_RESOURCE_DELETE, Vec::new());
            if let Some(command) = service_codes::forget(self.parts.engine.state(), resource) {
                // After the effects that are being carried out now.
                let ticket = self.next_ticket;
                self.next_ticket += 1;
                self.tickets.insert(ticket, Ticket::Nobody);
                self.follow_ups.push_back(Event::Client { ticket, command });
            }
        }
    }

    /// A mistake of a library, for the findings of this node.
    fn mistake(
        &self,
        kind: FindingKind,
        dll_name: String,
        resource_type: String,
        resource: Option<Guid>,
        entry_point: Option<String>,
    ) -> Mistake {
        let resource_name = resource.map(|resource| self.name_of(resource));
        let thread = "entry point".into();
        Mistake { kind, dll_name, resource_type, resource, resource_name, entry_point, thread, call: String::new() }
    }

    fn found(&self, process_id: u32, mistake: Mistake, text: String, guarded: Option<(GuardMode, u64)>) {
        let (mode, total) = guarded.map_or((String::new(), None), |(mode, count)| (mode.word().into(), Some(count)));
        self.parts.findings.tell(self.parts.clock.now(), process_id, mistake, text, mode, total);
    }

    /// The type of a resource and its library.
    fn type_of(&self, resource: Guid) -> (String, String) {
        let state = self.parts.engine.state();
        let found = state
            .resources
            .get(&resource)
            .and_then(|resource| state.types.get(&resource.config.type_name.to_uppercase()));
        found.map_or_else(Default::default, |found| (found.config.name.clone(), found.config.dll_name.clone()))
    }

    pub(super) fn name_of(&self, resource: Guid) -> String {
        let found = self.parts.engine.state().resources.get(&resource);
        found.map_or_else(|| resource.to_string(), |resource| resource.config.name.clone())
    }
}
