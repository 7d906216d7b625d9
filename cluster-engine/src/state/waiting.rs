//! Why is it not online? Sentences for people who ask.

use super::objects::{ClusterState, NodeState, Resource, ResourceState};
use crate::id::Guid;

impl ClusterState {
    /// Why a resource is not online, in sentences; empty when it is.
    #[must_use]
    pub fn waiting(&self, resource: &Resource) -> Vec<String> {
        let mut why = Vec::new();
        let name = |id: Guid| self.resource_name(id);
        match resource.state {
            ResourceState::Online => return why,
            ResourceState::OnlineCallIssued | ResourceState::OnlinePending => {
                why.push(format!("Online is under way (CheckPoint {})", resource.checkpoint));
            }
            ResourceState::OfflineCallIssued | ResourceState::OfflinePending => {
                why.push(format!("Offline is under way (CheckPoint {})", resource.checkpoint));
            }
            ResourceState::Terminating => why.push("Terminate is under way".to_owned()),
            ResourceState::WaitingToGoOffline => {
                let dependents: Vec<String> = self
                    .resources_of(resource.group)
                    .filter(|d| d.state.is_active() && d.config.dependencies.names(resource.id))
                    .map(|d| format!("'{}'", d.config.name))
                    .collect();
                why.push(format!("it goes offline after {}", dependents.join(", ")));
            }
            ResourceState::DelayRestartingResource => why.push(format!(
                "it failed and will be restarted after RestartDelay ({} ms)",
                resource.config.restart_delay.0
            )),
            ResourceState::Failed => {
                let cause = resource.last_cause.as_ref().map(ToString::to_string).unwrap_or_default();
                why.push(format!("it failed: {cause}"));
                if resource.retry_at.is_some() {
                    why.push("it will be tried once more after RetryPeriodOnFailure".to_owned());
                }
            }
            ResourceState::Offline | ResourceState::WaitingToComeOnline => {}
        }
        if matches!(resource.state, ResourceState::Offline | ResourceState::WaitingToComeOnline) {
            if !self.is_wanted(resource) {
                let whose = if resource.config.persistent == Some(false) { "its own" } else { "its group's" };
                why.push(format!("it is not wanted online: {whose} PersistentState is 0"));
            }
            for set in resource.config.dependencies.sets() {
                let is_online = |p: &Guid| self.resources.get(p).is_some_and(|r| r.state == ResourceState::Online);
                if !set.iter().any(is_online) {
                    let names: Vec<String> = set.iter().map(|p| format!("'{}'", name(*p))).collect();
                    why.push(format!("it waits for {}", names.join(" or ")));
                }
            }
            why.extend(self.group_waiting(resource.group));
        }
        why
    }

    /// Why nothing of a group can be started now, in sentences; empty when it can.
    #[must_use]
    pub fn group_waiting(&self, id: Guid) -> Vec<String> {
        let mut why = Vec::new();
        let Some(group) = self.groups.get(&id) else { return why };
        let owner = self.node_name(group.owner);
        match self.nodes.get(&group.owner) {
            Some(node) if node.state != NodeState::Up && !node.fenced => {
                why.push(format!(
                    "its owner '{owner}' is down, and it is not certain yet that it has stopped everything"
                ));
            }
            Some(node) if node.state != NodeState::Up => {
                why.push(format!("its owner '{owner}' is not up and no other node can take it"));
            }
            Some(node) if node.leaving => why.push(format!("its owner '{owner}' is stopping")),
            Some(node) if node.paused => why.push(format!("its owner '{owner}' is paused")),
            Some(_) => {}
            None => why.push("its owner was evicted".to_owned()),
        }
        let awaited = self.awaited(group);
        if !awaited.is_empty() {
            why.push(format!("it depends on {}", awaited.join(", ")));
        }
        if let Some(moving) = &group.moving {
            why.push(format!("the group is on its way to '{}' ({})", self.node_name(moving.to), moving.kind.name()));
        }
        if group.held {
            why.push("its Priority is 0: after the loss of its node it is not started automatically".to_owned());
        }
        if group.start_at.is_some() {
            why.push(format!("GroupStartDelay ({} ms) is not over yet", group.config.start_delay.0));
        }
        if group.deleting {
            why.push("the group is being deleted".to_owned());
        }
        why
    }
}
