//! Stories of what must not happen: nobody learns more than he may, nothing is lost, nothing dead comes back.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::audit::AuditEvent;
use portcullis::challenge::PendingCode;
use portcullis::contact::{Email, SourceAddress};
use portcullis::decision::{Reason, Refusal};
use portcullis::id::SessionId;
use portcullis::memory::MemoryStore;
use portcullis::port::message::SendError;
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::sign_in::{Attempt, CodeResult, SignInResult};
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::world::{PASSWORD, WorldOptions, attempt, source, wrong_code};
use portcullis::testing::{Contents, Dump as _, World};
use portcullis::user::{Login, NewUser, User};

fn refused<T>(result: Result<T, Error>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        Err(other) => panic!("refused was expected, got {other:?}"),
        Ok(_) => panic!("refused was expected, got an answer"),
    }
}

fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "password").unwrap()
}

async fn start(w: &World, login: &Login, text: &str, from: &Attempt) -> Result<SignInResult, Error> {
    w.security.sign_in().start(login, &password(text), from).await
}

/// Begins a sign-in that asks for a code.
async fn asked(w: &World, user: &User) -> PendingCode {
    match start(w, &user.login, PASSWORD, &attempt()).await.unwrap() {
        SignInResult::CodeRequired { code, .. } => code,
        SignInResult::Admitted(_) | _ => panic!("a code is asked"),
    }
}

/// A user with two-factor authentication on, signed in two hours ago and signed out.
async fn alice_with_codes(w: &World) -> User {
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(session.id, &alice).await.unwrap();
    w.security.sessions().sign_out(session.id).await.unwrap();
    w.run_worker().await.unwrap();
    w.advance(TimeDelta::hours(2));
    alice
}

async fn trail(w: &World, user: &User) -> Vec<AuditEvent> {
    w.security.audit(user.id, Page { after: None, limit: 1000 }).await.unwrap()
}

async fn told(w: &World, user: &User, action: &str, reason: &str) -> bool {
    let says = |event: &AuditEvent| event.action == action && event.reason.as_deref() == Some(reason);
    trail(w, user).await.iter().any(says)
}

/// The shape of what a store keeps: how many records of each kind and version, what is counted, what the trail says
/// apart from the reason.
fn shape(contents: &Contents) -> BTreeMap<String, usize> {
    let mut shape: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen = |line: String| *shape.entry(line).or_default() += 1;
    for record in &contents.records {
        seen(format!("record {} v{} {} keys", record.kind, record.version, record.keys.len()));
    }
    for (counter, count) in &contents.counters {
        seen(format!("counter {} = {} ends {:?}", counter.name, count.value, count.ends_at));
    }
    for event in &contents.audit {
        let about = (event.actor.is_some(), event.source.is_some(), event.about.is_some());
        seen(format!("event {} {about:?} reason {}", event.action, event.reason.is_some()));
    }
    shape
}

/// A world with one user of each sort, and what a failed sign-in of one of them adds to its shape.
async fn failing(
    login: &str,
    text: &str,
    times: u32,
) -> (Vec<Refusal>, BTreeMap<String, usize>, BTreeSet<String>) {
    let store = Arc::new(MemoryStore::new());
    let w = World::on(Arc::clone(&store) as Arc<dyn portcullis::port::store::Store>);
    let account = w.account("demo").await.unwrap();
    let closed = w.account("closed").await.unwrap();
    w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let disabled = w.user(&account, "disabled", Some("disabled@example.com")).await.unwrap();
    w.user(&closed, "blocked", Some("blocked@example.com")).await.unwrap();
    let bare = NewUser::new(Login::parse("bare").unwrap(), account.id);
    w.security.users().create(bare).await.unwrap();
    w.security.rights().set_disabled(Actor::Program, disabled.id, true).await.unwrap();
    w.security.accounts().set_blocked(closed.id, true).await.unwrap();
    let login = Login::parse(login).unwrap();
    let mut answers = Vec::new();
    let known: BTreeSet<_> = store.contents().await.unwrap().audit.iter().map(|event| event.id).collect();
    for _ in 0..times {
        answers.push(refused(start(&w, &login, text, &attempt()).await));
    }
    let contents = store.contents().await.unwrap();
    let new = contents.audit.iter().filter(|event| !known.contains(&event.id));
    let reasons = new.filter_map(|event| event.reason.as_deref().map(str::to_owned)).collect();
    (answers, shape(&contents), reasons)
}

