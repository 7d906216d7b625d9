//! The watchdog: which calls into resource libraries are under way, since when, and for how long they may take.
//!
//! A thread inside a library cannot be ended. So the monitor only says, once per call, that the call is past its
//! DeadlockTimeout; the Cluster service kills the monitor (reference 01.7). A call that returns, but took more than
//! [`SLOW_CALL_MS`], is a fault of performance and is told too. Times are milliseconds; this module knows no clock.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::protocol::ResourceId;

/// An entry point should return within this many milliseconds (reference 01.3).
pub(crate) const SLOW_CALL_MS: u64 = 300;

/// The DeadlockTimeout of calls that belong to no resource, in milliseconds: the default of a type (reference 01.7).
pub(crate) const TYPE_DEADLOCK_TIMEOUT_MS: u32 = 300_000;

/// A call that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The resource, or `None` for a call on behalf of a type.
    pub(crate) resource: Option<ResourceId>,
    /// The type.
    pub(crate) resource_type: String,
    /// The registered name of the library, the one to blame.
    pub(crate) dll_name: String,
    /// The entry point, e.g. `Online`.
    pub(crate) call: &'static str,
    /// DeadlockTimeout.
    pub(crate) limit_ms: u32,
}

/// A call that is past its limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overdue {
    pub(crate) watched: Watched,
    pub(crate) waited_ms: u64,
}

/// Names a call between its begin and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallId(u64);

/// The calls under way.
#[derive(Debug, Default)]
pub(crate) struct CallTable {
    next: u64,
    calls: BTreeMap<CallId, Running>,
}

#[derive(Debug)]
struct Running {
    watched: Watched,
    since: u64,
    is_told: bool,
}

impl CallTable {
    /// A thread is about to enter a library.
    pub(crate) fn begin(&mut self, now: u64, watched: Watched) -> CallId {
        let id = CallId(self.next);
        self.next += 1;
        self.calls.insert(id, Running { watched, since: now, is_told: false });
        id
    }

    /// The thread came back. The result is how long it took, in milliseconds.
    pub(crate) fn end(&mut self, now: u64, id: CallId) -> u64 {
        self.calls.remove(&id).map_or(0, |running| now.saturating_sub(running.since))
    }

    /// The calls that went past their limit since the last time this was asked.
    pub(crate) fn overdue(&mut self, now: u64) -> Vec<Overdue> {
        let late = self.calls.values_mut().filter(|running| !running.is_told && now >= running.deadline());
        late.map(|running| {
            running.is_told = true;
            Overdue { watched: running.watched.clone(), waited_ms: now - running.since }
        })
        .collect()
    }

    /// When [`CallTable::overdue`] is worth asking.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.calls.values().filter(|running| !running.is_told).map(Running::deadline).min()
    }
}

impl Running {
    fn deadline(&self) -> u64 {
        self.since.saturating_add(u64::from(self.watched.limit_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: u128, limit_ms: u32) -> Watched {
        Watched {
            resource: Some(ResourceId(number)),
            resource_type: "T".into(),
            dll_name: "t.so".into(),
            call: "Online",
            limit_ms,
        }
    }

    #[test]
    fn a_call_past_its_limit_is_told_once_and_still_ends() {
        let mut table = CallTable::default();
        let first = table.begin(0, call(1, 100));
        let second = table.begin(50, call(2, 20));
        assert_eq!(table.next_deadline(), Some(70));
        assert_eq!(table.overdue(69), []);
        assert_eq!(table.overdue(75), [Overdue { watched: call(2, 20), waited_ms: 25 }]);
        assert_eq!(table.overdue(76), []);
        assert_eq!(table.next_deadline(), Some(100));
        assert_eq!(table.end(350, second), 300);
        assert_eq!(table.end(99, first), 99);
        assert_eq!(table.next_deadline(), None);
        assert_eq!(table.overdue(10_000), []);
    }

    #[test]
    fn an_end_without_a_begin_is_no_time_at_all() {
        let mut table = CallTable::default();
        let id = table.begin(5, call(1, 1));
        assert_eq!(table.end(9, id), 4);
        assert_eq!(table.end(20, id), 0);
    }
}
