//! What Windows programs expect to find around them on a cluster node: services, the registry, the folder of the cluster.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::{self, Lab};
use wolfden_tests::processes::{self, Process};
use wolfden_tests::windows::{self, logs, register};
use wolfden_tests::{groups, programs};

/// A node makes its private Windows in this time, on a busy machine too.
const FIRST_LIMIT: Duration = Duration::from_secs(180);

/// Enough to lose one.
const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// Runs a Windows program in the private Windows of a node.
fn run(ground: &Ground, node: &str, program: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(programs::cluster());
    command.args(["wine", "run"]).arg(lab::run_dir(ground, node)).arg(program).args(arguments);
    let output = command.env("XDG_STATE_HOME", ground.state()).output().expect("the executable under test");
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert!(output.status.success(), "{arguments:?} on {node}: {said} {output:?}");
    said
}

/// A file as Windows programs see it.
fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}

fn until(lab: &Lab, what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < FIRST_LIMIT, "{what}{}", lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What a Windows program has written.
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default().replace('\r', "")
}

/// The process of a service: it was started with the file of its node.
fn service_of(file: &Path) -> Option<Process> {
    let name = windows_path(file);
    let is_it = |process: &Process| {
        let [program, .., last] = process.words.as_slice() else { return false };
        program.ends_with("service.exe") && *last == name
    };
    processes::all().into_iter().find(is_it)
}

/// Services of Windows as resources, of a type that every cluster has: started with their words, stopped, noticed when they end or
/// are ended, ended when they do not stop, and started elsewhere when their node is killed.
#[test]
fn services_of_windows_are_resources() {
    let _ = windows::half();
    let ground = Ground::new();
    let program = windows::c_program(&programs::root().join("tests/fixtures/service.c"), ground.path());
    let lab = Lab::up(&ground, NODES.len() as u32);
    lab.until_nodes(&NODES, "Up");
    let file = |node: &str| ground.path().join(format!("{node}.txt"));
    for node in NODES {
        let said = run(&ground, node, &program, &["install", "Clerk", &windows_path(&file(node))]);
        assert!(said.contains("installed 0"), "{node}: {said}");
    }
    assert_eq!(lab.get("/resource-types/Generic%20Service")["DllName"], "clusres.dll", "nobody has registered it");
    groups::group(&lab, "Office");
    let place = json!({ "Address": "127.78.5.6", "SubnetMask": "255.0.0.0" });
    groups::resource(&lab, "Office", "Address", "IP Address", place);
    groups::resource(&lab, "Office", "Name", "Network Name", json!({ "Name": "OFFICE" }));
    groups::depend(&lab, "Name", "[Address]");
    let properties = json!({ "ServiceName": "Clerk", "StartupParameters": "first \"second word\"" });
    groups::resource(&lab, "Office", "Clerk", "Generic Service", properties);
    groups::depend(&lab, "Clerk", "[Name]");
    groups::set(&lab, "/resources/Clerk", json!({ "LooksAlivePollInterval": 200, "IsAlivePollInterval": 500 }));
    lab.change("POST", "/groups/Office/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/Office", |group| group["State"] == "Online");
    let owner = groups::owner(&lab, "Office");
    until(&lab, "the service has its words", || text(&file(&owner)) == "first\nsecond word\n");
    lab.post("/groups/Office/offline", json!({}));
    until(&lab, "the service is stopped", || !file(&owner).exists());

    let beyond = lab.ask("PATCH", "/resources/Clerk/parameters", json!({ "UseNetworkName": 2 }));
    assert!(!beyond.is_accepted() && beyond.text.contains("UseNetworkName"), "0 or 1: {}", beyond.text);

    // One whose process is killed from outside has failed, whatever its service control manager says, and is started again.
    lab.change("POST", "/groups/Office/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/Office", |group| group["State"] == "Online");
    let owner = groups::owner(&lab, "Office");
    let victim = service_of(&file(&owner)).expect("the service runs");
    lab::signal(victim.id, Signal::KILL);
    until(&lab, "its death is told", || logs(&lab, &NODES).contains("the process of the service Clerk has ended"));
    let is_back = || service_of(&file(&owner)).is_some_and(|now| now != victim);
    until(&lab, "the service runs again", is_back);
    lab.until_within(FIRST_LIMIT, "/groups/Office", |group| group["State"] == "Online");

    // One that ends by itself fails; one that does not stop is ended, under the name of the group too.
    groups::set(&lab, "/resources/Clerk", json!({ "RestartAction": 0 }));
    lab.post("/groups/Office/offline", json!({}));
    set_words(&lab, "brief");
    lab.change("POST", "/groups/Office/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/resources/Clerk", |found| found["State"] == "Failed");
    set_words(&lab, "stubborn");
    lab.change("PATCH", "/resources/Clerk/parameters", json!({ "UseNetworkName": 1 }));
    lab.change("POST", "/resources/Clerk/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/resources/Clerk", |found| found["State"] == "Online");
    let owner = groups::owner(&lab, "Office");
    until(&lab, "the service has its name", || text(&file(&owner)) == "name OFFICE\nstubborn\n");
    groups::set(&lab, "/resources/Clerk", json!({ "PendingTimeout": 3000 }));
    let _ = lab.ask("POST", "/resources/Clerk/offline?wait=60", json!({ "Force": true }));
    until(&lab, "its process is ended", || logs(&lab, &NODES).contains("does not stop; its process is ended"));
    until(&lab, "no process is left", || service_of(&file(&owner)).is_none());
    lab.until_within(FIRST_LIMIT, "/resources/Clerk", |found| found["State"] != "OfflinePending");

    // What does not exist is named.
    let parameters = json!({ "ServiceName": "Nobody", "UseNetworkName": 0 });
    lab.change("PATCH", "/resources/Clerk/parameters", parameters);
    let _ = lab.ask("POST", "/resources/Clerk/online?wait=60", json!({}));
    until(&lab, "the missing service is told", || logs(&lab, &NODES).contains("the service Nobody cannot be opened"));
    lab.change("PATCH", "/resources/Clerk/parameters", json!({ "ServiceName": "Clerk" }));

    set_words(&lab, "steady");
    groups::set(&lab, "/resources/Clerk", json!({ "RestartAction": 2, "PendingTimeout": 180_000 }));
    lab.change("POST", "/groups/Office/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/Office", |group| group["State"] == "Online");
    let owner = groups::owner(&lab, "Office");
    lab.press(&owner, "kill");
    let moved = |group: &Value| group["State"] == "Online" && group["OwnerNode"] != owner.as_str();
    lab.until_within(FIRST_LIMIT, "/groups/Office", moved);
    let other = groups::owner(&lab, "Office");
    until(&lab, "the service runs elsewhere", || text(&file(&other)) == "steady\n");
    lab.end();
}

