//! Unit tests for resource types, without a cluster and without loading anything.
//!
//! [`open`] makes a resource of a type as a monitor would, through the same function table that a library exports,
//! with a cluster registry in memory. Then the resource goes through its life as the test says:
//!
//! ```
//! # use resapi::{Context, Failure, Progress, ResourceType};
//! # struct Lamp;
//! # impl ResourceType for Lamp {
//! #     const NAME: &'static str = "Lamp";
//! #     fn open(_: Context) -> Result<Self, Failure> { Ok(Self) }
//! #     fn online(&self, _: &Progress) -> Result<(), Failure> { Ok(()) }
//! #     fn is_alive(&self) -> Result<(), Failure> { Ok(()) }
//! #     fn offline(&self, _: &Progress) -> Result<(), Failure> { Ok(()) }
//! #     fn terminate(&self) {}
//! # }
//! use resapi::testing::{self, Outcome};
//! let lamp = testing::open::<Lamp>("lamp 1", &[]).unwrap();
//! assert_eq!(lamp.online(), Outcome::Online);
//! assert!(lamp.is_alive());
//! assert_eq!(lamp.offline(), Outcome::Offline);
//! ```
//!
//! Every wait is bounded by [`WAIT`]. The log, the host and the callbacks belong to the process: do not mix these tests
//! with a monitor of your own in one test binary.

pub(crate) mod observer;
pub(crate) mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use resapi_sys_mock::abi::{
    CLUSTER_RESOURCE_STATE, ClusterResourceOffline, ClusterResourceOnline, LOG_LEVEL, RESOURCE_HANDLE,
};
use resapi_sys_mock::codes::win32::{ERROR_IO_PENDING, ERROR_SUCCESS};
use resapi_sys_mock::property_list::Value;

use crate::door::drive::Driven;
use crate::door::host::host;
use crate::testing::observer::Observer;
use crate::testing::store::Store;
use crate::{RegistryKey, ResourceType};

/// Longest wait for anything a resource does.
pub const WAIT: Duration = Duration::from_secs(30);

/// How an online or offline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The resource is in service.
    Online,
    /// The resource is out of service, as wanted.
    Offline,
    /// The resource failed.
    Failed,
    /// The entry point itself answered an error.
    Refused(u32),
    /// No final report came within the time.
    Silent,
}

/// A resource under test. Closed when dropped.
pub struct Resource {
    driven: Driven,
    id: usize,
    handle: RESOURCE_HANDLE,
    /// The handle that a monitor gives to `Open`, and our own to look at what was stored.
    key: usize,
    registry: Option<RegistryKey>,
    observer: Arc<Observer>,
}

static NEXT_HANDLE: AtomicIsize = AtomicIsize::new(1);

/// Starts a type up and opens a resource of it with these stored properties. An error is the one that `Startup`
/// returned or `Open` left.
pub fn open<T: ResourceType>(name: &str, properties: &[(&str, Value)]) -> Result<Resource, u32> {
    let driven = Driven::startup::<T>(&store::TABLE)?;
    let handle = NEXT_HANDLE.fetch_add(1, Ordering::Relaxed);
    let key = Store::create_resource(handle);
    let observer = Observer::new(handle);
    let registry = host().and_then(|host| RegistryKey::duplicate(host, key).ok());
    let mut resource = Resource { driven, id: 0, handle, key, registry, observer };
    for (property, value) in properties {
        resource.set(property, value.clone());
    }
    match resource.driven.open(name, key, handle) {
        Some(id) => {
            resource.id = id;
            Ok(resource)
        }
        None => Err(Store::last_error()),
    }
}

impl Resource {
    /// Calls `Online` and waits for the end.
    pub fn online(&self) -> Outcome {
        match self.start_online() {
            ERROR_IO_PENDING => self.wait(),
            ERROR_SUCCESS => Outcome::Online,
            code => Outcome::Refused(code),
        }
    }

    /// Calls `Offline` and waits for the end.
    pub fn offline(&self) -> Outcome {
        match self.start_offline() {
            ERROR_IO_PENDING => self.wait(),
            ERROR_SUCCESS => Outcome::Offline,
            code => Outcome::Refused(code),
        }
    }

    /// Calls `Online` and returns its answer, 997 as a rule; the work goes on.
    pub fn start_online(&self) -> u32 {
        self.driven.online(self.id)
    }

