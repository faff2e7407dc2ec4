//! Who may hand a token over, and what is refused.

use super::*;

#[tokio::test]
async fn a_login_gives_a_token_of_one_year_and_leaves_nothing_else() {
    let s = scene().await;
    let flespi = s.connect("ru").await;
    assert_eq!(flespi.state, FlespiState::Connected);
    let token = flespi.token.unwrap();
    let end = s.w.now() + DAY * 365;
    assert_eq!(
        (token.region.as_str(), token.source, token.expiry),
        ("ru", Source::Login, Expiry::Fixed(end))
    );
    assert_eq!((token.kind, token.obtained_at), (Some(TokenKind::Master), s.w.now()));
    let [issued] = &s.w.flespi.issued()[..] else { panic!("one token is issued") };
    assert_eq!((issued.expire, issued.ttl), (Some(end), None));
    assert!(s.w.flespi.calls().iter().all(|(to, _)| to.as_str() == "ru"), "no other host is called");
    s.run().await;
    assert_eq!(s.left(), (0, 1), "the login is revoked");
    let opened = s.w.security.flespi().token(s.alice.id, "send_command").await.unwrap();
    assert!(opened.token.expose().starts_with(&token.shown) && token.shown.len() == 4);
    assert!(s.w.flespi.inspect(&opened.region, &opened.token).await.is_ok(), "the token is the issued one");
    let told = [
        "flespi_cleared: done",
        "flespi_connected: login",
        "flespi_redeemed: -",
        "flespi_token_opened: send_command",
    ];
    assert_eq!(s.trail().await, told);
}

