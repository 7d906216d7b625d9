//! Windows resource DLLs, unmodified, in a live cluster under Wine.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::groups;
use wolfden_tests::lab::{self, Lab};
use wolfden_tests::processes::Process;
use wolfden_tests::programs;
use wolfden_tests::rest::{Answer, segment};
use wolfden_tests::windows::{self, logs, register};

/// The first resource of a new node waits until the node's private Windows was made, on a busy machine too.
const FIRST_LIMIT: Duration = Duration::from_secs(180);

/// A library that misbehaves on request, and one that behaves.
const MISBEHAVE: &str = "examples/misbehave/misbehave.c";
const COUNTER: &str = "examples/c/counter.c";

/// Waits until the Windows world of a node is there: the first type that needs it wakes it.
fn until_ready(lab: &Lab, resource: &str) {
    let path = format!("/resources/{}", segment(resource));
    let begun = Instant::now();
    while lab.ask("GET", &format!("{path}/parameters"), Value::Null).status != 200 {
        assert!(begun.elapsed() < FIRST_LIMIT, "the first DLL is not open{}", lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process that hosts a resource.
fn monitor(lab: &Lab, resource: &str) -> i32 {
    let found = lab.until(&format!("/resources/{}", segment(resource)), |r| r["MonitorProcessId"].is_number());
    found["MonitorProcessId"].as_i64().and_then(|number| i32::try_from(number).ok()).expect("a process number")
}

fn is_wine(process: i32) -> bool {
    Process::find(process).is_some_and(|found| found.words.iter().any(|word| word.ends_with("resmon.exe")))
}

/// One group with the example in Rust and the one in C as DLLs and a native resource that both depend on; kill -9 of its owner.
#[test]
fn a_group_mixes_dlls_with_native_resources_and_fails_over() {
    let half = windows::half();
    let ground = Ground::new();
    let counter = windows::c_dll(&programs::root().join(COUNTER), ground.path());
    let lab = Lab::up(&ground, 3);
    // A path, and a bare name that is found beside the executable.
    register(&lab, "Counter", &counter);
    register(&lab, "Hello", Path::new("hello_resource.dll"));
    assert!(half.join("hello_resource.dll").exists());

    let greeting = ground.shared().join("greeting.txt");
    groups::group(&lab, "Mixed");
    groups::resource(
        &lab,
        "Mixed",
        "Address",
        "IP Address",
        json!({ "Address": "127.78.5.1", "SubnetMask": "255.0.0.0" }),
    );
    groups::resource(&lab, "Mixed", "Steps", "Counter", json!({}));
    until_ready(&lab, "Steps");
    let windows_path = format!("Z:{}", greeting.display().to_string().replace('/', "\\"));
    groups::resource(&lab, "Mixed", "Greeting", "Hello", json!({ "Path": windows_path, "Greeting": "from Wine" }));
    groups::depend(&lab, "Steps", "[Address]");
    groups::depend(&lab, "Greeting", "[Steps]");
    lab.change("POST", "/groups/Mixed/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/Mixed", |group| group["State"] == "Online");
    assert_eq!(std::fs::read_to_string(&greeting).ok().as_deref(), Some("from Wine"));
    let hosts = ["Address", "Steps", "Greeting"].map(|name| is_wine(monitor(&lab, name)));
    assert_eq!(hosts, [false, true, true], "native and Windows types side by side in one group");
    assert!(logs(&lab, &["n1", "n2", "n3"]).contains("step 3 of 3"), "what the DLL says is in the cluster log");

    let owner = groups::owner(&lab, "Mixed");
    let begun = Instant::now();
    lab.press(&owner, "kill");
    let moved = |group: &Value| group["State"] == "Online" && group["OwnerNode"] != owner.as_str();
    lab.until_within(FIRST_LIMIT, "/groups/Mixed", moved);
    let took = begun.elapsed();
    wolfden_tests::figure(&format!(
        "group with two Windows DLLs online elsewhere {} ms after kill -9",
        took.as_millis()
    ));
    assert!(is_wine(monitor(&lab, "Greeting")));
    lab.start_again(&owner);
    lab.until_nodes(&["n1", "n2", "n3"], "Up");
    groups::move_to(&lab, "Mixed", &owner);
    lab.post("/groups/Mixed/offline", json!({}));
    assert!(!greeting.exists(), "the DLL took its file away");
    lab.end();
}

/// What a DLL does wrong costs its monitor at most, and is told with the DLL and the entry point.
#[test]
fn misbehaving_dlls_are_contained_and_named() {
    let _ = windows::half();
    let ground = Ground::new();
    let dll = windows::c_dll(&programs::root().join(MISBEHAVE), ground.path());
    let lab = Lab::up(&ground, 1);
    register(&lab, "Misbehave", &dll);
    groups::group(&lab, "Bystander");
    let place = json!({ "Address": "127.78.5.2", "SubnetMask": "255.0.0.0" });
    groups::resource(&lab, "Bystander", "Innocent", "IP Address", place);
    groups::online(&lab, "Bystander");
    let innocent = monitor(&lab, "Innocent");
    let service = lab.service_process("n1");

    // The misbehaviour, and what the log has to say about it.
    let cases = [
        ("crash-in-online", "access violation"),
        ("crash-in-worker", "access violation"),
        ("crash-in-is-alive", "in IsAlive of"),
        ("exit-in-online", "in Online of"),
        ("stack-overflow-in-online", "overflowed its stack"),
        ("memory-scribble-in-online", "in Online of"),
        ("heap-damage-in-offline", "damaged heap (0xc0000374) found after Offline"),
        ("hang-in-online", "Online of"),
        ("strange-code-from-online", "Online"),
        ("bad-event", "event handle"),
    ];
    groups::group(&lab, "Wrong");
    for (what, said) in cases {
        groups::resource(&lab, "Wrong", what, "Misbehave", json!({}));
        let path = format!("/resources/{what}");
        until_ready(&lab, what);
        let begun = Instant::now();
        while !lab.ask("PATCH", &format!("{path}/parameters"), json!({ "Misbehaviour": what })).is_accepted() {
            assert!(begun.elapsed() < FIRST_LIMIT, "{what} takes no property{}", lab.around());
            std::thread::sleep(Duration::from_millis(100));
        }
        // In a monitor of its own it is opened anew, and reads what it is to do.
        groups::set(&lab, &path, json!({ "RestartAction": 0, "DeadlockTimeout": 2000, "SeparateMonitor": 1 }));
        let before = logs(&lab, &["n1"]).len();
        lab.change("POST", &format!("{path}/online"), json!({}));
        if what.ends_with("-in-offline") {
            lab.until(&path, |now| now["State"] == "Online");
            lab.change("POST", &format!("{path}/offline"), json!({}));
        }
        let begun = Instant::now();
        let news = loop {
            let news = logs(&lab, &["n1"]);
            let news = news.get(before.min(news.len())..).unwrap_or_default().to_owned();
            // The entry point is named when the service has seen the end of the monitor.
            if news.contains(said) && (!said.starts_with("damaged heap") || news.contains("in Offline of")) {
                break news;
            }
            assert!(begun.elapsed() < FIRST_LIMIT, "{what}: nothing says {said:?}: {news}{}", lab.around());
            std::thread::sleep(Duration::from_millis(100));
        };
        assert!(news.contains("misbehave.dll") || news.contains(what), "{what}: the DLL is not named: {news}");
        assert_eq!(lab.service_process("n1"), service, "{what}");
        assert_eq!(monitor(&lab, "Innocent"), innocent, "{what}: the native monitor has nothing to do with it");
        lab.until(&path, |now| now["State"] != "OnlinePending");
        // What is failed already need not be stopped.
        let _ = lab.ask("POST", &format!("{path}/offline?wait=60"), json!({ "Force": true }));
        lab.change("DELETE", &path, Value::Null);
    }
    assert_eq!(lab.get("/groups/Bystander")["State"], "Online");
    lab.end();
}

/// A wineserver that is killed takes every Windows program of its node with it; all of it comes back.
#[test]
fn a_dead_wineserver_is_recovered_from() {
    let _ = windows::half();
    let ground = Ground::new();
    let counter = windows::c_dll(&programs::root().join(COUNTER), ground.path());
    let lab = Lab::up(&ground, 1);
    register(&lab, "Counter", &counter);
    groups::group(&lab, "Windows");
    groups::resource(&lab, "Windows", "Steps", "Counter", json!({}));
    until_ready(&lab, "Steps");
    groups::online(&lab, "Windows");
    let before = monitor(&lab, "Steps");
    let server = wineserver(&ground, "n1").expect("a wineserver holds a lock of the node");
    lab::signal(server, Signal::KILL);
    lab.until_within(FIRST_LIMIT, "/resources/Steps", |steps| {
        steps["State"] == "Online" && steps["MonitorProcessId"].as_i64().is_some_and(|now| now != i64::from(before))
    });
    // A monitor may have come back before the old world was cleared away, and again with the new one.
    let begun = Instant::now();
    while wineserver(&ground, "n1").is_none_or(|now| now == server) || lab.get("/resources/Steps")["State"] != "Online"
    {
        assert!(begun.elapsed() < FIRST_LIMIT, "no other wineserver{}", lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
    lab.end();
    assert!(!Path::new(&format!("/proc/{server}/fd")).exists());
}

/// The wineserver of a node: it holds one of the locks of the node.
fn wineserver(ground: &Ground, node: &str) -> Option<i32> {
    let living = cluster_svc::driver::process_files::living(&lab::run_dir(ground, node));
    let numbers = living.into_iter().filter_map(|process| match process {
        cluster_svc::driver::process_files::NodeProcess::Other(number) => Some(number),
        _ => None,
    });
    let is_server = |number: &i32| {
        Process::find(*number).is_some_and(|found| found.words.iter().any(|word| word.contains("wineserver")))
    };
    numbers.into_iter().find(is_server)
}

/// A disk with a drive letter is that drive for the programs of its node; a Generic Application may be a Windows program.
#[test]
fn disks_are_drives_and_applications_may_be_windows_programs() {
    let _ = windows::half();
    let ground = Ground::new();
    let source = write(
        &ground,
        "scribe.c",
        b"#include <stdio.h>\n#include <windows.h>\nint main(int n, char **a) { FILE *f = fopen(a[n - 1], \"w\"); if (!f) return 9; fputs(\"written\", f); fclose(f); printf(\"scribe is here\\n\"); fflush(stdout); Sleep(INFINITE); }\n",
    );
    let program = windows::c_program(&source, ground.path());
    let lab = Lab::up(&ground, 1);
    register(&lab, "Hello", Path::new("hello_resource.dll"));
    groups::group(&lab, "Drives");
    groups::resource(&lab, "Drives", "Disk", "Physical Disk", json!({ "Signature": 77, "Drive": "Q:" }));
    groups::resource(&lab, "Drives", "Greeting", "Hello", json!({ "Path": r"Q:\greeting.txt", "Greeting": "on Q" }));
    let command = format!("'{}' 'Q:\\scribe.txt'", program.display());
    groups::resource(&lab, "Drives", "Scribe", "Generic Application", json!({ "CommandLine": command }));
    groups::depend(&lab, "Greeting", "[Disk]");
    groups::depend(&lab, "Scribe", "[Greeting]");
    lab.change("POST", "/groups/Drives/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/Drives", |group| group["State"] == "Online");
    let drive = ground.lab_dir().join("n1/wine/dosdevices/q:");
    let disk = std::fs::read_link(&drive).expect("a drive");
    assert_eq!(std::fs::read_to_string(disk.join("greeting.txt")).ok().as_deref(), Some("on Q"));
    let begun = Instant::now();
    while !logs(&lab, &["n1"]).contains("scribe is here") {
        assert!(begun.elapsed() < FIRST_LIMIT, "the Windows program says nothing{}", lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(std::fs::read_to_string(disk.join("scribe.txt")).ok().as_deref(), Some("written"));
    lab.post("/groups/Drives/offline", json!({}));
    assert!(std::fs::symlink_metadata(&drive).is_err(), "a disk that is offline is no drive");
    lab.end();
}

/// What cannot be hosted is refused in words, and nothing is started for it.
#[test]
fn dlls_that_cannot_be_hosted_are_refused_clearly() {
    let _ = windows::half();
    let ground = Ground::new();
    let good = windows::c_dll(&programs::root().join(COUNTER), ground.path());
    let bytes = std::fs::read(&good).expect("compiled");
    let header = u32::from_le_bytes(bytes[0x3c..0x40].try_into().expect("four bytes")) as usize;
    let with = |name: &str, machine: u16| {
        let mut bytes = bytes.clone();
        bytes[header + 4..header + 6].copy_from_slice(&machine.to_le_bytes());
        write(&ground, name, &bytes)
    };
    let cases: [(&str, PathBuf, &str); 10] = [
        ("Narrow", with("narrow.dll", 0x14c), "32-bit DLL"),
        ("Arm", with("arm.dll", 0xaa64), "ARM64"),
        ("Cut", write(&ground, "cut.dll", &bytes[..bytes.len() / 3]), "cut short"),
        ("Text", write(&ground, "text.dll", b"this is no DLL"), "no Windows DLL"),
        ("Linux", write(&ground, "linux.dll", b"\x7fELF\x02\x01\x01"), "library of Linux"),
        ("Missing", ground.path().join("missing.dll"), "is not there"),
        ("Lonely", lonely(&ground), "vendor_runtime.dll"),
        ("Invented", windows::invented_import(ground.path(), "clusapi"), "imports NobodyHasThis from"),
        ("TooNew", windows::invented_import(ground.path(), "kernel32"), "imports NobodyHasThis from"),
        ("Bare", bare(&ground), "neither Startup nor StartupEx"),
    ];
    let lab = Lab::up(&ground, 1);
    groups::group(&lab, "Wrong");
    for (name, dll, part) in &cases {
        register(&lab, name, dll);
        let body = json!({ "Name": name, "Group": "Wrong", "ResourceType": name });
        let made = lab.ask("POST", "/resources", body);
        if made.is_accepted() {
            groups::set(&lab, &format!("/resources/{name}"), json!({ "RestartAction": 0 }));
            let answer: Answer = lab.ask("POST", &format!("/resources/{name}/online?wait=60"), json!({}));
            assert_ne!(answer.body["Resource"]["State"], "Online", "{name}: {}", answer.text);
        }
        let said = format!("{}{}", made.text, logs(&lab, &["n1"]));
        let file = dll.display().to_string();
        let is_said = said.lines().any(|line| line.contains(&file) && line.contains(part));
        assert!(is_said, "{name}: nothing says {part:?} of {file}: {said}");
        // With parameters, which nobody can check, there is no resource at all, and the answer says why.
        let body = json!({ "Name": "Second", "Group": "Wrong", "ResourceType": name, "Parameters": { "Path": "x" } });
        let refused = lab.ask("POST", "/resources", body);
        assert!(!refused.is_accepted() && refused.text.contains(part), "{name}: {}", refused.text);
        assert_eq!(lab.ask("GET", "/resources/Second", Value::Null).status, 404, "{name}");
    }
    let prefix = ground.lab_dir().join("n1/wine");
    assert!(!prefix.exists(), "nothing was started, so no prefix was made");
    lab.end();
}

/// A machine without Wine: the resource fails at Open, the remedy is told, native resources of the same group work.
#[test]
fn without_wine_a_dll_is_refused_and_the_rest_works() {
    let _ = windows::half();
    let ground = Ground::new();
    let mut command = std::process::Command::new(programs::cluster());
    command.args(["up", "--port", "0", "--nodes", "1", "--dir"]).arg(ground.lab_dir());
    command.env("WOLFDEN_WINE", "/no/such/wine");
    let lab = Lab::start(&ground, command);
    register(&lab, "Hello", Path::new("hello_resource.dll"));
    groups::group(&lab, "Mixed");
    let place = json!({ "Address": "127.78.5.4", "SubnetMask": "255.0.0.0" });
    groups::resource(&lab, "Mixed", "Address", "IP Address", place);
    // Without parameters: nobody can say whether they are right.
    lab.change("POST", "/resources", json!({ "Name": "Greeting", "Group": "Mixed", "ResourceType": "Hello" }));
    groups::set(&lab, "/resources/Greeting", json!({ "RestartAction": 0 }));
    lab.change("POST", "/groups/Mixed/online", json!({}));
    lab.until_state("/resources/Address", "Online");
    lab.until("/resources/Greeting", |found| found["State"] != "Online" && found["State"] != "OnlinePending");
    let begun = Instant::now();
    let reason = "WOLFDEN_WINE names /no/such/wine, which is no file";
    while !logs(&lab, &["n1"]).contains(reason) {
        assert!(begun.elapsed() < FIRST_LIMIT, "the reason is not told{}", lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
    let shown = lab.get("/resources/Greeting");
    assert!(shown["LastError"].to_string().contains(reason), "{shown}");
    // What has parameters is refused with the reason, a DLL and a type that every cluster has alike; a native one is made.
    for (kind, parameters) in
        [("Hello", json!({ "Path": r"C:\greeting.txt" })), ("Generic Service", json!({ "ServiceName": "Clerk" }))]
    {
        let body = json!({ "Name": "Second", "Group": "Mixed", "ResourceType": kind, "Parameters": parameters });
        let refused = lab.ask("POST", "/resources", body);
        assert_eq!(refused.body["error"]["code"], 126, "{kind}: {}", refused.text);
        assert!(refused.text.contains(reason), "{kind}: {}", refused.text);
        assert_eq!(lab.ask("GET", "/resources/Second", Value::Null).status, 404, "{kind}");
    }
    let place = json!({ "Address": "127.78.5.8", "SubnetMask": "255.0.0.0" });
    groups::resource(&lab, "Mixed", "Other", "IP Address", place);
    assert_eq!(lab.get("/resources/Address")["State"], "Online", "untouched");
    lab.end();
}

/// A Windows program that imports clusapi.dll talks to the cluster that runs: the one at the address in the environment, or the
/// one that this user has started. It is the client of the examples, from the source that is native elsewhere.
#[test]
fn a_program_under_wine_administers_the_cluster() {
    let half = windows::half();
    let ground = Ground::new();
    let program = ground.path().join("client.exe");
    let compiled = std::process::Command::new("x86_64-w64-mingw32-gcc")
        .args(["-static", "-std=c11", "-Wall", "-Wextra", "-O1", "-I"])
        .arg(programs::root().join("resapi-sys-mock/include"))
        .arg(programs::root().join("examples/clusapi-client/client.c"))
        .arg("-o")
        .args([&program, &half.join("clusapi.dll")])
        .status()
        .expect("mingw is there");
    assert!(compiled.success());
    std::fs::copy(half.join("clusapi.dll"), ground.path().join("clusapi.dll")).expect("copied");
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    let client = |endpoint: Option<&str>, words: &[&str]| {
        let mut command = std::process::Command::new(programs::cluster());
        command.args(["wine", "run"]).arg(lab::run_dir(&ground, "n1")).arg(&program).args(words);
        match endpoint {
            Some(endpoint) => command.env("CLUSTER_ENDPOINT", endpoint).env("XDG_STATE_HOME", ground.path()),
            None => command.env_remove("CLUSTER_ENDPOINT").env("XDG_STATE_HOME", ground.state()),
        };
        let output = command.output().expect("the executable under test");
        let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        assert!(output.status.success(), "{words:?}: {said} {output:?}");
        said
    };
    let url = lab.url().to_owned();
    for endpoint in [Some(url.as_str()), None] {
        client(endpoint, &["create", "Tools"]);
        let place = json!({ "Address": "127.78.5.3", "SubnetMask": "255.0.0.0" });
        groups::resource(&lab, "Tools", "Tool", "IP Address", place);
        assert!(client(endpoint, &["online", "Tools"]).ends_with("Online\n"));
        client(endpoint, &["move", "Tools", "n2"]);
        let listed = client(endpoint, &["list"]);
        for part in ["node n1 Up", "node n2 Up", "group Tools Online on n2", "resource Tool Online"] {
            assert!(listed.contains(part), "{part}: {listed}");
        }
        assert!(client(endpoint, &["properties", "Tool"]).contains("Address = 127.78.5.3"));
        client(endpoint, &["offline", "Tools"]);
        client(endpoint, &["delete", "Tools"]);
        assert_eq!(lab.ask("GET", "/groups/Tools", Value::Null).status, 404);
    }
    lab.end();
}

fn write(ground: &Ground, name: &str, bytes: &[u8]) -> PathBuf {
    let path = ground.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    path
}

/// A DLL that imports another one, which is then taken away.
fn lonely(ground: &Ground) -> PathBuf {
    let vendor = write(ground, "vendor_runtime.c", b"__declspec(dllexport) int vendor(void) { return 1; }\n");
    let vendor = windows::c_dll(&vendor, ground.path());
    let source = write(
        ground,
        "lonely.c",
        b"__declspec(dllimport) int vendor(void);\n__declspec(dllexport) int Startup(void) { return vendor(); }\n",
    );
    let dll = ground.path().join("lonely.dll");
    let linked = std::process::Command::new("x86_64-w64-mingw32-gcc")
        .args(["-shared", "-o"])
        .args([&dll, &source, &vendor])
        .status()
        .expect("mingw is there");
    assert!(linked.success());
    std::fs::remove_file(vendor).expect("it was there");
    dll
}

fn bare(ground: &Ground) -> PathBuf {
    let source = write(ground, "bare.c", b"__declspec(dllexport) int start_up(void) { return 0; }\n");
    windows::c_dll(&source, ground.path())
}
