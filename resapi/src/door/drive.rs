//! The monitor's side of the table, for tests: calls the functions of a type as a monitor would, but safely.
//!
//! Safe, because the only tables it ever calls are those of this door, which check what they are given, and the only
//! callbacks it hands out are the ones below.

use core::ffi::c_void;

use resapi_sys_mock::abi::{
    BOOL, CLRES_FUNCTION_TABLE, CLRES_V1_FUNCTIONS, HANDLE, HKEY, RESID, RESOURCE_HANDLE, RESOURCE_STATUS,
};
use resapi_sys_mock::codes::win32::{ERROR_INVALID_FUNCTION, ERROR_MORE_DATA};
use resapi_sys_mock::host::HostTable;
use resapi_sys_mock::{log_event, wide};

use super::{Entry, bind_host, startup};
use crate::ResourceType;
use crate::testing::observer;

/// First buffer for the output of a control code; small, so that the way of a short buffer is taken often.
const FIRST_OUTPUT_BYTES: usize = 64;

/// The functions of one type after its `Startup`.
pub(crate) struct Driven {
    functions: CLRES_V1_FUNCTIONS,
    type_name: Vec<u16>,
}

impl Driven {
    /// Binds the host, takes the log, and starts the type up.
    pub(crate) fn startup<T: ResourceType>(host: &'static HostTable) -> Result<Self, u32> {
        // SAFETY: a static table made by `host::table`, whose functions check what they are given.
        let code = unsafe { bind_host(host) };
        if code != 0 {
            return Err(code);
        }
        log_event::set_sink(observer::log);
        // The shim is C code, which Miri cannot run.
        let log = if cfg!(miri) { None } else { Some(log_event::LOG_EVENT) };
        let type_name = wide::units(T::NAME);
        let mut table: *mut CLRES_FUNCTION_TABLE = std::ptr::null_mut();
        // SAFETY: the name is NUL-terminated, the callbacks are functions of this process, the result is ours.
        let code = unsafe {
            startup(&[Entry::of::<T>()], type_name.as_ptr(), 0x100, 0x100, Some(set_status), log, &mut table)
        };
        if code != 0 {
            return Err(code);
        }
        // SAFETY: success promises a static table, and version 1 was asked for.
        let functions = unsafe { (*table).Anonymous.V1Functions };
        Ok(Self { functions, type_name })
    }

    pub(crate) fn open(&self, name: &str, key: usize, handle: RESOURCE_HANDLE) -> Option<usize> {
        let name = wide::units(name);
        let open = self.functions.Open?;
        // SAFETY: a function of this door; the name is NUL-terminated, the key is checked by the host.
        let id = unsafe { open(name.as_ptr(), key as HKEY, handle) };
        (!id.is_null()).then_some(id as usize)
    }

    pub(crate) fn close(&self, id: usize) {
        if let Some(close) = self.functions.Close {
            // SAFETY: a function of this door, which looks the number up.
            unsafe { close(id as RESID) }
        }
    }

    pub(crate) fn online(&self, id: usize) -> u32 {
        let mut event: HANDLE = std::ptr::null_mut();
        // SAFETY: a function of this door; the event is ours.
        self.functions.Online.map_or(ERROR_INVALID_FUNCTION, |online| unsafe { online(id as RESID, &mut event) })
    }

    pub(crate) fn offline(&self, id: usize) -> u32 {
        // SAFETY: a function of this door, which looks the number up.
        self.functions.Offline.map_or(ERROR_INVALID_FUNCTION, |offline| unsafe { offline(id as RESID) })
    }

    pub(crate) fn terminate(&self, id: usize) {
        if let Some(terminate) = self.functions.Terminate {
            // SAFETY: a function of this door, which looks the number up.
            unsafe { terminate(id as RESID) }
        }
    }

    pub(crate) fn looks_alive(&self, id: usize) -> bool {
        // SAFETY: a function of this door, which looks the number up.
        self.functions.LooksAlive.is_some_and(|looks_alive| unsafe { looks_alive(id as RESID) } != BOOL::from(false))
    }

    pub(crate) fn is_alive(&self, id: usize) -> bool {
        // SAFETY: a function of this door, which looks the number up.
        self.functions.IsAlive.is_some_and(|is_alive| unsafe { is_alive(id as RESID) } != BOOL::from(false))
    }

    pub(crate) fn is_quorum_capable(&self) -> bool {
        self.functions.Arbitrate.is_some() && self.functions.Release.is_some()
    }

    pub(crate) fn arbitrate(&self, id: usize) -> u32 {
        // SAFETY: a function of this door; the callback is ours.
        self.functions
            .Arbitrate
            .map_or(ERROR_INVALID_FUNCTION, |arbitrate| unsafe { arbitrate(id as RESID, Some(quorum_lost)) })
    }

    pub(crate) fn release(&self, id: usize) -> u32 {
        // SAFETY: a function of this door, which looks the number up.
        self.functions.Release.map_or(ERROR_INVALID_FUNCTION, |release| unsafe { release(id as RESID) })
    }

    pub(crate) fn control(&self, id: usize, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        let Some(control) = self.functions.ResourceControl else { return (ERROR_INVALID_FUNCTION, Vec::new()) };
        exchange(input, |input, input_size, output, output_size, returned| {
            // SAFETY: a function of this door; the buffers have the sizes beside them.
            unsafe { control(id as RESID, code, input, input_size, output, output_size, returned) }
        })
    }

    pub(crate) fn type_control(&self, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        let Some(control) = self.functions.ResourceTypeControl else { return (ERROR_INVALID_FUNCTION, Vec::new()) };
        exchange(input, |input, input_size, output, output_size, returned| {
            // SAFETY: a function of this door; the name is NUL-terminated, the buffers have the sizes beside them.
            unsafe { control(self.type_name.as_ptr(), code, input, input_size, output, output_size, returned) }
        })
    }
}

/// Calls a control function with a small buffer, then, when told 234, with one of the size it asked for.
fn exchange(input: &[u8], call: impl Fn(*mut c_void, u32, *mut c_void, u32, *mut u32) -> u32) -> (u32, Vec<u8>) {
    // A copy: the type of the C function would allow it to write.
    let mut input = input.to_vec();
    let input_size = input.len() as u32;
    let mut output = vec![0u8; FIRST_OUTPUT_BYTES];
    loop {
        let room = output.len() as u32;
        let mut returned = 0;
        let code = call(input.as_mut_ptr().cast(), input_size, output.as_mut_ptr().cast(), room, &mut returned);
        if code == ERROR_MORE_DATA && returned > room {
            output.resize(returned as usize, 0);
            continue;
        }
        output.truncate(returned as usize);
        return (code, output);
    }
}

unsafe extern "system" fn set_status(handle: RESOURCE_HANDLE, status: *mut RESOURCE_STATUS) -> u32 {
    // SAFETY: our own door calls this, with a status on its stack.
    let status = unsafe { *status };
    observer::report(handle, status.ResourceState, status.CheckPoint, status.EventHandle as usize)
}

unsafe extern "system" fn quorum_lost(handle: RESOURCE_HANDLE) {
    observer::quorum_lost(handle);
}
