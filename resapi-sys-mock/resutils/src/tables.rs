//! Property tables and parameter blocks (reference 08.4).
//!
//! The buffer rule of this family: `returned` hears how many bytes were written, `required` how many are needed when the
//! buffer is too small (234).

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::memory;
use resapi_sys_mock::export::pointers::{bytes, get, need, put};
use resapi_sys_mock::exports;
use resapi_sys_mock::property_list::{self, Value};
use resapi_sys_mock::property_table::{Checked, Item, Store, Table, block};
use resapi_sys_mock::wide;

use crate::key::Key;

/// Writes a list into a buffer.
///
/// # Safety
/// The buffer is NULL or writable for `room` bytes, the numbers are NULL or writable.
unsafe fn give(list: &[u8], buffer: *mut u8, room: u32, returned: *mut DWORD, required: *mut DWORD) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    unsafe {
        put(returned, 0);
        put(required, 0);
        if buffer.is_null() || (room as usize) < list.len() {
            put(required, list.len() as u32);
            return Err(ERROR_MORE_DATA);
        }
        std::ptr::copy_nonoverlapping(list.as_ptr(), buffer, list.len());
        put(returned, list.len() as u32);
    }
    Ok(())
}

/// A property list argument; NULL is `None`.
///
/// # Safety
/// NULL, or readable for `size` bytes.
unsafe fn list<'a>(pointer: *const c_void, size: u32) -> Result<Option<&'a [u8]>, u32> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { bytes(pointer.cast(), size) }.map(Some)
}

/// Puts what was checked into a parameter block, if there is one.
///
/// # Safety
/// The block is NULL, or as large as the table says.
unsafe fn fill(table: &Table, checked: &[Checked], target: *mut u8) -> Result<(), u32> {
    if target.is_null() {
        return Ok(());
    }
    for one in checked {
        let Some(at) = one.item else { continue };
        // SAFETY: the caller's promise.
        unsafe { block::write(&table.items[at], target, one.value.as_ref()) }?;
    }
    Ok(())
}

/// Verifies a list, writes it to a key, fills a block.
///
/// # Safety
/// The pointers as the header says.
unsafe fn set_table(
    key: HKEY,
    table: *const RESUTIL_PROPERTY_ITEM,
    allow_unknown: bool,
    given: (*const c_void, u32),
    force: bool,
    target: *mut u8,
) -> Result<(), u32> {
    // SAFETY: the caller's promise.
    let (table, given) = unsafe { (Table::read(table)?, list(given.0, given.1)?) };
    let checked = table.verify(allow_unknown, given)?;
    table.store(&checked, &Key(key), force)?;
    // SAFETY: the caller's promise.
    unsafe { fill(&table, &checked, target) }
}

/// Writes a parameter block to a key, then what the table does not know from a list, and copies the block.
///
/// # Safety
/// The pointers as the header says.
unsafe fn set_block(
    key: HKEY,
    table: *const RESUTIL_PROPERTY_ITEM,
    source: *const u8,
    given: (*const c_void, u32),
    force: bool,
    target: *mut u8,
) -> Result<(), u32> {
    need(source)?;
    // SAFETY: the caller's promise.
    let (table, given) = unsafe { (Table::read(table)?, list(given.0, given.1)?) };
    let mut all = Vec::new();
    for (at, item) in table.items.iter().enumerate() {
        if item.is_read_only() {
            continue;
        }
        // SAFETY: the caller's promise.
        let (value, is_there) = unsafe { block::read(item, source) };
        if !item.allows(&value) {
            return Err(ERROR_INVALID_PARAMETER);
        }
        all.push(Checked { name: item.name.clone(), item: Some(at), value: is_there.then_some(value) });
    }
    table.store(&all, &Key(key), force)?;
    if let Some(given) = given {
        set_unknown(&Key(key), &table, given)?;
    }
    // SAFETY: the caller's promise.
    unsafe { fill(&table, &all, target) }
}

fn set_unknown(key: &Key, table: &Table, given: &[u8]) -> Result<(), u32> {
    let known = |name: &str| table.find(name).is_some();
    let checked = Table { items: Vec::new() }.verify(true, Some(given))?;
    let unknown: Vec<Checked> = checked.into_iter().filter(|one| !known(&one.name)).collect();
    table.store(&unknown, key, false)
}

/// One item as the bytes of a property list without the count.
fn entry_of(item: &Item, store: &dyn Store) -> Result<Vec<u8>, u32> {
    let whole = property_list::build([(item.name.clone(), Table::value(item, store)?)]);
    Ok(whole[size_of::<u32>()..].to_vec())
}

