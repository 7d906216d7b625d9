//! The engine's tables against every row of the reference: common properties and Win32 codes.

use std::collections::BTreeSet;

use clusreg::{Value, ValueType};
use cluster_engine::code;
use cluster_engine::state::property::{self, DEPARTURES, Kind, Property, TABLE};

const PROPERTIES: &str = include_str!("../../docs/reference/data/common-properties.csv");
const ERRORS: &str = include_str!("../../docs/reference/data/errors.csv");
const STATE_MACHINES: &str = include_str!("../../docs/reference/02-state-machines.md");
const EVENTS: &str = include_str!("../../docs/reference/data/events.csv");

/// Rows below the header, cut at commas; the columns that matter stand before any that can hold a comma.
fn rows<'a>(csv: &'a str, header: &str) -> Vec<Vec<&'a str>> {
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|first| first.starts_with(header)), "the table has other columns than expected");
    lines.map(|line| line.split(',').collect()).collect()
}

fn kind(object: &str) -> Option<Kind> {
    Some(match object {
        "cluster" => Kind::Cluster,
        "node" => Kind::Node,
        "group" => Kind::Group,
        "resource" => Kind::Resource,
        "resource_type" => Kind::ResourceType,
        "network" => Kind::Network,
        _ => return None,
    })
}

/// `2000`, `0xFFFFFFFF`, `1 (Signing)`; words such as `Varies` are no numbers.
fn number(text: &str) -> Option<u64> {
    let first = text.split(' ').next()?;
    match first.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => first.parse().ok(),
    }
}

/// How a property of the table differs from a row, column by column.
fn differences(ours: &Property, row: &[&str]) -> Vec<&'static str> {
    let wanted = match row[2] {
        "DWORD" => ValueType::DWORD,
        "SZ" => ValueType::SZ,
        "MULTI_SZ" => ValueType::MULTI_SZ,
        "BINARY" => ValueType::BINARY,
        "ULARGE_INTEGER" | "FILETIME" => ValueType::QWORD,
        other => panic!("{} has the type {other}", row[1]),
    };
    let same = [
        ("type", ours.kind == wanted),
        ("default", ours.default == number(row[3])),
        ("min", ours.min == number(row[4])),
        ("max", ours.max == number(row[5])),
        ("read_only", ours.read_only == (row[6] == "yes")),
    ];
    same.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect()
}

