//! SMS asked for in parallel, through every way to ask for one, while a worker sends.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{CALLERS, Kit, at_once, must, only, password, tally, times, word};
use super::spend::plenty;
use crate::account::{Account, Period, Service};
use crate::challenge::PendingCode;
use crate::contact::Phone;
use crate::error::Error;
use crate::id::{ChallengeId, SessionId};
use crate::keyring::Keyring;
use crate::manage::AccountChange;
use crate::policy::Policy;
use crate::port::store::Store;
use crate::rights::Actor;
use crate::sign_in::SignInResult;
use crate::spend::Budget;
use crate::testing::ambient::SeededRandom;
use crate::testing::world::{attempt, source};
use crate::user::User;

/// How many people ask, each of them several times at once.
const PEOPLE: usize = 8;
/// How many of a number's or a user's SMS the set-up takes.
const PEOPLE_OF_ONE: usize = 1;

/// By which way an SMS is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Enrol,
    SignIn,
    Resend,
}

/// What there is one more of.
#[derive(Clone, Copy, Debug)]
enum Last {
    Of(Budget),
    OfTheQuota,
}

/// People ready to ask, with one SMS left for all of them.
struct Round {
    kit: Kit,
    account: Account,
    people: Vec<(User, SessionId, Option<ChallengeId>)>,
    way: Way,
}

fn number(nth: usize) -> Phone {
    must("a number", Phone::parse(&format!("+3712{nth:07}")))
}

/// Leaves so much of a budget; of one for new numbers, its share of four times as much.
fn leave(policy: &mut Policy, budget: Budget, much: u32) {
    let (limit, much) = match budget {
        Budget::Number => (&mut policy.sms_per_number, much),
        Budget::NewNumber => (&mut policy.sms_per_new_number, much),
        Budget::User => (&mut policy.sms_per_user, much),
        Budget::UserUnverified => (&mut policy.sms_unverified_per_user, much),
        Budget::Source => (&mut policy.sms_per_source, much),
        Budget::SourceNew => (&mut policy.sms_per_source, much * 4),
        Budget::Account => (&mut policy.sms_per_account, much),
        Budget::AccountNew => (&mut policy.sms_per_account, much * 4),
        Budget::Country => (&mut policy.sms_per_country, much),
        Budget::CountryNew => (&mut policy.sms_per_country, much * 4),
        Budget::Unverified => (&mut policy.sms_unverified_per_country, much),
        Budget::UnverifiedNew => (&mut policy.sms_unverified_per_country, much * 4),
        Budget::Everybody => (&mut policy.sms_in_all, much),
        Budget::EverybodyNew => (&mut policy.sms_in_all, much * 4),
    };
    limit.count = much;
}

/// How many people ask: what is counted for one person or number is asked for by one.
fn people(last: Last) -> usize {
    match last {
        Last::Of(Budget::Number | Budget::NewNumber | Budget::User | Budget::UserUnverified) => PEOPLE_OF_ONE,
        Last::Of(_) | Last::OfTheQuota => PEOPLE,
    }
}

impl Round {
    async fn begin(store: &Arc<dyn Store>, nonce: u64, way: Way, last: Last) -> Self {
        let people = people(last);
        let many = u32::try_from(people).unwrap_or(1);
        // What the set-up takes: a number is confirmed, and for a resend a code is under way, by everybody.
        let (charged, unentered) = match way {
            Way::Enrol => (0, 0),
            Way::SignIn => (many, 0),
            Way::Resend => (2 * many, many),
        };
        let mut policy = plenty();
        policy.sms_new_share = if way == Way::Enrol { 25 } else { 100 };
        if let Last::Of(budget) = last {
            let used = match budget {
                Budget::UserUnverified | Budget::Unverified | Budget::UnverifiedNew => unentered,
                // A number that is confirmed is counted apart from when it was not.
                Budget::Number => charged - many,
                Budget::NewNumber
                | Budget::User
                | Budget::Source
                | Budget::SourceNew
                | Budget::Account
                | Budget::AccountNew
                | Budget::Country
                | Budget::CountryNew
                | Budget::Everybody
                | Budget::EverybodyNew => charged,
            };
            leave(&mut policy, budget, used + 1);
        }
        let kit = Kit::under(policy, store, nonce, &format!("{way:?} {last:?}"));
        // What all people together draw on is this round's own under keys of its own.
        let keys = Keyring::generate(&SeededRandom::new(kit.other_seed(1)), kit.world.now());
        kit.world.security.replace_keyring(must("keys", keys));
        let account = must("an account", kit.world.account_with_sms("races").await);
        if matches!(last, Last::OfTheQuota) {
            let service = Service::on(Some(charged + 1), Period::Day);
            let change = AccountChange::default().service("sms", service);
            let program = kit.world.security.manage(Actor::Program);
            must("a quota", program.change_account(account.id, &change).await);
        }
        let mut round = Self { kit, account, people: Vec::new(), way };
        for nth in 0..people {
            round.welcome(nth).await;
        }
        round.kit.world.advance(TimeDelta::minutes(2));
        round
    }

