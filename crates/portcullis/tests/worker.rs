//! The worker: woken by a commit, watched by `health`, and never kept from what somebody waits for by what nobody
//! waits for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::Error;
use portcullis::account::{Account, DaysChange, NewAccount};
use portcullis::audit::AuditEvent;
use portcullis::contact::{Email, SourceAddress};
use portcullis::decision::Reason;
use portcullis::error::PortError;
use portcullis::id::CommitId;
use portcullis::memory::MemoryStore;
use portcullis::message::MessageKind;
use portcullis::policy::Policy;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::{
    Commit, CommitError, Counts, Expect, Key, Kind, Lane, Page, Purge, Put, Read, Record, Snapshot, Start,
    Store, TrailPage, Waiting,
};
use portcullis::recovery::Identifier;
use portcullis::rights::Actor;
use portcullis::sign_in::Attempt;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::races;
use portcullis::testing::world::{WorldOptions, attempt};
use portcullis::user::{Login, NewUser, User};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

/// Long enough that only a hang gets there.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sender that says when a mail arrives, and lets bulk ones wait for a permit.
#[derive(Clone)]
struct Gate {
    arrived: Arc<Notify>,
    permits: Arc<Semaphore>,
    under_way: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    interactive: Arc<AtomicUsize>,
}

impl Gate {
    fn new(permits: usize) -> Self {
        Self {
            arrived: Arc::new(Notify::new()),
            permits: Arc::new(Semaphore::new(permits)),
            under_way: Arc::default(),
            most: Arc::default(),
            interactive: Arc::default(),
        }
    }
}

#[async_trait]
impl MailSender for Gate {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        self.arrived.notify_one();
        if mail.to.as_str().starts_with("bulk") {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.permits.acquire().await.unwrap().forget();
            self.under_way.fetch_sub(1, Ordering::SeqCst);
        } else {
            self.interactive.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Receipt::new(None))
    }
}

fn world(gate: &Gate, policy: Policy) -> World {
    let options = WorldOptions { policy, ..WorldOptions::default() };
    World::with_sender(options, gate.clone(), Mailbox::new())
}

async fn user(w: &World, account: &Account, login: &str) -> User {
    w.user(account, login, Some(&format!("{login}@example.com"))).await.unwrap()
}

/// Leaves a code to be mailed to a user.
async fn leave_a_code(w: &World, user: &User) {
    let session = w.sign_in(user).await.unwrap();
    w.security.two_factor().ask(session.id, None).await.unwrap();
}

#[tokio::test]
async fn a_commit_with_a_message_wakes_the_worker_at_once() {
    let gate = Gate::new(0);
    let mut policy = Policy::default();
    (policy.worker_every, policy.worker_silence) = (TimeDelta::days(1), TimeDelta::days(2));
    let w = world(&gate, policy);
    let account = w.account("demo").await.unwrap();
    let alice = user(&w, &account, "alice").await;
    let worker = w.security.worker().spawn();
    // The worker sleeps for a day, unless it is woken.
    for nth in 1..=3 {
        leave_a_code(&w, &alice).await;
        tokio::time::timeout(PATIENCE, gate.arrived.notified()).await.unwrap();
        assert_eq!(gate.interactive.load(Ordering::SeqCst), nth);
    }
    let identifier = Identifier::parse("alice").unwrap();
    w.security.recovery().request(&identifier, &attempt()).await.unwrap();
    tokio::time::timeout(PATIENCE, gate.arrived.notified()).await.unwrap();
    worker.abort();
}

#[tokio::test]
async fn health_says_when_nobody_sends() {
    let w = World::new();
    assert!(w.security.health().no_worker && w.security.health().last_pass.is_none());
    w.run_worker().await.unwrap();
    assert_eq!(w.security.health().last_pass, Some(w.now()));
    assert!(!w.security.health().no_worker);
    w.advance(TimeDelta::minutes(2) - TimeDelta::microseconds(1));
    assert!(!w.security.health().no_worker);
    w.advance(TimeDelta::microseconds(1));
    assert!(w.security.health().no_worker);
}

