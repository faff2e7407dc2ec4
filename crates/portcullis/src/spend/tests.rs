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

mod simulation;

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
fn what_is_given_back_is_all_there_again() {
    let mut bench = Bench::new();
    bench.service = Service::on(Some(100), Period::Week);
    let sms = bench.sms(NEW, "3712", 7, 30, 500).of_segments(2);
    let charge = bench.send(&sms).unwrap();
    let names: Vec<_> = bench.read(&sms).into_keys().map(|counter| counter.name).collect();
    assert_eq!(names.len(), 16, "the cool-down, two of the quota, and thirteen budgets: {names:?}");
    let stored = serde_json::to_string(&charge).unwrap();
    assert!(stored.len() < 3000 && !stored.contains("3712"), "{stored}");
    bench.give_back(&serde_json::from_str(&stored).unwrap());
    let left: Vec<_> = bench.read(&sms).into_keys().map(|counter| counter.name).collect();
    assert_eq!(left, ["sms_new_wait"]);
}

#[test]
fn what_is_given_back_late_takes_nothing_from_the_next_window() {
    for (given_back_at, left) in [(TimeDelta::hours(24) - TICK, 0), (TimeDelta::hours(24), 1)] {
        let mut bench = Bench::new();
        let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
        let charge = bench.send(&sms).unwrap();
        bench.now = began() + given_back_at;
        if left == 1 {
            bench.send(&sms).unwrap();
        }
        bench.give_back(&charge);
        assert_eq!(bench.value(&sms, "sms_user"), left);
    }
}

#[test]
fn a_window_given_back_to_nothing_still_gives_back_exactly() {
    let mut bench = Bench::new();
    let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
    let first = bench.send(&sms).unwrap();
    bench.give_back(&first);
    bench.now += TimeDelta::hours(3);
    let second = bench.send(&sms).unwrap();
    assert_eq!(bench.value(&sms, "sms_user"), 1);
    bench.give_back(&second);
    assert_eq!(bench.value(&sms, "sms_user"), 0, "though another window was open below");
}

#[test]
fn whoever_is_overtaken_while_a_window_opens_reads_again() {
    let mut bench = Bench::new();
    let (one, two) = (bench.sms(CONFIRMED, "3712", 7, 30, 500), bench.sms(CONFIRMED, "3712", 8, 30, 501));
    let mut late = Changes::none();
    bench.left(&one).charge(&mut late).unwrap();
    bench.now += TICK;
    bench.send(&two).unwrap();
    bench.now += TICK;
    assert!(matches!(bench.commit(&late), Err(CommitError::Exhausted(_))));
    let charge = bench.send(&one).unwrap();
    assert_eq!(bench.value(&one, "sms_user"), 2);
    bench.give_back(&charge);
    assert_eq!(bench.value(&one, "sms_user"), 1);
}

#[test]
fn a_code_that_is_entered_gives_the_unverified_back_and_no_money() {
    let mut bench = Bench::only(|policy| {
        policy.sms_unverified_per_country = Limit::new(4, TimeDelta::hours(24));
    });
    for round in 0..20_u32 {
        let sms = bench.sms(NEW, "3712", round, 30, 500);
        let charge = bench.send(&sms).expect("entered ones never use it up");
        bench.give_back(&charge.unverified().unwrap());
    }
    let sms = bench.sms(NEW, "3712", 50, 30, 500);
    let names = ["sms_unverified", "sms_unverified_new", "sms_country", "sms_used"];
    assert_eq!(names.map(|name| bench.value(&sms, name)), [0, 0, 20, 20]);
    bench.send(&sms).unwrap();
    bench.now += TICK;
    assert_eq!(
        reasons(&bench.send(&bench.sms(NEW, "3712", 51, 30, 500)).unwrap_err()),
        ["sms_unverified_new"]
    );
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
fn recording_counts_and_tells_and_refuses_nothing_but_the_quota() {
    let mut bench = Bench::only(|policy| policy.sms_per_account = Limit::new(5, TimeDelta::hours(24)));
    bench.policy.sms_record_only = true;
    bench.service = Service::on(Some(50), Period::Day);
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100 + u128::from(n), 500);
    assert_eq!(bench.served(60, sms), 50);
    assert_eq!(bench.value(&sms(&bench, 0), "sms_account"), 50);
    assert_eq!(bench.trail, ["sms_budget_alert: sms_account"]);
    assert_eq!(reasons(&bench.lacks(&sms(&bench, 70))), ["quota_sms"]);
}

