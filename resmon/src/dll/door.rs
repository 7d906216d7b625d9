//! The one door from the monitor into a library: every entry point of every resource passes here.
//!
//! A [`Door`] stands for one resource type whose table was accepted. It knows which version of the interface the type
//! speaks and hides the difference. What a library answers is checked before anybody sees it: a NULL instance is a refusal, a
//! length beyond the buffer is a lie. Nothing here catches a crash; a fault of foreign code ends the monitor by design.
//!
//! Not here: which call may run beside which ([`instance`](crate::instance)) and how long it may take
//! ([`watchdog`](crate::watchdog)).

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};

use resapi_sys_mock::abi::{
    BOOL, CLRES_FUNCTION_TABLE, CLRES_V1_FUNCTION_SIZE, CLRES_V2_FUNCTION_SIZE, CLRES_V3_FUNCTION_SIZE,
    CLRES_V4_FUNCTION_SIZE, CLRES_VERSION_V1_00, CLRES_VERSION_V2_00, CLRES_VERSION_V3_00, CLRES_VERSION_V4_00, HANDLE,
    HKEY, PARBITRATE_ROUTINE, PBEGIN_RESCALL_ROUTINE, PBEGIN_RESTYPECALL_ROUTINE, PCANCEL_ROUTINE, PCLOSE_ROUTINE,
    PIS_ALIVE_ROUTINE, PLOOKS_ALIVE_ROUTINE, POFFLINE_ROUTINE, POFFLINE_V2_ROUTINE, PONLINE_ROUTINE,
    PONLINE_V2_ROUTINE, POPEN_ROUTINE, POPEN_V2_ROUTINE, PRELEASE_ROUTINE, PRESOURCE_CONTROL_ROUTINE,
    PRESOURCE_TYPE_CONTROL_ROUTINE, PTERMINATE_ROUTINE, RESID,
};
use resapi_sys_mock::codes::win32::{
    ERROR_GEN_FAILURE, ERROR_INVALID_DATA, ERROR_INVALID_FUNCTION, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA,
    ERROR_NOT_QUORUM_CAPABLE, ERROR_SUCCESS,
};
use resapi_sys_mock::wide;

use super::{callbacks, complain, host};
use crate::clock::lock;
use crate::protocol::LogLevel;

/// The first buffer that a control call gets, in bytes. A library that needs more says so (234) and gets it.
const FIRST_CONTROL_BUFFER: usize = 4 * 1024;

/// The largest answer of a control call, in bytes.
pub(crate) const MAX_CONTROL_OUTPUT: usize = 4 * 1024 * 1024;

/// Behind the buffer of a probe lie so many bytes that no library may touch.
const CANARY_BYTES: usize = 256;
/// What they hold.
const CANARY: u8 = 0xC5;

/// What a library made of a probe.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) code: u32,
    pub(crate) returned: u32,
    pub(crate) has_overrun: bool,
    pub(crate) output: Vec<u8>,
}

/// What Open returned: the library's own name for an instance. Given back to it, never looked into.
#[derive(Debug)]
pub(crate) struct Resid(RESID);

// SAFETY: the value is opaque to us. That entry points may be called with it on any thread, and Terminate at the same time as
// others, is what a library promises by implementing the interface (reference 01.3).
unsafe impl Send for Resid {}
// SAFETY: as above.
unsafe impl Sync for Resid {}

/// One resource type of one library, ready to be called.
#[derive(Debug)]
pub(crate) struct Door {
    /// The exact type name.
    pub(crate) type_name: String,
    /// The registered name of the library.
    pub(crate) dll: Arc<str>,
    entries: Entries,
    /// The two phases of the start were told.
    phases: Once,
}

/// The functions of a table of any version. Those that are required were found not to be NULL.
#[derive(Clone, Copy, Debug)]
struct Entries {
    open: Open,
    close: PCLOSE_ROUTINE,
    online: Online,
    offline: Offline,
    terminate: PTERMINATE_ROUTINE,
    looks_alive: PLOOKS_ALIVE_ROUTINE,
    is_alive: PIS_ALIVE_ROUTINE,
    arbitrate: PARBITRATE_ROUTINE,
    release: PRELEASE_ROUTINE,
    control: Control,
    type_control: TypeControl,
    /// Version 2 and later.
    cancel: PCANCEL_ROUTINE,
}

