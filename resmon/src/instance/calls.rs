//! The entry points of an instance, as its worker thread calls them, one job after the other.
//!
//! Each follows the same four steps: ask the state machine whether the call may begin, leave the lock, call the library under
//! the eyes of the watchdog, take the lock again and tell the state machine what came back.
#![forbid(unsafe_code)]

use std::sync::{Arc, Weak};

use resapi_sys_mock::abi::CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON;
use resapi_sys_mock::codes::control::{
    CLUSCTL_RESOURCE_CHECK_DRAIN_VETO, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, CLUSCTL_RESOURCE_STATE_CHANGE_REASON,
};
use resapi_sys_mock::codes::win32::{
    ERROR_INVALID_FUNCTION, ERROR_IO_PENDING, ERROR_NOT_ENOUGH_MEMORY, ERROR_RESMON_INVALID_STATE,
    ERROR_RESOURCE_NOT_AVAILABLE, ERROR_SUCCESS,
};

use super::{Instance, Job, Opened};
use crate::checkpoints;
use crate::clock::{lock, now_ms};
use crate::controls::{self, Target};
use crate::dll::door::Probed;
use crate::dll::provider::LoadError;
use crate::dll::{ResourceSide, callbacks, handles, host};
use crate::instance_state::{Phase, named};
use crate::monitor::{guid_of, key_of};
use crate::poller::Poll;
use crate::protocol::{FromMonitor, LogLevel, RequestId, Status};
use crate::surroundings;
use crate::watchdog::Watched;

impl Instance {
    pub(super) fn run(&self, job: Job) {
        match job {
            Job::Open(generation) => self.open(generation),
            Job::Online(generation) => self.online(generation),
            Job::Offline(generation) => self.offline(generation),
            Job::Close(generation) => self.close_instance(generation),
            Job::Arbitrate(generation) => self.arbitrate(generation),
            Job::Release(generation) => self.release(generation),
            Job::CheckDrain(generation) => {
                let (code, _) = self.control(CLUSCTL_RESOURCE_CHECK_DRAIN_VETO, &[]);
                self.tell(generation, Status::DrainAnswered { code });
            }
            Job::Control { request, code, input } => {
                let (code, output) = self.control(code, &input);
                self.monitor.outbox.push(FromMonitor::Controlled { request, code, output });
            }
            Job::Probe { request, code, input, output_bytes } => {
                let answer = self.probe(request, code, &input, output_bytes);
                self.monitor.outbox.push(answer);
            }
            Job::LooksAlive => self.poll(Poll::LooksAlive),
            Job::IsAlive => self.poll(Poll::IsAlive),
        }
    }

    fn open(&self, generation: u64) {
        if lock(&self.inner).opened.is_some() {
            return self.tell(generation, Status::Opened);
        }
        let opened = match self.try_open() {
            Ok(opened) => opened,
            Err(error) => {
                self.monitor.forget(self);
                lock(&self.inner).is_gone = true;
                return self.tell(generation, Status::OpenFailed { code: error.code, message: error.message });
            }
        };
        let mut inner = lock(&self.inner);
        inner.opened = Some(Arc::new(opened));
        let steps = inner.state.opened();
        self.carry_out(&mut inner, steps);
    }

    fn try_open(&self) -> Result<Opened, LoadError> {
        let door = self.monitor.door(&self.spec, &|call| self.watched(call))?;
        let weak: Weak<dyn ResourceSide> = self.me.clone();
        let full = |what: &str| LoadError {
            code: ERROR_NOT_ENOUGH_MEMORY,
            message: format!(
                "this monitor has too many {what} already; give some resources a monitor of their own (SeparateMonitor)"
            ),
        };
        let handle = handles::give_resource(weak).ok_or_else(|| full("resources"))?;
        let forget = || {
            host::close_keys_of(handle);
            handles::close_resource(handle, &self.blamed());
        };
        let Some(key) = host::open_root(handle, key_of(self.id)) else {
            forget();
            return Err(full("open registry keys"));
        };
        let enter = || surroundings::opening(&guid_of(self.id), || door.open(&self.name, key, handle));
        match self.timed("Open", enter) {
            Ok(resid) => Ok(Opened { door, resid, handle }),
            Err(code) => {
                forget();
                let message = format!(
                    "Open of {} answered {}; the library's lines in the cluster log may say why",
                    self.blamed(),
                    named(code)
                );
                Err(LoadError { code, message })
            }
        }
    }

