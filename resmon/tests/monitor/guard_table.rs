//! All 105 calls of the call guard's table, made by a real library through `libclusapi` and `libresutils`: in every entry point
//! that the monitor calls, on a worker, and on a thread of the library's own. Told and refused is exactly what reference 01.9
//! forbids there.
//!
//! The library is generated from the tables of the reference. Its calls have nothing but NULL and zero for arguments: what
//! is let through finds that out and does nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use resapi_sys_mock::codes::control;
use resmon::protocol::*;

use crate::libraries::{self, cluster_api};
use crate::service::{Service, timing, type_of};

const AVOID_CALLS: &str = include_str!("../../../docs/reference/data/avoid-calls.csv");
const SIGNATURES: [&str; 2] = [
    include_str!("../../../docs/reference/data/clusapi-functions.csv"),
    include_str!("../../../docs/reference/data/resutil-functions.csv"),
];

/// Where the library makes all calls, in the order in which it comes there. The last two are threads.
const PLACES: [&str; 14] = [
    "Startup",
    "Open",
    "ResourceControl",
    "ResourceTypeControl",
    "Arbitrate",
    "Release",
    "Online",
    "LooksAlive",
    "IsAlive",
    "Offline",
    "Terminate",
    "Close",
    "worker",
    "other thread",
];

/// Name and usage of each row.
fn rows() -> Vec<(&'static str, &'static str)> {
    let rows = AVOID_CALLS.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    rows.map(|fields| (fields[0], fields[2])).collect()
}

/// The rules as reference 01.9 writes them, apart from the code under test.
fn is_forbidden(usage: &str, place: &str) -> bool {
    match usage {
        "do-not-use" => true,
        "worker-thread-only" => !matches!(place, "worker" | "other thread"),
        "some-entry-points-ok" => ["Close", "Offline", "Online", "Open", "Terminate"].contains(&place),
        other => panic!("the table has a usage {other}"),
    }
}

/// The call of a row in C: the function with as many zeros as it has parameters, or the function that carries the code.
fn call_of(row: &str) -> String {
    let function = match row {
        code if code.starts_with("CLUSCTL_GROUP_") => "ClusterGroupControl",
        code if code.starts_with("CLUSCTL_RESOURCE_") => "ClusterResourceControl",
        function => function,
    };
    let begin = format!("{function},");
    let line = SIGNATURES.iter().flat_map(|table| table.lines()).find(|line| line.starts_with(&begin));
    let line = line.unwrap_or_else(|| panic!("{function} has a signature in the reference"));
    let parameters: Vec<&str> = line.splitn(3, ',').nth(2).expect("a list").trim_matches('"').split(", ").collect();
    let argument = |parameter: &&str| if parameter.starts_with("dwcontrolcode") && function != row { row } else { "0" };
    let arguments: Vec<&str> = parameters.iter().map(argument).collect();
    format!("{function}({})", arguments.join(", "))
}

/// The library: the fixed part around the generated calls.
fn source() -> String {
    let mut calls = String::from("static unsigned make_all_calls(void) {\n    unsigned refused = 0;\n");
    for (row, _) in rows() {
        let _ = writeln!(calls, "    CALL({});", call_of(row));
    }
    calls.push_str("    return refused;\n}\n");
    include_str!("../fixtures/forbidden.c").replace("/* the calls */\n", &calls)
}

#[test]
fn every_row_of_the_table_is_told_where_it_is_forbidden_and_nowhere_else() {
    assert_eq!(rows().len(), 105);
    assert!(
        rows().iter().all(|(row, _)| !row.starts_with("CLUSCTL")
            || control::ALL.iter().any(|t| t.iter().any(|(name, _)| name == row)))
    );
    let folder = tempfile::tempdir().expect("a folder");
    let library = libraries::compile_linked(&source(), folder.path(), cluster_api());
    check(&library, GuardMode::Fail);
    check(&library, GuardMode::Warn);
}

/// What is told in this mode, and what the calls answer.
fn check(library: &Path, mode: GuardMode) {
    let mut service = live(library, mode);
    let mut expected = BTreeSet::new();
    let mut expected_counts: BTreeMap<&str, usize> = BTreeMap::new();
    for place in PLACES {
        for (row, usage) in rows().into_iter().filter(|(_, usage)| is_forbidden(usage, place)) {
            expected.insert((place.to_owned(), row.to_owned(), usage.to_owned()));
            *expected_counts.entry(place).or_default() += 1;
        }
    }
    // What the calls themselves answered: 1131 for each that is refused, anything else for the others.
    for (place, count) in &expected_counts {
        let count = if mode == GuardMode::Fail { *count } else { 0 };
        service.log_line(&format!("{place} refused {count} of 105"));
    }
    let mut told = BTreeSet::new();
    for message in service.heard_so_far() {
        let FromMonitor::Finding(finding) = message else { continue };
        assert_eq!((finding.mode, finding.count, finding.resource_type.as_str()), (mode, 1, "Forbidden"));
        let place = finding.entry_point.clone().unwrap_or_else(|| finding.thread.clone());
        // Startup is called for the resource that is opened first. A thread that the library made belongs to nobody.
        let has_resource = !matches!(place.as_str(), "ResourceTypeControl" | "other thread");
        assert_eq!(finding.resource.is_some(), has_resource, "{} at {place}", finding.call);
        assert!(told.insert((place, finding.call.clone(), finding.usage.clone())), "told twice: {finding:?}");
    }
    let missing: Vec<_> = expected.difference(&told).collect();
    let wrong: Vec<_> = told.difference(&expected).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "not told: {missing:#?}\ntold, but allowed: {wrong:#?}");
    // 22 everywhere, 67 in twelve entry points, 16 in five of them.
    assert_eq!(told.len(), 22 * 14 + 67 * 12 + 16 * 5);
    service.shut_down();
}

/// A life in which the library is called at every entry point.
fn live(library: &Path, mode: GuardMode) -> Service {
    let mut service = Service::start(&[]);
    let mode = mode.word().encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut hive = service.hive.lock().expect("no panic");
    hive.entry("ResourceTypes\\Forbidden".into()).or_default().insert("CallGuard".into(), (1, mode));
    drop(hive);
    let kind = type_of("Forbidden", library);
    assert_eq!(service.open(1, "guarded", kind.clone(), timing()), Status::Opened);
    assert_eq!(service.control(1, control::CLUSCTL_RESOURCE_UNKNOWN, &[]).0, 0);
    assert_eq!(service.type_control(kind, control::CLUSCTL_RESOURCE_TYPE_UNKNOWN, &[]).0, 0);
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    assert_eq!(service.ask(1, EntryPoint::Release), Status::Released { code: 0 });
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    service.log_line("polled both");
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    assert_eq!(service.ask(1, EntryPoint::Terminate), Status::Terminated);
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    service
}
