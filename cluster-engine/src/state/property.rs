//! Common properties: names, types, defaults and ranges, for every kind of object.
//!
//! The table is docs/reference/data/common-properties.csv in Rust, and a test compares the two row by row. Known
//! departures, each with its reason, are in `DEPARTURES`.

use clusreg::{Hive, Value, ValueType};

use crate::refusal::{Refusal, code};

/// A kind of object with common properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The cluster itself; values of the hive's root.
    Cluster,
    /// `Nodes\<id>`.
    Node,
    /// `Groups\<guid>`.
    Group,
    /// `Resources\<guid>`.
    Resource,
    /// `ResourceTypes\<name>`.
    ResourceType,
    /// `Networks\<guid>`.
    Network,
}

/// One common property.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Property {
    /// Of which kind of object.
    pub object: Kind,
    /// Its name; compared without case.
    pub name: &'static str,
    /// REG type of its value.
    pub kind: ValueType,
    /// Its default, where it is a number and documented.
    pub default: Option<u64>,
    /// The least value allowed.
    pub min: Option<u64>,
    /// The greatest value allowed.
    pub max: Option<u64>,
    /// Set by the service alone.
    pub read_only: bool,
}

/// Rows where this table departs from the CSV on purpose: (property, what, why).
pub const DEPARTURES: &[(&str, &str, &str)] = &[
    ("SameSubnetThreshold", "default", "10 since Windows Server 2016; the page prints the older 5"),
    ("CrossSubnetThreshold", "default", "20 since Windows Server 2016; the page prints the older 5"),
    ("WitnessDynamicWeight", "read_only", "computed by the service (reference 7.5, Weights)"),
    ("RestartDelay", "read_only", "the page says read-only, the cmdlets set it"),
];

/// The property `name` of a kind of object.
#[must_use]
pub fn find(object: Kind, name: &str) -> Option<&'static Property> {
    TABLE.iter().find(|p| p.object == object && p.name.eq_ignore_ascii_case(name))
}

/// All properties of a kind of object, in the order of the table.
pub fn of(object: Kind) -> impl Iterator<Item = &'static Property> {
    TABLE.iter().filter(move |p| p.object == object)
}

/// The value of a DWORD property: what the hive has, if it is in range, else the default, else 0.
#[must_use]
pub fn dword(hive: &Hive, object: Kind, path: &str, name: &str) -> u32 {
    let property = find(object, name);
    let stored = hive.dword(path, name).filter(|n| property.is_none_or(|p| p.allows(u64::from(*n))));
    stored.unwrap_or_else(|| property.and_then(|p| p.default).and_then(|d| u32::try_from(d).ok()).unwrap_or(0))
}

/// The present value of a property as a client sees it: stored, or the default.
#[must_use]
pub fn read(hive: &Hive, property: &Property, path: &str) -> Option<Value> {
    if let Some(value) = hive.value(path, property.name) {
        return Some(value.clone());
    }
    let default = property.default?;
    match property.kind {
        ValueType::DWORD => u32::try_from(default).ok().map(Value::dword),
        ValueType::QWORD => Some(Value::qword(default)),
        _ => None,
    }
}

