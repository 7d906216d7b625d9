//! The call guard: notices calls of resource DLLs that deadlock a real cluster, with the entry point, the thread and the
//! resource (reference 01.9).
//!
//! The service may hold a lock while it waits for an entry point; a call back into the service that needs the same lock then
//! never returns. Here nothing of the kind happens by itself, so the mistake would be seen only on Windows. Which calls are
//! mistakes where is decided by [`table`]; this file knows which thread is in which entry point, and does what `CallGuard` of
//! the resource type says: `off`, `warn` (default), `fail` (the call answers 1131), or `deadlock` (the call blocks until
//! DeadlockTimeout, as the real one would).
//!
//! A thread that a library has made by itself belongs to nobody in particular: its calls are told without a resource, and
//! its mode is that of the type when the monitor hosts only one.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use resapi_sys_mock::codes::win32::ERROR_RESOURCE_CALL_TIMED_OUT;
use resapi_sys_mock::guard::table::{EntryPoint, Forbidden, Place, verdict};
use resapi_sys_mock::wide;

use crate::clock::lock;
use crate::dll::{MonitorSide, door, monitor};
use crate::protocol::{Finding, GuardMode, LogLevel, RegistryAnswer, RegistryCall};
use crate::watchdog::{TYPE_DEADLOCK_TIMEOUT_MS, Watched};

/// What a call answers that `CallGuard` refuses: a potential deadlock was detected (Win32 1131).
pub(crate) const ERROR_POSSIBLE_DEADLOCK: u32 = 1131;

/// The value of a type's key that holds its mode.
pub(crate) const CALL_GUARD_VALUE: &str = "CallGuard";

/// How many passes of workers that have not begun are kept; the oldest goes first.
const MAX_PASSES: usize = 4_096;

/// How many different findings are counted.
const MAX_FINDINGS: usize = 4_096;

/// Where a thread is.
#[derive(Clone, Debug)]
enum Here {
    Entry(Arc<Watched>),
    Worker(Option<Arc<Watched>>),
}

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Shared {
    next_pass: u64,
    passes: VecDeque<(u64, Arc<Watched>)>,
    /// How often each mistake was made: type, resource, row, entry point.
    counts: BTreeMap<(String, Option<u128>, &'static str, &'static str), u64>,
    /// The types that were started here, with their libraries.
    types: Vec<(String, String)>,
}

static SHARED: Mutex<Shared> =
    Mutex::new(Shared { next_pass: 1, passes: VecDeque::new(), counts: BTreeMap::new(), types: Vec::new() });

/// Runs one call into a library; meanwhile the thread is known to be in it.
pub(crate) fn inside<R>(watched: &Arc<Watched>, enter: impl FnOnce() -> R) -> R {
    let outer = HERE.replace(Some(Here::Entry(Arc::clone(watched))));
    let result = enter();
    HERE.set(outer);
    result
}

/// A type has been started.
pub(crate) fn started(type_name: &str, dll_name: &str) {
    lock(&SHARED).types.push((type_name.to_owned(), dll_name.to_owned()));
}

/// Names the resource that this thread is in, for a worker that it is about to make.
pub(crate) fn worker_pass() -> u64 {
    let here = HERE.with_borrow(|here| match here {
        Some(Here::Entry(watched)) => Some(Arc::clone(watched)),
        Some(Here::Worker(watched)) => watched.clone(),
        None => None,
    });
    let Some(watched) = here else { return 0 };
    let mut shared = lock(&SHARED);
    let pass = shared.next_pass;
    shared.next_pass += 1;
    if shared.passes.len() >= MAX_PASSES {
        shared.passes.pop_front();
    }
    shared.passes.push_back((pass, watched));
    pass
}

/// This thread is a worker from now on.
pub(crate) fn worker_begins(pass: u64) {
    let mut shared = lock(&SHARED);
    let place = shared.passes.iter().position(|(number, _)| *number == pass);
    let watched = place.and_then(|place| shared.passes.remove(place)).map(|(_, watched)| watched);
    drop(shared);
    HERE.set(Some(Here::Worker(watched)));
}

/// This thread is no worker any more.
pub(crate) fn worker_ends() {
    HERE.set(None);
}

/// A library calls `function`, with a control code or 0. `Err` is what the call answers.
pub(crate) fn check(function: &str, control: u32) -> Result<(), u32> {
    let (place, watched) = place();
    let Some(forbidden) = verdict(function, control, place) else { return Ok(()) };
    let Some(monitor) = monitor() else { return Ok(()) };
    let (resource_type, dll_name) = match &watched {
        Some(watched) => (watched.resource_type.clone(), watched.dll_name.clone()),
        None => only_type().unwrap_or_else(|| (String::new(), door::calling_dll())),
    };
    let mode = mode(&**monitor, &resource_type);
    if mode == GuardMode::Off {
        return Ok(());
    }
    tell(&**monitor, forbidden, place, mode, watched.as_deref(), resource_type, dll_name);
    match mode {
        GuardMode::Off | GuardMode::Warn => Ok(()),
        GuardMode::Fail => Err(ERROR_POSSIBLE_DEADLOCK),
        GuardMode::Deadlock => {
            let limit_ms = watched.map_or(TYPE_DEADLOCK_TIMEOUT_MS, |watched| watched.limit_ms);
            // In an entry point the service ends this monitor before the sleep does, as DeadlockTimeout is watched there.
            let spare = if matches!(place, Place::EntryPoint(_)) { u64::from(limit_ms) } else { 0 };
            std::thread::sleep(Duration::from_millis(u64::from(limit_ms) + spare));
            Err(ERROR_RESOURCE_CALL_TIMED_OUT)
        }
    }
}

