//! Guesses in parallel.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;

use super::kit::{Answers, CALLERS, Kit, at_once, mix, only, tally, times, word};
use crate::challenge::{Challenge, PendingCode};
use crate::error::Error;
use crate::policy::Policy;
use crate::port::store::Store;
use crate::secret::Code;
use crate::testing::world::wrong_code;

/// Wrong guesses of which each challenge judges so many.
const JUDGED: usize = 5;

impl Kit {
    /// Lets many guesses go at once, the right one among them at a place if one is given.
    async fn guess(
        &self,
        pending: &PendingCode,
        right: &Code,
        callers: usize,
        place: Option<usize>,
    ) -> Answers {
        self.stage.line_up(callers);
        let wrong = wrong_code(right);
        let id = pending.id;
        let answers = at_once((0..callers).map(|nth| {
            let security = self.world.security.clone();
            let code = if place == Some(nth) { right.clone() } else { wrong.clone() };
            let attempt = self.attempt(u64::try_from(nth).unwrap_or(0));
            async move { word(&security.sign_in().code(id, &code, &attempt, None).await) }
        }))
        .await;
        tally(answers)
    }
}

/// Sixty-four wrong guesses at one code: exactly five are judged, each is told another rest, and then the right one is
/// locked out too.
pub async fn wrong_guesses_stop_at_the_limit(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "wrong_guesses_stop_at_the_limit");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    let (pending, right) = kit.ask_and_mail(&user).await;
    kit.stage.line_up(CALLERS);
    let wrong = wrong_code(&right);
    let answers = at_once((0..CALLERS).map(|_| {
        let (security, wrong, attempt) = (kit.world.security.clone(), wrong.clone(), kit.attempt(1));
        async move { security.sign_in().code(pending.id, &wrong, &attempt, None).await }
    }))
    .await;
    let words = tally(answers.iter().map(word));
    assert_eq!(times(&words, "wrong_code"), JUDGED, "so many guesses are judged: {words:?}");
    only(&words, &["wrong_code", "locked"]);
    let rest = |answer: &Result<_, Error>| match answer {
        Err(Error::Refused(refusal)) => refusal.attempts_left(),
        _ => None,
    };
    let left: BTreeSet<u32> = answers.iter().filter_map(rest).collect();
    assert_eq!(left, (0..5).collect(), "each guess is told what is left after it");
    let late = kit.world.security.sign_in().code(pending.id, &right, &kit.attempt(2), None).await;
    assert_eq!(word(&late), "locked", "the right code comes too late");
}

/// Sixty-four guesses with the right one at any place: it succeeds only in a commit that finds fewer than five wrong
/// ones counted, and never more than five are judged.
pub async fn a_right_guess_among_wrong_ones(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "a_right_guess_among_wrong_ones");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    for round in 0..4_u64 {
        kit.world.advance(TimeDelta::hours(1));
        let (pending, right) = kit.ask_and_mail(&user).await;
        let before = kit.stage.kept("signed_in").len();
        let place = mix(nonce ^ mix(round)) % 8 * u64::try_from(CALLERS / 8).unwrap_or(1);
        let answers = kit.guess(&pending, &right, CALLERS, usize::try_from(place).ok()).await;
        assert!(times(&answers, "wrong_code") <= JUDGED, "no more guesses are judged: {answers:?}");
        assert!(times(&answers, "ok") <= 1, "one code admits once: {answers:?}");
        only(&answers, &["ok", "wrong_code", "locked", "challenge_dead"]);
        let admitted = kit.stage.kept("signed_in");
        let attempts = Challenge::attempts(pending.id);
        for kept in admitted.iter().skip(before) {
            let count = kept.counts.get(&attempts).expect("an admission rests on the count of wrong guesses");
            assert!(usize::try_from(count.value).is_ok_and(|wrong| wrong < JUDGED), "{count:?}");
        }
    }
}

/// A right guess that was compared in time but is committed after five wrong ones is locked out: what counts is what
/// the commit finds.
pub async fn a_right_guess_that_comes_late_is_locked(store: &Arc<dyn Store>, nonce: u64) {
    let kit = Kit::new(store, nonce, "a_right_guess_that_comes_late_is_locked");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    let (pending, right) = kit.ask_and_mail(&user).await;
    let gate = kit.stage.hold("signed_in");
    let late = tokio::spawn({
        let (security, right, attempt) = (kit.world.security.clone(), right.clone(), kit.attempt(1));
        async move { word(&security.sign_in().code(pending.id, &right, &attempt, None).await) }
    });
    gate.somebody_waits().await;
    let answers = kit.guess(&pending, &right, JUDGED, None).await;
    assert_eq!(times(&answers, "wrong_code"), JUDGED, "{answers:?}");
    gate.open();
    assert_eq!(late.await.expect("the late guess is answered"), "locked");
}

/// Wrong guesses over many challenges, many at once at each: never more than a hundred in a row are judged, and then
/// the right code is locked out too, and no new one is mailed.
pub async fn wrong_guesses_in_a_row_end_at_a_hundred(store: &Arc<dyn Store>, nonce: u64) {
    const ROW: usize = 100;
    const AT_ONCE: usize = 8;
    // A code must outlive the longest wait, or the last one could not be tried.
    let policy = Policy { code_life: TimeDelta::minutes(40), ..Policy::default() };
    let kit = Kit::under(policy, store, nonce, "wrong_guesses_in_a_row_end_at_a_hundred");
    let (user, _) = kit.two_factor(&kit.account().await, "alice").await;
    let mut judged = 0;
    let mut last = None;
    for _ in 0..ROW {
        kit.wait_over();
        let (pending, right) = kit.ask_and_mail(&user).await;
        let answers = kit.guess(&pending, &right, AT_ONCE, None).await;
        only(&answers, &["wrong_code", "locked"]);
        judged += times(&answers, "wrong_code");
        last = Some((pending, right));
        if judged >= ROW {
            break;
        }
    }
    assert_eq!(judged, ROW, "so many wrong guesses in a row are judged");
    let (pending, right) = last.expect("there was a challenge");
    kit.wait_over();
    let security = &kit.world.security;
    let answer = security.sign_in().code(pending.id, &right, &kit.attempt(1), None).await;
    assert_eq!(word(&answer), "locked", "after a hundred wrong guesses the right one is locked out");
    let answers = kit.guess(&pending, &right, AT_ONCE, None).await;
    assert_eq!(times(&answers, "locked"), AT_ONCE, "and no further one is judged: {answers:?}");
    let again = security.sign_in().start(&user.login, &super::kit::password(), &kit.attempt(1)).await;
    assert_eq!(word(&again), "locked", "and no new code is mailed");
}
