//! A cluster of nodes in one process: a shared directory, a place per node, and resources of the test host of `resapi`.

#![allow(dead_code, unreachable_pub)] // each test program uses its own part of this

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clusres::place::{self, Place};
use resapi::testing::{self, Resource};
use resapi::{ResourceType, Value};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

/// Longest wait for anything.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The guard of the applications under test.
pub const GUARD: &str = env!("CARGO_BIN_EXE_clusres-guard");

/// The directories of a cluster; removed when dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    pub fn new() -> Cluster {
        Cluster { folder: tempfile::tempdir().expect("a folder") }
    }

    /// Any path in the cluster's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn shared(&self) -> PathBuf {
        self.path("shared")
    }

    pub fn place(&self, node: &str) -> Place {
        Place { node: node.into(), shared_dir: self.shared(), run_dir: self.path(node), guard: GUARD.into() }
    }

    /// Opens a resource on a node, with an id made of its name as the Cluster service would give one.
    pub fn open<T: ResourceType>(&self, node: &str, name: &str, properties: &[(&str, Value)]) -> Resource {
        self.open_in::<T>(&self.place(node), name, properties)
    }

    pub fn open_in<T: ResourceType>(&self, place: &Place, name: &str, properties: &[(&str, Value)]) -> Resource {
        let open = || testing::open::<T>(name, properties).expect("opens");
        place::within(place, || place::opening(&id_of(name), open))
    }

    /// The process group that the process file of a resource names.
    pub fn process_group(&self, node: &str, name: &str) -> Option<Pid> {
        read_group(&self.path(node).join(format!("{}.pgid", id_of(name))))
    }

    /// An executable script with this body.
    pub fn script(&self, name: &str, body: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        path.to_str().expect("text").to_owned()
    }
}

/// A stable id for a name: its letters as hexadecimal digits.
pub fn id_of(name: &str) -> String {
    name.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub fn text(text: &str) -> Value {
    Value::Sz(text.to_owned())
}

pub fn number(number: u32) -> Value {
    Value::Dword(number)
}

pub fn list(items: &[&str]) -> Value {
    Value::MultiSz(items.iter().map(|item| (*item).to_owned()).collect())
}

/// Waits until something is so, and fails with its name when it does not become so.
#[track_caller]
pub fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn read_group(path: &Path) -> Option<Pid> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok().and_then(Pid::from_raw)
}

/// Whether any process of the group is left.
pub fn is_alive(group: Pid) -> bool {
    test_kill_process_group(group).is_ok()
}

pub fn kill_group(group: Pid) {
    kill_process_group(group, Signal::KILL).expect("the group exists");
}

pub fn kill(process: Pid) {
    kill_process(process, Signal::KILL).expect("the process exists");
}

/// The log of a resource as text, for messages.
pub fn log(resource: &Resource) -> String {
    resource.log().into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[track_caller]
pub fn assert_logged(resource: &Resource, words: &[&str]) {
    for word in words {
        eventually(&format!("`{word}` in the log:\n{}", log(resource)), || resource.has_logged(word));
    }
}
