//! Reading and writing through the caller's pointers (reference 08.3).
//!
//! NULL is told from a pointer everywhere; whether it is allowed is said by which function is called. Everything is read and
//! written unaligned, because callers point into packed buffers.

use crate::abi::{DWORD, LPCWSTR, LPWSTR};
use crate::codes::win32::{ERROR_INVALID_PARAMETER, ERROR_MORE_DATA};
use crate::wide;

/// A text that must be there; NULL is 87.
///
/// # Safety
/// NULL, or NUL-terminated UTF-16.
pub unsafe fn text(pointer: LPCWSTR) -> Result<String, u32> {
    // SAFETY: the caller's promise.
    unsafe { wide::read(pointer) }.ok_or(ERROR_INVALID_PARAMETER)
}

/// A text that may be missing; NULL is empty.
///
/// # Safety
/// As [`text`].
pub unsafe fn text_or_empty(pointer: LPCWSTR) -> String {
    // SAFETY: the caller's promise.
    unsafe { wide::read(pointer) }.unwrap_or_default()
}

/// A number or structure that must be there; NULL is 87.
///
/// # Safety
/// NULL, or readable.
pub unsafe fn get<T: Copy>(pointer: *const T) -> Result<T, u32> {
    if pointer.is_null() {
        return Err(ERROR_INVALID_PARAMETER);
    }
    // SAFETY: not NULL, and readable as the caller promised.
    Ok(unsafe { pointer.read_unaligned() })
}

/// Writes, unless the pointer is NULL.
///
/// # Safety
/// NULL, or writable.
pub unsafe fn put<T>(pointer: *mut T, value: T) {
    if !pointer.is_null() {
        // SAFETY: not NULL, and writable as the caller promised.
        unsafe { pointer.write_unaligned(value) };
    }
}

/// 87 for NULL.
pub fn need<T>(pointer: *const T) -> Result<(), u32> {
    if pointer.is_null() { Err(ERROR_INVALID_PARAMETER) } else { Ok(()) }
}

/// So many bytes; NULL is 87 unless there are none.
///
/// # Safety
/// NULL, or readable for `count` bytes.
pub unsafe fn bytes<'a>(pointer: *const u8, count: u32) -> Result<&'a [u8], u32> {
    if count == 0 {
        return Ok(&[]);
    }
    need(pointer)?;
    // SAFETY: not NULL, and readable for `count` bytes as the caller promised; bytes have no alignment.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count as usize) })
}

/// So many values from an array; NULL is 87 unless there are none.
///
/// # Safety
/// NULL, or readable for `count` values.
pub unsafe fn array<T: Copy>(pointer: *const T, count: u32) -> Result<Vec<T>, u32> {
    if count == 0 {
        return Ok(Vec::new());
    }
    need(pointer)?;
    // SAFETY: each index is below `count`, for which the caller promised readability.
    Ok((0..count as usize).map(|index| unsafe { pointer.add(index).read_unaligned() }).collect())
}

/// Writes a text into a buffer: `*units` says how many characters it holds, the NUL included, and hears how many the text
/// has, without the NUL. Too small is 234. Without a buffer only the length is told; without both nothing is done; a
/// buffer without `units` is 87.
///
/// # Safety
/// `buffer` is NULL or writable for `*units` characters, `units` is NULL or readable and writable.
pub unsafe fn put_text(buffer: LPWSTR, units: *mut DWORD, text: &str) -> Result<(), u32> {
    if units.is_null() {
        return if buffer.is_null() { Ok(()) } else { Err(ERROR_INVALID_PARAMETER) };
    }
    let text = wide::units(text);
    // SAFETY: not NULL, and readable as the caller promised.
    let room = unsafe { units.read_unaligned() } as usize;
    // SAFETY: not NULL, and writable as the caller promised.
    unsafe { units.write_unaligned((text.len() - 1) as DWORD) };
    if buffer.is_null() {
        return Ok(());
    }
    if room < text.len() {
        return Err(ERROR_MORE_DATA);
    }
    // SAFETY: the buffer has room for `room` characters, and the text is not longer.
    unsafe { copy(text.as_ptr().cast(), buffer.cast(), text.len() * 2) };
    Ok(())
}

