//! Control codes through everything that carries them: a program of the cluster API, two services, their monitors, a library.
//! All codes of the reference go where 05.3 says; the internal ones come when 01.8 says; registry checkpoints travel with
//! their resource.

use std::time::Instant;

use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::codes::routing::{Fallback, Route, route};
use serde_json::json;
use wolfden_tests::groups;
use wolfden_tests::library_stage::{LIMIT, LOOK_INTERVAL, LibraryStage};
use wolfden_tests::programs;

/// Name, object and value of each row whose object is in this cluster without being made first.
fn rows() -> Vec<(String, String, u32)> {
    let path = programs::root().join("docs/reference/data/control-codes.csv");
    let text = std::fs::read_to_string(path).expect("the reference is there");
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let value = u32::from_str_radix(fields[2].trim_start_matches("0x"), 16).expect("the table writes 0x");
        (fields[0].to_owned(), fields[1].to_owned(), value)
    });
    rows.filter(|(_, object, _)| object != "groupset" && object != "affinityrule").collect()
}

/// What the service answers for every object of its own (05.3): reading these succeeds.
const READ_BY_THE_SERVICE: [&str; 13] = [
    "UNKNOWN",
    "GET_CHARACTERISTICS",
    "GET_FLAGS",
    "GET_NAME",
    "GET_ID",
    "ENUM_COMMON_PROPERTIES",
    "GET_COMMON_PROPERTIES",
    "GET_RO_COMMON_PROPERTIES",
    "GET_COMMON_PROPERTY_FMTS",
    "ENUM_PRIVATE_PROPERTIES",
    "GET_PRIVATE_PROPERTIES",
    "GET_RO_PRIVATE_PROPERTIES",
    "GET_PRIVATE_PROPERTY_FMTS",
];

