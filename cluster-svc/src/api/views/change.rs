//! What an accepted change answers, and when an object has come to rest.

use cluster_engine::state::{ClusterState, DrainStatus, NodeState, ResourceState};
use cluster_engine::{Guid, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{GroupView, NodeView, QuorumView, ResourceView, Sight};

/// The answer to an accepted change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Accepted {
    /// Always true.
    pub accepted: bool,
    /// It still runs: the object has not come to rest.
    pub pending: bool,
    /// The answering node has applied everything up to this index, this change included.
    pub applied: u64,
    /// `?wait=` was over before the object had come to rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed_out: bool,
    /// Something that is worth knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What was made: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The node as it is now, when the change was to a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeView>,
    /// The group as it is now, when the change was to a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupView>,
    /// The resource as it is now, when the change was to a resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceView>,
    /// Quorum as it is now, when the change was to how votes are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<QuorumView>,
}

/// What was changed: what is shown in the answer and waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Nothing that runs: configuration.
    Setting,
    /// A node.
    Node(NodeId),
    /// A group.
    Group(Guid),
    /// A resource.
    Resource(Guid),
    /// How votes are counted. At rest when the witness votes somewhere, or there is none.
    Quorum,
}

/// Has an object come to rest?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing more will happen by itself.
    AtRest,
    /// Something is under way.
    UnderWay,
}

impl Changed {
    /// Has it come to rest? What is gone rests.
    #[must_use]
    pub fn rest(self, state: &ClusterState) -> Rest {
        let rests = match self {
            Changed::Setting => true,
            Changed::Node(id) => state
                .nodes
                .get(&id)
                .is_none_or(|n| n.drain != DrainStatus::InProgress && (!n.leaving || n.state == NodeState::Down)),
            Changed::Group(id) => group_rests(state, id),
            Changed::Resource(id) => state
                .resources
                .get(&id)
                .is_none_or(|r| state_rests(r.state) && state.groups.get(&r.group).is_none_or(|g| g.moving.is_none())),
            Changed::Quorum => state.quorum.witness.as_ref().is_none_or(|w| w.host.is_some() && !w.is_leaving),
        };
        if rests { Rest::AtRest } else { Rest::UnderWay }
    }

    /// The answer for the moment.
    #[must_use]
    pub fn accepted(self, sight: Sight<'_>) -> Accepted {
        let state = sight.state;
        let mut accepted = Accepted {
            accepted: true,
            pending: self.rest(state) == Rest::UnderWay,
            applied: state.applied,
            timed_out: false,
            note: None,
            id: None,
            node: None,
            group: None,
            resource: None,
            quorum: None,
        };
        match self {
            Changed::Setting => {}
            Changed::Node(id) => accepted.node = state.nodes.get(&id).map(|n| NodeView::of(sight, n)),
            Changed::Group(id) => accepted.group = state.groups.get(&id).map(|g| GroupView::of(sight, g)),
            Changed::Resource(id) => accepted.resource = state.resources.get(&id).map(|r| ResourceView::of(sight, r)),
            Changed::Quorum => accepted.quorum = Some(QuorumView::of(sight)),
        }
        accepted
    }
}

fn group_rests(state: &ClusterState, id: Guid) -> bool {
    let Some(group) = state.groups.get(&id) else { return true };
    group.moving.is_none() && !group.deleting && state.resources_of(id).all(|r| state_rests(r.state))
}

fn state_rests(state: ResourceState) -> bool {
    match state {
        ResourceState::Offline | ResourceState::Online | ResourceState::Failed => true,
        ResourceState::WaitingToComeOnline
        | ResourceState::OnlineCallIssued
        | ResourceState::OnlinePending
        | ResourceState::WaitingToGoOffline
        | ResourceState::OfflineCallIssued
        | ResourceState::OfflinePending
        | ResourceState::Terminating
        | ResourceState::DelayRestartingResource => false,
    }
}
