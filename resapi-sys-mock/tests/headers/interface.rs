//! What a resource library is written against: basic types, function tables, properties, codes and errors.

use std::mem::{offset_of, size_of};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::{control, win32};
use resapi_sys_mock::host::{HOST_TABLE_VERSION, HostTable};
use resapi_sys_mock::property_list::{Format, syntax};

/// One thing that both sides state: the C expression and the number on the Rust side.
pub(super) struct Fact {
    /// `sizeof(X)`, `offsetof(X, field)`, or the name of a constant.
    pub(super) expression: String,
    /// What it is on the Rust side.
    pub(super) number: i64,
}

/// Facts about structures: the size of each, and the offsets of its fields.
macro_rules! layout {
    ($facts:ident, $($rust:ident as $c:literal { $($field:ident),* $(,)? })*) => {$(
        $facts.push(Fact { expression: format!("sizeof({})", $c), number: size_of::<$rust>() as i64 });
        $($facts.push(Fact {
            expression: format!("offsetof({}, {})", $c, stringify!($field)),
            number: offset_of!($rust, $field) as i64,
        });)*
    )*};
}

pub(super) use layout;

/// All facts of this file.
pub(super) fn facts() -> Vec<Fact> {
    let mut facts = Vec::new();
    layout! { facts,
        WCHAR as "WCHAR" {}
        BOOL as "BOOL" {}
        RESID as "RESID" {}
        RESOURCE_HANDLE as "RESOURCE_HANDLE" {}
        LOG_LEVEL as "LOG_LEVEL" {}
        FILETIME as "FILETIME" { dwLowDateTime, dwHighDateTime }
        RESOURCE_STATUS as "RESOURCE_STATUS" { ResourceState, CheckPoint, WaitHint, EventHandle }
        RESOURCE_STATUS_EX as "RESOURCE_STATUS_EX" {
            ResourceState, CheckPoint, EventHandle, ApplicationSpecificErrorCode, Flags, WaitHint,
        }
        CLUS_WORKER as "CLUS_WORKER" { hThread, Terminate }
        CLUS_RESOURCE_CLASS_INFO as "CLUS_RESOURCE_CLASS_INFO" { rc, SubClass }
        CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT as "CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT" {
            dwSize, dwVersion, eReason,
        }
        CLRES_V1_FUNCTIONS as "CLRES_V1_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl,
        }
        CLRES_V2_FUNCTIONS as "CLRES_V2_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, ResourceControl,
            ResourceTypeControl, Cancel,
        }
        CLRES_V3_FUNCTIONS as "CLRES_V3_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, BeginResourceControl,
            BeginResourceTypeControl, Cancel,
        }
        CLRES_V4_FUNCTIONS as "CLRES_V4_FUNCTIONS" {
            Open, Close, Online, Offline, Terminate, LooksAlive, IsAlive, Arbitrate, Release, BeginResourceControl,
            BeginResourceTypeControl, Cancel, BeginResourceControlAsUser, BeginResourceTypeControlAsUser,
        }
        CLRES_CALLBACK_FUNCTION_TABLE as "CLRES_CALLBACK_FUNCTION_TABLE" {
            LogEvent, SetResourceStatusEx, SetResourceLockedMode, SignalFailure,
            SetResourceInMemoryNodeLocalProperties, EndControlCall, EndTypeControlCall, ExtendControlCall,
            ExtendTypeControlCall, RaiseResTypeNotification, ChangeResourceProcessForDumps,
            ChangeResTypeProcessForDumps, SetInternalState, SetResourceLockedModeEx, RequestDump,
            SetResourceWprPolicy, ArmWprWatchdogForCurrentResourceCall,
        }
        CLRES_FUNCTION_TABLE as "CLRES_FUNCTION_TABLE" { TableSize, Version }
        CLUSPROP_SYNTAX as "CLUSPROP_SYNTAX" { dw, Anonymous }
        CLUSPROP_VALUE as "CLUSPROP_VALUE" { Syntax, cbLength }
        CLUSPROP_BINARY as "CLUSPROP_BINARY" { Base, rgb }
        CLUSPROP_WORD as "CLUSPROP_WORD" { Base, w }
        CLUSPROP_DWORD as "CLUSPROP_DWORD" { Base, dw }
        CLUSPROP_LONG as "CLUSPROP_LONG" { Base, l }
        CLUSPROP_SZ as "CLUSPROP_SZ" { Base, sz }
        CLUSPROP_ULARGE_INTEGER as "CLUSPROP_ULARGE_INTEGER" { Base, li }
        CLUSPROP_LARGE_INTEGER as "CLUSPROP_LARGE_INTEGER" { Base, li }
        CLUSPROP_FILETIME as "CLUSPROP_FILETIME" { Base, ft }
        CLUSPROP_RESOURCE_CLASS as "CLUSPROP_RESOURCE_CLASS" { Base, rc }
        CLUSPROP_RESOURCE_CLASS_INFO as "CLUSPROP_RESOURCE_CLASS_INFO" { Base, Base2 }
        CLUSPROP_LIST as "CLUSPROP_LIST" { nPropertyCount, PropertyName }
        CLUSPROP_REQUIRED_DEPENDENCY as "CLUSPROP_REQUIRED_DEPENDENCY" { Value, ResClass, ResTypeName }
        CLUS_SCSI_ADDRESS_0_0 as "CLUS_SCSI_ADDRESS_0_0" { PortNumber, PathId, TargetId, Lun }
        CLUS_PARTITION_INFO as "CLUS_PARTITION_INFO" { dwFlags, szDeviceName, szVolumeLabel, dwSerialNumber, rgdwMaximumComponentLength, dwFileSystemFlags, szFileSystem }
        CLUS_FORCE_QUORUM_INFO as "CLUS_FORCE_QUORUM_INFO" { dwSize, dwNodeBitMask, dwMaxNumberofNodes, multiszNodeList }
        CLUS_MAINTENANCE_MODE_INFO as "CLUS_MAINTENANCE_MODE_INFO" { InMaintenance }
        CLUS_MAINTENANCE_MODE_INFOEX as "CLUS_MAINTENANCE_MODE_INFOEX" { InMaintenance, MaintainenceModeType, InternalState, Signature }
        CLUS_NETNAME_VS_TOKEN_INFO as "CLUS_NETNAME_VS_TOKEN_INFO" { ProcessID, DesiredAccess, InheritHandle }
        GET_OPERATION_CONTEXT_PARAMS as "GET_OPERATION_CONTEXT_PARAMS" { Size, Version, Type, Priority }
        RESOURCE_FAILURE_INFO as "RESOURCE_FAILURE_INFO" { dwRestartAttemptsRemaining, dwRestartPeriodRemaining }
        RESOURCE_FAILURE_INFO_BUFFER as "RESOURCE_FAILURE_INFO_BUFFER" { dwVersion, Info }
        RESOURCE_TERMINAL_FAILURE_INFO_BUFFER as "RESOURCE_TERMINAL_FAILURE_INFO_BUFFER" { isTerminalFailure, restartPeriodRemaining }
        GROUP_FAILURE_INFO as "GROUP_FAILURE_INFO" { dwFailoverAttemptsRemaining, dwFailoverPeriodRemaining }
        GROUP_FAILURE_INFO_BUFFER as "GROUP_FAILURE_INFO_BUFFER" { dwVersion, Info }
        RESUTIL_LARGEINT_DATA as "RESUTIL_LARGEINT_DATA" { Default, Minimum, Maximum }
        RESUTIL_ULARGEINT_DATA as "RESUTIL_ULARGEINT_DATA" { Default, Minimum, Maximum }
        RESUTIL_FILETIME_DATA as "RESUTIL_FILETIME_DATA" { Default, Minimum, Maximum }
        RESUTIL_PROPERTY_ITEM as "RESUTIL_PROPERTY_ITEM" { Name, KeyName, Format, Minimum, Maximum, Flags, Offset }
        HostTable as "WOLFDEN_HOST_TABLE" {
            size, version, ClusterRegOpenKey, ClusterRegCreateKey, ClusterRegCloseKey, ClusterRegQueryValue,
            ClusterRegSetValue, ClusterRegDeleteValue, ClusterRegEnumValue, ClusterRegEnumKey, CreateEvent, SetEvent,
            CloseEvent, SetLastError, GuardCall, WorkerPass, WorkerBegins, WorkerEnds, KeyPath,
        }
    }
    // Members of unions, which have no name of their own on one side.
    let item = offset_of!(RESUTIL_PROPERTY_ITEM, Anonymous);
    for (structure, member, offset) in [
        ("CLRES_FUNCTION_TABLE", "V1Functions", offset_of!(CLRES_FUNCTION_TABLE, Anonymous)),
        ("CLRES_FUNCTION_TABLE", "V2Functions", offset_of!(CLRES_FUNCTION_TABLE, Anonymous)),
        ("CLRES_FUNCTION_TABLE", "V3Functions", offset_of!(CLRES_FUNCTION_TABLE, Anonymous)),
        ("CLRES_FUNCTION_TABLE", "V4Functions", offset_of!(CLRES_FUNCTION_TABLE, Anonymous)),
        ("CLUSPROP_SYNTAX", "wFormat", offset_of!(CLUSPROP_SYNTAX_0, wFormat)),
        ("CLUSPROP_SYNTAX", "wType", offset_of!(CLUSPROP_SYNTAX_0, wType)),
        ("RESUTIL_PROPERTY_ITEM", "DefaultPtr", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, DefaultPtr)),
        ("RESUTIL_PROPERTY_ITEM", "Default", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, Default)),
        ("RESUTIL_PROPERTY_ITEM", "lpDefault", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, lpDefault)),
        ("RESUTIL_PROPERTY_ITEM", "LargeIntData", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, LargeIntData)),
        ("RESUTIL_PROPERTY_ITEM", "ULargeIntData", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, ULargeIntData)),
        ("RESUTIL_PROPERTY_ITEM", "FileTimeData", item + offset_of!(RESUTIL_PROPERTY_ITEM_0, FileTimeData)),
    ] {
        let path = if structure == "CLUSPROP_SYNTAX" { format!("Anonymous.{member}") } else { member.to_owned() };
        facts.push(Fact { expression: format!("offsetof({structure}, {path})"), number: offset as i64 });
    }
    let mut number = |name: &str, number: i64| facts.push(Fact { expression: name.to_owned(), number });
    number("WOLFDEN_HOST_TABLE_VERSION", i64::from(HOST_TABLE_VERSION));
    number("CLRES_V1_FUNCTION_SIZE", i64::from(CLRES_V1_FUNCTION_SIZE));
    number("CLRES_V2_FUNCTION_SIZE", i64::from(CLRES_V2_FUNCTION_SIZE));
    number("CLRES_V3_FUNCTION_SIZE", i64::from(CLRES_V3_FUNCTION_SIZE));
    number("CLRES_V4_FUNCTION_SIZE", i64::from(CLRES_V4_FUNCTION_SIZE));
    number("KEY_READ", i64::from(KEY_READ));
    number("KEY_WRITE", i64::from(KEY_WRITE));
    number("KEY_ALL_ACCESS", i64::from(KEY_ALL_ACCESS));
    number("REG_CREATED_NEW_KEY", i64::from(REG_CREATED_NEW_KEY));
    number("REG_OPENED_EXISTING_KEY", i64::from(REG_OPENED_EXISTING_KEY));
    number("REG_NONE", i64::from(REG_NONE));
    number("REG_SZ", i64::from(REG_SZ));
    number("REG_EXPAND_SZ", i64::from(REG_EXPAND_SZ));
    number("REG_BINARY", i64::from(REG_BINARY));
    number("REG_DWORD", i64::from(REG_DWORD));
    number("REG_MULTI_SZ", i64::from(REG_MULTI_SZ));
    number("REG_QWORD", i64::from(REG_QWORD));
    number("TRUE", 1);
    number("FALSE", 0);
    number("RESUTIL_PROPITEM_READ_ONLY", i64::from(RESUTIL_PROPITEM_READ_ONLY));
    number("RESUTIL_PROPITEM_REQUIRED", i64::from(RESUTIL_PROPITEM_REQUIRED));
    number("RESUTIL_PROPITEM_SIGNED", i64::from(RESUTIL_PROPITEM_SIGNED));
    number("RESUTIL_PROPITEM_IN_MEMORY", i64::from(RESUTIL_PROPITEM_IN_MEMORY));
    for (name, value) in HEADER_TABLES.into_iter().flatten() {
        number(name, *value);
    }
    for (name, value) in control::ALL.iter().copied().chain([win32::ALL]).flatten() {
        number(name, i64::from(*value));
    }
    for format in Format::ALL {
        let name = match format {
            Format::Unknown => "UNKNOWN",
            Format::Binary => "BINARY",
            Format::Dword => "DWORD",
            Format::Sz => "SZ",
            Format::ExpandSz => "EXPAND_SZ",
            Format::MultiSz => "MULTI_SZ",
            Format::ULargeInteger => "ULARGE_INTEGER",
            Format::Long => "LONG",
            Format::ExpandedSz => "EXPANDED_SZ",
            Format::SecurityDescriptor => "SECURITY_DESCRIPTOR",
            Format::LargeInteger => "LARGE_INTEGER",
            Format::Word => "WORD",
            Format::FileTime => "FILETIME",
            Format::ValueList => "VALUE_LIST",
            Format::PropertyList => "PROPERTY_LIST",
        };
        number(&format!("CLUSPROP_FORMAT_{name}"), format as i64);
        if !matches!(format, Format::Unknown | Format::ValueList) {
            number(&format!("CLUSPROP_SYNTAX_LIST_VALUE_{name}"), i64::from(format.list_value()));
        }
    }
    let syntaxes = [
        ("ENDMARK", syntax::ENDMARK),
        ("NAME", syntax::NAME),
        ("RESCLASS", syntax::RESCLASS),
        ("DISK_SIGNATURE", syntax::DISK_SIGNATURE),
        ("SCSI_ADDRESS", syntax::SCSI_ADDRESS),
        ("DISK_NUMBER", syntax::DISK_NUMBER),
        ("PARTITION_INFO", syntax::PARTITION_INFO),
        ("FTSET_INFO", syntax::FTSET_INFO),
        ("DISK_SERIALNUMBER", syntax::DISK_SERIALNUMBER),
        ("DISK_GUID", syntax::DISK_GUID),
        ("DISK_SIZE", syntax::DISK_SIZE),
        ("PARTITION_INFO_EX", syntax::PARTITION_INFO_EX),
        ("PARTITION_INFO_EX2", syntax::PARTITION_INFO_EX2),
        ("STORAGE_DEVICE_ID_DESCRIPTOR", syntax::STORAGE_DEVICE_ID_DESCRIPTOR),
    ];
    for (name, value) in syntaxes {
        number(&format!("CLUSPROP_SYNTAX_{name}"), i64::from(value));
        // The type is the high half.
        if !matches!(name, "DISK_SIGNATURE") {
            number(&format!("CLUSPROP_TYPE_{name}"), i64::from(value >> 16));
        }
    }
    number("CLUSPROP_TYPE_SIGNATURE", 5);
    number("CLUSPROP_TYPE_LIST_VALUE", 1);
    facts
}
