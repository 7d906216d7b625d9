//! Time as the engine knows it: a number of milliseconds that the caller hands in. The engine never asks for it.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds since 1970-01-01 UTC by the caller's clock. The caller's clock must not go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Time {
    /// The span since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub fn since(self, earlier: Time) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }

    /// The hour of the day, 0..=23, in the cluster's local time, which is UTC plus `offset_minutes`.
    #[must_use]
    pub fn hour(self, offset_minutes: i32) -> u32 {
        let minutes = i64::try_from(self.0 / 60_000).unwrap_or(i64::MAX).saturating_add(i64::from(offset_minutes));
        u32::try_from(minutes.div_euclid(60).rem_euclid(24)).unwrap_or(0)
    }
}

impl Add<Millis> for Time {
    type Output = Time;
    fn add(self, span: Millis) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl Sub<Millis> for Time {
    type Output = Time;
    fn sub(self, span: Millis) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Millis {
    /// Whole seconds as a span.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Millis {
        Millis(seconds.saturating_mul(1000))
    }
}
