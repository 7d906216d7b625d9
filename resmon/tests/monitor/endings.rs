//! How a monitor ends, and what its lease does.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use resmon::frames;
use resmon::protocol::*;

use crate::libraries::{counter, misbehaving};
use crate::service::{PATIENCE, Service, timing, type_of};

fn open_good(service: &mut Service, id: u128) {
    assert_eq!(service.open(id, "good", type_of("Misbehaving", misbehaving()), timing()), Status::Opened);
}

#[test]
fn nothing_comes_online_before_the_first_lease() {
    let mut service = Service::start_with_lease(&[], 0);
    open_good(&mut service, 1);
    let generation = service.call(1, EntryPoint::Online);
    // Other calls are served meanwhile, and do not overtake the wish that waits.
    assert_eq!(
        service.control(1, resapi_sys_mock::codes::control::CLUSCTL_RESOURCE_GET_CLASS_INFO, &[]),
        (0, vec![0; 8])
    );
    assert!(!service.heard_so_far().iter().any(|message| matches!(message, FromMonitor::Status { .. })));
    service.set_lease(Some(60_000));
    assert_eq!(service.outcome(1, generation), Status::Online);
    service.shut_down();
}

/// A resource that is online and one that is pending; then the lease ends in the given way.
fn check_lease_end(end: impl Fn(&Service)) {
    let mut service = Service::start_with_lease(&[], 2_000);
    open_good(&mut service, 1);
    let online = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, online), Status::Online);
    assert_eq!(service.open(2, "pending-for-ever", type_of("Misbehaving", misbehaving()), timing()), Status::Opened);
    let pending = service.call(2, EntryPoint::Online);
    assert_eq!(service.next_status(2), (pending, Status::OnlinePending { checkpoint: 0 }));
    end(&service);
    assert_eq!(service.outcome(1, online), Status::Failed(Cause::LeaseLost));
    assert_eq!(service.outcome(2, pending), Status::Failed(Cause::LeaseLost));
    service.log_line("the lease of the Cluster service ran out");
    // It goes on asking, and works again when it is granted one.
    let wish = service.call(1, EntryPoint::Online);
    service.set_lease(Some(60_000));
    assert_eq!(service.outcome(1, wish), Status::Online);
    service.shut_down();
}

#[test]
fn a_lease_that_runs_out_terminates_everything() {
    check_lease_end(|service| service.set_lease(None));
}

#[test]
fn a_lease_that_is_taken_back_terminates_everything_at_once() {
    check_lease_end(|service| service.set_lease(Some(0)));
}

#[test]
fn a_shutdown_takes_resources_offline_in_their_own_way() {
    let mut service = Service::start(&[("COUNTER_STEPS", "1"), ("COUNTER_STEP_MS", "1")]);
    assert_eq!(service.open(1, "c", type_of("Counter", counter()), timing()), Status::Opened);
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    service.send(&ToMonitor::Shutdown { grace_ms: 20_000 });
    assert_eq!(service.outcome(1, generation), Status::Offline);
    assert_eq!(service.outcome(1, generation), Status::Closed);
    assert_eq!(service.wait_for_exit().code(), Some(0));
}

#[test]
fn a_shutdown_terminates_what_does_not_stop_in_time() {
    let mut service = Service::start(&[]);
    assert_eq!(service.open(1, "hangs-in-offline", type_of("Misbehaving", misbehaving()), timing()), Status::Opened);
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    service.send(&ToMonitor::Shutdown { grace_ms: 100 });
    assert_eq!(service.outcome(1, generation), Status::Terminated);
    assert_eq!(service.outcome(1, generation), Status::Closed);
    service.log_line("terminate 1");
    assert_eq!(service.wait_for_exit().code(), Some(0));
}

#[test]
fn a_monitor_does_not_outlive_its_service() {
    let mut service = Service::start(&[]);
    open_good(&mut service, 1);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    service.hang_up();
    assert_eq!(service.wait_for_exit().code(), Some(3));
}

#[test]
fn garbage_on_the_connection_ends_the_monitor_with_a_word() {
    for garbage in [&[0xff; 8][..], &[2, 0, 0, 0, 0xff, 0xff][..]] {
        let mut service = Service::start(&[]);
        open_good(&mut service, 1);
        service.send_raw(garbage);
        service.log_line("this monitor ends");
        assert_eq!(service.wait_for_exit().code(), Some(3));
    }
}

/// Runs the program without a working service and reads what it says.
fn check_command(arguments: &[&str], token: Option<&str>, expected: i32, words: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resmon"));
    command.args(arguments).env_remove(TOKEN_VARIABLE).stdin(Stdio::null());
    command.envs(token.map(|token| (TOKEN_VARIABLE, token)));
    let output = command.output().expect("the monitor of this package");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(expected), "{said}");
    assert!(said.contains(words), "{said} should say {words}");
}

#[test]
fn a_wrong_command_line_is_explained() {
    check_command(&[], None, 64, "what to do is missing");
    check_command(&["--help-me"], None, 64, "usage: resmon --connect ADDRESS");
    check_command(&["--connect", "127.0.0.1:1"], None, 64, TOKEN_VARIABLE);
    check_command(&["--connect", "example"], Some("t"), 64, "is no address");
    check_command(&["guard"], None, 64, "usage: guard");
}

#[test]
fn a_monitor_that_is_not_let_in_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let (sender, heard) = channel();
    // The first visitor is sent away without a word, the second hears something else than a welcome.
    std::thread::spawn(move || {
        for answer in [None, Some(ToMonitor::Shutdown { grace_ms: 0 })] {
            let Ok((socket, _)) = listener.accept() else { return };
            let hello = frames::read::<FromMonitor>(&socket);
            if let Some(answer) = answer {
                let _ = frames::write(&socket, &answer);
            }
            let _ = sender.send(hello.is_ok_and(|hello| hello.is_some()));
        }
    });
    check_command(&["--connect", &address], Some("old"), 2, "was used before");
    check_command(&["--connect", &address], Some("t"), 2, "another version");
    for _ in 0..2 {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(true));
    }
    // The listener is gone with its thread: nobody is there.
    check_command(&["--connect", &address], Some("t"), 2, "cannot connect");
}
