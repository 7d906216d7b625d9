//! Nodes come, start, fall silent, are fenced, leave and are evicted (reference 2.8, 7.1).

use clusreg::{Batch, Value};

use super::command::Answer;
use super::config::NodeConfig;
use super::limits;
use super::network;
use super::objects::{ClusterState, DrainStatus, Node, NodeState};
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::{Component, Level};
use crate::refusal::{Refusal, code};
use crate::replica::VoterId;

impl ClusterState {
    /// A node by id.
    pub(super) fn node(&self, id: NodeId) -> Result<&Node, Refusal> {
        self.nodes.get(&id).ok_or_else(|| {
            Refusal::new(code::CLUSTER_NODE_NOT_FOUND, format!("There is no node with id {id}.")).fact("Node", id)
        })
    }

    /// A node by name, without case, or by id.
    #[must_use]
    pub fn find_node(&self, name: &str) -> Option<&Node> {
        let by_name = self.nodes.values().find(|n| n.config.name.eq_ignore_ascii_case(name));
        by_name.or_else(|| name.parse().ok().and_then(|id| self.nodes.get(&NodeId(id))))
    }

    /// A new member, or a known one with an empty store: gets an id, and a new voter id in any case, because a voter id
    /// belongs to one life of a store (docs/witness.md).
    pub(super) fn add_node(&mut self, name: &str, address: &str, story: &mut Story) -> Result<Answer, Refusal> {
        super::configure::check_name("node", name)?;
        let voter = VoterId(self.next_voter);
        let id = match self.find_node(name) {
            Some(node) if node.state == NodeState::Up => {
                return Err(Refusal::new(
                    code::CLUSTER_NODE_EXISTS,
                    format!("Node '{name}' is a member and up. Choose another name, or stop that node first."),
                )
                .fact("Node", name));
            }
            Some(node) => node.id,
            None => {
                let Some(free) = (1..).map(NodeId).take(limits::NODES).find(|id| !self.nodes.contains_key(id)) else {
                    return Err(Refusal::new(
                        code::CLUSTER_TOO_MANY_NODES,
                        format!("The cluster has {} nodes, as many as there can be.", limits::NODES),
                    ));
                };
                free
            }
        };
        let path = format!("Nodes\\{id}");
        let batch = Batch::at("")
            .create_key(&path)
            .set_value("NodeName", Value::sz(name))
            .set_value("Address", Value::sz(address));
        // Programs may delete what belongs to no object of the engine.
        let batch = match self.hive.key("NetworkInterfaces") {
            Some(_) => network::create_interface(batch, self.config.id, id, name, address),
            None => batch,
        };
        self.write(batch, story);
        self.next_voter += 1;
        let config = NodeConfig::read(&self.hive, id);
        match self.nodes.get_mut(&id) {
            Some(node) => {
                node.config = config;
                node.voter = voter;
                node.state = NodeState::Joining;
                // A life with another store: what is said of the former life does not concern it.
                node.incarnation = 0;
            }
            None => {
                self.nodes.insert(id, Node::new(id, config, voter));
            }
        }
        story.node(Level::Information, Component::Node, name, format!("Node '{name}' joins as node {id}."));
        Ok(Answer::Node { node: id, voter })
    }

