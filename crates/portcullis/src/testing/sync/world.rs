//! The world: an engine over memory with everything around it.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::builder::WorldBuilder;
use super::ledger::Ledger;
use super::post::Post;
use super::seen::{Seen, Trail};
use super::step::{CodeStep, Outcome, SignedIn};
use crate::account::Account;
use crate::audit::AuditEvent;
use crate::contact::{Email, Phone};
use crate::engine::Portcullis;
use crate::engine::record;
use crate::engine::worker::Pass;
use crate::error::Error;
use crate::id::{SessionId, UserId};
use crate::memory::MemoryStore;
use crate::message::{Message, Outcome as Fate};
use crate::policy::Policy;
use crate::port::message::{Mail, Sms};
use crate::port::store::{Key, Page, Store as _, TrailPage};
use crate::secret::{Code, Password};
use crate::session::CurrentSession;
use crate::testing::ambient::TestClock;
use crate::testing::block_on;
use crate::testing::faulty::FaultyStore;
use crate::testing::flaky::FlakySender;
use crate::testing::flespi::FakeFlespi;
use crate::testing::handset::Handset;
use crate::testing::mailbox::Mailbox;
use crate::testing::people::{AccountBuilder, Person, UserBuilder, known};
use crate::testing::usual::{attempt, source, wrong_code};
use crate::user::User;

const ALL: Page = Page { after: None, limit: 1000 };

/// A whole engine in a test's hand, over memory: a clock that is moved, randomness that repeats, a mailbox, a phone and a
/// flespi, and every port ready to fail.
///
/// Its clock stands at 2026-11-18 11:06:40 UTC. Nothing in it waits, so that a test needs no runtime.
///
/// ```
/// use portcullis::testing::block_on;
/// use portcullis::testing::sync::World;
///
/// let w = World::new();
/// let alice = w.user("alice").confirmed_email().create();
/// let session = w.sign_in(&alice).admitted();
/// // The host's own code takes the engine: `block_on(my_handler(w.security(), ..))`.
/// let tab = block_on(w.security().settings(session.id))?;
/// assert_eq!(tab.email.address.as_deref(), Some("alice@example.com"));
/// # Ok::<(), portcullis::Error>(())
/// ```
pub struct World {
    pub(super) security: Portcullis,
    pub(super) ledger: Ledger,
    pub(super) clock: Arc<TestClock>,
    pub(super) flespi: FakeFlespi,
    pub(super) post: Post,
    pub(super) sessions: Mutex<BTreeMap<UserId, SessionId>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world under the default policy.
    ///
    /// # Panics
    /// Never: the defaults make a whole.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A world of which something is to be different.
    ///
    /// ```
    /// use portcullis::policy::Policy;
    /// use portcullis::testing::sync::World;
    /// let w = World::builder().policy(Policy::strict()).seed(7).build();
    /// assert!(!w.policy().email_factor);
    /// ```
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    /// The engine, for the code under test.
    pub const fn security(&self) -> &Portcullis {
        &self.security
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        self.security.policy()
    }

    /// The store, which fails as it is told.
    ///
    /// ```
    /// use portcullis::testing::faulty::{Failure, Method};
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").create();
    /// w.store().fail(Method::Commit, w.store().commits() + 1, Failure::UnknownAfter);
    /// w.sign_in(&alice).admitted(); // the commit whose answer was lost is looked up, not made again
    /// assert_eq!(w.audit(&alice).count("signed_in"), 1);
    /// ```
    pub fn store(&self) -> &FaultyStore<MemoryStore> {
        self.ledger.store()
    }

    /// What carries mail, and fails as it is told; what it took is in `inner()`, a [`Mailbox`].
    pub fn smtp(&self) -> &FlakySender<Mailbox> {
        &self.post.smtp
    }

    /// What carries SMS, and fails as it is told; what it took is in `inner()`, a [`Handset`].
    pub fn gateway(&self) -> &FlakySender<Handset> {
        &self.post.gateway
    }

    /// The flespi.
    pub const fn flespi(&self) -> &FakeFlespi {
        &self.flespi
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.security.now()
    }

    /// Lets time pass; a negative length steps the clock back.
    pub fn advance(&self, by: TimeDelta) -> &Self {
        self.clock.advance(by);
        self
    }

    /// Lets 24 hours pass.
    pub fn next_day(&self) -> &Self {
        self.advance(TimeDelta::days(1))
    }

    /// Sets the clock.
    pub fn set_time(&self, now: DateTime<Utc>) -> &Self {
        self.clock.set(now);
        self
    }

