//! Groups to play with in a demonstration, made through the API like any user's.
//!
//! | group | what is in it |
//! |---|---|
//! | Web | an IP address, a network name on it, and a small web server that needs both |
//! | Script | a shell script in the shared directory: change it and see what the cluster makes of it |
//! | Hello | the example resource type from `examples/hello-resource`, when it was built |
//! | Available Storage | a disk that all nodes see, made the witness: the nodes and the disk vote |

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use super::bench::Bench;

/// The address of the sample web server. All of 127/8 is this computer on Linux; elsewhere only 127.0.0.1 is.
const ADDRESS: &str = if cfg!(target_os = "linux") { "127.77.0.10" } else { "127.0.0.1" };
/// Its port, when it is free.
const PORT: u16 = 8080;
/// How long a group may take to come online, in seconds, before the lab goes on.
const ONLINE_SECONDS: u32 = 15;
/// The group for disks that no other group uses; every cluster has it.
const STORAGE: &str = "Available Storage";
/// The disk that is made the witness.
const DISK: &str = "Cluster Disk 1";
/// Between two defences of the disk, in milliseconds. A challenger waits a little more than twice as long.
const ARBITRATION_INTERVAL_MS: u32 = 150;
/// File name of the sample script in the shared directory.
const SCRIPT_NAME: &str = "sample-script.sh";
/// The library of the example resource type.
const HELLO_LIBRARY: &str = if cfg!(target_os = "macos") { "libhello_resource.dylib" } else { "libhello_resource.so" };

/// The sample script. It keeps its state in a file beside it, so that it can be made to fail by hand.
const SCRIPT: &str = r#"#!/bin/sh
# A Generic Script resource: the cluster calls this file with the name of an entry point. Exit code 0 means success, or
# "I am well". What is printed goes to the cluster log. Try: remove the file sample-script.state while it is online.
state="$(dirname "$0")/sample-script.state"
case "$1" in
Online) echo "online on $(hostname)" && echo "$RESOURCE_NAME" >"$state" ;;
LooksAlive | IsAlive) test -f "$state" ;;
Offline | Terminate) rm -f "$state" ;;
esac
"#;

/// Creates the sample groups, unless they are there already. The result is for the user to read.
pub(super) async fn create(bench: &Bench) -> Result<String, String> {
    let known = call(bench, Method::GET, "/groups", None).await?;
    let has = |name: &str| known.as_array().into_iter().flatten().any(|group| group["Name"] == name);
    let mut told = Vec::new();
    if !has("Web") {
        told.push(web(bench).await?);
    }
    if !has("Script") {
        told.push(script(bench).await?);
    }
    if !has("Hello") {
        told.push(hello(bench).await?);
    }
    match witness(bench).await {
        Ok(text) => told.push(text),
        // The cluster is there without it, and can be told again.
        Err(error) => told.push(format!("the witness:  not set up: {error}")),
    }
    told.push(
        "Try: cluster status | cluster quorum explain | cluster group move Web | cluster resource fail \"Web Server\" | cluster lab kill n1 | \
         cluster events --follow"
            .into(),
    );
    Ok(told.join("\n"))
}

async fn web(bench: &Bench) -> Result<String, String> {
    let port = free_port();
    let program = bench.service.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
    let command = format!("\"{program}\" sample-web --address {ADDRESS} --port {port}");
    group(bench, "Web").await?;
    resource(bench, "Web", "Web IP", "IP Address", json!({ "Address": ADDRESS, "SubnetMask": "255.0.0.0" })).await?;
    resource(bench, "Web", "Web Name", "Network Name", json!({ "Name": "WEB" })).await?;
    let parameters = json!({ "CommandLine": command, "CurrentDirectory": bench.directory.display().to_string() });
    resource(bench, "Web", "Web Server", "Generic Application", parameters).await?;
    depend(bench, "Web Name", "[Web IP]").await?;
    depend(bench, "Web Server", "[Web Name]").await?;
    online(bench, "Web", 0).await?;
    Ok(format!("group Web:    http://{ADDRESS}:{port}/ tells where it runs"))
}

