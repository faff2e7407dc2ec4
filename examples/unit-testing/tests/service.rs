//! The service from its door to its fleet, also while its store or its mail server fails.

#![expect(clippy::panic, reason = "a test fails by panicking, in its helpers too")]

use chrono::TimeDelta;
use portcullis::id::ChallengeId;
use portcullis::testing::block_on;
use portcullis::testing::faulty::{Failure, Method};
use portcullis::testing::sync::World;
use portcullis::testing::usual::{PASSWORD, source};
use unit_testing::door::{self, Answer};
use unit_testing::fleet::{Fleet, Stays};

fn sign_in(w: &World, login: &str, password: &str) -> Answer {
    block_on(door::sign_in(w.security(), login, password, source()))
}

/// Sends the password of a user who is asked for a code.
fn ask(w: &World, login: &str) -> ChallengeId {
    let answer = sign_in(w, login, PASSWORD);
    let Answer::AskCode { challenge, .. } = answer else { panic!("a code is asked, not {answer:?}") };
    challenge
}

fn cookie(answer: Answer) -> String {
    let Answer::SeeFleet { cookie } = answer else { panic!("the fleet comes next, not {answer:?}") };
    cookie
}

#[test]
fn who_brings_the_code_sends_a_van_out_once() {
    let (w, mut fleet) = (World::new(), Fleet::of(&["AB-1234"]));
    let alice = w.user("alice").two_factor_email().create();
    let challenge = ask(&w, "alice");
    let code = w.last_code(&alice);
    let cookie = cookie(block_on(door::code(w.security(), challenge, code.expose(), source())));
    assert_eq!(block_on(fleet.send_out(w.security(), &cookie, "AB-1234")), Ok(()));
    assert_eq!(fleet.sent_by("AB-1234"), Some(alice.id));
    assert_eq!(block_on(fleet.send_out(w.security(), &cookie, "AB-1234")), Err(Stays::NotHere));
}

#[test]
fn the_form_says_how_many_tries_are_left_and_nothing_of_who_exists() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    let wrong = Answer::Again { why: "bad_credentials", left: None };
    for (login, password) in [("alice", "a wrong password"), ("nobody", PASSWORD)] {
        assert_eq!(sign_in(&w, login, password), wrong);
    }
    assert_eq!(w.audit(&alice).assert_has("sign_in_refused").reason.as_deref(), Some("wrong_password"));
    let challenge = ask(&w, "alice");
    let code = w.wrong_code(&alice);
    let again = block_on(door::code(w.security(), challenge, code.expose(), source()));
    assert_eq!(again, Answer::Again { why: "wrong_code", left: Some(4) });
    assert_eq!(block_on(door::code(w.security(), challenge, "12", source())), Answer::BadInput);
}

#[test]
fn a_session_that_was_ended_or_grew_old_sends_nothing_out() {
    let (w, mut fleet) = (World::new(), Fleet::of(&["AB-1234"]));
    let alice = w.user("alice").two_factor_email().create();
    let session = w.session(&alice);
    let cookie = w.security().sessions().token(session.id);
    w.advance(w.policy().session_fresh);
    assert_eq!(block_on(fleet.send_out(w.security(), &cookie, "AB-1234")), Err(Stays::Stale));
    w.run(w.security().sessions().sign_out(session.id)).done();
    assert_eq!(block_on(fleet.send_out(w.security(), &cookie, "AB-1234")), Err(Stays::SignedOut));
    assert_eq!(block_on(fleet.send_out(w.security(), "forged", "AB-1234")), Err(Stays::SignedOut));
}

#[test]
fn a_store_that_is_down_is_later_and_opens_nothing() {
    let w = World::new();
    let alice = w.user("alice").create();
    w.store().fail(Method::Read, w.store().reads() + 1, Failure::Port);
    assert_eq!(sign_in(&w, "alice", PASSWORD), Answer::Later);
    w.audit(&alice).assert_lacks("signed_in");
    // The answer of a commit that happened is lost: the engine asks again and lets in once.
    w.store().fail(Method::Commit, w.store().commits() + 1, Failure::UnknownAfter);
    cookie(sign_in(&w, "alice", PASSWORD));
    assert_eq!(w.audit(&alice).count("signed_in"), 1);
}

#[test]
fn the_days_of_a_customer_run_out_while_nobody_looks() {
    let (w, mut fleet) = (World::new(), Fleet::of(&["AB-1234"]));
    let boss = w.user("boss").two_factor_email().notices().days_left(2).create();
    let cookie = w.security().sessions().token(w.session(&boss).id);
    for _ in 0..2 {
        w.run_worker();
        w.next_day();
    }
    w.run_worker();
    assert_eq!(w.mail(&boss).count("blocking_notice"), 2);
    assert_eq!(block_on(fleet.send_out(w.security(), &cookie, "AB-1234")), Err(Stays::SignedOut));
    w.advance(TimeDelta::minutes(1));
    assert_eq!(sign_in(&w, "boss", PASSWORD), Answer::Again { why: "bad_credentials", left: None });
}
