//! Functions that make no sense outside of Windows: the encryption of checkpoints, cluster shared volumes. Each checks its arguments and answers the documented error.

use core::ffi::{c_char, c_void};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, need, text};
use resapi_sys_mock::exports;

exports! {
    EXPORTS;

    refuses "there are no cryptographic service providers"
    fn OpenClusterCryptProvider(resource: LPCWSTR, provider: *const c_char, _kind: DWORD, _flags: DWORD) -> Handle {
        text(resource)?;
        need(provider)?;
        Err(ERROR_CALL_NOT_IMPLEMENTED)
    }

    refuses "there are no cryptographic service providers"
    fn OpenClusterCryptProviderEx(
        resource: LPCWSTR, key: LPCWSTR, provider: *const c_char, _kind: DWORD, _flags: DWORD
    ) -> Handle {
        text(resource)?;
        text(key)?;
        need(provider)?;
        Err(ERROR_CALL_NOT_IMPLEMENTED)
    }

    refuses "no provider can be open (6)"
    fn CloseClusterCryptProvider(_provider: HCLUSCRYPTPROVIDER) -> Code {
        Err(ERROR_INVALID_HANDLE)
    }

    refuses "no provider can be open (6)"
    fn ClusterEncrypt(
        _provider: HCLUSCRYPTPROVIDER, data: *const u8, size: DWORD, output: *mut *mut u8, output_size: *mut DWORD
    ) -> Code {
        bytes(data, size)?;
        need(output)?;
        need(output_size)?;
        Err(ERROR_INVALID_HANDLE)
    }

    refuses "no provider can be open (6)"
    fn ClusterDecrypt(
        _provider: HCLUSCRYPTPROVIDER, data: *const u8, size: DWORD, output: *mut *mut u8, output_size: *mut DWORD
    ) -> Code {
        bytes(data, size)?;
        need(output)?;
        need(output_size)?;
        Err(ERROR_INVALID_HANDLE)
    }

    fn FreeClusterCrypt(block: *mut c_void) -> Code {
        need(block)?;
        resapi_sys_mock::export::memory::release(block);
        Ok(())
    }

    fn ClusterIsPathOnSharedVolume(path: LPCWSTR) -> Truth {
        text(path)?;
        // There are no shared volumes, so no path is on one.
        Ok(false)
    }

    refuses "there are no cluster shared volumes: no path is on one (5950)"
    fn ClusterGetVolumePathName(path: LPCWSTR, target: LPWSTR, _units: DWORD) -> Truth {
        text(path)?;
        need(target)?;
        Err(ERROR_NON_CSV_PATH)
    }

    refuses "there are no cluster shared volumes: no path is on one (5950)"
    fn ClusterGetVolumeNameForVolumeMountPoint(path: LPCWSTR, target: LPWSTR, _units: DWORD) -> Truth {
        text(path)?;
        need(target)?;
        Err(ERROR_NON_CSV_PATH)
    }

    refuses "there are no cluster shared volumes: no path is on one (5950)"
    fn ClusterPrepareSharedVolumeForBackup(
        path: LPCWSTR, _volume_path: LPWSTR, volume_path_units: *mut DWORD, _volume: LPWSTR, volume_units: *mut DWORD
    ) -> Code {
        text(path)?;
        need(volume_path_units)?;
        need(volume_units)?;
        Err(ERROR_NON_CSV_PATH)
    }

    refuses "there are no cluster shared volumes (5945)"
    fn ClusterClearBackupStateForSharedVolume(path: LPCWSTR) -> Code {
        text(path)?;
        Err(ERROR_CLUSTER_NOT_SHARED_VOLUME)
    }
}
