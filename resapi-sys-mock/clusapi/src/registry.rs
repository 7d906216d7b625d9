//! The cluster registry (reference 06.3): keys, values, their security descriptors.

use std::sync::Arc;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, get, need, put, put_text, put_value, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Kind, RegCommand, RegKey, RegValue, Told};

use crate::handles::{self, OpenKey, Thing, insert};
use crate::session::Session;

/// KEY_QUERY_VALUE.
pub(crate) const QUERY_VALUE: u32 = 1;
/// KEY_SET_VALUE.
pub(crate) const SET_VALUE: u32 = 2;
/// KEY_CREATE_SUB_KEY.
const CREATE_SUB_KEY: u32 = 4;
/// KEY_ENUMERATE_SUB_KEYS.
const ENUMERATE_SUB_KEYS: u32 = 8;
/// GENERIC_WRITE.
const GENERIC_WRITE: u32 = 0x4000_0000;
/// ERROR_INVALID_SECURITY_DESCR.
const ERROR_INVALID_SECURITY_DESCR: u32 = 1338;
/// Where security descriptors of keys are kept: values named by the path of their key.
const SECURITY_KEY: &str = "KeySecurity";
/// What a key without a descriptor of its own has: owner and group Administrators; full control for Administrators and
/// SYSTEM, reading for everybody (reference 06.8).
const DEFAULT_SECURITY: &str = concat!(
    "0100048014000000240000000000000034000000", // self-relative, with a discretionary list
    "01020000000000052000000020020000",         // Administrators
    "01020000000000052000000020020000",         // Administrators
    "0200480003000000",                         // three entries
    "000018003f000f0001020000000000052000000020020000",
    "000014003f000f00010100000000000512000000",
    "0000140019000200010100000000000100000000"
);

/// Changes the registry, all or nothing.
pub(crate) fn change(session: &Session, base: String, commands: Vec<RegCommand>) -> Result<(), u32> {
    change_or_failed(session, base, commands).map_err(|(_, code)| code)
}

/// As [`change`]; an error names the command that was refused, -1 for none in particular.
pub(crate) fn change_or_failed(session: &Session, base: String, commands: Vec<RegCommand>) -> Result<(), (i32, u32)> {
    match session.ask(&Ask::Change { base, commands }) {
        Ok(Told::Unchanged { failed, code }) => Err((failed, code)),
        Ok(_) => Ok(()),
        Err(code) => Err((-1, code)),
    }
}

pub(crate) fn command(command: u32, name: String, value: RegValue) -> RegCommand {
    RegCommand { command, name, value }
}

pub(crate) fn nothing() -> RegValue {
    RegValue { kind: REG_NONE, bytes: Vec::new() }
}

impl OpenKey {
    /// 5 when the handle was not opened for this.
    pub(crate) fn needs(&self, right: u32) -> Result<(), u32> {
        if self.access & right == right { Ok(()) } else { Err(ERROR_ACCESS_DENIED) }
    }

    /// Path of a key below this one.
    pub(crate) fn below(&self, sub: &str) -> Result<String, u32> {
        if sub.starts_with('\\') {
            return Err(ERROR_INVALID_NAME);
        }
        let sub = sub.trim_end_matches('\\');
        Ok(match (self.path.as_str(), sub) {
            (path, "") => path.to_owned(),
            ("", sub) => sub.to_owned(),
            (path, sub) => format!("{path}\\{sub}"),
        })
    }

    fn read(&self) -> Result<RegKey, u32> {
        read_key(&self.session, self.path.clone())
    }

    fn child(&self, path: String, access: u32) -> HANDLE {
        insert(Thing::Key(Arc::new(OpenKey { session: Arc::clone(&self.session), path, access: rights(access) })))
    }
}

fn read_key(session: &Session, path: String) -> Result<RegKey, u32> {
    match session.ask(&Ask::ReadKey { path })? {
        Told::Key(key) => Ok(key),
        _ => Err(RPC_S_CALL_FAILED),
    }
}

/// What a desired access comes down to. Nothing asked for is everything, as generic and maximum access are.
fn rights(desired: u32) -> u32 {
    match desired {
        0 => u32::MAX,
        bits if bits & (GENERIC_ALL | MAXIMUM_ALLOWED) != 0 => u32::MAX,
        bits => {
            let read = if bits & GENERIC_READ != 0 { KEY_READ } else { 0 };
            let write = if bits & GENERIC_WRITE != 0 { KEY_WRITE } else { 0 };
            bits | read | write
        }
    }
}

/// The key of an object.
fn key_of(handle: HANDLE, kind: Kind, access: u32) -> Result<HANDLE, u32> {
    let member = handles::object(handle, kind)?;
    let path = member.look()?.key;
    let session = Arc::clone(&member.session);
    Ok(insert(Thing::Key(Arc::new(OpenKey { session, path, access: rights(access) }))))
}