#[tokio::test]
async fn whoever_can_not_sign_in_leaves_the_same_rows() {
    let failures = [
        ("nobody", PASSWORD, "unknown_login"),
        ("alice", "another password", "wrong_password"),
        ("disabled", PASSWORD, "disabled"),
        ("blocked", PASSWORD, "blocked"),
        ("bare", PASSWORD, "no_password"),
    ];
    for times in [1, 10, 12] {
        let (answers, rows, _) = failing("alice", "another password", times).await;
        for (login, text, reason) in failures {
            let (others, shape, reasons) = failing(login, text, times).await;
            assert_eq!(others, answers, "{reason} {times} times");
            assert_eq!(shape, rows, "{reason} {times} times");
            assert!(reasons.contains(reason), "the trail alone knows: {reasons:?}");
        }
    }
}

#[tokio::test]
async fn a_spray_from_many_sources_does_not_shut_out_a_known_browser() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", None).await.unwrap();
    let SignInResult::Admitted(admission) = start(&w, &alice.login, PASSWORD, &attempt()).await.unwrap()
    else {
        panic!("admitted")
    };
    for nth in 0..10 {
        let from = Attempt::from(SourceAddress::from(std::net::IpAddr::from([203, 0, 113, nth])));
        let answer = refused(start(&w, &alice.login, "a guess", &from).await);
        assert_eq!(answer.reason(), Reason::BadCredentials);
    }
    let stranger = refused(start(&w, &alice.login, PASSWORD, &attempt()).await);
    assert_eq!((stranger.reason(), stranger.retry_after()), (Reason::TooManyAttempts, Some(30)));
    let forged = attempt().with_device("v1.not.ours");
    assert_eq!(refused(start(&w, &alice.login, PASSWORD, &forged).await).reason(), Reason::TooManyAttempts);
    let known = attempt().with_device(admission.device);
    assert!(matches!(start(&w, &alice.login, PASSWORD, &known).await.unwrap(), SignInResult::Admitted(_)));
    w.advance(TimeDelta::seconds(30));
    assert!(start(&w, &alice.login, PASSWORD, &attempt()).await.is_ok(), "the wait is over");
}

#[tokio::test]
async fn a_mail_server_that_is_down_loses_nothing_and_fails_no_request() {
    let w = World::new();
    let alice = alice_with_codes(&w).await;
    let before = w.mailbox.mails().len();
    w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    let code = asked(&w, &alice).await;
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.postponed, pass.given_up), (0, 1, 0));
    assert!(told(&w, &alice, "message_postponed", "not_taken_over").await);
    assert_eq!(w.run_worker().await.unwrap().postponed, 0, "it is not due yet");
    w.mailbox.fail_with(None);
    w.advance(w.security.policy().send_retry_first);
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    assert_eq!(w.mailbox.mails().len(), before + 1, "once");
    let entered = w.code_of(&alice).await.unwrap();
    assert!(matches!(
        w.security.sign_in().code(code.id, &entered, &attempt(), None).await.unwrap(),
        CodeResult::Admitted(_)
    ));
}

