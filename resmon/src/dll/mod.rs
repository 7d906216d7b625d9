//! The border to resource libraries: the only place of the monitor with `unsafe` code.
//!
//! A resource library is foreign code that was written against the C interface of `resapi.h`. There is one door in each
//! direction. From the monitor into a library it is [`door`], over a library that [`library`] has loaded and [`provider`]
//! has started. From a library into the monitor it is [`callbacks`] (status, log, failure) and [`host`] (cluster registry,
//! events); both believe nothing that a library hands them before [`handles`] has found it alive.
//!
//! A fault of foreign code (a wild pointer, an abort) ends this process, by design: that is why a monitor is a process of
//! its own (reference 01.1). What a library does wrong *within* the interface is refused and logged with its name.
#![allow(unsafe_code)]

use std::sync::{Arc, OnceLock};

use crate::protocol::{Finding, LogLevel, Refusal, RegistryAnswer, RegistryCall, ResourceId};
use crate::report::{Exit, Report};

pub(crate) mod callbacks;
pub(crate) mod door;
pub(crate) mod environment;
pub(crate) mod handles;
pub(crate) mod host;
pub(crate) mod inspect;
pub(crate) mod library;
pub(crate) mod provider;
#[cfg(windows)]
pub(crate) mod windows;
#[cfg(windows)]
pub(crate) mod windows_service;

/// A resource, as the callbacks of its library reach it. All methods return at once and may be called on any thread.
pub(crate) trait ResourceSide: Send + Sync {
    /// SetResourceStatus. `event`: the library supplied this event, which is one of ours and is watched now.
    fn status_reported(&self, report: Report, event: Option<usize>) -> Exit;
    /// LogEvent.
    fn log(&self, level: LogLevel, text: &str);
    /// The monitor's own words about what the library did with this resource.
    fn complain(&self, level: LogLevel, text: &str);
    /// SignalFailure.
    fn failure_signalled(&self, code: u32);
    /// The event handle that the resource gave was signalled.
    fn event_signalled(&self);
    /// SetResourceLockedMode: locked for this reason, or unlocked.
    fn locked(&self, reason: Option<u32>);
    /// The library lost the quorum resource that it defended.
    fn quorum_lost(&self);
    /// Which library this resource lives in, for complaints.
    fn dll_name(&self) -> &str;
}

/// The monitor as a whole, as libraries reach it.
pub(crate) trait MonitorSide: Send + Sync {
    /// A call on the cluster registry; waits for the answer.
    fn registry(&self, call: RegistryCall) -> Result<RegistryAnswer, Refusal>;
    /// A line for the cluster log that belongs to no resource.
    fn complain(&self, level: LogLevel, text: &str);
    /// The same about a resource, if it is known.
    fn complain_of(&self, resource: Option<ResourceId>, level: LogLevel, text: &str);
    /// The call guard found something.
    fn found(&self, finding: Finding);
    /// Our own code panicked while a library called it: the monitor must end.
    fn fatal(&self, text: &str);
}

static MONITOR: OnceLock<Arc<dyn MonitorSide>> = OnceLock::new();

/// Says who answers the calls of libraries, once per process: C functions carry no context. `false`: said before.
pub(crate) fn bind(monitor: Arc<dyn MonitorSide>) -> bool {
    MONITOR.set(monitor).is_ok()
}

/// Who answers; `None` before [`bind`].
pub(crate) fn monitor() -> Option<&'static Arc<dyn MonitorSide>> {
    MONITOR.get()
}

/// An entry point has returned: where the system can say so, damage that it did to the memory of the process is found now, while it
/// is known who did it.
pub(crate) fn look_after(call: &str) {
    #[cfg(windows)]
    if matches!(call, "Startup" | "Open" | "Online" | "Offline" | "Terminate" | "Close") {
        windows::end_on_damaged_heap(call);
    }
    // The C library of other systems ends the process by itself when it meets damage.
    #[cfg(not(windows))]
    let _ = call;
}

/// Complains about the library that the calling thread is in, if that is known, else about one of those that are loaded.
fn complain(level: LogLevel, text: &str) {
    if let Some(monitor) = monitor() {
        monitor.complain(level, &format!("{}: {text}", door::calling_dll()));
    }
}
