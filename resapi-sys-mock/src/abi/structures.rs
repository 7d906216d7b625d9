//! Structures of property lists and of control codes (reference 04.2 - 04.4, 05.5, 05.6).
//!
//! Layout only. Reading lists goes through [`crate::property_list`], which trusts no length; these types are for those who
//! write such buffers in place, as C code does. Eight-byte values inside a list are aligned to four bytes only: copy them.

use core::ffi::c_void;

use super::types::{
    BOOL, CLUS_RESOURCE_CLASS_INFO, CLUSTER_RESOURCE_CLASS, CLUSTER_RESOURCE_STATE, FILETIME, LPWSTR, WCHAR,
};

/// Declares structures whose fields need no more words than their names.
macro_rules! structures {
    ($($(#[$doc:meta])* $kind:ident $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub $kind $name {
            $(#[doc = concat!("`", stringify!($field), "` of the header.")] pub $field: $type,)*
        }
    )*};
}

/// Syntax of a value, as one number or as its halves.
#[repr(C)]
#[derive(Clone, Copy)]
pub union CLUSPROP_SYNTAX {
    /// `CLUSPROP_SYNTAX_*`.
    pub dw: u32,
    /// Format and type.
    pub Anonymous: CLUSPROP_SYNTAX_0,
}

structures! {
    /// Format and type of a syntax.
    struct CLUSPROP_SYNTAX_0 { wFormat: u16, wType: u16, }
    /// Header of a value: syntax and length; the bytes follow, padded to four.
    struct CLUSPROP_VALUE { Syntax: CLUSPROP_SYNTAX, cbLength: u32, }
    /// Any bytes.
    struct CLUSPROP_BINARY { Base: CLUSPROP_VALUE, rgb: [u8; 1], }
    /// 16-bit number.
    struct CLUSPROP_WORD { Base: CLUSPROP_VALUE, w: u16, }
    /// 32-bit number.
    struct CLUSPROP_DWORD { Base: CLUSPROP_VALUE, dw: u32, }
    /// 32-bit number with sign.
    struct CLUSPROP_LONG { Base: CLUSPROP_VALUE, l: i32, }
    /// Text, or list of texts.
    struct CLUSPROP_SZ { Base: CLUSPROP_VALUE, sz: [WCHAR; 1], }
    /// 64-bit number.
    struct CLUSPROP_ULARGE_INTEGER { Base: CLUSPROP_VALUE, li: u64, }
    /// 64-bit number with sign.
    struct CLUSPROP_LARGE_INTEGER { Base: CLUSPROP_VALUE, li: i64, }
    /// Time.
    struct CLUSPROP_FILETIME { Base: CLUSPROP_VALUE, ft: FILETIME, }
    /// Class of a resource.
    struct CLUSPROP_RESOURCE_CLASS { Base: CLUSPROP_VALUE, rc: CLUSTER_RESOURCE_CLASS, }
    /// Class and subclass of a resource, as an entry of a value list.
    struct CLUSPROP_RESOURCE_CLASS_INFO { Base: CLUSPROP_VALUE, Base2: CLUS_RESOURCE_CLASS_INFO, }
    /// Begin of a property list.
    struct CLUSPROP_LIST { nPropertyCount: u32, PropertyName: CLUSPROP_SZ, }
    /// Entry of the answer to GET_REQUIRED_DEPENDENCIES.
    union CLUSPROP_REQUIRED_DEPENDENCY { Value: CLUSPROP_VALUE, ResClass: CLUSPROP_RESOURCE_CLASS, ResTypeName: CLUSPROP_SZ, }
    /// Parts of a SCSI address.
    struct CLUS_SCSI_ADDRESS_0_0 { PortNumber: u8, PathId: u8, TargetId: u8, Lun: u8, }
    /// A partition of a disk.
    struct CLUS_PARTITION_INFO { dwFlags: u32, szDeviceName: [WCHAR; 260], szVolumeLabel: [WCHAR; 260], dwSerialNumber: u32, rgdwMaximumComponentLength: u32, dwFileSystemFlags: u32, szFileSystem: [WCHAR; 32], }
    /// Input of FORCE_QUORUM.
    struct CLUS_FORCE_QUORUM_INFO { dwSize: u32, dwNodeBitMask: u32, dwMaxNumberofNodes: u32, multiszNodeList: [WCHAR; 1], }
    /// Maintenance mode of a disk.
    struct CLUS_MAINTENANCE_MODE_INFO { InMaintenance: BOOL, }
    /// The same with its kind.
    struct CLUS_MAINTENANCE_MODE_INFOEX { InMaintenance: BOOL, MaintainenceModeType: i32, InternalState: CLUSTER_RESOURCE_STATE, Signature: u32, }
    /// Input of NETNAME_GET_VIRTUAL_SERVER_TOKEN.
    struct CLUS_NETNAME_VS_TOKEN_INFO { ProcessID: u32, DesiredAccess: u32, InheritHandle: BOOL, }
    /// Input of GET_OPERATION_CONTEXT.
    struct GET_OPERATION_CONTEXT_PARAMS { Size: u32, Version: u32, Type: i32, Priority: u32, }
    /// What is left of the restarts of a resource.
    struct RESOURCE_FAILURE_INFO { dwRestartAttemptsRemaining: u32, dwRestartPeriodRemaining: u32, }
    /// Answer to GET_FAILURE_INFO of a resource.
    struct RESOURCE_FAILURE_INFO_BUFFER { dwVersion: u32, Info: RESOURCE_FAILURE_INFO, }
    /// Whether a failure is final.
    struct RESOURCE_TERMINAL_FAILURE_INFO_BUFFER { isTerminalFailure: BOOL, restartPeriodRemaining: u32, }
    /// What is left of the failovers of a group.
    struct GROUP_FAILURE_INFO { dwFailoverAttemptsRemaining: u32, dwFailoverPeriodRemaining: u32, }
    /// Answer to GET_FAILURE_INFO of a group.
    struct GROUP_FAILURE_INFO_BUFFER { dwVersion: u32, Info: GROUP_FAILURE_INFO, }
    /// Default and range of a 64-bit property with sign.
    struct RESUTIL_LARGEINT_DATA { Default: i64, Minimum: i64, Maximum: i64, }
    /// Default and range of a 64-bit property.
    struct RESUTIL_ULARGEINT_DATA { Default: u64, Minimum: u64, Maximum: u64, }
    /// Default and range of a time.
    struct RESUTIL_FILETIME_DATA { Default: FILETIME, Minimum: FILETIME, Maximum: FILETIME, }
}

/// One property of a table (reference 04.4). The table ends with an item whose `Name` is NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RESUTIL_PROPERTY_ITEM {
    /// The name; NULL ends the table.
    pub Name: LPWSTR,
    /// NULL for the same key, else the path of a subkey.
    pub KeyName: LPWSTR,
    /// `CLUSPROP_FORMAT_*`.
    pub Format: u32,
    /// The default, by format.
    pub Anonymous: RESUTIL_PROPERTY_ITEM_0,
    /// Least value; bytes of the default of a binary or list.
    pub Minimum: u32,
    /// Greatest value.
    pub Maximum: u32,
    /// `RESUTIL_PROPITEM_*`.
    pub Flags: u32,
    /// Where the value lives in the parameter block.
    pub Offset: u32,
}

/// Default of a property.
#[repr(C)]
#[derive(Clone, Copy)]
pub union RESUTIL_PROPERTY_ITEM_0 {
    /// As a number of pointer size.
    pub DefaultPtr: usize,
    /// 32-bit number.
    pub Default: u32,
    /// Text or bytes.
    pub lpDefault: *mut c_void,
    /// 64-bit number with sign.
    pub LargeIntData: *mut RESUTIL_LARGEINT_DATA,
    /// 64-bit number.
    pub ULargeIntData: *mut RESUTIL_ULARGEINT_DATA,
    /// Time.
    pub FileTimeData: *mut RESUTIL_FILETIME_DATA,
}

/// The property cannot be set.
pub const RESUTIL_PROPITEM_READ_ONLY: u32 = 1;
/// The property must be there.
pub const RESUTIL_PROPITEM_REQUIRED: u32 = 2;
/// Range with sign.
pub const RESUTIL_PROPITEM_SIGNED: u32 = 4;
/// Not stored.
pub const RESUTIL_PROPITEM_IN_MEMORY: u32 = 8;
