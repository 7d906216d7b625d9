//! Objects by name or id, as `OpenClusterResource` and its kin find them (reference 08.1): without case, and with the code
//! that says what kind of object is missing.

use cluster_engine::state::{ClusterState, Group, Node, Resource, ResourceType};
use cluster_engine::{Guid, NodeId};
use cluster_engine::{Refusal, code};

/// At most so many names are told to somebody who asked for one that is not there.
const SUGGESTIONS: usize = 12;

/// The node with this name or id.
///
/// # Errors
/// 5042.
pub(crate) fn node<'a>(state: &'a ClusterState, name: &str) -> Result<&'a Node, Refusal> {
    let by_name = state.nodes.values().find(|n| same(&n.config.name, name));
    let by_id = || name.parse().ok().and_then(|id| state.nodes.get(&NodeId(id)));
    by_name.or_else(by_id).ok_or_else(|| {
        missing(code::CLUSTER_NODE_NOT_FOUND, "node", name, state.nodes.values().map(|n| n.config.name.as_str()))
    })
}

/// The group with this name or id.
///
/// # Errors
/// 5013.
pub(crate) fn group<'a>(state: &'a ClusterState, name: &str) -> Result<&'a Group, Refusal> {
    let by_name = state.groups.values().find(|g| same(&g.config.name, name));
    let by_id = || name.parse::<Guid>().ok().and_then(|id| state.groups.get(&id));
    by_name.or_else(by_id).ok_or_else(|| {
        missing(code::GROUP_NOT_FOUND, "group", name, state.groups.values().map(|g| g.config.name.as_str()))
    })
}

/// The resource with this name or id.
///
/// # Errors
/// 5007.
pub(crate) fn resource<'a>(state: &'a ClusterState, name: &str) -> Result<&'a Resource, Refusal> {
    let by_name = state.resources.values().find(|r| same(&r.config.name, name));
    let by_id = || name.parse::<Guid>().ok().and_then(|id| state.resources.get(&id));
    by_name.or_else(by_id).ok_or_else(|| {
        missing(code::RESOURCE_NOT_FOUND, "resource", name, state.resources.values().map(|r| r.config.name.as_str()))
    })
}

/// The resource type with this name, or this display name.
///
/// # Errors
/// 5078.
pub(crate) fn resource_type<'a>(state: &'a ClusterState, name: &str) -> Result<&'a ResourceType, Refusal> {
    let types = || state.types.values();
    let found =
        types().find(|t| same(&t.config.name, name)).or_else(|| types().find(|t| same(&t.config.display_name, name)));
    found.ok_or_else(|| {
        missing(code::CLUSTER_RESOURCE_TYPE_NOT_FOUND, "resource type", name, types().map(|t| t.config.name.as_str()))
    })
}

/// The name of a node; its id when it is not (or no longer) a member.
#[must_use]
pub(crate) fn of_node(state: &ClusterState, id: NodeId) -> String {
    state.nodes.get(&id).map_or_else(|| id.to_string(), |n| n.config.name.clone())
}

/// Names of objects are the same without regard to case.
#[must_use]
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_uppercase() == b.to_uppercase()
}

fn missing<'a>(code: u32, kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Refusal {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    let more = known.len().saturating_sub(SUGGESTIONS);
    known.truncate(SUGGESTIONS);
    let listed = match (known.is_empty(), more) {
        (true, _) => format!("There is no {kind} yet."),
        (false, 0) => format!("There are: {}.", known.join(", ")),
        (false, more) => format!("There are: {} and {more} more.", known.join(", ")),
    };
    Refusal::new(code, format!("There is no {kind} '{name}'. {listed}")).fact("Name", name)
}
