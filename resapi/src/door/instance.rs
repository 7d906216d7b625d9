//! One resource: its instance of the type, its workers, and what the door adds to every type alike.
//!
//! The 300 ms rule (reference 01.3) is kept here: `Online` and `Offline` start a worker and answer 997; the worker
//! reports the end. Rules of the workers:
//!
//! 1. A worker first waits until the one before has ended, so two never work on one resource.
//! 2. `Terminate` requests the stop of the current worker, terminates, and waits for it a bounded time.
//! 3. A worker whose stop was requested reports nothing any more: the monitor has already drawn its conclusions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use resapi_sys_mock::abi::{
    CLUSTER_RESOURCE_STATE, ClusterResourceFailed, ClusterResourceOffline, ClusterResourceOfflinePending,
    ClusterResourceOnline, ClusterResourceOnlinePending, LOG_ERROR, RESOURCE_HANDLE,
};
use resapi_sys_mock::codes::win32::{ERROR_IO_PENDING, ERROR_NOT_ENOUGH_MEMORY, ERROR_SUCCESS};

use super::controls::{self, Answer};
use super::guarded;
use super::host::host;
use super::monitor::{Monitor, QuorumLost};
use crate::progress::{Request, Run};
use crate::{Context, Failure, Progress, Properties, RegistryKey, ResourceType};

/// How long `Terminate` and `Close` wait for a worker that was asked to stop.
const STOP_WAIT: Duration = Duration::from_millis(2_000);
/// How often a worker that waits for the one before looks whether it should stop itself.
const TURN_WAIT: Duration = Duration::from_millis(50);

/// What can be done with a live instance of any type.
pub(super) trait Live: Send + Sync {
    fn handle(&self) -> RESOURCE_HANDLE;
    fn online(self: Arc<Self>, request: Request) -> u32;
    fn offline(self: Arc<Self>, request: Request) -> u32;
    fn cancel(&self);
    /// The answer to this code takes long, so it is given later where the interface can do that.
    fn is_slow(&self, code: u32) -> bool;
    fn terminate(&self);
    fn looks_alive(&self) -> bool;
    fn is_alive(&self) -> bool;
    fn arbitrate(&self, lost: QuorumLost) -> u32;
    fn release(&self) -> u32;
    fn control(&self, code: u32, input: &[u8]) -> Answer;
    fn close(self: Arc<Self>);
}

/// An instance of one resource type.
pub(super) struct Instance<T: ResourceType> {
    /// `None` only while `close` takes it.
    resource: Option<T>,
    context: Context,
    handle: RESOURCE_HANDLE,
    work: Mutex<Work>,
}

/// Where the resource is, as far as the door knows.
#[derive(Default)]
struct Work {
    /// The last worker, ended or not.
    run: Option<Arc<Run>>,
    /// Anything but offline: properties that are set now take effect at the next online.
    is_in_service: bool,
}

/// Which way a worker goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Online,
    Offline,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::Offline => "Offline",
        }
    }

    const fn pending(self) -> CLUSTER_RESOURCE_STATE {
        match self {
            Self::Online => ClusterResourceOnlinePending,
            Self::Offline => ClusterResourceOfflinePending,
        }
    }
}

impl<T: ResourceType> Instance<T> {
    /// Creates the instance, offline. Failures are logged here.
    pub(super) fn open(name: String, key: usize, handle: RESOURCE_HANDLE) -> Result<Arc<dyn Live>, Failure> {
        let monitor = Monitor::of(handle);
        let host = host();
        let key = host.filter(|_| key != 0).map(|host| RegistryKey::duplicate(host, key)).transpose();
        let key = key.inspect_err(|failure| monitor.log(LOG_ERROR, &format!("Open failed: {failure}")))?;
        let properties = Properties::new(T::PROPERTIES, T::ACCEPTS_UNKNOWN_PROPERTIES, key.clone());
        let context = Context::new(name, T::NAME, monitor, properties, key, host);
        if let Err(failure) = context.properties().refresh() {
            // Not a reason to refuse the instance: it must stay possible to set the property right.
            context.log().warning(format_args!("opened with defaults: {failure}"));
        }
        let opened = guarded("Open", || T::open(context.clone())).and_then(|opened| opened);
        match opened {
            Ok(resource) => Ok(Arc::new(Self { resource: Some(resource), context, handle, work: Mutex::default() })),
            Err(failure) => {
                context.log().error(format_args!("Open failed: {failure}"));
                Err(failure)
            }
        }
    }

