//! The poll clock of one online resource: when LooksAlive and IsAlive are due (reference 01.3, "polling").
//!
//! The clock starts when the resource comes online and is dropped when it leaves that state. It counts from the *answer* of
//! the last poll, so that a slow resource is never asked twice at once. With an event handle LooksAlive is not polled at all.
//! The scheduler thread asks [`PollClock::next_deadline`]; the polls themselves run on the worker thread of the resource.
//! Times are milliseconds; this module knows no clock.
#![forbid(unsafe_code)]

use crate::protocol::Timing;

/// The shortest interval that is honoured. Zero would poll without a pause and is invalid (reference 01.3).
pub(crate) const MIN_POLL_INTERVAL_MS: u32 = 10;

/// Which poll is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// The quick question.
    LooksAlive,
    /// The thorough question, which covers the quick one.
    IsAlive,
}

/// When to ask an online resource for its health.
#[derive(Debug)]
pub(crate) struct PollClock {
    looks_alive_ms: u32,
    is_alive_ms: u32,
    /// The resource gave an event handle: LooksAlive is never polled.
    has_event: bool,
    last_looks_alive: u64,
    last_is_alive: u64,
    /// A poll was handed out and is not answered.
    is_waiting: bool,
}

impl PollClock {
    /// The resource came online at `now`.
    pub(crate) fn start(now: u64, timing: Timing, has_event: bool) -> Self {
        let mut clock = Self {
            looks_alive_ms: 0,
            is_alive_ms: 0,
            has_event,
            last_looks_alive: now,
            last_is_alive: now,
            is_waiting: false,
        };
        clock.configure(timing);
        clock
    }

    /// New intervals, from the last answers on.
    pub(crate) fn configure(&mut self, timing: Timing) {
        self.looks_alive_ms = timing.looks_alive_ms.max(MIN_POLL_INTERVAL_MS);
        self.is_alive_ms = timing.is_alive_ms.max(MIN_POLL_INTERVAL_MS);
    }

    /// The resource supplied an event handle after it came online.
    pub(crate) fn event_supplied(&mut self) {
        self.has_event = true;
    }

    /// Takes the poll that is due at `now`, once; the next comes after [`PollClock::answered`].
    pub(crate) fn take_due(&mut self, now: u64) -> Option<Poll> {
        let poll = if self.is_waiting {
            return None;
        } else if now >= self.is_alive_due() {
            Poll::IsAlive
        } else if self.looks_alive_due().is_some_and(|due| now >= due) {
            Poll::LooksAlive
        } else {
            return None;
        };
        self.is_waiting = true;
        Some(poll)
    }

    /// The resource answered at `now`. IsAlive counts as both.
    pub(crate) fn answered(&mut self, now: u64, poll: Poll) {
        self.is_waiting = false;
        self.last_looks_alive = now;
        match poll {
            Poll::LooksAlive => {}
            Poll::IsAlive => self.last_is_alive = now,
        }
    }

    /// When the next poll is due; `None` while one is under way.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        if self.is_waiting {
            return None;
        }
        let is_alive = self.is_alive_due();
        Some(self.looks_alive_due().map_or(is_alive, |looks_alive| looks_alive.min(is_alive)))
    }

    fn is_alive_due(&self) -> u64 {
        self.last_is_alive.saturating_add(u64::from(self.is_alive_ms))
    }

    fn looks_alive_due(&self) -> Option<u64> {
        (!self.has_event).then(|| self.last_looks_alive.saturating_add(u64::from(self.looks_alive_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKS: Option<Poll> = Some(Poll::LooksAlive);
    const IS: Option<Poll> = Some(Poll::IsAlive);

    fn timing(looks_alive_ms: u32, is_alive_ms: u32) -> Timing {
        Timing { looks_alive_ms, is_alive_ms, pending_timeout_ms: 1_000, deadlock_timeout_ms: 1_000 }
    }

    /// Asks the clock at each time; an answer takes `answer_ms`.
    fn check(has_event: bool, answer_ms: u64, asks: &[(u64, Option<Poll>)]) {
        let mut clock = PollClock::start(0, timing(50, 200), has_event);
        for &(now, expected) in asks {
            assert_eq!(clock.take_due(now), expected, "at {now}");
            if let Some(poll) = expected {
                assert_eq!(clock.next_deadline(), None, "one poll at a time");
                assert_eq!(clock.take_due(now + 10_000), None, "one poll at a time");
                clock.answered(now + answer_ms, poll);
            }
        }
    }

    #[test]
    fn polls_come_at_their_intervals() {
        check(
            false,
            0,
            &[
                (0, None),
                (49, None),
                (50, LOOKS),
                (99, None),
                (100, LOOKS),
                (150, LOOKS),
                (200, IS),
                (249, None),
                (250, LOOKS),
            ],
        );
        // The interval counts from the answer.
        check(false, 30, &[(50, LOOKS), (100, None), (129, None), (130, LOOKS)]);
        // IsAlive answers for LooksAlive too.
        check(false, 0, &[(500, IS), (549, None), (550, LOOKS), (700, IS)]);
        // An event handle replaces LooksAlive.
        check(true, 0, &[(50, None), (199, None), (200, IS), (399, None), (400, IS)]);
    }

    #[test]
    fn intervals_change_while_online_and_zero_is_not_taken_literally() {
        let mut clock = PollClock::start(0, timing(1_000, 1_000), false);
        assert_eq!(clock.next_deadline(), Some(1_000));
        clock.configure(timing(0, 0));
        assert_eq!(clock.next_deadline(), Some(u64::from(MIN_POLL_INTERVAL_MS)));
        clock.configure(timing(20, 300));
        assert_eq!(clock.next_deadline(), Some(20));
        clock.event_supplied();
        assert_eq!(clock.next_deadline(), Some(300));
    }
}
