//! What a resource library can ask of the cluster, through everything that carries it: its characteristics, a say in drains, a lock on
//! its resource, the cancelling of what it has begun. Two services, their monitors, a library in C, a program of the cluster API.

use resapi_sys_mock::abi::{
    CLUS_CHAR_BROADCAST_DELETE, CLUS_CHAR_DELETE_REQUIRES_ALL_NODES, CLUS_CHAR_NOTIFY_NEW_OWNER,
    CLUS_CHAR_OPERATION_CONTEXT, CLUS_CHAR_SINGLE_CLUSTER_INSTANCE, CLUS_CHAR_SINGLE_GROUP_INSTANCE,
    CLUS_CHAR_VETO_DRAIN,
};
use resapi_sys_mock::codes::control::*;
use rustix::process::Signal;
use serde_json::{Value, json};
use wolfden_tests::groups;
use wolfden_tests::lab;
use wolfden_tests::library_stage::LibraryStage;
use wolfden_tests::rest::{Rest, segment};

/// Codes of the library itself: lock, unlock; and what it writes down when Cancel is called.
const LOCK: u32 = 0x0180_0004;
const UNLOCK: u32 = 0x0180_0008;
const CANCEL: u32 = 0xCA;
/// Win32 codes.
const IO_PENDING: u32 = 997;
const NODE_NOT_AVAILABLE: u64 = 5005;
const SINGLETON: u64 = 5940;
const GROUP_SINGLETON: u64 = 5941;
const LOCKED: u32 = 5960;
/// The flag IGNORE_RESOURCE_STATUS of all orders.
const IGNORE_RESOURCE_STATUS: u32 = 1;

fn stage() -> LibraryStage {
    LibraryStage::new("wishes.c", "Wishes")
}

/// A resource of the type; waits until the cluster knows what it is like.
fn wishing(rest: &Rest, group: &str, name: &str, kind: &str, characteristics: u32) {
    groups::resource(rest, group, name, kind, json!({}));
    let id = rest.get(&format!("/resources/{}", segment(name)))["Id"].as_str().expect("it was made").to_owned();
    rest.until(&format!("/registry/Resources/{id}"), |key| {
        let mut values = key["Values"].as_array().into_iter().flatten();
        values.any(|value| value["Name"] == "Characteristics" && value["Value"] == characteristics)
    });
}

fn create(rest: &Rest, group: &str, name: &str, kind: &str) -> Option<u64> {
    rest.ask("POST", "/resources", json!({ "Name": name, "Group": group, "ResourceType": kind })).code()
}

