//! The cluster as a whole, its networks, and the names that it serves.

use std::collections::BTreeMap;

use cluster_engine::Guid;
use cluster_engine::state::{ClusterState, NodeState, Resource, ResourceState, property};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Sight, rfc3339};
use crate::api::names;
use crate::api::values::to_json;

/// The cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ClusterView {
    /// Name of the cluster.
    pub name: String,
    /// Id of the cluster.
    pub id: String,
    /// The node that gives this answer.
    pub answered_by: String,
    /// The node that leads, as far as this one knows.
    pub leader: Option<String>,
    /// This node is in contact with a majority of votes.
    pub quorate: bool,
    /// What is told may be out of date, because this node is not in contact with a majority.
    pub stale: bool,
    /// Index of the last change that this node has applied.
    pub applied: u64,
    /// Now, by the clock of this node.
    pub time: String,
    /// Which life of its service this node is in.
    pub incarnation: u64,
    /// How votes are counted.
    pub quorum_type: String,
    /// The witness, if there is one.
    pub quorum_resource: Option<String>,
    /// How long a silent node is believed to be alive, ms.
    pub detection_ms: u64,
    /// How long after that its groups wait before they start elsewhere, ms.
    pub fence_ms: u64,
    /// The nodes run in a lab, where faults can be made.
    pub lab: bool,
    /// Version of the service.
    pub version: String,
    /// Common properties that are set.
    pub properties: BTreeMap<String, Value>,
}

impl ClusterView {
    /// The cluster as seen now.
    #[must_use]
    pub fn of(sight: Sight<'_>) -> ClusterView {
        let Sight { state, vantage, facts, .. } = sight;
        ClusterView {
            name: state.config.name.clone(),
            id: state.config.id.to_string(),
            answered_by: facts.name.clone(),
            leader: vantage.leader.map(|id| names::of_node(state, id)),
            quorate: vantage.quorate,
            stale: !vantage.quorate,
            applied: state.applied,
            time: rfc3339(vantage.now),
            incarnation: state.nodes.get(&facts.node).map_or(0, |n| n.incarnation),
            quorum_type: state.quorum.model.name().to_owned(),
            quorum_resource: state.chosen_quorum_resource().map(|r| r.config.name.clone()),
            detection_ms: state.config.detection().0,
            fence_ms: vantage.fence.0,
            lab: facts.lab,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            properties: set_properties(state),
        }
    }
}

/// Common properties of the cluster that stand in the registry.
fn set_properties(state: &ClusterState) -> BTreeMap<String, Value> {
    let stored = |p: &property::Property| state.hive.value("", p.name).map(|v| (p.name.to_owned(), to_json(v)));
    property::of(property::Kind::Cluster).filter_map(stored).collect()
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct NetworkView {
    /// Its name.
    pub name: String,
    /// `Up` when every node that is up was heard within the detection time, else `Partitioned`; `Down` with no node up.
    pub state: String,
    /// Property Role: 0 none, 1 cluster, 2 clients, 3 both.
    pub role: u32,
}

impl NetworkView {
    /// The networks of the registry.
    #[must_use]
    pub fn all(sight: Sight<'_>) -> Vec<NetworkView> {
        let Some(key) = sight.state.hive.key("Networks") else { return Vec::new() };
        let view = |network: clusreg::Key<'_>| NetworkView {
            name: network.value("Name").and_then(clusreg::Value::as_sz).unwrap_or_else(|| network.name().to_owned()),
            state: network_state(sight).to_owned(),
            role: property::dword(&sight.state.hive, property::Kind::Network, &network.path(), "Role"),
        };
        key.subkeys().map(view).collect()
    }
}

fn network_state(sight: Sight<'_>) -> &'static str {
    let mut up = sight.state.nodes.values().filter(|n| n.state == NodeState::Up).peekable();
    if up.peek().is_none() {
        return "Down";
    }
    let limit = sight.state.config.detection();
    let heard = |id| {
        id == sight.facts.node
            || sight.vantage.last_heard.get(&id).is_some_and(|at| sight.vantage.now.since(*at) <= limit)
    };
    if up.all(|n| heard(n.id)) { "Up" } else { "Partitioned" }
}

/// A name that clients of the cluster's services look up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct NameView {
    /// The name.
    pub name: String,
    /// The addresses behind it: those of the IP Address resources that the Network Name depends on.
    pub addresses: Vec<String>,
    /// Where it is served.
    pub owner_node: String,
    /// The resource.
    pub resource: String,
}

impl NameView {
    /// The names that are online.
    #[must_use]
    pub fn all(state: &ClusterState) -> Vec<NameView> {
        let online =
            |r: &&Resource| r.state == ResourceState::Online && names::same(&r.config.type_name, "Network Name");
        let parameter = |id: Guid, name: &str| state.hive.sz(&format!("Resources\\{id}\\Parameters"), name);
        let view = |r: &Resource| NameView {
            name: parameter(r.id, "Name")
                .or_else(|| parameter(r.id, "DnsName"))
                .unwrap_or_else(|| r.config.name.clone()),
            addresses: r.config.dependencies.providers().filter_map(|p| parameter(p, "Address")).collect(),
            owner_node: state.groups.get(&r.group).map(|g| names::of_node(state, g.owner)).unwrap_or_default(),
            resource: r.config.name.clone(),
        };
        state.resources.values().filter(online).map(view).collect()
    }
}