#[derive(Clone, Copy, Debug)]
enum Open {
    V1(POPEN_ROUTINE),
    V2(POPEN_V2_ROUTINE),
}

#[derive(Clone, Copy, Debug)]
enum Online {
    V1(PONLINE_ROUTINE),
    V2(PONLINE_V2_ROUTINE),
}

#[derive(Clone, Copy, Debug)]
enum Offline {
    V1(POFFLINE_ROUTINE),
    V2(POFFLINE_V2_ROUTINE),
}

#[derive(Clone, Copy, Debug)]
enum Control {
    Direct(PRESOURCE_CONTROL_ROUTINE),
    Begin(PBEGIN_RESCALL_ROUTINE),
}

#[derive(Clone, Copy, Debug)]
enum TypeControl {
    Direct(PRESOURCE_TYPE_CONTROL_ROUTINE),
    Begin(PBEGIN_RESTYPECALL_ROUTINE),
}

/// Why the presence of a required slot is certain in each call.
const CHECKED: &str = "a table without this slot is not accepted";

impl Door {
    /// Accepts a table, or says which rule it breaks.
    ///
    /// # Safety
    /// The library promised that `table` is NULL or a static table of the size and version it states, whose functions have
    /// the signatures of the interface.
    pub(crate) unsafe fn accept(
        type_name: &str,
        dll: Arc<str>,
        table: *const CLRES_FUNCTION_TABLE,
        min: u32,
        max: u32,
    ) -> Result<Self, String> {
        if table.is_null() {
            return Err("Startup answered success without a function table".into());
        }
        // SAFETY: not NULL; size and version are the first eight bytes of every table.
        let (size, version) = unsafe {
            (ptr::addr_of!((*table).TableSize).read_unaligned(), ptr::addr_of!((*table).Version).read_unaligned())
        };
        if !(min..=max).contains(&version) {
            return Err(format!("the function table has version {version:#x}, outside of {min:#x} to {max:#x}"));
        }
        let needed = match version {
            CLRES_VERSION_V1_00 => CLRES_V1_FUNCTION_SIZE,
            CLRES_VERSION_V2_00 => CLRES_V2_FUNCTION_SIZE,
            CLRES_VERSION_V3_00 => CLRES_V3_FUNCTION_SIZE,
            CLRES_VERSION_V4_00 => CLRES_V4_FUNCTION_SIZE,
            other => return Err(format!("the function table has version {other:#x}, which does not exist")),
        };
        if size < needed {
            return Err(format!(
                "the function table says that it has {size} bytes, version {version:#x} needs {needed}"
            ));
        }
        // SAFETY: the library promised a table of this version, and its size was checked.
        let entries = unsafe { Entries::read(table, version) };
        if let Some(missing) = entries.missing() {
            return Err(format!("the function table has NULL for {missing}, which every type needs"));
        }
        Ok(Self { type_name: type_name.into(), dll, entries, phases: Once::new() })
    }

    /// Runs `tell` once in the life of a type in this process; whoever comes meanwhile waits.
    pub(crate) fn once_started(&self, tell: impl FnOnce()) {
        self.phases.call_once(tell);
    }

    /// Arbitrate and Release are both there (reference 01.3).
    pub(crate) fn is_quorum_capable(&self) -> bool {
        self.entries.arbitrate.is_some() && self.entries.release.is_some()
    }

