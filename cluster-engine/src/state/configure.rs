//! Configuration: groups, resources, types, properties and the registry.
//!
//! Every change here is a batch on the hive; the typed configuration is read from the hive again afterwards, so that
//! there is one truth. A command is checked completely before the first change.

use clusreg::{Batch, Change, FileTime, Value};

use super::command::{Answer, Object};
use super::config::{ClusterConfig, GroupConfig, NodeConfig, ResourceConfig, TypeConfig};
use super::group_order::SETS;
use super::limits;
use super::objects::{ClusterState, Group, ResourceType};
use super::property::{self, Kind};
use super::story::Story;
use crate::id::{Guid, NodeId};
use crate::notice::{Component, Level, Subject};
use crate::refusal::{Refusal, code};
use crate::time::Millis;

/// CLUSGROUP_TYPE of the core group.
pub(super) const CORE_GROUP: u32 = 1;
/// CLUSGROUP_TYPE of the group of unused disks.
pub(super) const AVAILABLE_STORAGE: u32 = 2;

/// A display name: not empty, not too long, without control characters, backslashes and square brackets.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), Refusal> {
    let problem = match () {
        () if name.trim().is_empty() => "is empty",
        () if name.trim() != name => "begins or ends with a blank",
        () if name.chars().count() > limits::NAME_CHARS => "is too long",
        () if name.chars().any(char::is_control) => "has control characters",
        () if name.contains(['\\', '[', ']']) => "has a backslash or square brackets",
        () => return Ok(()),
    };
    Err(Refusal::new(code::INVALID_NAME, format!("The name of a {what} cannot be '{name}': it {problem}."))
        .fact("Name", name)
        .fact("MaximumCharacters", limits::NAME_CHARS))
}

impl ClusterState {
    /// Applies a batch of our own making, which cannot fail, and reads the configuration again.
    pub(super) fn write(&mut self, batch: Batch, story: &mut Story) {
        let at = FileTime::from_unix_ms(story.at.0);
        let changes = self.hive.apply(&batch, at).expect("a batch made from checked parts applies");
        self.reload(&changes);
    }

    /// A batch from outside (ClusterReg*).
    pub(super) fn registry(&mut self, batch: &Batch, story: &mut Story) -> Result<Answer, Refusal> {
        let at = FileTime::from_unix_ms(story.at.0);
        let deletes_key = |c: &clusreg::Command| {
            matches!(c, clusreg::Command::DeleteKey { .. } | clusreg::Command::DeleteTree { .. })
        };
        let before = batch.commands.iter().any(deletes_key).then(|| self.hive.clone());
        let changes = self.hive.apply(batch, at).map_err(|e| {
            let mut refusal = Refusal::new(e.error.win32(), e.error.to_string());
            if let Some(index) = e.index {
                refusal = refusal.fact("FailedCommand", index);
            }
            refusal
        })?;
        if let Some(before) = before
            && let Some(lost) = self.lost_object()
        {
            self.hive = before;
            return Err(Refusal::new(
                code::ACCESS_DENIED,
                format!("The key '{lost}' belongs to an object of the cluster. Delete the object instead."),
            )
            .fact("Key", lost));
        }
        if self.reload(&changes) {
            self.groups.keys().for_each(|group| story.touch(*group));
        }
        Ok(Answer::Done)
    }

    /// The key of an object that is no longer in the hive.
    fn lost_object(&self) -> Option<String> {
        let nodes = self.nodes.keys().map(|id| format!("Nodes\\{id}"));
        let groups = self.groups.keys().map(|id| format!("Groups\\{id}"));
        let resources = self.resources.keys().map(|id| format!("Resources\\{id}"));
        let types = self.types.values().map(|t| format!("ResourceTypes\\{}", t.config.name));
        nodes.chain(groups).chain(resources).chain(types).find(|path| self.hive.key(path).is_none())
    }

