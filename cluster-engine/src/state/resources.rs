//! Creating, changing and deleting resources; dependencies; possible owners (reference 03.3, 08.2).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use clusreg::{Batch, Value};

use super::command::Answer;
use super::config::ResourceConfig;
use super::configure::check_name;
use super::dependency::{self, Expression};
use super::limits;
use super::objects::{ClusterState, Resource, ResourceState};
use super::story::Story;
use crate::call::{Description, MonitorKey, OpenSpec, Timing};
use crate::id::{Guid, NodeId};
use crate::notice::Level;
use crate::refusal::{Refusal, code};

impl ClusterState {
    pub(super) fn create_resource(
        &mut self,
        id: Guid,
        group: Guid,
        name: &str,
        type_name: &str,
        separate_monitor: bool,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        check_name("resource", name)?;
        let owner = self.group(group)?;
        if owner.deleting {
            return Err(Refusal::new(
                code::RESOURCE_NOT_AVAILABLE,
                format!("Group '{}' is being deleted.", owner.config.name),
            ));
        }
        let type_name = self.find_type(type_name)?.config.name.clone();
        self.resource_name_is_free(name, None)?;
        self.refuse_second_instance(&type_name, group, None)?;
        if self.resources.contains_key(&id) {
            return Err(Refusal::new(code::OBJECT_ALREADY_EXISTS, format!("The id {id} is taken.")));
        }
        if self.resources.len() >= limits::RESOURCES {
            let text = format!("A cluster holds at most {} resources.", limits::RESOURCES);
            return Err(Refusal::new(code::CLUSTER_MAXNUM_OF_RESOURCES_EXCEEDED, text));
        }
        let path = format!("Resources\\{id}");
        let mut batch =
            Batch::at("").create_key(&path).set_value("Name", Value::sz(name)).set_value("Type", Value::sz(&type_name));
        if separate_monitor {
            batch = batch.set_value("SeparateMonitor", Value::dword(1));
        }
        // A new resource is offline until somebody brings it online.
        batch = batch.set_value("PersistentState", Value::dword(0));
        self.write(batch.create_key(format!("{path}\\Parameters")), story);
        let config = ResourceConfig::read(&self.hive, id);
        self.resources.insert(id, Resource::new(id, group, config, story.at));
        self.write_contents(group, story);
        story.resource(Level::Information, name, format!("Resource '{name}' of type '{type_name}' was created."));
        Ok(Answer::Done)
    }

    pub(super) fn delete_resource(&mut self, id: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let resource = self.resource(id)?;
        let (name, group, state) = (resource.config.name.clone(), resource.group, resource.state);
        self.not_on_quorum_resource(id, code::QUORUM_RESOURCE, "deleted")?;
        if let Some(dependent) = self.resources_of(group).find(|r| r.config.dependencies.names(id)) {
            return Err(Refusal::new(
                code::DEPENDENT_RESOURCE_EXISTS,
                format!("'{}' depends on '{name}'. Remove that dependency first.", dependent.config.name),
            )
            .fact("Dependent", &dependent.config.name));
        }
        if !matches!(state, ResourceState::Offline | ResourceState::Failed | ResourceState::WaitingToComeOnline) {
            return Err(Refusal::new(
                code::INVALID_STATE,
                format!("Resource '{name}' is {}. Take it offline first.", state.word()),
            )
            .fact("State", state.word()));
        }
        self.refuse_deletion_without_all_nodes(resource)?;
        self.write(Batch::at("").delete_tree(format!("Resources\\{id}")), story);
        self.resources.remove(&id);
        self.write_contents(group, story);
        story.touch(group);
        story.resource(Level::Information, &name, format!("Resource '{name}' was deleted."));
        Ok(Answer::Done)
    }

    pub(super) fn rename_resource(&mut self, id: Guid, name: &str, story: &mut Story) -> Result<Answer, Refusal> {
        self.resource(id)?;
        check_name("resource", name)?;
        self.resource_name_is_free(name, Some(id))?;
        self.write(Batch::at(format!("Resources\\{id}")).set_value("Name", Value::sz(name)), story);
        Ok(Answer::Done)
    }

