//! A library that misbehaves in more than thirty ways, under a real service: the service stays up, another resource is not
//! touched, and the culprit is named with its entry point.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cluster_svc::service::ReadyLine;
use serde_json::{Value, json};

/// Nothing in these tests may take longer.
const LIMIT: Duration = Duration::from_secs(30);
/// How often something is looked at while it is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What makes the library show its misbehaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Bringing it online.
    Online,
    /// And waiting for a poll.
    Watch,
    /// And taking it offline.
    Offline,
    /// And terminating it.
    Terminate,
    /// And deleting it.
    Delete,
    /// And a control code.
    Control,
    /// Its monitor is replaced, so that it is opened again.
    Reopen,
}

/// Misbehaviour, what shows it, and what the cluster log says of the culprit.
const CASES: &[(&str, Act, &[&str])] = &[
    ("hang-in-open", Act::Reopen, &["Open of 'hang-in-open'", "did not return"]),
    ("hang-in-online", Act::Online, &["Online of 'hang-in-online'", "did not return"]),
    ("hang-in-offline", Act::Offline, &["Offline of 'hang-in-offline'", "did not return"]),
    ("hang-in-terminate", Act::Terminate, &["Terminate of 'hang-in-terminate'", "did not return"]),
    ("hang-in-close", Act::Delete, &["Close of", "did not return"]),
    ("hang-in-looks-alive", Act::Watch, &["LooksAlive of 'hang-in-looks-alive'", "did not return"]),
    ("hang-in-is-alive", Act::Watch, &["IsAlive of 'hang-in-is-alive'", "did not return"]),
    ("hang-in-resource-control", Act::Control, &["ResourceControl of 'hang-in-resource-control'", "did not return"]),
    ("crash-in-open", Act::Reopen, &["it was in Open of 'crash-in-open'", "signal 11"]),
    ("crash-in-online", Act::Online, &["it was in Online of 'crash-in-online'", "signal 11"]),
    ("crash-in-is-alive", Act::Watch, &["it was in IsAlive of 'crash-in-is-alive'", "signal 11"]),
    ("crash-in-worker", Act::Online, &["the Resource Monitor", "signal 11"]),
    ("exit-in-online", Act::Online, &["it was in Online of 'exit-in-online'", "exit code 3"]),
    ("abort-in-terminate", Act::Terminate, &["it was in Terminate of 'abort-in-terminate'", "signal 6"]),
    ("stack-overflow-in-online", Act::Online, &["it was in Online of 'stack-overflow-in-online'"]),
    ("heap-damage-in-offline", Act::Offline, &["it was in Offline of 'heap-damage-in-offline'"]),
    ("memory-scribble-in-online", Act::Online, &["it was in Online of 'memory-scribble-in-online'", "signal 11"]),
    ("wrong-status", Act::Online, &["wrong-status", "reported state 77"]),
    ("late-status", Act::Terminate, &["late-status", "does not fit the phase"]),
    ("status-after-close", Act::Delete, &["status-after-close of", "which is closed; refused"]),
    ("status-without-pending", Act::Online, &["status-without-pending"]),
    ("checkpoint-lie", Act::Online, &["checkpoint-lie", "counts as progress only when CheckPoint grows"]),
    ("pending-for-ever", Act::Online, &["pending-for-ever", "PendingTimeout"]),
    ("scribbled-handle", Act::Online, &["0x3039, which was never given to anyone"]),
    ("null-status", Act::Online, &["SetResourceStatus with a NULL status"]),
    ("closes-the-key-of-open", Act::Reopen, &["closed the key that Open was given"]),
    ("leaks-keys", Act::Delete, &["left 3 registry keys open at Close"]),
    ("bad-event", Act::Online, &["bad-event of", "which is no live event of this monitor"]),
    ("forbidden-call-in-online", Act::Online, &["called OnlineClusterResource in Online"]),
    ("forbidden-call-on-worker", Act::Online, &["called MoveClusterGroup on a worker"]),
    ("writes-registry-in-online", Act::Online, &["called ClusterRegSetValue in Online"]),
    ("enumerates-groups-in-is-alive", Act::Watch, &["called CLUSCTL_GROUP_GET_NAME in IsAlive"]),
    ("open-returns-null", Act::Reopen, &["Open of open-returns-null"]),
    ("strange-code-from-online", Act::Online, &["strange-code-from-online", "3735928559"]),
    ("slow-online", Act::Online, &["Online of 'slow-online' took"]),
    ("flaps", Act::Watch, &["flaps", "IsAlive"]),
    ("floods-the-log", Act::Online, &["<floods-the-log>: line 0"]),
];

