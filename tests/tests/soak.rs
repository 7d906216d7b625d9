//! Random processes of a lab are killed, one after the other, while a client writes and applications run. What was
//! acknowledged is there at the end, on every node; no application ever ran twice at a time; everything settles.
//!
//! `WOLFDEN_SOAK_KILLS` says how many (200 is the long form), `WOLFDEN_SOAK_SEED` repeats a run's choices.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use cluster_svc::driver::process_files::{self, NodeProcess};
use rustix::process::Signal;
use serde_json::{Value, json};
use wolfden_tests::ground::Ground;
use wolfden_tests::lab::{self, Lab};
use wolfden_tests::processes::{self, Process};
use wolfden_tests::rest::{self, Rest};
use wolfden_tests::{figure, groups, programs, visitor};

/// Kills when nothing is said.
const KILLS: u32 = 40;
/// After how long a service that was killed is started again.
const RECOVER_MS: u32 = 300;
/// Groups with a web server, each with an address of its own.
const WEBS: u8 = 3;
/// How long everything may take to settle after a kill.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// The pause between two writes.
const WRITE_PAUSE: Duration = Duration::from_millis(20);
/// The pause between two looks at all processes.
const WATCH_PAUSE: Duration = Duration::from_millis(10);
/// As many failures as a resource or group may have in this test.
const ENDLESS: u32 = 1_000_000;
const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// An application that holds a lock for as long as it lives, and leaves a note when somebody else held it.
const HOLDER: &str = r#"#!/bin/sh
exec 9>"$1.lock"
flock -n 9 || echo "$WOLFDEN_NODE $$ while $(cat "$1.holder") held it" >>"$1.overlaps"
echo "$WOLFDEN_NODE $$" >"$1.holder"
echo "$WOLFDEN_NODE $$" >>"$1.starts"
exec sleep 100000
"#;

/// Numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, but must be a number")))
}

