//! Default processing: what the monitor answers to a control code when the library says "not mine" (reference 01.8).
//!
//! Result 1 (ERROR_INVALID_FUNCTION) of ResourceControl or ResourceTypeControl hands the code over. Private properties are
//! then the values of the `Parameters` key, without any table: read as their registry type says, written unchecked. Codes
//! that are not here (all `*_COMMON_*`, names, checkpoints) keep the answer 1: the Cluster service processes them itself.
#![forbid(unsafe_code)]

use resapi_sys_mock::abi::{CLUS_CHAR_QUORUM, CLUS_CHAR_UNKNOWN, CLUS_RESCLASS_UNKNOWN};
use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::codes::win32::{
    ERROR_FILE_NOT_FOUND, ERROR_INTERNAL_ERROR, ERROR_INVALID_FUNCTION, ERROR_SUCCESS,
};
use resapi_sys_mock::property_list::{self, Value};
use resapi_sys_mock::wide;

use crate::protocol::{Refusal, RegistryAnswer, RegistryCall};

/// Whose default processing it is.
#[derive(Debug)]
pub(crate) struct Target {
    /// The object's own key, e.g. `Resources\<guid>`.
    pub(crate) key: String,
    /// The type has Arbitrate and Release.
    pub(crate) is_quorum_capable: bool,
}

/// How the registry is asked.
pub(crate) type Ask<'a> = &'a dyn Fn(RegistryCall) -> Result<RegistryAnswer, Refusal>;

/// Answers `code`: the Win32 result and the output. 1 for a code without default processing.
pub(crate) fn default_processing(target: &Target, code: u32, input: &[u8], ask: Ask<'_>) -> (u32, Vec<u8>) {
    let answer = match code {
        CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES | CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTIES => get(target, ask),
        // Without a table nothing is known to be read-only.
        CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES | CLUSCTL_RESOURCE_TYPE_GET_RO_PRIVATE_PROPERTIES => {
            Ok(property_list::build(Vec::<(String, Value)>::new()))
        }
        CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES | CLUSCTL_RESOURCE_TYPE_ENUM_PRIVATE_PROPERTIES => names(target, ask),
        CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES | CLUSCTL_RESOURCE_TYPE_SET_PRIVATE_PROPERTIES => {
            set(target, input, ask)
        }
        CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES | CLUSCTL_RESOURCE_TYPE_VALIDATE_PRIVATE_PROPERTIES => {
            property_list::parse(input).map(|_| Vec::new()).map_err(|error| error.win32())
        }
        CLUSCTL_RESOURCE_GET_CHARACTERISTICS => Ok(characteristics(target).to_le_bytes().to_vec()),
        CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS => {
            dword(target, "Characteristics", characteristics(target), ask).map(|bits| bits.to_le_bytes().to_vec())
        }
        CLUSCTL_RESOURCE_GET_FLAGS | CLUSCTL_RESOURCE_TYPE_GET_FLAGS => {
            dword(target, "Flags", 0, ask).map(|flags| flags.to_le_bytes().to_vec())
        }
        CLUSCTL_RESOURCE_GET_CLASS_INFO | CLUSCTL_RESOURCE_TYPE_GET_CLASS_INFO => {
            let no_subclass = 0_u32;
            Ok([CLUS_RESCLASS_UNKNOWN.to_le_bytes(), no_subclass.to_le_bytes()].concat())
        }
        _ => Err(ERROR_INVALID_FUNCTION),
    };
    match answer {
        Ok(output) => (ERROR_SUCCESS, output),
        Err(code) => (code, Vec::new()),
    }
}

fn characteristics(target: &Target) -> u32 {
    if target.is_quorum_capable { CLUS_CHAR_QUORUM } else { CLUS_CHAR_UNKNOWN }
}

fn parameters(target: &Target) -> String {
    format!("{}\\Parameters", target.key)
}

/// Name, registry type and bytes of each value of the `Parameters` key. A missing key has none.
fn values(target: &Target, ask: Ask<'_>) -> Result<Vec<(String, u32, Vec<u8>)>, u32> {
    match ask(RegistryCall::List { path: parameters(target) }) {
        Ok(RegistryAnswer::Listing { values, .. }) => Ok(values),
        Ok(RegistryAnswer::Done { .. } | RegistryAnswer::Value { .. }) => Err(ERROR_INTERNAL_ERROR),
        Err(refusal) if refusal.code == ERROR_FILE_NOT_FOUND => Ok(Vec::new()),
        Err(refusal) => Err(refusal.code),
    }
}

