//! Objects as clusapi shows them: by name or id, one or all of a kind, and their neighbours.
//!
//! Networks, network interfaces, group sets and affinity rules have no run-time state in the engine: they are what the
//! cluster registry says. The state of a network follows the nodes that are up, as in the REST API.

use cluster_engine::state::{ClusterState, Group, GroupState, Node, NodeState, Resource, ResourceState, ResourceType};
use cluster_engine::{Guid, NodeId, Refusal, code};
use resapi_sys_mock::abi::CLUS_FLAG_CORE;
use resapi_sys_mock::rpc::{Id, Kind, Object, Relation, Told};

use crate::api::names;

/// ERROR_GROUPSET_NOT_FOUND.
const GROUPSET_NOT_FOUND: u32 = 5992;
/// ERROR_CLUSTER_NETINTERFACE_NOT_FOUND.
const NETINTERFACE_NOT_FOUND: u32 = 5047;

/// An object by name or id (reference 08.1).
pub(super) fn find(state: &ClusterState, kind: Kind, name: &str) -> Result<Told, Refusal> {
    let found = match kind {
        Kind::Cluster => cluster(state),
        Kind::Node => of_node(names::node(state, name)?),
        Kind::Group => of_group(state, names::group(state, name)?),
        Kind::Resource => of_resource(state, names::resource(state, name)?),
        Kind::ResourceType => of_type(names::resource_type(state, name)?),
        Kind::Network | Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => {
            let all = of_registry(state, kind);
            let same = |object: &&Object| names::same(&object.name, name) || names::same(&object.id.id, name);
            let found = all.iter().find(same).cloned();
            found.ok_or_else(|| missing(kind, name))?
        }
    };
    Ok(Told::Object(Box::new(found)))
}

/// An object by id. One that was deleted meanwhile is refused with the code of its kind.
pub(super) fn look(state: &ClusterState, id: &Id) -> Result<Told, Refusal> {
    object(state, id).map(|found| Told::Object(Box::new(found)))
}

pub(super) fn object(state: &ClusterState, id: &Id) -> Result<Object, Refusal> {
    Ok(match id.kind {
        Kind::Cluster => cluster(state),
        Kind::Node => of_node(node(state, &id.id)?),
        Kind::Group => of_group(state, group(state, &id.id)?),
        Kind::Resource => of_resource(state, resource(state, &id.id)?),
        Kind::ResourceType => of_type(names::resource_type(state, &id.id)?),
        Kind::Network | Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => {
            let found = of_registry(state, id.kind).into_iter().find(|object| object.id == *id);
            found.ok_or_else(|| missing(id.kind, &id.id))?
        }
    })
}

pub(super) fn node<'a>(state: &'a ClusterState, id: &str) -> Result<&'a Node, Refusal> {
    id.parse().ok().and_then(|id| state.nodes.get(&NodeId(id))).ok_or_else(|| missing(Kind::Node, id))
}

pub(super) fn group<'a>(state: &'a ClusterState, id: &str) -> Result<&'a Group, Refusal> {
    id.parse::<Guid>().ok().and_then(|id| state.groups.get(&id)).ok_or_else(|| missing(Kind::Group, id))
}

pub(super) fn resource<'a>(state: &'a ClusterState, id: &str) -> Result<&'a Resource, Refusal> {
    id.parse::<Guid>().ok().and_then(|id| state.resources.get(&id)).ok_or_else(|| missing(Kind::Resource, id))
}

pub(super) fn missing(kind: Kind, name: &str) -> Refusal {
    let (code, what) = match kind {
        Kind::Cluster => (code::INVALID_PARAMETER, "cluster"),
        Kind::Node => (code::CLUSTER_NODE_NOT_FOUND, "node"),
        Kind::Group => (code::GROUP_NOT_FOUND, "group"),
        Kind::Resource => (code::RESOURCE_NOT_FOUND, "resource"),
        Kind::ResourceType => (code::CLUSTER_RESOURCE_TYPE_NOT_FOUND, "resource type"),
        Kind::Network => (code::CLUSTER_NETWORK_NOT_FOUND, "network"),
        Kind::NetInterface => (NETINTERFACE_NOT_FOUND, "network interface"),
        Kind::GroupSet => (GROUPSET_NOT_FOUND, "group set"),
        Kind::AffinityRule => (code::FILE_NOT_FOUND, "affinity rule"),
    };
    Refusal::new(code, format!("There is no {what} '{name}' (any more).")).fact("Name", name)
}

