//! The cluster itself: opening and closing, what it is, its name, its quorum resource.

use std::sync::{Arc, PoisonError, RwLock};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{get, need, put, put_text, text, text_or_empty};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::{Ask, Id, Kind, Order, RegCommand, RegValue, Told};
use resapi_sys_mock::wide;

use crate::handles::{self, Member, Thing, insert};
use crate::{discovery, registry};

/// ClusterStateNotConfigured: the service is there, the computer belongs to no cluster.
const NOT_CONFIGURED: u32 = 1;
/// ClusterStateNotRunning.
const NOT_RUNNING: u32 = 3;
/// ClusterStateRunning.
const RUNNING: u32 = 19;
/// Highest and lowest version of the cluster's inner protocols, as Windows Server 2019 has them.
const INTERNAL_VERSION: u32 = 0x000A_0003;

/// The rights of a handle that was opened with this desired access.
pub(crate) fn granted(desired: u32) -> Result<u32, u32> {
    const ALL: u32 = CLUSAPI_READ_ACCESS | CLUSAPI_CHANGE_ACCESS;
    match desired {
        0 => Err(ERROR_INVALID_PARAMETER),
        bits if bits & (GENERIC_ALL | MAXIMUM_ALLOWED) != 0 => Ok(ALL),
        GENERIC_READ => Ok(CLUSAPI_READ_ACCESS),
        bits if bits & !ALL == 0 => Ok(bits),
        _ => Ok(ALL),
    }
}

fn open(name: Option<String>, access: u32) -> Result<HANDLE, u32> {
    let session = Arc::new(discovery::open(name.as_deref())?);
    Ok(insert(Thing::Cluster(Arc::new(Member { session, id: Id::cluster(), access }))))
}

static REASON_HANDLER: RwLock<Reasons> =
    RwLock::new(Reasons(CLUSAPI_REASON_HANDLER { lpParameter: std::ptr::null_mut(), pfnHandler: None }));

/// The handler that was set last.
struct Reasons(CLUSAPI_REASON_HANDLER);

// SAFETY: whoever sets a handler promises that it and its parameter may be used from any thread.
unsafe impl Send for Reasons {}
// SAFETY: as above.
unsafe impl Sync for Reasons {}

