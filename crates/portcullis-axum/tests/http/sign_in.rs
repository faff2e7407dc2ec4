//! Signing in and out, codes, and being asked again.

use chrono::TimeDelta;
use portcullis::policy::Policy;
use portcullis::testing::world::{PASSWORD, WorldOptions};
use serde_json::json;

use crate::client::{ALICE, Site, is_challenge, keys};

fn good() -> serde_json::Value {
    json!({"login": "alice", "password": PASSWORD})
}

#[tokio::test]
async fn a_password_admits() {
    let (mut site, alice) = Site::of_alice().await;
    let admitted = site.sign_in("alice").await;
    assert_eq!(
        admitted,
        json!({
            "status": "admitted", "user": {"id": alice.id, "login": "alice"},
            "assurance": "password", "notice": {},
        })
    );
    site.get("/settings").await.is(200);
}

#[tokio::test]
async fn nobody_can_tell_an_unknown_login_from_a_wrong_password() {
    let (mut site, _) = Site::of_alice().await;
    let bad = |login| json!({"login": login, "password": "another password"});
    let unknown = site.post("/sign-in", bad("nobody")).await;
    let wrong = site.post("/sign-in", bad("alice")).await;
    assert_eq!(unknown.text, wrong.text);
    assert_eq!(unknown.headers, wrong.headers);
    assert!(wrong.cookies().is_empty());
    site.world.security.accounts().set_blocked(site.account.id, true).await.unwrap();
    let blocked = site.post("/sign-in", good()).await;
    assert_eq!((&blocked.text, &blocked.headers), (&wrong.text, &wrong.headers));
    wrong.refused(401, "bad_credentials");
}

#[tokio::test]
async fn too_many_failures_from_one_address_have_to_wait() {
    let (mut site, _) = Site::of_alice().await;
    for _ in 0..10 {
        site.post("/sign-in", json!({"login": "nobody", "password": "x"}))
            .await
            .refused(401, "bad_credentials");
    }
    let problem = site.post("/sign-in", good()).await.refused(429, "too_many_attempts");
    assert!(problem["retry_after"].as_u64().unwrap() > 0);
    site.peer = [192, 0, 2, 2].into();
    site.post("/sign-in", good()).await.is(200);
}

