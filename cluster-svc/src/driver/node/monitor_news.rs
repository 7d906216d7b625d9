//! What monitors say, and what becomes of it.

use cluster_engine::call::MonitorKey;
use cluster_engine::{Event, Guid, Level};
use resmon::protocol::{FromMonitor, ToMonitor};

use super::{Node, Phase, Ticket};
use crate::driver::convert;
use crate::driver::log::LogLine;
use crate::driver::registry::{self, Work};

impl Node {
    pub(super) fn monitor_says(&mut self, monitor: MonitorKey, life: u64, message: FromMonitor) {
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
                self.step(Event::Resource { resource, generation, status });
            }
            FromMonitor::Controlled { request, code, output } => {
                self.parts.monitors.controlled(request, code, output);
            }
            FromMonitor::Deadlocked { resource, resource_type, dll_name, call, waited_ms } => {
                let culprit = resource.map(|resource| (convert::guid(resource), call.clone()));
                let who = culprit.as_ref().map_or_else(|| resource_type.clone(), |(id, _)| self.name_of(*id));
                let text =
                    format!("{call} of '{who}' ({dll_name}) did not return for {waited_ms} ms; ending the monitor");
                self.parts.log.error("RHS", text);
                self.step(Event::MonitorHung { monitor, culprit });
            }
            FromMonitor::Log { level, component, resource, text } => {
                let text = match resource {
                    Some(resource) => format!("<{}>: {text}", self.name_of(convert::guid(resource))),
                    None => text,
                };
                self.parts.log.write(line(convert::level(level), convert::component(component), text));
            }
            FromMonitor::Slow { resource, call, took_ms } => {
                let who = self.name_of(convert::guid(resource));
                let text = format!("{call} of '{who}' took {took_ms} ms; it should return within 300 ms");
                self.parts.log.write(line(Level::Warning, "RHS", text));
            }
            FromMonitor::Registry { request, call } => match registry::work(&self.parts.engine.state().hive, call) {
                Work::Answer(answer) => {
                    self.parts.monitors.send(monitor, life, ToMonitor::RegistryAnswer { request, answer });
                }
                Work::Write { command, created } => {
                    self.submit(command, Ticket::Registry { monitor, life, request, created });
                }
            },
            FromMonitor::QuorumResourceLost { resource } => {
                let who = self.name_of(convert::guid(resource));
                self.parts.log.warning("QUORUM", format!("'{who}' lost the ownership of its quorum device"));
            }
        }
    }

    pub(super) fn monitor_ended(&mut self, monitor: MonitorKey, life: u64, text: String) {
        let Some(lost) = self.parts.monitors.ended(monitor, life) else { return };
        let text = format!("the Resource Monitor (process {}): {text}", lost.process_id);
        match self.phase {
            Phase::Running | Phase::Stopping => {
                self.parts.log.warning("RHS", text.clone());
                self.step(Event::MonitorLost { monitor, culprit: lost.culprit, text });
            }
            Phase::MonitorsEnding | Phase::MonitorsKilled => self.parts.log.line("RHS", text),
        }
    }

    fn name_of(&self, resource: Guid) -> String {
        let found = self.parts.engine.state().resources.get(&resource);
        found.map_or_else(|| resource.to_string(), |resource| resource.config.name.clone())
    }
}
