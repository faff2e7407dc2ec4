//! SMS charged in parallel.

use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use super::kit::{CALLERS, Kit, at_once, must};
use crate::account::{Account, Period, Service};
use crate::contact::Phone;
use crate::decision::{Changes, Decision};
use crate::engine::Portcullis;
use crate::keyring::Keyring;
use crate::policy::{Limit, Policy};
use crate::port::store::{Read, Store};
use crate::spend::{Budget, Charge, Lack, Payer, Quota, Standing, Submission};
use crate::testing::ambient::SeededRandom;
use crate::user::User;

/// So many fit into what is raced for.
const FIT: u32 = 3;
/// More than anybody asks for.
const PLENTY: u32 = 100_000;

/// What came of asking for one SMS.
type Answer = Result<Charge, Vec<Lack>>;

/// Those who race for one budget: they share everything but their numbers, and it is counted under keys of their own.
struct Round<'a> {
    kit: &'a Kit,
    keyring: Keyring,
    policy: Policy,
    account: Account,
    user: User,
    source: Uuid,
    standing: Standing,
    service: Service,
}

impl<'a> Round<'a> {
    /// In which everything fits.
    async fn begin(kit: &'a Kit, nth: u64) -> Self {
        let seed = kit.other_seed(nth);
        let keyring = must("keys", Keyring::generate(&SeededRandom::new(seed), kit.world.now()));
        let account = kit.account().await;
        let user = must("a user", kit.world.user(&account, &kit.login(&format!("round{nth}")), None).await);
        let source = keyring.derive("source", &seed.to_be_bytes());
        let (standing, service) = (Standing::Confirmed, Service::on(None, Period::None));
        Self { kit, keyring, policy: plenty(), account, user, source, standing, service }
    }

    /// In which three fit into one budget.
    async fn for_budget(kit: &'a Kit, nth: u64, budget: Budget) -> Self {
        let mut round = Self::begin(kit, nth).await;
        let policy = &mut round.policy;
        let (limit, new) = match budget {
            Budget::Number => (&mut policy.sms_per_number, false),
            Budget::NewNumber => (&mut policy.sms_per_new_number, true),
            Budget::User => (&mut policy.sms_per_user, false),
            Budget::UserUnverified => (&mut policy.sms_unverified_per_user, false),
            Budget::Source => (&mut policy.sms_per_source, false),
            Budget::SourceNew => (&mut policy.sms_per_source, true),
            Budget::Account => (&mut policy.sms_per_account, false),
            Budget::AccountNew => (&mut policy.sms_per_account, true),
            Budget::Country => (&mut policy.sms_per_country, false),
            Budget::CountryNew => (&mut policy.sms_per_country, true),
            Budget::Unverified => (&mut policy.sms_unverified_per_country, false),
            Budget::UnverifiedNew => (&mut policy.sms_unverified_per_country, true),
            Budget::Everybody => (&mut policy.sms_in_all, false),
            Budget::EverybodyNew => (&mut policy.sms_in_all, true),
        };
        limit.count = if new && budget != Budget::NewNumber { FIT * 4 } else { FIT };
        round.standing = if new { Standing::New } else { Standing::Confirmed };
        round
    }

    fn sms(&self, number: usize) -> Submission {
        let phone = must("a number", Phone::parse(&format!("+3712{number:07}")));
        let payer = Payer::new(&self.user, &self.account, self.service);
        Submission::new(&self.keyring, &phone, self.standing, payer, self.source)
    }

    /// Asks for one SMS, as often as others are faster.
    fn ask(&self, sms: Submission) -> impl Future<Output = Answer> + Send + use<> {
        ask(self.kit.world.security.clone(), self.policy.clone(), sms)
    }

    /// Asks from 64 tasks at once, each of which reads before any commits.
    async fn race(&self, sms: impl Fn(usize) -> Submission) -> Vec<Answer> {
        self.kit.stage.line_up(CALLERS);
        at_once((0..CALLERS).map(|nth| self.ask(sms(nth)))).await
    }

    /// What is counted under one name.
    async fn value(&self, sms: &Submission, name: &str) -> u32 {
        let read = Read { now: self.kit.world.now(), starts: Vec::new(), subjects: sms.subjects().to_vec() };
        let counters = must("a read", self.kit.world.store.read(&read).await).counters;
        counters.into_iter().filter(|(counter, _)| counter.name == name).map(|(_, count)| count.value).sum()
    }
}

async fn ask(security: Portcullis, policy: Policy, sms: Submission) -> Answer {
    let (engine, policy, sms) = (&security.engine, &policy, &sms);
    let answer = engine.decide(|t| async move {
        let view = engine.read(&t, Vec::new(), sms.subjects().to_vec()).await?;
        let mut changes = Changes::none();
        let answer = sms.left(policy, |counter| view.count(counter), t.now).charge(&mut changes);
        Ok(Decision::yes(answer, changes))
    });
    must("an answer", answer.await)
}

