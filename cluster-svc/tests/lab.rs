//! A lab from its start to its end: real processes, and nothing left of them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use cluster_svc::lab::{LabOptions, RunningLab};
use serde_json::{Value, json};

/// Nothing in these tests may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// How often the cluster is looked at while something is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

fn options(nodes: u32, dir: Option<std::path::PathBuf>) -> LabOptions {
    let service = [env!("CARGO_BIN_EXE_cluster-svc"), "run"].map(OsString::from).to_vec();
    LabOptions {
        nodes,
        dir,
        port: 0,
        announce: false,
        service: Some(service),
        recover_after: Some(Duration::from_millis(500)),
        ..LabOptions::default()
    }
}

/// A lab and a client of its front.
struct Trial {
    lab: RunningLab,
    client: reqwest::Client,
}

impl Trial {
    async fn start(options: LabOptions) -> Trial {
        let lab = RunningLab::new(options).await.expect("a lab");
        assert!(lab.start().await.expect("started"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Trial { lab, client }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}/api/v1{path}", self.lab.url())).send().await;
        match answer {
            Ok(answer) => answer.json().await.unwrap_or(Value::Null),
            Err(_) => Value::Null,
        }
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/api/v1{path}", self.lab.url())).json(&body);
        let answer = request.send().await.expect("the front answers");
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    async fn post(&self, path: &str) {
        let (status, body) = self.ask(reqwest::Method::POST, path, json!({})).await;
        assert!((200..300).contains(&status), "{path}: {status} {body}");
    }

    /// Waits until the nodes have these states.
    async fn until_nodes(&self, expected: &[(&str, &str)]) {
        self.until("/nodes", |nodes| {
            let state =
                |name: &str| nodes.as_array()?.iter().find(|n| n["Name"] == name)?["State"].as_str().map(str::to_owned);
            expected.iter().all(|(name, wanted)| state(name).as_deref() == Some(*wanted))
        })
        .await;
    }

    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let value = self.get(path).await;
                if is_so(&value) {
                    return value;
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        match tokio::time::timeout(LIMIT, wait).await {
            Ok(value) => value,
            Err(_) => panic!("{path} is {}", self.get(path).await),
        }
    }

    async fn process(&self, node: &str) -> (String, Option<i64>) {
        let lab = self.get("/lab").await;
        let found =
            lab["Nodes"].as_array().into_iter().flatten().find(|n| n["Name"] == node).cloned().unwrap_or_default();
        (found["Process"].as_str().unwrap_or_default().to_owned(), found["ProcessId"].as_i64())
    }
}

/// The processes that have something to do with this directory.
fn processes_of(directory: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir("/proc").expect("this test needs /proc").flatten();
    let own = std::process::id().to_string();
    let numbers = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| *name != own);
    let speaks_of = |name: &String| {
        let read = |file: &str| std::fs::read(format!("/proc/{name}/{file}")).unwrap_or_default();
        let has = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).contains(directory);
        has(read("cmdline")) || has(read("environ"))
    };
    numbers.filter(speaks_of).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn a_lab_breaks_and_heals_and_leaves_no_process() {
    runtime().block_on(async {
        let trial = Trial::start(options(3, None)).await;
        let directory = trial.get("/lab").await["Directory"].as_str().expect("a directory").to_owned();
        assert!(processes_of(&directory).len() >= 3);
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;

        // Killed through the lab: stays down until it is started.
        trial.post("/lab/nodes/n1/kill").await;
        trial.until_nodes(&[("n1", "Down"), ("n2", "Up"), ("n3", "Up")]).await;
        assert_eq!(trial.process("n1").await, ("stopped".into(), None));
        trial.post("/lab/nodes/N1/start").await;
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;

        // Ended from outside: comes back by itself.
        let (_, number) = trial.process("n2").await;
        let pid = number.and_then(|n| i32::try_from(n).ok()).and_then(rustix::process::Pid::from_raw).expect("it runs");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("ours");
        trial.until("/lab", |lab| lab["Nodes"][1]["Restarts"] == 1).await;
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;

        // Frozen, given up, thawed.
        trial.post("/lab/nodes/n3/pause").await;
        trial.until_nodes(&[("n3", "Down")]).await;
        assert_eq!(trial.process("n3").await.0, "paused");
        trial.post("/lab/nodes/n3/continue").await;
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;

        // Cut off, and whole again. The front answers from the side that has quorum.
        for other in ["n2", "n3"] {
            let (status, body) =
                trial.ask(reqwest::Method::PUT, "/lab/links", json!({ "From": "n1", "To": other, "Cut": true })).await;
            assert_eq!(status, 202, "{body}");
        }
        trial.until_nodes(&[("n1", "Down"), ("n2", "Up"), ("n3", "Up")]).await;
        trial.post("/lab/heal").await;
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;

        let events = trial.get("/events?limit=1000").await;
        for part in
            ["n1 was killed", "n2 was started again", "n3 was frozen", "n3 was thawed", "between n1 and n2 was cut"]
        {
            let is_told =
                events.as_array().into_iter().flatten().any(|e| e["Text"].as_str().is_some_and(|t| t.contains(part)));
            assert!(is_told, "no event says {part:?}");
        }

        trial.lab.stop().await;
        assert_eq!(processes_of(&directory), BTreeSet::new());
        assert!(!std::path::Path::new(&directory).exists(), "a temporary directory is removed");
    });
}

#[test]
fn a_lab_with_a_directory_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    runtime().block_on(async {
        let dir = folder.path().join("lab");
        let trial = Trial::start(options(2, Some(dir.clone()))).await;
        let (status, body) = trial.ask(reqwest::Method::POST, "/groups", json!({ "Name": "Kept" })).await;
        assert_eq!(status, 202, "{body}");
        let cluster = trial.get("/cluster").await;
        trial.lab.stop().await;

        // A third node joins what is there already.
        let trial = Trial::start(options(3, Some(dir.clone()))).await;
        trial.until_nodes(&[("n1", "Up"), ("n2", "Up"), ("n3", "Up")]).await;
        assert_eq!(trial.get("/cluster").await["Id"], cluster["Id"]);
        trial.until("/groups", |groups| groups.as_array().is_some_and(|g| g.iter().any(|g| g["Name"] == "Kept"))).await;
        trial.lab.stop().await;
        assert_eq!(processes_of(&dir.display().to_string()), BTreeSet::new());
        assert!(dir.join("n1").join("identity.json").exists(), "what the user named is kept");
    });
}

