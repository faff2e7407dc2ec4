//! Stories over the store in memory: what a person does, and what he sees.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::contact::Email;
use portcullis::decision::{Reason, Refusal};
use portcullis::secret::Password;
use portcullis::session::Assurance;
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, attempt, source, wrong_code};
use portcullis::user::Method;

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

#[tokio::test]
async fn an_address_is_set_confirmed_and_used_for_codes() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", None).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    let address = Email::parse("alice@example.com").unwrap();

    let pending = w.security.email().set(session.id, &address).await.unwrap();
    assert_eq!(pending.destination, "a•••@example.com");
    w.advance(TimeDelta::seconds(1));
    assert_eq!(w.run_worker().await.unwrap().sent, 1);
    let mail = w.mailbox.to("alice@example.com").pop().unwrap();
    assert!(mail.text.contains("10 minutes"), "{}", mail.text);
    let code = w.mailbox.last_code("alice@example.com").unwrap();
    let changed = w.security.email().confirm(session.id, pending.id, &code, &source()).await.unwrap();
    assert!(changed.now.confirmed);
    let old = refused(w.security.sessions().current(session.id).await);
    assert_eq!(old.reason(), Reason::SignedOut, "the old session id is dead");

    let session = w.switch_on(changed.session.id, &alice).await.unwrap();
    assert_eq!(session.assurance, Assurance::PasswordEmail);
    w.security.sessions().sign_out(session.id).await.unwrap();
    assert_eq!(refused(w.security.sessions().current(session.id).await).reason(), Reason::SignedOut);

    let SignInResult::CodeRequired { code: asked, .. } =
        w.security.sign_in().start(&alice.login, &password(PASSWORD), &attempt()).await.unwrap()
    else {
        panic!("a code is asked");
    };
    w.run_worker().await.unwrap();
    let code = w.code_of(&alice).await.unwrap();
    let wrong = refused(w.security.sign_in().code(asked.id, &wrong_code(&code), &attempt(), None).await);
    assert_eq!((wrong.reason(), wrong.attempts_left()), (Reason::WrongCode, Some(4)));
    let CodeResult::Admitted(admission) =
        w.security.sign_in().code(asked.id, &code, &attempt(), None).await.unwrap()
    else {
        panic!("the right code admits");
    };
    assert_eq!(admission.session.assurance, Assurance::PasswordEmail);
    let again = refused(w.security.sign_in().code(asked.id, &code, &attempt(), None).await);
    assert_eq!(again.reason(), Reason::ChallengeDead, "a code is worth one admission");
}

#[tokio::test]
async fn the_last_wrong_code_locks_for_the_right_one_too() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    w.switch_on(session.id, &alice).await.unwrap();
    w.advance(TimeDelta::hours(2));
    let SignInResult::CodeRequired { code: asked, .. } =
        w.security.sign_in().start(&alice.login, &password(PASSWORD), &attempt()).await.unwrap()
    else {
        panic!("a code is asked");
    };
    w.run_worker().await.unwrap();
    let code = w.code_of(&alice).await.unwrap();
    for left in [4, 3, 2, 1, 0] {
        let wrong = refused(w.security.sign_in().code(asked.id, &wrong_code(&code), &attempt(), None).await);
        assert_eq!((wrong.reason(), wrong.attempts_left()), (Reason::WrongCode, Some(left)));
    }
    let locked = refused(w.security.sign_in().code(asked.id, &code, &attempt(), None).await);
    assert_eq!(locked.reason(), Reason::Locked);
    w.run_worker().await.unwrap();
    let notices = w.mailbox.to("alice@example.com").iter().filter(|m| m.subject.contains("wrong")).count();
    assert_eq!(
        notices,
        1,
        "one notice tells of the lock: {:?}",
        w.mailbox.to("alice@example.com").iter().map(|m| m.subject.clone()).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn unknown_wrong_disabled_and_blocked_are_one_answer() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let unknown = portcullis::user::Login::parse("nobody").unwrap();
    let mut answers = vec![
        refused(w.security.sign_in().start(&unknown, &password(PASSWORD), &attempt()).await),
        refused(w.security.sign_in().start(&alice.login, &password("another password"), &attempt()).await),
    ];
    w.security.accounts().set_blocked(account.id, true).await.unwrap();
    answers.push(refused(w.security.sign_in().start(&alice.login, &password(PASSWORD), &attempt()).await));
    w.security.accounts().set_blocked(account.id, false).await.unwrap();
    w.security.rights().set_disabled(portcullis::rights::Actor::Program, alice.id, true).await.unwrap();
    answers.push(refused(w.security.sign_in().start(&alice.login, &password(PASSWORD), &attempt()).await));
    for answer in answers {
        assert_eq!(answer, Refusal::from(Reason::BadCredentials));
    }
}

