//! What a resource is given in `open` and keeps: its name, properties, log, registry key and failure notice.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use resapi_sys_mock::abi::{LOG_ERROR, LOG_INFORMATION, LOG_LEVEL, LOG_SEVERE, LOG_WARNING};

use crate::door::host::Bound;
use crate::door::monitor::Monitor;
use crate::{Properties, RegistryKey};

/// The surroundings of one resource. Clones are the same surroundings; usable from any thread.
#[derive(Clone, Debug)]
pub struct Context {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    type_name: &'static str,
    monitor: Monitor,
    properties: Properties,
    key: Option<RegistryKey>,
    notice: Mutex<Notice>,
    host: Option<Bound>,
}

impl Context {
    pub(crate) fn new(
        name: String,
        type_name: &'static str,
        monitor: Monitor,
        properties: Properties,
        key: Option<RegistryKey>,
        host: Option<Bound>,
    ) -> Self {
        let notice = Mutex::default();
        Self { shared: Arc::new(Shared { name, type_name, monitor, properties, key, notice, host }) }
    }

    /// Name of the resource, as it was when the resource was opened.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Name of the resource type.
    pub fn type_name(&self) -> &'static str {
        self.shared.type_name
    }

    /// The private properties.
    pub fn properties(&self) -> &Properties {
        &self.shared.properties
    }

    /// The cluster log, marked with this resource.
    pub fn log(&self) -> Log {
        Log { monitor: self.shared.monitor }
    }

    /// The key of the resource in the cluster registry, for state of its own; properties are below it in
    /// `Parameters`. `None` when the host offers no registry.
    pub fn resource_key(&self) -> Option<&RegistryKey> {
        self.shared.key.as_ref()
    }

    /// Asks for a way to report a failure at any later moment instead of being polled: `looks_alive` is then no
    /// longer called. Ask in `open` or in `online`. A notice from `open` is good for every online of the resource;
    /// one from `online` only for that one, so that a late watcher cannot fail the next.
    pub fn failure_notice(&self) -> FailureNotice {
        let mut notice = self.notice();
        notice.is_wanted = true;
        let only_for = notice.is_watching.then_some(notice.generation);
        FailureNotice { context: self.clone(), only_for }
    }

    pub(crate) fn monitor(&self) -> Monitor {
        self.shared.monitor
    }

    /// A new online begins: forget what was fired before.
    pub(crate) fn begin_watch(&self) {
        let old = {
            let mut notice = self.notice();
            notice.generation += 1;
            notice.is_watching = true;
            notice.fired = None;
            notice.event.take()
        };
        self.shared.close(old);
    }

    /// The resource leaves service: what is fired from now on is late.
    pub(crate) fn end_watch(&self) {
        self.notice().is_watching = false;
    }

    /// The event to report with Online, 0 when nobody asked for a notice or the host has no events.
    pub(crate) fn failure_event(&self) -> usize {
        let is_wanted = self.notice().is_wanted;
        let (true, Some(host)) = (is_wanted, self.shared.host) else { return 0 };
        match host.create_event() {
            Ok(event) => {
                self.notice().event = Some(event);
                event
            }
            Err(code) => {
                self.log().warning(format_args!(
                    "the host gave no event (error {code}): a failure will be seen at the next poll"
                ));
                0
            }
        }
    }

    /// The reason, when a failure was fired since the last online began.
    pub(crate) fn fired(&self) -> Option<String> {
        self.notice().fired.clone()
    }

    fn notice(&self) -> MutexGuard<'_, Notice> {
        self.shared.notice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn close(&self, event: Option<usize>) {
        if let (Some(event), Some(host)) = (event, self.host) {
            // An event that the host no longer knows needs no closing.
            let _ = host.close_event(event);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let event = self.notice.get_mut().unwrap_or_else(PoisonError::into_inner).event.take();
        self.close(event);
    }
}

/// State of the failure notice.
#[derive(Debug, Default)]
struct Notice {
    is_wanted: bool,
    /// Between the start of an online and the start of offline or terminate.
    is_watching: bool,
    /// Counts onlines.
    generation: u64,
    fired: Option<String>,
    event: Option<usize>,
}

/// Reports a failure that nobody asked about: the process died, the connection broke. Clone it into any thread.
#[derive(Clone, Debug)]
pub struct FailureNotice {
    context: Context,
    only_for: Option<u64>,
}

impl FailureNotice {
    /// The resource has failed. The monitor is woken and finds it not alive; the reason goes into the log. The first
    /// call counts; a call while the resource is not in service does nothing.
    pub fn fire(&self, reason: impl Display) {
        let event = {
            let mut notice = self.context.notice();
            let is_ours = self.only_for.is_none_or(|generation| generation == notice.generation);
            if !is_ours || !notice.is_watching || notice.fired.is_some() {
                return;
            }
            notice.fired = Some(reason.to_string());
            notice.event
        };
        self.context.log().error(format_args!("failed: {reason}"));
        if let (Some(event), Some(host)) = (event, self.context.shared.host)
            && let Err(code) = host.set_event(event)
        {
            let problem = format_args!("the host did not take the failure (error {code}): the next poll will");
            self.context.log().warning(problem);
        }
    }
}

/// The cluster log. One line is one event; it is cut at 500 characters.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    monitor: Monitor,
}

impl Log {
    /// A state changed.
    pub fn info(&self, line: impl Display) {
        self.write(LOG_INFORMATION, line);
    }

    /// Something was not as expected and was coped with.
    pub fn warning(&self, line: impl Display) {
        self.write(LOG_WARNING, line);
    }

    /// Something failed.
    pub fn error(&self, line: impl Display) {
        self.write(LOG_ERROR, line);
    }

    /// Something failed and somebody must act.
    pub fn severe(&self, line: impl Display) {
        self.write(LOG_SEVERE, line);
    }

    fn write(&self, level: LOG_LEVEL, line: impl Display) {
        self.monitor.log(level, &line.to_string());
    }
}
