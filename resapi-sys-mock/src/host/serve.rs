//! The giving side: from the C functions of [`HostTable`] to a safe trait.
//!
//! This is the one door for calls that come in from resource libraries: pointers are checked here, text and
//! buffers are copied here, panics end here. An implementation of [`Host`] sees only checked Rust values.

use core::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{HOST_TABLE_VERSION, HostTable};
use crate::abi::{
    BOOL, DWORD, FILETIME, HANDLE, HKEY, LONG, LPCWSTR, LPWSTR, REG_CREATED_NEW_KEY, REG_OPENED_EXISTING_KEY, REGSAM,
};
use crate::codes::win32::{
    ERROR_INTERNAL_ERROR, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_SUCCESS,
};
use crate::wide;

use super::bound::Value;

/// A cluster registry and events, as resource libraries see them.
///
/// Keys and events are numbers that the implementation hands out and checks; 0 is never one. Errors are Win32
/// codes. Every method may be called from any thread of a library, also at the same time.
pub trait Host: Send + Sync + 'static {
    /// The one instance of this process: C functions carry no context of their own.
    fn instance() -> &'static Self;
    /// Opens `path` below `key`; an empty path is `key` itself. 2 when missing, 6 for a bad key.
    fn open_key(&self, key: usize, path: &str, access: u32) -> Result<usize, u32>;
    /// Opens `path` below `key`, creates it when missing; the flag says whether it was created.
    fn create_key(&self, key: usize, path: &str, access: u32) -> Result<(usize, bool), u32>;
    /// Closes a key.
    fn close_key(&self, key: usize) -> Result<(), u32>;
    /// Reads a value; the name `""` is the default value. 2 when missing.
    fn query_value(&self, key: usize, name: &str) -> Result<Value, u32>;
    /// Writes a value.
    fn set_value(&self, key: usize, name: &str, value: Value) -> Result<(), u32>;
    /// Deletes a value. 2 when missing.
    fn delete_value(&self, key: usize, name: &str) -> Result<(), u32>;
    /// Name and value at a position. 259 after the last one.
    fn value_at(&self, key: usize, index: u32) -> Result<(String, Value), u32>;
    /// Name and last write (100 ns since 1601) of the key at a position. 259 after the last one.
    fn key_at(&self, key: usize, index: u32) -> Result<(String, u64), u32>;
    /// Makes an event.
    fn create_event(&self, manual_reset: bool, signalled: bool) -> Result<usize, u32>;
    /// Signals an event. 6 for something that is none.
    fn set_event(&self, event: usize) -> Result<(), u32>;
    /// Closes an event.
    fn close_event(&self, event: usize) -> Result<(), u32>;
    /// Remembers the last error of the calling thread.
    fn set_last_error(&self, code: u32);
    /// The call guard: may a library make this call here? `control` is the code of a control call, otherwise 0. `Err` is
    /// what the call answers.
    fn guard_call(&self, _function: &str, _control: u32) -> Result<(), u32> {
        Ok(())
    }
    /// Names the resource that the calling thread is in; 0 for none.
    fn worker_pass(&self) -> u64 {
        0
    }
    /// The calling thread is a worker of the resource that the pass names.
    fn worker_begins(&self, _pass: u64) {}
    /// The calling thread is no worker any more.
    fn worker_ends(&self) {}
    /// Path of one of its keys from the root of the cluster registry. 6 for something that is none.
    fn key_path(&self, _key: usize) -> Result<String, u32> {
        Err(ERROR_INVALID_HANDLE)
    }
}

/// The table whose functions end in `H::instance()`. Put it into a static before handing it out.
pub const fn table<H: Host>() -> HostTable {
    HostTable {
        size: size_of::<HostTable>() as u32,
        version: HOST_TABLE_VERSION,
        ClusterRegOpenKey: Some(open_key::<H>),
        ClusterRegCreateKey: Some(create_key::<H>),
        ClusterRegCloseKey: Some(close_key::<H>),
        ClusterRegQueryValue: Some(query_value::<H>),
        ClusterRegSetValue: Some(set_value::<H>),
        ClusterRegDeleteValue: Some(delete_value::<H>),
        ClusterRegEnumValue: Some(value_at::<H>),
        ClusterRegEnumKey: Some(key_at::<H>),
        CreateEvent: Some(create_event::<H>),
        SetEvent: Some(set_event::<H>),
        CloseEvent: Some(close_event::<H>),
        SetLastError: Some(set_last_error::<H>),
        GuardCall: Some(guard_call::<H>),
        WorkerPass: Some(worker_pass::<H>),
        WorkerBegins: Some(worker_begins::<H>),
        WorkerEnds: Some(worker_ends::<H>),
        KeyPath: Some(key_path::<H>),
    }
}

/// Runs the body of one C function: an error becomes its code, a panic becomes 1359.
fn guard(body: impl FnOnce() -> Result<(), u32>) -> u32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => ERROR_SUCCESS,
        Ok(Err(code)) => code,
        Err(_panic) => ERROR_INTERNAL_ERROR,
    }
}

