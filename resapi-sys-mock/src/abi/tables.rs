//! The function tables that the two sides exchange at startup (reference 01.2).
//!
//! A resource DLL hands out one [`CLRES_FUNCTION_TABLE`] per resource type. `TableSize` is the size of the
//! version's functions alone (88, 96, 96 or 112 bytes), not of the whole structure.

use super::constants::{CLRES_VERSION_V1_00, CLRES_VERSION_V2_00, CLRES_VERSION_V3_00, CLRES_VERSION_V4_00};
use super::routines::*;

/// Size that a V1 table states.
pub const CLRES_V1_FUNCTION_SIZE: u32 = size_of::<CLRES_V1_FUNCTIONS>() as u32;
/// Size that a V2 table states.
pub const CLRES_V2_FUNCTION_SIZE: u32 = size_of::<CLRES_V2_FUNCTIONS>() as u32;
/// Size that a V3 table states.
pub const CLRES_V3_FUNCTION_SIZE: u32 = size_of::<CLRES_V3_FUNCTIONS>() as u32;
/// Size that a V4 table states.
pub const CLRES_V4_FUNCTION_SIZE: u32 = size_of::<CLRES_V4_FUNCTIONS>() as u32;

/// Declares a function table: `slot: type` pairs, each slot one nullable pointer.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($slot:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name {
            $(
                #[doc = concat!("Slot `", stringify!($slot), "`, see [`", stringify!($type), "`].")]
                pub $slot: $type,
            )*
        }
    };
}

table! {
    /// The eleven entry points of a V1 resource type. All are required but `Arbitrate` and `Release`.
    CLRES_V1_FUNCTIONS {
        Open: POPEN_ROUTINE,
        Close: PCLOSE_ROUTINE,
        Online: PONLINE_ROUTINE,
        Offline: POFFLINE_ROUTINE,
        Terminate: PTERMINATE_ROUTINE,
        LooksAlive: PLOOKS_ALIVE_ROUTINE,
        IsAlive: PIS_ALIVE_ROUTINE,
        Arbitrate: PARBITRATE_ROUTINE,
        Release: PRELEASE_ROUTINE,
        ResourceControl: PRESOURCE_CONTROL_ROUTINE,
        ResourceTypeControl: PRESOURCE_TYPE_CONTROL_ROUTINE,
    }
}

table! {
    /// The entry points of a V2 resource type.
    CLRES_V2_FUNCTIONS {
        Open: POPEN_V2_ROUTINE,
        Close: PCLOSE_ROUTINE,
        Online: PONLINE_V2_ROUTINE,
        Offline: POFFLINE_V2_ROUTINE,
        Terminate: PTERMINATE_ROUTINE,
        LooksAlive: PLOOKS_ALIVE_ROUTINE,
        IsAlive: PIS_ALIVE_ROUTINE,
        Arbitrate: PARBITRATE_ROUTINE,
        Release: PRELEASE_ROUTINE,
        ResourceControl: PRESOURCE_CONTROL_ROUTINE,
        ResourceTypeControl: PRESOURCE_TYPE_CONTROL_ROUTINE,
        Cancel: PCANCEL_ROUTINE,
    }
}

table! {
    /// The entry points of a V3 resource type.
    CLRES_V3_FUNCTIONS {
        Open: POPEN_V2_ROUTINE,
        Close: PCLOSE_ROUTINE,
        Online: PONLINE_V2_ROUTINE,
        Offline: POFFLINE_V2_ROUTINE,
        Terminate: PTERMINATE_ROUTINE,
        LooksAlive: PLOOKS_ALIVE_ROUTINE,
        IsAlive: PIS_ALIVE_ROUTINE,
        Arbitrate: PARBITRATE_ROUTINE,
        Release: PRELEASE_ROUTINE,
        BeginResourceControl: PBEGIN_RESCALL_ROUTINE,
        BeginResourceTypeControl: PBEGIN_RESTYPECALL_ROUTINE,
        Cancel: PCANCEL_ROUTINE,
    }
}

table! {
    /// The entry points of a V4 resource type.
    CLRES_V4_FUNCTIONS {
        Open: POPEN_V2_ROUTINE,
        Close: PCLOSE_ROUTINE,
        Online: PONLINE_V2_ROUTINE,
        Offline: POFFLINE_V2_ROUTINE,
        Terminate: PTERMINATE_ROUTINE,
        LooksAlive: PLOOKS_ALIVE_ROUTINE,
        IsAlive: PIS_ALIVE_ROUTINE,
        Arbitrate: PARBITRATE_ROUTINE,
        Release: PRELEASE_ROUTINE,
        BeginResourceControl: PBEGIN_RESCALL_ROUTINE,
        BeginResourceTypeControl: PBEGIN_RESTYPECALL_ROUTINE,
        Cancel: PCANCEL_ROUTINE,
        BeginResourceControlAsUser: PBEGIN_RESCALL_AS_USER_ROUTINE,
        BeginResourceTypeControlAsUser: PBEGIN_RESTYPECALL_AS_USER_ROUTINE,
    }
}

