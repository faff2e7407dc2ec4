//! What a hostile reader of the source tried, each of it once possible.

#![expect(clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use portcullis::decision::Reason;
use portcullis::error::PortError;
use portcullis::id::UserId;
use portcullis::keyring::Keyring;
use portcullis::memory::MemoryStore;
use portcullis::password::argon2::HashPool;
use portcullis::port::ambient::Random;
use portcullis::port::store::Page;
use portcullis::rights::{Action, Actor};
use portcullis::secret::Password;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::{WorldOptions, attempt};
use portcullis::user::{Flags, Login};
use portcullis::{Error, Portcullis};

fn reason<T: Debug>(result: Result<T, Error>) -> Reason {
    match result {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("a refusal was expected, got {other:?}"),
    }
}

/// Counts how often randomness is asked for.
#[derive(Clone)]
struct Counting(Arc<(SeededRandom, AtomicU32)>);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        self.0.1.fetch_add(1, Ordering::Relaxed);
        self.0.0.fill(buffer)
    }
}

#[tokio::test]
async fn a_wrong_password_costs_the_same_work_whether_or_not_the_user_exists_and_has_a_second_factor() {
    let store = Arc::new(MemoryStore::new());
    let world = World::on(store.clone());
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = world.sign_in(&alice).await.unwrap();
    world.switch_on(session.id, &alice).await.unwrap();
    let random = Counting(Arc::new((SeededRandom::new(2), AtomicU32::new(0))));
    let security = Portcullis::builder_on(store)
        .keyring(Keyring::generate(&SeededRandom::new(0), world.now()).unwrap())
        .mail(Mailbox::new())
        .hasher(Arc::new(HashPool::with_cheap_cost_for_tests().unwrap()))
        .clock(world.clock.clone())
        .random(Arc::new(random.clone()))
        .public_url("https://fleet.example.com")
        .build()
        .unwrap();
    let mut draws = Vec::new();
    for login in ["nobody", "alice"] {
        let before = random.0.1.load(Ordering::Relaxed);
        let (login, wrong) = (Login::parse(login), Password::parse("wrong".to_owned(), "password"));
        let result = security.sign_in().start(&login.unwrap(), &wrong.unwrap(), &attempt()).await;
        assert_eq!(reason(result), Reason::BadCredentials);
        draws.push(random.0.1.load(Ordering::Relaxed) - before);
    }
    assert_eq!(draws[0], draws[1]);
}

#[tokio::test]
async fn a_store_that_fails_in_the_middle_of_a_pass_leaves_no_claimed_mail_behind() {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let world = World::with(WorldOptions { store: store.clone(), ..WorldOptions::default() });
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = world.sign_in(&alice).await.unwrap();
    world.security.two_factor().ask(session.id, None).await.unwrap();
    store.reset();
    store.fail(Method::Claim, 2, Failure::Port);
    assert!(matches!(world.run_worker().await, Err(Error::Unavailable(_))), "the host is told");
    assert!(world.mailbox.last_code("alice@example.com").is_some(), "what was claimed is sent");
    assert_eq!(world.run_worker().await.unwrap().sent, 0, "once");
}

#[tokio::test]
async fn a_session_seen_dead_by_a_look_stays_dead_when_the_clock_steps_back() {
    let world = World::new();
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", None).await.unwrap();
    let idle = world.security.policy().session_idle;
    for look in 0..3 {
        let session = world.sign_in(&alice).await.unwrap().id;
        world.advance(idle);
        let seen = match look {
            0 => reason(world.security.settings(session).await),
            1 => reason(world.security.sessions().list(session).await),
            _ => reason(world.security.rights().verdict(session, &Action::SeeUser, alice.id).await),
        };
        assert_eq!(seen, Reason::SignedOut);
        world.advance(-idle);
        assert_eq!(reason(world.security.sessions().current(session).await), Reason::SignedOut, "{look}");
    }
}

#[tokio::test]
async fn who_asks_for_a_stranger_leaves_the_same_trace_as_who_asks_for_nobody() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours").await.unwrap(), world.account("theirs").await.unwrap());
    let alice = world.user(&ours, "alice", None).await.unwrap();
    let mallory = world.user(&theirs, "mallory", None).await.unwrap();
    let session = world.sign_in(&mallory).await.unwrap().id;
    let nobody = UserId::from_uuid(portcullis::id::uuid_v7(world.now(), [9; 10]));
    for target in [alice.id, nobody] {
        let rights = world.security.rights();
        let refused = rights.set_flags(Actor::Session(session), target, Flags::default()).await;
        assert_eq!(reason(refused), Reason::NotFound);
        let trail = world.security.audit(target, Page { after: None, limit: 100 }).await.unwrap();
        let told = |event: &portcullis::audit::AuditEvent| {
            event.action == "change_refused" && event.actor == Some(mallory.id.uuid())
        };
        assert_eq!(trail.iter().filter(|event| told(event)).count(), 1, "{target}");
    }
}