async fn is_dead(w: &World, copied: SessionId) -> bool {
    match w.security.sessions().current(copied).await {
        Ok(_) => false,
        Err(Error::Refused(refusal)) => refusal.reason() == Reason::SignedOut,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_copied_session_id_is_dead_after_sign_out_and_each_change_of_credentials() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let s = &w.security;
    // Each change is made by one session, while the other was copied.
    let mut acting = w.sign_in(&alice).await.unwrap();
    let mut copied = w.sign_in(&alice).await.unwrap();
    for change in ["sign out", "email", "two-factor on", "two-factor off", "no email", "disabled"] {
        assert!(!is_dead(&w, copied.id).await, "before: {change}");
        let before = acting.id;
        match change {
            "sign out" => {
                s.sessions().sign_out(copied.id).await.unwrap();
                assert!(!is_dead(&w, acting.id).await, "the other one goes on");
            }
            "email" => {
                let address = Email::parse("new@example.com").unwrap();
                let pending = s.email().set(acting.id, &address).await.unwrap();
                w.run_worker().await.unwrap();
                let code = w.mailbox.last_code("new@example.com").unwrap();
                acting = s.email().confirm(acting.id, pending.id, &code, &source()).await.unwrap().session;
            }
            "two-factor on" => acting = w.switch_on(acting.id, &alice).await.unwrap(),
            "two-factor off" => acting = s.two_factor().disable(acting.id).await.unwrap().session,
            "no email" => acting = s.email().clear(acting.id).await.unwrap().unwrap(),
            "disabled" => {
                s.rights().set_disabled(Actor::Program, alice.id, true).await.unwrap();
            }
            other => panic!("{other}"),
        }
        assert!(is_dead(&w, copied.id).await, "after: {change}");
        if change == "disabled" {
            assert!(is_dead(&w, acting.id).await, "his own too");
            return;
        }
        assert_eq!(acting.id == before, change == "sign out", "{change} gives a fresh id");
        assert!(change == "sign out" || is_dead(&w, before).await, "{change}: a copy of the old id is dead");
        copied = w.sign_in(&alice).await.unwrap();
    }
}

#[tokio::test]
async fn a_code_that_was_overtaken_is_not_sent_and_the_trail_says_why() {
    for (why, superseded, expired, disabled) in [
        ("superseded", true, false, false),
        ("expired", false, true, false),
        ("credentials_changed", false, false, true),
    ] {
        let w = World::new();
        let alice = alice_with_codes(&w).await;
        let before = w.mailbox.mails().len();
        let code = asked(&w, &alice).await;
        if superseded {
            w.advance(w.security.policy().resend_after);
            w.security.sign_in().resend(code.id, &attempt()).await.unwrap();
        }
        if expired {
            w.advance(w.security.policy().code_life);
        }
        if disabled {
            w.security.rights().set_disabled(Actor::Program, alice.id, true).await.unwrap();
        }
        let pass = w.run_worker().await.unwrap();
        assert_eq!((pass.sent, pass.suppressed), (u32::from(superseded), 1), "{why}");
        assert_eq!(w.mailbox.mails().len(), before + usize::from(superseded), "{why}");
        assert!(told(&w, &alice, "message_suppressed", why).await, "{why}: {:?}", trail(&w, &alice).await);
    }
}

#[tokio::test]
async fn a_mail_names_the_address_it_confirms_and_not_the_old_one() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("old@before.example")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    let address = Email::parse("new@after.example").unwrap();
    w.security.email().set(session.id, &address).await.unwrap();
    w.run_worker().await.unwrap();
    let mails = w.mailbox.to("new@after.example");
    let text = &mails.first().unwrap().text;
    assert!(text.contains("n•••@after.example") && !text.contains("before.example"), "{text}");
}

#[tokio::test]
async fn what_was_begun_under_the_old_key_goes_on_after_a_rotation() {
    let w = World::new();
    let alice = alice_with_codes(&w).await;
    let account = w.security.accounts().get(alice.account).await.unwrap();
    let bob = w.user(&account, "bob", None).await.unwrap();
    let session = w.sign_in(&bob).await.unwrap();
    let token = w.security.sessions().token(session.id);
    let code = asked(&w, &alice).await;
    let asked_for = w.security.challenge_token(code.id);

    let mut keyring = w.security.keyring();
    keyring.rotate(&SeededRandom::new(7), w.now()).unwrap();
    w.security.replace_keyring(keyring);

    assert_eq!(w.security.sessions().open_token(&token), Some(session.id), "the cookie still opens");
    assert!(w.security.sessions().current(session.id).await.is_ok());
    assert_ne!(w.security.sessions().token(session.id), token, "and is sealed anew");
    assert_eq!(w.security.open_challenge_token(&asked_for), Some(code.id));
    assert_eq!(w.run_worker().await.unwrap().sent, 1, "the queued message opens");
    let entered = w.code_of(&alice).await.unwrap();
    let wrong = wrong_code(&entered);
    let answer = refused(w.security.sign_in().code(code.id, &wrong, &attempt(), None).await);
    assert_eq!(answer.reason(), Reason::WrongCode);
    assert!(w.security.sign_in().code(code.id, &entered, &attempt(), None).await.is_ok());
}

#[tokio::test]
async fn a_worker_without_the_key_keeps_the_message_until_the_key_is_back() {
    let w = World::with(WorldOptions::default());
    let alice = alice_with_codes(&w).await;
    asked(&w, &alice).await;
    let keys = w.security.keyring();
    let mut without = keys.clone();
    without.rotate(&SeededRandom::new(7), w.now()).unwrap();
    without.retire(keys.current()).unwrap();
    w.security.replace_keyring(without);
    assert_eq!(w.run_worker().await.unwrap().postponed, 1);
    w.security.replace_keyring(keys);
    w.advance(w.security.policy().send_retry_first);
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
}
