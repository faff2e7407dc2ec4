//! What the synchronous world promises a host's tests, and what it says when a test expected something else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;

use super::World;
use crate::policy::Policy;
use crate::port::message::SendError;
use crate::testing::faulty::{Failure, Method};
use crate::user::Method as Factor;

/// What a test that fails says.
fn said(test: impl FnOnce()) -> String {
    let hook = catch_unwind(AssertUnwindSafe(test)).expect_err("the test fails");
    match hook.downcast::<String>() {
        Ok(said) => *said,
        Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[test]
fn five_wrong_codes_lock() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    let s = w.sign_in(&alice).code_required();
    for left in [Some(4), Some(3), Some(2), Some(1), Some(0)] {
        assert_eq!(s.enter(w.wrong_code(&alice)).refused().attempts_left(), left);
    }
    assert_eq!(s.enter(w.last_code(&alice)).refused().code(), "locked");
}

#[test]
fn one_notice_each_day_from_day_five() {
    let w = World::new();
    let alice = w.user("alice").confirmed_email().notices().days_left(6).create();
    w.run_worker();
    w.mail(&alice).assert_none();
    for day in 1..=5 {
        w.next_day().run_worker();
        w.run_worker();
        assert_eq!(w.mail(&alice).count("blocking_notice"), day);
    }
    w.next_day().run_worker();
    assert_eq!(w.mail(&alice).count("blocking_notice"), 5, "blocked: nothing more is told");
    assert_eq!(w.sign_in(&alice).refused().code(), "bad_credentials");
}

#[test]
fn sms_names_every_gate() {
    let w = World::new();
    let alice = w.user("alice").sms_service(false).can_send_sms(false).create();
    assert_eq!(w.enable_sms(&alice, "+37120000000").refused().missing(), ["service_sms", "send_sms"]);
    let bob = w.user("bob").created_by(&alice).create();
    assert_eq!(w.enable_sms(&bob, "+37120000000").refused().missing(), ["send_sms_above"]);
    let carol = w.user("carol").create();
    w.enable_sms(&carol, "+37120000000").done().enter(w.last_code(&carol)).admitted();
    assert_eq!(w.stored(&carol).two_factor, Factor::Sms);
}

#[test]
fn smtp_down_nothing_lost() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    w.smtp().down();
    let s = w.sign_in(&alice).code_required();
    assert_eq!(w.run_worker().postponed, 1);
    assert_eq!(w.waiting(&alice), ["sign_in_code"]);
    w.mail(&alice).assert_none();
    w.smtp().up();
    w.advance(w.policy().send_retry_first).run_worker();
    w.mail(&alice).assert_kinds(["sign_in_code"]);
    assert_eq!(w.waiting(&alice), [""; 0]);
    s.enter(w.last_code(&alice)).admitted();
    w.audit(&alice).assert_has("signed_in");
}

#[test]
fn every_state_is_as_if_its_user_had_brought_it_about() {
    let w = World::new();
    let by_sms = w.user("alice").two_factor_sms("+37120000045").create();
    let s = w.sign_in(&by_sms).code_required();
    assert_eq!((s.pending().channel.name(), s.user()), ("sms", by_sms.id));
    s.enter(w.last_code(&by_sms)).admitted();
    w.sms(&by_sms).assert_kinds(["sign_in_code"]);
    let (off, shut) = (w.user("off").disabled().create(), w.user("shut").blocked().create());
    let gone = w.user("gone").days_left(0).create();
    let none = w.user("none").without_password().create();
    for person in [&off, &shut, &gone, &none] {
        assert_eq!(w.sign_in(person).refused().code(), "bad_credentials", "{}", person.login);
    }
    let reasons: Vec<_> = [&off, &shut, &gone, &none]
        .map(|who| w.audit(who).assert_has("sign_in_refused").reason.clone())
        .into();
    assert_eq!(reasons, ["disabled", "blocked", "blocked", "no_password"].map(|why| Some(why.into())));
    let invited = w.user("dora").invited("dora@example.com").create();
    w.run_worker();
    assert!(w.mail(&invited).last_link().is_some());
    let short = w.user("short").password("short pass").two_factor_email().create();
    let session = w.session(&short);
    let no = w.run(w.security().two_factor().disable(session.id)).refused();
    assert_eq!(no.code(), "weak_password", "a short password is not stored as one that stands alone");
    let top = w.account("top").create();
    let low = w.account("low").under(&top).time_zone("Europe/Riga").blocked().create();
    let inside = w.user("erin").in_account(low.id).external_id("e-1").create();
    let stored = w.stored(&inside);
    assert_eq!((stored.tenant, stored.time_zone.name()), (top.id, "Europe/Riga"));
    assert_eq!(w.run(w.security().users().by_external_id(top.id, "e-1")).done().id, inside.id);
}