fn set_words(lab: &Lab, words: &str) {
    lab.change("PATCH", "/resources/Clerk/parameters", json!({ "StartupParameters": words }));
}

/// What each service function of resutils.dll answers, see the program.
const ANSWERS: &str = "nameless: 87
unknown: 1060
verify stopped: 5004
stop stopped: 0
start: 0
runs: 1
start again: 0
verify: 0
verify handle: 0
verify nothing: 6
stop handle: 0
stopped: 1
close: 1
start: 0
terminate: 0
state: 3, gone: 1
terminate nothing: 1 state: 4
verify ended: 5004
stop ended: 0
start disabled: 1058
start parameters: 0
start type: 3
start: 0
stop: 0
set environment: 0
environment: 0 7 COMPUTERNAME=OFFICE
remove environment: 0
remove again: 0
environment: 2 0 
";

/// The service functions of resutils.dll drive the service control manager of the private Windows.
#[test]
fn service_functions_of_resutils_drive_services() {
    let half = windows::half();
    let ground = Ground::new();
    let program = windows::c_program(&programs::root().join("tests/fixtures/service.c"), ground.path());
    let caller = windows::linked_program(&programs::root().join("tests/fixtures/service_functions.c"), ground.path());
    for name in ["clusapi.dll", "resutils.dll"] {
        std::fs::copy(half.join(name), ground.path().join(name)).expect("copied");
    }
    let lab = Lab::up(&ground, 1);
    groups::group(&lab, "G");
    let place = json!({ "Address": "127.78.5.7", "SubnetMask": "255.0.0.0" });
    groups::resource(&lab, "G", "Address", "IP Address", place);
    groups::resource(&lab, "G", "Name", "Network Name", json!({ "Name": "OFFICE" }));
    groups::depend(&lab, "Name", "[Address]");
    groups::resource(&lab, "G", "R", "Generic Script", json!({ "ScriptFilepath": "/bin/true" }));
    groups::depend(&lab, "R", "[Name]");
    let file = windows_path(&ground.path().join("n1.txt"));
    assert!(run(&ground, "n1", &program, &["install", "Clerk", &file]).contains("installed 0"));
    assert_eq!(run(&ground, "n1", &caller, &["Clerk", "R"]), ANSWERS);
    lab.end();
}

/// The registry, the service key and the folder that programs look for to see whether they are on a cluster node.
#[test]
fn a_node_looks_like_one_from_the_inside() {
    let _ = windows::half();
    let ground = Ground::new();
    let program = windows::c_program(&programs::root().join("tests/fixtures/look_around.c"), ground.path());
    let lab = Lab::up(&ground, 1);
    // What is there is made when the first DLL is needed.
    register(&lab, "Hello", Path::new("hello_resource.dll"));
    groups::group(&lab, "G");
    groups::resource(&lab, "G", "R", "Hello", json!({ "Path": r"C:\windows\Cluster\hello.txt" }));
    lab.change("POST", "/groups/G/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/G", |group| group["State"] == "Online");
    let said = run(&ground, "n1", &program, &[]);
    for line in [
        "cluster key: 0",
        "service key: Cluster Service",
        "node: n1",
        "computer: N1",
        "folder: C:\\windows\\Cluster yes",
        "greeting: Hello, cluster!",
    ] {
        assert!(said.lines().any(|told| told == line), "{line}: {said}");
    }
    lab.end();
}