    /// Reads the configuration of every object whose key changed. Was there any?
    pub(super) fn reload(&mut self, changes: &[Change]) -> bool {
        let mut is_read = false;
        let mut seen = std::collections::BTreeSet::new();
        for change in changes {
            let mut parts = change.path.splitn(3, '\\');
            let object = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
            if !seen.insert(object) {
                continue;
            }
            match object {
                ("", _) => self.config = ClusterConfig::read(&self.hive),
                (kind, id) if kind.eq_ignore_ascii_case("Groups") => {
                    let Some(group) = id.parse().ok().and_then(|id: Guid| self.groups.get_mut(&id)) else { continue };
                    group.config = GroupConfig::read(&self.hive, group.id);
                }
                (kind, id) if kind.eq_ignore_ascii_case("Resources") => {
                    let Some(resource) = id.parse().ok().and_then(|id: Guid| self.resources.get_mut(&id)) else {
                        continue;
                    };
                    resource.config = ResourceConfig::read(&self.hive, resource.id);
                }
                (kind, id) if kind.eq_ignore_ascii_case("Nodes") => {
                    let Some(node) = id.parse().ok().and_then(|id| self.nodes.get_mut(&NodeId(id))) else { continue };
                    node.config = NodeConfig::read(&self.hive, node.id);
                }
                (kind, name) if kind.eq_ignore_ascii_case("ResourceTypes") => {
                    let Some(known) = self.types.get_mut(&name.to_uppercase()) else { continue };
                    known.config = TypeConfig::read(&self.hive, &known.config.name);
                }
                // Read when a group asks what it waits for.
                (kind, _) if kind.eq_ignore_ascii_case(SETS) => {}
                (_, _) => continue,
            }
            is_read = true;
        }
        is_read
    }

    // ---- groups ----

    pub(super) fn create_group(
        &mut self,
        id: Guid,
        name: &str,
        group_type: u32,
        proposer: NodeId,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        check_name("group", name)?;
        self.name_is_free(name, None)?;
        if self.groups.len() >= limits::GROUPS {
            return Err(Refusal::new(
                code::CLUSTER_MAXNUM_OF_RESOURCES_EXCEEDED,
                format!("A cluster holds at most {} groups.", limits::GROUPS),
            ));
        }
        if self.groups.contains_key(&id) {
            return Err(Refusal::new(code::OBJECT_ALREADY_EXISTS, format!("The id {id} is taken.")));
        }
        let batch = Batch::at("")
            .create_key(format!("Groups\\{id}"))
            .set_value("Name", Value::sz(name))
            .set_value("GroupType", Value::dword(group_type))
            .set_value("PersistentState", Value::dword(0))
            .set_value("Contains", Value::multi_sz(Vec::<String>::new()));
        self.write(batch, story);
        self.groups.insert(id, Group::new(id, GroupConfig::read(&self.hive, id), proposer));
        story.group(Level::Information, name, format!("Group '{name}' was created."));
        Ok(Answer::Done)
    }

    pub(super) fn delete_group(&mut self, id: Guid, force: bool, story: &mut Story) -> Result<Answer, Refusal> {
        let group = self.group(id)?;
        let name = group.config.name.clone();
        if matches!(group.config.group_type, CORE_GROUP | AVAILABLE_STORAGE) {
            return Err(Refusal::new(
                code::CORE_RESOURCE,
                format!("Group '{name}' belongs to the core of the cluster."),
            ));
        }
        let resources: Vec<String> = self.resources_of(id).map(|r| r.config.name.clone()).collect();
        if !resources.is_empty() && !force {
            return Err(Refusal::new(
                code::DIR_NOT_EMPTY,
                format!(
                    "Group '{name}' still has resources ({}). Delete them first, or force it.",
                    resources.join(", ")
                ),
            )
            .fact("Resources", resources.len()));
        }
        for resource in self.resources_of(id) {
            self.refuse_deletion_without_all_nodes(resource)?;
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.deleting = true;
            group.moving = None;
        }
        story.touch(id);
        self.finish_deletion(id, story);
        Ok(if self.groups.contains_key(&id) { Answer::Pending } else { Answer::Done })
    }

    /// A group that is to be deleted goes as soon as nothing of it is active.
    pub(super) fn finish_deletion(&mut self, id: Guid, story: &mut Story) {
        let is_due = self.groups.get(&id).is_some_and(|g| g.deleting);
        if !is_due || self.resources_of(id).any(|r| r.state.is_active()) {
            return;
        }
        let name = self.groups.get(&id).map(|g| g.config.name.clone()).unwrap_or_default();
        let resources: Vec<Guid> = self.resources_of(id).map(|r| r.id).collect();
        let mut batch = Batch::at("");
        for resource in &resources {
            batch = batch.delete_tree(format!("Resources\\{resource}"));
        }
        self.write(batch.delete_tree(format!("Groups\\{id}")), story);
        for resource in resources {
            self.resources.remove(&resource);
        }
        self.groups.remove(&id);
        story.group(Level::Information, &name, format!("Group '{name}' was deleted."));
        for node in self.nodes.values_mut() {
            node.drained.retain(|g| *g != id);
        }
    }