    /// One more who is about to ask.
    async fn welcome(&mut self, nth: usize) {
        let world = &self.kit.world;
        let user = world.user(&self.account, &self.kit.login(&format!("person{nth}")), None).await;
        let user = must("a user", user);
        let mut session = must("a sign-in", world.sign_in(&user).await).id;
        let mut asked = None;
        if self.way != Way::Enrol {
            let on = world.switch_sms_on(session, number(nth).as_str()).await;
            session = must("switching on", on).id;
        }
        if self.way == Way::Resend {
            world.advance(TimeDelta::minutes(1));
            let started = world.security.sign_in().start(&user.login, &password(), &attempt()).await;
            match must("the password step", started) {
                SignInResult::CodeRequired { code, .. } => asked = Some(code.id),
                SignInResult::Admitted(_) => panic!("a code is asked with two-factor authentication on"),
            }
            must("a pass of the worker", world.run_worker().await);
        }
        self.people.push((user, session, asked));
    }

    /// Everybody asks at once, 64 times in all, while a worker sends; one SMS leaves, and one is charged.
    async fn race(&self, last: Last) {
        let (way, world) = (self.way, &self.kit.world);
        let what = format!("{way:?} with one left of {last:?}");
        let charged = async || {
            let usage = world.security.manage(Actor::Program).usage(self.account.id).await;
            let usage = must("the usage", usage);
            (usage.sms.used, usage.sms_budget.used)
        };
        let (before, submitted) = (charged().await, world.handset.submitted().len());
        let sending = world.security.worker().spawn();
        // Whoever asks has found room for one before anybody takes it.
        let gate = self.kit.stage.hold("code_issued");
        let all_have_read = async {
            for _ in 0..CALLERS {
                gate.somebody_waits().await;
            }
            gate.open();
        };
        let asked = at_once((0..CALLERS).map(|nth| {
            let security = world.security.clone();
            let somebody = self.people.iter().cycle().nth(nth).cloned();
            let (user, session, asked) = somebody.expect("somebody asks");
            let gate = Arc::clone(&gate);
            // Who asks for many numbers has not confirmed any of them.
            let phone = number(if matches!(last, Last::Of(Budget::NewNumber)) { 0 } else { 100 + nth });
            async move {
                let answer: Result<PendingCode, Error> = match (way, asked) {
                    (Way::Resend, Some(asked)) => security.sign_in().resend(asked, &attempt()).await,
                    (Way::Enrol, _) => security.two_factor().ask_sms(session, Some(&phone), &source()).await,
                    (Way::SignIn | Way::Resend, _) => {
                        match security.sign_in().start(&user.login, &password(), &attempt()).await {
                            Ok(SignInResult::CodeRequired { code, .. }) => Ok(code),
                            Ok(SignInResult::Admitted(_)) => panic!("a code is asked"),
                            Err(error) => Err(error),
                        }
                    }
                };
                gate.passed_by();
                word(&answer)
            }
        }));
        let (answers, ()) = tokio::join!(asked, all_have_read);
        let answers = tally(answers);
        assert_eq!(times(&answers, "ok"), 1, "{what}: one is let: {answers:?}");
        only(&answers, &["ok", "not_allowed", "too_soon"]);
        // Ended between its two commits, the worker would leave an SMS that nobody ever submits.
        while world.handset.submitted().len() == submitted {
            tokio::task::yield_now().await;
        }
        sending.abort();
        // What the worker had claimed when it ended is due again later; nothing of it is sent twice.
        let _ = sending.await;
        for _ in 0..2 {
            must("a pass of the worker", world.run_worker().await);
            world.advance(world.security.policy().claim_life);
        }
        let left = world.handset.submitted().len() - submitted;
        assert_eq!(left, 1, "{what}: one is submitted");
        assert_eq!(charged().await, (before.0 + 1, before.1 + 1), "{what}: one is charged");
    }
}

async fn race_all(store: &Arc<dyn Store>, nonce: u64, way: Way, budgets: &[Budget]) {
    let budgets = budgets.iter().map(|budget| Last::Of(*budget));
    for last in budgets.chain([Last::OfTheQuota]) {
        Round::begin(store, nonce, way, last).await.race(last).await;
    }
}

/// Sixty-four times at once "Send SMS" is asked for new numbers while one SMS is left in a budget, whichever it is, or in
/// the quota: one is submitted, and one is charged.
pub async fn enrolments_submit_the_one_sms_that_is_left(store: &Arc<dyn Store>, nonce: u64) {
    let budgets = Budget::ALL.into_iter().filter(|budget| *budget != Budget::Number);
    race_all(store, nonce, Way::Enrol, &budgets.collect::<Vec<_>>()).await;
}

/// What a confirmed number draws on.
const CONFIRMED: [Budget; 8] = [
    Budget::Number,
    Budget::User,
    Budget::UserUnverified,
    Budget::Source,
    Budget::Account,
    Budget::Country,
    Budget::Unverified,
    Budget::Everybody,
];

/// As [`enrolments_submit_the_one_sms_that_is_left`], of the password step of sign-ins.
pub async fn sign_ins_submit_the_one_sms_that_is_left(store: &Arc<dyn Store>, nonce: u64) {
    race_all(store, nonce, Way::SignIn, &CONFIRMED).await;
}

/// As [`enrolments_submit_the_one_sms_that_is_left`], of codes that are sent again.
pub async fn resends_submit_the_one_sms_that_is_left(store: &Arc<dyn Store>, nonce: u64) {
    race_all(store, nonce, Way::Resend, &CONFIRMED).await;
}
