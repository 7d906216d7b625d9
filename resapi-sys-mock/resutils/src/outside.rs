//! Functions that make no sense outside of Windows: services of the service control manager, the encryption of checkpoints,
//! cluster shared volumes. Each checks its arguments and answers the documented error.

use core::ffi::{c_char, c_void};

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{bytes, need, put, text};
use resapi_sys_mock::exports;

/// ERROR_INVALID_PARAMETER for a service without a name, else: no service has this name, because there is no service control
/// manager that could have one.
///
/// # Safety
/// NULL, or NUL-terminated.
unsafe fn no_such_service(name: LPCWSTR) -> u32 {
    // SAFETY: the caller's promise.
    match unsafe { text(name) } {
        Ok(name) if !name.is_empty() => ERROR_SERVICE_DOES_NOT_EXIST,
        _ => ERROR_INVALID_PARAMETER,
    }
}

exports! {
    EXPORTS;

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilStartResourceService(name: LPCWSTR, handle: *mut SC_HANDLE) -> Code {
        put(handle, std::ptr::null_mut());
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilStopResourceService(name: LPCWSTR) -> Code {
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilVerifyResourceService(name: LPCWSTR) -> Code {
        Err(no_such_service(name))
    }

    refuses "no handle of a service exists (6)"
    fn ResUtilStopService(_service: SC_HANDLE) -> Code {
        Err(ERROR_INVALID_HANDLE)
    }

    refuses "no handle of a service exists (6)"
    fn ResUtilVerifyService(_service: SC_HANDLE) -> Code {
        Err(ERROR_INVALID_HANDLE)
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilSetResourceServiceEnvironment(
        name: LPCWSTR, _resource: HRESOURCE, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilRemoveResourceServiceEnvironment(
        name: LPCWSTR, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilSetResourceServiceStartParameters(
        name: LPCWSTR, _manager: SC_HANDLE, service: *mut SC_HANDLE, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        put(service, std::ptr::null_mut());
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no service exists (1060)"
    fn ResUtilSetResourceServiceStartParametersEx(
        name: LPCWSTR, _manager: SC_HANDLE, service: *mut SC_HANDLE, _desired: DWORD, _log: PLOG_EVENT_ROUTINE,
        _handle: RESOURCE_HANDLE
    ) -> Code {
        put(service, std::ptr::null_mut());
        Err(no_such_service(name))
    }

    refuses "there is no service control manager, so no process is a service"
    fn ResUtilTerminateServiceProcessFromResDll(
        _process: DWORD, _offline: BOOL, _state: *mut DWORD, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        Err(ERROR_CALL_NOT_IMPLEMENTED)
    }

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
