//! Requests to the lab and to its nodes.

use std::time::Duration;

use cluster_engine::{Refusal, code};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::api::refused::RefusalBody;

/// How long a node may take to say how it is.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// How long a client waits for an answer, as in the simulator.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long the lab may take to start a node.
const LAB_LIMIT: Duration = Duration::from_secs(90);

/// Where everybody is.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    client: Client,
    /// The lab's address.
    pub(super) url: String,
}

/// A node as the lab sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) name: String,
    /// Its service runs and is not frozen.
    pub(super) is_awake: bool,
    /// It is frozen.
    pub(super) is_frozen: bool,
    /// Where its API is, when it can be asked.
    pub(super) api: Option<String>,
    /// Its way to the quorum device is cut.
    pub(super) is_storage_cut: bool,
}

impl Lines {
    pub(super) fn new() -> Result<Lines, String> {
        let client = Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        Ok(Lines { client, url: String::new() })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The nodes as the lab sees them.
    pub(super) async fn processes(&self) -> Result<Vec<Process>, String> {
        let lab = self.get(&self.url, "/lab").await.ok_or("the lab does not answer")?;
        let node = |node: &Value| {
            let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
            let is_awake = node["Process"] == "running";
            Process {
                name: text("Name"),
                is_awake,
                is_frozen: node["Process"] == "paused",
                api: node["ApiAddress"].as_str().filter(|_| is_awake).map(str::to_owned),
                is_storage_cut: node["StorageCut"] == true,
            }
        };
        Ok(lab["Nodes"].as_array().into_iter().flatten().map(node).collect())
    }

    /// The API of a node that runs.
    pub(super) async fn api_of(&self, node: &str) -> Result<Option<String>, String> {
        Ok(self.processes().await?.into_iter().find(|p| p.name == node).and_then(|p| p.api))
    }

    /// A small JSON document, if it comes soon.
    pub(super) async fn get(&self, base: &str, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("{base}/api/v1{path}")).timeout(ASK_LIMIT).send().await.ok()?;
        answer.error_for_status().ok()?.json().await.ok()
    }

    /// A request as a client makes one: the answer, or the refusal. No answer is 1460.
    pub(super) async fn ask(&self, base: &str, method: Method, path: &str, body: Value) -> Result<Value, Refusal> {
        self.send(base, method, path, body, ANSWER_LIMIT).await
    }

    /// Something that the lab does.
    pub(super) async fn lab(&self, method: Method, path: &str, body: Value) -> Result<Value, Refusal> {
        self.send(&self.url, method, path, body, LAB_LIMIT).await
    }

    async fn send(
        &self,
        base: &str,
        method: Method,
        path: &str,
        body: Value,
        limit: Duration,
    ) -> Result<Value, Refusal> {
        let mut request = self.client.request(method, format!("{base}/api/v1{path}")).timeout(limit);
        if !body.is_null() {
            request = request.json(&body);
        }
        let silent = |error: reqwest::Error| Refusal::new(code::TIMEOUT, format!("No answer came in time ({error})."));
        let answer = request.send().await.map_err(silent)?;
        let is_done = answer.status().is_success();
        let text = answer.text().await.map_err(silent)?;
        if is_done {
            return Ok(serde_json::from_str(&text).unwrap_or(Value::Null));
        }
        Err(match serde_json::from_str::<RefusalBody>(&text) {
            Ok(RefusalBody { error }) => Refusal::new(error.code, error.message),
            Err(_) => Refusal::new(code::INVALID_DATA, format!("the answer is none: {text}")),
        })
    }
}

/// A name as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let sign = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(sign).collect()
}
