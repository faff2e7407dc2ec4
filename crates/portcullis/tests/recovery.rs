//! Recovery from the request to the new password, as its users and a stranger see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;

use chrono::TimeDelta;
use portcullis::contact::Email;
use portcullis::policy::Policy;
use portcullis::port::message::SendError;
use portcullis::port::store::Page;
use portcullis::recovery::Identifier;
use portcullis::rights::Actor;
use portcullis::secret::{LinkToken, Password};
use portcullis::sign_in::{Attempt, SignInResult};
use portcullis::testing::World;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::{WorldOptions, attempt};
use portcullis::user::{Flag, Flags, User};
use portcullis::{Error, memory::MemoryStore};

const NEW: &str = "seven quiet lanterns";
const ADDRESS: &str = "alice@example.com";

fn password(text: &str) -> Password {
    Password::parse(text.to_owned(), "new").unwrap()
}

fn who(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn word<T>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(Error::Refused(refusal)) => refusal.code(),
        Err(other) => panic!("{other}"),
    }
}

async fn alice(w: &World) -> User {
    let account = w.account("demo").await.unwrap();
    w.user(&account, "alice", Some(ADDRESS)).await.unwrap()
}

async fn link(w: &World, identifier: &str) -> LinkToken {
    w.security.recovery().request(&who(identifier), &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    w.mailbox.last_link(ADDRESS).unwrap()
}

async fn set(w: &World, token: &LinkToken, new: &str) -> &'static str {
    let new = password(new);
    word(w.security.recovery().set_password(token, &new, &new, &attempt()).await)
}

async fn trail(w: &World, user: &User) -> Vec<String> {
    let page = Page { after: None, limit: 1000 };
    let events = w.security.audit(user.id, page).await.unwrap();
    let told = |reason: Option<std::borrow::Cow<'static, str>>| reason.unwrap_or_default();
    events.into_iter().map(|event| format!("{}: {}", event.action, told(event.reason))).collect()
}

#[tokio::test]
async fn a_recovered_user_signs_in_with_the_new_password_and_the_second_factor() {
    let w = World::new();
    let alice = alice(&w).await;
    let session = w.sign_in(&alice).await.unwrap();
    let session = w.switch_on(session.id, &alice).await.unwrap();
    let token = link(&w, ADDRESS).await;
    assert_eq!(set(&w, &token, NEW).await, "ok");
    assert!(w.security.sessions().current(session.id).await.is_err(), "every session is over");
    w.run_worker().await.unwrap();
    let told = w.mailbox.to(ADDRESS);
    assert!(told.last().unwrap().subject.starts_with("The password was changed"));
    let sign_in = w.security.sign_in().start(&alice.login, &password(NEW), &attempt()).await.unwrap();
    assert!(matches!(sign_in, SignInResult::CodeRequired { .. }), "the factor stays");
    let old = password(portcullis::testing::world::PASSWORD);
    assert_eq!(word(w.security.sign_in().start(&alice.login, &old, &attempt()).await), "bad_credentials");
    assert_eq!(set(&w, &token, "eight quiet lanterns").await, "challenge_dead");
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing_however_often() {
    let w = World::new();
    let _ = alice(&w).await;
    let token = link(&w, "alice").await;
    for _ in 0..3 {
        assert_eq!(w.security.recovery().peek(&token).await.unwrap().login.as_str(), "alice");
    }
    w.advance(w.security.policy().recovery_life - TimeDelta::microseconds(1));
    assert!(w.security.recovery().peek(&token).await.is_ok());
    w.advance(TimeDelta::microseconds(1));
    assert_eq!(word(w.security.recovery().peek(&token).await), "challenge_dead");
    assert_eq!(set(&w, &token, NEW).await, "challenge_dead");
}

#[tokio::test]
async fn a_newer_request_voids_no_link_and_a_flood_mails_once_a_minute() {
    let w = World::new();
    let alice = alice(&w).await;
    let first = link(&w, "alice").await;
    for nth in 0..300_u32 {
        let from = Attempt::from(std::net::IpAddr::from(nth.to_be_bytes()).into());
        w.security.recovery().request(&who("alice"), &from).await.unwrap();
    }
    w.run_worker().await.unwrap();
    assert_eq!(w.mailbox.to(ADDRESS).len(), 1);
    w.advance(w.security.policy().recovery_cool_down);
    let second = link(&w, "alice").await;
    assert_eq!(w.mailbox.to(ADDRESS).len(), 2);
    assert!(w.security.recovery().peek(&first).await.is_ok(), "a stranger takes no link away");
    w.sign_in(&alice).await.unwrap();
    assert_eq!(set(&w, &first, NEW).await, "ok");
    assert_eq!(set(&w, &second, "eight quiet lanterns").await, "challenge_dead", "credentials changed");
}

#[tokio::test]
async fn a_source_has_to_wait_after_twenty_requests() {
    let w = World::new();
    for nth in 0..20 {
        let answer = w.security.recovery().request(&who(&format!("nobody{nth}")), &attempt()).await;
        assert_eq!(word(answer), "ok");
    }
    let answer = w.security.recovery().request(&who("alice"), &attempt()).await;
    assert_eq!(word(answer), "too_many_attempts");
    w.advance(TimeDelta::minutes(10));
    assert_eq!(word(w.security.recovery().request(&who("alice"), &attempt()).await), "ok");
}

#[tokio::test]
async fn who_may_not_recover_is_mailed_nothing_and_the_trail_says_why() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    let shut = w.account("shut").await.unwrap();
    let without = w.user(&account, "flagless", Some("flagless@example.com")).await.unwrap();
    let flags = Flags::all().with(Flag::ChangePassword, false);
    w.security.rights().set_flags(Actor::Program, without.id, flags).await.unwrap();
    let bare = w.user(&account, "bare", None).await.unwrap();
    let blocked = w.user(&shut, "blocked", Some("blocked@example.com")).await.unwrap();
    w.security.accounts().set_blocked(shut.id, true).await.unwrap();
    let disabled = w.user(&account, "disabled", Some("disabled@example.com")).await.unwrap();
    w.security.rights().set_disabled(Actor::Program, disabled.id, true).await.unwrap();
    for user in [&without, &bare, &blocked, &disabled] {
        w.security.recovery().request(&who(user.login.as_str()), &attempt()).await.unwrap();
    }
    w.security.recovery().request(&who("nobody@example.com"), &attempt()).await.unwrap();
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.timed, pass.sent, pass.suppressed), (5, 0, 5));
    assert!(w.mailbox.mails().is_empty());
    for (user, why) in [
        (&without, "change_password"),
        (&bare, "email_unconfirmed"),
        (&blocked, "blocked"),
        (&disabled, "disabled"),
    ] {
        let told = trail(&w, user).await;
        assert!(told.contains(&format!("message_suppressed: {why}")), "{why}: {told:?}");
    }
}

