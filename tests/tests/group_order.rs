//! Groups that wait for groups and group sets, as programs of the cluster API set them up (reference 03.6).

use serde_json::json;
use wolfden_tests::groups;
use wolfden_tests::library_stage::LibraryStage;

/// CLUSGRP_STATUS_WAITING_FOR_DEPENDENCIES.
const WAITING: u32 = 0x1000;
/// StartupDelay of the set, in seconds.
const DELAY_S: u32 = 2;

#[test]
fn a_group_starts_when_what_it_depends_on_is_there() {
    let stage = LibraryStage::new("codes.c", "Codes");
    let lab = &stage.lab;
    for (group, resource) in [("A", "RA"), ("B", "RB")] {
        groups::group(lab, group);
        groups::resource(lab, group, resource, "Codes", json!({}));
    }
    let waits_for = |words: &str| {
        lab.until("/groups/G/properties", |all| all["StatusInformation"]["Value"] == WAITING);
        assert_eq!(lab.get("/resources/R")["InternalState"], "WaitingToComeOnline");
        assert_eq!(lab.get("/groups/G")["Waiting"], json!([words]));
    };
    // Another group.
    assert_eq!(stage.send_one("R", "depend_group", 0, "A"), 0);
    lab.change("POST", "/groups/G/online", json!({}));
    waits_for("it depends on group 'A'");
    groups::online(lab, "A");
    lab.until_state("/groups/G", "Online");
    lab.until("/groups/G/properties", |all| all["StatusInformation"]["Value"] == 0);
    // What runs goes on running.
    lab.post("/groups/A/offline", json!({}));
    assert_eq!(lab.get("/groups/G")["State"], "Online");
    lab.post("/groups/G/offline", json!({}));
    groups::online(lab, "A");

    // A set, and a delay after it.
    assert_eq!(stage.send_one("R", "depend_set", 0, "B"), 0);
    let sets = lab.get("/registry/GroupSets");
    let set = sets["Keys"][0].as_str().unwrap_or_else(|| panic!("no set: {sets}")).to_owned();
    let delay = json!({ "Name": "StartupDelay", "Type": "REG_DWORD", "Value": DELAY_S });
    lab.change("PUT", &format!("/registry/GroupSets/{set}"), json!({ "Values": [delay] }));
    lab.change("POST", "/groups/G/online", json!({}));
    waits_for("it depends on group set 'R'");
    groups::online(lab, "B");
    lab.until_state("/groups/G", "Online");
    let age = |resource: &str| lab.get(&format!("/resources/{resource}"))["SinceMs"].as_u64().expect("a number");
    // Asked for in this order, the younger one can only seem older than it is.
    let (young, old) = (age("R"), age("RB"));
    assert!(old >= young + u64::from(DELAY_S) * 1000, "RB is online for {old} ms, R for {young} ms");
    stage.lab.end();
}