/// Checks a value that somebody wants to set. `None` resets to the default.
///
/// # Errors
/// 87 for an unknown name or a value out of range, 5089 for a property that only the service sets, 5895 for a value of
/// another type (reference 04.1).
pub fn check(object: Kind, name: &str, value: Option<&Value>) -> Result<&'static Property, Refusal> {
    let Some(property) = find(object, name) else {
        let known: Vec<&str> = of(object).filter(|p| !p.read_only).map(|p| p.name).collect();
        return Err(Refusal::new(
            code::INVALID_PARAMETER,
            format!("There is no common property '{name}'. Properties that can be set: {}.", known.join(", ")),
        )
        .fact("Property", name));
    };
    if property.read_only {
        return Err(Refusal::new(
            code::RESOURCE_PROPERTY_UNCHANGEABLE,
            format!("'{}' is set by the Cluster service alone and cannot be changed.", property.name),
        )
        .fact("Property", property.name));
    }
    let Some(value) = value else { return Ok(property) };
    if value.kind != property.kind {
        return Err(Refusal::new(
            code::CLUSTER_PROPERTY_DATA_TYPE_MISMATCH,
            format!(
                "'{}' is {}; the value given is {}.",
                property.name,
                type_word(property.kind),
                type_word(value.kind)
            ),
        )
        .fact("Property", property.name));
    }
    let number = match property.kind {
        ValueType::DWORD => value.as_dword().map(u64::from),
        ValueType::QWORD => value.as_qword(),
        _ => return Ok(property),
    };
    let Some(number) = number else {
        return Err(Refusal::new(
            code::INVALID_DATA,
            format!("The value of '{}' has the wrong length.", property.name),
        )
        .fact("Property", property.name));
    };
    if property.allows(number) {
        return Ok(property);
    }
    let (min, max) = (property.min.unwrap_or(0), property.max.unwrap_or(u64::from(u32::MAX)));
    Err(Refusal::new(
        code::INVALID_PARAMETER,
        format!("'{}' = {number} is out of range; it goes from {min} to {max}.", property.name),
    )
    .fact("Property", property.name)
    .fact("Minimum", min)
    .fact("Maximum", max))
}

impl Property {
    /// Is the number within the range? A default outside of it (0xFFFFFFFF for "none") is allowed too.
    #[must_use]
    pub fn allows(&self, number: u64) -> bool {
        Some(number) == self.default
            || (self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max))
    }
}

fn type_word(kind: ValueType) -> String {
    match kind {
        ValueType::SZ => "a string (REG_SZ)".to_owned(),
        ValueType::DWORD => "a 32-bit number (REG_DWORD)".to_owned(),
        ValueType::QWORD => "a 64-bit number (REG_QWORD)".to_owned(),
        ValueType::MULTI_SZ => "a list of strings (REG_MULTI_SZ)".to_owned(),
        ValueType::BINARY => "binary (REG_BINARY)".to_owned(),
        other => format!("of REG type {}", other.0),
    }
}

const fn row(
    object: Kind,
    name: &'static str,
    kind: ValueType,
    default: Option<u64>,
    min: Option<u64>,
    max: Option<u64>,
    read_only: bool,
) -> Property {
    Property { object, name, kind, default, min, max, read_only }
}