/// All objects of a kind.
pub(super) fn list(state: &ClusterState, kind: Kind) -> Vec<Object> {
    match kind {
        Kind::Cluster => vec![cluster(state)],
        Kind::Node => state.nodes.values().map(of_node).collect(),
        Kind::Group => state.groups.values().map(|group| of_group(state, group)).collect(),
        Kind::Resource => state.resources.values().map(|resource| of_resource(state, resource)).collect(),
        Kind::ResourceType => state.types.values().map(of_type).collect(),
        Kind::Network | Kind::NetInterface | Kind::GroupSet | Kind::AffinityRule => of_registry(state, kind),
    }
}

/// Neighbours.
pub(super) fn related(state: &ClusterState, of: &Id, relation: Relation) -> Result<Told, Refusal> {
    let resources = |ids: &mut dyn Iterator<Item = Guid>| -> Vec<Object> {
        ids.filter_map(|id| state.resources.get(&id)).map(|resource| of_resource(state, resource)).collect()
    };
    let nodes = |ids: &mut dyn Iterator<Item = NodeId>| -> Vec<Object> {
        ids.filter_map(|id| state.nodes.get(&id)).map(of_node).collect()
    };
    let groups = |is_one: &dyn Fn(&Group) -> bool| -> Vec<Object> {
        state.groups.values().filter(|group| is_one(group)).map(|group| of_group(state, group)).collect()
    };
    let interfaces = |is_one: &dyn Fn(&Object) -> bool| -> Vec<Object> {
        of_registry(state, Kind::NetInterface).into_iter().filter(|object| is_one(object)).collect()
    };
    let sets = |name: &str| -> Vec<Object> {
        let listed = state.hive.multi_sz(&object_key(of), name).unwrap_or_default();
        let named = |kind: Kind, id: &str| object(state, &Id::new(kind, id)).ok();
        listed.iter().filter_map(|id| named(Kind::Group, id).or_else(|| named(Kind::GroupSet, id))).collect()
    };
    let found = match (of.kind, relation) {
        (Kind::Group, Relation::Members) => {
            let id = group(state, &of.id)?.id;
            resources(&mut state.resources_of(id).map(|resource| resource.id))
        }
        (Kind::Group, Relation::Nodes) => nodes(&mut group(state, &of.id)?.config.preferred.iter().copied()),
        (Kind::Resource, Relation::Nodes) => {
            let possible = &resource(state, &of.id)?.config.possible;
            let is_one = |id: &NodeId| possible.as_ref().is_none_or(|list| list.contains(id));
            nodes(&mut state.nodes.keys().copied().filter(is_one))
        }
        (Kind::Resource, Relation::DependsOn) => {
            resources(&mut resource(state, &of.id)?.config.dependencies.providers())
        }
        (Kind::Resource, Relation::Provides) => {
            let id = resource(state, &of.id)?.id;
            let depends = |other: &&Resource| other.config.dependencies.names(id);
            resources(&mut state.resources.values().filter(depends).map(|other| other.id))
        }
        (Kind::ResourceType, Relation::Members) => {
            let name = &names::resource_type(state, &of.id)?.config.name;
            let is_one = |resource: &&Resource| names::same(&resource.config.type_name, name);
            resources(&mut state.resources.values().filter(is_one).map(|resource| resource.id))
        }
        // A type can be hosted wherever its library is; nothing excludes a node.
        (Kind::ResourceType, Relation::Nodes) => {
            names::resource_type(state, &of.id)?;
            nodes(&mut state.nodes.keys().copied())
        }
        (Kind::Node, Relation::Members) => {
            let id = node(state, &of.id)?.id;
            groups(&|group| group.owner == id)
        }
        (Kind::Node, Relation::Nodes) => {
            let id = node(state, &of.id)?.id;
            groups(&|group| group.config.preferred.contains(&id))
        }
        (Kind::Node, Relation::Interfaces) => {
            node(state, &of.id)?;
            interfaces(&|object| object.parent == of.id)
        }
        (Kind::Network, Relation::Members | Relation::Interfaces) => {
            let network = object(state, of)?;
            interfaces(&|object| names::same(&object.type_name, &network.id.id))
        }
        (Kind::GroupSet | Kind::AffinityRule, Relation::Members) => {
            object(state, of)?;
            sets("Groups")
        }
        (Kind::Group | Kind::GroupSet, Relation::DependsOn) => {
            object(state, of)?;
            sets(PROVIDERS)
        }
        (Kind::Group | Kind::GroupSet, Relation::Provides) => {
            object(state, of)?;
            let all = list(state, Kind::Group).into_iter().chain(list(state, Kind::GroupSet));
            let depends = |other: &Object| {
                let listed = state.hive.multi_sz(&other.key, PROVIDERS).unwrap_or_default();
                listed.iter().any(|id| names::same(id, &of.id))
            };
            all.filter(depends).collect()
        }
        (
            Kind::Cluster
            | Kind::Node
            | Kind::Group
            | Kind::Resource
            | Kind::ResourceType
            | Kind::Network
            | Kind::NetInterface
            | Kind::GroupSet
            | Kind::AffinityRule,
            _,
        ) => return Err(Refusal::new(code::INVALID_PARAMETER, "This kind of object has no such neighbours.")),
    };
    Ok(Told::Objects(found))
}

