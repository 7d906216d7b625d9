//! A resource, and a resource type.

use cluster_engine::NodeId;
use cluster_engine::Time;
use cluster_engine::call::MonitorKey;
use cluster_engine::state::{ClusterState, Group, Resource, ResourceType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sight;
use crate::api::names;

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// `Online`, `Offline`, `Failed`, `OnlinePending` or `OfflinePending`.
    pub state: String,
    /// The state with all its distinctions, as in the cluster log: `WaitingToComeOnline`, `OnlineCallIssued` and so on.
    pub internal_state: String,
    /// The group it is in.
    pub owner_group: String,
    /// The node that owns the group.
    pub owner_node: String,
    /// Its type.
    pub resource_type: String,
    /// What it depends on, with names: `([IP]) and ([A] or [B])`; empty for nothing.
    pub dependency_expression: String,
    /// Names of all that it depends on.
    pub depends_on: Vec<String>,
    /// The nodes that may host it.
    pub possible_owners: Vec<String>,
    /// 1: wanted online, 0: not, null: as its group.
    pub persistent_state: Option<u32>,
    /// 0 do not restart, 1 restart, 2 restart and then fail over.
    pub restart_action: u32,
    /// So many failures within the RestartPeriod are answered by a restart on the same node.
    pub restart_threshold: u32,
    /// Failures within the RestartPeriod on the present owner.
    pub failures: usize,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// In how many ms it is restarted.
    pub restart_at: Option<u64>,
    /// In how many ms it is tried once more.
    pub retry_at: Option<u64>,
    /// How long it has been in this state, ms.
    pub since_ms: u64,
    /// The process of its Resource Monitor; null when there is none.
    pub monitor_process_id: Option<u32>,
    /// It is one of the cluster's own resources.
    pub core: bool,
    /// Why it is not online, one sentence each.
    pub waiting: Vec<String>,
}

impl ResourceView {
    /// One resource.
    #[must_use]
    pub fn of(sight: Sight<'_>, resource: &Resource) -> ResourceView {
        let Sight { state, vantage, .. } = sight;
        let config = &resource.config;
        let group = state.groups.get(&resource.group);
        let name_of =
            |id| state.resources.get(&id).map_or_else(|| id.to_string(), |r: &Resource| r.config.name.clone());
        let ahead = |at: Option<Time>| at.map(|at| at.since(vantage.now).0);
        let possible = |id: &NodeId| config.possible.as_ref().is_none_or(|list| list.contains(id));
        ResourceView {
            name: config.name.clone(),
            id: resource.id.to_string(),
            state: resource.state.word().to_owned(),
            internal_state: resource.state.name().to_owned(),
            owner_group: group.map(|g| g.config.name.clone()).unwrap_or_default(),
            owner_node: group.map(|g| names::of_node(state, g.owner)).unwrap_or_default(),
            resource_type: config.type_name.clone(),
            dependency_expression: config.dependencies.display(name_of),
            depends_on: config.dependencies.providers().map(name_of).collect(),
            possible_owners: state.nodes.values().filter(|n| possible(&n.id)).map(|n| n.config.name.clone()).collect(),
            persistent_state: config.persistent.map(u32::from),
            restart_action: config.restart_action,
            restart_threshold: config.restart_threshold,
            failures: resource.failures.len(),
            last_error: resource.last_cause.as_ref().map(ToString::to_string),
            restart_at: ahead(resource.restart_at),
            retry_at: ahead(resource.retry_at),
            since_ms: vantage.now.since(resource.since).0,
            monitor_process_id: monitor_process(sight, resource),
            core: group.is_some_and(Group::is_core),
            waiting: state.waiting(resource),
        }
    }

    /// All resources, by name.
    #[must_use]
    pub fn all(sight: Sight<'_>) -> Vec<ResourceView> {
        let mut all: Vec<ResourceView> = sight.state.resources.values().map(|r| ResourceView::of(sight, r)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

/// The monitor that hosts the resource on the node that owns it (ARCHITECTURE 6).
fn monitor_process(sight: Sight<'_>, resource: &Resource) -> Option<u32> {
    let group = sight.state.groups.get(&resource.group)?;
    let peer = sight.peers.get(&group.owner)?;
    // A process under Wine is told per resource, as if each had one of its own.
    let own = peer.monitors.get(&MonitorKey::Separate(resource.id));
    own.or_else(|| peer.monitors.get(&sight.state.monitor_of(resource))).copied()
}

/// A resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct TypeView {
    /// The exact name.
    pub name: String,
    /// The name that people see.
    pub display_name: String,
    /// The resource library.
    pub dll_name: String,
    /// Between LooksAlive polls, ms.
    pub looks_alive_poll_interval: u64,
    /// Between IsAlive polls, ms.
    pub is_alive_poll_interval: u64,
    /// Names of the resources of this type, by name.
    pub resources: Vec<String>,
}

impl TypeView {
    /// One type.
    #[must_use]
    pub fn of(state: &ClusterState, resource_type: &ResourceType) -> TypeView {
        let config = &resource_type.config;
        let users = state.resources.values().filter(|r| names::same(&r.config.type_name, &config.name));
        let mut resources: Vec<String> = users.map(|r| r.config.name.clone()).collect();
        resources.sort_unstable();
        TypeView {
            name: config.name.clone(),
            display_name: config.display_name.clone(),
            dll_name: config.dll_name.clone(),
            looks_alive_poll_interval: config.looks_alive.0,
            is_alive_poll_interval: config.is_alive.0,
            resources,
        }
    }

    /// All types, by name.
    #[must_use]
    pub fn all(state: &ClusterState) -> Vec<TypeView> {
        state.types.values().map(|t| TypeView::of(state, t)).collect()
    }
}