    pub(super) fn rename_group(&mut self, id: Guid, name: &str, story: &mut Story) -> Result<Answer, Refusal> {
        self.group(id)?;
        check_name("group", name)?;
        self.name_is_free(name, Some(id))?;
        self.write(Batch::at(format!("Groups\\{id}")).set_value("Name", Value::sz(name)), story);
        Ok(Answer::Done)
    }

    pub(super) fn set_preferred_owners(
        &mut self,
        id: Guid,
        nodes: &[NodeId],
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        self.group(id)?;
        for (at, node) in nodes.iter().enumerate() {
            self.node(*node)?;
            if nodes[..at].contains(node) {
                let text = format!("Node '{}' stands in the list twice.", self.node_name(*node));
                return Err(Refusal::new(code::INVALID_PARAMETER, text));
            }
        }
        let list = nodes.iter().map(ToString::to_string);
        self.write(Batch::at(format!("Groups\\{id}")).set_value("PreferredOwners", Value::multi_sz(list)), story);
        Ok(Answer::Done)
    }

    /// A group by name, without case, or by id.
    #[must_use]
    pub fn find_group(&self, name: &str) -> Option<&Group> {
        let by_name = self.groups.values().find(|g| g.config.name.eq_ignore_ascii_case(name));
        by_name.or_else(|| name.parse().ok().and_then(|id: Guid| self.groups.get(&id)))
    }

    fn name_is_free(&self, name: &str, except: Option<Guid>) -> Result<(), Refusal> {
        match self.find_group(name) {
            Some(other) if Some(other.id) != except => Err(Refusal::new(
                code::OBJECT_ALREADY_EXISTS,
                format!("There is already a group '{}'. Choose another name.", other.config.name),
            )
            .fact("Group", &other.config.name)),
            Some(_) | None => Ok(()),
        }
    }

    // ---- resource types ----

    pub(super) fn create_type(
        &mut self,
        name: &str,
        display_name: &str,
        dll_name: &str,
        looks_alive_ms: u32,
        is_alive_ms: u32,
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        check_name("resource type", name)?;
        if dll_name.trim().is_empty() {
            return Err(Refusal::new(code::INVALID_PARAMETER, "A resource type needs the name of its DLL (or .so)."));
        }
        if self.types.contains_key(&name.to_uppercase()) {
            return Err(Refusal::new(
                code::OBJECT_ALREADY_EXISTS,
                format!("There is already a resource type '{name}'."),
            )
            .fact("ResourceType", name));
        }
        let looks_alive = Value::dword(looks_alive_ms);
        let is_alive = Value::dword(is_alive_ms);
        property::check(Kind::ResourceType, "LooksAlivePollInterval", Some(&looks_alive))?;
        property::check(Kind::ResourceType, "IsAlivePollInterval", Some(&is_alive))?;
        let display_name = if display_name.is_empty() { name } else { display_name };
        let batch = Batch::at("")
            .create_key(format!("ResourceTypes\\{name}"))
            .set_value("Name", Value::sz(display_name))
            .set_value("DllName", Value::sz(dll_name))
            .set_value("LooksAlivePollInterval", looks_alive)
            .set_value("IsAlivePollInterval", is_alive);
        self.write(batch, story);
        let config = TypeConfig::read(&self.hive, name);
        self.types.insert(name.to_uppercase(), ResourceType { config });
        let subject = Some(Subject::ResourceType(name.to_owned()));
        story.tell(
            Level::Information,
            Component::Rcm,
            subject,
            format!("Resource type '{name}' was registered ({dll_name})."),
        );
        Ok(Answer::Done)
    }

    pub(super) fn delete_type(&mut self, name: &str, story: &mut Story) -> Result<Answer, Refusal> {
        let known = self.find_type(name)?;
        let name = known.config.name.clone();
        let users: Vec<&str> = self
            .resources
            .values()
            .filter(|r| r.config.type_name.eq_ignore_ascii_case(&name))
            .map(|r| r.config.name.as_str())
            .collect();
        if !users.is_empty() {
            return Err(Refusal::new(
                code::CLUSTER_RESOURCE_TYPE_BUSY,
                format!("Resources of type '{name}' exist ({}). Delete them first.", users.join(", ")),
            )
            .fact("ResourceType", &name));
        }
        self.write(Batch::at("").delete_tree(format!("ResourceTypes\\{name}")), story);
        self.types.remove(&name.to_uppercase());
        let subject = Some(Subject::ResourceType(name.clone()));
        story.tell(Level::Information, Component::Rcm, subject, format!("Resource type '{name}' was removed."));
        Ok(Answer::Done)
    }