/// Value of a group's or group set's key: ids of the groups and group sets that it depends on.
pub(super) const PROVIDERS: &str = "ProviderGroups";

/// The dependency expression with ids (reference 03.3).
pub(super) fn expression(state: &ClusterState, id: &Id) -> Result<Told, Refusal> {
    let text = match id.kind {
        Kind::Resource => resource(state, &id.id)?.config.dependencies.display(|id| id.to_string()),
        Kind::Group | Kind::GroupSet => {
            let key = object(state, id)?.key;
            let listed = state.hive.multi_sz(&key, PROVIDERS).unwrap_or_default();
            listed.iter().map(|id| format!("([{id}])")).collect::<Vec<_>>().join(" and ")
        }
        Kind::Cluster | Kind::Node | Kind::ResourceType | Kind::Network | Kind::NetInterface | Kind::AffinityRule => {
            return Err(Refusal::new(code::INVALID_PARAMETER, "It has no dependencies."));
        }
    };
    Ok(Told::Text(text))
}

/// CanResourceBeDependent (reference 03.3).
pub(super) fn may_depend(state: &ClusterState, dependent: &str, provider: &str) -> Result<Told, Refusal> {
    let (dependent, provider) = (resource(state, dependent)?, resource(state, provider)?);
    let no = |code, why: &str| Err(Refusal::new(code, why));
    if dependent.id == provider.id || dependent.group != provider.group {
        return no(code::INVALID_PARAMETER, "A resource depends on another one of its own group.");
    }
    if dependent.config.dependencies.names(provider.id) {
        return no(code::DEPENDENCY_ALREADY_EXISTS, "It depends on it already.");
    }
    let all = state.resources.values().map(|r| (r.id, r.config.dependencies.clone())).collect();
    let expression = dependent.config.dependencies.with(provider.id);
    cluster_engine::state::dependency::check_shape(dependent.id, &expression, &all)?;
    Ok(Told::Done)
}

/// The quorum resource, as the registry has it.
pub(super) fn quorum(state: &ClusterState) -> Told {
    let resource = state.hive.sz("Quorum", "Resource").and_then(|id| id.parse::<Guid>().ok());
    let resource = resource.and_then(|id| state.resources.get(&id));
    Told::Quorum {
        resource: resource.map(|resource| resource.config.name.clone()).unwrap_or_default(),
        device: state.hive.sz("Quorum", "Path").unwrap_or_default(),
        size: state.hive.dword("Quorum", "MaxQuorumLogSize").unwrap_or(0),
    }
}

fn cluster(state: &ClusterState) -> Object {
    let name = state.config.name.clone();
    Object { name, ..plain(Kind::Cluster, String::new(), String::new()) }
}

fn plain(kind: Kind, id: String, key: String) -> Object {
    Object {
        id: Id { kind, id },
        name: String::new(),
        state: 0,
        owner: String::new(),
        parent: String::new(),
        parent_name: String::new(),
        type_name: String::new(),
        flags: 0,
        key,
    }
}

pub(super) fn of_node(node: &Node) -> Object {
    let id = node.id.to_string();
    let key = format!("Nodes\\{id}");
    Object { name: node.config.name.clone(), state: node_state(node), ..plain(Kind::Node, id, key) }
}

pub(super) fn of_group(state: &ClusterState, group: &Group) -> Object {
    let id = group.id.to_string();
    let key = format!("Groups\\{id}");
    Object {
        name: group.config.name.clone(),
        state: group_state(state.group_state(group.id)),
        owner: names::of_node(state, group.owner),
        parent: group.owner.to_string(),
        parent_name: names::of_node(state, group.owner),
        flags: if group.is_core() { CLUS_FLAG_CORE } else { 0 },
        ..plain(Kind::Group, id, key)
    }
}

pub(super) fn of_resource(state: &ClusterState, resource: &Resource) -> Object {
    let id = resource.id.to_string();
    let key = format!("Resources\\{id}");
    let group = state.groups.get(&resource.group);
    Object {
        name: resource.config.name.clone(),
        state: resource_state(resource.state),
        owner: group.map(|group| names::of_node(state, group.owner)).unwrap_or_default(),
        parent: resource.group.to_string(),
        parent_name: group.map(|group| group.config.name.clone()).unwrap_or_default(),
        type_name: resource.config.type_name.clone(),
        flags: if group.is_some_and(Group::is_core) { CLUS_FLAG_CORE } else { 0 },
        ..plain(Kind::Resource, id, key)
    }
}