    /// Open. `Err` = NULL, with the error that the library left.
    pub(crate) fn open(&self, name: &str, key: usize, handle: isize) -> Result<Resid, u32> {
        let name = wide::units(name);
        host::take_last_error();
        let resid = self.enter(|| match self.entries.open {
            // SAFETY: signature by the library's promise; the name is NUL-terminated and outlives the call.
            Open::V1(open) => unsafe { open.expect(CHECKED)(name.as_ptr(), key as HKEY, handle) },
            // SAFETY: as above; no flags.
            Open::V2(open) => unsafe { open.expect(CHECKED)(name.as_ptr(), key as HKEY, handle, 0) },
        });
        if resid.is_null() { Err(last_error()) } else { Ok(Resid(resid)) }
    }

    /// Close. The instance is gone afterwards, so its name is consumed.
    pub(crate) fn close(&self, resid: &Resid) {
        // SAFETY: the library made this name in Open; the instance calls Close once, as the last call.
        self.enter(|| unsafe { self.entries.close.expect(CHECKED)(resid.0) });
    }

    /// Online: the code and the event handle, 0 for none.
    pub(crate) fn online(&self, resid: &Resid) -> (u32, usize) {
        let mut event: HANDLE = ptr::null_mut();
        let code = self.enter(|| match self.entries.online {
            // SAFETY: a live name of this library; `event` is ours.
            Online::V1(online) => unsafe { online.expect(CHECKED)(resid.0, &mut event) },
            // SAFETY: as above; no flags, no property list.
            Online::V2(online) => unsafe { online.expect(CHECKED)(resid.0, &mut event, 0, ptr::null_mut(), 0, 0) },
        });
        (code, event as usize)
    }

    /// Offline.
    pub(crate) fn offline(&self, resid: &Resid) -> u32 {
        self.enter(|| match self.entries.offline {
            // SAFETY: a live name of this library.
            Offline::V1(offline) => unsafe { offline.expect(CHECKED)(resid.0) },
            // SAFETY: as above; no destination, no flags, no property list.
            Offline::V2(offline) => unsafe { offline.expect(CHECKED)(resid.0, ptr::null(), 0, ptr::null_mut(), 0, 0) },
        })
    }

    /// Terminate.
    pub(crate) fn terminate(&self, resid: &Resid) {
        // SAFETY: a live name of this library; may overlap other calls by the library's promise.
        self.enter(|| unsafe { self.entries.terminate.expect(CHECKED)(resid.0) });
    }

    /// Cancel of a pending Online or Offline; `None` for a type that has none.
    pub(crate) fn cancel(&self, resid: &Resid) -> Option<u32> {
        let cancel = self.entries.cancel?;
        // SAFETY: a live name of this library; may overlap Online and Offline by its promise. The flags are reserved.
        Some(self.enter(|| unsafe { cancel(resid.0, 0) }))
    }

    /// LooksAlive.
    pub(crate) fn looks_alive(&self, resid: &Resid) -> bool {
        // SAFETY: a live name of this library.
        self.enter(|| unsafe { self.entries.looks_alive.expect(CHECKED)(resid.0) }) != 0
    }

    /// IsAlive.
    pub(crate) fn is_alive(&self, resid: &Resid) -> bool {
        // SAFETY: a live name of this library.
        self.enter(|| unsafe { self.entries.is_alive.expect(CHECKED)(resid.0) }) != 0
    }

    /// Arbitrate; 5021 for a type that cannot.
    pub(crate) fn arbitrate(&self, resid: &Resid) -> u32 {
        let Some(arbitrate) = self.entries.arbitrate else { return ERROR_NOT_QUORUM_CAPABLE };
        // SAFETY: a live name of this library; the callback stays valid for ever.
        self.enter(|| unsafe { arbitrate(resid.0, Some(callbacks::quorum_resource_lost)) })
    }

    /// Release; 5021 for a type that cannot.
    pub(crate) fn release(&self, resid: &Resid) -> u32 {
        let Some(release) = self.entries.release else { return ERROR_NOT_QUORUM_CAPABLE };
        // SAFETY: a live name of this library.
        self.enter(|| unsafe { release(resid.0) })
    }

    /// ResourceControl: the code and the output.
    pub(crate) fn control(&self, resid: &Resid, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.with_buffers(input, |buffers| self.control_into(resid, code, buffers))
    }

