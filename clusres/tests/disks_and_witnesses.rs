//! Physical Disk and File Share Witness through the function table that a monitor uses.

mod common;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clusres::{FileShareWitness, PhysicalDisk};
use common::{Cluster, LIMIT, assert_logged, eventually, log, number, text};
use resapi::Value;
use resapi::codes::win32;
use resapi::testing::{Outcome, Resource};

/// Long enough that a busy machine does not keep an owner from defending in time.
const INTERVAL_MS: u32 = 400;
/// ArbitrationDelay of the witnesses; they defend three times as often.
const DELAY_MS: u32 = 1200;

fn disk(cluster: &Cluster, node: &str, more: &[(&str, Value)]) -> Resource {
    let properties: Vec<_> = [("DiskPath", text("d1")), ("ArbitrationIntervalMs", number(INTERVAL_MS))]
        .into_iter()
        .chain(more.iter().cloned())
        .collect();
    cluster.open::<PhysicalDisk>(node, "disk", &properties)
}

fn witness(cluster: &Cluster, node: &str, more: &[(&str, Value)]) -> Resource {
    let properties: Vec<_> = [("SharePath", text("share")), ("ArbitrationDelayMs", number(DELAY_MS))]
        .into_iter()
        .chain(more.iter().cloned())
        .collect();
    cluster.open::<FileShareWitness>(node, "witness", &properties)
}

fn folder_of_disk(cluster: &Cluster) -> PathBuf {
    cluster.shared().join("disks").join("d1")
}

/// Both types, by what they share.
fn on_both(check: impl Fn(&Cluster, &dyn Fn(&Cluster, &str) -> Resource)) {
    check(&Cluster::new(), &|cluster, node| disk(cluster, node, &[]));
    check(&Cluster::new(), &|cluster, node| witness(cluster, node, &[]));
}

#[test]
fn a_life() {
    on_both(|cluster, open| {
        let (first, second) = (open(cluster, "n1"), open(cluster, "n2"));
        assert!(!first.is_alive());
        assert_eq!(first.online(), Outcome::Online, "{}", log(&first));
        assert!(first.is_alive());
        assert_eq!(second.online(), Outcome::Failed, "the owner defends");
        assert_logged(&second, &["node n1 holds it", "error 5006"]);
        assert_eq!(first.offline(), Outcome::Offline);
        assert_eq!(second.online(), Outcome::Online, "{}", log(&second));
        second.terminate();
        assert!(!second.is_alive());
        assert_eq!(first.online(), Outcome::Online, "{}", log(&first));
        assert!(!first.is_quorum_lost() && !second.is_quorum_lost());
    });
}

#[test]
fn arbitration() {
    on_both(|cluster, open| {
        let (first, second) = (open(cluster, "n1"), open(cluster, "n2"));
        assert!(first.is_quorum_capable());
        assert_eq!(first.arbitrate(), 0, "{}", log(&first));
        assert_eq!(first.arbitrate(), 0, "the owner wins again");
        assert_eq!(second.arbitrate(), win32::ERROR_QUORUM_OWNER_ALIVE);
        assert_eq!(first.online(), Outcome::Online, "{}", log(&first));
        assert_eq!(first.release(), 0);
        assert_eq!(second.arbitrate(), 0, "{}", log(&second));
        assert_eq!(first.arbitrate(), win32::ERROR_QUORUM_OWNER_ALIVE);
        assert!(!first.is_quorum_lost(), "a release is no loss");
    });
}

#[test]
fn an_owner_that_is_fenced_hears_of_it() {
    on_both(|cluster, open| {
        let first = open(cluster, "n1");
        assert_eq!(first.arbitrate(), 0);
        assert_eq!(first.online(), Outcome::Online);
        // Another life of the same node: it need not wait, and fences the first.
        let again = open(cluster, "n1");
        assert_eq!(again.arbitrate(), 0, "{}", log(&again));
        eventually("the first life hears that it lost the quorum", || first.is_quorum_lost());
        assert!(first.wait_for_failure(LIMIT), "and fails");
        assert!(!first.is_alive());
        let event = if first.has_logged("disk") { "event 1038" } else { "event 1564" };
        assert_logged(&first, &[event]);
        assert!(!again.is_quorum_lost());
        assert_eq!(again.online(), Outcome::Online, "{}", log(&again));
        assert!(again.is_alive());
    });
}

/// Writes a reservation of a node that is dead by now, and never defends it.
fn leave_a_dead_owner(folder: &std::path::Path, interval_ms: u32) {
    let folder = folder.join(".reservation");
    fs::create_dir_all(&folder).expect("made");
    let record = format!(
        r#"{{"generation":2,"registrations":{{"n9":7}},"holder":{{"node":"n9","key":7,"reign":2,"defence":5,"interval_ms":{interval_ms}}}}}"#
    );
    fs::write(folder.join("41.json"), record).expect("written");
}

