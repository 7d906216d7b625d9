//! The host table from both sides: a giving host in memory, the taking side, and a careless C caller in between.

use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::sync::Mutex;

use resapi_sys_mock::abi::{HKEY, REG_BINARY, REG_DWORD, REG_SZ};
use resapi_sys_mock::host::{Bound, HOST_TABLE_V1_BYTES, HOST_TABLE_VERSION, Host, HostTable, Value, table};
use resapi_sys_mock::wide;

/// One key, number 1, whose values are all that is stored; the value "panic" panics when it is read.
struct OneKey {
    values: Mutex<BTreeMap<String, Value>>,
    last_error: Mutex<u32>,
}

static HOST: OneKey = OneKey { values: Mutex::new(BTreeMap::new()), last_error: Mutex::new(0) };
static TABLE: HostTable = table::<OneKey>();

fn only(key: usize) -> Result<(), u32> {
    if key == 1 { Ok(()) } else { Err(6) }
}

impl Host for OneKey {
    fn instance() -> &'static Self {
        &HOST
    }
    fn open_key(&self, key: usize, path: &str, _access: u32) -> Result<usize, u32> {
        only(key)?;
        if path.is_empty() { Ok(1) } else { Err(2) }
    }
    fn create_key(&self, key: usize, path: &str, _access: u32) -> Result<(usize, bool), u32> {
        only(key)?;
        Ok((1, !path.is_empty()))
    }
    fn close_key(&self, key: usize) -> Result<(), u32> {
        only(key)
    }
    fn query_value(&self, key: usize, name: &str) -> Result<Value, u32> {
        only(key)?;
        assert_ne!(name, "panic", "told to panic");
        self.values.lock().unwrap().get(name).cloned().ok_or(2)
    }
    fn set_value(&self, key: usize, name: &str, value: Value) -> Result<(), u32> {
        only(key)?;
        self.values.lock().unwrap().insert(name.to_owned(), value);
        Ok(())
    }
    fn delete_value(&self, key: usize, name: &str) -> Result<(), u32> {
        only(key)?;
        self.values.lock().unwrap().remove(name).map(drop).ok_or(2)
    }
    fn value_at(&self, key: usize, index: u32) -> Result<(String, Value), u32> {
        only(key)?;
        let values = self.values.lock().unwrap();
        let found = values.iter().filter(|(name, _)| name.starts_with("listed ")).nth(index as usize);
        found.map(|(name, value)| (name.clone(), value.clone())).ok_or(259)
    }
    fn key_at(&self, key: usize, index: u32) -> Result<(String, u64), u32> {
        only(key)?;
        if index == 0 { Ok(("only".into(), 0x1_0000_0002)) } else { Err(259) }
    }
    fn create_event(&self, manual_reset: bool, signalled: bool) -> Result<usize, u32> {
        assert!(manual_reset && !signalled);
        Ok(9)
    }
    fn set_event(&self, event: usize) -> Result<(), u32> {
        if event == 9 { Ok(()) } else { Err(6) }
    }
    fn close_event(&self, event: usize) -> Result<(), u32> {
        self.set_event(event)
    }
    fn set_last_error(&self, code: u32) {
        *self.last_error.lock().unwrap() = code;
    }
}

fn bound() -> Bound {
    // SAFETY: a static table made by `table`.
    unsafe { Bound::new(&TABLE) }.unwrap()
}

#[test]
fn values_keep_their_type_and_bytes() {
    fn check(name: &str, kind: u32, data: &[u8]) {
        let value = Value { kind, data: data.to_vec() };
        bound().set_value(1, name, &value).unwrap();
        assert_eq!(bound().query_value(1, name), Ok(value));
        assert_eq!(bound().delete_value(1, name), Ok(()));
        assert_eq!(bound().query_value(1, name), Err(2));
        assert_eq!(bound().delete_value(1, name), Err(2));
    }
    check("number", REG_DWORD, &[1, 2, 3, 4]);
    check("größe", REG_SZ, &wide::bytes("text"));
    check("nothing", REG_BINARY, &[]);
    check("much", REG_BINARY, &[7; 100_000]);
    check("", 0xFFFF, &[1]);
}

#[test]
fn errors_and_keys_pass_through() {
    let bound = bound();
    assert_eq!(bound.open_key(1, "", 0), Ok(1));
    assert_eq!(bound.open_key(1, "missing", 0), Err(2));
    assert_eq!(bound.open_key(2, "", 0), Err(6));
    assert_eq!(bound.create_key(1, "new", 0), Ok(1));
    assert_eq!(bound.close_key(1), Ok(()));
    assert_eq!(bound.close_key(5), Err(6));
    assert_eq!(bound.query_value(1, "panic"), Err(1359), "a panic of the host ends at the door");
    assert_eq!((bound.key_at(1, 0), bound.key_at(1, 1)), (Ok("only".into()), Err(259)));
    assert_eq!(bound.create_event(), Ok(9));
    assert_eq!((bound.set_event(9), bound.set_event(8)), (Ok(()), Err(31)));
    assert_eq!((bound.close_event(9), bound.close_event(8)), (Ok(()), Err(31)));
    bound.set_last_error(77);
    assert_eq!(*HOST.last_error.lock().unwrap(), 77);
}

