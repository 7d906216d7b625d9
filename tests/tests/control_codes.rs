//! Control codes through everything that carries them: a program of the cluster API, two services, their monitors, a library.
//! All codes of the reference go where 05.3 says; the internal ones come when 01.8 says; registry checkpoints travel with
//! their resource.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::codes::routing::{Fallback, Route, route};
use serde_json::json;
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::Lab;
use wolfden_tests::programs;

/// No wait is longer.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A lab of two nodes with the group `G`, in it the resource `R` of the type `Codes`.
struct Stage {
    ground: Ground,
    lab: Lab,
    sender: PathBuf,
}

/// A code that the library was asked: process, resource or type, code, input as text.
type Heard = (String, String, u32, String);

impl Stage {
    fn new() -> Stage {
        let ground = Ground::new();
        let fixtures = programs::root().join("tests/fixtures/control_codes");
        let library = programs::c_library(&fixtures.join("codes.c"), ground.path());
        let mut command = Command::new(programs::cluster());
        command.args(["up", "--port", "0", "--nodes", "2", "--dir"]).arg(ground.lab_dir());
        command.env("CODES_FILE", ground.path().join("codes"));
        let lab = Lab::start(&ground, command);
        lab.until_nodes(&["n1", "n2"], "Up");
        lab.change(
            "POST",
            "/resource-types/Codes",
            json!({ "DllName": library, "LooksAlivePollInterval": 100, "IsAlivePollInterval": 200 }),
        );
        groups::group(&lab, "G");
        groups::resource(&lab, "G", "R", "Codes", json!({}));
        // This cluster has no network objects of its own: a program makes them, as a resource type for networks would.
        let (network, card) = ("00000000-0000-0000-0000-0000000000aa", "00000000-0000-0000-0000-0000000000bb");
        let text = |name: &str, value: &str| json!({ "Name": name, "Type": "REG_SZ", "Value": value });
        lab.change("PUT", &format!("/registry/Networks/{network}"), json!({ "Values": [text("Name", "Net")] }));
        let values = [text("Name", "Card"), text("Node", "1"), text("Network", network)];
        lab.change("PUT", &format!("/registry/NetworkInterfaces/{card}"), json!({ "Values": values }));
        let sender = sender(&ground);
        Stage { ground, lab, sender }
    }

    /// Sends codes, each as `object code [text]`: what came of each, by object and code.
    fn send(&self, lines: &[String]) -> BTreeMap<(String, u32), u32> {
        let mut child = Command::new(&self.sender)
            .args(["R", "Codes", "G", "n1"])
            .env("LD_LIBRARY_PATH", folder_of_libraries())
            .env("CLUSTER_ENDPOINT", self.lab.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was just made");
        let mut input = child.stdin.take().expect("piped");
        let text = lines.join("\n") + "\n";
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("no panic").expect("it reads all");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.ends_with("end\n"), "{}: {said}", output.status);
        let read = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let code = u32::from_str_radix(words.get(1)?.trim_start_matches("0x"), 16).ok()?;
            Some(((words[0].to_owned(), code), words.get(2)?.parse().ok()?))
        };
        said.lines().filter_map(read).collect()
    }

    fn send_one(&self, object: &str, code: u32, text: &str) -> u32 {
        let answers = self.send(&[format!("{object} {code:#x} {text}")]);
        answers[&(object.to_owned(), code)]
    }

    fn heard(&self) -> Vec<Heard> {
        let text = std::fs::read_to_string(self.ground.path().join("codes")).unwrap_or_default();
        let read = |line: &str| {
            let words: Vec<&str> = line.split('\t').collect();
            let code = u32::from_str_radix(words.get(2)?.trim_start_matches("0x"), 16).ok()?;
            Some((words[0].to_owned(), words[1].to_owned(), code, words.get(3)?.to_string()))
        };
        text.lines().filter_map(read).collect()
    }

    /// Waits until so many processes of the library have heard this.
    fn until_heard(&self, processes: usize, whom: &str, code: u32, input: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            let heard = self.heard();
            let mine = heard.iter().filter(|(_, to, what, with)| to == whom && *what == code && with == input);
            let told: BTreeSet<&String> = mine.map(|(process, ..)| process).collect();
            if told.len() >= processes {
                return;
            }
            let name = name(code).unwrap_or("?");
            assert!(Instant::now() < end, "{whom} did not hear {name} {input:?} in {processes} processes: {heard:#?}");
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

fn folder_of_libraries() -> PathBuf {
    let clusapi = programs::library("libclusapi.so", "libclusapi.d", "clusapi");
    clusapi.parent().expect("a file lies in a folder").to_owned()
}

fn sender(ground: &Ground) -> PathBuf {
    let program = ground.path().join("send");
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(programs::root().join("resapi-sys-mock/include"))
        .arg(programs::root().join("tests/fixtures/control_codes/send.c"))
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", folder_of_libraries().display()))
        .arg("-lclusapi")
        .output()
        .expect("a C compiler named cc; install gcc or clang");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

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
    let stage = Stage::new();
    groups::online(&stage.lab, "G");
    let before = stage.heard().len();
    let rows = rows();
    assert_eq!(rows.len(), 310 - 14);
    let lines: Vec<String> = rows.iter().map(|(_, object, code)| format!("{object} {code:#x}")).collect();
    let answers = stage.send(&lines);
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
    assert_eq!(stage.send_one("resource", CLUSCTL_GROUP_GET_NAME, ""), 1);
    assert_eq!(stage.send_one("group", CLUSCTL_RESOURCE_GET_NAME, ""), 1);
    stage.lab.end();
}

#[test]
fn libraries_hear_of_changes_around_them_on_every_node() {
    let stage = Stage::new();
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
    let stage = Stage::new();
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
    let stage = Stage::new();
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
    assert_eq!(stage.send_one("resource", add, "Software\\App"), 2, "there is no such key yet");
    std::fs::write(file("n1"), content(7)).expect("the folder of the node");
    assert_eq!(stage.send_one("resource", add, "Software\\App"), 0);
    assert_eq!(stage.send_one("resource", add, "Software\\App"), 183, "kept already");
    assert_eq!(stage.send_one("resource", CLUSCTL_RESOURCE_GET_REGISTRY_CHECKPOINTS, ""), 0);
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
    assert_eq!(stage.send_one("resource", delete, "Software\\App"), 0);
    assert_eq!(stage.send_one("resource", delete, "Software\\App"), 2);
    stage.lab.end();
}
