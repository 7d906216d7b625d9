//! Handles: the numbers by which libraries name what belongs to the monitor.
//!
//! A handle is never a pointer. Whatever number a library passes is looked up here, so a handle that was never given out
//! ("scribbled") or whose object is gone ("stale") is recognised, refused and logged. Numbers are never used twice, so a
//! stale handle cannot hit the next object.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};

use super::ResourceSide;
use crate::clock::lock;

/// Of how many closed objects the names are remembered, for the log.
const REMEMBERED: usize = 256;

/// Numbers are multiples of this, as handles of Windows are multiples of four: most scribbled numbers miss.
const STEP: usize = 8;

/// Live objects of one kind, and the names of those that went lately.
#[derive(Debug)]
pub(crate) struct HandleTable<T> {
    next: usize,
    limit: usize,
    live: HashMap<usize, T>,
    gone: VecDeque<(usize, String)>,
}

/// Why a handle was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadHandle {
    /// It named this once.
    Stale(String),
    /// It never named anything that is remembered.
    Unknown,
}

impl<T> HandleTable<T> {
    /// Numbers from `first` on, for at most `limit` objects at a time.
    pub(crate) fn new(first: usize, limit: usize) -> Self {
        Self { next: first, limit, live: HashMap::new(), gone: VecDeque::new() }
    }

    /// A number for `object`; `None` when there are too many already.
    pub(crate) fn insert(&mut self, object: T) -> Option<usize> {
        if self.live.len() >= self.limit {
            return None;
        }
        let handle = self.next;
        self.next += STEP;
        self.live.insert(handle, object);
        Some(handle)
    }

    /// The object, if alive.
    pub(crate) fn get(&self, handle: usize) -> Result<&T, BadHandle> {
        self.live.get(&handle).ok_or_else(|| self.bad(handle))
    }

    /// The object, to be changed.
    pub(crate) fn get_mut(&mut self, handle: usize) -> Result<&mut T, BadHandle> {
        let bad = self.bad(handle);
        self.live.get_mut(&handle).ok_or(bad)
    }

    /// Takes the object out; `name` is what is said about the handle from now on.
    pub(crate) fn remove(&mut self, handle: usize, name: &str) -> Result<T, BadHandle> {
        let object = self.live.remove(&handle).ok_or_else(|| self.bad(handle))?;
        if self.gone.len() >= REMEMBERED {
            self.gone.pop_front();
        }
        self.gone.push_back((handle, name.into()));
        Ok(object)
    }

    /// Takes out all objects that `is_going` names; the result is how many.
    pub(crate) fn remove_all(&mut self, mut is_going: impl FnMut(&T) -> bool) -> usize {
        let before = self.live.len();
        self.live.retain(|_, object| !is_going(object));
        before - self.live.len()
    }

    fn bad(&self, handle: usize) -> BadHandle {
        let name = self.gone.iter().find(|(number, _)| *number == handle).map(|(_, name)| name.clone());
        name.map_or(BadHandle::Unknown, BadHandle::Stale)
    }
}

/// The first RESOURCE_HANDLE.
const FIRST_RESOURCE: usize = 0x0010_0000;

/// How many resources one monitor can host.
pub(crate) const MAX_RESOURCES: usize = 1_024;

static RESOURCES: Mutex<Option<HandleTable<Weak<dyn ResourceSide>>>> = Mutex::new(None);

fn resources<R>(work: impl FnOnce(&mut HandleTable<Weak<dyn ResourceSide>>) -> R) -> R {
    work(lock(&RESOURCES).get_or_insert_with(|| HandleTable::new(FIRST_RESOURCE, MAX_RESOURCES)))
}

/// The handle that Open gives to a library; `None` when the monitor is full.
pub(crate) fn give_resource(resource: Weak<dyn ResourceSide>) -> Option<isize> {
    resources(|table| table.insert(resource)).map(|handle| handle as isize)
}

/// The resource behind a handle that came from a library.
pub(crate) fn find_resource(handle: isize) -> Result<Arc<dyn ResourceSide>, BadHandle> {
    resources(|table| table.get(handle as usize).cloned())?.upgrade().ok_or(BadHandle::Unknown)
}

/// From now on the handle is stale. `name` is the resource and its library.
pub(crate) fn close_resource(handle: isize, name: &str) {
    // Whoever closes it has it, and closes it once.
    let _ = resources(|table| table.remove(handle as usize, name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_and_scribbled_handles_are_told_apart() {
        let mut table = HandleTable::new(0x100, 2);
        let first = table.insert("a").expect("room");
        let second = table.insert("b").expect("room");
        assert_eq!(table.insert("c"), None, "full");
        assert_eq!(table.get(first), Ok(&"a"));
        assert_eq!(table.remove(first, "the resource a"), Ok("a"));
        assert_eq!(table.get(first), Err(BadHandle::Stale("the resource a".into())));
        assert_eq!(table.remove(first, "again"), Err(BadHandle::Stale("the resource a".into())));
        assert_eq!(table.get(first + 1), Err(BadHandle::Unknown));
        assert_eq!(table.get(0), Err(BadHandle::Unknown));
        let third = table.insert("c").expect("room again");
        assert!(third != first && third != second, "numbers are not used twice");
        assert_eq!(table.get_mut(second).map(|object| *object), Ok("b"));
        assert_eq!(table.remove_all(|object| *object == "b"), 1);
        assert_eq!(table.get(second), Err(BadHandle::Unknown));
    }

    #[test]
    fn only_the_latest_names_are_remembered() {
        let mut table = HandleTable::new(8, REMEMBERED * 2);
        let all: Vec<usize> = (0..=REMEMBERED).map(|_| table.insert(()).expect("room")).collect();
        for handle in &all {
            table.remove(*handle, "x").expect("alive");
        }
        assert_eq!(table.get(all[0]), Err(BadHandle::Unknown));
        assert_eq!(table.get(all[1]), Err(BadHandle::Stale("x".into())));
    }
}
