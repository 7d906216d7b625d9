//! A library of the second version, which also uses what the host table offers.

use resmon::protocol::*;

use crate::libraries::modern;
use crate::service::{Service, key, timing, type_of};

/// Opens resource 1; its name says what it does. Its polls come after a minute, so that only what is tested happens.
fn open(name: &str) -> Service {
    let mut service = Service::start(&[]);
    let timing = Timing { looks_alive_ms: 60_000, is_alive_ms: 60_000, ..timing() };
    assert_eq!(service.open(1, name, type_of("Modern", modern()), timing), Status::Opened);
    service
}

#[test]
fn a_failure_report_carries_the_code_of_the_application() {
    let mut service = open("reports-code");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Failed(Cause::Reported { code: 42 }));
    service.shut_down();
}

#[test]
fn signal_failure_fails_an_online_resource() {
    let mut service = open("signals");
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    assert_eq!(service.outcome(1, generation), Status::Failed(Cause::Reported { code: 7 }));
    service.shut_down();
}

#[test]
fn a_signalled_event_asks_is_alive_at_once() {
    for name in ["event", "event-with-status"] {
        let mut service = open(name);
        let generation = service.call(1, EntryPoint::Online);
        assert_eq!(service.outcome(1, generation), Status::Online, "{name}");
        assert_eq!(service.outcome(1, generation), Status::Failed(Cause::EventSignalled), "{name}");
        assert_eq!(service.count_lines("IsAlive"), 1);
        service.shut_down();
    }
}

#[test]
fn looks_alive_is_not_polled_beside_an_event_handle() {
    let mut service = open("event");
    service.send(&ToMonitor::Configure {
        resource: ResourceId(1),
        timing: Timing { looks_alive_ms: 10, is_alive_ms: 60_000, ..timing() },
    });
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    assert_eq!(service.outcome(1, generation), Status::Failed(Cause::EventSignalled));
    // Online for 150 ms at least, and not one quick poll.
    assert_eq!((service.count_lines("LooksAlive"), service.count_lines("IsAlive")), (0, 1));
    service.shut_down();
}

#[test]
fn the_registry_is_there_with_its_buffer_rules() {
    let mut service = open("registry");
    service.hive.lock().expect("no panic").entry(format!("{}\\Parameters", key(1))).or_default();
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    // Created; size told, too small (234), read; one value, then 259; deleted, then missing; closed, then 6 twice.
    for line in ["create 0 1", "query 0 234 4 0 4 5", "enum 0 Number 259", "delete 0 2", "close 0 6 6"] {
        let beginning = &line[..line.find(' ').expect("several words") + 2];
        assert_eq!(service.log_line(beginning), line);
    }
    service.log_line("closed the key that Open was given");
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    service.log_line("left 1 registry keys open at Close");
    service.shut_down();
}

#[test]
fn a_lock_is_told_and_ends_with_the_instance() {
    let mut service = open("locks");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    service.log_line("the lock was answered 0");
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    let mut locks = || {
        service.wait("a lock", |message| match message {
            FromMonitor::Locked { resource: ResourceId(1), reason } => Some(*reason),
            _ => None,
        })
    };
    assert_eq!((locks(), locks()), (Some(1), None));
    service.shut_down();
}

#[test]
fn what_this_monitor_does_not_serve_is_answered_and_told() {
    let mut service = open("keeps-properties");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    service.log_line("SetResourceInMemoryNodeLocalProperties (4 bytes) is not served");
    service.log_line("the properties were answered 120");
    service.shut_down();
}

#[test]
fn cancel_breaks_off_what_is_pending_and_nothing_else() {
    let mut service = open("cancelled");
    // Nothing is under way.
    service.call(1, EntryPoint::Cancel);
    let online = service.call(1, EntryPoint::Online);
    service.log_line("waits to be cancelled");
    assert_eq!(service.count_lines("Cancel was called"), 0);
    // An older call is not meant.
    service.send(&ToMonitor::Call { resource: ResourceId(1), generation: online - 1, entry: EntryPoint::Cancel });
    service.send(&ToMonitor::Call { resource: ResourceId(1), generation: online, entry: EntryPoint::Cancel });
    assert_eq!(service.outcome(1, online), Status::Failed(Cause::Reported { code: 1223 }));
    service.log_line("Cancel was called");
    assert_eq!(service.count_lines("Cancel was called"), 0, "once, for the call that was meant");
    service.shut_down();
}

#[test]
fn a_cancel_that_hangs_is_told_after_its_deadlock_timeout() {
    let mut service = Service::start(&[]);
    let timing = Timing { deadlock_timeout_ms: 300, looks_alive_ms: 60_000, is_alive_ms: 60_000, ..timing() };
    assert_eq!(service.open(1, "hangs-in-cancel", type_of("Modern", modern()), timing), Status::Opened);
    let online = service.call(1, EntryPoint::Online);
    service.log_line("waits to be cancelled");
    service.send(&ToMonitor::Call { resource: ResourceId(1), generation: online, entry: EntryPoint::Cancel });
    let call = service.wait("a deadlock", |message| match message {
        FromMonitor::Deadlocked { resource: Some(ResourceId(1)), call, .. } => Some(call.clone()),
        _ => None,
    });
    assert_eq!(call, "Cancel");
}

#[test]
fn open_leaves_its_reason_as_last_error() {
    let mut service = Service::start(&[]);
    let status = service.open(1, "fails-open", type_of("Modern", modern()), timing());
    assert!(matches!(status, Status::OpenFailed { code: 5, .. }), "{status:?}");
    service.shut_down();
}
