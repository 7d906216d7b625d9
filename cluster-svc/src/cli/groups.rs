//! `cluster group`.

use cluster_engine::state::property::Kind;
use reqwest::Method;
use serde_json::{Value, json};

use super::args::Group;
use super::client::Ask;
use super::output;
use super::session::{Hope, Session, members};
use super::settings;
use super::trouble::Trouble;
use crate::api::views::{GroupView, PlacementView};

pub(super) async fn run(session: &Session, verb: Group) -> Result<(), Trouble> {
    match verb {
        Group::List { node } => list(session, node.as_deref()).await,
        Group::Show(group) => session.show(&["groups", &group.name]).await,
        Group::Create { name, group_type } => {
            let body = members([("Name", Some(Value::from(name))), ("GroupType", group_type.map(Value::from))]);
            session.send(Method::POST, &["groups"], Some(body)).await
        }
        Group::Delete { name, force } => {
            let ask = Ask::new(Method::DELETE, ["groups", &name]).maybe("force", force.then_some("true"));
            session.change(ask, Hope::Rest).await
        }
        Group::Rename { name, new_name } => {
            session.send(Method::PATCH, &["groups", &name], Some(json!({ "Name": new_name }))).await
        }
        Group::Online { name, node } => session.send_online(&["groups", &name, "online"], Some(target(node))).await,
        Group::Offline(group) => session.send(Method::POST, &["groups", &group.name, "offline"], None).await,
        Group::Move { name, node } => session.send(Method::POST, &["groups", &name, "move"], Some(target(node))).await,
        Group::Owners { name, nodes, clear } => {
            if nodes.is_empty() && !clear {
                return owners(session, &name).await;
            }
            session.send(Method::PUT, &["groups", &name, "owners"], Some(Value::from(nodes))).await
        }
        Group::Set(given) | Group::Properties(given) => {
            settings::properties(session, Kind::Group, &["groups", &given.name], &given.values).await
        }
        Group::Placement(group) => placement(session, &group.name).await,
    }
}

fn target(node: Option<String>) -> Value {
    members([("Node", node.map(Value::from))])
}

/// The groups, all or those of one node.
async fn list(session: &Session, node: Option<&str>) -> Result<(), Trouble> {
    let answer = session.get(&["groups"]).await?;
    let mut groups: Vec<GroupView> = session.read(&answer)?;
    groups.retain(|g| node.is_none_or(|n| g.owner_node.eq_ignore_ascii_case(n)));
    let answer = if node.is_some() { serde_json::to_value(&groups).unwrap_or_default() } else { answer };
    session.print(&answer, || Ok(table(&groups)))
}

/// The columns of Get-ClusterOwnerNode.
async fn owners(session: &Session, name: &str) -> Result<(), Trouble> {
    let answer = session.get(&["groups", name]).await?;
    let group: GroupView = session.read(&answer)?;
    let owners = json!({ "ClusterObject": group.name, "OwnerNodes": group.preferred_owners });
    session.print(&owners, || Ok(settings::owners_table(&group.name, &group.preferred_owners)))
}

async fn placement(session: &Session, name: &str) -> Result<(), Trouble> {
    let answer = session.get(&["groups", name, "placement"]).await?;
    let placement: PlacementView = session.read(&answer)?;
    session.print(&answer, || {
        let chosen = match &placement.chosen {
            Some(node) => format!("A failover would put it on {node}.\n\n"),
            None => "No other node can take it.\n\n".to_owned(),
        };
        let rows = placement.candidates.iter().map(|c| [c.node.clone(), c.verdict.clone()]);
        Ok(chosen + &output::table(&["Node", "Verdict"], rows))
    })
}

/// The columns of Get-ClusterGroup.
pub(super) fn table(groups: &[GroupView]) -> String {
    let row = |g: &GroupView| [g.name.clone(), g.owner_node.clone(), g.state.clone()];
    output::table(&["Name", "OwnerNode", "State"], groups.iter().map(row))
}
