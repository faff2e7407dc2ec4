//! Codes asked for in parallel.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{CALLERS, Kit, at_once, only, password, tally, times, word};
use crate::error::Error;
use crate::port::store::Store;
use crate::sign_in::SignInResult;

/// Sends of one challenge, the first included.
const SENDS: usize = 5;

/// Sixty-four tasks ask for the same code again: none within the cool-down, one after it, five in all; only the last
/// code is worth anything.
pub async fn resends_are_spaced_and_counted(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "resends_are_spaced_and_counted");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    let address = kit.address("alice");
    let before = kit.codes_mailed(&address);
    let (pending, first) = kit.ask_and_mail(&user).await;
    let mut codes = vec![first];
    let resend = async || {
        kit.stage.line_up(CALLERS);
        let answers = at_once((0..CALLERS).map(|_| {
            let (security, attempt) = (kit.world.security.clone(), kit.attempt(1));
            async move { word(&security.sign_in().resend(pending.id, &attempt).await) }
        }));
        tally(answers.await)
    };
    let early = resend().await;
    assert_eq!(times(&early, "too_soon"), CALLERS, "nothing is sent within the cool-down: {early:?}");
    for _ in 1..SENDS {
        kit.world.advance(TimeDelta::seconds(60));
        let answers = resend().await;
        assert_eq!(times(&answers, "ok"), 1, "one send in each cool-down: {answers:?}");
        only(&answers, &["ok", "too_soon", "no_sends_left"]);
        kit.mail().await;
        codes.push(kit.code_at(&address));
    }
    kit.world.advance(TimeDelta::seconds(60));
    let late = resend().await;
    assert_eq!(times(&late, "no_sends_left"), CALLERS, "no more sends: {late:?}");
    kit.mail().await;
    assert_eq!(kit.codes_mailed(&address) - before, SENDS, "so many codes arrived");
    let last = codes.pop().expect("there is a last code");
    let sign_in = kit.world.security.sign_in();
    for old in &codes {
        let answer = sign_in.code(pending.id, old, &kit.attempt(1), None).await;
        assert_eq!(word(&answer), "wrong_code", "a code that was sent again is dead");
    }
    assert_eq!(word(&sign_in.code(pending.id, &last, &kit.attempt(1), None).await), "ok");
}

/// Sixty-four sign-ins while three mailed codes are left in the budget: exactly three are asked for a code, and exactly
/// the budget is mailed.
pub async fn mailed_codes_stop_at_the_budget(store: &Arc<dyn Store>, nonce: u64) {
    const BUDGET: usize = 10;
    const LEFT: usize = 3;
    let kit = Kit::new(store, nonce, "mailed_codes_stop_at_the_budget");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    let address = kit.address("alice");
    while kit.codes_mailed(&address) < BUDGET - LEFT {
        kit.ask_and_mail(&user).await;
    }
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|nth| {
        let (security, login, password) = (kit.world.security.clone(), user.login.clone(), password());
        let attempt = kit.attempt(u64::try_from(nth).unwrap_or(0));
        async move {
            match security.sign_in().start(&login, &password, &attempt).await {
                Ok(SignInResult::CodeRequired { .. }) => "code_required",
                Ok(SignInResult::Admitted(_)) => "admitted",
                Err(error) => word(&Err::<(), Error>(error)),
            }
        }
    }))
    .await;
    let answers = tally(answers);
    assert_eq!(times(&answers, "code_required"), LEFT, "exactly the rest is spent: {answers:?}");
    only(&answers, &["code_required", "too_soon"]);
    kit.mail().await;
    assert_eq!(kit.codes_mailed(&address), BUDGET, "exactly the budget is mailed");
}
