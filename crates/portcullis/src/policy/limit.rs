//! Limits and waits, as the policy names them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::port::store::{Count, Window};

/// How many claimed messages and requests wait in a worker for their share of the senders, for each sender: 4. What comes
/// beyond is put off in the store.
pub(crate) const PARKED_PER_SENDER: u32 = 4;

/// At most so many in a window of so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// How many.
    pub count: u32,
    /// In which time, from the first.
    pub within: TimeDelta,
}

impl Limit {
    /// At most `count` within `within`.
    pub const fn new(count: u32, within: TimeDelta) -> Self {
        Self { count, within }
    }
}

impl Limit {
    /// Whether a count has reached it.
    pub(crate) fn is_reached(self, count: Count, now: DateTime<Utc>) -> bool {
        counts_within(self.within, count, now) && count.value >= self.count
    }
}

/// Whether a count is of a window that can have been opened by now. A window that ends later than that was opened by
/// a clock that has since stepped back, and counts as ended, as it does for the store.
fn counts_within(longest: TimeDelta, count: Count, now: DateTime<Utc>) -> bool {
    let latest = Window::Rolling(longest).latest_end(now);
    count.ends_at.is_none_or(|ends_at| latest.is_none_or(|latest| ends_at <= latest))
}

/// Waiting after failures in a row: none before `after`, then `first`, doubling to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The failure in a row from which to wait.
    pub after: u32,
    /// The first wait.
    pub first: TimeDelta,
    /// The longest wait.
    pub longest: TimeDelta,
}

impl Backoff {
    /// The wait that the `nth` failure in a row opens, if any.
    ///
    /// ```
    /// use portcullis::policy::Policy;
    /// let backoff = Policy::default().password_backoff;
    /// assert_eq!(backoff.wait(9), None);
    /// assert_eq!(backoff.wait(10), Some(backoff.first));
    /// assert_eq!(backoff.wait(11), Some(backoff.first * 2));
    /// assert_eq!(backoff.wait(4_000_000_000), Some(backoff.longest));
    /// ```
    pub fn wait(self, nth: u32) -> Option<TimeDelta> {
        let doublings = nth.checked_sub(self.after)?;
        let factor = 1_i32.checked_shl(doublings).filter(|factor| *factor > 0).unwrap_or(i32::MAX);
        Some(self.first.checked_mul(factor).unwrap_or(self.longest).min(self.longest))
    }

    /// Whether a counter of waiting says to wait.
    pub(crate) fn waits(self, wait: Count, now: DateTime<Utc>) -> bool {
        counts_within(self.longest, wait, now) && wait.value > 0
    }
}

/// Whether a limit is one.
pub(crate) fn limit_holds(limit: Limit) -> bool {
    limit.count > 0 && limit.within > TimeDelta::zero()
}

/// Whether a back-off is one.
pub(super) fn backoff_holds(backoff: Backoff) -> bool {
    backoff.after > 0 && backoff.first > TimeDelta::zero() && backoff.longest >= backoff.first
}
