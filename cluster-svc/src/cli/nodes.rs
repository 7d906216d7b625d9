//! `cluster node`.

use cluster_engine::state::property::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::{Failback, Node, StartNode};
use super::client::Ask;
use super::output;
use super::session::{Session, members};
use super::settings;
use super::trouble::Trouble;
use crate::api::views::NodeView;

pub(super) async fn run(session: &Session, verb: Node) -> Result<(), Trouble> {
    match verb {
        Node::List => {
            let answer = session.get(&["nodes"]).await?;
            let nodes: Vec<NodeView> = session.read(&answer)?;
            session.print(&answer, || Ok(table(&nodes)))
        }
        Node::Show(node) => session.show(&["nodes", &node.name]).await,
        Node::Pause { name, drain, target } => {
            let body = members([("Drain", Some(json!(drain))), ("Target", target.map(Value::from))]);
            session.send(Method::POST, &["nodes", &name, "pause"], Some(body)).await
        }
        Node::Resume { name, failback } => {
            let word = match failback {
                Failback::NoFailback => "NoFailback",
                Failback::Immediate => "Immediate",
                Failback::Policy => "Policy",
            };
            session.send(Method::POST, &["nodes", &name, "resume"], Some(json!({ "Failback": word }))).await
        }
        Node::Start(start) => start_node(session, start).await,
        Node::Stop(node) => {
            // A node cannot be waited for by itself.
            let ask = Ask::new(Method::POST, ["nodes", &node.name, "stop"]);
            let answer = session.client.ask(ask).await?;
            session.print(&answer, || Ok(format!("{} is stopping.\n", node.name)))
        }
        Node::Evict(node) => session.send(Method::DELETE, &["nodes", &node.name], None).await,
        Node::Properties(given) => {
            settings::properties(session, Kind::Node, &["nodes", &given.name], &given.values).await
        }
    }
}

/// Start-ClusterNode: only a lab can start a service that is down.
async fn start_node(session: &Session, start: StartNode) -> Result<(), Trouble> {
    let StartNode { name, force_quorum, prevent_quorum, clear_quarantine } = start;
    let mut done = Vec::new();
    if clear_quarantine {
        let answer = session.client.ask(Ask::new(Method::POST, ["nodes", &name, "clear-quarantine"])).await?;
        done.push(format!("{name} is not in quarantine."));
        // A service that runs tries by itself again and again.
        let lab = session.get(&["lab"]).await;
        let is_same = |node: &&Value| node["Name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(&name));
        let node = lab.as_ref().ok().and_then(|lab| lab["Nodes"].as_array()?.iter().find(is_same).cloned());
        if node.is_none_or(|node| node["Process"] != "stopped") && !force_quorum && !prevent_quorum {
            return session.print(&answer, || Ok(format!("{}\n", done.join("\n"))));
        }
    }
    let body = members([
        ("ForceQuorum", force_quorum.then_some(Value::Bool(true))),
        ("PreventQuorum", prevent_quorum.then_some(Value::Bool(true))),
    ]);
    let answer = session.client.ask(Ask::new(Method::POST, ["lab", "nodes", &name, "start"]).json(body)).await?;
    done.push(if force_quorum {
        format!("{name} is started with force quorum: what it knows is the truth now, and the others have to join it.")
    } else {
        format!("{name} is started.")
    });
    session.print(&answer, || Ok(format!("{}\n", done.join("\n"))))
}

/// The columns of Get-ClusterNode.
pub(super) fn table(nodes: &[NodeView]) -> String {
    let status =
        |n: &NodeView| if n.status_information == "Normal" { String::new() } else { n.status_information.clone() };
    let row = |n: &NodeView| [n.name.clone(), n.id.clone(), n.state.clone(), status(n)];
    output::table(&["Name", "ID", "State", ""], nodes.iter().map(row))
}
