//! The quota of an account: how much of a service each hour, day, week or month of its own calendar has.

use core::fmt;

use chrono::{DateTime, Datelike, Days, DurationRound, Months, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::model::{Charge, Lack};
use super::rules::{Row, Rows};
use crate::account::{Account, Period, Service, TimeZone};
use crate::decision::Changes;
use crate::id::AccountId;
use crate::policy::{CLOCK_SLACK, HOUR, PERIOD_SLACK};
use crate::port::store::{Count, Counter, Window};

/// How much of a service an account has used in the period under way, for hosts to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// All that was charged: segments of SMS, or mails.
    pub used: u32,
    /// How much of it were codes.
    pub codes: u32,
    /// How much there may be; `None` means without limit.
    pub quota: Option<u32>,
    /// The period.
    pub period: Period,
    /// When it is counted anew; `None` if nothing is counted yet, or never.
    pub until: Option<DateTime<Utc>>,
}

/// The quota of one service of an account, counted by the calendar of the account's zone.
///
/// Each kind of period has its own counters: who changes the period begins a new count and finds the old one again when
/// he changes back within it. An account that moves to another zone ends the period under way as it began.
#[derive(Clone, Copy)]
pub struct Quota {
    account: Uuid,
    time_zone: TimeZone,
    service: Service,
    names: Names,
}

/// The names of a service's counters by period.
type Names = fn(Period) -> [&'static str; 2];

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, time_zone, service, .. } = self;
        write!(f, "Quota({account}, {time_zone:?}, {service:?})")
    }
}

impl Quota {
    /// Of the service `sms`, counted in segments.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    /// use portcullis::account::{Period, Service};
    /// use portcullis::spend::Quota;
    /// let quota = Quota::sms(&account, Service::on(Some(100), Period::Day));
    /// let usage = quota.usage(|_| Default::default(), now);
    /// assert_eq!((usage.used, usage.quota), (0, Some(100)));
    /// # Ok(()) }
    /// ```
    pub fn sms(account: &Account, service: Service) -> Self {
        Self::sms_of(account.id, account.time_zone, service)
    }

    pub(super) fn sms_of(account: AccountId, time_zone: TimeZone, service: Service) -> Self {
        Self { account: account.uuid(), time_zone, service, names: sms_names }
    }

    /// Of the service `email_notification`, counted in mails.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    /// use portcullis::account::{Period, Service};
    /// use portcullis::decision::Changes;
    /// use portcullis::spend::{Lack, Quota};
    /// let quota = Quota::email_notification(&account, Service::on(Some(0), Period::Day));
    /// let mut changes = Changes::none();
    /// assert_eq!(quota.charge(1, |_| Default::default(), &mut changes, now), Err(Lack::Service));
    /// # Ok(()) }
    /// ```
    pub fn email_notification(account: &Account, service: Service) -> Self {
        Self { account: account.id.uuid(), time_zone: account.time_zone, service, names: mail_names }
    }

    /// Takes so much out of the quota, as the counters of the account's id say, and gives what can be given back when
    /// nothing was sent.
    ///
    /// # Errors
    /// [`Lack::Service`] or [`Lack::Quota`]; nothing is put into the changes then.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    /// use portcullis::account::{Period, Service};
    /// use portcullis::decision::Changes;
    /// use portcullis::spend::Quota;
    /// let quota = Quota::email_notification(&account, Service::on(Some(5), Period::Month));
    /// let mut changes = Changes::none();
    /// let charge = quota.charge(1, |_| Default::default(), &mut changes, now).expect("five are left");
    /// charge.give_back(&mut changes);
    /// # Ok(()) }
    /// ```
    pub fn charge(
        &self,
        n: u32,
        count: impl Fn(&Counter) -> Count,
        changes: &mut Changes,
        now: DateTime<Utc>,
    ) -> Result<Charge, Lack> {
        let mut rows = Rows::of(n, now);
        rows.push(self.used(&count, now));
        match self.lack(n, &count, now) {
            Some(lack) => Err(lack),
            None => Ok(rows.charge(changes)),
        }
    }

