//! Handles, structures and callbacks of `clusapi.h`: what programs outside of a monitor use (reference 08).
//!
//! `tests/cluster_layout.rs` compares each structure with the published bindings.

use core::ffi::c_void;

use super::types::{BOOL, HANDLE, LPCWSTR, LPWSTR, WCHAR};

/// Declares the handle types, all opaque and pointer-sized.
macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident)*) => {$($(#[$doc])* pub type $name = HANDLE;)*};
}

handles! {
    /// A connection to a cluster.
    HCLUSTER
    /// A node.
    HNODE
    /// A group.
    HGROUP
    /// A resource.
    HRESOURCE
    /// A network.
    HNETWORK
    /// A network interface.
    HNETINTERFACE
    /// A set of groups.
    HGROUPSET
    /// A notification port.
    HCHANGE
    /// An enumeration of a cluster.
    HCLUSENUM
    /// A group's enumeration.
    HGROUPENUM
    /// A resource's enumeration.
    HRESENUM
    /// A resource type's enumeration.
    HRESTYPEENUM
    /// A node's enumeration.
    HNODEENUM
    /// A network's enumeration.
    HNETWORKENUM
    /// An enumeration of network interfaces.
    HNETINTERFACEENUM
    /// An enumeration of group sets.
    HGROUPSETENUM
    /// A batch of changes of the registry.
    HREGBATCH
    /// A batch of reads of the registry.
    HREGREADBATCH
    /// The answers to a batch of reads.
    HREGREADBATCHREPLY
    /// A port for notifications of batches.
    HREGBATCHPORT
    /// One notification of a batch.
    HREGBATCHNOTIFICATION
    /// A provider of encryption for checkpoints.
    HCLUSCRYPTPROVIDER
    /// A service of the service control manager.
    SC_HANDLE
}

/// `INVALID_HANDLE_VALUE`: "none" for CreateClusterNotifyPort.
pub const INVALID_HANDLE_VALUE: HANDLE = usize::MAX as HANDLE;
/// Wait for ever.
pub const INFINITE: u32 = u32::MAX;
/// OpenClusterEx: may read.
pub const GENERIC_READ: u32 = 0x8000_0000;
/// OpenClusterEx: may do everything.
pub const GENERIC_ALL: u32 = 0x1000_0000;
/// OpenClusterEx: as much as there is.
pub const MAXIMUM_ALLOWED: u32 = 0x0200_0000;
/// Granted: reading.
pub const CLUSAPI_READ_ACCESS: u32 = 1;
/// Granted: changing.
pub const CLUSAPI_CHANGE_ACCESS: u32 = 2;
/// OfflineClusterResourceEx: the resource is terminated, not asked.
pub const CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION: u32 = 2;

/// Declares plain structures.
macro_rules! structures {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs)] // the names are those of the header
        pub struct $name {
            $(pub $field: $type,)*
        }
    )*};
}

