//! The call guard's table against every row of the reference, on every kind of thread and in every entry point.

use std::collections::BTreeMap;

use resapi_sys_mock::codes::control;
use resapi_sys_mock::guard::table::{CONTROL_CODES, EntryPoint, FUNCTIONS, Place, Usage, verdict};

const AVOID_CALLS: &str = include_str!("../../docs/reference/data/avoid-calls.csv");
const ALL_FUNCTIONS: [&str; 2] = [
    include_str!("../../docs/reference/data/clusapi-functions.csv"),
    include_str!("../../docs/reference/data/resutil-functions.csv"),
];

/// Name, kind and usage of each row.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let rows = AVOID_CALLS.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        (fields[0], fields[1], fields[2])
    });
    rows.collect()
}

fn places() -> Vec<Place> {
    EntryPoint::ALL.into_iter().map(Place::EntryPoint).chain([Place::Worker, Place::Other]).collect()
}

/// The rules as reference 01.9 writes them, apart from the code under test.
fn is_forbidden(usage: &str, place: Place) -> bool {
    let is_entry_point = matches!(place, Place::EntryPoint(_));
    match usage {
        "do-not-use" => true,
        "worker-thread-only" => is_entry_point,
        "some-entry-points-ok" => {
            let Place::EntryPoint(entry) = place else { return false };
            ["Close", "Offline", "Online", "Open", "Terminate"].contains(&entry.name())
        }
        other => panic!("the table has a usage {other}"),
    }
}

#[test]
fn every_row_of_the_reference_and_no_other() {
    let rows = rows();
    assert_eq!(rows.len(), 105);
    let ours: BTreeMap<_, _> =
        FUNCTIONS.iter().chain(CONTROL_CODES).map(|(name, usage)| (*name, usage.word())).collect();
    assert_eq!(ours.len(), rows.len());
    for (name, kind, usage) in rows {
        assert_eq!(ours.get(name), Some(&usage), "{name}");
        let table = if kind == "function" { FUNCTIONS } else { CONTROL_CODES };
        assert!(table.iter().any(|(row, _)| *row == name), "{name} is a {kind}");
    }
    let count = |wanted: Usage| FUNCTIONS.iter().chain(CONTROL_CODES).filter(|(_, usage)| *usage == wanted).count();
    assert_eq!([count(Usage::DoNotUse), count(Usage::WorkerThreadOnly), count(Usage::SomeEntryPointsOk)], [22, 67, 16]);
}

#[test]
fn every_row_on_every_thread_in_every_entry_point() {
    let (mut reported, mut allowed) = (0, 0);
    for (name, kind, usage) in rows() {
        let codes = control::ALL.iter().flat_map(|table| table.iter());
        let code = codes.into_iter().find(|(code, _)| *code == name).map_or(0, |(_, value)| *value);
        assert_eq!(code == 0, kind == "function", "{name}");
        // The function that carries a code is no row of its own.
        let function = if code == 0 { name } else { "ClusterResourceControl" };
        for place in places() {
            let found = verdict(function, code, place);
            let wanted = is_forbidden(usage, place);
            assert_eq!(found.is_some(), wanted, "{name} at {place:?}");
            if let Some(found) = found {
                assert_eq!((found.row, found.usage.word()), (name, usage), "{place:?}");
                reported += 1;
            } else {
                allowed += 1;
            }
        }
    }
    // 22 everywhere, 67 in thirteen entry points, 16 in five of them.
    assert_eq!(reported, 22 * 15 + 67 * 13 + 16 * 5);
    assert_eq!(reported + allowed, 105 * 15);
}

#[test]
fn nothing_that_the_table_allows_is_ever_reported() {
    let listed: Vec<_> = rows().into_iter().map(|(name, _, _)| name).collect();
    let functions: Vec<&str> = ALL_FUNCTIONS.iter().flat_map(|csv| csv.lines().skip(1)).map(first_field).collect();
    assert_eq!(functions.len(), 400);
    for place in places() {
        for function in functions.iter().filter(|function| !listed.contains(function)) {
            assert_eq!(verdict(function, 0, place), None, "{function} at {place:?}");
        }
        for (name, code) in control::ALL.iter().flat_map(|table| table.iter()) {
            // A number may have two names, and one of them be in the table.
            let names = control::ALL.iter().flat_map(|table| table.iter()).filter(|(_, other)| other == code);
            if !names.into_iter().any(|(name, _)| listed.contains(name)) {
                assert_eq!(verdict("ClusterResourceControl", *code, place), None, "{name} at {place:?}");
            }
        }
        for function in ["", "onlineclusterresource", "OnlineClusterResourceEx", "malloc"] {
            assert_eq!(verdict(function, 0, place), None);
        }
        // Codes of one's own.
        assert_eq!(verdict("ClusterResourceControl", 0x0180_0004, place), None);
    }
}

fn first_field(line: &'static str) -> &'static str {
    line.split(',').next().expect("split has a first part")
}

#[test]
fn entry_points_have_names_both_ways() {
    for entry in EntryPoint::ALL {
        assert_eq!(EntryPoint::of_name(entry.name()), Some(entry));
    }
    assert_eq!(EntryPoint::of_name("online"), None);
}

#[test]
fn outside_of_a_monitor_there_is_no_guard() {
    use resapi_sys_mock::guard;
    for (name, _) in FUNCTIONS {
        assert_eq!(guard::enter(name), Ok(()));
    }
    assert_eq!(guard::enter_control("ClusterResourceControl", control::CLUSCTL_RESOURCE_GET_NAME), Ok(()));
    assert_eq!(guard::WorkerPass::take().run(|| 7), 7);
    assert!(guard::monitor().is_none());
    // SAFETY: NULL is allowed and refused.
    assert_eq!(unsafe { guard::bind(std::ptr::null()) }, 87);
}
