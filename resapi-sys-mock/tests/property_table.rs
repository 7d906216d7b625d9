//! Property tables and parameter blocks, as `libresutils` uses them: tables in C, values in a registry of the test, and every
//! rule of reference 04.4 and 08.4 that can be told without a cluster. Runs under Miri.

use std::cell::RefCell;
use std::collections::BTreeMap;

use resapi_sys_mock::abi::{
    LPWSTR, REG_BINARY, REG_DWORD, REG_SZ, RESUTIL_LARGEINT_DATA, RESUTIL_PROPERTY_ITEM, RESUTIL_PROPERTY_ITEM_0,
};
use resapi_sys_mock::export::memory;
use resapi_sys_mock::property_list::{self, Value};
use resapi_sys_mock::property_table::{Checked, Store, Stored, Table, block};
use resapi_sys_mock::wide;

const READ_ONLY: u32 = 1;
const REQUIRED: u32 = 2;
const SIGNED: u32 = 4;
const IN_MEMORY: u32 = 8;

/// The structure of a resource type.
#[repr(C)]
#[derive(Clone, Copy)]
struct Block {
    path: LPWSTR,
    port: u32,
    offset: i32,
    blob: *mut u8,
    blob_bytes: u32,
    list: LPWSTR,
    list_bytes: u32,
    large: i64,
    word: u16,
}

const EMPTY: Block = Block {
    path: std::ptr::null_mut(),
    port: 0,
    offset: 0,
    blob: std::ptr::null_mut(),
    blob_bytes: 0,
    list: std::ptr::null_mut(),
    list_bytes: 0,
    large: 0,
    word: 0,
};

/// A table with what its pointers lead to.
struct InC {
    items: Vec<RESUTIL_PROPERTY_ITEM>,
    // What the items point to must live as long as they do.
    _texts: Vec<Vec<u16>>,
    _range: Vec<RESUTIL_LARGEINT_DATA>,
}

fn table() -> InC {
    let mut texts: Vec<Vec<u16>> = Vec::new();
    let mut range = vec![RESUTIL_LARGEINT_DATA { Default: -7, Minimum: -100, Maximum: 100 }];
    let names = ["Path", "Port", "Offset", "Blob", "List", "Large", "Word", "Fixed"];
    texts.extend(names.map(wide::units));
    texts.push("a\0b\0\0".encode_utf16().collect());
    texts.push(wide::units("/default"));
    let mut item =
        |at: usize, format: u32, offset: usize, range: (u32, u32), flags: u32, default| RESUTIL_PROPERTY_ITEM {
            Name: texts[at].as_mut_ptr(),
            KeyName: std::ptr::null_mut(),
            Format: format,
            Anonymous: default,
            Minimum: range.0,
            Maximum: range.1,
            Flags: flags,
            Offset: offset as u32,
        };
    let number = |default: u32| RESUTIL_PROPERTY_ITEM_0 { DefaultPtr: default as usize };
    let nothing = RESUTIL_PROPERTY_ITEM_0 { DefaultPtr: 0 };
    let mut items = vec![
        item(0, 3, std::mem::offset_of!(Block, path), (0, 0), REQUIRED, nothing),
        item(1, 2, std::mem::offset_of!(Block, port), (1, 65_535), 0, number(80)),
        item(2, 7, std::mem::offset_of!(Block, offset), (-10_i32 as u32, 10), SIGNED, number(-5_i32 as u32)),
        item(3, 1, std::mem::offset_of!(Block, blob), (0, 0), 0, nothing),
        item(4, 5, std::mem::offset_of!(Block, list), (10, 0), 0, nothing),
        item(5, 10, std::mem::offset_of!(Block, large), (0, 0), 0, nothing),
        item(6, 11, std::mem::offset_of!(Block, word), (0, 0), IN_MEMORY, number(3)),
        item(7, 2, std::mem::offset_of!(Block, port), (0, 0), READ_ONLY, number(1)),
    ];
    items[4].Anonymous = RESUTIL_PROPERTY_ITEM_0 { lpDefault: texts[8].as_mut_ptr().cast() };
    items[5].Anonymous = RESUTIL_PROPERTY_ITEM_0 { LargeIntData: range.as_mut_ptr() };
    items.push(RESUTIL_PROPERTY_ITEM { Name: std::ptr::null_mut(), ..items[0] });
    InC { items, _texts: texts, _range: range }
}

