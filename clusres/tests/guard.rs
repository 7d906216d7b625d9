//! The guard: what it passes on, and that a program dies with its monitor.

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Cluster, GUARD, eventually, is_alive, kill, kill_group, read_group};
use rustix::process::Pid;

fn run(pid_file: &Path, command: &[&str]) -> Child {
    Command::new(GUARD)
        .args(["run", "--pid-file"])
        .arg(pid_file)
        .arg("--")
        .args(command)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the guard exists")
}

#[test]
fn the_end_of_the_program_is_passed_on() {
    let cluster = Cluster::new();
    let check = |command: &[&str], code: i32, output: &str| {
        let pid_file = cluster.path("a.pgid");
        let ended = run(&pid_file, command).wait_with_output().expect("ends");
        assert_eq!(ended.status.code(), Some(code), "{command:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stdout), output, "{command:?}");
        assert!(!pid_file.exists(), "the process file goes with the program");
    };
    check(&["true"], 0, "");
    check(&["sh", "-c", "exit 7"], 7, "");
    check(&["sh", "-c", "kill -9 $$"], 137, "");
    check(&["sh", "-c", "echo out; echo err >&2; exit 1"], 1, "out\nerr\n");
    check(&["sh", "-c", "echo \"$@\"", "x", "-- a", "--pid-file"], 0, "-- a --pid-file\n");
}

#[test]
fn a_program_that_cannot_start_is_told_with_the_reason() {
    let cluster = Cluster::new();
    let ended = run(&cluster.path("a.pgid"), &["/no/such/program"]).wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(126));
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(told.contains("No such file") && told.contains("error 2"), "{told}");
    let folder = cluster.path("folder");
    std::fs::create_dir(&folder).expect("made");
    let ended = run(&folder, &["sleep", "600"]).wait_with_output().expect("a process file that cannot be written");
    assert_eq!(ended.status.code(), Some(126));
    let wrong = Command::new(GUARD).args(["guard", "true"]).output().expect("ends");
    assert_eq!(wrong.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("usage"));
}

/// Killed when dropped, so that a test that fails leaves nothing behind.
struct Monitor(Child);

impl Monitor {
    fn wait(mut self) -> Option<i32> {
        self.0.wait().expect("ours").code()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program with a child of its own, both of which ignore SIGTERM; answers its monitor and its process group.
fn family(cluster: &Cluster) -> (Monitor, Pid) {
    let pid_file = cluster.path("family.pgid");
    let mut monitor =
        Monitor(run(&pid_file, &["sh", "-c", "trap '' TERM; sleep 600 & echo ready; sleep 600; sleep 600"]));
    let mut line = String::new();
    BufReader::new(monitor.0.stdout.take().expect("piped")).read_line(&mut line).expect("reads");
    assert_eq!(line, "ready\n");
    // The program may be faster than the guard's note about it.
    eventually("there is a process file", || read_group(&pid_file).is_some());
    let group = read_group(&pid_file).expect("was there");
    assert!(is_alive(group));
    (monitor, group)
}

#[test]
fn a_program_dies_when_its_monitor_is_killed() {
    let cluster = Cluster::new();
    let (monitor, group) = family(&cluster);
    kill(Pid::from_child(&monitor.0));
    eventually("all of the program's group is dead", || !is_alive(group));
    eventually("the process file is gone", || !cluster.path("family.pgid").exists());
    assert_eq!(monitor.wait(), None, "it was killed");
    assert!(!cluster.path("family.pgid.birth").exists());
}

#[test]
fn a_program_dies_when_its_guard_is_killed() {
    let cluster = Cluster::new();
    let (monitor, group) = family(&cluster);
    kill(parent_of(group));
    eventually("all of the program's group is dead", || !is_alive(group));
    assert_eq!(monitor.wait(), Some(126));
}

#[test]
fn what_the_program_leaves_behind_dies_with_it() {
    let cluster = Cluster::new();
    let (monitor, group) = family(&cluster);
    // Only the first process of the group, not the group.
    kill(group);
    assert_eq!(monitor.wait(), Some(137));
    eventually("the program's child is dead", || !is_alive(group));
}

#[test]
fn the_killing_of_a_whole_group_is_reported_as_its_signal() {
    let cluster = Cluster::new();
    let (monitor, group) = family(&cluster);
    kill_group(group);
    assert_eq!(monitor.wait(), Some(137));
}

fn parent_of(process: Pid) -> Pid {
    let number = process.as_raw_nonzero().to_string();
    let output = Command::new("ps").args(["-o", "ppid=", "-p", &number]).output().expect("ps exists");
    let parent = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
    Pid::from_raw(parent).expect("not 0")
}
