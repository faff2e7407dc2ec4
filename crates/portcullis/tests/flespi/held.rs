//! A token that is held: typed, checked, replaced, taken back, at its end.

use super::*;

#[tokio::test]
async fn a_typed_token_is_kept_unasked_and_checked_at_its_region_alone() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    assert_eq!(refused(flespi.check(s.session).await), Reason::NotConnected);
    assert_eq!(refused(flespi.token(s.alice.id, "try").await), Reason::NotConnected);
    let token = s.w.flespi.hold("eu", |held| held.ttl = Some(DAY * 400));
    let kept = flespi.manual(s.session, &token, &region("eu")).await.unwrap();
    assert_eq!((kept.state, s.w.flespi.calls().len()), (FlespiState::Connected, 0));
    let held = kept.token.unwrap();
    assert_eq!((held.source, held.kind, held.expiry), (Source::Manual, None, Expiry::Unknown));
    let checked = flespi.check(s.session).await.unwrap();
    let end = s.w.now() + DAY * 400;
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Active, Expiry::Sliding(end)));
    assert_eq!(s.w.flespi.calls(), [(region("eu"), Call::Inspect)]);
    assert_eq!(s.seen().await.token.unwrap().kind, Some(TokenKind::Master));

    // In the other region it is no token.
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    flespi.manual(session, &token, &region("ru")).await.unwrap();
    let checked = flespi.check(session).await.unwrap();
    assert_eq!((checked.status, checked.expiry), (CheckStatus::Rejected, Expiry::Unknown));
    assert_eq!(refused(flespi.token(s.alice.id, "try").await), Reason::Rejected);
    assert_eq!(s.w.flespi.calls().last().unwrap().0, region("ru"));

    // A typed token is its user's: whatever replaces it, nobody revokes it, nor looks for it.
    flespi.manual(session, &token, &region("eu")).await.unwrap();
    flespi.check(session).await.unwrap();
    let calls = s.w.flespi.calls().len();
    flespi.disconnect(session).await.unwrap();
    s.finish().await;
    assert_eq!(s.w.flespi.calls().len(), calls);
    assert_eq!(s.w.flespi.living("eu").len(), 1);
}

#[tokio::test]
async fn a_year_later_the_token_has_expired_and_is_refused() {
    let s = scene().await;
    s.connect("ru").await;
    s.run().await;
    s.w.advance(DAY * 365);
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let seen = s.w.security.settings(session).await.unwrap().flespi.unwrap();
    assert_eq!(seen.state, FlespiState::Expired);
    assert_eq!(refused(s.w.security.flespi().token(s.alice.id, "try").await), Reason::Expired);
    let checked = s.w.security.flespi().check(session).await.unwrap();
    assert_eq!(checked.status, CheckStatus::Expired, "flespi has deleted it by now");
    assert_eq!(checked.expiry.ends_at(), Some(s.w.now()));
}

#[tokio::test]
async fn a_token_that_was_replaced_or_disconnected_is_revoked_where_it_can_be() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let first = s.w.flespi.issued()[0].id;
    s.connect("eu").await;
    assert_eq!(s.w.flespi.issued().len(), 2, "the old one lives until the new one is kept");
    s.run().await;
    assert_eq!(s.left(), (0, 1));
    assert_ne!(s.w.flespi.issued()[0].id, first);
    // Another account of flespi, and another region.
    let nonce = s.nonce().await;
    s.redeem(&nonce, s.w.flespi.log_in_as("eu", 2)).await.unwrap();
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.issued()[0].account), ((0, 1), 2));
    s.connect("ru").await;
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.living("ru").len()), ((0, 1), 1));
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    assert_eq!(s.seen().await.state, FlespiState::Absent);
    s.run().await;
    assert_eq!(s.left(), (0, 0));
    s.w.advance(DAY * 2);
    s.run().await;
    let kinds = s.store.inner().contents().await.unwrap().records;
    assert!(kinds.iter().all(|record| record.kind.as_str() != "flespi_connection"), "nothing is kept of it");
    // And it begins anew under the same id.
    let session = s.w.sign_in(&s.alice).await.unwrap().id;
    let token = s.w.flespi.hold("eu", |_| ());
    let kept = s.w.security.flespi().manual(session, &token, &region("eu")).await.unwrap();
    assert_eq!(kept.state, FlespiState::Connected);
}

#[tokio::test]
async fn a_token_without_the_right_to_revoke_is_left_to_its_end_and_that_is_told() {
    let s = scene_under(Policy::default()).await;
    s.connect("eu").await;
    s.run().await;
    assert_eq!((s.left(), s.w.flespi.issued()[0].kind), ((0, 1), TokenKind::Standard));
    s.connect("eu").await;
    s.run().await;
    assert_eq!(s.left(), (0, 1), "a new login of the account removes the old one");
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    s.run().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.trail().await.contains(&"flespi_token_left: no_right".to_owned()));
}

