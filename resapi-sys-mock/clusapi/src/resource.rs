//! Resources: making, opening, bringing on and off line, owners and dependencies.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, need, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Kind, Object, Order, Relation, Told};

use crate::group::{rename, unless_locked};
use crate::handles::{self, Member, one};
use crate::node::{cluster_of, open, open_ex};

/// CLUSTER_RESOURCE_SEPARATE_MONITOR.
const SEPARATE_MONITOR: u32 = 1;
/// All flags of CreateClusterResource.
const CREATE_FLAGS: u32 = SEPARATE_MONITOR;
/// How many Network Names are looked for along the dependencies before it is given up.
const MAX_LEVELS: usize = 100;

exports! {
    EXPORTS;

    fn CreateClusterResource(group: HGROUP, name: LPCWSTR, type_name: LPCWSTR, flags: DWORD) -> Handle {
        create(group, text(name)?, text(type_name)?, flags, String::new())
    }

    fn CreateClusterResourceEx(
        group: HGROUP, name: LPCWSTR, type_name: LPCWSTR, flags: DWORD, reason: LPCWSTR
    ) -> Handle {
        create(group, text(name)?, text(type_name)?, flags, text_or_empty(reason))
    }

    fn OpenClusterResource(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::Resource, text(name)?)
    }

    fn OpenClusterResourceEx(cluster: HCLUSTER, name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD) -> Handle {
        let (handle, access) = open_ex(cluster, Kind::Resource, text(name)?, desired)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn CloseClusterResource(resource: HRESOURCE) -> Truth {
        handles::close(resource, Kind::Resource)
    }

    fn GetClusterFromResource(resource: HRESOURCE) -> Handle {
        cluster_of(resource, Kind::Resource)
    }

    fn GetClusterResourceState(
        resource: HRESOURCE, node: LPWSTR, node_units: *mut DWORD, group: LPWSTR, group_units: *mut DWORD
    ) -> State {
        let found = handles::object(resource, Kind::Resource)?.look()?;
        // Both lengths are told, whichever buffer is too small.
        let first = put_text(node, node_units, &found.owner);
        put_text(group, group_units, &found.parent_name)?;
        first?;
        Ok(found.state)
    }

    fn SetClusterResourceName(resource: HRESOURCE, name: LPCWSTR) -> Code {
        rename(resource, Kind::Resource, text(name)?, String::new())
    }

    fn SetClusterResourceNameEx(resource: HRESOURCE, name: LPCWSTR, reason: LPCWSTR) -> Code {
        rename(resource, Kind::Resource, text(name)?, text_or_empty(reason))
    }

    fn OnlineClusterResource(resource: HRESOURCE) -> Code {
        online(resource, 0, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OnlineClusterResourceEx(resource: HRESOURCE, flags: DWORD, input: *const u8, size: DWORD) -> Code {
        bytes(input, size)?;
        online(resource, flags, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS counts; the input buffer is not looked at"
    fn OnlineClusterResourceEx2(
        resource: HRESOURCE, flags: DWORD, input: *const u8, size: DWORD, reason: LPCWSTR
    ) -> Code {
        bytes(input, size)?;
        online(resource, flags, text_or_empty(reason))
    }

    fn OfflineClusterResource(resource: HRESOURCE) -> Code {
        offline(resource, 0, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS and FORCE_WITH_TERMINATION count; the input buffer is not looked at"
    fn OfflineClusterResourceEx(resource: HRESOURCE, flags: DWORD, input: *const u8, size: DWORD) -> Code {
        bytes(input, size)?;
        offline(resource, flags, String::new())
    }

    notes "of the flags only IGNORE_RESOURCE_STATUS and FORCE_WITH_TERMINATION count; the input buffer is not looked at"
    fn OfflineClusterResourceEx2(
        resource: HRESOURCE, flags: DWORD, input: *const u8, size: DWORD, reason: LPCWSTR
    ) -> Code {
        bytes(input, size)?;
        offline(resource, flags, text_or_empty(reason))
    }

    fn FailClusterResource(resource: HRESOURCE) -> Code {
        on(resource, |resource| Order::FailResource { resource }, String::new())
    }

    fn FailClusterResourceEx(resource: HRESOURCE, reason: LPCWSTR) -> Code {
        on(resource, |resource| Order::FailResource { resource }, text_or_empty(reason))
    }

    notes "flags are not looked at; it is failed once, and restarts by its own policy"
    fn RestartClusterResource(resource: HRESOURCE, _flags: DWORD) -> Code {
        restart(resource, String::new())
    }

    notes "flags are not looked at; it is failed once, and restarts by its own policy"
    fn RestartClusterResourceEx(resource: HRESOURCE, _flags: DWORD, reason: LPCWSTR) -> Code {
        restart(resource, text_or_empty(reason))
    }

    fn DeleteClusterResource(resource: HRESOURCE) -> Code {
        on(resource, |resource| Order::DeleteResource { resource }, String::new())
    }

    fn DeleteClusterResourceEx(resource: HRESOURCE, reason: LPCWSTR) -> Code {
        on(resource, |resource| Order::DeleteResource { resource }, text_or_empty(reason))
    }

    fn ChangeClusterResourceGroup(resource: HRESOURCE, group: HGROUP) -> Code {
        regroup(resource, group, String::new())
    }

    notes "flags are not looked at"
    fn ChangeClusterResourceGroupEx(resource: HRESOURCE, group: HGROUP, _flags: u64) -> Code {
        regroup(resource, group, String::new())
    }

    notes "flags are not looked at"
    fn ChangeClusterResourceGroupEx2(resource: HRESOURCE, group: HGROUP, _flags: u64, reason: LPCWSTR) -> Code {
        regroup(resource, group, text_or_empty(reason))
    }

    fn AddClusterResourceNode(resource: HRESOURCE, node: HNODE) -> Code {
        owner(resource, node, |resource, node| Order::AddOwner { resource, node }, String::new())
    }

    fn AddClusterResourceNodeEx(resource: HRESOURCE, node: HNODE, reason: LPCWSTR) -> Code {
        owner(resource, node, |resource, node| Order::AddOwner { resource, node }, text_or_empty(reason))
    }

    fn RemoveClusterResourceNode(resource: HRESOURCE, node: HNODE) -> Code {
        owner(resource, node, |resource, node| Order::RemoveOwner { resource, node }, String::new())
    }

    fn RemoveClusterResourceNodeEx(resource: HRESOURCE, node: HNODE, reason: LPCWSTR) -> Code {
        owner(resource, node, |resource, node| Order::RemoveOwner { resource, node }, text_or_empty(reason))
    }
}

exports! {
    DEPENDENCIES;

    fn AddClusterResourceDependency(dependent: HRESOURCE, provider: HRESOURCE) -> Code {
        depend(dependent, provider, true, String::new())
    }

    fn AddClusterResourceDependencyEx(dependent: HRESOURCE, provider: HRESOURCE, reason: LPCWSTR) -> Code {
        depend(dependent, provider, true, text_or_empty(reason))
    }

    fn RemoveClusterResourceDependency(dependent: HRESOURCE, provider: HRESOURCE) -> Code {
        depend(dependent, provider, false, String::new())
    }

    fn RemoveClusterResourceDependencyEx(dependent: HRESOURCE, provider: HRESOURCE, reason: LPCWSTR) -> Code {
        depend(dependent, provider, false, text_or_empty(reason))
    }

    fn CanResourceBeDependent(dependent: HRESOURCE, provider: HRESOURCE) -> Truth {
        let member = handles::object(dependent, Kind::Resource)?;
        let provider = handles::object(provider, Kind::Resource)?.id.id.clone();
        member.session.ask(&Ask::MayDepend { dependent: member.id.id.clone(), provider })?;
        Ok(true)
    }

    fn SetClusterResourceDependencyExpression(resource: HRESOURCE, expression: LPCWSTR) -> Code {
        let member = handles::object(resource, Kind::Resource)?;
        let (dependent, expression) = (member.id.id.clone(), text_or_empty(expression));
        member.order(Order::SetDependencies { dependent, expression }, String::new()).map(drop)
    }

    fn GetClusterResourceDependencyExpression(resource: HRESOURCE, buffer: LPWSTR, units: *mut DWORD) -> Code {
        let member = handles::object(resource, Kind::Resource)?;
        need(units)?;
        match member.session.ask(&Ask::Expression(member.id.clone()))? {
            Told::Text(text) => put_text(buffer, units, &text),
            _ => Err(RPC_S_CALL_FAILED),
        }
    }

    fn GetClusterResourceNetworkName(resource: HRESOURCE, buffer: LPWSTR, units: *mut DWORD) -> Truth {
        let member = handles::object(resource, Kind::Resource)?;
        need(units)?;
        let found = network_name(&member)?;
        let path = format!("{}\\Parameters", found.key);
        let name = match member.session.ask(&Ask::ReadValue { path, name: "Name".into() }) {
            Ok(Told::Value(value)) => resapi_sys_mock::wide::text(&value.bytes).unwrap_or(found.name),
            Ok(_) | Err(_) => found.name,
        };
        put_text(buffer, units, &name)?;
        Ok(true)
    }
}

fn create(group: HANDLE, name: String, type_name: String, flags: u32, reason: String) -> Result<HANDLE, u32> {
    let member = handles::object(group, Kind::Group)?;
    if flags & !CREATE_FLAGS != 0 {
        return Err(ERROR_INVALID_PARAMETER);
    }
    let separate_monitor = flags & SEPARATE_MONITOR != 0;
    let order = Order::CreateResource { group: member.id.id.clone(), name, type_name, separate_monitor };
    let made = one(member.order(order, reason)?)?;
    Ok(member.open(made.id))
}

/// An order about one resource.
fn on(resource: HANDLE, order: impl FnOnce(String) -> Order, reason: String) -> Result<(), u32> {
    let member = handles::object(resource, Kind::Resource)?;
    member.order(order(member.id.id.clone()), reason).map(drop)
}

fn online(resource: HANDLE, flags: u32, reason: String) -> Result<(), u32> {
    on(resource, |resource| unless_locked(flags, Order::OnlineResource { resource }), reason)
}

fn offline(resource: HANDLE, flags: u32, reason: String) -> Result<(), u32> {
    let force = flags & CLUSAPI_RESOURCE_OFFLINE_FORCE_WITH_TERMINATION != 0;
    on(resource, |resource| unless_locked(flags, Order::OfflineResource { resource, force }), reason)
}

/// Fails the resource for a restart by its own policy, as the real function does.
fn restart(resource: HANDLE, reason: String) -> Result<(), u32> {
    on(resource, |resource| Order::FailResource { resource }, reason)
}

fn regroup(resource: HANDLE, group: HANDLE, reason: String) -> Result<(), u32> {
    let group = handles::object(group, Kind::Group)?.id.id.clone();
    on(resource, |resource| Order::RegroupResource { resource, group }, reason)
}

fn owner(resource: HANDLE, node: HANDLE, order: impl FnOnce(String, u32) -> Order, reason: String) -> Result<(), u32> {
    let member = handles::object(resource, Kind::Resource)?;
    let node = handles::object(node, Kind::Node)?.node_number()?;
    member.order(order(member.id.id.clone(), node), reason).map(drop)
}

fn depend(dependent: HANDLE, provider: HANDLE, adds: bool, reason: String) -> Result<(), u32> {
    let member = handles::object(dependent, Kind::Resource)?;
    let provider = handles::object(provider, Kind::Resource)?.id.id.clone();
    let dependent = member.id.id.clone();
    let order = if adds {
        Order::AddDependency { dependent, provider }
    } else {
        Order::RemoveDependency { dependent, provider }
    };
    member.order(order, reason).map(drop)
}

/// The Network Name that a resource depends on, directly or not; 5002 when there is none.
fn network_name(member: &Member) -> Result<Object, u32> {
    let mut level = vec![member.id.clone()];
    for _ in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for of in level {
            let Told::Objects(providers) = member.session.ask(&Ask::Related { of, relation: Relation::DependsOn })?
            else {
                return Err(RPC_S_CALL_FAILED);
            };
            for provider in providers {
                if provider.type_name.eq_ignore_ascii_case("Network Name") {
                    return Ok(provider);
                }
                next.push(provider.id);
            }
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    Err(ERROR_DEPENDENCY_NOT_FOUND)
}
