//! UTF-16 text as it crosses the interface: little endian, NUL-terminated, 16 bits per unit on every platform.
//!
//! Inside, everything is `str`. Invalid surrogates become U+FFFD: a name with a broken character must not make
//! a resource unusable.

use crate::abi::{LPCWSTR, WCHAR};

/// Longest text read from a foreign pointer, in code units, without the NUL. Longer text is cut here.
pub const READ_MAX_UNITS: usize = 32 * 1024;

/// Code units of `text` with a terminating NUL. An inner NUL ends the text for every reader, so it ends here too.
pub fn units(text: &str) -> Vec<WCHAR> {
    text.encode_utf16().take_while(|unit| *unit != 0).chain([0]).collect()
}

/// Bytes of `text` as UTF-16LE with a terminating NUL.
pub fn bytes(text: &str) -> Vec<u8> {
    units(text).into_iter().flat_map(WCHAR::to_le_bytes).collect()
}

/// Text of UTF-16LE bytes up to the first NUL or the end. `None` when the number of bytes is odd.
pub fn text(bytes: &[u8]) -> Option<String> {
    let units = from_bytes(bytes)?;
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    Some(String::from_utf16_lossy(&units[..end]))
}

/// Bytes of a list of texts: each with a NUL, one more NUL at the end. Empty texts cannot be told and are left out.
pub fn list_bytes<'a>(list: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut all = Vec::new();
    for item in list.into_iter().filter(|item| !item.is_empty()) {
        all.extend(bytes(item));
    }
    all.extend([0, 0]);
    all
}

/// Texts of a list made by [`list_bytes`]; tolerant of missing NULs. `None` when the number of bytes is odd.
pub fn list(bytes: &[u8]) -> Option<Vec<String>> {
    let units = from_bytes(bytes)?;
    Some(units.split(|unit| *unit == 0).take_while(|item| !item.is_empty()).map(String::from_utf16_lossy).collect())
}

/// Code units of little-endian bytes.
fn from_bytes(bytes: &[u8]) -> Option<Vec<WCHAR>> {
    bytes
        .len()
        .is_multiple_of(2)
        .then(|| bytes.chunks_exact(2).map(|pair| WCHAR::from_le_bytes([pair[0], pair[1]])).collect())
}

/// Reads text from a pointer that crossed the interface. `None` for NULL.
///
/// # Safety
/// The caller's counterpart promised `pointer` to be NULL or NUL-terminated UTF-16 that stays unchanged during
/// the call.
pub unsafe fn read(pointer: LPCWSTR) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    let mut units = Vec::new();
    while units.len() < READ_MAX_UNITS {
        // SAFETY: the counterpart promised a NUL-terminated text; no earlier unit was the NUL, so this one exists.
        // Unaligned, because a C author may point into a packed buffer.
        let unit = unsafe { pointer.add(units.len()).read_unaligned() };
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    Some(String::from_utf16_lossy(&units))
}
