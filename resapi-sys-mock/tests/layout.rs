//! Sizes, offsets and numbers of the ABI against two independent sources: the published bindings of the real headers,
//! and the figures of the reference (01.2, 01.4).

use std::mem::{offset_of, size_of};

use resapi_sys_mock::abi::{self, *};
use resapi_sys_mock::host::{HOST_TABLE_V1_BYTES, HostTable};
use windows_sys::Win32::Networking::Clustering as real;

/// Size of a structure, and offset of each of its fields, here and in the bindings.
macro_rules! check_layout {
    ($($name:ident, $size:literal { $($field:ident),* $(,)? })*) => {$(
        assert_eq!(size_of::<abi::$name>(), $size, concat!("reference: size of ", stringify!($name)));
        assert_eq!(size_of::<abi::$name>(), size_of::<real::$name>(), concat!("size of ", stringify!($name)));
        $(assert_eq!(
            offset_of!(abi::$name, $field),
            offset_of!(real::$name, $field),
            concat!(stringify!($name), ".", stringify!($field))
        );)*
    )*};
}

#[test]
fn structures_have_the_layout_of_the_real_headers() {
    check_layout! {
        RESOURCE_STATUS, 24 { ResourceState, CheckPoint, WaitHint, EventHandle }
        RESOURCE_STATUS_EX, 32 {
            ResourceState, CheckPoint, EventHandle, ApplicationSpecificErrorCode, Flags, WaitHint,
        }
        CLUS_WORKER, 16 { hThread, Terminate }
        MONITOR_STATE, 32 { LastUpdate, State, ActiveResource, ResmonStop }
        CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT, 12 { dwSize, dwVersion, eReason }
        CLRES_V1_FUNCTIONS, 88 {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl,
        }
        CLRES_V2_FUNCTIONS, 96 {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl, Cancel,
        }
        CLRES_V3_FUNCTIONS, 96 {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, BeginResourceControl,
            BeginResourceTypeControl, Cancel,
        }
        CLRES_V4_FUNCTIONS, 112 {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, BeginResourceControl,
            BeginResourceTypeControl, Cancel, BeginResourceControlAsUser, BeginResourceTypeControlAsUser,
        }
        CLRES_FUNCTION_TABLE, 120 { TableSize, Version, Anonymous }
        CLRES_CALLBACK_FUNCTION_TABLE, 136 {
            LogEvent, SetResourceStatusEx, SetResourceLockedMode, SignalFailure,
            SetResourceInMemoryNodeLocalProperties, EndControlCall, EndTypeControlCall, ExtendControlCall,
            ExtendTypeControlCall, RaiseResTypeNotification, ChangeResourceProcessForDumps,
            ChangeResTypeProcessForDumps, SetInternalState, SetResourceLockedModeEx, RequestDump,
            SetResourceWprPolicy, ArmWprWatchdogForCurrentResourceCall,
        }
    }
}

#[test]
fn offsets_of_the_reference() {
    fn check(name: &str, offsets: &[usize], expected: &[usize]) {
        assert_eq!(offsets, expected, "{name}");
    }
    let status = [
        offset_of!(RESOURCE_STATUS, ResourceState),
        offset_of!(RESOURCE_STATUS, CheckPoint),
        offset_of!(RESOURCE_STATUS, WaitHint),
        offset_of!(RESOURCE_STATUS, EventHandle),
    ];
    check("RESOURCE_STATUS", &status, &[0, 4, 8, 16]);
    let status_ex = [
        offset_of!(RESOURCE_STATUS_EX, ResourceState),
        offset_of!(RESOURCE_STATUS_EX, CheckPoint),
        offset_of!(RESOURCE_STATUS_EX, EventHandle),
        offset_of!(RESOURCE_STATUS_EX, ApplicationSpecificErrorCode),
        offset_of!(RESOURCE_STATUS_EX, Flags),
        offset_of!(RESOURCE_STATUS_EX, WaitHint),
    ];
    check("RESOURCE_STATUS_EX", &status_ex, &[0, 4, 8, 16, 20, 24]);
    check("CLRES_FUNCTION_TABLE", &[offset_of!(CLRES_FUNCTION_TABLE, Anonymous)], &[8]);
    let sizes = [CLRES_V1_FUNCTION_SIZE, CLRES_V2_FUNCTION_SIZE, CLRES_V3_FUNCTION_SIZE, CLRES_V4_FUNCTION_SIZE];
    assert_eq!(sizes, [88, 96, 96, 112]);
    assert_eq!(size_of::<CLUS_RESOURCE_CLASS_INFO>(), size_of::<real::CLUS_RESOURCE_CLASS_INFO>());
    // Ours alone: two numbers, twelve functions, and the four of version 2. Libraries built today rely on it.
    assert_eq!(size_of::<HostTable>(), 8 + 17 * 8);
    assert_eq!(HOST_TABLE_V1_BYTES, 8 + 12 * 8);
    assert_eq!(offset_of!(HostTable, GuardCall), HOST_TABLE_V1_BYTES);
    assert_eq!(offset_of!(HostTable, ClusterRegOpenKey), 8);
    assert_eq!(offset_of!(HostTable, SetLastError), 96);
}

