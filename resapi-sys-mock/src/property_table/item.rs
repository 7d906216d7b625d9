//! Items of a table, copied out of C.

use crate::abi::{FILETIME, RESUTIL_PROPERTY_ITEM, WCHAR};
use crate::abi::{RESUTIL_PROPITEM_READ_ONLY, RESUTIL_PROPITEM_REQUIRED, RESUTIL_PROPITEM_SIGNED};
use crate::codes::win32::{ERROR_BAD_ARGUMENTS, ERROR_INVALID_DATA};
use crate::property_list::{Format, Value};
use crate::wide;

/// The most items of a table; a table without an end is cut off here.
const MAX_ITEMS: usize = 4096;
/// RESUTIL_PROPITEM_IN_MEMORY: the value is not stored.
const IN_MEMORY: u32 = 8;

/// What a property is when nobody has set it, and its range where that does not fit into the item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// 32-bit number.
    Number(u32),
    /// Text, or none.
    Text(Option<String>),
    /// Bytes as they are stored, or none.
    Bytes(Option<Vec<u8>>),
    /// 64-bit number with its range, with sign.
    Signed(i64, i64, i64),
    /// 64-bit number with its range.
    Unsigned(u64, u64, u64),
}

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Subkey where it is stored; empty for the key itself.
    pub key_name: String,
    /// How its bytes are read.
    pub format: Format,
    /// Default, and the range of 64-bit formats.
    pub default: Default,
    /// Least value of 32-bit formats.
    pub minimum: u32,
    /// Greatest value of 32-bit formats.
    pub maximum: u32,
    /// `RESUTIL_PROPITEM_*`.
    pub flags: u32,
    /// Where its value is in the parameter block.
    pub offset: usize,
}

/// A whole table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// In the order of the table.
    pub items: Vec<Item>,
}

impl Table {
    /// Copies a table. NULL is 160, an unknown format 13.
    ///
    /// # Safety
    /// NULL, or an array that ends with an item whose name is NULL; its texts are NUL-terminated, its defaults are NULL or of
    /// the kind that the format says.
    pub unsafe fn read(table: *const RESUTIL_PROPERTY_ITEM) -> Result<Table, u32> {
        if table.is_null() {
            return Err(ERROR_BAD_ARGUMENTS);
        }
        let mut items = Vec::new();
        while items.len() < MAX_ITEMS {
            // SAFETY: the end was not reached, so this item is part of the array.
            let item = unsafe { table.add(items.len()).read_unaligned() };
            if item.Name.is_null() {
                break;
            }
            // SAFETY: the caller's promise.
            items.push(unsafe { Item::read(&item) }?);
        }
        Ok(Table { items })
    }

    /// The item of a name, without regard to case.
    pub fn find(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| same(&item.name, name))
    }
}

/// Names of properties are the same without regard to case.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_uppercase() == b.to_uppercase()
}

impl Item {
    /// Copies one item.
    ///
    /// # Safety
    /// As [`Table::read`].
    pub unsafe fn read(item: &RESUTIL_PROPERTY_ITEM) -> Result<Item, u32> {
        let format = u16::try_from(item.Format).ok().and_then(Format::from_number).ok_or(ERROR_INVALID_DATA)?;
        // SAFETY: the caller promised texts and defaults of the kind that the format says.
        let (name, key_name, default) = unsafe {
            let default = Self::read_default(item, format)?;
            (wide::read(item.Name), wide::read(item.KeyName).unwrap_or_default(), default)
        };
        Ok(Item {
            name: name.unwrap_or_default(),
            key_name,
            format,
            default,
            minimum: item.Minimum,
            maximum: item.Maximum,
            flags: item.Flags,
            offset: item.Offset as usize,
        })
    }

