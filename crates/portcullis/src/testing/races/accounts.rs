//! Payments and lifted blocks at once with others.

use std::sync::Arc;

use super::kit::{Kit, at_once, must, tally, times, word};
use crate::account::Payment;
use crate::id::PaymentId;
use crate::port::store::{Page, Store};
use crate::rights::Actor;

/// Payments recorded at once; each may have to try again for every other one.
const PAYMENTS: u32 = 6;

/// Payments to one account at once: every one of them counts, and one that is recorded twice at once counts once.
pub async fn payments_at_once_all_count(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "payments_at_once_all_count");
    let account = kit.account().await;
    let manage = kit.world.security.manage(Actor::Program);
    let callers = usize::try_from(PAYMENTS).unwrap_or(usize::MAX);
    kit.stage.line_up(callers);
    let answers = at_once((0..PAYMENTS).map(|nth| {
        // The first two are the same payment.
        let id = PaymentId::from_uuid(uuid::Uuid::from_u128(u128::from(nth.max(1))));
        let payment = Payment::new("races").days(1).amount(10).under(id);
        let (security, account) = (kit.world.security.clone(), account.id);
        async move { word(&security.manage(Actor::Program).pay(account, &payment).await) }
    }))
    .await;
    assert_eq!(times(&tally(answers), "ok"), callers, "every payment is recorded");
    let (counted, account) = (PAYMENTS - 1, account.id);
    let after = must("the account", manage.account(account).await);
    let expected = (i32::try_from(counted).unwrap_or(i32::MAX), i64::from(counted) * 10);
    assert_eq!((after.days.left, after.balance.amount), expected, "each counts, and none twice");
    let kept = must("the payments", manage.payments(account, Page { after: None, limit: 100 }).await);
    assert_eq!(u32::try_from(kept.len()), Ok(counted), "each leaves one record");
}

/// An account is blocked and the block lifted again while the code of a sign-in is about to be redeemed: the code is
/// from before the block, and is dead.
pub async fn a_lifted_block_ends_the_sign_in_under_way(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "a_lifted_block_ends_the_sign_in_under_way");
    let account = kit.account().await;
    let (user, session) = kit.two_factor(&account, "alice").await;
    let (pending, code) = kit.ask_and_mail(&user).await;
    let gate = kit.stage.hold("signed_in");
    let (security, attempt) = (kit.world.security.clone(), kit.attempt(1));
    let late =
        tokio::spawn(async move { word(&security.sign_in().code(pending.id, &code, &attempt, None).await) });
    gate.somebody_waits().await;
    let accounts = kit.world.security.accounts();
    for blocked in [true, false] {
        must("the block", accounts.set_blocked(account.id, blocked).await);
    }
    gate.open();
    let answer = must("the code", late.await);
    assert_eq!(answer, "challenge_dead", "the lift was answered first");
    let alive = kit.alive(&user).await;
    assert!(alive.is_empty(), "neither {:?} nor a new one outlives the block: {alive:?}", session.id);
}
