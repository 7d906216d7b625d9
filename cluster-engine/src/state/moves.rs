//! Moving a group: by hand, by failover, with the loss of its node (reference 2.6, 2.7).
//!
//! A move has three steps: the group's resources go offline in the reverse order of their dependencies; when nothing of
//! it is active any more, one update changes the owner; the resources come online there as their persistent states say.
//! There is no fourth step: what happens to the resources on the new owner is ordinary policy.

use super::command::Answer;
use super::objects::{ClusterState, Move, MoveKind, NodeState, Resource, ResourceState};
use super::placement::{self, Decision};
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::Level;
use crate::refusal::Refusal;
use crate::time::Millis;

/// What became of the wish to fail a group over.
pub(super) enum Failover {
    /// It moves.
    Moving,
    /// It cannot, for these reasons.
    Refused(Vec<String>),
}

impl MoveKind {
    /// As the real log writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MoveKind::Manual => "MoveType::Manual",
            MoveKind::Failure => "MoveType::Failure",
            MoveKind::NodeDown => "MoveType::NodeDown",
            MoveKind::Drain => "MoveType::Drain",
            MoveKind::Failback => "MoveType::Failback",
        }
    }
}

impl ClusterState {
    /// A resource of the group failed too often: fails the group over, if its budget and the other nodes allow it.
    pub(super) fn try_failover(
        &mut self,
        id: Guid,
        kind: MoveKind,
        mut why: Vec<String>,
        story: &mut Story,
    ) -> Failover {
        let nodes = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let Some(group) = self.groups.get_mut(&id) else { return Failover::Refused(Vec::new()) };
        if group.moving.is_some() {
            return Failover::Moving;
        }
        let threshold = group.config.failover_threshold.unwrap_or_else(|| nodes.saturating_sub(1));
        let period = group.config.failover_period;
        while group.failovers.front().is_some_and(|first| story.at.since(*first) >= period) {
            group.failovers.pop_front();
        }
        let made = group.failovers.len();
        let budget = format!(
            "{made} failover(s) made within FailoverPeriod {} h, FailoverThreshold is {threshold}",
            period.0 / 3_600_000
        );
        why.push(budget);
        if made >= usize::try_from(threshold).unwrap_or(usize::MAX) {
            return Failover::Refused(why);
        }
        let Some(group) = self.groups.get(&id) else { return Failover::Refused(why) };
        let decision = placement::choose(self, group);
        why.extend(decision.sentences());
        let Some(to) = decision.chosen else { return Failover::Refused(why) };
        if let Some(group) = self.groups.get_mut(&id) {
            group.failovers.push_back(story.at);
        }
        self.begin_move(id, to, kind, why, story);
        Failover::Moving
    }

    /// Starts a move: from now on nothing of the group is wanted on its present owner.
    pub(super) fn begin_move(&mut self, id: Guid, to: NodeId, kind: MoveKind, why: Vec<String>, story: &mut Story) {
        let to_name = self.node_name(to);
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.moving = Some(Move { to, kind });
        group.drain = None;
        group.failback_at = None;
        let name = group.config.name.clone();
        let level = if kind == MoveKind::Manual { Level::Information } else { Level::Warning };
        let text = format!(
            "rcm::RcmGroup::Move: moving group '{name}' to '{to_name}', {}: bringing it offline first.",
            kind.name()
        );
        story.group(level, &name, text).why = why;
        story.touch(id);
    }