fn time(ticks: u64) -> FILETIME {
    FILETIME { dwLowDateTime: ticks as u32, dwHighDateTime: (ticks >> 32) as u32 }
}

exports! {
    EXPORTS;

    fn GetClusterKey(cluster: HCLUSTER, access: REGSAM) -> Handle {
        let member = handles::cluster(cluster)?;
        let session = Arc::clone(&member.session);
        read_key(&session, String::new())?;
        Ok(insert(Thing::Key(Arc::new(OpenKey { session, path: String::new(), access: rights(access) }))))
    }

    fn GetClusterNodeKey(node: HNODE, access: REGSAM) -> Handle {
        key_of(node, Kind::Node, access)
    }

    fn GetClusterGroupKey(group: HGROUP, access: REGSAM) -> Handle {
        key_of(group, Kind::Group, access)
    }

    fn GetClusterResourceKey(resource: HRESOURCE, access: REGSAM) -> Handle {
        key_of(resource, Kind::Resource, access)
    }

    fn GetClusterNetworkKey(network: HNETWORK, access: REGSAM) -> Handle {
        key_of(network, Kind::Network, access)
    }

    fn GetClusterNetInterfaceKey(interface: HNETINTERFACE, access: REGSAM) -> Handle {
        key_of(interface, Kind::NetInterface, access)
    }

    fn GetClusterResourceTypeKey(cluster: HCLUSTER, name: LPCWSTR, access: REGSAM) -> Handle {
        let member = handles::cluster(cluster)?;
        let path = member.find(Kind::ResourceType, text(name)?)?.key;
        let session = Arc::clone(&member.session);
        Ok(insert(Thing::Key(Arc::new(OpenKey { session, path, access: rights(access) }))))
    }

    fn ClusterRegOpenKey(key: HKEY, sub_key: LPCWSTR, access: REGSAM, result: *mut HKEY) -> Long {
        let (key, sub_key) = (handles::key(key)?, text(sub_key)?);
        need(result)?;
        let path = key.below(&sub_key)?;
        read_key(&key.session, path.clone())?;
        put(result, key.child(path, access));
        Ok(())
    }

    fn ClusterRegCreateKey(
        key: HKEY, sub_key: LPCWSTR, options: DWORD, access: REGSAM, _security: *const core::ffi::c_void,
        result: *mut HKEY, disposition: *mut DWORD
    ) -> Long {
        let (opened, is_new) = create(key, text(sub_key)?, options, access, result)?;
        put(result, opened);
        put(disposition, if is_new { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY });
        Ok(())
    }

    fn ClusterRegCreateKeyEx(
        key: HKEY, sub_key: LPCWSTR, options: DWORD, access: REGSAM, _security: *const core::ffi::c_void,
        result: *mut HKEY, disposition: *mut DWORD, reason: LPCWSTR
    ) -> Long {
        text_or_empty(reason);
        let (opened, is_new) = create(key, text(sub_key)?, options, access, result)?;
        put(result, opened);
        put(disposition, if is_new { REG_CREATED_NEW_KEY } else { REG_OPENED_EXISTING_KEY });
        Ok(())
    }

    fn ClusterRegCloseKey(key: HKEY) -> Long {
        handles::close_own_key(key).map(drop)
    }

    fn ClusterRegDeleteKey(key: HKEY, sub_key: LPCWSTR) -> Long {
        delete_key(key, text(sub_key)?)
    }

    fn ClusterRegDeleteKeyEx(key: HKEY, sub_key: LPCWSTR, reason: LPCWSTR) -> Long {
        text_or_empty(reason);
        delete_key(key, text(sub_key)?)
    }

    fn ClusterRegEnumKey(key: HKEY, index: DWORD, name: LPWSTR, units: *mut DWORD, last_write: *mut FILETIME) -> Long {
        let key = handles::key(key)?;
        key.needs(ENUMERATE_SUB_KEYS)?;
        need(units)?;
        let found = key.read()?;
        let (sub, ticks) = found.subkeys.get(index as usize).ok_or(ERROR_NO_MORE_ITEMS)?;
        put(last_write, time(*ticks));
        put_text(name, units, sub)
    }

    fn ClusterRegSetValue(key: HKEY, name: LPCWSTR, kind: DWORD, data: *const u8, size: DWORD) -> Code {
        set_value(key, text_or_empty(name), kind, bytes(data, size)?)
    }

    fn ClusterRegSetValueEx(
        key: HKEY, name: LPCWSTR, kind: DWORD, data: *const u8, size: DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        set_value(key, text_or_empty(name), kind, bytes(data, size)?)
    }

    fn ClusterRegDeleteValue(key: HKEY, name: LPCWSTR) -> Code {
        delete_value(key, text_or_empty(name))
    }

    fn ClusterRegDeleteValueEx(key: HKEY, name: LPCWSTR, reason: LPCWSTR) -> Code {
        text_or_empty(reason);
        delete_value(key, text_or_empty(name))
    }

    fn ClusterRegQueryValue(key: HKEY, name: LPCWSTR, kind: *mut DWORD, data: *mut u8, size: *mut DWORD) -> Long {
        let key = handles::key(key)?;
        key.needs(QUERY_VALUE)?;
        let name = text_or_empty(name);
        match key.session.ask(&Ask::ReadValue { path: key.path.clone(), name })? {
            Told::Value(value) => {
                put(kind, value.kind);
                put_value(data, size, &value.bytes)
            }
            _ => Err(RPC_S_CALL_FAILED),
        }
    }

    fn ClusterRegEnumValue(
        key: HKEY, index: DWORD, name: LPWSTR, units: *mut DWORD, kind: *mut DWORD, data: *mut u8, size: *mut DWORD
    ) -> Code {
        let key = handles::key(key)?;
        key.needs(QUERY_VALUE)?;
        need(units)?;
        let found = key.read()?;
        let (found, value) = found.values.get(index as usize).ok_or(ERROR_NO_MORE_ITEMS)?;
        put(kind, value.kind);
        // Both sizes are told, whichever buffer is too small.
        let first = put_text(name, units, found);
        put_value(data, size, &value.bytes)?;
        first
    }

    fn ClusterRegQueryInfoKey(
        key: HKEY, subkeys: *mut DWORD, max_subkey: *mut DWORD, values: *mut DWORD, max_name: *mut DWORD,
        max_value: *mut DWORD, security: *mut DWORD, last_write: *mut FILETIME
    ) -> Long {
        let key = handles::key(key)?;
        key.needs(QUERY_VALUE)?;
        let found = key.read()?;
        let units = |text: &str| text.encode_utf16().count() as u32;
        put(subkeys, found.subkeys.len() as u32);
        put(max_subkey, found.subkeys.iter().map(|(name, _)| units(name)).max().unwrap_or(0));
        put(values, found.values.len() as u32);
        put(max_name, found.values.iter().map(|(name, _)| units(name)).max().unwrap_or(0));
        put(max_value, found.values.iter().map(|(_, value)| value.bytes.len() as u32).max().unwrap_or(0));
        if !security.is_null() {
            put(security, descriptor(&key)?.len() as u32);
        }
        put(last_write, time(found.last_write));
        Ok(())
    }

    notes "descriptors are kept whole and not enforced"
    fn ClusterRegGetKeySecurity(key: HKEY, _wanted: DWORD, target: *mut core::ffi::c_void, size: *mut DWORD) -> Long {
        let key = handles::key(key)?;
        need(size)?;
        let found = descriptor(&key)?;
        let room = get(size)?;
        put(size, found.len() as u32);
        if target.is_null() || (room as usize) < found.len() {
            // What RegGetKeySecurity answers, and so the registry of the cluster: 122.
            return Err(ERROR_INSUFFICIENT_BUFFER);
        }
        std::ptr::copy_nonoverlapping(found.as_ptr(), target.cast::<u8>(), found.len());
        Ok(())
    }

    notes "descriptors are kept whole and not enforced"
    fn ClusterRegSetKeySecurity(key: HKEY, _given: DWORD, descriptor: *const core::ffi::c_void) -> Long {
        set_security(key, descriptor)
    }

    notes "descriptors are kept whole and not enforced"
    fn ClusterRegSetKeySecurityEx(
        key: HKEY, _given: DWORD, descriptor: *const core::ffi::c_void, reason: LPCWSTR
    ) -> Long {
        text_or_empty(reason);
        set_security(key, descriptor)
    }
}