fn read(table: &InC) -> Table {
    // SAFETY: made above as the function asks for.
    unsafe { Table::read(table.items.as_ptr()) }.expect("a good table")
}

/// A key without subkeys.
#[derive(Default)]
struct Key(RefCell<BTreeMap<String, (u32, Vec<u8>)>>, RefCell<u32>);

impl Store for Key {
    fn query(&self, _: &str, name: &str) -> Result<Option<(u32, Vec<u8>)>, u32> {
        Ok(self.0.borrow().get(name).cloned())
    }
    fn set(&self, _: &str, name: &str, kind: u32, bytes: &[u8]) -> Result<(), u32> {
        *self.1.borrow_mut() += 1;
        self.0.borrow_mut().insert(name.to_owned(), (kind, bytes.to_vec()));
        Ok(())
    }
    fn delete(&self, _: &str, name: &str) -> Result<(), u32> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }
    fn all(&self) -> Result<Vec<Stored>, u32> {
        Ok(self.0.borrow().iter().map(|(name, (kind, bytes))| (name.clone(), *kind, bytes.clone())).collect())
    }
}

#[test]
fn what_is_not_stored_has_its_default() {
    let in_c = table();
    let key = Key::default();
    let table = read(&in_c);
    let values: BTreeMap<String, Value> = table.values(&key).expect("readable").into_iter().collect();
    let check = |name: &str, expected: Value| assert_eq!(values[name], expected, "{name}");
    check("Path", Value::Sz(String::new()));
    check("Port", Value::Dword(80));
    check("Offset", Value::Long(-5));
    check("Blob", Value::Binary(Vec::new()));
    check("List", Value::MultiSz(vec!["a".into(), "b".into()]));
    check("Large", Value::LargeInteger(-7));
    check("Word", Value::Word(3));
}

#[test]
fn what_is_stored_counts_when_its_type_fits() {
    let in_c = table();
    let table = read(&in_c);
    let key = Key::default();
    key.set("", "Port", REG_DWORD, &[1, 0, 0, 0]).expect("stored");
    key.set("", "Path", REG_BINARY, &[1]).expect("stored");
    key.set("", "Other", REG_SZ, &wide::bytes("x")).expect("stored");
    let port = table.find("PORT").expect("names have no case");
    assert_eq!(Table::stored(port, &key), Ok(Some(Value::Dword(1))));
    assert_eq!(Table::stored(table.find("Path").expect("known"), &key), Ok(None));
    assert_eq!(table.unknown(&key), Ok(vec![("Other".to_owned(), Value::Sz("x".into()))]));
}

#[test]
fn lists_are_verified_against_the_table() {
    let in_c = table();
    let table = read(&in_c);
    let check = |name: &str, value: Value, unknown: bool, expected: Result<(), u32>| {
        let list = property_list::build([(name, value)]);
        assert_eq!(table.verify(unknown, Some(&list)).map(drop), expected, "{name}");
    };
    check("port", Value::Dword(8080), false, Ok(()));
    check("Port", Value::Dword(0), false, Err(87));
    check("Port", Value::Dword(65_536), false, Err(87));
    check("Port", Value::Long(1), false, Err(13));
    check("Offset", Value::Long(-10), false, Ok(()));
    check("Offset", Value::Long(-11), false, Err(87));
    check("Large", Value::LargeInteger(101), false, Err(87));
    check("Path", Value::ExpandSz("%X%".into()), false, Ok(()));
    check("Fixed", Value::Dword(2), false, Err(87));
    check("Other", Value::Dword(2), false, Err(87));
    check("Other", Value::Dword(2), true, Ok(()));
    assert_eq!(table.verify(false, None).map(drop), Err(13));
    assert_eq!(table.verify(false, Some(&[])).map(drop), Err(122));
    let whole = property_list::build([("Port", Value::Dword(1)), ("Path", Value::Sz("x".into()))]);
    for end in 0..whole.len() {
        let code = table.verify(false, Some(&whole[..end])).expect_err("cut short");
        assert!(code == 122 || code == 13, "{end}: {code}");
    }
    // A value without bytes deletes, where the format has such a thing.
    let gone = property_list::build([("Path", Value::Other { syntax: 0x0001_0003, data: Vec::new() })]);
    let checked = table.verify(false, Some(&gone)).expect("may be deleted");
    assert_eq!(checked[0].value, None);
}

