//! `Startup` and `StartupEx`: which types this library has, and their static function tables in four versions.

use resapi_sys_mock::abi::{
    CLRES_CALLBACK_FUNCTION_TABLE, CLRES_FUNCTION_TABLE, CLRES_V1_FUNCTIONS, CLRES_V2_FUNCTIONS, CLRES_V3_FUNCTIONS,
    CLRES_V4_FUNCTIONS, CLRES_VERSION_V1_00, CLRES_VERSION_V2_00, CLRES_VERSION_V3_00, CLRES_VERSION_V4_00, LPCWSTR,
    PARBITRATE_ROUTINE, PLOG_EVENT_ROUTINE, PRELEASE_ROUTINE, PSET_RESOURCE_STATUS_ROUTINE,
};
use resapi_sys_mock::codes::win32::{
    ERROR_CLUSTER_RESNAME_NOT_FOUND, ERROR_INTERNAL_ERROR, ERROR_INVALID_PARAMETER, ERROR_REVISION_MISMATCH,
    ERROR_SUCCESS,
};
use resapi_sys_mock::wide;

use super::monitor::Callbacks;
use super::{begin_control as begin, entry_points as enter, guarded};
use crate::ResourceType;

/// One resource type of a library.
#[derive(Clone, Copy)]
pub struct Entry {
    name: &'static str,
    /// Version and table, newest first.
    tables: [(u32, &'static CLRES_FUNCTION_TABLE); 4],
}

impl Entry {
    /// The entry of a type; its function tables are constants of the program.
    pub const fn of<T: ResourceType>() -> Self {
        let tables = [
            (CLRES_VERSION_V4_00, Table::<T>::V4),
            (CLRES_VERSION_V3_00, Table::<T>::V3),
            (CLRES_VERSION_V2_00, Table::<T>::V2),
            (CLRES_VERSION_V1_00, Table::<T>::V1),
        ];
        Self { name: T::NAME, tables }
    }

    /// The newest table that the monitor speaks.
    fn table(&self, min: u32, max: u32) -> Option<&'static CLRES_FUNCTION_TABLE> {
        self.tables.iter().find(|(version, _)| (min..=max).contains(version)).map(|(_, table)| *table)
    }
}

/// The names of the types, each with its NUL, and one more NUL.
pub fn type_names(entries: &[Entry]) -> Vec<u16> {
    let mut names: Vec<u16> = entries.iter().flat_map(|entry| wide::units(entry.name)).collect();
    names.push(0);
    names
}

/// Carries the constant tables of a type.
struct Table<T>(std::marker::PhantomData<T>);

impl<T: ResourceType> Table<T> {
    // Both or none: their presence is what makes the monitor call the type quorum-capable.
    const ARBITRATE: PARBITRATE_ROUTINE = if T::QUORUM_CAPABLE { Some(enter::arbitrate) } else { None };
    const RELEASE: PRELEASE_ROUTINE = if T::QUORUM_CAPABLE { Some(enter::release) } else { None };

