//! Sessions: the list, ending one, ending all others, and the epoch that ends all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::port::store::Page;
use portcullis::testing::World;
use portcullis::testing::world::attempt;
use portcullis::user::User;

fn refused<T: core::fmt::Debug>(result: Result<T, Error>) -> Reason {
    match result {
        Err(Error::Refused(refusal)) => refusal.reason(),
        other => panic!("{other:?}"),
    }
}

async fn world() -> (World, User) {
    let world = World::new();
    let account = world.account("demo").await.unwrap();
    let alice = world.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    (world, alice)
}

#[tokio::test]
async fn more_than_a_thousand_dead_ones_hide_no_live_one() {
    let (w, alice) = world().await;
    for _ in 0..1001 {
        w.sign_in(&alice).await.unwrap();
    }
    w.advance(w.security.policy().session_idle);
    let mut live = Vec::new();
    for _ in 0..101 {
        live.push(w.sign_in(&alice).await.unwrap().id);
        w.advance(TimeDelta::milliseconds(1));
    }
    let acting = *live.last().unwrap();
    let listed = w.security.sessions().list(acting).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    live.reverse();
    assert_eq!(ids, live[..100], "the newest hundred, newest first");
    assert_eq!(listed.iter().map(|s| s.acting).collect::<Vec<_>>()[..2], [true, false]);
    assert_eq!(w.security.settings(acting).await.unwrap().sessions.count, 101);
}

#[tokio::test]
async fn ending_the_session_of_another_user_changes_nothing_and_leaves_a_trace() {
    let (w, alice) = world().await;
    let account = w.account("other").await.unwrap();
    let bob = w.user(&account, "bob", None).await.unwrap();
    let (own, foreign) = (w.sign_in(&alice).await.unwrap(), w.sign_in(&bob).await.unwrap());
    let sessions = w.security.sessions();
    assert_eq!(refused(sessions.end(own.id, foreign.id).await), Reason::NotFound);
    assert!(sessions.current(foreign.id).await.is_ok());
    let trail = w.security.audit(alice.id, Page { after: None, limit: 100 }).await.unwrap();
    let told = trail.iter().find(|event| event.action == "session_end_refused").unwrap();
    assert_eq!(told.reason.as_deref(), Some("not_found"));
    sessions.end(own.id, own.id).await.unwrap();
    assert_eq!(refused(sessions.end(own.id, foreign.id).await), Reason::SignedOut);
}

#[tokio::test]
async fn ending_the_others_kills_what_was_pending_too() {
    let (w, alice) = world().await;
    let s = &w.security;
    let first = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(first.id, &alice).await.unwrap();
    let address = portcullis::contact::Email::parse("new@example.com").unwrap();
    let asked = s.email().set(session.id, &address).await.unwrap();
    w.run_worker().await.unwrap();
    let code = w.mailbox.last_code("new@example.com").unwrap();
    let other = w.sign_in(&alice).await.unwrap();
    let next = s.sessions().end_others(session.id).await.unwrap();
    for dead in [session.id, other.id] {
        assert_eq!(refused(s.sessions().current(dead).await), Reason::SignedOut);
    }
    assert_eq!(next.fresh_until, session.fresh_until, "it is no fresher than it was");
    let source = portcullis::testing::world::source();
    assert_eq!(refused(s.email().confirm(next.id, asked.id, &code, &source).await), Reason::ChallengeDead);
    assert_eq!(s.sessions().list(next.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn ending_nothing_leaves_no_trace_however_often() {
    let (w, alice) = world().await;
    let s = &w.security;
    let session = w.sign_in(&alice).await.unwrap();
    let told = async || s.audit(alice.id, Page { after: None, limit: 100 }).await.unwrap().len();
    let before = told().await;
    for _ in 0..3 {
        assert_eq!(s.sessions().end_others(session.id).await.unwrap().id, session.id);
    }
    assert_eq!(told().await, before);
    // A sign-in that waits for its code would be another session.
    let session = w.switch_on(session.id, &alice).await.unwrap();
    assert_eq!(s.sessions().end_others(session.id).await.unwrap().id, session.id);
    let password = portcullis::testing::world::PASSWORD.to_owned();
    let password = portcullis::secret::Password::parse(password, "password").unwrap();
    let asked = s.sign_in().start(&alice.login, &password, &attempt()).await.unwrap();
    let portcullis::sign_in::SignInResult::CodeRequired { code: asked, .. } = asked else { panic!("a code") };
    w.run_worker().await.unwrap();
    let code = w.code_of(&alice).await.unwrap();
    let next = s.sessions().end_others(session.id).await.unwrap();
    assert!(next.id != session.id);
    assert_eq!(refused(s.sign_in().code(asked.id, &code, &attempt(), None).await), Reason::ChallengeDead);
    assert_eq!(s.sessions().end_others(next.id).await.unwrap().id, next.id, "the dead one is none");
}

#[tokio::test]
async fn the_next_epoch_ends_every_session_and_every_code() {
    let (w, alice) = world().await;
    let s = &w.security;
    let first = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(first.id, &alice).await.unwrap();
    let address = portcullis::contact::Email::parse("new@example.com").unwrap();
    s.email().set(session.id, &address).await.unwrap();
    let password =
        portcullis::secret::Password::parse(portcullis::testing::world::PASSWORD.to_owned(), "password");
    let asked = s.sign_in().start(&alice.login, &password.unwrap(), &attempt()).await.unwrap();
    let portcullis::sign_in::SignInResult::CodeRequired { code: asked, .. } = asked else { panic!("a code") };
    w.run_worker().await.unwrap();
    let code = w.code_of(&alice).await.unwrap();

    let mut keys = s.keyring();
    keys.next_epoch();
    s.replace_keyring(keys);
    let entered = s.sign_in().code(asked.id, &code, &attempt(), None).await;
    assert_eq!(refused(entered), Reason::ChallengeDead);
    assert_eq!(refused(s.sessions().current(session.id).await), Reason::SignedOut);
    w.advance(TimeDelta::minutes(1));
    let next = w.sign_in(&alice).await.unwrap();
    assert!(s.sessions().current(next.id).await.is_ok(), "what is made in the new epoch lives");
    assert_eq!(s.sessions().list(next.id).await.unwrap().len(), 1);
    assert!(s.settings(next.id).await.unwrap().email.pending.is_none());
}

#[tokio::test]
async fn what_names_a_session_a_listed_session_or_a_code_opens_as_nothing_else() {
    let (w, alice) = world().await;
    let s = &w.security;
    let session = w.sign_in(&alice).await.unwrap().id;
    // The same id in each, so that only what it is sealed for tells them apart.
    let id = session.uuid();
    let texts = [
        s.sessions().token(session),
        s.sessions().handle(session),
        s.challenge_token(portcullis::id::ChallengeId::from_uuid(id)),
    ];
    for (nth, text) in texts.iter().enumerate() {
        let opened = [
            s.sessions().open_token(text).map(portcullis::id::SessionId::uuid),
            s.sessions().open_handle(text).map(portcullis::id::SessionId::uuid),
            s.open_challenge_token(text).map(portcullis::id::ChallengeId::uuid),
        ];
        let mut expected = [None; 3];
        expected[nth] = Some(id);
        assert_eq!(opened, expected, "the {nth}th");
    }
}
