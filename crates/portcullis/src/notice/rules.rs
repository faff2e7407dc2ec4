//! On which local days a user is told that his account is going to be blocked, and when on each of them.
//!
//! A day is one of the user's zone. What is compared are days, never instants: a day has 23 to 25 hours, and one
//! blocking instant falls on different days in different zones.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::account::TimeZone;
use crate::policy::Policy;

/// One day's notice, planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// The local day it is for.
    pub(crate) day: NaiveDate,
    /// From when on it may leave.
    pub(crate) at: DateTime<Utc>,
}

/// A user's days: when his account is blocked as his own clocks have it, and when he is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calendar {
    zone: TimeZone,
    blocks_at: Option<DateTime<Utc>>,
    days: u32,
    time: NaiveTime,
}

impl Calendar {
    /// Of a user in this zone whose account, or one above it, is blocked at this instant if nothing changes.
    pub(crate) fn new(zone: TimeZone, blocks_at: Option<DateTime<Utc>>, policy: &Policy) -> Self {
        let time = NaiveTime::from_hms_opt(u32::from(policy.notice_hour), 0, 0).unwrap_or_default();
        Self { zone, blocks_at, days: policy.notice_days, time }
    }

    /// The day the account is blocked on.
    pub(crate) fn blocking_day(&self) -> Option<NaiveDate> {
        self.blocks_at.map(|at| self.zone.day(at))
    }

    /// How many days before the blocking day a day is: 0 on that day itself, none after it.
    fn days_before(&self, day: NaiveDate) -> Option<u32> {
        u32::try_from(self.blocking_day()?.signed_duration_since(day).num_days()).ok()
    }

    /// How many days are left; 0 on the last day.
    pub(crate) fn days_ahead(&self, now: DateTime<Utc>) -> Option<u32> {
        self.blocks_at.filter(|at| now < *at)?;
        self.days_before(self.today(now))
    }

    /// How many days are left, where so few are left that it is worth a warning.
    pub(crate) fn days_left(&self, now: DateTime<Utc>) -> Option<u32> {
        self.days_ahead(now).filter(|days| *days <= self.days)
    }

    /// How many days are left on a day that has a notice.
    pub(crate) fn told_on(&self, day: NaiveDate) -> Option<u32> {
        self.days_before(day).filter(|days| (1..=self.days).contains(days))
    }

    /// The days that have a notice, the first of them first.
    pub(crate) fn told_days(&self) -> Vec<NaiveDate> {
        let before = |days: u32| self.blocking_day()?.checked_sub_days(Days::new(days.into()));
        (1..=self.days).rev().filter_map(before).collect()
    }

    /// From when on a day's notice may leave.
    pub(crate) fn instant(&self, day: NaiveDate) -> DateTime<Utc> {
        self.zone.instant(day, self.time)
    }

    /// The local day.
    pub(crate) fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        self.zone.day(now)
    }

    /// When the first notice is due.
    pub(crate) fn first(&self) -> Option<DateTime<Utc>> {
        let day = self.blocking_day()?.checked_sub_days(Days::new(self.days.into()))?;
        Some(self.instant(day))
    }

    /// The notices that are to be kept now: today's, if its time has come, and each one up to `until`. What a day is
    /// owed that is over is not made up for.
    pub(crate) fn coming(&self, now: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Planned> {
        let planned = |day| Planned { day, at: self.instant(day).max(now) };
        self.today(now)
            .iter_days()
            .map(planned)
            .take_while(|planned| planned.at == now || planned.at <= until)
            .filter(|planned| self.told_on(planned.day).is_some())
            // A day that clocks skip whole is nobody's today.
            .filter(|planned| self.today(planned.at) == planned.day)
            .collect()
    }
}

#[cfg(test)]
mod tests;
