//! Who answers each of the 310 control codes, held against the columns of the reference.

use resapi_sys_mock::codes::control;
use resapi_sys_mock::codes::routing::{Fallback, Route, route};

const CONTROL_CODES: &str = include_str!("../../docs/reference/data/control-codes.csv");

/// Name, object, value, scope, and what the reference says of libraries.
fn rows() -> Vec<(String, String, u32, String, String)> {
    let rows = CONTROL_CODES.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let value = u32::from_str_radix(fields[2].trim_start_matches("0x"), 16).expect("the table writes 0x");
        // The column in the middle may hold commas: the last ones are counted from the end.
        let from_end = |place: usize| fields[fields.len() - place].to_owned();
        (fields[0].to_owned(), fields[1].to_owned(), value, from_end(5), from_end(1))
    });
    rows.collect()
}

#[test]
fn every_row_goes_where_the_reference_says() {
    let rows = rows();
    assert_eq!(rows.len(), 310);
    let mut counts = std::collections::BTreeMap::new();
    for (name, object, code, scope, support) in &rows {
        let found = route(*code);
        *counts.entry(format!("{found:?}")).or_insert(0) += 1;
        let is_of_library = matches!(object.as_str(), "resource" | "resource_type");
        let check = |is_so: bool| assert!(is_so, "{name}: {found:?}, but the reference says {support}, {scope}");
        check(is_of_library != support.starts_with("cluster-service"));
        if !is_of_library {
            check(found == Route::Service);
        } else if scope == "internal" {
            let must_not = support == "must-not-support";
            check(found == if must_not { Route::Nobody } else { Route::Notification });
        } else if support == "service-only" {
            check(found == Route::Service);
        } else if support.starts_with("use-default") {
            check(found == Route::Library(Fallback::Service));
        } else if name.ends_with("_UNKNOWN") {
            check(found == Route::Library(Fallback::Success));
        } else if support == "required" && !name.contains("FMTS") {
            check(found == Route::Library(Fallback::Monitor));
        } else if name.ends_with("GET_REQUIRED_DEPENDENCIES") {
            check(found == Route::Library(Fallback::None));
        } else if support == "must-not-support" {
            check(matches!(found, Route::Service | Route::Library(Fallback::None)));
        } else {
            check(matches!(found, Route::Library(_) | Route::Service));
        }
    }
    let services: usize = counts.iter().filter(|(route, _)| *route == "Service").map(|(_, count)| *count).sum();
    // 135 of other objects, 14 rows that are marked, and two of resources that no library can know.
    assert_eq!(services, 135 + 14 + 2, "{counts:?}");
}

#[test]
fn codes_of_ones_own_reach_the_library() {
    for code in [0x0180_0004, 0x0280_0004, 0x0180_FFFC] {
        assert_eq!(route(code), Route::Library(Fallback::None), "{code:#x}");
    }
    for code in control::GROUP.iter().chain(control::NODE).chain(control::CLUSTER) {
        assert_eq!(route(code.1), Route::Service, "{}", code.0);
    }
}