    /// The whole dependency tree goes along.
    pub(super) fn change_resource_group(&mut self, id: Guid, to: Guid, story: &mut Story) -> Result<Answer, Refusal> {
        let from = self.resource(id)?.group;
        if from == to {
            return Ok(Answer::Done);
        }
        self.not_on_quorum_resource(id, code::QUORUM_NOT_ALLOWED_IN_THIS_GROUP, "moved to another group")?;
        let (old, new) = (self.group(from)?, self.group(to)?);
        if old.moving.is_some() || new.moving.is_some() {
            return Err(Refusal::new(
                code::CLUSTER_GROUP_MOVING,
                "One of the groups is moving. Wait until it has arrived.",
            ));
        }
        if old.owner != new.owner {
            return Err(Refusal::new(
                code::HOST_NODE_NOT_GROUP_OWNER,
                format!(
                    "Groups '{}' and '{}' have different owners. Move one of them first.",
                    old.config.name, new.config.name
                ),
            ));
        }
        let mut tree = BTreeSet::from([id]);
        loop {
            let is_near =
                |r: &&Resource| tree.contains(&r.id) || r.config.dependencies.providers().any(|p| tree.contains(&p));
            let more: Vec<Guid> = self
                .resources_of(from)
                .filter(is_near)
                .flat_map(|r| r.config.dependencies.providers().chain([r.id]).collect::<Vec<_>>())
                .filter(|r| !tree.contains(r))
                .collect();
            if more.is_empty() {
                break;
            }
            tree.extend(more);
        }
        for member in &tree {
            let type_name = &self.resource(*member)?.config.type_name;
            self.refuse_second_instance(type_name, to, Some(*member))?;
        }
        for member in &tree {
            let wanted = self.resources.get(member).map(|r| self.is_wanted(r));
            if let Some(resource) = self.resources.get_mut(member) {
                resource.group = to;
            }
            // It stays as it is, whatever the new group's own state is.
            self.set_persistent(*member, wanted, story);
        }
        self.write_contents(from, story);
        self.write_contents(to, story);
        story.touch(from);
        story.touch(to);
        Ok(Answer::Done)
    }

    // ---- dependencies ----

    pub(super) fn add_dependency(
        &mut self,
        dependent: Guid,
        provider: Guid,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let present = &self.resource(dependent)?.config.dependencies;
        if present.names(provider) {
            return Err(Refusal::new(
                code::DEPENDENCY_ALREADY_EXISTS,
                format!("'{}' depends on '{}' already.", self.resource_name(dependent), self.resource_name(provider)),
            ));
        }
        let expression = present.with(provider);
        self.replace_dependencies(dependent, expression, story)
    }

    pub(super) fn remove_dependency(
        &mut self,
        dependent: Guid,
        provider: Guid,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let present = &self.resource(dependent)?.config.dependencies;
        if !present.names(provider) {
            return Err(Refusal::new(
                code::DEPENDENCY_NOT_FOUND,
                format!("'{}' does not depend on '{}'.", self.resource_name(dependent), self.resource_name(provider)),
            ));
        }
        let expression = present.without(provider);
        self.replace_dependencies(dependent, expression, story)
    }

    pub(super) fn set_dependencies(
        &mut self,
        dependent: Guid,
        text: &str,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let expression = Expression::parse(text, |name| {
            self.find_resource(name).map(|r| r.id).ok_or_else(|| {
                Refusal::new(code::RESOURCE_NOT_FOUND, format!("There is no resource '{name}'.")).fact("Resource", name)
            })
        })?;
        self.replace_dependencies(dependent, expression, story)
    }