#[tokio::test]
async fn with_two_factor_on_a_code_is_asked_and_admits_once() {
    let (mut site, alice) = Site::with_two_factor().await;
    site.jar.clear();
    let asked = site.post("/sign-in", good()).await.is(200);
    assert!(asked.cookies().is_empty(), "no session exists yet");
    let asked = asked.json();
    is_challenge(&asked, "a•••@example.com", &["status", "channels"]);
    assert_eq!((&asked["status"], &asked["channels"]), (&json!("code_required"), &json!(["email"])));

    let wrong = site.wrong_code(ALICE).await;
    for left in [4, 3] {
        let body = json!({"challenge": asked["challenge"], "code": wrong});
        let problem = site.post("/sign-in/code", body).await.refused(401, "wrong_code");
        assert_eq!(problem["attempts_left"], left);
    }
    let body = json!({"challenge": asked["challenge"], "code": site.code(ALICE).await});
    let admitted = site.post("/sign-in/code", body.clone()).await.is(200);
    assert_eq!(
        admitted.json(),
        json!({
            "status": "admitted", "user": {"id": alice.id, "login": "alice"},
            "assurance": "password_email", "notice": {},
        })
    );
    site.get("/settings").await.is(200);
    site.post("/sign-in/code", body).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn the_last_wrong_code_locks() {
    let (mut site, _) = Site::with_two_factor().await;
    site.jar.clear();
    let challenge = site.ask_code().await;
    let wrong = json!({"challenge": challenge, "code": site.wrong_code(ALICE).await});
    for left in [4, 3, 2, 1, 0] {
        let problem = site.post("/sign-in/code", wrong.clone()).await.refused(401, "wrong_code");
        assert_eq!(problem["attempts_left"], left);
    }
    let right = json!({"challenge": challenge, "code": site.code(ALICE).await});
    site.post("/sign-in/code", right).await.refused(429, "locked");
    site.post("/sign-in/resend", json!({"challenge": challenge})).await.refused(429, "locked");
}

#[tokio::test]
async fn a_code_that_is_expired_or_unknown_is_dead() {
    let (mut site, _) = Site::with_two_factor().await;
    site.jar.clear();
    let challenge = site.ask_code().await;
    let code = site.code(ALICE).await;
    let stranger =
        site.world.security.challenge_token(portcullis::id::ChallengeId::from_uuid(uuid::Uuid::nil()));
    let session_token =
        site.world.security.sessions().token(portcullis::id::SessionId::from_uuid(uuid::Uuid::nil()));
    let long = "x".repeat(10_000);
    for token in ["", "nonsense", &stranger, &session_token, &long] {
        let body = json!({"challenge": token, "code": code});
        site.post("/sign-in/code", body).await.refused(410, "challenge_dead");
        site.post("/sign-in/resend", json!({"challenge": token})).await.refused(410, "challenge_dead");
    }
    site.world.advance(TimeDelta::hours(3));
    let body = json!({"challenge": challenge, "code": code});
    site.post("/sign-in/code", body).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn a_code_is_sent_again_after_a_while_and_not_for_ever() {
    let (mut site, _) = Site::with_two_factor().await;
    site.jar.clear();
    let challenge = site.ask_code().await;
    let body = json!({"challenge": challenge});
    let soon = site.post("/sign-in/resend", body.clone()).await.refused(429, "too_soon");
    assert_eq!(soon["retry_after"], 60);
    for nth in 2..=5 {
        site.world.advance(TimeDelta::seconds(61));
        let by =
            if nth % 2 == 0 { body.clone() } else { json!({"challenge": challenge, "channel": "email"}) };
        let sent = site.post("/sign-in/resend", by).await.is(200).json();
        is_challenge(&sent, "a•••@example.com", &[]);
        assert_eq!(sent["challenge"], challenge, "the same challenge goes on");
    }
    site.world.advance(TimeDelta::seconds(61));
    site.post("/sign-in/resend", body).await.refused(429, "no_sends_left");
    let body = json!({"challenge": challenge, "channel": "pigeon"});
    site.post("/sign-in/resend", body).await.unfit("channel", "invalid_channel");
    let challenge = site.ask_code().await;
    site.world.advance(TimeDelta::seconds(61));
    let body = json!({"challenge": challenge, "channel": "sms"});
    site.post("/sign-in/resend", body).await.refused(403, "not_allowed");
}

#[tokio::test]
async fn a_right_password_whose_code_cannot_be_sent_says_what_is_missing() {
    let (site, _) = Site::with_two_factor().await;
    let mut policy = Policy::default();
    policy.email_factor = false;
    let store = site.world.store.clone();
    let options = WorldOptions { store, policy, now: site.world.now(), seed: 2 };
    let world = portcullis::testing::World::with(options);
    let mut site = Site {
        app: axum::Router::new().nest(
            crate::client::MOUNT,
            portcullis_axum::router(
                world.security.clone(),
                portcullis_axum::HttpOptions::new(crate::client::PUBLIC).unwrap(),
            ),
        ),
        world,
        jar: std::collections::BTreeMap::new(),
        ..site
    };
    let problem = site.post("/sign-in", good()).await.refused(403, "not_allowed");
    let gates = problem["missing"].as_array().unwrap();
    assert_eq!(gates.len(), 1, "{problem}");
    assert_eq!(gates[0]["gate"], "policy");
    assert_eq!(keys(&gates[0]), ["gate", "text"]);
}

#[tokio::test]
async fn mailed_codes_have_a_budget() {
    let (mut site, _) = Site::with_two_factor().await;
    site.jar.clear();
    let mut last = None;
    for _ in 0..11 {
        last = Some(site.post("/sign-in", good()).await);
    }
    let problem = last.unwrap().refused(429, "too_soon");
    assert!(problem["retry_after"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_drops_the_cookie() {
    let (mut site, _) = Site::signed_in().await;
    let copied = site.session();
    let out = site.send("POST", "/sign-out", None).await.is(204);
    assert_eq!(out.cookie_names(), ["(__Host-portcullis)"]);
    site.get("/settings").await.refused(401, "signed_out");
    site.jar.insert("__Host-portcullis".to_owned(), copied);
    site.get("/settings").await.refused(401, "signed_out");
    site.send("POST", "/sign-out", None).await.is(204);
    site.post("/sign-out", json!({})).await.is(204);
    site.post("/sign-out", json!({"all": "yes"})).await.unfit("all", "unknown_field");
}

#[tokio::test]
async fn a_stale_session_is_made_fresh_by_the_password() {
    let (mut site, _) = Site::signed_in().await;
    site.world.advance(TimeDelta::minutes(16));
    let body = json!({"address": "new@example.com"});
    site.put("/email", body.clone()).await.refused(403, "stale_sign_in");
    let old = site.session();
    site.post("/reauthenticate", json!({"password": "wrong"})).await.refused(401, "bad_credentials");
    let fresh = site.post("/reauthenticate", json!({"password": PASSWORD})).await.is(200);
    assert_eq!(fresh.cookie_names(), ["__Host-portcullis"]);
    let fresh = fresh.json();
    assert_eq!(keys(&fresh), ["status", "until"]);
    assert_eq!(fresh["status"], "fresh");
    assert_ne!(site.session(), old);
    site.put("/email", body).await.is(202);
    site.jar.insert("__Host-portcullis".to_owned(), old);
    site.get("/settings").await.refused(401, "signed_out");
    site.post("/reauthenticate", json!({"password": PASSWORD})).await.refused(401, "signed_out");
}

#[tokio::test]
async fn with_two_factor_on_it_takes_a_code_too() {
    let (mut site, _) = Site::with_two_factor().await;
    site.world.advance(TimeDelta::minutes(16));
    let asked = site.post("/reauthenticate", json!({"password": PASSWORD})).await.is(200);
    assert!(asked.cookies().is_empty());
    let asked = asked.json();
    is_challenge(&asked, "a•••@example.com", &["status", "channels"]);
    let body = json!({"challenge": asked["challenge"], "code": site.code(ALICE).await});
    let jar = std::mem::take(&mut site.jar);
    site.post("/sign-in/code", body.clone()).await.refused(410, "challenge_dead");
    site.jar = jar;
    let fresh = site.post("/sign-in/code", body).await.is(200);
    assert_eq!(fresh.cookie_names(), ["__Host-portcullis"]);
    assert_eq!(fresh.json()["status"], "fresh");
    site.put("/email", json!({"address": "new@example.com"})).await.is(202);
}
