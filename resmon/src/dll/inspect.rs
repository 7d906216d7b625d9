//! Looking at a library without opening any resource: exports, resource types, versions, tables.
//!
//! A library does not tell which types it has: its Startup accepts a name or not. So names are tried. Libraries made with
//! `resapi::export!` also export [`TYPES_EXPORT`], a list of them. All of this runs foreign code, in a monitor that is
//! started for it and thrown away.

use std::ptr;
use std::sync::Arc;

use resapi_sys_mock::abi::{
    CLRES_CALLBACK_FUNCTION_TABLE, CLRES_FUNCTION_TABLE, CLRES_VERSION_V1_00, CLRES_VERSION_V4_00,
};
use resapi_sys_mock::codes::win32::{ERROR_CALL_NOT_IMPLEMENTED, ERROR_SUCCESS};
use resapi_sys_mock::{log_event, wide};

use super::callbacks;
use super::door::{self, Door};
use super::provider::Startup;
use crate::protocol::{Inspected, InspectedType, Negotiated};

/// The export that lists the names of the types: no argument, a pointer to texts of which the last is empty.
pub(crate) const TYPES_EXPORT: &str = "WolfdenResourceTypes";

/// A name that no library has a type of.
const NOBODY: &str = "Wolfden asks for a type that does not exist";

/// How many types of one library are looked at.
const MAX_TYPES: usize = 64;

/// What a service may say that it speaks: least and greatest version.
const WINDOWS: [(u32, u32); 6] =
    [(0x100, 0x100), (0x200, 0x200), (0x300, 0x300), (0x400, 0x400), (0x100, 0x400), (0x500, 0x600)];

/// Tries names and versions.
pub(crate) fn inspect(dll: &Arc<str>, startup: Startup, candidates: &[String]) -> Inspected {
    let accepts_any_name =
        negotiate(dll, startup, NOBODY, CLRES_VERSION_V1_00, CLRES_VERSION_V4_00).code == ERROR_SUCCESS;
    let is_type = |name: &&String| {
        let answer = negotiate(dll, startup, name, CLRES_VERSION_V1_00, CLRES_VERSION_V4_00);
        answer.code == ERROR_SUCCESS
    };
    // When every name is accepted only those that were asked for explicitly mean anything: the first.
    let names: Vec<&String> = match accepts_any_name {
        true => candidates.iter().take(1).collect(),
        false => candidates.iter().filter(is_type).take(MAX_TYPES).collect(),
    };
    let types = names.into_iter().map(|name| type_of(dll, startup, name)).collect();
    Inspected {
        has_startup: startup.startup.is_some(),
        has_startup_ex: startup.startup_ex.is_some(),
        accepts_any_name,
        types,
    }
}

fn type_of(dll: &Arc<str>, startup: Startup, name: &str) -> InspectedType {
    let negotiated = WINDOWS.iter().map(|(min, max)| negotiate(dll, startup, name, *min, *max)).collect();
    let (min, max) = (CLRES_VERSION_V1_00, CLRES_VERSION_V4_00);
    let (_, table) = call(dll, startup, name, min, max);
    // SAFETY: Startup promised a static table by answering success; NULL is allowed.
    let door = unsafe { Door::accept(name, Arc::clone(dll), table, min, max) };
    let (is_quorum_capable, table_fault) = match door {
        Ok(door) => (door.is_quorum_capable(), None),
        Err(fault) => (false, Some(fault)),
    };
    InspectedType { name: name.to_owned(), negotiated, is_quorum_capable, table_fault }
}

fn negotiate(dll: &Arc<str>, startup: Startup, name: &str, min: u32, max: u32) -> Negotiated {
    let (code, table) = call(dll, startup, name, min, max);
    let (version, table_bytes) = if code != ERROR_SUCCESS || table.is_null() {
        (0, 0)
    } else {
        // SAFETY: not NULL, and a table by the library's promise; size and version are its first eight bytes.
        unsafe {
            (ptr::addr_of!((*table).Version).read_unaligned(), ptr::addr_of!((*table).TableSize).read_unaligned())
        }
    };
    Negotiated { min, max, code, version, table_bytes }
}

fn call(dll: &Arc<str>, startup: Startup, name: &str, min: u32, max: u32) -> (u32, *mut CLRES_FUNCTION_TABLE) {
    let name = wide::units(name);
    let mut table: *mut CLRES_FUNCTION_TABLE = ptr::null_mut();
    let code = door::calling(dll, || match (startup.startup_ex, startup.startup) {
        (Some(startup_ex), _) => {
            let given = (&raw const callbacks::CALLBACKS).cast_mut();
            // SAFETY: the library's export; the name is NUL-terminated, the callback table is static and only read, `table` is
            // ours.
            unsafe { startup_ex(name.as_ptr(), min, max, given.cast::<CLRES_CALLBACK_FUNCTION_TABLE>(), &mut table) }
        }
        // SAFETY: as above.
        (None, Some(startup)) => unsafe {
            let log = Some(log_event::LOG_EVENT);
            startup(name.as_ptr(), min, max, Some(callbacks::set_resource_status), log, &mut table)
        },
        (None, None) => ERROR_CALL_NOT_IMPLEMENTED,
    });
    (code, table)
}
