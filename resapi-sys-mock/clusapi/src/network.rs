//! Networks and network interfaces: what the cluster registry says of them.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{need, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Kind, Object, Told};

use crate::group::rename;
use crate::handles::{self, Member};
use crate::node::{cluster_of, open, open_ex};

exports! {
    EXPORTS;

    fn OpenClusterNetwork(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::Network, text(name)?)
    }

    fn OpenClusterNetworkEx(cluster: HCLUSTER, name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD) -> Handle {
        let (handle, access) = open_ex(cluster, Kind::Network, text(name)?, desired)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn CloseClusterNetwork(network: HNETWORK) -> Truth {
        handles::close(network, Kind::Network)
    }

    fn GetClusterFromNetwork(network: HNETWORK) -> Handle {
        cluster_of(network, Kind::Network)
    }

    notes "networks are what the registry says; up while a node is that can use them"
    fn GetClusterNetworkState(network: HNETWORK) -> State {
        Ok(handles::object(network, Kind::Network)?.look()?.state)
    }

    fn GetClusterNetworkId(network: HNETWORK, id: LPWSTR, units: *mut DWORD) -> Code {
        let member = handles::object(network, Kind::Network)?;
        need(units)?;
        put_text(id, units, &member.id.id)
    }

    fn SetClusterNetworkName(network: HNETWORK, name: LPCWSTR) -> Code {
        rename(network, Kind::Network, text(name)?, String::new())
    }

    fn SetClusterNetworkNameEx(network: HNETWORK, name: LPCWSTR, reason: LPCWSTR) -> Code {
        rename(network, Kind::Network, text(name)?, text_or_empty(reason))
    }

    fn OpenClusterNetInterface(cluster: HCLUSTER, name: LPCWSTR) -> Handle {
        open(cluster, Kind::NetInterface, text(name)?)
    }

    fn OpenClusterNetInterfaceEx(
        cluster: HCLUSTER, name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD
    ) -> Handle {
        let (handle, access) = open_ex(cluster, Kind::NetInterface, text(name)?, desired)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn CloseClusterNetInterface(interface: HNETINTERFACE) -> Truth {
        handles::close(interface, Kind::NetInterface)
    }

    fn GetClusterFromNetInterface(interface: HNETINTERFACE) -> Handle {
        cluster_of(interface, Kind::NetInterface)
    }

    notes "networks are what the registry says; up while a node is that can use them"
    fn GetClusterNetInterfaceState(interface: HNETINTERFACE) -> State {
        Ok(handles::object(interface, Kind::NetInterface)?.look()?.state)
    }

    fn GetClusterNetInterface(
        cluster: HCLUSTER, node: LPCWSTR, network: LPCWSTR, name: LPWSTR, units: *mut DWORD
    ) -> Code {
        let member = handles::cluster(cluster)?;
        need(units)?;
        let found = interfaces(&member, &text(node)?, &text(network)?)?;
        put_text(name, units, &found.first().ok_or(ERROR_CLUSTER_NETINTERFACE_NOT_FOUND)?.name)
    }
}

/// The interfaces of a node on a network; an empty name stands for all. Names that are none are refused.
pub(crate) fn interfaces(member: &Member, node: &str, network: &str) -> Result<Vec<Object>, u32> {
    let id = |kind: Kind, name: &str| -> Result<Option<String>, u32> {
        if name.is_empty() { Ok(None) } else { Ok(Some(member.find(kind, name.to_owned())?.id.id)) }
    };
    let (node, network) = (id(Kind::Node, node)?, id(Kind::Network, network)?);
    let Told::Objects(all) = member.session.ask(&Ask::List(Kind::NetInterface))? else {
        return Err(RPC_S_CALL_FAILED);
    };
    let is_one = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(has));
    Ok(all.into_iter().filter(|one| is_one(&node, &one.parent) && is_one(&network, &one.type_name)).collect())
}
