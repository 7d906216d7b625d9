//! Applying an entry of the log.

use super::command::{Answer, Command, LogBatch, Proposal};
use super::objects::{ClusterState, ResourceState};
use super::story::Story;
use crate::call::{Cause, Status};
use crate::id::{Guid, NodeId, RequestId};
use crate::notice::{Level, Notice};
use crate::refusal::Refusal;

/// What became of an entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Outcomes of the requests in it, first or repeated.
    pub outcomes: Vec<(RequestId, Result<Answer, Refusal>)>,
    /// What happened.
    pub notices: Vec<Notice>,
}

impl ClusterState {
    /// Applies the entry at `index`. The same state and entry give the same result on every node.
    ///
    /// # Panics
    /// When `index` does not follow the last one applied: the caller lost an entry.
    pub fn apply(&mut self, index: u64, batch: &LogBatch) -> Applied {
        assert!(index > self.applied, "entry {index} was applied before (now at {})", self.applied);
        self.applied = index;
        self.at = self.at.max(batch.at);
        let mut story = Story::new(index, self.at);
        let mut outcomes = Vec::with_capacity(batch.proposals.len());
        for proposal in &batch.proposals {
            let outcome = self.apply_once(proposal, &mut story);
            outcomes.push((proposal.id, outcome));
        }
        Applied { outcomes, notices: story.notices }
    }

    /// A proposal that comes a second time has no second effect: it answers what the first answered.
    fn apply_once(&mut self, proposal: &Proposal, story: &mut Story) -> Result<Answer, Refusal> {
        let RequestId { node, incarnation, sequence } = proposal.id;
        let life = (node, incarnation);
        let done_below = self.done_below.entry(life).or_insert(1);
        *done_below = (*done_below).max(proposal.done_below);
        if sequence < *done_below {
            return Ok(Answer::Done);
        }
        let low = *done_below;
        let heard = self.outcomes.entry(life).or_default();
        *heard = heard.split_off(&low);
        if let Some(outcome) = heard.get(&sequence) {
            return outcome.clone();
        }
        let outcome = self.execute(node, &proposal.command, story);
        self.settle(story);
        self.outcomes.entry(life).or_default().insert(sequence, outcome.clone());
        outcome
    }

    /// Carries out a command, or refuses it and changes nothing.
    fn execute(&mut self, proposer: NodeId, command: &Command, story: &mut Story) -> Result<Answer, Refusal> {
        self.refuse_locked(command, story)?;
        self.execute_unlocked(proposer, command, story)
    }

