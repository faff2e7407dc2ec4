//! The purge: what is long dead goes, a bounded number at a time, and nothing that lives.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::memory::MemoryStore;
use portcullis::policy::Policy;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use portcullis::secret::Password;
use portcullis::testing::ambient::TestClock;
use portcullis::testing::world::{WorldOptions, attempt};
use portcullis::testing::{Contents, Dump as _, World};
use portcullis::user::{Login, User};
use uuid::Uuid;

/// A store whose first claims fail, and whose first purges fail after a while.
#[derive(Debug)]
struct Slow {
    store: MemoryStore,
    clock: OnceLock<Arc<TestClock>>,
    claims: AtomicU32,
    purges: AtomicU32,
}

/// Takes one of what is left; `false` when nothing is.
fn takes(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Store for Slow {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.store.read(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.store.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        if takes(&self.claims) {
            return Err(PortError::new("store", "no connection is free"));
        }
        self.store.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.store.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.store.commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.store.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        if takes(&self.purges) {
            self.clock.get().unwrap().advance(TimeDelta::seconds(6));
            return Err(PortError::new("store", "the statement took too long"));
        }
        self.store.purge(what, before, limit).await
    }
}

struct Scene {
    memory: Arc<MemoryStore>,
    world: World,
    alice: User,
}

fn on(memory: &Arc<MemoryStore>, seed: u64, policy: Policy) -> World {
    let store = Arc::clone(memory) as Arc<dyn Store>;
    World::with(WorldOptions { store, seed, policy, ..WorldOptions::default() })
}

async fn scene(policy: Policy) -> Scene {
    let memory = Arc::new(MemoryStore::new());
    let world = on(&memory, 1, policy);
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    Scene { memory, world, alice }
}

impl Scene {
    async fn contents(&self) -> Contents {
        self.memory.contents().await.unwrap()
    }

    async fn count(&self, kind: &str) -> usize {
        self.contents().await.records.iter().filter(|record| record.kind.as_str() == kind).count()
    }
}

/// A wrong password at a login.
async fn fail(world: &World, login: &str) {
    let password = Password::parse("not this one".to_owned(), "password").unwrap();
    let login = Login::parse(login).unwrap();
    assert!(world.security.sign_in().start(&login, &password, &attempt()).await.is_err());
}

async fn purged(world: &World) -> u32 {
    world.run_worker().await.unwrap().purged
}

#[tokio::test]
async fn a_purge_is_bounded_and_goes_on_at_the_next_pass() {
    let mut policy = Policy::default();
    policy.purge_batch = 10;
    let s = scene(policy.clone()).await;
    purged(&s.world).await;
    for _ in 0..35 {
        s.world.sign_in(&s.alice).await.unwrap();
    }
    s.world.advance(policy.session_longest + TimeDelta::seconds(1));
    let mut passes = Vec::new();
    for _ in 0..5 {
        passes.push(purged(&s.world).await);
    }
    assert_eq!((&*passes, s.count("session").await), (&[10, 10, 10, 5, 0][..], 0));
}

#[tokio::test]
async fn a_purge_waits_for_its_time_and_removes_nothing_that_lives() {
    let policy = Policy::default();
    let s = scene(policy.clone()).await;
    assert_eq!(purged(&s.world).await, 0);
    let session = s.world.sign_in(&s.alice).await.unwrap();
    s.world.advance(policy.session_longest - TimeDelta::minutes(30));
    assert_eq!(purged(&s.world).await, 0, "it is dead, and not due yet");
    s.world.advance(TimeDelta::minutes(30) + TimeDelta::seconds(1));
    assert_eq!(purged(&s.world).await, 0, "it is due, but half an hour ago there was a purge");
    s.world.advance(TimeDelta::minutes(30) - TimeDelta::seconds(1));
    assert_eq!(purged(&s.world).await, 1);
    assert_eq!(s.count("session").await, 0);
    assert!(s.world.security.sessions().current(session.id).await.is_err());
    let next = s.world.sign_in(&s.alice).await.unwrap();
    s.world.advance(TimeDelta::hours(2));
    purged(&s.world).await;
    assert!(s.world.security.sessions().current(next.id).await.is_ok());
}

#[tokio::test]
async fn counters_of_invented_logins_and_old_audit_lines_go() {
    let policy = Policy::default();
    let s = scene(policy.clone()).await;
    for login in ["alice", "nobody1", "nobody2"] {
        fail(&s.world, login).await;
    }
    // That of the top accounts has no window and stays.
    let counters = |contents: Contents| contents.counters.len() - 1;
    assert_eq!(counters(s.contents().await), 4, "three logins and one source");
    s.world.advance(policy.password_failures_kept * 2);
    purged(&s.world).await;
    assert_eq!(counters(s.contents().await), 3, "those of the logins ended a window ago, and not longer");
    s.world.advance(policy.purge_every);
    purged(&s.world).await;
    assert_eq!(counters(s.contents().await), 0);
    s.world.advance(policy.audit_kept);
    fail(&s.world, "nobody3").await;
    purged(&s.world).await;
    assert_eq!(s.contents().await.audit.len(), 1, "only the line of just now");
}

#[tokio::test]
async fn wrong_passwords_in_a_row_are_forgotten_after_a_day_alike_for_who_exists_and_who_does_not() {
    for login in ["alice", "nobody"] {
        let s = scene(Policy::default()).await;
        for _ in 0..9 {
            fail(&s.world, login).await;
        }
        s.world.advance(s.world.security.policy().password_failures_kept);
        for _ in 0..9 {
            fail(&s.world, login).await;
        }
        let waits = s.contents().await.counters.iter().any(|(counter, _)| counter.name == "password_wait");
        assert!(!waits, "{login}: 18 wrong ones, 9 a day");
        s.world.advance(TimeDelta::minutes(1));
        fail(&s.world, login).await;
        let waits = s.contents().await.counters.iter().any(|(counter, _)| counter.name == "password_wait");
        assert!(waits, "{login}: the tenth of a day");
    }
}

#[tokio::test]
async fn a_failed_claim_and_a_slow_purge_end_the_pass_and_the_next_one_sends() {
    let store = Arc::new(Slow {
        store: MemoryStore::new(),
        clock: OnceLock::new(),
        claims: AtomicU32::new(0),
        purges: AtomicU32::new(0),
    });
    let w = World::on(Arc::clone(&store) as Arc<dyn Store>);
    store.clock.set(Arc::clone(&w.clock)).unwrap();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    w.security.two_factor().ask(session.id, None).await.unwrap();
    store.claims.store(1, Ordering::Relaxed);
    store.purges.store(20, Ordering::Relaxed);
    assert!(w.run_worker().await.is_err(), "it says that the store failed");
    assert_eq!(store.purges.load(Ordering::Relaxed), 19, "it began no other purge");
    assert_eq!(w.mailbox.mails().len(), 0);
    assert!(w.run_worker().await.is_err(), "the purge fails again");
    assert_eq!((w.mailbox.mails().len(), store.purges.load(Ordering::Relaxed)), (1, 18));
}

#[tokio::test]
async fn several_workers_purge_once() {
    let policy = Policy::default();
    let s = scene(policy.clone()).await;
    let other = on(&s.memory, 2, policy.clone());
    for _ in 0..5 {
        s.world.sign_in(&s.alice).await.unwrap();
    }
    for world in [&s.world, &other] {
        world.advance(policy.session_longest + TimeDelta::seconds(1));
    }
    let (one, two) = tokio::join!(purged(&s.world), purged(&other));
    assert_eq!((one + two, s.count("session").await), (5, 0));
}

/// B-32: what is kept does not grow with what was done.
#[tokio::test]
async fn two_thousand_rounds_leave_no_more_than_one_thousand() {
    let mut policy = Policy::default();
    policy.session_longest = TimeDelta::days(2);
    policy.audit_kept = TimeDelta::days(7);
    let s = scene(policy).await;
    let session = s.world.sign_in(&s.alice).await.unwrap();
    s.world.switch_on(session.id, &s.alice).await.unwrap();
    let mut sizes = Vec::new();
    for round in 1..=2000 {
        fail(&s.world, &format!("nobody{round}")).await;
        fail(&s.world, "alice").await;
        let live = s.world.sign_in(&s.alice).await.unwrap();
        s.world.advance(TimeDelta::hours(1));
        purged(&s.world).await;
        assert!(s.world.security.sessions().current(live.id).await.is_ok(), "round {round}");
        if round % 1000 == 0 {
            let contents = s.contents().await;
            sizes.push([contents.records.len(), contents.counters.len(), contents.audit.len()]);
        }
    }
    let [early, late] = sizes[..] else { panic!("two sizes") };
    assert!(early.iter().zip(late).all(|(early, late)| late <= early + 2), "{early:?} {late:?}");
}
