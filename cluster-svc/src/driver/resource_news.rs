//! What resource libraries are told when the cluster changes around them: the internal control codes (reference 01.8, 05.4).
//!
//! The agreed state is compared with what it was the last time. Each difference that a library can hear of becomes a
//! control code: dependencies, owners, names, nodes, groups, the state of a provider, the deletion. They go to the instances
//! that are open on this node, and type codes once to each type that has one; answers do not matter. Every node compares for
//! itself, so every instance hears, wherever it is.
//!
//! `STATE_CHANGE_REASON` goes out before each Offline and Terminate; the monitor passes it on to libraries that want it.
//!
//! Some go only to who has asked for them by its characteristics: a new owner (`NOTIFY_OWNER_CHANGE`), the end of a drain of
//! this node (`NOTIFY_DRAIN_COMPLETE`), the operation that an Offline belongs to (`GET_OPERATION_CONTEXT`), and the deletion,
//! on other nodes than the owner's. Where the reference leaves the buffers open, there is none.
//!
//! Not here: `STARTING_PHASE1` and `2`, which a monitor sends when it has started a type, and `CHECK_DRAIN_VETO`, on whose
//! answer the drain depends (`cluster_engine::state`, drain). Never sent, because nothing in this cluster corresponds:
//! docs/resource-types.md says which.

use std::collections::{BTreeMap, BTreeSet};

use cluster_engine::state::{ClusterState, DrainStatus, MoveKind, Resource, ResourceState};
use cluster_engine::{Guid, NodeId};
use resapi_sys_mock::abi::{
    CLUS_CHAR_BROADCAST_DELETE, CLUS_CHAR_NOTIFY_NEW_OWNER, CLUS_CHAR_OPERATION_CONTEXT, CLUS_CHAR_VETO_DRAIN,
};
use resapi_sys_mock::codes::control::*;
use resapi_sys_mock::wide;

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// One resource.
    Resource(Guid),
    /// A type, by its name, through the monitor of one of its resources.
    Type(String),
}

/// One control code for one audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) to: Audience,
    pub(super) code: u32,
    pub(super) input: Vec<u8>,
}

/// What of a resource its library can hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: String,
    type_name: String,
    group: Guid,
    owner: Option<NodeId>,
    characteristics: u32,
    providers: Vec<Guid>,
    possible: Option<Vec<NodeId>>,
    is_online: bool,
}

/// The state as it was looked at last.
#[derive(Debug, Default)]
pub(super) struct ResourceNews {
    cluster_name: Option<String>,
    functional_level: u32,
    /// Where the drain of this node stood.
    drain: DrainStatus,
    nodes: BTreeMap<NodeId, String>,
    resources: BTreeMap<Guid, Seen>,
}

impl ResourceNews {
    /// Compares with the last look. The first look finds nothing.
    pub(super) fn look(&mut self, state: &ClusterState, me: NodeId) -> Vec<News> {
        let mut news = Vec::new();
        match &self.cluster_name {
            None => {}
            Some(old) => {
                if *old != state.config.name {
                    let input = wide::bytes(&state.config.name);
                    to_all_resources(state, CLUSCTL_RESOURCE_CLUSTER_NAME_CHANGED, &input, &mut news);
                }
                self.look_at_nodes(state, &mut news);
                self.look_at_level(state, &mut news);
                self.look_at_drain(state, me, &mut news);
                for (id, resource) in &state.resources {
                    if let Some(old) = self.resources.get(id) {
                        self.look_at(*id, old, resource, state, &mut news);
                    }
                }
            }
        }
        self.remember(state, me);
        news
    }

    /// The resource was open here and is deleted now, and this node owned it, or all nodes are to hear of it: its library
    /// hears so before Close.
    pub(super) fn is_deletion(&self, resource: Guid, state: &ClusterState, me: NodeId) -> bool {
        let is_told = |old: &Seen| old.owner == Some(me) || old.characteristics & CLUS_CHAR_BROADCAST_DELETE != 0;
        self.resources.get(&resource).is_some_and(is_told) && !state.resources.contains_key(&resource)
    }

    fn look_at_nodes(&self, state: &ClusterState, news: &mut Vec<News>) {
        let came = state.nodes.iter().filter(|(id, _)| !self.nodes.contains_key(id)).map(|(_, node)| &node.config.name);
        for name in came {
            let input = wide::bytes(name);
            to_all_types(state, CLUSCTL_RESOURCE_TYPE_INSTALL_NODE, &input, news);
            to_all_resources(state, CLUSCTL_RESOURCE_INSTALL_NODE, &input, news);
        }
        for (_, name) in self.nodes.iter().filter(|(id, _)| !state.nodes.contains_key(id)) {
            let input = wide::bytes(name);
            to_all_types(state, CLUSCTL_RESOURCE_TYPE_EVICT_NODE, &input, news);
            to_all_resources(state, CLUSCTL_RESOURCE_EVICT_NODE, &input, news);
        }
    }

