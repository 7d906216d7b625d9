//! One run of the command: where the cluster is, and how to answer.

use std::cell::RefCell;
use std::io::Write;

use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::args::Common;
use super::client::{Ask, Client};
use super::discover;
use super::output;
use super::trouble::Trouble;
use crate::api::views::Accepted;

/// A command at work.
pub(super) struct Session {
    /// The cluster.
    pub(super) client: Client,
    /// Print the JSON of the answer.
    pub(super) json: bool,
    /// Wait so many seconds for an object to come to rest.
    pub(super) wait: Option<u32>,
    /// Where answers go.
    out: RefCell<Box<dyn Write>>,
}

/// What a waiting command wants an object to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hope {
    /// Any rest will do.
    Rest,
    /// It is to be online.
    Online,
}

/// ERROR_TIMEOUT.
const TIMEOUT: u32 = 1460;

/// ERROR_RESMON_ONLINE_FAILED.
const ONLINE_FAILED: u32 = 5018;

impl Session {
    /// A session with the cluster that is named, or found.
    pub(super) fn new(common: &Common, out: Box<dyn Write>) -> Result<Session, Trouble> {
        let address = common.endpoint.clone().unwrap_or_else(discover::address);
        let client = Client::new(&address, common.token.clone())?;
        Ok(Session { client, json: common.json, wait: common.wait, out: RefCell::new(out) })
    }

    /// Prints text, and a line end when it has none.
    pub(super) fn say(&self, text: &str) -> Result<(), Trouble> {
        let mut out = self.out.borrow_mut();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        write!(out, "{text}{end}").and_then(|()| out.flush()).map_err(|_| Trouble::NobodyReads)
    }

    /// Reads something, in the shape in which the API gives it.
    pub(super) async fn get(&self, segments: &[&str]) -> Result<Value, Trouble> {
        self.client.ask(Ask::new(Method::GET, segments.iter().copied())).await
    }

    /// An answer as the type it has.
    pub(super) fn read<T: DeserializeOwned>(&self, value: &Value) -> Result<T, Trouble> {
        serde_json::from_value(value.clone()).map_err(|e| self.client.strange(format!("an unexpected shape ({e})")))
    }

    /// Prints an answer: as JSON when that was asked for, otherwise as people read it.
    pub(super) fn print(
        &self,
        answer: &Value,
        people: impl FnOnce() -> Result<String, Trouble>,
    ) -> Result<(), Trouble> {
        if self.json {
            return self.say(&serde_json::to_string_pretty(answer).unwrap_or_default());
        }
        self.say(&people()?)
    }

    /// Reads one object and prints all that is known of it.
    pub(super) async fn show(&self, segments: &[&str]) -> Result<(), Trouble> {
        let answer = self.get(segments).await?;
        self.print(&answer, || Ok(output::list(&answer)))
    }

    /// Asks for a change, waits when that was asked for, and prints what it came to.
    pub(super) async fn change(&self, ask: Ask, hope: Hope) -> Result<(), Trouble> {
        let answer = self.client.ask(ask.waiting(self.wait)).await?;
        let accepted: Accepted = self.read(&answer)?;
        self.print(&answer, || Ok(came_to(&accepted)))?;
        let Some(seconds) = self.wait else { return Ok(()) };
        if accepted.timed_out {
            let message = format!("it was accepted, but has not come to rest in {seconds} seconds; it goes on");
            return Err(Trouble::Unreached { code: TIMEOUT, message });
        }
        match hope {
            Hope::Rest => Ok(()),
            Hope::Online => is_online(&accepted),
        }
    }

    /// A change with a body, or without.
    pub(super) async fn send(&self, method: Method, segments: &[&str], body: Option<Value>) -> Result<(), Trouble> {
        self.change(ask(method, segments, body), Hope::Rest).await
    }

    /// A change after which the object is to be online.
    pub(super) async fn send_online(&self, segments: &[&str], body: Option<Value>) -> Result<(), Trouble> {
        self.change(ask(Method::POST, segments, body), Hope::Online).await
    }
}

fn ask(method: Method, segments: &[&str], body: Option<Value>) -> Ask {
    let ask = Ask::new(method, segments.iter().copied());
    match body {
        Some(body) => ask.json(body),
        None => ask,
    }
}

/// A body with only the members that were given.
pub(super) fn members<const N: usize>(given: [(&str, Option<Value>); N]) -> Value {
    let mut body = json!({});
    for (name, value) in given {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    body
}

/// The object after the change, in the columns of the cmdlets.
fn came_to(accepted: &Accepted) -> String {
    let mut text = String::new();
    if let Some(node) = &accepted.node {
        text = super::nodes::table(std::slice::from_ref(node));
    }
    if let Some(group) = &accepted.group {
        text = super::groups::table(std::slice::from_ref(group));
    }
    if let Some(resource) = &accepted.resource {
        text = super::resources::table(std::slice::from_ref(resource));
    }
    if text.is_empty() {
        text = "Done.\n".to_owned();
    }
    if let Some(note) = &accepted.note {
        text.push_str(&format!("{note}\n"));
    }
    text
}

fn is_online(accepted: &Accepted) -> Result<(), Trouble> {
    let group = accepted.group.as_ref().map(|g| (&g.name, &g.state, &g.waiting));
    let resource = accepted.resource.as_ref().map(|r| (&r.name, &r.state, &r.waiting));
    match group.or(resource) {
        Some((name, state, waiting)) if state != "Online" => {
            let why = if waiting.is_empty() { String::new() } else { format!(": {}", waiting.join("; ")) };
            let message = format!("'{name}' came to rest in state {state}{why}");
            Err(Trouble::Unreached { code: ONLINE_FAILED, message })
        }
        Some(_) | None => Ok(()),
    }
}
