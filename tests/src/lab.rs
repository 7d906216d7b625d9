//! A lab as a user starts one: `cluster up`, a process with processes below it. However a test ends, nothing of its lab
//! stays behind, and a test that ends well has proved it.

use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::Ground;
use crate::processes::{self, Process};
use crate::programs;
use crate::rest::Rest;

/// How long a lab may take until it prints its address.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// How long it may take to end when it is told to.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How long its nodes may take to end when it was killed: they stop in an orderly way first.
const ORPHANS_LIMIT: Duration = Duration::from_secs(30);
/// How often it is looked.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A running lab; everything of [`Rest`] is asked at its address.
pub struct Lab {
    child: Child,
    rest: Rest,
    /// The directory as the processes write it.
    directory: String,
    /// The lines that it printed until it was ready.
    told: Vec<String>,
}

impl Deref for Lab {
    type Target = Rest;
    fn deref(&self) -> &Rest {
        &self.rest
    }
}

impl Lab {
    /// `cluster up` with so many nodes in the lab directory of the ground. What is there already is started again.
    ///
    /// # Panics
    /// When it does not become ready; then nothing of it is left either.
    #[must_use]
    pub fn up(ground: &Ground, nodes: u32) -> Lab {
        let mut command = Command::new(programs::cluster());
        command.args(["up", "--port", "0", "--nodes", &nodes.to_string(), "--dir"]).arg(ground.lab_dir());
        Lab::start(ground, command)
    }

    /// `cluster demo`, with the sample groups.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn demo(ground: &Ground) -> Lab {
        let mut command = Command::new(programs::cluster());
        command.args(["demo", "--port", "0", "--dir"]).arg(ground.lab_dir());
        Lab::start(ground, command)
    }

    /// Any command that is a lab in the lab directory of the ground and prints what `cluster up` prints.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn start(ground: &Ground, mut command: Command) -> Lab {
        let _ = std::fs::create_dir_all(ground.lab_dir());
        let directory = ground.lab_dir().canonicalize().expect("the lab directory").display().to_string();
        let spawned = command.env("XDG_STATE_HOME", ground.state()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let output = child.stdout.take().expect("piped");
        let (line, lines) = mpsc::channel();
        // Reads to the end, so that the pipe never fills.
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).for_each(|text| drop(line.send(text)));
        });
        let mut lab = Lab { child, rest: Rest::new(""), directory, told: Vec::new() };
        let begun = Instant::now();
        loop {
            match lines.recv_timeout(READY_LIMIT.saturating_sub(begun.elapsed())) {
                Ok(text) if text.starts_with("Ctrl-C") => break,
                Ok(text) => lab.told.push(text),
                Err(error) => panic!("the lab is not ready ({error}); it said {:?}", lab.told),
            }
        }
        let url = lab.told.iter().find_map(|text| text.strip_prefix("Wolfden lab: ")?.split_once(" at "));
        let (_, url) = url.unwrap_or_else(|| panic!("no address in {:?}", lab.told));
        lab.rest = Rest::new(url);
        lab
    }

    /// What it printed until it was ready.
    #[must_use]
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// The number of its own process.
    #[must_use]
    pub fn process(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }

    /// The living processes of the lab, itself included.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        processes::of(&self.directory)
    }

    /// Ends it as Ctrl-C does; it must end well, and nothing of it may be left.
    ///
    /// # Panics
    /// When something is left.
    pub fn end(mut self) {
        signal(self.process(), Signal::TERM);
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait().expect("ours") {
                Some(status) => break status,
                None => assert!(begun.elapsed() < END_LIMIT, "the lab does not end: {:?}", self.processes()),
            }
            std::thread::sleep(LOOK_INTERVAL);
        };
        assert!(status.success(), "the lab ended with {status}");
        assert_eq!(self.processes(), [], "left behind");
    }

    /// Kills the lab itself; its nodes have to end by themselves.
    ///
    /// # Panics
    /// When something of it does not end.
    pub fn kill(mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ours");
        let begun = Instant::now();
        while !self.processes().is_empty() {
            assert!(begun.elapsed() < ORPHANS_LIMIT, "still there after the lab was killed: {:?}", self.processes());
            std::thread::sleep(LOOK_INTERVAL);
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in self.processes() {
            signal(process.id, Signal::KILL);
        }
    }
}

/// Signals one process; one that is gone is fine.
pub fn signal(process: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(process).filter(|_| process > 1) {
        let _ = kill_process(pid, signal);
    }
}

/// The run directory of a node of the ground's lab, for `cluster_svc::driver::process_files`.
#[must_use]
pub fn run_dir(ground: &Ground, node: &str) -> std::path::PathBuf {
    let lab: &Path = &ground.lab_dir();
    lab.join(node).join("run")
}
