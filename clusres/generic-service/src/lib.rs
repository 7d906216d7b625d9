//! The resource type Generic Service: a service of Windows that the service control manager starts and stops (reference 09).
//!
//! It is built into the monitor that is a Windows program, because that is where services are: each node has a service control
//! manager of its own in its private Windows. The service must be installed on every node, and must not start by itself.
//!
//! What a former life has left running is stopped before the service is started: a resource starts what it owns. Whether the
//! service lives is what its service control manager says *and* what its process does, because the manager of Wine goes on to
//! call a service running whose process was ended.
//!
//! On other systems the library has only what can be tested there.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod command;
pub mod names;
#[cfg(windows)]
mod place;
#[cfg(windows)]
mod service;

#[cfg(windows)]
pub use place::{Place, Process, System, settle};

#[cfg(windows)]
resapi::table!(
    /// The startup function of the type.
    pub STARTUP = service::GenericService
);

/// The registered `DllName`s that mean this type in a monitor under Wine.
pub const DLL_NAMES: &[&str] = &["clusres.dll"];