/// Reads a text argument; NULL is refused.
///
/// # Safety
/// As [`wide::read`].
unsafe fn text(pointer: LPCWSTR) -> Result<String, u32> {
    // SAFETY: promised by the caller of this function.
    unsafe { wide::read(pointer) }.ok_or(ERROR_INVALID_PARAMETER)
}

/// Writes through an output pointer unless it is NULL.
///
/// # Safety
/// The library promised `target` to be NULL or writable.
unsafe fn put<T>(target: *mut T, value: T) {
    if !target.is_null() {
        // SAFETY: not NULL, and writable as the library promised.
        unsafe { target.write_unaligned(value) };
    }
}

unsafe extern "system" fn open_key<H: Host>(key: HKEY, sub_key: LPCWSTR, access: REGSAM, result: *mut HKEY) -> LONG {
    guard(|| {
        if result.is_null() {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // SAFETY: the library promised NUL-terminated text or NULL.
        let path = unsafe { text(sub_key) }?;
        let opened = H::instance().open_key(key as usize, &path, access)?;
        // SAFETY: checked for NULL above, writable by the library's promise.
        unsafe { put(result, opened as HKEY) };
        Ok(())
    }) as LONG
}

unsafe extern "system" fn create_key<H: Host>(
    key: HKEY,
    sub_key: LPCWSTR,
    options: DWORD,
    access: REGSAM,
    _security: *mut c_void,
    result: *mut HKEY,
    disposition: *mut DWORD,
) -> LONG {
    guard(|| {
        if result.is_null() || options != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // SAFETY: the library promised NUL-terminated text or NULL.
        let path = unsafe { text(sub_key) }?;
        let (opened, is_new) = H::instance().create_key(key as usize, &path, access)?;
        // SAFETY: `result` was checked, `disposition` may be NULL; both writable by the library's promise.
        unsafe {
            put(result, opened as HKEY);
            put(disposition, if is_new { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY });
        }
        Ok(())
    }) as LONG
}

unsafe extern "system" fn close_key<H: Host>(key: HKEY) -> LONG {
    guard(|| H::instance().close_key(key as usize)) as LONG
}

unsafe extern "system" fn query_value<H: Host>(
    key: HKEY,
    name: LPCWSTR,
    kind: *mut DWORD,
    data: *mut u8,
    size: *mut DWORD,
) -> LONG {
    guard(|| {
        // SAFETY: the library promised NUL-terminated text or NULL, which names the default value.
        let name = unsafe { wide::read(name) }.unwrap_or_default();
        let value = H::instance().query_value(key as usize, &name)?;
        // SAFETY: the pointers are NULL or writable, `data` for `*size` bytes, by the library's promise.
        unsafe { put_value(&value, kind, data, size) }
    }) as LONG
}

unsafe extern "system" fn set_value<H: Host>(
    key: HKEY,
    name: LPCWSTR,
    kind: DWORD,
    data: *const u8,
    size: DWORD,
) -> DWORD {
    guard(|| {
        if data.is_null() && size > 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // SAFETY: the library promised NUL-terminated text or NULL, which names the default value.
        let name = unsafe { wide::read(name) }.unwrap_or_default();
        let data = if size == 0 {
            Vec::new()
        } else {
            // SAFETY: not NULL, and `size` bytes long by the library's promise.
            unsafe { std::slice::from_raw_parts(data, size as usize) }.to_vec()
        };
        H::instance().set_value(key as usize, &name, Value { kind, data })
    })
}

unsafe extern "system" fn delete_value<H: Host>(key: HKEY, name: LPCWSTR) -> DWORD {
    guard(|| {
        // SAFETY: the library promised NUL-terminated text or NULL, which names the default value.
        let name = unsafe { wide::read(name) }.unwrap_or_default();
        H::instance().delete_value(key as usize, &name)
    })
}

unsafe extern "system" fn value_at<H: Host>(
    key: HKEY,
    index: DWORD,
    name: LPWSTR,
    name_units: *mut DWORD,
    kind: *mut DWORD,
    data: *mut u8,
    size: *mut DWORD,
) -> DWORD {
    guard(|| {
        let (found, value) = H::instance().value_at(key as usize, index)?;
        // SAFETY: the pointers are NULL or writable for the sizes beside them, by the library's promise.
        unsafe {
            put_name(&found, name, name_units)?;
            put_value(&value, kind, data, size)
        }
    })
}

unsafe extern "system" fn key_at<H: Host>(
    key: HKEY,
    index: DWORD,
    name: LPWSTR,
    name_units: *mut DWORD,
    last_write: *mut FILETIME,
) -> LONG {
    guard(|| {
        let (found, written) = H::instance().key_at(key as usize, index)?;
        let written = FILETIME { dwLowDateTime: written as u32, dwHighDateTime: (written >> 32) as u32 };
        // SAFETY: the pointers are NULL or writable for the sizes beside them, by the library's promise.
        unsafe {
            put_name(&found, name, name_units)?;
            put(last_write, written);
        }
        Ok(())
    }) as LONG
}

unsafe extern "system" fn create_event<H: Host>(
    _security: *mut c_void,
    manual_reset: BOOL,
    initial_state: BOOL,
    _name: LPCWSTR,
) -> HANDLE {
    let mut event = 0;
    let code = guard(|| {
        event = H::instance().create_event(manual_reset != 0, initial_state != 0)?;
        Ok(())
    });
    last_error::<H>(code);
    event as HANDLE
}

unsafe extern "system" fn set_event<H: Host>(event: HANDLE) -> BOOL {
    let code = guard(|| H::instance().set_event(event as usize));
    last_error::<H>(code);
    BOOL::from(code == ERROR_SUCCESS)
}

unsafe extern "system" fn close_event<H: Host>(event: HANDLE) -> BOOL {
    let code = guard(|| H::instance().close_event(event as usize));
    last_error::<H>(code);
    BOOL::from(code == ERROR_SUCCESS)
}

unsafe extern "system" fn set_last_error<H: Host>(code: DWORD) {
    guard(|| {
        H::instance().set_last_error(code);
        Ok(())
    });
}

/// Leaves the reason of a failure where a caller that got only NULL or FALSE finds it.
fn last_error<H: Host>(code: u32) {
    if code != ERROR_SUCCESS {
        guard(|| {
            H::instance().set_last_error(code);
            Ok(())
        });
    }
}

/// Copies a name with its NUL. `units` is the room on entry, the length without the NUL on return.
///
/// # Safety
/// `units` is NULL or readable and writable; `name` has room for `*units` units.
unsafe fn put_name(found: &str, name: LPWSTR, units: *mut DWORD) -> Result<(), u32> {
    if name.is_null() || units.is_null() {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let text = wide::units(found);
    // SAFETY: not NULL; readable and writable by the caller's promise.
    let room = unsafe { units.read_unaligned() };
    // SAFETY: as above.
    unsafe { units.write_unaligned(text.len() as u32 - 1) };
    if (room as usize) < text.len() {
        return Err(ERROR_MORE_DATA);
    }
    // SAFETY: `name` has room for `room` units, and `text` is not longer.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), name, text.len()) };
    Ok(())
}

/// Copies a value. Without a buffer only type and size are told; a short buffer is 234 with the size needed.
///
/// # Safety
/// Each pointer is NULL or writable; `data` has room for `*size` bytes.
unsafe fn put_value(value: &Value, kind: *mut DWORD, data: *mut u8, size: *mut DWORD) -> Result<(), u32> {
    let length = u32::try_from(value.data.len()).map_err(|_| ERROR_INTERNAL_ERROR)?;
    // SAFETY: NULL or writable by the caller's promise.
    unsafe { put(kind, value.kind) };
    if size.is_null() {
        return if data.is_null() { Ok(()) } else { Err(ERROR_INVALID_PARAMETER) };
    }
    // SAFETY: not NULL; readable and writable by the caller's promise.
    let room = unsafe { size.read_unaligned() };
    // SAFETY: as above.
    unsafe { put(size, length) };
    if data.is_null() {
        return Ok(());
    }
    if room < length {
        return Err(ERROR_MORE_DATA);
    }
    // SAFETY: `data` has room for `room` bytes by the caller's promise, and the value is not longer.
    unsafe { std::ptr::copy_nonoverlapping(value.data.as_ptr(), data, value.data.len()) };
    Ok(())
}

unsafe extern "system" fn guard_call<H: Host>(function: LPCWSTR, control: DWORD) -> DWORD {
    guard(|| {
        // SAFETY: the library promised NUL-terminated text or NULL.
        let function = unsafe { text(function) }?;
        H::instance().guard_call(&function, control)
    })
}

unsafe extern "system" fn worker_pass<H: Host>() -> u64 {
    catch_unwind(AssertUnwindSafe(|| H::instance().worker_pass())).unwrap_or(0)
}

unsafe extern "system" fn worker_begins<H: Host>(pass: u64) {
    // A worker that is not known as one is taken for another thread: nothing is lost but a word.
    let _ = catch_unwind(AssertUnwindSafe(|| H::instance().worker_begins(pass)));
}

unsafe extern "system" fn worker_ends<H: Host>() {
    let _ = catch_unwind(AssertUnwindSafe(|| H::instance().worker_ends()));
}

unsafe extern "system" fn key_path<H: Host>(key: HKEY, path: LPWSTR, units: *mut DWORD) -> LONG {
    guard(|| {
        let found = H::instance().key_path(key as usize)?;
        // SAFETY: the library promised a buffer of `*units` characters, or NULL.
        unsafe { put_name(&found, path, units) }
    }) as LONG
}