#[test]
fn every_common_property_of_the_reference_and_no_other() {
    let mut wrong = Vec::new();
    let mut departed = BTreeSet::new();
    let mut count = 0;
    for row in rows(PROPERTIES, "object,name,type,default,min,max,read_only") {
        let Some(kind) = kind(row[0]) else { continue };
        count += 1;
        let Some(ours) = property::find(kind, row[1]) else {
            wrong.push(format!("{} {} is missing", row[0], row[1]));
            continue;
        };
        assert_eq!(ours.name, row[1], "the name is written in another way");
        for what in differences(ours, &row) {
            if DEPARTURES.iter().any(|(name, column, _)| *name == row[1] && *column == what) {
                departed.insert((row[1], what));
            } else {
                wrong.push(format!("{} {}: {what} is not {row:?}", row[0], row[1]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, TABLE.len(), "the table has a row that the reference has not, or one twice");
    let declared: BTreeSet<_> = DEPARTURES.iter().map(|(name, what, _)| (*name, *what)).collect();
    assert_eq!(departed, declared, "a departure that is none, or one without a reason");
    assert!(DEPARTURES.iter().all(|(_, _, why)| why.len() > 10), "each departure has a reason");
}

#[test]
fn limits_of_properties() {
    struct Case(Kind, &'static str, Option<Value>, Option<u32>);
    let dword = |n| Some(Value::dword(n));
    let cases = [
        Case(Kind::Resource, "RestartAction", dword(2), None),
        Case(Kind::Resource, "restartaction", dword(0), None),
        Case(Kind::Resource, "RestartAction", None, None),
        Case(Kind::Resource, "RestartAction", dword(3), Some(code::INVALID_PARAMETER)),
        Case(Kind::Resource, "RestartActions", dword(1), Some(code::INVALID_PARAMETER)),
        Case(Kind::Resource, "RestartAction", Some(Value::sz("2")), Some(code::CLUSTER_PROPERTY_DATA_TYPE_MISMATCH)),
        Case(Kind::Resource, "Name", Some(Value::sz("x")), Some(code::RESOURCE_PROPERTY_UNCHANGEABLE)),
        Case(Kind::Group, "FailoverPeriod", dword(1193), None),
        Case(Kind::Group, "FailoverPeriod", dword(1194), Some(code::INVALID_PARAMETER)),
        // Outside of the range, but the default: "no window".
        Case(Kind::Group, "FailbackWindowStart", dword(0xFFFF_FFFF), None),
        Case(Kind::Group, "FailbackWindowStart", dword(24), Some(code::INVALID_PARAMETER)),
        Case(Kind::Cluster, "SameSubnetDelay", dword(249), Some(code::INVALID_PARAMETER)),
        Case(Kind::Cluster, "SameSubnetDelay", dword(250), None),
        Case(Kind::Cluster, "SameSubnetDelay", dword(2001), Some(code::INVALID_PARAMETER)),
    ];
    for Case(kind, name, value, refused) in cases {
        let answer = property::check(kind, name, value.as_ref()).err().map(|refusal| refusal.code);
        assert_eq!(answer, refused, "{kind:?} {name} = {value:?}");
    }
}

#[test]
fn the_ends_of_every_range() {
    for property in TABLE.iter().filter(|p| !p.read_only && p.kind == ValueType::DWORD) {
        let value = |n: u64| Value::dword(u32::try_from(n).expect("a DWORD property has limits that are DWORDs"));
        let is_ok = |n: u64| property::check(property.object, property.name, Some(&value(n))).is_ok();
        for end in [property.min, property.max, property.default].into_iter().flatten() {
            assert!(is_ok(end), "{} does not take its own {end}", property.name);
        }
        if let Some(min) = property.min.filter(|min| *min > 0 && property.default != Some(min - 1)) {
            assert!(!is_ok(min - 1), "{} takes {}, its least value is {min}", property.name, min - 1);
        }
        let too_much = property.max.map(|max| max + 1).filter(|n| *n <= 0xFFFF_FFFF && property.default != Some(*n));
        if let Some(too_much) = too_much {
            assert!(!is_ok(too_much), "{} takes {too_much}", property.name);
        }
    }
}

#[test]
fn every_code_of_a_refusal_stands_in_the_reference() {
    let known: BTreeSet<(&str, u32)> =
        rows(ERRORS, "name,value").iter().map(|row| (row[0], row[1].parse().expect("a code is a number"))).collect();
    let mut seen = BTreeSet::new();
    for (name, value) in code::ALL {
        // One code stands in the text of the page only.
        let is_in_text = STATE_MACHINES.contains(&format!("{value} {name}"));
        assert!(known.contains(&(*name, *value)) || is_in_text, "{name} = {value} is not in the reference");
        assert!(seen.insert(*value), "{value} stands in the table twice");
        assert_eq!(code::name(*value), Some(*name));
    }
    assert_eq!(code::name(1), None);
}

#[test]
fn every_event_of_the_engine_stands_in_the_reference() {
    let known: BTreeSet<u32> = rows(EVENTS, "id,level").iter().filter_map(|row| row[0].parse().ok()).collect();
    let mut found = BTreeSet::new();
    let sources = [
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/state"),
    ];
    for folder in sources {
        for entry in std::fs::read_dir(folder).expect("the sources are here") {
            let path = entry.expect("a readable folder").path();
            if path.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a readable file");
            for mark in ["with_event(", "event = Some("] {
                for part in text.split(mark).skip(1) {
                    let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                    found.extend(digits.parse::<u32>().ok());
                }
            }
        }
    }
    assert!(found.len() >= 8, "only {found:?} were found in the sources");
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in events.csv");
}