    fn online(&self, generation: u64) {
        let (opened, attempt) = {
            let mut inner = lock(&self.inner);
            if !inner.state.can_begin_online() {
                // Terminate came between the queue and here; the wish was older.
                return;
            }
            match inner.state.begin_online(now_ms(), generation) {
                Ok(attempt) => {
                    inner.drop_event();
                    self.settle(&mut inner);
                    (inner.opened.clone().expect("what can be begun is open"), attempt)
                }
                Err(steps) => return self.carry_out(&mut inner, steps),
            }
        };
        self.restore_checkpoints();
        let (code, event) = self.timed("Online", || opened.door.online(&opened.resid));
        // The event before the result: from the first moment online LooksAlive is not polled, and a signal that is there
        // already counts.
        let is_accepted = code == ERROR_SUCCESS || code == ERROR_IO_PENDING;
        let side: Option<Arc<dyn ResourceSide>> = self.me.upgrade().map(|me| me as Arc<dyn ResourceSide>);
        let is_watched =
            event != 0 && is_accepted && side.is_some_and(|side| callbacks::watch(&side, opened.handle, event));
        let mut inner = lock(&self.inner);
        if is_watched {
            inner.event = event;
        }
        let steps = inner.state.returned(now_ms(), attempt, code);
        self.carry_out(&mut inner, steps);
    }

    fn offline(&self, generation: u64) {
        let (opened, attempt) = {
            let mut inner = lock(&self.inner);
            if !inner.state.can_begin_offline() {
                return;
            }
            match inner.state.begin_offline(now_ms(), generation) {
                Ok(attempt) => {
                    self.settle(&mut inner);
                    (inner.opened.clone().expect("what can be begun is open"), attempt)
                }
                Err(steps) => return self.carry_out(&mut inner, steps),
            }
        };
        let code = self.timed("Offline", || opened.door.offline(&opened.resid));
        self.take_checkpoints(true);
        let mut inner = lock(&self.inner);
        let steps = inner.state.returned(now_ms(), attempt, code);
        self.carry_out(&mut inner, steps);
    }

    fn close_instance(&self, generation: u64) {
        let opened = {
            let mut inner = lock(&self.inner);
            if inner.state.is_active() {
                let steps = inner.state.stop_for_close();
                inner.queue.push_front(Job::Close(generation));
                return self.carry_out(&mut inner, steps);
            }
            if inner.state.phase() == Phase::Terminating {
                inner.queue.push_front(Job::Close(generation));
                return;
            }
            inner.state.begin_close(generation);
            inner.drop_event();
            self.settle(&mut inner);
            inner.opened.take()
        };
        if let Some(opened) = opened {
            self.release_before_close(&opened);
            self.timed("Close", || opened.door.close(&opened.resid));
            let left_open = host::close_keys_of(opened.handle);
            handles::close_resource(opened.handle, &self.blamed());
            if left_open > 0 {
                self.note(
                    LogLevel::Warning,
                    &format!("left {left_open} registry keys open at Close; the monitor closed them"),
                );
            }
        }
        // A lock is the instance's own.
        ResourceSide::locked(self, None);
        self.monitor.forget(self);
        self.tell(generation, Status::Closed);
        lock(&self.inner).is_gone = true;
        self.monitor.instance_changed();
    }

    fn control(&self, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        let Some(opened) = lock(&self.inner).opened.clone() else { return (ERROR_RESMON_INVALID_STATE, Vec::new()) };
        if code == CLUSCTL_RESOURCE_STATE_CHANGE_REASON && !self.wants_reason(&opened) {
            return (ERROR_INVALID_FUNCTION, Vec::new());
        }
        let (result, output) = self.timed("ResourceControl", || opened.door.control(&opened.resid, code, input));
        if result != ERROR_INVALID_FUNCTION {
            return (result, output);
        }
        let target = Target { key: key_of(self.id), is_quorum_capable: opened.door.is_quorum_capable() };
        controls::default_processing(&target, code, input, &|call| self.monitor.registry.call(call))
    }

