//! Services of Windows: started, stopped and described by resource DLLs (reference 08).
//!
//! Where this library is a Windows DLL there is a service control manager, and the functions drive it. Elsewhere there is none, so no
//! service exists: they check their arguments and say so.

use resapi_sys_mock::abi::*;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::export::pointers::{put, text};
use resapi_sys_mock::exports;

#[cfg(not(windows))]
use self::nowhere as manager;
#[cfg(windows)]
use self::windows as manager;
use crate::paths::{NAME_VARIABLES, network_name};

#[cfg(windows)]
mod windows;

/// The name of a service; one that is missing or empty is 87.
///
/// # Safety
/// NULL, or NUL-terminated.
unsafe fn service_name(name: LPCWSTR) -> Result<String, u32> {
    // SAFETY: the caller's promise.
    let name = unsafe { text(name) }?;
    if name.is_empty() { Err(ERROR_INVALID_PARAMETER) } else { Ok(name) }
}

exports! {
    EXPORTS;

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilStartResourceService(name: LPCWSTR, handle: *mut SC_HANDLE) -> Code {
        put(handle, std::ptr::null_mut());
        let service = manager::open(&service_name(name)?, manager::ALL)?;
        service.start()?;
        if !handle.is_null() {
            put(handle, service.hand_over());
        }
        Ok(())
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilStopResourceService(name: LPCWSTR) -> Code {
        manager::open(&service_name(name)?, manager::ALL)?.stop()
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilVerifyResourceService(name: LPCWSTR) -> Code {
        manager::open(&service_name(name)?, manager::ALL)?.verify()
    }

    refuses_elsewhere "no handle of a service exists (6)"
    fn ResUtilStopService(service: SC_HANDLE) -> Code {
        manager::of_caller(service)?.stop()
    }

    refuses_elsewhere "no handle of a service exists (6)"
    fn ResUtilVerifyService(service: SC_HANDLE) -> Code {
        manager::of_caller(service)?.verify()
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    notes "writes the variables of the network name; the service control manager of Wine 8 does not give them to the service"
    fn ResUtilSetResourceServiceEnvironment(
        name: LPCWSTR, resource: HRESOURCE, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        let name = service_name(name)?;
        manager::open(&name, manager::ALL)?;
        let network_name = network_name(resource)?;
        let lines = NAME_VARIABLES.map(|variable| format!("{variable}={network_name}"));
        manager::set_environment(&name, &lines)
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilRemoveResourceServiceEnvironment(
        name: LPCWSTR, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        let name = service_name(name)?;
        manager::open(&name, manager::ALL)?;
        manager::remove_environment(&name)
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilSetResourceServiceStartParameters(
        name: LPCWSTR, scm: SC_HANDLE, service: *mut SC_HANDLE, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        put(service, std::ptr::null_mut());
        let opened = manager::open_in(scm, &service_name(name)?, manager::ALL)?;
        opened.start_by_hand()?;
        if !service.is_null() {
            put(service, opened.hand_over());
        }
        Ok(())
    }

    refuses_elsewhere "there is no service control manager, so no service exists (1060)"
    fn ResUtilSetResourceServiceStartParametersEx(
        name: LPCWSTR, scm: SC_HANDLE, service: *mut SC_HANDLE, desired: DWORD, _log: PLOG_EVENT_ROUTINE,
        _handle: RESOURCE_HANDLE
    ) -> Code {
        put(service, std::ptr::null_mut());
        let opened = manager::open_in(scm, &service_name(name)?, desired)?;
        opened.start_by_hand()?;
        if !service.is_null() {
            put(service, opened.hand_over());
        }
        Ok(())
    }

    refuses_elsewhere "there is no service control manager, so no process is a service"
    fn ResUtilTerminateServiceProcessFromResDll(
        process: DWORD, offline: BOOL, state: *mut DWORD, _log: PLOG_EVENT_ROUTINE, _handle: RESOURCE_HANDLE
    ) -> Code {
        let ended = manager::end_process(process);
        if manager::IS_THERE {
            let as_wanted = offline != 0 && ended.is_ok();
            put(state, (if as_wanted { ClusterResourceOffline } else { ClusterResourceFailed }) as DWORD);
        }
        ended
    }
}

/// Without a service control manager.
#[cfg(not(windows))]
mod nowhere {
    use resapi_sys_mock::abi::SC_HANDLE;
    use resapi_sys_mock::codes::win32::*;

    pub(super) const IS_THERE: bool = false;
    pub(super) const ALL: u32 = 0;

    /// There is none of these.
    pub(super) enum Service {}

    impl Service {
        pub(super) fn start(&self) -> Result<(), u32> {
            match *self {}
        }

        pub(super) fn stop(&self) -> Result<(), u32> {
            match *self {}
        }

        pub(super) fn verify(&self) -> Result<(), u32> {
            match *self {}
        }

        pub(super) fn start_by_hand(&self) -> Result<(), u32> {
            match *self {}
        }

        pub(super) fn hand_over(self) -> SC_HANDLE {
            match self {}
        }
    }

    pub(super) fn open(_name: &str, _access: u32) -> Result<Service, u32> {
        Err(ERROR_SERVICE_DOES_NOT_EXIST)
    }

    pub(super) fn open_in(_scm: SC_HANDLE, name: &str, access: u32) -> Result<Service, u32> {
        open(name, access)
    }

    pub(super) fn of_caller(_service: SC_HANDLE) -> Result<Service, u32> {
        Err(ERROR_INVALID_HANDLE)
    }

    pub(super) fn set_environment(_name: &str, _lines: &[String]) -> Result<(), u32> {
        Err(ERROR_SERVICE_DOES_NOT_EXIST)
    }

    pub(super) fn remove_environment(_name: &str) -> Result<(), u32> {
        Err(ERROR_SERVICE_DOES_NOT_EXIST)
    }

    pub(super) fn end_process(_number: u32) -> Result<(), u32> {
        Err(ERROR_CALL_NOT_IMPLEMENTED)
    }
}
