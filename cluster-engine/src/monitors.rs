//! The loss of a Resource Monitor: everything in it has ended; the culprit is named and gets a monitor of its own.

use crate::call::{Cause, MonitorKey};
use crate::engine::Engine;
use crate::event::Effect;
use crate::id::Guid;
use crate::notice::{Component, Level, Subject};
use crate::state::Command;

impl Engine {
    /// A monitor of this node ended, or that part of it which hosted the resources `only`; `culprit`: the resource and the call that it hung in.
    pub(crate) fn monitor_lost(
        &mut self,
        monitor: MonitorKey,
        only: Option<&[Guid]>,
        culprit: Option<(Guid, String)>,
        text: &str,
    ) {
        let is_lost = |id: Guid| only.is_none_or(|only| only.contains(&id));
        let cause = match &culprit {
            Some((id, call)) => {
                let culprit = self.state().resource_name(*id);
                Cause::Deadlock { call: call.clone(), culprit }
            }
            None => Cause::MonitorDied { text: text.to_owned() },
        };
        if let (Some((id, call)), Some(state)) = (&culprit, &self.state) {
            let name = state.resource_name(*id);
            let text =
                format!("A call of resource '{name}' ({call}) did not return in time; its Resource Monitor is ended.");
            let is_separate = state.resources.get(id).is_none_or(|r| r.config.separate_monitor);
            let mut notice = self.notice(Level::Error, Component::Rcm, text);
            notice.event = Some(1230);
            notice.subject = Some(Subject::Resource(name));
            self.push(Effect::Notice(notice));
            if !is_separate {
                // The culprit gets a monitor of its own from now on (reference 1.7).
                let values = vec![("SeparateMonitor".to_owned(), Some(clusreg::Value::dword(1)))];
                let object = crate::state::Object::Resource(*id);
                self.requests.add(Command::SetProperties { object, values }, None, None);
            }
        }
        let mut notice = self.notice(
            Level::Critical,
            Component::Rhs,
            format!("A Resource Monitor ended and will be started again: {text}."),
        );
        notice.event = Some(1146);
        self.push(Effect::Notice(notice));
        // A device that the dead monitor defended is defended no more.
        let quorum = self.state().quorum.witness.as_ref().map(|w| w.resource);
        if let Some(resource) = quorum.filter(|r| self.executor.monitor_of(*r) == Some(monitor) && is_lost(*r)) {
            self.quorum_resource_lost(resource);
        }
        for command in self.executor.monitor_lost(monitor, is_lost, &cause, self.now) {
            self.requests.add(command, None, None);
        }
    }
}
