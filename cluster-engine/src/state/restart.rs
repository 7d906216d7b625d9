//! What happens after a resource failed (reference 2.5).
//!
//! The source of a failure does not matter. The resource is terminated already when this is asked. Event 1069 is told;
//! then RestartAction, RestartThreshold and RestartPeriod decide: restart here after RestartDelay, fail the group over,
//! or leave it failed. What was left failed gets one more attempt after RetryPeriodOnFailure.

use super::limits;
use super::moves::Failover;
use super::objects::{ClusterState, MoveKind, NodeState, ResourceState};
use super::story::Story;
use crate::call::Cause;
use crate::id::Guid;
use crate::notice::Level;

/// RestartAction: ClusterResourceDontRestart. 1, RestartNoNotify, lies between: restart, but never fail over.
const DONT_RESTART: u32 = 0;
/// RestartAction: ClusterResourceRestartNotify.
const RESTART_NOTIFY: u32 = 2;

impl ClusterState {
    /// A resource failed and is terminated. Decides what is next.
    pub(super) fn failed(&mut self, id: Guid, cause: Cause, story: &mut Story) {
        let Some(resource) = self.resources.get(&id) else { return };
        let Some(group) = self.groups.get(&resource.group) else { return };
        let (name, group_name) = (resource.config.name.clone(), group.config.name.clone());
        let wanted = self.is_wanted(resource) && self.may_run(group);
        let can_start = self.can_start_on_owner(group);
        let (group_id, at) = (group.id, story.at);
        story
            .resource(
                Level::Error,
                &name,
                format!(
                    "Cluster resource '{name}' of type '{}' in clustered role '{group_name}' failed: {cause}.",
                    resource.config.type_name
                ),
            )
            .event = Some(1069);

        let Some(resource) = self.resources.get_mut(&id) else { return };
        resource.last_cause = Some(cause);
        resource.failing = None;
        let config = &resource.config;
        let window = config.restart_period;
        resource.failures.push_back(at);
        while resource.failures.front().is_some_and(|first| at.since(*first) >= window && window.0 > 0)
            || resource.failures.len() > limits::REMEMBERED_FAILURES
        {
            resource.failures.pop_front();
        }
        let count = resource.failures.len();
        let count_text = format!("{count} failure(s) within RestartPeriod {} ms", window.0);
        let threshold = usize::try_from(config.restart_threshold).unwrap_or(usize::MAX);
        let (action, delay) = (config.restart_action, config.restart_delay);

        self.enter(id, ResourceState::Failed, story);
        if !wanted {
            return;
        }
        if action == DONT_RESTART {
            story.resource(Level::Warning, &name, format!("'{name}' stays failed.")).why =
                vec!["RestartAction is 0: do not restart".to_owned()];
            return;
        }
        if count <= threshold && can_start {
            if let Some(resource) = self.resources.get_mut(&id) {
                resource.restart_at = Some(at + delay);
            }
            self.enter(id, ResourceState::DelayRestartingResource, story);
            if let Some(resource) = self.resources.get_mut(&id) {
                resource.restart_at = Some(at + delay);
            }
            story.resource(Level::Warning, &name, format!("'{name}' will be restarted in {} ms.", delay.0)).why =
                vec![count_text, format!("RestartThreshold is {threshold}: restart on this node")];
            return;
        }
        let why_not_here = if can_start {
            format!("RestartThreshold is {threshold}: no more restarts on this node")
        } else {
            "nothing can be started on this node: it is paused or stopping".to_owned()
        };
        if action == RESTART_NOTIFY {
            match self.try_failover(group_id, MoveKind::Failure, vec![count_text.clone(), why_not_here.clone()], story)
            {
                Failover::Moving => return,
                Failover::Refused(why) => {
                    story
                        .group(
                            Level::Error,
                            &group_name,
                            format!(
                                "Clustered role '{group_name}' is left failed on its present node: no further failover."
                            ),
                        )
                        .with_event(1254)
                        .why = why;
                }
            }
        }
        self.arm_retry(id, story);
        story
            .group(
                Level::Error,
                &group_name,
                format!("Clustered role '{group_name}' could not be brought completely online."),
            )
            .with_event(1205)
            .why = vec![count_text, why_not_here];
    }

    /// RetryPeriodOnFailure: one more attempt later.
    fn arm_retry(&mut self, id: Guid, story: &mut Story) {
        let Some(resource) = self.resources.get_mut(&id) else { return };
        let Some(period) = resource.config.retry_period else { return };
        resource.retry_at = Some(story.at + period);
        let text = format!("'{}' will be tried once more in {} ms.", resource.config.name, period.0);
        let name = resource.config.name.clone();
        story.resource(Level::Information, &name, text).why = vec![format!("RetryPeriodOnFailure is {} ms", period.0)];
    }

    /// RetryPeriodOnFailure is over: one attempt. The failures of the past do not count against it, but the next failure
    /// is over the threshold at once, so that one attempt it is.
    pub(super) fn retry_failed(&mut self, id: Guid, story: &mut Story) {
        let Some(resource) = self.resources.get_mut(&id) else { return };
        resource.retry_at = None;
        if resource.state != ResourceState::Failed {
            return;
        }
        let threshold = usize::try_from(resource.config.restart_threshold).unwrap_or(usize::MAX);
        resource.failures = std::iter::repeat_n(story.at, threshold.min(limits::REMEMBERED_FAILURES)).collect();
        let name = resource.config.name.clone();
        story.resource(Level::Warning, &name, format!("Trying '{name}' once more.")).why =
            vec!["RetryPeriodOnFailure is over".to_owned()];
        self.enter(id, ResourceState::Offline, story);
    }

    /// Somebody acted, or the resource is in a new place: the past is forgotten.
    pub(super) fn forget_failures(&mut self, id: Guid, story: &mut Story) {
        let Some(resource) = self.resources.get_mut(&id) else { return };
        resource.failures.clear();
        resource.retry_at = None;
        if matches!(resource.state, ResourceState::Failed | ResourceState::DelayRestartingResource) {
            self.enter(id, ResourceState::Offline, story);
        }
    }

    /// The resource's process is gone with its node or its lease, through no fault of its own: at rest, not counted.
    pub(super) fn lost(&mut self, id: Guid, story: &mut Story) {
        let Some(resource) = self.resources.get_mut(&id) else { return };
        resource.failing = None;
        resource.locked = None;
        // A late report of a call before this moment must not be believed.
        resource.generation += 1;
        let was_at_rest = matches!(resource.state, ResourceState::Offline | ResourceState::Failed);
        if !was_at_rest {
            self.enter(id, ResourceState::Offline, story);
        }
    }

    /// Is the owner of the group up?
    pub(super) fn owner_is_up(&self, group: Guid) -> bool {
        let owner = self.groups.get(&group).and_then(|g| self.nodes.get(&g.owner));
        owner.is_some_and(|n| n.state == NodeState::Up)
    }
}
