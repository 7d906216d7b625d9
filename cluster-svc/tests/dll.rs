//! `cluster dll inspect` and `cluster dll test`: an honest library passes, and each fault of a misbehaving one is named.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace")
}

/// Compiles one C file with the command that its comment gives, once per test process.
fn compile(source: &str) -> PathBuf {
    let stem = Path::new(source).file_stem().and_then(|stem| stem.to_str()).expect("a plain name");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lib{stem}-dll.so"));
    // Renamed when it is whole: another test process may load the same file at this moment.
    let unfinished = library.with_extension(std::process::id().to_string());
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(&compiler)
        .current_dir(root())
        .args([
            "-shared",
            "-fPIC",
            "-pthread",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I",
            "resapi-sys-mock/include",
            source,
            "-o",
        ])
        .arg(&unfinished)
        .output()
        .unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}); install a C compiler or set CC"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&unfinished, &library).expect("the folder of the tests is writable");
    library
}

fn misbehave() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| compile("examples/misbehave/misbehave.c"))
}

/// The library of `examples/hello-resource`; cargo says where it is.
fn hello() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built("hello-resource"))
}

/// Builds the library of a package.
fn built(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--message-format=json", "-p", package])
        // The profile of this test: nothing is compiled a second time.
        .args(if cfg!(debug_assertions) { &[][..] } else { &["--release"] })
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("JSON is text");
    let files = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = files.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let is_library = |file: &PathBuf| file.extension().is_some_and(|end| end == std::env::consts::DLL_EXTENSION);
    files.rfind(is_library).expect("cargo names the library")
}

fn cluster(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cluster")).args(arguments).output().expect("the command of this package")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Tests the misbehaving library and says what failed: `name: text`.
fn faults(misbehaviour: &str, only: &str) -> Vec<String> {
    let file = misbehave().to_str().expect("plain");
    let property = format!("Misbehaviour={misbehaviour}");
    let arguments = ["dll", "test", file, "--type", "Misbehave", "--property", &property, "--only", only, "--json"];
    let output = cluster(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let cases = report["Cases"].as_array().cloned().unwrap_or_default();
    let failed = cases.iter().filter(|case| case["Verdict"] == "failed");
    let failed: Vec<String> =
        failed.map(|case| format!("{}: {}", case["Name"], case["Text"]).replace('"', "")).collect();
    assert_eq!(output.status.code(), Some(i32::from(!failed.is_empty())), "{failed:?}");
    failed
}

#[test]
fn an_honest_library_passes_every_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = format!("Path={}/greeting-{{}}", folder.path().display());
    let junit = folder.path().join("report.xml");
    let (file, junit_path) = (hello().to_str().expect("plain"), junit.to_str().expect("plain"));
    let output = cluster(&["dll", "test", file, "--type", "Hello", "--property", &path, "--junit", junit_path]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("Hello of") && said.contains("keeps the rules") && said.contains("0 failed"), "{said}");
    let xml = std::fs::read_to_string(&junit).expect("written");
    assert!(xml.contains("<testcase name=\"failover\"") && xml.contains("failures=\"0\""), "{xml}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("there").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["report.xml"], "every greeting was taken back");
    assert_eq!(faults("nothing", ""), Vec::<String>::new());
}

#[test]
fn the_examples_keep_the_rules() {
    let keeps_the_rules = |library: &Path, name: &str, more: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let path = format!("Path={}/file-{{}}", folder.path().display());
        let more = more.iter().flat_map(|property| ["--property", property]);
        let file = library.to_str().expect("plain");
        let arguments = ["dll", "test", file, "--type", name, "--property", &path].into_iter().chain(more);
        let output = cluster(&arguments.collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output));
    };
    // Most of the time they wait.
    std::thread::scope(|scope| {
        scope.spawn(|| keeps_the_rules(&compile("examples/c/mailbox.c"), "Mailbox", &["Slots:DWORD=4"]));
        scope.spawn(|| keeps_the_rules(&compile("examples/c/lease_lock.c"), "C Lease Lock", &[]));
        scope.spawn(|| keeps_the_rules(&built("arbitrate-resource"), "Lease Lock", &["LeaseMs:DWORD=1000"]));
    });
}

