//! Stories of the password: who changes it, what dies with the old one, and what a wrong guess costs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use portcullis::Error;
use portcullis::contact::SourceAddress;
use portcullis::decision::{Reason, Refusal};
use portcullis::error::PortError;
use portcullis::id::SessionId;
use portcullis::keyring::Keyring;
use portcullis::memory::MemoryStore;
use portcullis::password::Weakness;
use portcullis::password::argon2::HashPool;
use portcullis::policy::Policy;
use portcullis::port::compromised::CompromisedPasswords;
use portcullis::port::store::Page;
use portcullis::rights::{Actor, Gate};
use portcullis::secret::Password;
use portcullis::session::CurrentSession;
use portcullis::sign_in::{Attempt, SignInResult};
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::mailbox::Mailbox;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt};
use portcullis::user::{Flag, Flags, Login, NewUser, User};

const NEW: &str = "seven quiet lanterns";

fn typed(text: &str) -> Password {
    Password::parse(text.to_owned(), "password").unwrap()
}

fn refused<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => panic!("refused was expected, got {other:?}"),
        Ok(_) => panic!("refused was expected, got an answer"),
    }
}

/// Another source each time, so that only the user's own limits count.
fn from(nth: u8) -> Attempt {
    Attempt::from(SourceAddress::from(IpAddr::from([198, 51, 100, nth])))
}

async fn change(w: &World, session: SessionId, current: &str, new: &str) -> Result<CurrentSession, Error> {
    w.security.password().change(session, &typed(current), &typed(new), &typed(new), &attempt()).await
}

async fn sign_in(w: &World, login: &Login, text: &str) -> Result<SignInResult, Error> {
    w.security.sign_in().start(login, &typed(text), &from(200)).await
}

async fn alice(w: &World) -> (User, CurrentSession) {
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    (alice, session)
}

#[tokio::test]
async fn the_new_password_counts_and_every_other_session_is_dead() {
    let w = World::new();
    let (alice, session) = alice(&w).await;
    let other = w.sign_in(&alice).await.unwrap();
    w.advance(TimeDelta::hours(1)); // long stale: the current password is asked anyway
    let next = change(&w, session.id, PASSWORD, NEW).await.unwrap();
    for dead in [session.id, other.id] {
        assert_eq!(refused(w.security.sessions().current(dead).await).reason(), Reason::SignedOut);
    }
    assert_eq!(w.security.sessions().current(next.id).await.unwrap().user, alice.id);
    assert_eq!(refused(sign_in(&w, &alice.login, PASSWORD).await).reason(), Reason::BadCredentials);
    assert!(matches!(sign_in(&w, &alice.login, NEW).await.unwrap(), SignInResult::Admitted(_)));
    let seen = w.security.settings(next.id).await.unwrap().password;
    assert_eq!((seen.changed_at, seen.minimum), (Some(w.now()), 15));

    w.run_worker().await.unwrap();
    let mails = w.mailbox.to("alice@example.com");
    let notices: Vec<_> = mails.iter().filter(|mail| mail.subject.contains("password was changed")).collect();
    assert_eq!(notices.len(), 1, "{mails:?}");
    assert!(!format!("{mails:?}").contains(NEW));
    let trail = w.security.audit(alice.id, Page { after: None, limit: 100 }).await.unwrap();
    assert_eq!(trail.iter().filter(|event| event.action == "password_changed").count(), 1);
}

#[tokio::test]
async fn repeated_blindly_it_finds_the_old_session_dead() {
    let w = World::new();
    let (alice, session) = alice(&w).await;
    let next = change(&w, session.id, PASSWORD, NEW).await.unwrap();
    assert_eq!(refused(change(&w, session.id, PASSWORD, NEW).await).reason(), Reason::SignedOut);
    assert!(w.security.sessions().current(next.id).await.is_ok(), "the first one stands");
    assert!(sign_in(&w, &alice.login, NEW).await.is_ok());
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let w = World::new();
    let (alice, session) = alice(&w).await;
    let room = w.security.password();
    let differs = room
        .change(session.id, &typed(PASSWORD), &typed(NEW), &typed("seven quiet lantern"), &attempt())
        .await;
    assert_eq!(refused(differs).reason(), Reason::RepeatDiffers);
    let weak = refused(change(&w, session.id, PASSWORD, "alice").await);
    assert_eq!(
        (weak.reason(), weak.reasons()),
        (Reason::WeakPassword, [Weakness::TooShort, Weakness::Context].as_slice())
    );
    let common = refused(change(&w, session.id, PASSWORD, "1q2w3e4r5t6y7u8i9o0p").await);
    assert_eq!(common.reasons(), [Weakness::TooCommon]);
    assert_eq!(refused(change(&w, session.id, PASSWORD, PASSWORD).await).reason(), Reason::Unchanged);
    assert_eq!(refused(change(&w, session.id, NEW, NEW).await).reason(), Reason::BadCredentials);

    let flags = Flags::all().with(Flag::ChangePassword, false);
    w.security.rights().set_flags(Actor::Program, alice.id, flags).await.unwrap();
    let missing = refused(change(&w, session.id, PASSWORD, NEW).await);
    assert_eq!(
        (missing.reason(), missing.missing()),
        (Reason::NotAllowed, [Gate::ChangePassword].as_slice())
    );
    assert_eq!(
        w.security.settings(session.id).await.unwrap().password.change.missing(),
        [Gate::ChangePassword]
    );

    assert!(w.security.sessions().current(session.id).await.is_ok(), "the session stays");
    assert!(sign_in(&w, &alice.login, PASSWORD).await.is_ok());
    w.run_worker().await.unwrap();
    assert!(w.mailbox.to("alice@example.com").is_empty());
}

