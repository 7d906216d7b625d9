//! The cluster API from C, against a lab of two nodes: every function with valid, missing and wrong arguments and with buffers
//! that are too small; the headers; what is written down of it; and the client program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use wolfden_tests::c_calls::{self, Function, How};
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::Lab;
use wolfden_tests::programs;

const INVALID_HANDLE: i64 = 6;
const INVALID_DATA: i64 = 13;
const MORE_DATA: i64 = 234;
const PENDING: i64 = 997;
/// The codes with which a function refuses arguments that are missing: handles, parameters, lists.
const MISSING: [i64; 5] = [6, 13, 87, 160, 1060];

/// Functions for which "nothing but NULL" is a good question, or another refusal is the documented one.
const NULL_IS_FINE: &[(&str, &str)] = &[
    ("OpenCluster", "NULL is the local cluster"),
    ("ClusapiSetReasonHandler", "NULL takes the handler away, and there was none to answer"),
    ("CreateClusterNotifyPort", "0 is no handle of a port: 6"),
    ("ResUtilEnumResources", "the own resource may be missing; the callback may not: 87"),
];

/// Functions whose valid call is refused in this lab, with the code that says why.
const REFUSED_HERE: &[(&str, i64, &str)] = &[
    ("EvictClusterNode", 5056, "a node that is up stays"),
    ("EvictClusterNodeEx", 5056, "as above"),
    ("EvictClusterNodeEx2", 5056, "as above"),
    ("SetClusterQuorumResource", 5021, "a Generic Application is no witness"),
    ("SetClusterQuorumResourceEx", 5021, "as above"),
    ("GetClusterResourceNetworkName", 5002, "the resource depends on no name"),
    ("ResUtilGetEnvironmentWithNetName", 5002, "as above"),
    ("ResUtilGetResourceDependentIPAddressProps", 5002, "the resource depends on no address"),
    ("ResUtilFindDependentDiskResourceDriveLetter", 5002, "the resource depends on no disk"),
    ("DetermineCNOResTypeFromCluster", 5007, "the lab has no name of its own"),
    ("ClusWorkerCheckTerminate", 0, "nobody has told the worker to end"),
    ("IsFileOnClusterSharedVolume", 0, "there are none"),
    ("ClusterIsPathOnSharedVolume", 0, "there are none"),
];

/// What the program said of a call.
#[derive(Clone, Debug, Default)]
struct Answer {
    value: i64,
    last_error: i64,
    /// The length that was told with a text buffer.
    units: Option<i64>,
}

/// A library as cargo builds it, and the folder that it is in.
fn folder_of_libraries() -> PathBuf {
    let clusapi = programs::library("libclusapi.so", "libclusapi.d", "clusapi");
    let resutils = programs::library("libresutils.so", "libresutils.d", "resutils");
    assert_eq!(clusapi.parent(), resutils.parent());
    clusapi.parent().expect("a file lies in a folder").to_owned()
}

fn all_functions() -> Vec<Function> {
    [c_calls::functions("clusapi-functions.csv"), c_calls::functions("resutil-functions.csv")].concat()
}

