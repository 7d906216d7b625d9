//! The only place of the service that reads a clock.
//!
//! Engine time is milliseconds since 1970, but it must never go back. So the wall clock is read once, at the start, and
//! from then on the monotonic clock counts; somebody who sets the computer's clock changes nothing until the next start.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cluster_engine::Time;

/// Tells engine time. Copies tell the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    /// Reads the wall clock once.
    #[must_use]
    pub fn start() -> Clock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { start: Instant::now(), start_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX) }
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> Time {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        Time(self.start_ms.saturating_add(elapsed))
    }

    /// When a timer for `at` has to ring; at once when `at` has passed.
    #[must_use]
    pub fn instant(&self, at: Time) -> tokio::time::Instant {
        let ahead = Duration::from_millis(at.0.saturating_sub(self.start_ms));
        tokio::time::Instant::from_std(self.start.checked_add(ahead).unwrap_or_else(|| self.start + FAR_AWAY))
    }

    /// When a timer has to ring that is to ring in so long; finer than engine time.
    #[must_use]
    pub fn in_so_long(&self, span: Duration) -> tokio::time::Instant {
        tokio::time::Instant::now() + span
    }
}

/// A timer beyond what the system's clock can express rings after this.
const FAR_AWAY: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back_and_timers_agree_with_it() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
        let ring = clock.instant(Time(first.0 + 1000));
        assert!(ring > tokio::time::Instant::now());
        assert!(clock.instant(Time(0)) <= tokio::time::Instant::now());
        assert!(clock.instant(Time(u64::MAX)) > ring);
    }
}
