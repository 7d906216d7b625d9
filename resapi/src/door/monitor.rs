//! What the monitor gave at startup: the status report, the log, and the call for a lost quorum.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use resapi_sys_mock::abi::{
    CLRES_CALLBACK_FUNCTION_TABLE, CLUSTER_RESOURCE_STATE, HANDLE, LOG_LEVEL, LOG_LINE_MAX_CHARS, PEND_CONTROL_CALL,
    PEND_TYPE_CONTROL_CALL, PLOG_EVENT_ROUTINE, PQUORUM_RESOURCE_LOST, PSET_RESOURCE_STATUS_ROUTINE,
    PSET_RESOURCE_STATUS_ROUTINE_EX, RESOURCE_HANDLE, RESOURCE_STATUS, RESOURCE_STATUS_EX, ResourceExitStateTerminate,
};
use resapi_sys_mock::wide;

/// The callbacks of the last `Startup` of this library; every monitor gives the same to each type.
static CALLBACKS: RwLock<Callbacks> = RwLock::new(Callbacks::NONE);

/// Of the two ways to report a status one is there: the first after `Startup`, the second after `StartupEx`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callbacks {
    set_status: PSET_RESOURCE_STATUS_ROUTINE,
    set_status_ex: PSET_RESOURCE_STATUS_ROUTINE_EX,
    log_event: PLOG_EVENT_ROUTINE,
    end_control: PEND_CONTROL_CALL,
    end_type_control: PEND_TYPE_CONTROL_CALL,
}

impl Callbacks {
    const NONE: Self =
        Self { set_status: None, set_status_ex: None, log_event: None, end_control: None, end_type_control: None };

    /// Those of `Startup`.
    pub(super) const fn v1(set_status: PSET_RESOURCE_STATUS_ROUTINE, log_event: PLOG_EVENT_ROUTINE) -> Self {
        Self { set_status, log_event, ..Self::NONE }
    }

    /// Those of `StartupEx`.
    pub(super) const fn of(table: &CLRES_CALLBACK_FUNCTION_TABLE) -> Self {
        Self {
            set_status: None,
            set_status_ex: table.SetResourceStatusEx,
            log_event: table.LogEvent,
            end_control: table.EndControlCall,
            end_type_control: table.EndTypeControlCall,
        }
    }

    /// The ones of the last startup.
    fn present() -> Self {
        *CALLBACKS.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the callbacks for all resources opened from now on.
    ///
    /// # Safety
    /// The monitor promises that all are NULL or have their signatures, may be called from any thread, and stay
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
        Self { handle, callbacks: Callbacks::present() }
    }

    /// Reports a state; `event` is 0 or the event of a later failure. False: the resource was terminated, stop.
    pub(crate) fn report(&self, state: CLUSTER_RESOURCE_STATE, checkpoint: u32, event: usize) -> bool {
        if let Some(set_status_ex) = self.callbacks.set_status_ex {
            let mut status = RESOURCE_STATUS_EX {
                ResourceState: state,
                CheckPoint: checkpoint,
                EventHandle: event as HANDLE,
                ..RESOURCE_STATUS_EX::default()
            };
            // SAFETY: as below.
            let exit_state = unsafe { set_status_ex(self.handle, &mut status) };
            return exit_state != ResourceExitStateTerminate as u32;
        }
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

/// A control call of which it was said that it is answered later. Good for one answer.
pub(super) struct Later {
    context: i64,
    end: PEND_CONTROL_CALL,
}

impl Later {
    /// For a resource; `None` when the monitor cannot hear an answer later.
    pub(super) fn of_resource(context: i64) -> Option<Self> {
        let end = Callbacks::present().end_control;
        end.is_some().then_some(Self { context, end })
    }

    /// For a type.
    pub(super) fn of_type(context: i64) -> Option<Self> {
        let end = Callbacks::present().end_type_control;
        end.is_some().then_some(Self { context, end })
    }

    /// The answer. The buffers of the call are the monitor's again.
    pub(super) fn end(self, code: u32) {
        if let Some(end) = self.end {
            // SAFETY: the monitor promised signature, threads and lifetime in `keep`, and the context with the call.
            unsafe { end(self.context, code) };
        }
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
