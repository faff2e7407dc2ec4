//! One address that two want.

use std::sync::Arc;

use super::kit::{Kit, at_once, must, word};
use crate::port::store::Store;

/// Two users confirm the same address at once: exactly one gets it; the other is told and keeps his code. The
/// address stays claimed for who had it when it is removed again.
pub async fn one_of_two_gets_the_address(store: &Arc<dyn Store>, nonce: u64) {
    const ROUNDS: usize = 5;
    for round in 0..ROUNDS {
        let kit = Kit::new(store, nonce, &format!("one_of_two_gets_the_address_{round}"));
        let account = kit.account().await;
        let address = kit.address("wanted");
        let mut both = Vec::new();
        for who in ["alice", "bob"] {
            let user = must("a user", kit.world.user(&account, &kit.login(who), None).await);
            let session = must("a sign-in", kit.world.sign_in(&user).await);
            let pending = must("the address", kit.world.security.email().set(session.id, &address).await);
            kit.mail().await;
            both.push((user, session, pending, kit.code_at(&address)));
        }
        kit.stage.line_up(both.len());
        let answers = at_once(both.iter().map(|(_, session, pending, code)| {
            let (security, source) = (kit.world.security.clone(), kit.source(1));
            let (session, pending, code) = (session.id, pending.id, code.clone());
            async move { security.email().confirm(session, pending, &code, &source).await }
        }))
        .await;
        let mut words: Vec<_> = answers.iter().map(word).collect();
        let holders = both.iter().zip(&answers).map(|((user, ..), answer)| (user.id, answer.is_ok()));
        for (id, won) in holders {
            let user = must("the user", kit.world.security.users().get(id).await);
            let holds = user.confirmed_email().is_some_and(|email| email.same_as(&address));
            assert_eq!(holds, won, "the answer tells who holds the address");
        }
        words.sort_unstable();
        assert_eq!(words, ["address_taken", "ok"], "one of two gets the address");

        let winner = answers.iter().find_map(|answer| answer.as_ref().ok()).expect("one won");
        must("clearing", kit.world.security.email().clear(winner.session.id).await);
        let lost = both.iter().zip(&answers).find(|(_, answer)| answer.is_err());
        let ((_, session, pending, code), _) = lost.expect("one lost");
        let again = kit.world.security.email().confirm(session.id, pending.id, code, &kit.source(1)).await;
        assert_eq!(
            word(&again),
            "address_taken",
            "the code of who lost was not spent, and the address is kept"
        );
    }
}
