//! Generic Application through the function table that a monitor uses.

mod common;

use std::time::{Duration, Instant};

use clusres::{GenericApplication, IpAddress, NetworkName};
use common::{Cluster, assert_logged, eventually, id_of, is_alive, kill_group, list, number, text};
use resapi::Value;
use resapi::testing::{Outcome, Resource};

fn application(cluster: &Cluster, command: &str, more: &[(&str, Value)]) -> Resource {
    let properties: Vec<_> = [("CommandLine", text(command))].into_iter().chain(more.iter().cloned()).collect();
    cluster.open::<GenericApplication>("n1", "app", &properties)
}

#[test]
fn online_and_offline() {
    let cluster = Cluster::new();
    let app = application(&cluster, "sh -c 'echo good morning; echo bad news >&2; exec sleep 600'", &[]);
    assert_eq!(app.online(), Outcome::Online, "{}", common::log(&app));
    assert!(app.is_alive());
    assert_logged(&app, &["good morning", "bad news"]);
    let group = cluster.process_group("n1", "app").expect("a process file");
    assert!(is_alive(group));
    assert_eq!(app.offline(), Outcome::Offline);
    assert!(!is_alive(group));
    assert!(!app.is_alive());
    assert_eq!(cluster.process_group("n1", "app"), None);
    assert_eq!(app.online(), Outcome::Online, "and again");
    assert_ne!(cluster.process_group("n1", "app"), Some(group));
}

#[test]
fn what_cannot_start_says_why() {
    let cluster = Cluster::new();
    let check = |command: &str, more: &[(&str, Value)], words: &[&str]| {
        let app = application(&cluster, command, more);
        assert_eq!(app.online(), Outcome::Failed, "{command}");
        assert_logged(&app, words);
        assert_eq!(cluster.process_group("n1", "app"), None);
    };
    check("/no/such/program", &[], &["event 1039", "error 2"]);
    check("/etc/passwd", &[], &["event 1039", "error 5"]);
    check("sleep '600", &[], &["not closed", "error 160"]);
    check("sleep 600", &[("CurrentDirectory", text("/no/such/folder"))], &["/no/such/folder", "error 2"]);
    check("sleep 600", &[("Environment", list(&["nonsense"]))], &["NAME=value", "error 87"]);
}

#[test]
fn an_end_is_reported_at_once() {
    let cluster = Cluster::new();
    let app = application(&cluster, "sleep 600", &[]);
    assert_eq!(app.online(), Outcome::Online);
    assert!(!app.wait_for_failure(Duration::ZERO));
    kill_group(cluster.process_group("n1", "app").expect("runs"));
    assert!(app.wait_for_failure(common::LIMIT), "the event is signalled");
    assert!(!app.is_alive());
    assert_logged(&app, &["ended by signal 9"]);
    app.terminate();
    assert_eq!(app.online(), Outcome::Online, "a failed application starts again");
}

#[test]
fn a_planned_end_is_no_failure() {
    let cluster = Cluster::new();
    let app = application(&cluster, "sleep 600", &[]);
    for _ in 0..3 {
        assert_eq!(app.online(), Outcome::Online);
        app.terminate();
        assert_eq!(app.online(), Outcome::Online);
        assert_eq!(app.offline(), Outcome::Offline);
    }
    assert!(!app.has_logged("failed:"), "{}", common::log(&app));
}

const STUBBORN: &str = "sh -c 'trap \"\" TERM; echo deaf; while true; do sleep 600; done'";

#[test]
fn an_application_that_does_not_stop_is_killed() {
    let cluster = Cluster::new();
    let app = application(&cluster, STUBBORN, &[("StopTimeoutMs", number(200))]);
    assert_eq!(app.online(), Outcome::Online);
    assert_logged(&app, &["deaf"]);
    let group = cluster.process_group("n1", "app").expect("runs");
    assert_eq!(app.offline(), Outcome::Offline);
    assert!(!app.is_alive());
    eventually("all of the group is dead", || !is_alive(group));
    assert_logged(&app, &["SIGTERM"]);
}