    fn resource(&self) -> &T {
        self.resource.as_ref().expect("only drop takes it, and nobody can call any more then")
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a method that answers with a result; logs a failure and returns its code.
    fn answer(&self, entry_point: &str, body: impl FnOnce(&T) -> Result<(), Failure>) -> u32 {
        match guarded(entry_point, || body(self.resource())).and_then(|result| result) {
            Ok(()) => ERROR_SUCCESS,
            Err(failure) => {
                self.context.log().error(format_args!("{entry_point} failed: {failure}"));
                failure.code
            }
        }
    }

    /// Starts a worker: 997, or 8 when the system gives no thread.
    fn start(self: Arc<Self>, way: Way, request: Request) -> u32 {
        let run = Arc::new(Run::default());
        let before = {
            let mut work = self.work();
            work.is_in_service = true;
            work.run.replace(Arc::clone(&run))
        };
        if let Some(before) = &before {
            before.request_end();
        }
        match way {
            Way::Online => self.context.begin_watch(),
            Way::Offline => self.context.end_watch(),
        }
        let (instance, working) = (Arc::clone(&self), Arc::clone(&run));
        let name = format!("{} {}", way.name(), self.context.name()).replace('\0', " ");
        let body = move || {
            working.begin();
            instance.carry_out(way, &working, before, request);
            // The instance goes first: should it be the last reference, `close` still belongs to the work.
            drop(instance);
            working.end();
        };
        match std::thread::Builder::new().name(name).spawn(body) {
            Ok(thread) => {
                run.keep(thread);
                ERROR_IO_PENDING
            }
            Err(error) => {
                run.end();
                self.context.log().error(format_args!("{} failed: no worker thread: {error}", way.name()));
                ERROR_NOT_ENOUGH_MEMORY
            }
        }
    }

    /// The work of a worker, from waiting for its turn to the final report.
    fn carry_out(&self, way: Way, run: &Arc<Run>, before: Option<Arc<Run>>, request: Request) {
        let progress = Progress::new(Arc::clone(run), self.context.monitor(), way.pending(), request);
        if let Some(before) = before {
            while !before.wait_for_end(TURN_WAIT) {
                if run.is_stop_requested() {
                    return;
                }
            }
        }
        let done = match way {
            Way::Online => self.go_online(&progress),
            Way::Offline => guarded("offline", || self.resource().offline(&progress)).and_then(|result| result),
        };
        if run.is_unheard() {
            self.context.log().info(format_args!("{} was given up: a stop was requested", way.name()));
            return;
        }
        let (state, event) = match (way, done) {
            (Way::Online, Ok(())) => self.came_online(),
            (Way::Offline, Ok(())) => {
                self.work().is_in_service = false;
                (ClusterResourceOffline, 0)
            }
            (_, Err(failure)) => {
                self.context.log().error(format_args!("{} failed: {failure}", way.name()));
                (ClusterResourceFailed, 0)
            }
        };
        // The answer does not matter: there is nothing left to stop.
        let _ = self.context.monitor().report(state, run.next_checkpoint(), event);
    }

    fn go_online(&self, progress: &Progress) -> Result<(), Failure> {
        let properties = self.context.properties();
        properties.refresh()?;
        properties.check_required()?;
        guarded("online", || self.resource().online(progress)).and_then(|result| result)
    }

    /// The final state of an online that went well, unless a failure was signalled meanwhile.
    fn came_online(&self) -> (CLUSTER_RESOURCE_STATE, usize) {
        // The event first: from then on a failure signals it, and an earlier one is seen below.
        let event = self.context.failure_event();
        match self.context.fired() {
            Some(_reason_is_logged) => (ClusterResourceFailed, 0),
            None => (ClusterResourceOnline, event),
        }
    }
}

impl<T: ResourceType> Live for Instance<T> {
    fn handle(&self) -> RESOURCE_HANDLE {
        self.handle
    }

