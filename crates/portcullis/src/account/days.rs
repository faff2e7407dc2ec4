//! The counter of days an account has left. Nothing decrements it: what is left follows from the date.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::error::InputError;
use crate::policy::DAYS_FURTHEST;

/// How many days an account has left, as they stood on one date of its calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DayCounter {
    /// Days left on that date, -36525 to 36525.
    pub value: i32,
    /// The date, on the calendar of the account's zone.
    pub as_of: NaiveDate,
    /// Days left at which the account is blocked, -36525 to 36525.
    pub minimum: i32,
    /// Whether days are counted at all; an account whose days are not counted is never blocked by them.
    pub counting: bool,
}

/// What of a day counter is to change; what is not named stays as it is.
///
/// ```
/// use portcullis::account::DaysChange;
/// let change = DaysChange::default().left(20).counting(true);
/// assert_eq!((change.left, change.minimum, change.counting), (Some(20), None, Some(true)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaysChange {
    /// Days left today, -36525 to 36525.
    pub left: Option<i32>,
    /// Days left at which the account is blocked, -36525 to 36525.
    pub minimum: Option<i32>,
    /// Whether days are counted.
    pub counting: Option<bool>,
}

impl DaysChange {
    /// With so many days left today.
    #[must_use]
    pub const fn left(mut self, days: i32) -> Self {
        self.left = Some(days);
        self
    }

    /// Blocked when so many are left.
    #[must_use]
    pub const fn minimum(mut self, days: i32) -> Self {
        self.minimum = Some(days);
        self
    }

    /// With days counted, or not.
    #[must_use]
    pub const fn counting(mut self, counting: bool) -> Self {
        self.counting = Some(counting);
        self
    }

    /// Checks the numbers.
    pub(crate) fn check(self) -> Result<(), InputError> {
        if [self.left, self.minimum].into_iter().flatten().all(holds) {
            Ok(())
        } else {
            Err(InputError::new("days", "invalid_days", "days are at most 36525 either way"))
        }
    }
}

impl DayCounter {
    /// Days left on a date.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use portcullis::account::{DayCounter, DaysChange};
    /// let day = |n| NaiveDate::from_ymd_opt(2026, 11, n).unwrap();
    /// let twenty = DaysChange::default().left(20).counting(true);
    /// let counter = DayCounter::default().changed(twenty, day(1));
    /// assert_eq!((counter.left(day(1)), counter.left(day(24))), (20, -3));
    /// assert_eq!(counter.blocking_day(), Some(day(21)));
    /// ```
    pub fn left(&self, on: NaiveDate) -> i32 {
        if !self.counting {
            return self.value;
        }
        let gone = on.signed_duration_since(self.as_of).num_days();
        let left = i64::from(self.value).saturating_sub(gone);
        i32::try_from(left).unwrap_or(if left < 0 { i32::MIN } else { i32::MAX })
    }

    /// The date that the account is blocked from, if days are counted.
    pub fn blocking_day(&self) -> Option<NaiveDate> {
        let ahead = i64::from(self.value) - i64::from(self.minimum);
        let distance = Days::new(ahead.unsigned_abs());
        let (first, last) = DATES;
        self.counting.then(|| {
            let day = if ahead < 0 {
                self.as_of.checked_sub_days(distance)
            } else {
                self.as_of.checked_add_days(distance)
            };
            day.unwrap_or(if ahead < 0 { first } else { last }).clamp(first, last)
        })
    }

    /// The counter after a change made on a date of the account's calendar; the same one if nothing changes.
    #[must_use]
    pub fn changed(self, change: DaysChange, today: NaiveDate) -> Self {
        let before = Self { value: self.left(today), as_of: today, ..self };
        let after = Self {
            value: change.left.unwrap_or(before.value),
            as_of: today,
            minimum: change.minimum.unwrap_or(before.minimum),
            counting: change.counting.unwrap_or(before.counting),
        };
        if after == before { self } else { after }
    }

    /// Whether its numbers are within bounds.
    pub(crate) fn holds(self) -> bool {
        holds(self.value) && holds(self.minimum)
    }
}

/// The first and the last date there is; what lies beyond counts as one of them.
const DATES: (NaiveDate, NaiveDate) =
    match (NaiveDate::from_ymd_opt(1, 1, 1), NaiveDate::from_ymd_opt(9999, 12, 31)) {
        (Some(first), Some(last)) => (first, last),
        _ => (NaiveDate::MIN, NaiveDate::MAX),
    };

