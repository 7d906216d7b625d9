//! Control codes and errors against every row of the reference.

use std::collections::BTreeMap;

use resapi_sys_mock::codes::{control, win32};

const CONTROL_CODES: &str = include_str!("../../docs/reference/data/control-codes.csv");
const ERRORS: &str = include_str!("../../docs/reference/data/errors.csv");

/// First columns of the rows below the header; the columns that matter here hold no commas.
fn rows(csv: &str, header: &str) -> Vec<Vec<String>> {
    let mut lines = csv.lines();
    assert!(lines.next().is_some_and(|first| first.starts_with(header)), "the table has other columns than expected");
    lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn hex(text: &str) -> u32 {
    u32::from_str_radix(text.strip_prefix("0x").expect("the table writes 0x"), 16).unwrap()
}

/// The last columns, read from the end because a column in between may hold commas in quotes.
fn from_end(row: &[String], column: usize) -> &str {
    &row[row.len() - column]
}

#[test]
fn every_control_code_of_the_reference_and_no_other() {
    let ours: BTreeMap<_, _> = control::ALL.iter().copied().flatten().copied().collect();
    let rows = rows(CONTROL_CODES, "name,object,value,access");
    assert_eq!(rows.len(), 310);
    assert_eq!(ours.len(), rows.len());
    for row in &rows {
        let (name, value) = (row[0].as_str(), hex(&row[2]));
        assert_eq!(ours.get(name), Some(&value), "{name}");
        // Some numbers have two names; either will do for a log.
        let shown = control::name(value).expect("every number of the table has a name");
        assert_eq!(ours.get(shown), Some(&value), "{name}");
        assert_eq!(control::is_internal(value), from_end(row, 5) == "internal", "{name}");
        assert_eq!(control::is_modify(value), from_end(row, 4) == "yes", "{name}");
        let object = [
            "resource",
            "resource_type",
            "group",
            "node",
            "network",
            "netinterface",
            "cluster",
            "groupset",
            "affinityrule",
        ];
        assert_eq!(object.iter().position(|object| *object == row[1]), Some(control::object(value) as usize - 1));
        let access = match row[3].as_str() {
            "any" => 0,
            "read" => 1,
            "write" => 2,
            other => panic!("{name} has access {other}"),
        };
        assert_eq!(value & 3, access, "{name}");
        // Column operation_code is the operation without the access and internal bits.
        let operation = hex(from_end(row, 2));
        assert_eq!(control::operation(value) & 0x3F_FFFF & !(1 << 20) & !3, operation & !3, "{name}");
    }
    assert_eq!(control::name(0), None);
}

#[test]
fn every_error_of_the_reference_and_no_other() {
    let ours: BTreeMap<_, _> = win32::ALL.iter().copied().collect();
    let rows = rows(ERRORS, "name,value,hex");
    assert_eq!(rows.len(), 271);
    assert_eq!(ours.len(), rows.len());
    for row in &rows {
        let (name, value) = (row[0].as_str(), row[1].parse::<u32>().unwrap());
        assert_eq!(value, hex(&row[2]), "{name}: the two columns of the table disagree");
        assert_eq!(ours.get(name), Some(&value), "{name}");
        assert_eq!(win32::name(value), Some(name));
    }
    assert!(win32::ALL.is_sorted_by_key(|(_, value)| value));
    assert_eq!(win32::name(4_000_000), None);
}

#[test]
fn examples_of_the_reference() {
    // Reference 05.1.
    assert_eq!(control::CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, 0x0140_0086);
    assert_eq!(control::CLUSCTL_RESOURCE_DELETE, 0x0150_0006);
    assert_eq!(control::operation(0x0140_0086), 0x86);
    assert_eq!(win32::ERROR_RESOURCE_PROPERTIES_STORED, 5024);
}
