//! Values of a key of the cluster registry: reading with a default, writing with a copy for the caller (reference 08.4).

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::memory;
use resapi_sys_mock::export::pointers::{bytes, need, put, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::wide;

use crate::key::Key;

/// Reads a number; a missing value is the default, one of another type 13.
fn number<const N: usize>(key: HKEY, name: &str, kind: u32, default: [u8; N]) -> Result<[u8; N], u32> {
    match Key(key).read(name) {
        Err(ERROR_FILE_NOT_FOUND) => Ok(default),
        Err(code) => Err(code),
        Ok((found, bytes)) if found == kind => bytes.as_slice().try_into().map_err(|_| ERROR_INVALID_DATA),
        Ok(_) => Err(ERROR_INVALID_DATA),
    }
}

/// Writes a text and gives the caller a copy.
///
/// # Safety
/// The texts are NUL-terminated or NULL, the target is NULL or writable.
unsafe fn set_text(key: HKEY, name: LPCWSTR, kind: u32, value: LPCWSTR, copy: *mut LPWSTR) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let (name, value) = unsafe { (text(name)?, text(value)?) };
    Key(key).write(&name, kind, &wide::bytes(&value))?;
    if !copy.is_null() {
        // SAFETY: the caller's promise.
        unsafe { put(copy, memory::text(&value)?) };
    }
    Ok(())
}

/// Writes bytes and gives the caller a copy.
///
/// # Safety
/// The name is NUL-terminated or NULL, the bytes are readable, the targets are NULL or writable.
unsafe fn set_bytes(
    key: HKEY,
    name: LPCWSTR,
    kind: u32,
    value: (*const u8, u32),
    copy: *mut *mut u8,
    size: *mut DWORD,
) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let (name, value) = unsafe { (text(name)?, bytes(value.0, value.1)?) };
    Key(key).write(&name, kind, value)?;
    if !copy.is_null() {
        // SAFETY: the caller's promise.
        unsafe { put(copy, memory::bytes(value)?) };
    }
    // SAFETY: the caller's promise.
    unsafe { put(size, value.len() as u32) };
    Ok(())
}

exports! {
    EXPORTS;

    fn ResUtilGetSzValue(key: HKEY, name: LPCWSTR) -> Text {
        let (kind, found) = Key(key).read(&text(name)?)?;
        match kind {
            REG_SZ | REG_EXPAND_SZ => memory::text(&wide::text(&found).ok_or(ERROR_INVALID_DATA)?),
            // A list is handed out whole, with the NULs in it.
            REG_MULTI_SZ => Ok(memory::bytes(&found)?.cast()),
            _ => Err(ERROR_INVALID_PARAMETER),
        }
    }

    fn ResUtilGetDwordValue(key: HKEY, name: LPCWSTR, target: *mut DWORD, default: DWORD) -> Code {
        let name = text(name)?;
        need(target)?;
        put(target, u32::from_le_bytes(number(key, &name, REG_DWORD, default.to_le_bytes())?));
        Ok(())
    }

    fn ResUtilGetQwordValue(key: HKEY, name: LPCWSTR, target: *mut u64, default: u64) -> Code {
        let name = text(name)?;
        need(target)?;
        put(target, u64::from_le_bytes(number(key, &name, REG_QWORD, default.to_le_bytes())?));
        Ok(())
    }

    fn ResUtilGetBinaryValue(key: HKEY, name: LPCWSTR, target: *mut *mut u8, size: *mut DWORD) -> Code {
        let name = text(name)?;
        need(target)?;
        let (kind, found) = Key(key).read(&name)?;
        if kind != REG_BINARY {
            return Err(ERROR_INVALID_PARAMETER);
        }
        put(target, memory::bytes(&found)?);
        put(size, found.len() as u32);
        Ok(())
    }

    fn ResUtilSetSzValue(key: HKEY, name: LPCWSTR, value: LPCWSTR, copy: *mut LPWSTR) -> Code {
        set_text(key, name, REG_SZ, value, copy)
    }

    fn ResUtilSetExpandSzValue(key: HKEY, name: LPCWSTR, value: LPCWSTR, copy: *mut LPWSTR) -> Code {
        set_text(key, name, REG_EXPAND_SZ, value, copy)
    }

    fn ResUtilSetDwordValue(key: HKEY, name: LPCWSTR, value: DWORD, copy: *mut DWORD) -> Code {
        Key(key).write(&text(name)?, REG_DWORD, &value.to_le_bytes())?;
        put(copy, value);
        Ok(())
    }

    fn ResUtilSetQwordValue(key: HKEY, name: LPCWSTR, value: u64, copy: *mut u64) -> Code {
        Key(key).write(&text(name)?, REG_QWORD, &value.to_le_bytes())?;
        put(copy, value);
        Ok(())
    }

    fn ResUtilSetBinaryValue(
        key: HKEY, name: LPCWSTR, value: *const u8, size: DWORD, copy: *mut *mut u8, copy_size: *mut DWORD
    ) -> Code {
        set_bytes(key, name, REG_BINARY, (value, size), copy, copy_size)
    }

    fn ResUtilSetMultiSzValue(
        key: HKEY, name: LPCWSTR, value: LPCWSTR, size: DWORD, copy: *mut LPWSTR, copy_size: *mut DWORD
    ) -> Code {
        set_bytes(key, name, REG_MULTI_SZ, (value.cast(), size), copy.cast(), copy_size)
    }

    fn ResUtilSetValueEx(key: HKEY, name: LPCWSTR, kind: DWORD, value: *const u8, size: DWORD, flags: DWORD) -> Code {
        if flags != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        Key(key).write(&text(name)?, kind, bytes(value, size)?)
    }

    fn ResUtilsDeleteKeyTree(key: HKEY, name: LPCWSTR, missing_is_an_error: BOOL) -> Code {
        match delete_tree(Key(key), &text(name)?) {
            Err(ERROR_FILE_NOT_FOUND) if missing_is_an_error == 0 => Ok(()),
            deleted => deleted,
        }
    }

    fn ResUtilDupString(source: LPCWSTR) -> Text {
        memory::text(&text(source)?)
    }
}

/// Deletes a key with all below, children first.
fn delete_tree(key: Key, path: &str) -> Result<(), u32> {
    let found = key.open(path)?;
    for sub in found.0.subkeys()? {
        delete_tree(found.0, &sub)?;
    }
    let path = wide::units(path);
    // SAFETY: the text is NUL-terminated; libclusapi checks the handle.
    crate::key::check(unsafe { crate::imports::ClusterRegDeleteKey(key.0, path.as_ptr()) } as u32)
}
