//! The lease: for how long the resources of this monitor may run without a word from the Cluster service.
//!
//! A node that has lost its quorum, or whose Cluster service hangs, must not go on running resources that another node is
//! about to start. So the monitor asks for leave every [`LEASE_PING_MS`](crate::protocol::LEASE_PING_MS) and the service
//! answers for how long. The lease counts from the moment of the *question*: an answer that was delayed on the way cannot
//! lengthen it. All times are milliseconds of the monitor's own clock; this module is arithmetic and knows no clock.
#![forbid(unsafe_code)]

/// A service that has never granted a lease counts as frozen or gone after this time without an answer, in milliseconds.
pub(crate) const SILENCE_WITHOUT_LEASE_MS: u64 = 2_000;

/// No shorter silence means anything, in milliseconds: some ten questions without an answer. A lease that was granted when it
/// was nearly over says nothing about the length of leases.
pub(crate) const LEAST_SILENCE_MS: u64 = 1_000;

/// What the monitor may do at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// No lease was ever granted: nothing runs yet, nothing may be brought online.
    NotYet,
    /// Resources may run until this time.
    Until(u64),
    /// The lease ran out, or was taken back with a grant of zero: all resources must be terminated.
    Over,
}

/// The lease of one monitor.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    /// The end of the longest grant; `None` before the first.
    until: Option<u64>,
    /// The stamp of the newest answer that was taken into account.
    newest_stamp: Option<u64>,
    /// The longest grant of the present lease, or of the last one; `None` before the first.
    length_ms: Option<u64>,
    /// The end of the lease was told by [`Lease::expired`] already.
    told: bool,
}

impl Lease {
    /// An answer of the service came. `now` is the time of its arrival, `stamp` the time of the question.
    ///
    /// Answers to older questions than one already answered are ignored: a grant may be overtaken by its withdrawal. A
    /// stamp of the future was never sent by this monitor and is ignored too; then the result is `false`.
    pub(crate) fn granted(&mut self, now: u64, stamp: u64, remaining_ms: u64) -> bool {
        if stamp > now || self.newest_stamp.is_some_and(|newest| stamp < newest) {
            return false;
        }
        self.newest_stamp = Some(stamp);
        if remaining_ms == 0 {
            // Before the first grant zero means: wait. Afterwards it means: stop at once.
            if self.until.is_some() {
                self.until = Some(stamp);
            }
        } else {
            let is_new = !self.is_valid(now);
            self.length_ms = Some(self.length_ms.filter(|_| !is_new).unwrap_or(0).max(remaining_ms));
            self.until = Some(stamp.saturating_add(remaining_ms));
            if self.leave(now) != Leave::Over {
                self.told = false;
            }
        }
        true
    }

    /// What is allowed at `now`.
    pub(crate) fn leave(&self, now: u64) -> Leave {
        match self.until {
            None => Leave::NotYet,
            Some(until) if now < until => Leave::Until(until),
            Some(_) => Leave::Over,
        }
    }

    /// Whether a resource may be brought online at `now`.
    pub(crate) fn is_valid(&self, now: u64) -> bool {
        matches!(self.leave(now), Leave::Until(_))
    }

    /// True once for each time the lease ends: the caller terminates everything.
    pub(crate) fn expired(&mut self, now: u64) -> bool {
        let over = self.leave(now) == Leave::Over;
        let first = over && !self.told;
        self.told |= over;
        first
    }

    /// From when on the Cluster service counts as frozen or gone if it answers nothing until then: for as long as the last
    /// lease was at its best, since the newest question that it has answered. `started` is when the monitor began to ask.
    pub(crate) fn silent_from(&self, started: u64) -> u64 {
        let patience_ms = self.length_ms.map_or(SILENCE_WITHOUT_LEASE_MS, |length| length.max(LEAST_SILENCE_MS));
        self.newest_stamp.unwrap_or(started).saturating_add(patience_ms)
    }

