//! Writing `.reg` text.

use std::fmt::Write;

use super::{HEADER, ROOTS};
use crate::hive::Hive;
use crate::key::Key;
use crate::value::{Value, ValueType};

/// The end of a line, as on Windows.
const LINE_END: &str = "\r\n";

/// Bytes are broken into lines of about this many characters, as the registry editor does.
const LINE_CHARS: usize = 80;

/// The key at `path` with all that is below it, as `.reg` text. A path without a key gives a text without keys.
///
/// Keys and values come in the order of the hive, so equal hives give equal texts.
pub fn export(hive: &Hive, path: &str) -> String {
    let mut text = format!("{HEADER}{LINE_END}{LINE_END}");
    let mut waiting: Vec<Key<'_>> = hive.key(path).into_iter().collect();
    while let Some(key) = waiting.pop() {
        write_key(&key, &mut text);
        let subkeys: Vec<Key<'_>> = key.subkeys().collect();
        waiting.extend(subkeys.into_iter().rev());
    }
    text
}

fn write_key(key: &Key<'_>, text: &mut String) {
    let separator = if key.path().is_empty() { "" } else { "\\" };
    // Writing to a string cannot fail.
    let _ = write!(text, "[{}{separator}{}]{LINE_END}", ROOTS[0], key.path());
    for (name, value) in key.values() {
        let name = if name.is_empty() { "@".to_owned() } else { quoted(name) };
        write_value(&name, value, text);
    }
    text.push_str(LINE_END);
}

fn write_value(name: &str, value: &Value, text: &mut String) {
    if let Some(plain) = plain_text(value) {
        let _ = write!(text, "{name}={}{LINE_END}", quoted(&plain));
    } else if let (ValueType::DWORD, Some(number)) = (value.kind, value.as_dword()) {
        let _ = write!(text, "{name}=dword:{number:08x}{LINE_END}");
    } else {
        let kind = if value.kind == ValueType::BINARY { String::new() } else { format!("({:x})", value.kind.0) };
        let start = format!("{name}=hex{kind}:");
        let mut column = start.chars().count();
        text.push_str(&start);
        for (index, byte) in value.data.iter().enumerate() {
            let last = index + 1 == value.data.len();
            let _ = write!(text, "{byte:02x}{}", if last { "" } else { "," });
            column += 3;
            if column + 3 > LINE_CHARS && !last {
                let _ = write!(text, "\\{LINE_END}  ");
                column = 2;
            }
        }
        text.push_str(LINE_END);
    }
}

/// The text of a string value, if quotes can carry it and bring back the same bytes.
fn plain_text(value: &Value) -> Option<String> {
    if value.kind != ValueType::SZ {
        return None;
    }
    let text = value.as_sz()?;
    (!text.contains(char::is_control) && Value::sz(&text) == *value).then_some(text)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
