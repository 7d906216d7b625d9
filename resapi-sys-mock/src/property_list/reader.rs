//! Reading property lists and value lists from bytes that anybody may have made.

use std::fmt;

use super::value::{Value, syntax};
use crate::codes::win32::ERROR_INVALID_DATA;
use crate::wide;

/// Bytes of a header: syntax and length.
const HEADER_BYTES: usize = 8;
/// Bytes of an end mark or of the count.
const WORD_BYTES: usize = 4;

/// A malformed list: where, and what was expected there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// Offset in bytes from the start of the list.
    pub offset: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

impl ListError {
    /// The error code that a caller gets for a malformed list: 13.
    pub const fn win32(&self) -> u32 {
        ERROR_INVALID_DATA
    }
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed property list: {} at byte {}; rebuild the list", self.problem, self.offset)
    }
}

impl std::error::Error for ListError {}

/// One entry of a value list, not yet interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// `CLUSPROP_SYNTAX_*`.
    pub syntax: u32,
    /// The bytes, without padding. Empty bytes in a SET mean "delete this value".
    pub data: &'a [u8],
    /// Where the entry starts in the list, for messages.
    pub offset: usize,
}

impl Entry<'_> {
    /// Interprets the bytes by the syntax.
    pub fn value(&self) -> Result<Value, ListError> {
        Value::from_bytes(self.syntax, self.data)
            .ok_or(ListError { offset: self.offset, problem: "the length does not fit the format" })
    }
}

/// One property: a name and its values, mostly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name; compare without regard to case.
    pub name: String,
    /// At least one entry.
    pub values: Vec<Entry<'a>>,
}

impl<'a> Property<'a> {
    /// The first entry, the one that counts where only one is expected.
    pub fn first(&self) -> Entry<'a> {
        *self.values.first().expect("the parser refuses a property without values")
    }

    /// The first value, interpreted.
    pub fn value(&self) -> Result<Value, ListError> {
        self.first().value()
    }
}

/// Reads a property list. Bytes after the last property are ignored, as the real functions do.
pub fn parse(bytes: &[u8]) -> Result<Vec<Property<'_>>, ListError> {
    let mut cursor = Cursor { bytes, offset: 0 };
    let count = cursor.word("the count is missing")?;
    let mut list = Vec::new();
    for _ in 0..count {
        // Each round consumes bytes or fails, so a wild count ends at the end of the bytes.
        let name = cursor.entry("a name is missing")?;
        let name = match name {
            Some(Entry { syntax: syntax::NAME, data, offset }) => {
                wide::text(data).ok_or(ListError { offset, problem: "a name has half a character" })?
            }
            Some(Entry { offset, .. }) => {
                return Err(ListError { offset, problem: "a name was expected" });
            }
            None => return Err(cursor.error("a name was expected")),
        };
        if name.is_empty() {
            return Err(cursor.error("a name is empty"));
        }
        let values = cursor.values()?;
        if values.is_empty() {
            return Err(cursor.error("a property has no value"));
        }
        list.push(Property { name, values });
    }
    Ok(list)
}

/// Reads a value list.
pub fn parse_values(bytes: &[u8]) -> Result<Vec<Entry<'_>>, ListError> {
    Cursor { bytes, offset: 0 }.values()
}

/// The property with a name, without regard to case.
pub fn find<'l, 'a>(list: &'l [Property<'a>], name: &str) -> Option<&'l Property<'a>> {
    let wanted = name.to_uppercase();
    list.iter().find(|property| property.name.to_uppercase() == wanted)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    fn error(&self, problem: &'static str) -> ListError {
        ListError { offset: self.offset, problem }
    }

    fn take(&mut self, length: usize, problem: &'static str) -> Result<&'a [u8], ListError> {
        let end = self.offset.checked_add(length).ok_or(self.error(problem))?;
        let taken = self.bytes.get(self.offset..end).ok_or(self.error(problem))?;
        self.offset = end;
        Ok(taken)
    }

    fn word(&mut self, problem: &'static str) -> Result<u32, ListError> {
        let taken = self.take(WORD_BYTES, problem)?;
        Ok(u32::from_le_bytes(taken.try_into().expect("four bytes were taken")))
    }

    /// The next entry; `None` for an end mark.
    fn entry(&mut self, problem: &'static str) -> Result<Option<Entry<'a>>, ListError> {
        let offset = self.offset;
        let syntax = self.word(problem)?;
        if syntax == syntax::ENDMARK {
            return Ok(None);
        }
        let length = self.word("a length is missing")? as usize;
        let data = self.take(length, "a value is longer than the list")?;
        // The padding of the very last entry may be missing: nothing in it is needed.
        let padding = length.next_multiple_of(WORD_BYTES) - length;
        self.offset = (self.offset + padding).min(self.bytes.len());
        debug_assert!(self.offset >= offset + HEADER_BYTES, "an entry has at least a header");
        Ok(Some(Entry { syntax, data, offset }))
    }

    fn values(&mut self) -> Result<Vec<Entry<'a>>, ListError> {
        let mut values = Vec::new();
        while let Some(entry) = self.entry("the end mark is missing")? {
            values.push(entry);
        }
        Ok(values)
    }
}
