//! Tables for the instance state machine: each case is a story of inputs and the steps that must come of them.

use super::*;

/// PendingTimeout of every story, in milliseconds.
const PENDING_MS: u32 = 1_000;

/// One thing that happens. The generation of a request is the number beside it.
#[derive(Clone, Copy, Debug)]
enum In {
    Online(u64),
    Offline(u64),
    Terminate(u64),
    /// The call begun last returns this code.
    Returns(u32),
    /// The call begun before the last one returns this code.
    OlderReturns(u32),
    Reports(i32, u32),
    ReportsCode(i32, u32, u32),
    TerminateReturns,
    LooksAlive(bool),
    IsAlive(bool),
    Event,
    Signal(u32),
    LeaseLost,
    StopForClose,
    /// Time passes, in milliseconds, and the clock is looked at.
    Wait(u64),
}
use In::*;

/// Plays a story on an opened instance and writes down what comes of it, one line per step.
fn play(story: &[In]) -> (InstanceState, Vec<String>) {
    let mut state = InstanceState::new(1, PENDING_MS);
    assert_eq!(state.opened(), [Step::Tell { generation: 1, status: Status::Opened }]);
    let mut now = 10_000;
    let mut attempts = Vec::new();
    let mut lines = Vec::new();
    for &input in story {
        let mut begun = |result: Result<Attempt, Vec<Step>>| {
            result.map_or_else(
                |steps| steps,
                |attempt| {
                    attempts.push(attempt);
                    Vec::new()
                },
            )
        };
        let steps = match input {
            Online(generation) => begun(state.begin_online(now, generation)),
            Offline(generation) => begun(state.begin_offline(now, generation)),
            Terminate(generation) => state.terminate_requested(generation),
            Returns(code) => state.returned(now, attempts[attempts.len() - 1], code),
            OlderReturns(code) => state.returned(now, attempts[attempts.len() - 2], code),
            Reports(number, checkpoint) => reported(&mut state, &mut lines, now, number, checkpoint, 0),
            ReportsCode(number, checkpoint, code) => reported(&mut state, &mut lines, now, number, checkpoint, code),
            TerminateReturns => state.terminate_returned(),
            LooksAlive(alive) => state.looks_alive_answered(alive),
            IsAlive(alive) => state.is_alive_answered(alive),
            Event => state.event_signalled(),
            Signal(code) => state.failure_signalled(code),
            LeaseLost => state.lease_lost(),
            StopForClose => state.stop_for_close(),
            Wait(ms) => {
                now += ms;
                state.tick(now)
            }
        };
        lines.extend(steps.iter().map(line));
    }
    (state, lines)
}

fn reported(
    state: &mut InstanceState,
    lines: &mut Vec<String>,
    now: u64,
    number: i32,
    checkpoint: u32,
    code: u32,
) -> Vec<Step> {
    let report = Report { state: Reported::from_number(number), checkpoint, code };
    let (exit, steps) = state.status_reported(now, report);
    if exit == Exit::Terminate {
        lines.push("exit".into());
    }
    steps
}

fn line(step: &Step) -> String {
    match step {
        Step::Tell { generation, status } => format!("{generation} {status:?}"),
        Step::Terminate => "terminate".into(),
        Step::AskIsAlive => "ask".into(),
        Step::Note { level: LogLevel::Information, .. } => "aside".into(),
        Step::Note { .. } => "note".into(),
    }
}

fn check(story: &[In], phase: Phase, expected: &[&str]) {
    let (state, lines) = play(story);
    assert_eq!(lines, expected, "{story:?}");
    assert_eq!(state.phase(), phase, "{story:?}");
}

#[test]
fn calls_that_finish_at_once() {
    check(&[Online(2), Returns(0)], Phase::Online, &["2 Online"]);
    check(&[Online(2), Returns(0), Offline(3), Returns(0)], Phase::Offline, &["2 Online", "3 Offline"]);
    // Asked for what already is.
    check(&[Online(2), Returns(0), Online(3)], Phase::Online, &["2 Online", "3 Online"]);
    check(&[Offline(2)], Phase::Offline, &["2 Offline"]);
    check(
        &[Online(2), Returns(997), Online(3), Reports(2, 0)],
        Phase::Online,
        &["2 OnlinePending { checkpoint: 0 }", "3 OnlinePending { checkpoint: 0 }", "3 Online"],
    );
}

