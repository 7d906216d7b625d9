//! Cluster registry and events in memory: what a host gives to resource libraries, without a cluster.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use resapi_sys_mock::codes::win32::{
    ERROR_BAD_PATHNAME, ERROR_FILE_NOT_FOUND, ERROR_INVALID_HANDLE, ERROR_NO_MORE_ITEMS,
};
use resapi_sys_mock::host::{Host, HostTable, Value, table};

/// The functions of the one store of this process.
pub(crate) static TABLE: HostTable = table::<Store>();

static STORE: Store = Store { state: Mutex::new(State::new()), signalled: Condvar::new() };

thread_local! {
    static LAST_ERROR: Cell<u32> = const { Cell::new(0) };
}

/// Keys, open handles and events of all resources under test; each resource has a key of its own.
pub(crate) struct Store {
    state: Mutex<State>,
    signalled: Condvar,
}

struct State {
    /// By upper-cased path.
    keys: BTreeMap<String, Key>,
    /// Upper-cased path by handle.
    open: BTreeMap<usize, String>,
    events: BTreeMap<usize, bool>,
    last_handle: usize,
}

/// A key: its name as created and its values by upper-cased name.
#[derive(Default)]
struct Key {
    name: String,
    values: BTreeMap<String, (String, Value)>,
}

impl State {
    const fn new() -> Self {
        Self { keys: BTreeMap::new(), open: BTreeMap::new(), events: BTreeMap::new(), last_handle: 0 }
    }

    fn handle(&mut self) -> usize {
        self.last_handle += 1;
        self.last_handle
    }

    fn open(&mut self, path: String) -> usize {
        let handle = self.handle();
        self.open.insert(handle, path);
        handle
    }

    fn path(&self, key: usize) -> Result<String, u32> {
        self.open.get(&key).cloned().ok_or(ERROR_INVALID_HANDLE)
    }

    fn key(&self, key: usize) -> Result<&Key, u32> {
        self.keys.get(&self.path(key)?).ok_or(ERROR_FILE_NOT_FOUND)
    }

    fn key_mut(&mut self, key: usize) -> Result<&mut Key, u32> {
        let path = self.path(key)?;
        self.keys.get_mut(&path).ok_or(ERROR_FILE_NOT_FOUND)
    }

    /// Path below a key, upper-cased; 161 for one that starts with a separator or has an empty level.
    fn below(&self, key: usize, path: &str) -> Result<String, u32> {
        let base = self.path(key)?;
        if path.is_empty() {
            return Ok(base);
        }
        if path.split('\\').any(str::is_empty) {
            return Err(ERROR_BAD_PATHNAME);
        }
        Ok(format!("{base}\\{}", path.to_uppercase()))
    }
}

impl Store {
    /// Makes the key of a new resource and opens it, as a monitor does before `Open`.
    pub(crate) fn create_resource(id: isize) -> usize {
        let mut state = STORE.lock();
        let name = format!("Resources\\{id}");
        let path = name.to_uppercase();
        state.keys.insert(path.clone(), Key { name, values: BTreeMap::new() });
        state.open(path)
    }

    /// Removes a resource's key with everything below it.
    pub(crate) fn delete_resource(key: usize) {
        let mut state = STORE.lock();
        if let Some(path) = state.open.remove(&key) {
            let below = format!("{path}\\");
            state.keys.retain(|name, _| *name != path && !name.starts_with(&below));
        }
    }

    /// Waits until an event is signalled; false when the time is over first or it does not exist.
    pub(crate) fn wait(event: usize, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let mut state = STORE.lock();
        while state.events.get(&event) == Some(&false) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = STORE.signalled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.events.get(&event) == Some(&true)
    }

    /// Number of events that exist, to see that none is left behind.
    pub(crate) fn has_event(event: usize) -> bool {
        STORE.lock().events.contains_key(&event)
    }

    /// What the last `Open` of this thread that returned NULL left behind.
    pub(crate) fn last_error() -> u32 {
        LAST_ERROR.get()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Store {
    fn instance() -> &'static Self {
        &STORE
    }

    fn open_key(&self, key: usize, path: &str, _access: u32) -> Result<usize, u32> {
        let mut state = self.lock();
        let path = state.below(key, path)?;
        if !state.keys.contains_key(&path) {
            return Err(ERROR_FILE_NOT_FOUND);
        }
        Ok(state.open(path))
    }

    fn create_key(&self, key: usize, path: &str, _access: u32) -> Result<(usize, bool), u32> {
        let mut state = self.lock();
        let full = state.below(key, path)?;
        let is_new = !state.keys.contains_key(&full);
        let mut level = state.path(key)?;
        for name in path.split('\\').filter(|name| !name.is_empty()) {
            level = format!("{level}\\{}", name.to_uppercase());
            state.keys.entry(level.clone()).or_insert_with(|| Key { name: name.to_owned(), ..Key::default() });
        }
        Ok((state.open(full), is_new))
    }

    fn close_key(&self, key: usize) -> Result<(), u32> {
        self.lock().open.remove(&key).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn query_value(&self, key: usize, name: &str) -> Result<Value, u32> {
        let state = self.lock();
        let values = &state.key(key)?.values;
        values.get(&name.to_uppercase()).map(|(_, value)| value.clone()).ok_or(ERROR_FILE_NOT_FOUND)
    }

    fn set_value(&self, key: usize, name: &str, value: Value) -> Result<(), u32> {
        let mut state = self.lock();
        state.key_mut(key)?.values.insert(name.to_uppercase(), (name.to_owned(), value));
        Ok(())
    }

    fn delete_value(&self, key: usize, name: &str) -> Result<(), u32> {
        let mut state = self.lock();
        state.key_mut(key)?.values.remove(&name.to_uppercase()).map(drop).ok_or(ERROR_FILE_NOT_FOUND)
    }

    fn value_at(&self, key: usize, index: u32) -> Result<(String, Value), u32> {
        let state = self.lock();
        state.key(key)?.values.values().nth(index as usize).cloned().ok_or(ERROR_NO_MORE_ITEMS)
    }

    fn key_at(&self, key: usize, index: u32) -> Result<(String, u64), u32> {
        let state = self.lock();
        let below = format!("{}\\", state.path(key)?);
        state
            .keys
            .iter()
            .filter_map(|(path, key)| Some((path.strip_prefix(&below)?, key)))
            .filter(|(rest, _)| !rest.contains('\\'))
            .nth(index as usize)
            .map(|(_, key)| (key.name.clone(), 0))
            .ok_or(ERROR_NO_MORE_ITEMS)
    }

    fn create_event(&self, _manual_reset: bool, signalled: bool) -> Result<usize, u32> {
        let mut state = self.lock();
        let event = state.handle();
        state.events.insert(event, signalled);
        Ok(event)
    }

    fn set_event(&self, event: usize) -> Result<(), u32> {
        *self.lock().events.get_mut(&event).ok_or(ERROR_INVALID_HANDLE)? = true;
        self.signalled.notify_all();
        Ok(())
    }

    fn close_event(&self, event: usize) -> Result<(), u32> {
        self.lock().events.remove(&event).map(drop).ok_or(ERROR_INVALID_HANDLE)
    }

    fn set_last_error(&self, code: u32) {
        LAST_ERROR.set(code);
    }
}
