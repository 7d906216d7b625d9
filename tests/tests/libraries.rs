//! Resource libraries in a live cluster: one in Rust, one in C, files that are none, and one that crashes its process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::Lab;
use wolfden_tests::programs;
use wolfden_tests::rest::{Answer, segment};

/// The pace of the example in C: three steps of this many milliseconds until it is online.
const STEP_MS: u32 = 500;

fn lab(ground: &Ground) -> Lab {
    let mut command = Command::new(programs::cluster());
    command.args(["up", "--port", "0", "--nodes", "3", "--dir"]).arg(ground.lab_dir());
    command.env("COUNTER_STEP_MS", STEP_MS.to_string());
    Lab::start(ground, command)
}

/// Health checks of these types do not wait for the usual five seconds and a minute.
fn register(lab: &Lab, name: &str, library: &Path) {
    let body = json!({ "DllName": library, "LooksAlivePollInterval": 200, "IsAlivePollInterval": 500 });
    lab.change("POST", &format!("/resource-types/{name}"), body);
}

fn services(lab: &Lab) -> Vec<i32> {
    ["n1", "n2", "n3"].iter().map(|name| lab.service_process(name)).collect()
}

/// A group with a resource of a type that is there, to see that it is not disturbed.
fn bystander(ground: &Ground, lab: &Lab) {
    groups::group(lab, "Bystander");
    groups::resource(lab, "Bystander", "Witness", "Hello", json!({ "Path": ground.shared().join("witness.txt") }));
    groups::online(lab, "Bystander");
}

fn failures(lab: &Lab, resource: &str) -> u64 {
    lab.get(&format!("/resources/{}", segment(resource)))["Failures"].as_u64().expect("a count")
}

#[test]
fn libraries_in_rust_and_c_live_a_whole_life() {
    let ground = Ground::new();
    let counter = programs::c_library(&programs::root().join("examples/c/counter.c"), ground.path());
    let lab = lab(&ground);
    let before = services(&lab);
    register(&lab, "Hello", &programs::hello_library());
    register(&lab, "Counter", &counter);

    let greeting = ground.shared().join("greeting.txt");
    groups::group(&lab, "Libraries");
    groups::resource(&lab, "Libraries", "Greeting", "Hello", json!({ "Path": greeting, "Greeting": "from Rust" }));
    groups::resource(&lab, "Libraries", "Steps", "Counter", json!({}));
    groups::depend(&lab, "Steps", "[Greeting]");

    // Online: the one in C takes its time and says so.
    lab.change("POST", "/groups/Libraries/online", json!({}));
    lab.until("/resources/Steps", |steps| steps["InternalState"] == "OnlinePending");
    assert_eq!(std::fs::read_to_string(&greeting).ok().as_deref(), Some("from Rust"), "its provider is online already");
    lab.until_state("/groups/Libraries", "Online");
    let log = lab.node(&groups::owner(&lab, "Libraries")).ask("GET", "/log?tail=10000", Value::Null).text;
    assert!(log.contains("step 3 of 3"), "what the library says is in the cluster log");

    // Failed by command: restarted by policy where it is. Its count of failures is kept.
    let owner = groups::owner(&lab, "Libraries");
    for resource in ["Steps", "Greeting"] {
        let count = failures(&lab, resource);
        lab.change("POST", &format!("/resources/{resource}/fail"), json!({}));
        lab.until(&format!("/resources/{resource}"), |now| now["Failures"] == count + 1);
        lab.until_state("/groups/Libraries", "Online");
        assert_eq!(groups::owner(&lab, "Libraries"), owner, "the first failure of {resource} is no reason to move");
    }
    // Failed honestly: the file that it watches is gone.
    std::fs::remove_file(&greeting).expect("it is there");
    lab.until("/resources/Greeting", |now| now["Failures"] == 2);
    lab.until_state("/groups/Libraries", "Online");
    assert!(greeting.exists(), "it was made again");

    // Moved to each node: opened there, closed here.
    for target in ["n1", "n2", "n3"] {
        if groups::owner(&lab, "Libraries") != target {
            groups::move_to(&lab, "Libraries", target);
        }
        assert_eq!(std::fs::read_to_string(&greeting).ok().as_deref(), Some("from Rust"));
    }

    // Broken off while it is on its way.
    lab.post("/resources/Steps/offline", json!({}));
    lab.change("POST", "/resources/Steps/online", json!({}));
    lab.until_state("/resources/Steps", "OnlinePending");
    let answer = lab.post("/resources/Steps/offline", json!({ "Force": true }));
    assert_eq!(answer["Resource"]["State"], "Offline", "{answer}");
    std::thread::sleep(Duration::from_millis(u64::from(4 * STEP_MS)));
    assert_eq!(lab.get("/resources/Steps")["State"], "Offline", "nothing late of the old call counts");
    assert_eq!(lab.post("/resources/Steps/online", json!({}))["Resource"]["State"], "Online");

    // Deleted: first the resources, then the types.
    let in_use = lab.ask("DELETE", "/resource-types/Counter", Value::Null);
    assert_eq!(in_use.status, 409, "{}", in_use.text);
    lab.post("/groups/Libraries/offline", json!({}));
    assert!(!greeting.exists(), "offline takes the file away");
    for resource in ["Steps", "Greeting"] {
        lab.change("DELETE", &format!("/resources/{resource}"), Value::Null);
    }
    for name in ["Counter", "Hello"] {
        lab.change("DELETE", &format!("/resource-types/{name}"), Value::Null);
    }
    lab.change("DELETE", "/groups/Libraries", Value::Null);
    assert_eq!(lab.ask("GET", "/resources/Steps", Value::Null).code(), Some(5007));
    assert_eq!(services(&lab), before, "no service had to be started again");
    lab.end();
}