#[tokio::test]
async fn the_token_that_is_typed_again_is_not_revoked_as_the_one_it_replaces() {
    let s = scene().await;
    s.connect("eu").await;
    let opened = s.w.security.flespi().token(s.alice.id, "copy").await.unwrap();
    s.w.security.flespi().manual(s.session, &opened.token, &opened.region).await.unwrap();
    assert_eq!(s.w.security.flespi().check(s.session).await.unwrap().status, CheckStatus::Active);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    s.w.security
        .flespi()
        .manual(s.w.sign_in(&s.alice).await.unwrap().id, &typed(), &region("eu"))
        .await
        .unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 1), "typed as it was, it is its user's");
}

#[tokio::test]
async fn a_typed_token_revokes_nothing_before_flespi_accepts_it() {
    for (end, left) in [("check", 0), ("disconnect", 0), ("login", 1), ("typed again", 1)] {
        let s = scene().await;
        let flespi = s.w.security.flespi();
        s.connect("eu").await;
        let issued = flespi.token(s.alice.id, "copy").await.unwrap().token;
        s.run().await;
        let first = s.w.flespi.issued()[0].id;
        s.type_in(&typed()).await;
        s.finish().await;
        let session = s.type_in(&typed()).await;
        assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Rejected);
        s.finish().await;
        let real = s.w.flespi.hold("eu", |_| ());
        let session = s.type_in(&real).await;
        s.w.flespi.go_down(Some(FlespiError::Unavailable { detail: "down" }));
        assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Unknown);
        s.w.flespi.go_down(None);
        s.finish().await;
        let calls = [Call::Find, Call::Revoke].map(|call| s.w.flespi.count(call));
        assert_eq!(
            (s.left(), s.w.flespi.issued()[0].id),
            ((0, 1), first),
            "{end}: not one of them is proven"
        );
        let session = s.w.sign_in(&s.alice).await.unwrap().id;
        match end {
            "check" => assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Active),
            "disconnect" => flespi.disconnect(session).await.unwrap(),
            "login" => {
                let nonce = flespi.begin(session).await.unwrap().nonce;
                flespi.redeem(session, nonce.expose(), s.w.flespi.log_in("eu")).await.unwrap();
            }
            _ => {
                let session = s.type_in(&issued).await;
                assert_eq!(flespi.check(session).await.unwrap().status, CheckStatus::Active);
            }
        }
        s.finish().await;
        assert_eq!(s.left(), (0, left), "{end}");
        assert!(
            s.w.flespi.living("eu").iter().any(|held| held.info == "by hand"),
            "{end}: a typed one is its user's"
        );
        let after = [Call::Find, Call::Revoke].map(|call| s.w.flespi.count(call));
        assert_eq!(after == calls, end == "typed again", "{end}");
        let kept = flespi.token(s.alice.id, "try").await.map(|opened| opened.token.expose().to_owned());
        match end {
            "check" => assert_eq!(kept.unwrap(), real.expose()),
            "disconnect" => assert_eq!(refused(kept), Reason::NotConnected),
            "login" => assert!(s.works().await && s.w.flespi.issued()[0].id != first),
            _ => assert_eq!(kept.unwrap(), issued.expose()),
        }
    }
}

#[tokio::test]
async fn a_typed_token_that_is_proven_does_not_disturb_the_one_that_is_being_issued() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    s.connect("eu").await;
    s.run().await;
    let real = s.w.flespi.hold("eu", |_| ());
    flespi.manual(s.session, &real, &region("eu")).await.unwrap();
    s.w.flespi.fail(Call::Issue, 2, FlespiError::Ambiguous { detail: "lost" }, true);
    let nonce = s.nonce().await;
    assert_eq!(s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap().state, FlespiState::Connecting);
    assert_eq!(flespi.check(s.session).await.unwrap().status, CheckStatus::Active);
    s.run().await;
    assert_eq!(s.w.flespi.count(Call::Issue), 2, "its call may still be under way");
    s.finish().await;
    assert_eq!((s.left(), s.w.flespi.count(Call::Issue)), ((0, 1), 3));
    assert!(s.works().await);
}

#[tokio::test]
async fn a_token_lives_on_where_the_policy_keeps_it() {
    let mut policy = Policy::wialon_hosting();
    policy.flespi_replaced = FlespiReplaced::Kept;
    let s = scene_under(policy).await;
    s.connect("eu").await;
    s.connect("eu").await;
    s.w.security.flespi().disconnect(s.session).await.unwrap();
    s.finish().await;
    assert_eq!(s.left(), (0, 2), "the logins go all the same");
}
