//! The quorum models, and the votes as they were agreed on last.
//!
//! A model says who may vote at all: the nodes, the nodes and a witness, or a disk alone. [`Votes`] says who does vote at
//! the moment. The two differ as soon as votes follow the membership (dynamic quorum): a node has the vote that an
//! administrator gave it (`NodeWeight`), and it is in force only while the cluster lets it count (`DynamicWeight`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::NodeId;
use crate::state::limits;

/// Size that means node majority: CLUS_NODE_MAJORITY_QUORUM (reference 7.4).
pub const NODE_MAJORITY_SIZE: u32 = 0;
/// Size that means nodes and a witness: CLUS_HYBRID_QUORUM (reference 7.4).
pub const HYBRID_SIZE: u32 = 1024;
/// Size that means the disk alone: CLUS_LEGACY_QUORUM (reference 7.4).
pub const LEGACY_SIZE: u32 = 4_194_304;

/// What kind of thing the witness is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Witness {
    /// A disk that holds a copy of the cluster registry.
    Disk,
    /// A file share that holds only the tag of the newest copy.
    FileShare,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Witness::Disk => "disk witness",
            Witness::FileShare => "file share witness",
        })
    }
}

/// How votes are counted, by the names that Get-ClusterQuorum shows as QuorumType (reference 7.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Model {
    /// Every node has a vote.
    NodeMajority,
    /// Every node and the disk witness have a vote.
    NodeAndDiskMajority,
    /// Every node and the file share witness have a vote.
    NodeAndFileShareMajority,
    /// The disk alone has a vote: whoever owns it is the cluster.
    DiskOnly,
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no quorum model; take NodeMajority, NodeAndDiskMajority, NodeAndFileShareMajority or DiskOnly")]
pub struct UnknownModel(pub String);

impl Model {
    /// All of them.
    pub const ALL: [Model; 4] =
        [Model::NodeMajority, Model::NodeAndDiskMajority, Model::NodeAndFileShareMajority, Model::DiskOnly];

    /// The name that Get-ClusterQuorum shows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Model::NodeMajority => "NodeMajority",
            Model::NodeAndDiskMajority => "NodeAndDiskMajority",
            Model::NodeAndFileShareMajority => "NodeAndFileShareMajority",
            Model::DiskOnly => "DiskOnly",
        }
    }

    /// The witness that the model needs.
    #[must_use]
    pub fn witness(self) -> Option<Witness> {
        match self {
            Model::NodeMajority => None,
            Model::NodeAndDiskMajority | Model::DiskOnly => Some(Witness::Disk),
            Model::NodeAndFileShareMajority => Some(Witness::FileShare),
        }
    }

    /// True when nodes may vote.
    #[must_use]
    pub fn has_node_votes(self) -> bool {
        match self {
            Model::NodeMajority | Model::NodeAndDiskMajority | Model::NodeAndFileShareMajority => true,
            Model::DiskOnly => false,
        }
    }

    /// The special size by which SetClusterQuorumResource and GetClusterQuorumResource tell the model. Disk and file
    /// share have the same; the type of the quorum resource tells them apart.
    #[must_use]
    pub fn size(self) -> u32 {
        match self {
            Model::NodeMajority => NODE_MAJORITY_SIZE,
            Model::NodeAndDiskMajority | Model::NodeAndFileShareMajority => HYBRID_SIZE,
            Model::DiskOnly => LEGACY_SIZE,
        }
    }

    /// The model that SetClusterQuorumResource asks for with this size and a quorum resource of this kind. `None`: the
    /// size is none of the special ones, so it is the size of a log in bytes and leaves the model as it is; or a file
    /// share was to be the quorum alone, which only a disk can be.
    #[must_use]
    pub fn of_size(size: u32, witness: Witness) -> Option<Model> {
        match (size, witness) {
            (NODE_MAJORITY_SIZE, _) => Some(Model::NodeMajority),
            (HYBRID_SIZE, Witness::Disk) => Some(Model::NodeAndDiskMajority),
            (HYBRID_SIZE, Witness::FileShare) => Some(Model::NodeAndFileShareMajority),
            (LEGACY_SIZE, Witness::Disk) => Some(Model::DiskOnly),
            (_, Witness::Disk | Witness::FileShare) => None,
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    /// Reads [`Model::name`], in either case.
    fn from_str(text: &str) -> Result<Model, UnknownModel> {
        let found = Model::ALL.into_iter().find(|m| m.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownModel(text.to_owned()))
    }
}

/// Somebody who can have a vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Voter {
    /// A node.
    Node(NodeId),
    /// The witness. The kind is part of who it is: a share that takes the place of a disk is another voter.
    Witness(Witness),
}