fn holds(days: i32) -> bool {
    (-DAYS_FURTHEST..=DAYS_FURTHEST).contains(&days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn counting(value: i32, as_of: &str, minimum: i32) -> DayCounter {
        DayCounter { value, as_of: day(as_of), minimum, counting: true }
    }

    #[test]
    fn a_day_goes_by_with_the_calendar() {
        let counter = counting(20, "2026-11-24", 0);
        for (on, left) in [("2026-11-24", 20), ("2026-11-25", 19), ("2026-12-14", 0), ("2026-12-15", -1)] {
            assert_eq!(counter.left(day(on)), left, "{on}");
        }
        assert_eq!(counter.left(day("2026-11-20")), 24, "also if the clock steps back");
        let still = DayCounter { counting: false, ..counter };
        assert_eq!(still.left(day("2126-11-24")), 20);
    }

    #[test]
    fn the_blocking_day_is_when_the_minimum_is_left() {
        let blocks = |value, as_of, minimum| counting(value, as_of, minimum).blocking_day().unwrap();
        assert_eq!(blocks(20, "2026-11-24", 0), day("2026-12-14"));
        assert_eq!(blocks(20, "2026-11-24", 5), day("2026-12-09"));
        assert_eq!(blocks(20, "2026-11-24", -5), day("2026-12-19"));
        assert_eq!(blocks(-3, "2026-11-24", 0), day("2026-11-21"), "it is past");
        assert_eq!(blocks(1, "2028-02-28", 0), day("2028-02-29"), "a leap day");
        assert_eq!(blocks(1, "2027-02-28", 0), day("2027-03-01"));
        assert_eq!(blocks(36_525, "2026-11-24", 0), day("2126-11-25"), "24 leap days, as 2100 has none");
        assert_eq!(blocks(-36_525, "2026-11-24", 0), day("1926-11-24"));
        assert_eq!(DayCounter::default().blocking_day(), None);
    }

    #[test]
    fn a_counter_from_the_end_of_time_is_read_without_harm() {
        for value in [i32::MIN, i32::MAX] {
            let wild =
                DayCounter { value, as_of: NaiveDate::MAX, minimum: value.wrapping_neg(), counting: true };
            assert!(wild.blocking_day().is_some());
            for on in [NaiveDate::MIN, NaiveDate::MAX] {
                let _ = wild.left(on);
            }
        }
        let mut ends = counting(i32::MAX, "2026-11-24", i32::MIN).blocking_day();
        assert_eq!(ends, Some(day("9999-12-31")));
        ends = counting(i32::MIN, "2026-11-24", i32::MAX).blocking_day();
        assert_eq!(ends, Some(day("0001-01-01")));
    }

    #[test]
    fn a_change_counts_from_the_day_it_is_made() {
        let counter = counting(20, "2026-11-24", 0);
        let on = |change: DaysChange| counter.changed(change, day("2026-11-30"));
        let same = DaysChange::default();
        assert_eq!(on(same), counter);
        assert_eq!(on(same.left(14).minimum(0).counting(true)), counter, "it is so already");
        assert_eq!(on(same.minimum(2)), counting(14, "2026-11-30", 2));
        assert_eq!(on(same.left(30)), counting(30, "2026-11-30", 0));
        let stopped = on(same.counting(false));
        assert_eq!(stopped, DayCounter { counting: false, ..counting(14, "2026-11-30", 0) });
        let again = stopped.changed(same.counting(true), day("2027-01-01"));
        assert_eq!(again, counting(14, "2027-01-01", 0), "no day goes by while none is counted");
    }

    #[test]
    fn days_are_at_most_a_hundred_years_either_way() {
        let with = |left, minimum| DaysChange::default().left(left).minimum(minimum).check();
        assert_eq!((with(36_525, -36_525), with(-36_525, 36_525)), (Ok(()), Ok(())));
        for (left, minimum) in [(36_526, 0), (0, 36_526), (-36_526, 0), (0, i32::MIN)] {
            let error = with(left, minimum).unwrap_err();
            assert_eq!((error.code(), error.field()), ("invalid_days", "days"));
        }
    }
}
