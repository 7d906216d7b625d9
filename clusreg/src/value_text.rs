//! Values as people write and read them: on the command line, in the dashboard, in the log.
//!
//! This is not the `.reg` form (see [`crate::reg_text`]); it is made for one value on one line. What is shown can be
//! typed in again for strings, numbers and bytes.

use std::fmt;

use crate::error::Error;
use crate::limits;
use crate::name::shorten;
use crate::value::{Value, ValueType};

/// Between the strings of a list on one line.
const LIST_SEPARATOR: char = ';';

/// The types that have a name.
const NAMES: [(ValueType, &str); 9] = [
    (ValueType::NONE, "REG_NONE"),
    (ValueType::SZ, "REG_SZ"),
    (ValueType::EXPAND_SZ, "REG_EXPAND_SZ"),
    (ValueType::BINARY, "REG_BINARY"),
    (ValueType::DWORD, "REG_DWORD"),
    (ValueType::DWORD_BIG_ENDIAN, "REG_DWORD_BIG_ENDIAN"),
    (ValueType::LINK, "REG_LINK"),
    (ValueType::MULTI_SZ, "REG_MULTI_SZ"),
    (ValueType::QWORD, "REG_QWORD"),
];

impl ValueType {
    /// The name of the type, `REG_DWORD`; `None` for a number without one.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(kind, _)| *kind == self).map(|(_, name)| *name)
    }

    /// Reads a type: `REG_DWORD`, `dword` in any case, or a number.
    pub fn parse(text: &str) -> Result<ValueType, Error> {
        let wanted = text.trim().to_ascii_uppercase();
        let named = NAMES.iter().find(|(_, name)| *name == wanted || name.strip_prefix("REG_") == Some(&wanted));
        if let Some((kind, _)) = named {
            return Ok(*kind);
        }
        unsigned(text).and_then(|number| u32::try_from(number).ok()).map(ValueType).ok_or_else(|| Error::BadText {
            text: shorten(text),
            kind: "value type".to_owned(),
            remedy: "write a name such as REG_SZ, REG_DWORD or REG_MULTI_SZ, or the number of the type",
        })
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "REG_TYPE_{}", self.0),
        }
    }
}

impl Value {
    /// Reads a value of the type `kind` from one line of text.
    ///
    /// Strings are taken as they are; numbers are decimal or `0x` and hexadecimal; a list has one string per line or,
    /// on a single line, strings separated by `;`; everything else is bytes in hexadecimal, which blanks, commas and
    /// line ends may separate. Refuses what does not fit the type with a message that says what would.
    pub fn parse(kind: ValueType, text: &str) -> Result<Value, Error> {
        let refuse = |remedy| Error::BadText { text: shorten(text), kind: kind.to_string(), remedy };
        let value = match kind {
            ValueType::SZ | ValueType::EXPAND_SZ | ValueType::LINK => {
                if text.contains('\0') {
                    return Err(refuse("leave the NUL character out"));
                }
                Value { kind, ..Value::sz(text) }
            }
            ValueType::DWORD | ValueType::DWORD_BIG_ENDIAN => {
                let number = unsigned(text).and_then(|number| u32::try_from(number).ok());
                let number =
                    number.ok_or_else(|| refuse("write a number from 0 to 4294967295, or 0x and eight digits"))?;
                let data = if kind == ValueType::DWORD { number.to_le_bytes() } else { number.to_be_bytes() };
                Value { kind, data: data.to_vec() }
            }
            ValueType::QWORD => {
                let number = unsigned(text);
                Value::qword(number.ok_or_else(|| refuse("write a number from 0 to 18446744073709551615"))?)
            }
            ValueType::MULTI_SZ => {
                if text.contains('\0') {
                    return Err(refuse("leave the NUL character out"));
                }
                let separator = if text.contains('\n') { '\n' } else { LIST_SEPARATOR };
                Value::multi_sz(text.split(separator).map(|item| item.strip_suffix('\r').unwrap_or(item)))
            }
            _ => {
                let data =
                    hexadecimal(text).ok_or_else(|| refuse("write bytes of two hexadecimal digits, as in 0a,ff"))?;
                Value { kind, data }
            }
        };
        if value.data.len() > limits::VALUE_BYTES {
            return Err(Error::ValueTooLarge { name: String::new(), bytes: value.data.len() });
        }
        Ok(value)
    }
}

impl fmt::Display for Value {
    /// One line: the text of strings, the number of numbers, lists separated by `;`, hexadecimal for the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.as_sz() {
            return f.write_str(&text);
        }
        if let Some(items) = self.as_multi_sz() {
            return f.write_str(&items.join(&LIST_SEPARATOR.to_string()));
        }
        if let Some(number) = self.as_dword() {
            return write!(f, "{number}");
        }
        if let Some(number) = self.as_qword() {
            return write!(f, "{number}");
        }
        for (index, byte) in self.data.iter().enumerate() {
            write!(f, "{}{byte:02x}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

fn unsigned(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for word in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
        let digits: Vec<u32> = word.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        bytes.extend(digits.chunks_exact(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()));
    }
    Some(bytes)
}
