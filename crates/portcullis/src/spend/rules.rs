//! When an SMS may be charged, and which steps on counters charge it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::country::serves;
use super::model::{Budget, Charge, Lack, Standing, Submission};
use super::quota::Quota;
use crate::audit::Event;
use crate::decision::Changes;
use crate::id::NO_TENANT;
use crate::policy::{CLOCK_SLACK, Limit, Policy};
use crate::port::store::{Count, Counter, CounterOp, Window};

/// What told that a budget runs out.
const ALERT: &str = "sms_budget_alert";

/// What is left for one SMS, compared with the policy.
#[derive(Clone, Debug)]
#[must_use]
pub struct Left {
    rows: Rows,
    cool_down: Row,
    lacks: Vec<Lack>,
}

impl Submission {
    /// Compares what the counters say with the policy. `count` gives what was read of a counter, 0 for one that was not
    /// found.
    ///
    /// See [the room](crate::spend) for an example.
    pub fn left(&self, policy: &Policy, count: impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Left {
        let quota = Quota::sms_of(self.payer.account, self.payer.time_zone, self.payer.service);
        let cool_down = self.cool_down(policy, &count, now);
        let mut rows = Rows::of(self.segments, now);
        rows.push(quota.used(&count, now));
        if self.carries_code {
            rows.push(quota.codes(&count, now));
        }
        let mut lacks: Vec<_> = quota.lack(self.segments, &count, now).into_iter().collect();
        if !serves(&policy.sms_prefixes, &self.phone) {
            lacks.push(Lack::Country);
        }
        if !cool_down.holds(1) {
            lacks.push(Lack::CoolDown { until: cool_down.count.ends_at });
        }
        for (budget, limit) in self.budgets(policy) {
            let row = self.row(budget, limit, policy, &count, now);
            if !row.holds(self.segments) {
                lacks.push(Lack::Budget { budget, until: row.count.ends_at });
            }
            rows.push(row);
        }
        Left { rows, cool_down, lacks }
    }

    /// Every budget it draws on.
    fn budgets(&self, policy: &Policy) -> Vec<(Budget, Limit)> {
        let new = |whole: Limit| share(whole, policy.sms_new_share);
        let mut budgets = vec![
            (Budget::User, policy.sms_per_user),
            (Budget::Source, policy.sms_per_source),
            (Budget::Account, policy.sms_per_account),
            (Budget::Country, policy.sms_per_country),
            (Budget::Everybody, policy.sms_in_all),
        ];
        if self.carries_code {
            budgets.extend([
                (Budget::UserUnverified, policy.sms_unverified_per_user),
                (Budget::Unverified, policy.sms_unverified_per_country),
            ]);
        }
        match self.standing {
            Standing::Confirmed => budgets.push((Budget::Number, policy.sms_per_number)),
            Standing::New => {
                budgets.extend([
                    (Budget::NewNumber, policy.sms_per_new_number),
                    (Budget::SourceNew, new(policy.sms_per_source)),
                    (Budget::AccountNew, new(policy.sms_per_account)),
                    (Budget::CountryNew, new(policy.sms_per_country)),
                    (Budget::EverybodyNew, new(policy.sms_in_all)),
                ]);
                if self.carries_code {
                    budgets.push((Budget::UnverifiedNew, new(policy.sms_unverified_per_country)));
                }
            }
        }
        budgets
    }

    fn row(
        &self,
        budget: Budget,
        limit: Limit,
        policy: &Policy,
        count: &impl Fn(&Counter) -> Count,
        now: DateTime<Utc>,
    ) -> Row {
        let subject = self.subject(budget);
        let most = if policy.sms_record_only { u32::MAX } else { limit.count };
        let mut row =
            Row::plain(Counter::of(subject, budget.name()), most, Window::Rolling(limit.within), count, now);
        row.unverified = budget.is_of_unverified();
        row.alert = budget.alert().map(|name| {
            let counter = Counter::of(subject, name);
            let told = within(count(&counter), row.latest);
            let at = part(limit.count, policy.sms_alert_percent);
            Alert {
                told: told.value > 0,
                counter,
                at,
                budget,
                tenant: self.tenant(budget),
                account: self.account(),
            }
        });
        row
    }

    fn subject(&self, budget: Budget) -> Uuid {
        match budget {
            Budget::Number | Budget::NewNumber => self.number,
            Budget::User => self.payer.user.uuid(),
            Budget::UserUnverified => self.credentials,
            Budget::Source | Budget::SourceNew => self.source,
            Budget::Account | Budget::AccountNew => self.account(),
            Budget::Country | Budget::CountryNew | Budget::Unverified | Budget::UnverifiedNew => self.country,
            Budget::Everybody | Budget::EverybodyNew => self.everybody,
        }
    }

    /// Whose trail tells of it: what many tenants draw on belongs to none of them.
    fn tenant(&self, budget: Budget) -> Uuid {
        match budget {
            Budget::Account | Budget::AccountNew => self.payer.tenant.uuid(),
            Budget::Number
            | Budget::NewNumber
            | Budget::User
            | Budget::UserUnverified
            | Budget::Source
            | Budget::SourceNew
            | Budget::Country
            | Budget::CountryNew
            | Budget::Unverified
            | Budget::UnverifiedNew
            | Budget::Everybody
            | Budget::EverybodyNew => NO_TENANT.uuid(),
        }
    }

    fn account(&self) -> Uuid {
        self.payer.account.uuid()
    }

    /// Each user waits on his own at a number that he confirmed, so that nobody who shares it keeps him waiting; those who
    /// have yet to confirm it wait together, since it may be a stranger's. What one number gets in all is its budget's.
    fn cool_down(&self, policy: &Policy, count: &impl Fn(&Counter) -> Count, now: DateTime<Utc>) -> Row {
        let (subject, name) = match self.standing {
            Standing::Confirmed => (self.line, "sms_wait"),
            Standing::New => (self.number, "sms_new_wait"),
        };
        let window = Window::Rolling(policy.sms_cool_down);
        Row::plain(Counter::of(subject, name), 1, window, count, now)
    }
}

impl Left {
    /// Everything that is missing, in the order in which it is shown; nothing if it may be sent.
    ///
    /// ```
    /// # use portcullis::spend::{Lack, Left};
    /// fn why(left: &Left) -> Option<&'static str> {
    ///     left.lacks().first().map(|lack| lack.reason())
    /// }
    /// ```
    pub fn lacks(&self) -> &[Lack] {
        &self.lacks
    }

