//! Property lists: finding one property by name, and parsing one entry after the other.
//!
//! What a finder hands out by pointer is a copy from LocalAlloc; a malformed list is 13, a missing property 2. A parser looks at
//! the entry that it is given, compares it with the old value and the range, and moves the list on.

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::memory;
use resapi_sys_mock::export::pointers::{bytes, get, need, put, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::property_list::{self, Format};
use resapi_sys_mock::wide;

/// Header of an entry: syntax and length.
const HEADER_BYTES: usize = 8;

/// The bytes of a property's first value, which must be of this format.
///
/// # Safety
/// The list is NULL or readable for `size` bytes, the name is NULL or NUL-terminated.
unsafe fn find(list: *const c_void, size: u32, name: LPCWSTR, formats: &[Format]) -> Result<Vec<u8>, u32> {
    // SAFETY: the caller's promise.
    let (name, list) = unsafe { (text(name)?, bytes(list.cast(), size).map_err(|_| ERROR_INVALID_DATA)?) };
    let parsed = property_list::parse(list).map_err(|error| error.win32())?;
    let found = property_list::find(&parsed, &name).ok_or(ERROR_FILE_NOT_FOUND)?;
    let entry = found.first();
    if !formats.iter().any(|format| format.list_value() == entry.syntax) {
        return Err(ERROR_INVALID_DATA);
    }
    Ok(entry.data.to_vec())
}

/// A number of exactly so many bytes.
fn number<const N: usize>(bytes: &[u8]) -> Result<[u8; N], u32> {
    bytes.try_into().map_err(|_| ERROR_INVALID_DATA)
}

/// A text property, copied.
///
/// # Safety
/// As [`find`]; `target` is NULL or writable.
unsafe fn find_text(
    list: *const c_void,
    size: u32,
    name: LPCWSTR,
    formats: &[Format],
    target: *mut LPWSTR,
) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let found = unsafe { find(list, size, name, formats) }?;
    if !target.is_null() {
        let copy = memory::text(&wide::text(&found).ok_or(ERROR_INVALID_DATA)?)?;
        // SAFETY: the caller's promise.
        unsafe { put(target, copy) };
    }
    Ok(())
}

/// A property of any length, copied.
///
/// # Safety
/// As [`find`]; both targets are NULL or writable.
unsafe fn find_bytes(
    list: *const c_void,
    size: u32,
    name: LPCWSTR,
    formats: &[Format],
    target: *mut *mut u8,
    length: *mut DWORD,
) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let found = unsafe { find(list, size, name, formats) }?;
    // SAFETY: the caller's promise.
    unsafe { put(length, found.len() as u32) };
    if !target.is_null() {
        let copy = memory::bytes(&found)?;
        // SAFETY: the caller's promise.
        unsafe { put(target, copy) };
    }
    Ok(())
}

exports! {
    FINDERS;

    fn ResUtilFindSzProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut LPWSTR) -> Code {
        find_text(list, size, name, &[Format::Sz, Format::ExpandSz, Format::ExpandedSz], target)
    }

    fn ResUtilFindExpandSzProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut LPWSTR) -> Code {
        find_text(list, size, name, &[Format::ExpandSz], target)
    }

    fn ResUtilFindExpandedSzProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut LPWSTR) -> Code {
        find_text(list, size, name, &[Format::ExpandedSz], target)
    }

    fn ResUtilFindDwordProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut DWORD) -> Code {
        let found = find(list, size, name, &[Format::Dword])?;
        put(target, u32::from_le_bytes(number(&found)?));
        Ok(())
    }

    fn ResUtilFindLongProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut LONG) -> Code {
        let found = find(list, size, name, &[Format::Long])?;
        put(target, i32::from_le_bytes(number(&found)?));
        Ok(())
    }

    fn ResUtilFindULargeIntegerProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut u64) -> Code {
        let found = find(list, size, name, &[Format::ULargeInteger])?;
        put(target, u64::from_le_bytes(number(&found)?));
        Ok(())
    }

    fn ResUtilFindFileTimeProperty(list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut FILETIME) -> Code {
        let found = find(list, size, name, &[Format::FileTime])?;
        put(target, time(u64::from_le_bytes(number(&found)?)));
        Ok(())
    }

    fn ResUtilFindBinaryProperty(
        list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut *mut u8, length: *mut DWORD
    ) -> Code {
        find_bytes(list, size, name, &[Format::Binary], target, length)
    }

    fn ResUtilFindMultiSzProperty(
        list: *const c_void, size: DWORD, name: LPCWSTR, target: *mut LPWSTR, length: *mut DWORD
    ) -> Code {
        find_bytes(list, size, name, &[Format::MultiSz], target.cast(), length)
    }
}