    /// How much is used, as the counters of the account's id say.
    ///
    /// ```
    /// # use portcullis::spend::Quota;
    /// # use portcullis::port::store::Snapshot;
    /// fn used(quota: &Quota, read: &Snapshot, now: chrono::DateTime<chrono::Utc>) -> u32 {
    ///     quota.usage(|counter| read.counters.get(counter).copied().unwrap_or_default(), now).used
    /// }
    /// ```
    pub fn usage(&self, count: impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Usage {
        let (used, codes) = (self.used(&count, now), self.codes(&count, now));
        let Service { quota, period, .. } = self.service;
        Usage { used: used.count.value, codes: codes.count.value, quota, period, until: used.count.ends_at }
    }

    /// When the period under way ends and the quota begins anew; `None` for one that never does.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let account = w.account("demo").await?;
    /// # let now = chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    /// use portcullis::account::{Period, Service};
    /// use portcullis::spend::Quota;
    /// assert!(Quota::sms(&account, Service::on(Some(5), Period::Day)).renews_at(now) > Some(now));
    /// assert_eq!(Quota::sms(&account, Service::on(Some(5), Period::None)).renews_at(now), None);
    /// # Ok(()) }
    /// ```
    pub fn renews_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        end_of(self.service.period, self.time_zone, now)
    }

    /// What is missing for what is charged already: the service may be gone, or its quota lower than what was used of it.
    pub(crate) fn lack_of_charged(&self, count: impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Vec<Lack> {
        self.lack(0, &count, now).into_iter().collect()
    }

    /// What is missing for one more, if anything is.
    pub(crate) fn lack_of_one(&self, count: impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Vec<Lack> {
        self.lack(1, &count, now).into_iter().collect()
    }

    /// What is missing for so much.
    pub(super) fn lack(
        &self,
        n: u32,
        count: &impl Fn(&Counter) -> Count,
        now: DateTime<Utc>,
    ) -> Option<Lack> {
        if !self.service.on || self.service.quota == Some(0) {
            return Some(Lack::Service);
        }
        let used = self.used(count, now);
        (!used.holds(n)).then_some(Lack::Quota { until: used.count.ends_at })
    }

    /// All that was charged.
    pub(super) fn used(&self, count: &impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Row {
        let [used, _] = (self.names)(self.service.period);
        self.row(used, self.service.quota, count, now)
    }

    /// How much of it were codes.
    pub(super) fn codes(&self, count: &impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Row {
        let [_, codes] = (self.names)(self.service.period);
        self.row(codes, None, count, now)
    }

    fn row(
        &self,
        name: &'static str,
        quota: Option<u32>,
        count: &impl Fn(&Counter) -> Count,
        now: DateTime<Utc>,
    ) -> Row {
        let counter = Counter::of(self.account, name);
        let limit = quota.unwrap_or(u32::MAX);
        match (
            end_of(self.service.period, self.time_zone, now),
            latest(self.service.period, self.time_zone, now),
        ) {
            (Some(end), Some(latest)) => Row::until(counter, limit, end, latest, count, now),
            _ => Row::plain(counter, limit, Window::None, count, now),
        }
    }
}

/// The latest end of a stored period that still counts: of one that a colleague has just begun whose clock is ahead, or
/// that began in another zone. One that ends later was begun by a clock that has since stepped back.
fn latest(period: Period, zone: TimeZone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ahead = now.checked_add_signed(CLOCK_SLACK)?;
    end_of(period, zone, ahead)?.checked_add_signed(PERIOD_SLACK)
}

/// When the period under way ends: the first instant of the next one on the calendar of the zone. `None` for a period
/// that never begins anew.
fn end_of(period: Period, zone: TimeZone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = zone.day(now);
    let midnight = |day: NaiveDate| zone.instant(day, NaiveTime::MIN);
    match period {
        Period::None => None,
        Period::Hour => next_hour(now),
        Period::Day => today.succ_opt().map(midnight),
        Period::Week => {
            let gone = u64::from(today.weekday().num_days_from_monday());
            today.checked_add_days(Days::new(7_u64.saturating_sub(gone))).map(midnight)
        }
        Period::Month => today.with_day(1)?.checked_add_months(Months::new(1)).map(midnight),
    }
}

/// The next full hour of the world's clock, which is a full, half or quarter hour in every zone.
fn next_hour(now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    now.duration_trunc(HOUR).ok()?.checked_add_signed(HOUR)
}

fn sms_names(period: Period) -> [&'static str; 2] {
    match period {
        Period::None => ["sms_used", "sms_auth"],
        Period::Hour => ["sms_used_hour", "sms_auth_hour"],
        Period::Day => ["sms_used_day", "sms_auth_day"],
        Period::Week => ["sms_used_week", "sms_auth_week"],
        Period::Month => ["sms_used_month", "sms_auth_month"],
    }
}

fn mail_names(period: Period) -> [&'static str; 2] {
    match period {
        Period::None => ["email_notification_used", "email_notification_auth"],
        Period::Hour => ["email_notification_used_hour", "email_notification_auth_hour"],
        Period::Day => ["email_notification_used_day", "email_notification_auth_day"],
        Period::Week => ["email_notification_used_week", "email_notification_auth_week"],
        Period::Month => ["email_notification_used_month", "email_notification_auth_month"],
    }
}
