//! What an administrator asks of groups and resources while they run: online, offline, fail, move (reference 2.2, 2.7).

use clusreg::{Batch, Value};

use super::command::Answer;
use super::objects::{ClusterState, Group, MoveKind, NodeState, Resource, ResourceState};
use super::placement;
use super::story::Story;
use crate::call::Cause;
use crate::id::{Guid, NodeId};
use crate::notice::Level;
use crate::refusal::{Refusal, code};

impl ClusterState {
    /// A resource by id.
    pub(super) fn resource(&self, id: Guid) -> Result<&Resource, Refusal> {
        self.resources.get(&id).ok_or_else(|| {
            Refusal::new(code::RESOURCE_NOT_FOUND, format!("There is no resource with id {id}.")).fact("Resource", id)
        })
    }

    /// A group by id.
    pub(super) fn group(&self, id: Guid) -> Result<&Group, Refusal> {
        self.groups.get(&id).ok_or_else(|| {
            Refusal::new(code::GROUP_NOT_FOUND, format!("There is no group with id {id}.")).fact("Group", id)
        })
    }

    /// The owner of a group, when resources can be started on it now.
    fn starting_owner(&self, group: &Group) -> Result<(), Refusal> {
        let owner = self.node(group.owner)?;
        let (name, node) = (&group.config.name, &owner.config.name);
        if owner.state != NodeState::Up {
            return Err(Refusal::new(
                code::HOST_NODE_NOT_AVAILABLE,
                format!(
                    "Node '{node}', which owns group '{name}', is not up. Start it, or wait until the group has moved."
                ),
            )
            .fact("Node", node));
        }
        if owner.leaving {
            return Err(
                Refusal::new(code::CLUSTER_SHUTTING_DOWN, format!("Node '{node}' is stopping.")).fact("Node", node)
            );
        }
        if owner.paused {
            return Err(Refusal::new(
                code::SHARING_PAUSED,
                format!(
                    "Node '{node}' is paused: nothing can be brought online there. Resume it, or move group '{name}'."
                ),
            )
            .fact("Node", node));
        }
        Ok(())
    }

    /// Why a node cannot be the target of a move that somebody asked for.
    fn check_target(&self, group: &Group, to: NodeId) -> Result<(), Refusal> {
        let node = self.node(to)?;
        let name = &node.config.name;
        let refuse =
            |code, text: String| Err(Refusal::new(code, text).fact("Node", name).fact("Group", &group.config.name));
        if node.state != NodeState::Up || node.leaving {
            return refuse(code::CLUSTER_NODE_DOWN, format!("Node '{name}' is not up."));
        }
        if node.paused {
            return refuse(code::SHARING_PAUSED, format!("Node '{name}' is paused. Resume it first."));
        }
        if let Some(resource) = self.not_possible_owner(group.id, to) {
            return refuse(
                code::NODE_CANT_HOST_RESOURCE,
                format!("Node '{name}' is not a possible owner of resource '{resource}'."),
            );
        }
        let conflict =
            placement::anti_affinity_conflict(self, group, to).filter(|_| self.config.enforced_anti_affinity);
        if let Some(other) = conflict {
            return refuse(
                code::NODE_CANT_HOST_RESOURCE,
                format!(
                    "Node '{name}' hosts '{other}' of the same anti-affinity class, and ClusterEnforcedAntiAffinity is 1."
                ),
            );
        }
        Ok(())
    }

    /// OnlineClusterGroup.
    pub(super) fn online_group(
        &mut self,
        id: Guid,
        node: Option<NodeId>,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let group = self.group(id)?;
        self.refuse_if_busy(group)?;
        let target = node.filter(|n| *n != group.owner);
        match target {
            Some(to) => self.check_target(group, to)?,
            None => self.starting_owner(group)?,
        }
        self.write(Batch::at(format!("Groups\\{id}")).set_value("PersistentState", Value::dword(1)), story);
        let resources: Vec<Guid> = self.resources_of(id).map(|r| r.id).collect();
        for resource in &resources {
            self.set_persistent(*resource, None, story);
            self.forget_failures(*resource, story);
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.held = false;
            group.start_at = None;
        }
        story.touch(id);
        if let Some(to) = target {
            self.begin_move(id, to, MoveKind::Manual, vec!["asked to be brought online there".to_owned()], story);
        }
        let done = resources.iter().all(|r| self.resources.get(r).is_some_and(|r| r.state == ResourceState::Online));
        Ok(if done && target.is_none() { Answer::Done } else { Answer::Pending })
    }