    fn control_into(&self, resid: &Resid, code: u32, buffers: &Buffers) -> u32 {
        match self.entries.control {
            // SAFETY: a live name; each buffer has the length beside it; `returned` is ours.
            Control::Direct(control) => unsafe {
                control.expect(CHECKED)(
                    resid.0,
                    code,
                    buffers.input,
                    buffers.input_size,
                    buffers.output,
                    buffers.output_size,
                    buffers.returned,
                )
            },
            Control::Begin(control) => wait_for_end(|context, later| {
                // SAFETY: as above; the buffers live until the library has called EndControlCall, for which we wait.
                unsafe {
                    control.expect(CHECKED)(
                        resid.0,
                        code,
                        buffers.input,
                        buffers.input_size,
                        buffers.output,
                        buffers.output_size,
                        buffers.returned,
                        context,
                        later,
                    )
                }
            }),
        }
    }

    /// ResourceControl with a buffer of exactly `output_bytes`, as a test of the library: what it answered, what it says it
    /// returned, and whether it wrote beyond the end.
    pub(crate) fn probe(&self, resid: &Resid, code: u32, input: &[u8], output_bytes: usize) -> Probed {
        self.probe_with(input, output_bytes, |buffers| self.control_into(resid, code, buffers))
    }

    /// ResourceTypeControl in the same way.
    pub(crate) fn probe_type(&self, code: u32, input: &[u8], output_bytes: usize) -> Probed {
        self.probe_with(input, output_bytes, |buffers| self.type_control_into(code, buffers))
    }

    fn probe_with(&self, input: &[u8], output_bytes: usize, call: impl FnOnce(&Buffers) -> u32) -> Probed {
        let mut input = input.to_vec();
        let output_bytes = output_bytes.min(MAX_CONTROL_OUTPUT);
        let mut output = vec![CANARY; output_bytes + CANARY_BYTES];
        let mut returned = 0_u32;
        let buffers = Buffers {
            input: if input.is_empty() { ptr::null_mut() } else { input.as_mut_ptr().cast() },
            input_size: input.len() as u32,
            output: if output_bytes == 0 { ptr::null_mut() } else { output.as_mut_ptr().cast() },
            output_size: output_bytes as u32,
            returned: &raw mut returned,
        };
        let code = self.enter(|| call(&buffers));
        let has_overrun = output[output_bytes..].iter().any(|byte| *byte != CANARY);
        output.truncate(output_bytes.min(returned as usize));
        Probed { code, returned, has_overrun, output }
    }

    /// ResourceTypeControl: the code and the output. Real libraries leave this slot NULL; that is answered for them.
    pub(crate) fn type_control(&self, code: u32, input: &[u8]) -> (u32, Vec<u8>) {
        self.with_buffers(input, |buffers| self.type_control_into(code, buffers))
    }

    fn type_control_into(&self, code: u32, buffers: &Buffers) -> u32 {
        let name = wide::units(&self.type_name);
        match self.entries.type_control {
            TypeControl::Direct(None) | TypeControl::Begin(None) => ERROR_INVALID_FUNCTION,
            // SAFETY: the name is NUL-terminated; each buffer has the length beside it; `returned` is ours.
            TypeControl::Direct(Some(control)) => unsafe {
                control(
                    name.as_ptr(),
                    code,
                    buffers.input,
                    buffers.input_size,
                    buffers.output,
                    buffers.output_size,
                    buffers.returned,
                )
            },
            TypeControl::Begin(Some(control)) => wait_for_end(|context, later| {
                // SAFETY: as above; everything lives until the library has called EndTypeControlCall, for which we wait.
                unsafe {
                    control(
                        name.as_ptr(),
                        code,
                        buffers.input,
                        buffers.input_size,
                        buffers.output,
                        buffers.output_size,
                        buffers.returned,
                        context,
                        later,
                    )
                }
            }),
        }
    }

