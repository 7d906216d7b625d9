//! Cluster services as processes, with everything that can be done to them: a power failure, a freeze, a cut storage path.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cluster_svc::driver::lab_door::{STORAGE_PATH, TOKEN_HEADER};
use cluster_svc::driver::process_files;
use cluster_svc::service::ReadyLine;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// Nothing in these tests may take longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// How often something is looked at while it is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// The token of the door by which storage paths are cut.
const TOKEN: &str = "the token of this test";
/// No cluster of these tests has more nodes.
const MAX_NODES: usize = 3;
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The detection time of the clusters of these tests: SameSubnetDelay x SameSubnetThreshold.
pub(crate) const DETECTION: Duration = Duration::from_millis(1000);
/// How often the owner of the disk defends it, in milliseconds; a challenger waits 7/3 of it.
const DEFENCE_MS: u32 = 150;

/// The tests of this file run one after the other: they measure, and real time is all that they have.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The directories of a cluster.
pub(crate) struct Stand {
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A node, all of whose processes are killed when the test ends in any way.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ready: ReadyLine,
    dir: PathBuf,
    child: Child,
    client: reqwest::Client,
}

/// A test that failed shows what its nodes have told.
impl Drop for Stand {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for number in 1..=MAX_NODES {
                let log = log_in(&self.dir(&format!("n{number}")));
                eprintln!("--- cluster.log of n{number}\n{log}");
            }
        }
    }
}