#[test]
fn calls_that_go_on_in_a_worker() {
    check(
        &[Online(2), Returns(997), Reports(129, 1), Reports(129, 2), Reports(2, 3)],
        Phase::Online,
        &[
            "2 OnlinePending { checkpoint: 0 }",
            "2 OnlinePending { checkpoint: 1 }",
            "2 OnlinePending { checkpoint: 2 }",
            "2 Online",
        ],
    );
    check(
        &[Online(2), Returns(0), Offline(3), Returns(997), Reports(130, 1), Reports(3, 0)],
        Phase::Offline,
        &["2 Online", "3 OfflinePending { checkpoint: 0 }", "3 OfflinePending { checkpoint: 1 }", "3 Offline"],
    );
    // The worker is faster than the return of the call.
    check(&[Online(2), Reports(2, 0), Returns(997)], Phase::Online, &["2 OnlinePending { checkpoint: 0 }", "2 Online"]);
    check(
        &[Online(2), Reports(129, 5), Returns(997), Reports(2, 0)],
        Phase::Online,
        &["2 OnlinePending { checkpoint: 5 }", "2 OnlinePending { checkpoint: 5 }", "2 Online"],
    );
    check(&[Online(2), Reports(2, 0), Returns(0)], Phase::Online, &["2 Online", "note"]);
    // Offline while Online is pending gives the online up; late words of its worker stop it.
    check(
        &[Online(2), Returns(997), Offline(3), Reports(129, 9), Returns(997), Reports(2, 0), Reports(3, 0)],
        Phase::Offline,
        &[
            "2 OnlinePending { checkpoint: 0 }",
            "exit",
            "note",
            "3 OfflinePending { checkpoint: 0 }",
            "exit",
            "note",
            "3 Offline",
        ],
    );
}

#[test]
fn failures_terminate_first_and_are_told_afterwards() {
    let failed_5 =
        "2 Failed(CallFailed { call: \"Online\", code: 5, message: \"Online answered 5 (ERROR_ACCESS_DENIED)\" })";
    check(&[Online(2), Returns(5), TerminateReturns], Phase::Failed, &["terminate", failed_5]);
    check(&[Online(2), Returns(5)], Phase::Terminating, &["terminate"]);
    check(
        &[Online(2), Reports(4, 0), Returns(997), TerminateReturns],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "terminate", "2 Failed(Reported { code: 5038 })"],
    );
    check(
        &[Online(2), Returns(997), ReportsCode(4, 0, 31), TerminateReturns],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "exit", "terminate", "2 Failed(Reported { code: 31 })"],
    );
    // Offline in answer to Online, and a state that is not known.
    for number in [3, -1] {
        check(
            &[Online(2), Returns(997), Reports(number, 0), TerminateReturns],
            Phase::Failed,
            &["2 OnlinePending { checkpoint: 0 }", "exit", "terminate", "2 Failed(Reported { code: 5038 })"],
        );
    }
    check(
        &[Online(2), Returns(5930), TerminateReturns],
        Phase::Failed,
        &[
            "terminate",
            "2 Failed(Exception { call: \"Online\", text: \"Online raised an exception; the cluster log has what the library said\" })",
        ],
    );
    check(
        &[Online(2), Returns(0), Reports(4, 0), TerminateReturns],
        Phase::Failed,
        &["2 Online", "exit", "terminate", "2 Failed(Reported { code: 5038 })"],
    );
    check(
        &[Online(2), Returns(0), Signal(7), TerminateReturns],
        Phase::Failed,
        &["2 Online", "terminate", "2 Failed(Reported { code: 7 })"],
    );
    // A failed resource can be started again; Offline finds nothing to stop.
    check(
        &[Online(2), Returns(5), TerminateReturns, Online(3), Returns(0)],
        Phase::Online,
        &["terminate", failed_5, "3 Online"],
    );
    check(
        &[Online(2), Returns(5), TerminateReturns, Offline(3)],
        Phase::Offline,
        &["terminate", failed_5, "3 Offline"],
    );
}

#[test]
fn numbers_that_are_no_state() {
    for number in [0, 1, 5, 77, 128, 131, i32::MAX, i32::MIN] {
        let failed = format!(
            "2 Failed(Misbehaved {{ call: \"Online\", text: \"reported state {number}, which is no state a resource can report\" }})"
        );
        check(
            &[Online(2), Returns(997), Reports(number, 1), TerminateReturns],
            Phase::Failed,
            &["2 OnlinePending { checkpoint: 0 }", "exit", "terminate", &failed],
        );
    }
    check(
        &[Online(2), Returns(997), Reports(130, 1), TerminateReturns],
        Phase::Failed,
        &[
            "2 OnlinePending { checkpoint: 0 }",
            "exit",
            "terminate",
            "2 Failed(Misbehaved { call: \"Online\", text: \"reported OfflinePending while Online is pending\" })",
        ],
    );
}