/// Every common property.
#[rustfmt::skip]
pub const TABLE: &[Property] = &[
    row(Kind::Cluster, "AddEvictDelay", ValueType::DWORD, Some(60), Some(0), Some(600), false),
    row(Kind::Cluster, "AdminAccessPoint", ValueType::DWORD, Some(1), Some(0), Some(3), true),
    row(Kind::Cluster, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Cluster, "AutoBalancerLevel", ValueType::DWORD, Some(1), Some(1), Some(3), false),
    row(Kind::Cluster, "AutoBalancerMode", ValueType::DWORD, Some(2), Some(0), Some(3), false),
    row(Kind::Cluster, "BackupInProgress", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "BlockCacheSize", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "ClusSvcHangTimeout", ValueType::DWORD, Some(60), Some(6), Some(0xFFFFFFFF), true),
    row(Kind::Cluster, "ClusSvcHeartbeatTimeout", ValueType::DWORD, Some(60), Some(6), None, false),
    row(Kind::Cluster, "ClusSvcRegroupOpeningTimeout", ValueType::DWORD, Some(5), Some(1), Some(20), true),
    row(Kind::Cluster, "ClusSvcRegroupPruningTimeout", ValueType::DWORD, Some(5), Some(1), Some(30), true),
    row(Kind::Cluster, "ClusSvcRegroupStageTimeout", ValueType::DWORD, Some(5), Some(2), Some(30), true),
    row(Kind::Cluster, "ClusSvcRegroupTickInMilliseconds", ValueType::DWORD, Some(300), Some(50), Some(1000), true),
    row(Kind::Cluster, "ClusterEnforcedAntiAffinity", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "ClusterFunctionalLevel", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), true),
    row(Kind::Cluster, "ClusterGroupWaitDelay", ValueType::DWORD, Some(120), Some(0), Some(3600), false),
    row(Kind::Cluster, "ClusterLogLevel", ValueType::DWORD, Some(3), Some(0), Some(5), false),
    row(Kind::Cluster, "ClusterLogSize", ValueType::DWORD, Some(300), Some(8), Some(1024), false),
    row(Kind::Cluster, "ClusterUpgradeVersion", ValueType::DWORD, None, Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "CrossSiteDelay", ValueType::DWORD, Some(1000), Some(250), Some(4000), false),
    row(Kind::Cluster, "CrossSiteThreshold", ValueType::DWORD, Some(20), Some(10), Some(40), false),
    row(Kind::Cluster, "CrossSubnetDelay", ValueType::DWORD, Some(1000), Some(250), Some(4000), false),
    row(Kind::Cluster, "CrossSubnetThreshold", ValueType::DWORD, Some(20), Some(3), Some(120), false),
    row(Kind::Cluster, "DatabaseReadWriteMode", ValueType::DWORD, Some(0), Some(0), Some(2), false),
    row(Kind::Cluster, "DefaultNetworkRole", ValueType::DWORD, Some(3), Some(0), Some(3), false),
    row(Kind::Cluster, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::Cluster, "DisableGroupPreferredOwnerRandomization", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "DrainOnShutdown", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "DumpPolicy", ValueType::QWORD, None, None, None, false),
    row(Kind::Cluster, "DynamicQuorum", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "EnableEventDeltaGeneration", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "EnableEventLogReplication", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "EnableResourceDllDeadlockDetection", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "EnableSharedVolumes", ValueType::DWORD, Some(1), Some(0), Some(1), true),
    row(Kind::Cluster, "FixQuorum", ValueType::DWORD, Some(0), Some(0), Some(1), true),
    row(Kind::Cluster, "GroupDependencyTimeout", ValueType::DWORD, Some(600), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "HangRecoveryAction", ValueType::DWORD, Some(6), Some(0), Some(6), false),
    row(Kind::Cluster, "IgnorePersistentStateOnStartup", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "LogResourceControls", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "LowerQuorumPriorityNodeID", ValueType::DWORD, Some(0), Some(0), None, false),
    row(Kind::Cluster, "MessageBufferLength", ValueType::DWORD, Some(50), Some(1), Some(1000), false),
    row(Kind::Cluster, "MinimumNeverPreemptPriority", ValueType::DWORD, Some(3000), Some(0), Some(4999), false),
    row(Kind::Cluster, "MinimumPreemptorPriority", ValueType::DWORD, Some(1), Some(0), Some(4999), false),
    row(Kind::Cluster, "MixedMode", ValueType::DWORD, None, Some(0), Some(1), true),
    row(Kind::Cluster, "NetftIPSecEnabled", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "PlacementOptions", ValueType::DWORD, Some(0), Some(0), Some(1023), false),
    row(Kind::Cluster, "PlumbAllCrossSubnetRoutes", ValueType::DWORD, Some(0), Some(0), Some(2), false),
    row(Kind::Cluster, "PreferredSite", ValueType::SZ, None, None, None, false),
    row(Kind::Cluster, "PreventQuorum", ValueType::DWORD, Some(0), Some(0), Some(1), true),
    row(Kind::Cluster, "QuarantineDuration", ValueType::DWORD, Some(7200), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "QuarantineThreshold", ValueType::DWORD, Some(3), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "QuorumArbitrationTimeMax", ValueType::DWORD, Some(20), Some(1), Some(3600), false),
    row(Kind::Cluster, "QuorumArbitrationTimeMin", ValueType::DWORD, Some(7), Some(1), Some(3600), false),
    row(Kind::Cluster, "RecentEventsResetTime", ValueType::QWORD, None, None, None, false),
    row(Kind::Cluster, "RequestReplyTimeout", ValueType::DWORD, Some(60), Some(5), Some(1440), false),
    row(Kind::Cluster, "ResiliencyDefaultPeriod", ValueType::DWORD, Some(240), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "ResiliencyLevel", ValueType::DWORD, Some(2), Some(1), Some(2), false),
    row(Kind::Cluster, "ResourceDllDeadlockPeriod", ValueType::DWORD, Some(1800), Some(180), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "ResourceDllDeadlockThreshold", ValueType::DWORD, Some(3), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "ResourceDllDeadlockTimeout", ValueType::DWORD, Some(240), Some(180), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "RootMemoryReserved", ValueType::DWORD, Some(0xFFFFFFFF), Some(64), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "RouteHistoryLength", ValueType::DWORD, Some(10), Some(0), Some(40), false),
    row(Kind::Cluster, "S2DBusTypes", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "S2DCacheBehavior", ValueType::QWORD, Some(0), Some(0), Some(4), false),
    row(Kind::Cluster, "S2DCacheDesiredState", ValueType::DWORD, Some(2), Some(0), Some(2), false),
    row(Kind::Cluster, "S2DCacheFlashReservePercent", ValueType::DWORD, Some(0), Some(0), Some(100), false),
    row(Kind::Cluster, "S2DCacheMetadataReserveBytes", ValueType::QWORD, Some(0x800000000), Some(0), Some(0x40000000000), false),
    row(Kind::Cluster, "S2DCachePageSizeKBytes", ValueType::DWORD, Some(16), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "S2DEnabled", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Cluster, "S2DIOLatencyThreshold", ValueType::DWORD, Some(10000), Some(50), Some(20000), false),
    row(Kind::Cluster, "S2DOptimizations", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "SameSubnetDelay", ValueType::DWORD, Some(1000), Some(250), Some(2000), false),
    row(Kind::Cluster, "SameSubnetThreshold", ValueType::DWORD, Some(10), Some(3), Some(120), false),
    row(Kind::Cluster, "Security Descriptor", ValueType::BINARY, None, None, None, false),
    row(Kind::Cluster, "SecurityLevel", ValueType::DWORD, Some(1), Some(0), Some(2), true),
    row(Kind::Cluster, "SharedVolumeBlockCacheSizeInMB", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Cluster, "SharedVolumeCompatibleFilters", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Cluster, "SharedVolumeIncompatibleFilters", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Cluster, "SharedVolumeSecurityDescriptor", ValueType::BINARY, None, None, None, false),
    row(Kind::Cluster, "SharedVolumesRoot", ValueType::SZ, None, None, None, true),
    row(Kind::Cluster, "ShutdownTimeoutInMinutes", ValueType::DWORD, Some(20), Some(0), Some(1440), false),
    row(Kind::Cluster, "UseClientAccessNetworksForSharedVolumes", ValueType::DWORD, Some(0), Some(0), Some(2), false),
    row(Kind::Cluster, "UseNetftForSharedVolumes", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Cluster, "WitnessDatabaseWriteTimeout", ValueType::DWORD, Some(300), Some(1), Some(86400), false),
    row(Kind::Cluster, "WitnessDynamicWeight", ValueType::DWORD, Some(0), Some(0), Some(1), true),
    row(Kind::Cluster, "WitnessRestartInterval", ValueType::DWORD, Some(15), Some(5), Some(1440), false),
    row(Kind::Node, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Node, "BuildNumber", ValueType::DWORD, None, Some(0), Some(0xFFFFFFF), true),
    row(Kind::Node, "CSDVersion", ValueType::SZ, None, None, None, true),
    row(Kind::Node, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::Node, "DynamicWeight", ValueType::DWORD, None, Some(0), Some(1), true),
    row(Kind::Node, "EnableEventLogReplication", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Node, "FaultDomain", ValueType::MULTI_SZ, None, None, None, true),
    row(Kind::Node, "FaultDomainId", ValueType::SZ, None, None, None, false),
    row(Kind::Node, "IsPrimary", ValueType::DWORD, None, Some(0), Some(1), true),
    row(Kind::Node, "MajorVersion", ValueType::DWORD, None, Some(4), Some(0xFFFFFFF), true),
    row(Kind::Node, "Manufacturer", ValueType::SZ, None, None, None, true),
    row(Kind::Node, "MinorVersion", ValueType::DWORD, None, Some(0), Some(0xFFFFFFF), true),
    row(Kind::Node, "Model", ValueType::SZ, None, None, None, true),
    row(Kind::Node, "NeedsPreventQuorum", ValueType::DWORD, Some(0), Some(0), Some(1), true),
    row(Kind::Node, "NodeDrainStatus", ValueType::DWORD, Some(0), Some(0), Some(3), true),
    row(Kind::Node, "NodeDrainTarget", ValueType::DWORD, Some(0xFFFFFFFF), None, None, true),
    row(Kind::Node, "NodeHighestVersion", ValueType::DWORD, None, Some(65760), Some(0xFFFFFFF), true),
    row(Kind::Node, "NodeLowestVersion", ValueType::DWORD, None, Some(65760), Some(0xFFFFFF), true),
    row(Kind::Node, "NodeName", ValueType::SZ, None, None, None, true),
    row(Kind::Node, "NodeWeight", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Node, "SerialNumber", ValueType::SZ, None, None, None, true),
    row(Kind::Node, "StatusInformation", ValueType::DWORD, Some(0), Some(0), Some(51), true),
    row(Kind::Node, "UniqueID", ValueType::SZ, None, None, None, true),
    row(Kind::Group, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Group, "AntiAffinityClassNames", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Group, "AutoFailbackType", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Group, "CCFEpoch", ValueType::QWORD, Some(0), None, None, false),
    row(Kind::Group, "CCFEpochHigh", ValueType::DWORD, Some(0), None, None, false),
    row(Kind::Group, "ColdStartSetting", ValueType::DWORD, Some(0), Some(0), Some(2), false),
    row(Kind::Group, "DefaultOwner", ValueType::DWORD, Some(0xFFFFFFFF), None, Some(512), false),
    row(Kind::Group, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::Group, "FailbackWindowEnd", ValueType::DWORD, Some(0xFFFFFFFF), Some(0), Some(23), false),
    row(Kind::Group, "FailbackWindowStart", ValueType::DWORD, Some(0xFFFFFFFF), Some(0), Some(23), false),
    row(Kind::Group, "FailoverPeriod", ValueType::DWORD, Some(6), Some(0), Some(1193), false),
    row(Kind::Group, "FailoverThreshold", ValueType::DWORD, Some(0xFFFFFFFF), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Group, "FaultDomain", ValueType::DWORD, None, None, None, false),
    row(Kind::Group, "GroupStartDelay", ValueType::DWORD, Some(0), Some(0), Some(1800000), false),
    row(Kind::Group, "GroupType", ValueType::DWORD, Some(9999), Some(1), Some(9999), true),
    row(Kind::Group, "LockedFromMoving", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Group, "Name", ValueType::SZ, None, None, None, true),
    row(Kind::Group, "PersistentState", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Group, "PlacementOptions", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Group, "PreferredSite", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Group, "Priority", ValueType::DWORD, Some(2000), Some(0), Some(3000), false),
    row(Kind::Group, "ResiliencyPeriod", ValueType::DWORD, Some(0), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Group, "StatusInformation", ValueType::QWORD, Some(0), Some(0), Some(8191), true),
    row(Kind::Group, "UpdateDomain", ValueType::DWORD, None, None, None, false),
    row(Kind::Resource, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Resource, "DeadlockTimeout", ValueType::DWORD, Some(300000), Some(1000), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "DebugPrefix", ValueType::SZ, None, None, None, false),
    row(Kind::Resource, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::Resource, "DumpServices", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Resource, "EmbeddedFailureAction", ValueType::DWORD, Some(2), Some(0), Some(2), false),
    row(Kind::Resource, "IsAlivePollInterval", ValueType::DWORD, Some(0xFFFFFFFF), Some(10), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "LastOperationStatusCode", ValueType::QWORD, Some(0), None, None, true),
    row(Kind::Resource, "LooksAlivePollInterval", ValueType::DWORD, Some(0xFFFFFFFF), Some(10), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "MaximumMonitors", ValueType::DWORD, None, None, None, false),
    row(Kind::Resource, "MonitorProcessId", ValueType::DWORD, Some(0), None, None, true),
    row(Kind::Resource, "Name", ValueType::SZ, None, None, None, true),
    row(Kind::Resource, "PendingTimeout", ValueType::DWORD, Some(180000), Some(10), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "PersistentState", ValueType::DWORD, None, Some(0), Some(1), false),
    row(Kind::Resource, "ResourceSpecificData1", ValueType::QWORD, Some(0), None, None, true),
    row(Kind::Resource, "ResourceSpecificData2", ValueType::QWORD, Some(0), None, None, true),
    row(Kind::Resource, "ResourceSpecificStatus", ValueType::SZ, None, None, None, false),
    row(Kind::Resource, "RestartAction", ValueType::DWORD, Some(2), Some(0), Some(2), false),
    row(Kind::Resource, "RestartDelay", ValueType::DWORD, Some(500), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "RestartPeriod", ValueType::DWORD, Some(900000), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "RestartThreshold", ValueType::DWORD, Some(3), Some(0), Some(0xFFFFFFFF), false),
    row(Kind::Resource, "RetryPeriodOnFailure", ValueType::DWORD, Some(3600000), None, Some(0xFFFFFFFF), false),
    row(Kind::Resource, "SeparateMonitor", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::Resource, "StatusInformation", ValueType::QWORD, Some(0), Some(0), Some(1023), true),
    row(Kind::Resource, "Type", ValueType::SZ, None, None, None, false),
    row(Kind::ResourceType, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::ResourceType, "DeadlockTimeout", ValueType::DWORD, Some(300000), Some(30000), Some(0xFFFFFFFF), false),
    row(Kind::ResourceType, "DebugControlFunctions", ValueType::DWORD, Some(0), Some(0), Some(1), false),
    row(Kind::ResourceType, "DebugPrefix", ValueType::SZ, None, None, None, false),
    row(Kind::ResourceType, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::ResourceType, "DllName", ValueType::SZ, None, None, None, true),
    row(Kind::ResourceType, "DumpLogQuery", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::ResourceType, "DumpPolicy", ValueType::QWORD, Some(0), Some(0), Some(0), false),
    row(Kind::ResourceType, "DumpServices", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::ResourceType, "EnabledEventLogs", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::ResourceType, "IsAlivePollInterval", ValueType::DWORD, Some(60000), Some(1), Some(0xFFFFFFFF), false),
    row(Kind::ResourceType, "LooksAlivePollInterval", ValueType::DWORD, Some(5000), Some(1), Some(0xFFFFFFFF), false),
    row(Kind::ResourceType, "MaximumMonitors", ValueType::DWORD, None, None, None, false),
    row(Kind::ResourceType, "Name", ValueType::SZ, None, None, None, false),
    row(Kind::ResourceType, "PendingTimeout", ValueType::DWORD, Some(180000), Some(10), Some(0xFFFFFFFF), false),
    row(Kind::Network, "Address", ValueType::SZ, None, None, None, true),
    row(Kind::Network, "AddressMask", ValueType::SZ, None, None, None, true),
    row(Kind::Network, "AdminExtensions", ValueType::MULTI_SZ, None, None, None, false),
    row(Kind::Network, "AutoMetric", ValueType::DWORD, Some(1), Some(0), Some(1), false),
    row(Kind::Network, "Description", ValueType::SZ, None, None, None, false),
    row(Kind::Network, "IPv4Addresses", ValueType::MULTI_SZ, None, None, None, true),
    row(Kind::Network, "IPv4PrefixLengths", ValueType::MULTI_SZ, None, None, None, true),
    row(Kind::Network, "IPv6Addresses", ValueType::MULTI_SZ, None, None, None, true),
    row(Kind::Network, "IPv6PrefixLengths", ValueType::MULTI_SZ, None, None, None, true),
    row(Kind::Network, "LinkSpeed", ValueType::QWORD, None, None, None, true),
    row(Kind::Network, "Metric", ValueType::DWORD, Some(100), Some(1), Some(0xFFFFFFF), false),
    row(Kind::Network, "Name", ValueType::SZ, None, None, None, true),
    row(Kind::Network, "RdmaCapable", ValueType::DWORD, None, Some(0), Some(1), true),
    row(Kind::Network, "Role", ValueType::DWORD, Some(3), Some(0), Some(3), false),
    row(Kind::Network, "RssCapable", ValueType::DWORD, None, Some(0), Some(1), true),
];
