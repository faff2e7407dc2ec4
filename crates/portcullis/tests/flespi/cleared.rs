//! What is left at flespi is cleared, and nothing is revoked under somebody's hands.

use super::*;

/// Lets a future go on until something is so.
fn until<F: Future>(mut future: core::pin::Pin<&mut F>, so: impl Fn() -> bool) -> Option<F::Output> {
    for _ in 0..200 {
        if so() {
            return None;
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    panic!("it never is so")
}

#[tokio::test]
async fn a_login_is_not_revoked_while_a_call_by_it_may_be_under_way() {
    for policy in [Policy::wialon_hosting(), Policy::default()] {
        for (again, dies) in [(false, true), (false, false), (true, true), (true, false)] {
            let s = scene_under(policy.clone()).await;
            let calls = |call| s.w.flespi.count(call);
            let nonce = s.nonce().await;
            let mut slow = Box::pin(s.redeem(&nonce, s.w.flespi.log_in("eu")));
            assert!(until(slow.as_mut(), || calls(Call::Find) == 1).is_none());
            if again {
                s.connect("eu").await;
            } else {
                s.w.security.flespi().disconnect(s.session).await.unwrap();
            }
            // A worker has looked, and found nothing; then the call of the request is carried out.
            let looked = calls(Call::Find);
            let worker = s.w.security.worker();
            let mut worker = pin!(worker.pass());
            let done = until(worker.as_mut(), || calls(Call::Find) > looked);
            let issued = calls(Call::Issue);
            assert!(until(slow.as_mut(), || calls(Call::Issue) > issued).is_none());
            if done.is_none() {
                until(worker.as_mut(), || false).unwrap().unwrap();
            }
            if dies {
                drop(slow);
            } else {
                until(slow.as_mut(), || false).unwrap().unwrap();
            }
            s.finish().await;
            let story = format!("{:?} again {again} dies {dies}", policy.flespi_access);
            assert_eq!(s.left(), (0, usize::from(again)), "{story}");
            assert_eq!(s.seen_later().await, again, "{story}");
        }
    }
}

/// What a user loses or does while his token is being issued.
async fn lose(s: &Scene, nth: usize) -> &'static str {
    let security = &s.w.security;
    match nth {
        0 => {
            security.rights().set_disabled(Actor::Program, s.alice.id, true).await.unwrap();
            "disabled"
        }
        1 => {
            security.accounts().set_blocked(s.alice.account, true).await.unwrap();
            "blocked"
        }
        2 => {
            let flags = Flags::all().with(Flag::ChangeSettings, false);
            security.rights().set_flags(Actor::Program, s.alice.id, flags).await.unwrap();
            "not_allowed"
        }
        3 => {
            s.w.sign_in(&s.alice).await.unwrap();
            security.sessions().end_others(s.session).await.unwrap();
            "credentials_changed"
        }
        _ => {
            security.accounts().set_blocked(s.alice.account, true).await.unwrap();
            security.accounts().set_blocked(s.alice.account, false).await.unwrap();
            "voided"
        }
    }
}

#[tokio::test]
async fn what_voids_a_session_voids_the_token_that_a_worker_would_issue() {
    for nth in 0..5 {
        let s = scene().await;
        s.connect("eu").await;
        s.run().await;
        let old = s.w.flespi.issued()[0].id;
        let nonce = s.nonce().await;
        s.w.flespi.fail(Call::Issue, 2, FlespiError::Unavailable { detail: "down" }, false);
        assert_eq!(s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap().state, FlespiState::Connecting);
        let why = lose(&s, nth).await;
        s.finish().await;
        assert_eq!((s.left(), s.w.flespi.issued()[0].id), ((0, 1), old), "{why}: the old one stays");
        assert_eq!(s.w.flespi.count(Call::Issue), 2, "{why}: flespi is not asked for another");
        let told = format!("flespi_not_connected: {why}");
        assert!(s.trail().await.contains(&told), "{told}: {:?}", s.trail().await);
    }
}

#[tokio::test]
async fn and_the_one_that_was_issued_just_now() {
    for nth in 0..5 {
        let s = scene().await;
        let nonce = s.nonce().await;
        let mut slow = pin!(s.redeem(&nonce, s.w.flespi.log_in("eu")));
        assert!(until(slow.as_mut(), || s.w.flespi.count(Call::Issue) == 1).is_none());
        let why = lose(&s, nth).await;
        let answer = until(slow.as_mut(), || false).unwrap();
        assert_eq!(refused(answer), Reason::HandOffDead, "{why}");
        assert_eq!(s.w.flespi.issued().len(), 0, "{why}: it is revoked at once");
        s.finish().await;
        assert_eq!(s.left(), (0, 0), "{why}");
        assert!(!s.seen_later().await);
    }
}

#[tokio::test]
async fn nothing_is_done_with_the_token_of_who_may_not_sign_in() {
    let s = scene().await;
    s.connect("eu").await;
    let security = &s.w.security;
    let token = async || security.flespi().token(s.alice.id, "try").await;
    security.rights().set_disabled(Actor::Program, s.alice.id, true).await.unwrap();
    assert_eq!(refused(token().await), Reason::NotAllowed);
    security.rights().set_disabled(Actor::Program, s.alice.id, false).await.unwrap();
    security.accounts().set_blocked(s.alice.account, true).await.unwrap();
    assert_eq!(refused(token().await), Reason::NotAllowed);
    security.accounts().set_blocked(s.alice.account, false).await.unwrap();
    assert!(token().await.is_ok());
    let told = s.trail().await.into_iter().filter(|line| line.starts_with("flespi_token_refused")).count();
    assert_eq!(told, 2, "{:?}", s.trail().await);
}

#[tokio::test]
async fn a_refusal_for_now_is_not_the_end_of_clearing_up() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    let next = s.w.flespi.count(Call::Find) + 1;
    s.w.flespi.fail(Call::Find, next, FlespiError::Forbidden, false);
    s.finish().await;
    assert_eq!(s.left(), (0, 0));
}