    /// Why the resource is about to go offline or to be terminated is told only to a library that says that it wants to hear
    /// it (CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON, reference 01.8), and only before it has happened.
    fn wants_reason(&self, opened: &Opened) -> bool {
        let is_over = match lock(&self.inner).state.phase() {
            Phase::NotOpen | Phase::Offline | Phase::Failed | Phase::Closed => true,
            Phase::OnlineCalled
            | Phase::OnlinePending
            | Phase::Online
            | Phase::OfflineCalled
            | Phase::OfflinePending
            | Phase::Terminating => false,
        };
        if is_over {
            return false;
        }
        let ask = || opened.door.control(&opened.resid, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[]);
        let (result, output) = self.timed("ResourceControl", ask);
        let bits = output.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        result == ERROR_SUCCESS && bits & CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON != 0
    }

    fn probe(&self, request: RequestId, code: u32, input: &[u8], output_bytes: u32) -> FromMonitor {
        let Some(opened) = lock(&self.inner).opened.clone() else {
            let (code, output) = (ERROR_RESMON_INVALID_STATE, Vec::new());
            return FromMonitor::Controlled { request, code, output };
        };
        let probe = || opened.door.probe(&opened.resid, code, input, output_bytes as usize);
        let Probed { code, returned, has_overrun, output } = self.timed("ResourceControl", probe);
        FromMonitor::Probed { request, code, returned, has_overrun, output }
    }

    fn poll(&self, poll: Poll) {
        let opened = {
            let inner = lock(&self.inner);
            match &inner.opened {
                Some(opened) if inner.state.phase() == Phase::Online => Arc::clone(opened),
                _ => return,
            }
        };
        let alive = match poll {
            Poll::LooksAlive => self.timed("LooksAlive", || opened.door.looks_alive(&opened.resid)),
            Poll::IsAlive => self.timed("IsAlive", || opened.door.is_alive(&opened.resid)),
        };
        if poll == Poll::IsAlive {
            self.take_checkpoints(false);
        }
        let mut inner = lock(&self.inner);
        if let Some(polls) = &mut inner.polls {
            polls.answered(now_ms(), poll);
        }
        let steps = match poll {
            Poll::LooksAlive => inner.state.looks_alive_answered(alive),
            Poll::IsAlive => inner.state.is_alive_answered(alive),
        };
        self.carry_out(&mut inner, steps);
    }

    /// Before Online: the registry of this node gets what the former owner had.
    fn restore_checkpoints(&self) {
        let Some(local) = self.monitor.local.get() else { return };
        let kept = match checkpoints::list(&guid_of(self.id), &|call| self.monitor.registry.call(call)) {
            Ok(kept) => kept,
            Err(problem) => return self.note(LogLevel::Warning, &format!("registry checkpoints: {problem}")),
        };
        for problem in checkpoints::restore(&kept, local) {
            self.note(LogLevel::Error, &problem);
        }
        lock(&self.inner).checkpoints = kept;
    }

    /// Takes what has changed. `all`: also of checkpoints that were added since Online.
    fn take_checkpoints(&self, all: bool) {
        let Some(local) = self.monitor.local.get() else { return };
        let ask = |call| self.monitor.registry.call(call);
        let mut kept = std::mem::take(&mut lock(&self.inner).checkpoints);
        if all {
            kept = checkpoints::list(&guid_of(self.id), &ask).unwrap_or(kept);
        }
        if kept.is_empty() {
            return;
        }
        for problem in checkpoints::take(&mut kept, local, &ask) {
            self.note(LogLevel::Warning, &problem);
        }
        lock(&self.inner).checkpoints = kept;
    }

    /// Runs one call into the library under the eyes of the watchdog.
    pub(super) fn timed<R>(&self, call: &'static str, enter: impl FnOnce() -> R) -> R {
        self.monitor.timed(self.watched(call), enter)
    }

    fn watched(&self, call: &'static str) -> Watched {
        Watched {
            resource: Some(self.id),
            resource_type: self.spec.name.clone(),
            dll_name: self.spec.dll_name.clone(),
            call,
            limit_ms: lock(&self.inner).timing.deadlock_timeout_ms,
        }
    }

    pub(super) fn code_of(&self, call: &'static str, enter: impl FnOnce(&Opened) -> u32) -> u32 {
        let opened = lock(&self.inner).opened.clone();
        opened.map_or(ERROR_RESOURCE_NOT_AVAILABLE, |opened| self.timed(call, || enter(&opened)))
    }
}
