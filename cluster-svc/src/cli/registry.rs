//! `cluster registry`.

use std::path::Path;

use clusreg::{ValueType, reg_text};
use reqwest::Method;
use serde_json::json;

use super::args::Registry;
use super::client::Ask;
use super::session::{Hope, Session};
use super::trouble::Trouble;
use super::{assign, output};
use crate::api::values::{to_json, type_word};
use crate::api::views::{KeyView, RegistryValue};

pub(super) async fn run(session: &Session, verb: Registry) -> Result<(), Trouble> {
    match verb {
        Registry::Get { path, name: None } => {
            let answer = session.client.ask(Ask::new(Method::GET, segments(&path))).await?;
            let key: KeyView = session.read(&answer)?;
            session.print(&answer, || Ok(show(&key)))
        }
        Registry::Get { path, name: Some(name) } => value(session, &path, &name).await,
        Registry::Set { path, name, value, kind } => {
            let kind = ValueType::parse(&kind).map_err(|e| Trouble::Argument(format!("--type: {e}.")))?;
            let value = assign::value(kind, &value).map_err(|e| Trouble::Argument(format!("'{name}': {e}.")))?;
            let given = json!({ "Name": name, "Type": type_word(kind), "Value": to_json(&value) });
            let ask = Ask::new(Method::PUT, segments(&path)).json(json!({ "Values": [given] }));
            session.change(ask, Hope::Rest).await
        }
        Registry::Delete { path, name, tree } => {
            let ask =
                Ask::new(Method::DELETE, segments(&path)).maybe("value", name).maybe("tree", tree.then_some("true"));
            session.change(ask, Hope::Rest).await
        }
        Registry::Export { path, output } => export(session, &path, output.as_deref()).await,
        Registry::Import { file } => import(session, &file).await,
    }
}

/// The address of a key: one segment a level.
fn segments(path: &str) -> Vec<&str> {
    std::iter::once("registry").chain(path.split(['\\', '/']).filter(|s| !s.is_empty())).collect()
}

async fn value(session: &Session, path: &str, name: &str) -> Result<(), Trouble> {
    let answer = session.client.ask(Ask::new(Method::GET, segments(path))).await?;
    let key: KeyView = session.read(&answer)?;
    let found = key.values.iter().find(|v| v.name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(|| {
        let known: Vec<&str> = key.values.iter().map(|v| v.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("the key '{path}' has no value '{name}'; its values: {known}");
        Trouble::Unreached { code: 2, message }
    })?;
    let json = serde_json::to_value(found).unwrap_or_default();
    session.print(&json, || Ok(output::shown(&found.value)))
}

fn show(key: &KeyView) -> String {
    let name = |v: &RegistryValue| if v.name.is_empty() { "(default)".to_owned() } else { v.name.clone() };
    let rows = key.values.iter().map(|v| [name(v), v.kind.clone(), output::shown(&v.value)]);
    let path = if key.path.is_empty() { "(root)" } else { &key.path };
    let mut text = format!("{path}, changed {}\n\n", key.last_write);
    if !key.values.is_empty() {
        text.push_str(&output::table(&["Name", "Type", "Value"], rows));
        text.push('\n');
    }
    for sub in &key.keys {
        text.push_str(&format!("{sub}\\\n"));
    }
    text
}

async fn export(session: &Session, path: &str, file: Option<&Path>) -> Result<(), Trouble> {
    let ask = Ask::new(Method::GET, segments(path)).query("format", "reg");
    let text = session.client.ask_text(ask).await?;
    match file {
        Some(file) => {
            let bytes = reg_text::encode(&text);
            std::fs::write(file, bytes).map_err(|e| Trouble::File { path: file.to_owned(), why: e.to_string() })?;
            session.say(&format!("Written to {}.\n", file.display()))
        }
        None => session.say(&text),
    }
}

async fn import(session: &Session, file: &Path) -> Result<(), Trouble> {
    let trouble = |why: String| Trouble::File { path: file.to_owned(), why };
    let bytes = std::fs::read(file).map_err(|e| trouble(e.to_string()))?;
    let text = reg_text::decode(&bytes).map_err(|e| trouble(e.to_string()))?;
    // Read here first: a mistake in the file is told with its line before anything is sent.
    reg_text::import(&text).map_err(|e| trouble(e.to_string()))?;
    let ask = Ask::new(Method::POST, ["registry"]).query("format", "reg").text(text);
    session.change(ask, Hope::Rest).await
}