/// Writes bytes into a buffer of `room` bytes; `returned` hears how many there are. Too small is 234, also without a buffer
/// when there is something to write.
///
/// # Safety
/// `buffer` is NULL or writable for `room` bytes, `returned` is NULL or writable.
pub unsafe fn put_bytes(buffer: *mut u8, room: u32, returned: *mut DWORD, bytes: &[u8]) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    unsafe { put(returned, bytes.len() as DWORD) };
    if bytes.is_empty() {
        return Ok(());
    }
    if buffer.is_null() || (room as usize) < bytes.len() {
        return Err(ERROR_MORE_DATA);
    }
    // SAFETY: the buffer has room for `room` bytes, and there are not more.
    unsafe { copy(bytes.as_ptr(), buffer, bytes.len()) };
    Ok(())
}

/// Writes a value of the registry: `*size` says how many bytes the buffer holds and hears how many the value has. Without a
/// buffer only the size is told; a buffer without `size` is 87; too small is 234.
///
/// # Safety
/// `buffer` is NULL or writable for `*size` bytes, `size` is NULL or readable and writable.
pub unsafe fn put_value(buffer: *mut u8, size: *mut DWORD, bytes: &[u8]) -> Result<(), u32> {
    if size.is_null() {
        return if buffer.is_null() { Ok(()) } else { Err(ERROR_INVALID_PARAMETER) };
    }
    // SAFETY: not NULL, and readable as the caller promised.
    let room = unsafe { size.read_unaligned() };
    // SAFETY: not NULL, and writable as the caller promised.
    unsafe { size.write_unaligned(bytes.len() as DWORD) };
    if buffer.is_null() {
        return Ok(());
    }
    if (room as usize) < bytes.len() {
        return Err(ERROR_MORE_DATA);
    }
    // SAFETY: the buffer has room for `room` bytes, and there are not more.
    unsafe { copy(bytes.as_ptr(), buffer, bytes.len()) };
    Ok(())
}

/// Copies bytes.
///
/// # Safety
/// `from` is readable and `to` writable for `count` bytes, and they do not overlap.
unsafe fn copy(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy_nonoverlapping(from, to, count) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(buffer: Option<usize>, room: Option<u32>, expected: Result<(), u32>, told: u32, written: &str) {
        let mut space = [0xFFFF_u16; 16];
        let mut units = room.unwrap_or(99);
        let buffer = buffer.map_or(std::ptr::null_mut(), |_| space.as_mut_ptr());
        let counter = if room.is_some() { &raw mut units } else { std::ptr::null_mut() };
        // SAFETY: both are NULL or our own, and large enough.
        let answer = unsafe { put_text(buffer, counter, "abc") };
        assert_eq!((answer, units), (expected, told));
        let got = space.iter().position(|unit| *unit == 0).map(|end| String::from_utf16_lossy(&space[..end]));
        assert_eq!(got.unwrap_or_default(), written);
    }

    #[test]
    fn text_buffers_follow_the_rules() {
        check_text(Some(0), Some(4), Ok(()), 3, "abc");
        check_text(Some(0), Some(16), Ok(()), 3, "abc");
        check_text(Some(0), Some(3), Err(ERROR_MORE_DATA), 3, "");
        check_text(Some(0), Some(0), Err(ERROR_MORE_DATA), 3, "");
        check_text(None, Some(0), Ok(()), 3, "");
        check_text(None, Some(9), Ok(()), 3, "");
        check_text(None, None, Ok(()), 99, "");
        check_text(Some(0), None, Err(ERROR_INVALID_PARAMETER), 99, "");
    }

    #[test]
    fn byte_buffers_follow_the_rules() {
        let check = |room: Option<u32>, bytes: &[u8], expected: Result<(), u32>| {
            let mut space = [0_u8; 8];
            let mut returned = 99;
            let buffer = room.map_or(std::ptr::null_mut(), |_| space.as_mut_ptr());
            // SAFETY: NULL or our own, and large enough.
            let answer = unsafe { put_bytes(buffer, room.unwrap_or(0), &mut returned, bytes) };
            assert_eq!((answer, returned), (expected, bytes.len() as u32));
            if answer.is_ok() {
                assert_eq!(&space[..bytes.len()], bytes);
            }
        };
        check(Some(3), &[1, 2, 3], Ok(()));
        check(Some(2), &[1, 2, 3], Err(ERROR_MORE_DATA));
        check(None, &[1], Err(ERROR_MORE_DATA));
        check(None, &[], Ok(()));
    }
}