    /// A type by name, without case.
    ///
    /// # Errors
    /// 5078 when there is none.
    pub fn find_type(&self, name: &str) -> Result<&ResourceType, Refusal> {
        self.types.get(&name.to_uppercase()).ok_or_else(|| {
            Refusal::new(
                code::CLUSTER_RESOURCE_TYPE_NOT_FOUND,
                format!("There is no resource type '{name}'. Register it first (cluster restype register)."),
            )
            .fact("ResourceType", name)
        })
    }

    // ---- properties ----

    pub(super) fn set_properties(
        &mut self,
        object: &Object,
        values: &[(String, Option<Value>)],
        story: &mut Story,
    ) -> Result<Answer, Refusal> {
        let (kind, path) = self.object_key(object)?;
        self.refuse_last_vote(object, values)?;
        let mut batch = Batch::at(&path);
        for (name, value) in values {
            let property = property::check(kind, name, value.as_ref())?;
            batch = match value {
                Some(value) => batch.set_value(property.name, value.clone()),
                None => batch.delete_value(property.name),
            };
        }
        if kind == Kind::Resource {
            check_retry_period(values, &self.hive, &path)?;
        }
        self.write(batch, story);
        match object {
            Object::Group(id) => story.touch(*id),
            Object::Resource(id) => {
                let group = self.resource(*id)?.group;
                story.touch(group);
            }
            Object::Cluster | Object::Node(_) | Object::ResourceType(_) => {}
        }
        Ok(Answer::Done)
    }

    fn object_key(&self, object: &Object) -> Result<(Kind, String), Refusal> {
        Ok(match object {
            Object::Cluster => (Kind::Cluster, String::new()),
            Object::Node(id) => (Kind::Node, format!("Nodes\\{}", self.node(*id)?.id)),
            Object::Group(id) => (Kind::Group, format!("Groups\\{}", self.group(*id)?.id)),
            Object::Resource(id) => (Kind::Resource, format!("Resources\\{}", self.resource(*id)?.id)),
            Object::ResourceType(name) => {
                (Kind::ResourceType, format!("ResourceTypes\\{}", self.find_type(name)?.config.name))
            }
        })
    }
}

/// RetryPeriodOnFailure must not be less than RestartPeriod (reference 2.5).
fn check_retry_period(values: &[(String, Option<Value>)], hive: &clusreg::Hive, path: &str) -> Result<(), Refusal> {
    let number = |name: &str| {
        let set = values.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        match set {
            Some((_, Some(value))) => value.as_dword().unwrap_or(0),
            Some((_, None)) => property::find(Kind::Resource, name)
                .and_then(|p| p.default)
                .and_then(|d| u32::try_from(d).ok())
                .unwrap_or(0),
            None => property::dword(hive, Kind::Resource, path, name),
        }
    };
    let touches = |name: &str| values.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    let (retry, restart) = (number("RetryPeriodOnFailure"), number("RestartPeriod"));
    if touches("RetryPeriodOnFailure") && retry < restart {
        return Err(Refusal::new(
            code::INVALID_PARAMETER,
            format!("RetryPeriodOnFailure ({retry} ms) must not be less than RestartPeriod ({restart} ms)."),
        ));
    }
    Ok(())
}

impl Group {
    /// A new, empty group, offline on `owner`.
    #[must_use]
    pub(super) fn new(id: Guid, config: GroupConfig, owner: NodeId) -> Group {
        Group {
            id,
            config,
            owner,
            moving: None,
            deleting: false,
            failovers: std::collections::VecDeque::new(),
            held: false,
            start_at: None,
            failback_suspended: false,
            failback_at: None,
            drain: None,
        }
    }

    /// Is it one of the groups that make up the cluster itself?
    #[must_use]
    pub fn is_core(&self) -> bool {
        self.config.group_type == CORE_GROUP
    }

    /// GroupStartDelay, for those that ask how long is left.
    #[must_use]
    pub fn start_delay(&self) -> Millis {
        self.config.start_delay
    }
}
