//! Libraries as users write them: the Rust and the C example, and files that are none.

use std::path::Path;

use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::property_list::{self, Value};
use resapi_sys_mock::wide;
use resmon::protocol::*;

use crate::libraries::{counter, hello};
use crate::service::{Service, key, timing, type_of};

#[test]
fn a_rust_library_is_loaded_and_uses_the_registry() {
    let mut service = Service::start(&[]);
    let greeting = service.dir.path().join("greeting");
    service.set_text(1, "Path", greeting.to_str().expect("a plain path"));
    assert_eq!(service.open(1, "hello", type_of("Hello", hello()), timing()), Status::Opened);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert_eq!(std::fs::read_to_string(&greeting).expect("it is there"), "Hello, cluster!");
    service.log_line("saying hello");
    // A property is stored through the library; it takes effect at the next online.
    let list = property_list::build([("Greeting", Value::Sz("Good evening".into()))]);
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list).0, 5024);
    let stored = service.hive.lock().expect("no panic")[&format!("{}\\Parameters", key(1))]["Greeting"].clone();
    assert_eq!(stored, (1, wide::bytes("Good evening")));
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    assert!(!greeting.exists());
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    assert_eq!(std::fs::read_to_string(&greeting).expect("it is there"), "Good evening");
    // Somebody takes the file away: the polls find out, and the resource can be started again.
    std::fs::remove_file(&greeting).expect("it is there");
    assert_eq!(service.outcome(1, generation), Status::Failed(Cause::IsAlive));
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert!(greeting.exists());
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    assert!(!greeting.exists(), "Close terminates first");
    service.shut_down();
}

#[test]
fn a_missing_property_fails_the_online_of_a_rust_library() {
    let mut service = Service::start(&[]);
    assert_eq!(service.open(1, "hello", type_of("Hello", hello()), timing()), Status::Opened);
    let outcome = service.ask(1, EntryPoint::Online);
    assert!(matches!(outcome, Status::Failed(Cause::Reported { .. } | Cause::CallFailed { .. })), "{outcome:?}");
    service.log_line("Path");
    service.shut_down();
}

#[test]
fn a_c_library_comes_online_step_by_step() {
    let mut service = Service::start(&[("COUNTER_STEPS", "3"), ("COUNTER_STEP_MS", "10"), ("COUNTER_LIFE", "3")]);
    assert_eq!(service.open(1, "count me", type_of("Counter", counter()), timing()), Status::Opened);
    service.log_line("opened count me");
    let generation = service.call(1, EntryPoint::Online);
    for checkpoint in 0..=3 {
        assert_eq!(service.next_status(1), (generation, Status::OnlinePending { checkpoint }));
    }
    assert_eq!(service.next_status(1), (generation, Status::Online));
    service.log_line("step 3 of 3");
    // After three checks its life is over.
    assert_eq!(service.next_status(1), (generation, Status::Failed(Cause::IsAlive)));
    service.log_line("the life of this counter is over");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    // No private properties of its own: the monitor's default processing answers.
    let list = property_list::build([("Anything", Value::Dword(5))]);
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_SET_PRIVATE_PROPERTIES, &list), (0, Vec::new()));
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]), (0, list));
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_ENUM_PRIVATE_PROPERTIES, &[]), (0, wide::list_bytes(["Anything"])));
    service.shut_down();
}

#[test]
fn terminate_ends_a_pending_online() {
    let mut service = Service::start(&[("COUNTER_STEPS", "1000"), ("COUNTER_STEP_MS", "20")]);
    assert_eq!(service.open(1, "slow", type_of("Counter", counter()), timing()), Status::Opened);
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.next_status(1), (generation, Status::OnlinePending { checkpoint: 0 }));
    assert_eq!(service.next_status(1), (generation, Status::OnlinePending { checkpoint: 1 }));
    let generation = service.call(1, EntryPoint::Terminate);
    assert_eq!(service.outcome_after_pending(1), (generation, Status::Terminated));
    // It comes online again as if nothing had been.
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.next_status(1), (generation, Status::OnlinePending { checkpoint: 0 }));
    service.shut_down();
}