#[test]
fn pending_timeout_counts_between_reports_that_have_news() {
    let timed_out = "2 Failed(PendingTimeout { call: \"Online\", limit_ms: 1000 })";
    check(&[Online(2), Returns(997), Wait(999)], Phase::OnlinePending, &["2 OnlinePending { checkpoint: 0 }"]);
    check(
        &[Online(2), Returns(997), Wait(1_000), TerminateReturns],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "terminate", timed_out],
    );
    // Progress restarts the clock.
    check(
        &[Online(2), Returns(997), Wait(900), Reports(129, 1), Wait(900), Reports(129, 2), Wait(999)],
        Phase::OnlinePending,
        &[
            "2 OnlinePending { checkpoint: 0 }",
            "2 OnlinePending { checkpoint: 1 }",
            "2 OnlinePending { checkpoint: 2 }",
        ],
    );
    // A checkpoint that does not grow is a lie: noted once, no progress.
    check(
        &[
            Online(2),
            Returns(997),
            Reports(129, 3),
            Wait(600),
            Reports(129, 3),
            Reports(129, 2),
            Wait(400),
            TerminateReturns,
        ],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "2 OnlinePending { checkpoint: 3 }", "note", "terminate", timed_out],
    );
    // A call that does not return is pending from its begin; its result comes too late.
    check(&[Online(2), Wait(1_000), TerminateReturns, Returns(0)], Phase::Failed, &["terminate", timed_out, "aside"]);
    check(
        &[Online(2), Returns(0), Offline(3), Returns(997), Wait(1_000), TerminateReturns],
        Phase::Failed,
        &[
            "2 Online",
            "3 OfflinePending { checkpoint: 0 }",
            "terminate",
            "3 Failed(PendingTimeout { call: \"Offline\", limit_ms: 1000 })",
        ],
    );
    // Online has no limit.
    check(&[Online(2), Returns(0), Wait(10_000_000)], Phase::Online, &["2 Online"]);
}

#[test]
fn late_and_unasked_reports_are_dropped_and_noted() {
    check(&[Reports(2, 0)], Phase::Offline, &["exit", "note"]);
    check(&[Online(2), Returns(0), Reports(2, 0), Reports(129, 1)], Phase::Online, &["2 Online", "note", "note"]);
    check(
        &[Online(2), Returns(997), Terminate(3), Reports(2, 0), TerminateReturns, Reports(2, 1)],
        Phase::Offline,
        &["2 OnlinePending { checkpoint: 0 }", "terminate", "exit", "aside", "3 Terminated", "exit", "note"],
    );
    check(
        &[Online(2), Returns(5), TerminateReturns, Signal(1)],
        Phase::Failed,
        &[
            "terminate",
            "2 Failed(CallFailed { call: \"Online\", code: 5, message: \"Online answered 5 (ERROR_ACCESS_DENIED)\" })",
            "note",
        ],
    );
}

#[test]
fn terminate_overlaps_and_its_victim_is_not_believed() {
    check(
        &[Online(2), Terminate(3), Returns(0), TerminateReturns],
        Phase::Offline,
        &["terminate", "aside", "3 Terminated"],
    );
    check(
        &[Online(2), Terminate(3), TerminateReturns, Returns(997)],
        Phase::Offline,
        &["terminate", "3 Terminated", "aside"],
    );
    // Two Terminates are one call and two answers.
    check(
        &[Online(2), Returns(0), Terminate(3), Terminate(4), TerminateReturns],
        Phase::Offline,
        &["2 Online", "terminate", "3 Terminated", "4 Terminated"],
    );
    // Asked for while a failure is being cleaned up: both are told.
    check(
        &[Online(2), Returns(0), IsAlive(false), Terminate(3), TerminateReturns],
        Phase::Offline,
        &["2 Online", "terminate", "2 Failed(IsAlive)", "3 Terminated"],
    );
    // The old call returns while a new one runs. (The worker of the monitor prevents it; the machine does not rely on that.)
    check(
        &[Online(2), Terminate(3), TerminateReturns, Online(4), OlderReturns(5), Returns(0)],
        Phase::Online,
        &["terminate", "3 Terminated", "aside", "4 Online"],
    );
    check(&[Online(2), Returns(0), StopForClose, TerminateReturns], Phase::Offline, &["2 Online", "terminate"]);
}

