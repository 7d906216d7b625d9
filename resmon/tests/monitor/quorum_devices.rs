//! Quorum devices: who ends an Arbitrate that waits, and what becomes of a device when nobody is left to release it.

use resmon::protocol::*;

use crate::libraries::quorum;
use crate::service::{Service, built_in, timing, type_of};

/// ERROR_OPERATION_ABORTED.
const ABORTED: u32 = 995;

/// Opens resource 1 of the quorum-capable type; its name says what Arbitrate does.
fn open(service: &mut Service, name: &str, timing: Timing) {
    assert_eq!(service.open(1, name, type_of("Quorum", quorum()), timing), Status::Opened);
}

fn is_lost(message: &FromMonitor) -> bool {
    *message == FromMonitor::QuorumResourceLost { resource: ResourceId(1) }
}

fn wait_for_loss(service: &mut Service) {
    service.wait("QuorumResourceLost", |message| is_lost(message).then_some(()));
}

/// A device is won, without or with a lease; then the service falls silent.
fn check_silence(lease_ms: u64) {
    let mut service = Service::start_with_lease(&[], lease_ms);
    open(&mut service, "good", timing());
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    service.set_lease(None);
    wait_for_loss(&mut service);
    service.log_line("does not answer any more");
    service.log_line("release 1");
    service.log_line("terminate 1, released 1");
    // It answers again: everything works as before. Online waits for the answer.
    service.set_lease(Some(60_000));
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    assert_eq!(service.ask(1, EntryPoint::Release), Status::Released { code: 0 });
    assert!(!service.heard_so_far().iter().any(is_lost), "once");
    service.shut_down();
}

#[test]
fn a_device_is_given_up_when_the_service_is_frozen() {
    // Without a lease it is the time that is laid down for this, with one the length of the lease.
    check_silence(0);
    check_silence(700);
}

#[test]
fn a_device_is_kept_without_a_lease_as_long_as_the_service_answers() {
    let mut service = Service::start_with_lease(&[], 700);
    open(&mut service, "good", timing());
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    service.set_lease(Some(0));
    service.log_line("the lease of the Cluster service ran out");
    // Longer than the lease was.
    std::thread::sleep(std::time::Duration::from_millis(1000));
    assert!(!service.heard_so_far().iter().any(is_lost), "{:#?}", service.heard);
    assert_eq!(service.count_lines("release 1"), 0);
    assert_eq!(service.ask(1, EntryPoint::Release), Status::Released { code: 0 });
    service.shut_down();
}

/// Two arbitrations are asked for, the first waits; then comes `entry`, which ends both.
fn check_broken_off(name: &str, entry: EntryPoint, expected: Status, lines: &[&str]) {
    let mut service = Service::start(&[]);
    open(&mut service, name, timing());
    let first = service.call(1, EntryPoint::Arbitrate);
    let second = service.call(1, EntryPoint::Arbitrate);
    service.log_line("arbitrate waits");
    let end = service.call(1, entry);
    let mut told = [0; 3].map(|_| service.next_status(1));
    told.sort_by_key(|(generation, _)| *generation);
    let aborted = || Status::Arbitrated { code: ABORTED };
    assert_eq!(told, [(first, aborted()), (second, aborted()), (end, expected)], "{name}");
    lines.iter().for_each(|line| drop(service.log_line(line)));
    assert!(!service.heard_so_far().iter().any(is_lost), "whoever asked knows");
    service.shut_down();
}

#[test]
fn release_and_terminate_end_an_arbitration_that_waits() {
    let released = || Status::Released { code: 0 };
    check_broken_off("obedient", EntryPoint::Release, released(), &["release 1"]);
    check_broken_off("obedient", EntryPoint::Terminate, Status::Terminated, &["terminate 1, released 0"]);
    // A library that wins all the same does not keep the device.
    check_broken_off("stubborn", EntryPoint::Release, released(), &["release 1", "it is released again", "release 2"]);
    check_broken_off("stubborn", EntryPoint::Terminate, Status::Terminated, &["it is released again", "release 1"]);
}

#[test]
fn an_arbitration_that_waits_ends_when_the_service_falls_silent() {
    for name in ["obedient", "stubborn"] {
        let mut service = Service::start_with_lease(&[], 700);
        open(&mut service, name, timing());
        let generation = service.call(1, EntryPoint::Arbitrate);
        service.log_line("arbitrate waits");
        service.set_lease(None);
        wait_for_loss(&mut service);
        assert_eq!(service.outcome(1, generation), Status::Arbitrated { code: ABORTED });
        service.log_line("release 1");
        service.set_lease(Some(60_000));
        service.shut_down();
    }
}

#[test]
fn a_built_in_disk_ends_its_wait_at_once() {
    let mut service = Service::start(&[]);
    let disk = service.dir.path().join("shared/disks/q/.reservation");
    std::fs::create_dir_all(&disk).expect("made");
    let record = r#"{"generation":2,"registrations":{"n9":7},"holder":{"node":"n9","key":7,"reign":2,"defence":5,"interval_ms":600000}}"#;
    std::fs::write(disk.join("1.json"), record).expect("written");
    service.set_text(1, "DiskPath", "q");
    assert_eq!(service.open(1, "disk", built_in("Physical Disk"), timing()), Status::Opened);
    let generation = service.call(1, EntryPoint::Arbitrate);
    service.log_line("waiting 1400000 ms");
    let release = service.call(1, EntryPoint::Release);
    let mut told = [0; 2].map(|_| service.next_status(1));
    told.sort_by_key(|(generation, _)| *generation);
    let expected = [(generation, Status::Arbitrated { code: ABORTED }), (release, Status::Released { code: 0 })];
    assert_eq!(told, expected);
    // Waiting for long is what Arbitrate is there for.
    assert!(!service.heard_so_far().iter().any(|message| matches!(message, FromMonitor::Slow { .. })));
    service.shut_down();
}

#[test]
fn an_arbitration_that_hangs_counts_for_deadlock_timeout() {
    let mut service = Service::start(&[]);
    open(&mut service, "hangs", Timing { deadlock_timeout_ms: 100, ..timing() });
    service.call(1, EntryPoint::Arbitrate);
    service.wait("Deadlocked", |message| match message {
        FromMonitor::Deadlocked { resource: Some(ResourceId(1)), call, .. } => (call == "Arbitrate").then_some(()),
        _ => None,
    });
}

#[test]
fn a_resource_that_fails_loses_its_device_first() {
    let mut service = Service::start(&[]);
    open(&mut service, "dies", timing());
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    assert_eq!(service.outcome(1, generation), Status::Failed(Cause::IsAlive));
    wait_for_loss(&mut service);
    service.log_line("terminate 1, released 1");
    service.shut_down();
}

#[test]
fn a_monitor_that_ends_releases_what_it_holds() {
    let mut service = Service::start(&[]);
    open(&mut service, "good", timing());
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    service.send(&ToMonitor::Shutdown { grace_ms: 5_000 });
    service.log_line("release 1");
    assert_eq!(service.wait_for_exit().code(), Some(0));
}