/// Turns every waiting message of a user into a bulk one, as a room that writes such would.
async fn make_bulk(w: &World, user: &User) {
    let kind = Kind::of("message");
    let key = Key::lookup(kind, "user", user.id.to_string());
    for mut record in w.store.list(&key, Page { after: None, limit: 100 }).await.unwrap() {
        record.body = record.body.replace("\"bulk\":false", "\"bulk\":true");
        record.due = Some((Lane::Bulk, w.now()));
        let event = AuditEvent {
            id: Uuid::from_u128(record.id.as_u128() ^ 1),
            at: w.now(),
            tenant: record.tenant,
            subject: user.id.uuid(),
            actor: None,
            action: "made_bulk".into(),
            reason: Some(MessageKind::TwoFactorCode.name().into()),
            source: None,
            about: None,
        };
        let commit = Commit {
            id: CommitId::from_uuid(event.id),
            now: w.now(),
            puts: vec![Put { expect: Expect::Version(record.version), record }],
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: vec![event],
        };
        w.store.commit(&commit).await.unwrap();
    }
}

#[tokio::test]
async fn bulk_takes_half_the_senders_and_keeps_no_code_waiting() {
    let gate = Gate::new(0);
    let mut policy = Policy::default();
    policy.senders = 4;
    let w = world(&gate, policy);
    let account = w.account("demo").await.unwrap();
    for nth in 0..6 {
        let reader = user(&w, &account, &format!("bulk{nth}")).await;
        leave_a_code(&w, &reader).await;
        make_bulk(&w, &reader).await;
    }
    let alice = user(&w, &account, "alice").await;
    let worker = w.security.worker().spawn();
    while gate.under_way.load(Ordering::SeqCst) < 2 {
        tokio::time::timeout(PATIENCE, gate.arrived.notified()).await.unwrap();
    }
    // Two of four senders hang on bulk mail; a code goes out all the same.
    leave_a_code(&w, &alice).await;
    while gate.interactive.load(Ordering::SeqCst) < 1 {
        tokio::time::timeout(PATIENCE, gate.arrived.notified()).await.unwrap();
    }
    assert_eq!(gate.most.load(Ordering::SeqCst), 2);
    worker.abort();
}

#[tokio::test]
async fn what_is_dead_goes_while_a_slow_server_keeps_the_pass_waiting() {
    let gate = Gate::new(0);
    let policy = Policy::default();
    let w = world(&gate, policy.clone());
    let account = w.account("demo").await.unwrap();
    let reader = user(&w, &account, "bulk").await;
    let dead = w.sign_in(&reader).await.unwrap();
    w.advance(policy.session_longest + TimeDelta::seconds(1));
    leave_a_code(&w, &reader).await;
    make_bulk(&w, &reader).await;
    let worker = w.security.worker().spawn();
    tokio::time::timeout(PATIENCE, gate.arrived.notified()).await.unwrap();
    let read = Read { starts: vec![Start::Id(dead.id.uuid())], ..Read::default() };
    let gone = async {
        while w.store.read(&read).await.unwrap().found != [None] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(gate.under_way.load(Ordering::SeqCst), 1, "the mail still hangs");
    worker.abort();
}

/// A sender with a fault of its set-up, until it is mended. It counts what it is asked to send.
#[derive(Clone, Default)]
struct Unlicensed {
    asked: Arc<AtomicUsize>,
    at_once: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    mended: Arc<AtomicBool>,
    mailbox: Mailbox,
}

#[async_trait]
impl MailSender for Unlicensed {
    async fn send(&self, mail: &Mail) -> Result<Receipt, SendError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if self.mended.load(Ordering::SeqCst) {
            return self.mailbox.send(mail).await;
        }
        Err(SendError::Misconfigured { detail: "the server refused the credentials" })
    }
}

impl Unlicensed {
    /// How often it was asked since the last time.
    fn asked(&self) -> (usize, usize) {
        (self.asked.swap(0, Ordering::SeqCst), self.most.swap(0, Ordering::SeqCst))
    }
}

/// Leaves an invitation to be mailed to each of so many users.
async fn leave_invitations(w: &World, account: &Account, number: usize) {
    for nth in 0..number {
        let mut new = NewUser::new(Login::parse(&format!("user{nth}")).unwrap(), account.id);
        new.invited_email = Some(Email::parse(&format!("user{nth}@example.com")).unwrap());
        w.security.users().create(new).await.unwrap();
    }
}

