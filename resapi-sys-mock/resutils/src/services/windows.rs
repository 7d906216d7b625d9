//! The service control manager, for the functions of the parent.
//!
//! That of Wine goes on to call a service running whose process was ended, so the process is looked at as well.

use core::ffi::c_void;
use std::ptr;
use std::time::{Duration, Instant};

use resapi_sys_mock::abi::SC_HANDLE;
use resapi_sys_mock::codes::win32::*;
use resapi_sys_mock::wide;
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, WAIT_TIMEOUT};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, REG_MULTI_SZ, RegDeleteKeyValueW, RegSetKeyValueW};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, ChangeServiceConfigW, CloseServiceHandle, ControlService, OpenSCManagerW, OpenServiceW,
    QueryServiceStatusEx, SC_MANAGER_CONNECT, SC_STATUS_PROCESS_INFO, SERVICE_ALL_ACCESS,
    SERVICE_CONFIG_FAILURE_ACTIONS, SERVICE_CONTROL_STOP, SERVICE_DEMAND_START, SERVICE_FAILURE_ACTIONSW,
    SERVICE_NO_CHANGE, SERVICE_RUNNING, SERVICE_START_PENDING, SERVICE_STATUS, SERVICE_STATUS_PROCESS, SERVICE_STOPPED,
    StartServiceW,
};
use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, TerminateProcess, WaitForSingleObject,
};

pub(super) const IS_THERE: bool = true;
/// Every right on a service.
pub(super) const ALL: u32 = SERVICE_ALL_ACCESS;

/// How often the state of a service is asked for while it changes.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a service may take to start or to stop.
const WAIT_LIMIT: Duration = Duration::from_secs(180);

/// How long a process that was ended may take to disappear, ms.
const END_LIMIT_MS: u32 = 10_000;

/// The exit code of a process that is ended here.
const ENDED: u32 = 1;

/// ERROR_SERVICE_NEVER_STARTED: it ended instead of running, and has not said why.
const NEVER_STARTED: u32 = 1077;

/// The keys of services, below HKEY_LOCAL_MACHINE.
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// A handle of the service control manager or of a service.
struct Opened(SC_HANDLE);

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: opened below, closed here and nowhere else.
        unsafe { CloseServiceHandle(self.0.cast()) };
    }
}

/// A service, opened here or by the caller.
pub(super) enum Service {
    /// Closed when it is dropped.
    Own(OwnService),
    /// The caller closes it.
    OfCaller(SC_HANDLE),
}

/// A service that was opened here.
pub(super) struct OwnService(Opened);

/// Opens a service of this computer.
pub(super) fn open(name: &str, access: u32) -> Result<Service, u32> {
    // SAFETY: NULL means this computer and its services.
    let manager = unsafe { OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT) };
    if manager.is_null() {
        return Err(last_error());
    }
    let manager = Opened(manager.cast());
    open_in(manager.0, name, access)
}

/// Opens a service with a handle of its manager; the call refuses what is no such handle.
pub(super) fn open_in(manager: SC_HANDLE, name: &str, access: u32) -> Result<Service, u32> {
    let name = wide::units(name);
    // SAFETY: the name is NUL-terminated; the handle is checked by the call.
    let service = unsafe { OpenServiceW(manager.cast(), name.as_ptr(), access) };
    if service.is_null() { Err(last_error()) } else { Ok(Service::Own(OwnService(Opened(service.cast())))) }
}

/// A handle that the caller has opened; each call refuses what is none.
pub(super) fn of_caller(service: SC_HANDLE) -> Result<Service, u32> {
    if service.is_null() { Err(ERROR_INVALID_HANDLE) } else { Ok(Service::OfCaller(service)) }
}