impl Stand {
    pub(crate) fn new() -> Stand {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Stand { folder: tempfile::tempdir().expect("a folder"), _alone: alone }
    }

    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cluster-svc"));
        command.args(["run", "--node", name, "--parent-pipe", "--lab-token", TOKEN, "--dir"]).arg(self.dir(name));
        command.args(words).process_group(0);
        // The end of its input ends the service, should the test itself be killed.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, name: &str, words: &[&str]) -> Node {
        let mut child = self.command(name, words).spawn().expect("started");
        let line = BufReader::new(child.stdout.take().expect("piped")).lines().next();
        let Some(Ok(line)) = line else {
            panic!("{name} is not ready: {:?}", child.wait_with_output());
        };
        Node {
            name: name.to_owned(),
            ready: serde_json::from_str(&line).expect("a ready line"),
            dir: self.dir(name),
            child,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    pub(crate) fn form(&self, name: &str) -> Node {
        self.start(name, &["--form", "--heartbeat", "250", "--threshold", "4"])
    }

    /// A cluster of so many nodes, all up.
    pub(crate) async fn cluster(&self, size: usize) -> Vec<Node> {
        let mut nodes = vec![self.form("n1")];
        for number in 2..=size {
            let sponsor = nodes[0].ready.peer.clone();
            nodes.push(self.start(&format!("n{number}"), &["--join", &sponsor]));
        }
        for node in &nodes {
            node.until_up(&nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>()).await;
        }
        nodes
    }
}

impl Node {
    /// What the node answers: status and body; 0 when it does not.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}/api/v1{path}", self.ready.api);
        let mut request = self.client.request(method, url).timeout(ANSWER_LIMIT);
        if let Some(body) = body {
            request = request.json(&body);
        }
        match request.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null)),
            Err(_) => (0, Value::Null),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.1
    }

    /// A change that has to be accepted.
    pub(crate) async fn change(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, Some(body)).await;
        assert_eq!(status, 202, "{path}: {answer}");
        answer
    }

    /// Tries to make a group with this name. True when it was acknowledged.
    pub(crate) async fn make_group(&self, name: &str) -> bool {
        let (status, answer) = self.ask(Method::POST, "/groups", Some(json!({ "Name": name }))).await;
        status == 202 && answer["Accepted"] == true
    }

    /// The names of all groups that the node knows.
    pub(crate) async fn groups(&self) -> Vec<String> {
        let groups = self.get("/groups").await;
        let names = groups.as_array().into_iter().flatten();
        names.filter_map(|group| group["Name"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let value = self.get(path).await;
            if is_so(&value) {
                return value;
            }
            if Instant::now() > end {
                panic!("{path} of {} is {value}", self.name);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits until the node is a member that is in touch, and knows that all of these are up.
    pub(crate) async fn until_up(&self, names: &[&str]) {
        self.until("/cluster", |cluster| cluster["Quorate"] == true).await;
        self.until("/nodes", |nodes| {
            let nodes = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
            names.iter().all(|name| nodes.iter().any(|node| node["Name"] == *name && node["State"] == "Up"))
        })
        .await;
    }

    /// Waits until all three votes count and are there, and this node knows it as well as `other`, who can go then.
    pub(crate) async fn until_it_can_do_without(&self, other: &Node) {
        let all = |quorum: &Value| quorum["Votes"] == 3 && quorum["Present"] == 3;
        other.until("/quorum", all).await;
        let applied = other.get("/cluster").await["Applied"].as_u64().expect("a number");
        self.until("/cluster", |cluster| cluster["Applied"].as_u64().is_some_and(|own| own >= applied)).await;
        self.until("/quorum", all).await;
    }

    /// Gives the cluster a disk as its witness, and waits until that votes on this node.
    pub(crate) async fn use_disk(&self) {
        self.change(Method::POST, "/groups", json!({ "Name": "Quorum" })).await;
        let parameters = json!({ "DiskPath": "quorum", "ArbitrationIntervalMs": DEFENCE_MS });
        let disk =
            json!({ "Name": "Disk", "Group": "Quorum", "ResourceType": "Physical Disk", "Parameters": parameters });
        self.change(Method::POST, "/resources", disk).await;
        let body = json!({ "Node": self.name });
        self.change(Method::POST, "/groups/Quorum/online?wait=20", body).await;
        let quorum = json!({ "QuorumType": "NodeAndDiskMajority", "QuorumResource": "Disk" });
        self.change(Method::PUT, "/quorum?wait=20", quorum).await;
        self.until_witness_on(&self.name).await;
    }

    /// Waits until the witness votes on a node and its vote counts.
    pub(crate) async fn until_witness_on(&self, host: &str) -> Value {
        self.until("/quorum", |quorum| {
            let witness = &quorum["Witness"];
            witness["HostNode"] == host && witness["DynamicWeight"] == 1
        })
        .await
    }

    /// Makes groups until one is acknowledged. The result is its name, and how long it took.
    pub(crate) async fn first_write(&self, since: Instant) -> (String, Duration) {
        let end = Instant::now() + LIMIT;
        for number in 0.. {
            let name = format!("{} {number}", self.name);
            if self.make_group(&name).await {
                return (name, since.elapsed());
            }
            assert!(Instant::now() < end, "{} takes no write", self.name);
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        unreachable!("the loop above has no end but these")
    }

    pub(crate) async fn cut_storage(&self, cut: bool) {
        let url = format!("{}{STORAGE_PATH}", self.ready.api);
        let request = self.client.post(url).header(TOKEN_HEADER, TOKEN).json(&json!({ "Cut": cut }));
        let answer = request.send().await.expect("it answers");
        assert_eq!(answer.status().as_u16(), 204);
        assert_eq!(self.dir.join("run").join(clusres::device::CUT_FILE).exists(), cut);
    }

    /// The texts of everything that was told lately with this step of an arbitration.
    pub(crate) async fn steps(&self, step: &str) -> Vec<String> {
        let events = self.get("/events?limit=10000").await;
        let steps = events.as_array().into_iter().flatten().filter(|event| event["Step"] == step);
        steps.filter_map(|event| event["Text"].as_str().map(str::to_owned)).collect()
    }

    pub(crate) fn log(&self) -> String {
        log_in(&self.dir)
    }

    fn signal(&self, signal: Signal) {
        // The group exists as long as its first process is not waited for.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
        for process in process_files::living(&self.dir.join("run")) {
            process.signal(signal);
        }
    }

    /// Every process at once, as in a power failure.
    pub(crate) fn kill(mut self) {
        self.power_off();
    }

    fn power_off(&mut self) {
        // First nobody may react to the end of another.
        self.signal(Signal::STOP);
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    pub(crate) fn store_aside(&self) -> PathBuf {
        self.dir.join("store.aside-1")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.power_off();
    }
}

fn log_in(dir: &Path) -> String {
    let bytes = std::fs::read(dir.join("log/cluster.log")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Is anything below this folder?
pub(crate) fn has(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}
