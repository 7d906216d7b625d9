//! The lives of a stand-in, without a cluster.

use std::time::Duration;

use resapi::Value;
use resapi::testing::{self, Outcome, Resource};

use super::StandIn;
use super::manner::{self, Manner};

/// The node that nobody has named: tests run outside of a monitor.
const NODE: &str = "";

fn open(folder: &std::path::Path) -> Resource {
    let folder = Value::Sz(folder.to_str().expect("a plain path").to_owned());
    testing::open::<StandIn>("App", &[("Folder", folder)]).expect("it opens")
}

#[test]
fn it_runs_from_online_to_offline_and_the_lock_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = || manner::runs_on(folder.path(), NODE).expect("a readable folder");
    let app = open(folder.path());
    assert!(!runs());
    assert_eq!(app.online(), Outcome::Online);
    assert!(runs() && app.is_alive());
    assert_eq!(app.offline(), Outcome::Offline);
    assert!(!runs());
    assert_eq!(app.online(), Outcome::Online);
    app.terminate();
    assert!(!runs());
}

#[test]
fn it_fails_as_often_as_it_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    manner::change(folder.path(), |m| (m.fail_online, m.fail_offline) = (1, u32::MAX)).expect("written");
    let app = open(folder.path());
    assert_eq!(app.online(), Outcome::Failed);
    app.terminate();
    assert_eq!(app.online(), Outcome::Online);
    assert_eq!((app.offline(), app.offline()), (Outcome::Failed, Outcome::Failed));
    assert_eq!(manner::read(folder.path()).expect("readable").fail_offline, u32::MAX);

    std::fs::write(folder.path().join(manner::FAIL), "").expect("written");
    assert!(!app.is_alive());
    assert!(app.is_alive(), "one order is one failure");
}

#[test]
fn it_takes_its_time_and_hangs_until_it_is_terminated() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = open(folder.path());
    manner::change(folder.path(), |m| m.hangs_online = true).expect("written");
    app.start_online();
    assert_eq!(app.wait_at_most(Duration::from_millis(50)), Outcome::Silent);
    app.terminate();
    assert!(!manner::runs_on(folder.path(), NODE).expect("readable"));
    manner::change(folder.path(), |m| *m = Manner { online_ms: 20, ..Manner::default() }).expect("written");
    let begun = std::time::Instant::now();
    assert_eq!(app.online(), Outcome::Online);
    assert!(begun.elapsed() >= Duration::from_millis(20));
}

#[test]
fn what_it_is_told_is_read_strictly() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(manner::read(folder.path()).expect("none"), Manner::default());
    for odd in ["jump", "jump 1", "online-ms many", "online-ms"] {
        std::fs::write(folder.path().join("manner"), odd).expect("written");
        let error = manner::read(folder.path()).expect_err(odd);
        assert!(error.to_string().contains(odd), "{error}");
    }
    std::fs::remove_file(folder.path().join("manner")).expect("it was there");
    manner::change(folder.path(), |m| m.cannot_open = true).expect("written");
    let value = Value::Sz(folder.path().to_str().expect("plain").to_owned());
    assert!(testing::open::<StandIn>("App", &[("Folder", value)]).is_err());
}
