//! What the races are written with: a world of their own, callers let go together, answers put into words.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use super::stage::Stage;
use crate::account::Account;
use crate::challenge::PendingCode;
use crate::contact::{Email, SourceAddress};
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::{Page, Store};
use crate::secret::{Code, Password};
use crate::session::{CurrentSession, Session};
use crate::sign_in::{Attempt, SignInResult};
use crate::testing::World;
use crate::testing::world::{PASSWORD, WorldOptions};
use crate::user::User;

/// How many callers race, where nothing else is said.
pub(super) const CALLERS: usize = 64;

/// An engine on the store under test, and names of its own for one race.
pub(super) struct Kit {
    pub(super) world: World,
    pub(super) stage: Arc<Stage>,
    seed: u64,
}

impl Kit {
    pub(super) fn new(store: &Arc<dyn Store>, nonce: u64, race: &str) -> Self {
        Self::under(Policy::default(), store, nonce, race)
    }

    pub(super) fn under(policy: Policy, store: &Arc<dyn Store>, nonce: u64, race: &str) -> Self {
        let seed = race.bytes().fold(mix(nonce), |seed, byte| mix(seed ^ u64::from(byte)));
        let stage = Stage::on(store);
        let options = WorldOptions {
            store: Arc::clone(&stage) as Arc<dyn Store>,
            policy,
            seed,
            ..WorldOptions::default()
        };
        Self { world: World::with(options), stage, seed }
    }

    /// A seed for another engine of the same race.
    pub(super) const fn other_seed(&self, nth: u64) -> u64 {
        mix(self.seed ^ mix(nth))
    }

    /// A login that no other race has.
    pub(super) fn login(&self, who: &str) -> String {
        format!("{who}-{:016x}", self.seed)
    }

    /// An address that no other race has.
    pub(super) fn address(&self, who: &str) -> Email {
        must("an address", Email::parse(&format!("{}@example.com", self.login(who))))
    }

    /// A source address that no other race has.
    pub(super) fn source(&self, nth: u64) -> SourceAddress {
        // What counts of an IPv6 address is its network, the upper half.
        let network = u128::from(mix(self.seed ^ mix(nth))) << 64;
        SourceAddress::from(IpAddr::V6(Ipv6Addr::from_bits(network | 1)))
    }

    pub(super) fn attempt(&self, nth: u64) -> Attempt {
        Attempt::from(self.source(nth))
    }

    pub(super) async fn account(&self) -> Account {
        must("an account", self.world.account("races").await)
    }

    /// A user with a confirmed address, signed in.
    pub(super) async fn user(&self, account: &Account, who: &str) -> (User, CurrentSession) {
        let address = self.address(who);
        let user = self.world.user(account, &self.login(who), Some(address.as_str())).await;
        let user = must("a user", user);
        let session = must("a sign-in", self.world.sign_in(&user).await);
        (user, session)
    }

    /// A user with two-factor authentication on, signed in.
    pub(super) async fn two_factor(&self, account: &Account, who: &str) -> (User, CurrentSession) {
        let (user, session) = self.user(account, who).await;
        let session = must("switching on", self.world.switch_on(session.id, &user).await);
        (user, session)
    }

    /// Sends what is due.
    pub(super) async fn mail(&self) {
        must("a pass of the worker", self.world.run_worker().await);
    }

    /// The newest code mailed to an address.
    pub(super) fn code_at(&self, address: &Email) -> Code {
        self.world.mailbox.last_code(address.as_str()).expect("a code was mailed")
    }

    /// How many codes were mailed to an address.
    pub(super) fn codes_mailed(&self, address: &Email) -> usize {
        let carries = |text: &str| text.lines().any(|line| Code::parse(line.trim()).is_ok());
        self.world.mailbox.to(address.as_str()).iter().filter(|mail| carries(&mail.text)).count()
    }

    /// The password step of a sign-in that asks for a code.
    pub(super) async fn ask(&self, user: &User) -> PendingCode {
        let started = self.world.security.sign_in().start(&user.login, &password(), &self.attempt(0)).await;
        match must("the password step", started) {
            SignInResult::CodeRequired { code, .. } => code,
            SignInResult::Admitted(_) => panic!("a code is asked with two-factor authentication on"),
        }
    }

    /// The password step of a sign-in, and the code that was mailed.
    pub(super) async fn ask_and_mail(&self, user: &User) -> (PendingCode, Code) {
        let pending = self.ask(user).await;
        self.mail().await;
        let address = user.confirmed_email().expect("the user has an address");
        (pending, self.code_at(address))
    }

    /// The sessions of a user that are alive.
    pub(super) async fn alive(&self, user: &User) -> Vec<CurrentSession> {
        let page = Page { after: None, limit: 1000 };
        let listed = self.world.store.list(&Session::of_user(user.id), page).await;
        let mut alive = Vec::new();
        for record in must("a list", listed) {
            let id = crate::id::SessionId::from_uuid(record.id);
            alive.extend(self.world.security.sessions().current(id).await);
        }
        alive
    }

    /// Lets a quarter of an hour and more pass: no wait that the policy knows lasts longer.
    pub(super) fn wait_over(&self) {
        self.world.advance(TimeDelta::minutes(16));
    }
}

/// What must work for the race to begin.
pub(super) fn must<T, E: core::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what} must work, but: {error}"),
    }
}

/// The password of every user.
pub(super) fn password() -> Password {
    must("the password", Password::parse(PASSWORD.to_owned(), "password"))
}

/// Another password.
pub(super) fn wrong_password() -> Password {
    must("a password", Password::parse("quite another password".to_owned(), "password"))
}

/// An answer in one word: `ok`, or the code of the refusal.
pub(super) fn word<T>(answer: &Result<T, Error>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(Error::Refused(refusal)) => refusal.code(),
        Err(other) => panic!("an answer or a refusal was expected, got: {other}"),
    }
}

/// How often each answer was given.
pub(super) type Answers = BTreeMap<&'static str, usize>;

/// How often an answer was given.
pub(super) fn times(answers: &Answers, word: &str) -> usize {
    answers.get(word).copied().unwrap_or(0)
}

/// Nothing but these answers was given.
pub(super) fn only(answers: &Answers, words: &[&str]) {
    let other: Vec<_> = answers.keys().filter(|word| !words.contains(word)).collect();
    assert!(other.is_empty(), "only {words:?} were expected, got {answers:?}");
}

/// Runs every caller in a task of its own and gives their answers in order.
pub(super) async fn at_once<Fut>(callers: impl IntoIterator<Item = Fut>) -> Vec<Fut::Output>
where
    Fut: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = callers.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => panic!("a caller of the race fails: {error}"),
        }
    }
    answers
}

/// Counts words.
pub(super) fn tally(words: impl IntoIterator<Item = &'static str>) -> Answers {
    let mut answers = Answers::new();
    for word in words {
        *answers.entry(word).or_default() += 1;
    }
    answers
}

/// Scrambles a number; the same number always gives the same.
pub(super) const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
