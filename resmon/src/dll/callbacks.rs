//! From a library into the monitor: SetResourceStatus, LogEvent, SignalFailure, QuorumResourceLost and the rest of the
//! callback table (reference 01.4 to 01.6).
//!
//! Each of these may be called on any thread of the library at any time, with any argument. The handle is looked up first;
//! a bad one is refused and logged, and a panic of our own code ends here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use resapi_sys_mock::abi::{
    BOOL, CLRES_CALLBACK_FUNCTION_TABLE, CLUSTER_RESOURCE_APPLICATION_STATE, FAILURE_TYPE, LOG_LEVEL, LPCWSTR,
    RESOURCE_HANDLE, RESOURCE_STATUS, RESOURCE_STATUS_EX,
};
use resapi_sys_mock::codes::win32::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_SUCCESS,
};
use resapi_sys_mock::log_event;

use super::handles::{BadHandle, find_resource};
use super::{ResourceSide, complain, door, host, monitor};
use crate::output;
use crate::protocol::LogLevel;
use crate::report::{Exit, Report, Reported};

/// What the monitor gives to StartupEx. The functions that are left out belong to features that it does not have
/// (dumps, event tracing); a library finds NULL there and must not call them.
pub(crate) static CALLBACKS: CLRES_CALLBACK_FUNCTION_TABLE = CLRES_CALLBACK_FUNCTION_TABLE {
    LogEvent: Some(log_event::LOG_EVENT),
    SetResourceStatusEx: Some(set_resource_status_ex),
    SetResourceLockedMode: Some(set_resource_locked_mode),
    SignalFailure: Some(signal_failure),
    SetResourceInMemoryNodeLocalProperties: Some(set_in_memory_properties),
    EndControlCall: Some(door::end_control_call),
    EndTypeControlCall: Some(door::end_control_call),
    ExtendControlCall: Some(extend_control_call),
    ExtendTypeControlCall: Some(extend_control_call),
    RaiseResTypeNotification: Some(raise_type_notification),
    ChangeResourceProcessForDumps: None,
    ChangeResTypeProcessForDumps: None,
    SetInternalState: Some(set_internal_state),
    SetResourceLockedModeEx: Some(set_resource_locked_mode_ex),
    RequestDump: None,
    SetResourceWprPolicy: None,
    ArmWprWatchdogForCurrentResourceCall: None,
};

/// Turns the C-variadic LogEvent into [`log`]. Called once, before the first library is loaded.
pub(crate) fn prepare() {
    log_event::set_sink(log);
}

/// LogEvent, formatted already.
fn log(handle: RESOURCE_HANDLE, level: LOG_LEVEL, text: &str) {
    with_resource(handle, "LogEvent", |resource| resource.log(output::level(level), text));
}

/// SetResourceStatus of V1.
pub(crate) unsafe extern "system" fn set_resource_status(handle: RESOURCE_HANDLE, status: *mut RESOURCE_STATUS) -> u32 {
    if status.is_null() {
        return refuse_null("SetResourceStatus");
    }
    // SAFETY: not NULL; the library promised a readable RESOURCE_STATUS by calling. Unaligned, because packed C code exists.
    let status = unsafe { status.read_unaligned() };
    let report = Report { state: Reported::from_number(status.ResourceState), checkpoint: status.CheckPoint, code: 0 };
    report_status(handle, report, status.EventHandle as usize)
}

/// SetResourceStatusEx of V2 and later.
unsafe extern "system" fn set_resource_status_ex(handle: RESOURCE_HANDLE, status: *mut RESOURCE_STATUS_EX) -> u32 {
    if status.is_null() {
        return refuse_null("SetResourceStatusEx");
    }
    // SAFETY: not NULL; the library promised a readable RESOURCE_STATUS_EX by calling.
    let status = unsafe { status.read_unaligned() };
    let report = Report {
        state: Reported::from_number(status.ResourceState),
        checkpoint: status.CheckPoint,
        code: status.ApplicationSpecificErrorCode,
    };
    report_status(handle, report, status.EventHandle as usize)
}

/// The callback that Arbitrate gets.
pub(crate) unsafe extern "system" fn quorum_resource_lost(handle: RESOURCE_HANDLE) {
    with_resource(handle, "QuorumResourceLost", |resource| resource.quorum_lost());
}

unsafe extern "system" fn signal_failure(handle: RESOURCE_HANDLE, _kind: FAILURE_TYPE, code: u32) -> u32 {
    done(with_resource(handle, "SignalFailure", |resource| resource.failure_signalled(code)))
}

unsafe extern "system" fn set_resource_locked_mode(handle: RESOURCE_HANDLE, enabled: BOOL, reason: u32) -> u32 {
    lock(handle, "SetResourceLockedMode", enabled, reason)
}