#[tokio::test]
async fn a_token_that_can_not_be_removed_is_told() {
    // The answer of the issue was lost, and the login is over before anybody looks.
    let s = scene().await;
    let nonce = s.nonce().await;
    s.w.flespi.fail(Call::Issue, 1, FlespiError::Ambiguous { detail: "lost" }, true);
    s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap();
    s.w.advance(TimeDelta::minutes(31));
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: unauthorized".to_owned()), "{:?}", s.trail().await);

    // The login that replaces it is of another account, which does not see it.
    let s = scene_under(Policy::default()).await;
    s.connect("eu").await;
    s.run().await;
    let nonce = s.nonce().await;
    s.redeem(&nonce, s.w.flespi.log_in_as("eu", 2)).await.unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 2));
    assert!(s.trail().await.contains(&"flespi_token_left: not_found".to_owned()), "{:?}", s.trail().await);

    // flespi does not tell the number of the login.
    let s = scene().await;
    s.connect("eu").await;
    let opened = s.w.security.flespi().token(s.alice.id, "look").await.unwrap();
    let mut told = s.w.flespi.inspect(&opened.region, &opened.token).await.unwrap();
    told.id = None;
    s.w.flespi.tell(Some(Ok(told)));
    s.run().await;
    assert_eq!(s.left(), (1, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: login".to_owned()), "{:?}", s.trail().await);
}

#[tokio::test]
async fn a_login_that_was_handed_over_twice_is_not_revoked_under_its_second_use() {
    let s = scene().await;
    for nth in 1..=4 {
        s.w.flespi.fail(Call::Issue, nth, FlespiError::Unavailable { detail: "down" }, false);
    }
    let message = s.w.flespi.log_in("eu");
    for _ in 0..2 {
        let nonce = s.nonce().await;
        assert_eq!(s.redeem(&nonce, message.clone()).await.unwrap().state, FlespiState::Connecting);
    }
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
}
