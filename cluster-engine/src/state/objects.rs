//! The objects of a cluster and their run-time state.
//!
//! What an administrator configures stands in the hive, the cluster registry; the `config` of each object is that part of
//! the hive in typed form and is read anew whenever the hive changes there. Everything else here is run-time state, which
//! the real service replicates as well but does not keep in the registry.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use clusreg::Hive;
use serde::{Deserialize, Serialize};

use super::command::Answer;
use super::config::{ClusterConfig, GroupConfig, NodeConfig, ResourceConfig, TypeConfig};
use super::quorum::Quorum;
use crate::call::Cause;
use crate::id::{Guid, NodeId};
use crate::refusal::Refusal;
use crate::replica::{VoterId, Voters};
use crate::time::Time;

/// Everything the nodes agree on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterState {
    /// The cluster registry.
    pub hive: Hive,
    /// Cluster properties.
    pub config: ClusterConfig,
    /// Members, by node id.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Groups.
    pub groups: BTreeMap<Guid, Group>,
    /// Resources.
    pub resources: BTreeMap<Guid, Resource>,
    /// Resource types, by upper-case name.
    pub types: BTreeMap<String, ResourceType>,
    /// Cluster time: the stamp of the last entry applied.
    pub at: Time,
    /// Index of the last entry applied.
    pub applied: u64,
    /// The next voter id to give out.
    pub next_voter: u64,
    /// Who votes, and where the witness is.
    pub quorum: Quorum,
    /// Outcomes of requests, kept until their proposers have heard of them.
    pub outcomes: BTreeMap<(NodeId, u64), BTreeMap<u64, Result<Answer, Refusal>>>,
    /// Per proposer's life: every request below this number has an outcome that was heard.
    pub done_below: BTreeMap<(NodeId, u64), u64>,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// From the hive.
    pub config: NodeConfig,
    /// The id of its store as a voter.
    pub voter: VoterId,
    /// Which life of its service is, or was last, a member. 0: none yet.
    pub incarnation: u64,
    /// Reachable and a member, or not. Pausing is apart from this.
    pub state: NodeState,
    /// PauseClusterNode was called; survives restarts (reference 2.8).
    pub paused: bool,
    /// Nothing of its last life can be running.
    pub fenced: bool,
    /// The log index at which it last went down. A fence belongs to one fall, not to the next.
    pub down_at: u64,
    /// Its service is stopping in an orderly way.
    pub leaving: bool,
    /// Groups that a drain has driven off, in order, for FailbackGroupsImmediately.
    pub drained: Vec<Guid>,
    /// Where a drain stands.
    pub drain: DrainStatus,
    /// Where the drain was told to put the groups.
    pub drain_target: Option<NodeId>,
    /// When it left the membership without a word, within the last hour.
    pub departures: VecDeque<Time>,
    /// In quarantine: it may not be a member before this.
    pub quarantined_until: Option<Time>,
}

/// What membership says of a node. Shown to clients as CLUSTER_NODE_STATE together with `paused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Known, its service was never up or is joining.
    Joining,
    /// A member.
    Up,
    /// Not a member.
    Down,
}

/// Property NodeDrainStatus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrainStatus {
    /// 0
    #[default]
    NotInitiated,
    /// 1
    InProgress,
    /// 2
    Completed,
    /// 3
    Failed,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: Guid,
    /// From the hive.
    pub config: GroupConfig,
    /// The node that owns it, also while that node is down.
    pub owner: NodeId,
    /// A move under way.
    pub moving: Option<Move>,
    /// To be deleted as soon as its resources are offline.
    pub deleting: bool,
    /// When failovers were made, within FailoverPeriod.
    pub failovers: VecDeque<Time>,
    /// It stays offline after the loss of its node until somebody acts: Priority 0, "no automatic start".
    pub held: bool,
    /// GroupStartDelay: not before this.
    pub start_at: Option<Time>,
    /// A manual move put it where it is: no failback until a node comes up.
    pub failback_suspended: bool,
    /// Failback waits for the window, until this time.
    pub failback_at: Option<Time>,
    /// A drain waits for what its resources say.
    pub drain: Option<DrainAsks>,
}

/// Resources that may veto a drain are being asked (CLUS_CHAR_VETO_DRAIN).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainAsks {
    /// The log index at which the drain began: an answer to an earlier one does not count.
    pub round: u64,
    /// Who has not answered yet.
    pub waiting: BTreeSet<Guid>,
}

/// A move of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where to.
    pub to: NodeId,
    /// Why.
    pub kind: MoveKind,
}