#[tokio::test]
async fn a_fault_of_the_set_up_burns_no_backlog_of_a_thousand() {
    const WAITING: usize = 1000;
    let sender = Unlicensed::default();
    let options = WorldOptions::default();
    let w = World::without_sms(options, sender.clone(), sender.mailbox.clone());
    let policy = w.security.policy().clone();
    let account = w.account("demo").await.unwrap();
    leave_invitations(&w, &account, WAITING).await;
    let senders = usize::try_from(policy.senders).unwrap();

    let pass = w.run_worker().await.unwrap();
    let (asked, most) = sender.asked();
    assert!(asked <= senders && most <= senders, "those that were under way: {asked}");
    assert_eq!(usize::try_from(pass.postponed).unwrap(), asked);
    let mut wait = policy.send_retry_first;
    assert_eq!(w.security.health().mail_stopped_until, Some(w.now() + wait));
    let backlog = w.security.backlog().await.unwrap();
    assert_eq!(backlog.interactive.count, u32::try_from(WAITING - asked).unwrap());

    for _ in 0..4 {
        w.advance(wait - TimeDelta::microseconds(1));
        w.run_worker().await.unwrap();
        assert_eq!(sender.asked(), (0, 0), "nothing is claimed while the halt lasts");
        w.advance(TimeDelta::microseconds(1));
        w.run_worker().await.unwrap();
        assert_eq!(sender.asked(), (1, 1), "then one message tries");
        wait = wait * 2;
        assert_eq!(w.security.health().mail_stopped_until, Some(w.now() + wait));
    }

    sender.mended.store(true, Ordering::SeqCst);
    w.advance(policy.fault_retry_longest);
    let pass = w.run_worker().await.unwrap();
    assert_eq!((usize::try_from(pass.sent).unwrap(), pass.postponed), (WAITING, 0));
    let (asked, most) = sender.asked();
    assert_eq!((asked, most <= senders && most > 1), (WAITING, true), "after the one that got through, all");
    assert_eq!(w.security.health().mail_stopped_until, None);
    assert_eq!(sender.mailbox.mails().len(), WAITING);
}

#[tokio::test]
async fn bulk_leaves_at_its_rate_and_keeps_no_code_waiting() {
    let mailbox = Mailbox::new();
    let mut policy = Policy::default();
    policy.bulk_per_minute = 60;
    let options = WorldOptions { policy, ..WorldOptions::default() };
    let w = World::with_sender(options, mailbox.clone(), mailbox.clone());
    let account = w.account("demo").await.unwrap();
    for nth in 0..12 {
        let reader = user(&w, &account, &format!("bulk{nth}")).await;
        leave_a_code(&w, &reader).await;
        make_bulk(&w, &reader).await;
    }
    let sent = async || w.run_worker().await.unwrap().sent;
    assert_eq!(sent().await, 5, "what a worker that sleeps for five seconds would miss");
    assert_eq!(sent().await, 0);
    let alice = user(&w, &account, "alice").await;
    leave_a_code(&w, &alice).await;
    assert_eq!(sent().await, 1, "a code waits for no rate");
    w.advance(TimeDelta::seconds(1) - TimeDelta::microseconds(1));
    assert_eq!(sent().await, 0);
    w.advance(TimeDelta::microseconds(1));
    assert_eq!(sent().await, 1);
    w.advance(TimeDelta::seconds(3));
    assert_eq!(sent().await, 3);
    let backlog = w.security.backlog().await.unwrap();
    assert_eq!((backlog.interactive.count, backlog.bulk.count), (0, 3));
    w.advance(TimeDelta::minutes(1));
    assert_eq!((sent().await, sent().await), (3, 0));
    assert_eq!(mailbox.mails().len(), 13);
}

/// A switch of the second factor leaves a notice without a code.
async fn leave_a_notice(w: &World, user: &User) {
    let session = w.sign_in(user).await.unwrap();
    w.switch_on(session.id, user).await.unwrap();
}

const PAGE: Page = Page { after: None, limit: 10 };

