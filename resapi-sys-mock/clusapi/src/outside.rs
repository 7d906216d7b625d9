//! Functions that make no sense outside of Windows, or that no part of the emulator can carry out: each checks its arguments
//! and answers the documented error. `docs/api-coverage.md` lists them with the reasons.

use core::ffi::c_void;

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{need, put, text};
use resapi_sys_mock::exports;
use resapi_sys_mock::rpc::Kind;

use crate::handles;

/// The answer of a function that nobody can carry out.
const REFUSED: u32 = ERROR_CALL_NOT_IMPLEMENTED;

exports! {
    EXPORTS;

    refuses "the services of nodes are started by whoever runs the cluster (cluster-svc run --form)"
    fn CreateCluster(
        config: *const c_void, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK, _argument: *const c_void
    ) -> Handle {
        need(config)?;
        Err(REFUSED)
    }

    refuses "the services of nodes are stopped by whoever runs the cluster"
    fn DestroyCluster(
        cluster: HCLUSTER, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK, _argument: *const c_void, _delete: BOOL
    ) -> Code {
        handles::cluster(cluster)?;
        Err(REFUSED)
    }

    refuses "there is no directory service with computer accounts"
    fn CreateClusterNameAccount(
        cluster: HCLUSTER, config: *const c_void, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK, _argument: *const c_void
    ) -> Code {
        handles::cluster(cluster)?;
        need(config)?;
        Err(REFUSED)
    }

    refuses "there is no directory service with computer accounts"
    fn RemoveClusterNameAccount(cluster: HCLUSTER, _delete: BOOL) -> Code {
        handles::cluster(cluster)?;
        Err(REFUSED)
    }

    refuses "a node joins by itself (cluster-svc run --join); no service can start it from afar"
    fn AddClusterNode(
        cluster: HCLUSTER, name: LPCWSTR, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK, _argument: *const c_void
    ) -> Handle {
        handles::cluster(cluster)?;
        text(name)?;
        Err(REFUSED)
    }

    refuses "a node joins by itself (cluster-svc run --join); no service can start it from afar"
    fn AddClusterNodeEx(
        cluster: HCLUSTER, name: LPCWSTR, _flags: DWORD, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK,
        _argument: *const c_void
    ) -> Handle {
        handles::cluster(cluster)?;
        text(name)?;
        Err(REFUSED)
    }

    refuses "there are no storage nodes (Storage Spaces Direct)"
    fn AddClusterStorageNode(
        cluster: HCLUSTER, name: LPCWSTR, _progress: PCLUSTER_SETUP_PROGRESS_CALLBACK, _argument: *const c_void,
        _description: LPCWSTR, _location: LPCWSTR
    ) -> Code {
        handles::cluster(cluster)?;
        text(name)?;
        Err(REFUSED)
    }

    refuses "there are no storage nodes (Storage Spaces Direct)"
    fn RemoveClusterStorageNode(cluster: HCLUSTER, name: LPCWSTR, _timeout: DWORD, _flags: DWORD) -> Code {
        handles::cluster(cluster)?;
        text(name)?;
        Err(REFUSED)
    }

    refuses "nodes keep their names: evict the old one, and let the new one join"
    fn ClusterNodeReplacement(cluster: HCLUSTER, current: LPCWSTR, new: LPCWSTR) -> Code {
        handles::cluster(cluster)?;
        text(current)?;
        text(new)?;
        Err(REFUSED)
    }

    refuses "there are no cluster sets: a cluster knows no other one"
    fn AddCrossClusterGroupSetDependency(set: HGROUPSET, cluster: LPCWSTR, remote: LPCWSTR) -> Code {
        handles::object(set, Kind::GroupSet)?;
        text(cluster)?;
        text(remote)?;
        Err(REFUSED)
    }

    refuses "there are no cluster sets: a cluster knows no other one"
    fn RemoveCrossClusterGroupSetDependency(set: HGROUPSET, cluster: LPCWSTR, remote: LPCWSTR) -> Code {
        handles::object(set, Kind::GroupSet)?;
        text(cluster)?;
        text(remote)?;
        Err(REFUSED)
    }

    refuses "there are no cluster shared volumes"
    fn AddResourceToClusterSharedVolumes(resource: HRESOURCE) -> Code {
        handles::object(resource, Kind::Resource)?.look()?;
        // ERROR_DISK_NOT_CSV_CAPABLE: no disk of the emulator is.
        Err(ERROR_DISK_NOT_CSV_CAPABLE)
    }

    refuses "there are no cluster shared volumes"
    fn RemoveResourceFromClusterSharedVolumes(resource: HRESOURCE) -> Code {
        handles::object(resource, Kind::Resource)?.look()?;
        Err(ERROR_CLUSTER_NOT_SHARED_VOLUME)
    }

    fn IsFileOnClusterSharedVolume(path: LPCWSTR, is_shared: *mut BOOL) -> Code {
        text(path)?;
        need(is_shared)?;
        // There are no shared volumes, so no file is on one.
        put(is_shared, 0);
        Ok(())
    }

    refuses "there are no cluster shared volumes"
    fn ClusterSharedVolumeSetSnapshotState(_set: GUID, volume: LPCWSTR, _state: i32) -> Code {
        text(volume)?;
        Err(ERROR_CLUSTER_NOT_SHARED_VOLUME)
    }

    refuses "the service runs as the user who started it, without a password of its own"
    fn SetClusterServiceAccountPassword(
        cluster: LPCWSTR, password: LPCWSTR, _flags: DWORD, _status: *mut c_void, _size: *mut DWORD
    ) -> Code {
        text(cluster)?;
        text(password)?;
        Err(REFUSED)
    }

    refuses "whoever can reach the loopback address has full access; there are no accounts to grant it to"
    fn ClusterSetAccountAccess(cluster: HCLUSTER, sid: LPCWSTR, _access: DWORD, _control: DWORD) -> Code {
        handles::cluster(cluster)?;
        text(sid)?;
        Err(REFUSED)
    }

    refuses "all nodes have the functional level of this version; there is none to raise it to"
    fn ClusterUpgradeFunctionalLevel(
        cluster: HCLUSTER, _perform: BOOL, _progress: PCLUSTER_UPGRADE_PROGRESS_CALLBACK, _argument: *const c_void
    ) -> Code {
        handles::cluster(cluster)?;
        Err(REFUSED)
    }

    refuses "the database of a running cluster cannot be replaced; use cluster registry import"
    fn RestoreClusterDatabase(path: LPCWSTR, _force: BOOL, _drive: LPCWSTR) -> Code {
        text(path)?;
        Err(REFUSED)
    }

    refuses "nodes that belong to no cluster yet cannot be asked"
    fn DetermineCNOResTypeFromNodelist(count: DWORD, names: *const LPCWSTR, kind: *mut i32) -> Code {
        need(names)?;
        need(kind)?;
        Err(if count == 0 { ERROR_INVALID_PARAMETER } else { REFUSED })
    }

    fn DetermineClusterCloudTypeFromNodelist(count: DWORD, names: *const LPCWSTR, kind: *mut i32) -> Code {
        need(names)?;
        need(kind)?;
        if count == 0 {
            return Err(ERROR_INVALID_PARAMETER);
        }
        // CLUSTER_CLOUD_TYPE_NONE: nodes are processes of this computer.
        put(kind, 0);
        Ok(())
    }

    fn GetNodeCloudTypeDW(name: LPCWSTR, kind: *mut DWORD) -> Code {
        text(name)?;
        need(kind)?;
        put(kind, 0);
        Ok(())
    }
}
