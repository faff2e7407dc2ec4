//! Password changes against each other, and against a sign-in.

use std::sync::Arc;

use super::kit::{Kit, at_once, must, only, password, tally, times, word};
use crate::error::Error;
use crate::port::store::Store;
use crate::secret::Password;
use crate::session::CurrentSession;
use crate::sign_in::Attempt;

/// How many change a password at once: fewer than the wrong passwords that one user may give.
const CHANGERS: usize = 8;
/// Rounds in which a change and a sign-in simply run.
const ROUNDS: usize = 4;

fn new_password(nth: usize) -> Password {
    must("a password", Password::parse(format!("{nth} seven quiet lanterns"), "new"))
}

async fn change(
    security: crate::Portcullis,
    session: CurrentSession,
    nth: usize,
    attempt: Attempt,
) -> Result<CurrentSession, Error> {
    let new = new_password(nth);
    security.password().change(session.id, &password(), &new, &new, &attempt).await
}

/// Eight sessions of one user change the password at once, each knowing the current one: exactly one does, and its
/// password and its session are the ones that count.
pub async fn one_of_many_changes_the_password(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "password_changes");
    let account = kit.account().await;
    let (user, first) = kit.user(&account, "alice").await;
    let mut sessions = vec![first];
    while sessions.len() < CHANGERS {
        sessions.push(must("a sign-in", kit.world.sign_in(&user).await));
    }
    kit.stage.line_up(CHANGERS);
    let callers = sessions.into_iter().enumerate().map(|(nth, session)| {
        let (security, attempt) = (kit.world.security.clone(), kit.attempt(u64::try_from(nth).unwrap_or(0)));
        async move { (nth, change(security, session, nth, attempt).await) }
    });
    let results = at_once(callers).await;
    let answers = tally(results.iter().map(|(_, answer)| word(answer)));
    assert_eq!(times(&answers, "ok"), 1, "one change wins: {answers:?}");
    only(&answers, &["ok", "signed_out"]);
    let won = results.into_iter().find_map(|(nth, answer)| Some((nth, answer.ok()?)));
    let Some((nth, session)) = won else { panic!("one change wins") };
    let alive: Vec<_> = kit.alive(&user).await.into_iter().map(|session| session.id).collect();
    assert_eq!(alive, [session.id], "every other session is dead");
    let sign_in = kit.world.security.sign_in();
    let with_it = sign_in.start(&user.login, &new_password(nth), &kit.attempt(100)).await;
    assert_eq!(word(&with_it), "ok", "the password that won is the one that counts");
}

/// The old password signs in while it is changed: no session that it opened outlives the change.
pub async fn a_change_of_password_ends_the_sign_in_under_way(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..=ROUNDS {
        let kit = Kit::new(store, nonce, &format!("password_sign_in_{round}"));
        let account = kit.account().await;
        let (user, session) = kit.user(&account, "bob").await;
        let sign_in = {
            let (security, login, attempt) = (kit.world.security.clone(), user.login.clone(), kit.attempt(1));
            async move { word(&security.sign_in().start(&login, &password(), &attempt).await) }
        };
        let changing = change(kit.world.security.clone(), session, 0, kit.attempt(2));
        let held = round == ROUNDS;
        let (answer, changed) = if held {
            let gate = kit.stage.hold("signed_in");
            let late = tokio::spawn(sign_in);
            gate.somebody_waits().await;
            let changed = changing.await;
            gate.open();
            (late.await, changed)
        } else {
            let racing = tokio::spawn(sign_in);
            let changed = changing.await;
            (racing.await, changed)
        };
        let (answer, changed) = (must("the sign-in", answer), must("the change", changed));
        assert!(["ok", "bad_credentials"].contains(&answer), "no order gives {answer}");
        assert!(!held || answer == "bad_credentials", "the change was answered first");
        let alive: Vec<_> = kit.alive(&user).await.into_iter().map(|session| session.id).collect();
        assert_eq!(alive, [changed.id], "{answer}: the old password opens nothing that lasts");
    }
}