#[tokio::test]
async fn a_notice_that_was_given_up_is_listed_and_sent_again_and_a_code_is_gone() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let (alice, bob) = (user(&w, &account, "alice").await, user(&w, &account, "bob").await);
    leave_a_notice(&w, &alice).await;
    leave_a_code(&w, &bob).await;
    w.advance(TimeDelta::milliseconds(1));
    w.mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
    assert_eq!(w.run_worker().await.unwrap().given_up, 2);
    let dead = w.security.dead_messages(PAGE).await.unwrap();
    assert_eq!(dead.iter().map(|message| message.user).collect::<Vec<_>>(), [alice.id]);
    assert_eq!(w.security.backlog().await.unwrap().dead, 1);
    assert_eq!(w.run_worker().await.unwrap().sent, 0, "nobody sends it by himself");

    // The trail is in the order of its moments.
    let tick = || w.advance(TimeDelta::milliseconds(1));
    tick();
    // It stays readable through a rotation of the keys.
    let mut keys = w.security.keyring();
    let old = keys.current().to_owned();
    keys.rotate(&SeededRandom::new(3), w.now()).unwrap();
    w.security.replace_keyring(keys.clone());
    assert_eq!(w.security.reseal(&old, PAGE).await.unwrap().sealed, 1);
    keys.retire(&old).unwrap();
    w.security.replace_keyring(keys);

    let before = w.mailbox.mails().len();
    w.mailbox.fail_with(None);
    tick();
    let resent = w.security.resend_message(dead[0].id).await.unwrap();
    assert_eq!((resent.tries, resent.to.as_str()), (0, "a•••@example.com"));
    tick();
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    assert_eq!(
        w.mailbox.mails()[before..].iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        ["alice@example.com"]
    );
    let again = w.security.resend_message(dead[0].id).await;
    assert!(matches!(again, Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotFound));
    let trail = w.security.audit(alice.id, TrailPage::newest(None, 4)).await.unwrap();
    let told: Vec<_> = trail.iter().rev().map(|event| event.action.as_ref()).collect();
    assert_eq!(told, ["message_given_up", "message_resealed", "message_resent", "message_sent"]);
}

#[tokio::test]
async fn a_notice_that_nobody_sends_again_is_purged_with_its_address() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = user(&w, &account, "alice").await;
    leave_a_notice(&w, &alice).await;
    w.mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
    w.run_worker().await.unwrap();
    let id = w.security.dead_messages(PAGE).await.unwrap()[0].id;
    w.advance(w.security.policy().message_kept);
    w.run_worker().await.unwrap();
    w.advance(w.security.policy().purge_every);
    w.run_worker().await.unwrap();
    assert!(w.security.dead_messages(PAGE).await.unwrap().is_empty());
    assert!(w.security.resend_message(id).await.is_err());
}

#[tokio::test]
async fn a_notice_sent_again_goes_to_no_address_its_user_gave_up() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = user(&w, &account, "alice").await;
    leave_a_notice(&w, &alice).await;
    w.mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
    w.run_worker().await.unwrap();
    let id = w.security.dead_messages(PAGE).await.unwrap()[0].id;
    w.mailbox.fail_with(None);
    w.security.manage(Actor::Program).remove_two_factor(alice.id).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    w.security.email().clear(session.id).await.unwrap();
    w.run_worker().await.unwrap();
    w.advance(w.security.policy().email_undo_life);
    w.run_worker().await.unwrap();
    w.security.resend_message(id).await.unwrap();
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.suppressed), (0, 1));
}