fn get(target: &Target, ask: Ask<'_>) -> Result<Vec<u8>, u32> {
    let shown = values(target, ask)?.into_iter().map(|(name, kind, bytes)| {
        // Bytes that do not fit their own type are shown as they are.
        let value = Value::from_registry(kind, &bytes).unwrap_or(Value::Binary(bytes));
        (name, value)
    });
    Ok(property_list::build(shown))
}

fn names(target: &Target, ask: Ask<'_>) -> Result<Vec<u8>, u32> {
    let values = values(target, ask)?;
    Ok(wide::list_bytes(values.iter().map(|(name, _, _)| name.as_str())))
}

/// Writes the list unchecked; a value of no length deletes (reference 04.1).
fn set(target: &Target, input: &[u8], ask: Ask<'_>) -> Result<Vec<u8>, u32> {
    let properties = property_list::parse(input).map_err(|error| error.win32())?;
    let mut writes = Vec::new();
    for property in &properties {
        let name = property.name.clone();
        let path = parameters(target);
        if property.first().data.is_empty() {
            writes.push(RegistryCall::Delete { path, name });
            continue;
        }
        let (kind, bytes) = property.value().map_err(|error| error.win32())?.registry();
        writes.push(RegistryCall::Set { path, name, kind, bytes });
    }
    if !writes.is_empty() {
        done(ask(RegistryCall::Create { path: parameters(target) }))?;
    }
    for write in writes {
        let is_delete = matches!(write, RegistryCall::Delete { .. });
        match done(ask(write)) {
            Err(ERROR_FILE_NOT_FOUND) if is_delete => {}
            answer => answer?,
        }
    }
    Ok(Vec::new())
}

fn done(answer: Result<RegistryAnswer, Refusal>) -> Result<(), u32> {
    answer.map(drop).map_err(|refusal| refusal.code)
}