fn time(ticks: u64) -> FILETIME {
    FILETIME { dwLowDateTime: ticks as u32, dwHighDateTime: (ticks >> 32) as u32 }
}

fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

/// The data of the entry at a pointer, which must be of this format, and moves the list behind it.
///
/// # Safety
/// The entry is NULL or lies in a list with at least `*left` bytes from it on; the list's pointer and size are NULL or
/// readable and writable.
unsafe fn entry<'a>(value: *const u8, format: Format, list: *mut *mut u8, left: *mut DWORD) -> Result<&'a [u8], u32> {
    need(value)?;
    // SAFETY: the caller's promise.
    let rest = unsafe { get(left) }?;
    if (rest as usize) < HEADER_BYTES {
        return Err(ERROR_INVALID_DATA);
    }
    // SAFETY: the caller promised `rest` bytes, of which the header is the first part.
    let (syntax, length) = unsafe { (get(value.cast::<u32>())?, get(value.add(4).cast::<u32>())?) };
    let padded = (length as usize).checked_next_multiple_of(4).ok_or(ERROR_INVALID_DATA)?;
    let whole = HEADER_BYTES.checked_add(padded).ok_or(ERROR_INVALID_DATA)?;
    if syntax != format.list_value() || HEADER_BYTES + length as usize > rest as usize {
        return Err(ERROR_INVALID_DATA);
    }
    // SAFETY: the data ends within the `rest` bytes.
    let data = unsafe { bytes(value.add(HEADER_BYTES), length) }?;
    let whole = whole.min(rest as usize);
    // SAFETY: the caller's promise; the new place is within the list or at its end.
    unsafe {
        if !list.is_null() {
            put(list, get(list)?.add(whole));
        }
        put(left, rest - whole as u32);
    }
    Ok(data)
}

exports! {
    PARSERS;

    fn ResUtilGetSzProperty(
        target: *mut LPWSTR, value: *const CLUSPROP_SZ, _old: LPCWSTR, list: *mut *mut u8, left: *mut DWORD
    ) -> Code {
        need(target)?;
        let data = entry(value.cast(), Format::Sz, list, left)?;
        put(target, memory::text(&wide::text(data).ok_or(ERROR_INVALID_DATA)?)?);
        Ok(())
    }

    fn ResUtilGetMultiSzProperty(
        target: *mut LPWSTR, length: *mut DWORD, value: *const CLUSPROP_SZ, _old: LPCWSTR, _old_size: DWORD,
        list: *mut *mut u8, left: *mut DWORD
    ) -> Code {
        need(target)?;
        let data = entry(value.cast(), Format::MultiSz, list, left)?;
        put(target.cast::<*mut u8>(), memory::bytes(data)?);
        put(length, data.len() as u32);
        Ok(())
    }

    fn ResUtilGetBinaryProperty(
        target: *mut *mut u8, length: *mut DWORD, value: *const CLUSPROP_BINARY, _old: *const u8, _old_size: DWORD,
        list: *mut *mut u8, left: *mut DWORD
    ) -> Code {
        need(target)?;
        let data = entry(value.cast(), Format::Binary, list, left)?;
        put(target, memory::bytes(data)?);
        put(length, data.len() as u32);
        Ok(())
    }

    fn ResUtilGetDwordProperty(
        target: *mut DWORD, value: *const CLUSPROP_DWORD, _old: DWORD, least: DWORD, greatest: DWORD,
        list: *mut *mut u8, left: *mut DWORD
    ) -> Code {
        need(target)?;
        let found = u32::from_le_bytes(number(entry(value.cast(), Format::Dword, list, left)?)?);
        // Equal limits stand for "no range".
        if least != greatest && !(least..=greatest).contains(&found) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        put(target, found);
        Ok(())
    }

    fn ResUtilGetLongProperty(
        target: *mut LONG, value: *const CLUSPROP_LONG, _old: LONG, least: LONG, greatest: LONG, list: *mut *mut u8,
        left: *mut DWORD
    ) -> Code {
        need(target)?;
        let found = i32::from_le_bytes(number(entry(value.cast(), Format::Long, list, left)?)?);
        if least != greatest && !(least..=greatest).contains(&found) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        put(target, found);
        Ok(())
    }

    fn ResUtilGetFileTimeProperty(
        target: *mut FILETIME, value: *const CLUSPROP_FILETIME, _old: FILETIME, least: FILETIME, greatest: FILETIME,
        list: *mut *mut u8, left: *mut DWORD
    ) -> Code {
        need(target)?;
        let found = u64::from_le_bytes(number(entry(value.cast(), Format::FileTime, list, left)?)?);
        if ticks(least) != ticks(greatest) && !(ticks(least)..=ticks(greatest)).contains(&found) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        put(target, time(found));
        Ok(())
    }
}
