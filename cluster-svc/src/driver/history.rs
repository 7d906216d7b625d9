//! What was told lately: a ring of notices for clients that ask, and a channel for clients that listen.
//!
//! Each notice gets a number of this node and this life of its service. Replicated notices also carry their place in the
//! log, which is the same on every node; local ones have only this number.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cluster_engine::Notice;
use tokio::sync::broadcast;

/// How many notices are remembered.
pub const HISTORY_NOTICES: usize = 10_000;
/// How many notices a listener may fall behind before it has to ask for the history.
pub const LISTENER_LAG: usize = 512;

/// The ring and the channel. Shared between the node's task, which tells, and clients, which read.
pub struct History {
    ring: Mutex<Ring>,
    listeners: broadcast::Sender<(u64, Arc<Notice>)>,
    limit: usize,
}

struct Ring {
    next: u64,
    notices: VecDeque<(u64, Arc<Notice>)>,
}

impl History {
    /// An empty history that remembers `limit` notices ([`HISTORY_NOTICES`] outside tests).
    #[must_use]
    pub fn new(limit: usize) -> History {
        let ring = Mutex::new(Ring { next: 1, notices: VecDeque::new() });
        History { ring, listeners: broadcast::channel(LISTENER_LAG).0, limit }
    }

    /// Tells a notice. The oldest one is forgotten when there are too many.
    pub fn tell(&self, notice: Notice) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let numbered = (ring.next, Arc::new(notice));
        ring.next += 1;
        if ring.notices.len() >= self.limit {
            ring.notices.pop_front();
        }
        ring.notices.push_back(numbered.clone());
        // Sent under the lock, so that listeners hear in the order of the numbers. It never blocks. Nobody listening is
        // no error.
        let _ = self.listeners.send(numbered);
    }

    /// The `limit` notices that follow number `after`, or the newest `limit` ones; oldest first.
    #[must_use]
    pub fn read(&self, after: Option<u64>, limit: usize) -> Vec<(u64, Arc<Notice>)> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let from = match after {
            Some(after) => ring.notices.partition_point(|(number, _)| *number <= after),
            None => ring.notices.len().saturating_sub(limit),
        };
        ring.notices.iter().skip(from).take(limit).cloned().collect()
    }

    /// Every notice from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<(u64, Arc<Notice>)> {
        self.listeners.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster_engine::Time;
    use cluster_engine::{Component, Level};

    fn notice(text: &str) -> Notice {
        Notice {
            place: None,
            at: Time(1),
            level: Level::Information,
            component: Component::Cs,
            event: None,
            text: text.into(),
            subject: None,
            why: Vec::new(),
            step: None,
        }
    }

    #[test]
    fn readers_get_the_newest_or_what_follows() {
        let history = History::new(3);
        let mut listener = history.subscribe();
        for text in ["a", "b", "c", "d", "e"] {
            history.tell(notice(text));
        }
        let check = |after, limit, expected: &[(u64, &str)]| {
            let found: Vec<_> = history.read(after, limit).iter().map(|(n, what)| (*n, what.text.clone())).collect();
            let expected: Vec<_> = expected.iter().map(|(n, what)| (*n, (*what).to_owned())).collect();
            assert_eq!(found, expected, "after {after:?}, limit {limit}");
        };
        check(None, 2, &[(4, "d"), (5, "e")]);
        check(None, 9, &[(3, "c"), (4, "d"), (5, "e")]);
        check(Some(0), 2, &[(3, "c"), (4, "d")]);
        check(Some(4), 9, &[(5, "e")]);
        check(Some(5), 9, &[]);
        check(Some(99), 9, &[]);
        assert_eq!(listener.try_recv().expect("the first one").0, 1);
    }
}
