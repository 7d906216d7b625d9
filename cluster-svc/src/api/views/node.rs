//! A node.

use cluster_engine::state::{DrainStatus, Node, NodeState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sight;

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its id, "1" to "64".
    pub id: String,
    /// `Up`, `Down`, `Paused` or `Joining`.
    pub state: String,
    /// It leads, as far as the answering node knows.
    pub leader: bool,
    /// It hosts the witness.
    pub quorum_owner: bool,
    /// The vote that the administrator gave it.
    pub node_weight: u32,
    /// The vote that it has now.
    pub dynamic_weight: u32,
    /// `NotInitiated`, `InProgress`, `Completed` or `Failed`.
    pub drain_status: String,
    /// The process of its service; null when it is not known.
    pub process_id: Option<u32>,
    /// Where its service listens for other nodes.
    pub address: String,
    /// Where its API listens; null when it is not known.
    pub api_address: Option<String>,
    /// How long ago the answering node last heard it, ms; 0 for itself, null for never.
    pub last_heard_ms: Option<u64>,
    /// Names of the groups it owns.
    pub groups: Vec<String>,
}

impl NodeView {
    /// One node.
    #[must_use]
    pub fn of(sight: Sight<'_>, node: &Node) -> NodeView {
        let Sight { state, vantage, facts, peers } = sight;
        let peer = peers.get(&node.id);
        let is_self = node.id == facts.node;
        let heard = || vantage.last_heard.get(&node.id).map(|at| vantage.now.since(*at).0);
        let groups = state.groups.values().filter(|g| g.owner == node.id).map(|g| g.config.name.clone());
        NodeView {
            name: node.config.name.clone(),
            id: node.id.to_string(),
            state: node_state_word(node).to_owned(),
            leader: vantage.leader == Some(node.id),
            quorum_owner: false,
            node_weight: node.config.weight,
            dynamic_weight: node.config.weight,
            drain_status: drain_word(node.drain).to_owned(),
            process_id: peer.and_then(|p| p.process_id),
            address: node.config.address.clone(),
            api_address: peer.and_then(|p| p.api_address.clone()),
            last_heard_ms: if is_self { Some(0) } else { heard() },
            groups: groups.collect(),
        }
    }

    /// All nodes, by id.
    #[must_use]
    pub fn all(sight: Sight<'_>) -> Vec<NodeView> {
        sight.state.nodes.values().map(|n| NodeView::of(sight, n)).collect()
    }
}

/// CLUSTER_NODE_STATE (reference 02): a paused node is one that is up.
fn node_state_word(node: &Node) -> &'static str {
    match (node.state, node.paused) {
        (NodeState::Up, false) => "Up",
        (NodeState::Up, true) => "Paused",
        (NodeState::Down, _) => "Down",
        (NodeState::Joining, _) => "Joining",
    }
}

fn drain_word(status: DrainStatus) -> &'static str {
    match status {
        DrainStatus::NotInitiated => "NotInitiated",
        DrainStatus::InProgress => "InProgress",
        DrainStatus::Completed => "Completed",
        DrainStatus::Failed => "Failed",
    }
}
