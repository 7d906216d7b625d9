//! Resources, groups and nodes: going through them, comparing them, core resources, what roles there are (reference 08.4).

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::control::{
    CLUSCTL_GROUP_GET_ID, CLUSCTL_GROUP_GET_RO_COMMON_PROPERTIES, CLUSCTL_RESOURCE_GET_FLAGS, CLUSCTL_RESOURCE_GET_ID,
    CLUSCTL_RESOURCE_GET_NAME, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE,
};
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{get, need, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::wide;

use crate::imports::*;
use crate::key::Key;
use crate::open::{self, Cluster, Resource};
use crate::{last_error, outside_of};

/// CLUSTER_ENUM_NODE, CLUSTER_ENUM_RESOURCE, CLUSTER_ENUM_GROUP.
const NODES: u32 = 1;
const RESOURCES: u32 = 4;
const GROUPS: u32 = 8;
/// ClusterRoleUnknown, ClusterRoleClustered, ClusterRoleUnclustered.
const ROLE_CLUSTERED: i32 = 0;
const ROLE_UNCLUSTERED: i32 = 1;
/// ERROR_NO_MORE_ITEMS from a callback ends an enumeration in good order, as any error ends it with that error.
const ENOUGH: u32 = ERROR_NO_MORE_ITEMS;

/// The resource type behind each CLUSTER_ROLE, in the order of their numbers.
const ROLES: [&str; 32] = [
    "DHCP Service",
    "Distributed Transaction Coordinator",
    "File Server",
    "Generic Application",
    "Generic Script",
    "Generic Service",
    "Microsoft iSNS",
    "MSMQ",
    "NFS Share",
    "Print Spooler",
    "DFS Namespace",
    "Volume Shadow Copy Service Task",
    "WINS Service",
    "Task Scheduler",
    "Network File System",
    "DFS Replicated Folder",
    "Distributed File System",
    "Distributed Network Name",
    "File Share",
    "File Share Witness",
    "Physical Disk",
    "IP Address",
    "IPv6 Address",
    "IPv6 Tunnel Address",
    "iSCSI Target Server",
    "Network Name",
    "Physical Disk",
    "Scale Out File Server",
    "Storage Pool",
    "Virtual Machine",
    "Virtual Machine Configuration",
    "Virtual Machine Replication Broker",
];

/// Goes through the resources of a cluster, those of a type alone if one is named, without the caller's own.
fn each_resource(
    cluster: HCLUSTER,
    own: HRESOURCE,
    type_name: &str,
    desired: u32,
    mut call: impl FnMut(HRESOURCE) -> u32,
) -> Result<(), u32> {
    let own_id = if own.is_null() { None } else { Some(open::resource_text(own, CLUSCTL_RESOURCE_GET_ID)?) };
    for name in open::names(cluster, RESOURCES)? {
        let resource = match open::resource(cluster, &name, desired) {
            Ok(resource) => resource,
            // Deleted meanwhile.
            Err(ERROR_RESOURCE_NOT_FOUND) => continue,
            Err(code) => return Err(code),
        };
        if own_id.is_some() && open::resource_text(resource.0, CLUSCTL_RESOURCE_GET_ID).ok() == own_id {
            continue;
        }
        if !type_name.is_empty() && !is_of_type(resource.0, type_name) {
            continue;
        }
        match outside_of(|| call(resource.0)) {
            ERROR_SUCCESS => {}
            ENOUGH => return Ok(()),
            code => return Err(code),
        }
    }
    Ok(())
}

fn is_of_type(resource: HRESOURCE, type_name: &str) -> bool {
    let found = open::resource_text(resource, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE);
    found.is_ok_and(|found| found.eq_ignore_ascii_case(type_name))
}

fn each_group(
    cluster: HCLUSTER,
    own: HGROUP,
    group_type: Option<u32>,
    mut call: impl FnMut(HGROUP) -> u32,
) -> Result<(), u32> {
    let own_id = if own.is_null() { None } else { Some(open::group_text(own, CLUSCTL_GROUP_GET_ID)?) };
    for name in open::names(cluster, GROUPS)? {
        let group = match open::group(cluster, &name) {
            Ok(group) => group,
            Err(ERROR_GROUP_NOT_FOUND) => continue,
            Err(code) => return Err(code),
        };
        if own_id.is_some() && open::group_text(group.0, CLUSCTL_GROUP_GET_ID).ok() == own_id {
            continue;
        }
        if group_type.is_some_and(|wanted| type_of_group(group.0) != Ok(wanted)) {
            continue;
        }
        match outside_of(|| call(group.0)) {
            ERROR_SUCCESS => {}
            ENOUGH => return Ok(()),
            code => return Err(code),
        }
    }
    Ok(())
}

fn type_of_group(group: HGROUP) -> Result<u32, u32> {
    let list = open::group_output(group, CLUSCTL_GROUP_GET_RO_COMMON_PROPERTIES)?;
    let parsed = resapi_sys_mock::property_list::parse(&list).map_err(|error| error.win32())?;
    let found = resapi_sys_mock::property_list::find(&parsed, "GroupType").ok_or(ERROR_FILE_NOT_FOUND)?;
    let bytes = found.first().data.try_into().map_err(|_| ERROR_INVALID_DATA)?;
    Ok(u32::from_le_bytes(bytes))
}

/// A core resource of a type, by what the core group holds.
fn core_resource(cluster: HCLUSTER, type_names: &[&str], desired: u32) -> Result<Option<Resource>, u32> {
    for name in open::names(cluster, RESOURCES)? {
        let Ok(resource) = open::resource(cluster, &name, desired) else { continue };
        let flags = open::resource_output(resource.0, CLUSCTL_RESOURCE_GET_FLAGS).unwrap_or_default();
        let is_core = flags.first_chunk().is_some_and(|bits| u32::from_le_bytes(*bits) & CLUS_FLAG_CORE != 0);
        if is_core && type_names.iter().any(|type_name| is_of_type(resource.0, type_name)) {
            return Ok(Some(resource));
        }
    }
    Ok(None)
}

fn quorum_resource(cluster: HCLUSTER, desired: u32) -> Result<Option<Resource>, u32> {
    const ROOM: usize = 1024;
    let mut name = [0; ROOM];
    let mut units = ROOM as u32;
    let nothing = std::ptr::null_mut();
    // SAFETY: the buffer has the room stated; the others may be NULL.
    let code = unsafe {
        GetClusterQuorumResource(
            cluster,
            name.as_mut_ptr(),
            &mut units,
            nothing,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    crate::key::check(code)?;
    let name = String::from_utf16_lossy(&name[..units as usize]);
    if name.is_empty() { Ok(None) } else { open::resource(cluster, &name, desired).map(Some) }
}

exports! {
    EXPORTS;

    fn ResUtilEnumResources(own: HRESOURCE, type_name: LPCWSTR, callback: LPRESOURCE_CALLBACK, parameter: *mut c_void) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        let cluster = if own.is_null() { Cluster::local()? } else { open::cluster_of(own)? };
        each_resource(cluster.0, own, &text_or_empty(type_name), 0, |other| callback(own, other, parameter))
    }

    fn ResUtilEnumResourcesEx(
        cluster: HCLUSTER, own: HRESOURCE, type_name: LPCWSTR, callback: LPRESOURCE_CALLBACK_EX, parameter: *mut c_void
    ) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        each_resource(cluster, own, &text_or_empty(type_name), 0, |other| {
            callback(cluster, own, other, parameter)
        })
    }

    fn ResUtilEnumResourcesEx2(
        cluster: HCLUSTER, own: HRESOURCE, type_name: LPCWSTR, callback: LPRESOURCE_CALLBACK_EX,
        parameter: *mut c_void, desired: DWORD
    ) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        each_resource(cluster, own, &text_or_empty(type_name), desired, |other| {
            callback(cluster, own, other, parameter)
        })
    }

    fn ResUtilEnumGroups(cluster: HCLUSTER, own: HGROUP, callback: LPGROUP_CALLBACK_EX, parameter: *mut c_void) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        each_group(cluster, own, None, |other| callback(cluster, own, other, parameter))
    }

    fn ResUtilEnumGroupsEx(
        cluster: HCLUSTER, own: HGROUP, group_type: i32, callback: LPGROUP_CALLBACK_EX, parameter: *mut c_void
    ) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        each_group(cluster, own, Some(group_type as u32), |other| callback(cluster, own, other, parameter))
    }

    fn ResUtilNodeEnum(cluster: HCLUSTER, callback: LPNODE_CALLBACK, parameter: *mut c_void) -> Code {
        let callback = callback.ok_or(ERROR_INVALID_PARAMETER)?;
        for name in open::names(cluster, NODES)? {
            let Ok(node) = open::node(cluster, &name) else { continue };
            let state = GetClusterNodeState(node.0);
            match outside_of(|| callback(cluster, node.0, state, parameter)) {
                ERROR_SUCCESS => {}
                ENOUGH => return Ok(()),
                code => return Err(code),
            }
        }
        Ok(())
    }

    fn ResUtilDupResource(resource: HRESOURCE, copy: *mut HRESOURCE) -> Code {
        need(copy)?;
        let id = open::resource_text(resource, CLUSCTL_RESOURCE_GET_ID)?;
        let cluster = open::cluster_of(resource)?;
        put(copy, open::resource(cluster.0, &id, 0)?.hand_on());
        Ok(())
    }

    fn ResUtilDupGroup(group: HGROUP, copy: *mut HGROUP) -> Code {
        need(copy)?;
        let id = open::group_text(group, CLUSCTL_GROUP_GET_ID)?;
        let cluster = Cluster::of(GetClusterFromGroup(group))?;
        put(copy, open::group(cluster.0, &id)?.hand_on());
        Ok(())
    }

    fn ResUtilResourcesEqual(one: HRESOURCE, other: HRESOURCE) -> Truth {
        let id = |resource| open::resource_text(resource, CLUSCTL_RESOURCE_GET_ID);
        Ok(id(one)? == id(other)?)
    }

    fn ResUtilResourceTypesEqual(type_name: LPCWSTR, resource: HRESOURCE) -> Truth {
        let wanted = text(type_name)?;
        let found = open::resource_text(resource, CLUSCTL_RESOURCE_GET_RESOURCE_TYPE)?;
        Ok(found.eq_ignore_ascii_case(&wanted))
    }

    fn ResUtilIsResourceClassEqual(class: *mut CLUS_RESOURCE_CLASS_INFO, resource: HRESOURCE) -> Truth {
        let wanted = get(class)?;
        Ok(crate::dependencies::class_of(resource)? == wanted.rc)
    }

    fn ResUtilGroupsEqual(one: HGROUP, other: HGROUP, equal: *mut BOOL) -> Code {
        need(equal)?;
        let id = |group| open::group_text(group, CLUSCTL_GROUP_GET_ID);
        put(equal, i32::from(id(one)? == id(other)?));
        Ok(())
    }

    fn ResUtilGetResourceName(resource: HRESOURCE, name: LPWSTR, units: *mut DWORD) -> Code {
        let found = open::resource_text(resource, CLUSCTL_RESOURCE_GET_NAME)?;
        need(units)?;
        put_text(name, units, &found)
    }

    fn ResUtilGetCoreClusterResources(
        cluster: HCLUSTER, name: *mut HRESOURCE, address: *mut HRESOURCE, quorum: *mut HRESOURCE
    ) -> Code {
        core(cluster, (name, address, quorum), 0)
    }

    fn ResUtilGetCoreClusterResourcesEx(
        cluster: HCLUSTER, name: *mut HRESOURCE, quorum: *mut HRESOURCE, desired: DWORD
    ) -> Code {
        core(cluster, (name, std::ptr::null_mut(), quorum), desired)
    }

    fn ResUtilGetCoreGroup(cluster: HCLUSTER) -> Handle {
        const CORE: u32 = 1;
        for name in open::names(cluster, GROUPS)? {
            let Ok(group) = open::group(cluster, &name) else { continue };
            if type_of_group(group.0) == Ok(CORE) {
                return Ok(group.hand_on());
            }
        }
        Err(ERROR_GROUP_NOT_FOUND)
    }

    fn ResUtilGetClusterGroupType(group: HGROUP, group_type: *mut i32) -> Code {
        need(group_type)?;
        put(group_type, type_of_group(group)? as i32);
        Ok(())
    }

    fn ResUtilGetClusterId(cluster: HCLUSTER, id: *mut GUID) -> Code {
        need(id)?;
        let key = GetClusterKey(cluster, KEY_READ);
        if key.is_null() {
            return Err(last_error());
        }
        let key = crate::key::OwnKey(Key(key));
        let (_, found) = key.0.read("ClusterInstanceID")?;
        put(id, guid(&wide::text(&found).ok_or(ERROR_INVALID_DATA)?).ok_or(ERROR_INVALID_DATA)?);
        Ok(())
    }

    fn ResUtilGetClusterRoleState(cluster: HCLUSTER, role: i32) -> State {
        let type_name = usize::try_from(role).ok().and_then(|role| ROLES.get(role)).ok_or(ERROR_INVALID_PARAMETER)?;
        let mut is_there = false;
        each_resource(cluster, std::ptr::null_mut(), type_name, 0, |_| {
            is_there = true;
            ENOUGH
        })?;
        Ok(if is_there { ROLE_CLUSTERED } else { ROLE_UNCLUSTERED })
    }

    fn ResUtilPaxosComparer(left: *const PaxosTagCStruct, right: *const PaxosTagCStruct) -> Truth {
        Ok(tag(&get(left)?) == tag(&get(right)?))
    }

    fn ResUtilLeftPaxosIsLessThanRight(left: *const PaxosTagCStruct, right: *const PaxosTagCStruct) -> Truth {
        Ok(tag(&get(left)?) < tag(&get(right)?))
    }

    fn ResUtilVerifyShutdownSafe(_flags: DWORD, _reason: DWORD, result: *mut DWORD) -> Code {
        need(result)?;
        // A node that stops hands over what it runs by itself: to shut down is safe when the local cluster can be asked.
        Cluster::local()?;
        put(result, ERROR_SUCCESS);
        Ok(())
    }
}