#[tokio::test]
async fn a_shared_mailbox_gets_one_link_for_each_login() {
    let options = WorldOptions { policy: Policy::wialon_hosting(), ..WorldOptions::default() };
    let w = World::with(options);
    let account = w.account("demo").await.unwrap();
    for login in ["alice", "bob", "carol"] {
        w.user(&account, login, Some(ADDRESS)).await.unwrap();
    }
    w.security.recovery().request(&who(ADDRESS), &attempt()).await.unwrap();
    assert_eq!(w.run_worker().await.unwrap().sent, 3);
    for login in ["alice", "bob", "carol"] {
        let named = w.mailbox.to(ADDRESS).iter().filter(|mail| mail.text.contains(login)).count();
        assert_eq!(named, 1, "{login}");
    }
}

#[tokio::test]
async fn an_address_that_waits_for_confirmation_finds_nobody() {
    let w = World::new();
    let alice = alice(&w).await;
    let session = w.sign_in(&alice).await.unwrap();
    let new = Email::parse("new@example.com").unwrap();
    w.security.email().set(session.id, &new).await.unwrap();
    w.run_worker().await.unwrap();
    w.security.recovery().request(&who("new@example.com"), &attempt()).await.unwrap();
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.sent, pass.suppressed), (0, 1));
    assert!(w.mailbox.last_link("new@example.com").is_none() && w.mailbox.last_link(ADDRESS).is_none());
}

#[tokio::test]
async fn a_crash_between_the_links_of_a_request_doubles_none() {
    for call in 1..=12 {
        let store = Arc::new(FaultyStore::new(MemoryStore::new()));
        let policy = Policy::wialon_hosting();
        let options = WorldOptions { store: store.clone(), policy, ..WorldOptions::default() };
        let w = World::with(options);
        let account = w.account("demo").await.unwrap();
        for login in ["alice", "bob", "carol"] {
            w.user(&account, login, Some(ADDRESS)).await.unwrap();
        }
        w.security.recovery().request(&who(ADDRESS), &attempt()).await.unwrap();
        store.reset();
        store.fail(Method::Commit, call, Failure::Port);
        let _ = w.run_worker().await;
        store.reset();
        w.advance(w.security.policy().claim_life);
        w.run_worker().await.unwrap();
        let links = w.mailbox.to(ADDRESS);
        let tokens: std::collections::BTreeSet<_> = links.iter().map(|mail| mail.id).collect();
        assert_eq!(tokens.len(), 3, "commit {call} fails: one message for each login");
    }
}

#[tokio::test]
async fn no_key_and_no_dump_shows_who_asked() {
    let store = Arc::new(MemoryStore::new());
    let w = World::on(store.clone());
    w.security.recovery().request(&who("quitepeculiar"), &attempt()).await.unwrap();
    let dump = portcullis::testing::Dump::contents(&*store).await.unwrap().to_string();
    assert!(dump.contains("recovery_request") && !dump.contains("quitepeculiar"), "{dump}");
    w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    w.run_worker().await.unwrap();
    let dump = portcullis::testing::Dump::contents(&*store).await.unwrap().to_string();
    assert!(!dump.contains("quitepeculiar"), "{dump}");
}