    /// The service of a node is up; nothing of an earlier life of it is running.
    pub(super) fn node_started(
        &mut self,
        id: NodeId,
        incarnation: u64,
        address: &str,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let node = self.node(id)?;
        if node.incarnation == incarnation && node.state == NodeState::Up {
            return Ok(Answer::Done);
        }
        let name = node.config.name.clone();
        if node.quarantined_until.is_some() {
            let text = format!(
                "Node '{name}' is in quarantine and may not join (cluster node start {name} --clear-quarantine)."
            );
            story.node(Level::Warning, Component::Node, &name, text.clone()).event = Some(1675);
            return Err(Refusal::new(code::CLUSTER_NODE_QUARANTINED, text).fact("Node", &name));
        }
        if node.config.address != address {
            self.write(Batch::at(format!("Nodes\\{id}")).set_value("Address", Value::sz(address)), story);
        }
        self.lose_groups_of(id, story);
        // A failed resource is tried again when its node restarts (reference 2.2, PersistentState).
        let on_this_node = |r: &&super::Resource| self.groups.get(&r.group).is_some_and(|g| g.owner == id);
        let resources: Vec<Guid> = self.resources.values().filter(on_this_node).map(|r| r.id).collect();
        for resource in resources {
            self.forget_failures(resource, story);
        }
        for group in self.groups.values_mut().filter(|g| g.owner == id) {
            // No automatic start with Priority 0; GroupStartDelay counts from the start of the node.
            group.held |= group.config.priority == 0;
            group.start_at = (group.config.start_delay.0 > 0).then(|| story.at + group.config.start_delay);
        }
        let config = NodeConfig::read(&self.hive, id);
        if let Some(node) = self.nodes.get_mut(&id) {
            node.config = config;
            node.incarnation = incarnation;
            node.state = NodeState::Up;
            node.fenced = true;
            node.leaving = false;
            if node.drain == DrainStatus::InProgress {
                node.drain = DrainStatus::NotInitiated;
            }
        }
        let text = format!("Node '{name}' is up (Join Succeeded).");
        story.node(Level::Information, Component::Node, &name, text);
        self.end_forced_quorum(story);
        self.place_orphans(story);
        self.node_came_up(story);
        Ok(Answer::Done)
    }

    /// The leader has not heard of that life of the node for the threshold.
    pub(super) fn node_down(&mut self, id: NodeId, incarnation: u64, story: &mut Story) -> Result<Answer, Refusal> {
        let detection = self.config.detection();
        let (delay, threshold) = (self.config.heartbeat_delay, self.config.heartbeat_threshold);
        let Some(node) = self.nodes.get_mut(&id).filter(|n| n.incarnation == incarnation && n.state != NodeState::Down)
        else {
            return Ok(Answer::Done);
        };
        let was_member = node.state == NodeState::Up;
        node.state = NodeState::Down;
        node.fenced = !was_member;
        node.down_at = story.index;
        let name = node.config.name.clone();
        if was_member {
            let text = format!("Cluster node '{name}' was removed from the active failover cluster membership.");
            story.node(Level::Critical, Component::Rgp, &name, text).with_event(1135).why = vec![
                format!(
                    "no heartbeat for {} ms (SameSubnetDelay {} ms x SameSubnetThreshold {threshold})",
                    detection.0, delay.0
                ),
                "its groups move when it is certain that it has stopped them itself (fence delay)".to_owned(),
            ];
            self.count_departure(id, story);
            self.witness_left(id, None);
        }
        Ok(Answer::Done)
    }

    /// The fence delay is over.
    pub(super) fn node_fenced(
        &mut self,
        id: NodeId,
        incarnation: u64,
        down_at: u64,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let is_meant = |n: &&mut Node| {
            n.incarnation == incarnation && n.state == NodeState::Down && !n.fenced && n.down_at == down_at
        };
        let Some(node) = self.nodes.get_mut(&id).filter(is_meant) else { return Ok(Answer::Done) };
        node.fenced = true;
        let name = node.config.name.clone();
        story.node(Level::Information, Component::Rgp, &name, format!("Node '{name}' is fenced; its groups may move."));
        self.take_over_from(id, story);
        self.drain_step(id, story);
        Ok(Answer::Done)
    }

    /// The service of a node is going to stop.
    pub(super) fn node_leaving(
        &mut self,
        id: NodeId,
        incarnation: u64,
        drain: bool,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let Some(node) = self.nodes.get_mut(&id).filter(|n| n.incarnation == incarnation && n.state == NodeState::Up)
        else {
            return Ok(Answer::Done);
        };
        if node.leaving {
            return Ok(Answer::Done);
        }
        node.leaving = true;
        let name = node.config.name.clone();
        let text = format!("Service Stopping on '{name}'...");
        let notice = story.node(Level::Information, Component::Cs, &name, text);
        if drain {
            notice.why = vec!["DrainOnShutdown is 1: its groups move away first".to_owned()];
            self.drive_groups_off(id, None, story);
        }
        for group in self.groups.values().filter(|g| g.owner == id) {
            story.touch(group.id);
        }
        Ok(Answer::Done)
    }

