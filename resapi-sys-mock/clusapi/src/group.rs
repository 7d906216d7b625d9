//! Groups: making, opening, moving, bringing on and off line, owners.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{array, bytes, get, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Kind, Order};

use crate::handles::{self, Member, one};
use crate::node::{cluster_of, open, open_ex};

/// GroupType of an ordinary group.
const ORDINARY: u32 = 9999;
/// The only version of CLUSTER_CREATE_GROUP_INFO.
const CREATE_INFO_VERSION: u32 = 1;

exports! {
    EXPORTS;

    fn CreateClusterGroup(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        create(cluster, text(name)?, ORDINARY)
    }

    fn CreateClusterGroupEx(cluster: HCLUSTER, name: LPCWSTR, details: *const CLUSTER_CREATE_GROUP_INFO) -> Handle {
        let group_type = if details.is_null() {
            ORDINARY
        } else {
            let details = get(details)?;
            if details.dwVersion != CREATE_INFO_VERSION {
                return Err(ERROR_REVISION_MISMATCH);
            }
            details.groupType as u32
        };
        create(cluster, text(name)?, group_type)
    }

    fn OpenClusterGroup(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::Group, text(name)?)
    }

    fn OpenClusterGroupEx(cluster: HCLUSTER, name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD) -> Handle {
        let (handle, access) = open_ex(cluster, Kind::Group, text(name)?, desired)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn CloseClusterGroup(group: HGROUP) -> Truth {
        handles::close(group, Kind::Group)
    }

    fn GetClusterFromGroup(group: HGROUP) -> Handle {
        cluster_of(group, Kind::Group)
    }

    fn GetClusterGroupState(group: HGROUP, node: LPWSTR, node_units: *mut DWORD) -> State {
        let found = handles::object(group, Kind::Group)?.look()?;
        put_text(node, node_units, &found.owner)?;
        Ok(found.state)
    }

    fn SetClusterGroupName(group: HGROUP, name: LPCWSTR) -> Code {
        rename(group, Kind::Group, text(name)?, String::new())
    }

    fn SetClusterGroupNameEx(group: HGROUP, name: LPCWSTR, reason: LPCWSTR) -> Code {
        rename(group, Kind::Group, text(name)?, text_or_empty(reason))
    }

    fn SetClusterGroupNodeList(group: HGROUP, count: DWORD, nodes: *const HNODE) -> Code {
        owners(group, &array(nodes, count)?, String::new())
    }

    fn SetClusterGroupNodeListEx(group: HGROUP, count: DWORD, nodes: *const HNODE, reason: LPCWSTR) -> Code {
        owners(group, &array(nodes, count)?, text_or_empty(reason))
    }

    fn OnlineClusterGroup(group: HGROUP, node: HNODE) -> Code {
        online(group, node, 0, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OnlineClusterGroupEx(group: HGROUP, node: HNODE, flags: DWORD, input: *const u8, size: DWORD) -> Code {
        bytes(input, size)?;
        online(group, node, flags, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OnlineClusterGroupEx2(
        group: HGROUP, node: HNODE, flags: DWORD, input: *const u8, size: DWORD, reason: LPCWSTR
    ) -> Code {
        bytes(input, size)?;
        online(group, node, flags, text_or_empty(reason))
    }

    fn OfflineClusterGroup(group: HGROUP) -> Code {
        offline(group, 0, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OfflineClusterGroupEx(group: HGROUP, flags: DWORD, input: *const u8, size: DWORD) -> Code {
        bytes(input, size)?;
        offline(group, flags, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OfflineClusterGroupEx2(group: HGROUP, flags: DWORD, input: *const u8, size: DWORD, reason: LPCWSTR) -> Code {
        bytes(input, size)?;
        offline(group, flags, text_or_empty(reason))
    }

    fn MoveClusterGroup(group: HGROUP, node: HNODE) -> Code {
        move_to(group, node, 0, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn MoveClusterGroupEx(group: HGROUP, node: HNODE, flags: DWORD, input: *const u8, size: DWORD) -> Code {
        bytes(input, size)?;
        move_to(group, node, flags, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn MoveClusterGroupEx2(
        group: HGROUP, node: HNODE, flags: DWORD, input: *const u8, size: DWORD, reason: LPCWSTR
    ) -> Code {
        bytes(input, size)?;
        move_to(group, node, flags, text_or_empty(reason))
    }

    notes "a move whose resources are still going offline is cancelled; after that the group has a new owner"
    fn CancelClusterGroupOperation(group: HGROUP, reserved: DWORD) -> Code {
        let member = handles::object(group, Kind::Group)?;
        if reserved != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        member.order(Order::CancelMove { group: id(&member) }, String::new()).map(drop)
    }

    fn DeleteClusterGroup(group: HGROUP) -> Code {
        delete(group, false, String::new())
    }

    fn DeleteClusterGroupEx(group: HGROUP, reason: LPCWSTR) -> Code {
        delete(group, false, text_or_empty(reason))
    }

    fn DestroyClusterGroup(group: HGROUP) -> Code {
        delete(group, true, String::new())
    }

    fn DestroyClusterGroupEx(group: HGROUP, reason: LPCWSTR) -> Code {
        delete(group, true, text_or_empty(reason))
    }
}

fn create(cluster: HANDLE, name: String, group_type: u32) -> Result<HANDLE, u32> {
    let member = handles::cluster(cluster)?;
    let made = one(member.order(Order::CreateGroup { name, group_type }, String::new())?)?;
    Ok(member.open(made.id))
}

/// Renames any object that has a name of its own.
pub(crate) fn rename(handle: HANDLE, kind: Kind, name: String, reason: String) -> Result<(), u32> {
    let member = handles::object(handle, kind)?;
    member.order(Order::Rename { object: member.id.clone(), name }, reason).map(drop)
}

fn owners(group: HANDLE, nodes: &[HANDLE], reason: String) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    let numbers: Result<Vec<u32>, u32> =
        nodes.iter().map(|node| handles::object(*node, Kind::Node)?.node_number()).collect();
    member.order(Order::PreferredOwners { group: id(&member), nodes: numbers? }, reason).map(drop)
}

/// An order that a locked resource stands against, unless the flags say that it does not matter.
pub(crate) fn unless_locked(flags: u32, order: Order) -> Order {
    // CLUSAPI_{GROUP,RESOURCE}_{ONLINE,OFFLINE}_IGNORE_RESOURCE_STATUS and CLUSAPI_GROUP_MOVE_IGNORE_RESOURCE_STATUS.
    const IGNORE_RESOURCE_STATUS: u32 = 1;
    if flags & IGNORE_RESOURCE_STATUS == 0 { order } else { Order::Regardless(Box::new(order)) }
}

fn online(group: HANDLE, node: HANDLE, flags: u32, reason: String) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    let node = handles::node_or_none(node)?;
    let order = Order::OnlineGroup { group: id(&member), node };
    member.order(unless_locked(flags, order), reason).map(drop)
}

fn offline(group: HANDLE, flags: u32, reason: String) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    let order = Order::OfflineGroup { group: id(&member) };
    member.order(unless_locked(flags, order), reason).map(drop)
}

fn move_to(group: HANDLE, node: HANDLE, flags: u32, reason: String) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    let node = handles::node_or_none(node)?;
    let order = Order::MoveGroup { group: id(&member), node };
    member.order(unless_locked(flags, order), reason).map(drop)
}

fn delete(group: HANDLE, force: bool, reason: String) -> Result<(), u32> {
    let member = handles::object(group, Kind::Group)?;
    member.order(Order::DeleteGroup { group: id(&member), force }, reason).map(drop)
}

fn id(member: &Member) -> String {
    member.id.id.clone()
}
