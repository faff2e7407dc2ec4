//! What follows from an account together with those above it.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};

use super::model::Account;
use super::service::{Period, SERVICES, Service};
use super::zone::TimeZone;
use crate::decision::{Changes, Stored};

/// A user's account and those above it, nearest first, as read in one snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Chain(pub(crate) Vec<Stored<Account>>);

impl Account {
    /// When its own day counter blocks it, or blocked it: the first instant of that day in its own zone. `None` while
    /// its days are not counted.
    ///
    /// An account above may be blocked before.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// let account = w.account("demo").await?;
    /// assert_eq!(account.blocks_at(), None, "no days are counted yet");
    /// # Ok(()) }
    /// ```
    pub fn blocks_at(&self) -> Option<DateTime<Utc>> {
        self.blocks_at_in(self.time_zone)
    }

    /// When its days would block it if it were in another zone, or would have.
    pub(crate) fn blocks_at_in(&self, zone: TimeZone) -> Option<DateTime<Utc>> {
        self.days.blocking_day().map(|day| zone.instant(day, NaiveTime::MIN))
    }

    /// Whether it is blocked itself: by hand, by its balance, or by its days.
    pub(crate) fn blocked_itself(&self, now: DateTime<Utc>) -> bool {
        self.blocked || self.balance.blocks() || self.blocks_at().is_some_and(|at| now >= at)
    }

    /// What it may use by its own entry or its plan, which is kept on the top account; nothing while its balance is too
    /// low.
    fn own_service(&self, name: &str, plans: &BTreeMap<String, BTreeMap<String, Service>>) -> Service {
        if self.balance.limits() {
            return Service::off();
        }
        let by_plan = || self.plan.as_ref().and_then(|plan| plans.get(plan)?.get(name));
        self.services.get(name).or_else(by_plan).copied().unwrap_or(Service::off())
    }
}

impl Chain {
    /// Blocked is who has a blocked account above him: by hand, by its balance, or by its days.
    pub(crate) fn blocked(&self, now: DateTime<Utc>) -> bool {
        self.0.iter().any(|account| account.value.blocked_itself(now))
    }

    /// When the first of the counted accounts is blocked by its days, or was.
    pub(crate) fn blocks_at(&self) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|account| account.value.blocks_at()).min()
    }

    /// How many blocks were lifted in it. What was begun at another count is dead for ever.
    // INVARIANT: no count of an account ever sinks and no account leaves a chain, so equal sums are equal counts.
    pub(crate) fn lifts(&self) -> u64 {
        self.0.iter().fold(0, |sum, account| sum.saturating_add(account.value.lifts))
    }

    /// What the first account may use under a name: by its own entry or else its plan's, never more than any account
    /// above it may use, and nothing while its balance or one above it is too low.
    // INVARIANT: read from the top down, so that who makes an account below his own gets nothing by it that his lacks.
    pub(crate) fn service(&self, name: &str) -> Service {
        let Some(top) = self.0.last() else {
            return Service::off();
        };
        let unlimited = Service::on(None, Period::None);
        self.0
            .iter()
            .rev()
            .fold(unlimited, |most, account| account.value.own_service(name, &top.value.plans).within(most))
    }

    /// What the first account may use, by name.
    pub(crate) fn services(&self) -> BTreeMap<String, Service> {
        SERVICES.iter().map(|name| ((*name).to_owned(), self.service(name))).collect()
    }

    /// Pins the chain: a block that commits first is seen, a later one waits.
    pub(crate) fn guard(&self, changes: &mut Changes) {
        for account in &self.0 {
            changes.guard(account);
        }
    }
}

/// The count of what was written before counts were kept: no chain has it, so it is dead.
pub(crate) const fn unknown_lifts() -> u64 {
    u64::MAX
}

impl Service {
    /// No more than another: on only with it, and of two quotas the smaller one over the longer period, so that no
    /// period has more than either.
    fn within(self, most: Self) -> Self {
        if !self.on || !most.on {
            return Self::off();
        }
        match (self.quota, most.quota) {
            (_, None) => self,
            (None, Some(_)) => most,
            (Some(own), Some(top)) => Self {
                on: true,
                quota: Some(own.min(top)),
                period: if length(self.period) < length(most.period) { most.period } else { self.period },
            },
        }
    }
}

