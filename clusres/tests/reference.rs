//! The built-in types against the tables of the reference: properties with defaults and ranges, libraries, classes,
//! required dependencies.

mod common;

use clusres::{
    FileShareWitness, GenericApplication, GenericScript, IpAddress, NetworkName, PhysicalDisk, TYPES, TypeFacts,
};
use common::Cluster;
use resapi::codes::{control, win32};
use resapi::testing::Resource;
use resapi::{ResourceClass, ResourceType, Value};
use resapi_sys_mock::property_list;

const PROPERTIES: &str = include_str!("../../docs/reference/data/private-properties.csv");
const TYPES_TABLE: &str = include_str!("../../docs/reference/data/resource-types.csv");

/// Properties that the real types do not have, and why Wolfden's have them.
const OWN: &[(&str, &str)] = &[
    ("Generic Application", "Environment"),       // variables of the program
    ("Generic Application", "StopTimeoutMs"),     // there is a graceful stop here
    ("IP Address", "Interface"),                  // there are no cluster networks to find it by
    ("Physical Disk", "ArbitrationIntervalMs"),   // arbitration in less than a second, for demonstrations
    ("File Share Witness", "ArbitrationDelayMs"), // the same
];

/// Where a type differs from the table on purpose: Network is marked read-only there, but resource-types.csv names it among
/// the properties that a user has to set.
const WRITABLE_HERE: &[(&str, &str)] = &[("IP Address", "Network")];

/// One row of private-properties.csv.
struct Row<'a> {
    kind: &'a str,
    default: &'a str,
    minimum: &'a str,
    maximum: &'a str,
    is_read_only: bool,
}

fn row(resource_type: &str, property: &str) -> Option<Row<'static>> {
    PROPERTIES.lines().find_map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        match cells[..] {
            [a_type, name, kind, default, minimum, maximum, read_only]
                if a_type == resource_type && name == property =>
            {
                Some(Row { kind, default, minimum, maximum, is_read_only: read_only == "yes" })
            }
            _ => None,
        }
    })
}

fn number(cell: &str, otherwise: u32) -> u32 {
    let cell = cell.trim_matches(['(', ')']);
    match cell.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).expect(cell),
        None if cell.is_empty() => otherwise,
        None => cell.parse().expect(cell),
    }
}

fn properties(resource: &Resource, code: u32) -> Vec<(String, Value)> {
    let (result, output) = resource.control(code, &[]);
    assert_eq!(result, win32::ERROR_SUCCESS);
    let list = property_list::parse(&output).expect("a property list");
    list.iter().map(|property| (property.name.to_string(), property.value().expect("a value"))).collect()
}

fn is_valid(resource: &Resource, name: &str, value: u32) -> bool {
    let list = property_list::build([(name, Value::Dword(value))]);
    resource.control(control::CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, &list).0 == win32::ERROR_SUCCESS
}

/// Compares each declared property with its row; answers how many were compared.
fn check<T: ResourceType>() -> usize {
    let cluster = Cluster::new();
    let resource = cluster.open::<T>("n1", "a resource", &[]);
    let writable = properties(&resource, control::CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES);
    let read_only = properties(&resource, control::CLUSCTL_RESOURCE_GET_RO_PRIVATE_PROPERTIES);
    assert_eq!(writable.len() + read_only.len(), T::PROPERTIES.len());
    let all = writable.into_iter().map(|found| (found, false)).chain(read_only.into_iter().map(|found| (found, true)));
    let mut compared = 0;
    for ((name, value), is_read_only) in all {
        let what = format!("{} of {}", name, T::NAME);
        if OWN.contains(&(T::NAME, name.as_str())) {
            assert!(row(T::NAME, &name).is_none(), "{what} is in the reference");
            continue;
        }
        let row = row(T::NAME, &name).unwrap_or_else(|| panic!("{what} is not in the reference"));
        let is_exception = WRITABLE_HERE.contains(&(T::NAME, name.as_str()));
        assert_eq!(is_read_only, row.is_read_only && !is_exception, "{what}: read only");
        match (row.kind, value) {
            ("DWORD", Value::Dword(default)) => {
                assert_eq!(default, number(row.default, 0), "{what}: default");
                let (minimum, maximum) = (number(row.minimum, 0), number(row.maximum, u32::MAX));
                for value in [0, minimum.saturating_sub(1), minimum, maximum, maximum.saturating_add(1), u32::MAX] {
                    let expected = !is_read_only && (minimum..=maximum).contains(&value);
                    assert_eq!(is_valid(&resource, &name, value), expected, "{what} = {value}");
                }
            }
            ("SZ", Value::Sz(default)) => assert_eq!(default, row.default, "{what}: default"),
            ("BINARY", Value::Binary(default)) => assert!(default.is_empty(), "{what}: default"),
            (kind, value) => panic!("{what} is {kind} in the reference and {value:?} here"),
        }
        compared += 1;
    }
    compared
}