#[test]
fn files_that_are_no_resource_libraries_fail_clearly_and_disturb_nothing() {
    let ground = Ground::new();
    let text = ground.path().join("text.so");
    std::fs::write(&text, "this is no library").expect("written");
    let empty = ground.path().join("empty.so");
    std::fs::write(&empty, "").expect("written");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let bare = programs::c_library(&fixtures.join("nostartup.c"), ground.path());
    let counter = programs::c_library(&programs::root().join("examples/c/counter.c"), ground.path());
    let cases: [(&str, PathBuf, &str); 6] = [
        ("Text", text, "is no"),
        ("Empty", empty, "empty"),
        ("Folder", ground.path().to_owned(), "is not there"),
        ("Missing", ground.path().join("missing.so"), "is not there"),
        ("Bare", bare, "neither Startup nor StartupEx"),
        // A good library that does not know a type of this name.
        ("Stranger", counter, "5080"),
    ];
    let lab = lab(&ground);
    register(&lab, "Hello", &programs::hello_library());
    bystander(&ground, &lab);
    let before = services(&lab);
    groups::group(&lab, "Wrong");
    for (name, library, part) in &cases {
        register(&lab, name, library);
        let body = json!({ "Name": name, "Group": "Wrong", "ResourceType": name });
        let made = lab.ask("POST", "/resources", body);
        if made.is_accepted() {
            groups::set(&lab, &format!("/resources/{name}"), json!({ "RestartAction": 0 }));
            let answer: Answer = lab.ask("POST", &format!("/resources/{name}/online?wait=60"), json!({}));
            assert_ne!(answer.body["Resource"]["State"], "Online", "{name}: {}", answer.text);
        }
        // Somewhere a sentence names the file and says what is wrong with it.
        let said = format!("{}{}", made.text, logs(&lab));
        let file = library.display().to_string();
        let is_said = said.lines().any(|line| line.contains(&file) && line.contains(part));
        assert!(is_said, "{name}: nothing says {part:?} of {file}: {}", made.text);
    }
    assert_eq!(lab.get("/groups/Bystander")["State"], "Online");
    assert_eq!(failures(&lab, "Witness"), 0, "the bystander is not disturbed");
    assert_eq!(services(&lab), before);
    // All of it can be deleted again.
    lab.change("DELETE", "/groups/Wrong?force=true", Value::Null);
    for (name, _, _) in &cases {
        lab.until("/resources", |all| !all.as_array().into_iter().flatten().any(|one| one["ResourceType"] == *name));
        lab.change("DELETE", &format!("/resource-types/{name}"), Value::Null);
    }
    lab.end();
}

/// What all nodes have logged, and all events.
fn logs(lab: &Lab) -> String {
    let of = |name: &&str| lab.node(name).ask("GET", "/log?tail=10000", Value::Null).text;
    ["n1", "n2", "n3"].iter().map(of).collect()
}

#[test]
fn a_crash_costs_the_monitor_and_nothing_else() {
    let ground = Ground::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let library = programs::c_library(&fixtures.join("crasher.c"), ground.path());
    let lab = lab(&ground);
    register(&lab, "Hello", &programs::hello_library());
    register(&lab, "Crasher", &library);
    bystander(&ground, &lab);
    let before = services(&lab);
    let owner = groups::owner(&lab, "Bystander");

    for (name, signal) in [("null", "signal 11"), ("abort", "signal 6"), ("later", "signal 6")] {
        groups::group(&lab, name);
        groups::resource(&lab, name, name, "Crasher", json!({}));
        // It stays where it failed, so that one crash is one crash.
        groups::set(&lab, &format!("/resources/{name}"), json!({ "RestartAction": 0 }));
        if groups::owner(&lab, name) != owner {
            lab.post(&format!("/groups/{name}/move"), json!({ "Node": owner }));
        }
        // The bystander shares the monitor: it goes down with it, and comes back.
        lab.until_state("/groups/Bystander", "Online");
        let shared = lab.get("/resources/Witness")["MonitorProcessId"].clone();
        let ended = ends(&lab, &owner, signal);
        lab.change("POST", &format!("/groups/{name}/online"), json!({ "Node": owner }));
        lab.until(&format!("/resources/{name}"), |resource| resource["State"] == "Failed");
        lab.until("/resources/Witness", |witness| {
            witness["State"] == "Online"
                && witness["MonitorProcessId"].is_number()
                && witness["MonitorProcessId"] != shared
        });
        assert_eq!(lab.get("/resources/Witness")["OwnerNode"], owner.as_str(), "a restart is enough");
        assert_eq!(ends(&lab, &owner, signal), ended + 1, "{name}: an event tells of the end, and how it was");
        assert_eq!(services(&lab), before, "{name}: the services go on");
        lab.change("DELETE", &format!("/resources/{name}"), Value::Null);
        // What the bystander has suffered so far is forgiven, as after a quarter of an hour.
        lab.post("/groups/Bystander/offline", json!({}));
        groups::online(&lab, "Bystander");
    }
    assert!(ground.shared().join("witness.txt").exists());
    lab.end();
}

/// How many events of this node tell that a monitor was ended by this signal.
fn ends(lab: &Lab, node: &str, signal: &str) -> usize {
    let events = lab.node(node).events_with("A Resource Monitor ended");
    let is_so =
        |event: &&Value| event["EventId"] == 1146 && event["Text"].as_str().is_some_and(|text| text.contains(signal));
    events.iter().filter(is_so).count()
}