    /// An account in the making.
    pub fn account(&self, name: &str) -> AccountBuilder<&Self> {
        AccountBuilder::new(self, name)
    }

    /// A user in the making.
    ///
    /// # Panics
    /// When the login is none.
    #[track_caller]
    pub fn user(&self, login: &str) -> UserBuilder<&Self> {
        UserBuilder::new(self, login)
    }

    /// The user as he is stored now.
    ///
    /// # Panics
    /// When the store was told to fail.
    #[track_caller]
    pub fn stored(&self, person: &Person) -> User {
        self.run(self.security.users().get(person.id)).done()
    }

    /// Runs an operation of the engine and gives what came of it.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").two_factor_email().create();
    /// let session = w.session(&alice);
    /// let changed = w.run(w.security().two_factor().disable(session.id)).done();
    /// assert_eq!(changed.now.method.name(), "none");
    /// assert_eq!(w.run(w.security().two_factor().disable(session.id)).refused().code(), "signed_out");
    /// ```
    pub fn run<T: fmt::Debug>(&self, operation: impl Future<Output = Result<T, Error>>) -> Outcome<T> {
        Outcome::of(block_on(operation))
    }

    /// Sends everything that is due, and says what that came to.
    ///
    /// # Panics
    /// When the store was told to fail so that the worker could claim nothing.
    #[track_caller]
    pub fn run_worker(&self) -> Pass {
        let pass = self.run(self.security.worker().pass()).done();
        self.post.learn(self.ledger.memory());
        pass
    }

