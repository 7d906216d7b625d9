//! What programs that call the cluster API are written against: states, filters, structures of enumerations and batches.
//!
//! The structures are compared with ours; the constants, which programs need and we do not, with the published bindings of
//! the real headers.

use std::mem::{offset_of, size_of};

use resapi_sys_mock::abi::*;
use windows_sys::Win32::Networking::Clustering as real;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::Memory::{LMEM_FIXED, LMEM_ZEROINIT};
use windows_sys::core::GUID;

use super::interface::{Fact, layout};

/// Facts about constants of the bindings.
macro_rules! constants {
    ($facts:ident, $($name:ident),* $(,)?) => {$(
        $facts.push(Fact { expression: stringify!($name).to_owned(), number: real::$name as i64 });
    )*};
}

/// All facts of this file.
pub(super) fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    layout! { facts,
        CLUSTERVERSIONINFO as "CLUSTERVERSIONINFO" {
            dwVersionInfoSize, MajorVersion, MinorVersion, BuildNumber, szVendorId, szCSDVersion,
            dwClusterHighestVersion, dwClusterLowestVersion, dwFlags, dwReserved,
        }
        CLUSTER_ENUM_ITEM as "CLUSTER_ENUM_ITEM" { dwVersion, dwType, cbId, lpszId, cbName, lpszName }
        CLUSTER_GROUP_ENUM_ITEM as "CLUSTER_GROUP_ENUM_ITEM" {
            dwVersion, cbId, lpszId, cbName, lpszName, state, cbOwnerNode, lpszOwnerNode, dwFlags, cbProperties,
            pProperties, cbRoProperties, pRoProperties,
        }
        CLUSTER_RESOURCE_ENUM_ITEM as "CLUSTER_RESOURCE_ENUM_ITEM" {
            dwVersion, cbId, lpszId, cbName, lpszName, cbOwnerGroupName, lpszOwnerGroupName, cbOwnerGroupId,
            lpszOwnerGroupId, cbProperties, pProperties, cbRoProperties, pRoProperties,
        }
        CLUSTER_CREATE_GROUP_INFO as "CLUSTER_CREATE_GROUP_INFO" { dwVersion, groupType }
        CLUSTER_AVAILABILITY_SET_CONFIG as "CLUSTER_AVAILABILITY_SET_CONFIG" {
            dwVersion, dwUpdateDomains, dwFaultDomains, bReserveSpareNode,
        }
        NOTIFY_FILTER_AND_TYPE as "NOTIFY_FILTER_AND_TYPE" { dwObjectType, FilterFlags }
        CLUSTER_BATCH_COMMAND as "CLUSTER_BATCH_COMMAND" { Command, dwOptions, wzName, lpData, cbData }
        CLUSTER_READ_BATCH_COMMAND as "CLUSTER_READ_BATCH_COMMAND" {
            Command, dwOptions, wzSubkeyName, wzValueName, lpData, cbData,
        }
        CLUSAPI_REASON_HANDLER as "CLUSAPI_REASON_HANDLER" { lpParameter, pfnHandler }
        CLUSTER_HEALTH_FAULT as "CLUSTER_HEALTH_FAULT" {
            Id, ErrorType, ErrorCode, Description, Provider, Flags, Reserved,
        }
        CLUSTER_HEALTH_FAULT_ARRAY as "CLUSTER_HEALTH_FAULT_ARRAY" { numFaults, faults }
        PaxosTagCStruct as "PaxosTagCStruct" {
            NextEpoch_DateTime_ticks, NextEpoch_Value, Epoch_DateTime_ticks, Epoch_Value, Sequence,
        }
        SECURITY_ATTRIBUTES as "SECURITY_ATTRIBUTES" { nLength, lpSecurityDescriptor, bInheritHandle }
        GUID as "GUID" {}
    }
    // Structures that only programs know: the bindings' own.
    use real::{CLUS_SCSI_ADDRESS, CLUSPROP_BUFFER_HELPER};
    layout! { facts,
        CLUS_SCSI_ADDRESS as "CLUS_SCSI_ADDRESS" {}
        CLUSPROP_BUFFER_HELPER as "CLUSPROP_BUFFER_HELPER" {
            pb, pw, pdw, pl, psz, pList, pSyntax, pName, pValue, pBinaryValue, pWordValue, pDwordValue, pLongValue,
            pULargeIntegerValue, pLargeIntegerValue, pFileTimeValue, pStringValue, pMultiSzValue, pResourceClassValue,
            pResourceClassInfoValue,
        }
    }
    for (field, offset) in [
        ("Data1", offset_of!(GUID, data1)),
        ("Data2", offset_of!(GUID, data2)),
        ("Data3", offset_of!(GUID, data3)),
        ("Data4", offset_of!(GUID, data4)),
    ] {
        facts.push(Fact { expression: format!("offsetof(GUID, {field})"), number: offset as i64 });
    }
    // In the bindings both are parts of one union without a name.
    facts.push(Fact { expression: "offsetof(CLUS_SCSI_ADDRESS, Anonymous)".into(), number: 0 });
    facts.push(Fact { expression: "offsetof(CLUS_SCSI_ADDRESS, dw)".into(), number: 0 });
    let mut number = |name: &str, number: i64| facts.push(Fact { expression: name.to_owned(), number });
    number("INFINITE", i64::from(INFINITE));
    number("GENERIC_READ", i64::from(GENERIC_READ));
    number("GENERIC_ALL", i64::from(GENERIC_ALL));
    number("MAXIMUM_ALLOWED", i64::from(MAXIMUM_ALLOWED));
    number("LMEM_FIXED", i64::from(LMEM_FIXED));
    number("LMEM_ZEROINIT", i64::from(LMEM_ZEROINIT));
    // The bindings have no name for both together.
    number("CLUSAPI_ALL_ACCESS", i64::from(CLUSAPI_READ_ACCESS | CLUSAPI_CHANGE_ACCESS));
    assert_eq!(CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION, real::CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION);
    constants! { facts,
        CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION,
        CLUSPROP_FORMAT_USER, CLUSPROP_TYPE_UNKNOWN, CLUSPROP_TYPE_RESERVED1, CLUSPROP_TYPE_USER,
        CLUSAPI_READ_ACCESS, CLUSAPI_CHANGE_ACCESS, CLUSAPI_NO_ACCESS, ClusterStateNotInstalled,
        ClusterStateNotConfigured, ClusterStateNotRunning, ClusterStateRunning, CLUSTER_ENUM_NODE,
        CLUSTER_ENUM_RESTYPE, CLUSTER_ENUM_RESOURCE, CLUSTER_ENUM_GROUP, CLUSTER_ENUM_NETWORK,
        CLUSTER_ENUM_NETINTERFACE, CLUSTER_ENUM_SHARED_VOLUME_GROUP, CLUSTER_ENUM_SHARED_VOLUME_RESOURCE,
        CLUSTER_ENUM_INTERNAL_NETWORK, CLUSTER_ENUM_ALL, CLUSTER_NODE_ENUM_NETINTERFACES, CLUSTER_NODE_ENUM_GROUPS,
        CLUSTER_NODE_ENUM_PREFERRED_GROUPS, CLUSTER_GROUP_ENUM_CONTAINS, CLUSTER_GROUP_ENUM_NODES,
        CLUSTER_RESOURCE_ENUM_DEPENDS, CLUSTER_RESOURCE_ENUM_PROVIDES, CLUSTER_RESOURCE_ENUM_NODES,
        CLUSTER_RESOURCE_TYPE_ENUM_NODES, CLUSTER_RESOURCE_TYPE_ENUM_RESOURCES, CLUSTER_NETWORK_ENUM_NETINTERFACES,
        CLUSTER_RESOURCE_DEFAULT_MONITOR, CLUSTER_RESOURCE_SEPARATE_MONITOR,
        CLUSTER_CHANGE_NODE_STATE, CLUSTER_CHANGE_NODE_DELETED,
        CLUSTER_CHANGE_NODE_ADDED, CLUSTER_CHANGE_NODE_PROPERTY, CLUSTER_CHANGE_REGISTRY_NAME,
        CLUSTER_CHANGE_REGISTRY_ATTRIBUTES, CLUSTER_CHANGE_REGISTRY_VALUE, CLUSTER_CHANGE_REGISTRY_SUBTREE,
        CLUSTER_CHANGE_RESOURCE_STATE, CLUSTER_CHANGE_RESOURCE_DELETED, CLUSTER_CHANGE_RESOURCE_ADDED,
        CLUSTER_CHANGE_RESOURCE_PROPERTY, CLUSTER_CHANGE_GROUP_STATE, CLUSTER_CHANGE_GROUP_DELETED,
        CLUSTER_CHANGE_GROUP_ADDED, CLUSTER_CHANGE_GROUP_PROPERTY, CLUSTER_CHANGE_RESOURCE_TYPE_DELETED,
        CLUSTER_CHANGE_RESOURCE_TYPE_ADDED, CLUSTER_CHANGE_RESOURCE_TYPE_PROPERTY, CLUSTER_CHANGE_CLUSTER_RECONNECT,
        CLUSTER_CHANGE_NETWORK_STATE, CLUSTER_CHANGE_NETWORK_DELETED, CLUSTER_CHANGE_NETWORK_ADDED,
        CLUSTER_CHANGE_NETWORK_PROPERTY, CLUSTER_CHANGE_NETINTERFACE_STATE, CLUSTER_CHANGE_NETINTERFACE_DELETED,
        CLUSTER_CHANGE_NETINTERFACE_ADDED, CLUSTER_CHANGE_NETINTERFACE_PROPERTY, CLUSTER_CHANGE_QUORUM_STATE,
        CLUSTER_CHANGE_CLUSTER_STATE, CLUSTER_CHANGE_CLUSTER_PROPERTY, CLUSTER_CHANGE_HANDLE_CLOSE,
        CLUSTER_CHANGE_ALL, ClusterNodeStateUnknown, ClusterNodeUp, ClusterNodeDown, ClusterNodePaused,
        ClusterNodeJoining, ClusterGroupStateUnknown, ClusterGroupOnline, ClusterGroupOffline, ClusterGroupFailed,
        ClusterGroupPartialOnline, ClusterGroupPending, ClusterNetworkStateUnknown, ClusterNetworkUnavailable,
        ClusterNetworkDown, ClusterNetworkPartitioned, ClusterNetworkUp, ClusterNetInterfaceStateUnknown,
        ClusterNetInterfaceUnavailable, ClusterNetInterfaceFailed, ClusterNetInterfaceUnreachable,
        ClusterNetInterfaceUp, DoNotFailbackGroups, FailbackGroupsImmediately, FailbackGroupsPerPolicy,
        CLUS_AFFINITY_RULE_NONE, CLUS_AFFINITY_RULE_SAME_FAULT_DOMAIN, CLUS_AFFINITY_RULE_SAME_NODE,
        CLUS_AFFINITY_RULE_DIFFERENT_FAULT_DOMAIN, CLUS_AFFINITY_RULE_DIFFERENT_NODE, ClusGroupTypeCoreCluster,
        ClusGroupTypeAvailableStorage, ClusGroupTypeUnknown, CLUSTER_MGMT_POINT_RESTYPE_AUTO,
        CLUSTER_MGMT_POINT_RESTYPE_SNN, CLUSTER_MGMT_POINT_RESTYPE_DNN, CLUSTER_CLOUD_TYPE_NONE,
        CLUSTER_CLOUD_TYPE_AZURE, CLUSTER_CLOUD_TYPE_UNKNOWN, ClusterSharedVolumeSnapshotStateUnknown,
        ClusterSharedVolumePrepareForHWSnapshot, ClusterSharedVolumeHWSnapshotCompleted,
        ClusterSharedVolumePrepareForFreeze, ClusterRoleUnknown, ClusterRoleClustered, ClusterRoleUnclustered,
        ClusterRoleDHCP, ClusterRoleDTC, ClusterRoleFileServer, ClusterRoleGenericApplication,
        ClusterRoleGenericScript, ClusterRoleGenericService, ClusterRoleISCSINameServer, ClusterRoleMSMQ,
        ClusterRoleNFS, ClusterRolePrintServer, CLUSREG_COMMAND_NONE, CLUSREG_SET_VALUE, CLUSREG_CREATE_KEY,
        CLUSREG_DELETE_KEY, CLUSREG_DELETE_VALUE, CLUSREG_SET_KEY_SECURITY, CLUSREG_VALUE_DELETED, CLUSREG_READ_KEY,
        CLUSREG_READ_VALUE, CLUSREG_READ_ERROR, CLUSREG_CONTROL_COMMAND, CLUSREG_CONDITION_EXISTS,
        CLUSREG_CONDITION_NOT_EXISTS, CLUSREG_CONDITION_IS_EQUAL, CLUSREG_CONDITION_IS_NOT_EQUAL,
        CLUSREG_CONDITION_IS_GREATER_THAN, CLUSREG_CONDITION_IS_LESS_THAN, CLUSREG_CONDITION_KEY_EXISTS,
        CLUSREG_CONDITION_KEY_NOT_EXISTS, CLUSREG_LAST_COMMAND, CLUSTER_OBJECT_TYPE_NONE,
        CLUSTER_OBJECT_TYPE_CLUSTER, CLUSTER_OBJECT_TYPE_GROUP, CLUSTER_OBJECT_TYPE_RESOURCE,
        CLUSTER_OBJECT_TYPE_RESOURCE_TYPE, CLUSTER_OBJECT_TYPE_NETWORK_INTERFACE, CLUSTER_OBJECT_TYPE_NETWORK,
        CLUSTER_OBJECT_TYPE_NODE, CLUSTER_OBJECT_TYPE_REGISTRY, CLUSTER_OBJECT_TYPE_QUORUM,
        CLUSTER_OBJECT_TYPE_SHARED_VOLUME, CLUSTER_OBJECT_TYPE_GROUPSET, CLUSTER_OBJECT_TYPE_AFFINITYRULE,
        CLUSTER_OBJECT_TYPE_FAULTDOMAIN,
    }
    facts
}