    /// OfflineClusterGroup.
    pub(super) fn offline_group(&mut self, id: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let group = self.group(id)?;
        self.refuse_if_busy(group)?;
        if let Some(resource) = self.resources_of(id).map(|r| r.id).find(|r| self.is_quorum_resource(*r)) {
            self.not_on_quorum_resource(resource, code::INVALID_OPERATION_ON_QUORUM, "taken offline with its group")?;
        }
        self.write(Batch::at(format!("Groups\\{id}")).set_value("PersistentState", Value::dword(0)), story);
        let resources: Vec<Guid> = self.resources_of(id).map(|r| r.id).collect();
        let is_active = self.resources_of(id).any(|r| r.state.is_active());
        for resource in resources {
            if self.resources.get(&resource).is_some_and(|r| r.config.persistent == Some(true)) {
                self.set_persistent(resource, None, story);
            }
            self.forget_failures(resource, story);
        }
        story.touch(id);
        Ok(if is_active { Answer::Pending } else { Answer::Done })
    }

    /// MoveClusterGroup.
    pub(super) fn move_group(&mut self, id: Guid, to: Option<NodeId>, story: &mut Story) -> Result<Answer, Refusal> {
        let group = self.group(id)?;
        self.refuse_if_busy(group)?;
        if to == Some(group.owner) {
            return Ok(Answer::Done);
        }
        let name = group.config.name.clone();
        if !self.owner_is_up(id) {
            return Err(Refusal::new(
                code::HOST_NODE_NOT_AVAILABLE,
                format!("The node that owns group '{name}' is down; the group moves by itself when that is certain."),
            )
            .fact("Group", &name));
        }
        let (to, why) = match to {
            Some(to) => {
                self.check_target(group, to)?;
                (to, vec!["asked for by name".to_owned()])
            }
            None => {
                let decision = placement::choose(self, group);
                let Some(to) = decision.chosen else {
                    let mut refusal = Refusal::new(
                        code::HOST_NODE_NOT_AVAILABLE,
                        format!("No other node can host group '{name}': {}.", decision.sentences().join("; ")),
                    );
                    for candidate in &decision.candidates {
                        refusal = refusal.fact(&candidate.name, &candidate.verdict);
                    }
                    return Err(refusal);
                };
                (to, decision.sentences())
            }
        };
        self.begin_move(id, to, MoveKind::Manual, why, story);
        Ok(Answer::Pending)
    }

    /// OnlineClusterResource: its providers as well.
    pub(super) fn online_resource(&mut self, id: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let resource = self.resource(id)?;
        let group = self.group(resource.group)?;
        self.refuse_if_busy(group)?;
        let name = resource.config.name.clone();
        match resource.state {
            ResourceState::Online => return Ok(Answer::Done),
            ResourceState::Offline
            | ResourceState::Failed
            | ResourceState::WaitingToComeOnline
            | ResourceState::DelayRestartingResource => {}
            ResourceState::OnlineCallIssued
            | ResourceState::OnlinePending
            | ResourceState::WaitingToGoOffline
            | ResourceState::OfflineCallIssued
            | ResourceState::OfflinePending
            | ResourceState::Terminating => {
                return Err(Refusal::new(
                    code::INVALID_STATE,
                    format!("Resource '{name}' is {}; wait until it has come to rest.", resource.state.word()),
                )
                .fact("State", resource.state.word()));
            }
        }
        self.starting_owner(group)?;
        let group_id = group.id;
        if let Some(group) = self.groups.get_mut(&group_id) {
            group.held = false;
            group.start_at = None;
        }
        // The resource, and every provider without which it cannot be.
        let mut wanted = vec![id];
        let mut next = 0;
        while let Some(current) = wanted.get(next).copied() {
            next += 1;
            let group_wants = self.groups.get(&group_id).is_some_and(|g| g.config.persistent);
            self.set_persistent(current, if group_wants { None } else { Some(true) }, story);
            self.forget_failures(current, story);
            let Some(resource) = self.resources.get(&current) else { continue };
            for set in resource.config.dependencies.sets() {
                let has_one = set
                    .iter()
                    .filter_map(|p| self.resources.get(p))
                    .any(|p| self.is_wanted(p) && p.state != ResourceState::Failed);
                if !has_one || set.len() == 1 {
                    wanted.extend(set.iter().copied().filter(|p| !wanted.contains(p)).collect::<Vec<_>>());
                }
            }
        }
        story.touch(group_id);
        Ok(Answer::Pending)
    }

