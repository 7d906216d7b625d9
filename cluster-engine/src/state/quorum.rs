//! Quorum as the nodes agree on it: the model, the quorum resource, who votes at the moment, and who hosts the witness
//! (reference 7.4 to 7.6).
//!
//! What an administrator configures stands in the hive: `Quorum\Resource`, `Quorum\Path`, `Quorum\MaxQuorumLogSize` (whose
//! special sizes tell the model), `NodeWeight` of each node, `DynamicQuorum`, `LowerQuorumPriorityNodeID`. Who votes at the
//! moment is the set of voters of the replicated log itself, as of the last entry applied: DynamicWeight is read off it, so
//! the two can never differ. The leader changes it, one vote at a time, towards what the rules of
//! [`quorum`](crate::quorum) want.

use std::collections::{BTreeMap, BTreeSet};

use clusreg::{Batch, Value};
use serde::{Deserialize, Serialize};

use super::command::Answer;
use super::objects::{ClusterState, NodeState, ResourceState};
use super::story::Story;
use crate::id::{Guid, Lineage, NodeId};
use crate::notice::{ArbitrationStep, Component, Level, Subject};
use crate::quorum::{Model, NodeVote, Votes, Witness, WitnessVote};
use crate::refusal::{Refusal, code};
use crate::replica::{VoterId, Voters};
use crate::time::Time;

/// Run-time state of quorum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quorum {
    /// How votes are counted.
    pub model: Model,
    /// Voters and learners of the log at the last entry applied.
    pub voters: Voters,
    /// The line of descent of this state; raised by force quorum.
    pub lineage: Lineage,
    /// FixQuorum: this node forced quorum, and quorum settings are ignored until the normal vote count is there again.
    pub forced_by: Option<NodeId>,
    /// The witness, when the model has one. One that has been replaced or given up stays until its vote is taken: as long
    /// as it has that, it may be all that makes a majority.
    pub witness: Option<WitnessState>,
    /// The quorum resource that comes after a witness that is leaving.
    pub successor: Option<(Guid, Witness)>,
}

/// The witness as a voter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessState {
    /// The quorum resource.
    pub resource: Guid,
    /// What it is.
    pub kind: Witness,
    /// The id of its store as a voter. Belongs to one lifetime of that store.
    pub voter: VoterId,
    /// Where it votes, as far as the cluster has agreed on it.
    pub host: Option<WitnessHost>,
    /// Another quorum was chosen; it ends when its vote is taken.
    pub is_leaving: bool,
}

/// Where the witness votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessHost {
    /// On which node.
    pub node: NodeId,
    /// The ownership epoch.
    pub epoch: u64,
    /// Since when.
    pub since: Time,
}

impl Quorum {
    /// Of a new cluster: node majority.
    #[must_use]
    pub fn new(voters: Voters) -> Quorum {
        let (model, lineage) = (Model::NodeMajority, Lineage::default());
        Quorum { model, voters, lineage, forced_by: None, witness: None, successor: None }
    }
}

impl ClusterState {
    /// The quorum resource.
    #[must_use]
    pub fn quorum_resource(&self) -> Option<&super::Resource> {
        self.resources.get(&self.quorum.witness.as_ref()?.resource)
    }

    /// The quorum resource that was chosen: while a witness is leaving, the one that comes after it. What is shown to people.
    #[must_use]
    pub fn chosen_quorum_resource(&self) -> Option<&super::Resource> {
        match (&self.quorum.witness, self.quorum.successor) {
            (Some(witness), _) if !witness.is_leaving => self.resources.get(&witness.resource),
            (_, Some((resource, _))) => self.resources.get(&resource),
            (_, None) => None,
        }
    }

    /// Is this the quorum resource, or the one that is about to be?
    #[must_use]
    pub fn is_quorum_resource(&self, id: Guid) -> bool {
        let is_present = self.quorum.witness.as_ref().is_some_and(|w| w.resource == id);
        is_present || self.quorum.successor.is_some_and(|(next, _)| next == id)
    }

    /// The node that should host the witness while there is quorum: the owner of the quorum resource.
    #[must_use]
    pub fn quorum_owner(&self) -> Option<NodeId> {
        self.groups.get(&self.quorum_resource()?.group).map(|g| g.owner)
    }

    /// The votes as they are in force at the last entry applied.
    #[must_use]
    pub fn votes(&self) -> Votes {
        let model = self.quorum.model;
        let voters = &self.quorum.voters.voters;
        let node_vote = |n: &super::Node| NodeVote {
            weight: n.config.weight == 1 && model.has_node_votes(),
            dynamic: voters.contains(&n.voter),
        };
        let witness = self.quorum.witness.as_ref();
        Votes {
            nodes: self.nodes.values().map(|n| (n.id, node_vote(n))).collect(),
            witness: witness.map(|w| WitnessVote { kind: w.kind, dynamic: voters.contains(&w.voter) }),
            dynamic_quorum: self.config.dynamic_quorum,
            lower_priority: self.config.lower_priority.filter(|id| self.nodes.contains_key(id)),
        }
    }

