//! The monitor's own clock and the one way in which it takes a lock.
//!
//! All times in the monitor are milliseconds since its start, on a clock that never goes back. The state machines take them
//! as arguments; only the threads of the monitor read the clock itself.
#![forbid(unsafe_code)]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// Milliseconds since the first call in this process.
pub(crate) fn now_ms() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Locks, also after a panic of another holder: such a panic ends the monitor anyway (see
/// [`Monitor::spawn`](crate::monitor::Monitor::spawn)), and until then the last words have to get out.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