#[test]
fn the_newest_code_is_found_whatever_it_came_by_and_whoever_shares_the_address() {
    let w = World::builder().policy(Policy { email_unique: false, ..Policy::default() }).build();
    let alice = w.user("alice").email("both@example.com").phone("+37120000045").two_factor_email().create();
    let bob = w.user("bob").email("both@example.com").two_factor_email().create();
    let (of_alice, of_bob) = (w.sign_in(&alice).code_required(), w.sign_in(&bob).code_required());
    of_alice.enter(w.last_code(&alice)).admitted();
    of_bob.enter(w.last_code(&bob)).admitted();
    assert_eq!((w.mail(&alice).len(), w.mail(&bob).len()), (1, 1));
    w.enable_sms(&alice, "+37120000045").done().enter(w.last_code(&alice)).admitted();
    w.advance(TimeDelta::minutes(2));
    w.sign_in(&alice).to_the_end();
    assert_eq!(w.sms(&alice).kinds(), ["two_factor_code", "sign_in_code"]);
}

#[test]
fn a_session_is_used_again_while_it_is_fresh() {
    let w = World::new();
    let alice = w.user("alice").confirmed_email().create();
    let first = w.session(&alice);
    assert_eq!(w.session(&alice).id, first.id);
    w.advance(w.policy().session_fresh);
    let second = w.session(&alice);
    assert_ne!(second.id, first.id);
    let third = w.enable_email_factor(&alice).done().enter(w.last_code(&alice)).admitted();
    assert_eq!(w.session(&alice).id, third.id, "the session that goes on is the newest");
    w.set_email(&alice, "new@example.com").done().enter(w.last_code(&alice)).admitted();
    assert_eq!(w.stored(&alice).confirmed_email().unwrap().as_str(), "new@example.com");
}

#[test]
fn a_store_that_fails_is_told_apart_from_a_rule_that_says_no() {
    let w = World::new();
    let alice = w.user("alice").create();
    w.store().fail(Method::Read, w.store().reads() + 1, Failure::Port);
    assert_eq!(w.run(w.security().users().get(alice.id)).failed().to_string(), "store: failed on order");
    w.store().fail(Method::Commit, w.store().commits() + 1, Failure::Conflict);
    w.sign_in(&alice).admitted();
}

#[test]
fn what_a_test_did_not_expect_is_told_with_what_happened() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    let bob = w.user("bob").create();
    let code = || w.sign_in(&alice).code_required();
    let step = code();
    let wrong = || step.enter(w.wrong_code(&alice));
    for (said, expected) in [
        (said(|| drop(w.sign_in(&bob).refused())), "expected a refusal, but he was admitted"),
        (said(|| drop(w.sign_in(&alice).refused())), "expected a refusal, but a code is asked, by email"),
        (
            said(|| drop(w.sign_in(&alice).admitted())),
            "expected to be admitted, but a code is asked, by email",
        ),
        (
            said(|| drop(w.sign_in_with(&bob, "another").admitted())),
            "expected to be admitted, but it was refused `bad_credentials`: the login or the password is wrong",
        ),
        (
            said(|| drop(wrong().admitted())),
            "expected it to be done, but it was refused `wrong_code`: the code is wrong; attempts left: 4",
        ),
        (
            said(|| drop(w.enable_sms(&w.user("x").sms_service(false).create(), "+37120000000").done())),
            "expected it to be done, but it was refused `not_allowed`: this is not allowed; missing: service_sms",
        ),
        (said(|| drop(w.last_code(&bob))), "no code arrived: there arrived nothing, and there waits nothing"),
        (
            said(|| assert_eq!(w.mail(&alice).count("blocking_notise"), 0)),
            "no message is called `blocking_notise`; there are sign_in_code, ",
        ),
        (
            said(|| w.mail(&bob).assert_kinds(["email_undo"])),
            "expected email_undo for bob, but there is nothing",
        ),
        (
            said(|| drop(w.audit(&bob).assert_has("signed_out").clone())),
            "the trail of bob has no `signed_out`, but user_created, signed_in (password), sign_in_refused (wrong_password)",
        ),
        (said(|| drop(w.user("bob").create())), "it was refused `login_taken`: the login is taken"),
        (said(|| drop(w.user("eve").email("nowhere"))), "\"nowhere\": "),
        (
            said(|| drop(w.user("eve").in_account(bob.account).days_left(3))),
            "eve lives in an account that there is: say days_left where that is made",
        ),
    ] {
        assert!(said.contains(expected), "{said:?} lacks {expected:?}");
    }
    assert!(!format!("{:?} {alice:?} {step:?}", wrong()).contains("correct horse"));
}

#[test]
fn a_host_without_sms_and_one_seed_are_what_they_say() {
    let ids = |seed| World::builder().seed(seed).build().user("alice").create().id;
    assert_eq!(ids(1), ids(1));
    assert_ne!(ids(1), ids(2));
    let w = World::builder().without_sms().product("Fleet").build();
    let alice = w.user("alice").create();
    assert_eq!(w.enable_sms(&alice, "+37120000000").refused().missing(), ["policy"]);
    w.gateway().down_with(SendError::Permanent { detail: "no" });
    assert_eq!(w.gateway().calls(), 0);
}
