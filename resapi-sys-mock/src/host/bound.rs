//! The taking side: safe calls through a [`HostTable`].
//!
//! A [`Bound`] is made once, when the table arrives. Its methods convert text and buffers and turn a missing
//! function into 120 (not implemented), so that a library works with a host that offers less.

use super::{HOST_TABLE_V1_BYTES, HostTable};
use crate::abi::{HANDLE, HKEY};
use crate::codes::win32::{
    ERROR_CALL_NOT_IMPLEMENTED, ERROR_GEN_FAILURE, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_NOT_ENOUGH_MEMORY,
    ERROR_REVISION_MISMATCH, ERROR_SUCCESS,
};
use crate::wide;

/// Type and bytes of a registry value, as stored: text is UTF-16LE with its NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// `REG_*`.
    pub kind: u32,
    /// The bytes.
    pub data: Vec<u8>,
}

/// Largest value read, in bytes; a longer one is refused with 8.
const VALUE_MAX_BYTES: u32 = 16 * 1024 * 1024;
/// Longest name read, in UTF-16 units with the NUL: value names have 16383 at most.
const NAME_MAX_UNITS: usize = 16 * 1024;
/// How often a read is tried again because the value grew in between.
const READ_TRIES: usize = 8;

/// A host's functions, checked once and safe to call from any thread.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    table: HostTable,
}

