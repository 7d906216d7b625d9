//! Scalars, handles, states and the structures that carry a status across the interface.
//!
//! Sizes are those of 64-bit Windows (reference 01.2, 01.4); `tests/layout.rs` compares each of them with the
//! published bindings.

use core::ffi::c_void;

/// 16-bit code unit of UTF-16LE text.
pub type WCHAR = u16;
/// Pointer to NUL-terminated UTF-16 text that the callee must not change or keep.
pub type LPCWSTR = *const WCHAR;
/// Pointer to a UTF-16 buffer that the callee fills.
pub type LPWSTR = *mut WCHAR;
/// 32-bit unsigned, also the type of Win32 error codes.
pub type DWORD = u32;
/// 32-bit signed: the return type of the older `ClusterReg` functions.
pub type LONG = i32;
/// Four-byte truth value: 0 is FALSE, anything else TRUE.
pub type BOOL = i32;
/// Waitable or other kernel object. Opaque.
pub type HANDLE = *mut c_void;
/// Key of the cluster registry, usable only with the `ClusterReg` functions. Opaque.
pub type HKEY = *mut c_void;
/// Bit mask of rights asked for when a key is opened (`KEY_READ`, `KEY_ALL_ACCESS`).
pub type REGSAM = u32;
/// What `Open` returned: the resource DLL's own name for an instance. NULL means that `Open` failed.
pub type RESID = *mut c_void;
/// The monitor's name for an instance, given to `Open`, good only for callbacks. The DLL never closes it.
pub type RESOURCE_HANDLE = isize;
/// Severity of a log line, `LOG_INFORMATION` (0) to `LOG_SEVERE` (3).
pub type LOG_LEVEL = i32;
/// State of a resource, `ClusterResourceStateUnknown` (-1) to `ClusterResourceOfflinePending` (130).
pub type CLUSTER_RESOURCE_STATE = i32;
/// Answer to a status report: go on (0) or stop at once (1).
pub type RESOURCE_EXIT_STATE = i32;
/// Kind of a failure signalled with `SignalFailure`.
pub type FAILURE_TYPE = i32;
/// State of the application inside a virtual machine, for `SetInternalState`.
pub type CLUSTER_RESOURCE_APPLICATION_STATE = i32;
/// Class of a resource: unknown, storage, network or user-defined.
pub type CLUSTER_RESOURCE_CLASS = i32;
/// Why a resource is about to change its state, in `CLUSCTL_RESOURCE_STATE_CHANGE_REASON`.
pub type CLUSTER_RESOURCE_STATE_CHANGE_REASON = i32;
/// What a monitor is doing, in the block it shares with the Cluster service.
pub type RESOURCE_MONITOR_STATE = i32;

/// 100 ns units since 1601-01-01 UTC, in two halves.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FILETIME {
    /// Low 32 bits.
    pub dwLowDateTime: u32,
    /// High 32 bits.
    pub dwHighDateTime: u32,
}

/// Status report of a V1 resource DLL, given to `SetResourceStatus` (reference 01.4).
///
/// Sent from a worker after `Online` or `Offline` answered 997, until a final state was reported.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RESOURCE_STATUS {
    /// The state reached.
    pub ResourceState: CLUSTER_RESOURCE_STATE,
    /// Grows with every report while pending: an equal number is no news and does not restart the time-out.
    pub CheckPoint: u32,
    /// Documented as not used.
    pub WaitHint: u32,
    /// NULL, or an event that will be signalled should the resource fail later.
    pub EventHandle: HANDLE,
}

/// Status report of a V2 or later resource DLL, given to `SetResourceStatusEx` (reference 01.4).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RESOURCE_STATUS_EX {
    /// The state reached.
    pub ResourceState: CLUSTER_RESOURCE_STATE,
    /// Grows with every report while pending.
    pub CheckPoint: u32,
    /// NULL, or an event that will be signalled should the resource fail later.
    pub EventHandle: HANDLE,
    /// The type's own error number, shown beside the failure.
    pub ApplicationSpecificErrorCode: u32,
    /// `CLUSRESDLL_STATUS_*` bits.
    pub Flags: u32,
    /// Documented as not used.
    pub WaitHint: u32,
}

impl Default for RESOURCE_STATUS {
    /// All zero, like the macro `ResUtilInitializeResourceStatus`.
    fn default() -> Self {
        Self { ResourceState: 0, CheckPoint: 0, WaitHint: 0, EventHandle: core::ptr::null_mut() }
    }
}

impl Default for RESOURCE_STATUS_EX {
    /// All zero, like the macro `ResUtilInitializeResourceStatusEx`.
    fn default() -> Self {
        Self {
            ResourceState: 0,
            CheckPoint: 0,
            EventHandle: core::ptr::null_mut(),
            ApplicationSpecificErrorCode: 0,
            Flags: 0,
            WaitHint: 0,
        }
    }
}

/// Thread of a resource DLL made by `ClusWorkerCreate` (reference 01.10).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CLUS_WORKER {
    /// The thread.
    pub hThread: HANDLE,
    /// TRUE when the worker was asked to stop.
    pub Terminate: BOOL,
}

/// Answer to `CLUSCTL_RESOURCE_GET_CLASS_INFO`: no header, these eight bytes as they are (reference 04.3).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CLUS_RESOURCE_CLASS_INFO {
    /// `CLUS_RESCLASS_*`.
    pub rc: CLUSTER_RESOURCE_CLASS,
    /// `CLUS_RESSUBCLASS_*`, 0 when the class has none.
    pub SubClass: u32,
}

/// Input of `CLUSCTL_RESOURCE_STATE_CHANGE_REASON` (reference 01.8).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CLUSCTL_RESOURCE_STATE_CHANGE_REASON_STRUCT {
    /// Bytes of this structure, 12.
    pub dwSize: u32,
    /// `CLUSCTL_RESOURCE_STATE_CHANGE_REASON_VERSION_1`.
    pub dwVersion: u32,
    /// `eResourceStateChangeReason*`.
    pub eReason: CLUSTER_RESOURCE_STATE_CHANGE_REASON,
}

/// Block that a monitor shares with the Cluster service (reference 01.7).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MONITOR_STATE {
    /// When the block was last written, in 100 ns units since 1601.
    pub LastUpdate: i64,
    /// `Rmon*`.
    pub State: RESOURCE_MONITOR_STATE,
    /// The resource being worked on.
    pub ActiveResource: HANDLE,
    /// TRUE when the monitor was asked to stop.
    pub ResmonStop: BOOL,
}
