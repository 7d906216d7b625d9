//! Generic Script through the function table that a monitor uses.

mod common;

use std::time::{Duration, Instant};

use clusres::GenericScript;
use common::{Cluster, assert_logged, eventually, log, number, text};
use resapi::Value;
use resapi::testing::{Outcome, Resource};

/// A resource whose script notes each call in `calls` and then does what `body` says for it.
fn scripted(cluster: &Cluster, body: &str, more: &[(&str, Value)]) -> Resource {
    let calls = cluster.path("calls");
    let script = cluster.script("script", &format!("echo $1 >> '{}'\n{body}", calls.display()));
    let properties: Vec<_> = [("ScriptFilepath", text(&script))].into_iter().chain(more.iter().cloned()).collect();
    cluster.open::<GenericScript>("n1", "scripted", &properties)
}

fn calls(cluster: &Cluster) -> Vec<String> {
    let text = std::fs::read_to_string(cluster.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn set_pending_timeout(resource: &Resource, limit_ms: u32) {
    resource.registry().expect("a registry").set_value("PendingTimeout", &number(limit_ms)).expect("stored");
}

#[test]
fn a_life() {
    let cluster = Cluster::new();
    let resource = scripted(
        &cluster,
        "echo \"$RESOURCE_NAME: $1 at port $RESOURCE_Port $RESOURCE_PORT\"",
        &[("Port", number(8080))],
    );
    assert_eq!(resource.online(), Outcome::Online, "{}", log(&resource));
    assert!(resource.looks_alive());
    assert!(resource.is_alive());
    assert_eq!(resource.offline(), Outcome::Offline);
    resource.terminate();
    assert_eq!(
        calls(&cluster),
        ["Open", "Online", "LooksAlive", "IsAlive", "Offline", "Close"],
        "an offline one is not terminated"
    );
    assert_logged(&resource, &["scripted: IsAlive at port 8080 8080"]);
}

#[test]
fn the_exit_status_counts() {
    let cluster = Cluster::new();
    let check = |failing: &str, online: Outcome, is_alive: bool, offline: Outcome| {
        let resource = scripted(&cluster, &format!("test $1 != {failing}"), &[]);
        assert_eq!(resource.online(), online, "{failing}");
        if online == Outcome::Online {
            assert_eq!(resource.is_alive(), is_alive, "{failing}");
            assert_eq!(resource.offline(), offline, "{failing}");
        }
        assert_logged(&resource, &[&format!("{failing} of the script"), "exit code 1"]);
        resource.terminate();
    };
    check("Open", Outcome::Failed, false, Outcome::Failed);
    check("Online", Outcome::Failed, false, Outcome::Failed);
    check("IsAlive", Outcome::Online, false, Outcome::Offline);
    check("Offline", Outcome::Online, true, Outcome::Failed);
    check("Close", Outcome::Online, true, Outcome::Failed);
}

#[test]
fn terminate_asks_the_script_when_there_is_something_to_end() {
    let cluster = Cluster::new();
    let resource = scripted(&cluster, "", &[]);
    assert_eq!(resource.online(), Outcome::Online);
    resource.terminate();
    resource.terminate();
    assert_eq!(calls(&cluster), ["Open", "Online", "Open", "Terminate", "Close"]);
}

#[test]
fn a_missing_script_is_told() {
    let cluster = Cluster::new();
    let resource = cluster.open::<GenericScript>("n1", "scripted", &[("ScriptFilepath", text("/no/such/script"))]);
    assert_eq!(resource.online(), Outcome::Failed);
    assert_logged(&resource, &["/no/such/script", "on node n1", "error 2"]);
    let plain = cluster.path("plain");
    std::fs::write(&plain, "not executable").expect("written");
    let resource =
        cluster.open::<GenericScript>("n1", "scripted", &[("ScriptFilepath", text(plain.to_str().expect("text")))]);
    assert_eq!(resource.online(), Outcome::Failed);
    assert_logged(&resource, &["cannot be started", "error 5"]);
}

#[test]
fn a_script_that_hangs_is_killed_and_not_asked_again() {
    let cluster = Cluster::new();
    let resource = scripted(&cluster, "test $1 = IsAlive && sleep 600; true", &[]);
    set_pending_timeout(&resource, 2000);
    assert_eq!(resource.online(), Outcome::Online, "{}", log(&resource));
    let group = || common::read_group(&cluster.path("n1").join(format!("{}.script.pgid", common::id_of("scripted"))));
    std::thread::scope(|scope| {
        let polled = scope.spawn(|| resource.is_alive());
        eventually("the script runs", || group().is_some());
        let group = group().expect("was there");
        assert!(!polled.join().expect("no panic"));
        eventually("the script is dead", || !common::is_alive(group));
    });
    assert_logged(&resource, &["event 1232", "IsAlive of generic script scripted did not end within 2000 ms"]);
    let before = calls(&cluster);
    assert!(!resource.looks_alive());
    assert_logged(&resource, &["LooksAlive of generic script scripted is refused (event 1233) because IsAlive hung"]);
    resource.terminate();
    assert_logged(&resource, &["Terminate of generic script scripted is refused"]);
    assert_eq!(calls(&cluster), before, "a script in hang mode is not called");
    assert_eq!(resource.online(), Outcome::Online, "a restart ends the hang mode");
}

#[test]
fn terminate_cuts_a_pending_online_short() {
    let cluster = Cluster::new();
    let resource = scripted(&cluster, "test $1 = Online && sleep 600; true", &[]);
    resource.start_online();
    eventually("the script is in Online", || calls(&cluster).contains(&"Online".to_owned()));
    let reports = resource.reports().len();
    assert!(resource.wait_for_reports(reports + 1), "a long online reports progress");
    let begun = Instant::now();
    resource.terminate();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(calls(&cluster), ["Open", "Online", "Open", "Terminate", "Close"]);
    assert_eq!(resource.wait_at_most(Duration::ZERO), Outcome::Silent);
}
