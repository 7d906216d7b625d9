//! Libraries that hang, lie, crash, report nonsense or talk when nobody asked.

use std::path::Path;

use resmon::protocol::*;

use crate::libraries::{misbehaving, panicking};
use crate::service::{Service, timing, type_of};

/// Opens resource 1 of the misbehaving type; its name says what it does wrong.
fn open(name: &str, timing: Timing) -> Service {
    let mut service = Service::start(&[]);
    let opened = service.open(1, name, type_of("Misbehaving", misbehaving()), timing);
    assert_eq!(opened, Status::Opened);
    service
}

fn check_online(name: &str, timing: Timing, expected: Status) -> Service {
    let mut service = open(name, timing);
    assert_eq!(service.ask(1, EntryPoint::Online), expected, "{name}");
    if matches!(expected, Status::Failed(_)) {
        // Failed means terminated already, once.
        service.log_line("terminate 1");
        assert_eq!(service.count_lines("terminate 2"), 0);
    }
    service
}

#[test]
fn an_error_a_wrong_status_and_a_checkpoint_that_does_not_grow_are_failures() {
    let refused =
        Cause::CallFailed { call: "Online".into(), code: 5, message: "Online answered 5 (ERROR_ACCESS_DENIED)".into() };
    check_online("refuses", timing(), Status::Failed(refused)).shut_down();
    let text = "reported state 77, which is no state a resource can report".into();
    let nonsense = Cause::Misbehaved { call: "Online".into(), text };
    check_online("wrong-status", timing(), Status::Failed(nonsense)).shut_down();
    let limit_ms = 200;
    let lie = Cause::PendingTimeout { call: "Online".into(), limit_ms };
    let mut service =
        check_online("checkpoint-lie", Timing { pending_timeout_ms: limit_ms, ..timing() }, Status::Failed(lie));
    service.log_line("counts as progress only when CheckPoint grows");
    // The worker of the library hears that it should stop.
    service.log_line("the liar was told to stop: 1");
    service.shut_down();
}

#[test]
fn a_status_after_terminate_is_dropped_and_told() {
    let mut service = open("late-status", timing());
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.next_status(1), (generation, Status::OnlinePending { checkpoint: 0 }));
    assert_eq!(service.ask(1, EntryPoint::Terminate), Status::Terminated);
    let line = service.log_line("does not fit the phase Offline");
    assert!(line.contains("misbehaving"), "{line} should name the library");
    service.log_line("the late report was answered 1");
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    service.shut_down();
}

#[test]
fn a_status_after_close_is_refused_and_told() {
    let mut service = check_online("status-after-close", timing(), Status::Online);
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    let line = service.log_line("SetResourceStatus with the resource handle");
    assert!(
        line.contains("status-after-close of") && line.contains("misbehaving") && line.contains("closed"),
        "{line}"
    );
    service.log_line("LogEvent with the resource handle");
    assert_eq!(service.count_lines("nobody may read this"), 0);
    service.shut_down();
}

#[test]
fn a_scribbled_handle_is_refused_and_hurts_nobody() {
    let mut service = check_online("scribble", timing(), Status::Online);
    let line = service.log_line("0x3039, which was never given to anyone");
    assert!(line.contains("misbehaving"), "{line} should name the library");
    service.log_line("handle 0x0, which");
    service.log_line("NULL status");
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    service.shut_down();
}