    /// Signs in with the password that the user was made with.
    pub fn sign_in(&self, person: &Person) -> SignedIn<'_> {
        self.signed_in(person, &person.password)
    }

    /// Signs in with another password.
    ///
    /// # Panics
    /// When it is empty or longer than 1024 bytes.
    #[track_caller]
    pub fn sign_in_with(&self, person: &Person, password: &str) -> SignedIn<'_> {
        self.signed_in(person, &known(Password::parse(password.to_owned(), "password"), "the password"))
    }

    fn signed_in(&self, person: &Person, password: &Password) -> SignedIn<'_> {
        let result = block_on(self.security.sign_in().start(&person.login, password, &attempt()));
        SignedIn::new(self, person.id, result)
    }

    /// A fresh session of the user: the one that this world opened for him last while it is one, else a new one, opened
    /// through the code if one is asked.
    ///
    /// # Panics
    /// When he can't sign in.
    #[track_caller]
    pub fn session(&self, person: &Person) -> CurrentSession {
        let last = self.sessions().get(&person.id).copied();
        let live = last.and_then(|id| block_on(self.security.sessions().current(id)).ok());
        match live.filter(|session| session.fresh_until > self.now()) {
            Some(session) => session,
            None => self.sign_in(person).to_the_end(),
        }
    }

    /// Asks, in a fresh session of his, for the code that switches two-factor authentication by SMS on.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").create();
    /// let step = w.enable_sms(&alice, "+37120000045").done();
    /// step.enter(w.last_code(&alice)).admitted();
    /// assert_eq!(w.stored(&alice).two_factor.name(), "sms");
    /// ```
    ///
    /// # Panics
    /// When he can't sign in, or the number is none.
    #[track_caller]
    pub fn enable_sms(&self, person: &Person, number: &str) -> Outcome<CodeStep<'_>> {
        let (session, phone) = (self.session(person), known(Phone::parse(number), number));
        let asked = block_on(self.security.two_factor().ask_sms(session.id, Some(&phone), &source()));
        Outcome::of(asked.map(|code| CodeStep::two_factor(self, &session, code)))
    }

    /// Asks, in a fresh session of his, for the code that switches two-factor authentication by e-mail on.
    ///
    /// # Panics
    /// When he can't sign in.
    #[track_caller]
    pub fn enable_email_factor(&self, person: &Person) -> Outcome<CodeStep<'_>> {
        let session = self.session(person);
        let asked = block_on(self.security.two_factor().ask(session.id, None));
        Outcome::of(asked.map(|code| CodeStep::two_factor(self, &session, code)))
    }

    /// Asks, in a fresh session of his, for the code that confirms another address.
    ///
    /// ```
    /// use portcullis::testing::sync::World;
    /// let w = World::new();
    /// let alice = w.user("alice").confirmed_email().create();
    /// w.set_email(&alice, "new@example.com").done().enter(w.last_code(&alice)).admitted();
    /// w.run_worker();
    /// assert_eq!(w.mail(&alice).count("email_undo"), 1, "the old address can take it back");
    /// ```
    ///
    /// # Panics
    /// When he can't sign in, or the address is none.
    #[track_caller]
    pub fn set_email(&self, person: &Person, address: &str) -> Outcome<CodeStep<'_>> {
        let (session, address) = (self.session(person), known(Email::parse(address), address));
        let asked = block_on(self.security.email().set(session.id, &address));
        Outcome::of(asked.map(|code| CodeStep::email(self, &session, code)))
    }

    /// The code in the newest mail or SMS to the user that carries one, once the worker has sent what is due.
    ///
    /// # Panics
    /// When none arrived.
    #[track_caller]
    pub fn last_code(&self, person: &Person) -> Code {
        self.code_of(person.id)
    }

    /// A code that is not [`last_code`](Self::last_code).
    ///
    /// # Panics
    /// When none arrived that it could differ from.
    #[track_caller]
    pub fn wrong_code(&self, person: &Person) -> Code {
        wrong_code(&self.last_code(person))
    }

    /// The mails that arrived for the user, at whatever address.
    pub fn mail(&self, person: &Person) -> Seen<Mail> {
        self.post.learn(self.ledger.memory());
        Seen::new(person.login.to_string(), self.post.mails(person.id))
    }

    /// The SMS that arrived for the user, at whatever number.
    pub fn sms(&self, person: &Person) -> Seen<Sms> {
        self.post.learn(self.ledger.memory());
        Seen::new(person.login.to_string(), self.post.sms(person.id))
    }

    /// What is kept for the user and still to be sent, oldest first.
    ///
    /// # Panics
    /// When a message can't be read.
    #[track_caller]
    pub fn waiting(&self, person: &Person) -> Vec<&'static str> {
        self.waiting_for(person.id)
    }

    /// The audit trail of the user, in the order in which it was written.
    ///
    /// # Panics
    /// Never: memory answers.
    #[track_caller]
    pub fn audit(&self, person: &Person) -> Trail {
        let mut events = Vec::new();
        loop {
            let beyond = events.last().map(|event: &AuditEvent| event.id);
            let page = TrailPage { beyond, ..ALL.into() };
            let more = known(block_on(self.ledger.memory().audit(person.id.uuid(), page)), "the trail");
            if more.is_empty() {
                self.ledger.sort(&mut events);
                return Trail::new(person.login.to_string(), events);
            }
            events.extend(more);
        }
    }

    /// As [`last_code`](Self::last_code).
    #[track_caller]
    #[expect(clippy::panic, reason = "a code that did not arrive fails the test, with what did")]
    pub(super) fn code_of(&self, user: UserId) -> Code {
        self.run_worker();
        if let Some(code) = self.post.last_code(user) {
            return code;
        }
        let mails = self.post.mails(user).into_iter().map(|mail| mail.kind.name());
        let arrived: Vec<_> =
            mails.chain(self.post.sms(user).into_iter().map(|sms| sms.kind.name())).collect();
        let list = |names: &[&str]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let (arrived, waiting) = (list(&arrived), list(&self.waiting_for(user)));
        panic!("no code arrived: there arrived {arrived}, and there waits {waiting}")
    }

    #[track_caller]
    fn waiting_for(&self, user: UserId) -> Vec<&'static str> {
        let key = Key::lookup(Message::KIND, "user", user.to_string());
        let records = known(block_on(self.ledger.memory().list(&key, ALL)), "the messages");
        let messages =
            records.iter().map(|record| known(record::parse::<Message>(record), "a message").value);
        let mut waiting: Vec<_> = messages.filter(|message| message.outcome == Fate::Waiting).collect();
        waiting.sort_by_key(|message| message.created_at);
        waiting.iter().map(|message| message.kind.name()).collect()
    }

    /// Keeps a session as its user's newest.
    pub(super) fn remember(&self, session: CurrentSession) -> CurrentSession {
        self.sessions().insert(session.user, session.id);
        session
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<UserId, SessionId>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AccountBuilder<&World> {
    /// Makes the account.
    ///
    /// # Panics
    /// When there can be no such account.
    #[track_caller]
    pub fn create(self) -> Account {
        let world = self.world;
        world.run(self.make(world.security())).done()
    }
}

impl UserBuilder<&World> {
    /// Makes the user.
    ///
    /// # Panics
    /// When there can be no such user, as with a login that another one has.
    #[track_caller]
    pub fn create(self) -> Person {
        let world = self.world;
        world.run(self.make(world.security())).done()
    }
}