table! {
    /// The callbacks that `StartupEx` receives. Server 2012 had the first five; later versions appended.
    CLRES_CALLBACK_FUNCTION_TABLE {
        LogEvent: PLOG_EVENT_ROUTINE,
        SetResourceStatusEx: PSET_RESOURCE_STATUS_ROUTINE_EX,
        SetResourceLockedMode: PSET_RESOURCE_LOCKED_MODE_ROUTINE,
        SignalFailure: PSIGNAL_FAILURE_ROUTINE,
        SetResourceInMemoryNodeLocalProperties: PSET_RESOURCE_INMEMORY_NODELOCAL_PROPERTIES_ROUTINE,
        EndControlCall: PEND_CONTROL_CALL,
        EndTypeControlCall: PEND_TYPE_CONTROL_CALL,
        ExtendControlCall: PEXTEND_RES_CONTROL_CALL,
        ExtendTypeControlCall: PEXTEND_RES_TYPE_CONTROL_CALL,
        RaiseResTypeNotification: PRAISE_RES_TYPE_NOTIFICATION,
        ChangeResourceProcessForDumps: PCHANGE_RESOURCE_PROCESS_FOR_DUMPS,
        ChangeResTypeProcessForDumps: PCHANGE_RES_TYPE_PROCESS_FOR_DUMPS,
        SetInternalState: PSET_INTERNAL_STATE,
        SetResourceLockedModeEx: PSET_RESOURCE_LOCKED_MODE_EX_ROUTINE,
        RequestDump: PREQUEST_DUMP_ROUTINE,
        SetResourceWprPolicy: PSET_RESOURCE_WPR_POLICY_ROUTINE,
        ArmWprWatchdogForCurrentResourceCall: PARM_WPR_WATCHDOG_FOR_CURRENT_RESOURCE_CALL_ROUTINE,
    }
}

/// The functions of a table; `Version` of [`CLRES_FUNCTION_TABLE`] says which member is valid.
#[repr(C)]
#[derive(Clone, Copy)]
pub union CLRES_FUNCTION_TABLE_0 {
    /// Version 0x100.
    pub V1Functions: CLRES_V1_FUNCTIONS,
    /// Version 0x200.
    pub V2Functions: CLRES_V2_FUNCTIONS,
    /// Version 0x300.
    pub V3Functions: CLRES_V3_FUNCTIONS,
    /// Version 0x400.
    pub V4Functions: CLRES_V4_FUNCTIONS,
}

/// What `Startup` or `StartupEx` returns: one static table per resource type.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CLRES_FUNCTION_TABLE {
    /// Bytes of the valid member of the union.
    pub TableSize: u32,
    /// `CLRES_VERSION_V*`.
    pub Version: u32,
    /// The functions.
    pub Anonymous: CLRES_FUNCTION_TABLE_0,
}

impl CLRES_FUNCTION_TABLE {
    /// A V1 table, as the macro `CLRES_V1_FUNCTION_TABLE` of the header makes it.
    pub const fn v1(functions: CLRES_V1_FUNCTIONS) -> Self {
        Self {
            TableSize: CLRES_V1_FUNCTION_SIZE,
            Version: CLRES_VERSION_V1_00,
            Anonymous: CLRES_FUNCTION_TABLE_0 { V1Functions: functions },
        }
    }

    /// A V2 table, as the macro `CLRES_V2_FUNCTION_TABLE` of the header makes it.
    pub const fn v2(functions: CLRES_V2_FUNCTIONS) -> Self {
        Self {
            TableSize: CLRES_V2_FUNCTION_SIZE,
            Version: CLRES_VERSION_V2_00,
            Anonymous: CLRES_FUNCTION_TABLE_0 { V2Functions: functions },
        }
    }

    /// A V3 table, as the macro `CLRES_V3_FUNCTION_TABLE` of the header makes it.
    pub const fn v3(functions: CLRES_V3_FUNCTIONS) -> Self {
        Self {
            TableSize: CLRES_V3_FUNCTION_SIZE,
            Version: CLRES_VERSION_V3_00,
            Anonymous: CLRES_FUNCTION_TABLE_0 { V3Functions: functions },
        }
    }

    /// A V4 table, as the macro `CLRES_V4_FUNCTION_TABLE` of the header makes it.
    pub const fn v4(functions: CLRES_V4_FUNCTIONS) -> Self {
        Self {
            TableSize: CLRES_V4_FUNCTION_SIZE,
            Version: CLRES_VERSION_V4_00,
            Anonymous: CLRES_FUNCTION_TABLE_0 { V4Functions: functions },
        }
    }
}