/// Types that misbehave before there is a resource, and what is said.
const TYPES: &[(&str, &str)] = &[
    ("bad-table", "NULL for Terminate"),
    ("short-table", "says that it has 16 bytes"),
    ("wrong-version", "version 0x900"),
    ("no-table", "without a function table"),
    ("crash-in-startup", "it was in Startup of"),
];

struct Service {
    child: Child,
    ready: ReadyLine,
}

impl Service {
    fn start(dir: &Path) -> Service {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cluster-svc"));
        command.args(["run", "--node", "n1", "--dir"]).arg(dir.join("n1")).args(["--form", "--parent-pipe"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
        let line = BufReader::new(child.stdout.take().expect("piped")).lines().next();
        let line = line.expect("a ready line").expect("text");
        Service { ready: serde_json::from_str(&line).expect("a ready line"), child }
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut request = client.request(method, format!("{}/api/v1{path}", self.ready.api));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the service is up");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.ask(reqwest::Method::GET, path, None).await.1).unwrap_or(Value::Null)
    }

    /// A change that has to be accepted.
    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, text) = self.ask(reqwest::Method::POST, path, Some(body)).await;
        assert_eq!(status, 202, "{path}: {text}\n{}", self.log().await);
        serde_json::from_str(&text).expect("JSON")
    }

    /// A change of which only what the log says matters.
    async fn try_post(&self, path: &str, body: Value) {
        self.ask(reqwest::Method::POST, path, Some(body)).await;
    }

    async fn log(&self) -> String {
        self.ask(reqwest::Method::GET, "/log", None).await.1
    }

    /// Waits until one line of the log, written after `from`, has all the words.
    async fn until_logged(&self, from: usize, words: &[&str], why: &str) -> Result<(), String> {
        for _ in 0..LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
            let log = self.log().await;
            let new = log.get(from..).unwrap_or_default();
            if new.lines().any(|line| words.iter().all(|word| line.contains(word))) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let log = self.log().await;
        Err(format!("{why}: no line with {words:?} in\n{}", log.get(from..).unwrap_or_default()))
    }