    /// CancelClusterGroupOperation: a move that has not changed the owner is given up, and the group goes back to what its
    /// persistent states say (reference 2.7). An Offline that is under way for it is cancelled, as far as its library can.
    pub(super) fn cancel_move(&mut self, id: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let (name, owner) = {
            let group = self.group(id)?;
            (group.config.name.clone(), group.owner)
        };
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.moving.is_some()) else {
            return Ok(Answer::Done);
        };
        group.moving = None;
        let text = format!("The move of group '{name}' is cancelled; it stays on '{}'.", self.node_name(owner));
        story.group(Level::Information, &name, text);
        let goes_offline =
            |r: &&mut Resource| matches!(r.state, ResourceState::OfflineCallIssued | ResourceState::OfflinePending);
        let mut is_cancelling = false;
        for resource in self.resources.values_mut().filter(|r| r.group == id).filter(goes_offline) {
            resource.cancelled = resource.generation;
            is_cancelling = true;
        }
        story.touch(id);
        self.drain_step(owner, story);
        Ok(if is_cancelling { Answer::Pending } else { Answer::Done })
    }

    /// The second step of a move: nothing is active any more, so ownership changes.
    pub(super) fn finish_move(&mut self, id: Guid, story: &mut Story) {
        let Some(group) = self.groups.get(&id) else { return };
        let Some(Move { to, kind }) = group.moving.clone() else { return };
        if self.resources_of(id).any(|r| r.state.is_active()) {
            return;
        }
        if let Some(reason) = self.cannot_host(group, to) {
            let (name, to_name) = (group.config.name.clone(), self.node_name(to));
            let decision = placement::choose(self, group);
            let mut why = vec![format!("{to_name}: {reason}")];
            why.extend(decision.sentences());
            match decision.chosen {
                Some(other) => {
                    if let Some(group) = self.groups.get_mut(&id) {
                        group.moving = Some(Move { to: other, kind });
                    }
                    let text = format!("'{to_name}' cannot take group '{name}' any more; another node is chosen.");
                    story.group(Level::Warning, &name, text).why = why;
                    self.finish_move(id, story);
                }
                None => {
                    if let Some(group) = self.groups.get_mut(&id) {
                        group.moving = None;
                    }
                    let text = format!("Group '{name}' stays where it is: '{to_name}' cannot take it any more.");
                    story.group(Level::Warning, &name, text).why = why;
                    story.touch(id);
                }
            }
            return;
        }
        self.change_owner(id, to, kind, Vec::new(), story);
    }

    /// One update changes the owner. Nothing of the group is active.
    pub(super) fn change_owner(&mut self, id: Guid, to: NodeId, kind: MoveKind, why: Vec<String>, story: &mut Story) {
        let Some(group) = self.groups.get(&id) else { return };
        assert!(
            self.resources_of(id).all(|r| !r.state.is_active()),
            "ownership of group {id} changes while a resource is active"
        );
        let from = group.owner;
        let (from_name, to_name) = (self.node_name(from), self.node_name(to));
        let start_delay = group.config.start_delay;
        let Some(group) = self.groups.get_mut(&id) else { return };
        group.owner = to;
        group.moving = None;
        group.drain = None;
        group.start_at = (kind != MoveKind::Manual && start_delay > Millis(0)).then(|| story.at + start_delay);
        group.failback_suspended = kind == MoveKind::Manual || (kind != MoveKind::Failback && group.failback_suspended);
        group.held |= kind == MoveKind::NodeDown && group.config.priority == 0;
        let name = group.config.name.clone();
        let level = if kind == MoveKind::Manual { Level::Information } else { Level::Warning };
        let text = format!(
            "move of group '{name}' from {from_name}({from}) to {to_name}({to}) of type {} succeeded, failoverCount={}.",
            kind.name(),
            group.failovers.len()
        );
        story.group(level, &name, text).why = why;
        let resources: Vec<Guid> = self.resources_of(id).map(|r| r.id).collect();
        for resource in resources {
            self.forget_failures(resource, story);
        }
        self.forget_locks(id);
        story.touch(id);
        self.drain_step(from, story);
    }

    /// Nothing of a node's last life can be running: its groups find other owners.
    pub(super) fn take_over_from(&mut self, node: NodeId, story: &mut Story) {
        let mut groups: Vec<Guid> = self.groups.values().filter(|g| g.owner == node).map(|g| g.id).collect();
        groups.sort_by_key(|g| (std::cmp::Reverse(self.groups.get(g).map_or(0, |g| g.config.priority)), *g));
        for id in groups {
            self.lose_resources_of(id, story);
            let Some(group) = self.groups.get(&id) else { continue };
            let target = group.moving.as_ref().map(|m| m.to).filter(|to| self.cannot_host(group, *to).is_none());
            let decision = match target {
                Some(to) => {
                    let verdict = "it was on its way there".to_owned();
                    let candidate = placement::Candidate { node: to, name: self.node_name(to), verdict };
                    Decision { chosen: Some(to), candidates: vec![candidate] }
                }
                None => placement::choose(self, group),
            };
            match decision.chosen {
                Some(to) => self.change_owner(id, to, MoveKind::NodeDown, decision.sentences(), story),
                None => {
                    let name = group.config.name.clone();
                    if let Some(group) = self.groups.get_mut(&id) {
                        group.moving = None;
                    }
                    let text = format!("No node can take group '{name}'; it waits for one.");
                    story.group(Level::Error, &name, text).why = decision.sentences();
                }
            }
        }
    }

    /// A node came up: groups that wait on a node that is gone find it.
    pub(super) fn place_orphans(&mut self, story: &mut Story) {
        let is_gone = |n: &NodeId| self.nodes.get(n).is_none_or(|n| n.state != NodeState::Up && n.fenced);
        let gone: Vec<NodeId> = self.groups.values().map(|g| g.owner).filter(is_gone).collect();
        for node in gone {
            self.take_over_from(node, story);
        }
    }

    /// All resources of a group are gone with their process.
    pub(super) fn lose_resources_of(&mut self, group: Guid, story: &mut Story) {
        let resources: Vec<Guid> = self.resources_of(group).map(|r| r.id).collect();
        for id in resources {
            self.lost(id, story);
        }
        assert!(
            self.resources_of(group).all(|r| !r.state.is_active() || r.state == ResourceState::Offline),
            "a lost resource is not active"
        );
        story.touch(group);
    }

    /// Display name of a node, or its number.
    #[must_use]
    pub fn node_name(&self, id: NodeId) -> String {
        self.nodes.get(&id).map_or_else(|| format!("node {id}"), |n| n.config.name.clone())
    }
}
