//! `cluster status`: everything on one screen.

use serde_json::json;

use super::output;
use super::session::Session;
use super::trouble::Trouble;
use crate::api::views::{ClusterView, GroupView, NodeView, ResourceView};

/// What a resource or group says of itself beside its state.
const WIDTH: usize = 100;

pub(super) async fn show(session: &Session) -> Result<(), Trouble> {
    let (cluster, nodes) = (session.get(&["cluster"]).await?, session.get(&["nodes"]).await?);
    let (groups, resources) = (session.get(&["groups"]).await?, session.get(&["resources"]).await?);
    let all = json!({ "Cluster": cluster, "Nodes": nodes, "Groups": groups, "Resources": resources });
    session.print(&all, || {
        let cluster: ClusterView = session.read(&cluster)?;
        let nodes: Vec<NodeView> = session.read(&nodes)?;
        let groups: Vec<GroupView> = session.read(&groups)?;
        let resources: Vec<ResourceView> = session.read(&resources)?;
        Ok([head(&cluster), nodes_table(&nodes), groups_table(&groups, &resources)].join("\n"))
    })
}

fn head(cluster: &ClusterView) -> String {
    let leader = cluster.leader.as_ref().map_or_else(|| "no leader known".to_owned(), |l| format!("leader {l}"));
    let quorum = if cluster.quorate {
        format!("quorum ({})", cluster.quorum_type)
    } else {
        format!("NO QUORUM; what follows is what {} knew last", cluster.answered_by)
    };
    format!("Cluster {}: {quorum}, {leader}. Answered by {}.\n", cluster.name, cluster.answered_by)
}

fn nodes_table(nodes: &[NodeView]) -> String {
    let row = |n: &NodeView| {
        let mut notes = Vec::new();
        if n.leader {
            notes.push("leader".to_owned());
        }
        if n.quorum_owner {
            notes.push("witness".to_owned());
        }
        if n.node_weight == 0 || n.dynamic_weight == 0 {
            notes.push("no vote".to_owned());
        }
        if n.status_information != "Normal" {
            notes.push(n.status_information.clone());
        }
        if n.drain_status != "NotInitiated" {
            notes.push(format!("drain {}", n.drain_status));
        }
        [n.name.clone(), n.id.clone(), n.state.clone(), n.groups.join(", "), notes.join(", ")]
    };
    output::table(&["Node", "ID", "State", "Groups", ""], nodes.iter().map(row))
}

fn groups_table(groups: &[GroupView], resources: &[ResourceView]) -> String {
    let mut rows = Vec::new();
    for group in groups {
        let moving = group.moving.as_ref().map(|m| format!("moves to {} ({})", m.to, m.kind));
        let note = moving.or_else(|| group.waiting.first().cloned()).unwrap_or_default();
        rows.push([group.name.clone(), group.state.clone(), group.owner_node.clone(), String::new(), cut(&note)]);
        for resource in resources.iter().filter(|r| r.owner_group == group.name) {
            let note = resource.waiting.first().cloned().unwrap_or_default();
            let name = format!("  {}", resource.name);
            rows.push([name, resource.state.clone(), String::new(), resource.resource_type.clone(), cut(&note)]);
        }
    }
    output::table(&["Group, Resource", "State", "OwnerNode", "Type", ""], rows)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH - 3).chain("...".chars()).collect()
}
