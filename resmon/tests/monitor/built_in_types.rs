//! The built-in types in a monitor: real applications, addresses and disks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::property_list::{self, Value};
use resmon::protocol::*;

use crate::service::{PATIENCE, Service, built_in, timing};

/// The process group of the only application of this node, from the file that its guard keeps.
fn application(service: &Service) -> Option<u32> {
    let files = std::fs::read_dir(service.run_dir()).expect("the folder is there");
    let pid_files: Vec<PathBuf> = files
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "pgid"))
        .collect();
    let text = std::fs::read_to_string(pid_files.first()?).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

fn is_running(process: u32) -> bool {
    let status = std::process::Command::new("kill")
        .args(["-0", &process.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("kill is everywhere").success()
}

fn wait_until_gone(process: u32) {
    let end = Instant::now() + PATIENCE;
    while is_running(process) {
        assert!(Instant::now() < end, "process {process} is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn open_application(service: &mut Service, id: u128) {
    service.set_text(id, "CommandLine", "sleep 1000");
    let opened = service.open(id, "app", built_in("Generic Application"), timing());
    assert_eq!(opened, Status::Opened);
}

#[test]
fn an_application_runs_from_online_to_offline() {
    let mut service = Service::start(&[]);
    open_application(&mut service, 1);
    assert_eq!(application(&service), None);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    let process = application(&service).expect("it runs");
    assert!(is_running(process));
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    wait_until_gone(process);
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    service.shut_down();
}

#[test]
fn an_application_that_dies_is_a_failure_and_can_be_restarted() {
    let mut service = Service::start(&[]);
    open_application(&mut service, 1);
    let generation = service.call(1, EntryPoint::Online);
    assert_eq!(service.outcome(1, generation), Status::Online);
    let process = application(&service).expect("it runs");
    let killed = std::process::Command::new("kill").args(["-9", &process.to_string()]).status();
    assert!(killed.expect("kill is everywhere").success());
    // The type has an event handle for this, and polls as well: whichever is first.
    let outcome = service.outcome(1, generation);
    assert!(matches!(outcome, Status::Failed(Cause::EventSignalled | Cause::IsAlive)), "{outcome:?}");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert!(application(&service).is_some_and(|second| second != process));
    assert_eq!(service.ask(1, EntryPoint::Terminate), Status::Terminated);
    service.shut_down();
}

#[test]
fn an_application_dies_with_its_monitor() {
    let mut service = Service::start(&[]);
    open_application(&mut service, 1);
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    let process = application(&service).expect("it runs");
    let monitor = service.process_id().to_string();
    assert!(std::process::Command::new("kill").args(["-9", &monitor]).status().expect("kill is everywhere").success());
    service.wait_for_exit();
    wait_until_gone(process);
}

#[test]
fn properties_are_validated_by_the_type_and_kept_in_the_registry() {
    let mut service = Service::start(&[]);
    service.set_text(1, "Address", "127.9.8.7");
    service.set_text(1, "SubnetMask", "255.0.0.0");
    assert_eq!(service.open(1, "ip", built_in("IP Address"), timing()), Status::Opened);
    let (code, list) = service.control(1, CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES, &[]);
    assert_eq!(code, 0);
    let list = property_list::parse(&list).expect("a list of properties");
    let address = property_list::find(&list, "Address").expect("it was set").value();
    assert_eq!(address, Ok(Value::Sz("127.9.8.7".into())));
    let bad = property_list::build([("NoSuchProperty", Value::Dword(1))]);
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES, &bad).0, 87);
    // What the type does not answer itself is the monitor's default processing, or the service's.
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_GET_CHARACTERISTICS, &[]), (0, vec![0; 4]));
    assert_eq!(service.control(1, CLUSCTL_RESOURCE_GET_COMMON_PROPERTIES, &[]), (1, Vec::new()));
    assert_eq!(
        service.type_control(built_in("IP Address"), CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS, &[]),
        (0, vec![0; 4])
    );
    assert_eq!(
        service.type_control(built_in("Physical Disk"), CLUSCTL_RESOURCE_TYPE_GET_CHARACTERISTICS, &[]),
        (0, vec![1, 0, 0, 0])
    );
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 5021 });
    service.shut_down();
}

