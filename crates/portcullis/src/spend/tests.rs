//! The rules over the reference of the store contract: what is charged, refused, told and given back.

use std::cell::Cell;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::*;
use crate::account::{Account, Period, Service, TimeZone};
use crate::contact::Phone;
use crate::decision::Changes;
use crate::fixture::{TICK, account, began, keyring, trail, user, uuid};
use crate::keyring::Keyring;
use crate::memory::MemoryStore;
use crate::policy::{CLOCK_SLACK, Limit, PERIOD_SLACK, Policy};
use crate::port::store::{Commit, CommitError, Count, Counter, Read, Store as _};

mod alerts;
mod quotas;
mod simulation;
mod windows;

/// A store, a clock, a policy, and one account on it.
struct Bench {
    store: MemoryStore,
    runtime: tokio::runtime::Runtime,
    commits: Cell<u128>,
    keyring: Keyring,
    policy: Policy,
    now: DateTime<Utc>,
    account: Account,
    service: Service,
    /// What the trail holds, as `action: reason`.
    trail: Vec<String>,
}

impl Bench {
    fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            commits: Cell::new(0),
            keyring: keyring(),
            policy: Policy::default(),
            now: began(),
            account: account(1),
            service: Service::on(None, Period::None),
            trail: Vec::new(),
        }
    }

    /// With budgets that never end, but one.
    fn only(change: impl FnOnce(&mut Policy)) -> Self {
        let mut bench = Self::new();
        let plenty = Limit::new(1_000_000, TimeDelta::hours(24));
        let policy = &mut bench.policy;
        (policy.sms_per_number, policy.sms_per_new_number, policy.sms_per_user) = (plenty, plenty, plenty);
        (policy.sms_per_source, policy.sms_per_account, policy.sms_per_country) = (plenty, plenty, plenty);
        (policy.sms_in_all, policy.sms_unverified_per_country) = (plenty, plenty);
        policy.sms_unverified_per_user = plenty;
        policy.sms_cool_down = TICK;
        change(policy);
        bench
    }

    /// A code for user `who` to the `nth` number below a prefix, asked for from source `from`.
    fn sms(&self, standing: Standing, prefix: &str, nth: u32, who: u128, from: u128) -> Submission {
        let phone = Phone::parse(&format!("+{prefix}{nth:07}")).unwrap();
        let payer = Payer::new(&user(who, &self.account), &self.account, self.service);
        Submission::new(&self.keyring, &phone, standing, payer, uuid(from))
    }

    fn read(&self, sms: &Submission) -> BTreeMap<Counter, Count> {
        let read = Read { now: self.now, starts: Vec::new(), subjects: sms.subjects().to_vec() };
        self.runtime.block_on(self.store.read(&read)).unwrap().counters
    }

    fn left(&self, sms: &Submission) -> Left {
        let counters = self.read(sms);
        sms.left(&self.policy, |counter| counters.get(counter).copied().unwrap_or_default(), self.now)
    }

    fn lacks(&self, sms: &Submission) -> Vec<Lack> {
        self.left(sms).lacks().to_vec()
    }

    fn commit(&self, changes: &Changes) -> Result<(), CommitError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.commits.set(self.commits.get() + 1);
        let commit = Commit {
            id: crate::id::CommitId::from_uuid(Uuid::from_u128(self.commits.get())),
            now: self.now,
            puts: Vec::new(),
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: changes.counters.clone(),
            audit: Vec::new(),
        };
        self.runtime.block_on(self.store.commit(&commit)).map(drop)
    }

    /// Reads, decides and commits; a second time if others were faster, which nobody is here.
    fn send(&mut self, sms: &Submission) -> Result<Charge, Vec<Lack>> {
        let mut changes = Changes::none();
        let answer = self.left(sms).charge(&mut changes);
        self.commit(&changes).unwrap();
        self.trail.extend(trail(&changes));
        answer
    }

    fn give_back(&self, charge: &Charge) {
        let mut changes = Changes::none();
        charge.give_back(&mut changes);
        self.commit(&changes).unwrap();
    }

    fn value(&self, sms: &Submission, name: &str) -> u32 {
        self.read(sms)
            .into_iter()
            .filter(|(counter, _)| counter.name == name)
            .map(|(_, count)| count.value)
            .sum()
    }

    /// How many of so many different submissions are charged.
    fn served(&mut self, times: u32, sms: impl Fn(&Self, u32) -> Submission) -> u32 {
        (0..times).map(|nth| u32::from(self.send(&sms(self, nth)).is_ok())).sum()
    }
}