/// So many processes were told a code.
fn told(stage: &LibraryStage, whom: &str, code: u32) -> usize {
    let heard = stage.heard();
    let mine = heard.iter().filter(|(_, to, what, _)| to == whom && *what == code);
    mine.map(|(process, ..)| process).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn characteristics_limit_instances_and_deletions() {
    let stage = stage();
    let lab = &stage.lab;
    let dll = lab.get("/resource-types/Wishes")["DllName"].clone();
    for kind in ["Lone Type", "Single Type"] {
        lab.change("POST", &format!("/resource-types/{}", segment(kind)), json!({ "DllName": dll }));
    }
    groups::group(lab, "H");
    wishing(lab, "G", "Lone", "Lone Type", CLUS_CHAR_SINGLE_CLUSTER_INSTANCE);
    assert_eq!(create(lab, "H", "Lone again", "Lone Type"), Some(SINGLETON));
    wishing(lab, "G", "Single", "Single Type", CLUS_CHAR_SINGLE_GROUP_INSTANCE);
    assert_eq!(create(lab, "G", "Single again", "Single Type"), Some(GROUP_SINGLETON));
    wishing(lab, "H", "Single elsewhere", "Single Type", CLUS_CHAR_SINGLE_GROUP_INSTANCE);
    if groups::owner(lab, "H") != groups::owner(lab, "G") {
        groups::move_to(lab, "H", &groups::owner(lab, "G"));
    }
    let regrouped = lab.ask("POST", "/resources/Single%20elsewhere/group", json!({ "Group": "G" }));
    assert_eq!(regrouped.code(), Some(GROUP_SINGLETON), "{}", regrouped.text);
    lab.change("DELETE", "/resources/Lone", json!({}));
    assert_eq!(create(lab, "H", "Lone again", "Lone Type"), None, "the first is gone");

    wishing(lab, "G", "All", "Wishes", CLUS_CHAR_BROADCAST_DELETE);
    wishing(lab, "G", "Every", "Wishes", CLUS_CHAR_DELETE_REQUIRES_ALL_NODES);
    lab.change("DELETE", "/resources/All", json!({}));
    stage.until_heard(2, "All", CLUSCTL_RESOURCE_DELETE, "");
    lab.change("POST", "/lab/nodes/n2/stop", json!({}));
    lab.until_nodes(&["n2"], "Down");
    assert_eq!(lab.ask("DELETE", "/resources/Every", Value::Null).code(), Some(NODE_NOT_AVAILABLE));
    assert_eq!(lab.ask("DELETE", "/groups/G?force=true", Value::Null).code(), Some(NODE_NOT_AVAILABLE));
    lab.start_again("n2");
    lab.until_nodes(&["n2"], "Up");
    lab.change("DELETE", "/resources/Every", json!({}));
    stage.until_heard(1, "Every", CLUSCTL_RESOURCE_DELETE, "");
    assert_eq!(told(&stage, "Every", CLUSCTL_RESOURCE_DELETE), 1, "only the owner hears of it");
    stage.lab.end();
}

#[test]
fn resources_have_a_say_in_drains_and_hear_what_happens_to_them() {
    let stage = stage();
    let lab = &stage.lab;
    groups::group(lab, "H");
    for (group, name, characteristics) in [
        ("G", "Vetoes", CLUS_CHAR_VETO_DRAIN),
        ("H", "Agrees", CLUS_CHAR_VETO_DRAIN),
        ("H", "Owner", CLUS_CHAR_NOTIFY_NEW_OWNER),
        ("H", "Context", CLUS_CHAR_OPERATION_CONTEXT),
    ] {
        wishing(lab, group, name, "Wishes", characteristics);
    }
    for group in ["G", "H"] {
        groups::online(lab, group);
        if groups::owner(lab, group) != "n1" {
            groups::move_to(lab, group, "n1");
        }
    }
    let owner_news = told(&stage, "Owner", CLUSCTL_RESOURCE_NOTIFY_OWNER_CHANGE);
    lab.change("POST", "/nodes/n1/pause", json!({ "Drain": true }));
    lab.until("/nodes/n1", |node| node["DrainStatus"] == "Failed");
    lab.until("/groups/H", |group| group["OwnerNode"] == "n2" && group["State"] == "Online");
    assert_eq!((groups::owner(lab, "G").as_str(), &lab.get("/groups/G")["State"]), ("n1", &json!("Online")));
    assert!(!lab.events_with("resource 'Vetoes' vetoes it with 5955").is_empty(), "{}", lab.around());
    for name in ["Vetoes", "Agrees"] {
        assert_eq!(told(&stage, name, CLUSCTL_RESOURCE_CHECK_DRAIN_VETO), 1, "{name} is asked where it runs");
        assert_eq!(told(&stage, name, CLUSCTL_RESOURCE_NOTIFY_DRAIN_COMPLETE), 0, "it is not complete");
    }
    assert_eq!(told(&stage, "R", CLUSCTL_RESOURCE_CHECK_DRAIN_VETO), 0, "it has no say");
    stage.until_heard(owner_news.max(2), "Owner", CLUSCTL_RESOURCE_NOTIFY_OWNER_CHANGE, "");
    assert_eq!(told(&stage, "R", CLUSCTL_RESOURCE_NOTIFY_OWNER_CHANGE), 0, "it does not want to hear it");
    stage.until_heard(1, "Context", CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT, "1");
    assert_eq!(told(&stage, "R", CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT), 0, "it does not want to hear it");

    // Brought back, and drained again without whoever objects.
    lab.change("POST", "/nodes/n1/resume", json!({ "Failback": "Immediate" }));
    lab.until("/groups/H", |group| group["OwnerNode"] == "n1" && group["State"] == "Online");
    stage.until_heard(1, "Context", CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT, "0");
    lab.post("/resources/Vetoes/offline", json!({}));
    lab.change("POST", "/nodes/n1/pause", json!({ "Drain": true }));
    lab.until("/nodes/n1", |node| node["DrainStatus"] == "Completed");
    stage.until_heard(1, "Agrees", CLUSCTL_RESOURCE_NOTIFY_DRAIN_COMPLETE, "");
    stage.until_heard(1, "Wishes", CLUSCTL_RESOURCE_TYPE_NOTIFY_DRAIN_COMPLETE, "");
    assert_eq!(told(&stage, "Agrees", CLUSCTL_RESOURCE_NOTIFY_DRAIN_COMPLETE), 1, "only on the node that is drained");
    stage.lab.end();
}

#[test]
fn a_locked_resource_is_left_alone_unless_the_lock_is_ignored() {
    let stage = stage();
    let lab = &stage.lab;
    groups::resource(lab, "G", "Top", "Wishes", json!({}));
    groups::resource(lab, "G", "Aside", "Wishes", json!({}));
    groups::depend(lab, "R", "[Top]");
    groups::online(lab, "G");
    let is_locked = |wanted: u32| {
        for path in ["/resources/Top/properties", "/groups/G/properties"] {
            lab.until(path, |all| all["StatusInformation"]["Value"] == wanted);
        }
    };
    assert_eq!(stage.send_one("Top", "resource", LOCK, ""), 0);
    is_locked(1);
    // Event 1071. Offline of a provider of nothing that is locked, and of the dependent, are no business of the lock.
    for (resource, order, expected) in [
        ("Top", "offline_resource", LOCKED),
        ("Top", "online_resource", LOCKED),
        ("R", "online_resource", LOCKED),
        ("G", "online_group", LOCKED),
        ("G", "offline_group", LOCKED),
        ("G", "move_group", LOCKED),
        ("R", "offline_resource", IO_PENDING),
        ("Aside", "offline_resource", IO_PENDING),
    ] {
        let name = if order.ends_with("group") { "R" } else { resource };
        assert_eq!(stage.send_one(name, order, 0, ""), expected, "{order} of {resource}");
    }
    assert!(!lab.events_with("Resource 'Top' is locked by its library; what was asked for").is_empty());
    for name in ["R", "Aside"] {
        lab.until_state(&format!("/resources/{name}"), "Offline");
    }
    let refused = lab.ask("POST", "/resources/R/online", json!({}));
    assert_eq!(refused.code(), Some(u64::from(LOCKED)), "{}", refused.text);
    lab.post("/resources/R/online", json!({ "IgnoreLocked": true }));
    lab.until_state("/resources/R", "Online");
    // A drain leaves it where it is.
    let owner = groups::owner(lab, "G");
    lab.change("POST", &format!("/nodes/{owner}/pause"), json!({ "Drain": true }));
    lab.until(&format!("/nodes/{owner}"), |node| node["DrainStatus"] == "Failed");
    assert_eq!(groups::owner(lab, "G"), owner);
    lab.change("POST", &format!("/nodes/{owner}/resume"), json!({}));
    // Unlocked, it moves; and a lock does not go along.
    assert_eq!(stage.send_one("Top", "resource", UNLOCK, ""), 0);
    is_locked(0);
    assert_eq!(stage.send_one("Top", "resource", LOCK, ""), 0);
    is_locked(1);
    assert_eq!(stage.send_one("R", "move_group", IGNORE_RESOURCE_STATUS, ""), IO_PENDING);
    lab.until("/groups/G", |group| group["OwnerNode"] != owner.as_str() && group["Moving"].is_null());
    is_locked(0);
    // Nor does it outlive its monitor.
    assert_eq!(stage.send_one("Top", "resource", LOCK, ""), 0);
    is_locked(1);
    let monitor = lab.get("/resources/Top")["MonitorProcessId"].as_i64().expect("it has one");
    lab::signal(i32::try_from(monitor).expect("a process"), Signal::KILL);
    is_locked(0);
    stage.lab.end();
}

#[test]
fn a_move_that_is_cancelled_cancels_what_goes_offline_for_it() {
    let stage = stage();
    let lab = &stage.lab;
    groups::resource(lab, "G", "Slow", "Wishes", json!({}));
    groups::online(lab, "G");
    let owner = groups::owner(lab, "G");
    assert_eq!(stage.send_one("R", "cancel_group", 0, ""), 0, "there is nothing to cancel");
    assert_eq!(stage.send_one("R", "cancel_group", 1, ""), 87, "the flags are reserved");
    assert_eq!(stage.send_one("R", "move_group", 0, ""), IO_PENDING);
    lab.until_state("/resources/Slow", "OfflinePending");
    assert_eq!(told(&stage, "Slow", CANCEL), 0);
    assert_eq!(stage.send_one("R", "cancel_group", 0, ""), IO_PENDING);
    stage.until_heard(1, "Slow", CANCEL, "");
    lab.until("/groups/G", |group| group["State"] == "Online" && group["Moving"].is_null());
    assert_eq!(groups::owner(lab, "G"), owner);
    assert_eq!(told(&stage, "R", CANCEL), 0, "it was offline already");
    let calls = stage.heard().into_iter().filter(|(_, whom, code, _)| whom == "Slow" && *code == CANCEL).count();
    assert_eq!(calls, 1);
    // Nobody waits for it at the end.
    lab.post("/resources/Slow/offline", json!({ "Force": true }));
    stage.lab.end();
}
