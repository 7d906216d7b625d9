//! The functions of the table: pointers are checked here, instances looked up, panics stopped.

use core::ffi::c_void;
use std::sync::Arc;

use resapi_sys_mock::abi::{BOOL, HANDLE, HKEY, LPCWSTR, PQUORUM_RESOURCE_LOST, RESID, RESOURCE_HANDLE};
use resapi_sys_mock::codes::win32::{
    ERROR_EXCEPTION_IN_RESOURCE_CALL, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_SUCCESS,
};
use resapi_sys_mock::wide;

use super::controls::Answer;
use super::host::host;
use super::instance::{Instance, Live};
use super::monitor::QuorumLost;
use super::{controls, guarded, live};
use crate::{Request, ResourceType};

pub(super) unsafe extern "system" fn open<T: ResourceType>(name: LPCWSTR, key: HKEY, handle: RESOURCE_HANDLE) -> RESID {
    let opened = guarded("Open", || {
        // SAFETY: the monitor promises NULL or NUL-terminated UTF-16.
        let name = unsafe { wide::read(name) }.ok_or(ERROR_INVALID_PARAMETER)?;
        Instance::<T>::open(name, key as usize, handle).map(live::enter).map_err(|failure| failure.code)
    });
    let code = match opened {
        Ok(Ok(id)) => return id as RESID,
        Ok(Err(code)) => code,
        Err(panic) => panic.code,
    };
    if let Some(host) = host() {
        host.set_last_error(code);
    }
    std::ptr::null_mut()
}

/// `OpenV2`. The flags speak of monitors that were replaced, which makes no difference to a portable type.
pub(super) unsafe extern "system" fn open_v2<T: ResourceType>(
    name: LPCWSTR,
    key: HKEY,
    handle: RESOURCE_HANDLE,
    _flags: u32,
) -> RESID {
    // SAFETY: the monitor's promise, passed on.
    unsafe { open::<T>(name, key, handle) }
}

pub(super) unsafe extern "system" fn close(resource: RESID) {
    // A panic was logged where it was caught; Close has no result.
    let _ = guarded("Close", || {
        if let Some(instance) = live::leave(resource as usize) {
            instance.close();
        }
    });
}

pub(super) unsafe extern "system" fn online(resource: RESID, event: *mut HANDLE) -> u32 {
    if !event.is_null() {
        // The event, if any, comes with the final status report.
        // SAFETY: not NULL, and writable by the monitor's promise.
        unsafe { event.write(std::ptr::null_mut()) };
    }
    with(resource, "Online", |instance| instance.online(Request::default()))
}

/// `OnlineV2`: flags and a property list come along.
pub(super) unsafe extern "system" fn online_v2(
    resource: RESID,
    event: *mut HANDLE,
    flags: u32,
    parameters: *mut u8,
    parameters_size: u32,
    _reserved: u32,
) -> u32 {
    if !event.is_null() {
        // SAFETY: not NULL, and writable by the monitor's promise.
        unsafe { event.write(std::ptr::null_mut()) };
    }
    // SAFETY: the monitor promises `parameters_size` readable bytes.
    let Some(parameters) = (unsafe { bytes(parameters, parameters_size) }) else { return ERROR_INVALID_PARAMETER };
    with(resource, "Online", |instance| instance.online(Request { flags, parameters, destination: None }))
}

pub(super) unsafe extern "system" fn offline(resource: RESID) -> u32 {
    with(resource, "Offline", |instance| instance.offline(Request::default()))
}

/// `OfflineV2`: the destination, flags and a property list come along.
pub(super) unsafe extern "system" fn offline_v2(
    resource: RESID,
    destination: LPCWSTR,
    flags: u32,
    parameters: *mut u8,
    parameters_size: u32,
    _reserved: u32,
) -> u32 {
    // SAFETY: the monitor promises `parameters_size` readable bytes.
    let Some(parameters) = (unsafe { bytes(parameters, parameters_size) }) else { return ERROR_INVALID_PARAMETER };
    // SAFETY: the monitor promises NULL or NUL-terminated UTF-16.
    let destination = unsafe { wide::read(destination) }.filter(|name| !name.is_empty());
    with(resource, "Offline", |instance| instance.offline(Request { flags, parameters, destination }))
}

/// `Cancel` of version 2 and later.
pub(super) unsafe extern "system" fn cancel(resource: RESID, _flags: u32) -> u32 {
    with(resource, "Cancel", |instance| {
        instance.cancel();
        ERROR_SUCCESS
    })
}

