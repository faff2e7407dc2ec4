//! A clock that can be put forward.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::port::ambient::{Clock, SystemClock};

/// The system's time, moved by what was asked for. Outside of dev mode nobody moves it.
#[derive(Debug, Default)]
pub(crate) struct MovableClock {
    moved_by: AtomicI64,
}

impl MovableClock {
    /// As far as the time may be moved, in seconds: a hundred years.
    pub(crate) const FARTHEST: i64 = 100 * 366 * 24 * 3600;

    /// Moves the time by so many seconds, back if negative. `false` if it would be farther than [`Self::FARTHEST`] from
    /// the system's time.
    pub(crate) fn advance(&self, seconds: i64) -> bool {
        let add = |moved: i64| {
            let sum = moved.checked_add(seconds)?;
            (sum.unsigned_abs() <= Self::FARTHEST.unsigned_abs()).then_some(sum)
        };
        self.moved_by.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add).is_ok()
    }
}

impl Clock for MovableClock {
    fn now(&self) -> DateTime<Utc> {
        let moved_by = TimeDelta::try_seconds(self.moved_by.load(Ordering::SeqCst)).unwrap_or_default();
        SystemClock::default().now().checked_add_signed(moved_by).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_moved_both_ways_and_not_out_of_reach() {
        let clock = MovableClock::default();
        let real = SystemClock::default().now();
        assert!(clock.advance(3600));
        assert!(clock.now() >= real + TimeDelta::hours(1));
        assert!(clock.advance(-7200));
        assert!(clock.now() <= SystemClock::default().now() - TimeDelta::hours(1));
        for far in [MovableClock::FARTHEST + 7200, i64::MIN, i64::MAX] {
            assert!(!clock.advance(far));
        }
        assert!(clock.now() <= SystemClock::default().now() - TimeDelta::hours(1));
    }
}