    const V1: &'static CLRES_FUNCTION_TABLE = &CLRES_FUNCTION_TABLE::v1(CLRES_V1_FUNCTIONS {
        Open: Some(enter::open::<T>),
        Close: Some(enter::close),
        Online: Some(enter::online),
        Offline: Some(enter::offline),
        Terminate: Some(enter::terminate),
        LooksAlive: Some(enter::looks_alive),
        IsAlive: Some(enter::is_alive),
        Arbitrate: Self::ARBITRATE,
        Release: Self::RELEASE,
        ResourceControl: Some(enter::resource_control),
        ResourceTypeControl: Some(enter::type_control::<T>),
    });

    const V2: &'static CLRES_FUNCTION_TABLE = &CLRES_FUNCTION_TABLE::v2(CLRES_V2_FUNCTIONS {
        Open: Some(enter::open_v2::<T>),
        Close: Some(enter::close),
        Online: Some(enter::online_v2),
        Offline: Some(enter::offline_v2),
        Terminate: Some(enter::terminate),
        LooksAlive: Some(enter::looks_alive),
        IsAlive: Some(enter::is_alive),
        Arbitrate: Self::ARBITRATE,
        Release: Self::RELEASE,
        ResourceControl: Some(enter::resource_control),
        ResourceTypeControl: Some(enter::type_control::<T>),
        Cancel: Some(enter::cancel),
    });

    const V3: &'static CLRES_FUNCTION_TABLE = &CLRES_FUNCTION_TABLE::v3(CLRES_V3_FUNCTIONS {
        Open: Some(enter::open_v2::<T>),
        Close: Some(enter::close),
        Online: Some(enter::online_v2),
        Offline: Some(enter::offline_v2),
        Terminate: Some(enter::terminate),
        LooksAlive: Some(enter::looks_alive),
        IsAlive: Some(enter::is_alive),
        Arbitrate: Self::ARBITRATE,
        Release: Self::RELEASE,
        BeginResourceControl: Some(begin::begin_resource_control),
        BeginResourceTypeControl: Some(begin::begin_type_control::<T>),
        Cancel: Some(enter::cancel),
    });

    const V4: &'static CLRES_FUNCTION_TABLE = &CLRES_FUNCTION_TABLE::v4(CLRES_V4_FUNCTIONS {
        Open: Some(enter::open_v2::<T>),
        Close: Some(enter::close),
        Online: Some(enter::online_v2),
        Offline: Some(enter::offline_v2),
        Terminate: Some(enter::terminate),
        LooksAlive: Some(enter::looks_alive),
        IsAlive: Some(enter::is_alive),
        Arbitrate: Self::ARBITRATE,
        Release: Self::RELEASE,
        BeginResourceControl: Some(begin::begin_resource_control),
        BeginResourceTypeControl: Some(begin::begin_type_control::<T>),
        Cancel: Some(enter::cancel),
        BeginResourceControlAsUser: Some(begin::begin_resource_control_as_user),
        BeginResourceTypeControlAsUser: Some(begin::begin_type_control_as_user::<T>),
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
    // The callbacks of this call fit version 1 only, whatever else the monitor speaks.
    let callbacks = Callbacks::v1(set_status, log_event);
    let max = max_version.min(CLRES_VERSION_V1_00);
    // SAFETY: the monitor's promises, passed on.
    unsafe { start(entries, resource_type, min_version, max, callbacks, table) }
}

/// Answers `StartupEx`: 0 and the newest table that the monitor speaks, 87 for NULL, 5080 for a type that is not among the
/// entries, 1306 when there is no version that both speak (reference 01.2).
///
/// # Safety
/// As [`startup`]; `callbacks` is NULL or a whole table.
pub unsafe fn startup_ex(
    entries: &[Entry],
    resource_type: LPCWSTR,
    min_version: u32,
    max_version: u32,
    callbacks: *mut CLRES_CALLBACK_FUNCTION_TABLE,
    table: *mut *mut CLRES_FUNCTION_TABLE,
) -> u32 {
    if callbacks.is_null() {
        return ERROR_INVALID_PARAMETER;
    }
    // SAFETY: not NULL, and a whole table by the monitor's promise.
    let callbacks = Callbacks::of(unsafe { &*callbacks });
    // SAFETY: the monitor's promises, passed on.
    unsafe { start(entries, resource_type, min_version, max_version, callbacks, table) }
}

/// # Safety
/// As [`startup`].
unsafe fn start(
    entries: &[Entry],
    resource_type: LPCWSTR,
    min_version: u32,
    max_version: u32,
    callbacks: Callbacks,
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
        let Some(found) = entry.table(min_version, max_version) else { return ERROR_REVISION_MISMATCH };
        // SAFETY: the monitor's promise about the callbacks, passed on.
        unsafe { callbacks.keep() };
        // SAFETY: not NULL, and writable by the monitor's promise. The table itself is constant: the monitor reads
        // it only, although the C type does not say so.
        unsafe { table.write(std::ptr::from_ref(found).cast_mut()) };
        ERROR_SUCCESS
    })
    .unwrap_or(ERROR_INTERNAL_ERROR)
}