#[test]
fn a_disk_is_won_and_released_without_a_lease() {
    // A node that has no quorum yet has no lease either: arbitration is how it gets both.
    let mut service = Service::start_with_lease(&[], 0);
    service.set_text(1, "DiskPath", "quorum");
    service.set_number(1, "ArbitrationIntervalMs", 50);
    assert_eq!(service.open(1, "disk", built_in("Physical Disk"), timing()), Status::Opened);
    assert_eq!(service.ask(1, EntryPoint::Arbitrate), Status::Arbitrated { code: 0 });
    assert_eq!(service.ask(1, EntryPoint::Release), Status::Released { code: 0 });
    service.shut_down();
}

#[test]
fn a_type_that_does_not_exist_is_told_with_the_remedy() {
    let mut service = Service::start(&[]);
    let mut unknown = built_in("IP Address");
    unknown.name = "IP Adress".into();
    let Status::OpenFailed { code, message } = service.open(1, "ip", unknown.clone(), timing()) else {
        panic!("opened")
    };
    assert_eq!(code, 5080);
    assert!(message.contains("IP Adress") && message.contains("compare the name"), "{message}");
    assert_eq!(service.type_control(unknown, CLUSCTL_RESOURCE_TYPE_UNKNOWN, &[]).0, 5080);
    // The id is free again.
    assert_eq!(service.open(1, "ip", built_in("IP Address"), timing()), Status::Opened);
    service.shut_down();
}

#[test]
fn what_is_not_open_says_so() {
    let mut service = Service::start(&[]);
    assert_eq!(service.ask(9, EntryPoint::Online), Status::Failed(Cause::NotOpen));
    assert_eq!(service.ask(9, EntryPoint::Offline), Status::Failed(Cause::NotOpen));
    assert_eq!(service.ask(9, EntryPoint::Terminate), Status::Terminated);
    assert_eq!(service.ask(9, EntryPoint::Close), Status::Closed);
    assert_eq!(service.ask(9, EntryPoint::Arbitrate), Status::Arbitrated { code: 5006 });
    assert_eq!(service.ask(9, EntryPoint::Release), Status::Released { code: 5006 });
    assert_eq!(service.control(9, CLUSCTL_RESOURCE_UNKNOWN, &[]).0, 5084);
    service.shut_down();
}

/// What a monitor with a hundred open resources may use, in KiB. The limit is meant for the release build; a debug build
/// needs more only for its longer code.
#[cfg(target_os = "linux")]
const MEMORY_LIMIT_KIB: u64 = if cfg!(debug_assertions) { 16 * 1024 } else { 12 * 1024 };

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_resources_fit_into_little_memory() {
    let mut service = Service::start(&[]);
    for id in 1..=100 {
        service.set_text(id, "Address", &format!("127.77.0.{id}"));
        service.set_text(id, "SubnetMask", "255.0.0.0");
        assert_eq!(service.open(id, &format!("ip {id}"), built_in("IP Address"), timing()), Status::Opened);
    }
    let asked: Vec<(u128, u64)> = (1..=100).map(|id| (id, service.call(id, EntryPoint::Online))).collect();
    for (id, generation) in asked {
        assert_eq!(service.outcome(id, generation), Status::Online);
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.process_id())).expect("Linux has it");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    let kib: u64 = resident.trim().trim_end_matches(" kB").parse().expect("a number");
    println!("a monitor with a hundred resources online uses {kib} KiB");
    assert!(kib < MEMORY_LIMIT_KIB, "{kib} KiB");
    service.shut_down();
}
