//! The `.reg` text format of Windows' registry editor: how a hive leaves and enters the cluster as text.
//!
//! An export starts with `Windows Registry Editor Version 5.00` and writes each key as `[HKEY_LOCAL_MACHINE\Cluster\...]`
//! with its values below: text in quotes, `dword:` and eight digits, and `hex(n):` with the type number and bytes for
//! everything else. Text that quotes cannot carry (control characters, missing NULs, broken UTF-16) is written as
//! `hex(1):`, so that an import brings back the very same bytes. Times of last writes have no place in the format.
//!
//! An import also understands what people write by hand: comments, `-` to delete, long lines continued with `\`.
//! It turns a text into a [`crate::Batch`]; nothing changes until that is applied.

mod export;
mod import;

pub use export::export;
pub use import::import;

/// First line of the format.
const HEADER: &str = "Windows Registry Editor Version 5.00";

/// The names of the root of the cluster registry; the first is the one written.
const ROOTS: [&str; 2] = ["HKEY_LOCAL_MACHINE\\Cluster", "HKLM\\Cluster"];

/// What is wrong with a `.reg` text, and where. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct RegTextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there and what would be right.
    pub problem: String,
}

impl RegTextError {
    /// The Win32 code: 13, `ERROR_INVALID_DATA`.
    pub fn win32(&self) -> u32 {
        13
    }

    /// The name of the code.
    pub fn name(&self) -> &'static str {
        "ERROR_INVALID_DATA"
    }
}

/// The text of a `.reg` file: UTF-16 with a byte order mark, as the registry editor writes it, or UTF-8.
pub fn decode(file: &[u8]) -> Result<String, RegTextError> {
    if let Some(utf16) = file.strip_prefix(&[0xFF, 0xFE]) {
        let units: Vec<u16> =
            utf16.chunks(2).map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)])).collect();
        return String::from_utf16(&units).map_err(|_| {
            let readable: String = char::decode_utf16(units).map_while(Result::ok).collect();
            not_text(&readable, "UTF-16")
        });
    }
    let utf8 = file.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(file);
    String::from_utf8(utf8.to_vec()).map_err(|error| {
        let readable = String::from_utf8_lossy(&utf8[..error.utf8_error().valid_up_to()]);
        not_text(&readable, "UTF-8")
    })
}

/// A `.reg` text as the registry editor of Windows wants it in a file: UTF-16, little endian, with a byte order mark.
pub fn encode(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn not_text(readable: &str, encoding: &str) -> RegTextError {
    RegTextError {
        line: readable.matches('\n').count() + 1,
        problem: format!("this is no {encoding} text; save the file as UTF-8, or as the registry editor exports it"),
    }
}