    /// When [`Lease::expired`] has to be asked again, if nothing is heard until then.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.until.filter(|_| !self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays grants `(now, stamp, remaining_ms)` and compares the leave at `at`.
    fn check(grants: &[(u64, u64, u64)], at: u64, expected: Leave) {
        let mut lease = Lease::default();
        for &(now, stamp, remaining_ms) in grants {
            lease.granted(now, stamp, remaining_ms);
        }
        assert_eq!(lease.leave(at), expected, "{grants:?} at {at}");
        assert_eq!(lease.is_valid(at), matches!(expected, Leave::Until(_)));
    }

    #[test]
    fn the_lease_counts_from_the_question() {
        check(&[], 5, Leave::NotYet);
        check(&[(10, 10, 0)], 11, Leave::NotYet);
        check(&[(10, 10, 100)], 50, Leave::Until(110));
        check(&[(10, 10, 100)], 110, Leave::Over);
        // The answer was under way for 90 ms: the end is the same.
        check(&[(100, 10, 100)], 109, Leave::Until(110));
        // It was under way for longer than it grants.
        check(&[(200, 10, 100)], 200, Leave::Over);
        // Renewed, and renewed after the end.
        check(&[(10, 10, 100), (60, 60, 100)], 120, Leave::Until(160));
        check(&[(10, 10, 100), (500, 490, 100)], 500, Leave::Until(590));
        // Taken back; the older grant that arrives later changes nothing.
        check(&[(10, 10, 100), (30, 30, 0)], 31, Leave::Over);
        check(&[(10, 10, 100), (30, 30, 0), (40, 20, 1000)], 41, Leave::Over);
        // A shorter grant shortens.
        check(&[(10, 10, 1000), (20, 20, 50)], 80, Leave::Over);
        // A stamp that was never sent, and numbers at the edge.
        check(&[(10, 11, 100)], 12, Leave::NotYet);
        check(&[(10, 10, u64::MAX)], u64::MAX - 1, Leave::Until(u64::MAX));
    }

    #[test]
    fn the_end_is_told_once_until_a_new_grant() {
        let mut lease = Lease::default();
        assert!(!lease.expired(1_000), "nothing was granted, nothing ends");
        lease.granted(0, 0, 100);
        assert_eq!(lease.next_deadline(), Some(100));
        assert!(!lease.expired(99));
        assert!(lease.expired(100));
        assert!(!lease.expired(101));
        assert_eq!(lease.next_deadline(), None);
        lease.granted(200, 200, 100);
        assert_eq!(lease.next_deadline(), Some(300));
        assert!(lease.expired(300));
    }

    #[test]
    fn a_silent_service_is_noticed_after_the_length_of_a_lease() {
        let check = |grants: &[(u64, u64, u64)], expected: u64| {
            let mut lease = Lease::default();
            for &(now, stamp, remaining_ms) in grants {
                lease.granted(now, stamp, remaining_ms);
            }
            assert_eq!(lease.silent_from(7), expected, "{grants:?}");
        };
        check(&[], 7 + SILENCE_WITHOUT_LEASE_MS);
        check(&[(10, 10, 0)], 10 + SILENCE_WITHOUT_LEASE_MS);
        check(&[(10, 10, 5_000)], 5_010);
        // The last grant before the end of a lease is short; the lease was not.
        check(&[(10, 10, 5_000), (100, 100, 4_910), (5_000, 5_000, 10)], 10_000);
        // It answers, although there is no lease any more.
        check(&[(10, 10, 5_000), (6_000, 6_000, 0), (9_000, 9_000, 0)], 14_000);
        // The next lease is shorter.
        check(&[(10, 10, 5_000), (6_000, 6_000, 2_000)], 8_000);
        // What is left of a lease that nobody had heard of.
        check(&[(10, 10, 30)], 10 + LEAST_SILENCE_MS);
    }

    #[test]
    fn a_grant_that_is_over_on_arrival_is_not_a_new_end() {
        let mut lease = Lease::default();
        lease.granted(0, 0, 100);
        assert!(lease.expired(100));
        lease.granted(500, 300, 100);
        assert!(!lease.expired(501));
    }
}
