//! Registry checkpoints: restored before Online, taken while online and with Offline.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use resmon::protocol::*;

use crate::libraries::misbehave;
use crate::service::{PATIENCE, Service, key, timing, type_of};

const HEADER: &str = "Windows Registry Editor Version 5.00\r\n\r\n";

fn content(port: u32) -> String {
    format!("{HEADER}[HKEY_LOCAL_MACHINE\\Software\\App]\r\n\"Port\"=dword:{port:08x}\r\n\r\n")
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A monitor whose resource 1 has one checkpoint with this content; and the file of its node's registry.
fn open(kept: &str) -> (Service, PathBuf) {
    let mut service = Service::start(&[]);
    let path = key(1).replace("Resources", "Checkpoints");
    {
        let mut hive = service.hive.lock().expect("no panic");
        hive.entry(path.clone()).or_default();
        let one = hive.entry(format!("{path}\\00000001")).or_default();
        one.insert("Key".into(), (1, wide("Software\\App")));
        one.insert("Content".into(), (1, wide(kept)));
    }
    let file = service.dir.path().join("local-registry.reg");
    assert_eq!(service.open(1, "keeper", type_of("Misbehave", misbehave()), timing()), Status::Opened);
    (service, file)
}

fn kept(service: &Service) -> String {
    let path = format!("{}\\00000001", key(1).replace("Resources", "Checkpoints"));
    let hive = service.hive.lock().expect("no panic");
    let bytes = &hive[&path]["Content"].1;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()
}

#[test]
fn the_key_is_put_back_before_online_and_taken_with_offline() {
    let (mut service, file) = open(&content(7));
    assert!(!file.exists());
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert!(std::fs::read_to_string(&file).expect("restored").contains("dword:00000007"));
    // A change while online is seen with the polls.
    std::fs::write(&file, content(8)).expect("writable");
    let end = Instant::now() + PATIENCE;
    while kept(&service) != content(8) {
        assert!(Instant::now() < end, "{}", kept(&service));
        std::thread::sleep(Duration::from_millis(5));
    }
    std::fs::write(&file, content(9)).expect("writable");
    assert_eq!(service.ask(1, EntryPoint::Offline), Status::Offline);
    assert_eq!(kept(&service), content(9));
    // What is changed while offline is overwritten.
    std::fs::write(&file, content(1)).expect("writable");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    assert!(std::fs::read_to_string(&file).expect("restored").contains("dword:00000009"));
    assert_eq!(service.ask(1, EntryPoint::Close), Status::Closed);
    service.shut_down();
}

#[test]
fn a_registry_that_cannot_be_understood_is_said_and_the_resource_comes_online_all_the_same() {
    let (mut service, file) = open(&content(7));
    std::fs::write(&file, "nonsense").expect("writable");
    assert_eq!(service.ask(1, EntryPoint::Online), Status::Online);
    let line = service.log_line("cannot be restored");
    assert!(line.contains("Software\\App") && line.contains("event 1024") && line.contains("mend the file"), "{line}");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "nonsense");
    service.shut_down();
}
