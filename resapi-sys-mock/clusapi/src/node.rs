//! Nodes: handles, state, pausing, resuming, evicting.

use std::sync::Arc;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Kind, Order};

use crate::cluster::granted;
use crate::discovery;
use crate::handles::{self, Member, Thing, insert};

/// Opens an object by name or id, with the rights of the cluster's handle.
pub(crate) fn open(cluster: HANDLE, kind: Kind, name: String) -> Result<HANDLE, u32> {
    let member = handles::cluster(cluster)?;
    let found = member.find(kind, name)?;
    Ok(member.open(found.id))
}

/// Opens an object with rights of its own, never more than those of the cluster's handle.
pub(crate) fn open_ex(cluster: HANDLE, kind: Kind, name: String, desired: u32) -> Result<(HANDLE, u32), u32> {
    let member = handles::cluster(cluster)?;
    let access = granted(desired)? & member.access;
    if access == 0 {
        return Err(ERROR_ACCESS_DENIED);
    }
    let id = member.find(kind, name)?.id;
    let handle = insert(Thing::Object(Arc::new(Member { session: Arc::clone(&member.session), id, access })));
    Ok((handle, access))
}

/// A cluster handle for an object's cluster.
pub(crate) fn cluster_of(handle: HANDLE, kind: Kind) -> Result<HANDLE, u32> {
    let member = handles::object(handle, kind)?;
    let id = resapi_sys_mock::rpc::Id::cluster();
    let cluster = Member { session: Arc::clone(&member.session), id, access: member.access };
    Ok(insert(Thing::Cluster(Arc::new(cluster))))
}

exports! {
    EXPORTS;

    fn OpenClusterNode(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::Node, text(name)?)
    }

    fn OpenClusterNodeEx(cluster: HCLUSTER, name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD) -> Handle {
        let (handle, access) = open_ex(cluster, Kind::Node, text(name)?, desired)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn OpenClusterNodeById(cluster: HCLUSTER, id: DWORD) -> Handle {
        open(cluster, Kind::Node, id.to_string())
    }

    fn CloseClusterNode(node: HNODE) -> Truth {
        handles::close(node, Kind::Node)
    }

    fn GetClusterFromNode(node: HNODE) -> Handle {
        cluster_of(node, Kind::Node)
    }

    fn GetClusterNodeState(node: HNODE) -> State {
        Ok(handles::object(node, Kind::Node)?.look()?.state)
    }

    fn GetClusterNodeId(node: HNODE, id: LPWSTR, id_units: *mut DWORD) -> Code {
        let found = if node.is_null() {
            // The node on which the caller runs: that of the local connection.
            discovery::open(None)?.cluster()?.node_id.to_string()
        } else {
            handles::object(node, Kind::Node)?.id.id.clone()
        };
        resapi_sys_mock::export::pointers::need(id_units)?;
        put_text(id, id_units, &found)
    }

    fn PauseClusterNode(node: HNODE) -> Code {
        pause(node, false, std::ptr::null_mut(), String::new())
    }

    fn PauseClusterNodeEx(node: HNODE, drain: BOOL, _flags: DWORD, target: HNODE) -> Code {
        pause(node, drain != 0, target, String::new())
    }

    fn PauseClusterNodeEx2(node: HNODE, drain: BOOL, _flags: DWORD, target: HNODE, reason: LPCWSTR) -> Code {
        pause(node, drain != 0, target, text_or_empty(reason))
    }

    fn ResumeClusterNode(node: HNODE) -> Code {
        resume(node, 0, String::new())
    }

    fn ResumeClusterNodeEx(node: HNODE, failback: i32, reserved: DWORD) -> Code {
        if reserved != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        resume(node, failback, String::new())
    }

    fn ResumeClusterNodeEx2(node: HNODE, failback: i32, reserved: DWORD, reason: LPCWSTR) -> Code {
        if reserved != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        resume(node, failback, text_or_empty(reason))
    }

    fn EvictClusterNode(node: HNODE) -> Code {
        evict(node, String::new())
    }

    fn EvictClusterNodeEx(node: HNODE, _timeout_ms: DWORD, cleanup: *mut i32) -> Code {
        evict(node, String::new())?;
        // S_OK: a node that was evicted has nothing left to clean up by itself.
        put(cleanup, 0);
        Ok(())
    }

    fn EvictClusterNodeEx2(node: HNODE, _timeout_ms: DWORD, cleanup: *mut i32, reason: LPCWSTR) -> Code {
        evict(node, text_or_empty(reason))?;
        put(cleanup, 0);
        Ok(())
    }
}

fn pause(node: HANDLE, drain: bool, target: HANDLE, reason: String) -> Result<(), u32> {
    let member = handles::object(node, Kind::Node)?;
    let target = handles::node_or_none(target)?;
    member.order(Order::PauseNode { node: member.node_number()?, drain, target }, reason).map(drop)
}

fn resume(node: HANDLE, failback: i32, reason: String) -> Result<(), u32> {
    let member = handles::object(node, Kind::Node)?;
    let failback = u32::try_from(failback).ok().filter(|number| *number <= 2).ok_or(ERROR_INVALID_PARAMETER)?;
    member.order(Order::ResumeNode { node: member.node_number()?, failback }, reason).map(drop)
}

fn evict(node: HANDLE, reason: String) -> Result<(), u32> {
    let member = handles::object(node, Kind::Node)?;
    member.order(Order::EvictNode { node: member.node_number()? }, reason).map(drop)
}
