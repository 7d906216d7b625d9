//! The timetable: who wants to be woken when. One thread sleeps for everybody, so that a hundred resources need no timers.
//!
//! Whoever has something to wait for has one entry at most; setting it again replaces it. The entries are kept in the order
//! of their times.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

/// Times in milliseconds, by whoever wants to be woken.
#[derive(Debug)]
pub(crate) struct Timetable<K> {
    by_key: BTreeMap<K, u64>,
    by_time: BTreeSet<(u64, K)>,
}

impl<K> Default for Timetable<K> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Timetable<K> {
    /// Wakes `key` at `time`, instead of whatever was set before; `None` = not at all. True when the next time of all has
    /// become earlier.
    pub(crate) fn set(&mut self, key: K, time: Option<u64>) -> bool {
        let before = self.next();
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
        if let Some(time) = time {
            self.by_key.insert(key, time);
            self.by_time.insert((time, key));
        }
        match (before, self.next()) {
            (Some(before), Some(next)) => next < before,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }

    /// The earliest time of all.
    pub(crate) fn next(&self) -> Option<u64> {
        self.by_time.first().map(|(time, _)| *time)
    }

    /// Takes out the entries that are due at `now`, the earliest first.
    pub(crate) fn take_due(&mut self, now: u64) -> Vec<K> {
        let mut due = Vec::new();
        while let Some(&(time, key)) = self.by_time.first() {
            if time > now {
                break;
            }
            self.by_time.pop_first();
            self.by_key.remove(&key);
            due.push(key);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_one_entry_and_the_earliest_comes_first() {
        let mut table = Timetable::default();
        assert!(table.set('a', Some(30)));
        assert!(!table.set('b', Some(40)));
        assert!(table.set('c', Some(20)));
        assert!(!table.set('c', Some(50)), "later");
        assert_eq!(table.next(), Some(30));
        assert!(!table.set('a', None));
        assert_eq!(table.take_due(39), []);
        assert_eq!(table.take_due(50), ['b', 'c']);
        assert_eq!(table.next(), None);
        assert_eq!(table.take_due(u64::MAX), []);
    }
}
