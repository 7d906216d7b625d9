//! Structures of the cluster API against the published bindings of the real headers: sizes and offsets.

use std::mem::{offset_of, size_of};

use resapi_sys_mock::abi;
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
        CLUSTERVERSIONINFO, 284 {
            dwVersionInfoSize, MajorVersion, MinorVersion, BuildNumber, szVendorId, szCSDVersion,
            dwClusterHighestVersion, dwClusterLowestVersion, dwFlags, dwReserved,
        }
        CLUSTER_ENUM_ITEM, 40 { dwVersion, dwType, cbId, lpszId, cbName, lpszName }
        CLUSTER_GROUP_ENUM_ITEM, 80 {
            dwVersion, cbId, lpszId, cbName, lpszName, state, cbOwnerNode, lpszOwnerNode, dwFlags, cbProperties,
            pProperties, cbRoProperties, pRoProperties,
        }
        CLUSTER_RESOURCE_ENUM_ITEM, 96 {
            dwVersion, cbId, lpszId, cbName, lpszName, cbOwnerGroupName, lpszOwnerGroupName, cbOwnerGroupId,
            lpszOwnerGroupId, cbProperties, pProperties, cbRoProperties, pRoProperties,
        }
        CLUSTER_CREATE_GROUP_INFO, 8 { dwVersion, groupType }
        CLUSTER_AVAILABILITY_SET_CONFIG, 16 { dwVersion, dwUpdateDomains, dwFaultDomains, bReserveSpareNode }
        NOTIFY_FILTER_AND_TYPE, 16 { dwObjectType, FilterFlags }
        CLUSTER_BATCH_COMMAND, 32 { Command, dwOptions, wzName, lpData, cbData }
        CLUSTER_READ_BATCH_COMMAND, 40 { Command, dwOptions, wzSubkeyName, wzValueName, lpData, cbData }
        CLUSAPI_REASON_HANDLER, 16 { lpParameter, pfnHandler }
        CLUSTER_HEALTH_FAULT, 40 { Id, ErrorType, ErrorCode, Description, Provider, Flags, Reserved }
        CLUSTER_HEALTH_FAULT_ARRAY, 16 { numFaults, faults }
        PaxosTagCStruct, 80 { NextEpoch_DateTime_ticks, NextEpoch_Value, Epoch_DateTime_ticks, Epoch_Value, Sequence }
    }
}