#[test]
fn each_fault_is_named_with_its_entry_point() {
    let cases: &[(&str, &str, &str)] = &[
        ("hang-in-online", "online and offline", "online and offline: Online did not return within"),
        ("crash-in-online", "online and offline", "took the monitor down in Online"),
        ("crash-in-is-alive", "polls", "took the monitor down in IsAlive"),
        ("crash-in-worker", "online and offline", "took the monitor down outside of any entry point"),
        ("exit-in-online", "online and offline", "took the monitor down in Online"),
        ("heap-damage-in-offline", "online and offline", "took the monitor down in Offline"),
        ("strange-code-from-online", "online and offline", "Online ended in a failure"),
        ("wrong-status", "online and offline", "77"),
        ("flaps", "polls", "IsAlive"),
        ("lies-about-length", "short buffers", "ResourceControl GET_CLASS_INFO says that it returned"),
    ];
    for (misbehaviour, only, words) in cases {
        let failed = faults(misbehaviour, only);
        assert!(failed.iter().any(|fault| fault.contains(words)), "{misbehaviour}: {failed:?}");
    }
}

/// A fault of `fixtures/faults.c`, the one case that it makes fail, and words of what is said then.
const FAULTS: &[(&str, &str, &str)] = &[
    ("open", "open and close", "Open ended in a failure"),
    ("offline", "online and offline", "Offline ended in a failure"),
    ("polls", "polls", "did not stay online"),
    ("again", "again and again", "time 5: Online ended in a failure"),
    ("after-terminate", "terminate", "after Terminate: Online ended in a failure"),
    ("after-idle-terminate", "terminate when offline", "after Terminate: Online ended in a failure"),
    ("late", "pending", "Online was over, and then the library reported"),
    ("beside", "terminate beside other calls", "beside a control code: Online ended in a failure"),
    ("any-moment", "terminate at any moment", "into Online: Online ended in a failure"),
    ("close-online", "close without offline", "took the monitor down in Close"),
    ("crowd", "several at once", "Online of test"),
    ("open-again", "open again", "the second time: Open ended in a failure"),
    ("moved", "failover", "on the other node: Online ended in a failure"),
    ("crashed", "failover after a crash", "after the monitor was killed: Online ended in a failure"),
    ("close-after-online", "orderly end", "took the monitor down in Close"),
    ("unknown", "unknown codes", "answers UNKNOWN with"),
    ("short", "short buffers", "ResourceControl GET_CLASS_INFO with 0 of 8 bytes answered ERROR_SUCCESS, not 234"),
    (
        "short-type",
        "short buffers",
        "ResourceTypeControl TYPE_GET_CLASS_INFO with 0 of 8 bytes says that 0 bytes are needed",
    ),
    ("round-trip", "private properties", "refuses its own properties"),
    ("elsewhere", "properties elsewhere", "on another node answers other values"),
    ("type-codes", "type codes", "ResourceTypeControl answered 0x"),
    ("malformed", "malformed lists", "VALIDATE_PRIVATE_PROPERTIES accepts a malformed list"),
    ("while-online", "codes while online", "SET_PRIVATE_PROPERTIES while online answered"),
    ("notifications", "notifications", "took the monitor down in ResourceControl"),
    ("two-owners", "arbitrate and release", "Arbitrate succeeded on a second node"),
    ("dead-owner", "device of a dead node", "Arbitrate after the owner died answered"),
];

/// What the type of a fault comes to: every case that was run, with its verdict and its text.
fn verdicts(library: &Path, fault: &str, only: &str) -> Vec<(String, String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, kind) = (library.to_str().expect("plain"), format!("Faults {fault}"));
    let output = Command::new(env!("CARGO_BIN_EXE_cluster"))
        .args(["dll", "test", file, "--type", &kind, "--only", only, "--json"])
        .env("FAULTS_FILE", folder.path().join("mark"))
        .output()
        .expect("the command of this package");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let cases = report["Cases"].as_array().cloned().unwrap_or_default();
    let word = |case: &Value, name: &str| case[name].as_str().unwrap_or_default().to_owned();
    cases.iter().map(|case| (word(case, "Name"), word(case, "Verdict"), word(case, "Text"))).collect()
}