    /// OfflineClusterResource.
    pub(super) fn offline_resource(&mut self, id: Guid, force: bool, story: &mut Story) -> Result<Answer, Refusal> {
        let resource = self.resource(id)?;
        self.refuse_if_busy(self.group(resource.group)?)?;
        let (name, state, group) = (resource.config.name.clone(), resource.state, resource.group);
        self.not_on_quorum_resource(id, code::INVALID_OPERATION_ON_QUORUM, "taken offline")?;
        let at_rest = matches!(state, ResourceState::Online | ResourceState::Offline | ResourceState::Failed);
        let waits = matches!(state, ResourceState::WaitingToComeOnline | ResourceState::DelayRestartingResource);
        if !at_rest && !waits && !force {
            return Err(Refusal::new(
                code::INVALID_STATE,
                format!("Resource '{name}' is {}; wait until it has come to rest, or force it.", state.word()),
            )
            .fact("State", state.word()));
        }
        self.set_persistent(id, Some(false), story);
        if state == ResourceState::Failed {
            self.forget_failures(id, story);
        }
        if force && state.is_active() && state != ResourceState::Terminating {
            self.issue(id, ResourceState::Terminating, story);
        }
        story.touch(group);
        Ok(if state.is_active() { Answer::Pending } else { Answer::Done })
    }

    /// FailClusterResource: the resource is terminated, and then policy takes its course.
    pub(super) fn fail_resource(&mut self, id: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let resource = self.resource(id)?;
        self.refuse_if_busy(self.group(resource.group)?)?;
        if resource.state != ResourceState::Online {
            return Err(Refusal::new(
                code::RESMON_INVALID_STATE,
                format!(
                    "Resource '{}' is {}; only an online resource can be failed.",
                    resource.config.name,
                    resource.state.word()
                ),
            )
            .fact("State", resource.state.word()));
        }
        if let Some(resource) = self.resources.get_mut(&id) {
            resource.failing = Some(Cause::Simulated);
        }
        self.issue(id, ResourceState::Terminating, story);
        Ok(Answer::Pending)
    }

    fn refuse_if_busy(&self, group: &Group) -> Result<(), Refusal> {
        if let Some(moving) = &group.moving {
            return Err(Refusal::new(
                code::CLUSTER_GROUP_MOVING,
                format!(
                    "Group '{}' is on its way to '{}'. Wait until it has arrived.",
                    group.config.name,
                    self.node_name(moving.to)
                ),
            )
            .fact("Group", &group.config.name));
        }
        if group.deleting {
            return Err(Refusal::new(
                code::RESOURCE_NOT_AVAILABLE,
                format!("Group '{}' is being deleted.", group.config.name),
            ));
        }
        Ok(())
    }

    /// Writes or deletes PersistentState of a resource (reference 2.2).
    pub(super) fn set_persistent(&mut self, id: Guid, wanted: Option<bool>, story: &mut Story) {
        if self.resources.get(&id).is_none_or(|r| r.config.persistent == wanted) {
            return;
        }
        let batch = Batch::at(format!("Resources\\{id}"));
        let batch = match wanted {
            Some(wanted) => batch.set_value("PersistentState", Value::dword(u32::from(wanted))),
            None => batch.delete_value("PersistentState"),
        };
        self.write(batch, story);
    }

    /// A retry that is due, a delay that is over: cluster time has come to here.
    pub(super) fn time_passed(&mut self, story: &mut Story) {
        let at = story.at;
        let due = |t: Option<crate::time::Time>| t.is_some_and(|t| t <= at);
        for resource in self.resources.values().filter(|r| due(r.restart_at)) {
            story.touch(resource.group);
        }
        let retries: Vec<Guid> = self.resources.values().filter(|r| due(r.retry_at)).map(|r| r.id).collect();
        for id in retries {
            self.retry_failed(id, story);
        }
        self.end_quarantines(story);
        self.touch_dependents(None, story);
        let groups: Vec<Guid> = self.groups.keys().copied().collect();
        for id in groups {
            let Some(group) = self.groups.get_mut(&id) else { continue };
            if due(group.start_at) {
                group.start_at = None;
                let name = group.config.name.clone();
                story.touch(id);
                story.group(Level::Information, &name, format!("GroupStartDelay of '{name}' is over."));
            }
            if due(self.groups.get(&id).and_then(|g| g.failback_at)) {
                if let Some(group) = self.groups.get_mut(&id) {
                    group.failback_at = None;
                }
                self.consider_failback(id, story);
            }
        }
    }

    /// The next time at which something is due by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<crate::time::Time> {
        let resources = self.resources.values().flat_map(|r| [r.restart_at, r.retry_at]);
        let groups = self.groups.values().flat_map(|g| [g.start_at, g.failback_at]);
        let nodes = self.nodes.values().map(|n| n.quarantined_until.filter(|t| *t != super::quarantine::UNTIL_CLEARED));
        resources.chain(groups).chain(nodes).flatten().chain(self.group_order_deadlines()).min()
    }
}
