//! The live instances of this library, by the number that goes out as `RESID`.
//!
//! A `RESID` is a number that is never used twice, not a pointer: whatever a monitor passes in, the worst that can
//! happen is that it names no live instance.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::instance::Live;

static LIVE: RwLock<BTreeMap<usize, Arc<dyn Live>>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// Enters an instance and returns its number, never 0.
pub(super) fn enter(instance: Arc<dyn Live>) -> usize {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    LIVE.write().unwrap_or_else(PoisonError::into_inner).insert(id, instance);
    id
}

/// The instance with a number. The lock is free again when this returns: code of the type runs without it.
pub(super) fn find(id: usize) -> Option<Arc<dyn Live>> {
    LIVE.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
}

/// Takes an instance out.
pub(super) fn leave(id: usize) -> Option<Arc<dyn Live>> {
    LIVE.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
}
