//! The REST API as a test uses it: one call at a time, and waits that end.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

/// How long a cluster may take to come to rest on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);
/// How often the cluster is looked at while something is waited for.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long one answer may take; changes are asked to wait for rest within it.
const ANSWER_LIMIT: Duration = Duration::from_secs(75);
/// The `?wait=` of changes.
const REST_SECONDS: u32 = 60;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status; 0 when nobody answered.
    pub status: u16,
    /// The body; `Null` when it is no JSON.
    pub body: Value,
    /// The body as text; when nobody answered, why.
    pub text: String,
}

impl Answer {
    /// The code of a refusal; `None` when it is none.
    #[must_use]
    pub fn code(&self) -> Option<u64> {
        self.body["error"]["code"].as_u64()
    }

    /// Whether a change was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A client of one address.
pub struct Rest {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Rest {
    /// A client of `url`, `http://127.0.0.1:PORT`.
    ///
    /// # Panics
    /// When the system gives no event loop.
    #[must_use]
    pub fn new(url: &str) -> Rest {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).build().expect("a client");
        Rest { url: url.to_owned(), client, runtime }
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// One request with a body as text, or none, and headers on top.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, body: Option<String>, headers: &[(&str, &str)]) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.runtime.block_on(async {
            let mut request = self.client.request(method, format!("{}{path}", self.url));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(body) = body {
                request = request.body(body);
            }
            let nobody = |error: reqwest::Error| Answer { status: 0, body: Value::Null, text: format!("{error:?}") };
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => return nobody(error),
            };
            let status = answer.status().as_u16();
            match answer.text().await {
                Ok(text) => Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text },
                Err(error) => nobody(error),
            }
        })
    }

    /// A request below `/api/v1`.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { None } else { Some(body.to_string()) };
        self.send(method, &format!("/api/v1{path}"), body, &[])
    }

    /// Reads; `Null` when it cannot be read now.
    #[must_use]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, Value::Null);
        if answer.is_accepted() { answer.body } else { Value::Null }
    }

    /// A change that must be accepted.
    ///
    /// # Panics
    /// When it is refused.
    pub fn change(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body.clone());
        assert!(answer.is_accepted(), "{method} {path} {body}: {} {}", answer.status, answer.text);
        answer.body
    }

    /// A POST that must be accepted, and is waited for until its object is at rest.
    ///
    /// # Panics
    /// When it is refused, or its object does not come to rest.
    pub fn post(&self, path: &str, body: Value) -> Value {
        let mark = if path.contains('?') { '&' } else { '?' };
        let body = if body.is_null() { json!({}) } else { body };
        let answer = self.change("POST", &format!("{path}{mark}wait={REST_SECONDS}"), body);
        assert!(answer["TimedOut"] != true, "{path} did not come to rest: {answer}");
        answer
    }

    /// A button of the lab.
    ///
    /// # Panics
    /// When it is refused.
    pub fn press(&self, node: &str, button: &str) {
        self.change("POST", &format!("/lab/nodes/{node}/{button}"), json!({}));
    }

    /// Starts a node again, as soon as its last process is gone.
    ///
    /// # Panics
    /// When it does not end, or does not start.
    pub fn start_again(&self, node: &str) {
        self.until("/lab", |lab| {
            let nodes = lab["Nodes"].as_array().into_iter().flatten();
            nodes.filter(|one| one["Name"] == node).any(|one| one["Process"] == "stopped")
        });
        self.press(node, "start");
    }

    /// Waits until the cluster has quorum, as whoever answers knows it.
    pub fn until_quorate(&self) {
        self.until("/cluster", |cluster| cluster["Quorate"] == true && cluster["Stale"] == false);
    }

    /// Reads again and again until the answer is right.
    ///
    /// # Panics
    /// When it does not become right in [`LIMIT`]; the message shows what it is.
    pub fn until(&self, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        self.until_within(LIMIT, path, is_right)
    }

    /// [`Rest::until`] with a limit of its own.
    ///
    /// # Panics
    /// When it does not become right in time.
    pub fn until_within(&self, limit: Duration, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let value = self.get(path);
            if is_right(&value) {
                return value;
            }
            assert!(begun.elapsed() < limit, "after {limit:?} {path} still is {value}{}", self.around());
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// What helps to understand a failed wait.
    #[must_use]
    pub fn around(&self) -> String {
        let brief = |path: &str, names: &[&str]| -> String {
            let list = self.get(path);
            let rows = list
                .as_array()
                .into_iter()
                .flatten()
                .map(|row| names.iter().map(|name| row[*name].to_string()).collect::<Vec<_>>().join(" "));
            rows.collect::<Vec<_>>().join("\n  ")
        };
        format!(
            "\nnodes:\n  {}\nresources:\n  {}\nlast events:\n  {}",
            brief("/nodes", &["Name", "State", "Leader"]),
            brief("/resources", &["Name", "State", "OwnerNode", "Failures", "LastError", "Waiting"]),
            brief("/events?limit=40", &["Time", "Node", "Text"]),
        )
    }

    /// Waits until these nodes are in this state.
    pub fn until_nodes(&self, names: &[&str], state: &str) {
        self.until("/nodes", |nodes| {
            let rows = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
            names.iter().all(|name| rows.iter().any(|node| node["Name"] == *name && node["State"] == state))
        });
    }

    /// Waits until a group or resource is in this state; the result is the object.
    pub fn until_state(&self, path: &str, state: &str) -> Value {
        self.until(path, |object| object["State"] == state)
    }

    /// The leader's name.
    #[must_use]
    pub fn leader(&self) -> String {
        let cluster = self.until("/cluster", |cluster| cluster["Leader"].is_string() && cluster["Quorate"] == true);
        text(&cluster["Leader"])
    }

    /// The process of a node's service.
    ///
    /// # Panics
    /// When the lab does not know it.
    #[must_use]
    pub fn service_process(&self, node: &str) -> i32 {
        let lab = self.get("/lab");
        let found = lab["Nodes"].as_array().into_iter().flatten().find(|one| one["Name"] == node);
        let number = found.and_then(|one| one["ProcessId"].as_i64()).and_then(|number| i32::try_from(number).ok());
        number.unwrap_or_else(|| panic!("the lab knows no process of {node}: {lab}"))
    }

    /// A client of one node, past the front of the lab.
    ///
    /// # Panics
    /// When the lab does not know its address.
    #[must_use]
    pub fn node(&self, name: &str) -> Rest {
        let lab = self.get("/lab");
        let found = lab["Nodes"].as_array().into_iter().flatten().find(|one| one["Name"] == name);
        let address = found.and_then(|one| one["ApiAddress"].as_str());
        Rest::new(address.unwrap_or_else(|| panic!("the lab knows no address of {name}: {lab}")))
    }

    /// All events whose text has this part.
    #[must_use]
    pub fn events_with(&self, part: &str) -> Vec<Value> {
        let events = self.get("/events?limit=10000");
        let has = |event: &&Value| event["Text"].as_str().is_some_and(|text| text.contains(part));
        events.as_array().into_iter().flatten().filter(has).cloned().collect()
    }
}

/// A JSON text as text; anything else as it is written.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A name as a segment of a path.
#[must_use]
pub fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
