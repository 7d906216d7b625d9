//! Control codes (reference 05): one function for each kind of object, each with the forms that came later.
//!
//! The output is cut to the caller's buffer here: too small is 234 with the size needed. Codes with the access bit "write"
//! need a handle with the right to change.

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, put, put_bytes, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Id, Kind, Told};

use crate::handles::{self, Member};
use crate::thread;

/// The two bits of a code that say which access it needs.
const ACCESS_MASK: u32 = 3;
/// CLUS_ACCESS_WRITE.
const ACCESS_WRITE: u32 = 2;
/// The largest input, in bytes.
const MAX_INPUT_BYTES: u32 = 1024 * 1024;

/// The buffers of a call.
struct Buffers {
    input: *const c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut DWORD,
}

/// Sends a code, which the call guard has let through, and writes its output.
///
/// # Safety
/// The buffers as the header says.
unsafe fn send(member: &Member, to: Id, host: HANDLE, code: u32, with: Buffers) -> Result<(), u32> {
    let host = handles::node_or_none(host)?;
    if code & ACCESS_MASK == ACCESS_WRITE {
        member.may_change()?;
    }
    if with.input_size > MAX_INPUT_BYTES {
        return Err(ERROR_INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise.
    let input = unsafe { bytes(with.input.cast(), with.input_size) }?.to_vec();
    if with.output.is_null() && with.output_size != 0 {
        return Err(ERROR_INVALID_PARAMETER);
    }
    // SAFETY: the caller's promise.
    unsafe { put(with.returned, 0) };
    match member.session.ask(&Ask::Control { to, host, code, input })? {
        // SAFETY: the caller's promise.
        Told::Controlled { code: ERROR_SUCCESS, output } => unsafe {
            put_bytes(with.output.cast(), with.output_size, with.returned, &output)
        },
        Told::Controlled { code, output } => {
            // An answer other than success may come with output, ERROR_RESOURCE_PROPERTIES_STORED for one.
            // SAFETY: the caller's promise.
            let written = unsafe { put_bytes(with.output.cast(), with.output_size, with.returned, &output) };
            Err(if written.is_ok() || code != ERROR_MORE_DATA { code } else { ERROR_MORE_DATA })
        }
        _ => Err(RPC_S_CALL_FAILED),
    }
}

/// Sends a code to the object of a handle.
///
/// # Safety
/// The buffers as the header says.
unsafe fn to_object(
    name: &'static str,
    handle: HANDLE,
    kind: Kind,
    host: HANDLE,
    code: u32,
    with: Buffers,
) -> Result<(), u32> {
    thread::enter_control(name, code)?;
    let member = handles::object(handle, kind)?;
    // SAFETY: the caller's promise.
    unsafe { send(&member, member.id.clone(), host, code, with) }
}

/// Sends a code to something that is named with the cluster's handle.
///
/// # Safety
/// The buffers and the name as the header says.
unsafe fn to_named(
    function: &'static str,
    cluster: HANDLE,
    kind: Kind,
    name: LPCWSTR,
    host: HANDLE,
    code: u32,
    with: Buffers,
) -> Result<(), u32> {
    thread::enter_control(function, code)?;
    let member = handles::cluster(cluster)?;
    // SAFETY: the caller's promise.
    let id = member.find(kind, unsafe { text(name) }?)?.id;
    // SAFETY: as above.
    unsafe { send(&member, id, host, code, with) }
}

exports! {
    EXPORTS;

    fn ClusterControl(
        cluster: HCLUSTER, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        thread::enter_control("ClusterControl", code)?;
        let member = handles::cluster(cluster)?;
        let with = Buffers { input, input_size, output, output_size, returned };
        send(&member, Id::cluster(), host, code, with)
    }

    fn ClusterControlEx(
        cluster: HCLUSTER, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        thread::enter_control("ClusterControlEx", code)?;
        let member = handles::cluster(cluster)?;
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        send(&member, Id::cluster(), host, code, with)
    }

    fn ClusterNodeControl(
        node: HNODE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNodeControl", node, Kind::Node, host, code, with)
    }

    fn ClusterNodeControlEx(
        node: HNODE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNodeControlEx", node, Kind::Node, host, code, with)
    }

    fn ClusterGroupControl(
        group: HGROUP, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterGroupControl", group, Kind::Group, host, code, with)
    }

    fn ClusterGroupControlEx(
        group: HGROUP, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterGroupControlEx", group, Kind::Group, host, code, with)
    }

    fn ClusterGroupSetControl(
        set: HGROUPSET, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterGroupSetControl", set, Kind::GroupSet, host, code, with)
    }

    fn ClusterGroupSetControlEx(
        set: HGROUPSET, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterGroupSetControlEx", set, Kind::GroupSet, host, code, with)
    }

    fn ClusterNetworkControl(
        network: HNETWORK, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNetworkControl", network, Kind::Network, host, code, with)
    }

    fn ClusterNetworkControlEx(
        network: HNETWORK, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNetworkControlEx", network, Kind::Network, host, code, with)
    }

    fn ClusterNetInterfaceControl(
        interface: HNETINTERFACE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNetInterfaceControl", interface, Kind::NetInterface, host, code, with)
    }

    fn ClusterNetInterfaceControlEx(
        interface: HNETINTERFACE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterNetInterfaceControlEx", interface, Kind::NetInterface, host, code, with)
    }

    fn ClusterResourceControl(
        resource: HRESOURCE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterResourceControl", resource, Kind::Resource, host, code, with)
    }

    fn ClusterResourceControlEx(
        resource: HRESOURCE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterResourceControlEx", resource, Kind::Resource, host, code, with)
    }

    notes "there is one user, so nobody is impersonated"
    fn ClusterResourceControlAsUser(
        resource: HRESOURCE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterResourceControlAsUser", resource, Kind::Resource, host, code, with)
    }

    notes "there is one user, so nobody is impersonated"
    fn ClusterResourceControlAsUserEx(
        resource: HRESOURCE, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD, output: *mut c_void,
        output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_object("ClusterResourceControlAsUserEx", resource, Kind::Resource, host, code, with)
    }

    fn ClusterResourceTypeControl(
        cluster: HCLUSTER, name: LPCWSTR, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_named("ClusterResourceTypeControl", cluster, Kind::ResourceType, name, host, code, with)
    }

    fn ClusterResourceTypeControlEx(
        cluster: HCLUSTER, name: LPCWSTR, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_named("ClusterResourceTypeControlEx", cluster, Kind::ResourceType, name, host, code, with)
    }

    notes "there is one user, so nobody is impersonated"
    fn ClusterResourceTypeControlAsUser(
        cluster: HCLUSTER, name: LPCWSTR, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_named("ClusterResourceTypeControlAsUser", cluster, Kind::ResourceType, name, host, code, with)
    }

    notes "there is one user, so nobody is impersonated"
    fn ClusterResourceTypeControlAsUserEx(
        cluster: HCLUSTER, name: LPCWSTR, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD, reason: LPCWSTR
    ) -> Code {
        text_or_empty(reason);
        let with = Buffers { input, input_size, output, output_size, returned };
        to_named("ClusterResourceTypeControlAsUserEx", cluster, Kind::ResourceType, name, host, code, with)
    }

    fn ClusterAffinityRuleControl(
        cluster: HCLUSTER, name: LPCWSTR, host: HNODE, code: DWORD, input: *const c_void, input_size: DWORD,
        output: *mut c_void, output_size: DWORD, returned: *mut DWORD
    ) -> Code {
        let with = Buffers { input, input_size, output, output_size, returned };
        to_named("ClusterAffinityRuleControl", cluster, Kind::AffinityRule, name, host, code, with)
    }
}