#[test]
fn properties_are_those_of_the_reference() {
    assert_eq!(check::<GenericApplication>(), 4);
    assert_eq!(check::<GenericScript>(), 1);
    assert_eq!(check::<IpAddress>(), 11);
    assert_eq!(check::<NetworkName>(), 15);
    assert_eq!(check::<PhysicalDisk>(), 20);
    assert_eq!(check::<FileShareWitness>(), 3);
}

#[test]
fn facts_are_those_of_the_reference() {
    for facts in TYPES {
        let TypeFacts {
            name,
            display_name,
            dll_name,
            looks_alive_ms,
            is_alive_ms,
            quorum_capable,
            class,
            needs_windows,
        } = *facts;
        let line = TYPES_TABLE.lines().find(|line| line.starts_with(&format!("{name},"))).expect(name);
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(display_name, name);
        assert_eq!(dll_name, cells[2], "{name}");
        let word = match class {
            ResourceClass::Unknown => "UNKNOWN",
            ResourceClass::Storage => "STORAGE",
            ResourceClass::Network => "NETWORK",
            ResourceClass::User(_) => "USER",
        };
        assert_eq!(word, cells[3], "{name}");
        let quorum = if quorum_capable { "yes" } else { "no" };
        assert_eq!(quorum, cells[8], "{name}");
        assert_eq!(looks_alive_ms.to_string(), cells[10], "{name}");
        assert_eq!(is_alive_ms, 60_000, "{name}");
        assert_eq!(needs_windows, name == "Generic Service", "{name}");
    }
    assert_eq!(TYPES.len(), 7);
}

/// What a type answers for GET_REQUIRED_DEPENDENCIES: resource type names, or the code when it does not answer.
fn dependencies<T: ResourceType>() -> Result<Vec<String>, u32> {
    let cluster = Cluster::new();
    let resource = cluster.open::<T>("n1", "a resource", &[]);
    let (code, output) = resource.type_control(control::CLUSCTL_RESOURCE_TYPE_GET_REQUIRED_DEPENDENCIES, &[]);
    if code != win32::ERROR_SUCCESS {
        return Err(code);
    }
    let names = property_list::parse_values(&output).expect("a value list").into_iter().map(|entry| {
        assert_eq!(entry.syntax, 0x0004_0003, "a name");
        let units: Vec<u16> = entry.data.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
        String::from_utf16(&units).expect("text").trim_end_matches('\0').to_owned()
    });
    Ok(names.collect())
}

#[test]
fn required_dependencies_are_those_of_the_reference() {
    let none = Err(win32::ERROR_INVALID_FUNCTION);
    assert_eq!(dependencies::<NetworkName>(), Ok(vec!["IP Address".to_owned()]));
    assert_eq!(dependencies::<GenericApplication>(), none);
    assert_eq!(dependencies::<GenericScript>(), none);
    assert_eq!(dependencies::<IpAddress>(), none);
    assert_eq!(dependencies::<PhysicalDisk>(), none);
    assert_eq!(dependencies::<FileShareWitness>(), none);
}