pub(super) fn of_type(known: &ResourceType) -> Object {
    let name = known.config.name.clone();
    let key = format!("ResourceTypes\\{name}");
    Object { name: name.clone(), ..plain(Kind::ResourceType, name, key) }
}

/// Where the objects of a kind stand in the registry, for those that are nothing but that.
fn object_key(id: &Id) -> String {
    match id.kind {
        Kind::Cluster => String::new(),
        Kind::Node => format!("Nodes\\{}", id.id),
        Kind::Group => format!("Groups\\{}", id.id),
        Kind::Resource => format!("Resources\\{}", id.id),
        Kind::ResourceType => format!("ResourceTypes\\{}", id.id),
        Kind::Network => format!("Networks\\{}", id.id),
        Kind::NetInterface => format!("NetworkInterfaces\\{}", id.id),
        Kind::GroupSet => format!("GroupSets\\{}", id.id),
        Kind::AffinityRule => format!("AffinityRules\\{}", id.id),
    }
}

fn of_registry(state: &ClusterState, kind: Kind) -> Vec<Object> {
    let root = object_key(&Id::new(kind, ""));
    let Some(key) = state.hive.key(root.trim_end_matches('\\')) else { return Vec::new() };
    let text = |key: &clusreg::Key<'_>, name: &str| key.value(name).and_then(clusreg::Value::as_sz);
    key.subkeys()
        .map(|key| {
            let id = key.name().to_owned();
            let parent =
                if kind == Kind::NetInterface { text(&key, "Node").unwrap_or_default() } else { String::new() };
            let parent_node = parent.parse().ok().and_then(|id| state.nodes.get(&NodeId(id)));
            Object {
                name: text(&key, "Name").unwrap_or_else(|| id.clone()),
                state: wire_state(state, kind, parent_node),
                parent_name: parent_node.map(|node| node.config.name.clone()).unwrap_or_default(),
                parent,
                type_name: text(&key, "Network").unwrap_or_default(),
                ..plain(kind, id, key.path())
            }
        })
        .collect()
}

/// CLUSTER_NETWORK_STATE and CLUSTER_NETINTERFACE_STATE: up (3) while a node is that can use it, else down or failed (1).
fn wire_state(state: &ClusterState, kind: Kind, node: Option<&Node>) -> i32 {
    const UP: i32 = 3;
    const DOWN: i32 = 1;
    let is_up = match kind {
        Kind::Network => state.nodes.values().any(|node| node.state == NodeState::Up),
        Kind::NetInterface => node.is_some_and(|node| node.state == NodeState::Up),
        Kind::Cluster
        | Kind::Node
        | Kind::Group
        | Kind::Resource
        | Kind::ResourceType
        | Kind::GroupSet
        | Kind::AffinityRule => return 0,
    };
    if is_up { UP } else { DOWN }
}

/// CLUSTER_NODE_STATE.
pub(super) fn node_state(node: &Node) -> i32 {
    match (node.state, node.paused) {
        (NodeState::Up, false) => 0,
        (NodeState::Down, _) => 1,
        (NodeState::Up, true) => 2,
        (NodeState::Joining, _) => 3,
    }
}

/// CLUSTER_GROUP_STATE.
fn group_state(state: GroupState) -> i32 {
    match state {
        GroupState::Online => 0,
        GroupState::Offline => 1,
        GroupState::Failed => 2,
        GroupState::PartialOnline => 3,
        GroupState::Pending => 4,
    }
}

/// CLUSTER_RESOURCE_STATE.
fn resource_state(state: ResourceState) -> i32 {
    use resapi_sys_mock::abi::{
        ClusterResourceFailed, ClusterResourceOffline, ClusterResourceOfflinePending, ClusterResourceOnline,
        ClusterResourceOnlinePending,
    };
    match state {
        ResourceState::Offline => ClusterResourceOffline,
        ResourceState::Online => ClusterResourceOnline,
        ResourceState::Failed => ClusterResourceFailed,
        ResourceState::WaitingToComeOnline
        | ResourceState::OnlineCallIssued
        | ResourceState::OnlinePending
        | ResourceState::DelayRestartingResource => ClusterResourceOnlinePending,
        ResourceState::WaitingToGoOffline
        | ResourceState::OfflineCallIssued
        | ResourceState::OfflinePending
        | ResourceState::Terminating => ClusterResourceOfflinePending,
    }
}