#[tokio::test]
async fn a_nonce_counts_once_in_time_and_for_its_session_alone() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    let dead = Reason::HandOffDead;
    let posted = || s.w.flespi.log_in("eu");
    for missing in ["", "no nonce", &"A".repeat(64)] {
        assert_eq!(refused(s.redeem(missing, posted()).await), dead, "{missing}");
    }
    let nonce = s.nonce().await;
    let mut other = nonce.clone().into_bytes();
    other[40] = if other[40] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).unwrap();
    assert_eq!(refused(s.redeem(&other, posted()).await), dead, "another secret");
    let account = s.w.security.accounts().get(s.alice.account).await.unwrap();
    let bob = s.w.user(&account, "bob", None).await.unwrap();
    let bobs = s.w.sign_in(&bob).await.unwrap().id;
    assert_eq!(refused(flespi.redeem(bobs, &nonce, posted()).await), dead, "another user");
    let again = s.w.sign_in(&s.alice).await.unwrap().id;
    assert_eq!(refused(flespi.redeem(again, &nonce, posted()).await), dead, "another session of the user");
    assert_eq!(s.w.flespi.calls(), [], "flespi was asked nothing");
    s.redeem(&nonce, posted()).await.unwrap();
    assert_eq!(refused(s.redeem(&nonce, posted()).await), dead, "it is used");
    let late = s.nonce().await;
    s.w.advance(TimeDelta::minutes(10));
    assert_eq!(refused(s.redeem(&late, posted()).await), dead, "it is over");
    s.w.advance(-TimeDelta::minutes(5));
    assert_eq!(refused(s.redeem(&late, posted()).await), dead, "for good");
    assert_eq!(s.w.flespi.count(Call::Issue), 1);
    let trail = s.trail().await;
    for why in ["unknown", "wrong_secret", "spent", "expired", "dead", "meant_for_another"] {
        assert!(trail.contains(&format!("flespi_hand_off_refused: {why}")), "{why}: {trail:?}");
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_refused_by_its_field_and_changes_nothing() {
    let s = scene().await;
    s.connect("eu").await;
    s.run().await;
    let nonce = s.nonce().await;
    let before = s.store.inner().contents().await.unwrap().to_string();
    let posted = s.w.flespi.log_in("eu");
    for (message, field, code) in [
        (String::new(), "message", "bad_message"),
        (posted.replace("{\"name\"", "[\"name\""), "message", "bad_message"),
        (posted.replace("\"name\":\"eu\"", "\"name\":\"eu.evil.com\""), "region", "invalid_region"),
        (posted.replace("\"name\":\"eu\"", "\"name\":\"us\""), "region", "invalid_region"),
        (
            "FlespiLogin|token:{\"token\":\"short\",\"region\":{\"name\":\"eu\"}}".to_owned(),
            "token",
            "invalid_token",
        ),
        (format!("FlespiToken {}", "a".repeat(64)), "region", "invalid_region"),
    ] {
        assert_eq!(fault(s.redeem(&nonce, message.clone()).await), (field.to_owned(), code), "{message}");
    }
    let refused = s.w.security.flespi().manual(s.session, &typed(), &region("us")).await;
    assert_eq!(fault(refused), ("region".to_owned(), "invalid_region"));
    assert_eq!(s.store.inner().contents().await.unwrap().to_string(), before);
    let foreign = posted.replace("https://flespi.io", "https://evil.example");
    let flespi = s.redeem(&nonce, foreign).await.unwrap();
    assert_eq!(flespi.token.unwrap().region.as_str(), "eu", "its hosts are read by nobody");
}

#[tokio::test]
async fn a_login_of_another_region_is_no_token_there_and_the_old_one_stays() {
    let s = scene().await;
    let old = s.connect("eu").await.token;
    s.run().await;
    let nonce = s.nonce().await;
    let moved = s.w.flespi.log_in("eu").replace("\"name\":\"eu\"", "\"name\":\"ru\"");
    assert_eq!(fault(s.redeem(&nonce, moved).await), ("token".to_owned(), "invalid_token"));
    assert_eq!(s.seen().await.token, old);
    assert_eq!(s.seen().await.state, FlespiState::Connected);
    s.finish().await;
    assert_eq!(s.w.flespi.issued().len(), 1);
    assert!(s.w.flespi.calls().iter().filter(|(to, _)| to.as_str() == "ru").count() > 0);
    let refused = "flespi_not_connected: unauthorized".to_owned();
    assert!(s.trail().await.contains(&refused));
}

#[tokio::test]
async fn who_may_not_change_it_is_told_every_missing_gate() {
    let s = scene().await;
    let flespi = s.w.security.flespi();
    let under = NewAccount::named("below").under(s.alice.account);
    let below = s.w.security.accounts().create(under).await.unwrap();
    let bob = s.w.user(&below, "bob", None).await.unwrap();
    let bobs = s.w.sign_in(&bob).await.unwrap().id;
    s.w.security.rights().set_flags(Actor::Program, bob.id, Flags::default()).await.unwrap();
    let missing = |answer: Error| {
        let Error::Refused(refusal) = answer else { panic!("{answer}") };
        refusal.missing().to_vec()
    };
    let gates = [Gate::ChangeSettings, Gate::TopUser];
    assert_eq!(missing(flespi.begin(bobs).await.unwrap_err()), gates);
    assert_eq!(missing(flespi.manual(bobs, &typed(), &region("eu")).await.unwrap_err()), gates);
    assert_eq!(missing(flespi.disconnect(bobs).await.unwrap_err()), gates);
    let message = s.w.flespi.log_in("eu");
    assert_eq!(missing(flespi.redeem(bobs, "", message).await.unwrap_err()), gates);
    assert_eq!(s.w.security.settings(bobs).await.unwrap().flespi.unwrap().change.missing(), gates);

    // A right that is lost between is missed when the nonce comes back.
    let nonce = s.nonce().await;
    let flags = Flags::all().with(Flag::ChangeSettings, false);
    s.w.security.rights().set_flags(Actor::Program, s.alice.id, flags).await.unwrap();
    let lost = s.redeem(&nonce, s.w.flespi.log_in("eu")).await.unwrap_err();
    assert_eq!(missing(lost), [Gate::ChangeSettings]);
    s.w.security.rights().set_flags(Actor::Program, s.alice.id, Flags::all()).await.unwrap();

    s.w.advance(s.w.security.policy().session_fresh);
    for stale in [
        flespi.begin(s.session).await.map(drop),
        flespi.manual(s.session, &typed(), &region("eu")).await.map(drop),
        flespi.disconnect(s.session).await,
    ] {
        assert_eq!(refused(stale), Reason::StaleSignIn);
    }
    assert_eq!(s.w.flespi.calls(), []);
}

#[tokio::test]
async fn logins_that_are_begun_are_bounded() {
    let s = scene().await;
    for _ in 0..10 {
        s.nonce().await;
    }
    assert_eq!(refused(s.w.security.flespi().begin(s.session).await), Reason::TooManyAttempts);
}

#[test]
fn a_thousand_uses_of_one_nonce_at_once_give_one_token() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let s = scene().await;
        let nonce = s.nonce().await;
        let uses: Vec<_> = (0..1000)
            .map(|_| {
                let (security, nonce, session) = (s.w.security.clone(), nonce.clone(), s.session);
                let message = s.w.flespi.log_in("eu");
                tokio::spawn(async move {
                    match security.flespi().redeem(session, &nonce, message).await {
                        Ok(_) => "ok",
                        Err(Error::Refused(refusal)) => refusal.code(),
                        Err(other) => panic!("{other}"),
                    }
                })
            })
            .collect();
        let mut taken = 0;
        for answer in uses {
            match answer.await.unwrap() {
                "ok" => taken += 1,
                code => assert_eq!(code, "hand_off_dead"),
            }
        }
        assert_eq!((taken, s.w.flespi.count(Call::Issue)), (1, 1));
        s.run().await;
        assert_eq!(s.w.flespi.issued().len(), 1);
    });
}

#[tokio::test]
async fn an_engine_without_what_calls_flespi_has_no_such_settings() {
    let s = scene().await;
    s.connect("eu").await;
    let without = Portcullis::builder_on(Arc::clone(&s.w.store))
        .keyring(s.w.security.keyring())
        .mail(s.w.mailbox.clone())
        .clock(Arc::clone(&s.w.clock) as Arc<dyn portcullis::port::ambient::Clock>)
        .public_url(portcullis::testing::world::PUBLIC_URL)
        .build()
        .unwrap();
    assert!(without.settings(s.session).await.unwrap().flespi.is_none());
    let flespi = without.flespi();
    for answer in [
        flespi.begin(s.session).await.map(drop),
        flespi.redeem(s.session, "", String::new()).await.map(drop),
        flespi.manual(s.session, &typed(), &region("eu")).await.map(drop),
        flespi.check(s.session).await.map(drop),
    ] {
        let Err(Error::Refused(refusal)) = answer else { panic!("{answer:?}") };
        assert_eq!(refusal.missing(), [Gate::Policy]);
    }
    // What it can't see to waits for one that can.
    assert_eq!(without.worker().pass().await.unwrap().failed, 1);
    s.finish().await;
    assert_eq!(s.left(), (0, 1));
    assert!(s.works().await);
    assert!(flespi.token(s.alice.id, "try").await.is_ok(), "the token can be had all the same");
    flespi.disconnect(s.w.sign_in(&s.alice).await.unwrap().id).await.unwrap();
    assert!(!s.seen_later().await);
}