    /// The votes as the log counts them: whoever is in the set of voters has one, configured or not. While votes move to
    /// another model that differs from [`votes`](ClusterState::votes).
    #[must_use]
    pub fn votes_in_force(&self) -> Votes {
        let mut votes = self.votes();
        for vote in votes.nodes.values_mut() {
            vote.weight |= vote.dynamic;
        }
        votes
    }

    /// Nodes that are up and stay.
    #[must_use]
    pub fn up_nodes(&self) -> BTreeSet<NodeId> {
        self.nodes.values().filter(|n| n.state == NodeState::Up && !n.leaving).map(|n| n.id).collect()
    }

    /// Who a voter is, for people.
    #[must_use]
    pub fn voter_name(&self, voter: VoterId) -> String {
        if let Some(node) = self.nodes.values().find(|n| n.voter == voter) {
            return format!("node '{}'", node.config.name);
        }
        match &self.quorum.witness {
            Some(witness) if witness.voter == voter => format!("the {}", witness.kind),
            _ => voter.to_string(),
        }
    }

    /// The set of voters changed by the entry at `index`. The same on every node, like every entry. Returns what is to be
    /// told.
    pub fn voters_changed(&mut self, index: u64, voters: &Voters) -> Vec<crate::notice::Notice> {
        self.applied = self.applied.max(index);
        let before = std::mem::replace(&mut self.quorum.voters, voters.clone());
        let mut story = Story::new(index, self.at);
        for (voter, has) in before
            .voters
            .difference(&voters.voters)
            .map(|v| (*v, false))
            .chain(voters.voters.difference(&before.voters).map(|v| (*v, true)))
        {
            let (name, total) = (self.voter_name(voter), voters.voters.len());
            let what = if has { "has a vote now" } else { "has no vote now" };
            let text = format!("{name} {what}; votes in force: {total}, needed: {}.", total / 2 + 1);
            story.tell(Level::Information, Component::Quorum, None, text);
        }
        self.follow_leaving_witness();
        story.notices
    }

    /// A witness that is leaving is gone when it has no vote any more; then the next one begins.
    fn follow_leaving_witness(&mut self) {
        let voters = &self.quorum.voters.voters;
        if self.quorum.witness.as_ref().is_some_and(|w| w.is_leaving && !voters.contains(&w.voter)) {
            self.quorum.witness = None;
            if let Some((resource, kind)) = self.quorum.successor.take() {
                self.begin_witness(resource, kind);
            }
        }
    }

    /// Another device is another store, so another voter.
    fn begin_witness(&mut self, resource: Guid, kind: Witness) {
        let voter = VoterId(self.next_voter);
        self.next_voter += 1;
        self.quorum.witness = Some(WitnessState { resource, kind, voter, host: None, is_leaving: false });
    }

    /// The present witness is to go, and `successor` comes after it.
    fn replace_witness(&mut self, successor: Option<(Guid, Witness)>) {
        self.quorum.successor = successor;
        if let Some(witness) = &mut self.quorum.witness {
            witness.is_leaving = true;
            self.follow_leaving_witness();
        } else if let Some((resource, kind)) = self.quorum.successor.take() {
            self.begin_witness(resource, kind);
        }
    }