    /// From when on nothing that ends by itself is missing any more.
    ///
    /// ```
    /// # use portcullis::spend::Left;
    /// fn wait(left: &Left) -> Option<chrono::DateTime<chrono::Utc>> {
    ///     left.until()
    /// }
    /// ```
    pub fn until(&self) -> Option<DateTime<Utc>> {
        self.lacks.iter().filter_map(|lack| lack.until()).max()
    }

    /// Charges it: the changes keep every budget and the quota within its limit, or are not kept at all.
    ///
    /// # Errors
    /// [`Left::lacks`], if there are any: nothing is charged then, and the changes hold at most the line that tells of a
    /// budget that is used up.
    ///
    /// See [the room](crate::spend) for an example.
    pub fn charge(self, changes: &mut Changes) -> Result<Charge, Vec<Lack>> {
        if !self.lacks.is_empty() {
            for row in &self.rows.each {
                row.tell_late(changes, self.rows.now);
            }
            return Err(self.lacks);
        }
        // It is never given back: whoever waits for a gateway that fails does not ask it more often.
        self.cool_down.add(1, changes, self.rows.now);
        Ok(self.rows.charge(changes))
    }
}

/// The counters of one charge.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    n: u32,
    now: DateTime<Utc>,
    each: Vec<Row>,
}

impl Rows {
    pub(super) const fn of(n: u32, now: DateTime<Utc>) -> Self {
        Self { n, now, each: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.each.push(row);
    }

    /// Adds to every counter.
    pub(super) fn charge(self, changes: &mut Changes) -> Charge {
        let mut charge = Charge::of(self.n);
        for row in &self.each {
            let ends_at = row.add(self.n, changes, self.now);
            charge.note(&row.counter, ends_at, row.unverified);
        }
        charge
    }
}

/// One counter, its limit, and what was read of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    counter: Counter,
    limit: u32,
    /// The window that an addition opens if none is open.
    opens: Window,
    /// A window that is open and ends later was opened by a clock that has since stepped back.
    latest: Option<DateTime<Utc>>,
    pub(super) count: Count,
    unverified: bool,
    alert: Option<Alert>,
}