#[test]
fn every_code_goes_where_the_reference_says_and_what_a_library_leaves_alone_is_processed() {
    let stage = LibraryStage::new("codes.c", "Codes");
    groups::online(&stage.lab, "G");
    let before = stage.heard().len();
    let rows = rows();
    assert_eq!(rows.len(), 310 - 14);
    let lines: Vec<String> = rows.iter().map(|(_, object, code)| format!("{object} {code:#x}")).collect();
    let answers = stage.send("R", &lines);
    let heard = stage.heard().split_off(before);
    let mut wrong = Vec::new();
    for (name, object, code) in &rows {
        let answer = answers[&(object.clone(), *code)];
        let whom = if object == "resource" { "R" } else { "Codes" };
        let has_library_heard = heard.iter().any(|(_, to, what, _)| to == whom && what == code);
        let is_reading = !["SET_", "VALIDATE_"].iter().any(|verb| name.contains(verb));
        // A list that is missing is refused with its own code; what nobody processes is 1.
        let is_processed = if is_reading { answer == 0 } else { answer != 1 };
        let found = if matches!(object.as_str(), "resource" | "resource_type") { Some(route(*code)) } else { None };
        let is_right = match found {
            Some(Route::Library(Fallback::Monitor | Fallback::Service)) => has_library_heard && is_processed,
            Some(Route::Library(Fallback::Success)) => has_library_heard && answer == 0,
            // The formats of what is stored are known without the library.
            Some(Route::Library(Fallback::None)) if name.ends_with("PRIVATE_PROPERTY_FMTS") => {
                has_library_heard && answer == 0
            }
            Some(Route::Library(Fallback::None)) => has_library_heard && answer == 1,
            Some(Route::Notification | Route::Nobody) => !has_library_heard && answer == 1,
            // What a type cannot do without a key, a name or a network is refused in its own way.
            Some(Route::Service) => !has_library_heard && answer != 1,
            None => {
                let operation = name.split_once('_').and_then(|(_, rest)| rest.split_once('_'));
                let must_read = operation.is_some_and(|(_, operation)| READ_BY_THE_SERVICE.contains(&operation));
                !must_read || answer == 0
            }
        };
        if !is_right {
            wrong.push(format!("{name}: {found:?}, heard {has_library_heard}, answer {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} codes:\n{}", wrong.len(), wrong.join("\n"));
    // A code of another object is nobody's, and never reaches the library.
    assert_eq!(stage.send_one("R", "resource", CLUSCTL_GROUP_GET_NAME, ""), 1);
    assert_eq!(stage.send_one("R", "group", CLUSCTL_RESOURCE_GET_NAME, ""), 1);
    stage.lab.end();
}

#[test]
fn libraries_hear_of_changes_around_them_on_every_node() {
    let stage = LibraryStage::new("codes.c", "Codes");
    let lab = &stage.lab;
    // Both nodes have the type and the resource open.
    for code in [CLUSCTL_RESOURCE_TYPE_STARTING_PHASE1, CLUSCTL_RESOURCE_TYPE_STARTING_PHASE2] {
        stage.until_heard(2, "Codes", code, "");
    }
    groups::resource(lab, "G", "Base", "Codes", json!({}));
    groups::resource(lab, "G", "Other", "Codes", json!({}));
    groups::depend(lab, "R", "([Base] or [Other])");
    stage.until_heard(2, "R", CLUSCTL_RESOURCE_ADD_DEPENDENCY, "Base");
    stage.until_heard(2, "R", CLUSCTL_RESOURCE_ADD_DEPENDENCY, "Other");
    groups::online(lab, "G");
    lab.change("PATCH", "/resources/Other", json!({ "Properties": { "RestartAction": 0 } }));
    lab.change("POST", "/resources/Other/fail", json!({}));
    lab.until_state("/resources/Other", "Failed");
    assert_eq!(lab.get("/resources/R")["State"], "Online", "Base is enough");
    stage.until_heard(1, "R", CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE, "");
    groups::depend(lab, "R", "[Base]");
    stage.until_heard(2, "R", CLUSCTL_RESOURCE_REMOVE_DEPENDENCY, "Other");
    lab.post("/groups/G/offline", json!({}));

    lab.change("DELETE", "/resources/Base/owners/n2", json!({}));
    stage.until_heard(1, "Base", CLUSCTL_RESOURCE_REMOVE_OWNER, "n2");
    lab.change("PUT", "/resources/Base/owners/n2", json!({}));
    stage.until_heard(1, "Base", CLUSCTL_RESOURCE_ADD_OWNER, "n2");

    lab.change("PATCH", "/resources/Other", json!({ "Name": "Another" }));
    stage.until_heard(2, "Other", CLUSCTL_RESOURCE_SET_NAME, "Another");
    groups::group(lab, "Room");
    lab.change("POST", "/resources/Another/group", json!({ "Group": "Room" }));
    stage.until_heard(2, "Other", CLUSCTL_RESOURCE_LEAVING_GROUP, "");
    stage.until_heard(2, "Other", CLUSCTL_RESOURCE_JOINING_GROUP, "");
    lab.change("DELETE", "/resources/Another", json!({}));
    stage.until_heard(1, "Other", CLUSCTL_RESOURCE_DELETE, "");
    let deletions = stage.heard().into_iter().filter(|(_, _, code, _)| *code == CLUSCTL_RESOURCE_DELETE).count();
    assert_eq!(deletions, 1, "only the owner hears of it: {:#?}", stage.heard());

    let rename = json!({ "Command": "SET_VALUE", "Name": "ClusterName", "Type": "REG_SZ", "Value": "RENAMED" });
    lab.change("POST", "/registry", json!({ "Base": "", "Commands": [rename] }));
    stage.until_heard(2, "R", CLUSCTL_RESOURCE_CLUSTER_NAME_CHANGED, "RENAMED");
    lab.change("POST", "/lab/nodes/n2/stop", json!({}));
    lab.until_nodes(&["n2"], "Down");
    lab.change("DELETE", "/nodes/n2", json!({}));
    // Two instances and one type are left on the node that stays.
    stage.until_heard(1, "Codes", CLUSCTL_RESOURCE_TYPE_EVICT_NODE, "n2");
    stage.until_heard(1, "R", CLUSCTL_RESOURCE_EVICT_NODE, "n2");
    stage.until_heard(1, "Base", CLUSCTL_RESOURCE_EVICT_NODE, "n2");
    stage.lab.end();
}

#[test]
fn a_library_that_wants_to_hears_why_its_resource_is_taken_offline() {
    const REASON: u32 = CLUSCTL_RESOURCE_STATE_CHANGE_REASON;
    let stage = LibraryStage::new("codes.c", "Codes");
    let lab = &stage.lab;
    groups::resource(lab, "G", "Why", "Codes", json!({}));
    groups::online(lab, "G");
    lab.post("/groups/G/offline", json!({}));
    stage.until_heard(1, "Why", REASON, "0");
    groups::online(lab, "G");
    let target = if groups::owner(lab, "G") == "n1" { "n2" } else { "n1" };
    groups::move_to(lab, "G", target);
    stage.until_heard(1, "Why", REASON, "1");
    // A resource that fails too often takes its group along.
    groups::set(lab, "/resources/R", json!({ "RestartAction": 2, "RestartThreshold": 0 }));
    lab.change("POST", "/resources/R/fail", json!({}));
    stage.until_heard(1, "Why", REASON, "2");
    lab.until("/groups/G", |group| group["OwnerNode"] != target && group["State"] == "Online");
    let owner = groups::owner(lab, "G");
    lab.change("POST", &format!("/lab/nodes/{owner}/stop"), json!({}));
    stage.until_heard(1, "Why", REASON, "4");
    let others = stage.heard().into_iter().filter(|(_, whom, code, _)| *code == REASON && whom != "Why");
    assert_eq!(others.collect::<Vec<_>>(), [], "R does not want to hear it");
    stage.lab.end();
}

#[test]
fn a_registry_checkpoint_travels_with_its_resource() {
    let stage = LibraryStage::new("codes.c", "Codes");
    let lab = &stage.lab;
    let file = |node: &str| stage.ground.lab_dir().join(node).join("local-registry.reg");
    let content = |port: u32| {
        let header = "Windows Registry Editor Version 5.00\r\n\r\n";
        format!("{header}[HKEY_LOCAL_MACHINE\\Software\\App]\r\n\"Port\"=dword:{port:08x}\r\n\r\n")
    };
    let until = |node: &str, words: &str| {
        let end = Instant::now() + LIMIT;
        while !std::fs::read_to_string(file(node)).is_ok_and(|text| text.contains(words)) {
            assert!(Instant::now() < end, "{node}: no {words} in {:?}", std::fs::read_to_string(file(node)));
            std::thread::sleep(LOOK_INTERVAL);
        }
    };
    groups::online(lab, "G");
    if groups::owner(lab, "G") != "n1" {
        groups::move_to(lab, "G", "n1");
    }
    let add = CLUSCTL_RESOURCE_ADD_REGISTRY_CHECKPOINT;
    assert_eq!(stage.send_one("R", "resource", add, "Software\\App"), 2, "there is no such key yet");
    std::fs::write(file("n1"), content(7)).expect("the folder of the node");
    assert_eq!(stage.send_one("R", "resource", add, "Software\\App"), 0);
    assert_eq!(stage.send_one("R", "resource", add, "Software\\App"), 183, "kept already");
    assert_eq!(stage.send_one("R", "resource", CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS, ""), 0);
    // The application changes its settings; the group moves in an orderly way, and they are there.
    std::fs::write(file("n1"), content(8)).expect("the folder of the node");
    groups::move_to(lab, "G", "n2");
    until("n2", "dword:00000008");
    // Changed while online, and seen; then the node dies.
    std::fs::write(file("n2"), content(9)).expect("the folder of the node");
    let seen = |key: &serde_json::Value| key.to_string().contains("dword:00000009");
    let checkpoints = lab.get("/registry/Checkpoints");
    let id = checkpoints["Keys"][0].as_str().unwrap_or_else(|| panic!("no checkpoint: {checkpoints}")).to_owned();
    lab.until_within(LIMIT, &format!("/registry/Checkpoints/{id}/00000001"), seen);
    lab.change("POST", "/lab/nodes/n2/kill", json!({}));
    lab.until("/groups/G", |group| group["OwnerNode"] == "n1" && group["State"] == "Online");
    until("n1", "dword:00000009");
    let delete = CLUSCTL_RESOURCE_DELETE_REGISTRY_CHECKPOINT;
    assert_eq!(stage.send_one("R", "resource", delete, "Software\\App"), 0);
    assert_eq!(stage.send_one("R", "resource", delete, "Software\\App"), 2);
    stage.lab.end();
}