#[test]
fn kills_of_any_process_lose_nothing_and_run_nothing_twice() {
    let kills = setting("WOLFDEN_SOAK_KILLS").map_or(KILLS, |number| u32::try_from(number).expect("not so many"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_millis() as u64);
    let seed = setting("WOLFDEN_SOAK_SEED").unwrap_or(now).max(1);
    figure(&format!("soak of {kills} kills; repeat with WOLFDEN_SOAK_KILLS={kills} WOLFDEN_SOAK_SEED={seed}"));
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).max(1));

    let ground = Ground::new();
    let mut lab = start(&ground);
    let webs: Vec<SocketAddr> = (1..=WEBS).map(|last| visitor::free_address(Ipv4Addr::new(127, 77, 2, last))).collect();
    create(&ground, &lab, &webs);
    let url = Arc::new(Mutex::new(lab.url().to_owned()));
    let writer = Writer::begin(Arc::clone(&url));
    let watcher = Watcher::begin(webs.clone());

    let mut tally: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut settled: Vec<Duration> = Vec::new();
    for number in 1..=kills {
        let victim = choose(&ground, &lab, &mut dice);
        *tally.entry(victim.kind()).or_default() += 1;
        let before = SystemTime::now();
        let begun = Instant::now();
        let mut dead = None;
        match victim {
            Victim::Service(process) | Victim::Monitor(process) => {
                lab::signal(process.id, Signal::KILL);
                while process.is_alive() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                dead = Some(process.id);
            }
            Victim::Lab => {
                lab.kill();
                lab = start(&ground);
                lab.url().clone_into(&mut url.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        settle(&lab, &webs, dead, &format!("kill {number} of {kills}, seed {seed}, at {before:?}"));
        settled.push(begun.elapsed());
        assert_eq!(read(&ground, "holder.overlaps"), "", "kill {number}, seed {seed}: an application ran twice");
    }

    let acknowledged = writer.end();
    let looks = watcher.end();
    for name in NODES {
        let node = lab.node(name);
        node.until_within(SETTLE_LIMIT, "/registry/Soak", |key| {
            let found: BTreeMap<String, u64> = key["Values"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|value| Some((rest::text(&value["Name"]), value["Value"].as_u64()?)))
                .collect();
            acknowledged.iter().all(|number| found.get(&format!("v{number}")) == Some(number))
        });
    }
    let starts = read(&ground, "holder.starts").lines().count();
    settled.sort();
    let middle = settled.get(settled.len() / 2).copied().unwrap_or_default();
    let worst = settled.last().copied().unwrap_or_default();
    figure(&format!(
        "soak: {tally:?} killed, settled in {} ms (middle) and {} ms (worst), {} writes acknowledged and kept, \
         {looks} looks and {starts} starts without an overlap",
        middle.as_millis(),
        worst.as_millis(),
        acknowledged.len()
    ));
    assert!(!acknowledged.is_empty() && starts >= 1 && looks > u64::from(kills));
    lab.end();
}

fn start(ground: &Ground) -> Lab {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quick-lab"));
    command.arg(programs::cluster()).arg(ground.lab_dir()).args(["3", &RECOVER_MS.to_string()]);
    Lab::start(ground, command)
}

fn create(ground: &Ground, lab: &Lab, webs: &[SocketAddr]) {
    for (number, address) in webs.iter().enumerate() {
        groups::web(lab, &format!("Web{}", number + 1), *address);
    }
    let script = ground.shared().join("holder.sh");
    std::fs::write(&script, HOLDER).expect("the shared directory");
    let mark = ground.shared().join("holder");
    let command = format!("/bin/sh \"{}\" \"{}\"", script.display(), mark.display());
    groups::group(lab, "Holder");
    groups::resource(lab, "Holder", "Hold", "Generic Application", json!({ "CommandLine": command }));
    groups::online(lab, "Holder");
    // So many kills are no reason to give up.
    for resource in list(lab, "/resources") {
        let path = format!("/resources/{}", rest::segment(&resource));
        groups::set(lab, &path, json!({ "RestartThreshold": ENDLESS }));
    }
    for group in list(lab, "/groups") {
        let path = format!("/groups/{}", rest::segment(&group));
        groups::set(lab, &path, json!({ "FailoverThreshold": ENDLESS }));
    }
    lab.change("PUT", "/registry/Soak", json!({ "Values": [] }));
}

fn list(rest: &Rest, path: &str) -> Vec<String> {
    rest.get(path).as_array().into_iter().flatten().map(|one| rest::text(&one["Name"])).collect()
}

fn read(ground: &Ground, name: &str) -> String {
    std::fs::read_to_string(ground.shared().join(name)).unwrap_or_default()
}

/// What is killed.
enum Victim {
    Service(Process),
    Monitor(Process),
    Lab,
}

impl Victim {
    fn kind(&self) -> &'static str {
        match self {
            Victim::Service(_) => "services",
            Victim::Monitor(_) => "monitors",
            Victim::Lab => "labs",
        }
    }
}

/// One in ten is the lab itself; the others are any service or monitor.
fn choose(ground: &Ground, lab: &Lab, dice: &mut Dice) -> Victim {
    if dice.below(10) == 0 {
        return Victim::Lab;
    }
    loop {
        let node = NODES[dice.below(NODES.len())];
        let wants_service = dice.below(2) == 0;
        let living = process_files::living(&lab::run_dir(ground, node));
        let found = living.into_iter().find_map(|process| match process {
            NodeProcess::Service(id) if wants_service => Process::find(id).map(Victim::Service),
            NodeProcess::Monitor(id) if !wants_service => Process::find(id).map(Victim::Monitor),
            NodeProcess::Service(_) | NodeProcess::Monitor(_) | NodeProcess::Application(_) | NodeProcess::Other(_) => {
                None
            }
        });
        if let Some(victim) = found {
            return victim;
        }
        assert!(!lab.processes().is_empty(), "nothing is left to kill");
    }
}

/// Waits until every node by itself says that it has quorum, that all nodes are up and all groups online, that nothing runs
/// in the dead process any more, and until every web server answers.
fn settle(lab: &Lab, webs: &[SocketAddr], dead: Option<i32>, what: &str) {
    let begun = Instant::now();
    while !(is_settled(lab, dead) && webs.iter().all(|address| visitor::visit(*address).is_some())) {
        assert!(begun.elapsed() < SETTLE_LIMIT, "{what}: not settled: {}", lab.around());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_settled(lab: &Lab, dead: Option<i32>) -> bool {
    let rows = |rest: &Rest, path: &str| rows_of(&rest.get(path));
    let processes = rows_of(&lab.get("/lab")["Nodes"]);
    let has_risen = |node: &Value| node["Process"] == "running" && node["ProcessId"].as_i64() != dead.map(i64::from);
    if processes.len() != NODES.len() || !processes.iter().all(has_risen) {
        return false;
    }
    processes.iter().all(|process| {
        let node = Rest::new(process["ApiAddress"].as_str().unwrap_or_default());
        let (cluster, nodes, groups) = (node.get("/cluster"), rows(&node, "/nodes"), rows(&node, "/groups"));
        let is_alive = |id: &Value| id.as_i64() != dead.map(i64::from);
        cluster["Quorate"] == true
            && cluster["Stale"] == false
            && nodes.len() == NODES.len()
            && nodes.iter().all(|one| one["State"] == "Up" && is_alive(&one["ProcessId"]))
            && ["Web1", "Web2", "Web3", "Holder"]
                .iter()
                .all(|name| groups.iter().any(|group| group["Name"] == *name && group["State"] == "Online"))
            && rows(&node, "/resources")
                .iter()
                .all(|one| one["MonitorProcessId"].is_null() || is_alive(&one["MonitorProcessId"]))
    })
}

fn rows_of(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// A client that writes one value after the other and remembers which ones were acknowledged.
struct Writer {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
}

impl Writer {
    fn begin(url: Arc<Mutex<String>>) -> Writer {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            let mut rest = Rest::new("http://127.0.0.1:1");
            let mut number = 0;
            while !told.load(Ordering::SeqCst) {
                let now = url.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if rest.url() != now {
                    rest = Rest::new(&now);
                }
                number += 1;
                let value = json!({ "Name": format!("v{number}"), "Type": "REG_DWORD", "Value": number });
                let answer = rest.ask("PUT", "/registry/Soak", json!({ "Values": [value] }));
                if answer.status == 202 && answer.body["Accepted"] == Value::Bool(true) {
                    acknowledged.push(number);
                }
                std::thread::sleep(WRITE_PAUSE);
            }
            acknowledged
        });
        Writer { is_over, thread }
    }

    fn end(self) -> Vec<u64> {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().expect("the writer goes on until it is told")
    }
}

/// Looks at all processes again and again: of each web server there is one at most.
struct Watcher {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Watcher {
    fn begin(webs: Vec<SocketAddr>) -> Watcher {
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut looks = 0;
            while !told.load(Ordering::SeqCst) {
                look(&webs);
                looks += 1;
                std::thread::sleep(WATCH_PAUSE);
            }
            looks
        });
        Watcher { is_over, thread }
    }

    /// The number of looks.
    fn end(self) -> u64 {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().expect("no web server ran twice")
    }
}

fn look(webs: &[SocketAddr]) {
    let all = processes::all();
    for address in webs {
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        let is_web = |process: &&Process| {
            let has = |word: &str| process.words.iter().any(|one| one == word);
            process.words.get(1).is_some_and(|word| word == "sample-web") && has(&ip) && has(&port)
        };
        let found: Vec<&Process> = all.iter().filter(is_web).collect();
        // One may have ended before the other began, while all were looked at: two that are alive now have met.
        let alive: Vec<&&Process> = found.iter().filter(|process| process.is_alive()).collect();
        assert!(found.len() < 2 || alive.len() < 2, "the web server of {address} runs twice: {alive:?}");
    }
}

#[test]
fn what_runs_twice_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |words: &[&str]| {
        let mut command = Command::new("/bin/sh");
        Started(command.args(words).current_dir(folder.path()).spawn().expect("sh exists"))
    };
    std::fs::write(folder.path().join("holder.sh"), HOLDER).expect("written");
    std::fs::write(folder.path().join("sample-web"), "while sleep 1; do :; done\n").expect("written");
    let lines = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default().lines().count();
    let wait = |is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < SETTLE_LIMIT);
            std::thread::sleep(Duration::from_millis(5));
        }
    };

    // One after the other is no overlap; both at a time are one.
    for _ in 0..2 {
        let before = lines("h.starts");
        let _one = start(&["holder.sh", "h"]);
        wait(&|| lines("h.starts") == before + 1);
    }
    assert_eq!(lines("h.overlaps"), 0);
    let _first = start(&["holder.sh", "h"]);
    wait(&|| lines("h.starts") == 3);
    let _second = start(&["holder.sh", "h"]);
    wait(&|| lines("h.starts") == 4);
    assert_eq!(lines("h.overlaps"), 1);

    // Two that look like web servers of one address.
    let address = visitor::free_address(Ipv4Addr::new(127, 77, 2, 200));
    let (ip, port) = (address.ip().to_string(), address.port().to_string());
    let words = ["sample-web", "--address", &ip, "--port", &port];
    let _one = start(&words);
    look(&[address]);
    let _other = start(&words);
    wait(&|| std::panic::catch_unwind(|| look(&[address])).is_err());
}

/// A process that is killed at the end.
struct Started(std::process::Child);

impl Drop for Started {
    fn drop(&mut self) {
        // Only one that has ended cannot be killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
