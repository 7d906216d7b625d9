//! Function pointer types: the entry points of a resource DLL and the callbacks of the monitor (reference 01.3 - 01.6).
//!
//! Every `P..ROUTINE` is nullable, as in C. `STARTUP_ROUTINE` and `STARTUP_EX_ROUTINE` are the plain function
//! types, for looking the exports up. The promise behind every pointer is the same: text is NUL-terminated
//! UTF-16, a buffer has the length given beside it, and nothing is kept after the call unless said.

use core::ffi::c_void;

use super::tables::{CLRES_CALLBACK_FUNCTION_TABLE, CLRES_FUNCTION_TABLE};
use super::types::{
    BOOL, CLUS_WORKER, CLUSTER_RESOURCE_APPLICATION_STATE, FAILURE_TYPE, HANDLE, HKEY, LOG_LEVEL, LPCWSTR, RESID,
    RESOURCE_HANDLE, RESOURCE_STATUS, RESOURCE_STATUS_EX,
};

/// Exported name of [`STARTUP_ROUTINE`].
pub const STARTUP_EXPORT: &str = "Startup";
/// Exported name of [`STARTUP_EX_ROUTINE`].
pub const STARTUP_EX_EXPORT: &str = "StartupEx";

/// Export `Startup` (V1): asked once per resource type; gives the monitor the function table of that type.
pub type STARTUP_ROUTINE = unsafe extern "system" fn(
    ResourceType: LPCWSTR,
    MinVersionSupported: u32,
    MaxVersionSupported: u32,
    SetResourceStatus: PSET_RESOURCE_STATUS_ROUTINE,
    LogEvent: PLOG_EVENT_ROUTINE,
    FunctionTable: *mut *mut CLRES_FUNCTION_TABLE,
) -> u32;
/// Nullable [`STARTUP_ROUTINE`].
pub type PSTARTUP_ROUTINE = Option<STARTUP_ROUTINE>;

/// Export `StartupEx` (V2 and later): like `Startup`, with the whole table of callbacks.
pub type STARTUP_EX_ROUTINE = unsafe extern "system" fn(
    ResourceType: LPCWSTR,
    MinVersionSupported: u32,
    MaxVersionSupported: u32,
    MonitorCallbackFunctions: *mut CLRES_CALLBACK_FUNCTION_TABLE,
    ResourceDllInterfaceFunctions: *mut *mut CLRES_FUNCTION_TABLE,
) -> u32;
/// Nullable [`STARTUP_EX_ROUTINE`].
pub type PSTARTUP_EX_ROUTINE = Option<STARTUP_EX_ROUTINE>;

/// `Open`: creates an instance in the offline state.
pub type POPEN_ROUTINE = Option<
    unsafe extern "system" fn(ResourceName: LPCWSTR, ResourceKey: HKEY, ResourceHandle: RESOURCE_HANDLE) -> RESID,
>;
/// `Open` of V2: with `CLUS_RESDLL_OPEN_*` flags.
pub type POPEN_V2_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceName: LPCWSTR,
        ResourceKey: HKEY,
        ResourceHandle: RESOURCE_HANDLE,
        OpenFlags: u32,
    ) -> RESID,
>;
/// `Close`: ends an instance.
pub type PCLOSE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID)>;
/// `Online`: 0, 997 (a worker goes on), 5006 or an error.
pub type PONLINE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID, EventHandle: *mut HANDLE) -> u32>;
/// `Online` of V2: with flags and a property list.
pub type PONLINE_V2_ROUTINE = Option<
    unsafe extern "system" fn(
        Resource: RESID,
        EventHandle: *mut HANDLE,
        OnlineFlags: u32,
        InBuffer: *mut u8,
        InBufferSize: u32,
        Reserved: u32,
    ) -> u32,
>;
/// `Offline`: 0, 997 (a worker goes on) or an error.
pub type POFFLINE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID) -> u32>;
/// `Offline` of V2: with the destination of a move, flags and a property list.
pub type POFFLINE_V2_ROUTINE = Option<
    unsafe extern "system" fn(
        Resource: RESID,
        DestinationNodeName: LPCWSTR,
        OfflineFlags: u32,
        InBuffer: *mut u8,
        InBufferSize: u32,
        Reserved: u32,
    ) -> u32,