#[test]
fn a_dead_owner_is_preempted_after_its_time() {
    let cluster = Cluster::new();
    leave_a_dead_owner(&folder_of_disk(&cluster), INTERVAL_MS);
    let resource = disk(&cluster, "n1", &[]);
    let begun = Instant::now();
    assert_eq!(resource.arbitrate(), 0, "{}", log(&resource));
    assert!(begun.elapsed() > Duration::from_millis(u64::from(2 * INTERVAL_MS)), "{:?}", begun.elapsed());
    let cluster = Cluster::new();
    leave_a_dead_owner(&cluster.shared().join("share").join(common::id_of("witness")), 1);
    let resource = witness(&cluster, "n1", &[]);
    let begun = Instant::now();
    assert_eq!(resource.arbitrate(), 0, "{}", log(&resource));
    assert!(
        begun.elapsed() > Duration::from_millis(u64::from(DELAY_MS)),
        "the ArbitrationDelay: {:?}",
        begun.elapsed()
    );
}

#[test]
fn terminate_cuts_a_pending_online_short() {
    let cluster = Cluster::new();
    leave_a_dead_owner(&folder_of_disk(&cluster), 600_000);
    let resource = disk(&cluster, "n1", &[]);
    resource.start_online();
    assert!(resource.wait_for_reports(1), "a long arbitration reports progress");
    let begun = Instant::now();
    resource.terminate();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(resource.wait_at_most(Duration::ZERO), Outcome::Silent);
}

#[test]
fn a_disk_is_a_folder() {
    let cluster = Cluster::new();
    let own = cluster.path("own");
    fs::create_dir(&own).expect("made");
    let check = |properties: &[(&str, Value)], expected: PathBuf| {
        let resource = cluster.open::<PhysicalDisk>("n1", "disk", properties);
        assert_eq!(resource.online(), Outcome::Online, "{properties:?} {}", log(&resource));
        assert!(expected.join(".reservation").is_dir(), "{}", expected.display());
    };
    let disks = cluster.shared().join("disks");
    check(&[("DiskPath", text("a"))], disks.join("a"));
    check(&[("DiskPath", text("disks/b"))], disks.join("b"));
    check(&[("DiskPath", text(own.to_str().expect("text")))], own.clone());
    check(&[("Signature", number(0xAB_CDEF))], disks.join("00abcdef"));
    check(&[("DiskSignature", number(1))], disks.join("00000001"));
}

#[test]
fn a_missing_disk_or_share_is_told() {
    let cluster = Cluster::new();
    let check = |resource: Resource, arbitrated: u32, words: &[&str]| {
        assert_eq!(resource.online(), Outcome::Failed);
        assert_logged(&resource, words);
        assert_eq!(resource.arbitrate(), arbitrated);
        assert!(!resource.is_alive());
    };
    let disk = |path: &str| cluster.open::<PhysicalDisk>("n1", "disk", &[("DiskPath", text(path))]);
    check(disk(""), win32::ERROR_FILE_NOT_FOUND, &["event 1034", "set DiskPath"]);
    check(disk("/no/such/disk"), win32::ERROR_FILE_NOT_FOUND, &["event 1034", "/no/such/disk"]);
    check(disk("../elsewhere"), win32::ERROR_INVALID_PARAMETER, &["event 1034", "`..`"]);
    let share = |path: &str| cluster.open::<FileShareWitness>("n1", "witness", &[("SharePath", text(path))]);
    check(share("/no/such/share"), win32::ERROR_BAD_NETPATH, &["event 1563", "/no/such/share", "error 53"]);
}

#[test]
fn a_disk_that_goes_away_is_noticed() {
    let cluster = Cluster::new();
    let resource = disk(&cluster, "n1", &[]);
    assert_eq!(resource.arbitrate(), 0);
    assert_eq!(resource.online(), Outcome::Online);
    let folder = folder_of_disk(&cluster);
    fs::remove_dir_all(&folder).expect("pulled out");
    eventually("the quorum is lost", || resource.is_quorum_lost());
    assert!(resource.wait_for_failure(LIMIT));
    assert!(!resource.is_alive());
}

#[test]
fn the_witness_log_is_locked_by_its_owner() {
    let cluster = Cluster::new();
    let resource = witness(&cluster, "n1", &[]);
    assert_eq!(resource.online(), Outcome::Online);
    let path = cluster.shared().join("share").join(common::id_of("witness")).join("Witness.log");
    let log_file = fs::File::open(&path).expect("is there");
    assert!(log_file.try_lock().is_err(), "locked");
    assert_eq!(fs::read_to_string(&path).expect("readable"), "owner n1\n");
    fs::remove_file(&path).expect("somebody removes it");
    assert!(!resource.is_alive());
    assert_logged(&resource, &["event 1562", "Witness.log was replaced"]);
    resource.terminate();
    drop(log_file);
    let second = witness(&cluster, "n2", &[]);
    assert_eq!(second.online(), Outcome::Online, "{}", log(&second));
    assert_eq!(fs::read_to_string(&path).expect("readable"), "owner n2\n");
}