impl Service {
    /// Starts it and waits until it runs; one that runs already is fine.
    pub(super) fn start(&self) -> Result<(), u32> {
        // SAFETY: a handle of ours or the caller's, without arguments.
        if unsafe { StartServiceW(self.handle(), 0, ptr::null()) } == 0 {
            let code = last_error();
            if code != ERROR_SERVICE_ALREADY_RUNNING {
                return Err(code);
            }
        }
        let end = Instant::now() + WAIT_LIMIT;
        loop {
            let status = self.status()?;
            match status.dwCurrentState {
                SERVICE_RUNNING if lives(&status) => return Ok(()),
                SERVICE_START_PENDING if lives(&status) || status.dwProcessId == 0 => {}
                _ => return Err(if status.dwWin32ExitCode == 0 { NEVER_STARTED } else { status.dwWin32ExitCode }),
            }
            if Instant::now() > end {
                return Err(ERROR_SERVICE_REQUEST_TIMEOUT);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Tells it to stop and waits until it has; one that does not run is fine.
    pub(super) fn stop(&self) -> Result<(), u32> {
        let end = Instant::now() + WAIT_LIMIT;
        let mut is_told = false;
        loop {
            let status = self.status()?;
            if status.dwCurrentState == SERVICE_STOPPED || !lives(&status) {
                return Ok(());
            }
            if !is_told {
                // SAFETY: plain numbers, for which zero is a value; ours, as the handle is or the caller's.
                let done = unsafe {
                    let mut answer: SERVICE_STATUS = std::mem::zeroed();
                    ControlService(self.handle(), SERVICE_CONTROL_STOP, &mut answer)
                };
                match if done == 0 { last_error() } else { 0 } {
                    0 => is_told = true,
                    ERROR_SERVICE_NOT_ACTIVE => return Ok(()),
                    // One that is just starting takes no order yet.
                    ERROR_SERVICE_CANNOT_ACCEPT_CTRL if status.dwCurrentState == SERVICE_START_PENDING => {}
                    code => return Err(code),
                }
            }
            if Instant::now() > end {
                return Err(ERROR_SERVICE_REQUEST_TIMEOUT);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// 5004 when it neither runs nor starts.
    pub(super) fn verify(&self) -> Result<(), u32> {
        let status = self.status()?;
        let is_up = matches!(status.dwCurrentState, SERVICE_RUNNING | SERVICE_START_PENDING);
        if is_up && lives(&status) { Ok(()) } else { Err(ERROR_RESOURCE_NOT_ONLINE) }
    }

    /// From now on it is started by hand alone, and its manager does nothing when it fails: both are the cluster's business.
    pub(super) fn start_by_hand(&self) -> Result<(), u32> {
        let (keep, none) = (SERVICE_NO_CHANGE, ptr::null());
        // SAFETY: a handle of ours; NULL leaves a setting as it is.
        let changed = unsafe {
            let no_tag = ptr::null_mut();
            ChangeServiceConfigW(
                self.handle(),
                keep,
                SERVICE_DEMAND_START,
                keep,
                none,
                none,
                no_tag,
                none,
                none,
                none,
                none,
            )
        };
        if changed == 0 {
            return Err(last_error());
        }
        // SAFETY: zero is a value of each field: no actions. A pointer that is not NULL beside the count 0 deletes them.
        unsafe {
            let mut actions: SERVICE_FAILURE_ACTIONSW = std::mem::zeroed();
            let mut nothing = std::mem::zeroed();
            actions.lpsaActions = &mut nothing;
            // Services that cannot have any are as they shall be.
            ChangeServiceConfig2W(self.handle(), SERVICE_CONFIG_FAILURE_ACTIONS, (&raw const actions).cast());
        }
        Ok(())
    }

    /// The caller closes it from now on.
    pub(super) fn hand_over(self) -> SC_HANDLE {
        match self {
            Service::Own(OwnService(opened)) => std::mem::ManuallyDrop::new(opened).0,
            Service::OfCaller(handle) => handle,
        }
    }

    fn handle(&self) -> *mut c_void {
        match self {
            Service::Own(OwnService(opened)) => opened.0.cast(),
            Service::OfCaller(handle) => handle.cast(),
        }
    }

    fn status(&self) -> Result<SERVICE_STATUS_PROCESS, u32> {
        // SAFETY: plain numbers, for which zero is a value.
        let mut status: SERVICE_STATUS_PROCESS = unsafe { std::mem::zeroed() };
        let size = u32::try_from(size_of_val(&status)).unwrap_or(0);
        let mut needed = 0;
        // SAFETY: a buffer of the stated size; the handle is checked by the call.
        let is_told = unsafe {
            let buffer = (&raw mut status).cast();
            QueryServiceStatusEx(self.handle(), SC_STATUS_PROCESS_INFO, buffer, size, &mut needed)
        };
        if is_told == 0 { Err(last_error()) } else { Ok(status) }
    }
}

/// Whether the process of a service is there.
fn lives(status: &SERVICE_STATUS_PROCESS) -> bool {
    // SAFETY: any number is allowed; the handle is closed below.
    let process = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, status.dwProcessId) };
    status.dwProcessId != 0 && !process.is_null() && {
        // SAFETY: opened above, closed here.
        let state = unsafe { WaitForSingleObject(process, 0) };
        close(process);
        state == WAIT_TIMEOUT
    }
}

fn close(handle: HANDLE) {
    // SAFETY: the callers own the handle and use it no more.
    unsafe { CloseHandle(handle) };
}

/// Ends the process with this number, and waits until it is gone.
pub(super) fn end_process(number: u32) -> Result<(), u32> {
    // SAFETY: any number is allowed; the handle is closed below.
    let process = unsafe { OpenProcess(PROCESS_SYNCHRONIZE | PROCESS_TERMINATE, 0, number) };
    if process.is_null() {
        return Err(last_error());
    }
    // SAFETY: a live handle of ours.
    let ended = unsafe {
        if TerminateProcess(process, ENDED) == 0 {
            Err(last_error())
        } else if WaitForSingleObject(process, END_LIMIT_MS) == WAIT_TIMEOUT {
            Err(ERROR_TIMEOUT)
        } else {
            Ok(())
        }
    };
    close(process);
    ended
}

/// Writes the environment of a service, which its manager reads when it is started.
pub(super) fn set_environment(service: &str, lines: &[String]) -> Result<(), u32> {
    let (key, name) = (wide::units(&format!(r"{SERVICES}\{service}")), wide::units("Environment"));
    let bytes = wide::list_bytes(lines.iter().map(String::as_str));
    let size = u32::try_from(bytes.len()).map_err(|_| ERROR_INVALID_PARAMETER)?;
    // SAFETY: both texts are NUL-terminated; the buffer has the stated size.
    let code = unsafe {
        let data = bytes.as_ptr().cast();
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr(), REG_MULTI_SZ, data, size)
    };
    if code == 0 { Ok(()) } else { Err(code) }
}

/// Takes it away again; one that is not there is fine.
pub(super) fn remove_environment(service: &str) -> Result<(), u32> {
    let (key, name) = (wide::units(&format!(r"{SERVICES}\{service}")), wide::units("Environment"));
    // SAFETY: both texts are NUL-terminated.
    match unsafe { RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr()) } {
        0 | ERROR_FILE_NOT_FOUND => Ok(()),
        code => Err(code),
    }
}

fn last_error() -> u32 {
    crate::last_error()
}