#[test]
fn a_budget_that_runs_out_is_told_once_in_its_window() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(10, TimeDelta::hours(24)));
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100, 500);
    bench.served(7, sms);
    assert_eq!(bench.trail, Vec::<String>::new());
    bench.served(1, |b, _| sms(b, 7));
    assert_eq!(bench.trail, ["sms_budget_alert: sms_everybody"], "at 80 of 100");
    bench.served(9, |b, n| sms(b, 10 + n));
    assert_eq!(bench.trail.len(), 1);
    bench.now += TimeDelta::hours(24);
    bench.served(9, |b, n| sms(b, 20 + n));
    assert_eq!(bench.trail.len(), 2, "again in the next window");
}

#[test]
fn whoever_crosses_the_threshold_unseen_reads_again_and_tells() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(10, TimeDelta::hours(24)));
    let sms = |b: &Bench, n| b.sms(CONFIRMED, "3712", n, 100, 500);
    bench.served(6, sms);
    let (mut seventh, mut eighth) = (Changes::none(), Changes::none());
    bench.left(&sms(&bench, 7)).charge(&mut seventh).unwrap();
    bench.left(&sms(&bench, 8)).charge(&mut eighth).unwrap();
    assert_eq!((trail(&seventh).len(), trail(&eighth).len()), (0, 0), "each is the seventh for all it knows");
    bench.commit(&seventh).unwrap();
    assert!(matches!(bench.commit(&eighth), Err(CommitError::Exhausted(_))));
    let (mut one, mut two) = (Changes::none(), Changes::none());
    bench.left(&sms(&bench, 8)).charge(&mut one).unwrap();
    bench.left(&sms(&bench, 9)).charge(&mut two).unwrap();
    assert_eq!((trail(&one).len(), trail(&two).len()), (1, 1));
    bench.commit(&one).unwrap();
    assert!(matches!(bench.commit(&two), Err(CommitError::Exhausted(_))), "one of them tells");
}

#[test]
fn a_budget_too_small_for_anything_is_told_when_it_refuses() {
    let mut bench = Bench::only(|policy| policy.sms_in_all = Limit::new(3, TimeDelta::hours(24)));
    bench.policy.sms_alert_percent = 100;
    bench.send(&bench.sms(CONFIRMED, "3712", 1, 100, 500).of_segments(2)).unwrap();
    bench.send(&bench.sms(CONFIRMED, "3712", 2, 100, 500).of_segments(2)).unwrap_err();
    assert_eq!(bench.trail, Vec::<String>::new(), "one is left");
    bench.policy.sms_in_all = Limit::new(2, TimeDelta::hours(24));
    for nth in 3..6 {
        bench.send(&bench.sms(CONFIRMED, "3712", nth, 100, 500)).unwrap_err();
    }
    assert_eq!(bench.trail, ["sms_budget_alert: sms_everybody"]);
}

