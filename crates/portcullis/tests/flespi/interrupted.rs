//! Operations that are interrupted: wherever, one token is left and it is the one that is kept.

use super::*;

/// What may happen to a call at flespi: it fails and nothing was done, or its answer is lost.
fn faults() -> [(FlespiError, bool); 5] {
    [
        (FlespiError::Unavailable { detail: "down" }, false),
        (FlespiError::Throttled { wait: None }, false),
        (FlespiError::Ambiguous { detail: "lost" }, false),
        (FlespiError::Ambiguous { detail: "lost" }, true),
        (FlespiError::Ambiguous { detail: "lost" }, true),
    ]
}

#[tokio::test]
async fn whatever_call_fails_one_token_is_left_and_it_is_the_one_that_is_kept() {
    for call in [Call::Find, Call::Issue, Call::Revoke, Call::Inspect] {
        for nth in 1..=4 {
            for (error, done) in faults() {
                let s = scene().await;
                let nonce = s.nonce().await;
                s.w.flespi.fail(call, nth, error.clone(), done);
                s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
                s.finish().await;
                s.w.flespi.mend();
                let story = format!("{call:?} {nth} {error} {done}");
                assert_eq!(s.left(), (0, 1), "{story}");
                let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
                assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "{story}");
            }
        }
    }
}

#[tokio::test]
async fn whatever_the_store_does_one_token_is_left_and_it_is_the_one_that_is_kept() {
    for (method, failure) in [
        (Method::Read, Failure::Port),
        (Method::Commit, Failure::Port),
        (Method::Commit, Failure::Conflict),
        (Method::Commit, Failure::UnknownBefore),
        (Method::Commit, Failure::UnknownAfter),
    ] {
        for nth in 1..=7 {
            let s = scene().await;
            let nonce = s.nonce().await;
            s.store.reset();
            s.store.fail(method, nth, failure);
            let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await;
            s.finish().await;
            s.store.reset();
            let story = format!("{method:?} {nth} {failure:?}");
            let token = s.w.security.flespi().token(s.alice.id, "try").await;
            // What was refused before the intent was kept has changed nothing.
            let kept = usize::from(answer.is_ok());
            assert_eq!(s.w.flespi.issued().len(), kept, "{story}: {answer:?}");
            assert_eq!(token.is_ok(), answer.is_ok(), "{story}: {token:?}");
        }
    }
}

/// Polls a future so often, then drops it.
fn poll_then_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    None
}

#[tokio::test]
async fn killed_anywhere_it_leaves_no_orphan_and_no_second_token() {
    for replaces in [false, true] {
        let mut polls = 0;
        loop {
            let s = scene().await;
            if replaces {
                s.connect("eu").await;
                s.run().await;
            }
            let old = s.seen().await.token;
            let nonce = s.nonce().await;
            let done = poll_then_drop(s.redeem(&nonce, s.w.flespi.log_in("eu")), polls).is_some();
            let seen = s.seen().await;
            if seen.state == FlespiState::Connecting {
                assert_eq!(seen.token, old, "the old one stays until the new one is kept");
            }
            s.finish().await;
            let held = s.seen_later().await;
            assert_eq!(s.w.flespi.issued().len(), usize::from(held), "dropped at poll {polls}");
            if held {
                let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
                let answer = s.w.flespi.inspect(&opened.region, &opened.token).await;
                assert!(answer.is_ok(), "dropped at poll {polls}: the kept one is the living one");
            }
            assert!(!replaces || held);
            polls += 1;
            if done {
                break;
            }
            assert!(polls < 100, "it never ends");
        }
        assert!(polls > 4, "it was dropped between its calls");
    }
}

