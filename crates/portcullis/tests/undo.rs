//! Stories of an address that was taken, and taken back.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::Error;
use portcullis::contact::Email;
use portcullis::decision::{Reason, Refusal};
use portcullis::id::SessionId;
use portcullis::recovery::Identifier;
use portcullis::rights::Actor;
use portcullis::secret::Password;
use portcullis::sign_in::SignInResult;
use portcullis::testing::World;
use portcullis::testing::world::{PASSWORD, attempt, source};
use portcullis::user::{Flags, User};

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

async fn is_dead(w: &World, id: SessionId) -> bool {
    w.security.sessions().current(id).await.is_err()
}

/// The address of a session's user is changed; the session that goes on.
async fn readdress(w: &World, session: SessionId, address: &str) -> SessionId {
    let new = Email::parse(address).unwrap();
    let pending = w.security.email().set(session, &new).await.unwrap();
    w.run_worker().await.unwrap();
    let code = w.mailbox.last_code(address).unwrap();
    let changed = w.security.email().confirm(session, pending.id, &code, &source()).await.unwrap();
    w.run_worker().await.unwrap();
    changed.session.id
}

async fn address_of(w: &World, user: &User) -> Option<String> {
    let user = w.security.users().get(user.id).await.unwrap();
    user.confirmed_email().map(|email| email.as_str().to_owned())
}

#[tokio::test]
async fn who_took_the_address_is_out_when_its_owner_takes_it_back() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let owner = w.sign_in(&alice).await.unwrap().id;
    // The thief knows the password, takes the address, and has codes sent to it.
    let thief = w.sign_in(&alice).await.unwrap().id;
    let thief = readdress(&w, thief, "thief@example.com").await;
    let thief = w.switch_on(thief, &alice).await.unwrap().id;
    assert!(is_dead(&w, owner).await && !is_dead(&w, thief).await);
    let s = &w.security;
    let link = w.mailbox.last_link("alice@example.com").unwrap();
    w.advance(s.policy().email_undo_life - TimeDelta::hours(1));
    let thief = {
        assert!(is_dead(&w, thief).await, "it was idle for long");
        w.sign_in(&alice).await.unwrap().id
    };

    s.email().peek_undo(&link).await.unwrap();
    assert_eq!(address_of(&w, &alice).await.unwrap(), "thief@example.com", "a look changes nothing");
    s.email().undo(&link, &attempt()).await.unwrap();
    assert!(is_dead(&w, thief).await);
    let known = password(PASSWORD);
    assert!(s.sign_in().start(&alice.login, &known, &attempt()).await.is_err(), "nor is he back at once");
    assert_eq!(address_of(&w, &alice).await.unwrap(), "alice@example.com");
    assert_eq!(refused(s.email().undo(&link, &attempt()).await).reason(), Reason::ChallengeDead);
    assert_eq!(refused(s.email().peek_undo(&link).await).reason(), Reason::ChallengeDead);

    w.run_worker().await.unwrap();
    let recovery = w.mailbox.last_link("alice@example.com").unwrap();
    assert!(w.mailbox.to("alice@example.com").iter().any(|mail| mail.text.contains("/recovery/")));
    assert_eq!(refused(s.email().peek_undo(&recovery).await).reason(), Reason::ChallengeDead);
    let new = password("seven quiet lanterns");
    s.recovery().set_password(&recovery, &new, &new, &attempt()).await.unwrap();
    // Codes follow to the owner.
    let SignInResult::CodeRequired { code, .. } =
        s.sign_in().start(&alice.login, &new, &attempt()).await.unwrap()
    else {
        panic!("a code is asked")
    };
    w.run_worker().await.unwrap();
    let entered = w.mailbox.last_code("alice@example.com").unwrap();
    s.sign_in().code(code.id, &entered, &attempt(), None).await.unwrap();
}

