//! Four rules of an account's security, as a host's tests say them.

use portcullis::testing::sync::World;

#[test]
fn five_wrong_codes_lock() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    let s = w.sign_in(&alice).code_required();
    for _ in 0..5 {
        s.enter(w.wrong_code(&alice)).refused();
    }
    assert_eq!(s.enter(w.last_code(&alice)).refused().code(), "locked");
}

#[test]
fn one_notice_on_day_five() {
    let w = World::new();
    let alice = w.user("alice").confirmed_email().notices().days_left(6).create();
    w.next_day().run_worker();
    w.run_worker();
    assert_eq!(w.mail(&alice).count("blocking_notice"), 1);
}

#[test]
fn sms_names_every_gate() {
    let w = World::new();
    let alice = w.user("alice").sms_service(false).can_send_sms(false).create();
    assert_eq!(w.enable_sms(&alice, "+37120000000").refused().missing(), ["service_sms", "send_sms"]);
}

#[test]
fn smtp_down_nothing_lost() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    w.smtp().down();
    let s = w.sign_in(&alice).code_required();
    w.run_worker();
    assert_eq!(w.waiting(&alice), ["sign_in_code"]);
    w.smtp().up();
    w.advance(w.policy().send_retry_first).run_worker();
    s.enter(w.last_code(&alice)).admitted();
}