#[test]
fn tables_state_their_version() {
    let v1 = CLRES_FUNCTION_TABLE::v1(CLRES_V1_FUNCTIONS::default());
    assert_eq!((v1.TableSize, v1.Version), (88, real::CLRES_VERSION_V1_00));
    let v2 = CLRES_FUNCTION_TABLE::v2(CLRES_V2_FUNCTIONS::default());
    assert_eq!((v2.TableSize, v2.Version), (96, real::CLRES_VERSION_V2_00));
}

/// Numbers here and in the bindings, by name.
macro_rules! check_numbers {
    ($($name:ident)*) => {$(
        assert_eq!(abi::$name as i64 as u32, real::$name as i64 as u32, stringify!($name));
    )*};
}

#[test]
fn numbers_are_those_of_the_real_headers() {
    check_numbers! {
        CLRES_VERSION_V1_00 CLRES_VERSION_V2_00 CLRES_VERSION_V3_00 CLRES_VERSION_V4_00
        ClusterResourceStateUnknown ClusterResourceInherited ClusterResourceInitializing ClusterResourceOnline
        ClusterResourceOffline ClusterResourceFailed ClusterResourcePending ClusterResourceOnlinePending
        ClusterResourceOfflinePending
        ResourceExitStateContinue ResourceExitStateTerminate ResourceExitStateMax
        LOG_INFORMATION LOG_WARNING LOG_ERROR LOG_SEVERE
        FAILURE_TYPE_GENERAL FAILURE_TYPE_EMBEDDED FAILURE_TYPE_NETWORK_LOSS
        ClusterResourceApplicationStateUnknown ClusterResourceApplicationOSHeartBeat ClusterResourceApplicationReady
        CLUS_CHAR_UNKNOWN CLUS_CHAR_QUORUM CLUS_CHAR_DELETE_REQUIRES_ALL_NODES CLUS_CHAR_LOCAL_QUORUM
        CLUS_CHAR_LOCAL_QUORUM_DEBUG CLUS_CHAR_REQUIRES_STATE_CHANGE_REASON CLUS_CHAR_BROADCAST_DELETE
        CLUS_CHAR_SINGLE_CLUSTER_INSTANCE CLUS_CHAR_SINGLE_GROUP_INSTANCE CLUS_CHAR_COEXIST_IN_SHARED_VOLUME_GROUP
        CLUS_CHAR_PLACEMENT_DATA CLUS_CHAR_MONITOR_DETACH CLUS_CHAR_MONITOR_REATTACH CLUS_CHAR_OPERATION_CONTEXT
        CLUS_CHAR_CLONES CLUS_CHAR_NOT_PREEMPTABLE CLUS_CHAR_NOTIFY_NEW_OWNER CLUS_CHAR_SUPPORTS_UNMONITORED_STATE
        CLUS_CHAR_INFRASTRUCTURE CLUS_CHAR_VETO_DRAIN CLUS_CHAR_DRAIN_LOCAL_OFFLINE
        CLUS_RESCLASS_UNKNOWN CLUS_RESCLASS_STORAGE CLUS_RESCLASS_NETWORK CLUS_RESCLASS_USER
        CLUS_FLAG_CORE CLUS_RESSUBCLASS_SHARED CLUS_RESSUBCLASS_STORAGE_SHARED_BUS CLUS_RESSUBCLASS_STORAGE_DISK
        CLUS_RESSUBCLASS_STORAGE_REPLICATION CLUS_RESSUBCLASS_NETWORK_INTERNET_PROTOCOL
        CLUS_RESDLL_OPEN_RECOVER_MONITOR_STATE CLUS_RESDLL_OPEN_DONT_DELETE_TEMP_DISK
        CLUS_RESDLL_ONLINE_RECOVER_MONITOR_STATE CLUS_RESDLL_ONLINE_IGNORE_RESOURCE_STATUS
        CLUS_RESDLL_ONLINE_RETURN_TO_SOURCE_NODE_ON_ERROR CLUS_RESDLL_ONLINE_RESTORE_ONLINE_STATE
        CLUS_RESDLL_ONLINE_IGNORE_NETWORK_CONNECTIVITY
        CLUS_RESDLL_OFFLINE_IGNORE_RESOURCE_STATUS CLUS_RESDLL_OFFLINE_RETURN_TO_SOURCE_NODE_ON_ERROR
        CLUS_RESDLL_OFFLINE_QUEUE_ENABLED CLUS_RESDLL_OFFLINE_RETURNING_TO_SOURCE_NODE_BECAUSE_OF_ERROR
        CLUS_RESDLL_OFFLINE_DUE_TO_EMBEDDED_FAILURE CLUS_RESDLL_OFFLINE_IGNORE_NETWORK_CONNECTIVITY
        CLUS_RESDLL_OFFLINE_DO_NOT_UPDATE_PERSISTENT_STATE
        CLUSRESDLL_STATUS_OFFLINE_BUSY CLUSRESDLL_STATUS_OFFLINE_SOURCE_THROTTLED
        CLUSRESDLL_STATUS_OFFLINE_DESTINATION_THROTTLED CLUSRESDLL_STATUS_OFFLINE_DESTINATION_REJECTED
        CLUSRESDLL_STATUS_INSUFFICIENT_MEMORY CLUSRESDLL_STATUS_INSUFFICIENT_PROCESSOR
        CLUSRESDLL_STATUS_INSUFFICIENT_OTHER_RESOURCES CLUSRESDLL_STATUS_INVALID_PARAMETERS
        CLUSRESDLL_STATUS_NETWORK_NOT_AVAILABLE CLUSRESDLL_STATUS_DO_NOT_COLLECT_WER_REPORT
        CLUSRESDLL_STATUS_DUMP_NOW LOCKED_MODE_FLAGS_DONT_REMOVE_FROM_MOVE_QUEUE
        CLUSCTL_RESOURCE_STATE_CHANGE_REASON_VERSION_1
        eResourceStateChangeReasonUnknown eResourceStateChangeReasonMove eResourceStateChangeReasonFailover
        eResourceStateChangeReasonFailedMove eResourceStateChangeReasonShutdown eResourceStateChangeReasonRundown
        RmonInitializing RmonIdle RmonStartingResource RmonInitializingResource RmonOnlineResource
        RmonOfflineResource RmonShutdownResource RmonDeletingResource RmonIsAlivePoll RmonLooksAlivePoll
        RmonArbitrateResource RmonReleaseResource RmonResourceControl RmonResourceTypeControl
        RmonTerminateResource RmonDeadlocked
    }
    // Every number of the tables is in the list above: a new one without a check fails here.
    let source = include_str!("layout.rs");
    for (name, _) in HEADER_TABLES.into_iter().chain([MONITOR_STATES]).flatten() {
        assert!(source.split_whitespace().any(|word| word == *name), "{name} is not compared with the bindings");
    }
}