>;
/// `Terminate`: stop at once; may overlap any other call of the instance.
pub type PTERMINATE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID)>;
/// `LooksAlive`: the quick look.
pub type PLOOKS_ALIVE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID) -> BOOL>;
/// `IsAlive`: the thorough look; FALSE fails the resource.
pub type PIS_ALIVE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID) -> BOOL>;
/// Callback given to `Arbitrate`: the defended quorum was lost.
pub type PQUORUM_RESOURCE_LOST = Option<unsafe extern "system" fn(Resource: RESOURCE_HANDLE)>;
/// `Arbitrate`: win and defend the quorum; 0 is a win.
pub type PARBITRATE_ROUTINE =
    Option<unsafe extern "system" fn(Resource: RESID, LostQuorumResource: PQUORUM_RESOURCE_LOST) -> u32>;
/// `Release`: stop defending.
pub type PRELEASE_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID) -> u32>;
/// `ResourceControl`: a control code for one resource.
pub type PRESOURCE_CONTROL_ROUTINE = Option<
    unsafe extern "system" fn(
        Resource: RESID,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
    ) -> u32,
>;
/// `ResourceTypeControl`: a control code for a resource type.
pub type PRESOURCE_TYPE_CONTROL_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceTypeName: LPCWSTR,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
    ) -> u32,
>;
/// `Cancel` (V2): give up a pending Online or Offline.
pub type PCANCEL_ROUTINE = Option<unsafe extern "system" fn(Resource: RESID, CancelFlags_RESERVED: u32) -> u32>;
/// `BeginResourceControl` (V3): may answer later through `EndControlCall`.
pub type PBEGIN_RESCALL_ROUTINE = Option<
    unsafe extern "system" fn(
        Resource: RESID,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
        Context: i64,
        ReturnedAsynchronously: *mut BOOL,
    ) -> u32,
>;
/// `BeginResourceTypeControl` (V3).
pub type PBEGIN_RESTYPECALL_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceTypeName: LPCWSTR,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
        Context: i64,
        ReturnedAsynchronously: *mut BOOL,
    ) -> u32,
>;
/// `BeginResourceControlAsUser` (V4).
pub type PBEGIN_RESCALL_AS_USER_ROUTINE = Option<
    unsafe extern "system" fn(
        Resource: RESID,
        TokenHandle: HANDLE,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
        Context: i64,
        ReturnedAsynchronously: *mut BOOL,
    ) -> u32,
>;
/// `BeginResourceTypeControlAsUser` (V4).
pub type PBEGIN_RESTYPECALL_AS_USER_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceTypeName: LPCWSTR,
        TokenHandle: HANDLE,
        ControlCode: u32,
        InBuffer: *mut c_void,
        InBufferSize: u32,
        OutBuffer: *mut c_void,
        OutBufferSize: u32,
        BytesReturned: *mut u32,
        Context: i64,
        ReturnedAsynchronously: *mut BOOL,
    ) -> u32,
>;

/// Callback `SetResourceStatus`: a worker of a V1 DLL reports; returns a `RESOURCE_EXIT_STATE`.
pub type PSET_RESOURCE_STATUS_ROUTINE =
    Option<unsafe extern "system" fn(ResourceHandle: RESOURCE_HANDLE, ResourceStatus: *mut RESOURCE_STATUS) -> u32>;
/// Callback `SetResourceStatusEx`: a worker of a V2 or later DLL reports.
pub type PSET_RESOURCE_STATUS_ROUTINE_EX =
    Option<unsafe extern "system" fn(ResourceHandle: RESOURCE_HANDLE, ResourceStatus: *mut RESOURCE_STATUS_EX) -> u32>;
/// Callback `LogEvent`: one line of the cluster log. C-variadic: the inserts of a FormatMessage-style text.
pub type LOG_EVENT_ROUTINE =
    unsafe extern "C" fn(ResourceHandle: RESOURCE_HANDLE, LogLevel: LOG_LEVEL, FormatString: LPCWSTR, ...);