fn place() -> (Place, Option<Arc<Watched>>) {
    HERE.with_borrow(|here| match here {
        Some(Here::Entry(watched)) => {
            let entry = EntryPoint::of_name(watched.call).unwrap_or(EntryPoint::Startup);
            (Place::EntryPoint(entry), Some(Arc::clone(watched)))
        }
        Some(Here::Worker(watched)) => (Place::Worker, watched.clone()),
        None => (Place::Other, None),
    })
}

/// The one type of this monitor that comes from a library, if there is just one.
fn only_type() -> Option<(String, String)> {
    match lock(&SHARED).types.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// What the type wants. Asked each time: mistakes are rare, and a change holds at once.
fn mode(monitor: &dyn MonitorSide, resource_type: &str) -> GuardMode {
    let path = format!("ResourceTypes\\{resource_type}");
    match monitor.registry(RegistryCall::Query { path, name: CALL_GUARD_VALUE.into() }) {
        Ok(RegistryAnswer::Value { bytes, .. }) => {
            wide::text(&bytes).and_then(|word| GuardMode::of_word(&word)).unwrap_or(GuardMode::Warn)
        }
        Ok(RegistryAnswer::Done { .. } | RegistryAnswer::Listing { .. }) | Err(_) => GuardMode::Warn,
    }
}

/// Counts the mistake. The first one of a kind is logged, and the service hears of it when the count has doubled.
fn tell(
    monitor: &dyn MonitorSide,
    forbidden: Forbidden,
    place: Place,
    mode: GuardMode,
    watched: Option<&Watched>,
    resource_type: String,
    dll_name: String,
) {
    let entry_point = match place {
        Place::EntryPoint(entry) => Some(entry.name()),
        Place::Worker | Place::Other => None,
    };
    let resource = watched.and_then(|watched| watched.resource);
    let key = (resource_type.clone(), resource.map(|id| id.0), forbidden.row, entry_point.unwrap_or(place.word()));
    let count = {
        let mut shared = lock(&SHARED);
        if shared.counts.len() >= MAX_FINDINGS && !shared.counts.contains_key(&key) {
            return;
        }
        let count = shared.counts.entry(key).or_insert(0);
        *count += 1;
        *count
    };
    if !count.is_power_of_two() {
        return;
    }
    if count == 1 {
        let at = entry_point.map_or_else(|| format!("on a {}", place.word()), |entry| format!("in {entry}"));
        let text = format!(
            "{dll_name} called {} {at}, which reference tables mark {}: {}. CallGuard is {}",
            forbidden.row,
            forbidden.usage.word(),
            forbidden.usage.remedy(),
            mode.word()
        );
        monitor.complain_of(resource, LogLevel::Warning, &text);
    }
    monitor.found(Finding {
        resource,
        resource_type,
        dll_name,
        call: forbidden.row.to_owned(),
        usage: forbidden.usage.word().to_owned(),
        remedy: forbidden.usage.remedy().to_owned(),
        entry_point: entry_point.map(str::to_owned),
        thread: place.word().to_owned(),
        mode,
        count,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ResourceId;

    fn watched(call: &'static str) -> Arc<Watched> {
        Arc::new(Watched {
            resource: Some(ResourceId(1)),
            resource_type: "T".into(),
            dll_name: "t.so".into(),
            call,
            limit_ms: 1,
        })
    }

    #[test]
    fn threads_are_told_apart() {
        assert_eq!(place().0, Place::Other);
        let pass = inside(&watched("Online"), || {
            assert_eq!(place().0, Place::EntryPoint(EntryPoint::Online));
            worker_pass()
        });
        assert_eq!(place().0, Place::Other);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                worker_begins(pass);
                let (place_of, of) = place();
                assert_eq!(place_of, Place::Worker);
                assert_eq!(of.and_then(|of| of.resource), Some(ResourceId(1)));
                worker_ends();
                assert_eq!(place().0, Place::Other);
                // A pass is good once.
                worker_begins(pass);
                assert!(place().1.is_none());
            });
        });
        assert_eq!(worker_pass(), 0, "outside of everything there is nothing to name");
    }

    #[test]
    fn without_a_monitor_nothing_is_refused() {
        inside(&watched("Open"), || assert_eq!(check("OnlineClusterResource", 0), Ok(())));
    }

    #[test]
    fn every_call_into_a_library_has_a_known_name() {
        for entry in EntryPoint::ALL {
            inside(&watched(entry.name()), || assert_eq!(place().0, Place::EntryPoint(entry)));
        }
    }
}
