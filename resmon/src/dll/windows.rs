//! What only a monitor that is a Windows program has: events that are handles of the system, and last words of a crash.
//!
//! A real resource DLL makes the EventHandle of Online with `CreateEvent` of kernel32, not with the host table. A thread
//! waits for it, as long as the resource is online. When a fault of a DLL ends the process, a line on standard error says
//! what the fault was and in which module; the Cluster service carries it into the cluster log, and knows from the record of
//! calls which entry point of which resource was under way.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, DUPLICATE_SAME_ACCESS, DuplicateHandle, EXCEPTION_ACCESS_VIOLATION, EXCEPTION_ILLEGAL_INSTRUCTION,
    EXCEPTION_INT_DIVIDE_BY_ZERO, EXCEPTION_STACK_OVERFLOW, GetLastError, HANDLE, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    EXCEPTION_POINTERS, SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode, SetUnhandledExceptionFilter,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleFileNameW,
    GetModuleHandleExW,
};
use windows_sys::Win32::System::Memory::{GetProcessHeaps, HeapValidate};
use windows_sys::Win32::System::Registry::{HKEY_LOCAL_MACHINE, REG_DWORD, REG_SZ, RegSetKeyValueW};
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, SetEvent, TerminateProcess, WaitForMultipleObjects, WaitForSingleObject,
};

use resapi_sys_mock::wide;

use super::handles::find_resource;
use crate::clock::lock;
use crate::monitor::STACK_BYTES;

/// How many events of the system may be watched at the same time.
const MAX_WATCHED: usize = 1_024;

/// After a signal that stays: how long until it is looked at again, so that a DLL that never resets its event does not keep
/// a thread busy.
const STAYS_SIGNALLED: Duration = Duration::from_millis(500);

/// STATUS_HEAP_CORRUPTION of ntstatus.h.
const STATUS_HEAP_CORRUPTION: i32 = 0xC000_0374_u32 as i32;

/// How many heaps of the process are looked at.
const MAX_HEAPS: usize = 64;

/// EXCEPTION_EXECUTE_HANDLER of excpt.h: the filter dealt with it, the process ends with the exception's code.
const EXECUTE_HANDLER: i32 = 1;

/// The longest path that the system tells, in UTF-16 units.
const MAX_PATH_UNITS: usize = 1_024;

/// A handle of the system that is ours to close, as a number, because threads pass it on.
#[derive(Debug)]
struct Owned(usize);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: made by DuplicateHandle or CreateEventW below, closed here and nowhere else.
        unsafe { CloseHandle(self.0 as HANDLE) };
    }
}

/// The events that are waited for, each with the event that ends the waiting.
static WATCHED: Mutex<BTreeMap<usize, Owned>> = Mutex::new(BTreeMap::new());

/// Once, before the first DLL is loaded: no dialogs of the system, and last words.
pub(crate) fn prepare() {
    // SAFETY: both only change settings of this process; the filter is a static function.
    unsafe {
        SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
        SetUnhandledExceptionFilter(Some(last_words));
    }
}

/// From now on the resource is told whenever `event` is signalled. False: it is no handle that can be waited for.
pub(super) fn watch_event(event: usize, resource: isize) -> bool {
    unwatch_event(event);
    let mut copy: HANDLE = ptr::null_mut();
    // SAFETY: the number comes from a library; the call refuses one that is no handle of this process. `copy` is ours.
    let is_handle = unsafe {
        let own = GetCurrentProcess();
        DuplicateHandle(own, event as HANDLE, own, &mut copy, 0, 0, DUPLICATE_SAME_ACCESS) != 0
    };
    if !is_handle || copy.is_null() {
        return false;
    }
    let copy = Owned(copy as usize);
    // SAFETY: no security, manual reset, not signalled, no name.
    let (ending, endings) = unsafe {
        let ending = CreateEventW(ptr::null(), 1, 0, ptr::null());
        let mut endings: HANDLE = ptr::null_mut();
        let own = GetCurrentProcess();
        DuplicateHandle(own, ending, own, &mut endings, 0, 0, DUPLICATE_SAME_ACCESS);
        (Owned(ending as usize), Owned(endings as usize))
    };
    let mut watched = lock(&WATCHED);
    if ending.0 == 0 || endings.0 == 0 || watched.len() >= MAX_WATCHED {
        return false;
    }
    let thread = std::thread::Builder::new().name("event".into()).stack_size(STACK_BYTES);
    if thread.spawn(move || wait(&copy, &endings, resource)).is_err() {
        return false;
    }
    watched.insert(event, ending);
    true
}

/// Nobody is told any more.
pub(super) fn unwatch_event(event: usize) {
    if let Some(ending) = lock(&WATCHED).remove(&event) {
        // SAFETY: a live event of ours.
        unsafe { SetEvent(ending.0 as HANDLE) };
    }
}

/// Tells the resource of each signal until the end is signalled.
fn wait(event: &Owned, ending: &Owned, resource: isize) {
    // The end first: when both are signalled the lower index counts.
    let both = [ending.0 as HANDLE, event.0 as HANDLE];
    loop {
        // SAFETY: two live handles that this thread keeps open.
        if unsafe { WaitForMultipleObjects(2, both.as_ptr(), 0, INFINITE) } != WAIT_OBJECT_0 + 1 {
            return;
        }
        if let Ok(resource) = find_resource(resource) {
            resource.event_signalled();
        }
        // An event of automatic reset is unsignalled by the wait above; another stays, and is told once in a while.
        // SAFETY: as above.
        while unsafe { WaitForSingleObject(both[0], STAYS_SIGNALLED.as_millis() as u32) } == WAIT_TIMEOUT {
            // SAFETY: as above. This look would use up a new signal of automatic reset, so it is told as well.
            if unsafe { WaitForSingleObject(both[1], 0) } != WAIT_OBJECT_0 {
                break;
            }
            if let Ok(resource) = find_resource(resource) {
                resource.event_signalled();
            }
        }
    }
}