/// What is told when a budget runs out.
#[derive(Clone, Debug)]
struct Alert {
    counter: Counter,
    /// From which value on.
    at: u32,
    told: bool,
    budget: Budget,
    tenant: Uuid,
    account: Uuid,
}

impl Row {
    /// A counter whose windows all have the same length, or no end.
    pub(super) fn plain(
        counter: Counter,
        limit: u32,
        window: Window,
        count: &impl Fn(&Counter) -> Count,
        now: DateTime<Utc>,
    ) -> Self {
        let latest = window.latest_end(now);
        let count = within(count(&counter), latest);
        Self { counter, limit, opens: window, latest, count, unverified: false, alert: None }
    }

    /// A counter whose windows end by a calendar.
    pub(super) fn until(
        counter: Counter,
        limit: u32,
        end: DateTime<Utc>,
        latest: DateTime<Utc>,
        count: &impl Fn(&Counter) -> Count,
        now: DateTime<Utc>,
    ) -> Self {
        let row = Self::plain(counter, limit, Window::Until(end), count, now);
        Self { count: within(row.count, Some(latest)), latest: Some(latest), ..row }
    }

    /// Whether so much more is within the limit.
    pub(super) fn holds(&self, n: u32) -> bool {
        self.count.value.checked_add(n).is_some_and(|value| value <= self.limit)
    }

    /// Adds to it, and says when the window ends in which that counts.
    // INVARIANT: what is given back names the window in which it was added. A window is opened in one way only: while
    // the counter is at 0, by an addition that nobody overtook; whoever was overtaken is refused and reads again.
    fn add(&self, n: u32, changes: &mut Changes, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (limit, window) = (self.limit, self.opens);
        let opens = self.count.value == 0;
        let ends_at = if opens { window.end(now) } else { self.count.ends_at };
        if opens {
            changes
                .count(self.counter.clone(), CounterOp::Below { limit: 1, window: self.pin(now) })
                .count(self.counter.clone(), CounterOp::Clear);
        }
        if let Some(alert) = self.alert.as_ref().filter(|alert| !alert.told) {
            // The value from which on this addition reaches the threshold.
            let from = alert.at.saturating_sub(n);
            if self.count.value >= from {
                alert.tell(ends_at, changes, now);
            } else if !opens {
                changes.count(self.counter.clone(), CounterOp::Below { limit: from, window });
            }
        }
        changes.count(self.counter.clone(), CounterOp::Add { n, limit, window });
        ends_at
    }

    /// Tells that it is used up, if nobody has: the limit may be so low that no charge ever fits.
    fn tell_late(&self, changes: &mut Changes, now: DateTime<Utc>) {
        if let Some(alert) = self.alert.as_ref().filter(|alert| !alert.told && self.count.value >= alert.at) {
            alert.tell(self.count.ends_at, changes, now);
        }
    }

    /// A window by which the store takes those for ended that count as ended here.
    fn pin(&self, now: DateTime<Utc>) -> Window {
        match (self.opens, self.latest) {
            (Window::Until(_), Some(latest)) => Window::Rolling(latest - now - CLOCK_SLACK),
            (window, _) => window,
        }
    }
}

impl Alert {
    /// Tells once in the window of the budget, however many cross the threshold at once.
    fn tell(&self, ends_at: Option<DateTime<Utc>>, changes: &mut Changes, now: DateTime<Utc>) {
        let window = ends_at.map_or(Window::None, |end| Window::Rolling(end - now));
        let event = Event::of(ALERT, self.tenant, self.counter.subject);
        changes
            .count(self.counter.clone(), CounterOp::Add { n: 1, limit: 1, window })
            .event(event.because(self.budget.name()).about(self.account));
    }
}

/// A count, or none if its window ends too late to be true.
fn within(count: Count, latest: Option<DateTime<Utc>>) -> Count {
    let overlong = count.ends_at.zip(latest).is_some_and(|(end, latest)| end > latest);
    if overlong { Count::default() } else { count }
}

/// The part of a budget that new numbers may take, 1 at least.
pub(super) fn share(whole: Limit, percent: u32) -> Limit {
    Limit::new(part(whole.count, percent), whole.within)
}

/// So many percent of a number, 1 at least.
fn part(whole: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(whole) * u64::from(percent) / 100).unwrap_or(whole).max(1)
}
