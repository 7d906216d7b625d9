//! Structures of property lists and control codes, against the published bindings.

use std::mem::offset_of;

use resapi_sys_mock::abi;
use windows_sys::Win32::Networking::Clustering as real;

macro_rules! check_layout {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
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
        CLUSPROP_SYNTAX { dw, Anonymous }
        CLUSPROP_SYNTAX_0 { wFormat, wType }
        CLUSPROP_VALUE { Syntax, cbLength }
        CLUSPROP_BINARY { Base, rgb }
        CLUSPROP_WORD { Base, w }
        CLUSPROP_DWORD { Base, dw }
        CLUSPROP_LONG { Base, l }
        CLUSPROP_SZ { Base, sz }
        CLUSPROP_ULARGE_INTEGER { Base, li }
        CLUSPROP_LARGE_INTEGER { Base, li }
        CLUSPROP_FILETIME { Base, ft }
        CLUSPROP_RESOURCE_CLASS { Base, rc }
        CLUSPROP_RESOURCE_CLASS_INFO { Base, Base2 }
        CLUSPROP_LIST { nPropertyCount, PropertyName }
        CLUSPROP_REQUIRED_DEPENDENCY { Value, ResClass, ResTypeName }
        CLUS_SCSI_ADDRESS_0_0 { PortNumber, PathId, TargetId, Lun }
        CLUS_PARTITION_INFO { dwFlags, szDeviceName, szVolumeLabel, dwSerialNumber, rgdwMaximumComponentLength, dwFileSystemFlags, szFileSystem }
        CLUS_FORCE_QUORUM_INFO { dwSize, dwNodeBitMask, dwMaxNumberofNodes, multiszNodeList }
        CLUS_MAINTENANCE_MODE_INFO { InMaintenance }
        CLUS_MAINTENANCE_MODE_INFOEX { InMaintenance, MaintainenceModeType, InternalState, Signature }
        CLUS_NETNAME_VS_TOKEN_INFO { ProcessID, DesiredAccess, InheritHandle }
        GET_OPERATION_CONTEXT_PARAMS { Size, Version, Type, Priority }
        RESOURCE_FAILURE_INFO { dwRestartAttemptsRemaining, dwRestartPeriodRemaining }
        RESOURCE_FAILURE_INFO_BUFFER { dwVersion, Info }
        RESOURCE_TERMINAL_FAILURE_INFO_BUFFER { isTerminalFailure, restartPeriodRemaining }
        GROUP_FAILURE_INFO { dwFailoverAttemptsRemaining, dwFailoverPeriodRemaining }
        GROUP_FAILURE_INFO_BUFFER { dwVersion, Info }
        RESUTIL_LARGEINT_DATA { Default, Minimum, Maximum }
        RESUTIL_ULARGEINT_DATA { Default, Minimum, Maximum }
        RESUTIL_FILETIME_DATA { Default, Minimum, Maximum }
        RESUTIL_PROPERTY_ITEM { Name, KeyName, Format, Anonymous, Minimum, Maximum, Flags, Offset }
        RESUTIL_PROPERTY_ITEM_0 { DefaultPtr, Default, lpDefault, LargeIntData, ULargeIntData, FileTimeData }
    }
}

#[test]
fn sizes_and_numbers_of_the_reference() {
    // Reference 04.3, 04.4, 05.5.
    let sizes = [
        (size_of::<abi::CLUSPROP_VALUE>(), 8),
        (size_of::<abi::CLUSPROP_DWORD>(), 12),
        (size_of::<abi::CLUSPROP_SZ>(), 12),
        (size_of::<abi::CLUSPROP_BINARY>(), 12),
        (size_of::<abi::CLUSPROP_ULARGE_INTEGER>(), 16),
        (size_of::<abi::CLUSPROP_LIST>(), 16),
        (size_of::<abi::RESUTIL_PROPERTY_ITEM>(), 48),
        (size_of::<abi::CLUS_MAINTENANCE_MODE_INFO>(), 4),
        (size_of::<abi::CLUS_MAINTENANCE_MODE_INFOEX>(), 16),
    ];
    for (ours, reference) in sizes {
        assert_eq!(ours, reference);
    }
    assert_eq!(abi::RESUTIL_PROPITEM_READ_ONLY, real::RESUTIL_PROPITEM_READ_ONLY);
    assert_eq!(abi::RESUTIL_PROPITEM_REQUIRED, real::RESUTIL_PROPITEM_REQUIRED);
    assert_eq!(abi::RESUTIL_PROPITEM_SIGNED, real::RESUTIL_PROPITEM_SIGNED);
    assert_eq!(abi::RESUTIL_PROPITEM_IN_MEMORY, real::RESUTIL_PROPITEM_IN_MEMORY);
}