#[test]
fn a_call_that_hangs_is_told_once_and_terminate_still_comes_through() {
    let limits = Timing { pending_timeout_ms: 100, deadlock_timeout_ms: 400, ..timing() };
    let timeout = Cause::PendingTimeout { call: "Online".into(), limit_ms: 100 };
    let mut service = check_online("hang", limits, Status::Failed(timeout));
    let deadlock = service.wait("a deadlock", |message| match message {
        FromMonitor::Deadlocked { resource, resource_type, dll_name, call, waited_ms } => {
            Some((*resource, resource_type.clone(), dll_name.clone(), call.clone(), *waited_ms))
        }
        _ => None,
    });
    assert_eq!((deadlock.0, deadlock.1.as_str(), deadlock.3.as_str()), (Some(ResourceId(1)), "Misbehaving", "Online"));
    assert_eq!(Path::new(&deadlock.2), misbehaving());
    assert!(deadlock.4 >= 400, "{} ms", deadlock.4);
    // Other resources of the monitor are not touched, and the deadlock is not told again.
    assert_eq!(service.open(2, "good", type_of("Misbehaving", misbehaving()), limits), Status::Opened);
    assert_eq!(service.ask(2, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(2, EntryPoint::Offline), Status::Offline);
    assert!(!service.heard_so_far().iter().any(|message| matches!(message, FromMonitor::Deadlocked { .. })));
    // The end of the monitor does not wait for the thread that hangs.
    service.hang_up();
    assert_eq!(service.wait_for_exit().code(), Some(3));
}

#[test]
fn a_call_that_comes_back_after_terminate_counts_no_more() {
    let mut service = open("waits-for-terminate", timing());
    service.call(1, EntryPoint::Online);
    service.log_line("Online waits");
    // Terminate overlaps Online, which then answers that it is online: nobody believes it.
    assert_eq!(service.ask(1, EntryPoint::Terminate), Status::Terminated);
    service.log_line("the call returned 0 (ERROR_SUCCESS) after the resource had been terminated");
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    service.shut_down();
}

#[test]
fn a_slow_call_is_told() {
    let mut service = check_online("slow", timing(), Status::Online);
    let (call, took_ms) = service.wait("a slow call", |message| match message {
        FromMonitor::Slow { resource: ResourceId(1), call, took_ms } => Some((call.clone(), *took_ms)),
        _ => None,
    });
    assert_eq!(call, "Online");
    assert!(took_ms > 300, "{took_ms} ms");
    service.shut_down();
}

#[test]
fn an_event_handle_that_is_none_leaves_the_resource_to_its_polls() {
    let mut service = check_online("bad-event", timing(), Status::Online);
    service.log_line("which is no live event of this monitor");
    service.log_line("LooksAlive");
    service.shut_down();
}

#[test]
fn looks_alive_false_asks_is_alive_at_once() {
    // IsAlive by itself would come after a minute only.
    let mut service = open("looks-dead", Timing { is_alive_ms: 60_000, ..timing() });
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    assert_eq!(service.outcome(1, generation), Status::Failed(Cause::IsAlive));
    service.log_line("terminate 1");
    // Three times IsAlive contradicted.
    assert_eq!((service.count_lines("LooksAlive"), service.count_lines("IsAlive")), (4, 4));
    service.shut_down();
}

#[test]
fn open_that_fails_and_tables_that_are_broken() {
    let mut service = Service::start(&[]);
    let cases = [
        ("Misbehaving", "fails-open", 31, "Open of fails-open"),
        ("Torn", "x", 193, "NULL for Terminate"),
        ("Empty", "x", 193, "without a function table"),
        ("Unknown", "x", 5080, "does not know a type"),
    ];
    for (resource_type, name, expected, words) in cases {
        let status = service.open(1, name, type_of(resource_type, misbehaving()), timing());
        let Status::OpenFailed { code, message } = status else { panic!("{status:?}") };
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(words), "{message} should say {words}");
    }
    service.shut_down();
}

#[test]
fn a_crash_of_a_library_ends_its_monitor_and_nothing_else() {
    let mut service = open("crash", timing());
    service.call(1, EntryPoint::Online);
    let status = service.wait_for_exit();
    assert_eq!(status.code(), None, "ended by a signal");
}

#[test]
fn a_panic_of_a_rust_type_is_a_failure_of_its_resource() {
    let mut service = Service::start(&[]);
    for (id, place) in (1..).zip(["open", "online", "is_alive", "offline", "terminate"]) {
        service.set_text(id, "Where", place);
    }
    let mut open = |id| service.open(id, "p", type_of("Panicking", panicking()), timing());
    let Status::OpenFailed { code, .. } = open(1) else { panic!("opened") };
    assert_eq!(code, 5930);
    for id in 2..=5 {
        assert_eq!(open(id), Status::Opened);
    }
    let outcome = service.ask(2, EntryPoint::Online);
    assert!(matches!(outcome, Status::Failed(Cause::Reported { .. } | Cause::Exception { .. })), "{outcome:?}");
    service.log_line("as asked for, in online");
    let generation = service.call(3, EntryPoint::Online);
    assert_eq!(service.outcome(3, generation), Status::Online);
    assert_eq!(service.outcome(3, generation), Status::Failed(Cause::IsAlive));
    assert_eq!(service.ask(4, EntryPoint::Online), Status::Online);
    let outcome = service.ask(4, EntryPoint::Offline);
    assert!(matches!(outcome, Status::Failed(Cause::Reported { .. } | Cause::Exception { .. })), "{outcome:?}");
    assert_eq!(service.ask(5, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(5, EntryPoint::Terminate), Status::Terminated);
    service.log_line("as asked for, in terminate");
    service.shut_down();
}
