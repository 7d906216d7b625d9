//! The resource type Generic Service: a service of Windows that the service control manager starts and stops (reference 09).
//!
//! It is a resource DLL like any other, written with the portable trait, and lives in a monitor under Wine, because that is where
//! the services are: each node has a service control manager of its own in its private Windows. The service must be installed
//! on every node, and must not start by itself.
//!
//! What a former life has left running is stopped before the service is started: a resource starts what it owns.
#![forbid(unsafe_code)]

pub mod arguments;

#[cfg(windows)]
mod service;

#[cfg(windows)]
resapi::export!(service::GenericService);
