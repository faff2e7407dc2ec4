//! A whole engine in a test's hand: any store, a clock that is moved, randomness that repeats, a mailbox.

use core::fmt;
use core::task::{Context, Waker};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::ambient::{SeededRandom, TestClock};
use super::flespi::FakeFlespi;
use super::handset::Handset;
use super::mailbox::Mailbox;
use super::people::{AccountBuilder, Person, UserBuilder};
pub use super::usual::{PASSWORD, PUBLIC_URL, attempt, source, wrong_code};
use crate::account::{Account, NewAccount, Period, Service};
use crate::challenge::Channel;
use crate::contact::{Email, Phone};
use crate::engine::Portcullis;
use crate::engine::worker::Pass;
use crate::error::Error;
use crate::id::SessionId;
use crate::keyring::Keyring;
use crate::memory::MemoryStore;
use crate::password::argon2::HashPool;
use crate::policy::Policy;
use crate::port::ambient::Clock as _;
use crate::port::hasher::PasswordHasher;
use crate::port::message::MailSender;
use crate::port::store::Store;
use crate::secret::{Code, Password};
use crate::session::CurrentSession;
use crate::sign_in::{CodeResult, SignInResult};
use crate::user::{Flags, Login, NewUser, User};

/// A whole engine in a test's hand. Its passwords are hashed at almost no cost.
pub struct World {
    /// The engine.
    pub security: Portcullis,
    /// The store below it.
    pub store: Arc<dyn Store>,
    /// The clock it reads.
    pub clock: Arc<TestClock>,
    /// Where its mail arrives.
    pub mailbox: Mailbox,
    /// Where its SMS arrive.
    pub handset: Handset,
    /// The flespi it calls.
    pub flespi: FakeFlespi,
    hasher: Arc<HashPool>,
}

/// What a world is made of.
#[expect(clippy::exhaustive_structs, reason = "tests build it field by field")]
pub struct WorldOptions {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The policy.
    pub policy: Policy,
    /// The seed of its randomness.
    pub seed: u64,
    /// When its clock starts.
    pub now: DateTime<Utc>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl fmt::Debug for WorldOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorldOptions").field("seed", &self.seed).finish_non_exhaustive()
    }
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            policy: Policy::default(),
            seed: 1,
            now: super::usual::beginning(),
        }
    }
}

impl World {
    /// A world in memory under the default policy.
    ///
    /// # Panics
    /// When the system gives no threads or no memory.
    pub fn new() -> Self {
        Self::with(WorldOptions::default())
    }

    /// A world on this store.
    ///
    /// # Panics
    /// When the system gives no threads or no memory.
    pub fn on(store: Arc<dyn Store>) -> Self {
        Self::with(WorldOptions { store, ..WorldOptions::default() })
    }

    /// A world made of these.
    ///
    /// # Panics
    /// When the policy is out of its range, or the system gives no threads or no memory.
    pub fn with(options: WorldOptions) -> Self {
        let mailbox = Mailbox::new();
        Self::with_sender(options, mailbox.clone(), mailbox)
    }

    /// A world whose mail goes through another sender.
    ///
    /// # Panics
    /// When the policy is out of its range, or the system gives no threads or no memory.
    pub fn with_sender(options: WorldOptions, sender: impl MailSender, mailbox: Mailbox) -> Self {
        Self::made(options, sender, mailbox, true)
    }

    /// Makes a world that sends mail alone, by this sender; its handset gets nothing.
    ///
    /// # Panics
    /// If the world cannot be built, which is a fault of the test.
    pub fn without_sms(options: WorldOptions, sender: impl MailSender, mailbox: Mailbox) -> Self {
        Self::made(options, sender, mailbox, false)
    }

