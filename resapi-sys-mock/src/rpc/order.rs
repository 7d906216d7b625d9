//! Orders: what a program can ask the cluster to change, one for each family of clusapi functions.
//!
//! Objects are named by their ids. The answer is [`super::Told::Done`], [`super::Told::Pending`] when the change goes on by
//! itself, or the object that was created.

use serde::{Deserialize, Serialize};

use super::Id;

/// A change of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// The fields are named for what they are; what an order does is said with it.
#[allow(missing_docs)]
pub enum Order {
    /// CreateClusterGroup(Ex).
    CreateGroup { name: String, group_type: u32 },
    /// DeleteClusterGroup; with `force` DestroyClusterGroup.
    DeleteGroup { group: String, force: bool },
    /// SetClusterGroupName, SetClusterResourceName, SetClusterName, SetClusterNetworkName.
    Rename { object: Id, name: String },
    /// SetClusterGroupNodeList.
    PreferredOwners { group: String, nodes: Vec<u32> },
    /// OnlineClusterGroup.
    OnlineGroup { group: String, node: Option<u32> },
    /// OfflineClusterGroup.
    OfflineGroup { group: String },
    /// MoveClusterGroup.
    MoveGroup { group: String, node: Option<u32> },
    /// CancelClusterGroupOperation.
    CancelMove { group: String },
    /// One of these although a resource is locked: the flag IGNORE_RESOURCE_STATUS.
    Regardless(Box<Order>),
    /// CreateClusterResource.
    CreateResource { group: String, name: String, type_name: String, separate_monitor: bool },
    /// DeleteClusterResource.
    DeleteResource { resource: String },
    /// OnlineClusterResource.
    OnlineResource { resource: String },
    /// OfflineClusterResource; `force` terminates.
    OfflineResource { resource: String, force: bool },
    /// FailClusterResource.
    FailResource { resource: String },
    /// ChangeClusterResourceGroup.
    RegroupResource { resource: String, group: String },
    /// AddClusterResourceDependency.
    AddDependency { dependent: String, provider: String },
    /// RemoveClusterResourceDependency.
    RemoveDependency { dependent: String, provider: String },
    /// SetClusterResourceDependencyExpression.
    SetDependencies { dependent: String, expression: String },
    /// AddClusterResourceNode.
    AddOwner { resource: String, node: u32 },
    /// RemoveClusterResourceNode.
    RemoveOwner { resource: String, node: u32 },
    /// CreateClusterResourceType; intervals in ms.
    CreateType { name: String, display_name: String, dll_name: String, looks_alive_ms: u32, is_alive_ms: u32 },
    /// DeleteClusterResourceType.
    DeleteType { name: String },
    /// PauseClusterNode(Ex).
    PauseNode { node: u32, drain: bool, target: Option<u32> },
    /// ResumeClusterNode(Ex): 0 no failback, 1 at once, 2 by policy.
    ResumeNode { node: u32, failback: u32 },
    /// EvictClusterNode.
    EvictNode { node: u32 },
    /// SetClusterQuorumResource; `None`: node majority.
    SetQuorum { resource: Option<String>, device: String, size: u32 },
}