#[tokio::test]
async fn a_worker_killed_anywhere_leaves_the_rest_to_the_next() {
    let mut polls = 0;
    loop {
        let s = scene().await;
        s.connect("eu").await;
        s.run().await;
        let nonce = s.nonce().await;
        // The request dies right after its intent was kept.
        s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
        let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
        assert_eq!(answer.state, FlespiState::Connecting);
        s.w.flespi.go_down(None);
        s.w.advance(s.w.security.policy().flespi_retry_first);
        let done = poll_then_drop(s.w.security.worker().pass(), polls).is_some();
        s.finish().await;
        assert_eq!(s.left(), (0, 1), "dropped at poll {polls}");
        let opened = s.w.security.flespi().token(s.alice.id, "try").await.unwrap();
        assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "poll {polls}");
        polls += 1;
        if done {
            break;
        }
        assert!(polls < 100, "it never ends");
    }
    assert!(polls > 8, "it was dropped between its calls");
}

/// A request that has issued a token and sleeps before it keeps it, for longer than a worker waits for it; then the
/// worker does its part, and the request wakes up.
async fn sleeps(s: &Scene, worker: impl AsyncFnOnce()) -> FlespiState {
    let nonce = s.nonce().await;
    let mut slow = pin!(s.redeem(&nonce, s.w.flespi.log_in("eu")));
    let context = &mut Context::from_waker(Waker::noop());
    while s.w.flespi.count(Call::Issue) == 0 {
        assert!(slow.as_mut().poll(context).is_pending());
    }
    assert_eq!(s.w.flespi.issued().len(), 1);
    s.w.advance(s.w.security.policy().claim_life);
    worker().await;
    loop {
        if let Poll::Ready(answer) = slow.as_mut().poll(context) {
            return answer.unwrap().state;
        }
    }
}

#[tokio::test]
async fn a_request_that_wakes_up_late_keeps_nothing_and_leaves_nothing() {
    let s = scene().await;
    let state = sleeps(&s, async || {
        s.run().await;
        assert_eq!(s.left(), (0, 1), "the worker has removed the one and issued another");
    })
    .await;
    assert_eq!(state, FlespiState::Connecting);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}

#[tokio::test]
async fn nor_does_it_while_a_worker_is_still_at_it() {
    let s = scene().await;
    // The worker removes the token of the request, and is not answered when it issues another.
    s.w.flespi.fail(Call::Issue, 2, FlespiError::Unavailable { detail: "down" }, false);
    let state = sleeps(&s, async || {
        s.run().await;
        assert_eq!(s.w.flespi.issued().len(), 0);
    })
    .await;
    assert_eq!(state, FlespiState::Connecting, "a token that is gone is not kept");
    assert!(!s.seen_later().await);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}

#[tokio::test]
async fn what_flespi_never_answers_is_given_up_and_cleared_when_it_does() {
    let s = scene().await;
    let nonce = s.nonce().await;
    s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
    let answer = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
    assert_eq!((answer.state, s.w.flespi.issued().len()), (FlespiState::Connecting, 1));
    s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
    // The login token is kept alive by its use elsewhere.
    for _ in 0..5 {
        s.w.advance(TimeDelta::minutes(15));
        s.run().await;
        s.w.flespi.use_logins("eu");
    }
    assert_eq!(s.seen_state().await, FlespiState::Absent);
    assert!(s.trail().await.contains(&"flespi_not_connected: unavailable".to_owned()));
    s.w.flespi.go_down(None);
    s.w.advance(TimeDelta::minutes(15));
    s.run().await;
    assert_eq!(s.left(), (0, 0), "the token whose answer was lost, and the login");
}

#[tokio::test]
async fn a_token_typed_or_a_disconnection_meanwhile_wins() {
    for typed_in in [true, false] {
        let s = scene().await;
        let nonce = s.nonce().await;
        s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
        s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
        if typed_in {
            s.w.security.flespi().manual(s.session, &typed(), &region("ru")).await.unwrap();
        } else {
            s.w.security.flespi().disconnect(s.session).await.unwrap();
        }
        s.finish().await;
        assert_eq!(s.left(), (0, 0), "what was issued meanwhile is removed");
        let kept = s.w.security.flespi().token(s.alice.id, "try").await;
        assert_eq!(kept.is_ok(), typed_in);
    }
}