    /// Runs a control call, again with a larger buffer when the library asks for one.
    fn with_buffers(&self, input: &[u8], call: impl Fn(&Buffers) -> u32) -> (u32, Vec<u8>) {
        let Ok(input_size) = u32::try_from(input.len()) else { return (ERROR_INVALID_PARAMETER, Vec::new()) };
        let mut input = input.to_vec();
        let mut output = vec![0_u8; FIRST_CONTROL_BUFFER];
        loop {
            let mut returned = 0_u32;
            let buffers = Buffers {
                input: if input.is_empty() { ptr::null_mut() } else { input.as_mut_ptr().cast() },
                input_size,
                output: output.as_mut_ptr().cast(),
                output_size: output.len() as u32,
                returned: &raw mut returned,
            };
            let code = self.enter(|| call(&buffers));
            let needed = returned as usize;
            if code == ERROR_MORE_DATA && needed > output.len() && needed <= MAX_CONTROL_OUTPUT {
                output = vec![0; needed];
                continue;
            }
            if code == ERROR_SUCCESS && needed > output.len() {
                let text = format!(
                    "a control call says that it returned {needed} bytes in a buffer of {}; refused",
                    output.len()
                );
                complain(LogLevel::Error, &text);
                return (ERROR_INVALID_DATA, Vec::new());
            }
            output.truncate(if code == ERROR_SUCCESS { needed } else { 0 });
            return (code, output);
        }
    }

    fn enter<R>(&self, call: impl FnOnce() -> R) -> R {
        let outer = CALLING.replace(Some(Arc::clone(&self.dll)));
        let result = call();
        CALLING.set(outer);
        result
    }
}

/// The buffers of one control call. The pointers are valid for the lengths beside them during the call.
struct Buffers {
    input: *mut c_void,
    input_size: u32,
    output: *mut c_void,
    output_size: u32,
    returned: *mut u32,
}

impl Entries {
    /// # Safety
    /// `table` has the size and the functions of `version`, by the library's promise.
    unsafe fn read(table: *const CLRES_FUNCTION_TABLE, version: u32) -> Self {
        // SAFETY (all arms): only the member of the stated version is read, which the library promised to be there.
        match version {
            CLRES_VERSION_V1_00 => {
                // SAFETY: see above.
                let t = unsafe { ptr::addr_of!((*table).Anonymous.V1Functions).read_unaligned() };
                Self {
                    open: Open::V1(t.Open),
                    close: t.Close,
                    online: Online::V1(t.Online),
                    offline: Offline::V1(t.Offline),
                    terminate: t.Terminate,
                    looks_alive: t.LooksAlive,
                    is_alive: t.IsAlive,
                    arbitrate: t.Arbitrate,
                    release: t.Release,
                    control: Control::Direct(t.ResourceControl),
                    type_control: TypeControl::Direct(t.ResourceTypeControl),
                    cancel: None,
                }
            }
            CLRES_VERSION_V2_00 => {
                // SAFETY: see above.
                let t = unsafe { ptr::addr_of!((*table).Anonymous.V2Functions).read_unaligned() };
                Self {
                    open: Open::V2(t.Open),
                    close: t.Close,
                    online: Online::V2(t.Online),
                    offline: Offline::V2(t.Offline),
                    terminate: t.Terminate,
                    looks_alive: t.LooksAlive,
                    is_alive: t.IsAlive,
                    arbitrate: t.Arbitrate,
                    release: t.Release,
                    control: Control::Direct(t.ResourceControl),
                    type_control: TypeControl::Direct(t.ResourceTypeControl),
                    cancel: t.Cancel,
                }
            }
            _ => {
                // SAFETY: see above; V4 begins with the slots of V3, and no others are used.
                let t = unsafe { ptr::addr_of!((*table).Anonymous.V3Functions).read_unaligned() };
                Self {
                    open: Open::V2(t.Open),
                    close: t.Close,
                    online: Online::V2(t.Online),
                    offline: Offline::V2(t.Offline),
                    terminate: t.Terminate,
                    looks_alive: t.LooksAlive,
                    is_alive: t.IsAlive,
                    arbitrate: t.Arbitrate,
                    release: t.Release,
                    control: Control::Begin(t.BeginResourceControl),
                    type_control: TypeControl::Begin(t.BeginResourceTypeControl),
                    cancel: t.Cancel,
                }
            }
        }
    }

