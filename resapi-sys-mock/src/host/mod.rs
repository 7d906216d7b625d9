//! What a portable resource library asks of the process that loaded it.
//!
//! On Windows a resource DLL imports `clusapi.dll` (its properties live in the cluster registry) and
//! `kernel32.dll` (the event that signals a later failure). Elsewhere there is no such DLL to import from, so the
//! monitor hands the same functions over in a table: right after loading a library and before the first
//! `Startup`, it calls the library's export [`BIND_EXPORT`] with a [`HostTable`]. A library without that export
//! (a plain C one) simply does not get it.
//!
//! - [`HostTable`] is the table, with the exact signatures of the real functions (reference 06.3).
//! - [`Host`] is for the giving side: a safe trait; [`table`] makes the table of it.
//! - [`Bound`] is for the taking side: safe calls through a table.

mod bound;
mod serve;

use core::ffi::c_void;

pub use bound::{Bound, Value};
pub use serve::{Host, table};

use crate::abi::{BOOL, DWORD, FILETIME, HANDLE, HKEY, LONG, LPCWSTR, LPWSTR, REGSAM};

/// Name of the export that receives the table, a [`BIND_ROUTINE`].
pub const BIND_EXPORT: &str = "WolfdenBindHost";
/// Version of [`HostTable`] described here.
///
/// Version 2 appended the call guard, `GuardCall` and the three functions of workers, and `KeyPath`.
pub const HOST_TABLE_VERSION: u32 = 2;
/// Bytes of the table of version 1, the least that is accepted.
pub const HOST_TABLE_V1_BYTES: usize = 8 + 12 * size_of::<usize>();

/// Type of the export [`BIND_EXPORT`]: takes the table, which must live as long as the library is loaded.
/// Returns 0, 87 for NULL or a short table, 1306 for a version it does not know.
#[allow(non_camel_case_types)]
pub type BIND_ROUTINE = unsafe extern "system" fn(table: *const HostTable) -> u32;

/// Declares the table: `size`, `version`, then nullable functions.
macro_rules! host_table {
    ($($(#[$doc:meta])* $name:ident: fn($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// Functions of the cluster registry and of events. Later versions append; `size` tells how many there are.
        #[repr(C)]
        #[derive(Clone, Copy, Debug)]
        #[allow(non_snake_case)]
        pub struct HostTable {
            /// Bytes of the table as its maker knows it.
            pub size: u32,
            /// [`HOST_TABLE_VERSION`].
            pub version: u32,
            $($(#[$doc])* pub $name: Option<unsafe extern "system" fn($($argument: $type),*) $(-> $result)?>,)*
        }

        impl HostTable {
            /// A table without functions: every call through it answers 120 (not implemented).
            pub const EMPTY: Self = Self {
                size: size_of::<Self>() as u32,
                version: HOST_TABLE_VERSION,
                $($name: None,)*
            };
        }
    };
}

host_table! {
    /// Opens a key below another; `""` opens the key itself once more. 2 when missing.
    ClusterRegOpenKey: fn(key: HKEY, sub_key: LPCWSTR, access: REGSAM, result: *mut HKEY) -> LONG;
    /// Opens a key below another and creates what is missing.
    ClusterRegCreateKey: fn(
        key: HKEY, sub_key: LPCWSTR, options: DWORD, access: REGSAM, security: *mut c_void, result: *mut HKEY,
        disposition: *mut DWORD
    ) -> LONG;
    /// Closes a key that one of the two functions above opened.
    ClusterRegCloseKey: fn(key: HKEY) -> LONG;
    /// Reads a value. 2 when missing, 234 with the size needed when the buffer is too small.
    ClusterRegQueryValue: fn(key: HKEY, name: LPCWSTR, kind: *mut DWORD, data: *mut u8, size: *mut DWORD) -> LONG;
    /// Writes a value.
    ClusterRegSetValue: fn(key: HKEY, name: LPCWSTR, kind: DWORD, data: *const u8, size: DWORD) -> DWORD;
    /// Deletes a value. 2 when missing.
    ClusterRegDeleteValue: fn(key: HKEY, name: LPCWSTR) -> DWORD;
    /// Value by position. 259 after the last one; `name_units` counts characters, on return without the NUL.
    ClusterRegEnumValue: fn(
        key: HKEY, index: DWORD, name: LPWSTR, name_units: *mut DWORD, kind: *mut DWORD, data: *mut u8, size: *mut DWORD
    ) -> DWORD;
    /// Key by position. 259 after the last one.
    ClusterRegEnumKey: fn(
        key: HKEY, index: DWORD, name: LPWSTR, name_units: *mut DWORD, last_write: *mut FILETIME
    ) -> LONG;
    /// Makes an event that the host can wait for. NULL on failure.
    CreateEvent: fn(security: *mut c_void, manual_reset: BOOL, initial_state: BOOL, name: LPCWSTR) -> HANDLE;
    /// Signals an event. FALSE for something that is none.
    SetEvent: fn(event: HANDLE) -> BOOL;
    /// Closes an event (on Windows `CloseHandle`).
    CloseEvent: fn(event: HANDLE) -> BOOL;
    /// Error of a call that can only say NULL: `Open` sets it before it returns NULL.
    SetLastError: fn(code: DWORD);
    /// Asks the call guard ([`crate::guard`]) before a function of the cluster API works. 0: go on; anything else is the
    /// answer of the function. `control` is the code of a control call, otherwise 0.
    GuardCall: fn(function: LPCWSTR, control: DWORD) -> DWORD;
    /// Names the resource whose entry point runs on this thread, for a worker that is about to be made; 0 for none.
    WorkerPass: fn() -> u64;
    /// This thread is a worker from now on, of the resource that the pass names.
    WorkerBegins: fn(pass: u64);
    /// This thread is no worker any more.
    WorkerEnds: fn();
    /// Path of a key of this host from the root of the cluster registry, so that the library of the cluster API can work
    /// with the key that Open was given. 6 for a handle that is none; `units` as in `ClusterRegEnumKey`.
    KeyPath: fn(key: HKEY, path: LPWSTR, units: *mut DWORD) -> LONG;
}
