//! Password changes against each other, against sign-ins and against the end of the other sessions.

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

/// A code is entered that was asked for with the old password, while that is changed: no session that it opened outlives
/// the change, and a change that was answered first stops it.
pub async fn a_change_of_password_ends_the_code_under_way(store: &Arc<dyn Store>, nonce: u64) {
    for round in 0..=ROUNDS {
        let kit = Kit::new(store, nonce, &format!("password_code_{round}"));
        let account = kit.account().await;
        let (user, session) = kit.two_factor(&account, "carol").await;
        let (pending, code) = kit.ask_and_mail(&user).await;
        let redeem = {
            let (security, attempt) = (kit.world.security.clone(), kit.attempt(1));
            async move { word(&security.sign_in().code(pending.id, &code, &attempt, None).await) }
        };
        let changing = change(kit.world.security.clone(), session, 0, kit.attempt(2));
        let held = round == ROUNDS;
        let (answer, changed) = if held {
            let gate = kit.stage.hold("signed_in");
            let late = tokio::spawn(redeem);
            gate.somebody_waits().await;
            let changed = changing.await;
            gate.open();
            (late.await, changed)
        } else {
            kit.stage.line_up(2);
            let racing = tokio::spawn(redeem);
            let changed = changing.await;
            (racing.await, changed)
        };
        let (answer, changed) = (must("the code", answer), must("the change", changed));
        assert!(["ok", "challenge_dead"].contains(&answer), "no order gives {answer}");
        assert!(!held || answer == "challenge_dead", "the change was answered first");
        let alive: Vec<_> = kit.alive(&user).await.into_iter().map(|session| session.id).collect();
        assert_eq!(alive, [changed.id], "{answer}: the old password opens nothing that lasts");
    }
}

/// All other sessions are ended while one of them, or the very same one, changes the password: one of the two comes
/// first, the other is signed out, and one session goes on.
pub async fn ending_the_others_and_a_change_of_password_come_in_some_order(
    store: &Arc<dyn Store>,
    nonce: u64,
) {
    for own in [false, true] {
        for round in 0..ROUNDS {
            let kit = Kit::new(store, nonce, &format!("others_{own}_{round}"));
            let account = kit.account().await;
            let (user, ending) = kit.user(&account, "dave").await;
            // There is another one to end, whoever is faster.
            must("a sign-in", kit.world.sign_in(&user).await);
            let changing =
                if own { ending.clone() } else { must("a sign-in", kit.world.sign_in(&user).await) };
            kit.stage.line_up(2);
            let end = {
                let (security, id) = (kit.world.security.clone(), ending.id);
                tokio::spawn(async move { security.sessions().end_others(id).await })
            };
            let changed = change(kit.world.security.clone(), changing, 0, kit.attempt(2)).await;
            let ended = must("ending the others", end.await);
            let words = [word(&changed), word(&ended)];
            assert!(
                [["ok", "signed_out"], ["signed_out", "ok"]].contains(&words),
                "own session: {own}: no order gives {words:?}"
            );
            let goes_on: Vec<_> =
                [&changed, &ended].into_iter().flatten().map(|session| session.id).collect();
            let alive: Vec<_> = kit.alive(&user).await.into_iter().map(|session| session.id).collect();
            assert_eq!(alive, goes_on, "own session: {own}: the one that was answered goes on");
            let sign_in = kit.world.security.sign_in();
            let with_it = sign_in.start(&user.login, &new_password(0), &kit.attempt(100)).await;
            assert_eq!(with_it.is_ok(), changed.is_ok(), "the answer tells which password counts");
        }
    }
}