/// Says on standard error what ends the process. Runs on the thread that met the fault, whose stack may be used up: so it
/// stays small, and takes no lock.
///
/// # Safety
/// Called by the system, with a valid record.
unsafe extern "system" fn last_words(pointers: *const EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system promises a valid record for the time of the call.
    let (code, address) = unsafe {
        match pointers.as_ref().and_then(|pointers| pointers.ExceptionRecord.as_ref()) {
            Some(record) => (record.ExceptionCode, record.ExceptionAddress),
            None => (0, ptr::null_mut()),
        }
    };
    if code == EXCEPTION_STACK_OVERFLOW {
        // There is no room for words, and the standard library of Rust has said it already.
        // SAFETY: the pseudo handle of this process.
        unsafe { TerminateProcess(GetCurrentProcess(), code as u32) };
    }
    let what = match code {
        EXCEPTION_ACCESS_VIOLATION => "access violation",
        EXCEPTION_ILLEGAL_INSTRUCTION => "illegal instruction",
        EXCEPTION_INT_DIVIDE_BY_ZERO => "division by zero",
        STATUS_HEAP_CORRUPTION => "damaged heap",
        _ => "exception",
    };
    eprintln!("{what} ({:#010x}) in {} at {address:?}; the monitor ends", code as u32, module_of(address));
    EXECUTE_HANDLER
}

/// After an entry point that changes the state of a resource: ends the process when one of its heaps is damaged, with last words
/// like those of a crash. Wine takes a damaged block back without a word, and some other DLL would pay for it later. Polls and
/// control codes are not followed by a look, because it takes its time.
pub(super) fn end_on_damaged_heap(call: &str) {
    let mut heaps = [ptr::null_mut(); MAX_HEAPS];
    // SAFETY: the array has the length that is stated; each handle is a live heap of this process, and is validated under its lock.
    let is_sound = unsafe {
        let count = GetProcessHeaps(heaps.len() as u32, heaps.as_mut_ptr()) as usize;
        heaps.iter().take(count).filter(|heap| !heap.is_null()).all(|heap| HeapValidate(*heap, 0, ptr::null()) != 0)
    };
    if is_sound {
        return;
    }
    eprintln!("damaged heap ({STATUS_HEAP_CORRUPTION:#010x}) found after {call}; the monitor ends");
    // SAFETY: the pseudo handle of this process.
    unsafe { TerminateProcess(GetCurrentProcess(), STATUS_HEAP_CORRUPTION as u32) };
}

/// The file of the module that an address belongs to.
fn module_of(address: *const core::ffi::c_void) -> String {
    let mut module = ptr::null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    let mut path = [0_u16; MAX_PATH_UNITS];
    // SAFETY: the address is only compared with the ranges of modules; `path` has the length that is stated.
    let units = unsafe {
        if GetModuleHandleExW(flags, address.cast(), &mut module) == 0 {
            return "no module".into();
        }
        GetModuleFileNameW(module, path.as_mut_ptr(), path.len() as u32)
    };
    String::from_utf16_lossy(&path[..units as usize])
}

/// Makes something that only the wineserver can make. Where that is dead, Wine ends the calling thread.
pub(crate) fn ask_server() {
    // SAFETY: no security, automatic reset, not signalled, no name; what was made is closed here.
    unsafe { CloseHandle(CreateEventW(ptr::null(), 0, 0, ptr::null())) };
}

/// The code that a function of the system has left behind.
pub(crate) fn last_error() -> u32 {
    // SAFETY: only reads a cell of this thread.
    unsafe { GetLastError() }
}

/// Why the registry of the prefix cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("HKEY_LOCAL_MACHINE\\{key}, value {name}: error {code}")]
pub(crate) struct RegistryError {
    key: String,
    name: String,
    code: u32,
}

/// Writes a string below HKEY_LOCAL_MACHINE; makes the key.
pub(crate) fn write_text(key: &str, name: &str, value: &str) -> Result<(), RegistryError> {
    let bytes: Vec<u8> = wide::units(value).iter().flat_map(|unit| unit.to_le_bytes()).collect();
    write_value(key, name, REG_SZ, &bytes)
}

/// Writes a number below HKEY_LOCAL_MACHINE; makes the key.
pub(crate) fn write_number(key: &str, name: &str, value: u32) -> Result<(), RegistryError> {
    write_value(key, name, REG_DWORD, &value.to_le_bytes())
}

fn write_value(key: &str, name: &str, kind: u32, bytes: &[u8]) -> Result<(), RegistryError> {
    let (wide_key, wide_name) = (wide::units(key), wide::units(name));
    let size = u32::try_from(bytes.len()).unwrap_or(0);
    // SAFETY: both texts are NUL-terminated; the buffer has the size that is stated.
    let code = unsafe {
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, wide_key.as_ptr(), wide_name.as_ptr(), kind, bytes.as_ptr().cast(), size)
    };
    if code == 0 { Ok(()) } else { Err(RegistryError { key: key.into(), name: name.into(), code }) }
}