#[tokio::test]
async fn ten_wrong_ones_in_five_minutes_stop_the_change_until_they_are_over() {
    let mut policy = Policy::default();
    // Only the limit of the change is to stop anybody.
    policy.password_backoff.after = 1000;
    let w = World::with(WorldOptions { policy, ..WorldOptions::default() });
    let (_, session) = alice(&w).await;
    let guess = async |nth: u8, text: &str| {
        w.security.password().change(session.id, &typed(text), &typed(NEW), &typed(NEW), &from(nth)).await
    };
    for nth in 0..10 {
        assert_eq!(refused(guess(nth, "not this one").await).reason(), Reason::BadCredentials, "{nth}");
    }
    let stopped = refused(guess(11, PASSWORD).await);
    assert_eq!((stopped.reason(), stopped.retry_after()), (Reason::TooManyAttempts, Some(300)));
    w.advance(TimeDelta::minutes(5));
    assert!(guess(12, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn wrong_ones_count_with_those_of_the_sign_in() {
    let w = World::new();
    let (alice, session) = alice(&w).await;
    for nth in 0..5 {
        assert!(w.security.sign_in().start(&alice.login, &typed("not this one"), &from(nth)).await.is_err());
    }
    let room = w.security.password();
    for nth in 5..10 {
        let wrong =
            room.change(session.id, &typed("not this one"), &typed(NEW), &typed(NEW), &from(nth)).await;
        assert_eq!(refused(wrong).reason(), Reason::BadCredentials, "{nth}");
    }
    let waits = refused(room.change(session.id, &typed(PASSWORD), &typed(NEW), &typed(NEW), &from(11)).await);
    assert_eq!((waits.reason(), waits.retry_after()), (Reason::TooManyAttempts, Some(30)));
}

#[tokio::test]
async fn a_short_one_beside_a_second_factor_can_not_stand_alone() {
    let w = World::new();
    let (alice, session) = alice(&w).await;
    let session = w.switch_on(session.id, &alice).await.unwrap();
    let next = change(&w, session.id, PASSWORD, "quiet lamps").await.unwrap();
    assert!(!w.security.users().get(alice.id).await.unwrap().long_enough_alone);
    assert_eq!(refused(w.security.two_factor().disable(next.id).await).reason(), Reason::WeakPassword);
    let next = change(&w, next.id, "quiet lamps", NEW).await.unwrap();
    assert!(w.security.two_factor().disable(next.id).await.is_ok());
}

/// Fails, or knows every password; counts how often it was asked.
#[derive(Clone)]
struct Known {
    answer: Result<bool, PortError>,
    asked: Arc<AtomicU32>,
}

#[async_trait]
impl CompromisedPasswords for Known {
    async fn is_compromised(&self, _: &Password) -> Result<bool, PortError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.answer.clone()
    }
}

async fn asking(answer: Result<bool, PortError>, current: &str) -> (Result<CurrentSession, Error>, u32) {
    let hasher = Arc::new(HashPool::with_cheap_cost_for_tests().unwrap());
    let known = Known { answer, asked: Arc::default() };
    let now = portcullis::port::ambient::Clock::now(&portcullis::port::ambient::SystemClock::default());
    let security = portcullis::Portcullis::builder(MemoryStore::new())
        .keyring(Keyring::generate(&SeededRandom::new(0), now).unwrap())
        .mail(Mailbox::new())
        .hasher(Arc::clone(&hasher) as Arc<_>)
        .compromised_passwords(known.clone())
        .public_url("https://fleet.example.com")
        .build()
        .unwrap();
    let account = security.accounts().create(portcullis::account::NewAccount::named("demo")).await.unwrap();
    let mut new = NewUser::new(Login::parse("alice").unwrap(), account.id);
    new.flags = Flags::all();
    let stored = portcullis::port::hasher::PasswordHasher::hash(&*hasher, &typed(PASSWORD), [7; 16]).await;
    new.password = Some(stored.unwrap());
    let alice = security.users().create(new).await.unwrap();
    let admitted = security.sign_in().start(&alice.login, &typed(PASSWORD), &attempt()).await.unwrap();
    let SignInResult::Admitted(admission) = admitted else { panic!("no code is asked") };
    let session = admission.session.id;
    let result =
        security.password().change(session, &typed(current), &typed(NEW), &typed(NEW), &attempt()).await;
    assert_eq!(security.sessions().current(session).await.is_ok(), result.is_err());
    (result, known.asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_host_says_itself_what_is_compromised_and_failing_it_changes_nothing() {
    let (result, asked) = asking(Ok(true), PASSWORD).await;
    assert_eq!((refused(result).reasons(), asked), ([Weakness::TooCommon].as_slice(), 1));
    let (result, _) = asking(Err(PortError::new("compromised", "no answer")), PASSWORD).await;
    assert!(matches!(result, Err(Error::Unavailable(_))), "{result:?}");
    assert!(asking(Ok(false), PASSWORD).await.0.is_ok());
    let (result, asked) = asking(Ok(true), "not this one").await;
    assert_eq!((refused(result).reason(), asked), (Reason::BadCredentials, 0), "who guesses asks nobody");
}
