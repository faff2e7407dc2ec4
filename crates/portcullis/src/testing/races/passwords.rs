//! Passwords guessed in parallel.

use std::sync::Arc;

use super::kit::{Answers, CALLERS, Kit, at_once, must, only, password, tally, times, word, wrong_password};
use crate::port::store::Store;
use crate::sign_in::SignInResult;
use crate::user::{Login, User};

/// Wrong passwords judged from one source in a minute, and for one user before the first wait.
const JUDGED: usize = 10;

impl Kit {
    /// Sixty-four wrong passwords at once, from one source or from as many as there are callers.
    async fn knock(&self, login: &Login, sources: u64) -> Answers {
        self.stage.line_up(CALLERS);
        let answers = at_once((0..CALLERS).map(|nth| {
            let (security, login, password) = (self.world.security.clone(), login.clone(), wrong_password());
            let attempt = self.attempt(1000 + u64::try_from(nth).unwrap_or(0) % sources);
            async move { word(&security.sign_in().start(&login, &password, &attempt).await) }
        }))
        .await;
        tally(answers)
    }

    async fn plain_user(&self, who: &str) -> User {
        let account = self.account().await;
        must("a user", self.world.user(&account, &self.login(who), None).await)
    }
}

/// Sixty-four wrong passwords from one source: exactly ten are judged, for a login that exists and for one that does
/// not, and then nothing from there is.
pub async fn wrong_passwords_from_one_source_stop_at_ten(store: &Arc<dyn Store>, nonce: u64) {
    for known in [true, false] {
        let name = if known { "one_source_known" } else { "one_source_unknown" };
        let kit = Kit::new(store, nonce, name);
        let alice = kit.plain_user("alice").await;
        let login = if known { alice.login.clone() } else { unknown(&kit) };
        let answers = kit.knock(&login, 1).await;
        assert_eq!(times(&answers, "bad_credentials"), JUDGED, "known: {known}, {answers:?}");
        only(&answers, &["bad_credentials", "too_many_attempts"]);
        let right = kit.world.security.sign_in().start(&alice.login, &password(), &kit.attempt(1000)).await;
        assert_eq!(word(&right), "too_many_attempts", "the source has to wait, whoever knocks");
    }
}

/// Sixty-four wrong passwords from as many sources: exactly ten are judged before strangers have to wait, for a login
/// that exists and for one that does not; the browser that is known still gets in.
pub async fn wrong_passwords_from_many_sources_stop_at_ten(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "many_sources_known");
    let alice = kit.plain_user("alice").await;
    let sign_in = kit.world.security.sign_in();
    let device = match must("a sign-in", sign_in.start(&alice.login, &password(), &kit.attempt(0)).await) {
        SignInResult::Admitted(admission) => admission.device,
        SignInResult::CodeRequired { .. } => panic!("no code is asked"),
    };
    let sources = u64::try_from(CALLERS).unwrap_or(1);
    let answers = kit.knock(&alice.login, sources).await;
    assert_eq!(times(&answers, "bad_credentials"), JUDGED, "{answers:?}");
    only(&answers, &["bad_credentials", "too_many_attempts"]);
    let stranger = sign_in.start(&alice.login, &password(), &kit.attempt(1)).await;
    assert_eq!(word(&stranger), "too_many_attempts", "strangers have to wait");
    let known = sign_in.start(&alice.login, &password(), &kit.attempt(2).with_device(device)).await;
    assert_eq!(word(&known), "ok", "the known browser does not wait for strangers");

    let kit = Kit::new(store, nonce, "many_sources_unknown");
    let answers = kit.knock(&unknown(&kit), sources).await;
    assert_eq!(times(&answers, "bad_credentials"), JUDGED, "an unknown login waits alike: {answers:?}");
}

fn unknown(kit: &Kit) -> Login {
    must("a login", Login::parse(&kit.login("nobody")))
}