#[test]
fn only_what_differs_is_written() {
    let in_c = table();
    let table = read(&in_c);
    let key = Key::default();
    let list = property_list::build([("Port", Value::Dword(1)), ("Word", Value::Word(9))]);
    let checked: Vec<Checked> = table.verify(false, Some(&list)).expect("good");
    table.store(&checked, &key, false).expect("written");
    table.store(&checked, &key, false).expect("nothing to write");
    assert_eq!(*key.1.borrow(), 1, "written once, and what is only in memory not at all");
    table.store(&checked, &key, true).expect("written by force");
    assert_eq!(*key.1.borrow(), 2);
}

#[test]
fn blocks_are_filled_copied_and_given_back() {
    let in_c = table();
    let table = read(&in_c);
    let mut first = EMPTY;
    let target = (&raw mut first).cast::<u8>();
    let values = [
        ("Path", Value::Sz("/x".into())),
        ("Port", Value::Dword(8080)),
        ("Offset", Value::Long(-3)),
        ("Blob", Value::Binary(vec![1, 2, 3])),
        ("List", Value::MultiSz(vec!["a".into()])),
        ("Large", Value::LargeInteger(-1)),
        ("Word", Value::Word(7)),
    ];
    for (name, value) in &values {
        // SAFETY: the block is as large as the table says.
        unsafe { block::write(table.find(name).expect("known"), target, Some(value)) }.expect("memory");
    }
    assert_eq!((first.port, first.offset, first.blob_bytes, first.list_bytes), (8080, -3, 3, 6));
    assert_eq!((first.large, first.word), (-1, 7));
    let mut second = EMPTY;
    // SAFETY: both blocks are as large as the table says.
    unsafe { block::duplicate(&table, (&raw mut second).cast(), target) }.expect("memory");
    assert!(second.path != first.path && second.blob != first.blob);
    for (name, value) in &values {
        // SAFETY: as above.
        let (found, is_there) = unsafe { block::read(table.find(name).expect("known"), (&raw const second).cast()) };
        assert!(is_there && found == *value, "{name}: {found:?}");
    }
    // What two blocks share is not given back with one of them.
    let mut third = second;
    // SAFETY: as above; `third` shares everything with `second`.
    unsafe { block::release(&table, (&raw mut third).cast(), (&raw const second).cast()) };
    assert_eq!(third.path, second.path);
    // SAFETY: as above; nobody uses the texts any more.
    unsafe {
        block::release(&table, (&raw mut second).cast(), target);
        block::release(&table, target, std::ptr::null());
    }
    assert!(second.path.is_null() && first.path.is_null());
}

#[test]
fn tables_that_are_none_are_refused() {
    // SAFETY: NULL is allowed.
    assert_eq!(unsafe { Table::read(std::ptr::null()) }, Err(160));
    let mut in_c = table();
    in_c.items[0].Format = 99;
    // SAFETY: made as the function asks for, but for the format.
    assert_eq!(unsafe { Table::read(in_c.items.as_ptr()) }, Err(13));
}

#[test]
fn memory_is_given_back_and_holds_what_was_put_there() {
    let text = memory::text("é").expect("memory");
    // SAFETY: made by this crate, and read up to its NUL.
    unsafe {
        assert_eq!(wide::read(text).as_deref(), Some("é"));
        memory::release(text.cast());
        memory::release(std::ptr::null_mut());
    }
    let zeroes = memory::allocate(4, true).cast::<u8>();
    // SAFETY: four bytes, all zero.
    unsafe {
        assert_eq!(std::slice::from_raw_parts(zeroes, 4), [0; 4]);
        memory::release(zeroes.cast());
    }
}
