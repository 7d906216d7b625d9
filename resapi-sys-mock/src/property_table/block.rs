//! Parameter blocks: the structure in which a resource DLL keeps the values of its properties (reference 04.4).
//!
//! `Offset` of an item says where its value is. Numbers and times are there themselves; a text is a pointer; a list, bytes and
//! a security descriptor are a pointer, and behind it a DWORD with the number of bytes. What a pointer leads to comes from
//! [`crate::export::memory`]. A pointer that is overwritten is not given back: two blocks may share it, as
//! ResUtilFreeParameterBlock expects.

use core::ffi::c_void;

use super::item::{Item, Table};
use crate::abi::{LPWSTR, WCHAR};
use crate::export::memory;
use crate::property_list::{Format, Value};
use crate::wide;

/// How a format lies in a block.
enum Place {
    Number16,
    Number32,
    Number64,
    Text,
    Bytes,
}

fn place(format: Format) -> Place {
    match format {
        Format::Word => Place::Number16,
        Format::Dword | Format::Long | Format::Unknown => Place::Number32,
        Format::ULargeInteger | Format::LargeInteger | Format::FileTime => Place::Number64,
        Format::Sz | Format::ExpandSz | Format::ExpandedSz => Place::Text,
        Format::Binary | Format::MultiSz | Format::SecurityDescriptor | Format::ValueList | Format::PropertyList => {
            Place::Bytes
        }
    }
}

/// Reads the value of an item; a NULL pointer is an empty value and tells so with `false`.
///
/// # Safety
/// The block is as large as the table says, its pointers are NULL or lead to what the formats say.
pub unsafe fn read(item: &Item, block: *const u8) -> (Value, bool) {
    // SAFETY: the caller promised a block that reaches to this offset and beyond.
    let at = unsafe { block.add(item.offset) };
    // SAFETY: as above; each place is read with the size of its format.
    unsafe {
        match place(item.format) {
            Place::Number16 => (Value::Word(at.cast::<u16>().read_unaligned()), true),
            Place::Number32 => {
                let number = at.cast::<u32>().read_unaligned();
                (if item.format == Format::Long { Value::Long(number as i32) } else { Value::Dword(number) }, true)
            }
            Place::Number64 => {
                let number = at.cast::<u64>().read_unaligned();
                let value = match item.format {
                    Format::LargeInteger => Value::LargeInteger(number as i64),
                    Format::FileTime => Value::FileTime(number),
                    _ => Value::ULargeInteger(number),
                };
                (value, true)
            }
            Place::Text => {
                let text = wide::read(at.cast::<*const WCHAR>().read_unaligned());
                let is_there = text.is_some();
                let text = text.unwrap_or_default();
                let value = match item.format {
                    Format::ExpandSz => Value::ExpandSz(text),
                    Format::ExpandedSz => Value::ExpandedSz(text),
                    _ => Value::Sz(text),
                };
                (value, is_there)
            }
            Place::Bytes => {
                let pointer = at.cast::<*const u8>().read_unaligned();
                let length = at.add(size_of::<*const u8>()).cast::<u32>().read_unaligned() as usize;
                let bytes =
                    if pointer.is_null() { Vec::new() } else { std::slice::from_raw_parts(pointer, length).to_vec() };
                let value = match item.format {
                    Format::MultiSz => Value::MultiSz(wide::list(&bytes).unwrap_or_default()),
                    Format::SecurityDescriptor => Value::SecurityDescriptor(bytes),
                    _ => Value::Binary(bytes),
                };
                (value, !pointer.is_null())
            }
        }
    }
}

/// Writes the value of an item; `None` writes a NULL pointer or zero.
///
/// # Safety
/// The block is writable and as large as the table says.
pub unsafe fn write(item: &Item, block: *mut u8, value: Option<&Value>) -> Result<(), u32> {
    // SAFETY: the caller promised a block that reaches to this offset and beyond.
    let at = unsafe { block.add(item.offset) };
    let bytes = value.map(Value::bytes);
    let number = |size: usize| -> u64 {
        let mut whole = [0; 8];
        let bytes = bytes.as_deref().unwrap_or_default();
        let count = bytes.len().min(size);
        whole[..count].copy_from_slice(&bytes[..count]);
        u64::from_le_bytes(whole)
    };
    // SAFETY: as above; each place is written with the size of its format.
    unsafe {
        match place(item.format) {
            Place::Number16 => at.cast::<u16>().write_unaligned(number(2) as u16),
            Place::Number32 => at.cast::<u32>().write_unaligned(number(4) as u32),
            Place::Number64 => at.cast::<u64>().write_unaligned(number(8)),
            Place::Text => {
                let text: LPWSTR = match &bytes {
                    Some(bytes) => memory::text(&wide::text(bytes).unwrap_or_default())?,
                    None => std::ptr::null_mut(),
                };
                at.cast::<LPWSTR>().write_unaligned(text);
            }
            Place::Bytes => {
                let (pointer, length) = match &bytes {
                    Some(bytes) if !bytes.is_empty() => (memory::bytes(bytes)?, bytes.len() as u32),
                    _ => (std::ptr::null_mut(), 0),
                };
                at.cast::<*mut u8>().write_unaligned(pointer);
                at.add(size_of::<*mut u8>()).cast::<u32>().write_unaligned(length);
            }
        }
    }
    Ok(())
}

/// Copies a block: numbers as they are, texts and bytes into memory of their own.
///
/// # Safety
/// Both blocks are as large as the table says; the pointers of `from` are NULL or lead to what the formats say.
pub unsafe fn duplicate(table: &Table, to: *mut u8, from: *const u8) -> Result<(), u32> {
    for item in &table.items {
        // SAFETY: the caller's promise.
        let (value, is_there) = unsafe { read(item, from) };
        // SAFETY: the caller's promise.
        unsafe { write(item, to, is_there.then_some(&value)) }?;
    }
    Ok(())
}

/// Gives back the texts and bytes of `block` that are not those of `other`.
///
/// # Safety
/// Both blocks are as large as the table says (`other` may be NULL); the pointers of `block` come from this crate's memory or
/// are shared with `other`, and are not used any more.
pub unsafe fn release(table: &Table, block: *mut u8, other: *const u8) {
    for item in &table.items {
        if !matches!(place(item.format), Place::Text | Place::Bytes) {
            continue;
        }
        // SAFETY: the caller promised blocks that reach to this offset and beyond.
        unsafe {
            let at = block.add(item.offset).cast::<*mut c_void>();
            let pointer = at.read_unaligned();
            let is_shared =
                !other.is_null() && other.add(item.offset).cast::<*mut c_void>().read_unaligned() == pointer;
            if !pointer.is_null() && !is_shared {
                memory::release(pointer);
                at.write_unaligned(std::ptr::null_mut());
            }
        }
    }
}