async fn script(bench: &Bench) -> Result<String, String> {
    let path = bench.directory.join("shared").join(SCRIPT_NAME);
    write_script(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let path = path.display().to_string();
    group(bench, "Script").await?;
    resource(bench, "Script", "Sample Script", "Generic Script", json!({ "ScriptFilepath": path })).await?;
    online(bench, "Script", 1).await?;
    Ok(format!("group Script: {path}"))
}

/// A disk that all nodes see, as the witness, unless there is one already. Its defence is quick, so that an arbitration can
/// be watched.
async fn witness(bench: &Bench) -> Result<String, String> {
    let quorum = call(bench, Method::GET, "/quorum", None).await?;
    let told =
        |name: &Value| format!("the witness:  {}, see it with: cluster quorum show", name.as_str().unwrap_or(DISK));
    if !quorum["QuorumResource"].is_null() {
        return Ok(told(&quorum["QuorumResource"]));
    }
    let known = call(bench, Method::GET, "/resources", None).await?;
    if !known.as_array().into_iter().flatten().any(|resource| resource["Name"] == DISK) {
        let parameters = json!({ "DiskPath": "witness", "ArbitrationIntervalMs": ARBITRATION_INTERVAL_MS });
        resource(bench, STORAGE, DISK, "Physical Disk", parameters).await?;
        let path = format!("/resources/{}/online?wait={ONLINE_SECONDS}", DISK.replace(' ', "%20"));
        call(bench, Method::POST, &path, None).await?;
        let model = json!({ "QuorumType": "NodeAndDiskMajority", "QuorumResource": DISK });
        call(bench, Method::PUT, &format!("/quorum?wait={ONLINE_SECONDS}"), Some(model)).await?;
    }
    Ok(told(&json!(DISK)))
}

async fn hello(bench: &Bench) -> Result<String, String> {
    let Some(library) = hello_library() else {
        let how = "cargo build -p hello-resource";
        return Ok(format!("group Hello:  left out, because {HELLO_LIBRARY} was not built; build it with `{how}`"));
    };
    let registered = json!({ "DisplayName": "Hello", "DllName": library.display().to_string() });
    call(bench, Method::POST, "/resource-types/Hello", Some(registered)).await?;
    let path = bench.directory.join("shared").join("hello.txt").display().to_string();
    group(bench, "Hello").await?;
    resource(bench, "Hello", "Greeting", "Hello", json!({ "Path": path })).await?;
    online(bench, "Hello", 2).await?;
    Ok(format!("group Hello:  writes {path} while it is online, from {}", library.display()))
}

/// The library, where `cargo build` puts it: beside the executable, one folder up from a test's, or in `deps` of either,
/// where it is when it was built because this program depends on it. The newest counts.
fn hello_library() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let folders = own.ancestors().skip(1).take(2).flat_map(|folder| [folder.to_owned(), folder.join("deps")]);
    let built = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    folders.map(|folder| folder.join(HELLO_LIBRARY)).filter(|path| path.is_file()).max_by_key(built)
}

fn write_script(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if path.exists() {
        return Ok(());
    }
    std::fs::write(path, SCRIPT)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// The wanted port, or any that is free. Somebody may still take it meanwhile; then the resource fails and says so.
fn free_port() -> u16 {
    let bind = |port| std::net::TcpListener::bind((ADDRESS, port)).and_then(|listener| listener.local_addr());
    bind(PORT).or_else(|_| bind(0)).map_or(PORT, |address| address.port())
}

async fn group(bench: &Bench, name: &str) -> Result<(), String> {
    call(bench, Method::POST, "/groups", Some(json!({ "Name": name }))).await.map(drop)
}

async fn resource(bench: &Bench, group: &str, name: &str, kind: &str, parameters: Value) -> Result<(), String> {
    let body = json!({ "Name": name, "Group": group, "ResourceType": kind, "Parameters": parameters });
    call(bench, Method::POST, "/resources", Some(body)).await.map(drop)
}

async fn depend(bench: &Bench, resource: &str, expression: &str) -> Result<(), String> {
    let path = format!("/resources/{}/dependencies", resource.replace(' ', "%20"));
    call(bench, Method::PUT, &path, Some(json!({ "Expression": expression }))).await.map(drop)
}

/// Brings a group online. One that does not come is there to be looked at.
/// Brings a group online on the node of that number, so that each node has something to do.
async fn online(bench: &Bench, group: &str, number: usize) -> Result<(), String> {
    let names = bench.names();
    let node = names.get(number % names.len().max(1));
    let path = format!("/groups/{group}/online?wait={ONLINE_SECONDS}");
    call(bench, Method::POST, &path, Some(json!({ "Node": node }))).await.map(drop)
}

/// One call of the API, through the lab's own front.
async fn call(bench: &Bench, method: Method, path: &str, body: Option<Value>) -> Result<Value, String> {
    let what = format!("{method} {path}");
    let mut request = bench.client.request(method, format!("{}/api/v1{path}", bench.url));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.map_err(|error| format!("{what}: {error}"))?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    Err(format!(
        "{what}: {} (error {})",
        body["error"]["message"].as_str().unwrap_or("no reason given"),
        body["error"]["code"]
    ))
}
