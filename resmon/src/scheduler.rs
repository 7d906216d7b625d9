//! The scheduler: one thread that sleeps until the next thing is due, for all resources and for the monitor itself.
//!
//! It only wakes: what is to be done is found out by whoever is woken, from its own state. So an entry that is too early, or
//! that comes twice, does no harm, and foreign code never runs on this thread.
#![forbid(unsafe_code)]

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{lock, now_ms};
use crate::protocol::ResourceId;
use crate::timetable::Timetable;

/// Who is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// Ask for the lease again.
    LeasePing,
    /// The lease ends, unless it was renewed.
    LeaseEnd,
    /// The service counts as frozen or gone, unless it has answered.
    Silence,
    /// A call reaches its DeadlockTimeout.
    Watchdog,
    /// Polls and PendingTimeout of a resource.
    Resource(ResourceId),
}

/// The shared timetable.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    table: Mutex<Timetable<Wake>>,
    changed: Condvar,
}

impl Scheduler {
    /// Wakes `who` at `time_ms`, instead of what was set before; `None` = not at all.
    pub(crate) fn set(&self, who: Wake, time_ms: Option<u64>) {
        if lock(&self.table).set(who, time_ms) {
            self.changed.notify_one();
        }
    }

    /// Waits until somebody is due and tells who, in order.
    pub(crate) fn wait(&self) -> Vec<Wake> {
        let mut table = lock(&self.table);
        loop {
            let now = now_ms();
            let due = table.take_due(now);
            if !due.is_empty() {
                return due;
            }
            table = match table.next() {
                None => self.changed.wait(table).unwrap_or_else(PoisonError::into_inner),
                Some(next) => {
                    let pause = Duration::from_millis(next.saturating_sub(now));
                    self.changed.wait_timeout(table, pause).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_entry_wakes_a_sleeping_scheduler() {
        let scheduler = Scheduler::default();
        let far = now_ms() + 3_600_000;
        scheduler.set(Wake::Watchdog, Some(far));
        std::thread::scope(|scope| {
            let woken = scope.spawn(|| scheduler.wait());
            scheduler.set(Wake::LeasePing, Some(now_ms()));
            assert_eq!(woken.join().expect("no panic"), [Wake::LeasePing]);
        });
        assert_eq!(lock(&scheduler.table).next(), Some(far));
    }
}