#[test]
fn terminate_cuts_a_pending_offline_short() {
    let cluster = Cluster::new();
    let app = application(&cluster, STUBBORN, &[("StopTimeoutMs", number(600_000))]);
    assert_eq!(app.online(), Outcome::Online);
    assert_logged(&app, &["deaf"]);
    let group = cluster.process_group("n1", "app").expect("runs");
    app.start_offline();
    let reports = app.reports().len();
    assert!(app.wait_for_reports(reports + 1), "a long offline reports progress");
    let begun = Instant::now();
    app.terminate();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    eventually("all of the group is dead", || !is_alive(group));
}

#[test]
fn terminate_cuts_a_pending_online_short() {
    let cluster = Cluster::new();
    // A guard that takes its time: it does not say that it has started anything.
    let guard = cluster.script("slow-guard", "exec sleep 600");
    let place = clusres::place::Place { guard: guard.into(), ..cluster.place("n1") };
    let app = cluster.open_in::<GenericApplication>(&place, "app", &[("CommandLine", text("true"))]);
    app.start_online();
    let begun = Instant::now();
    app.terminate();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(app.wait_at_most(Duration::ZERO), Outcome::Silent, "a terminated online reports nothing");
}

#[test]
fn closing_ends_the_application() {
    let cluster = Cluster::new();
    let app = application(&cluster, "sh -c 'sleep 600 & sleep 600'", &[]);
    assert_eq!(app.online(), Outcome::Online);
    let group = cluster.process_group("n1", "app").expect("runs");
    app.close();
    eventually("all of the group is dead", || !is_alive(group));
}

#[test]
fn the_application_finds_its_surroundings() {
    let cluster = Cluster::new();
    let folder = cluster.path("work");
    std::fs::create_dir(&folder).expect("made");
    let app = application(
        &cluster,
        "sh -c 'echo \"%GREETING% $GREETING, $(pwd), ${_CLUSTER_NETWORK_NAME_-nobody}\"; exec sleep 600'",
        &[
            ("Environment", list(&["GREETING=hello", "FOLDER=work"])),
            ("CurrentDirectory", text(&format!("{}/%FOLDER%", cluster.path("").display()))),
        ],
    );
    assert_eq!(app.online(), Outcome::Online, "{}", common::log(&app));
    let folder = folder.canonicalize().expect("exists");
    assert_logged(&app, &[&format!("hello hello, {}, nobody", folder.display())]);
}

#[test]
fn the_application_knows_its_network_name() {
    let cluster = Cluster::new();
    let app = application(
        &cluster,
        "sh -c 'echo \"I am $_CLUSTER_NETWORK_NAME_\"; exec sleep 600'",
        &[("UseNetworkName", number(1))],
    );
    assert_eq!(app.online(), Outcome::Online);
    assert_logged(&app, &["I am n1"]);
    assert_eq!(app.offline(), Outcome::Offline);
    let address = cluster.open::<IpAddress>("n1", "ip", &[("Address", text("127.0.0.1"))]);
    assert_eq!(address.online(), Outcome::Online, "{}", common::log(&address));
    let name = cluster.open::<NetworkName>("n1", "name", &[("Name", text("SHOP"))]);
    depend(&name, &["ip"]);
    assert_eq!(name.online(), Outcome::Online, "{}", common::log(&name));
    depend(&app, &["name"]);
    assert_eq!(app.online(), Outcome::Online);
    assert_logged(&app, &["I am SHOP"]);
}

fn depend(resource: &Resource, providers: &[&str]) {
    let expression: Vec<String> = providers.iter().map(|name| format!("[{}]", id_of(name))).collect();
    let key = resource.registry().expect("a registry");
    key.set_value("DependencyExpression", &text(&expression.join(" and "))).expect("stored");
}
