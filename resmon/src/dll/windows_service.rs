//! What the built-in type Generic Service needs of Windows: processes that stay the same, the command of a service, and the
//! program that runs a service under a network name.

use std::ptr;

use generic_service::{Process, System};
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, WAIT_TIMEOUT};
use windows_sys::Win32::System::Environment::{GetCommandLineW, SetEnvironmentVariableW};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfigW, CloseServiceHandle, OpenSCManagerW, OpenServiceW, SC_MANAGER_CONNECT, SERVICE_CHANGE_CONFIG,
    SERVICE_NO_CHANGE,
};
use windows_sys::Win32::System::Threading::{
    CreateProcessW, GetCurrentProcess, GetExitCodeProcess, INFINITE, OpenProcess, PROCESS_INFORMATION,
    PROCESS_SYNCHRONIZE, PROCESS_TERMINATE, STARTUPINFOW, TerminateProcess, WaitForSingleObject,
};

use resapi_sys_mock::wide;

/// The variables in which a program finds its network name (reference 09.2, as ResUtilGetEnvironmentWithNetName has them).
const NAME_VARIABLES: [&str; 4] =
    ["COMPUTERNAME", "_CLUSTER_NETWORK_NAME_", "_CLUSTER_NETWORK_HOSTNAME_", "_CLUSTER_NETWORK_FQDN_"];

/// The exit code of a process that [`Process::end`] has ended.
const ENDED: u32 = 1;

/// The system that this program runs on.
#[derive(Debug)]
pub(crate) struct Windows;

impl System for Windows {
    fn open_process(&self, number: u32) -> Option<Box<dyn Process>> {
        // SAFETY: any number is allowed; the handle is closed by `Opened`.
        let handle = unsafe { OpenProcess(PROCESS_SYNCHRONIZE | PROCESS_TERMINATE, 0, number) };
        (number != 0 && !handle.is_null()).then(|| Box::new(Opened(handle as usize)) as Box<dyn Process>)
    }

    fn set_service_command(&self, service: &str, command: &str) -> Result<(), u32> {
        let (service, command) = (wide::units(service), wide::units(command));
        // SAFETY: the texts are NUL-terminated; NULL leaves a setting as it is; each handle is closed once, NULL never.
        unsafe {
            let manager = OpenSCManagerW(ptr::null(), ptr::null(), SC_MANAGER_CONNECT);
            if manager.is_null() {
                return Err(super::windows::last_error());
            }
            let opened = OpenServiceW(manager, service.as_ptr(), SERVICE_CHANGE_CONFIG);
            let mut answer = Err(super::windows::last_error());
            if !opened.is_null() {
                let keep = SERVICE_NO_CHANGE;
                let (none, no_tag) = (ptr::null(), ptr::null_mut());
                let changed = ChangeServiceConfigW(
                    opened,
                    keep,
                    keep,
                    keep,
                    command.as_ptr(),
                    none,
                    no_tag,
                    none,
                    none,
                    none,
                    none,
                );
                answer = if changed != 0 { Ok(()) } else { Err(super::windows::last_error()) };
                CloseServiceHandle(opened);
            }
            CloseServiceHandle(manager);
            answer
        }
    }
}

/// A handle of a process, as a number, because threads pass it on.
#[derive(Debug)]
struct Opened(usize);

impl Process for Opened {
    fn has_ended(&self) -> bool {
        // SAFETY: a live handle of ours.
        unsafe { WaitForSingleObject(self.0 as HANDLE, 0) != WAIT_TIMEOUT }
    }

    fn end(&self) -> bool {
        // SAFETY: a live handle of ours.
        unsafe { TerminateProcess(self.0 as HANDLE, ENDED) != 0 }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: made by OpenProcess above, closed here and nowhere else.
        unsafe { CloseHandle(self.0 as HANDLE) };
    }
}

/// The program that runs a service under a network name: the command line of this process says which, and the command
/// (`generic_service::command`). Waits for the service, and takes it along when it is ended itself.
///
/// # Errors
/// In words.
pub(crate) fn run_under_name() -> Result<u32, String> {
    // SAFETY: the system's own text, for the life of the process.
    let line = unsafe { wide::read(GetCommandLineW()) }.unwrap_or_default();
    let (name, command) =
        generic_service::command::parts(&line).ok_or("the network name and the command are missing")?;
    let name = wide::units(name);
    for variable in NAME_VARIABLES {
        let variable = wide::units(variable);
        // SAFETY: both are NUL-terminated.
        unsafe { SetEnvironmentVariableW(variable.as_ptr(), name.as_ptr()) };
    }
    end_together();
    let mut units = wide::units(command);
    // SAFETY: plain numbers and NULL pointers, for which zero is a value.
    let (mut setting, mut made): (STARTUPINFOW, PROCESS_INFORMATION) = unsafe { std::mem::zeroed() };
    setting.cb = u32::try_from(size_of::<STARTUPINFOW>()).unwrap_or(0);
    let none = ptr::null();
    // SAFETY: the command is NUL-terminated and may be changed by the call; both structures are ours; the rest is absent.
    let is_started = unsafe {
        CreateProcessW(none, units.as_mut_ptr(), none.cast(), none.cast(), 0, 0, none.cast(), none, &setting, &mut made)
    };
    if is_started == 0 {
        return Err(format!("{command} cannot be started: error {}", super::windows::last_error()));
    }
    let mut code = 0;
    // SAFETY: the handle was made above and lives as long as this process.
    unsafe {
        WaitForSingleObject(made.hProcess, INFINITE);
        GetExitCodeProcess(made.hProcess, &mut code);
    }
    Ok(code)
}

/// From now on whatever this process starts ends with it: all are in a job whose only handle is here. Where that cannot be, a
/// service that does not stop outlives the process that is ended for it.
fn end_together() {
    // SAFETY: plain numbers, for which zero is a value.
    let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = unsafe { std::mem::zeroed() };
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    // SAFETY: a job without a name, whose handle is never closed; the structure has the size that is stated.
    let is_bound = unsafe {
        let job = CreateJobObjectW(ptr::null(), ptr::null());
        let size = u32::try_from(size_of_val(&limits)).unwrap_or(0);
        !job.is_null()
            && SetInformationJobObject(job, JobObjectExtendedLimitInformation, (&raw const limits).cast(), size) != 0
            && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
    };
    if !is_bound {
        eprintln!("resmon: no job can be made: error {}", super::windows::last_error());
    }
}
