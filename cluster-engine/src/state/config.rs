//! Configuration in typed form: one struct per kind of object, read from the hive.
//!
//! Absent values mean the default of docs/reference/data/common-properties.csv. A value that is there but of the wrong
//! type or out of range (somebody wrote to the registry directly) counts as absent.

use clusreg::Hive;
use serde::{Deserialize, Serialize};

use super::characteristics;
use super::dependency::Expression;
use super::group_order;
use super::property::{self, Kind};
use crate::id::{Guid, NodeId};
use crate::time::Millis;

/// Cluster properties that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterConfig {
    /// `ClusterName`.
    pub name: String,
    /// `ClusterInstanceID`.
    pub id: Guid,
    /// `SameSubnetDelay`: between heartbeats.
    pub heartbeat_delay: Millis,
    /// `SameSubnetThreshold`: missed heartbeats until a node is down.
    pub heartbeat_threshold: u32,
    /// `ClusterEnforcedAntiAffinity`.
    pub enforced_anti_affinity: bool,
    /// `ClusterGroupWaitDelay`, how long a group waits for its preferred node at a cold start.
    pub group_wait_delay: Millis,
    /// `DrainOnShutdown`.
    pub drain_on_shutdown: bool,
    /// `DynamicQuorum`.
    pub dynamic_quorum: bool,
    /// `LowerQuorumPriorityNodeID`; 0: none.
    pub lower_priority: Option<NodeId>,
    /// `QuorumArbitrationTimeMax`.
    pub arbitration_max: Millis,
    /// `WitnessRestartInterval`.
    pub witness_restart: Millis,
    /// `QuarantineThreshold`; 0: never.
    pub quarantine_threshold: u32,
    /// `QuarantineDuration`; `None`: until it is cleared.
    pub quarantine_duration: Option<Millis>,
}

impl ClusterConfig {
    /// How long a silent node is believed to be alive: delay times threshold (reference 7.2).
    #[must_use]
    pub fn detection(&self) -> Millis {
        Millis(self.heartbeat_delay.0 * u64::from(self.heartbeat_threshold))
    }

    /// Reads the root of the hive.
    #[must_use]
    pub fn read(hive: &Hive) -> ClusterConfig {
        let number = |name| property::dword(hive, Kind::Cluster, "", name);
        ClusterConfig {
            name: hive.sz("", "ClusterName").unwrap_or_default(),
            id: hive.sz("", "ClusterInstanceID").and_then(|t| t.parse().ok()).unwrap_or(Guid(0)),
            heartbeat_delay: Millis(u64::from(number("SameSubnetDelay"))),
            heartbeat_threshold: number("SameSubnetThreshold"),
            enforced_anti_affinity: number("ClusterEnforcedAntiAffinity") == 1,
            group_wait_delay: Millis::seconds(u64::from(number("ClusterGroupWaitDelay"))),
            drain_on_shutdown: number("DrainOnShutdown") == 1,
            dynamic_quorum: number("DynamicQuorum") == 1,
            lower_priority: Some(number("LowerQuorumPriorityNodeID")).filter(|id| *id != 0).map(NodeId),
            arbitration_max: Millis::seconds(u64::from(number("QuorumArbitrationTimeMax"))),
            witness_restart: Millis::seconds(u64::from(number("WitnessRestartInterval")) * 60),
            quarantine_threshold: number("QuarantineThreshold"),
            quarantine_duration: Some(number("QuarantineDuration"))
                .filter(|s| *s != u32::MAX)
                .map(|s| Millis::seconds(u64::from(s))),
        }
    }
}

/// Node properties that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeConfig {
    /// `NodeName`.
    pub name: String,
    /// Where its service listens for other nodes (ours: value `Address`).
    pub address: String,
    /// `NodeWeight`.
    pub weight: u32,
}