    #[expect(clippy::expect_used, reason = "a world that can't be built fails its test at once")]
    fn made(options: WorldOptions, sender: impl MailSender, mailbox: Mailbox, sms: bool) -> Self {
        let WorldOptions { store, policy, seed, now } = options;
        let handset = Handset::new();
        let clock = Arc::new(TestClock::at(now));
        let hasher = Arc::new(HashPool::with_cheap_cost_for_tests().expect("the hash pool starts"));
        let flespi = FakeFlespi::new(Arc::clone(&clock) as Arc<dyn crate::port::ambient::Clock>);
        // The keys are the same for every seed: two processes on one store share them.
        let keyring = Keyring::generate(&SeededRandom::new(0), now).expect("the keys are made");
        let mut builder = Portcullis::builder_on(Arc::clone(&store));
        if sms {
            builder = builder.sms(handset.clone());
        }
        let security = builder
            .keyring(keyring)
            .mail(sender)
            .flespi(flespi.clone())
            .hasher(Arc::clone(&hasher) as Arc<dyn PasswordHasher>)
            .clock(Arc::clone(&clock) as Arc<dyn crate::port::ambient::Clock>)
            .random(Arc::new(SeededRandom::new(seed)))
            .policy(policy)
            .public_url(PUBLIC_URL)
            .build()
            .expect("the world is complete");
        Self { security, store, clock, mailbox, handset, flespi, hasher }
    }

    /// The time of this world.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Makes an account.
    ///
    /// # Errors
    /// As [`Accounts::create`](crate::account::Accounts::create).
    pub async fn account(&self, name: &str) -> Result<Account, Error> {
        self.security.accounts().create(NewAccount::named(name)).await
    }

    /// Makes an account with the service `sms`, without limit.
    ///
    /// # Errors
    /// As [`Accounts::create`](crate::account::Accounts::create).
    pub async fn account_with_sms(&self, name: &str) -> Result<Account, Error> {
        let mut account = NewAccount::named(name);
        account.services.insert("sms".to_owned(), Service::on(None, Period::None));
        self.security.accounts().create(account).await
    }

    /// Makes a user with the password [`PASSWORD`], every flag, and a confirmed address if one is given.
    ///
    /// # Errors
    /// As [`Users::create`](crate::user::Users::create).
    pub async fn user(&self, account: &Account, login: &str, email: Option<&str>) -> Result<User, Error> {
        let mut new = self.new_user(account, login).await?;
        new.confirmed_email = email.map(Email::parse).transpose()?;
        self.security.users().create(new).await
    }

    /// As [`World::user`], without an address and created by another user.
    ///
    /// # Errors
    /// As [`Users::create`](crate::user::Users::create).
    pub async fn user_below(&self, creator: &User, account: &Account, login: &str) -> Result<User, Error> {
        let mut new = self.new_user(account, login).await?;
        new.creator = Some(creator.id);
        self.security.users().create(new).await
    }

    /// An account in any state, in the making.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), portcullis::Error> {
    /// use portcullis::testing::World;
    /// let w = World::new();
    /// let fleet = w.build_account("fleet").days_left(3).create().await?;
    /// assert_eq!(fleet.name, "fleet");
    /// # Ok(()) }
    /// ```
    pub fn build_account(&self, name: &str) -> AccountBuilder<&Self> {
        AccountBuilder::new(self, name)
    }

    /// A user in any state, in the making.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), portcullis::Error> {
    /// use portcullis::testing::World;
    /// let w = World::new();
    /// let alice = w.build_user("alice").two_factor_email().create().await?;
    /// assert_eq!(w.security.users().get(alice.id).await?.two_factor.name(), "email");
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// When the login is none.
    #[track_caller]
    pub fn build_user(&self, login: &str) -> UserBuilder<&Self> {
        UserBuilder::new(self, login)
    }

    async fn new_user(&self, account: &Account, login: &str) -> Result<NewUser, Error> {
        let password = Password::parse(PASSWORD.to_owned(), "password")?;
        let hash = self.hasher.hash(&password, [7; 16]).await;
        let mut new = NewUser::new(Login::parse(login)?, account.id);
        new.password = hash.ok();
        new.long_enough_alone = true;
        new.flags = Flags::all();
        Ok(new)
    }

