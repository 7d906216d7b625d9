//! A group, and where it would go.

use cluster_engine::state::{ClusterState, Group, MoveKind, placement};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sight;
use crate::api::names;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct GroupView {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// `Online`, `Offline`, `Failed`, `PartialOnline` or `Pending`.
    pub state: String,
    /// The node that owns it.
    pub owner_node: String,
    /// Number of its type: 1 is the core group, 9999 an ordinary one.
    pub group_type: u32,
    /// 1: it is wanted online.
    pub persistent_state: u32,
    /// Where it likes to be, in order.
    pub preferred_owners: Vec<String>,
    /// The move under way.
    pub moving: Option<MovingView>,
    /// What cannot be told by the state alone, in a few words.
    pub status_information: String,
    /// Names of its resources, by name.
    pub resources: Vec<String>,
    /// It is the core group.
    pub core: bool,
    /// Why it is not online, one sentence each.
    pub waiting: Vec<String>,
}

/// A move under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct MovingView {
    /// Where to.
    pub to: String,
    /// `Manual`, `Failure`, `NodeDown`, `Drain` or `Failback`.
    pub kind: String,
}

impl GroupView {
    /// One group.
    #[must_use]
    pub fn of(sight: Sight<'_>, group: &Group) -> GroupView {
        let state = sight.state;
        let mut resources: Vec<String> = state.resources_of(group.id).map(|r| r.config.name.clone()).collect();
        resources.sort_unstable();
        GroupView {
            name: group.config.name.clone(),
            id: group.id.to_string(),
            state: state.group_state(group.id).word().to_owned(),
            owner_node: names::of_node(state, group.owner),
            group_type: group.config.group_type,
            persistent_state: u32::from(group.config.persistent),
            preferred_owners: group.config.preferred.iter().map(|n| names::of_node(state, *n)).collect(),
            moving: group
                .moving
                .as_ref()
                .map(|m| MovingView { to: names::of_node(state, m.to), kind: move_word(m.kind).to_owned() }),
            status_information: status_information(sight, group),
            resources,
            core: group.is_core(),
            waiting: state.group_waiting(group.id),
        }
    }

    /// All groups, by name.
    #[must_use]
    pub fn all(sight: Sight<'_>) -> Vec<GroupView> {
        let mut all: Vec<GroupView> = sight.state.groups.values().map(|g| GroupView::of(sight, g)).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

fn status_information(sight: Sight<'_>, group: &Group) -> String {
    let now = sight.vantage.now;
    let mut parts = Vec::new();
    if group.deleting {
        parts.push("is being deleted".to_owned());
    }
    if let Some(locked) = sight.state.locked_of(group.id) {
        parts.push(format!("'{}' is locked by its library", locked.config.name));
    }
    if group.drain.is_some() {
        parts.push("its resources are asked whether they object to the drain".to_owned());
    }
    if group.held {
        parts.push("held offline until somebody brings it online (Priority 0)".to_owned());
    }
    if let Some(at) = group.start_at.filter(|at| *at > now) {
        parts.push(format!("starts in {} ms (GroupStartDelay)", at.since(now).0));
    }
    if let Some(at) = group.failback_at.filter(|at| *at > now) {
        parts.push(format!("fails back in {} s", at.since(now).0 / 1000));
    }
    if group.failback_suspended {
        parts.push("was moved by hand: no failback until a node comes up".to_owned());
    }
    parts.join("; ")
}

fn move_word(kind: MoveKind) -> &'static str {
    match kind {
        MoveKind::Manual => "Manual",
        MoveKind::Failure => "Failure",
        MoveKind::NodeDown => "NodeDown",
        MoveKind::Drain => "Drain",
        MoveKind::Failback => "Failback",
    }
}

/// Where a failover would put a group, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct PlacementView {
    /// The node; null when there is none.
    pub chosen: Option<String>,
    /// Every node but the present owner, in the order of preference.
    pub candidates: Vec<CandidateView>,
}

/// What was thought of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct CandidateView {
    /// The node.
    pub node: String,
    /// Why it can or cannot host the group, or why another is better.
    pub verdict: String,
}

impl PlacementView {
    /// The choice as it would be made now.
    #[must_use]
    pub fn of(state: &ClusterState, group: &Group) -> PlacementView {
        let decision = placement::choose(state, group);
        PlacementView {
            chosen: decision.chosen.map(|id| names::of_node(state, id)),
            candidates: decision
                .candidates
                .into_iter()
                .map(|c| CandidateView { node: c.name, verdict: c.verdict })
                .collect(),
        }
    }
}
