//! A clock that can be put forward.

use std::sync::atomic::{AtomicI64, Ordering};

/// The system's time in whole seconds, moved by what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    moved_by: AtomicI64,
}

impl Clock {
    /// As far as the time may be moved, in seconds: a hundred years.
    const FARTHEST: i64 = 100 * 366 * 24 * 3600;

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let real = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        real.saturating_add(self.moved_by.load(Ordering::SeqCst))
    }

    /// Moves the time, back if negative; `false` if that would be too far.
    pub(crate) fn advance(&self, seconds: i64) -> bool {
        let add = |moved: i64| {
            let sum = moved.checked_add(seconds)?;
            (sum.unsigned_abs() <= Self::FARTHEST.unsigned_abs()).then_some(sum)
        };
        self.moved_by.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add).is_ok()
    }
}