    /// SetClusterQuorumResource (reference 7.4): the model and its witness.
    pub(super) fn set_quorum(
        &mut self,
        resource: Option<Guid>,
        kind: Witness,
        size: u32,
        path: &str,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let Some(id) = resource else {
            if self.quorum.model == Model::NodeMajority {
                return Ok(Answer::Done);
            }
            self.quorum.model = Model::NodeMajority;
            self.replace_witness(None);
            self.write_quorum("", 0, "", story);
            story.tell(Level::Information, Component::Quorum, None, "Quorum is node majority now, without a witness.");
            return Ok(Answer::Done);
        };
        let model = match Model::of_size(size, kind) {
            Some(Model::NodeMajority) => return self.set_quorum(None, kind, size, path, story),
            Some(model) => model,
            None if size == crate::quorum::LEGACY_SIZE => {
                let text = "Only a disk can be the quorum alone; take node and file share majority (size 1024).";
                return Err(Refusal::new(code::NOT_QUORUM_CLASS, text));
            }
            // A size of the quorum log in bytes: the model stays what it is, if it has a witness of this kind.
            None if self.quorum.model.witness() == Some(kind) => self.quorum.model,
            None if kind == Witness::FileShare => Model::NodeAndFileShareMajority,
            None => Model::NodeAndDiskMajority,
        };
        let name = self.check_quorum_resource(id)?;
        let weights: BTreeMap<NodeId, bool> = self.nodes.values().map(|n| (n.id, n.config.weight == 1)).collect();
        if let Err(fault) = Votes::new(model, &weights, self.config.dynamic_quorum, None) {
            return Err(Refusal::new(code::CLUSTER_INVALID_NODE_WEIGHT, fault.to_string()));
        }
        match &mut self.quorum.witness {
            Some(witness) if witness.resource == id && witness.kind == kind => {
                witness.is_leaving = false;
                self.quorum.successor = None;
            }
            Some(_) | None => self.replace_witness(Some((id, kind))),
        }
        self.quorum.model = model;
        self.write_quorum(&id.to_string(), size, path, story);
        let text = format!("Quorum is {model} now, with '{name}' as the witness.");
        story.tell(Level::Information, Component::Quorum, Some(Subject::Resource(name)), text);
        Ok(Answer::Done)
    }

    /// What a quorum resource has to be (reference 7.4), apart from the characteristics of its type, which only a Resource
    /// Monitor knows: whoever asks has looked at those.
    fn check_quorum_resource(&self, id: Guid) -> Result<String, Refusal> {
        let Some(resource) = self.resources.get(&id) else {
            return Err(Refusal::new(code::RESOURCE_NOT_FOUND, format!("There is no resource with id {id}.")));
        };
        let name = resource.config.name.clone();
        if resource.state != ResourceState::Online {
            let text = format!("'{name}' is {}; bring it online first.", resource.state.word());
            return Err(Refusal::new(code::QUORUM_RESOURCE_ONLINE_FAILED, text).fact("Resource", &name));
        }
        let dependent = self.resources.values().find(|r| r.config.dependencies.providers().any(|p| p == id));
        if let Some(dependent) = dependent {
            let text =
                format!("'{}' depends on '{name}'; nothing may depend on the quorum resource.", dependent.config.name);
            return Err(Refusal::new(code::DEPENDENT_RESOURCE_EXISTS, text).fact("Dependent", &dependent.config.name));
        }
        if self.hive.dword(&format!("Resources\\{id}\\Parameters"), "MaintenanceMode").is_some_and(|mode| mode != 0) {
            let text = format!("'{name}' is in maintenance mode; end that first.");
            return Err(Refusal::new(code::CLUSTER_RESOURCE_IS_IN_MAINTENANCE_MODE, text));
        }
        if resource.config.possible.as_ref().is_some_and(|list| self.nodes.keys().any(|n| !list.contains(n))) {
            let text =
                format!("Not every node is a possible owner of '{name}'; the quorum resource has to run anywhere.");
            return Err(Refusal::new(code::INVALID_OPERATION_ON_QUORUM, text).fact("Resource", &name));
        }
        Ok(name)
    }

    fn write_quorum(&mut self, resource: &str, size: u32, path: &str, story: &mut Story) {
        let path = if path.is_empty() && !resource.is_empty() { "MSCS" } else { path };
        let batch = Batch::at("Quorum")
            .set_value("Resource", Value::sz(resource))
            .set_value("Path", Value::sz(path))
            .set_value("MaxQuorumLogSize", Value::dword(size));
        self.write(batch, story);
    }

    /// Refuses what may not be done to the quorum resource (reference 7.4).
    pub(super) fn not_on_quorum_resource(&self, id: Guid, code: u32, what: &str) -> Result<(), Refusal> {
        if !self.is_quorum_resource(id) {
            return Ok(());
        }
        let name = self.resource_name(id);
        let text = format!(
            "'{name}' is the quorum resource and cannot be {what}. Choose another quorum first (cluster quorum set)."
        );
        Err(Refusal::new(code, text).fact("Resource", name))
    }

