//! `Startup`: which types this library has, and their static function tables.

use resapi_sys_mock::abi::{
    CLRES_FUNCTION_TABLE, CLRES_V1_FUNCTIONS, CLRES_VERSION_V1_00, LPCWSTR, PLOG_EVENT_ROUTINE,
    PSET_RESOURCE_STATUS_ROUTINE,
};
use resapi_sys_mock::codes::win32::{
    ERROR_CLUSTER_RESNAME_NOT_FOUND, ERROR_INTERNAL_ERROR, ERROR_INVALID_PARAMETER, ERROR_REVISION_MISMATCH,
    ERROR_SUCCESS,
};
use resapi_sys_mock::wide;

use super::entry_points as enter;
use super::guarded;
use super::monitor::Callbacks;
use crate::ResourceType;

/// One resource type of a library.
#[derive(Clone, Copy)]
pub struct Entry {
    name: &'static str,
    table: &'static CLRES_FUNCTION_TABLE,
}

impl Entry {
    /// The entry of a type; its function table is a constant of the program.
    pub const fn of<T: ResourceType>() -> Self {
        Self { name: T::NAME, table: Table::<T>::TABLE }
    }
}

/// Carries the constant table of a type.
struct Table<T>(std::marker::PhantomData<T>);

impl<T: ResourceType> Table<T> {
    const TABLE: &'static CLRES_FUNCTION_TABLE = &CLRES_FUNCTION_TABLE::v1(CLRES_V1_FUNCTIONS {
        Open: Some(enter::open::<T>),
        Close: Some(enter::close),
        Online: Some(enter::online),
        Offline: Some(enter::offline),
        Terminate: Some(enter::terminate),
        LooksAlive: Some(enter::looks_alive),
        IsAlive: Some(enter::is_alive),
        // Both or none: their presence is what makes the monitor call the type quorum-capable.
        Arbitrate: if T::QUORUM_CAPABLE { Some(enter::arbitrate) } else { None },
        Release: if T::QUORUM_CAPABLE { Some(enter::release) } else { None },
        ResourceControl: Some(enter::resource_control),
        ResourceTypeControl: Some(enter::type_control::<T>),
    });
}

/// Answers `Startup`: 0 and the table, 87 for NULL, 5080 for a type that is not among the entries, 1306 when the
/// monitor does not speak version 1 (reference 01.2).
///
/// # Safety
/// The monitor promises: `resource_type` is NULL or NUL-terminated UTF-16; the callbacks may be called from any
/// thread as long as this library is loaded; `table` is NULL or writable.
pub unsafe fn startup(
    entries: &[Entry],
    resource_type: LPCWSTR,
    min_version: u32,
    max_version: u32,
    set_status: PSET_RESOURCE_STATUS_ROUTINE,
    log_event: PLOG_EVENT_ROUTINE,
    table: *mut *mut CLRES_FUNCTION_TABLE,
) -> u32 {
    guarded("Startup", || {
        // SAFETY: NULL or NUL-terminated by the monitor's promise.
        let Some(wanted) = (unsafe { wide::read(resource_type) }) else { return ERROR_INVALID_PARAMETER };
        if table.is_null() {
            return ERROR_INVALID_PARAMETER;
        }
        let Some(entry) = entries.iter().find(|entry| entry.name.to_uppercase() == wanted.to_uppercase()) else {
            return ERROR_CLUSTER_RESNAME_NOT_FOUND;
        };
        if min_version > CLRES_VERSION_V1_00 || max_version < CLRES_VERSION_V1_00 {
            return ERROR_REVISION_MISMATCH;
        }
        // SAFETY: the monitor's promise about the callbacks, passed on.
        unsafe { Callbacks { set_status, log_event }.keep() };
        // SAFETY: not NULL, and writable by the monitor's promise. The table itself is constant: the monitor reads
        // it only, although the C type does not say so.
        unsafe { table.write(std::ptr::from_ref(entry.table).cast_mut()) };
        ERROR_SUCCESS
    })
    .unwrap_or(ERROR_INTERNAL_ERROR)
}