/// A number of the object's own key.
fn dword(target: &Target, name: &str, default: u32, ask: Ask<'_>) -> Result<u32, u32> {
    match ask(RegistryCall::Query { path: target.key.clone(), name: name.into() }) {
        Ok(RegistryAnswer::Value { bytes, .. }) => {
            Ok(bytes.first_chunk().map_or(default, |bytes| u32::from_le_bytes(*bytes)))
        }
        Ok(RegistryAnswer::Done { .. } | RegistryAnswer::Listing { .. }) => Err(ERROR_INTERNAL_ERROR),
        Err(refusal) if refusal.code == ERROR_FILE_NOT_FOUND => Ok(default),
        Err(refusal) => Err(refusal.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    const REG_SZ: u32 = 1;
    const REG_DWORD: u32 = 4;

    /// Registry type and bytes, by path and name.
    type Values = BTreeMap<(String, String), (u32, Vec<u8>)>;

    /// A registry of two keys: the object's own, and its parameters. Every other path is missing.
    #[derive(Default)]
    struct Registry {
        values: RefCell<Values>,
        is_broken: bool,
    }

    impl Registry {
        fn with(values: &[(&str, &str, u32, Vec<u8>)]) -> Self {
            let entry = |(path, name, kind, bytes): &(&str, &str, u32, Vec<u8>)| {
                (((*path).to_owned(), (*name).to_owned()), (*kind, bytes.clone()))
            };
            Self { values: RefCell::new(values.iter().map(entry).collect()), is_broken: false }
        }

        fn ask(&self, call: RegistryCall) -> Result<RegistryAnswer, Refusal> {
            let refusal = |code| Refusal { code, message: "no".into() };
            if self.is_broken {
                return Err(refusal(1722));
            }
            let mut values = self.values.borrow_mut();
            match call {
                RegistryCall::Create { .. } => Ok(RegistryAnswer::Done { created: true }),
                RegistryCall::Query { path, name } => {
                    let value = values.get(&(path, name)).cloned();
                    value.map(|(kind, bytes)| RegistryAnswer::Value { kind, bytes }).ok_or_else(|| refusal(2))
                }
                RegistryCall::Set { path, name, kind, bytes } => {
                    values.insert((path, name), (kind, bytes));
                    Ok(RegistryAnswer::Done { created: false })
                }
                RegistryCall::Delete { path, name } => values
                    .remove(&(path, name))
                    .map(|_| RegistryAnswer::Done { created: false })
                    .ok_or_else(|| refusal(2)),
                RegistryCall::List { path } => {
                    let mine = values.iter().filter(|((key, _), _)| *key == path);
                    let values: Vec<_> =
                        mine.map(|((_, name), (kind, bytes))| (name.clone(), *kind, bytes.clone())).collect();
                    if values.is_empty() {
                        Err(refusal(2))
                    } else {
                        Ok(RegistryAnswer::Listing { values, subkeys: Vec::new() })
                    }
                }
                RegistryCall::Open { .. } | RegistryCall::DeleteKey { .. } => Err(refusal(2)),
            }
        }
    }

    fn check(registry: &Registry, is_quorum_capable: bool, code: u32, input: &[u8], expected: (u32, Vec<u8>)) {
        let target = Target { key: "Resources\\r".into(), is_quorum_capable };
        let answer = default_processing(&target, code, input, &|call| registry.ask(call));
        assert_eq!(answer, expected, "{}", name(code).unwrap_or("?"));
    }

    #[test]
    fn private_properties_are_the_values_of_the_parameters_key() {
        let registry = Registry::with(&[
            ("Resources\\r\\Parameters", "Path", REG_SZ, wide::bytes("/x")),
            ("Resources\\r\\Parameters", "Port", REG_DWORD, vec![7, 0, 0, 0]),
            ("Resources\\r\\Parameters", "Torn", REG_DWORD, vec![7]),
            ("Resources\\r", "Name", REG_SZ, wide::bytes("not private")),
        ]);
        let list = property_list::build([
            ("Path", Value::Sz("/x".into())),
            ("Port", Value::Dword(7)),
            ("Torn", Value::Binary(vec![7])),
        ]);
        check(&registry, false, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[], (0, list));
        check(
            &registry,
            false,
            CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES,
            &[],
            (0, wide::list_bytes(["Path", "Port", "Torn"])),
        );
        check(&registry, false, CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES, &[], (0, vec![0; 4]));
        let empty = Registry::default();
        check(&empty, false, CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_PROPERTIES, &[], (0, vec![0; 4]));
        check(&empty, false, CLUSCTL_RESOURCE_TYPE_ENUM_PRIVATE_PROPERTIES, &[], (0, vec![0; 2]));
    }

    #[test]
    fn set_writes_unchecked_and_deletes_what_has_no_length() {
        let registry = Registry::with(&[("Resources\\r\\Parameters", "Old", REG_SZ, wide::bytes("x"))]);
        let list = property_list::build([("New", Value::Dword(1)), ("Other", Value::Sz("é".into()))]);
        check(&registry, false, CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, &list, (0, Vec::new()));
        check(&registry, false, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list, (0, Vec::new()));
        let gone = property_list::build([("Old", Value::Binary(Vec::new())), ("Never", Value::Binary(Vec::new()))]);
        check(&registry, false, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &gone, (0, Vec::new()));
        check(&registry, false, CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES, &[], (0, wide::list_bytes(["New", "Other"])));
    }

    #[test]
    fn a_broken_list_writes_nothing() {
        let registry = Registry::default();
        let mut list = property_list::build([("A", Value::Dword(1)), ("B", Value::Dword(2))]);
        list.truncate(list.len() - 6);
        for code in [CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES] {
            check(&registry, false, code, &list, (13, Vec::new()));
        }
        assert!(registry.values.borrow().is_empty());
    }

    #[test]
    fn facts_come_from_the_table_and_from_the_own_key() {
        let none = Registry::default();
        check(&none, true, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[], (0, vec![1, 0, 0, 0]));
        check(&none, false, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[], (0, vec![0; 4]));
        check(&none, true, CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS, &[], (0, vec![1, 0, 0, 0]));
        check(&none, true, CLUSCTL_RESOURCE_GET_CLASS_INFO, &[], (0, vec![0; 8]));
        check(&none, true, CLUSCTL_RESOURCE_GET_FLAGS, &[], (0, vec![0; 4]));
        let some = Registry::with(&[
            ("Resources\\r", "Flags", REG_DWORD, vec![1, 0, 0, 0]),
            ("Resources\\r", "Characteristics", REG_DWORD, vec![0x40, 0, 0, 0]),
        ]);
        check(&some, true, CLUSCTL_RESOURCE_GET_FLAGS, &[], (0, vec![1, 0, 0, 0]));
        check(&some, true, CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS, &[], (0, vec![0x40, 0, 0, 0]));
    }

    #[test]
    fn other_codes_are_left_to_the_service_and_errors_are_passed_on() {
        let broken = Registry { is_broken: true, ..Registry::default() };
        for code in
            [CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES, CLUSCTL_RESOURCE_GET_NAME, CLUSCTL_RESOURCE_UNDELETE, 0x0180_0000]
        {
            check(&broken, false, code, &[], (1, Vec::new()));
        }
        check(&broken, false, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[], (1722, Vec::new()));
        check(&broken, false, CLUSCTL_RESOURCE_GET_FLAGS, &[], (1722, Vec::new()));
    }
}
