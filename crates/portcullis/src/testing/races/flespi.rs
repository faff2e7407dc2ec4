//! Flespi tokens handed over, issued and given up by many at once.

use std::sync::Arc;

use super::kit::{CALLERS, Kit, at_once, must, only, tally, times, word};
use crate::flespi::FlespiState;
use crate::port::store::Store;
use crate::testing::flespi::Call;

/// Sixty-four callers bring one nonce, each with a login of its own: one is taken, and one token is issued and left.
pub async fn one_nonce_gives_one_token(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_nonce");
    let account = kit.account().await;
    let (alice, session) = kit.user(&account, "alice").await;
    let flespi = kit.world.flespi.clone();
    let hand_off = must("a hand-off", kit.world.security.flespi().begin(session.id).await);
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|_| {
        let (security, brought) = (kit.world.security.clone(), hand_off.nonce.clone());
        let message = flespi.log_in("eu");
        async move { word(&security.flespi().redeem(session.id, brought.expose(), message).await) }
    }))
    .await;
    let answers = tally(answers);
    assert_eq!(times(&answers, "ok"), 1, "one nonce, one login: {answers:?}");
    only(&answers, &["ok", "hand_off_dead"]);
    assert_eq!(flespi.count(Call::Issue), 1, "one login, one token");
    kit.mail().await;
    assert_eq!(flespi.issued().len(), 1, "and it is left");
    let opened = kit.world.security.flespi().token(alice.id, "race").await;
    assert_eq!(word(&opened), "ok", "and kept");
}

/// A disconnection against the token that is being issued: whoever was answered first, no token is kept or left that
/// nobody wants.
pub async fn a_disconnection_beats_the_token_under_way(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "flespi_disconnected");
    let account = kit.account().await;
    let (alice, session) = kit.user(&account, "alice").await;
    let (security, flespi) = (kit.world.security.clone(), kit.world.flespi.clone());
    let hand_off = must("a hand-off", security.flespi().begin(session.id).await);
    let gate = kit.stage.hold("flespi_connected");
    let late = {
        let (security, message) = (security.clone(), flespi.log_in("eu"));
        tokio::spawn(async move {
            let redeemed = security.flespi().redeem(session.id, hand_off.nonce.expose(), message).await;
            redeemed.map(|flespi| flespi.state)
        })
    };
    gate.somebody_waits().await;
    assert_eq!(flespi.issued().len(), 1, "it is issued, and not kept yet");
    must("a disconnection", security.flespi().disconnect(session.id).await);
    gate.open();
    let answer = must("the late one", must("the task", late.await));
    assert_eq!(answer, FlespiState::Connecting, "it keeps nothing, and says so");
    let opened = security.flespi().token(alice.id, "race").await;
    assert_eq!(word(&opened), "not_connected", "the disconnection was answered first");
    kit.mail().await;
    assert_eq!(flespi.issued().len(), 0, "nothing is left at flespi");
}
