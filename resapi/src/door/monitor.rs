//! What the monitor gave at startup: the status report, the log, and the call for a lost quorum.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use resapi_sys_mock::abi::{
    CLUSTER_RESOURCE_STATE, HANDLE, LOG_LEVEL, LOG_LINE_MAX_CHARS, PLOG_EVENT_ROUTINE, PQUORUM_RESOURCE_LOST,
    PSET_RESOURCE_STATUS_ROUTINE, RESOURCE_HANDLE, RESOURCE_STATUS, ResourceExitStateTerminate,
};
use resapi_sys_mock::wide;

/// The callbacks of the last `Startup` of this library; every monitor gives the same to each type.
static CALLBACKS: RwLock<Callbacks> = RwLock::new(Callbacks { set_status: None, log_event: None });

#[derive(Clone, Copy, Debug)]
pub(super) struct Callbacks {
    pub(super) set_status: PSET_RESOURCE_STATUS_ROUTINE,
    pub(super) log_event: PLOG_EVENT_ROUTINE,
}

impl Callbacks {
    /// Keeps the callbacks for all resources opened from now on.
    ///
    /// # Safety
    /// The monitor promises that both are NULL or have their signatures, may be called from any thread, and stay
    /// callable as long as this library is loaded.
    pub(super) unsafe fn keep(self) {
        *CALLBACKS.write().unwrap_or_else(PoisonError::into_inner) = self;
    }
}

/// The monitor as one resource sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Monitor {
    handle: RESOURCE_HANDLE,
    callbacks: Callbacks,
}

impl Monitor {
    pub(super) fn of(handle: RESOURCE_HANDLE) -> Self {
        Self { handle, callbacks: *CALLBACKS.read().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Reports a state; `event` is 0 or the event of a later failure. False: the resource was terminated, stop.
    pub(crate) fn report(&self, state: CLUSTER_RESOURCE_STATE, checkpoint: u32, event: usize) -> bool {
        let Some(set_status) = self.callbacks.set_status else { return true };
        let mut status =
            RESOURCE_STATUS { ResourceState: state, CheckPoint: checkpoint, WaitHint: 0, EventHandle: event as HANDLE };
        // SAFETY: the monitor promised signature, threads and lifetime in `keep`, and the handle in `Open`;
        // the status is ours.
        let exit_state = unsafe { set_status(self.handle, &mut status) };
        exit_state != ResourceExitStateTerminate as u32
    }

    /// Writes one line of the cluster log.
    pub(crate) fn log(&self, level: LOG_LEVEL, line: &str) {
        if cfg!(miri) {
            // The variadic callback ends in C code, which Miri cannot run: hand the line to the test directly.
            crate::testing::observer::log(self.handle, level, line);
            return;
        }
        let Some(log_event) = self.callbacks.log_event else { return };
        let line: String = line.chars().take(LOG_LINE_MAX_CHARS).collect();
        // The line is an insert, never the format: a % in it stays a %.
        let (format, line) = (wide::units("%1"), wide::units(&line));
        // SAFETY: the monitor promised signature, threads and lifetime in `keep`; the format asks for one text,
        // and one NUL-terminated text follows.
        unsafe { log_event(self.handle, level, format.as_ptr(), line.as_ptr()) };
    }
}

/// The way to tell the cluster that a defended quorum was lost. Keep it while defending.
#[derive(Clone, Debug)]
pub struct QuorumLost {
    handle: RESOURCE_HANDLE,
    callback: PQUORUM_RESOURCE_LOST,
    is_told: Arc<AtomicBool>,
}

impl QuorumLost {
    /// # Safety
    /// The monitor promises that `callback` is NULL or may be called from any thread as long as this library is
    /// loaded.
    pub(super) unsafe fn new(handle: RESOURCE_HANDLE, callback: PQUORUM_RESOURCE_LOST) -> Self {
        Self { handle, callback, is_told: Arc::default() }
    }

    /// Another node won the quorum resource, or it broke: the Cluster service on this node stops, because it has
    /// lost quorum (reference 01.3). The first call counts.
    pub fn report(&self) {
        if self.is_told.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(callback) = self.callback {
            // SAFETY: the monitor promised signature, threads and lifetime with the call of `Arbitrate`.
            unsafe { callback(self.handle) };
        }
    }
}