exports! {
    EXPORTS;

    fn ResUtilEnumProperties(
        table: *const RESUTIL_PROPERTY_ITEM, buffer: LPWSTR, room: DWORD, returned: *mut DWORD, required: *mut DWORD
    ) -> Code {
        let table = Table::read(table)?;
        let names = wide::list_bytes(table.items.iter().map(|item| item.name.as_str()));
        give(&names, buffer.cast(), room, returned, required)
    }

    fn ResUtilEnumPrivateProperties(
        key: HKEY, buffer: LPWSTR, room: DWORD, returned: *mut DWORD, required: *mut DWORD
    ) -> Code {
        let all = Key(key).all()?;
        let names = wide::list_bytes(all.iter().map(|(name, ..)| name.as_str()));
        give(&names, buffer.cast(), room, returned, required)
    }

    fn ResUtilGetProperties(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, buffer: *mut c_void, room: DWORD, returned: *mut DWORD,
        required: *mut DWORD
    ) -> Code {
        let values = Table::read(table)?.values(&Key(key))?;
        give(&property_list::build(values), buffer.cast(), room, returned, required)
    }

    fn ResUtilGetAllProperties(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, buffer: *mut c_void, room: DWORD, returned: *mut DWORD,
        required: *mut DWORD
    ) -> Code {
        let table = Table::read(table)?;
        let mut values = table.values(&Key(key))?;
        values.extend(table.unknown(&Key(key))?);
        give(&property_list::build(values), buffer.cast(), room, returned, required)
    }

    fn ResUtilGetPrivateProperties(
        key: HKEY, buffer: *mut c_void, room: DWORD, returned: *mut DWORD, required: *mut DWORD
    ) -> Code {
        let values = Table { items: Vec::new() }.unknown(&Key(key))?;
        give(&property_list::build(values), buffer.cast(), room, returned, required)
    }

    fn ResUtilGetPropertyFormats(
        table: *const RESUTIL_PROPERTY_ITEM, buffer: *mut c_void, room: DWORD, returned: *mut DWORD,
        required: *mut DWORD
    ) -> Code {
        let table = Table::read(table)?;
        let formats = table.items.iter().map(|item| (item.name.as_str(), item.format));
        give(&property_list::build_formats(formats), buffer.cast(), room, returned, required)
    }

    fn ResUtilGetPropertySize(
        key: HKEY, item: *const RESUTIL_PROPERTY_ITEM, size: *mut DWORD, count: *mut DWORD
    ) -> Code {
        let item = Item::read(&get(item)?)?;
        let (before, properties) = (get(size)?, get(count)?);
        let entry = entry_of(&item, &Key(key))?;
        // The sizes of several properties are added up by calling this once for each.
        put(size, before.saturating_add(entry.len() as u32));
        put(count, properties.saturating_add(1));
        Ok(())
    }

    fn ResUtilGetProperty(
        key: HKEY, item: *const RESUTIL_PROPERTY_ITEM, target: *mut *mut c_void, size: *mut DWORD
    ) -> Code {
        let item = Item::read(&get(item)?)?;
        let (buffer, room) = (get(target)?, get(size)?);
        let entry = entry_of(&item, &Key(key))?;
        if buffer.is_null() || (room as usize) < entry.len() {
            put(size, entry.len() as u32);
            return Err(ERROR_MORE_DATA);
        }
        std::ptr::copy_nonoverlapping(entry.as_ptr(), buffer.cast::<u8>(), entry.len());
        // Pointer and room go on to where the next property is put.
        put(target, buffer.cast::<u8>().add(entry.len()).cast());
        put(size, room - entry.len() as u32);
        Ok(())
    }

    fn ResUtilVerifyPropertyTable(
        table: *const RESUTIL_PROPERTY_ITEM, reserved: *const c_void, allow_unknown: BOOL, given: *const c_void,
        size: DWORD, target: *mut u8
    ) -> Code {
        if !reserved.is_null() {
            return Err(ERROR_INVALID_PARAMETER);
        }
        let table = Table::read(table)?;
        let checked = table.verify(allow_unknown != 0, list(given, size)?)?;
        fill(&table, &checked, target)
    }

    fn ResUtilSetPropertyTable(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, _reserved: *const c_void, allow_unknown: BOOL,
        given: *const c_void, size: DWORD, target: *mut u8
    ) -> Code {
        set_table(key, table, allow_unknown != 0, (given, size), false, target)
    }

    fn ResUtilSetPropertyTableEx(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, _reserved: *mut c_void, allow_unknown: BOOL,
        given: *const c_void, size: DWORD, force: BOOL, target: *mut u8
    ) -> Code {
        set_table(key, table, allow_unknown != 0, (given, size), force != 0, target)
    }

    fn ResUtilSetPropertyParameterBlock(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, _reserved: *mut c_void, source: *const u8,
        given: *const c_void, size: DWORD, target: *mut u8
    ) -> Code {
        set_block(key, table, source, (given, size), false, target)
    }

    fn ResUtilSetPropertyParameterBlockEx(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, _reserved: *mut c_void, source: *const u8,
        given: *const c_void, size: DWORD, force: BOOL, target: *mut u8
    ) -> Code {
        set_block(key, table, source, (given, size), force != 0, target)
    }

    fn ResUtilSetUnknownProperties(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, given: *const c_void, size: DWORD
    ) -> Code {
        let table = Table::read(table)?;
        set_unknown(&Key(key), &table, list(given, size)?.ok_or(ERROR_INVALID_DATA)?)
    }

    fn ResUtilAddUnknownProperties(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, buffer: *mut c_void, room: DWORD, returned: *mut DWORD,
        required: *mut DWORD
    ) -> Code {
        let table = Table::read(table)?;
        let present = list(buffer, get(returned)?.min(room))?.filter(|list| !list.is_empty());
        let mut values: Vec<(String, Value)> = Vec::new();
        for property in property_list::parse(present.unwrap_or(&[0; 4])).map_err(|error| error.win32())? {
            values.push((property.name.clone(), property.value().map_err(|error| error.win32())?));
        }
        values.extend(table.unknown(&Key(key))?);
        give(&property_list::build(values), buffer.cast(), room, returned, required)
    }

    fn ResUtilSetPrivatePropertyList(key: HKEY, given: *const c_void, size: DWORD) -> Code {
        let nothing = Table { items: Vec::new() };
        let checked = nothing.verify(true, list(given, size)?)?;
        nothing.store(&checked, &Key(key), false)
    }

    fn ResUtilVerifyPrivatePropertyList(given: *const c_void, size: DWORD) -> Code {
        Table { items: Vec::new() }.verify(true, list(given, size)?).map(drop)
    }

    fn ResUtilGetPropertiesToParameterBlock(
        key: HKEY, table: *const RESUTIL_PROPERTY_ITEM, target: *mut u8, check_required: BOOL,
        name_in_error: *mut LPWSTR
    ) -> Code {
        put(name_in_error, std::ptr::null_mut());
        if target.is_null() {
            return Err(ERROR_BAD_ARGUMENTS);
        }
        let table = Table::read(table)?;
        for item in &table.items {
            let blame = |code: u32| {
                if !name_in_error.is_null()
                    && let Ok(name) = memory::text(&item.name)
                {
                    put(name_in_error, name);
                }
                code
            };
            let stored = Table::stored(item, &Key(key)).map_err(blame)?;
            if stored.is_none() && item.is_required() && check_required != 0 {
                return Err(blame(ERROR_FILE_NOT_FOUND));
            }
            let value = stored.unwrap_or_else(|| item.default_value());
            if !item.allows(&value) {
                return Err(blame(ERROR_INVALID_DATA));
            }
            // A text without a default stays a NULL pointer.
            let is_empty = value.bytes().iter().all(|byte| *byte == 0) && item.has_no_default();
            block::write(item, target, if is_empty { None } else { Some(&value) })?;
        }
        Ok(())
    }

    fn ResUtilPropertyListFromParameterBlock(
        table: *const RESUTIL_PROPERTY_ITEM, buffer: *mut c_void, room: *mut DWORD, source: *const u8,
        returned: *mut DWORD, required: *mut DWORD
    ) -> Code {
        let table = Table::read(table)?;
        let room = get(room)?;
        if source.is_null() {
            return Err(ERROR_BAD_ARGUMENTS);
        }
        let values = table.items.iter().map(|item| (item.name.clone(), block::read(item, source).0));
        give(&property_list::build(values), buffer.cast(), room, returned, required)
    }

    fn ResUtilDupParameterBlock(target: *mut u8, source: *const u8, table: *const RESUTIL_PROPERTY_ITEM) -> Code {
        let table = Table::read(table)?;
        if target.is_null() || source.is_null() {
            return Err(ERROR_BAD_ARGUMENTS);
        }
        block::duplicate(&table, target, source)
    }

    fn ResUtilFreeParameterBlock(target: *mut u8, source: *const u8, table: *const RESUTIL_PROPERTY_ITEM) -> Nothing {
        let table = Table::read(table)?;
        need(target)?;
        block::release(&table, target, source);
        Ok(())
    }
}
