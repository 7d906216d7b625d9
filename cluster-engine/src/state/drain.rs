//! Pause, drain and resume of a node (reference 2.8).
//!
//! A paused node keeps what runs, but nothing can be brought online there and nothing moves there; that survives
//! restarts. A drain moves every group away as well, and the node remembers which, so that a resume can bring them back.
//!
//! Resources may have a say (CLUS_CHAR_VETO_DRAIN): they are asked before their group moves. A veto, like a locked resource, leaves the
//! group where it is; then the drain ends as Failed (event 1677), and the rest of the node is drained all the same. A node
//! whose service stops asks nobody: whatever the answer, nothing goes on running there.

use std::collections::BTreeSet;

use clusreg::{Batch, Value};

use super::characteristics::VETO_DRAIN;
use super::command::{Answer, Failback};
use super::objects::{ClusterState, DrainAsks, DrainStatus, MoveKind, NodeState, Resource};
use super::placement;
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::{Component, Level};
use crate::refusal::{Refusal, code};

/// What a resource answers that has nothing against a drain.
const NO_OBJECTION: u32 = 0;
/// ERROR_INVALID_FUNCTION: it does not know the question.
const NOT_INTERESTED: u32 = 1;

impl ClusterState {
    /// PauseClusterNode(Ex).
    pub(super) fn pause_node(
        &mut self,
        id: NodeId,
        drain: bool,
        target: Option<NodeId>,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let node = self.node(id)?;
        let name = node.config.name.clone();
        if node.drain == DrainStatus::InProgress {
            return Err(Refusal::new(
                code::CLUSTER_NODE_DRAIN_IN_PROGRESS,
                format!("Node '{name}' is being drained already. Wait for it, or resume the node."),
            ));
        }
        if let Some(target) = target {
            let there = self.node(target)?;
            if there.state != NodeState::Up || there.paused || target == id {
                return Err(Refusal::new(
                    code::HOST_NODE_NOT_AVAILABLE,
                    format!(
                        "Node '{}' cannot take the groups: it must be another node, up and not paused.",
                        there.config.name
                    ),
                ));
            }
        }
        self.write(Batch::at(format!("Nodes\\{id}")).set_value("Paused", Value::dword(1)), story);
        if let Some(node) = self.nodes.get_mut(&id) {
            node.paused = true;
            node.drained.clear();
            node.drain_target = target;
            node.drain = if drain { DrainStatus::InProgress } else { DrainStatus::NotInitiated };
        }
        story.node(Level::Information, Component::Rcm, &name, format!("Node '{name}' is paused."));
        if !drain {
            return Ok(Answer::Done);
        }
        self.drive_groups_off(id, target, story);
        self.drain_step(id, story);
        let done = self.node(id)?.drain != DrainStatus::InProgress;
        Ok(if done { Answer::Done } else { Answer::Pending })
    }

    /// Starts to move every group of a node away. What cannot move stays.
    pub(super) fn drive_groups_off(&mut self, id: NodeId, target: Option<NodeId>, story: &mut Story) {
        let mut groups: Vec<Guid> = self.groups.values().filter(|g| g.owner == id).map(|g| g.id).collect();
        groups.sort_by_key(|g| (std::cmp::Reverse(self.groups.get(g).map_or(0, |g| g.config.priority)), *g));
        for group_id in groups {
            let Some(group) = self.groups.get(&group_id) else { continue };
            if group.moving.as_ref().is_some_and(|m| m.to != id) {
                self.remember_drained(id, group_id);
                continue;
            }
            if self.nodes.get(&id).is_some_and(|node| node.leaving) {
                self.drive_off(group_id, target, story);
                continue;
            }
            if let Some(locked) = self.locked_of(group_id) {
                let why = format!("'{}' is locked by its library", locked.config.name);
                self.stays_in_drain(group_id, why, story);
                continue;
            }
            let has_say = |r: &&Resource| r.is_said_to(VETO_DRAIN) && r.state.is_active();
            let waiting: BTreeSet<Guid> = self.resources_of(group_id).filter(has_say).map(|r| r.id).collect();
            if waiting.is_empty() {
                self.drive_off(group_id, target, story);
            } else if let Some(group) = self.groups.get_mut(&group_id) {
                group.drain = Some(DrainAsks { round: story.index, waiting });
            }
        }
    }

    /// Nothing stands against it: the group moves, if a node can take it.
    fn drive_off(&mut self, group_id: Guid, target: Option<NodeId>, story: &mut Story) {
        let Some(group) = self.groups.get(&group_id) else { return };
        let wished = target.filter(|to| self.cannot_host(group, *to).is_none());
        let (from, decision) = (group.owner, placement::choose(self, group));
        let mut why = decision.sentences();
        if wished.is_some() {
            why.insert(0, "the drain names this node as its target".to_owned());
        }
        match wished.or(decision.chosen) {
            Some(to) => {
                self.remember_drained(from, group_id);
                self.begin_move(group_id, to, MoveKind::Drain, why, story);
            }
            None => self.tell_stays(group_id, "no node can take it", why, story),
        }
    }