pub(super) unsafe extern "system" fn terminate(resource: RESID) {
    with(resource, "Terminate", |instance| {
        instance.terminate();
        ERROR_SUCCESS
    });
}

pub(super) unsafe extern "system" fn looks_alive(resource: RESID) -> BOOL {
    let code = with(resource, "LooksAlive", |instance| u32::from(!instance.looks_alive()));
    BOOL::from(code == ERROR_SUCCESS)
}

pub(super) unsafe extern "system" fn is_alive(resource: RESID) -> BOOL {
    let code = with(resource, "IsAlive", |instance| u32::from(!instance.is_alive()));
    BOOL::from(code == ERROR_SUCCESS)
}

pub(super) unsafe extern "system" fn arbitrate(resource: RESID, lost: PQUORUM_RESOURCE_LOST) -> u32 {
    with(resource, "Arbitrate", |instance| {
        // SAFETY: the monitor promises that the callback may be called from any thread, any time later.
        instance.arbitrate(unsafe { QuorumLost::new(instance.handle(), lost) })
    })
}

pub(super) unsafe extern "system" fn release(resource: RESID) -> u32 {
    with(resource, "Release", |instance| instance.release())
}

pub(super) unsafe extern "system" fn resource_control(
    resource: RESID,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
) -> u32 {
    with(resource, "ResourceControl", |instance| {
        // SAFETY: the monitor promises `input_size` readable bytes, `output_size` writable ones, and a `returned`
        // that is NULL or writable.
        unsafe { exchange(input, input_size, output, output_size, returned, |input| instance.control(code, input)) }
    })
}

pub(super) unsafe extern "system" fn type_control<T: ResourceType>(
    _resource_type: LPCWSTR,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
) -> u32 {
    guarded("ResourceTypeControl", || {
        // SAFETY: as in `resource_control`.
        unsafe {
            exchange(input, input_size, output, output_size, returned, |input| controls::type_control::<T>(code, input))
        }
    })
    .unwrap_or(ERROR_EXCEPTION_IN_RESOURCE_CALL)
}

/// Calls a method of a live instance; 6 when there is none with this number.
fn with(resource: RESID, entry_point: &str, body: impl FnOnce(Arc<dyn Live>) -> u32) -> u32 {
    guarded(entry_point, || match live::find(resource as usize) {
        Some(instance) => body(instance),
        None => ERROR_INVALID_HANDLE,
    })
    .unwrap_or(ERROR_EXCEPTION_IN_RESOURCE_CALL)
}

/// Hands the input bytes to `body` and copies its output back; 234 with the size needed when it does not fit.
///
/// # Safety
/// `input` is NULL or readable for `input_size` bytes, `output` NULL or writable for `output_size` bytes,
/// `returned` NULL or writable.
unsafe fn exchange(
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
    body: impl FnOnce(&[u8]) -> Answer,
) -> u32 {
    if (input.is_null() && input_size > 0) || (output.is_null() && output_size > 0) {
        return ERROR_INVALID_PARAMETER;
    }
    // A copy: the caller may have given the same memory for input and output.
    let input = if input_size == 0 {
        Vec::new()
    } else {
        // SAFETY: not NULL, and readable for `input_size` bytes by the caller's promise.
        unsafe { std::slice::from_raw_parts(input.cast::<u8>(), input_size as usize) }.to_vec()
    };
    let answer = body(&input);
    let Ok(length) = u32::try_from(answer.output.len()) else { return ERROR_MORE_DATA };
    if !returned.is_null() {
        // SAFETY: not NULL, and writable by the caller's promise.
        unsafe { returned.write(length) };
    }
    if length > output_size {
        return ERROR_MORE_DATA;
    }
    if length > 0 {
        // SAFETY: `output` has room for `output_size` bytes, at least `length`; the answer is our own memory.
        unsafe { std::ptr::copy_nonoverlapping(answer.output.as_ptr(), output.cast::<u8>(), answer.output.len()) };
    }
    answer.code
}

/// A copy of a buffer; `None` for NULL with a length.
///
/// # Safety
/// `data` is NULL or readable for `size` bytes.
unsafe fn bytes(data: *const u8, size: u32) -> Option<Vec<u8>> {
    if size == 0 {
        return Some(Vec::new());
    }
    if data.is_null() {
        return None;
    }
    // SAFETY: not NULL, and readable for `size` bytes by the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(data, size as usize) }.to_vec())
}
