//! One right code in many hands.

use std::sync::Arc;

use super::kit::{CALLERS, Kit, at_once, must, only, tally, times, word};
use crate::port::store::Store;

/// Sixty-four tasks bring the one right code of a sign-in: exactly one is admitted, and one session is opened.
pub async fn one_code_admits_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_code_admits_once");
    let (user, first) = kit.two_factor(&kit.account().await, "alice").await;
    let (pending, code) = kit.ask_and_mail(&user).await;
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|nth| {
        let (security, code) = (kit.world.security.clone(), code.clone());
        let attempt = kit.attempt(u64::try_from(nth).unwrap_or(0));
        async move { word(&security.sign_in().code(pending.id, &code, &attempt, None).await) }
    }))
    .await;
    let answers = tally(answers);
    assert_eq!(times(&answers, "ok"), 1, "one code admits once: {answers:?}");
    only(&answers, &["ok", "challenge_dead"]);
    assert_eq!(kit.alive(&user).await.len(), 2, "the code opened one session beside {}", first.id);
}

/// Sixty-four tasks of one session bring the one right code of a new address: exactly one confirms it.
pub async fn one_code_confirms_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_code_confirms_once");
    let (user, session) = kit.user(&kit.account().await, "bob").await;
    let new = kit.address("new");
    let pending = must("a new address", kit.world.security.email().set(session.id, &new).await);
    kit.mail().await;
    let code = kit.code_at(&new);
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|_| {
        let (security, code, source) = (kit.world.security.clone(), code.clone(), kit.source(1));
        async move { word(&security.email().confirm(session.id, pending.id, &code, &source).await) }
    }))
    .await;
    let answers = tally(answers);
    assert_eq!(times(&answers, "ok"), 1, "one code confirms once: {answers:?}");
    // The session that asked goes on under a fresh id, so who comes late may find it over.
    only(&answers, &["ok", "challenge_dead", "signed_out"]);
    assert_eq!(kit.alive(&user).await.len(), 1, "one session goes on");
    kit.mail().await;
    assert_eq!(kit.world.mailbox.to(new.as_str()).len(), 2, "one code and one notice arrive");
}

/// Sixty-four tasks of one session bring the one right code that switches two-factor authentication on: exactly one
/// does.
pub async fn one_code_switches_on_once(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_code_switches_on_once");
    let (user, session) = kit.user(&kit.account().await, "carol").await;
    let pending = must("asking", kit.world.security.two_factor().ask(session.id, None).await);
    kit.mail().await;
    let code = kit.code_at(&kit.address("carol"));
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|_| {
        let (security, code, source) = (kit.world.security.clone(), code.clone(), kit.source(1));
        async move { word(&security.two_factor().enable(session.id, pending.id, &code, &source).await) }
    }))
    .await;
    let answers = tally(answers);
    assert_eq!(times(&answers, "ok"), 1, "one code switches on once: {answers:?}");
    only(&answers, &["ok", "challenge_dead", "signed_out"]);
    assert_eq!(kit.alive(&user).await.len(), 1, "one session goes on");
}
