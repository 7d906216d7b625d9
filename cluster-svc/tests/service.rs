//! Cluster services as processes, without a lab: forming, joining, lives that end badly, rebuilding, and recordings.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cluster_engine::{Engine, EngineConfig};
use cluster_svc::driver::process_files::{self, NodeProcess};
use cluster_svc::driver::recorder;
use cluster_svc::service::ReadyLine;
use serde_json::{Value, json};

/// Nothing in these tests may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// How often something is looked at while it is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// A service that is killed when the test ends in any way.
struct Service {
    child: Child,
    ready: ReadyLine,
}

impl Service {
    fn command(dir: &Path, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cluster-svc"));
        command.args(["run", "--node", name, "--dir"]).arg(dir.join(name)).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(dir: &Path, name: &str, words: &[&str]) -> Service {
        let mut command = Service::command(dir, name, words);
        // The end of this pipe ends the service, should the test itself be killed.
        let mut child = command.arg("--parent-pipe").stdin(Stdio::piped()).spawn().expect("started");
        let line = BufReader::new(child.stdout.take().expect("piped")).lines().next();
        let Some(Ok(line)) = line else {
            panic!("{name} is not ready: {:?}", child.wait_with_output());
        };
        Service { ready: serde_json::from_str(&line).expect("a ready line"), child }
    }

    /// Starts a service that cannot start; the result is what it says.
    fn refused(dir: &Path, name: &str, words: &[&str]) -> String {
        let output = Service::command(dir, name, words).output().expect("started");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn kill(mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ours");
    }

    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("ours");
        assert!(self.child.wait().expect("ours").success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a node answers; `Null` when it does not.
async fn ask(service: &Service, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.request(method, format!("{}/api/v1{path}", service.ready.api));
    if let Some(body) = body {
        request = request.json(&body);
    }
    match request.send().await {
        Ok(answer) => answer.json().await.unwrap_or(Value::Null),
        Err(_) => Value::Null,
    }
}

async fn until(service: &Service, path: &str, is_so: impl Fn(&Value) -> bool) {
    for _ in 0..LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
        if is_so(&ask(service, reqwest::Method::GET, path, None).await) {
            return;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    panic!("{path} is {}", ask(service, reqwest::Method::GET, path, None).await);
}

async fn until_up(service: &Service, names: &[&str]) {
    until(service, "/nodes", |nodes| {
        let nodes = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
        names.iter().all(|name| nodes.iter().any(|node| node["Name"] == *name && node["State"] == "Up"))
    })
    .await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

const FORM: &[&str] = &["--form", "--heartbeat", "250", "--threshold", "4"];

#[test]
fn a_killed_service_comes_back_after_everything_of_its_earlier_life_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let first = Service::start(dir, "n1", FORM);
    let told = Service::refused(dir, "n1", &[]);
    assert!(told.contains(&format!("process {}", first.ready.pid)), "{told}");
    let run = dir.join("n1/run");
    runtime().block_on(async {
        until_up(&first, &["n1"]).await;
        let post = |path, body| ask(&first, reqwest::Method::POST, path, Some(body));
        post("/groups", json!({ "Name": "App" })).await;
        let parameters = json!({ "CommandLine": "sleep 600" });
        let kind = "Generic Application";
        post("/resources", json!({ "Name": "Sleep", "Group": "App", "ResourceType": kind, "Parameters": parameters }))
            .await;
        let online = post("/groups/App/online?wait=20", json!({})).await;
        assert_eq!(online["Group"]["State"], "Online", "{online}");
    });
    let before = process_files::living(&run);
    assert!(before.iter().any(|p| matches!(p, NodeProcess::Monitor(_))), "{before:?}");
    assert!(before.iter().any(|p| matches!(p, NodeProcess::Application(_))), "{before:?}");
    let address = first.ready.clone();
    first.kill();

    let second = Service::start(dir, "n1", &[]);
    assert_eq!((&second.ready.peer, &second.ready.api), (&address.peer, &address.api), "the ports are kept");
    let living = process_files::living(&run);
    assert!(before.iter().all(|old| !living.contains(old)), "{before:?}, now {living:?}");
    runtime().block_on(until(&second, "/groups/App", |group| group["State"] == "Online"));
    let applications = process_files::living(&run).into_iter().filter(|p| matches!(p, NodeProcess::Application(_)));
    assert_eq!(applications.count(), 1);
    second.stop();
    assert_eq!(process_files::living(&run), []);
}

#[test]
fn a_damaged_node_is_refused_and_rebuilt_from_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let first = Service::start(dir, "n1", FORM);
    let join = ["--join", first.ready.peer.as_str()];
    let second = Service::start(dir, "n2", &join);
    let third = Service::start(dir, "n3", &join);
    runtime().block_on(async {
        until_up(&first, &["n1", "n2", "n3"]).await;
        ask(&first, reqwest::Method::POST, "/groups", Some(json!({ "Name": "Kept" }))).await;
    });
    let told = Service::refused(dir, "n4", &["--join", "127.0.0.1:1", "--form"]);
    assert!(told.contains("cannot be used with"), "{told}");
    let told = Service::refused(dir, "n3", &join);
    assert!(told.contains("already"), "{told}");

    second.kill();
    for file in files_below(&dir.join("n2/store")) {
        std::fs::write(file, b"this was a store").expect("damaged");
    }
    let told = Service::refused(dir, "n2", &[]);
    assert!(told.contains("n2/store") && told.contains("--rebuild"), "{told}");
    runtime().block_on(until(&first, "/nodes/n2", |node| node["State"] == "Down"));

    let rebuilt = Service::start(dir, "n2", &["--rebuild", "--join", &first.ready.peer]);
    assert_eq!(rebuilt.ready.id, 2, "the node keeps its id");
    assert!(dir.join("n2/store.aside-1").exists(), "nothing is thrown away");
    runtime().block_on(async {
        until_up(&first, &["n1", "n2", "n3"]).await;
        let has_kept = |groups: &Value| groups.as_array().is_some_and(|all| all.iter().any(|g| g["Name"] == "Kept"));
        until(&rebuilt, "/groups", has_kept).await;
        // Its vote counts again: without the third node there still is a majority.
        until(&first, "/quorum", |quorum| quorum["Votes"] == 3).await;
    });
    third.kill();
    runtime().block_on(async {
        until(&first, "/nodes/n3", |node| node["State"] == "Down").await;
        let answer = ask(&rebuilt, reqwest::Method::POST, "/groups", Some(json!({ "Name": "New" }))).await;
        assert_eq!(answer["Accepted"], true, "{answer}");
    });
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("known") {
            kind if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn a_recording_replays_to_the_same_effects() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let path = dir.join("recording");
    let text = path.display().to_string();
    let first = Service::start(dir, "n1", &[FORM, &["--record", &text]].concat());
    let second = Service::start(dir, "n2", &["--join", &first.ready.peer]);
    runtime().block_on(async {
        until_up(&first, &["n1", "n2"]).await;
        ask(&first, reqwest::Method::POST, "/groups", Some(json!({ "Name": "Told" }))).await;
    });
    second.stop();
    first.stop();

    let (head, steps) = recorder::read(&path).expect("readable");
    let config = EngineConfig {
        node: head.node,
        voter: head.voter,
        incarnation: head.incarnation,
        address: head.address,
        version: head.program,
        seed: head.seed,
        lineage: head.lineage,
        forced: head.forced,
        prevent_quorum: head.prevent_quorum,
        sabotage: Default::default(),
    };
    let mut engine = Engine::new(config, head.stored, head.at).expect("the store of the recording");
    assert!(steps.len() > 20, "{} steps", steps.len());
    for (number, step) in steps.into_iter().enumerate() {
        let effects = engine.step(step.at, step.event.clone());
        assert_eq!(effects.len() as u32, step.effects, "step {number}: {:?} gave {effects:?}", step.event);
    }
    assert!(engine.state().groups.values().any(|group| group.config.name == "Told"));
}