/// A tag in the order of comparison: last epoch, next epoch, sequence.
fn tag(tag: &PaxosTagCStruct) -> (i32, i32, i32) {
    (tag.Epoch_Value, tag.NextEpoch_Value, tag.Sequence)
}

/// Hands out the core resources that were asked for. The name resource must be there, the others may be missing.
///
/// # Safety
/// The targets are NULL or writable.
unsafe fn core(
    cluster: HCLUSTER,
    (name, address, quorum): (*mut HRESOURCE, *mut HRESOURCE, *mut HRESOURCE),
    desired: u32,
) -> Result<(), u32> {
    // A handle that is none is refused, whatever is asked for.
    open::names(cluster, NODES)?;
    let nothing = std::ptr::null_mut();
    let mut found = [None, None, None];
    if !name.is_null() {
        found[0] = core_resource(cluster, &["Network Name", "Distributed Network Name"], desired)?;
        if found[0].is_none() {
            return Err(ERROR_RESOURCE_NOT_FOUND);
        }
    }
    if !address.is_null() {
        found[1] = core_resource(cluster, &["IP Address", "IPv6 Address"], desired)?;
    }
    if !quorum.is_null() {
        found[2] = quorum_resource(cluster, desired)?;
    }
    let [first, second, third] = found.map(|one| one.map_or(nothing, Resource::hand_on));
    // SAFETY: the caller's promise.
    unsafe {
        put(name, first);
        put(address, second);
        put(quorum, third);
    }
    Ok(())
}

fn guid(text: &str) -> Option<GUID> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let number = |from: usize, to: usize| u64::from_str_radix(digits.get(from..to)?, 16).ok();
    (digits.len() == 32).then_some(())?;
    Some(GUID {
        data1: number(0, 8)? as u32,
        data2: number(8, 12)? as u16,
        data3: number(12, 16)? as u16,
        data4: number(16, 32)?.to_be_bytes(),
    })
}
