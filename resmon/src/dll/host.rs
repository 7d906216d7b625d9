//! From a library into the monitor: the cluster registry and events of the host table.
//!
//! A key is a path with a number; each call on it becomes a question to the Cluster service, and the calling thread waits for
//! the answer (reference 06.3). An event is an object of ours, on every platform: a library makes it, hands it over as the
//! EventHandle of Online, and signals it when the resource fails later. Rights asked for when a key is opened are not
//! enforced: all libraries of a monitor run with the same rights anyway.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::Mutex;

use resapi_sys_mock::codes::win32::{
    ERROR_FILE_NOT_FOUND, ERROR_INTERNAL_ERROR, ERROR_INVALID_HANDLE, ERROR_INVALID_NAME, ERROR_NO_MORE_ITEMS,
    ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_READY,
};
use resapi_sys_mock::host::{Host, HostTable, Value, table};

use super::handles::{BadHandle, HandleTable, find_resource};
use super::{complain, monitor};
use crate::call_guard;
use crate::clock::lock;
use crate::protocol::{LogLevel, RegistryAnswer, RegistryCall};

/// How many keys may be open in one monitor.
pub(crate) const MAX_KEYS: usize = 65_536;
/// How many events may exist in one monitor.
pub(crate) const MAX_EVENTS: usize = 65_536;

const FIRST_KEY: usize = 0x4000_0000;
const FIRST_EVENT: usize = 0x5000_0000;

/// What a library gets through `WolfdenBindHost`.
pub(crate) static HOST_TABLE: HostTable = table::<RegistryAndEvents>();

/// The giving side of the host table.
pub(crate) struct RegistryAndEvents {
    keys: Mutex<Option<HandleTable<Key>>>,
    events: Mutex<Option<HandleTable<Event>>>,
}

static INSTANCE: RegistryAndEvents = RegistryAndEvents { keys: Mutex::new(None), events: Mutex::new(None) };

thread_local! {
    static LAST_ERROR: Cell<u32> = const { Cell::new(0) };
}

#[derive(Clone, Debug)]
struct Key {
    path: String,
    /// The resource whose key this is, or from whose key it was opened.
    owner: isize,
    /// It was given to Open and is closed by the monitor only.
    is_root: bool,
    /// What an enumeration under way is reading.
    listing: Option<Listing>,
}

#[derive(Clone, Debug)]
struct Listing {
    values: Vec<(String, u32, Vec<u8>)>,
    subkeys: Vec<String>,
}

#[derive(Debug)]
struct Event {
    is_manual: bool,
    is_signalled: bool,
    /// The resource that is told when it is signalled.
    watcher: Option<isize>,
}

/// The key of a resource, for Open. `None` when too many keys are open.
pub(crate) fn open_root(owner: isize, path: String) -> Option<usize> {
    INSTANCE.with_keys(|keys| keys.insert(Key { path, owner, is_root: true, listing: None }))
}

/// Closes all keys of a resource after its Close. The result is how many the library had left open.
pub(crate) fn close_keys_of(owner: isize) -> usize {
    INSTANCE.with_keys(|keys| keys.remove_all(|key| key.owner == owner)).saturating_sub(1)
}

/// From now on `resource` is told when the event is signalled; at once, if it is already.
pub(crate) fn watch_event(event: usize, resource: isize) -> Result<(), BadHandle> {
    // Numbers of our own are far above those that the system gives out.
    #[cfg(windows)]
    if event < FIRST_EVENT && super::windows::watch_event(event, resource) {
        return Ok(());
    }
    let fires = INSTANCE.with_events(|events| {
        let event = events.get_mut(event)?;
        event.watcher = Some(resource);
        Ok(event.consume())
    })?;
    if fires {
        tell(resource);
    }
    Ok(())
}

/// Nobody is told any more when the event is signalled.
pub(crate) fn unwatch_event(event: usize) {
    #[cfg(windows)]
    super::windows::unwatch_event(event);
    INSTANCE.with_events(|events| {
        if let Ok(event) = events.get_mut(event) {
            event.watcher = None;
        }
    });
}

/// The error that a library left on this thread since the last time this was asked.
pub(crate) fn take_last_error() -> u32 {
    LAST_ERROR.replace(0)
}

impl Event {
    /// A watcher sees the signal; an event of automatic reset is unsignalled by that.
    fn consume(&mut self) -> bool {
        let seen = self.is_signalled && self.watcher.is_some();
        if seen && !self.is_manual {
            self.is_signalled = false;
        }
        seen
    }
}

fn tell(resource: isize) {
    if let Ok(resource) = find_resource(resource) {
        resource.event_signalled();
    }
}

impl RegistryAndEvents {
    fn with_keys<R>(&self, work: impl FnOnce(&mut HandleTable<Key>) -> R) -> R {
        work(lock(&self.keys).get_or_insert_with(|| HandleTable::new(FIRST_KEY, MAX_KEYS)))
    }

