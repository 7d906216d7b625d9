//! Memory that a function hands to its caller, who gives it back with LocalFree.
//!
//! It comes from the C library's allocator, which both libraries of a process share; on Windows from LocalAlloc itself.

use core::ffi::c_void;
use core::ptr;

use crate::abi::{LPWSTR, WCHAR};
use crate::codes::win32::ERROR_NOT_ENOUGH_MEMORY;
use crate::wide;

#[cfg(windows)]
#[link(name = "kernel32", kind = "raw-dylib")]
unsafe extern "system" {
    fn LocalAlloc(flags: u32, bytes: usize) -> *mut c_void;
    fn LocalFree(block: *mut c_void) -> *mut c_void;
}

/// `LMEM_ZEROINIT`.
#[cfg(windows)]
const ZERO: u32 = 0x40;

#[cfg(not(windows))]
unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
}

/// So many bytes, uninitialized or zero; NULL when there are none. Zero bytes are a block as well.
pub fn allocate(bytes: usize, zeroed: bool) -> *mut c_void {
    let bytes = bytes.max(1);
    // SAFETY: takes any size.
    #[cfg(windows)]
    return unsafe { LocalAlloc(if zeroed { ZERO } else { 0 }, bytes) };
    // SAFETY: both functions take any size.
    #[cfg(not(windows))]
    unsafe {
        if zeroed { calloc(1, bytes) } else { malloc(bytes) }
    }
}

/// Gives a block back; NULL is fine.
///
/// # Safety
/// The block comes from [`allocate`], [`bytes`] or [`text`], and nobody uses it any more.
pub unsafe fn release(block: *mut c_void) {
    // SAFETY: the caller promised a block of this allocator, or NULL.
    #[cfg(windows)]
    unsafe {
        LocalFree(block);
    }
    // SAFETY: the caller promised a block of this allocator, or NULL.
    #[cfg(not(windows))]
    unsafe {
        free(block)
    }
}

/// A copy of some bytes.
pub fn bytes(from: &[u8]) -> Result<*mut u8, u32> {
    let block = allocate(from.len(), false).cast::<u8>();
    if block.is_null() {
        return Err(ERROR_NOT_ENOUGH_MEMORY);
    }
    // SAFETY: the block has room for `from`, and is new.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), block, from.len()) };
    Ok(block)
}

/// A copy of a text, with its NUL.
pub fn text(from: &str) -> Result<LPWSTR, u32> {
    units(&wide::units(from))
}

/// A copy of code units as they are.
pub fn units(from: &[WCHAR]) -> Result<LPWSTR, u32> {
    let block = allocate(size_of_val(from), false).cast::<WCHAR>();
    if block.is_null() {
        return Err(ERROR_NOT_ENOUGH_MEMORY);
    }
    // SAFETY: the block has room for `from`, is new, and malloc aligns for any type.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), block, from.len()) };
    Ok(block)
}