#[test]
fn formats_and_syntaxes_are_those_of_the_real_headers() {
    use resapi_sys_mock::property_list::{Format, syntax};
    fn check(ours: u32, real: u32) {
        assert_eq!(ours, real);
    }
    check(syntax::ENDMARK, real::CLUSPROP_SYNTAX_ENDMARK);
    check(syntax::NAME, real::CLUSPROP_SYNTAX_NAME);
    check(syntax::RESCLASS, real::CLUSPROP_SYNTAX_RESCLASS);
    check(syntax::DISK_SIGNATURE, real::CLUSPROP_SYNTAX_DISK_SIGNATURE);
    check(syntax::SCSI_ADDRESS, real::CLUSPROP_SYNTAX_SCSI_ADDRESS);
    check(syntax::DISK_NUMBER, real::CLUSPROP_SYNTAX_DISK_NUMBER);
    check(syntax::PARTITION_INFO, real::CLUSPROP_SYNTAX_PARTITION_INFO);
    check(syntax::FTSET_INFO, real::CLUSPROP_SYNTAX_FTSET_INFO);
    check(syntax::DISK_SERIALNUMBER, real::CLUSPROP_SYNTAX_DISK_SERIALNUMBER);
    check(syntax::DISK_GUID, real::CLUSPROP_SYNTAX_DISK_GUID);
    check(syntax::DISK_SIZE, real::CLUSPROP_SYNTAX_DISK_SIZE);
    check(syntax::PARTITION_INFO_EX, real::CLUSPROP_SYNTAX_PARTITION_INFO_EX);
    check(syntax::PARTITION_INFO_EX2, real::CLUSPROP_SYNTAX_PARTITION_INFO_EX2);
    check(syntax::STORAGE_DEVICE_ID_DESCRIPTOR, real::CLUSPROP_SYNTAX_STORAGE_DEVICE_ID_DESCRIPTOR);
    check(Format::Binary.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_BINARY);
    check(Format::Dword.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_DWORD);
    check(Format::Sz.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_SZ);
    check(Format::ExpandSz.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ);
    check(Format::MultiSz.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_MULTI_SZ);
    check(Format::ULargeInteger.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_ULARGE_INTEGER);
    check(Format::Long.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_LONG);
    check(Format::ExpandedSz.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_EXPANDED_SZ);
    check(Format::SecurityDescriptor.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_SECURITY_DESCRIPTOR);
    check(Format::LargeInteger.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_LARGE_INTEGER);
    check(Format::Word.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_WORD);
    check(Format::FileTime.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_FILETIME);
    check(Format::PropertyList.list_value(), real::CLUSPROP_SYNTAX_LIST_VALUE_PROPERTY_LIST);
    check(Format::Unknown as u32, real::CLUSPROP_FORMAT_UNKNOWN as u32);
    check(Format::ValueList as u32, real::CLUSPROP_FORMAT_VALUE_LIST as u32);
    for number in 0..15 {
        assert_eq!(Format::from_number(number).map(|format| format as u16), Some(number));
    }
    assert_eq!(Format::from_number(15), None);
}