#[tokio::test]
async fn an_undo_recovers_without_the_flag_and_never_past_a_block() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let s = &w.security;
    s.rights().set_flags(Actor::Program, alice.id, Flags::default()).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    let session = readdress(&w, session, "one@example.com").await;
    readdress(&w, session, "two@example.com").await;
    let newer = w.mailbox.last_link("one@example.com").unwrap();
    let older = w.mailbox.last_link("alice@example.com").unwrap();

    s.accounts().set_blocked(account.id, true).await.unwrap();
    s.email().undo(&newer, &attempt()).await.unwrap();
    assert_eq!(address_of(&w, &alice).await.unwrap(), "one@example.com");
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.suppressed, pass.sent), (1, 2), "the notices leave, the link does not");

    w.advance(TimeDelta::seconds(1));
    s.accounts().set_blocked(account.id, false).await.unwrap();
    s.email().undo(&older, &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    let recovery = w.mailbox.last_link("alice@example.com").unwrap();
    let new = password("seven quiet lanterns");
    s.recovery().set_password(&recovery, &new, &new, &attempt()).await.unwrap();
    assert!(s.sign_in().start(&alice.login, &new, &attempt()).await.is_ok());
}

#[tokio::test]
async fn a_change_of_address_kills_the_recovery_links_and_a_claimed_one_finds_nobody() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    let s = &w.security;
    let by_address = Identifier::parse("alice@example.com").unwrap();
    s.recovery().request(&by_address, &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    let recovery = w.mailbox.last_link("alice@example.com").unwrap();
    s.recovery().peek(&recovery).await.unwrap();
    readdress(&w, session, "new@example.com").await;
    assert_eq!(refused(s.recovery().peek(&recovery).await).reason(), Reason::ChallengeDead);

    w.advance(s.policy().recovery_cool_down);
    let before = w.mailbox.mails().len();
    s.recovery().request(&by_address, &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    assert_eq!(w.mailbox.mails().len(), before, "nobody is found by an address that is only kept");
    let by_new = Identifier::parse("new@example.com").unwrap();
    s.recovery().request(&by_new, &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    assert_eq!(w.mailbox.mails().len(), before + 1);
}

#[tokio::test]
async fn an_old_address_is_free_for_others_when_its_link_is_over() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let session = w.sign_in(&alice).await.unwrap().id;
    readdress(&w, session, "new@example.com").await;
    let link = w.mailbox.last_link("alice@example.com").unwrap();
    let bob = |login| w.user(&account, login, Some("alice@example.com"));
    assert_eq!(refused(bob("bob").await).reason(), Reason::AddressTaken);

    w.advance(w.security.policy().email_undo_life);
    assert_eq!(refused(w.security.email().undo(&link, &attempt()).await).reason(), Reason::ChallengeDead);
    assert_eq!(refused(bob("bob").await).reason(), Reason::AddressTaken, "until a worker has seen to it");
    assert_eq!(w.run_worker().await.unwrap().timed, 1);
    assert!(w.security.users().get(alice.id).await.unwrap().claims.is_empty());
    bob("bob").await.unwrap();
    // I-03: no clock that steps back brings the link to life again.
    w.advance(-w.security.policy().email_undo_life);
    assert_eq!(refused(w.security.email().undo(&link, &attempt()).await).reason(), Reason::ChallengeDead);
}

#[tokio::test]
async fn an_address_is_not_changed_more_often_than_its_owner_can_look_up() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let alice = w.user(&account, "alice", Some("alice@example.com")).await.unwrap();
    let mut session = w.sign_in(&alice).await.unwrap().id;
    let first = w.security.policy().email_claims;
    for nth in 0..first {
        session = readdress(&w, session, &format!("a{nth}@example.com")).await;
    }
    let one_more = Email::parse("more@example.com").unwrap();
    let refusal = refused(w.security.email().set(session, &one_more).await);
    assert_eq!(refusal.reason(), Reason::TooSoon);
    assert!(refusal.retry_after().unwrap() > 71 * 3600);
    assert_eq!(refused(w.security.email().clear(session).await).reason(), Reason::TooSoon);
    // The first link still takes all of them back.
    let link = w.mailbox.last_link("alice@example.com").unwrap();
    w.security.email().undo(&link, &attempt()).await.unwrap();
    assert_eq!(address_of(&w, &alice).await.unwrap(), "alice@example.com");
    let last = w.mailbox.last_link("a3@example.com").unwrap();
    assert_eq!(refused(w.security.email().undo(&last, &attempt()).await).reason(), Reason::ChallengeDead);
}
