//! What the library of an instance says through its callbacks. Any thread of the library may say it, at any time.
#![forbid(unsafe_code)]

use super::Instance;
use crate::clock::{lock, now_ms};
use crate::dll::ResourceSide;
use crate::output;
use crate::protocol::{FromMonitor, LogComponent, LogLevel};
use crate::report::{Exit, Report};

impl ResourceSide for Instance {
    fn status_reported(&self, report: Report, event: Option<usize>) -> Exit {
        let mut inner = lock(&self.inner);
        if let Some(event) = event {
            inner.event = event;
            if let Some(polls) = &mut inner.polls {
                polls.event_supplied();
            }
        }
        let (exit, steps) = inner.state.status_reported(now_ms(), report);
        self.carry_out(&mut inner, steps);
        exit
    }

    fn log(&self, level: LogLevel, text: &str) {
        let (component, resource) = (LogComponent::Res, Some(self.id));
        self.monitor.outbox.push(FromMonitor::Log { level, component, resource, text: output::line(text) });
    }

    fn complain(&self, level: LogLevel, text: &str) {
        self.note(level, text);
    }

    fn failure_signalled(&self, code: u32) {
        let mut inner = lock(&self.inner);
        let steps = inner.state.failure_signalled(code);
        self.carry_out(&mut inner, steps);
    }

    fn event_signalled(&self) {
        let mut inner = lock(&self.inner);
        let steps = inner.state.event_signalled();
        self.carry_out(&mut inner, steps);
    }

    fn locked(&self, reason: Option<u32>) {
        let was_locked = std::mem::replace(&mut lock(&self.inner).is_locked, reason.is_some());
        if was_locked || reason.is_some() {
            self.monitor.outbox.push(FromMonitor::Locked { resource: self.id, reason });
        }
    }

    fn quorum_lost(&self) {
        self.device_is_lost();
        self.monitor.outbox.push(FromMonitor::QuorumResourceLost { resource: self.id });
    }

    fn dll_name(&self) -> &str {
        &self.spec.dll_name
    }
}