/// Compiles C or C++ with warnings as errors.
fn compile(compiler: &str, standard: &str, source: &Path, arguments: &[&std::ffi::OsStr]) {
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200809L", "-I"]);
    command.arg(programs::root().join("resapi-sys-mock/include")).arg("-I");
    command.arg(programs::root().join("tests/fixtures/cluster_api")).arg(source).args(arguments);
    let output = command.output().unwrap_or_else(|error| {
        panic!("{compiler}: {error}; install it (packages gcc, g++, clang, gcc-mingw-w64-x86-64, g++-mingw-w64-x86-64)")
    });
    assert!(output.status.success(), "{compiler} {standard}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a program of ours beside the libraries, with the lab as the local cluster.
fn run(program: &Path, lab: &Lab, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(program);
    command.args(arguments).env("LD_LIBRARY_PATH", folder_of_libraries()).env("CLUSTER_ENDPOINT", lab.url());
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// The lines of the program: answers by function and way, and the call that was begun last.
fn read(said: &str) -> (BTreeMap<(String, String), Answer>, String) {
    let (mut answers, mut begun) = (BTreeMap::new(), String::new());
    let mut last = None;
    for line in said.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [">", name, how] => begun = format!("{name} {how}"),
            ["=", name, how, _kind, value, last_error] => {
                let number = |text: &str| text.parse().unwrap_or(i64::MIN);
                let answer = Answer { value: number(value), last_error: number(last_error), units: None };
                last = Some(((*name).to_owned(), (*how).to_owned()));
                answers.insert(last.clone().unwrap_or_default(), answer);
            }
            ["#", units] => {
                let answer = last.as_ref().and_then(|last| answers.get_mut(last));
                answer.expect("a length follows an answer").units = units.parse().ok();
            }
            _ => {}
        }
    }
    (answers, begun)
}

/// The code of a failed call; `None` when it was a success.
fn code(function: &Function, answer: &Answer) -> Option<i64> {
    let failed = match function.ending() {
        "code" => return (answer.value != 0).then_some(answer.value),
        "state" => answer.value == -1,
        "nothing" => return None,
        _ => answer.value == 0,
    };
    failed.then_some(answer.last_error)
}

/// What is wrong with an answer.
fn judge(function: &Function, how: How, answer: &Answer, refuses: bool) -> Option<String> {
    let code = code(function, answer);
    let name = function.name.as_str();
    let special = |list: &[(&str, &str)]| list.iter().any(|(known, _)| *known == name);
    let is_right = match how {
        How::Valid => {
            let here = REFUSED_HERE.iter().find(|(known, ..)| *known == name);
            match (here, code) {
                (Some((_, expected, _)), code) => code.unwrap_or(0) == *expected,
                (None, Some(code)) if refuses => code != 0 && code != PENDING,
                (None, Some(code)) => code == PENDING,
                (None, None) => !refuses,
            }
        }
        How::Null => {
            special(NULL_IS_FINE)
                || function.ending() == "nothing"
                || match code {
                    Some(code) => MISSING.contains(&code) || refuses && code != 0,
                    None => false,
                }
        }
        How::WrongHandle(_) => refuses && code.is_some_and(|code| code != 0) || code == Some(INVALID_HANDLE),
        // A function that only answers an error does so before it looks at buffers.
        How::Small(_) if refuses || REFUSED_HERE.iter().any(|(known, ..)| *known == name) => code.is_some(),
        How::Probe(_) if refuses || REFUSED_HERE.iter().any(|(known, ..)| *known == name) => true,
        How::SmallBytes(_) if refuses => code.is_some(),
        How::Small(_) => is_short(answer, code),
        How::Probe(_) => code.is_none(),
        // It adds to a list that is in the buffer; one byte holds none.
        How::SmallBytes(_) if name == "ResUtilAddUnknownProperties" => code == Some(INVALID_DATA),
        How::SmallBytes(_) => code == Some(MORE_DATA) && answer.units.is_some_and(|units| units > 1),
    };
    (!is_right).then(|| format!("{name} {}: {answer:?}", how.word()))
}

/// Room for one character: 234 and the length, or a text that is not longer.
fn is_short(answer: &Answer, code: Option<i64>) -> bool {
    match code {
        Some(code) => code == MORE_DATA && answer.units.is_some_and(|units| units > 0),
        None => answer.units == Some(0),
    }
}

/// Which functions only have an error to answer.
fn refusing() -> BTreeMap<&'static str, &'static str> {
    let all = clusapi::exports().into_iter().chain(resutils::exports());
    // These calls are made natively.
    let why = |export: &resapi_sys_mock::export::Export| {
        [export.refuses, export.refuses_elsewhere].into_iter().find(|why| !why.is_empty())
    };
    all.filter_map(|export| Some((export.name, why(&export)?))).collect()
}

#[test]
fn every_function_answers_as_documented_to_good_missing_wrong_and_small_arguments() {
    let ground = Ground::new();
    let functions = all_functions();
    assert_eq!(functions.len(), 400);
    let (source, program) = (ground.path().join("calls.c"), ground.path().join("calls"));
    std::fs::write(&source, c_calls::program(&functions)).expect("the ground can be written");
    let libraries = folder_of_libraries();
    let search = format!("-L{}", libraries.display());
    let words = ["-o".as_ref(), program.as_os_str(), search.as_ref(), "-lresutils".as_ref(), "-lclusapi".as_ref()];
    compile("cc", "c11", &source, &words);
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    let output = run(&program, &lab, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    if let Some(path) = std::env::var_os("WOLFDEN_KEEP_CALLS") {
        std::fs::write(path, said.as_bytes()).expect("the file that was asked for");
    }
    let (answers, begun) = read(&said);
    let trouble: Vec<&str> = said.lines().filter(|line| line.starts_with('!')).collect();
    assert!(output.status.success() && said.ends_with("end\n"), "{}: ended in {begun}: {trouble:?}", output.status);
    assert!(trouble.is_empty(), "{trouble:#?}");
    let refusing = refusing();
    let mut wrong = Vec::new();
    for function in &functions {
        let refuses = refusing.contains_key(function.name.as_str());
        for how in function.ways() {
            match answers.get(&(function.name.clone(), how.word())) {
                Some(answer) => wrong.extend(judge(function, how, answer, refuses)),
                None => wrong.push(format!("{} {}: was not called", function.name, how.word())),
            }
        }
    }
    assert!(wrong.is_empty(), "{} calls:\n{}", wrong.len(), wrong.join("\n"));
    lab.end();
}

#[test]
fn the_headers_have_every_function_with_the_types_of_the_reference() {
    let ground = Ground::new();
    let mut source = String::from("#include \"resapi.h\"\n");
    for (number, function) in all_functions().iter().enumerate() {
        let kinds: Vec<&str> = function.parameters.iter().map(|(_, kind)| kind.as_str()).collect();
        let list = if kinds.is_empty() { "void".to_owned() } else { kinds.join(", ") };
        let _ = writeln!(source, "extern {} (WINAPI *f{number})({list});", function.returns);
        let _ = writeln!(source, "{} (WINAPI *f{number})({list}) = {};", function.returns, function.name);
    }
    let compilers = [("gcc", "g++"), ("clang", "clang++"), ("x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-g++")];
    for (c, cpp) in compilers {
        for (compiler, standard, name) in [(c, "c11", "facts.c"), (cpp, "c++11", "facts.cpp")] {
            let file = ground.path().join(name);
            std::fs::write(&file, &source).expect("the ground can be written");
            let object = file.with_extension("o");
            compile(compiler, standard, &file, &["-c".as_ref(), "-o".as_ref(), object.as_os_str()]);
        }
    }
}

/// The text of `docs/api-coverage.md`.
fn coverage() -> String {
    let mut text = String::from(
        "# Coverage of clusapi and resutils\n\n\
         Every function of the two libraries is exported with its name and C signature. This page is made from the tables \
         in their sources; a test compares it with them and with `docs/reference/data`.\n\n\
         *works*: the function does its work against the Cluster service, or by itself. *under Wine*: it works for Windows \
         programs, and elsewhere answers its documented error, for the reason given. *error*: it checks its arguments and \
         answers its documented error, for the reason given.\n",
    );
    for (library, exports) in [("clusapi", clusapi::exports()), ("resutils", resutils::exports())] {
        let mut exports = exports;
        exports.sort_by_key(|export| export.name);
        let refusing = exports.iter().filter(|export| !export.refuses.is_empty()).count();
        let windows = exports.iter().filter(|export| !export.refuses_elsewhere.is_empty()).count();
        let _ = write!(
            text,
            "\n## {library}: {} functions, {} work, {windows} more under Wine, {refusing} answer an error\n\n| function | class | why, or what it does less |\n|---|---|---|\n",
            exports.len(),
            exports.len() - refusing - windows
        );
        for export in exports {
            let class = match (export.refuses, export.refuses_elsewhere) {
                ("", "") => "works",
                ("", _) => "under Wine",
                (_, _) => "error",
            };
            let reason = [export.refuses, export.refuses_elsewhere].concat();
            let colon = if reason.is_empty() || export.note.is_empty() { "" } else { "; " };
            let _ = writeln!(text, "| {} | {class} | {reason}{colon}{} |", export.name, export.note);
        }
    }
    text
}

#[test]
fn what_is_covered_is_written_down_and_nothing_is_missing() {
    let check = |exports: Vec<resapi_sys_mock::export::Export>, table: &str| {
        let mut has: Vec<String> = exports.iter().map(|export| export.name.to_owned()).collect();
        let mut wants: Vec<String> = c_calls::functions(table).into_iter().map(|function| function.name).collect();
        has.sort_unstable();
        wants.sort_unstable();
        assert_eq!(has, wants, "{table}");
    };
    check(clusapi::exports(), "clusapi-functions.csv");
    check(resutils::exports(), "resutil-functions.csv");
    let path = programs::root().join("docs/api-coverage.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, coverage()).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, coverage(), "docs/api-coverage.md is out of date; UPDATE_EXPECT=1 writes it");
}

#[test]
fn the_client_program_lists_and_drives_a_cluster() {
    let ground = Ground::new();
    let program = ground.path().join("client");
    let source = programs::root().join("examples/clusapi-client/client.c");
    let search = format!("-L{}", folder_of_libraries().display());
    compile("cc", "c11", &source, &["-o".as_ref(), program.as_os_str(), search.as_ref(), "-lclusapi".as_ref()]);
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    let client = |words: &[&str]| {
        let output = run(&program, &lab, words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    client(&["create", "Café"]);
    let body = json!({ "Name": "App", "Group": "Café", "ResourceType": "Generic Application",
        "Parameters": { "CommandLine": "/bin/sleep 600" } });
    lab.change("POST", "/resources", body);
    let mut watching = Command::new(&program)
        .args(["watch", "3"])
        .env("LD_LIBRARY_PATH", folder_of_libraries())
        .env("CLUSTER_ENDPOINT", lab.url())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client starts again");
    assert_eq!(client(&["online", "Café"]), "Online\n");
    assert_eq!(client(&["move", "Café", "n2"]), "Online\n");
    let listed = client(&["list"]);
    for part in ["node n1 Up", "node n2 Up", "group Café Online on n2", "resource App Online", "type Generic Script"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let properties = client(&["properties", "App"]);
    for part in ["Name = App", "RestartThreshold = 3", "CommandLine = /bin/sleep 600"] {
        assert!(properties.contains(part), "{part}: {properties}");
    }
    client(&["set", "App", "CurrentDirectory", "/tmp"]);
    assert!(client(&["properties", "App"]).contains("CurrentDirectory = /tmp"));
    assert_eq!(client(&["offline", "Café"]), "Offline\n");
    client(&["delete", "Café"]);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut watching.stdout.take().expect("piped"), &mut said).expect("text");
    assert!(watching.wait().expect("ours").success());
    for part in ["change 0x1000 Café", "change 0x100 App", "change 0x2000 Café"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    lab.end();
}

#[test]
fn a_library_that_is_linked_with_both_works_in_a_monitor_with_its_own_key() {
    let ground = Ground::new();
    let source = programs::root().join("tests/fixtures/cluster_api/linked.c");
    let library = ground.path().join("liblinked.so");
    let search = format!("-L{}", folder_of_libraries().display());
    let words = ["-shared", "-fPIC", search.as_str(), "-lresutils", "-lclusapi", "-o"].map(std::ffi::OsStr::new);
    // What is linked comes after what needs it.
    let words = [&words[..3], &[words[5], library.as_os_str()], &words[3..5]].concat();
    compile("cc", "c11", &source, &words);
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    lab.change("POST", "/resource-types/Linked", json!({ "DllName": library.display().to_string() }));
    lab.change("POST", "/groups", json!({ "Name": "G" }));
    let body = json!({ "Name": "R", "Group": "G", "ResourceType": "Linked", "Parameters": { "Greeting": "hello" } });
    lab.change("POST", "/resources", body);
    let refused = lab.ask("PATCH", "/resources/R/parameters", json!({ "Count": 101 }));
    assert_eq!(refused.code(), Some(87), "{}", refused.text);
    for (node, other) in [("n1", "n2"), ("n2", "n1")] {
        lab.post("/groups/G/move", json!({ "Node": node }));
        lab.post("/groups/G/online", json!({}));
        let shown = lab.get("/resources/R/parameters");
        assert_eq!(lab.get("/resources/R")["State"], "Online", "on {node}, not {other}: {shown}{}", lab.around());
        assert_eq!(shown["SawCluster"], lab.get("/cluster")["Name"], "{shown}");
        assert_eq!((&shown["SawGreeting"], &shown["SawCount"]), (&json!("hello"), &json!(3)), "{shown}");
        lab.post("/groups/G/offline", json!({}));
    }
    lab.end();
}

#[test]
fn buffers_enumerations_batches_and_ports_have_the_habits_that_programs_rely_on() {
    let ground = Ground::new();
    let program = ground.path().join("habits");
    let source = programs::root().join("tests/fixtures/cluster_api/habits.c");
    let search = format!("-L{}", folder_of_libraries().display());
    let words = ["-o".as_ref(), program.as_os_str(), search.as_ref(), "-lresutils".as_ref(), "-lclusapi".as_ref()];
    compile("cc", "c11", &source, &words);
    let lab = Lab::up(&ground, 2);
    lab.until_nodes(&["n1", "n2"], "Up");
    let output = run(&program, &lab, &[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("end\n"), "{}: {said}", output.status);
    lab.end();
}