    fn replace_dependencies(
        &mut self,
        dependent: Guid,
        expression: Expression,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let resource = self.resource(dependent)?;
        let group = resource.group;
        for provider in expression.providers() {
            self.not_on_quorum_resource(provider, code::DEPENDENCY_NOT_ALLOWED, "depended on")?;
            if self.resource(provider)?.group != group || provider == dependent {
                return Err(Refusal::new(
                    code::INVALID_PARAMETER,
                    format!(
                        "'{}' cannot depend on '{}': both must be different resources of the same group.",
                        resource.config.name,
                        self.resource_name(provider)
                    ),
                ));
            }
        }
        let all: BTreeMap<Guid, Expression> =
            self.resources_of(group).map(|r| (r.id, r.config.dependencies.clone())).collect();
        dependency::check_shape(dependent, &expression, &all)?;
        let path = format!("Resources\\{dependent}");
        let batch = Batch::at(&path).set_value("DependencyExpression", Value::sz(&expression.stored()));
        self.write(batch, story);
        story.touch(group);
        Ok(Answer::Done)
    }

    // ---- possible owners ----

    pub(super) fn add_possible_owner(&mut self, id: Guid, node: NodeId, story: &mut Story) -> Result<Answer, Refusal> {
        self.node(node)?;
        let resource = self.resource(id)?;
        let already = resource.config.possible.as_ref().is_none_or(|list| list.contains(&node));
        if already {
            return Err(Refusal::new(
                code::OBJECT_IN_LIST,
                format!("Node '{}' is a possible owner of '{}' already.", self.node_name(node), resource.config.name),
            ));
        }
        let mut list = resource.config.possible.clone().unwrap_or_default();
        list.push(node);
        self.write_possible_owners(id, &list, story)
    }

    pub(super) fn remove_possible_owner(
        &mut self,
        id: Guid,
        node: NodeId,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        self.node(node)?;
        let resource = self.resource(id)?;
        self.not_on_quorum_resource(id, code::INVALID_OPERATION_ON_QUORUM, "kept off a node")?;
        let list = resource.config.possible.clone().unwrap_or_else(|| self.nodes.keys().copied().collect());
        if !list.contains(&node) {
            return Err(Refusal::new(
                code::CLUSTER_NODE_NOT_FOUND,
                format!("Node '{}' is not a possible owner of '{}'.", self.node_name(node), resource.config.name),
            ));
        }
        let owner = self.group(resource.group)?.owner;
        if owner == node && resource.state.is_active() {
            return Err(Refusal::new(
                code::INVALID_STATE,
                format!("'{}' runs on '{}'. Move its group first.", resource.config.name, self.node_name(node)),
            ));
        }
        let list: Vec<NodeId> = list.into_iter().filter(|n| *n != node).collect();
        self.write_possible_owners(id, &list, story)
    }

    fn write_possible_owners(&mut self, id: Guid, list: &[NodeId], story: &mut Story) -> Result<Answer, Refusal> {
        let path = format!("Resources\\{id}");
        let everybody = self.nodes.keys().all(|n| list.contains(n));
        let is_stored = self.hive.value(&path, "PossibleOwners").is_some();
        let batch = match everybody {
            true if !is_stored => return Ok(Answer::Done),
            true => Batch::at(&path).delete_value("PossibleOwners"),
            false => {
                let list = list.iter().map(ToString::to_string);
                Batch::at(&path).set_value("PossibleOwners", Value::multi_sz(list))
            }
        };
        self.write(batch, story);
        Ok(Answer::Done)
    }

    /// An evicted node vanishes from every owner list.
    pub(super) fn forget_node_in_lists(&mut self, node: NodeId, story: &mut Story) {
        let resources: Vec<(Guid, Vec<NodeId>)> = self
            .resources
            .values()
            .filter_map(|r| r.config.possible.clone().map(|list| (r.id, list)))
            .filter(|(_, list)| list.contains(&node))
            .collect();
        for (id, list) in resources {
            let list = list.iter().filter(|n| **n != node).map(ToString::to_string);
            let batch = Batch::at(format!("Resources\\{id}")).set_value("PossibleOwners", Value::multi_sz(list));
            self.write(batch, story);
        }
        let groups: Vec<(Guid, Vec<NodeId>)> = self
            .groups
            .values()
            .filter(|g| g.config.preferred.contains(&node))
            .map(|g| (g.id, g.config.preferred.clone()))
            .collect();
        for (id, list) in groups {
            let list = list.iter().filter(|n| **n != node).map(ToString::to_string);
            let batch = Batch::at(format!("Groups\\{id}")).set_value("PreferredOwners", Value::multi_sz(list));
            self.write(batch, story);
        }
    }