    /// # Safety
    /// As [`Table::read`].
    unsafe fn read_default(item: &RESUTIL_PROPERTY_ITEM, format: Format) -> Result<Default, u32> {
        // SAFETY: all members are plain numbers or pointers of the same place; which one counts is said by the format.
        let (number, pointer) = unsafe { (item.Anonymous.Default, item.Anonymous.lpDefault) };
        let ticks = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        Ok(match format {
            Format::Dword | Format::Long | Format::Word => Default::Number(number),
            Format::Sz | Format::ExpandSz | Format::ExpandedSz => {
                // SAFETY: NULL or text, as the caller promised.
                Default::Text(unsafe { wide::read(pointer.cast::<WCHAR>()) })
            }
            Format::Binary | Format::MultiSz | Format::SecurityDescriptor => {
                let bytes = if pointer.is_null() {
                    None
                } else {
                    // SAFETY: not NULL; `Minimum` says how long the default of these formats is (reference 04.4).
                    let bytes = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), item.Minimum as usize) };
                    Some(bytes.to_vec())
                };
                Default::Bytes(bytes)
            }
            Format::LargeInteger if pointer.is_null() => Default::Signed(0, i64::MIN, i64::MAX),
            Format::ULargeInteger | Format::FileTime if pointer.is_null() => Default::Unsigned(0, 0, u64::MAX),
            Format::LargeInteger => {
                // SAFETY: not NULL, and of this structure, as the caller promised.
                let range = unsafe { item.Anonymous.LargeIntData.read_unaligned() };
                Default::Signed(range.Default, range.Minimum, range.Maximum)
            }
            Format::ULargeInteger => {
                // SAFETY: as above.
                let range = unsafe { item.Anonymous.ULargeIntData.read_unaligned() };
                Default::Unsigned(range.Default, range.Minimum, range.Maximum)
            }
            Format::FileTime => {
                // SAFETY: as above.
                let range = unsafe { item.Anonymous.FileTimeData.read_unaligned() };
                Default::Unsigned(ticks(range.Default), ticks(range.Minimum), ticks(range.Maximum))
            }
            Format::Unknown | Format::ValueList | Format::PropertyList => return Err(ERROR_INVALID_DATA),
        })
    }

    /// It cannot be set.
    pub fn is_read_only(&self) -> bool {
        self.flags & RESUTIL_PROPITEM_READ_ONLY != 0
    }

    /// It must be there.
    pub fn is_required(&self) -> bool {
        self.flags & RESUTIL_PROPITEM_REQUIRED != 0
    }

    /// It is not stored.
    pub fn is_in_memory(&self) -> bool {
        self.flags & IN_MEMORY != 0
    }

    /// Text or bytes that are not there unless they were set.
    pub fn has_no_default(&self) -> bool {
        matches!(self.default, Default::Text(None) | Default::Bytes(None))
    }

    /// The default as a value; `None` when there is none, so that an empty text is shown.
    pub fn default_value(&self) -> Value {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match (&self.default, self.format) {
            (Default::Number(number), Format::Long) => Value::Long(*number as i32),
            (Default::Number(number), Format::Word) => Value::Word(*number as u16),
            (Default::Number(number), _) => Value::Dword(*number),
            (Default::Text(default), Format::ExpandSz) => Value::ExpandSz(text(default)),
            (Default::Text(default), Format::ExpandedSz) => Value::ExpandedSz(text(default)),
            (Default::Text(default), _) => Value::Sz(text(default)),
            (Default::Bytes(default), Format::MultiSz) => {
                Value::MultiSz(default.as_deref().and_then(wide::list).unwrap_or_default())
            }
            (Default::Bytes(default), Format::SecurityDescriptor) => {
                Value::SecurityDescriptor(default.clone().unwrap_or_default())
            }
            (Default::Bytes(default), _) => Value::Binary(default.clone().unwrap_or_default()),
            (Default::Signed(number, ..), _) => Value::LargeInteger(*number),
            (Default::Unsigned(number, ..), Format::FileTime) => Value::FileTime(*number),
            (Default::Unsigned(number, ..), _) => Value::ULargeInteger(*number),
        }
    }

    /// Is the value within the range?
    pub fn allows(&self, value: &Value) -> bool {
        // Zeroes stand for "no range" in tables of authors who left them out.
        let has_range = self.minimum != 0 || self.maximum != 0;
        let within = |number: u32| {
            let signed = self.flags & RESUTIL_PROPITEM_SIGNED != 0;
            if signed {
                (self.minimum as i32..=self.maximum as i32).contains(&(number as i32))
            } else {
                (self.minimum..=self.maximum).contains(&number)
            }
        };
        match (value, &self.default) {
            (Value::Dword(number), _) => !has_range || within(*number),
            (Value::Word(number), _) => !has_range || within(u32::from(*number)),
            (Value::Long(number), _) => !has_range || (self.minimum as i32..=self.maximum as i32).contains(number),
            (Value::LargeInteger(number), Default::Signed(_, least, most)) => (least..=most).contains(&number),
            (Value::ULargeInteger(number) | Value::FileTime(number), Default::Unsigned(_, least, most)) => {
                (least..=most).contains(&number)
            }
            _ => true,
        }
    }
}