/// Periods in the order of their length; one that never begins anew is the longest.
const fn length(period: Period) -> u8 {
    match period {
        Period::Hour => 0,
        Period::Day => 1,
        Period::Week => 2,
        Period::Month => 3,
        Period::None => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::days::DayCounter;
    use super::*;
    use crate::account::Balance;
    use crate::fixture::*;

    fn days(value: i32, account: &mut Account) {
        let as_of = account.time_zone.day(began());
        account.days = DayCounter { value, as_of, minimum: 0, counting: true };
    }

    #[test]
    fn one_blocked_account_blocks_everything_below() {
        let top = account(1);
        let (mut middle, low) = (under(&top, 2), account(3));
        assert!(!chain([&low, &middle, &top]).blocked(began()));
        middle.blocked = true;
        assert!(chain([&low, &middle, &top]).blocked(began()));
        middle.blocked = false;
        middle.balance = Balance { amount: -1, block_below: Some(0), limit_below: None };
        assert!(chain([&low, &middle, &top]).blocked(began()));
        middle.balance.amount = 0;
        assert!(!chain([&low, &middle, &top]).blocked(began()));
    }

    #[test]
    fn days_block_from_the_first_instant_of_their_day() {
        let mut account = account(1);
        for (zone, at) in [
            ("UTC", "2026-11-20T00:00:00Z"),
            ("Etc/GMT-14", "2026-11-20T10:00:00Z"),
            ("Etc/GMT+12", "2026-11-19T12:00:00Z"),
            ("America/Havana", "2026-11-20T05:00:00Z"),
        ] {
            account.time_zone = TimeZone::parse(zone).unwrap();
            days(2, &mut account);
            let at: DateTime<Utc> = at.parse().unwrap();
            let both = chain([&under(&account, 3), &account]);
            assert_eq!((account.blocks_at(), both.blocks_at()), (Some(at), Some(at)), "{zone}");
            assert!(!both.blocked(at - TICK) && both.blocked(at), "{zone}");
        }
    }

    #[test]
    fn another_zone_keeps_the_date() {
        let mut account = account(1);
        days(5, &mut account);
        let day = account.days.blocking_day();
        account.time_zone = TimeZone::parse("Pacific/Kiritimati").unwrap();
        assert_eq!(account.days.blocking_day(), day);
        assert_eq!(account.blocks_at().unwrap().to_rfc3339(), "2026-11-22T10:00:00+00:00");
    }

    #[test]
    fn the_earliest_day_of_a_chain_counts() {
        let (mut top, mut low) = (account(1), under(&account(1), 3));
        assert_eq!(chain([&low, &top]).blocks_at(), None);
        days(9, &mut low);
        assert_eq!(chain([&low, &top]).blocks_at(), low.blocks_at());
        days(4, &mut top);
        assert_eq!(chain([&low, &top]).blocks_at(), top.blocks_at());
        top.days.counting = false;
        assert_eq!(chain([&low, &top]).blocks_at(), low.blocks_at());
    }

    #[test]
    fn the_lifts_of_a_chain_are_counted_together() {
        let (mut top, mut low) = (account(1), under(&account(1), 3));
        (top.lifts, low.lifts) = (2, 3);
        assert_eq!((chain([&low, &top]).lifts(), chain([&top]).lifts()), (5, 2));
        top.lifts = u64::MAX;
        assert_eq!(chain([&low, &top]).lifts(), u64::MAX);
    }

    const SMS: &str = "sms";

    fn with(mut account: Account, service: Service) -> Account {
        account.services.insert(SMS.to_owned(), service);
        account
    }

    #[test]
    fn an_account_has_its_own_service_or_its_plans_and_never_more_than_the_top() {
        let on = |quota| Service::on(quota, Period::Day);
        let mut top = with(account(1), on(Some(100)));
        top.plans.insert("basic".to_owned(), BTreeMap::from([(SMS.to_owned(), on(Some(10)))]));
        let of = |low: &Account, top: &Account| chain([low, top]).service(SMS);
        let mut low = under(&top, 3);
        assert_eq!(of(&low, &top), Service::off(), "neither");
        low.plan = Some("basic".to_owned());
        assert_eq!(of(&low, &top), on(Some(10)), "the plan's");
        assert_eq!(of(&with(low.clone(), on(Some(20))), &top), on(Some(20)), "the own entry wins");
        assert_eq!(of(&with(low.clone(), Service::off()), &top), Service::off(), "also when it is off");
        assert_eq!(of(&with(low.clone(), on(Some(500))), &top), on(Some(100)), "at most the top's");
        assert_eq!(of(&with(low.clone(), on(None)), &top), on(Some(100)));
        assert_eq!(of(&low, &with(top.clone(), Service::off())), Service::off(), "off at the top");
        let mut bare = top.clone();
        bare.services.clear();
        assert_eq!(of(&low, &bare), Service::off(), "the top has none");
        low.plan = Some("gone".to_owned());
        assert_eq!(of(&low, &top), Service::off(), "no such plan");
        assert_eq!(chain([&top]).service(SMS), on(Some(100)), "the top itself");
        assert_eq!(chain([&top]).service("fax"), Service::off());
    }

    #[test]
    fn no_account_has_more_than_any_above_it() {
        let on = |quota| Service::on(quota, Period::Day);
        let mut top = with(account(1), on(Some(100)));
        top.plans.insert("basic".to_owned(), BTreeMap::from([(SMS.to_owned(), on(Some(10)))]));
        let (middle, low) = (under(&top, 2), with(account(3), on(Some(50))));
        let of = |middle: &Account, low: &Account| chain([low, middle, &top]).service(SMS);
        assert_eq!(of(&with(middle.clone(), on(Some(20))), &low), on(Some(20)), "the middle's");
        assert_eq!(of(&with(middle.clone(), on(Some(70))), &low), on(Some(50)), "its own, which is less");
        assert_eq!(of(&with(middle.clone(), on(None)), &with(low.clone(), on(None))), on(Some(100)));
        assert_eq!(of(&with(middle.clone(), Service::off()), &low), Service::off(), "off in the middle");
        assert_eq!(of(&middle, &low), Service::off(), "the middle has neither");
        let planned = Account { plan: Some("basic".to_owned()), ..middle };
        assert_eq!(of(&planned, &low), on(Some(10)), "the middle's plan");
        let mut short = with(planned, on(Some(20)));
        short.balance = Balance { amount: -1, block_below: None, limit_below: Some(0) };
        assert_eq!(of(&short, &low), Service::off(), "the middle's balance");
    }

    #[test]
    fn a_top_account_has_what_its_own_plan_gives() {
        let mut top = account(1);
        let basic = BTreeMap::from([(SMS.to_owned(), Service::on(Some(10), Period::Day))]);
        top.plans.insert("basic".to_owned(), basic);
        top.plan = Some("basic".to_owned());
        let low = with(under(&top, 3), Service::on(None, Period::None));
        let ten = Service::on(Some(10), Period::Day);
        assert_eq!((chain([&top]).service(SMS), chain([&low, &top]).service(SMS)), (ten, ten));
    }

    #[test]
    fn no_period_has_more_than_either_quota() {
        let own = Service::on(Some(1000), Period::Day);
        let most = Service::on(Some(5000), Period::Month);
        assert_eq!(own.within(most), Service::on(Some(1000), Period::Month));
        assert_eq!(most.within(own), Service::on(Some(1000), Period::Month));
        assert_eq!(own.within(Service::on(None, Period::None)), own);
        assert_eq!(Service::on(Some(0), Period::None).within(own), Service::on(Some(0), Period::None));
    }

    #[test]
    fn a_low_balance_switches_services_off_here_and_below_and_not_above() {
        let mut top = with(account(1), Service::on(None, Period::None));
        let mut low = with(under(&top, 3), Service::on(None, Period::None));
        low.balance = Balance { amount: -1, block_below: None, limit_below: Some(0) };
        assert_eq!(chain([&low, &top]).service(SMS), Service::off());
        assert!(!chain([&low, &top]).blocked(began()), "it is only limited");
        assert!(chain([&top]).service(SMS).on);
        (top.balance, low.balance) = (low.balance, Balance::default());
        assert_eq!(chain([&low, &top]).service(SMS), Service::off(), "nor is there any below");
        top.balance.amount = 0;
        assert!(chain([&low, &top]).service(SMS).on);
    }
}