#[test]
fn every_case_has_a_library_that_makes_it_fail() {
    let library = compile("cluster-svc/tests/fixtures/faults.c");
    let judged = ["300 ms", "forbidden calls", "nothing to complain about"];
    let all = verdicts(&library, "none", "");
    let mut cases: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    assert!(all.iter().all(|(_, verdict, _)| verdict == "passed"), "without a fault: {all:#?}");
    cases.retain(|name| !judged.contains(name) && !FAULTS.iter().any(|(_, case, _)| case == name));
    assert_eq!(cases, Vec::<&str>::new(), "no fault is known for these");
    let check = |(fault, case, words): &(&str, &str, &str)| {
        let seen = verdicts(&library, fault, case);
        let failed =
            |(name, verdict, _): &&(String, String, String)| verdict == "failed" && !judged.contains(&name.as_str());
        let failed: Vec<_> = seen.iter().filter(failed).collect();
        let is_named = failed.len() == 1 && failed[0].0 == *case && failed[0].2.contains(words);
        (!is_named).then(|| format!("{fault}: {failed:?} of {seen:?}"))
    };
    // Most of the time they wait.
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = FAULTS.chunks(FAULTS.len().div_ceil(4));
        let parts: Vec<_> =
            parts.map(|some| scope.spawn(move || some.iter().filter_map(check).collect::<Vec<_>>())).collect();
        parts.into_iter().flat_map(|part| part.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A device that anybody wins at once is none.
#[test]
fn a_device_that_has_two_owners_is_found_out() {
    let library = compile("resmon/tests/fixtures/quorum.c");
    let output = cluster(&["dll", "test", library.to_str().expect("plain"), "--type", "Quorum", "--only", "rele"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Arbitrate succeeded on a second node while the first one defends"), "{said}");
}

#[test]
fn faults_beside_a_case_are_cases_of_their_own() {
    let cases: &[(&str, &str)] = &[
        ("slow-online", "300 ms: Online"),
        ("forbidden-call-in-online", "forbidden calls: OnlineClusterResource in Online (do-not-use"),
        ("forbidden-call-on-worker", "forbidden calls: MoveClusterGroup in a worker (do-not-use"),
        ("writes-registry-in-online", "forbidden calls: ClusterRegSetValue in Online (some-entry-points-ok"),
        ("scribbled-handle", "nothing to complain about:"),
        ("leaks-keys", "left 3 registry keys open at Close"),
        ("closes-the-key-of-open", "closed the key that Open was given"),
        ("bad-event", "which is no live event of this monitor"),
    ];
    for (misbehaviour, words) in cases {
        let failed = faults(misbehaviour, "online and offline");
        assert!(failed.iter().any(|fault| fault.contains(words)), "{misbehaviour}: {failed:?}");
    }
}

#[test]
fn a_library_that_cannot_be_tested_says_why() {
    let file = misbehave().to_str().expect("plain");
    for (name, words) in [
        ("Misbehave bad-table", "NULL for Terminate"),
        ("Misbehave short-table", "16 bytes"),
        ("Misbehave wrong-version", "0x900"),
        ("Misbehave no-table", "without a function table"),
        ("No Such Type", "does not know a type of this name"),
    ] {
        let output = cluster(&["dll", "test", file, "--type", name]);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(words), "{name}: {said}");
    }
    let output = cluster(&["dll", "test", "/no/such/file.so", "--type", "x"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let output = cluster(&["dll", "test", file, "--type", "Misbehave", "--property", "nonsense"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn a_library_is_looked_at() {
    let output = cluster(&["dll", "inspect", hello().to_str().expect("plain"), "--json"]);
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    assert_eq!(output.status.code(), Some(0), "{seen:#}");
    assert_eq!(seen["Types"][0]["Name"], "Hello");
    let versions = seen["Types"][0]["Versions"].as_array().cloned().unwrap_or_default();
    let versions: Vec<_> = versions.iter().map(|v| (v["Code"].as_u64(), v["Version"].as_u64())).collect();
    let expected = [(0, 0x100), (0, 0x200), (0, 0x300), (0, 0x400), (0, 0x400), (1306, 0)];
    assert_eq!(versions, expected.map(|(code, version)| (Some(code), Some(version))));
    assert_eq!((&seen["MissingImports"], &seen["Problems"]), (&serde_json::json!([]), &serde_json::json!([])));

    let output = cluster(&["dll", "inspect", misbehave().to_str().expect("plain"), "--type", "Misbehave bad-table"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Type      : Misbehave\n") && said.contains("NULL for Terminate"), "{said}");

    let output = cluster(&["dll", "inspect", root().join("README.md").to_str().expect("plain")]);
    assert!(text(&output).contains("no library at all"), "{}", text(&output));
}
