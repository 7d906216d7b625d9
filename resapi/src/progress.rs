//! A running `online` or `offline`: reporting progress, and hearing that it should stop.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use resapi_sys_mock::abi::CLUSTER_RESOURCE_STATE;

use crate::door::monitor::Monitor;

/// What came with a call of `Online` or `Offline`; empty for a monitor that speaks version 1 (reference 01.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `CLUS_RESDLL_ONLINE_*` or `CLUS_RESDLL_OFFLINE_*`.
    pub flags: u32,
    /// A property list passed through from whoever asked for the move.
    pub parameters: Vec<u8>,
    /// Offline only: the node that the group goes to.
    pub destination: Option<String>,
}

/// Given to `online` and `offline`. Usable from any thread while the call runs.
#[derive(Debug)]
pub struct Progress {
    run: Arc<Run>,
    monitor: Monitor,
    /// OnlinePending or OfflinePending.
    pending: CLUSTER_RESOURCE_STATE,
    request: Request,
}

impl Progress {
    pub(crate) fn new(run: Arc<Run>, monitor: Monitor, pending: CLUSTER_RESOURCE_STATE, request: Request) -> Self {
        Self { run, monitor, pending, request }
    }

    /// What came with the call.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// True when `Cancel` asked for the stop: end as soon as possible, with a result that will be reported.
    pub fn is_cancelled(&self) -> bool {
        self.run.is_cancelled()
    }

    /// Tells the cluster that the work goes on; restarts PendingTimeout (3 minutes by default). `true`: go on.
    /// `false`: a stop was requested, return [`crate::Failure::stopped`].
    pub fn checkpoint(&self) -> bool {
        if self.is_stop_requested() {
            return false;
        }
        let is_welcome = self.monitor.report(self.pending, self.run.next_checkpoint(), 0);
        if !is_welcome {
            self.run.request_stop();
        }
        is_welcome && !self.is_stop_requested()
    }

    /// True once the resource was terminated, and nobody waits for the result any more, or the call was cancelled.
    pub fn is_stop_requested(&self) -> bool {
        self.run.lock().is_stop_requested
    }

    /// Sleeps, but wakes at once when a stop is requested. `true`: the whole time passed, go on. `false`: stop.
    pub fn wait(&self, time: Duration) -> bool {
        let deadline = Instant::now().checked_add(time);
        let mut state = self.run.lock();
        while !state.is_stop_requested {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return true;
            }
            state = self.run.sleep(state, left);
        }
        false
    }
}

/// One piece of work on a worker thread: stop flag, end flag, and the count of its reports.
#[derive(Debug, Default)]
pub(crate) struct Run {
    state: Mutex<RunState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct RunState {
    is_stop_requested: bool,
    is_cancelled: bool,
    is_terminated: bool,
    has_ended: bool,
    checkpoint: u32,
    thread: Option<JoinHandle<()>>,
    thread_id: Option<ThreadId>,
}

impl Run {
    /// Keeps the thread, so that whoever waits for the end can also wait for its last instruction.
    pub(crate) fn keep(&self, thread: JoinHandle<()>) {
        self.lock().thread = Some(thread);
    }

    /// First thing that the worker does.
    pub(crate) fn begin(&self) {
        self.lock().thread_id = Some(std::thread::current().id());
    }

    /// Last thing that the worker does.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    pub(crate) fn request_stop(&self) {
        self.lock().is_stop_requested = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stop_requested(&self) -> bool {
        self.lock().is_stop_requested
    }

    /// Terminated, or replaced by a newer run: what becomes of it interests nobody.
    pub(crate) fn request_end(&self) {
        self.lock().is_terminated = true;
        self.request_stop();
    }

    /// Cancel: stop, but say what came of it.
    pub(crate) fn cancel(&self) {
        self.lock().is_cancelled = true;
        self.request_stop();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.lock().is_cancelled
    }

    /// A result would interest nobody.
    pub(crate) fn is_unheard(&self) -> bool {
        let state = self.lock();
        state.is_stop_requested && (state.is_terminated || !state.is_cancelled)
    }

    pub(crate) fn next_checkpoint(&self) -> u32 {
        let mut state = self.lock();
        state.checkpoint = state.checkpoint.saturating_add(1);
        state.checkpoint
    }

    /// Waits until the worker has ended, at most for `time`. True when it has. On the worker itself, where waiting
    /// would be for ever, it answers false at once.
    pub(crate) fn wait_for_end(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = self.lock();
        if state.thread_id == Some(std::thread::current().id()) {
            return false;
        }
        while !state.has_ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.sleep(state, Some(left));
        }
        let thread = state.thread.take();
        drop(state);
        if let Some(thread) = thread {
            // The flag was its last act; its panics are caught inside.
            let _ = thread.join();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, RunState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep<'s>(&self, state: MutexGuard<'s, RunState>, time: Option<Duration>) -> MutexGuard<'s, RunState> {
        match time {
            Some(time) => self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}