    fn stays_in_drain(&mut self, group: Guid, why: String, story: &mut Story) {
        self.tell_stays(group, &why, vec![why.clone()], story);
    }

    fn tell_stays(&self, group: Guid, reason: &str, why: Vec<String>, story: &mut Story) {
        let Some(name) = self.groups.get(&group).map(|group| &group.config.name) else { return };
        let text = format!("Moving role '{name}' away for the drain failed: {reason}.");
        story.group(Level::Error, name, text).with_event(1137).why = why;
    }

    /// A resource was asked whether its group may be drained.
    pub(super) fn drain_answered(&mut self, id: Guid, round: u64, code: u32, story: &mut Story) {
        let Some(resource) = self.resources.get(&id) else { return };
        let (group_id, name) = (resource.group, resource.config.name.clone());
        let Some(group) = self.groups.get_mut(&group_id) else { return };
        let Some(asks) = group.drain.as_mut().filter(|asks| asks.round == round) else { return };
        if !asks.waiting.remove(&id) {
            return;
        }
        if !matches!(code, NO_OBJECTION | NOT_INTERESTED) {
            let owner = group.owner;
            group.drain = None;
            self.stays_in_drain(group_id, format!("resource '{name}' vetoes it with {code}"), story);
            self.drain_step(owner, story);
        }
        story.touch(group_id);
    }

    /// All resources that had a say have spoken, or are gone: the group moves.
    pub(super) fn finish_drain_asks(&mut self, id: Guid, story: &mut Story) {
        let is_left =
            |state: &ClusterState, resource: &Guid| state.resources.get(resource).is_some_and(|r| r.group == id);
        let Some(group) = self.groups.get(&id) else { return };
        let Some(asks) = &group.drain else { return };
        if asks.waiting.iter().any(|resource| is_left(self, resource)) {
            return;
        }
        let owner = group.owner;
        if let Some(group) = self.groups.get_mut(&id) {
            group.drain = None;
        }
        let target = self.nodes.get(&owner).and_then(|node| node.drain_target);
        self.drive_off(id, target, story);
        self.drain_step(owner, story);
    }

    fn remember_drained(&mut self, node: NodeId, group: Guid) {
        if let Some(node) = self.nodes.get_mut(&node) {
            node.drained.push(group);
        }
    }

    /// A group left the node, or could not: is the drain over?
    pub(super) fn drain_step(&mut self, id: NodeId, story: &mut Story) {
        let Some(node) = self.nodes.get(&id) else { return };
        if node.drain != DrainStatus::InProgress {
            return;
        }
        let left: Vec<&str> = self.groups.values().filter(|g| g.owner == id).map(|g| g.config.name.as_str()).collect();
        let is_moving = self.groups.values().any(|g| g.owner == id && (g.moving.is_some() || g.drain.is_some()));
        if is_moving {
            return;
        }
        let name = node.config.name.clone();
        let status = if left.is_empty() {
            story.node(Level::Information, Component::Rcm, &name, format!("Node '{name}' is drained."));
            DrainStatus::Completed
        } else {
            let text = format!("The drain of node '{name}' failed; still there: {}.", left.join(", "));
            story.node(Level::Error, Component::Rcm, &name, text).event = Some(1677);
            DrainStatus::Failed
        };
        if let Some(node) = self.nodes.get_mut(&id) {
            node.drain = status;
        }
    }

    /// ResumeClusterNodeEx.
    pub(super) fn resume_node(&mut self, id: NodeId, failback: Failback, story: &mut Story) -> Result<Answer, Refusal> {
        let node = self.node(id)?;
        let name = node.config.name.clone();
        if !node.paused {
            return Err(Refusal::new(code::CLUSTER_NODE_NOT_PAUSED, format!("Node '{name}' is not paused.")));
        }
        self.write(Batch::at(format!("Nodes\\{id}")).delete_value("Paused"), story);
        let mut drained = Vec::new();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.paused = false;
            node.drain = DrainStatus::NotInitiated;
            node.drain_target = None;
            drained = std::mem::take(&mut node.drained);
        }
        story.node(Level::Information, Component::Rcm, &name, format!("Node '{name}' is resumed."));
        for group in self.groups.values_mut().filter(|g| g.owner == id) {
            group.drain = None;
            story.touch(group.id);
        }
        match failback {
            Failback::None => {}
            Failback::Immediate => {
                for group_id in drained {
                    let Some(group) = self.groups.get(&group_id) else { continue };
                    if group.owner != id && group.moving.is_none() && self.cannot_host(group, id).is_none() {
                        let why = vec![format!("the drain of '{name}' had driven it off; FailbackGroupsImmediately")];
                        self.begin_move(group_id, id, MoveKind::Failback, why, story);
                    }
                }
            }
            Failback::Policy => {
                for group_id in drained {
                    self.consider_failback(group_id, story);
                }
            }
        }
        self.place_orphans(story);
        Ok(Answer::Done)
    }
}
