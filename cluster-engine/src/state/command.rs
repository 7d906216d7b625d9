//! Commands: everything that can change what the nodes agree on.
//!
//! A command is proposed by some node's engine, ordered by the leader, and applied by every node in the same order. What
//! it means is decided when it is applied, by the same code on the same state, so every node decides alike.

use clusreg::{Batch, Value};
use serde::{Deserialize, Serialize};

use crate::call::Status;
use crate::id::{Guid, Lineage, NodeId, RequestId};
use crate::quorum::Witness;
use crate::replica::VoterId;
use crate::time::Time;

/// One command with the request that it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Whose request it is. A proposal whose id was applied before has no effect.
    pub id: RequestId,
    /// The proposer has heard the outcome of every request of this life below this number.
    pub done_below: u64,
    /// What to do.
    pub command: Command,
}

/// What one entry of the replicated log carries: many proposals, stamped once with the leader's idea of cluster time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogBatch {
    /// Cluster time; never less than that of an earlier entry.
    pub at: Time,
    /// In order.
    pub proposals: Vec<Proposal>,
}

/// A change of the replicated state.
///
/// Objects are named by id. Names given by people are resolved by the API against the state it reads; a name that went
/// away meanwhile is refused when the command is applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// The fields are named for what they are; their meaning is said with each command.
#[allow(missing_docs)]
pub enum Command {
    // ---- groups ----
    /// CreateClusterGroup(Ex). The group starts offline, owned by the proposing node.
    CreateGroup { id: Guid, name: String, group_type: u32 },
    /// DeleteClusterGroup; with `force` DestroyClusterGroup: resources are taken offline and deleted first.
    DeleteGroup { group: Guid, force: bool },
    /// SetClusterGroupName.
    RenameGroup { group: Guid, name: String },
    /// SetClusterGroupNodeList: preferred owners in order. Empty: none.
    SetPreferredOwners { group: Guid, nodes: Vec<NodeId> },
    /// OnlineClusterGroup. `None`: on its present owner.
    OnlineGroup { group: Guid, node: Option<NodeId> },
    /// OfflineClusterGroup.
    OfflineGroup { group: Guid },
    /// MoveClusterGroup. `None`: the best node by the placement rules.
    MoveGroup { group: Guid, to: Option<NodeId> },
    /// CancelClusterGroupOperation: a move that has not changed the owner yet is given up.
    CancelMove { group: Guid },
    // ---- resources ----
    /// CreateClusterResource. The resource starts offline.
    CreateResource { id: Guid, group: Guid, name: String, type_name: String, separate_monitor: bool },
    /// DeleteClusterResource.
    DeleteResource { resource: Guid },
    /// SetClusterResourceName.
    RenameResource { resource: Guid, name: String },
    /// OnlineClusterResource.
    OnlineResource { resource: Guid },
    /// OfflineClusterResource. `force`: terminate instead (CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION).
    OfflineResource { resource: Guid, force: bool },
    /// FailClusterResource.
    FailResource { resource: Guid },
    /// ChangeClusterResourceGroup: the whole dependency tree goes along.
    ChangeResourceGroup { resource: Guid, group: Guid },
    /// AddClusterResourceDependency.
    AddDependency { dependent: Guid, provider: Guid },
    /// RemoveClusterResourceDependency.
    RemoveDependency { dependent: Guid, provider: Guid },
    /// SetClusterResourceDependencyExpression, in the text form of reference 03.4; empty: none.
    SetDependencies { dependent: Guid, expression: String },
    /// AddClusterResourceNode.
    AddPossibleOwner { resource: Guid, node: NodeId },
    /// RemoveClusterResourceNode.
    RemovePossibleOwner { resource: Guid, node: NodeId },
    // ---- resource types ----
    /// CreateClusterResourceType. The library is not loaded by this. Intervals in ms.
    CreateType { name: String, display_name: String, dll_name: String, looks_alive_ms: u32, is_alive_ms: u32 },
    /// DeleteClusterResourceType.
    DeleteType { name: String },
    // ---- properties and registry ----
    /// Sets or (with `None`) resets common properties, all or none.
    SetProperties { object: Object, values: Vec<(String, Option<Value>)> },
    /// A batch on the cluster registry.
    Registry { batch: Batch },
    // ---- nodes ----
    /// A new node, or a known one that comes with an empty store: gives it an id and a voter id.
    AddNode { name: String, address: String },
    /// The service of a node is up, with nothing of its earlier life left running.
    NodeStarted { node: NodeId, incarnation: u64, address: String, version: String },
    /// The service of a node is going to stop. `drain`: its groups move away first (DrainOnShutdown).
    NodeLeaving { node: NodeId, incarnation: u64, drain: bool },
    /// The service of a node stops now; nothing of it runs any more.
    NodeLeft { node: NodeId, incarnation: u64 },
    /// The leader heard nothing of that life of the node for the threshold.
    NodeDown { node: NodeId, incarnation: u64 },
    /// The fence delay after the fall at log index `down_at` is over: nothing of that life of the node can be running.
    NodeFenced { node: NodeId, incarnation: u64, down_at: u64 },
    /// That life of the node lost the quorate leader, terminated all its resources, and is back.
    ResourcesLost { node: NodeId, incarnation: u64 },
    /// PauseClusterNode(Ex).
    PauseNode { node: NodeId, drain: bool, target: Option<NodeId> },
    /// ResumeClusterNodeEx.
    ResumeNode { node: NodeId, failback: Failback },
    /// EvictClusterNode.
    EvictNode { node: NodeId },
    /// Start-ClusterNode -ClearQuarantine.
    ClearQuarantine { node: NodeId },
    // ---- quorum ----
    /// SetClusterQuorumResource. `None`: node majority. `kind` is what the resource's characteristics and class say it is.
    SetQuorum { resource: Option<Guid>, kind: Witness, size: u32, path: String },
    /// The witness votes on this node from now on.
    WitnessHosted { node: NodeId, incarnation: u64, voter: VoterId, epoch: u64 },
    /// The witness votes on this node no more.
    WitnessLeft { node: NodeId, epoch: u64 },
    /// The store of this voter is gone from the device: the witness gets a new id.
    RenewWitness { voter: VoterId },
    /// This node was started with force quorum: its database is authoritative, in a new line of descent.
    QuorumForced { node: NodeId, incarnation: u64, lineage: Lineage },
    /// Carries out one of the above although a resource is locked (the flag IGNORE_RESOURCE_STATUS).
    Regardless { command: Box<Command> },
    // ---- from the nodes ----
    /// SetResourceLockedMode of the library on the owner node. `None`: unlocked.
    LockResource { resource: Guid, reason: Option<u32> },
    /// What a resource answered when it was asked whether its group may be drained: a Win32 code.
    DrainAnswered { resource: Guid, round: u64, code: u32 },
    /// What became of a call to a resource.
    Report { resource: Guid, generation: u64, status: Status },
    /// Cluster time has reached a deadline.
    Tick { at: Time },
}

/// What to do with the groups that a pause has driven off, when the node is resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failback {
    /// 0: leave them where they are.
    #[default]
    None,
    /// 1: bring them back now.
    Immediate,
    /// 2: as each group's failback policy says.
    Policy,
}

/// An object with properties.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Object {
    /// The cluster.
    Cluster,
    /// A node.
    Node(NodeId),
    /// A group.
    Group(Guid),
    /// A resource.
    Resource(Guid),
    /// A type, by name.
    ResourceType(String),
}

/// What an accepted command answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done, and nothing is left to do.
    Done,
    /// Accepted; it runs (997 ERROR_IO_PENDING). Watch the state.
    Pending,
    /// The ids of a node that was added.
    Node {
        /// Its node id.
        node: NodeId,
        /// The id of its store as a voter.
        voter: VoterId,
    },
}
