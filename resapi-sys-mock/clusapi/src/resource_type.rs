//! Resource types, which have no handles: they are named with the cluster's handle.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::Order;

use crate::handles;

/// Between LooksAlive polls and between IsAlive polls, when the caller leaves it to the cluster (reference 04.1), in ms.
const DEFAULT_POLLS_MS: (u32, u32) = (5_000, 60_000);

exports! {
    EXPORTS;

    fn CreateClusterResourceType(
        cluster: HCLUSTER, name: LPCWSTR, display_name: LPCWSTR, dll: LPCWSTR, looks_alive_ms: DWORD,
        is_alive_ms: DWORD
    ) -> Code {
        create(cluster, text(name)?, text(display_name)?, text(dll)?, (looks_alive_ms, is_alive_ms), String::new())
    }

    fn CreateClusterResourceTypeEx(
        cluster: HCLUSTER, name: LPCWSTR, display_name: LPCWSTR, dll: LPCWSTR, looks_alive_ms: DWORD,
        is_alive_ms: DWORD, reason: LPCWSTR
    ) -> Code {
        let polls = (looks_alive_ms, is_alive_ms);
        create(cluster, text(name)?, text(display_name)?, text(dll)?, polls, text_or_empty(reason))
    }

    fn DeleteClusterResourceType(cluster: HCLUSTER, name: LPCWSTR) -> Code {
        handles::cluster(cluster)?.order(Order::DeleteType { name: text(name)? }, String::new()).map(drop)
    }

    fn DeleteClusterResourceTypeEx(cluster: HCLUSTER, name: LPCWSTR, reason: LPCWSTR) -> Code {
        handles::cluster(cluster)?.order(Order::DeleteType { name: text(name)? }, text_or_empty(reason)).map(drop)
    }
}

fn create(
    cluster: HANDLE,
    name: String,
    display_name: String,
    dll_name: String,
    polls: (u32, u32),
    reason: String,
) -> Result<(), u32> {
    let member = handles::cluster(cluster)?;
    if name.is_empty() || dll_name.is_empty() {
        return Err(ERROR_INVALID_PARAMETER);
    }
    // CLUSTER_RESTYPE_DEFAULT_LOOKS_ALIVE and its like: 0 and all bits set leave it to the cluster.
    let or_default = |given: u32, default: u32| if given == 0 || given == u32::MAX { default } else { given };
    let looks_alive_ms = or_default(polls.0, DEFAULT_POLLS_MS.0);
    let is_alive_ms = or_default(polls.1, DEFAULT_POLLS_MS.1);
    member.order(Order::CreateType { name, display_name, dll_name, looks_alive_ms, is_alive_ms }, reason).map(drop)
}