const CONFIRMED: Standing = Standing::Confirmed;
const NEW: Standing = Standing::New;

fn reasons(lacks: &[Lack]) -> Vec<&'static str> {
    lacks.iter().map(|lack| lack.reason()).collect()
}

#[test]
fn every_budget_stops_at_its_limit_and_is_named() {
    type Case = (Budget, fn(&mut Policy, Limit), fn(&Bench, u32) -> Submission, u32);
    let many: fn(&Bench, u32) -> Submission =
        |b, n| b.sms(CONFIRMED, "3712", n, 100 + u128::from(n), 500 + u128::from(n));
    let new: fn(&Bench, u32) -> Submission =
        |b, n| b.sms(NEW, "3712", n, 100 + u128::from(n), 500 + u128::from(n));
    let cases: [Case; 14] = [
        (
            Budget::Number,
            |p, l| p.sms_per_number = l,
            |b, n| b.sms(CONFIRMED, "3712", 0, u128::from(n) + 9, u128::from(n) + 500),
            8,
        ),
        (
            Budget::NewNumber,
            |p, l| p.sms_per_new_number = l,
            |b, n| b.sms(NEW, "3712", 0, u128::from(n) + 9, u128::from(n) + 500),
            8,
        ),
        (
            Budget::User,
            |p, l| p.sms_per_user = l,
            |b, n| b.sms(CONFIRMED, "3712", n, 9, u128::from(n) + 500),
            8,
        ),
        (
            Budget::UserUnverified,
            |p, l| p.sms_unverified_per_user = l,
            |b, n| b.sms(CONFIRMED, "3712", n, 9, u128::from(n) + 500),
            8,
        ),
        (
            Budget::Source,
            |p, l| p.sms_per_source = l,
            |b, n| b.sms(CONFIRMED, "3712", n, u128::from(n) + 9, 500),
            8,
        ),
        (
            Budget::SourceNew,
            |p, l| p.sms_per_source = l,
            |b, n| b.sms(NEW, "3712", n, u128::from(n) + 9, 500),
            2,
        ),
        (Budget::Account, |p, l| p.sms_per_account = l, many, 8),
        (Budget::AccountNew, |p, l| p.sms_per_account = l, new, 2),
        (Budget::Country, |p, l| p.sms_per_country = l, many, 8),
        (Budget::CountryNew, |p, l| p.sms_per_country = l, new, 2),
        (Budget::Unverified, |p, l| p.sms_unverified_per_country = l, many, 8),
        (Budget::UnverifiedNew, |p, l| p.sms_unverified_per_country = l, new, 2),
        (Budget::Everybody, |p, l| p.sms_in_all = l, many, 8),
        (Budget::EverybodyNew, |p, l| p.sms_in_all = l, new, 2),
    ];
    assert_eq!(cases.map(|(budget, ..)| budget), Budget::ALL);
    for (budget, set, sms, fits) in cases {
        let within = TimeDelta::hours(5);
        let mut bench = Bench::only(|policy| set(policy, Limit::new(8, within)));
        for nth in 0..fits {
            bench.now += TICK;
            assert!(bench.send(&sms(&bench, nth)).is_ok(), "{budget:?} {nth}");
        }
        bench.now += TICK;
        let began = began() + TICK;
        let refused = bench.send(&sms(&bench, 30)).unwrap_err();
        assert_eq!(refused, [Lack::Budget { budget, until: Some(began + within) }]);
        bench.now = began + within - TICK;
        assert!(bench.send(&sms(&bench, 31)).is_err(), "{budget:?} too early");
        bench.now = began + within;
        assert!(bench.send(&sms(&bench, 32)).is_ok(), "{budget:?} anew");
    }
}

