//! Calls that a library should not make: what is told, and what becomes of them in each mode of `CallGuard`.

use std::time::Duration;

use resmon::protocol::*;

use crate::libraries::misbehave;
use crate::service::{Service, timing, type_of};

/// Opens a resource that misbehaves in this way, under a mode of the type; `None`: nothing is set.
fn open(misbehaviour: &str, mode: Option<&str>, timing: Timing) -> Service {
    let mut service = Service::start(&[]);
    if let Some(mode) = mode {
        let bytes = mode.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let mut hive = service.hive.lock().expect("no panic");
        hive.entry("ResourceTypes\\Misbehave".into()).or_default().insert("CallGuard".into(), (1, bytes));
    }
    service.set_text(1, "Misbehaviour", misbehaviour);
    assert_eq!(service.open(1, "bad", type_of("Misbehave", misbehave()), timing), Status::Opened);
    service
}

fn finding(service: &mut Service) -> Finding {
    service.wait("a finding", |message| match message {
        FromMonitor::Finding(finding) => Some(finding.clone()),
        _ => None,
    })
}

fn has_finding(service: &mut Service) -> bool {
    service.heard_so_far().iter().any(|message| matches!(message, FromMonitor::Finding(_)))
}

#[test]
fn a_forbidden_call_is_told_with_entry_point_thread_and_resource() {
    let cases = [
        ("forbidden-call-in-online", "OnlineClusterResource", "do-not-use", Some("Online"), "entry point", true),
        (
            "writes-registry-in-online",
            "ClusterRegSetValue",
            "some-entry-points-ok",
            Some("Online"),
            "entry point",
            true,
        ),
        // A worker that nobody announced with a pass belongs to nobody.
        ("forbidden-call-on-worker", "MoveClusterGroup", "do-not-use", None, "worker", false),
    ];
    for (misbehaviour, call, usage, entry_point, thread, has_resource) in cases {
        for mode in [None, Some("warn"), Some("nonsense")] {
            let mut service = open(misbehaviour, mode, timing());
            assert_eq!(service.ask(1, EntryPoint::Online), Status::Online, "{misbehaviour}: it works all the same");
            let found = finding(&mut service);
            assert_eq!((found.call.as_str(), found.usage.as_str()), (call, usage));
            assert_eq!((found.entry_point.as_deref(), found.thread.as_str()), (entry_point, thread));
            assert_eq!(found.resource.is_some(), has_resource, "{misbehaviour}");
            assert_eq!((found.mode, found.count, found.resource_type.as_str()), (GuardMode::Warn, 1, "Misbehave"));
            let line = service.log_line("CallGuard is warn");
            assert!(line.contains(call) && line.contains(usage), "{line}");
            service.shut_down();
        }
    }
}

#[test]
fn off_says_nothing() {
    let mut service = open("forbidden-call-in-online", Some("Off"), timing());
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    assert!(!has_finding(&mut service));
    service.shut_down();
}

#[test]
fn nothing_that_is_allowed_is_told() {
    // GET_NAME of a group is for workers only, IsAlive is an entry point; LooksAlive makes no call at all.
    let mut service = open("enumerates-groups-in-is-alive", None, timing());
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    let found = finding(&mut service);
    assert_eq!((found.call.as_str(), found.entry_point.as_deref()), ("CLUSCTL_GROUP_GET_NAME", Some("IsAlive")));
    service.shut_down();
    let mut service = open("nothing", None, timing());
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    assert!(!has_finding(&mut service));
    service.shut_down();
}

#[test]
fn fail_refuses_the_call() {
    for misbehaviour in ["forbidden-call-in-online", "writes-registry-in-online"] {
        let mut service = open(misbehaviour, Some("fail"), timing());
        let status = service.ask(1, EntryPoint::Online);
        assert!(matches!(status, Status::Failed(Cause::CallFailed { code: 1131, .. })), "{misbehaviour}: {status:?}");
        assert_eq!(finding(&mut service).mode, GuardMode::Fail);
        service.shut_down();
    }
}

#[test]
fn deadlock_really_blocks_until_the_deadlock_timeout() {
    let limit_ms = 300;
    let timing = Timing { deadlock_timeout_ms: limit_ms, ..timing() };
    let mut service = open("forbidden-call-in-online", Some("deadlock"), timing);
    service.call(1, EntryPoint::Online);
    assert_eq!(finding(&mut service).mode, GuardMode::Deadlock);
    let (call, waited_ms) = service.wait("a deadlock", |message| match message {
        FromMonitor::Deadlocked { resource: Some(ResourceId(1)), call, waited_ms, .. } => {
            Some((call.clone(), *waited_ms))
        }
        _ => None,
    });
    assert_eq!(call, "Online");
    assert!(waited_ms >= u64::from(limit_ms), "{waited_ms} ms");
    service.hang_up();
    assert_eq!(service.wait_for_exit().code(), Some(3));
}

#[test]
fn a_call_that_is_repeated_is_counted_and_told_when_the_count_has_doubled() {
    let timing = Timing { is_alive_ms: 10, ..timing() };
    let mut service = open("enumerates-groups-in-is-alive", None, timing);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    let counts: Vec<u64> = (0..4).map(|_| finding(&mut service).count).collect();
    assert_eq!(counts, [1, 2, 4, 8]);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    service.shut_down();
}
