//! What belongs to the calling thread: its last error, and whether a call comes from inside of another one.
//!
//! `libresutils` is written on the functions of this library. What it calls for its caller is not held against the call guard
//! a second time: it says so with [`WolfdenInside`].

#[cfg(not(windows))]
use core::ffi::c_void;
use std::cell::Cell;

#[cfg(not(windows))]
use resapi_sys_mock::export::memory;
use resapi_sys_mock::guard;

thread_local! {
    #[cfg(not(windows))]
    static LAST_ERROR: Cell<u32> = const { Cell::new(0) };
    static INSIDE: Cell<i32> = const { Cell::new(0) };
}

#[cfg(windows)]
#[link(name = "kernel32", kind = "raw-dylib")]
unsafe extern "system" {
    fn SetLastError(code: u32);
}

/// Remembers an error for GetLastError; in a monitor also for the monitor, which asks when Open has returned NULL.
pub(crate) fn set_last_error(code: u32) {
    #[cfg(not(windows))]
    LAST_ERROR.set(code);
    // SAFETY: takes any number.
    #[cfg(windows)]
    unsafe {
        SetLastError(code);
    }
    if let Some(monitor) = guard::monitor() {
        monitor.set_last_error(code);
    }
}

pub(crate) fn enter(function: &'static str) -> Result<(), u32> {
    if INSIDE.get() > 0 { Ok(()) } else { guard::enter(function) }
}

/// As [`enter`], for a control function.
pub(crate) fn enter_control(function: &'static str, code: u32) -> Result<(), u32> {
    if INSIDE.get() > 0 { Ok(()) } else { guard::enter_control(function, code) }
}

pub(crate) fn leave() {}

/// `libresutils` works on behalf of its caller on this thread (`change` 1), or has done so (-1).
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "system" fn WolfdenInside(change: i32) {
    INSIDE.set(INSIDE.get().saturating_add(change));
}

/// The last error of this thread.
#[cfg(not(windows))]
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "system" fn GetLastError() -> u32 {
    LAST_ERROR.get()
}

/// Sets the last error of this thread.
#[cfg(not(windows))]
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "system" fn SetLastError(code: u32) {
    set_last_error(code);
}

/// `LMEM_ZEROINIT`.
#[cfg(not(windows))]
const ZERO: u32 = 0x40;

/// So many bytes; NULL when there are none. `LMEM_ZEROINIT` (0x40) is the only flag that means something here.
#[cfg(not(windows))]
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub extern "system" fn LocalAlloc(flags: u32, bytes: usize) -> *mut c_void {
    memory::allocate(bytes, flags & ZERO != 0)
}

/// Gives memory back that a function of the cluster API or LocalAlloc handed out. NULL is success.
///
/// # Safety
/// The caller promises that the block is one of those, given back once.
#[cfg(not(windows))]
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "system" fn LocalFree(block: *mut c_void) -> *mut c_void {
    // SAFETY: the caller's promise.
    unsafe { memory::release(block) };
    core::ptr::null_mut()
}