    fn with_events<R>(&self, work: impl FnOnce(&mut HandleTable<Event>) -> R) -> R {
        work(lock(&self.events).get_or_insert_with(|| HandleTable::new(FIRST_EVENT, MAX_EVENTS)))
    }

    fn key(&self, key: usize) -> Result<Key, u32> {
        self.with_keys(|keys| keys.get(key).map(|found| Key { listing: None, ..found.clone() }))
            .map_err(|bad| refused(key, &bad))
    }

    /// A key below another: its path, or the code of a name that is none.
    fn below(&self, key: usize, sub_key: &str) -> Result<(Key, String), u32> {
        let parent = self.key(key)?;
        if sub_key.starts_with('\\') {
            return Err(ERROR_INVALID_NAME);
        }
        let path = match (parent.path.as_str(), sub_key) {
            (path, "") => path.to_owned(),
            ("", sub_key) => sub_key.to_owned(),
            (path, sub_key) => format!("{path}\\{sub_key}"),
        };
        Ok((parent, path))
    }

    fn opened(&self, parent: &Key, path: String) -> Result<usize, u32> {
        let key = Key { path, owner: parent.owner, is_root: false, listing: None };
        self.with_keys(|keys| keys.insert(key)).ok_or_else(|| {
            complain(
                LogLevel::Error,
                &format!("{MAX_KEYS} registry keys are open; close those that are no longer used"),
            );
            ERROR_NOT_ENOUGH_MEMORY
        })
    }

    /// What an enumeration reads: a picture taken at index 0, or when there is none yet.
    fn listing(&self, key: usize, index: u32) -> Result<Listing, u32> {
        let path = self.key(key)?.path;
        let kept = self.with_keys(|keys| keys.get(key).ok().and_then(|found| found.listing.clone()));
        if let Some(listing) = kept.filter(|_| index > 0) {
            return Ok(listing);
        }
        let RegistryAnswer::Listing { values, subkeys } = ask(RegistryCall::List { path })? else {
            return Err(ERROR_INTERNAL_ERROR);
        };
        let listing = Listing { values, subkeys };
        self.keep_listing(key, Some(listing.clone()));
        Ok(listing)
    }

    fn keep_listing(&self, key: usize, listing: Option<Listing>) {
        self.with_keys(|keys| {
            if let Ok(key) = keys.get_mut(key) {
                key.listing = listing;
            }
        });
    }
}

impl Host for RegistryAndEvents {
    fn instance() -> &'static Self {
        &INSTANCE
    }

    fn open_key(&self, key: usize, path: &str, _access: u32) -> Result<usize, u32> {
        let (parent, path) = self.below(key, path)?;
        ask(RegistryCall::Open { path: path.clone() })?;
        self.opened(&parent, path)
    }

    fn create_key(&self, key: usize, path: &str, _access: u32) -> Result<(usize, bool), u32> {
        call_guard::check("ClusterRegCreateKey", 0)?;
        let (parent, path) = self.below(key, path)?;
        let created = match ask(RegistryCall::Create { path: path.clone() })? {
            RegistryAnswer::Done { created } => created,
            RegistryAnswer::Value { .. } | RegistryAnswer::Listing { .. } => return Err(ERROR_INTERNAL_ERROR),
        };
        Ok((self.opened(&parent, path)?, created))
    }

    fn close_key(&self, key: usize) -> Result<(), u32> {
        if self.key(key)?.is_root {
            complain(
                LogLevel::Warning,
                "closed the key that Open was given; it stays open until Close (reference 01.3)",
            );
            return Err(ERROR_INVALID_HANDLE);
        }
        self.with_keys(|keys| keys.remove(key, "a registry key")).map(drop).map_err(|bad| refused(key, &bad))
    }

    fn query_value(&self, key: usize, name: &str) -> Result<Value, u32> {
        let path = self.key(key)?.path;
        match ask(RegistryCall::Query { path, name: name.into() })? {
            RegistryAnswer::Value { kind, bytes } => Ok(Value { kind, data: bytes }),
            RegistryAnswer::Done { .. } | RegistryAnswer::Listing { .. } => Err(ERROR_INTERNAL_ERROR),
        }
    }

    fn set_value(&self, key: usize, name: &str, value: Value) -> Result<(), u32> {
        call_guard::check("ClusterRegSetValue", 0)?;
        let path = self.key(key)?.path;
        self.keep_listing(key, None);
        ask(RegistryCall::Set { path, name: name.into(), kind: value.kind, bytes: value.data }).map(drop)
    }

    fn delete_value(&self, key: usize, name: &str) -> Result<(), u32> {
        call_guard::check("ClusterRegDeleteValue", 0)?;
        let path = self.key(key)?.path;
        self.keep_listing(key, None);
        ask(RegistryCall::Delete { path, name: name.into() }).map(drop)
    }

    fn value_at(&self, key: usize, index: u32) -> Result<(String, Value), u32> {
        let mut listing = self.listing(key, index)?;
        if index as usize >= listing.values.len() {
            self.keep_listing(key, None);
            return Err(ERROR_NO_MORE_ITEMS);
        }
        let (name, kind, data) = listing.values.swap_remove(index as usize);
        Ok((name, Value { kind, data }))
    }

    fn key_at(&self, key: usize, index: u32) -> Result<(String, u64), u32> {
        let mut listing = self.listing(key, index)?;
        if index as usize >= listing.subkeys.len() {
            self.keep_listing(key, None);
            return Err(ERROR_NO_MORE_ITEMS);
        }
        // The time of the last write does not travel over the connection.
        Ok((listing.subkeys.swap_remove(index as usize), 0))
    }

    fn create_event(&self, manual_reset: bool, signalled: bool) -> Result<usize, u32> {
        let event = Event { is_manual: manual_reset, is_signalled: signalled, watcher: None };
        self.with_events(|events| events.insert(event)).ok_or_else(|| {
            complain(LogLevel::Error, &format!("{MAX_EVENTS} events exist; close those that are no longer used"));
            ERROR_NOT_ENOUGH_MEMORY
        })
    }

    fn set_event(&self, event: usize) -> Result<(), u32> {
        let told = self.with_events(|events| {
            let event = events.get_mut(event)?;
            event.is_signalled = true;
            Ok(event.watcher.filter(|_| event.consume()))
        });
        match told {
            Ok(watcher) => {
                watcher.into_iter().for_each(tell);
                Ok(())
            }
            Err(bad) => Err(refused(event, &bad)),
        }
    }

    fn close_event(&self, event: usize) -> Result<(), u32> {
        self.with_events(|events| events.remove(event, "an event")).map(drop).map_err(|bad| refused(event, &bad))
    }

    fn set_last_error(&self, code: u32) {
        LAST_ERROR.set(code);
    }

    fn guard_call(&self, function: &str, control: u32) -> Result<(), u32> {
        call_guard::check(function, control)
    }

    fn worker_pass(&self) -> u64 {
        call_guard::worker_pass()
    }

    fn worker_begins(&self, pass: u64) {
        call_guard::worker_begins(pass);
    }

    fn worker_ends(&self) {
        call_guard::worker_ends();
    }

    fn key_path(&self, key: usize) -> Result<String, u32> {
        self.key(key).map(|found| found.path)
    }
}

