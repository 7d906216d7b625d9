//! The online and offline walk: which call to a resource is due now (reference 2.4, 3.2).
//!
//! There is no plan and no queue. After every command each touched group is looked at afresh: what is wanted of every
//! resource (its *goal*), what is true, and therefore which call may be issued now. Providers come online before their
//! dependents and go offline after them because a call is only issued when the resources around it allow it. Unrelated
//! resources run side by side.
//!
//! 1. A resource has the goal *online* when it is wanted (its PersistentState, or the group's), has not finally failed,
//!    its group may run on its owner, and every set of its dependencies has a provider with the goal online.
//! 2. A resource with that goal is called online when every set has an online provider and no provider of it is still on
//!    its way.
//! 3. A resource without it, or that has lost its last online provider of a set, is called offline when no active
//!    dependent needs it any more.
//! 4. An Online that is no longer wanted is broken off with Terminate.

use std::collections::BTreeMap;

use super::objects::{ClusterState, Group, NodeState, Resource, ResourceState};
use super::story::Story;
use crate::id::Guid;
use crate::notice::Level;

/// What to do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// Only the state changes.
    Enter(ResourceState),
    /// A call is issued; the state is the one of an issued call.
    Call(ResourceState),
}

impl ClusterState {
    /// The resources of a group.
    pub fn resources_of(&self, group: Guid) -> impl Iterator<Item = &Resource> {
        self.resources.values().filter(move |r| r.group == group)
    }

    /// Looks at all touched groups until nothing is due any more. High priority first (reference 2.6).
    pub(super) fn settle(&mut self, story: &mut Story) {
        while !story.touched.is_empty() {
            let mut groups: Vec<Guid> = std::mem::take(&mut story.touched).into_iter().collect();
            groups.sort_by_key(|g| (std::cmp::Reverse(self.groups.get(g).map_or(0, |g| g.config.priority)), *g));
            for group in groups {
                self.settle_group(group, story);
            }
        }
    }

    fn settle_group(&mut self, id: Guid, story: &mut Story) {
        loop {
            let Some(group) = self.groups.get(&id) else { return };
            if self.nodes.get(&group.owner).is_none_or(|n| n.state != NodeState::Up) {
                return;
            }
            let goals = self.goals(group);
            let due: Vec<(Guid, Due)> = self
                .resources_of(id)
                .map(|r| (r.id, self.due(r, group, &goals, story)))
                .filter(|(_, due)| *due != Due::Nothing)
                .collect();
            if due.is_empty() {
                break;
            }
            for (resource, due) in due {
                match due {
                    Due::Nothing => {}
                    Due::Enter(state) => self.enter(resource, state, story),
                    Due::Call(state) => self.issue(resource, state, story),
                }
            }
        }
        self.finish_move(id, story);
        self.finish_drain_asks(id, story);
        self.finish_deletion(id, story);
    }

    /// Is it wanted online by anybody? Its own PersistentState, or the group's.
    #[must_use]
    pub fn is_wanted(&self, resource: &Resource) -> bool {
        let group = self.groups.get(&resource.group);
        resource.config.persistent.unwrap_or_else(|| group.is_some_and(|g| g.config.persistent))
    }

    /// May resources of the group run on its owner?
    pub(super) fn may_run(&self, group: &Group) -> bool {
        let owner = self.nodes.get(&group.owner);
        owner.is_some_and(|n| n.state == NodeState::Up && !n.leaving)
            && group.moving.is_none()
            && !group.deleting
            && !group.held
            && group.start_at.is_none()
    }

    /// Rule 1 for every resource of a group.
    pub(super) fn goals(&self, group: &Group) -> BTreeMap<Guid, bool> {
        let may_run = self.may_run(group);
        let mut goals: BTreeMap<Guid, bool> = BTreeMap::new();
        for resource in self.resources_of(group.id) {
            let wanted = may_run
                && self.is_wanted(resource)
                && resource.failing.is_none()
                && resource.state != ResourceState::Failed;
            goals.insert(resource.id, wanted);
        }
        // Take away the goal of those that lost all providers of a set, until nothing changes. Each round takes away at
        // least one, so this ends.
        loop {
            let starved: Vec<Guid> = goals
                .iter()
                .filter(|(_, goal)| **goal)
                .filter_map(|(id, _)| self.resources.get(id))
                .filter(|r| {
                    let has_goal = |p: &Guid| goals.get(p).copied().unwrap_or(false);
                    r.config.dependencies.sets().iter().any(|set| !set.iter().any(has_goal))
                })
                .map(|r| r.id)
                .collect();
            if starved.is_empty() {
                return goals;
            }
            for id in starved {
                goals.insert(id, false);
            }
        }
    }