#[tokio::test]
async fn what_was_given_up_is_counted_no_further_than_the_policy_says() {
    let mut policy = Policy::default();
    policy.dead_counted = 2;
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let account = w.account("demo").await.unwrap();
    for (login, counted) in [("alice", 1), ("bob", 2), ("carol", 2)] {
        let reader = user(&w, &account, login).await;
        w.mailbox.fail_with(None);
        leave_a_notice(&w, &reader).await;
        w.mailbox.fail_with(Some(SendError::Permanent { detail: "no such mailbox" }));
        assert_eq!(w.run_worker().await.unwrap().given_up, 1);
        assert_eq!(w.security.backlog().await.unwrap().dead, counted, "{login}");
    }
    assert_eq!(w.security.dead_messages(PAGE).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_backlog_is_counted_by_lane_and_no_further_than_the_policy_says() {
    let mut policy = Policy::default();
    policy.backlog_counted = 3;
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let account = w.account("demo").await.unwrap();
    let begun = w.now();
    leave_invitations(&w, &account, 1).await;
    let identifier = Identifier::parse("user0").unwrap();
    w.security.recovery().request(&identifier, &attempt()).await.unwrap();
    let backlog = w.security.backlog().await.unwrap();
    assert_eq!((backlog.interactive.count, backlog.interactive.oldest), (2, Some(begun)));
    assert_eq!((backlog.bulk, backlog.timed, backlog.dead), (Waiting::default(), Waiting::default(), 0));
    let near = NewAccount::named("near").with_days(DaysChange::default().left(3).counting(true));
    w.security.accounts().create(near).await.unwrap();
    let reader = user(&w, &account, "bulk").await;
    w.advance(TimeDelta::seconds(7));
    leave_a_code(&w, &reader).await;
    make_bulk(&w, &reader).await;
    for nth in 0..4 {
        let other = user(&w, &account, &format!("other{nth}")).await;
        leave_a_code(&w, &other).await;
    }
    let backlog = w.security.backlog().await.unwrap();
    assert_eq!(
        (backlog.interactive.count, backlog.interactive.oldest),
        (3, Some(begun)),
        "six, and no further"
    );
    assert_eq!((backlog.bulk.count, backlog.bulk.oldest), (1, Some(w.now())));
    assert_eq!((backlog.timed.count, backlog.timed.oldest), (1, Some(begun)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_not_kept_waiting_by_a_hundred_thousand_notices() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    races::a_code_goes_before_waiting_notices(&store, 1, 100_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_is_not_kept_waiting_by_looks_at_a_hundred_thousand_accounts() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    races::a_recovery_goes_before_waiting_looks(&store, 1, 100_000).await;
}

#[tokio::test]
async fn requests_for_recovery_neither_end_a_halt_nor_hold_up_the_message_that_tries() {
    const REQUESTS: u32 = 10;
    let sender = Unlicensed::default();
    let w = World::without_sms(WorldOptions::default(), sender.clone(), sender.mailbox.clone());
    let policy = w.security.policy().clone();
    let account = w.account("demo").await.unwrap();
    for nth in 0..REQUESTS {
        let identifier = Identifier::parse(&format!("nobody{nth}")).unwrap();
        w.security.recovery().request(&identifier, &attempt()).await.unwrap();
    }
    leave_invitations(&w, &account, 1).await;
    let seen_to = w.run_worker().await.unwrap().timed;
    assert_eq!(sender.asked(), (1, 1));
    let until = w.security.health().mail_stopped_until;
    assert_eq!(until, Some(w.now() + policy.send_retry_first));

    w.advance(TimeDelta::seconds(1));
    for nth in 0..REQUESTS {
        let identifier = Identifier::parse(&format!("nobody{}", nth + REQUESTS)).unwrap();
        let source = SourceAddress::from(std::net::IpAddr::from([192, 0, 2, u8::try_from(nth).unwrap()]));
        w.security.recovery().request(&identifier, &Attempt::from(source)).await.unwrap();
    }
    assert_eq!(w.run_worker().await.unwrap().timed, 0, "nothing could be mailed for them");
    assert_eq!(w.security.health().mail_stopped_until, until);
    w.advance(policy.send_retry_first);
    let pass = w.run_worker().await.unwrap();
    assert_eq!(pass.timed + seen_to, REQUESTS * 2, "every request is seen to");
    assert_eq!(sender.asked(), (1, 1), "and a message tries");
    assert_eq!(w.security.health().mail_stopped_until, Some(w.now() + policy.send_retry_first * 2));
    sender.mended.store(true, Ordering::SeqCst);
    w.advance(policy.fault_retry_longest);
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
}

/// A store with one connection, which a call holds while it waits for the server.
struct OneConnection {
    inner: MemoryStore,
    connection: Semaphore,
}

macro_rules! connected {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        let _connection = $self.connection.acquire().await.unwrap();
        tokio::task::yield_now().await;
        $self.inner.$call($($argument),*).await
    }};
}

#[async_trait]
impl Store for OneConnection {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        connected!(self.read(read))
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        connected!(self.list(key, page))
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        connected!(self.claim(lane, now, until, limit))
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        connected!(self.waiting(lane, now, at_most))
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        connected!(self.commit(commit))
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        connected!(self.audit(subject, page))
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        connected!(self.purge(what, before, limit))
    }
}

#[tokio::test]
async fn a_pass_that_waits_for_a_connection_lets_go_of_those_it_holds() {
    let store = OneConnection { inner: MemoryStore::new(), connection: Semaphore::new(1) };
    let w = World::on(Arc::new(store) as Arc<dyn Store>);
    let account = w.account("demo").await.unwrap();
    leave_invitations(&w, &account, 20).await;
    let pass = tokio::time::timeout(PATIENCE, w.run_worker()).await.unwrap().unwrap();
    assert_eq!((pass.sent, pass.failed), (20, 0));
}