/// Asks the Cluster service. A missing key or value is an everyday answer; any other refusal is logged.
fn ask(call: RegistryCall) -> Result<RegistryAnswer, u32> {
    let Some(monitor) = monitor() else { return Err(ERROR_NOT_READY) };
    monitor.registry(call).map_err(|refusal| {
        if refusal.code != ERROR_FILE_NOT_FOUND {
            complain(
                LogLevel::Warning,
                &format!("a registry call was refused with {}: {}", refusal.code, refusal.message),
            );
        }
        refusal.code
    })
}

fn refused(handle: usize, bad: &BadHandle) -> u32 {
    let which = match bad {
        BadHandle::Stale(name) => format!("was {name} and is closed"),
        BadHandle::Unknown => "is none that is open".into(),
    };
    complain(LogLevel::Error, &format!("used the handle {handle:#x}, which {which}; refused"));
    ERROR_INVALID_HANDLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_tell_their_watcher_once_per_signal() {
        let mut event = Event { is_manual: false, is_signalled: true, watcher: None };
        assert!(!event.consume(), "nobody watches");
        event.watcher = Some(8);
        assert!(event.consume());
        assert!(!event.consume(), "automatic reset");
        let mut event = Event { is_manual: true, is_signalled: true, watcher: Some(8) };
        assert!(event.consume() && event.consume(), "manual reset stays signalled");
    }

    #[test]
    fn handles_that_are_none_are_refused() {
        let host = RegistryAndEvents::instance();
        assert_eq!(host.open_key(0, "x", 0), Err(ERROR_INVALID_HANDLE));
        assert_eq!(host.set_event(4), Err(ERROR_INVALID_HANDLE));
        let event = host.create_event(true, false).expect("room");
        assert_eq!(host.set_event(event), Ok(()));
        assert_eq!(host.close_event(event), Ok(()));
        assert_eq!(host.close_event(event), Err(ERROR_INVALID_HANDLE));
        assert!(watch_event(event, 1).is_err());
    }

    #[test]
    fn the_key_of_open_is_not_the_librarys_to_close() {
        let host = RegistryAndEvents::instance();
        let root = open_root(77, "Resources\\x".into()).expect("room");
        assert_eq!(host.close_key(root), Err(ERROR_INVALID_HANDLE));
        assert_eq!(host.below(root, "Parameters").expect("open").1, "Resources\\x\\Parameters");
        assert_eq!(host.below(root, "").expect("open").1, "Resources\\x");
        assert_eq!(host.below(root, "\\Parameters").map(|found| found.1), Err(ERROR_INVALID_NAME));
        // Without a monitor behind it nothing can be asked.
        assert_eq!(host.open_key(root, "Parameters", 0), Err(ERROR_NOT_READY));
        assert_eq!(close_keys_of(77), 0);
        assert_eq!(host.close_key(root), Err(ERROR_INVALID_HANDLE));
    }
}
