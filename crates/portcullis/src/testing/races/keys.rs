//! Messages sealed anew while they are sent.

use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{Kit, at_once, must};
use crate::message::Resealed;
use crate::port::store::{Page, Store};
use crate::testing::ambient::SeededRandom;

const PAGE: Page = Page { after: None, limit: 10 };

/// Adds a key that no other race has and makes it current; gives the one before.
fn rotate(kit: &Kit, random: &SeededRandom) -> String {
    let mut keys = kit.world.security.keyring();
    let old = keys.current().to_owned();
    must("a rotation", keys.rotate(random, kit.world.now()));
    kit.world.security.replace_keyring(keys);
    old
}

/// A code waits to be sent, sealed with a key of this race that is not current any more: the one that is given.
async fn waits_under_an_old_key(kit: &Kit) -> String {
    // What other races have left must not be waited for.
    kit.mail().await;
    let random = SeededRandom::new(kit.other_seed(1));
    rotate(kit, &random);
    let account = kit.account().await;
    let (_, session) = kit.user(&account, "alice").await;
    must("a code", kit.world.security.two_factor().ask(session.id, None).await);
    rotate(kit, &random)
}

async fn is_sent_once(kit: &Kit) {
    for wait in [TimeDelta::zero(), TimeDelta::minutes(1), TimeDelta::minutes(5)] {
        kit.world.advance(wait);
        kit.mail().await;
    }
    assert_eq!(kit.codes_mailed(&kit.address("alice")), 1, "the code is sent, and once");
}

/// A message is sent while it is sealed anew: whoever is first, it is sent once, and the one who was late changes
/// nothing.
pub async fn a_message_sealed_anew_is_sent_once(store: &Arc<dyn Store>, nonce: u64) {
    // Sealing anew is held until the message was sent.
    let kit = Kit::new(store, nonce, "sealed_late");
    let old = waits_under_an_old_key(&kit).await;
    let gate = kit.stage.hold("message_resealed");
    let late = {
        let (security, old) = (kit.world.security.clone(), old.clone());
        tokio::spawn(async move { security.reseal(&old, PAGE).await })
    };
    gate.somebody_waits().await;
    kit.mail().await;
    gate.open();
    let done = must("sealing anew", must("the late one", late.await));
    assert_eq!(done, Resealed::default(), "what was sent meanwhile is not sealed anew");
    is_sent_once(&kit).await;

    // The outcome is held while the message is to be sealed anew.
    let kit = Kit::new(store, nonce, "sealed_meanwhile");
    let old = waits_under_an_old_key(&kit).await;
    let gate = kit.stage.hold("message_sent");
    let worker = {
        let security = kit.world.security.clone();
        tokio::spawn(async move { security.worker().pass().await })
    };
    gate.somebody_waits().await;
    let done = must("sealing anew", kit.world.security.reseal(&old, PAGE).await);
    assert_eq!((done.sealed, done.left), (0, 1), "what a worker holds is left to it");
    gate.open();
    let pass = must("the pass", must("the worker", worker.await));
    assert_eq!(pass.failed, 0, "the outcome is kept: {pass:?}");
    is_sent_once(&kit).await;

    // Nobody sends meanwhile: several seal it anew, one does.
    let kit = Kit::new(store, nonce, "sealed_by_many");
    let old = waits_under_an_old_key(&kit).await;
    kit.stage.line_up(2);
    let both = at_once((0..2).map(|_| {
        let (security, old) = (kit.world.security.clone(), old.clone());
        async move { must("sealing anew", security.reseal(&old, PAGE).await) }
    }));
    let both = both.await;
    let sealed: u32 = both.iter().map(|done| done.sealed).sum();
    assert!(both.iter().all(|done| done.left == 0), "nothing is left: {both:?}");
    assert_eq!(sealed, 1, "one of two seals it anew: {both:?}");
    let mut keys = kit.world.security.keyring();
    must("retiring", keys.retire(&old));
    kit.world.security.replace_keyring(keys);
    is_sent_once(&kit).await;
}