#[test]
fn a_report_in_time_keeps_a_slow_online_alive() {
    // Ten steps of 50 ms are longer than the limit of 400 ms, but each report restarts it.
    let mut service = Service::start(&[("COUNTER_STEPS", "10"), ("COUNTER_STEP_MS", "50")]);
    let timing = Timing { pending_timeout_ms: 400, ..timing() };
    assert_eq!(service.open(1, "slow", type_of("Counter", counter()), timing), Status::Opened);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    // With a shorter limit it is terminated.
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    service
        .send(&ToMonitor::Configure { resource: ResourceId(1), timing: Timing { pending_timeout_ms: 20, ..timing } });
    let failed = Status::Failed(Cause::PendingTimeout { call: "Online".into(), limit_ms: 20 });
    assert_eq!(service.ask(1, EntryPoint::Online), failed);
    service.shut_down();
}

#[test]
fn one_library_serves_many_resources_at_once() {
    let mut service = Service::start(&[("COUNTER_STEPS", "2"), ("COUNTER_STEP_MS", "20")]);
    for id in 1..=20 {
        assert_eq!(service.open(id, &format!("c{id}"), type_of("Counter", counter()), timing()), Status::Opened);
    }
    let asked: Vec<(u128, u64)> = (1..=20).map(|id| (id, service.call(id, EntryPoint::Online))).collect();
    for (id, generation) in asked {
        assert_eq!(service.outcome(id, generation), Status::Online);
    }
    service.shut_down();
}

/// Opens a resource of a library that cannot be loaded.
fn check_refused(path: &Path, expected: u32, words: &[&str]) {
    let mut service = Service::start(&[]);
    let Status::OpenFailed { code, message } = service.open(1, "x", type_of("X", path), timing()) else {
        panic!("opened")
    };
    assert_eq!(code, expected, "{message}");
    for word in words {
        assert!(message.contains(word), "{message} should say {word}");
    }
    service.shut_down();
}

#[test]
fn files_that_are_no_resource_library_are_refused_with_a_remedy() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let text = dir.path().join("notes.dll");
    std::fs::write(&text, "this is no library").expect("writable");
    check_refused(&text, 193, &["notes.dll", "no library at all"]);
    let torn = dir.path().join("torn.so");
    let whole = std::fs::read(counter()).expect("it was built");
    std::fs::write(&torn, &whole[..200]).expect("writable");
    // The header is right; the loader of the system finds the rest missing.
    check_refused(&torn, 126, &["torn.so", "cannot be loaded"]);
    check_refused(&dir.path().join("gone.so"), 126, &["gone.so", "Copy it"]);
    check_refused(Path::new("gone.so"), 126, &["gone.so", "resources"]);
    let windows = dir.path().join("windows.dll");
    std::fs::write(&windows, b"MZ\x90\0\x03\0\0\0").expect("writable");
    check_refused(&windows, 193, &["windows.dll", "Wine"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_without_startup_is_refused() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let source = dir.path().join("other.c");
    std::fs::write(&source, "int something(void) { return 1; }\n").expect("writable");
    let library = dir.path().join("libother.so");
    let status = std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(status.expect("a C compiler").success());
    check_refused(&library, 127, &["libother.so", "neither Startup nor StartupEx", "resapi::export!"]);
}

#[test]
fn a_bare_name_is_found_in_the_directory_of_the_variable() {
    let library = counter();
    let dir = library.parent().and_then(Path::to_str).expect("a plain path");
    let mut service = Service::start(&[("WOLFDEN_DLL_DIR", dir)]);
    let with_suffix = Path::new(library.file_name().expect("a file"));
    assert_eq!(service.open(1, "a", type_of("Counter", with_suffix), timing()), Status::Opened);
    assert_eq!(service.open(2, "b", type_of("Counter", Path::new("counter")), timing()), Status::Opened);
    service.shut_down();
}