    /// The functional level of the cluster was changed: types hear of it first, so that they can put their keys in order.
    fn look_at_level(&self, state: &ClusterState, news: &mut Vec<News>) {
        let level = functional_level(state);
        if level == self.functional_level {
            return;
        }
        if level > self.functional_level {
            to_all_types(state, CLUSCTL_RESOURCE_TYPE_FIXUP_ON_UPGRADE, &[], news);
        }
        to_all_types(state, CLUSCTL_RESOURCE_TYPE_CLUSTER_VERSION_CHANGED, &[], news);
        to_all_resources(state, CLUSCTL_RESOURCE_CLUSTER_VERSION_CHANGED, &[], news);
    }

    /// This node is drained: whoever had a say in it hears that it is over, and their types.
    fn look_at_drain(&self, state: &ClusterState, me: NodeId, news: &mut Vec<News>) {
        if self.drain == DrainStatus::Completed || drain_of(state, me) != DrainStatus::Completed {
            return;
        }
        let had_say = || state.resources.iter().filter(|(_, resource)| resource.is_said_to(CLUS_CHAR_VETO_DRAIN));
        let types: BTreeSet<&String> = had_say().map(|(_, resource)| &resource.config.type_name).collect();
        let code = CLUSCTL_RESOURCE_TYPE_NOTIFY_DRAIN_COMPLETE;
        news.extend(types.into_iter().map(|name| News { to: Audience::Type(name.clone()), code, input: Vec::new() }));
        let code = CLUSCTL_RESOURCE_NOTIFY_DRAIN_COMPLETE;
        news.extend(had_say().map(|(id, _)| News { to: Audience::Resource(*id), code, input: Vec::new() }));
    }

    fn look_at(&self, id: Guid, old: &Seen, now: &Resource, state: &ClusterState, news: &mut Vec<News>) {
        let mut tell = |code, input| news.push(News { to: Audience::Resource(id), code, input });
        if old.name != now.config.name {
            tell(CLUSCTL_RESOURCE_SET_NAME, wide::bytes(&now.config.name));
        }
        let owner = state.groups.get(&now.group).map(|group| group.owner);
        if old.owner != owner && now.is_said_to(CLUS_CHAR_NOTIFY_NEW_OWNER) {
            tell(CLUSCTL_RESOURCE_NOTIFY_OWNER_CHANGE, Vec::new());
        }
        if old.group != now.group {
            tell(CLUSCTL_RESOURCE_LEAVING_GROUP, Vec::new());
            tell(CLUSCTL_RESOURCE_JOINING_GROUP, Vec::new());
        }
        let is_same = now.config.dependencies.providers().eq(old.providers.iter().copied());
        if !is_same {
            let name_of = |id: Guid| {
                let now = state.resources.get(&id).map(|r| r.config.name.as_str());
                wide::bytes(now.or_else(|| self.resources.get(&id).map(|old| old.name.as_str())).unwrap_or_default())
            };
            for provider in now.config.dependencies.providers().filter(|id| !old.providers.contains(id)) {
                tell(CLUSCTL_RESOURCE_ADD_DEPENDENCY, name_of(provider));
            }
            for provider in old.providers.iter().filter(|id| !now.config.dependencies.names(**id)) {
                tell(CLUSCTL_RESOURCE_REMOVE_DEPENDENCY, name_of(*provider));
            }
        }
        if old.possible != now.config.possible {
            let all = |list: &Option<Vec<NodeId>>| -> BTreeSet<NodeId> {
                list.as_ref().map_or_else(|| state.nodes.keys().copied().collect(), |l| l.iter().copied().collect())
            };
            let (before, after) = (all(&old.possible), all(&now.config.possible));
            let name_of = |id: &NodeId| state.nodes.get(id).map(|node| wide::bytes(&node.config.name));
            for input in after.difference(&before).filter_map(name_of) {
                tell(CLUSCTL_RESOURCE_ADD_OWNER, input);
            }
            for input in before.difference(&after).filter_map(name_of) {
                tell(CLUSCTL_RESOURCE_REMOVE_OWNER, input);
            }
        }
        // Only who runs has something to do about it.
        let has_changed = |provider: Guid| {
            let old = self.resources.get(&provider).map(|old| old.is_online);
            let now = state.resources.get(&provider).map(|now| now.state == ResourceState::Online);
            matches!((old, now), (Some(old), Some(now)) if old != now)
        };
        if now.state == ResourceState::Online && now.config.dependencies.providers().any(has_changed) {
            tell(CLUSCTL_RESOURCE_PROVIDER_STATE_CHANGE, Vec::new());
        }
    }

