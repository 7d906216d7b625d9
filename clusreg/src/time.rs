//! Time as the registry keeps it: a Windows `FILETIME`.
//!
//! The hive never asks for the time. Whoever applies a batch hands in the time of the change, so that every replica
//! stores the same one.

use serde::{Deserialize, Serialize};

/// Hundreds of nanoseconds in a millisecond.
const TICKS_PER_MS: u64 = 10_000;

/// Milliseconds from 1601-01-01 to 1970-01-01, both UTC.
const UNIX_EPOCH_MS: u64 = 11_644_473_600_000;

/// A moment, in steps of 100 ns since 1601-01-01 00:00 UTC (the `FILETIME` of Windows).
///
/// The last write time of a key is one (reference 06.3, `ClusterRegQueryInfoKey`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileTime(pub u64);

impl FileTime {
    /// The moment `unix_ms` milliseconds after 1970-01-01 UTC. Moments too far in the future to be written down become
    /// the last one that can.
    pub const fn from_unix_ms(unix_ms: u64) -> FileTime {
        FileTime(unix_ms.saturating_add(UNIX_EPOCH_MS).saturating_mul(TICKS_PER_MS))
    }

    /// Milliseconds since 1970-01-01 UTC, rounded down; 0 for anything before that day.
    pub const fn unix_ms(self) -> u64 {
        (self.0 / TICKS_PER_MS).saturating_sub(UNIX_EPOCH_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unix_ms: u64, ticks: u64) {
        assert_eq!(FileTime::from_unix_ms(unix_ms), FileTime(ticks));
        assert_eq!(FileTime(ticks).unix_ms(), unix_ms);
    }

    #[test]
    fn converts_known_moments() {
        check(0, 116_444_736_000_000_000);
        check(1, 116_444_736_000_010_000);
        check(951_782_400_000, 125_962_560_000_000_000);
    }

    #[test]
    fn stays_inside_its_range() {
        assert_eq!(FileTime::from_unix_ms(u64::MAX), FileTime(u64::MAX));
        assert_eq!(FileTime(0).unix_ms(), 0);
        assert_eq!(FileTime(116_444_736_000_010_001).unix_ms(), 1);
    }
}
