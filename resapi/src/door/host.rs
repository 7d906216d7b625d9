//! What the host gave this library: cluster registry and events.
//!
//! Outside of Windows a host binds its table once, before the first `Startup`. On Windows nothing needs to be bound:
//! the same functions come from the system's own DLLs, as for any resource DLL; a bound table still wins, so that
//! our monitor under Wine can bring its own.

use std::sync::{PoisonError, RwLock};

pub(crate) use resapi_sys_mock::host::Bound;
use resapi_sys_mock::host::HostTable;

static HOST: RwLock<Option<Bound>> = RwLock::new(None);

/// Takes the host's functions, for all resources opened from now on. Returns 0, 87 for NULL or a short table, 1306
/// for a version that is too old.
///
/// # Safety
/// As [`Bound::new`]: the host promises that `table` is NULL or a host table, and that its functions stay callable
/// as long as this library is loaded.
pub unsafe fn bind_host(table: *const HostTable) -> u32 {
    // SAFETY: the host's promise, passed on.
    match unsafe { Bound::new(table) } {
        Ok(bound) => {
            *HOST.write().unwrap_or_else(PoisonError::into_inner) = Some(bound);
            0
        }
        Err(code) => code,
    }
}

/// The host's functions, if there are any.
pub(crate) fn host() -> Option<Bound> {
    let bound = *HOST.read().unwrap_or_else(PoisonError::into_inner);
    bound.or_else(system)
}

#[cfg(not(windows))]
fn system() -> Option<Bound> {
    None
}

#[cfg(windows)]
use windows::system;

/// The system's own functions.
#[cfg(windows)]
mod windows {
    use core::ffi::c_void;

    use resapi_sys_mock::abi::{BOOL, DWORD, FILETIME, HANDLE, HKEY, LONG, LPCWSTR, LPWSTR, REGSAM};
    use resapi_sys_mock::host::{Bound, HostTable};

    #[link(name = "clusapi", kind = "raw-dylib")]
    unsafe extern "system" {
        fn ClusterRegOpenKey(key: HKEY, sub_key: LPCWSTR, access: REGSAM, result: *mut HKEY) -> LONG;
        fn ClusterRegCreateKey(
            key: HKEY,
            sub_key: LPCWSTR,
            options: DWORD,
            access: REGSAM,
            security: *mut c_void,
            result: *mut HKEY,
            disposition: *mut DWORD,
        ) -> LONG;
        fn ClusterRegCloseKey(key: HKEY) -> LONG;
        fn ClusterRegQueryValue(key: HKEY, name: LPCWSTR, kind: *mut DWORD, data: *mut u8, size: *mut DWORD) -> LONG;
        fn ClusterRegSetValue(key: HKEY, name: LPCWSTR, kind: DWORD, data: *const u8, size: DWORD) -> DWORD;
        fn ClusterRegDeleteValue(key: HKEY, name: LPCWSTR) -> DWORD;
        fn ClusterRegEnumValue(
            key: HKEY,
            index: DWORD,
            name: LPWSTR,
            name_units: *mut DWORD,
            kind: *mut DWORD,
            data: *mut u8,
            size: *mut DWORD,
        ) -> DWORD;
        fn ClusterRegEnumKey(
            key: HKEY,
            index: DWORD,
            name: LPWSTR,
            name_units: *mut DWORD,
            last_write: *mut FILETIME,
        ) -> LONG;
    }

    #[link(name = "kernel32", kind = "raw-dylib")]
    unsafe extern "system" {
        fn CreateEventW(security: *mut c_void, manual_reset: BOOL, initial_state: BOOL, name: LPCWSTR) -> HANDLE;
        fn SetEvent(event: HANDLE) -> BOOL;
        fn CloseHandle(handle: HANDLE) -> BOOL;
        fn SetLastError(code: DWORD);
    }

    static TABLE: HostTable = HostTable {
        ClusterRegOpenKey: Some(ClusterRegOpenKey),
        ClusterRegCreateKey: Some(ClusterRegCreateKey),
        ClusterRegCloseKey: Some(ClusterRegCloseKey),
        ClusterRegQueryValue: Some(ClusterRegQueryValue),
        ClusterRegSetValue: Some(ClusterRegSetValue),
        ClusterRegDeleteValue: Some(ClusterRegDeleteValue),
        ClusterRegEnumValue: Some(ClusterRegEnumValue),
        ClusterRegEnumKey: Some(ClusterRegEnumKey),
        CreateEvent: Some(CreateEventW),
        SetEvent: Some(SetEvent),
        CloseEvent: Some(CloseHandle),
        SetLastError: Some(SetLastError),
        // The call guard is of our monitor alone.
        ..HostTable::EMPTY
    };

    pub(super) fn system() -> Option<Bound> {
        // SAFETY: a static table of functions that Windows promises with these signatures, callable from any
        // thread. Only handles that the monitor or these functions gave us are passed to them.
        unsafe { Bound::new(&TABLE) }.ok()
    }
}
