//! Numbers of `resapi.h` and `clusapi.h` that are neither control codes nor errors (reference 01, 02.1).

use super::types::{
    CLUSTER_RESOURCE_APPLICATION_STATE, CLUSTER_RESOURCE_CLASS, CLUSTER_RESOURCE_STATE,
    CLUSTER_RESOURCE_STATE_CHANGE_REASON, FAILURE_TYPE, LOG_LEVEL, REGSAM, RESOURCE_EXIT_STATE, RESOURCE_MONITOR_STATE,
};

/// Declares constants of one type, each with its sentence, and a table `(name, number)` of all of them.
macro_rules! constants {
    ($(#[$table_doc:meta])* $table:ident: $type:ty { $($name:ident = $value:expr, $doc:literal;)* }) => {
        $(#[doc = $doc] pub const $name: $type = $value;)*
        $(#[$table_doc])*
        pub const $table: &[(&str, i64)] = &[$((stringify!($name), $name as i64)),*];
    };
}

constants! {
    /// Names and numbers of the interface versions.
    VERSIONS: u32 {
        CLRES_VERSION_V1_00 = 0x100, "Startup and the eleven classic entry points.";
        CLRES_VERSION_V2_00 = 0x200, "Server 2012: StartupEx, flags for Open, Online and Offline, Cancel.";
        CLRES_VERSION_V3_00 = 0x300, "Server 2012 R2: control calls may finish later.";
        CLRES_VERSION_V4_00 = 0x400, "Server 2016: control calls on behalf of a user.";
    }
}

constants! {
    /// Names and numbers of resource states.
    RESOURCE_STATES: CLUSTER_RESOURCE_STATE {
        ClusterResourceStateUnknown = -1, "The state could not be found out; the last error says why.";
        ClusterResourceInherited = 0, "Persistent state only: the resource follows its group.";
        ClusterResourceInitializing = 1, "The resource exists, nothing was decided yet.";
        ClusterResourceOnline = 2, "In service.";
        ClusterResourceOffline = 3, "Out of service, as wanted.";
        ClusterResourceFailed = 4, "Out of service, not as wanted.";
        ClusterResourcePending = 128, "Base of the pending states, never reported itself.";
        ClusterResourceOnlinePending = 129, "On the way into service.";
        ClusterResourceOfflinePending = 130, "On the way out of service.";
    }
}

constants! {
    /// Names and numbers of the answers to a status report.
    EXIT_STATES: RESOURCE_EXIT_STATE {
        ResourceExitStateContinue = 0, "Go on.";
        ResourceExitStateTerminate = 1, "The resource was terminated: the worker stops now.";
        ResourceExitStateMax = 2, "Number of answers.";
    }
}

constants! {
    /// Names and numbers of log levels.
    LOG_LEVELS: LOG_LEVEL {
        LOG_INFORMATION = 0, "A state changed.";
        LOG_WARNING = 1, "Something was not as expected and was coped with.";
        LOG_ERROR = 2, "Something failed.";
        LOG_SEVERE = 3, "Something failed and somebody must act.";
    }
}

constants! {
    /// Names and numbers of the kinds of failure of `SignalFailure`.
    FAILURE_TYPES: FAILURE_TYPE {
        FAILURE_TYPE_GENERAL = 0, "The resource failed.";
        FAILURE_TYPE_EMBEDDED = 1, "The application inside a virtual machine failed.";
        FAILURE_TYPE_NETWORK_LOSS = 2, "A network of a virtual machine was lost.";
    }
}

constants! {
    /// Names and numbers of the states of an application inside a virtual machine.
    APPLICATION_STATES: CLUSTER_RESOURCE_APPLICATION_STATE {
        ClusterResourceApplicationStateUnknown = 1, "Nothing known.";
        ClusterResourceApplicationOSHeartBeat = 2, "The operating system answers.";
        ClusterResourceApplicationReady = 3, "The application answers.";
    }
}

constants! {
    /// Names and bits of the characteristics of a resource or resource type.
    CHARACTERISTICS: u32 {
        CLUS_CHAR_UNKNOWN = 0, "Nothing special.";
        CLUS_CHAR_QUORUM = 0x1, "Can be the quorum resource: has Arbitrate and Release.";
        CLUS_CHAR_DELETE_REQUIRES_ALL_NODES = 0x2, "Deleting is refused (5005) unless all nodes are up.";
        CLUS_CHAR_LOCAL_QUORUM = 0x4, "Can be the quorum of a single node.";
        CLUS_CHAR_LOCAL_QUORUM_DEBUG = 0x8, "Like the former, for debugging.";
        CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON = 0x10, "Wants to hear why before Offline and Terminate.";
        CLUS_CHAR_BROADCAST_DELETE = 0x20, "CLUSCTL_RESOURCE_DELETE goes to all nodes.";
        CLUS_CHAR_SINGLE_CLUSTER_INSTANCE = 0x40, "One instance per cluster.";
        CLUS_CHAR_SINGLE_GROUP_INSTANCE = 0x80, "One instance per group.";
        CLUS_CHAR_COEXIST_IN_SHARED_VOLUME_GROUP = 0x100, "May share a group with a cluster shared volume.";
        CLUS_CHAR_PLACEMENT_DATA = 0x200, "Gives figures for placement.";
        CLUS_CHAR_MONITOR_DETACH = 0x400, "May be detached from its monitor.";
        CLUS_CHAR_MONITOR_REATTACH = 0x800, "May be attached to a new monitor.";
        CLUS_CHAR_OPERATION_CONTEXT = 0x1000, "Wants CLUSCTL_RESOURCE_GET_OPERATION_CONTEXT.";
        CLUS_CHAR_CLONES = 0x2000, "Runs as clones on all nodes.";
        CLUS_CHAR_NOT_PREEMPTABLE = 0x4000, "Is never stopped in favour of another group.";
        CLUS_CHAR_NOTIFY_NEW_OWNER = 0x8000, "Wants to hear of a new owner node.";
        CLUS_CHAR_SUPPORTS_UNMONITORED_STATE = 0x10000, "Can run on an isolated node.";
        CLUS_CHAR_INFRASTRUCTURE = 0x20000, "Belongs to the infrastructure.";
        CLUS_CHAR_VETO_DRAIN = 0x40000, "May veto a drain.";
        CLUS_CHAR_DRAIN_LOCAL_OFFLINE = 0x80000, "Is taken offline in a drain instead of moved.";
    }
}

constants! {
    /// Names and numbers of resource classes.
    RESOURCE_CLASSES: CLUSTER_RESOURCE_CLASS {
        CLUS_RESCLASS_UNKNOWN = 0, "No class.";
        CLUS_RESCLASS_STORAGE = 1, "Disks and volumes.";
        CLUS_RESCLASS_NETWORK = 2, "Addresses and names.";
        CLUS_RESCLASS_USER = 0x8000, "First number free for others.";
    }
}

constants! {
    /// Names and numbers of flags and subclasses.
    FLAGS: u32 {
        CLUS_FLAG_CORE = 1, "The resource belongs to the core of the cluster and cannot be deleted.";
        CLUS_RESSUBCLASS_SHARED = 0x8000_0000, "Shared by all nodes.";
        CLUS_RESSUBCLASS_STORAGE_SHARED_BUS = 0x8000_0000, "Storage on a shared bus.";
        CLUS_RESSUBCLASS_STORAGE_DISK = 0x4000_0000, "A disk.";
        CLUS_RESSUBCLASS_STORAGE_REPLICATION = 0x1000_0000, "Replicated storage.";
        CLUS_RESSUBCLASS_NETWORK_INTERNET_PROTOCOL = 0x8000_0000, "An Internet Protocol address.";
        CLUS_RESDLL_OPEN_RECOVER_MONITOR_STATE = 1, "OpenV2: the monitor was replaced, the resource may still run.";
        CLUS_RESDLL_OPEN_DONT_DELETE_TEMP_DISK = 2, "OpenV2: keep temporary disks.";
        CLUS_RESDLL_ONLINE_RECOVER_MONITOR_STATE = 1, "OnlineV2: the monitor was replaced.";
        CLUS_RESDLL_ONLINE_IGNORE_RESOURCE_STATUS = 2, "OnlineV2: go on although the resource is locked.";
        CLUS_RESDLL_ONLINE_RETURN_TO_SOURCE_NODE_ON_ERROR = 4, "OnlineV2: on an error the group returns.";
        CLUS_RESDLL_ONLINE_RESTORE_ONLINE_STATE = 8, "OnlineV2: restore the former state.";
        CLUS_RESDLL_ONLINE_IGNORE_NETWORK_CONNECTIVITY = 0x10, "OnlineV2: go on without network.";
        CLUS_RESDLL_OFFLINE_IGNORE_RESOURCE_STATUS = 1, "OfflineV2: go on although the resource is locked.";
        CLUS_RESDLL_OFFLINE_RETURN_TO_SOURCE_NODE_ON_ERROR = 2, "OfflineV2: on an error the group returns.";
        CLUS_RESDLL_OFFLINE_QUEUE_ENABLED = 4, "OfflineV2: the move may be queued.";
        CLUS_RESDLL_OFFLINE_RETURNING_TO_SOURCE_NODE_BECAUSE_OF_ERROR = 8, "OfflineV2: this is the way back.";
        CLUS_RESDLL_OFFLINE_DUE_TO_EMBEDDED_FAILURE = 0x10, "OfflineV2: the application inside failed.";
        CLUS_RESDLL_OFFLINE_IGNORE_NETWORK_CONNECTIVITY = 0x20, "OfflineV2: go on without network.";
        CLUS_RESDLL_OFFLINE_DO_NOT_UPDATE_PERSISTENT_STATE = 0x40, "OfflineV2: the wish stays as it was.";
        CLUSRESDLL_STATUS_OFFLINE_BUSY = 1, "Try the move again later.";
        CLUSRESDLL_STATUS_OFFLINE_SOURCE_THROTTLED = 2, "The source node has enough moves.";
        CLUSRESDLL_STATUS_OFFLINE_DESTINATION_THROTTLED = 4, "The destination node has enough moves.";
        CLUSRESDLL_STATUS_OFFLINE_DESTINATION_REJECTED = 8, "Veto against this destination.";
        CLUSRESDLL_STATUS_INSUFFICIENT_MEMORY = 0x10, "Not enough memory.";
        CLUSRESDLL_STATUS_INSUFFICIENT_PROCESSOR = 0x20, "Not enough processors.";
        CLUSRESDLL_STATUS_INSUFFICIENT_OTHER_RESOURCES = 0x40, "Not enough of something else.";
        CLUSRESDLL_STATUS_INVALID_PARAMETERS = 0x80, "The parameters make no sense.";
        CLUSRESDLL_STATUS_NETWORK_NOT_AVAILABLE = 0x100, "No network.";
        CLUSRESDLL_STATUS_DO_NOT_COLLECT_WER_REPORT = 0x4000_0000, "No error report, please.";
        CLUSRESDLL_STATUS_DUMP_NOW = 0x8000_0000, "Write a dump at once.";
        LOCKED_MODE_FLAGS_DONT_REMOVE_FROM_MOVE_QUEUE = 1, "SetResourceLockedModeEx: keep queued moves.";
        CLUSCTL_RESOURCE_STATE_CHANGE_REASON_VERSION_1 = 1, "Version of the state change reason structure.";
    }
}

constants! {
    /// Names and numbers of the reasons of a state change.
    STATE_CHANGE_REASONS: CLUSTER_RESOURCE_STATE_CHANGE_REASON {
        eResourceStateChangeReasonUnknown = 0, "Not known.";
        eResourceStateChangeReasonMove = 1, "The group moves.";
        eResourceStateChangeReasonFailover = 2, "The group fails over.";
        eResourceStateChangeReasonFailedMove = 3, "A move failed, the group returns.";
        eResourceStateChangeReasonShutdown = 4, "The service stops.";
        eResourceStateChangeReasonRundown = 5, "The service stops without waiting.";
    }
}

constants! {
    /// Names and numbers of what a monitor does.
    MONITOR_STATES: RESOURCE_MONITOR_STATE {
        RmonInitializing = 0, "Starting.";
        RmonIdle = 1, "Waiting.";
        RmonStartingResource = 2, "Startup.";
        RmonInitializingResource = 3, "Open.";
        RmonOnlineResource = 4, "Online.";
        RmonOfflineResource = 5, "Offline.";
        RmonShutdownResource = 6, "Shutting a resource down.";
        RmonDeletingResource = 7, "Close.";
        RmonIsAlivePoll = 8, "IsAlive.";
        RmonLooksAlivePoll = 9, "LooksAlive.";
        RmonArbitrateResource = 10, "Arbitrate.";
        RmonReleaseResource = 11, "Release.";
        RmonResourceControl = 12, "ResourceControl.";
        RmonResourceTypeControl = 13, "ResourceTypeControl.";
        RmonTerminateResource = 14, "Terminate.";
        RmonDeadlocked = 15, "A call did not return.";
    }
}

/// The tables above of what the C headers have as well: all but the states of a monitor, which no author sees.
pub const HEADER_TABLES: [&[(&str, i64)]; 10] = [
    VERSIONS,
    RESOURCE_STATES,
    EXIT_STATES,
    LOG_LEVELS,
    FAILURE_TYPES,
    APPLICATION_STATES,
    CHARACTERISTICS,
    RESOURCE_CLASSES,
    FLAGS,
    STATE_CHANGE_REASONS,
];

/// Reading rights of a registry key.
pub const KEY_READ: REGSAM = 0x20019;
/// Writing rights of a registry key.
pub const KEY_WRITE: REGSAM = 0x20006;
/// All rights of a registry key.
pub const KEY_ALL_ACCESS: REGSAM = 0xF003F;
/// `ClusterRegCreateKey` made a new key.
pub const REG_CREATED_NEW_KEY: u32 = 1;
/// `ClusterRegCreateKey` opened an existing key.
pub const REG_OPENED_EXISTING_KEY: u32 = 2;
/// Value without a type.
pub const REG_NONE: u32 = 0;
/// NUL-terminated text.
pub const REG_SZ: u32 = 1;
/// Text with `%NAME%` references that the reader expands.
pub const REG_EXPAND_SZ: u32 = 2;
/// Any bytes.
pub const REG_BINARY: u32 = 3;
/// 32-bit number, little endian.
pub const REG_DWORD: u32 = 4;
/// List of texts, each NUL-terminated, with one more NUL at the end.
pub const REG_MULTI_SZ: u32 = 7;
/// 64-bit number, little endian.
pub const REG_QWORD: u32 = 11;
/// Longest text of one log line, in characters (reference 01.5).
pub const LOG_LINE_MAX_CHARS: usize = 500;
/// Recommended longest time inside one entry point (reference 01.3); exceeding it is a fault, not an error.
pub const ENTRY_POINT_RECOMMENDED_MS: u32 = 300;