#[test]
fn new_numbers_leave_the_rest_of_a_budget_to_confirmed_ones() {
    let mut bench = Bench::only(|policy| policy.sms_per_country = Limit::new(100, TimeDelta::hours(24)));
    let new = bench.served(200, |b, n| b.sms(NEW, "3712", n, 100 + u128::from(n), 900 + u128::from(n)));
    let confirmed =
        bench.served(200, |b, n| b.sms(CONFIRMED, "3713", n, 100 + u128::from(n), 900 + u128::from(n)));
    assert_eq!((new, confirmed), (25, 75));
    assert_eq!(bench.served(1, |b, n| b.sms(CONFIRMED, "3722", n, 1, 9)), 1, "another country has its own");
}

#[test]
fn who_makes_a_number_up_takes_nothing_from_its_owner() {
    let mut bench = Bench::new();
    let other = bench.sms(NEW, "3712", 7, 30, 500);
    let own = bench.sms(CONFIRMED, "3712", 7, 31, 501);
    for _ in 0..bench.policy.sms_per_new_number.count {
        bench.send(&other).unwrap();
        bench.now += TimeDelta::seconds(60);
    }
    bench.now -= TimeDelta::seconds(30);
    assert_eq!(reasons(&bench.send(&other).unwrap_err()), ["sms_cool_down", "sms_new_number"]);
    assert!(bench.send(&own).is_ok());
}

#[test]
fn who_shares_a_confirmed_number_waits_on_his_own_and_the_number_gets_no_more_for_it() {
    let mut bench = Bench::new();
    let users: Vec<_> = (30..34).map(|who| bench.sms(CONFIRMED, "3712", 7, who, 500)).collect();
    assert!(users.iter().all(|sms| bench.send(sms).is_ok()), "nobody waits for another");
    assert_eq!(reasons(&bench.lacks(&users[0])), ["sms_cool_down"], "each waits for himself");
    bench.now += bench.policy.sms_cool_down;
    assert!(users[..2].iter().all(|sms| bench.send(sms).is_ok()));
    assert_eq!(reasons(&bench.lacks(&users[3])), ["sms_number"], "six in an hour are all that it gets");
    let strangers: Vec<_> = (40..42).map(|who| bench.sms(NEW, "3712", 8, who, 500)).collect();
    assert!(bench.send(&strangers[0]).is_ok());
    assert_eq!(reasons(&bench.lacks(&strangers[1])), ["sms_cool_down"], "who gave it may have made it up");
}

#[test]
fn a_number_waits_for_its_cool_down() {
    let mut bench = Bench::new();
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    let charge = bench.send(&sms).unwrap();
    let over = bench.now + bench.policy.sms_cool_down;
    assert_eq!(bench.lacks(&sms), [Lack::CoolDown { until: Some(over) }]);
    bench.give_back(&charge);
    assert_eq!(bench.lacks(&sms), [Lack::CoolDown { until: Some(over) }], "also when nothing was sent");
    bench.now = over;
    assert_eq!(bench.lacks(&sms), []);
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let mut bench = Bench::new();
    bench.policy.sms_per_user = Limit::new(1, TimeDelta::hours(24));
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    bench.send(&sms).unwrap();
    bench.service = Service::on(Some(1), Period::Day);
    bench.policy.sms_prefixes = vec![PrefixRule::serve("44")];
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    assert_eq!(reasons(&bench.lacks(&sms)), ["sms_country_not_served", "sms_cool_down", "sms_user"]);
    bench.service = Service::off();
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    let left = bench.left(&sms);
    assert_eq!(reasons(left.lacks()), ["service_sms", "sms_country_not_served", "sms_cool_down", "sms_user"]);
    assert_eq!(left.until(), Some(bench.now + TimeDelta::hours(24)), "the last of those that end");
}

#[test]
fn a_refusal_charges_nothing() {
    let mut bench = Bench::only(|policy| policy.sms_per_source = Limit::new(1, TimeDelta::hours(1)));
    bench.send(&bench.sms(CONFIRMED, "3712", 1, 30, 500)).unwrap();
    let other = bench.sms(CONFIRMED, "3712", 2, 31, 500);
    for _ in 0..9 {
        bench.send(&other).unwrap_err();
    }
    let names = ["sms_user", "sms_number", "sms_wait"];
    assert_eq!(names.map(|name| bench.value(&other, name)), [0, 0, 0]);
    assert_eq!(bench.value(&other, "sms_account"), 1);
}