#[test]
fn polls_and_events() {
    check(&[Online(2), Returns(0), LooksAlive(true), IsAlive(true)], Phase::Online, &["2 Online"]);
    check(&[Online(2), Returns(0), LooksAlive(false), IsAlive(true)], Phase::Online, &["2 Online", "ask"]);
    check(
        &[Online(2), Returns(0), LooksAlive(false), IsAlive(false), TerminateReturns],
        Phase::Failed,
        &["2 Online", "ask", "terminate", "2 Failed(IsAlive)"],
    );
    check(
        &[Online(2), Returns(0), Event, IsAlive(false), TerminateReturns],
        Phase::Failed,
        &["2 Online", "ask", "terminate", "2 Failed(EventSignalled)"],
    );
    check(
        &[Online(2), Returns(0), Event, IsAlive(true), IsAlive(false), TerminateReturns],
        Phase::Failed,
        &["2 Online", "ask", "note", "terminate", "2 Failed(IsAlive)"],
    );
    // An answer, or an event, of a time that is over.
    check(
        &[Online(2), Returns(0), Terminate(3), IsAlive(false), LooksAlive(false), Event, TerminateReturns],
        Phase::Offline,
        &["2 Online", "terminate", "3 Terminated"],
    );
    check(&[Event, IsAlive(false)], Phase::Offline, &[]);
    // An event that is signalled before the resource is online is not forgotten.
    check(
        &[Online(2), Returns(997), Event, Reports(2, 0), IsAlive(false), TerminateReturns],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "2 Online", "ask", "terminate", "2 Failed(EventSignalled)"],
    );
}

#[test]
fn the_other_reading_of_a_signalled_event_fails_at_once() {
    let (mut state, _) = play(&[Online(2), Returns(0)]);
    state.on_event = OnEvent::Fail;
    assert_eq!(state.event_signalled(), [Step::Terminate]);
    assert_eq!(
        state.terminate_returned(),
        [Step::Tell { generation: 2, status: Status::Failed(Cause::EventSignalled) }]
    );
}

#[test]
fn a_lost_lease_stops_whatever_is_not_stopped() {
    let lost = "2 Failed(LeaseLost)";
    check(&[LeaseLost], Phase::Offline, &[]);
    check(&[Online(2), LeaseLost, TerminateReturns], Phase::Failed, &["terminate", lost]);
    check(
        &[Online(2), Returns(0), LeaseLost, LeaseLost, TerminateReturns],
        Phase::Failed,
        &["2 Online", "terminate", lost],
    );
    check(
        &[Online(2), Returns(997), LeaseLost, TerminateReturns],
        Phase::Failed,
        &["2 OnlinePending { checkpoint: 0 }", "terminate", lost],
    );
}

#[test]
fn nothing_is_begun_while_something_runs() {
    for (story, online, offline) in [
        (&[][..], true, true),
        (&[Online(2)][..], false, false),
        (&[Online(2), Returns(997)][..], true, true),
        (&[Online(2), Returns(0)][..], true, true),
        (&[Online(2), Returns(0), Offline(3)][..], false, false),
        (&[Online(2), Returns(0), Offline(3), Returns(997)][..], false, true),
        (&[Online(2), Terminate(3)][..], false, false),
    ] {
        let (state, _) = play(story);
        assert_eq!((state.can_begin_online(), state.can_begin_offline()), (online, offline), "{story:?}");
    }
}

#[test]
fn an_instance_that_is_not_open_answers_so() {
    let mut state = InstanceState::new(1, PENDING_MS);
    let not_open = |generation| vec![Step::Tell { generation, status: Status::Failed(Cause::NotOpen) }];
    assert_eq!(state.begin_online(0, 5), Err(not_open(5)));
    assert_eq!(state.begin_offline(0, 6), Err(not_open(6)));
    assert_eq!(state.terminate_requested(7), [Step::Tell { generation: 7, status: Status::Terminated }]);
    state.opened();
    state.begin_close(8);
    assert_eq!(state.begin_online(0, 9), Err(not_open(9)));
    let report = Report { state: Reported::Online, checkpoint: 0, code: 0 };
    assert_eq!(state.status_reported(0, report).0, Exit::Terminate);
    assert_eq!(state.phase(), Phase::Closed);
}
