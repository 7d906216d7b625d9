//! The door between the C ABI and the trait: the only place with unsafe code, checks and caught panics.
//!
//! A monitor calls `Startup` (`startup`) and gets a static function table per resource type. Each function of
//! that table (`entry_points`) checks its pointers, looks the instance up among the live ones (`live`), and calls
//! a safe method of `instance`; a panic ends there. In the other direction, `monitor` and `host` wrap what the
//! monitor gave us.
//!
//! One door per direction: no other file of this crate touches a raw pointer. Everything here is public only so
//! far as the macros and the monitor need it.

mod begin_control;
mod controls;
pub(crate) mod drive;
mod entry_points;
pub(crate) mod host;
mod instance;
mod live;
pub(crate) mod monitor;
mod startup;
#[cfg(test)]
mod tests;

pub use host::bind_host;
pub use monitor::QuorumLost;
pub use startup::{Entry, startup, startup_ex, type_names};

use std::panic::{AssertUnwindSafe, catch_unwind};

use resapi_sys_mock::codes::win32::ERROR_EXCEPTION_IN_RESOURCE_CALL;

use crate::Failure;

/// Runs code of the resource type. A panic becomes failure 5930 with the text of the panic.
fn guarded<R>(entry_point: &str, body: impl FnOnce() -> R) -> Result<R, Failure> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no text".to_owned());
        // Dropping what was thrown may throw again; then it is leaked.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
        Failure::new(ERROR_EXCEPTION_IN_RESOURCE_CALL, format!("the resource type panicked in {entry_point}: {text}"))
    })
}
