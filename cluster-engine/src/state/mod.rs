//! The replicated state machine: what the nodes agree on.
//!
//! `ClusterState::apply` takes one entry of the replicated log and makes the next state of it, the same on every node. All
//! policy lives here: restart, failover, placement, failback, drain. A rule of clustering stands in the file that bears
//! its name:
//!
//! | file | rule |
//! |---|---|
//! | `walk` | which resource may be brought online or offline now (dependencies, persistent state) |
//! | `restart` | what happens after a failure |
//! | `placement` | which node a group goes to, and why |
//! | `moves` | moving a group, failover, loss of a node |
//! | `failback` | going home |
//! | `drain` | pause, drain, resume |
//! | `lock` | what a locked resource is kept from |
//! | `characteristics` | single instances, deletion with all nodes |
//! | `quarantine` | who may not join for a while |
//! | `quorum` | model, quorum resource, who votes, who hosts the witness, forced quorum |
//! | `dependency` | dependency expressions |
//! | `group_order` | groups that wait for groups and group sets |
//! | `group_state` | the state of a group, computed |
//! | `property` | common properties: names, types, limits |
//!
//! A call to a resource is part of the state: `ResourceState::OnlineCallIssued` with generation 7 means that the owner's
//! engine is to see to it that call 7 happens, and to report what became of it. Whoever lost a message finds the same
//! sentence in the state again.

pub(crate) mod apply;
pub mod characteristics;
mod command;
mod config;
mod configure;
pub mod dependency;
mod drain;
mod failback;
mod form;
mod group_order;
mod group_state;
mod lock;
mod moves;
pub mod network;
mod nodes;
mod objects;
mod operate;
pub mod placement;
pub mod property;
mod quarantine;
mod quorum;
mod resources;
mod restart;
mod story;
mod waiting;
mod walk;

pub use command::{Answer, Command, Failback, LogBatch, Object, Proposal};
pub use config::{ClusterConfig, GroupConfig, NodeConfig, ResourceConfig, TypeConfig};
pub use form::FormSpec;
pub use group_state::GroupState;
pub use objects::{
    ClusterState, DrainAsks, DrainStatus, Group, Move, MoveKind, Node, NodeState, Resource, ResourceState, ResourceType,
};
pub use quorum::{Quorum, WitnessHost, WitnessState};

/// Names of limits.
pub mod limits {
    /// Nodes of a cluster (reference 08.2: ids "1".."64").
    pub const NODES: usize = 64;
    /// Resources of a cluster.
    pub const RESOURCES: usize = 4096;
    /// Groups of a cluster.
    pub const GROUPS: usize = 2048;
    /// Characters of a display name.
    pub const NAME_CHARS: usize = 260;
    /// Levels of a dependency tree (reference 03.1).
    pub const DEPENDENCY_LEVELS: usize = 100;
    /// Failures of one resource that are remembered at most.
    pub const REMEMBERED_FAILURES: usize = 64;
}