structures! {
    /// What GetClusterInformation tells of the version; `dwVersionInfoSize` is set by the caller.
    CLUSTERVERSIONINFO {
        dwVersionInfoSize: u32, MajorVersion: u16, MinorVersion: u16, BuildNumber: u16, szVendorId: [WCHAR; 64],
        szCSDVersion: [WCHAR; 64], dwClusterHighestVersion: u32, dwClusterLowestVersion: u32, dwFlags: u32,
        dwReserved: u32,
    }
    /// An object of ClusterEnumEx and ClusterNodeEnumEx; texts follow in the same buffer.
    CLUSTER_ENUM_ITEM { dwVersion: u32, dwType: u32, cbId: u32, lpszId: LPWSTR, cbName: u32, lpszName: LPWSTR }
    /// A group of ClusterGroupEnumEx.
    CLUSTER_GROUP_ENUM_ITEM {
        dwVersion: u32, cbId: u32, lpszId: LPWSTR, cbName: u32, lpszName: LPWSTR, state: i32, cbOwnerNode: u32,
        lpszOwnerNode: LPWSTR, dwFlags: u32, cbProperties: u32, pProperties: *mut c_void, cbRoProperties: u32,
        pRoProperties: *mut c_void,
    }
    /// A resource of ClusterResourceEnumEx.
    CLUSTER_RESOURCE_ENUM_ITEM {
        dwVersion: u32, cbId: u32, lpszId: LPWSTR, cbName: u32, lpszName: LPWSTR, cbOwnerGroupName: u32,
        lpszOwnerGroupName: LPWSTR, cbOwnerGroupId: u32, lpszOwnerGroupId: LPWSTR, cbProperties: u32,
        pProperties: *mut c_void, cbRoProperties: u32, pRoProperties: *mut c_void,
    }
    /// Input of CreateClusterGroupEx.
    CLUSTER_CREATE_GROUP_INFO { dwVersion: u32, groupType: i32 }
    /// Input of CreateClusterAvailabilitySet.
    CLUSTER_AVAILABILITY_SET_CONFIG { dwVersion: u32, dwUpdateDomains: u32, dwFaultDomains: u32, bReserveSpareNode: BOOL }
    /// An object type with the filter bits of that type, for notification ports of version 2.
    NOTIFY_FILTER_AND_TYPE { dwObjectType: u32, FilterFlags: i64 }
    /// One command of a batch notification.
    CLUSTER_BATCH_COMMAND { Command: i32, dwOptions: u32, wzName: LPCWSTR, lpData: *const u8, cbData: u32 }
    /// One answer to a batch of reads.
    CLUSTER_READ_BATCH_COMMAND {
        Command: i32, dwOptions: u32, wzSubkeyName: LPCWSTR, wzValueName: LPCWSTR, lpData: *const u8, cbData: u32,
    }
    /// What ClusapiSetReasonHandler sets.
    CLUSAPI_REASON_HANDLER { lpParameter: *mut c_void, pfnHandler: PCLUSAPI_PFN_REASON_HANDLER }
    /// A fault of ClusGetClusterHealthFaults.
    CLUSTER_HEALTH_FAULT {
        Id: LPWSTR, ErrorType: u32, ErrorCode: u32, Description: LPWSTR, Provider: LPWSTR, Flags: u32, Reserved: u32,
    }
    /// All faults.
    CLUSTER_HEALTH_FAULT_ARRAY { numFaults: u32, faults: *mut CLUSTER_HEALTH_FAULT }
    /// The tag of a copy of the cluster registry.
    PaxosTagCStruct {
        __padding__PaxosTagVtable: u64, __padding__NextEpochVtable: u64, __padding__NextEpoch_DateTimeVtable: u64,
        NextEpoch_DateTime_ticks: u64, NextEpoch_Value: i32, __padding__BoundryNextEpoch: u32,
        __padding__EpochVtable: u64, __padding__Epoch_DateTimeVtable: u64, Epoch_DateTime_ticks: u64, Epoch_Value: i32,
        __padding__BoundryEpoch: u32, Sequence: i32, __padding__BoundrySequence: u32,
    }
    /// 128 bits that name something.
    GUID { data1: u32, data2: u16, data3: u16, data4: [u8; 8] }
}

/// Asked for a reason when a function without one is called.
pub type PCLUSAPI_PFN_REASON_HANDLER = Option<
    unsafe extern "system" fn(
        lpParameter: *mut c_void,
        hCluster: HCLUSTER,
        szReason: LPWSTR,
        cchReason: *mut u32,
    ) -> u32,
>;
/// Told how the making of a cluster goes on.
pub type PCLUSTER_SETUP_PROGRESS_CALLBACK = Option<
    unsafe extern "system" fn(
        pvCallbackArg: *mut c_void,
        eSetupPhase: i32,
        ePhaseType: i32,
        ePhaseSeverity: i32,
        dwPercentComplete: u32,
        lpszObjectName: LPCWSTR,
        dwStatus: u32,
    ) -> BOOL,
>;
/// Told how a change of the functional level goes on.
pub type PCLUSTER_UPGRADE_PROGRESS_CALLBACK =
    Option<unsafe extern "system" fn(pvCallbackArg: *mut c_void, eUpgradePhase: i32) -> BOOL>;
/// Called for each resource of ResUtilEnumResources.
pub type LPRESOURCE_CALLBACK =
    Option<unsafe extern "system" fn(hSelf: HRESOURCE, hOther: HRESOURCE, pParameter: *mut c_void) -> u32>;
/// Called for each resource of the later enumerations.
pub type LPRESOURCE_CALLBACK_EX = Option<
    unsafe extern "system" fn(hCluster: HCLUSTER, hSelf: HRESOURCE, hOther: HRESOURCE, pParameter: *mut c_void) -> u32,
>;
/// Called for each group.
pub type LPGROUP_CALLBACK_EX = Option<
    unsafe extern "system" fn(hCluster: HCLUSTER, hSelf: HGROUP, hOther: HGROUP, pParameter: *mut c_void) -> u32,
>;
/// Called for each node with its state.
pub type LPNODE_CALLBACK =
    Option<unsafe extern "system" fn(hCluster: HCLUSTER, hNode: HNODE, state: i32, pParameter: *mut c_void) -> u32>;
