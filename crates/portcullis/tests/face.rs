//! A test of a host that fails says so on its own line: each word of the synchronous world that expects something.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};

use portcullis::testing::sync::World;

#[test]
fn what_was_not_expected_points_at_the_line_of_the_test() {
    let w = World::new();
    let alice = w.user("alice").two_factor_email().create();
    let bob = w.user("bob").create();
    let failing: &[&dyn Fn()] = &[
        &|| drop(w.sign_in(&alice).admitted()),
        &|| drop(w.sign_in(&alice).refused()),
        &|| drop(w.sign_in(&bob).refused()),
        &|| drop(w.sign_in(&bob).code_required()),
        &|| drop(w.sign_in_with(&bob, "another").to_the_end()),
        &|| drop(w.sign_in_with(&bob, "another").admitted()),
        &|| drop(w.sign_in_with(&bob, "")),
        &|| drop(w.run(w.security().users().get(bob.id)).refused()),
        &|| drop(w.run(w.security().users().get(bob.id)).failed()),
        &|| drop(w.enable_email_factor(&bob).done()),
        &|| drop(w.enable_sms(&bob, "7").done()),
        &|| drop(w.set_email(&bob, "nowhere").done()),
        &|| drop(w.last_code(&bob)),
        &|| drop(w.wrong_code(&bob)),
        &|| drop(w.mail(&bob).last_of("email_undo").clone()),
        &|| assert_eq!(w.mail(&bob).count("email_undone"), 0),
        &|| w.mail(&bob).assert_kinds(["email_undo"]),
        &|| drop(w.audit(&bob).assert_has("signed_out").clone()),
        &|| w.audit(&bob).assert_lacks("user_created"),
        &|| drop(w.user("").create()),
        &|| drop(w.user("bob").create()),
        &|| drop(w.user("a b").confirmed_email()),
        &|| drop(w.user("eve").time_zone("Nowhere/None")),
        &|| drop(w.user("eve").in_account(bob.account).blocked()),
        &|| drop(w.account("").create()),
        &|| portcullis::testing::block_on(core::future::pending::<()>()),
    ];
    let places = Arc::new(Mutex::new(Vec::new()));
    let (kept, before) = (Arc::clone(&places), take_hook());
    set_hook(Box::new(move |info| {
        kept.lock().unwrap().extend(info.location().map(|at| at.file().to_owned()));
    }));
    let ended: Vec<_> = failing.iter().map(|test| catch_unwind(AssertUnwindSafe(test)).is_err()).collect();
    set_hook(before);
    assert_eq!(ended, vec![true; failing.len()], "each fails");
    let elsewhere: Vec<_> = places
        .lock()
        .unwrap()
        .iter()
        .enumerate()
        .filter(|(_, file)| !file.ends_with("face.rs"))
        .map(|(nth, file)| (nth, file.clone()))
        .collect();
    assert_eq!(elsewhere, [], "each fails in its test");
}