fn create(key: HANDLE, sub_key: String, options: u32, access: u32, result: *mut HKEY) -> Result<(HANDLE, bool), u32> {
    let key = handles::key(key)?;
    need(result)?;
    // Keys of the cluster are never volatile.
    if options != 0 {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let path = key.below(&sub_key)?;
    match read_key(&key.session, path.clone()) {
        Ok(_) => return Ok((key.child(path, access), false)),
        Err(ERROR_FILE_NOT_FOUND) => {}
        Err(code) => return Err(code),
    }
    key.needs(CREATE_SUB_KEY)?;
    change(&key.session, String::new(), vec![command(2, path.clone(), nothing())])?;
    Ok((key.child(path, access), true))
}

fn delete_key(key: HANDLE, sub_key: String) -> Result<(), u32> {
    let key = handles::key(key)?;
    let path = key.below(&sub_key)?;
    if path.is_empty() {
        return Err(ERROR_ACCESS_DENIED);
    }
    change(&key.session, String::new(), vec![command(RegCommand::DELETE_ONE_KEY, path, nothing())])
}

fn set_value(key: HANDLE, name: String, kind: u32, data: &[u8]) -> Result<(), u32> {
    let key = handles::key(key)?;
    key.needs(SET_VALUE)?;
    let value = RegValue { kind, bytes: data.to_vec() };
    change(&key.session, key.path.clone(), vec![command(1, name, value)])
}

fn delete_value(key: HANDLE, name: String) -> Result<(), u32> {
    let key = handles::key(key)?;
    key.needs(SET_VALUE)?;
    // A single DELETE_VALUE minds when the value is not there.
    change(&key.session, key.path.clone(), vec![command(4, name, nothing())])
}

/// The descriptor of a key: the one that was set, or the default.
fn descriptor(key: &OpenKey) -> Result<Vec<u8>, u32> {
    let name = if key.path.is_empty() { "." } else { &key.path };
    match key.session.ask(&Ask::ReadValue { path: SECURITY_KEY.into(), name: name.to_owned() }) {
        Ok(Told::Value(value)) => Ok(value.bytes),
        Ok(_) => Err(RPC_S_CALL_FAILED),
        Err(ERROR_FILE_NOT_FOUND) => Ok(default_security()),
        Err(code) => Err(code),
    }
}

fn default_security() -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
    DEFAULT_SECURITY.as_bytes().chunks_exact(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect()
}

/// # Safety
/// The descriptor is NULL, or a whole self-relative security descriptor.
unsafe fn set_security(key: HANDLE, descriptor: *const core::ffi::c_void) -> Result<(), u32> {
    let key = handles::key(key)?;
    need(descriptor)?;
    // SAFETY: the caller's promise.
    let bytes = unsafe { self_relative(descriptor.cast()) }?;
    let name = if key.path.is_empty() { ".".to_owned() } else { key.path.clone() };
    let value = RegValue { kind: REG_BINARY, bytes };
    let commands = vec![command(2, SECURITY_KEY.into(), nothing()), command(1, name, value)];
    change(&key.session, String::new(), commands)
}

/// The bytes of a self-relative descriptor, which itself says how long it is: the end of its last part.
///
/// # Safety
/// Points to a whole security descriptor.
unsafe fn self_relative(descriptor: *const u8) -> Result<Vec<u8>, u32> {
    const HEADER_BYTES: u32 = 20;
    const SELF_RELATIVE: u16 = 0x8000;
    const MAX_BYTES: u32 = 0x1_0000;
    // SAFETY: every descriptor has this header.
    let header = unsafe { bytes(descriptor, HEADER_BYTES) }?;
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if header[0] != 1 || u16::from_le_bytes([header[2], header[3]]) & SELF_RELATIVE == 0 {
        return Err(ERROR_INVALID_SECURITY_DESCR);
    }
    let mut end = HEADER_BYTES;
    for (at, is_list) in [(4, false), (8, false), (12, true), (16, true)] {
        let start = number(at);
        if start == 0 {
            continue;
        }
        if !(HEADER_BYTES..=MAX_BYTES).contains(&start) {
            return Err(ERROR_INVALID_SECURITY_DESCR);
        }
        // SAFETY: an offset of a whole descriptor; both parts begin with at least four bytes.
        let part = unsafe { bytes(descriptor.add(start as usize), 4) }?;
        let length =
            if is_list { u32::from(u16::from_le_bytes([part[2], part[3]])) } else { 8 + 4 * u32::from(part[1]) };
        end = end.max(start + length);
    }
    if end > MAX_BYTES {
        return Err(ERROR_INVALID_SECURITY_DESCR);
    }
    // SAFETY: the descriptor is whole, so it reaches to the end of its last part.
    unsafe { bytes(descriptor, end) }.map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_descriptor_says_its_own_length() {
        let bytes = default_security();
        // SAFETY: a whole descriptor, as this test is about to prove.
        assert_eq!(unsafe { self_relative(bytes.as_ptr()) }, Ok(bytes.clone()));
        let mut absolute = bytes;
        absolute[3] = 0;
        // SAFETY: as above; only its header is read.
        assert_eq!(unsafe { self_relative(absolute.as_ptr()) }, Err(ERROR_INVALID_SECURITY_DESCR));
    }

    #[test]
    fn desired_access_is_widened() {
        assert_eq!(rights(0), u32::MAX);
        assert_eq!(rights(MAXIMUM_ALLOWED), u32::MAX);
        assert_eq!(rights(GENERIC_READ) & (SET_VALUE | QUERY_VALUE), QUERY_VALUE);
        assert_eq!(rights(KEY_WRITE) & (SET_VALUE | QUERY_VALUE), SET_VALUE);
    }
}