    // ---- names ----

    /// A resource by name, without case, or by id.
    #[must_use]
    pub fn find_resource(&self, name: &str) -> Option<&Resource> {
        let by_name = self.resources.values().find(|r| r.config.name.eq_ignore_ascii_case(name));
        by_name.or_else(|| name.parse().ok().and_then(|id: Guid| self.resources.get(&id)))
    }

    /// Display name of a resource, or its id.
    #[must_use]
    pub fn resource_name(&self, id: Guid) -> String {
        self.resources.get(&id).map_or_else(|| id.to_string(), |r| r.config.name.clone())
    }

    fn resource_name_is_free(&self, name: &str, except: Option<Guid>) -> Result<(), Refusal> {
        match self.find_resource(name) {
            Some(other) if Some(other.id) != except => Err(Refusal::new(
                code::OBJECT_ALREADY_EXISTS,
                format!("There is already a resource '{}'. Choose another name.", other.config.name),
            )
            .fact("Resource", &other.config.name)),
            Some(_) | None => Ok(()),
        }
    }

    /// Keeps the value `Contains` of a group in the registry.
    fn write_contents(&mut self, group: Guid, story: &mut Story) {
        let list: Vec<String> = self.resources_of(group).map(|r| r.id.to_string()).collect();
        self.write(Batch::at(format!("Groups\\{group}")).set_value("Contains", Value::multi_sz(list)), story);
    }

    // ---- what a monitor must know ----

    /// What the monitor needs to open the resource; `None` when its type is not registered any more.
    #[must_use]
    pub fn open_spec(&self, resource: &Resource) -> Option<OpenSpec> {
        self.description(resource).map(|description| description.to_spec())
    }

    /// [`open_spec`](ClusterState::open_spec) without a copy of the names; it is looked at all the time.
    pub(crate) fn description<'a>(&'a self, resource: &'a Resource) -> Option<Description<'a>> {
        let name = &resource.config.type_name;
        // Nearly always spelt as it was registered; the table is small.
        let same = self.types.values().find(|known| known.config.name == *name);
        let resource_type = same.or_else(|| self.types.get(&name.to_uppercase()))?;
        let (own, inherited) = (&resource.config, &resource_type.config);
        Some(Description {
            name: &own.name,
            type_name: &inherited.name,
            dll_name: &inherited.dll_name,
            timing: Timing {
                looks_alive: own.looks_alive.unwrap_or(inherited.looks_alive),
                is_alive: own.is_alive.unwrap_or(inherited.is_alive),
                pending_timeout: own.pending_timeout.unwrap_or(inherited.pending_timeout),
                deadlock_timeout: own.deadlock_timeout.unwrap_or(inherited.deadlock_timeout),
            },
        })
    }

    /// Which monitor process hosts the resource (reference 1.1).
    #[must_use]
    pub fn monitor_of(&self, resource: &Resource) -> MonitorKey {
        let is_core = self.groups.get(&resource.group).is_some_and(super::objects::Group::is_core);
        match () {
            () if resource.config.separate_monitor => MonitorKey::Separate(resource.id),
            () if is_core => MonitorKey::Core,
            () => MonitorKey::Shared,
        }
    }
}

impl Resource {
    pub(super) fn new(id: Guid, group: Guid, config: ResourceConfig, at: crate::time::Time) -> Resource {
        Resource {
            id,
            group,
            config,
            state: ResourceState::Offline,
            generation: 0,
            checkpoint: 0,
            since: at,
            failures: VecDeque::new(),
            restart_at: None,
            retry_at: None,
            failing: None,
            last_cause: None,
            locked: None,
            cancelled: 0,
        }
    }
}