#[tokio::test]
async fn switching_off_needs_a_password_that_can_stand_alone() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(session.id, &alice).await.unwrap();
    assert_eq!(refused(w.security.email().clear(session.id).await).reason(), Reason::InUse);
    w.advance(TimeDelta::minutes(15));
    assert_eq!(refused(w.security.two_factor().disable(session.id).await).reason(), Reason::StaleSignIn);
    let settings = w.security.settings(session.id).await.unwrap();
    assert_eq!(settings.two_factor.method, Method::Email);
}

#[tokio::test]
async fn a_code_offered_for_something_else_is_not_looked_at_and_leaves_a_trace() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", None).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    let address = Email::parse("alice@example.com").unwrap();
    let pending = w.security.email().set(session.id, &address).await.unwrap();
    w.run_worker().await.unwrap();
    let code = w.mailbox.last_code("alice@example.com").unwrap();
    for _ in 0..7 {
        let elsewhere = w.security.sign_in().code(pending.id, &code, &attempt(), Some(session.id)).await;
        assert_eq!(refused(elsewhere).reason(), Reason::ChallengeDead);
        let elsewhere = w.security.two_factor().enable(session.id, pending.id, &code, &source()).await;
        assert_eq!(refused(elsewhere).reason(), Reason::ChallengeDead);
    }
    let page = portcullis::port::store::Page { after: None, limit: 100 };
    let trail = w.security.audit(alice.id, page).await.unwrap();
    let traces = trail.iter().filter(|e| e.reason.as_deref() == Some("meant_for_another")).count();
    assert_eq!(traces, 14);
    let confirmed = w.security.email().confirm(session.id, pending.id, &code, &source()).await;
    assert!(confirmed.is_ok(), "none of them cost an attempt");
}

#[tokio::test]
async fn a_session_that_any_question_found_dead_stays_dead() {
    for question in 0..3 {
        let w = World::new();
        let account = w.account("demo").await.unwrap();
        let alice = w.user(&account, "alice", None).await.unwrap();
        let session = w.sign_in(&alice).await.unwrap().id;
        w.advance(TimeDelta::hours(12));
        let s = &w.security;
        let answer = match question {
            0 => refused(s.sessions().list(session).await),
            1 => refused(s.rights().verdict(session, &portcullis::rights::Action::SeeUser, alice.id).await),
            _ => refused(s.settings(session).await),
        };
        assert_eq!(answer.reason(), Reason::SignedOut);
        w.advance(TimeDelta::hours(-12));
        assert_eq!(refused(s.sessions().current(session).await).reason(), Reason::SignedOut, "{question}");
    }
}

#[tokio::test]
async fn nobody_uses_up_the_codes_of_who_owns_the_address() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap();
    w.switch_on(session.id, &alice).await.unwrap();
    let mallory = w.user(&account, "mallory", None).await.unwrap();
    let session = w.sign_in(&mallory).await.unwrap();
    let address = Email::parse("alice@example.com").unwrap();
    let mut sent = 0;
    let last = loop {
        match w.security.email().set(session.id, &address).await {
            Ok(_) => sent += 1,
            Err(error) => break refused::<()>(Err(error)),
        }
    };
    assert_eq!((sent, last.reason()), (10, Reason::TooSoon), "a stranger's mails to her are bounded");
    assert!(last.retry_after().is_some());
    // Mails of one pass arrive in no order: hers is to be the last.
    w.run_worker().await.unwrap();
    assert!(w.sign_in(&alice).await.is_ok(), "and cost her none of hers");
}