exports! {
    EXPORTS;

    fn OpenCluster(name: LPCWSTR) -> Handle {
        open(wide::read(name), CLUSAPI_READ_ACCESS | CLUSAPI_CHANGE_ACCESS)
    }

    fn OpenClusterEx(name: LPCWSTR, desired: DWORD, granted_access: *mut DWORD) -> Handle {
        let access = granted(desired)?;
        let handle = open(wide::read(name), access)?;
        put(granted_access, access);
        Ok(handle)
    }

    fn CloseCluster(cluster: HCLUSTER) -> Truth {
        handles::close_cluster(cluster)?;
        Ok(true)
    }

    fn GetClusterInformation(
        cluster: HCLUSTER, name: LPWSTR, name_units: *mut DWORD, version: *mut CLUSTERVERSIONINFO
    ) -> Code {
        let told = handles::cluster(cluster)?.session.cluster()?;
        if !version.is_null() {
            let size = get(version.cast::<u32>())? as usize;
            // The older, shorter structure ends before dwClusterHighestVersion.
            if size < std::mem::offset_of!(CLUSTERVERSIONINFO, dwClusterHighestVersion) {
                return Err(ERROR_INVALID_PARAMETER);
            }
            let mut shown = CLUSTERVERSIONINFO {
                dwVersionInfoSize: size as u32,
                MajorVersion: 10,
                MinorVersion: 0,
                BuildNumber: 17763,
                szVendorId: [0; 64],
                szCSDVersion: [0; 64],
                dwClusterHighestVersion: INTERNAL_VERSION,
                dwClusterLowestVersion: INTERNAL_VERSION,
                dwFlags: 0,
                dwReserved: 0,
            };
            let (major, minor, build) = told.version;
            let vendor = wide::units(&format!("Wolfden {major}.{minor}.{build}"));
            shown.szVendorId[..vendor.len()].copy_from_slice(&vendor);
            let bytes = size.min(size_of::<CLUSTERVERSIONINFO>());
            std::ptr::copy_nonoverlapping((&raw const shown).cast::<u8>(), version.cast::<u8>(), bytes);
        }
        put_text(name, name_units, &told.name)
    }

    fn SetClusterName(cluster: HCLUSTER, name: LPCWSTR) -> Code {
        rename(cluster, text(name)?, String::new())
    }

    fn SetClusterNameEx(cluster: HCLUSTER, name: LPCWSTR, reason: LPCWSTR) -> Code {
        rename(cluster, text(name)?, text_or_empty(reason))
    }

    fn GetClusterQuorumResource(
        cluster: HCLUSTER, resource: LPWSTR, resource_units: *mut DWORD, device: LPWSTR, device_units: *mut DWORD,
        max_log: *mut DWORD
    ) -> Code {
        match handles::cluster(cluster)?.session.ask(&Ask::Quorum)? {
            Told::Quorum { resource: found, device: path, size } => {
                put(max_log, size);
                // Both lengths are told, whichever buffer is too small.
                let first = put_text(resource, resource_units, &found);
                put_text(device, device_units, &path)?;
                first
            }
            _ => Err(RPC_S_CALL_FAILED),
        }
    }

    fn SetClusterQuorumResource(resource: HRESOURCE, device: LPCWSTR, max_log: DWORD) -> Code {
        set_quorum(resource, text_or_empty(device), max_log, String::new())
    }

    fn SetClusterQuorumResourceEx(resource: HRESOURCE, device: LPCWSTR, max_log: DWORD, reason: LPCWSTR) -> Code {
        set_quorum(resource, text_or_empty(device), max_log, text_or_empty(reason))
    }

    fn GetNodeClusterState(node: LPCWSTR, state: *mut DWORD) -> Code {
        need(state)?;
        let wanted = wide::read(node);
        let found = match discovery::open(wanted.as_deref()) {
            Ok(session) => {
                let is_up = |name: &String| {
                    session.nodes().iter().any(|node| node.name.eq_ignore_ascii_case(name) && node.is_up)
                };
                // A name that is the cluster's, not a node's, was answered: it runs.
                let is_node = |name: &String| session.nodes().iter().any(|node| node.name.eq_ignore_ascii_case(name));
                match wanted.as_ref().filter(|name| is_node(name)) {
                    Some(name) if !is_up(name) => NOT_RUNNING,
                    Some(_) | None => RUNNING,
                }
            }
            Err(EPT_S_NOT_REGISTERED) => NOT_CONFIGURED,
            Err(_) if wanted.is_none() => NOT_RUNNING,
            Err(code) => return Err(code),
        };
        put(state, found);
        Ok(())
    }

    notes "writes the registry as text, CLUSDB.reg; checkpoints are not in it"
    fn BackupClusterDatabase(cluster: HCLUSTER, path: LPCWSTR) -> Code {
        let (member, path) = (handles::cluster(cluster)?, text(path)?);
        let folder = std::path::Path::new(&path);
        if !folder.is_dir() {
            return Err(ERROR_PATH_NOT_FOUND);
        }
        match member.session.ask(&Ask::Export)? {
            Told::Text(text) => std::fs::write(folder.join("CLUSDB.reg"), text).map_err(|_| ERROR_ACCESS_DENIED),
            _ => Err(RPC_S_CALL_FAILED),
        }
    }

    fn SetClusterNetworkPriorityOrder(cluster: HCLUSTER, count: DWORD, networks: *const HNETWORK) -> Code {
        let member = handles::cluster(cluster)?;
        member.may_change()?;
        let listed = resapi_sys_mock::export::pointers::array(networks, count)?;
        let mut commands = Vec::new();
        for (place, network) in listed.into_iter().enumerate() {
            let network = handles::object(network, Kind::Network)?.look()?;
            let number = RegValue { kind: REG_DWORD, bytes: (place as u32).to_le_bytes().to_vec() };
            let nothing = RegValue { kind: 0, bytes: Vec::new() };
            commands.push(RegCommand { command: 2, name: network.key, value: nothing });
            commands.push(RegCommand { command: 1, name: "Priority".into(), value: number });
        }
        if commands.is_empty() { Ok(()) } else { registry::change(&member.session, String::new(), commands) }
    }

    notes "the handler is kept and handed back; functions without a reason do not ask it"
    fn ClusapiSetReasonHandler(handler: *const CLUSAPI_REASON_HANDLER) -> Handle {
        let new = if handler.is_null() {
            CLUSAPI_REASON_HANDLER { lpParameter: std::ptr::null_mut(), pfnHandler: None }
        } else {
            get(handler)?
        };
        let mut set = REASON_HANDLER.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut set.0, new);
        if before.pfnHandler.is_none() {
            return Ok(std::ptr::null_mut());
        }
        // The caller frees the description of the handler before, as all memory of this library.
        let block = resapi_sys_mock::export::memory::allocate(size_of::<CLUSAPI_REASON_HANDLER>(), true);
        put(block.cast::<CLUSAPI_REASON_HANDLER>(), before);
        Ok(block)
    }

    fn ClusterRegSyncDatabase(cluster: HCLUSTER, flags: DWORD) -> Long {
        const KNOWN: u32 = 3;
        let member = handles::cluster(cluster)?;
        if flags & !KNOWN != 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // Every change is on a majority before it is acknowledged; what is asked now is answered from after it.
        member.session.cluster().map(drop)
    }

    fn DetermineCNOResTypeFromCluster(cluster: HCLUSTER, kind: *mut i32) -> Code {
        need(kind)?;
        let member = handles::cluster(cluster)?;
        let Told::Objects(all) = member.session.ask(&Ask::List(Kind::Resource))? else { return Err(RPC_S_CALL_FAILED) };
        let core = |object: &&resapi_sys_mock::rpc::Object| object.flags & CLUS_FLAG_CORE != 0;
        let name = all.iter().filter(core).find(|object| object.type_name.ends_with("Network Name"));
        // CLUSTER_MGMT_POINT_RESTYPE: 1 single server name, 2 distributed network name.
        let found = name.ok_or(ERROR_RESOURCE_NOT_FOUND)?;
        put(kind, if found.type_name.starts_with("Distributed") { 2 } else { 1 });
        Ok(())
    }

    fn DetermineClusterCloudTypeFromCluster(cluster: HCLUSTER, kind: *mut i32) -> Code {
        handles::cluster(cluster)?;
        need(kind)?;
        // CLUSTER_CLOUD_TYPE_NONE: the nodes are processes of this computer.
        put(kind, 0);
        Ok(())
    }
}

fn rename(cluster: HANDLE, name: String, reason: String) -> Result<(), u32> {
    let member = handles::cluster(cluster)?;
    if name.is_empty() {
        return Err(ERROR_INVALID_PARAMETER);
    }
    member.order(Order::Rename { object: Id::cluster(), name }, reason).map(drop)
}

fn set_quorum(resource: HANDLE, device: String, size: u32, reason: String) -> Result<(), u32> {
    let member = handles::object(resource, Kind::Resource)?;
    let order = Order::SetQuorum { resource: Some(member.id.id.clone()), device, size };
    member.order(order, reason).map(drop)
}