    /// Takes over what is different; nothing is copied that is as it was.
    fn remember(&mut self, state: &ClusterState, me: NodeId) {
        self.functional_level = functional_level(state);
        self.drain = drain_of(state, me);
        if self.cluster_name.as_ref() != Some(&state.config.name) {
            self.cluster_name = Some(state.config.name.clone());
        }
        let is_same_nodes = self.nodes.len() == state.nodes.len()
            && state.nodes.iter().all(|(id, node)| self.nodes.get(id) == Some(&node.config.name));
        if !is_same_nodes {
            self.nodes = state.nodes.iter().map(|(id, node)| (*id, node.config.name.clone())).collect();
        }
        self.resources.retain(|id, _| state.resources.contains_key(id));
        for (id, resource) in &state.resources {
            let owner = state.groups.get(&resource.group).map(|group| group.owner);
            if !self.resources.get(id).is_some_and(|old| old.is_like(resource, owner)) {
                self.resources.insert(*id, Seen::of(resource, owner));
            }
        }
    }
}

impl Seen {
    fn of(resource: &Resource, owner: Option<NodeId>) -> Seen {
        Seen {
            name: resource.config.name.clone(),
            type_name: resource.config.type_name.clone(),
            group: resource.group,
            owner,
            characteristics: resource.config.characteristics,
            providers: resource.config.dependencies.providers().collect(),
            possible: resource.config.possible.clone(),
            is_online: resource.state == ResourceState::Online,
        }
    }

    fn is_like(&self, resource: &Resource, owner: Option<NodeId>) -> bool {
        self.owner == owner
            && self.is_online == (resource.state == ResourceState::Online)
            && self.group == resource.group
            && self.name == resource.config.name
            && self.characteristics == resource.config.characteristics
            && self.type_name == resource.config.type_name
            && self.possible == resource.config.possible
            && resource.config.dependencies.providers().eq(self.providers.iter().copied())
    }
}

/// Input of `STATE_CHANGE_REASON`: why this node ends the resource now (CLUSTER_RESOURCE_STATE_CHANGE_REASON). A failed move
/// that returns, and a service that ends without waiting, are not told apart from Unknown.
pub(super) fn state_change_reason(state: &ClusterState, resource: Guid, me: NodeId) -> Vec<u8> {
    const UNKNOWN: u32 = 0;
    const MOVE: u32 = 1;
    const FAILOVER: u32 = 2;
    const SHUTDOWN: u32 = 4;
    /// dwSize and dwVersion of CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT.
    const HEAD: [u32; 2] = [12, 1];
    let group = state.resources.get(&resource).and_then(|resource| state.groups.get(&resource.group));
    let moving = group.and_then(|group| group.moving.as_ref());
    let reason = match moving.map(|moving| moving.kind) {
        _ if state.nodes.get(&me).is_some_and(|node| node.leaving) => SHUTDOWN,
        Some(MoveKind::Manual | MoveKind::Drain | MoveKind::Failback) => MOVE,
        Some(MoveKind::Failure | MoveKind::NodeDown) => FAILOVER,
        None => UNKNOWN,
    };
    HEAD.into_iter().chain([reason]).flat_map(u32::to_le_bytes).collect()
}

/// Input of `GET_OPERATION_CONTEXT`: which operation an Offline belongs to, for a resource that wants to hear it
/// (GET_OPERATION_CONTEXT_PARAMS). `None`: it does not, or the operation is none of those that have a number. Preemption, embedded
/// failures and lost networks of virtual machines do not happen here.
pub(super) fn operation_context(state: &ClusterState, resource: Guid) -> Option<Vec<u8>> {
    const FAILBACK: u32 = 0;
    const DRAIN: u32 = 1;
    /// Size and Version.
    const HEAD: [u32; 2] = [16, 1];
    let resource = state.resources.get(&resource).filter(|found| found.is_said_to(CLUS_CHAR_OPERATION_CONTEXT))?;
    let group = state.groups.get(&resource.group)?;
    let operation = match group.moving.as_ref()?.kind {
        MoveKind::Failback => FAILBACK,
        MoveKind::Drain => DRAIN,
        MoveKind::Manual | MoveKind::Failure | MoveKind::NodeDown => return None,
    };
    Some(HEAD.into_iter().chain([operation, group.config.priority]).flat_map(u32::to_le_bytes).collect())
}

/// The property ClusterFunctionalLevel.
fn functional_level(state: &ClusterState) -> u32 {
    state.hive.dword("", "ClusterFunctionalLevel").unwrap_or(0)
}

fn drain_of(state: &ClusterState, node: NodeId) -> DrainStatus {
    state.nodes.get(&node).map_or(DrainStatus::NotInitiated, |node| node.drain)
}

fn to_all_resources(state: &ClusterState, code: u32, input: &[u8], news: &mut Vec<News>) {
    news.extend(state.resources.keys().map(|id| News { to: Audience::Resource(*id), code, input: input.to_vec() }));
}

fn to_all_types(state: &ClusterState, code: u32, input: &[u8], news: &mut Vec<News>) {
    let types: BTreeSet<&String> = state.resources.values().map(|resource| &resource.config.type_name).collect();
    news.extend(types.into_iter().map(|name| News { to: Audience::Type(name.clone()), code, input: input.to_vec() }));
}

#[cfg(test)]
mod tests;