    async fn until_state(&self, resource: &str, wanted: &[&str]) -> Result<(), String> {
        let path = format!("/resources/{resource}");
        for _ in 0..LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
            let state = self.get(&path).await["State"].as_str().unwrap_or_default().to_owned();
            if wanted.contains(&state.as_str()) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Err(format!("{resource} is {}", self.get(&path).await))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn library() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in a workspace");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libmisbehave-service.so");
    let unfinished = library.with_extension(std::process::id().to_string());
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(&compiler)
        .current_dir(root)
        .args(["-shared", "-fPIC", "-pthread", "-I", "resapi-sys-mock/include", "examples/misbehave/misbehave.c", "-o"])
        .arg(&unfinished)
        .output()
        .unwrap_or_else(|error| panic!("{compiler} cannot be started ({error}); install a C compiler or set CC"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::rename(&unfinished, &library).expect("the folder of the tests is writable");
    library
}

fn resource(name: &str, group: &str, misbehaviour: &str) -> Value {
    json!({
        "Name": name, "Group": group, "ResourceType": "Misbehave", "SeparateMonitor": true,
        "Properties": {
            "RestartAction": 0, "DeadlockTimeout": 1000, "PendingTimeout": 500, "LooksAlivePollInterval": 50,
            "IsAlivePollInterval": 100,
        },
        "Parameters": { "Misbehaviour": misbehaviour },
    })
}

async fn misbehave(service: &Service, name: &str, act: Act, words: &[&str]) -> Result<(), String> {
    let from = service.log().await.len();
    // Each in a group of its own, so that nothing is left of the one before.
    service.post("/groups", json!({ "Name": format!("G {name}") })).await;
    service.post("/resources", resource(name, &format!("G {name}"), name)).await;
    let path = format!("/resources/{name}");
    match act {
        Act::Reopen => {
            let view = service.get(&path).await;
            let monitor = view["MonitorProcessId"].as_u64().and_then(|id| i32::try_from(id).ok());
            let monitor = monitor.and_then(rustix::process::Pid::from_raw);
            let monitor = monitor.unwrap_or_else(|| panic!("{name} has no monitor: {view}"));
            rustix::process::kill_process(monitor, rustix::process::Signal::KILL).expect("a monitor of this test");
            service.try_post(&format!("{path}/online"), json!({})).await;
        }
        Act::Online | Act::Watch => service.try_post(&format!("{path}/online"), json!({})).await,
        Act::Offline | Act::Terminate | Act::Delete | Act::Control => {
            service.try_post(&format!("{path}/online"), json!({})).await;
            let wanted: &[&str] = if name == "late-status" { &["OnlinePending"] } else { &["Online"] };
            service.until_state(name, wanted).await?;
        }
    }
    match act {
        Act::Reopen | Act::Online | Act::Watch => {}
        Act::Offline => service.try_post(&format!("{path}/offline"), json!({})).await,
        Act::Terminate => service.try_post(&format!("{path}/offline"), json!({ "Force": true })).await,
        Act::Delete => {
            service.try_post(&format!("{path}/offline"), json!({})).await;
            service.until_state(name, &["Offline"]).await?;
            service.ask(reqwest::Method::DELETE, &path, None).await;
        }
        // CLUSCTL_RESOURCE_GET_CLASS_INFO.
        Act::Control => service.try_post(&format!("{path}/control"), json!({ "Code": 0x0100_000D })).await,
    }
    let told = service.until_logged(from, words, name).await;
    // Whatever state it is in now, it goes.
    service.ask(reqwest::Method::DELETE, &format!("/groups/G%20{name}?force=true"), None).await;
    told
}

impl Service {
    /// The command line, asked about this service.
    fn cluster(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cluster"));
        let output = command.args(words).env("CLUSTER_ENDPOINT", &self.ready.api).output().expect("started");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    async fn until_up(&self) {
        for _ in 0..LIMIT.as_millis() / LOOK_INTERVAL.as_millis() {
            if self.get("/nodes").await[0]["State"] == "Up" {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        panic!("the node is {}", self.get("/nodes").await);
    }

    /// Forbidden calls of a resource: what was called, where, and the mode, as the API has them.
    async fn forbidden_calls(&self, resource: &str) -> Vec<(String, String, String)> {
        let findings = self.get("/dll/findings").await;
        let all = findings.as_array().cloned().unwrap_or_default();
        let mine = all.into_iter().filter(|f| f["Kind"] == "ForbiddenCall" && f["Resource"] == resource);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        mine.map(|f| (text(&f["Call"]), text(&f["EntryPoint"]), text(&f["CallGuard"]))).collect()
    }
}

#[test]
fn the_user_says_what_becomes_of_forbidden_calls_and_reads_the_findings() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let library = library();
    runtime.block_on(async {
        let service = Service::start(folder.path());
        service.until_up().await;
        service.post("/resource-types/Misbehave", json!({ "DllName": library.to_str().expect("plain") })).await;
        service.post("/groups", json!({ "Name": "G" })).await;
        assert_eq!(service.cluster(&["dll", "findings"]), "No findings.\n");
        assert_eq!(service.cluster(&["dll", "guard", "Misbehave"]), "CallGuard of 'Misbehave' is warn.\n");
        for (mode, state) in [("off", "Online"), ("warn", "Online"), ("fail", "Failed"), ("deadlock", "Failed")] {
            service.cluster(&["dll", "guard", "Misbehave", mode]);
            let said = service.cluster(&["dll", "guard", "Misbehave"]);
            assert_eq!(said, format!("CallGuard of 'Misbehave' is {mode}.\n"));
            let from = service.log().await.len();
            service.post("/resources", resource(mode, "G", "forbidden-call-in-online")).await;
            service.try_post(&format!("/resources/{mode}/online"), json!({})).await;
            service.until_state(mode, &[state]).await.expect("as the mode says");
            let expected = ("OnlineClusterResource".to_owned(), "Online".to_owned(), mode.to_owned());
            let told = if mode == "off" { Vec::new() } else { vec![expected] };
            assert_eq!(service.forbidden_calls(mode).await, told, "{mode}");
            if mode == "deadlock" {
                // DeadlockTimeout of these resources is a second; the call has blocked for all of it.
                let words = ["Online of 'deadlock'", "did not return"];
                service.until_logged(from, &words, mode).await.expect("the log names the culprit");
                let findings = service.get("/dll/findings").await;
                let all = findings.as_array().map(Vec::as_slice).unwrap_or_default();
                let is_it = |f: &Value| f["Kind"] == "Deadlock" && f["Resource"] == mode && f["EntryPoint"] == "Online";
                assert!(all.iter().any(is_it), "{findings:#}");
            }
        }
        let table = service.cluster(&["dll", "findings"]);
        for mode in ["warn", "fail", "deadlock"] {
            let is_it = |line: &str| {
                ["ForbiddenCall", mode, "Online", "OnlineClusterResource"].iter().all(|w| line.contains(w))
            };
            assert!(table.lines().any(is_it), "{mode}: {table}");
        }
    });
}

#[test]
fn the_service_and_other_resources_survive_every_misbehaviour() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let library = library();
    let dll_name = library.to_str().expect("plain");
    runtime.block_on(async {
        let service = Service::start(folder.path());
        service.until_up().await;
        service.post("/resource-types/Misbehave", json!({ "DllName": dll_name })).await;
        service.post("/groups", json!({ "Name": "Good" })).await;
        service.post("/resources", resource("bystander", "Good", "nothing")).await;
        service.post("/resources/bystander/online?wait=20", json!({})).await;
        service.until_state("bystander", &["Online"]).await.expect("it behaves");
        let home = service.get("/resources/bystander").await["MonitorProcessId"].clone();
        assert!(home.is_u64(), "{home}");
        let mut wrong = Vec::new();
        for (name, act, words) in CASES {
            wrong.extend(misbehave(&service, name, *act, words).await.err());
            let bystander = service.get("/resources/bystander").await;
            assert_eq!(bystander["State"], "Online", "after {name}: {bystander}");
            assert_eq!(bystander["MonitorProcessId"], home, "{name} has reached another monitor");
            assert!(service.get("/cluster").await["Name"].is_string(), "after {name}");
        }
        for (kind, words) in TYPES {
            let name = format!("Misbehave {kind}");
            let from = service.log().await.len();
            service
                .post(&format!("/resource-types/{}", name.replace(' ', "%20")), json!({ "DllName": dll_name }))
                .await;
            service.post("/groups", json!({ "Name": name })).await;
            let mut body = resource(kind, &name, "nothing");
            (body["ResourceType"], body["Parameters"]) = (json!(name), Value::Null);
            service.try_post("/resources", body).await;
            service.try_post(&format!("/resources/{kind}/online"), json!({})).await;
            wrong.extend(service.until_logged(from, &[words], kind).await.err());
            let bystander = service.get("/resources/bystander").await;
            assert_eq!(
                (&bystander["State"], &bystander["MonitorProcessId"]),
                (&json!("Online"), &home),
                "after {kind}"
            );
            service
                .ask(reqwest::Method::DELETE, &format!("/groups/{}?force=true", name.replace(' ', "%20")), None)
                .await;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        // The findings put together what was seen.
        let findings = service.get("/dll/findings").await;
        let has = |kind: &str, entry: &str| {
            let findings = findings.as_array().map(Vec::as_slice).unwrap_or_default();
            findings.iter().any(|f| f["Kind"] == kind && f["EntryPoint"] == entry && f["DllName"] == dll_name)
        };
        for (kind, entry) in
            [("ForbiddenCall", "Online"), ("SlowCall", "Online"), ("Deadlock", "IsAlive"), ("Crash", "Online")]
        {
            assert!(has(kind, entry), "no {kind} in {entry}: {findings:#}");
        }
    });
}
