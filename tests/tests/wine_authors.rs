//! What the author of a Windows resource DLL does: the recipe of the documentation, a look at a DLL, a test of it, and the same
//! source on both systems.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::Lab;
use wolfden_tests::rest::segment;
use wolfden_tests::windows::{self, logs, register};
use wolfden_tests::{groups, programs};

/// A node makes its private Windows in this time, on a busy machine too.
const FIRST_LIMIT: Duration = Duration::from_secs(180);

fn cluster(ground: &Ground, arguments: &[&str]) -> Output {
    let mut command = Command::new(programs::cluster());
    command.args(arguments).env("XDG_STATE_HOME", ground.state()).env_remove("CLUSTER_ENDPOINT");
    command.output().expect("the executable under test")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The ten lines at the top of docs/windows-dlls.md, but for those that install and build: each command succeeds, and in the end
/// the group is online on another node.
#[test]
fn the_recipe_of_the_documentation_leads_to_a_failover() {
    let half = windows::half();
    let ground = Ground::new();
    let text = std::fs::read_to_string(programs::root().join("docs/windows-dlls.md")).expect("the documentation");
    let recipe: Vec<&str> = text.split("```").nth(1).expect("a recipe").trim().lines().collect();
    assert_eq!(recipe.len(), 10, "ten lines");
    let is_setup = |line: &str| ["apt-get ", "rustup ", "cargo "].iter().any(|word| line.starts_with(word));
    let mut lines = recipe.into_iter().filter(|line| !is_setup(line));
    assert!(lines.next().is_some_and(|line| line.starts_with("cluster up --nodes 3 --dir /tmp/lab &")), "three nodes");
    let lab = Lab::up(&ground, 3);
    let folder = half.parent().expect("in a folder").display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").expect("a PATH"));
    let run = |line: &str| {
        let mut bash = Command::new("bash");
        bash.args(["-c", line]).env("PATH", &path).env("XDG_STATE_HOME", ground.state()).env_remove("CLUSTER_ENDPOINT");
        let output = bash.output().expect("bash is there");
        assert!(output.status.success(), "{line}: {}{}", said(&output), lab.around());
        said(&output)
    };
    let mut owner = String::new();
    let mut last = "";
    for line in lines {
        if line.starts_with("cluster lab kill n1") {
            owner = groups::owner(&lab, "G");
            run(&line.replace("n1", &owner));
        } else {
            run(&line.replace("$PWD/target/debug", &folder));
        }
        last = line;
    }
    let begun = Instant::now();
    loop {
        let list = run(last);
        let row: Vec<&str> =
            list.lines().find(|row| row.starts_with("G ")).unwrap_or_default().split_whitespace().collect();
        if matches!(row[..], ["G", now, "Online"] if now != owner) {
            break;
        }
        assert!(begun.elapsed() < FIRST_LIMIT, "{owner} was killed: {list}{}", lab.around());
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(lab.get("/resources/R")["ResourceType"], "Hello");
    lab.end();
}

/// Without the compiler for Windows, and without Rust's standard library for it, `cargo xtask windows` builds nothing and says what to
/// install.
#[test]
fn what_is_missing_to_build_for_windows_is_named_with_the_way_to_get_it() {
    let ground = Ground::new();
    let xtask = programs::library("xtask", "xtask.d", "xtask");
    // Instead of the tools: a path with nothing, and one with a compiler that does nothing. Cargo would fail.
    let tools = ground.path().join("tools");
    std::fs::create_dir(&tools).expect("made");
    let build = || {
        let mut command = Command::new(&xtask);
        command.arg("windows").env("PATH", &tools).env("CARGO", "/bin/false").env("RUSTC", "/bin/true");
        let output = command.output().expect("xtask can be started");
        assert!(!output.status.success(), "{}", said(&output));
        said(&output)
    };
    let told = build();
    assert!(told.contains("x86_64-w64-mingw32-gcc is missing") && told.contains("apt-get install"), "{told}");
    std::os::unix::fs::symlink("/bin/true", tools.join("x86_64-w64-mingw32-gcc")).expect("linked");
    let told = build();
    assert!(told.contains("standard library") && told.contains("rustup target add"), "{told}");
}

/// `cluster dll inspect` and `cluster dll test` of DLLs: one that can be used, one that breaks rules, some that cannot be hosted.
#[test]
fn dlls_are_inspected_and_tested_under_wine() {
    let half = windows::half();
    let ground = Ground::new();
    let root = programs::root();
    let misbehave = windows::c_dll(&root.join("examples/misbehave/misbehave.c"), ground.path());
    let hello = half.join("hello_resource.dll");
    let text = |path: &Path| path.display().to_string();
    let seen = cluster(&ground, &["dll", "inspect", &text(&hello), "--json"]);
    let shown: Value = serde_json::from_slice(&seen.stdout).unwrap_or_else(|_| panic!("{}", said(&seen)));
    assert!(seen.status.success(), "{shown}");
    let facts = (&shown["Loaded"], &shown["Types"][0]["Name"], &shown["Problems"]);
    assert_eq!(facts, (&json!(true), &json!("Hello"), &json!([])), "{shown}");

    let property = format!(r"Path=Z:{}\hello-{{}}.txt", text(ground.path()).replace('/', "\\"));
    let words = ["dll", "test", &text(&hello), "--type", "Hello", "--property", &property];
    let tested = cluster(&ground, &words);
    assert_eq!(tested.status.code(), Some(0), "{}", said(&tested));
    assert!(said(&tested).contains("failover after a crash"), "{}", said(&tested));

    // What it does, where that is seen, and what is said.
    let cases = [
        ("crash-in-online", "online and offline", "took the monitor down in Online"),
        ("forbidden-call-in-online", "online and offline", "OnlineClusterResource"),
        ("flaps", "polls", "did not stay online"),
    ];
    for (what, only, words) in cases {
        let property = format!("Misbehaviour={what}");
        let given = ["dll", "test", &text(&misbehave), "--type", "Misbehave", "--property", &property, "--only", only];
        let tested = cluster(&ground, &given);
        assert_eq!(tested.status.code(), Some(1), "{what}: {}", said(&tested));
        assert!(said(&tested).contains(words), "{what}: {}", said(&tested));
    }

    // Made to fit no more: another processor, and a function that is nowhere.
    let mut bytes = std::fs::read(&misbehave).expect("compiled");
    let header = u32::from_le_bytes(bytes[0x3c..0x40].try_into().expect("four bytes")) as usize;
    bytes[header + 4..header + 6].copy_from_slice(&0xaa64_u16.to_le_bytes());
    let arm = ground.path().join("arm.dll");
    std::fs::write(&arm, bytes).expect("written");
    let invented =
        ["clusapi", "kernel32"].map(|library| (windows::invented_import(ground.path(), library), "NobodyHasThis"));
    for (dll, words) in [(arm, "ARM64")].into_iter().chain(invented) {
        let seen = cluster(&ground, &["dll", "inspect", &text(&dll)]);
        assert_eq!(seen.status.code(), Some(1), "{}", said(&seen));
        assert!(said(&seen).contains(words), "{words}: {}", said(&seen));
        let tested = cluster(&ground, &["dll", "test", &text(&dll), "--type", "Misbehave"]);
        assert_eq!(tested.status.code(), Some(2), "{}", said(&tested));
        assert!(said(&tested).contains(words), "{words}: {}", said(&tested));
    }
    // A function that is nowhere, and that nothing calls: told, and no reason not to use the DLL.
    for (library, words) in [("kernel32", "does not export NobodyHasThis"), ("vendor", "nor part of Wine")] {
        let late = windows::c_dll(&root.join("examples/c/counter.c"), ground.path());
        windows::add_delayed_import(&late, library);
        let seen = cluster(&ground, &["dll", "inspect", &text(&late), "--type", "Counter"]);
        assert!(seen.status.success(), "{}", said(&seen));
        let warned = said(&seen);
        let warned: Vec<&str> = warned.lines().filter(|line| line.starts_with("Warning")).collect();
        assert!(warned.len() == 1 && warned[0].contains(words) && warned[0].contains(library), "{}", said(&seen));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let folders = cache.expect("a cache").join("wolfden/wine/commands");
    let left = std::fs::read_dir(&folders).expect("it was used").flatten().filter(|entry| entry.path().is_dir());
    assert_eq!(
        left.map(|entry| entry.path()).collect::<Vec<_>>(),
        Vec::<PathBuf>::new(),
        "every Windows is thrown away"
    );
}

/// One source for both systems.
struct Example {
    resource_type: &'static str,
    native: PathBuf,
    dll: PathBuf,
    /// Private properties. FOLDER is a folder, as the system of the library writes it.
    properties: Value,
    /// What its life on each of the nodes is told as.
    golden: &'static [&'static str],
}

/// The examples in Rust, C and C++: the same life natively and under Wine, told alike.
#[test]
fn one_source_lives_the_same_life_on_both_systems() {
    let half = windows::half();
    let ground = Ground::new();
    let root = programs::root();
    let (counter, beacon) = (root.join("examples/c/counter.c"), root.join("examples/cpp/beacon.cpp"));
    let examples = [
        Example {
            resource_type: "Hello",
            native: programs::hello_library(),
            dll: half.join("hello_resource.dll"),
            properties: json!({ "Path": "FOLDER/greeting.txt", "Greeting": "on both" }),
            golden: &["saying hello"],
        },
        Example {
            resource_type: "Counter",
            native: programs::c_library(&counter, ground.path()),
            dll: windows::c_dll(&counter, ground.path()),
            properties: json!({}),
            golden: &["opened R", "step 1 of 3", "step 2 of 3", "step 3 of 3", "R counted its checks"],
        },
        Example {
            resource_type: "Beacon",
            native: programs::cpp_library(&beacon, ground.path()),
            dll: windows::linked_dll(&beacon, ground.path()),
            properties: json!({ "Text": "here", "Times": 2 }),
            golden: &["opened R", "here (1 of 2)", "here (2 of 2)", "the beacon is dark"],
        },
    ];
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    // Each knows where to pass on what only the other can do.
    for node in ["n1", "n2"] {
        let knows = |nodes: &Value| nodes.as_array().is_some_and(|all| all.iter().all(|n| n["ApiAddress"].is_string()));
        lab.node(node).until("/nodes", knows);
    }
    groups::group(&lab, "G");
    for example in &examples {
        let of_linux = life(&lab, &ground, example, &example.native);
        let of_windows = life(&lab, &ground, example, &example.dll);
        let golden = example.golden.repeat(2);
        assert_eq!(of_linux, golden, "{}", example.resource_type);
        assert_eq!(of_windows, golden, "{} under Wine", example.resource_type);
    }
    lab.end();
}

/// Registers the type, lives on one node and then on the other, and takes all of it away. The result is what the library said.
fn life(lab: &Lab, ground: &Ground, example: &Example, library: &Path) -> Vec<String> {
    let is_windows = library.extension().is_some_and(|extension| extension == "dll");
    let folder = ground.path().display().to_string();
    let folder = if is_windows { format!("Z:{folder}") } else { folder };
    let before: Vec<usize> = ["n1", "n2"].iter().map(|node| logs(lab, &[node]).lines().count()).collect();
    register(lab, example.resource_type, library);
    let of_type = json!({ "Name": "R", "Group": "G", "ResourceType": example.resource_type });
    lab.change("POST", "/resources", of_type);
    // Both nodes have opened it when it can be moved to the other one; the first time Windows is made on both.
    let begun = Instant::now();
    while lab.ask("GET", "/resources/R/parameters", Value::Null).status != 200 {
        assert!(begun.elapsed() < FIRST_LIMIT, "{} is not open{}", example.resource_type, lab.around());
        std::thread::sleep(Duration::from_millis(100));
    }
    let properties = example.properties.to_string().replace("FOLDER", &folder);
    let properties: Value = serde_json::from_str(&properties).expect("made from JSON");
    if properties.as_object().is_some_and(|all| !all.is_empty()) {
        lab.change("PATCH", "/resources/R/parameters", properties);
    }
    for node in ["n1", "n2"] {
        if groups::owner(lab, "G") != node {
            lab.change("POST", "/groups/G/move", json!({ "Node": node }));
            lab.until("/groups/G", |group| group["OwnerNode"] == node);
        }
        lab.change("POST", "/groups/G/online", json!({}));
        lab.until_within(FIRST_LIMIT, "/resources/R", |found| found["State"] == "Online");
        assert_eq!(groups::owner(lab, "G"), node);
        lab.change("POST", "/groups/G/offline", json!({}));
        lab.until("/resources/R", |found| found["State"] == "Offline");
    }
    lab.change("DELETE", "/resources/R", Value::Null);
    lab.change("DELETE", &format!("/resource-types/{}", segment(example.resource_type)), Value::Null);
    let mut told = Vec::new();
    for (node, before) in ["n1", "n2"].iter().zip(before) {
        let text = logs(lab, &[node]);
        let news = text.lines().skip(before).filter_map(|line| line.split_once("[RES] <R>: "));
        // How often it was polled depends on the machine.
        told.extend(news.map(|(_, words)| match words.split_once(" counted ") {
            Some((name, _)) => format!("{name} counted its checks"),
            None => words.to_owned(),
        }));
    }
    told
}

/// A DLL in C that is linked with clusapi.dll and resutils.dll: a property table, a worker, and the cluster that it opens.
#[test]
fn a_dll_that_is_linked_with_the_cluster_api_opens_its_cluster() {
    let _ = windows::half();
    let ground = Ground::new();
    let source = programs::root().join("tests/fixtures/cluster_api/linked.c");
    let dll = windows::linked_dll(&source, ground.path());
    let lab = Lab::up(&ground, 1);
    register(&lab, "Linked", &dll);
    groups::group(&lab, "G");
    groups::resource(&lab, "G", "R", "Linked", json!({ "Greeting": "hello" }));
    lab.change("POST", "/groups/G/online", json!({}));
    lab.until_within(FIRST_LIMIT, "/groups/G", |group| group["State"] == "Online");
    let refused = lab.ask("PATCH", "/resources/R/parameters", json!({ "Count": 101 }));
    assert_eq!(refused.code(), Some(87), "{}", refused.text);
    let shown = lab.get("/resources/R/parameters");
    assert_eq!(shown["SawCluster"], lab.get("/cluster")["Name"], "{shown}");
    assert_eq!((&shown["SawGreeting"], &shown["SawCount"]), (&json!("hello"), &json!(3)), "{shown}");
    lab.end();
}