    fn due(&self, resource: &Resource, group: &Group, goals: &BTreeMap<Guid, bool>, story: &Story) -> Due {
        let goal = goals.get(&resource.id).copied().unwrap_or(false);
        match resource.state {
            ResourceState::Offline | ResourceState::WaitingToComeOnline => {
                let next = match () {
                    () if !goal => ResourceState::Offline,
                    () if self.is_ready(resource, goals)
                        && self.can_start_on_owner(group)
                        && !self.waits_to_start(group, story) =>
                    {
                        return Due::Call(ResourceState::OnlineCallIssued);
                    }
                    () => ResourceState::WaitingToComeOnline,
                };
                if next == resource.state { Due::Nothing } else { Due::Enter(next) }
            }
            ResourceState::OnlineCallIssued | ResourceState::OnlinePending => {
                if goal && self.is_fed(resource) {
                    Due::Nothing
                } else {
                    Due::Call(ResourceState::Terminating)
                }
            }
            ResourceState::Online | ResourceState::WaitingToGoOffline => {
                let next = match () {
                    () if goal && self.is_fed(resource) => ResourceState::Online,
                    () if self.is_needed(resource.id) => ResourceState::WaitingToGoOffline,
                    () => return Due::Call(ResourceState::OfflineCallIssued),
                };
                if next == resource.state { Due::Nothing } else { Due::Enter(next) }
            }
            ResourceState::OfflineCallIssued | ResourceState::OfflinePending | ResourceState::Terminating => {
                Due::Nothing
            }
            ResourceState::DelayRestartingResource => {
                let delay_is_over = resource.restart_at.is_none_or(|t| story.at >= t);
                if !goal || (delay_is_over && !self.is_needed(resource.id)) {
                    Due::Enter(ResourceState::Offline)
                } else {
                    Due::Nothing
                }
            }
            ResourceState::Failed => Due::Nothing,
        }
    }

    /// Rule 2: every set has an online provider, and none that is to be online is still on its way.
    fn is_ready(&self, resource: &Resource, goals: &BTreeMap<Guid, bool>) -> bool {
        let is_settled = |p: &Guid| {
            !goals.get(p).copied().unwrap_or(false)
                || self.resources.get(p).is_some_and(|r| r.state == ResourceState::Online)
        };
        self.is_fed(resource) && resource.config.dependencies.providers().all(|p| is_settled(&p))
    }

    /// Every set has a provider that runs and is to go on running.
    fn is_fed(&self, resource: &Resource) -> bool {
        let stays = |p: &Guid| self.resources.get(p).is_some_and(|r| r.state == ResourceState::Online);
        resource.config.dependencies.sets().iter().all(|set| set.iter().any(stays))
    }

    fn runs(&self, resource: Guid) -> bool {
        self.resources
            .get(&resource)
            .is_some_and(|r| matches!(r.state, ResourceState::Online | ResourceState::WaitingToGoOffline))
    }

    /// Rule 3: some active dependent has no other online provider in the set.
    pub(super) fn is_needed(&self, provider: Guid) -> bool {
        let Some(group) = self.resources.get(&provider).map(|r| r.group) else { return false };
        self.resources_of(group).filter(|d| d.state.is_active()).any(|dependent| {
            let sets = dependent.config.dependencies.sets().iter().filter(|set| set.contains(&provider));
            sets.into_iter().any(|set| !set.iter().any(|p| *p != provider && self.runs(*p)))
        })
    }

    /// Nothing of the group runs yet, and what it depends on is not there.
    fn waits_to_start(&self, group: &Group, story: &Story) -> bool {
        let runs = self.resources_of(group.id).any(|r| r.state.is_active());
        !runs && self.waits_for_groups(group, story.at)
    }

    /// Nothing can be brought online on a paused node (reference 2.8).
    pub(super) fn can_start_on_owner(&self, group: &Group) -> bool {
        self.nodes.get(&group.owner).is_some_and(|n| n.state == NodeState::Up && !n.paused && !n.leaving)
    }

    /// Changes the state of a resource and says so, as the real log does.
    pub(super) fn enter(&mut self, id: Guid, state: ResourceState, story: &mut Story) {
        let at = story.at;
        let Some(resource) = self.resources.get_mut(&id) else { return };
        let before = std::mem::replace(&mut resource.state, state);
        if before == state {
            return;
        }
        resource.since = at;
        if state != ResourceState::DelayRestartingResource {
            resource.restart_at = None;
        }
        let text = format!("TransitionToState({}) {}-->{}.", resource.config.name, before.name(), state.name());
        let group = resource.group;
        story.touch(group);
        story.resource(Level::Information, &resource.config.name, text);
        if state == ResourceState::Online {
            self.touch_dependents(Some(group), story);
        }
    }

    /// Issues a call: the owner's engine will see to it.
    pub(super) fn issue(&mut self, id: Guid, state: ResourceState, story: &mut Story) {
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.generation += 1;
            resource.checkpoint = 0;
        }
        self.enter(id, state, story);
    }
}