impl NodeConfig {
    /// Reads `Nodes\<id>`.
    #[must_use]
    pub fn read(hive: &Hive, id: NodeId) -> NodeConfig {
        let path = format!("Nodes\\{id}");
        NodeConfig {
            name: hive.sz(&path, "NodeName").unwrap_or_default(),
            address: hive.sz(&path, "Address").unwrap_or_default(),
            weight: property::dword(hive, Kind::Node, &path, "NodeWeight"),
        }
    }
}

/// Group properties that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupConfig {
    /// Display name.
    pub name: String,
    /// `GroupType`.
    pub group_type: u32,
    /// `PersistentState`: wanted online.
    pub persistent: bool,
    /// `FailoverThreshold`; `None`: number of nodes - 1.
    pub failover_threshold: Option<u32>,
    /// `FailoverPeriod`.
    pub failover_period: Millis,
    /// `AutoFailbackType` is 1.
    pub auto_failback: bool,
    /// `FailbackWindowStart` and `FailbackWindowEnd`, hours of the day; `None`: at once.
    pub failback_window: Option<(u32, u32)>,
    /// `Priority`: 0 no automatic start, 1000, 2000, 3000.
    pub priority: u32,
    /// `AntiAffinityClassNames`.
    pub anti_affinity: Vec<String>,
    /// `PreferredOwners`, in order.
    pub preferred: Vec<NodeId>,
    /// `ColdStartSetting`: 0 always, 1 do not start, 2 by persistent state.
    pub cold_start: u32,
    /// `GroupStartDelay`.
    pub start_delay: Millis,
    /// `ProviderGroups`: ids of the groups and group sets that it depends on.
    pub providers: Vec<Guid>,
}

impl GroupConfig {
    /// Reads `Groups\<guid>`.
    #[must_use]
    pub fn read(hive: &Hive, id: Guid) -> GroupConfig {
        let path = format!("Groups\\{id}");
        let number = |name| property::dword(hive, Kind::Group, &path, name);
        let window = (number("FailbackWindowStart"), number("FailbackWindowEnd"));
        GroupConfig {
            name: hive.sz(&path, "Name").unwrap_or_default(),
            group_type: number("GroupType"),
            persistent: number("PersistentState") == 1,
            failover_threshold: Some(number("FailoverThreshold")).filter(|n| *n != u32::MAX),
            failover_period: Millis::seconds(u64::from(number("FailoverPeriod")) * 3600),
            auto_failback: number("AutoFailbackType") == 1,
            failback_window: (window.0 < 24 && window.1 < 24).then_some(window),
            priority: number("Priority"),
            anti_affinity: hive.multi_sz(&path, "AntiAffinityClassNames").unwrap_or_default(),
            preferred: node_list(hive, &path, "PreferredOwners").unwrap_or_default(),
            cold_start: number("ColdStartSetting"),
            start_delay: Millis(u64::from(number("GroupStartDelay"))),
            providers: hive
                .multi_sz(&path, group_order::PROVIDERS)
                .unwrap_or_default()
                .iter()
                .filter_map(|id| id.parse().ok())
                .collect(),
        }
    }
}

/// Resource properties that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceConfig {
    /// Display name.
    pub name: String,
    /// Type name, as registered.
    pub type_name: String,
    /// `PersistentState`; `None`: as the group.
    pub persistent: Option<bool>,
    /// `RestartAction`: 0 do not restart, 1 restart, 2 restart and then fail the group over.
    pub restart_action: u32,
    /// `RestartThreshold`.
    pub restart_threshold: u32,
    /// `RestartPeriod`.
    pub restart_period: Millis,
    /// `RestartDelay`.
    pub restart_delay: Millis,
    /// `RetryPeriodOnFailure`; `None`: never.
    pub retry_period: Option<Millis>,
    /// `PendingTimeout`; `None`: the type's.
    pub pending_timeout: Option<Millis>,
    /// `DeadlockTimeout`; `None`: the type's.
    pub deadlock_timeout: Option<Millis>,
    /// `LooksAlivePollInterval`; `None`: the type's.
    pub looks_alive: Option<Millis>,
    /// `IsAlivePollInterval`; `None`: the type's.
    pub is_alive: Option<Millis>,
    /// `SeparateMonitor`.
    pub separate_monitor: bool,
    /// `PossibleOwners`; `None`: every node.
    pub possible: Option<Vec<NodeId>>,
    /// What it depends on.
    pub dependencies: Expression,
    /// `Characteristics`, as its library said last.
    pub characteristics: u32,
}