/// Budgets that never end, and no alert.
pub(super) fn plenty() -> Policy {
    let mut policy = Policy::default();
    let limits = [
        &mut policy.sms_per_number,
        &mut policy.sms_per_new_number,
        &mut policy.sms_per_user,
        &mut policy.sms_unverified_per_user,
        &mut policy.sms_per_source,
        &mut policy.sms_per_account,
        &mut policy.sms_per_country,
        &mut policy.sms_unverified_per_country,
        &mut policy.sms_in_all,
    ];
    for limit in limits {
        *limit = Limit::new(PLENTY, TimeDelta::hours(24));
    }
    policy
}

/// Sixty-four tasks ask for an SMS while one segment is left in a budget, whichever it is, or in the quota of the account:
/// exactly one is charged, and when it is given back exactly one more fits.
pub async fn sms_stop_at_every_budget(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "sms_stop_at_every_budget");
    for (nth, budget) in (0..).zip(Budget::ALL) {
        let round = Round::for_budget(&kit, nth, budget).await;
        stop_at(&round, budget.name(), matches!(budget, Budget::Number | Budget::NewNumber)).await;
    }
    for (nth, period) in (100..).zip([Period::None, Period::Hour, Period::Day, Period::Week, Period::Month]) {
        let mut round = Round::begin(&kit, nth).await;
        round.service = Service::on(Some(FIT), period);
        stop_at(&round, "quota_sms", false).await;
        let sms = round.sms(0);
        let read = Read { now: kit.world.now(), starts: Vec::new(), subjects: sms.subjects().to_vec() };
        let counters = must("a read", kit.world.store.read(&read).await).counters;
        let quota = Quota::sms(&round.account, round.service);
        let usage =
            quota.usage(|counter| counters.get(counter).copied().unwrap_or_default(), kit.world.now());
        assert_eq!((usage.used, usage.codes), (FIT, FIT), "the usage of {period:?} is what was charged");
    }
}

async fn stop_at(round: &Round<'_>, reason: &'static str, one_number: bool) {
    let number = |nth: usize| if one_number { 0 } else { nth };
    let cool_down_over = || round.kit.world.advance(TimeDelta::minutes(2));
    let mut numbers = 1000..;
    for _ in 1..FIT {
        let nth = numbers.next().unwrap_or_default();
        assert!(round.ask(round.sms(number(nth))).await.is_ok(), "{reason}: what fits is charged");
        cool_down_over();
    }
    let mut given_back = None;
    for again in ["at first", "again"] {
        if let Some(charge) = given_back.take() {
            give_back(round, charge).await;
            cool_down_over();
        }
        let answers = round.race(|nth| round.sms(number(nth))).await;
        let mut charged = Vec::new();
        for answer in answers {
            match answer {
                Ok(charge) => charged.push(charge),
                Err(lacks) => {
                    let named = lacks.iter().any(|lack| lack.reason() == reason);
                    assert!(named, "{reason} {again}: what ran out is named, not {lacks:?}");
                }
            }
        }
        assert_eq!(charged.len(), 1, "{reason} {again}: one of all is charged");
        given_back = charged.pop();
        cool_down_over();
    }
    if reason != "quota_sms" {
        assert_eq!(
            round.value(&round.sms(0), reason).await,
            FIT,
            "{reason}: the budget is spent, and no more"
        );
    }
}

/// A send failed for good.
async fn give_back(round: &Round<'_>, charge: Charge) {
    let charge = &charge;
    let kept = round.kit.world.security.engine.decide(|_| async move {
        let mut changes = Changes::none();
        charge.give_back(&mut changes);
        Ok(Decision::yes((), changes))
    });
    must("giving back", kept.await);
}

/// Sixty-four SMS at once take a budget past the threshold of its alert: all are charged, and one of them tells.
pub async fn one_sms_tells_that_a_budget_runs_out(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_sms_tells_that_a_budget_runs_out");
    let mut round = Round::begin(&kit, 0).await;
    round.policy.sms_per_account = Limit::new(200, TimeDelta::hours(24));
    round.policy.sms_alert_percent = 40;
    let told = || kit.stage.kept("sms_budget_alert").len();
    assert!(round.ask(round.sms(1000).of_segments(50)).await.is_ok(), "fifty fit");
    assert_eq!(told(), 0, "nothing is told below the threshold");
    let answers = round.race(|nth| round.sms(nth)).await;
    assert!(answers.iter().all(Result::is_ok), "all are charged");
    assert_eq!(told(), 1, "one of them tells");
    assert_eq!(round.value(&round.sms(0), "sms_account").await, 114, "all are counted");
}
