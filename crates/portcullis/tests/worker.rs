//! The worker: woken by a commit, watched by `health`, and never kept from what somebody waits for by what nobody
//! waits for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use portcullis::account::Account;
use portcullis::audit::AuditEvent;
use portcullis::id::CommitId;
use portcullis::memory::MemoryStore;
use portcullis::message::MessageKind;
use portcullis::policy::Policy;
use portcullis::port::message::{Mail, MailSender, Receipt, SendError};
use portcullis::port::store::{Commit, Expect, Key, Kind, Lane, Page, Put, Store};
use portcullis::testing::World;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::races;
use portcullis::testing::world::WorldOptions;
use portcullis::user::User;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_not_kept_waiting_by_a_hundred_thousand_notices() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    races::a_code_goes_before_waiting_notices(&store, 1, 100_000).await;
}