impl fmt::Display for Voter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Voter::Node(id) => write!(f, "node {id}"),
            Voter::Witness(kind) => kind.fmt(f),
        }
    }
}

/// The vote of one node. It counts when both are set (reference 7.5, Weights).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeVote {
    /// `NodeWeight`: it may vote. Never set for any node of a disk-only cluster.
    pub weight: bool,
    /// `DynamicWeight`: the cluster lets its vote count.
    pub dynamic: bool,
}

/// The vote of the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessVote {
    /// What it is.
    pub kind: Witness,
    /// `WitnessDynamicWeight`: its vote counts.
    pub dynamic: bool,
}

/// The configuration that was agreed on last: who has a vote. Part of what the nodes agree on; every count of votes is a
/// count against one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// Every node of the cluster, up or not, with a vote or without.
    pub nodes: BTreeMap<NodeId, NodeVote>,
    /// The witness, when one is configured.
    pub witness: Option<WitnessVote>,
    /// `DynamicQuorum`: votes follow the membership.
    pub dynamic_quorum: bool,
    /// `LowerQuorumPriorityNodeID`: the node that gives up its vote first when one has to; `None` is 0 in the registry.
    pub lower_priority: Option<NodeId>,
}

/// Why there can be no such configuration. The Win32 code for all but the size is 5954
/// ERROR_CLUSTER_INVALID_NODE_WEIGHT.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VotesFault {
    /// Not one node.
    #[error("a cluster needs a node; name at least one")]
    NoNode,
    /// Nobody would vote, or the witness alone in a model of nodes.
    #[error("no node has a vote (NodeWeight 1), and {0} needs one that has; give a node its vote, or take DiskOnly")]
    NoNodeVote(Model),
    /// More than there can be.
    #[error("{0} nodes are more than the {max} a cluster can have; take fewer", max = limits::NODES)]
    TooManyNodes(usize),
}

impl Votes {
    /// The configuration of a model with all of its votes in force, as it stands without dynamic quorum. `weights` is the
    /// `NodeWeight` of every node. Whoever makes one calls [`rebalance`](super::rebalance) next.
    ///
    /// # Errors
    /// [`VotesFault`] says what cannot be.
    pub fn new(
        model: Model,
        weights: &BTreeMap<NodeId, bool>,
        dynamic_quorum: bool,
        lower_priority: Option<NodeId>,
    ) -> Result<Votes, VotesFault> {
        if weights.is_empty() {
            return Err(VotesFault::NoNode);
        }
        if weights.len() > limits::NODES {
            return Err(VotesFault::TooManyNodes(weights.len()));
        }
        if model.has_node_votes() && !weights.values().any(|weight| *weight) {
            return Err(VotesFault::NoNodeVote(model));
        }
        let vote = |weight: bool| NodeVote { weight, dynamic: weight };
        Ok(Votes {
            nodes: weights.iter().map(|(id, weight)| (*id, vote(*weight && model.has_node_votes()))).collect(),
            witness: model.witness().map(|kind| WitnessVote { kind, dynamic: true }),
            dynamic_quorum,
            lower_priority,
        })
    }

    /// The model that this is a configuration of.
    #[must_use]
    pub fn model(&self) -> Model {
        match self.witness.map(|w| w.kind) {
            None => Model::NodeMajority,
            Some(Witness::Disk) if !self.nodes.values().any(|n| n.weight) => Model::DiskOnly,
            Some(Witness::Disk) => Model::NodeAndDiskMajority,
            Some(Witness::FileShare) => Model::NodeAndFileShareMajority,
        }
    }

    /// Those whose vote is in force.
    #[must_use]
    pub fn voters(&self) -> BTreeSet<Voter> {
        let nodes = self.nodes.keys().filter(|id| self.has_vote(**id)).map(|id| Voter::Node(*id));
        let witness = self.witness.filter(|w| w.dynamic).map(|w| Voter::Witness(w.kind));
        nodes.chain(witness).collect()
    }

    /// How many votes are in force: the sum of NodeWeight and DynamicWeight of each node, and WitnessDynamicWeight.
    #[must_use]
    pub fn total(&self) -> usize {
        self.nodes.keys().filter(|id| self.has_vote(**id)).count() + usize::from(self.witness_has_vote())
    }

    /// True when the vote of this node is in force.
    #[must_use]
    pub fn has_vote(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|n| n.weight && n.dynamic)
    }

    /// True when there is a witness and its vote is in force.
    #[must_use]
    pub fn witness_has_vote(&self) -> bool {
        self.witness.is_some_and(|w| w.dynamic)
    }
}