#[test]
fn what_the_lab_cannot_do_is_refused_with_a_reason() {
    runtime().block_on(async {
        let trial = Trial::start(options(1, None)).await;
        let check = async |method: reqwest::Method, path: &str, body: Value, status: u16, part: &str| {
            let (found, answer) = trial.ask(method, path, body).await;
            let message = answer["error"]["message"].as_str().unwrap_or_default().to_owned();
            assert!(found == status && message.contains(part), "{path}: {found} {answer}");
        };
        let post = reqwest::Method::POST;
        let put = reqwest::Method::PUT;
        check(post.clone(), "/lab/nodes/n9/kill", json!({}), 404, "no node 'n9'").await;
        check(post.clone(), "/lab/nodes/n1/start", json!({}), 409, "must be stopped").await;
        check(post.clone(), "/lab/nodes/n1/continue", json!({}), 409, "must be paused").await;
        check(post.clone(), "/lab/nodes/n1/explode", json!({}), 404, "no such route").await;
        check(put.clone(), "/lab/links", json!({ "From": "n1", "To": "n1", "Cut": true }), 400, "no link to itself")
            .await;
        check(put.clone(), "/lab/links", json!({ "From": "n1", "To": "n2", "Cut": true }), 404, "no node 'n2'").await;
        check(put.clone(), "/lab/links", json!({ "From": "n1" }), 400, "missing field").await;
        check(put, "/lab/links", json!({ "From": "n1", "To": "n1", "Cut": true, "X": 1 }), 400, "unknown field").await;
        check(post.clone(), "/lab/cut", json!({ "Node": 1, "Incoming": true, "Outgoing": true }), 404, "no such route")
            .await;

        // The door that the lab uses is shut for everybody else.
        let api = trial.get("/lab").await["Nodes"][0]["ApiAddress"].as_str().expect("it runs").to_owned();
        let body = json!({ "Node": 2, "Incoming": true, "Outgoing": true });
        let answer = trial.client.post(format!("{api}/api/v1/lab/cut")).json(&body).send().await.expect("it answers");
        assert_eq!(answer.status(), 403);

        // With no node left, the front says so and its buttons still work.
        trial.post("/lab/nodes/n1/kill").await;
        check(post.clone(), "/groups", json!({ "Name": "x" }), 503, "no node of the lab answers").await;
        trial.post("/lab/nodes/n1/start").await;
        trial.until_nodes(&[("n1", "Up")]).await;
        trial.lab.stop().await;
    });
}

/// The `cluster up` command as a process; killed when the test fails.
struct Up {
    child: std::process::Child,
    url: String,
}

impl Up {
    fn start(dir: &std::path::Path, nodes: &str) -> Up {
        use std::io::{BufRead, BufReader};
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_cluster"))
            .args(["up", "--port", "0", "--nodes", nodes, "--dir"])
            .arg(dir.join("lab"))
            .env("XDG_STATE_HOME", dir.join("state"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let told: Vec<String> = lines.take_while(|line| !line.starts_with("Ctrl-C")).collect();
        let url = told.iter().find_map(|line| line.split_once(" at ")).map(|(_, url)| url.to_owned());
        Up { url: url.unwrap_or_else(|| panic!("no address in {told:?}")), child }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).expect("ours");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until no process speaks of the directory.
fn until_nothing_runs(dir: &std::path::Path) {
    let text = dir.canonicalize().expect("there").display().to_string();
    for _ in 0..LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
        if processes_of(&text).is_empty() {
            return;
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
    panic!("still there: {:?}", processes_of(&text));
}

#[test]
fn a_lab_that_is_told_to_stop_ends_well_and_one_that_is_killed_takes_its_nodes_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = folder.path().join("state/wolfden/lab.json");

    let mut up = Up::start(folder.path(), "2");
    let text = std::fs::read_to_string(&found).expect("the lab can be found");
    assert!(text.contains(&up.url), "{text}");
    up.signal(rustix::process::Signal::TERM);
    assert!(up.child.wait().expect("ours").success());
    assert!(!found.exists());
    until_nothing_runs(folder.path());

    // One node is frozen when the lab is killed, so it cannot see the end of its input.
    let up = Up::start(folder.path(), "2");
    runtime().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.post(format!("{}/api/v1/lab/nodes/n2/pause", up.url)).send().await.expect("it answers");
        assert_eq!(answer.status(), 202);
    });
    up.signal(rustix::process::Signal::KILL);
    drop(up);
    until_nothing_runs(folder.path());
}