    /// Signs in with [`PASSWORD`] from 192.0.2.1, and with the mailed code if one is asked.
    ///
    /// # Errors
    /// As [`SignIn::start`](crate::sign_in::SignIn::start) and [`SignIn::code`](crate::sign_in::SignIn::code).
    ///
    /// # Panics
    /// When a code is asked and none arrived.
    pub async fn sign_in(&self, user: &User) -> Result<CurrentSession, Error> {
        let password = Password::parse(PASSWORD.to_owned(), "password")?;
        match self.security.sign_in().start(&user.login, &password, &attempt()).await? {
            SignInResult::Admitted(admission) => Ok(admission.session),
            SignInResult::CodeRequired { code, .. } => {
                self.run_worker().await?;
                let entered = match code.channel {
                    Channel::Email => self.code_of(user).await?,
                    Channel::Sms => self.sms_code_of(user).await?,
                };
                match self.security.sign_in().code(code.id, &entered, &attempt(), None).await? {
                    CodeResult::Admitted(admission) => Ok(admission.session),
                    CodeResult::Fresh(session) => Ok(session),
                }
            }
        }
    }

    /// Switches two-factor authentication by SMS on for the user of a session; gives the session that goes on.
    ///
    /// # Errors
    /// As [`TwoFactor`](crate::two_factor::TwoFactor).
    ///
    /// # Panics
    /// When no code arrived.
    #[expect(clippy::expect_used, reason = "a code that did not arrive fails the test at once")]
    pub async fn switch_sms_on(&self, session: SessionId, number: &str) -> Result<CurrentSession, Error> {
        let phone = Phone::parse(number)?;
        let code = self.security.two_factor().ask_sms(session, Some(&phone), &source()).await?;
        self.run_worker().await?;
        let entered = self.handset.last_code(number).expect("a code arrived");
        Ok(self.security.two_factor().enable(session, code.id, &entered, &source()).await?.session)
    }

    /// The newest code that arrived at a user's confirmed address.
    ///
    /// # Errors
    /// When the store does not answer.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::expect_used, reason = "a code that did not arrive fails the test at once")]
    pub async fn code_of(&self, user: &User) -> Result<Code, Error> {
        let user = self.security.users().get(user.id).await?;
        let address = user.confirmed_email().expect("the user has a confirmed address");
        Ok(self.mailbox.last_code(address.as_str()).expect("a code arrived"))
    }

    /// The newest code that arrived at a user's confirmed number.
    ///
    /// # Errors
    /// When the store does not answer.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::expect_used, reason = "a code that did not arrive fails the test at once")]
    pub async fn sms_code_of(&self, user: &User) -> Result<Code, Error> {
        let user = self.security.users().get(user.id).await?;
        let phone = user.phone.expect("the user has a confirmed number");
        Ok(self.handset.last_code(phone.as_str()).expect("a code arrived"))
    }

    /// Switches two-factor authentication by e-mail on for the user of a session; gives the session that goes on.
    ///
    /// # Errors
    /// As [`TwoFactor`](crate::two_factor::TwoFactor).
    ///
    /// # Panics
    /// When no code arrived.
    pub async fn switch_on(&self, session: SessionId, user: &User) -> Result<CurrentSession, Error> {
        let code = self.security.two_factor().ask(session, None).await?;
        self.run_worker().await?;
        let entered = self.code_of(user).await?;
        Ok(self.security.two_factor().enable(session, code.id, &entered, &source()).await?.session)
    }

    /// Returns when every hash asked for so far is computed: each thread of the pool was asked once more and answered.
    pub fn let_hashes_finish(&self) {
        let password = Password::parse(PASSWORD.to_owned(), "password");
        for _ in 0..2 {
            let Ok(password) = &password else { return };
            let mut check = core::pin::pin!(self.hasher.verify(password, None));
            while check.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                std::thread::yield_now();
            }
        }
    }

    /// Sends everything that is due.
    ///
    /// # Errors
    /// As [`Worker::pass`](crate::Worker::pass).
    pub async fn run_worker(&self) -> Result<Pass, Error> {
        self.security.worker().pass().await
    }
}

impl AccountBuilder<&World> {
    /// Makes the account.
    ///
    /// # Errors
    /// As [`Accounts::create`](crate::account::Accounts::create).
    pub async fn create(self) -> Result<Account, Error> {
        let security = &self.world.security;
        self.make(security).await
    }
}

impl UserBuilder<&World> {
    /// Makes the user.
    ///
    /// # Errors
    /// As [`Users::create`](crate::user::Users::create).
    pub async fn create(self) -> Result<Person, Error> {
        let security = &self.world.security;
        self.make(security).await
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