    fn online(self: Arc<Self>, request: Request) -> u32 {
        self.start(Way::Online, request)
    }

    fn offline(self: Arc<Self>, request: Request) -> u32 {
        self.start(Way::Offline, request)
    }

    fn cancel(&self) {
        if let Some(run) = self.work().run.clone() {
            run.cancel();
        }
    }

    fn is_slow(&self, code: u32) -> bool {
        T::SLOW_CONTROLS.contains(&code)
    }

    fn terminate(&self) {
        let run = self.work().run.clone();
        if let Some(run) = &run {
            run.request_end();
        }
        self.context.end_watch();
        if let Err(failure) = guarded("terminate", || self.resource().terminate()) {
            self.context.log().severe(format_args!("Terminate failed: {failure}"));
        }
        if run.is_some_and(|run| !run.wait_for_end(STOP_WAIT)) {
            self.context.log().warning(
                "the resource type does not stop its Online or Offline after Terminate: make it look at Progress",
            );
        }
        self.work().is_in_service = false;
    }

    fn looks_alive(&self) -> bool {
        if self.context.fired().is_some() {
            return false;
        }
        match guarded("looks_alive", || self.resource().looks_alive()) {
            Ok(looks_alive) => looks_alive,
            Err(failure) => {
                self.context.log().error(failure);
                false
            }
        }
    }

    fn is_alive(&self) -> bool {
        if self.context.fired().is_some() {
            return false;
        }
        self.answer("IsAlive", T::is_alive) == ERROR_SUCCESS
    }

    fn arbitrate(&self, lost: QuorumLost) -> u32 {
        // Other nodes may have set the properties since this one opened the resource, which was never online here.
        let is_in_service = self.work().is_in_service;
        if let Err(failure) = if is_in_service { Ok(()) } else { self.context.properties().refresh() } {
            self.context.log().warning(format_args!("Arbitrate goes on with the former properties: {failure}"));
        }
        self.answer("Arbitrate", |resource| resource.arbitrate(lost))
    }

    fn release(&self) -> u32 {
        self.answer("Release", T::release)
    }

    fn control(&self, code: u32, input: &[u8]) -> Answer {
        let is_in_service = self.work().is_in_service;
        let own = controls::resource_control::<T>(self.context.properties(), is_in_service, code, input);
        let answer = match own {
            Some(answer) => answer,
            None => guarded("control", || self.resource().control(code, input)).and_then(controls::from_type),
        };
        answer.unwrap_or_else(|failure| {
            self.context.log().warning(format_args!("control code {} refused: {failure}", controls::name(code)));
            Answer::code(failure.code)
        })
    }

    fn close(self: Arc<Self>) {
        let needs_terminate = self.work().is_in_service;
        if needs_terminate {
            self.terminate();
        } else if let Some(run) = self.work().run.clone() {
            run.wait_for_end(STOP_WAIT);
        }
        // A worker that does not stop keeps the instance; the last reference calls `ResourceType::close`.
    }
}

impl<T: ResourceType> Drop for Instance<T> {
    fn drop(&mut self) {
        let Some(resource) = self.resource.take() else { return };
        if let Err(failure) = guarded("close", || resource.close()) {
            self.context.log().error(failure);
        }
    }
}