    /// Refuses to take the last NodeWeight of a model in which nodes vote (5954).
    pub(super) fn refuse_last_vote(
        &self,
        object: &super::Object,
        values: &[(String, Option<Value>)],
    ) -> Result<(), Refusal> {
        let super::Object::Node(id) = object else { return Ok(()) };
        let takes = values.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("NodeWeight") && value.as_ref().and_then(Value::as_dword) == Some(0)
        });
        let others = self.nodes.values().any(|n| n.id != *id && n.config.weight == 1);
        if takes && !others && self.quorum.model.has_node_votes() {
            let text = format!(
                "No node would have a vote; give another one NodeWeight 1 before '{}' loses it.",
                self.node_name(*id)
            );
            return Err(Refusal::new(code::CLUSTER_INVALID_NODE_WEIGHT, text));
        }
        Ok(())
    }

    /// The witness votes on that node from now on.
    pub(super) fn witness_hosted(
        &mut self,
        node: NodeId,
        incarnation: u64,
        voter: VoterId,
        epoch: u64,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let is_life = self.nodes.get(&node).is_some_and(|n| n.incarnation == incarnation);
        let name = self.node_name(node);
        let at = story.at;
        let Some(witness) = self.quorum.witness.as_mut().filter(|w| w.voter == voter) else { return Ok(Answer::Done) };
        if !is_life || witness.host.is_some_and(|h| h.epoch >= epoch) {
            return Ok(Answer::Done);
        }
        witness.host = Some(WitnessHost { node, epoch, since: at });
        let text = format!("The {} votes on node '{name}', epoch {epoch}.", witness.kind);
        let notice = story.node(Level::Information, Component::Quorum, &name, text);
        notice.step = Some(ArbitrationStep::Hosted);
        // Groups that waited for a node may go there: the quorum resource first of all.
        self.place_orphans(story);
        Ok(Answer::Done)
    }

    /// The witness votes on that node no more: of this epoch, or whatever epoch it was.
    pub(super) fn witness_left(&mut self, node: NodeId, epoch: Option<u64>) {
        let Some(witness) = self.quorum.witness.as_mut() else { return };
        if witness.host.is_some_and(|h| h.node == node && epoch.is_none_or(|e| e == h.epoch)) {
            witness.host = None;
        }
    }

    /// The store of this voter is gone: another id, so that nobody counts on what it voted (docs/witness.md).
    pub(super) fn renew_witness(&mut self, voter: VoterId, story: &mut Story) -> Result<Answer, Refusal> {
        let next = VoterId(self.next_voter);
        let Some(witness) = self.quorum.witness.as_mut().filter(|w| w.voter == voter) else { return Ok(Answer::Done) };
        witness.voter = next;
        witness.host = None;
        self.next_voter += 1;
        let kind = witness.kind;
        self.follow_leaving_witness();
        let text = format!("The store of the {} is gone; it starts anew as {next}.", kind);
        story.tell(Level::Warning, Component::Quorum, None, text).step = Some(ArbitrationStep::Refused);
        Ok(Answer::Done)
    }

    /// Force quorum: what this node's store says is the truth, in a new line of descent (reference 7.6). Nobody else is
    /// a member until it has joined again.
    pub(super) fn quorum_forced(
        &mut self,
        node: NodeId,
        incarnation: u64,
        lineage: Lineage,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        if self.quorum.lineage >= lineage {
            return Ok(Answer::Done);
        }
        self.quorum.lineage = lineage;
        self.quorum.forced_by = Some(node);
        if let Some(witness) = self.quorum.witness.as_mut() {
            witness.voter = VoterId(self.next_voter);
            witness.host = None;
            self.next_voter += 1;
            self.follow_leaving_witness();
        }
        let name = self.node_name(node);
        let text = format!("Quorum was forced on node '{name}': its database is authoritative (FixQuorum 1).");
        let others: Vec<NodeId> = self.nodes.keys().copied().filter(|n| *n != node).collect();
        let notice = story.node(Level::Critical, Component::Quorum, &name, text);
        notice.why = vec![
            "quorum settings are ignored until the normal vote count is there again".to_owned(),
            "other nodes rejoin with an empty store".to_owned(),
        ];
        for id in others {
            let Some(other) = self.nodes.get_mut(&id) else { continue };
            if other.state == NodeState::Up {
                other.state = NodeState::Down;
                other.fenced = false;
                other.down_at = story.index;
            }
        }
        let _ = incarnation;
        Ok(Answer::Done)
    }

    /// Ends the forced state when the normal vote count is there again. Called whenever a node came up.
    pub(super) fn end_forced_quorum(&mut self, story: &mut Story) {
        let Some(node) = self.quorum.forced_by else { return };
        let mut votes = self.votes();
        for vote in votes.nodes.values_mut() {
            vote.dynamic = vote.weight;
        }
        let total = votes.total().max(votes.nodes.len());
        let up = self.up_nodes();
        let present = votes
            .nodes
            .iter()
            .filter(|(id, v)| (v.weight || !self.quorum.model.has_node_votes()) && up.contains(id))
            .count();
        if present > total / 2 {
            self.quorum.forced_by = None;
            let name = self.node_name(node);
            let text =
                format!("{present} of {total} votes are there: the cluster leaves the forced state (FixQuorum 0).");
            story.node(Level::Information, Component::Quorum, &name, text);
        }
    }
}