    fn execute_unlocked(&mut self, proposer: NodeId, command: &Command, story: &mut Story) -> Result<Answer, Refusal> {
        match command.clone() {
            Command::CreateGroup { id, name, group_type } => self.create_group(id, &name, group_type, proposer, story),
            Command::DeleteGroup { group, force } => self.delete_group(group, force, story),
            Command::RenameGroup { group, name } => self.rename_group(group, &name, story),
            Command::SetPreferredOwners { group, nodes } => self.set_preferred_owners(group, &nodes, story),
            Command::OnlineGroup { group, node } => self.online_group(group, node, story),
            Command::OfflineGroup { group } => self.offline_group(group, story),
            Command::MoveGroup { group, to } => self.move_group(group, to, story),
            Command::CancelMove { group } => self.cancel_move(group, story),
            Command::CreateResource { id, group, name, type_name, separate_monitor } => {
                self.create_resource(id, group, &name, &type_name, separate_monitor, story)
            }
            Command::DeleteResource { resource } => self.delete_resource(resource, story),
            Command::RenameResource { resource, name } => self.rename_resource(resource, &name, story),
            Command::OnlineResource { resource } => self.online_resource(resource, story),
            Command::OfflineResource { resource, force } => self.offline_resource(resource, force, story),
            Command::FailResource { resource } => self.fail_resource(resource, story),
            Command::ChangeResourceGroup { resource, group } => self.change_resource_group(resource, group, story),
            Command::AddDependency { dependent, provider } => self.add_dependency(dependent, provider, story),
            Command::RemoveDependency { dependent, provider } => self.remove_dependency(dependent, provider, story),
            Command::SetDependencies { dependent, expression } => self.set_dependencies(dependent, &expression, story),
            Command::AddPossibleOwner { resource, node } => self.add_possible_owner(resource, node, story),
            Command::RemovePossibleOwner { resource, node } => self.remove_possible_owner(resource, node, story),
            Command::CreateType { name, display_name, dll_name, looks_alive_ms, is_alive_ms } => {
                self.create_type(&name, &display_name, &dll_name, looks_alive_ms, is_alive_ms, story)
            }
            Command::DeleteType { name } => self.delete_type(&name, story),
            Command::SetProperties { object, values } => self.set_properties(&object, &values, story),
            Command::Registry { batch } => self.registry(&batch, story),
            Command::AddNode { name, address } => self.add_node(&name, &address, story),
            Command::NodeStarted { node, incarnation, address, version: _ } => {
                self.node_started(node, incarnation, &address, story)
            }
            Command::NodeLeaving { node, incarnation, drain } => self.node_leaving(node, incarnation, drain, story),
            Command::NodeLeft { node, incarnation } => self.node_left(node, incarnation, story),
            Command::NodeDown { node, incarnation } => self.node_down(node, incarnation, story),
            Command::NodeFenced { node, incarnation, down_at } => self.node_fenced(node, incarnation, down_at, story),
            Command::ResourcesLost { node, incarnation } => self.resources_lost(node, incarnation, story),
            Command::PauseNode { node, drain, target } => self.pause_node(node, drain, target, story),
            Command::ResumeNode { node, failback } => self.resume_node(node, failback, story),
            Command::EvictNode { node } => self.evict_node(node, story),
            Command::ClearQuarantine { node } => self.clear_quarantine(node, story),
            Command::SetQuorum { resource, kind, size, path } => self.set_quorum(resource, kind, size, &path, story),
            Command::WitnessHosted { node, incarnation, voter, epoch } => {
                self.witness_hosted(node, incarnation, voter, epoch, story)
            }
            Command::WitnessLeft { node, epoch } => {
                self.witness_left(node, Some(epoch));
                Ok(Answer::Done)
            }
            Command::RenewWitness { voter } => self.renew_witness(voter, story),
            Command::QuorumForced { node, incarnation, lineage } => {
                self.quorum_forced(node, incarnation, lineage, story)
            }
            Command::Regardless { command } => self.execute_unlocked(proposer, &command, story),
            Command::LockResource { resource, reason } => self.lock_resource(resource, reason, proposer, story),
            Command::DrainAnswered { resource, round, code } => {
                self.drain_answered(resource, round, code, story);
                Ok(Answer::Done)
            }
            Command::Report { resource, generation, status } => {
                self.report(resource, generation, status, story);
                Ok(Answer::Done)
            }
            Command::Tick { at } => {
                self.at = self.at.max(at);
                story.at = self.at;
                self.time_passed(story);
                Ok(Answer::Done)
            }
        }
    }

    /// What became of a call to a resource, or of the resource by itself.
    fn report(&mut self, id: Guid, generation: u64, status: Status, story: &mut Story) {
        let Some(resource) = self.resources.get_mut(&id) else { return };
        if resource.generation != generation {
            let name = resource.config.name.clone();
            let text = format!(
                "A report of '{name}' for call {generation} came late and is ignored; call {} is the present one.",
                resource.generation
            );
            story.resource(Level::Debug, &name, text);
            return;
        }
        let name = resource.config.name.clone();
        let state = resource.state;
        let goes_online = matches!(state, ResourceState::OnlineCallIssued | ResourceState::OnlinePending);
        let goes_offline = matches!(state, ResourceState::OfflineCallIssued | ResourceState::OfflinePending);
        match status {
            Status::OnlinePending { checkpoint } if goes_online => {
                resource.checkpoint = checkpoint;
                self.enter(id, ResourceState::OnlinePending, story);
            }
            Status::OfflinePending { checkpoint } if goes_offline => {
                resource.checkpoint = checkpoint;
                self.enter(id, ResourceState::OfflinePending, story);
            }
            Status::Online if goes_online => {
                resource.last_cause = None;
                resource.retry_at = None;
                self.enter(id, ResourceState::Online, story);
            }
            Status::Offline if goes_offline => self.enter(id, ResourceState::Offline, story),
            Status::Terminated if state == ResourceState::Terminating => match resource.failing.take() {
                Some(cause) => self.failed(id, cause, story),
                None => self.enter(id, ResourceState::Offline, story),
            },
            Status::Failed(Cause::LeaseLost) if state.is_active() => self.lost(id, story),
            Status::Failed(cause) if state.is_active() => self.failed(id, cause, story),
            Status::OpenFailed { code, message } if state.is_active() => {
                self.failed(id, Cause::NotOpen { code, message }, story);
            }
            other => {
                let text =
                    format!("'{name}' is {} and reported {other:?}; that makes no sense and is ignored.", state.name());
                story.resource(Level::Debug, &name, text);
            }
        }
    }
}
