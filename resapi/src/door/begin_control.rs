//! Control calls of version 3 and 4: they may be answered later, from a thread of the library.
//!
//! A code that the type calls slow ([`ResourceType::SLOW_CONTROLS`]) gets a thread; its buffers belong to this library until
//! the thread has called `EndControlCall`. Every other code is answered at once, as in version 1. On behalf of whom a call
//! is made (version 4) makes no difference to a portable type: the token is not looked at.

use core::ffi::c_void;

use resapi_sys_mock::abi::{BOOL, HANDLE, LPCWSTR, RESID};
use resapi_sys_mock::codes::win32::ERROR_NOT_ENOUGH_MEMORY;

use super::entry_points::{resource_control, type_control};
use super::live;
use super::monitor::Later;
use crate::ResourceType;

/// The buffers of a call that is answered later.
struct Buffers {
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
}

// SAFETY: the monitor promises that the buffers stay valid, and are touched by nobody else, until the call has been ended.
unsafe impl Send for Buffers {}

/// Runs `answer` on a thread of its own. The result is what the entry point returns meanwhile.
fn later(
    is_later: *mut BOOL,
    buffers: Buffers,
    end: Later,
    answer: impl FnOnce(&Buffers) -> u32 + Send + 'static,
) -> u32 {
    // SAFETY: not NULL as the caller has checked, and writable by the monitor's promise. Written before the thread exists:
    // its answer may come first.
    unsafe { is_later.write(1) };
    let body = move || {
        let buffers = buffers;
        let code = answer(&buffers);
        end.end(code);
    };
    match std::thread::Builder::new().name("control".into()).spawn(body) {
        Ok(_runs_by_itself) => 0,
        Err(_) => {
            // SAFETY: as above.
            unsafe { is_later.write(0) };
            ERROR_NOT_ENOUGH_MEMORY
        }
    }
}

pub(super) unsafe extern "system" fn begin_resource_control(
    resource: RESID,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
    context: i64,
    is_later: *mut BOOL,
) -> u32 {
    let is_slow = !is_later.is_null() && live::find(resource as usize).is_some_and(|instance| instance.is_slow(code));
    if let Some(end) = is_slow.then(|| Later::of_resource(context)).flatten() {
        let buffers = Buffers { input, input_size, output, output_size, returned };
        let id = resource as usize;
        return later(is_later, buffers, end, move |to| {
            // SAFETY: the monitor's promises about the buffers hold until the call is ended; the number is looked up anew.
            unsafe {
                resource_control(id as RESID, code, to.input, to.input_size, to.output, to.output_size, to.returned)
            }
        });
    }
    // SAFETY: the monitor's promises, passed on.
    unsafe {
        at_once(is_later);
        resource_control(resource, code, input, input_size, output, output_size, returned)
    }
}

pub(super) unsafe extern "system" fn begin_type_control<T: ResourceType>(
    resource_type: LPCWSTR,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
    context: i64,
    is_later: *mut BOOL,
) -> u32 {
    let is_slow = !is_later.is_null() && T::SLOW_CONTROLS.contains(&code);
    if let Some(end) = is_slow.then(|| Later::of_type(context)).flatten() {
        let buffers = Buffers { input, input_size, output, output_size, returned };
        return later(is_later, buffers, end, move |to| {
            let no_name = std::ptr::null();
            // SAFETY: as for a resource; the name of the type is not looked at.
            unsafe { type_control::<T>(no_name, code, to.input, to.input_size, to.output, to.output_size, to.returned) }
        });
    }
    // SAFETY: the monitor's promises, passed on.
    unsafe {
        at_once(is_later);
        type_control::<T>(resource_type, code, input, input_size, output, output_size, returned)
    }
}

pub(super) unsafe extern "system" fn begin_resource_control_as_user(
    resource: RESID,
    _token: HANDLE,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
    context: i64,
    is_later: *mut BOOL,
) -> u32 {
    // SAFETY: the monitor's promises, passed on.
    unsafe {
        begin_resource_control(resource, code, input, input_size, output, output_size, returned, context, is_later)
    }
}

pub(super) unsafe extern "system" fn begin_type_control_as_user<T: ResourceType>(
    resource_type: LPCWSTR,
    _token: HANDLE,
    code: u32,
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
    context: i64,
    is_later: *mut BOOL,
) -> u32 {
    // SAFETY: the monitor's promises, passed on.
    unsafe {
        begin_type_control::<T>(
            resource_type,
            code,
            input,
            input_size,
            output,
            output_size,
            returned,
            context,
            is_later,
        )
    }
}

/// # Safety
/// `is_later` is NULL or writable.
unsafe fn at_once(is_later: *mut BOOL) {
    if !is_later.is_null() {
        // SAFETY: not NULL, and writable by the caller's promise.
        unsafe { is_later.write(0) };
    }
}
