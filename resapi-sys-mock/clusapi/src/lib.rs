//! The cluster API as a native library (`libclusapi.so`): every function of `clusapi.dll`, with its name and C signature.
//!
//! A program opens a cluster, gets handles of its objects, and asks or orders through them; all of it is answered by the
//! Cluster service of a node, over the protocol of [`resapi_sys_mock::rpc`]. The library works in any program, and in a
//! Resource Monitor, which binds it by [`WolfdenBindClusapi`]: then each call is held against the call guard first, and the
//! key that Open was given can be used.
//!
//! | file | what it holds |
//! |---|---|
//! | `session`, `discovery` | connections, and which cluster a name means |
//! | `handles`, `thread` | handles; last error, and whether a call comes from inside |
//! | `cluster` .. `outside` | the functions, by object |
//! | `port` | notification ports |
//!
//! On Linux there is no kernel32: GetLastError, SetLastError, LocalAlloc and LocalFree are exported here as well.
#![warn(missing_docs)]

pub mod batch;
pub mod cluster;
pub mod control;
mod discovery;
pub mod enumeration;
pub mod enumeration_ex;
pub mod group;
pub mod group_set;
mod handles;
pub mod network;
pub mod node;
pub mod notify;
pub mod outside;
mod port;
pub mod registry;
pub mod resource;
pub mod resource_type;
mod session;
mod signal;
pub mod thread;

use resapi_sys_mock::export::{Door, Export};
use resapi_sys_mock::guard;
use resapi_sys_mock::host::HostTable;

/// How every function of this library begins and ends.
pub(crate) static DOOR: Door =
    Door { enter: thread::enter, leave: thread::leave, set_last_error: thread::set_last_error };

/// All functions of the library, and which of them only have a documented error to answer.
pub fn exports() -> Vec<Export> {
    [
        cluster::EXPORTS,
        node::EXPORTS,
        group::EXPORTS,
        group_set::EXPORTS,
        group_set::RULES,
        resource::EXPORTS,
        resource::DEPENDENCIES,
        resource_type::EXPORTS,
        network::EXPORTS,
        enumeration::EXPORTS,
        enumeration_ex::EXPORTS,
        control::EXPORTS,
        registry::EXPORTS,
        batch::EXPORTS,
        notify::EXPORTS,
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
pub unsafe extern "system" fn WolfdenBindClusapi(table: *const HostTable) -> u32 {
    // SAFETY: the monitor's promise, passed on.
    unsafe { guard::bind(table) }
}