    /// The service of a node stops now; nothing of it runs.
    pub(super) fn node_left(&mut self, id: NodeId, incarnation: u64, story: &mut Story) -> Result<Answer, Refusal> {
        let Some(node) = self.nodes.get_mut(&id).filter(|n| n.incarnation == incarnation && n.state == NodeState::Up)
        else {
            return Ok(Answer::Done);
        };
        node.state = NodeState::Down;
        node.fenced = true;
        node.leaving = false;
        node.drained.clear();
        let name = node.config.name.clone();
        story.node(Level::Information, Component::Node, &name, format!("Node '{name}' has left the cluster."));
        self.take_over_from(id, story);
        Ok(Answer::Done)
    }

    /// That life of the node lost the quorate leader for a while and terminated everything.
    pub(super) fn resources_lost(
        &mut self,
        id: NodeId,
        incarnation: u64,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let Some(node) = self.nodes.get(&id).filter(|n| n.incarnation == incarnation) else { return Ok(Answer::Done) };
        let name = node.config.name.clone();
        if node.state != NodeState::Up {
            // It was declared down meanwhile; its start will follow.
            return Ok(Answer::Done);
        }
        let text = format!("Node '{name}' had lost contact and stopped its resources; they are started again.");
        story.node(Level::Warning, Component::Rgp, &name, text);
        self.lose_groups_of(id, story);
        Ok(Answer::Done)
    }

    /// EvictClusterNode: the node is forgotten, with every reference to it.
    pub(super) fn evict_node(&mut self, id: NodeId, story: &mut Story) -> Result<Answer, Refusal> {
        let node = self.node(id)?;
        let name = node.config.name.clone();
        if node.state == NodeState::Up {
            return Err(Refusal::new(
                code::CLUSTER_NODE_UP,
                format!("Node '{name}' is up. Stop its service first (cluster node stop {name})."),
            )
            .fact("Node", &name));
        }
        if !node.fenced && node.incarnation != 0 {
            return Err(Refusal::new(
                code::CLUSTER_NODE_NOT_READY,
                format!("Node '{name}' went down a moment ago and is not fenced yet. Try again in a second."),
            ));
        }
        if self.nodes.len() == 1 {
            return Err(Refusal::new(
                code::CANT_EVICT_ACTIVE_NODE,
                format!("Node '{name}' is the last node. Destroy the cluster instead."),
            ));
        }
        let owned: Vec<&str> = self.groups.values().filter(|g| g.owner == id).map(|g| g.config.name.as_str()).collect();
        if !owned.is_empty() {
            return Err(Refusal::new(
                code::HOST_NODE_NOT_AVAILABLE,
                format!("Node '{name}' still owns groups that no other node can take: {}.", owned.join(", ")),
            ));
        }
        let batch = Batch::at("").delete_tree(format!("Nodes\\{id}"));
        self.write(network::delete_interface(batch, &self.hive, self.config.id, id), story);
        self.nodes.remove(&id);
        self.outcomes.retain(|(node, _), _| *node != id);
        self.done_below.retain(|(node, _), _| *node != id);
        self.forget_node_in_lists(id, story);
        let text = format!("Node '{name}' was evicted.");
        story.node(Level::Warning, Component::Node, &name, text).event = Some(1011);
        Ok(Answer::Done)
    }

    fn lose_groups_of(&mut self, node: NodeId, story: &mut Story) {
        let groups: Vec<Guid> = self.groups.values().filter(|g| g.owner == node).map(|g| g.id).collect();
        for group in groups {
            self.lose_resources_of(group, story);
        }
    }
}

impl Node {
    /// A node that was added and has not started yet.
    #[must_use]
    pub(super) fn new(id: NodeId, config: NodeConfig, voter: VoterId) -> Node {
        Node {
            id,
            config,
            voter,
            incarnation: 0,
            state: NodeState::Joining,
            paused: false,
            fenced: true,
            down_at: 0,
            leaving: false,
            drained: Vec::new(),
            drain: DrainStatus::NotInitiated,
            drain_target: None,
            departures: std::collections::VecDeque::new(),
            quarantined_until: None,
        }
    }
}