/// Nullable [`LOG_EVENT_ROUTINE`].
pub type PLOG_EVENT_ROUTINE = Option<LOG_EVENT_ROUTINE>;
/// Callback `SetResourceLockedMode`.
pub type PSET_RESOURCE_LOCKED_MODE_ROUTINE = Option<
    unsafe extern "system" fn(ResourceHandle: RESOURCE_HANDLE, LockedModeEnabled: BOOL, LockedModeReason: u32) -> u32,
>;
/// Callback `SetResourceLockedModeEx`.
pub type PSET_RESOURCE_LOCKED_MODE_EX_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceHandle: RESOURCE_HANDLE,
        LockedModeEnabled: BOOL,
        LockedModeReason: u32,
        LockedModeFlags: u32,
    ) -> u32,
>;
/// Callback `SignalFailure`.
pub type PSIGNAL_FAILURE_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceHandle: RESOURCE_HANDLE,
        FailureType: FAILURE_TYPE,
        ApplicationSpecificErrorCode: u32,
    ) -> u32,
>;
/// Callback `SetResourceInMemoryNodeLocalProperties`.
pub type PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceHandle: RESOURCE_HANDLE,
        PropertyListBuffer: *mut u8,
        PropertyListBufferSize: u32,
    ) -> u32,
>;
/// Callback `EndControlCall`.
pub type PEND_CONTROL_CALL = Option<unsafe extern "system" fn(context: i64, status: u32) -> u32>;
/// Callback `EndTypeControlCall`.
pub type PEND_TYPE_CONTROL_CALL = Option<unsafe extern "system" fn(context: i64, status: u32) -> u32>;
/// Callback `ExtendControlCall`.
pub type PEXTEND_RES_CONTROL_CALL = Option<unsafe extern "system" fn(context: i64, newTimeoutInMs: u32) -> u32>;
/// Callback `ExtendTypeControlCall`.
pub type PEXTEND_RES_TYPE_CONTROL_CALL = Option<unsafe extern "system" fn(context: i64, newTimeoutInMs: u32) -> u32>;
/// Callback `RaiseResTypeNotification`.
pub type PRAISE_RES_TYPE_NOTIFICATION =
    Option<unsafe extern "system" fn(resourceType: LPCWSTR, pPayload: *const u8, payloadSize: u32) -> u32>;
/// Callback `ChangeResourceProcessForDumps`.
pub type PCHANGE_RESOURCE_PROCESS_FOR_DUMPS = Option<
    unsafe extern "system" fn(resource: RESOURCE_HANDLE, processName: LPCWSTR, processId: u32, isAdd: BOOL) -> u32,
>;
/// Callback `ChangeResTypeProcessForDumps`.
pub type PCHANGE_RES_TYPE_PROCESS_FOR_DUMPS = Option<
    unsafe extern "system" fn(resourceTypeName: LPCWSTR, processName: LPCWSTR, processId: u32, isAdd: BOOL) -> u32,
>;
/// Callback `SetInternalState`.
pub type PSET_INTERNAL_STATE = Option<
    unsafe extern "system" fn(
        resource: RESOURCE_HANDLE,
        stateType: CLUSTER_RESOURCE_APPLICATION_STATE,
        active: BOOL,
    ) -> u32,
>;
/// Callback `RequestDump`.
pub type PREQUEST_DUMP_ROUTINE = Option<
    unsafe extern "system" fn(
        ResourceHandle: RESOURCE_HANDLE,
        DumpDueToCallInProgress: BOOL,
        DumpDelayInMs: u32,
    ) -> u32,
>;
/// Callback `SetResourceWprPolicy`.
pub type PSET_RESOURCE_WPR_POLICY_ROUTINE =
    Option<unsafe extern "system" fn(ResourceHandle: RESOURCE_HANDLE, WprPolicyFlags: u32) -> u32>;
/// Callback `ArmWprWatchdogForCurrentResourceCall`.
pub type PARM_WPR_WATCHDOG_FOR_CURRENT_RESOURCE_CALL_ROUTINE =
    Option<unsafe extern "system" fn(ResourceHandle: RESOURCE_HANDLE, TimeoutInMs: u64) -> u32>;
/// Body of a worker made by `ClusWorkerCreate`.
pub type PWORKER_START_ROUTINE =
    Option<unsafe extern "system" fn(pWorker: *mut CLUS_WORKER, lpThreadParameter: *mut c_void) -> u32>;
