//! The state of a group: computed from its resources, never stored (reference 2.3).

use serde::{Deserialize, Serialize};

use super::objects::{ClusterState, ResourceState};
use crate::id::Guid;

/// CLUSTER_GROUP_STATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupState {
    /// 0: all resources online.
    Online,
    /// 1: all offline, or no resources.
    Offline,
    /// 2: one is failed.
    Failed,
    /// 3: some online.
    PartialOnline,
    /// 4: one is pending.
    Pending,
}

impl GroupState {
    /// The word clients see.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            GroupState::Online => "Online",
            GroupState::Offline => "Offline",
            GroupState::Failed => "Failed",
            GroupState::PartialOnline => "PartialOnline",
            GroupState::Pending => "Pending",
        }
    }

    /// The state of a group with these resources. Failed wins over pending, pending over partly online.
    #[must_use]
    pub fn of(resources: impl IntoIterator<Item = ResourceState>) -> GroupState {
        let (mut total, mut online, mut failed, mut pending) = (0, 0, 0, 0);
        for state in resources {
            total += 1;
            match state {
                ResourceState::Online => online += 1,
                ResourceState::Failed => failed += 1,
                ResourceState::Offline => {}
                ResourceState::WaitingToComeOnline
                | ResourceState::OnlineCallIssued
                | ResourceState::OnlinePending
                | ResourceState::WaitingToGoOffline
                | ResourceState::OfflineCallIssued
                | ResourceState::OfflinePending
                | ResourceState::Terminating
                | ResourceState::DelayRestartingResource => pending += 1,
            }
        }
        match () {
            () if failed > 0 => GroupState::Failed,
            () if pending > 0 => GroupState::Pending,
            () if online == 0 => GroupState::Offline,
            () if online < total => GroupState::PartialOnline,
            () => GroupState::Online,
        }
    }
}

impl ClusterState {
    /// The state of a group.
    #[must_use]
    pub fn group_state(&self, group: Guid) -> GroupState {
        GroupState::of(self.resources_of(group).map(|r| r.state))
    }
}
