//! `cluster node`.

use cluster_engine::state::property::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::{Failback, Node};
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
        Node::Stop(node) => {
            // A node cannot be waited for by itself.
            let ask = super::client::Ask::new(Method::POST, ["nodes", &node.name, "stop"]);
            let answer = session.client.ask(ask).await?;
            session.print(&answer, || Ok(format!("{} is stopping.\n", node.name)))
        }
        Node::Evict(node) => session.send(Method::DELETE, &["nodes", &node.name], None).await,
        Node::Properties(given) => {
            settings::properties(session, Kind::Node, &["nodes", &given.name], &given.values).await
        }
    }
}

/// The columns of Get-ClusterNode.
pub(super) fn table(nodes: &[NodeView]) -> String {
    output::table(&["Name", "ID", "State"], nodes.iter().map(|n| [n.name.clone(), n.id.clone(), n.state.clone()]))
}