#[test]
fn segments_are_what_is_charged() {
    let mut bench = Bench::only(|policy| policy.sms_per_user = Limit::new(5, TimeDelta::hours(24)));
    bench.service = Service::on(Some(100), Period::Day);
    let long = bench.sms(CONFIRMED, "3712", 7, 30, 500).of_segments(3);
    assert_eq!(bench.send(&long).unwrap().segments(), 3);
    bench.now += TimeDelta::seconds(60);
    assert_eq!(reasons(&bench.send(&long).unwrap_err()), ["sms_user"], "three of five are gone");
    assert!(bench.send(&bench.sms(CONFIRMED, "3712", 7, 30, 500).of_segments(2)).is_ok());
    assert_eq!((bench.value(&long, "sms_used_day"), bench.value(&long, "sms_auth_day")), (5, 5));
    let short = bench.sms(CONFIRMED, "3712", 8, 31, 500).of_segments(0);
    assert_eq!(bench.send(&short).unwrap().segments(), 1);
}

#[test]
fn only_codes_count_as_codes() {
    let mut bench = Bench::new();
    let notice = bench.sms(CONFIRMED, "3712", 7, 30, 500).without_code();
    let charge = bench.send(&notice).unwrap();
    assert_eq!((bench.value(&notice, "sms_used"), bench.value(&notice, "sms_auth")), (1, 0));
    assert_eq!((bench.value(&notice, "sms_unverified"), charge.unverified()), (0, None));
}

#[test]
fn who_has_a_password_and_no_phone_uses_nothing_up_for_its_owner() {
    let mut bench = Bench::new();
    let mut owner = user(30, &bench.account);
    let asks = |bench: &mut Bench, owner: &crate::user::User| {
        let phone = Phone::parse("+37120000045").unwrap();
        let payer = Payer::new(owner, &bench.account, bench.service);
        let sms = Submission::new(&bench.keyring, &phone, CONFIRMED, payer, uuid(500));
        bench.now += TimeDelta::minutes(15);
        bench.send(&sms)
    };
    for _ in 0..10 {
        asks(&mut bench, &owner).unwrap();
    }
    assert_eq!(reasons(&asks(&mut bench, &owner).unwrap_err()), ["sms_user_unverified"]);
    owner.credential_version += 1;
    assert!(asks(&mut bench, &owner).is_ok(), "with a new password");
}

#[test]
fn a_country_that_is_not_served_gets_none_also_when_only_recording() {
    let mut bench = Bench::new();
    bench.policy.sms_prefixes = vec![PrefixRule::serve("1"), PrefixRule::refuse("1876")];
    bench.policy.sms_record_only = true;
    let to = |bench: &Bench, prefix| reasons(&bench.lacks(&bench.sms(CONFIRMED, prefix, 7, 30, 500)));
    assert_eq!(to(&bench, "1202"), Vec::<&str>::new());
    for prefix in ["1876", "3712"] {
        assert_eq!(to(&bench, prefix), ["sms_country_not_served"]);
    }
}

#[test]
fn a_colleague_whose_clock_is_ahead_begins_the_period_for_both() {
    for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
        let end = |at: &[DateTime<Utc>]| {
            let mut bench = Bench::only(|_| {});
            bench.service = Service::on(Some(1), period);
            bench.now = at[0];
            bench.send(&bench.sms(CONFIRMED, "3712", 7, 30, 500)).unwrap();
            bench.now = *at.last().unwrap();
            match bench.lacks(&bench.sms(CONFIRMED, "3712", 8, 30, 500))[..] {
                [Lack::Quota { until }] => until,
                _ => None,
            }
        };
        let first = end(&[began()]).unwrap();
        let ahead = first + CLOCK_SLACK - TICK - TICK;
        assert_eq!(end(&[ahead, first - TICK]), end(&[ahead]), "{period:?}");
        assert!(end(&[ahead]) > Some(first), "{period:?}");
    }
}