unsafe extern "system" fn set_resource_locked_mode_ex(
    handle: RESOURCE_HANDLE,
    enabled: BOOL,
    reason: u32,
    // The one flag there is speaks of a queue of moves, which this cluster does not have: moves are carried out at once.
    _flags: u32,
) -> u32 {
    lock(handle, "SetResourceLockedModeEx", enabled, reason)
}

/// The Cluster service is told; that it has heard is not waited for.
fn lock(handle: RESOURCE_HANDLE, call: &str, enabled: BOOL, reason: u32) -> u32 {
    done(with_resource(handle, call, |resource| resource.locked((enabled != 0).then_some(reason))))
}

unsafe extern "system" fn set_in_memory_properties(handle: RESOURCE_HANDLE, _list: *mut u8, bytes: u32) -> u32 {
    not_served(handle, "SetResourceInMemoryNodeLocalProperties", &format!("{bytes} bytes"))
}

unsafe extern "system" fn set_internal_state(
    handle: RESOURCE_HANDLE,
    state: CLUSTER_RESOURCE_APPLICATION_STATE,
    active: BOOL,
) -> u32 {
    done(with_resource(handle, "SetInternalState", |resource| {
        resource.log(LogLevel::Information, &format!("the application inside reports state {state}, active {active}"));
    }))
}

unsafe extern "system" fn raise_type_notification(_type: LPCWSTR, _payload: *const u8, bytes: u32) -> u32 {
    complain(LogLevel::Information, &format!("RaiseResTypeNotification with {bytes} bytes is not passed on"));
    ERROR_CALL_NOT_IMPLEMENTED
}

/// Control calls have no limit of their own here but DeadlockTimeout, so there is nothing to extend.
unsafe extern "system" fn extend_control_call(_context: i64, _timeout_ms: u32) -> u32 {
    ERROR_CALL_NOT_IMPLEMENTED
}

fn report_status(handle: RESOURCE_HANDLE, report: Report, event: usize) -> u32 {
    let exit = with_resource(handle, "SetResourceStatus", |resource| {
        let watched = (event != 0 && watch(resource, handle, event)).then_some(event);
        resource.status_reported(report, watched)
    });
    match exit {
        Some(Exit::Continue) => 0,
        // To a worker of a resource that is gone the only good advice is to stop.
        Some(Exit::Terminate) | None => 1,
    }
}

/// Watches the event that a library supplied for later failures. A number that is no event of ours is told and ignored: the
/// resource is polled then.
pub(crate) fn watch(resource: &Arc<dyn ResourceSide>, handle: RESOURCE_HANDLE, event: usize) -> bool {
    match host::watch_event(event, handle) {
        Ok(()) => true,
        Err(_) => {
            let text = format!(
                "supplied the event handle {event:#x}, which is no live event of this monitor; LooksAlive is polled instead. Make events with CreateEvent of the host table and keep them open while online"
            );
            resource.complain(LogLevel::Warning, &text);
            false
        }
    }
}

/// Looks the handle up and calls `work`, behind which no panic passes.
fn with_resource<R>(handle: RESOURCE_HANDLE, call: &str, work: impl FnOnce(&Arc<dyn ResourceSide>) -> R) -> Option<R> {
    let resource = match find_resource(handle) {
        Ok(resource) => resource,
        Err(bad) => {
            refuse_handle(handle, call, bad);
            return None;
        }
    };
    match catch_unwind(AssertUnwindSafe(|| work(&resource))) {
        Ok(result) => Some(result),
        Err(_) => {
            if let Some(monitor) = monitor() {
                monitor.fatal(&format!("{call} of {} met a fault of the monitor itself", resource.dll_name()));
            }
            None
        }
    }
}

fn refuse_handle(handle: RESOURCE_HANDLE, call: &str, bad: BadHandle) {
    let which = match bad {
        BadHandle::Stale(name) => format!("belonged to {name}, which is closed"),
        BadHandle::Unknown => "was never given to anyone".into(),
    };
    complain(LogLevel::Error, &format!("{call} with the resource handle {handle:#x}, which {which}; refused"));
}

fn refuse_null(call: &str) -> u32 {
    complain(LogLevel::Error, &format!("{call} with a NULL status; refused"));
    ERROR_INVALID_PARAMETER
}

fn not_served(handle: RESOURCE_HANDLE, call: &str, what: &str) -> u32 {
    match with_resource(handle, call, |resource| {
        resource.log(LogLevel::Warning, &format!("{call} ({what}) is not served by this monitor"))
    }) {
        Some(()) => ERROR_CALL_NOT_IMPLEMENTED,
        None => ERROR_INVALID_HANDLE,
    }
}

fn done(result: Option<()>) -> u32 {
    if result.is_some() { ERROR_SUCCESS } else { ERROR_INVALID_HANDLE }
}