    /// The first required slot that is NULL.
    fn missing(&self) -> Option<&'static str> {
        let open = match self.open {
            Open::V1(open) => open.is_some(),
            Open::V2(open) => open.is_some(),
        };
        let online = match self.online {
            Online::V1(online) => online.is_some(),
            Online::V2(online) => online.is_some(),
        };
        let offline = match self.offline {
            Offline::V1(offline) => offline.is_some(),
            Offline::V2(offline) => offline.is_some(),
        };
        let control = match self.control {
            Control::Direct(control) => control.is_some(),
            Control::Begin(control) => control.is_some(),
        };
        let slots = [
            ("Open", open),
            ("Close", self.close.is_some()),
            ("Online", online),
            ("Offline", offline),
            ("Terminate", self.terminate.is_some()),
            ("LooksAlive", self.looks_alive.is_some()),
            ("IsAlive", self.is_alive.is_some()),
            ("ResourceControl", control),
        ];
        slots.iter().find(|(_, is_there)| !is_there).map(|(name, _)| *name)
    }
}

/// Why a call that can only answer NULL did so.
fn last_error() -> u32 {
    let left = host::take_last_error();
    #[cfg(windows)]
    let left = if left == 0 { std::io::Error::last_os_error().raw_os_error().unwrap_or(0) as u32 } else { left };
    if left == 0 { ERROR_GEN_FAILURE } else { left }
}

thread_local! {
    /// The library that this thread is in.
    static CALLING: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Runs `call` as a call into `dll`, for complaints.
pub(super) fn calling<R>(dll: &Arc<str>, call: impl FnOnce() -> R) -> R {
    let outer = CALLING.replace(Some(Arc::clone(dll)));
    let result = call();
    CALLING.set(outer);
    result
}

/// The library that the present thread is in, or, on a thread that a library made, all that it can be.
pub(crate) fn calling_dll() -> String {
    match CALLING.with_borrow(Option::clone) {
        Some(dll) => dll.to_string(),
        None => super::library::loaded_names(),
    }
}

/// Control calls that a library answers later (V3), by context; `None` until then.
static LATER: Mutex<Option<HashMap<i64, Option<u32>>>> = Mutex::new(None);
static ENDED: Condvar = Condvar::new();

/// Begins a control call and waits for EndControlCall if the library says that it answers later. DeadlockTimeout bounds it.
fn wait_for_end(begin: impl FnOnce(i64, *mut BOOL) -> u32) -> u32 {
    let context = {
        let mut later = lock(&LATER);
        let waiting = later.get_or_insert_default();
        let context = (1..).find(|number| !waiting.contains_key(number)).expect("there are more numbers than calls");
        waiting.insert(context, None);
        context
    };
    let mut is_later: BOOL = 0;
    let code = begin(context, &mut is_later);
    let mut later = lock(&LATER);
    loop {
        let waiting = later.get_or_insert_default();
        let ended = waiting.get(&context).copied().flatten();
        if is_later == 0 || ended.is_some() {
            waiting.remove(&context);
            return if is_later == 0 { code } else { ended.unwrap_or(code) };
        }
        later = ENDED.wait(later).unwrap_or_else(PoisonError::into_inner);
    }
}

/// EndControlCall and EndTypeControlCall of the callback table.
pub(super) unsafe extern "system" fn end_control_call(context: i64, status: u32) -> u32 {
    let is_known = {
        let mut later = lock(&LATER);
        match later.get_or_insert_default().get_mut(&context) {
            Some(place) => {
                *place = Some(status);
                true
            }
            None => false,
        }
    };
    if is_known {
        ENDED.notify_all();
        return ERROR_SUCCESS;
    }
    complain(
        LogLevel::Error,
        &format!("EndControlCall with the context {context}, which no control call has; refused"),
    );
    ERROR_INVALID_PARAMETER
}

#[cfg(test)]
mod tests;