#[tokio::test]
async fn a_weak_password_leaves_the_link() {
    let w = World::new();
    let _ = alice(&w).await;
    let token = link(&w, "alice").await;
    assert_eq!(set(&w, &token, "short").await, "weak_password");
    assert_eq!(set(&w, &token, "1q2w3e4r5t6y7u8i9o0p").await, "weak_password");
    let (new, other) = (password(NEW), password("eight quiet lanterns"));
    let answer = w.security.recovery().set_password(&token, &new, &other, &attempt()).await;
    assert_eq!(word(answer), "repeat_differs");
    let other = |(nth, c)| if nth < 22 { c } else { 'x' };
    let strange: String = token.expose().chars().enumerate().map(other).collect();
    let strange = LinkToken::parse(&strange).unwrap();
    assert_eq!(strange.challenge(), token.challenge());
    assert_eq!(set(&w, &strange, NEW).await, "challenge_dead", "another secret");
    assert_eq!(set(&w, &token, NEW).await, "ok");
}

#[tokio::test]
async fn what_was_asked_long_ago_is_mailed_to_nobody() {
    let w = World::new();
    alice(&w).await;
    w.security.recovery().request(&who(ADDRESS), &attempt()).await.unwrap();
    w.advance(w.security.policy().recovery_life);
    let pass = w.run_worker().await.unwrap();
    assert_eq!((pass.timed, pass.sent, pass.suppressed), (1, 0, 0));
    link(&w, ADDRESS).await; // and whoever asks again gets one
}

#[tokio::test]
async fn a_request_for_another_spelling_takes_no_login_its_own() {
    let w = World::new();
    let account = w.account("demo").await.unwrap();
    // A login that could be an address, though it is not the address of its user.
    w.user(&account, "Root@Example.com", Some(ADDRESS)).await.unwrap();
    w.security.recovery().request(&who("root@example.com"), &attempt()).await.unwrap();
    w.run_worker().await.unwrap();
    assert!(w.mailbox.last_link(ADDRESS).is_none(), "logins are compared as written");
    let token = link(&w, "Root@Example.com").await;
    assert_eq!(set(&w, &token, NEW).await, "ok");
}

#[tokio::test]
async fn however_an_address_is_written_its_user_is_mailed_five_links_an_hour() {
    let w = World::new();
    let alice = alice(&w).await;
    let loud = |nth: u8, at: usize| at < 3 && nth & (1 << at) != 0;
    for nth in 0..8 {
        let letters = ADDRESS.chars().enumerate();
        let spelling: String =
            letters.map(|(at, c)| if loud(nth, at) { c.to_ascii_uppercase() } else { c }).collect();
        assert_eq!(word(w.security.recovery().request(&who(&spelling), &attempt()).await), "ok");
        w.run_worker().await.unwrap();
    }
    let limit = w.security.policy().recovery_mails_per_user;
    assert_eq!((w.mailbox.to(ADDRESS).len(), limit.count), (5, 5));
    let refused = trail(&w, &alice).await.into_iter().filter(|line| line == "recovery_refused: too_soon");
    assert_eq!(refused.count(), 1, "told once in a window");
    assert!(w.security.recovery().peek(&w.mailbox.last_link(ADDRESS).unwrap()).await.is_ok());
    w.advance(limit.within);
    link(&w, ADDRESS).await;
    assert_eq!(w.mailbox.to(ADDRESS).len(), 6);
}

/// Asks for a link until there are no more, a minute apart; gives how many arrived.
async fn flood(w: &World, identifier: &str, times: usize) -> usize {
    let before = w.mailbox.mails().len();
    for _ in 0..times {
        assert_eq!(word(w.security.recovery().request(&who(identifier), &attempt()).await), "ok");
        w.run_worker().await.unwrap();
        w.advance(w.security.policy().recovery_cool_down);
    }
    w.mailbox.mails().len() - before
}

#[tokio::test]
async fn links_asked_for_while_blocked_cost_the_owner_none() {
    let w = World::new();
    let alice = alice(&w).await;
    w.security.accounts().set_blocked(alice.account, true).await.unwrap();
    assert_eq!(flood(&w, "alice", 6).await, 0);
    w.security.accounts().set_blocked(alice.account, false).await.unwrap();
    assert_eq!(flood(&w, "alice", 6).await, 5, "all of hers");
}

#[tokio::test]
async fn links_that_died_with_the_password_cost_the_owner_none() {
    let w = World::new();
    let alice = alice(&w).await;
    assert_eq!(flood(&w, "alice", 6).await, 5);
    w.security.manage(Actor::Program).end_sessions(alice.id).await.unwrap();
    let token = link(&w, "alice").await;
    assert_eq!(set(&w, &token, NEW).await, "ok");
}
