//! Locked resources (SetResourceLockedMode, reference 01.6).
//!
//! A library locks a resource while its state must not be changed from outside, say during a backup. What programs and people ask for is
//! refused then with 5960, unless they say that they know (the flag IGNORE_RESOURCE_STATUS, reference 2.7). What policy does
//! (restart, failover, the loss of a node) is not held up.
//!
//! 1. An online is refused when the resource or a provider that it needs, however far, is locked.
//! 2. An offline is refused when the resource or a dependent, however far, is locked.
//! 3. Online, offline and move of a group are refused when any of its resources is locked; a drain leaves such a group.
//!
//! The lock is volatile: it belongs to an instance in a monitor and ends with it, and when the group changes its owner.

use super::command::{Answer, Command};
use super::objects::{ClusterState, Resource, ResourceState};
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::Level;
use crate::refusal::{Refusal, code};

/// CLUSRES_STATUS_LOCKED_MODE and CLUSGRP_STATUS_LOCKED_MODE.
const LOCKED_MODE: u32 = 1;
/// CLUSGRP_STATUS_WAITING_FOR_DEPENDENCIES.
const WAITING_FOR_DEPENDENCIES: u32 = 0x1000;

impl ClusterState {
    /// The library on the owner node has locked the resource (with its reason), or unlocked it.
    pub(super) fn lock_resource(
        &mut self,
        id: Guid,
        reason: Option<u32>,
        proposer: NodeId,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let resource = self.resource(id)?;
        let owner = self.group(resource.group)?.owner;
        let name = resource.config.name.clone();
        if owner != proposer {
            let text = format!("'{name}' belongs to '{}'; only its library there locks it.", self.node_name(owner));
            return Err(Refusal::new(code::INVALID_STATE, text));
        }
        if resource.locked == reason {
            return Ok(Answer::Done);
        }
        let text = match reason {
            Some(reason) => format!("Resource '{name}' is locked by its library, reason {reason}."),
            None => format!("Resource '{name}' is not locked any more."),
        };
        story.resource(Level::Information, &name, text);
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.locked = reason;
        }
        Ok(Answer::Done)
    }

    /// Refuses what would change the state of a locked resource (event 1071).
    pub(super) fn refuse_locked(&self, command: &Command, story: &mut Story) -> Result<(), Refusal> {
        let Some(locked) = self.locked_against(command) else { return Ok(()) };
        let name = locked.config.name.clone();
        let text = format!("Resource '{name}' is locked by its library; what was asked for is refused.");
        story.resource(Level::Warning, &name, text).event = Some(1071);
        let text = format!("Resource '{name}' is locked by its library. Wait until it is done, or ignore the lock.");
        Err(Refusal::new(code::CLUSTER_RESOURCE_LOCKED_STATUS, text).fact("Resource", &name))
    }

    /// The locked resource that a command has to stop for. Only the orders of 2.7 change the state of a resource.
    fn locked_against(&self, command: &Command) -> Option<&Resource> {
        if let Command::OnlineGroup { group, .. } | Command::OfflineGroup { group } = command {
            return self.locked_of(*group);
        }
        if let Command::MoveGroup { group, to } = command {
            // To stay where it is needs no lock to be opened.
            let goes = self.groups.get(group).is_some_and(|g| *to != Some(g.owner));
            return self.locked_of(*group).filter(|_| goes);
        }
        if let Command::OnlineResource { resource } = command {
            return self.locked_near(*resource, |r| r.config.dependencies.providers().collect());
        }
        let Command::OfflineResource { resource, .. } = command else { return None };
        self.locked_near(*resource, |r| {
            let depends = |d: &&Resource| d.config.dependencies.names(r.id);
            self.resources_of(r.group).filter(depends).map(|d| d.id).collect()
        })
    }

    /// A locked resource of a group.
    #[must_use]
    pub fn locked_of(&self, group: Guid) -> Option<&Resource> {
        self.resources_of(group).find(|r| r.locked.is_some())
    }

    /// A locked resource among this one and those that are reached from it.
    fn locked_near(&self, id: Guid, next: impl Fn(&Resource) -> Vec<Guid>) -> Option<&Resource> {
        let mut near = vec![id];
        let mut at = 0;
        while let Some(resource) = near.get(at).and_then(|id| self.resources.get(id)) {
            if resource.locked.is_some() {
                return Some(resource);
            }
            let more: Vec<Guid> = next(resource).into_iter().filter(|id| !near.contains(id)).collect();
            near.extend(more);
            at += 1;
        }
        None
    }

    /// CLUSRES_STATUS bits of a resource (reference 2.3), as far as they can be set here.
    #[must_use]
    pub fn resource_status(&self, id: Guid) -> u32 {
        self.resources.get(&id).map_or(0, |resource| if resource.locked.is_some() { LOCKED_MODE } else { 0 })
    }

    /// CLUSGRP_STATUS bits of a group (reference 2.3), as far as they can be set here.
    #[must_use]
    pub fn group_status(&self, id: Guid) -> u32 {
        let is_waiting = |r: &Resource| r.state == ResourceState::WaitingToComeOnline;
        let waits = self.groups.get(&id).is_some_and(|g| self.waits_for_groups(g, self.at))
            && self.resources_of(id).any(is_waiting);
        let locked = if self.locked_of(id).is_some() { LOCKED_MODE } else { 0 };
        locked | if waits { WAITING_FOR_DEPENDENCIES } else { 0 }
    }

    /// The instances of a group that could have locked themselves are not the ones that count any more.
    pub(super) fn forget_locks(&mut self, group: Guid) {
        for resource in self.resources.values_mut().filter(|r| r.group == group) {
            resource.locked = None;
        }
    }
}
