//! The utilities for resource DLLs as a native library (`libresutils.so`): every function of `resutils.dll`, with its name and
//! C signature.
//!
//! As on Windows it is written on the functions of `libclusapi` and knows nothing of the Cluster service itself. What has
//! rules of its own is safe code in `resapi_sys_mock`: property lists, property tables, parameter blocks.
//!
//! | file | functions |
//! |---|---|
//! | `tables` | property tables and parameter blocks |
//! | `lists` | finding a property in a list, parsing one entry |
//! | `values` | values of a key of the cluster registry |
//! | `objects`, `dependencies` | resources, groups and nodes, and what depends on what |
//! | `workers` | threads of a resource DLL |
//! | `paths` | paths and environment |
//! | `faults` | health faults |
//! | `services` | services of the service control manager, which there is among Windows programs only |
//! | `outside` | encryption, shared volumes: what has only a documented error here |
#![warn(missing_docs)]

pub mod dependencies;
pub mod faults;
mod imports;
mod key;
pub mod lists;
pub mod objects;
mod open;
pub mod outside;
pub mod paths;
pub mod services;
pub mod tables;
pub mod values;
pub mod workers;

use resapi_sys_mock::export::{Door, Export};
use resapi_sys_mock::guard;
use resapi_sys_mock::host::HostTable;

/// How every function of this library begins and ends.
pub(crate) static DOOR: Door = Door { enter, leave, set_last_error };

fn enter(function: &'static str) -> Result<(), u32> {
    guard::enter(function)?;
    inside(1);
    Ok(())
}

fn leave() {
    inside(-1);
}

/// What is called on behalf of the caller is not held against the call guard a second time.
fn inside(change: i32) {
    // SAFETY: the function takes any number and only touches a counter of this thread.
    unsafe { imports::WolfdenInside(change) }
}

/// Runs a function of the caller: what it calls is its own doing again.
pub(crate) fn outside_of<R>(work: impl FnOnce() -> R) -> R {
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            inside(1);
        }
    }
    inside(-1);
    let _back = Back;
    work()
}

fn set_last_error(code: u32) {
    // SAFETY: the function takes any number and only touches a cell of this thread.
    unsafe { imports::SetLastError(code) }
}

/// The code that a function of libclusapi has left behind.
pub(crate) fn last_error() -> u32 {
    // SAFETY: the function only reads a cell of this thread.
    let code = unsafe { imports::GetLastError() };
    if code == 0 { resapi_sys_mock::codes::win32::ERROR_GEN_FAILURE } else { code }
}

/// All functions of the library, and which of them only have a documented error to answer.
pub fn exports() -> Vec<Export> {
    [
        tables::EXPORTS,
        lists::FINDERS,
        lists::PARSERS,
        values::EXPORTS,
        objects::EXPORTS,
        dependencies::EXPORTS,
        workers::EXPORTS,
        paths::EXPORTS,
        faults::EXPORTS,
        services::EXPORTS,
        outside::EXPORTS,
    ]
    .concat()
}

/// Takes the table of the Resource Monitor that has loaded this library. Answers 0, 87 or 1306.
///
/// # Safety
/// The monitor promises what [`guard::bind`] asks for.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "system" fn WolfdenBindResutils(table: *const HostTable) -> u32 {
    // SAFETY: the monitor's promise, passed on.
    unsafe { guard::bind(table) }
}