impl ResourceConfig {
    /// Reads `Resources\<guid>`.
    #[must_use]
    pub fn read(hive: &Hive, id: Guid) -> ResourceConfig {
        let path = format!("Resources\\{id}");
        let number = |name| property::dword(hive, Kind::Resource, &path, name);
        let own = |name| hive.dword(&path, name).filter(|n| *n != u32::MAX).map(|n| Millis(u64::from(n)));
        ResourceConfig {
            name: hive.sz(&path, "Name").unwrap_or_default(),
            type_name: hive.sz(&path, "Type").unwrap_or_default(),
            persistent: match hive.dword(&path, "PersistentState") {
                Some(0) => Some(false),
                Some(1) => Some(true),
                Some(_) | None => None,
            },
            restart_action: number("RestartAction"),
            restart_threshold: number("RestartThreshold"),
            restart_period: Millis(u64::from(number("RestartPeriod"))),
            restart_delay: Millis(u64::from(number("RestartDelay"))),
            retry_period: Some(number("RetryPeriodOnFailure")).filter(|n| *n != u32::MAX).map(|n| Millis(u64::from(n))),
            pending_timeout: own("PendingTimeout"),
            deadlock_timeout: own("DeadlockTimeout"),
            looks_alive: own("LooksAlivePollInterval"),
            is_alive: own("IsAlivePollInterval"),
            separate_monitor: number("SeparateMonitor") == 1,
            possible: node_list(hive, &path, "PossibleOwners"),
            dependencies: Expression::from_stored(&hive.sz(&path, "DependencyExpression").unwrap_or_default()),
            characteristics: hive.dword(&path, characteristics::VALUE).unwrap_or(0),
        }
    }
}

/// Type properties that the engine acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TypeConfig {
    /// Exact name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// `DllName`.
    pub dll_name: String,
    /// `LooksAlivePollInterval`.
    pub looks_alive: Millis,
    /// `IsAlivePollInterval`.
    pub is_alive: Millis,
    /// `PendingTimeout`.
    pub pending_timeout: Millis,
    /// `DeadlockTimeout`.
    pub deadlock_timeout: Millis,
    /// `Characteristics`.
    pub characteristics: u32,
}

impl TypeConfig {
    /// Reads `ResourceTypes\<name>`.
    #[must_use]
    pub fn read(hive: &Hive, name: &str) -> TypeConfig {
        let path = format!("ResourceTypes\\{name}");
        let number = |name| Millis(u64::from(property::dword(hive, Kind::ResourceType, &path, name)));
        TypeConfig {
            name: name.to_owned(),
            display_name: hive.sz(&path, "Name").unwrap_or_default(),
            dll_name: hive.sz(&path, "DllName").unwrap_or_default(),
            looks_alive: number("LooksAlivePollInterval"),
            is_alive: number("IsAlivePollInterval"),
            pending_timeout: number("PendingTimeout"),
            deadlock_timeout: number("DeadlockTimeout"),
            characteristics: hive.dword(&path, characteristics::VALUE).unwrap_or(0),
        }
    }
}

fn node_list(hive: &Hive, path: &str, name: &str) -> Option<Vec<NodeId>> {
    let list = hive.multi_sz(path, name)?;
    Some(list.iter().filter_map(|text| text.parse().ok().map(NodeId)).collect())
}
