//! `cluster demo`, `cluster up` and `cluster lab`.

use std::process::ExitCode;

use reqwest::Method;
use serde_json::{Value, json};

use super::args::{Demo, Lab, Up};
use super::client::Ask;
use super::output;
use super::session::Session;
use super::trouble::Trouble;

/// Three nodes with sample groups, until Ctrl-C.
pub(super) fn demo(demo: &Demo) -> ExitCode {
    let Demo { nodes, dir, port } = demo.clone();
    crate::lab::main(nodes, dir, port, true)
}

/// Nodes without samples, until Ctrl-C.
pub(super) fn up(up: &Up) -> ExitCode {
    let Up { nodes, dir, port } = up.clone();
    crate::lab::main(nodes, Some(dir), port, false)
}

pub(super) async fn run(session: &Session, verb: Lab) -> Result<(), Trouble> {
    match verb {
        Lab::Show => {
            let answer = session.get(&["lab"]).await?;
            session.print(&answer, || Ok(show(&answer)))
        }
        Lab::Kill(node) => on_node(session, &node.name, "kill").await,
        Lab::Pause(node) => on_node(session, &node.name, "pause").await,
        Lab::Continue(node) => on_node(session, &node.name, "continue").await,
        Lab::Start(node) => on_node(session, &node.name, "start").await,
        Lab::Stop(node) => on_node(session, &node.name, "stop").await,
        Lab::Cut { from, to, one_way } => link(session, &from, &to, true, !one_way).await,
        Lab::CutStorage(node) => storage(session, &node.name, true).await,
        Lab::MendStorage(node) => storage(session, &node.name, false).await,
        Lab::Heal { from: Some(from), to: Some(to) } => link(session, &from, &to, false, true).await,
        Lab::Heal { .. } => act(session, Ask::new(Method::POST, ["lab", "heal"]), "Healed.").await,
    }
}

async fn on_node(session: &Session, node: &str, what: &str) -> Result<(), Trouble> {
    act(session, Ask::new(Method::POST, ["lab", "nodes", node, what]), &format!("{node}: {what}.")).await
}

async fn link(session: &Session, from: &str, to: &str, cut: bool, both_ways: bool) -> Result<(), Trouble> {
    let body = json!({ "From": from, "To": to, "Cut": cut, "BothWays": both_ways });
    let what = if cut { "cut" } else { "whole" };
    let arrow = if both_ways { "<->" } else { "->" };
    act(session, Ask::new(Method::PUT, ["lab", "links"]).json(body), &format!("{from} {arrow} {to}: {what}.")).await
}

async fn storage(session: &Session, node: &str, cut: bool) -> Result<(), Trouble> {
    let body = json!({ "Node": node, "Cut": cut });
    let what = if cut { "cut" } else { "whole" };
    act(session, Ask::new(Method::PUT, ["lab", "storage"]).json(body), &format!("storage path of {node}: {what}."))
        .await
}

async fn act(session: &Session, ask: Ask, done: &str) -> Result<(), Trouble> {
    let answer = session.client.ask(ask).await?;
    session.print(&answer, || Ok(format!("{done}\n")))
}

/// Processes, and the links that are cut.
fn show(lab: &Value) -> String {
    let items = |name: &str| lab[name].as_array().cloned().unwrap_or_default();
    let row = |node: Value| ["Name", "Process", "ProcessId", "ApiAddress", "Restarts"].map(|c| output::shown(&node[c]));
    let nodes =
        output::table(&["Name", "Process", "ProcessId", "ApiAddress", "Restarts"], items("Nodes").into_iter().map(row));
    let is_cut = |link: &Value| link["Cut"].as_bool() == Some(true);
    let cut: Vec<String> = items("Links")
        .iter()
        .filter(|l| is_cut(l))
        .map(|l| format!("{} -> {}", output::shown(&l["From"]), output::shown(&l["To"])))
        .collect();
    let links = if cut.is_empty() { "All links are whole.".to_owned() } else { format!("Cut: {}.", cut.join(", ")) };
    let is_off = |node: &Value| node["StorageCut"].as_bool() == Some(true);
    let off: Vec<String> = items("Nodes").iter().filter(|n| is_off(n)).map(|n| output::shown(&n["Name"])).collect();
    let storage = if off.is_empty() {
        String::new()
    } else {
        format!("Without a way to the quorum device: {}.\n", off.join(", "))
    };
    format!("{nodes}\n{links}\n{storage}")
}