#[test]
fn a_clock_that_steps_back_locks_nobody_for_longer() {
    for period in [Period::Hour, Period::Day, Period::Week, Period::Month] {
        let mut bench = Bench::new();
        bench.service = Service::on(Some(1), period);
        bench.policy.sms_per_user = Limit::new(1, TimeDelta::hours(24));
        let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
        bench.now = began() + TimeDelta::days(400);
        bench.send(&sms).unwrap();
        bench.now = began();
        assert_eq!(bench.lacks(&sms), [], "{period:?}");
        let charge = bench.send(&sms).unwrap();
        bench.now += bench.policy.sms_cool_down;
        assert_eq!(reasons(&bench.lacks(&sms)), ["quota_sms", "sms_user"], "{period:?}");
        bench.give_back(&charge);
        assert_eq!(bench.lacks(&sms), [], "{period:?}");
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

mod quotas {
    use super::*;

    /// When a count of the period that is under way at `at` begins anew.
    fn anew(period: Period, zone: &str, at: &str) -> String {
        let mut bench = Bench::new();
        bench.account.time_zone = TimeZone::parse(zone).unwrap();
        bench.service = Service::on(Some(1), period);
        bench.policy.sms_cool_down = TICK;
        bench.now = at.parse().unwrap();
        let sms = |nth| bench.sms(CONFIRMED, "3712", nth, 30 + u128::from(nth), 500);
        let (first, second) = (sms(7), sms(8));
        bench.send(&first).unwrap();
        let [Lack::Quota { until }] = bench.lacks(&second)[..] else { panic!("the quota is used up") };
        let Some(until) = until else { return String::from("never") };
        bench.now = until - TICK;
        assert_eq!(reasons(&bench.lacks(&second)), ["quota_sms"]);
        bench.now = until;
        assert_eq!(bench.lacks(&second), []);
        until.format("%Y-%m-%dT%H:%M").to_string()
    }

    #[test]
    fn periods_begin_by_the_calendar_of_the_account() {
        for (period, zone, at, until) in [
            (Period::Hour, "UTC", "2026-11-24T18:59:59Z", "2026-11-24T19:00"),
            (Period::Hour, "Asia/Kathmandu", "2026-11-24T18:00:00Z", "2026-11-24T19:00"),
            (Period::Day, "UTC", "2026-11-24T18:59:59Z", "2026-11-25T00:00"),
            (Period::Day, "Europe/Riga", "2026-11-24T22:00:00Z", "2026-11-25T22:00"),
            (Period::Day, "America/Havana", "2026-03-08T04:59:00Z", "2026-03-08T05:00"),
            (Period::Week, "UTC", "2026-11-24T18:59:59Z", "2026-11-30T00:00"),
            (Period::Week, "UTC", "2026-11-29T23:59:59Z", "2026-11-30T00:00"),
            (Period::Week, "UTC", "2026-11-30T00:00:00Z", "2026-12-07T00:00"),
            (Period::Month, "UTC", "2026-01-31T12:00:00Z", "2026-02-01T00:00"),
            (Period::Month, "Europe/Riga", "2026-12-31T23:00:00Z", "2027-01-31T22:00"),
        ] {
            assert_eq!(anew(period, zone, at), until, "{period:?} {zone} {at}");
        }
    }

    #[test]
    fn a_quota_without_period_is_used_up_for_ever() {
        assert_eq!(anew(Period::None, "UTC", "2026-11-24T18:59:59Z"), "never");
        let mut bench = Bench::new();
        bench.service = Service::on(Some(1), Period::None);
        let sms = bench.sms(CONFIRMED, "3712", 7, 30, 500);
        let charge = bench.send(&sms).unwrap();
        bench.now += TimeDelta::days(4000);
        assert_eq!(bench.lacks(&sms), [Lack::Quota { until: None }]);
        bench.give_back(&charge);
        assert_eq!(bench.lacks(&sms), [], "also after years");
    }

    #[test]
    fn a_quota_of_nothing_is_no_service_and_one_without_limit_never_ends() {
        let mut bench = Bench::only(|_| {});
        bench.service = Service::on(Some(0), Period::Day);
        assert_eq!(bench.lacks(&bench.sms(CONFIRMED, "3712", 7, 30, 500)), [Lack::Service]);
        bench.service = Service::on(None, Period::Hour);
        assert_eq!(bench.served(500, |b, n| b.sms(CONFIRMED, "3712", n, 30, 500)), 500);
    }

    #[test]
    fn each_period_has_a_count_of_its_own() {
        let mut bench = Bench::only(|_| {});
        let mut send = |period, nth| {
            bench.now += TICK;
            bench.service = Service::on(Some(1), period);
            bench.send(&bench.sms(CONFIRMED, "3712", nth, 30, 500)).is_ok()
        };
        let periods = [Period::None, Period::Hour, Period::Day, Period::Week, Period::Month];
        assert_eq!(periods.map(|period| send(period, 1)), [true; 5]);
        assert_eq!(periods.map(|period| send(period, 2)), [false; 5]);
    }

    #[test]
    fn an_account_that_moves_keeps_its_count_and_the_end_of_its_day() {
        let mut bench = Bench::only(|_| {});
        bench.now = "2026-11-24T12:00:00Z".parse().unwrap();
        bench.account.time_zone = TimeZone::parse("Etc/GMT+12").unwrap();
        bench.service = Service::on(Some(1), Period::Day);
        bench.send(&bench.sms(CONFIRMED, "3712", 1, 30, 500)).unwrap();
        bench.account.time_zone = TimeZone::parse("Etc/GMT-14").unwrap();
        bench.now = "2026-11-24T23:00:00Z".parse().unwrap();
        let next = bench.sms(CONFIRMED, "3712", 2, 30, 500);
        assert_eq!(reasons(&bench.lacks(&next)), ["quota_sms"]);
        bench.now = "2026-11-25T12:00:00Z".parse().unwrap();
        assert_eq!(bench.lacks(&next), []);
        assert!(PERIOD_SLACK >= TimeDelta::hours(26));
    }

    #[test]
    fn usage_tells_segments_and_codes_of_the_period() {
        let mut bench = Bench::only(|_| {});
        bench.service = Service::on(Some(9), Period::Month);
        let sms = bench.sms(CONFIRMED, "3712", 1, 30, 500);
        bench.send(&sms).unwrap();
        bench.send(&bench.sms(CONFIRMED, "3712", 2, 30, 500).without_code().of_segments(3)).unwrap();
        let usage = |bench: &Bench| {
            let counters = bench.read(&sms);
            let quota = Quota::sms(&bench.account, bench.service);
            quota.usage(|counter| counters.get(counter).copied().unwrap_or_default(), bench.now)
        };
        let Usage { used, codes, quota, period, until } = usage(&bench);
        assert_eq!((used, codes, quota, period), (4, 1, Some(9), Period::Month));
        bench.now = until.unwrap();
        assert_eq!((usage(&bench).used, usage(&bench).codes), (0, 0));
    }

    #[test]
    fn mails_have_a_quota_of_their_own() {
        let bench = Bench::new();
        let quota = Quota::email_notification(&bench.account, Service::on(Some(2), Period::Day));
        let sms = bench.sms(CONFIRMED, "3712", 1, 30, 500);
        let mut answers = Vec::new();
        for _ in 0..3 {
            let mut changes = Changes::none();
            let counters = bench.read(&sms);
            let count = |counter: &Counter| counters.get(counter).copied().unwrap_or_default();
            answers.push(quota.charge(1, count, &mut changes, bench.now));
            bench.commit(&changes).unwrap();
        }
        assert!(answers[0].is_ok() && answers[1].is_ok());
        let end =
            TimeZone::UTC.instant(TimeZone::UTC.day(began()).succ_opt().unwrap(), chrono::NaiveTime::MIN);
        assert_eq!(answers[2], Err(Lack::Quota { until: Some(end) }));
        bench.give_back(answers[0].as_ref().unwrap());
        assert_eq!(bench.value(&sms, "email_notification_used_day"), 1);
        assert_eq!(bench.value(&sms, "sms_used_day"), 0);
    }
}
