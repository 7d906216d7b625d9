//! A node.

use cluster_engine::state::{ClusterState, DrainStatus, Node, NodeState};
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
    /// It owns the quorum resource.
    pub quorum_owner: bool,
    /// The vote that the administrator gave it.
    pub node_weight: u32,
    /// 1: the cluster lets its vote count; 0 when it was taken, because the node is not up or to keep the number odd.
    pub dynamic_weight: u32,
    /// `Normal` or `Quarantined`: it left the membership too often, and may not join for a while.
    pub status_information: String,
    /// In how many ms its quarantine ends by itself; null when it is in none, or in one that only ends by hand.
    pub quarantine_ends_ms: Option<u64>,
    /// 1: quorum was forced elsewhere while this node was away; it has to join, and must not form a cluster.
    pub needs_prevent_quorum: u32,
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
            quorum_owner: state.quorum_owner() == Some(node.id),
            node_weight: node.config.weight,
            dynamic_weight: dynamic_weight(state, node),
            status_information: if node.quarantined_until.is_some() { "Quarantined" } else { "Normal" }.to_owned(),
            quarantine_ends_ms: node.quarantined_until.filter(|at| at.0 != u64::MAX).map(|at| at.since(vantage.now).0),
            needs_prevent_quorum: needs_prevent_quorum(state, node),
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

/// DynamicWeight of a node: does its vote count in the log at the last change applied?
#[must_use]
pub(in crate::api) fn dynamic_weight(state: &ClusterState, node: &Node) -> u32 {
    u32::from(state.quorum.voters.voters.contains(&node.voter))
}

/// NeedsPreventQuorum: quorum was forced, and this node has not joined the forced cluster yet (reference 7.6).
#[must_use]
pub(in crate::api) fn needs_prevent_quorum(state: &ClusterState, node: &Node) -> u32 {
    let is_out = node.state != NodeState::Up && state.quorum.forced_by.is_some_and(|forcer| forcer != node.id);
    u32::from(is_out)
}

/// CLUSTER_NODE_STATUS (reference 02): quarantine and drain, as bits. Nothing is ever isolated here: a node that loses
/// contact is down.
#[must_use]
pub(in crate::api) fn status_bits(node: &Node) -> u32 {
    let drain = match node.drain {
        DrainStatus::NotInitiated => 0,
        DrainStatus::InProgress => 4,
        DrainStatus::Completed => 8,
        DrainStatus::Failed => 16,
    };
    drain | if node.quarantined_until.is_some() { 2 } else { 0 }
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
