//! Two instances and one lock file.

use std::time::Duration;

use resapi::Value;
use resapi::testing::{self, Outcome};

use crate::lock::Lock;

const LEASE: Duration = Duration::from_millis(300);
/// Where a thread defends the lock: long enough for a machine that is busy with something else.
const DEFENDED_MS: u32 = 1_500;

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lock");
    (folder, path)
}

fn sleep(time: Duration) -> bool {
    std::thread::sleep(time);
    true
}

fn text(path: &std::path::Path) -> Value {
    Value::Sz(path.to_str().unwrap().to_owned())
}

#[test]
fn a_lock_that_is_renewed_is_not_taken() {
    let (_folder, path) = folder();
    let lock = Lock::at(path);
    lock.take("a", LEASE, &sleep).unwrap();
    lock.take("a", LEASE, &sleep).unwrap();
    // The challenger's sleep is the owner's time to renew: no clock decides.
    let renewed = |_| {
        lock.renew("a").unwrap();
        true
    };
    let why = lock.take("b", LEASE, &renewed).unwrap_err();
    assert!(why.to_string().contains("a defends the lock"), "{why}");
    let why = lock.take("b", LEASE, &|_| false).unwrap_err();
    assert_eq!(why.kind(), std::io::ErrorKind::Interrupted, "it is not wanted any more");
    lock.give_up("b").unwrap();
    assert_eq!(lock.read().unwrap().unwrap().name, "a", "only the owner gives it up");
}

#[test]
fn a_lock_whose_owner_is_silent_changes_hands() {
    let (_folder, path) = folder();
    let lock = Lock::at(path.clone());
    lock.take("a", LEASE, &sleep).unwrap();
    lock.take("b", LEASE, &sleep).unwrap();
    let why = lock.renew("a").unwrap_err();
    assert!(why.to_string().contains("b has taken it"), "{why}");
    lock.give_up("b").unwrap();
    assert!(!path.exists());
    assert!(lock.renew("b").unwrap_err().to_string().contains("gone"));
    for nonsense in ["", "x", "7", "7\n", "x\nname\n"] {
        std::fs::write(&path, nonsense).unwrap();
        assert_eq!(lock.read().unwrap(), None, "{nonsense:?}");
    }
    lock.take("c", LEASE, &sleep).unwrap();
}

#[test]
fn the_resource_holds_the_lock_while_online() {
    let (_folder, path) = folder();
    let properties = [("Path", text(&path)), ("LeaseMs", Value::Dword(300))];
    let first = testing::open::<super::LeaseLock>("quorum", &properties).unwrap();
    assert_eq!(first.online(), Outcome::Online);
    assert!(first.is_alive());
    std::fs::write(&path, "9\nsomebody else\n").unwrap();
    assert!(!first.is_alive(), "it was taken away");
    assert!(first.has_logged("somebody else has the lock"));
    assert_eq!(first.offline(), Outcome::Offline);
    assert!(path.exists(), "what belongs to somebody else stays");
}

#[test]
fn arbitration_has_one_winner_and_losing_is_said() {
    let (_folder, path) = folder();
    let properties = [("Path", text(&path)), ("LeaseMs", Value::Dword(DEFENDED_MS))];
    let open = |name: &str| testing::open::<super::LeaseLock>(name, &properties).unwrap();
    let (first, second) = (open("one"), open("two"));
    assert!(first.is_quorum_capable());
    assert_eq!(first.arbitrate(), 0);
    assert_eq!(first.arbitrate(), 0, "it owns the lock already");
    assert_ne!(second.arbitrate(), 0, "the lock is defended");
    assert_eq!(first.online(), Outcome::Online);
    assert_eq!(first.release(), 0);
    assert_eq!(second.arbitrate(), 0);
    assert!(!second.is_quorum_lost());
    // Somebody who does not keep the rules takes it.
    std::fs::write(&path, "99\nsomebody else\n").unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !second.is_quorum_lost() {
        assert!(std::time::Instant::now() < end, "nobody noticed");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(second.has_logged("the lock is lost"));
    second.terminate();
}

#[test]
fn an_ordinary_resource_defends_the_lock_too() {
    let (_folder, path) = folder();
    let properties = [("Path", text(&path)), ("LeaseMs", Value::Dword(DEFENDED_MS))];
    let open = |name: &str| testing::open::<super::LeaseLock>(name, &properties).unwrap();
    let (first, second) = (open("one"), open("two"));
    assert_eq!(first.online(), Outcome::Online);
    assert!(matches!(second.online(), Outcome::Failed), "the lock is defended");
    assert!(first.is_alive());
    // Arbitration for what is online already: from now on a loss is told.
    assert_eq!(first.arbitrate(), 0);
    assert!(first.is_alive() && !first.is_quorum_lost());
    first.terminate();
    assert!(!path.exists());
    assert_eq!(second.online(), Outcome::Online);
    assert_eq!(second.offline(), Outcome::Offline);
}