    /// Calls `Offline` and returns its answer, 997 as a rule; the work goes on.
    pub fn start_offline(&self) -> u32 {
        self.driven.offline(self.id)
    }

    /// Waits for the end of what was started.
    pub fn wait(&self) -> Outcome {
        self.wait_at_most(WAIT)
    }

    /// Waits for the end of what was started, at most so long.
    pub fn wait_at_most(&self, time: Duration) -> Outcome {
        match self.observer.wait_for_final(time) {
            None => Outcome::Silent,
            Some(state) if state == ClusterResourceOnline => Outcome::Online,
            Some(state) if state == ClusterResourceOffline => Outcome::Offline,
            Some(_failed_or_unknown) => Outcome::Failed,
        }
    }

    /// Waits until at least so many status reports came.
    pub fn wait_for_reports(&self, count: usize) -> bool {
        self.observer.wait_for_reports(count, WAIT)
    }

    /// Calls `Terminate`.
    pub fn terminate(&self) {
        self.driven.terminate(self.id);
    }

    /// Calls `LooksAlive`.
    pub fn looks_alive(&self) -> bool {
        self.driven.looks_alive(self.id)
    }

    /// Calls `IsAlive`.
    pub fn is_alive(&self) -> bool {
        self.driven.is_alive(self.id)
    }

    /// True when the table has `Arbitrate` and `Release`.
    pub fn is_quorum_capable(&self) -> bool {
        self.driven.is_quorum_capable()
    }

    /// Calls `Arbitrate`; 0 is a win.
    pub fn arbitrate(&self) -> u32 {
        self.driven.arbitrate(self.id)
    }

    /// Calls `Release`.
    pub fn release(&self) -> u32 {
        self.driven.release(self.id)
    }

    /// True once the resource reported that the quorum was lost.
    pub fn is_quorum_lost(&self) -> bool {
        self.observer.heard().is_quorum_lost
    }

    /// Sends a control code: the answer and its output.
    pub fn control(&self, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.driven.control(self.id, code, input)
    }

    /// Sends a control code to the type.
    pub fn type_control(&self, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.driven.type_control(code, input)
    }

    /// Waits until the resource signals a failure (see [`crate::FailureNotice`]); false when none comes.
    pub fn wait_for_failure(&self, time: Duration) -> bool {
        let event = self.observer.heard().event;
        Store::wait(event, time)
    }

    /// True when the last Online came with an event for a later failure and the resource still keeps it.
    pub fn has_failure_event(&self) -> bool {
        let event = self.observer.heard().event;
        Store::has_event(event)
    }

    /// From now on status reports are answered with "terminated", as a monitor does after a time-out.
    pub fn answer_reports_with_terminated(&self, is_terminated: bool) {
        self.observer.heard().answers_terminated = is_terminated;
    }

    /// State and checkpoint of every status report so far.
    pub fn reports(&self) -> Vec<(CLUSTER_RESOURCE_STATE, u32)> {
        self.observer.heard().reports.clone()
    }

    /// Level and text of every log line so far.
    pub fn log(&self) -> Vec<(LOG_LEVEL, String)> {
        self.observer.heard().log.clone()
    }

    /// True when a log line contains this text.
    pub fn has_logged(&self, text: &str) -> bool {
        self.observer.heard().log.iter().any(|(_, line)| line.contains(text))
    }

    /// Stores a property behind the back of the resource, unchecked.
    pub fn set(&self, name: &str, value: Value) {
        let registry = self.registry.as_ref().expect("the store in memory opens every key it made");
        let written = registry.create_key("Parameters").and_then(|key| key.set_value(name, &value));
        written.expect("the store in memory takes every value");
    }

    /// What is stored under a name.
    pub fn stored(&self, name: &str) -> Option<Value> {
        self.registry.as_ref()?.key("Parameters").ok()??.value(name).ok()?
    }

    /// The registry key of the resource.
    pub fn registry(&self) -> Option<&RegistryKey> {
        self.registry.as_ref()
    }

    /// Calls `Close`. Dropping does the same.
    pub fn close(self) {}
}

impl Drop for Resource {
    fn drop(&mut self) {
        if self.id != 0 {
            self.driven.close(self.id);
        }
        Observer::forget(self.handle);
        Store::delete_resource(self.key);
    }
}