/// Why a group moves (the real log says `MoveType::...`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoveKind {
    /// MoveClusterGroup.
    Manual,
    /// A resource failed too often.
    Failure,
    /// Its node was lost.
    NodeDown,
    /// Its node is drained.
    Drain,
    /// It goes home.
    Failback,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its id.
    pub id: Guid,
    /// The group it is in.
    pub group: Guid,
    /// From the hive.
    pub config: ResourceConfig,
    /// Where it is in its life.
    pub state: ResourceState,
    /// The number of the last call issued.
    pub generation: u64,
    /// The last CheckPoint that was reported while pending.
    pub checkpoint: u32,
    /// When the state was entered.
    pub since: Time,
    /// Failures within RestartPeriod on the present owner.
    pub failures: VecDeque<Time>,
    /// While `DelayRestartingResource`: when to go on.
    pub restart_at: Option<Time>,
    /// While finally failed: when to try once more (RetryPeriodOnFailure).
    pub retry_at: Option<Time>,
    /// Terminate was called because of this failure; policy acts when it has returned.
    pub failing: Option<Cause>,
    /// Why it failed last.
    pub last_cause: Option<Cause>,
    /// Its library has locked it, for this reason (SetResourceLockedMode).
    pub locked: Option<u32>,
    /// The number of the call that is to be cancelled; 0: none yet.
    pub cancelled: u64,
}

/// The states of the real RCM (reference 2.2), as far as they are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ResourceState {
    /// At rest.
    Offline,
    /// Wanted online; waits for its providers, or for the node.
    WaitingToComeOnline,
    /// Online was called.
    OnlineCallIssued,
    /// And takes its time.
    OnlinePending,
    /// Runs.
    Online,
    /// To go offline; waits for its dependents.
    WaitingToGoOffline,
    /// Offline was called.
    OfflineCallIssued,
    /// And takes its time.
    OfflinePending,
    /// Terminate was called to break off an Online.
    Terminating,
    /// Failed, will be restarted when RestartDelay is over and its dependents are down.
    DelayRestartingResource,
    /// Failed, and policy leaves it there.
    Failed,
}

impl ResourceState {
    /// Something of it may be running on the owner.
    #[must_use]
    pub fn is_active(self) -> bool {
        match self {
            ResourceState::Offline
            | ResourceState::WaitingToComeOnline
            | ResourceState::DelayRestartingResource
            | ResourceState::Failed => false,
            ResourceState::OnlineCallIssued
            | ResourceState::OnlinePending
            | ResourceState::Online
            | ResourceState::WaitingToGoOffline
            | ResourceState::OfflineCallIssued
            | ResourceState::OfflinePending
            | ResourceState::Terminating => true,
        }
    }

    /// A call is out whose end will be reported.
    #[must_use]
    pub fn has_call(self) -> bool {
        match self {
            ResourceState::OnlineCallIssued
            | ResourceState::OnlinePending
            | ResourceState::OfflineCallIssued
            | ResourceState::OfflinePending
            | ResourceState::Terminating => true,
            ResourceState::Offline
            | ResourceState::WaitingToComeOnline
            | ResourceState::Online
            | ResourceState::WaitingToGoOffline
            | ResourceState::DelayRestartingResource
            | ResourceState::Failed => false,
        }
    }

    /// The name in the real log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ResourceState::Offline => "Offline",
            ResourceState::WaitingToComeOnline => "WaitingToComeOnline",
            ResourceState::OnlineCallIssued => "OnlineCallIssued",
            ResourceState::OnlinePending => "OnlinePending",
            ResourceState::Online => "Online",
            ResourceState::WaitingToGoOffline => "WaitingToGoOffline",
            ResourceState::OfflineCallIssued => "OfflineCallIssued",
            ResourceState::OfflinePending => "OfflinePending",
            ResourceState::Terminating => "Terminating",
            ResourceState::DelayRestartingResource => "DelayRestartingResource",
            ResourceState::Failed => "Failed",
        }
    }

    /// The word that clients see: CLUSTER_RESOURCE_STATE without the internal distinctions (reference 2.2).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ResourceState::Offline => "Offline",
            ResourceState::WaitingToComeOnline
            | ResourceState::OnlineCallIssued
            | ResourceState::OnlinePending
            | ResourceState::DelayRestartingResource => "OnlinePending",
            ResourceState::Online => "Online",
            ResourceState::WaitingToGoOffline
            | ResourceState::OfflineCallIssued
            | ResourceState::OfflinePending
            | ResourceState::Terminating => "OfflinePending",
            ResourceState::Failed => "Failed",
        }
    }
}

/// A resource type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceType {
    /// From the hive.
    pub config: TypeConfig,
}

impl ClusterState {
    /// A state without anything, for readers before the first one has arrived.
    #[must_use]
    pub fn empty() -> ClusterState {
        let hive = Hive::new();
        ClusterState {
            config: ClusterConfig::read(&hive),
            hive,
            nodes: BTreeMap::new(),
            groups: BTreeMap::new(),
            resources: BTreeMap::new(),
            types: BTreeMap::new(),
            at: Time(0),
            applied: 0,
            next_voter: 0,
            quorum: Quorum::new(Voters::default()),
            outcomes: BTreeMap::new(),
            done_below: BTreeMap::new(),
        }
    }

    /// SameSubnetDelay: between heartbeats.
    #[must_use]
    pub fn heartbeat_delay(&self) -> crate::time::Millis {
        self.config.heartbeat_delay
    }
}