impl Bound {
    /// Takes the functions out of a table. 87 for NULL or a table shorter than any version, 1306 for version 0. What an
    /// older and shorter table lacks counts as a missing function.
    ///
    /// # Safety
    /// The host promises that `table` is NULL or points to a table of `size` bytes whose functions have the
    /// signatures of [`HostTable`], may be called from any thread, check the handles they are given, and stay
    /// callable as long as this library is loaded.
    pub unsafe fn new(table: *const HostTable) -> Result<Self, u32> {
        if table.is_null() {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // SAFETY: not NULL; size and version are the first eight bytes of every table.
        let (size, version) = unsafe { ((*table).size, (*table).version) };
        if version == 0 {
            return Err(ERROR_REVISION_MISMATCH);
        }
        if (size as usize) < HOST_TABLE_V1_BYTES {
            return Err(ERROR_INVALID_PARAMETER);
        }
        let mut known = HostTable::EMPTY;
        // Whole functions only.
        let bytes = (size as usize).min(size_of::<HostTable>()) / size_of::<usize>() * size_of::<usize>();
        // SAFETY: the host promised `size` bytes; versions only append, so the first bytes mean the same in all of them, and
        // a function pointer that is not there stays NULL.
        unsafe { std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut known).cast::<u8>(), bytes) };
        Ok(Self { table: known })
    }

    /// Opens a key below another.
    pub fn open_key(&self, key: usize, path: &str, access: u32) -> Result<usize, u32> {
        let function = self.table.ClusterRegOpenKey.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let path = wide::units(path);
        let mut opened: HKEY = std::ptr::null_mut();
        // SAFETY: signature and thread safety by the promise of `new`; text is NUL-terminated, `opened` is ours.
        check(unsafe { function(key as HKEY, path.as_ptr(), access, &mut opened) } as u32)?;
        Ok(opened as usize)
    }

    /// Opens a key below another, creates what is missing.
    pub fn create_key(&self, key: usize, path: &str, access: u32) -> Result<usize, u32> {
        let function = self.table.ClusterRegCreateKey.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let path = wide::units(path);
        let mut opened: HKEY = std::ptr::null_mut();
        let (no_security, no_disposition) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: as in `open_key`; the two NULLs are allowed.
        let code = unsafe { function(key as HKEY, path.as_ptr(), 0, access, no_security, &mut opened, no_disposition) };
        check(code as u32)?;
        Ok(opened as usize)
    }

    /// Closes a key.
    pub fn close_key(&self, key: usize) -> Result<(), u32> {
        let function = self.table.ClusterRegCloseKey.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        // SAFETY: by the promise of `new` the host checks the handle.
        check(unsafe { function(key as HKEY) } as u32)
    }

    /// Reads a value. 2 when missing.
    pub fn query_value(&self, key: usize, name: &str) -> Result<Value, u32> {
        let function = self.table.ClusterRegQueryValue.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let name = wide::units(name);
        read_growing(|kind, data, size| {
            // SAFETY: by the promise of `new`; `data` has room for `*size` bytes.
            (unsafe { function(key as HKEY, name.as_ptr(), kind, data, size) }) as u32
        })
    }

    /// Writes a value.
    pub fn set_value(&self, key: usize, name: &str, value: &Value) -> Result<(), u32> {
        let function = self.table.ClusterRegSetValue.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let name = wide::units(name);
        let size = u32::try_from(value.data.len()).map_err(|_| ERROR_NOT_ENOUGH_MEMORY)?;
        // SAFETY: by the promise of `new`; `data` is `size` bytes long.
        check(unsafe { function(key as HKEY, name.as_ptr(), value.kind, value.data.as_ptr(), size) })
    }

    /// Deletes a value. 2 when missing.
    pub fn delete_value(&self, key: usize, name: &str) -> Result<(), u32> {
        let function = self.table.ClusterRegDeleteValue.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let name = wide::units(name);
        // SAFETY: by the promise of `new`; text is NUL-terminated.
        check(unsafe { function(key as HKEY, name.as_ptr()) })
    }

    /// Name and value at a position. 259 after the last one.
    pub fn value_at(&self, key: usize, index: u32) -> Result<(String, Value), u32> {
        let function = self.table.ClusterRegEnumValue.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let mut name = vec![0u16; NAME_MAX_UNITS];
        let mut found = String::new();
        let value = read_growing(|kind, data, size| {
            let mut units = NAME_MAX_UNITS as u32;
            // SAFETY: by the promise of `new`; both buffers have the room stated.
            let code = unsafe { function(key as HKEY, index, name.as_mut_ptr(), &mut units, kind, data, size) };
            found = String::from_utf16_lossy(&name[..(units as usize).min(NAME_MAX_UNITS)]);
            code
        })?;
        Ok((found, value))
    }

    /// Name of the key at a position. 259 after the last one.
    pub fn key_at(&self, key: usize, index: u32) -> Result<String, u32> {
        let function = self.table.ClusterRegEnumKey.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let mut name = vec![0u16; NAME_MAX_UNITS];
        let mut units = NAME_MAX_UNITS as u32;
        // SAFETY: by the promise of `new`; the buffer has the room stated, NULL for the time is allowed.
        check(unsafe { function(key as HKEY, index, name.as_mut_ptr(), &mut units, std::ptr::null_mut()) } as u32)?;
        Ok(String::from_utf16_lossy(&name[..(units as usize).min(NAME_MAX_UNITS)]))
    }

    /// Makes a manual-reset event, not signalled.
    pub fn create_event(&self) -> Result<usize, u32> {
        let function = self.table.CreateEvent.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        // SAFETY: by the promise of `new`; NULL for security and name is allowed.
        let event = unsafe { function(std::ptr::null_mut(), 1, 0, std::ptr::null()) };
        if event.is_null() { Err(ERROR_NOT_ENOUGH_MEMORY) } else { Ok(event as usize) }
    }

    /// Signals an event.
    pub fn set_event(&self, event: usize) -> Result<(), u32> {
        let function = self.table.SetEvent.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        // SAFETY: by the promise of `new` the host checks the handle.
        let is_set = unsafe { function(event as HANDLE) };
        if is_set == 0 { Err(ERROR_GEN_FAILURE) } else { Ok(()) }
    }

    /// Closes an event.
    pub fn close_event(&self, event: usize) -> Result<(), u32> {
        let function = self.table.CloseEvent.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        // SAFETY: by the promise of `new` the host checks the handle.
        let is_closed = unsafe { function(event as HANDLE) };
        if is_closed == 0 { Err(ERROR_GEN_FAILURE) } else { Ok(()) }
    }

    /// Path of a key of the host from the root. 6 for something that is none.
    pub fn key_path(&self, key: usize) -> Result<String, u32> {
        let function = self.table.KeyPath.ok_or(ERROR_CALL_NOT_IMPLEMENTED)?;
        let mut path = vec![0u16; NAME_MAX_UNITS];
        let mut units = NAME_MAX_UNITS as u32;
        // SAFETY: by the promise of `new`; the buffer has the room stated.
        check(unsafe { function(key as HKEY, path.as_mut_ptr(), &mut units) } as u32)?;
        Ok(String::from_utf16_lossy(&path[..(units as usize).min(NAME_MAX_UNITS)]))
    }

    /// Asks the call guard. A host without one allows everything.
    pub fn guard_call(&self, function: &str, control: u32) -> Result<(), u32> {
        let Some(guard) = self.table.GuardCall else { return Ok(()) };
        let function = wide::units(function);
        // SAFETY: by the promise of `new`; text is NUL-terminated.
        check(unsafe { guard(function.as_ptr(), control) })
    }

    /// Names the resource that this thread is in, 0 for none.
    pub fn worker_pass(&self) -> u64 {
        // SAFETY: by the promise of `new`.
        self.table.WorkerPass.map_or(0, |function| unsafe { function() })
    }

    /// This thread is a worker from now on.
    pub fn worker_begins(&self, pass: u64) {
        if let Some(function) = self.table.WorkerBegins {
            // SAFETY: by the promise of `new`; the host checks the pass.
            unsafe { function(pass) }
        }
    }

    /// This thread is no worker any more.
    pub fn worker_ends(&self) {
        if let Some(function) = self.table.WorkerEnds {
            // SAFETY: by the promise of `new`.
            unsafe { function() }
        }
    }

    /// Leaves a reason for the caller of an entry point that can only return NULL.
    pub fn set_last_error(&self, code: u32) {
        if let Some(function) = self.table.SetLastError {
            // SAFETY: by the promise of `new`.
            unsafe { function(code) }
        }
    }
}

fn check(code: u32) -> Result<(), u32> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(code) }
}

/// Asks for the size, then for the bytes, again when the value grew in between.
fn read_growing(mut read: impl FnMut(*mut u32, *mut u8, *mut u32) -> u32) -> Result<Value, u32> {
    let (mut kind, mut size) = (0, 0);
    match read(&mut kind, std::ptr::null_mut(), &mut size) {
        ERROR_SUCCESS | ERROR_MORE_DATA => {}
        code => return Err(code),
    }
    for _ in 0..READ_TRIES {
        if size > VALUE_MAX_BYTES {
            return Err(ERROR_NOT_ENOUGH_MEMORY);
        }
        // One byte more, so that an empty value does not look like a missing buffer.
        let mut data = vec![0; size as usize + 1];
        let mut room = data.len() as u32;
        match read(&mut kind, data.as_mut_ptr(), &mut room) {
            ERROR_SUCCESS => {
                data.truncate(room as usize);
                return Ok(Value { kind, data });
            }
            ERROR_MORE_DATA => size = room,
            code => return Err(code),
        }
    }
    Err(ERROR_MORE_DATA)
}
