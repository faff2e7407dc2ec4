//! Mailed links opened, and asked for, by many at once.

use std::sync::Arc;

use super::kit::{CALLERS, Kit, at_once, must, only, tally, times, word};
use crate::port::store::Store;
use crate::recovery::Identifier;
use crate::secret::{LinkToken, Password};
use crate::user::User;

/// Rounds in which both sides simply run.
const ROUNDS: usize = 4;

fn new_password(nth: usize) -> Password {
    must("a password", Password::parse(format!("seven quiet lanterns {nth}"), "new"))
}

impl Kit {
    /// A recovery link, mailed.
    async fn recovery_link(&self, user: &User) -> LinkToken {
        let identifier = must("an identifier", Identifier::parse(user.login.as_str()));
        let asked = self.world.security.recovery().request(&identifier, &self.attempt(7)).await;
        must("a request", asked);
        self.mail().await;
        let address = user.confirmed_email().expect("the user has an address");
        self.world.mailbox.last_link(address.as_str()).expect("a link was mailed")
    }
}

/// Sixty-four callers bring one link, each with a password of its own: exactly one is set, and every session is over.
pub async fn one_link_sets_one_password(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "one_link");
    let account = kit.account().await;
    let (alice, _) = kit.user(&account, "alice").await;
    let token = kit.recovery_link(&alice).await;
    kit.stage.line_up(CALLERS);
    let answers = at_once((0..CALLERS).map(|nth| {
        let (security, token, new) = (kit.world.security.clone(), token.clone(), new_password(nth));
        let attempt = kit.attempt(u64::try_from(nth).unwrap_or(0));
        async move { word(&security.recovery().set_password(&token, &new, &new, &attempt).await) }
    }))
    .await;
    let won: Vec<_> = (0..CALLERS).filter(|nth| answers.get(*nth) == Some(&"ok")).collect();
    let answers = tally(answers);
    assert_eq!(times(&answers, "ok"), 1, "one link, one password: {answers:?}");
    only(&answers, &["ok", "challenge_dead"]);
    assert!(kit.alive(&alice).await.is_empty(), "no session outlives a recovery, and none comes of it");
    for nth in won {
        let sign_in = kit.world.security.sign_in();
        let answer = sign_in.start(&alice.login, &new_password(nth), &kit.attempt(0)).await;
        assert_eq!(word(&answer), "ok", "the password of the one who was told so");
    }
}

/// Sixty-four requests for one identifier at once: all are answered alike, and one link is mailed.
pub async fn requests_at_once_mail_one_link(store: &Arc<dyn Store>, nonce: u64) {
    for known in [true, false] {
        let kit = Kit::new(store, nonce, if known { "requests_known" } else { "requests_unknown" });
        let account = kit.account().await;
        let (alice, _) = kit.user(&account, "alice").await;
        let login = if known { alice.login.as_str().to_owned() } else { kit.login("nobody") };
        let identifier = must("an identifier", Identifier::parse(&login));
        kit.stage.line_up(CALLERS);
        let answers = at_once((0..CALLERS).map(|nth| {
            let (security, identifier) = (kit.world.security.clone(), identifier.clone());
            let attempt = kit.attempt(u64::try_from(nth).unwrap_or(0));
            async move { word(&security.recovery().request(&identifier, &attempt).await) }
        }))
        .await;
        only(&tally(answers), &["ok"]);
        kit.mail().await;
        let address = kit.address("alice");
        let mailed = kit.world.mailbox.to(address.as_str()).len();
        assert_eq!(mailed, usize::from(known), "known: {known}");
    }
}

/// A recovery against the code of a sign-in: whoever is faster, no session outlives the recovery.
pub async fn a_recovery_ends_the_sign_in_under_way(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..=ROUNDS {
        let kit = Kit::new(store, nonce, &format!("recovery_and_code_{round}"));
        let account = kit.account().await;
        let (alice, _) = kit.two_factor(&account, "alice").await;
        let token = kit.recovery_link(&alice).await;
        let (pending, code) = kit.ask_and_mail(&alice).await;
        let redeem = {
            let (security, attempt) = (kit.world.security.clone(), kit.attempt(1));
            async move { word(&security.sign_in().code(pending.id, &code, &attempt, None).await) }
        };
        let recover = {
            let (security, attempt, new) = (kit.world.security.clone(), kit.attempt(2), new_password(round));
            async move { word(&security.recovery().set_password(&token, &new, &new, &attempt).await) }
        };
        let held = round == ROUNDS;
        let answer = if held {
            let gate = kit.stage.hold("signed_in");
            let late = tokio::spawn(redeem);
            gate.somebody_waits().await;
            assert_eq!(recover.await, "ok", "nothing holds a recovery up");
            gate.open();
            late.await
        } else {
            let racing = tokio::spawn(redeem);
            assert_eq!(recover.await, "ok", "nothing holds a recovery up");
            racing.await
        };
        let answer = must("the code", answer);
        assert!(["ok", "challenge_dead"].contains(&answer), "no order gives {answer}");
        assert!(!held || answer == "challenge_dead", "the recovery was answered first");
        assert!(kit.alive(&alice).await.is_empty(), "no session outlives the recovery");
    }
}
