//! What a resource says of itself, and what follows from it (reference 01.8, CLUS_CHARACTERISTICS).
//!
//! The library answers `GET_CHARACTERISTICS`; the service of the owner node keeps the answer as the value `Characteristics`
//! of the resource's key, as the real one does (reference 06.2), so that rules can be kept by every replica alike. A type can
//! have such a value too. Of the bits only those stand here that change what the cluster does; what a library merely wants to
//! hear (an operation, a new owner) is the business of those who tell it.

use super::objects::{ClusterState, NodeState, Resource};
use crate::id::Guid;
use crate::refusal::{Refusal, code};

/// The name of the value, in the key of a resource and of a type.
pub const VALUE: &str = "Characteristics";

/// CLUS_CHAR_DELETE_REQUIRES_ALL_NODES: it cannot be deleted unless all nodes are up.
pub const DELETE_REQUIRES_ALL_NODES: u32 = 0x2;
/// CLUS_CHAR_SINGLE_CLUSTER_INSTANCE: one resource of the type in the whole cluster.
pub const SINGLE_CLUSTER_INSTANCE: u32 = 0x40;
/// CLUS_CHAR_SINGLE_GROUP_INSTANCE: one resource of the type in each group.
pub const SINGLE_GROUP_INSTANCE: u32 = 0x80;
/// CLUS_CHAR_VETO_DRAIN: it is asked before a drain moves its group.
pub const VETO_DRAIN: u32 = 0x4_0000;

impl Resource {
    /// Has it said so?
    #[must_use]
    pub fn is_said_to(&self, characteristic: u32) -> bool {
        self.config.characteristics & characteristic != 0
    }
}

impl ClusterState {
    /// May the group have one more resource of this type? `except`: one that does not count, because it is the one that
    /// comes from another group.
    ///
    /// What the type itself has in the registry counts, and what the resources of it that exist have said.
    pub(super) fn refuse_second_instance(
        &self,
        type_name: &str,
        group: Guid,
        except: Option<Guid>,
    ) -> Result<(), Refusal> {
        let of_type = self.find_type(type_name)?.config.characteristics;
        let others = || {
            let is_other = move |r: &&Resource| Some(r.id) != except;
            self.resources.values().filter(is_other).filter(|r| r.config.type_name.eq_ignore_ascii_case(type_name))
        };
        let all = others().fold(of_type, |all, other| all | other.config.characteristics);
        if all & SINGLE_CLUSTER_INSTANCE != 0
            && except.is_none()
            && let Some(other) = others().next()
        {
            let text = format!(
                "There can be only one resource of type '{type_name}' in the cluster, and '{}' is there already.",
                other.config.name
            );
            return Err(Refusal::new(code::CLUSTER_SINGLETON_RESOURCE, text).fact("Resource", &other.config.name));
        }
        if all & SINGLE_GROUP_INSTANCE != 0
            && let Some(other) = others().find(|r| r.group == group)
        {
            let text = format!(
                "A group can have only one resource of type '{type_name}', and '{}' is there already. Take another group.",
                other.config.name
            );
            return Err(Refusal::new(code::CLUSTER_GROUP_SINGLETON_RESOURCE, text).fact("Resource", &other.config.name));
        }
        Ok(())
    }

    /// Some resources can be deleted only while every node can hear of it.
    pub(super) fn refuse_deletion_without_all_nodes(&self, resource: &Resource) -> Result<(), Refusal> {
        if !resource.is_said_to(DELETE_REQUIRES_ALL_NODES) {
            return Ok(());
        }
        let Some(absent) = self.nodes.values().find(|node| node.state != NodeState::Up) else { return Ok(()) };
        let (name, node) = (&resource.config.name, &absent.config.name);
        let text = format!(
            "Resource '{name}' can be deleted only while all nodes are up, and '{node}' is not. Start it, or evict it."
        );
        Err(Refusal::new(code::HOST_NODE_NOT_AVAILABLE, text).fact("Node", node))
    }
}