#[test]
fn values_are_listed() {
    for (name, data) in [("listed a", vec![]), ("listed b", vec![1; 1000])] {
        bound().set_value(1, name, &Value { kind: REG_BINARY, data }).unwrap();
    }
    assert_eq!(bound().value_at(1, 0), Ok(("listed a".into(), Value { kind: REG_BINARY, data: vec![] })));
    assert_eq!(bound().value_at(1, 1), Ok(("listed b".into(), Value { kind: REG_BINARY, data: vec![1; 1000] })));
    assert_eq!(bound().value_at(1, 2), Err(259));
}

#[test]
fn a_careless_caller_gets_codes() {
    let (key, bad) = (1usize as HKEY, null_mut());
    let name = wide::units("careless");
    let (open, query) = (TABLE.ClusterRegOpenKey.unwrap(), TABLE.ClusterRegQueryValue.unwrap());
    let (set, enum_key) = (TABLE.ClusterRegSetValue.unwrap(), TABLE.ClusterRegEnumKey.unwrap());
    let create = TABLE.ClusterRegCreateKey.unwrap();
    let mut opened: HKEY = null_mut();
    let (mut kind, mut size, mut data) = (0, 2, [0u8; 4]);
    // SAFETY: text is NUL-terminated or NULL; every other pointer is NULL or ours, with its size beside it.
    unsafe {
        assert_eq!(open(key, std::ptr::null(), 0, &mut opened), 87, "a path is needed");
        assert_eq!(open(key, name.as_ptr(), 0, null_mut()), 87, "a place for the result is needed");
        assert_eq!(open(bad, name.as_ptr(), 0, &mut opened), 6);
        assert_eq!(create(key, name.as_ptr(), 1, 0, null_mut(), &mut opened, null_mut()), 87, "keys are not volatile");
        let mut disposition = 0;
        assert_eq!(create(key, name.as_ptr(), 0, 0, null_mut(), &mut opened, &mut disposition), 0);
        assert_eq!((opened as usize, disposition), (1, 1));
        assert_eq!(set(key, name.as_ptr(), 4, std::ptr::null(), 4), 87, "four bytes of nothing");
        assert_eq!(set(key, name.as_ptr(), 4, [1u8, 2, 3, 4].as_ptr(), 4), 0);
        // Size only, short buffer, type only, buffer without size, all of it.
        assert_eq!((query(key, name.as_ptr(), null_mut(), null_mut(), &mut size), size), (0, 4));
        size = 3;
        assert_eq!((query(key, name.as_ptr(), null_mut(), data.as_mut_ptr(), &mut size), size), (234, 4));
        assert_eq!(data, [0; 4], "nothing was written into the short buffer");
        assert_eq!((query(key, name.as_ptr(), &mut kind, null_mut(), null_mut()), kind), (0, 4));
        assert_eq!(query(key, name.as_ptr(), null_mut(), data.as_mut_ptr(), null_mut()), 87);
        assert_eq!(query(key, name.as_ptr(), null_mut(), data.as_mut_ptr(), &mut size), 0);
        assert_eq!(data, [1, 2, 3, 4]);
        // A name of four characters needs room for five.
        let mut text = [0xFFFFu16; 5];
        let mut units = 4;
        assert_eq!((enum_key(key, 0, text.as_mut_ptr(), &mut units, null_mut()), units), (234, 4));
        units = 5;
        assert_eq!((enum_key(key, 0, text.as_mut_ptr(), &mut units, null_mut()), units), (0, 4));
        assert_eq!(wide::read(text.as_ptr()), Some("only".into()));
        assert_eq!(enum_key(key, 0, null_mut(), &mut units, null_mut()), 87);
    }
}

#[test]
fn a_table_without_functions_answers_not_implemented() {
    // SAFETY: a table without functions.
    let bound = unsafe { Bound::new(&HostTable::EMPTY) }.unwrap();
    assert_eq!(bound.open_key(1, "", 0), Err(120));
    assert_eq!(bound.query_value(1, ""), Err(120));
    assert_eq!(bound.create_event(), Err(120));
    bound.set_last_error(1);
}

#[test]
fn tables_of_other_versions() {
    fn check(size: u32, version: u32, code: Option<u32>) {
        let table = HostTable { size, version, ..HostTable::EMPTY };
        // SAFETY: the table has at least the bytes of this version, whatever it says.
        assert_eq!(unsafe { Bound::new(&table) }.err(), code, "size {size}, version {version}");
    }
    let size = HostTable::EMPTY.size;
    check(size, HOST_TABLE_VERSION, None);
    check(size, HOST_TABLE_VERSION + 1, None);
    // What an older host lacks is missing, and half a function is none.
    check(HOST_TABLE_V1_BYTES as u32, 1, None);
    check(size - 1, HOST_TABLE_VERSION, None);
    check(HOST_TABLE_V1_BYTES as u32 - 1, HOST_TABLE_VERSION, Some(87));
    check(size, 0, Some(1306));
    let mut short = HostTable { size: HOST_TABLE_V1_BYTES as u32 + 7, version: 1, ..TABLE };
    // SAFETY: the table is whole, whatever it says.
    let bound = unsafe { Bound::new(&short) }.unwrap();
    assert_eq!(bound.guard_call("OnlineClusterResource", 0), Ok(()), "nobody guards");
    assert_eq!(bound.worker_pass(), 0);
    short.size = size;
    // SAFETY: as above.
    let bound = unsafe { Bound::new(&short) }.unwrap();
    assert_eq!(bound.guard_call("OnlineClusterResource", 0), Ok(()), "the host allows it");
    // SAFETY: NULL is allowed and refused.
    assert_eq!(unsafe { Bound::new(std::ptr::null()) }.err(), Some(87));
}
