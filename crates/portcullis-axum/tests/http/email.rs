//! The address: set, confirmed, sent again, forgotten, removed.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{ALICE, Site, is_challenge};

const NEW: &str = "alice.new@example.com";

async fn set(site: &mut Site) -> Value {
    let asked = site.put("/email", json!({"address": NEW})).await.is(202).json();
    is_challenge(&asked, "a•••@example.com", &[]);
    asked["challenge"].clone()
}

#[tokio::test]
async fn a_new_address_is_confirmed_by_its_code() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = set(&mut site).await;
    let settings = site.get("/settings").await.is(200).json();
    assert_eq!(settings["email"]["address"], ALICE);
    assert_eq!(settings["email"]["pending"]["address"], NEW);
    is_challenge(&settings["email"]["pending"], "a•••@example.com", &["address"]);

    let (right, wrong) = (site.code(NEW).await, site.wrong_code(NEW).await);
    let body = json!({"challenge": challenge, "code": wrong});
    let problem = site.post("/email/confirm", body).await.refused(401, "wrong_code");
    assert_eq!(problem["attempts_left"], 4);
    let old = site.session();
    let body = json!({"challenge": challenge, "code": right});
    let confirmed = site.post("/email/confirm", body.clone()).await.is(200);
    assert_eq!(confirmed.cookie_names(), ["__Host-portcullis"]);
    assert_eq!(confirmed.json(), json!({"address": NEW, "confirmed": true}));
    site.post("/email/confirm", body).await.refused(410, "challenge_dead");
    site.jar.insert("__Host-portcullis".to_owned(), old);
    site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn the_last_wrong_code_locks_and_a_foreign_code_is_dead() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = set(&mut site).await;
    let wrong = json!({"challenge": challenge, "code": site.wrong_code(NEW).await});
    for _ in 0..5 {
        site.post("/email/confirm", wrong.clone()).await.refused(401, "wrong_code");
    }
    site.post("/email/confirm", wrong).await.refused(429, "locked");

    let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.is(202).json();
    let foreign = json!({"challenge": asked["challenge"], "code": site.code(ALICE).await});
    site.post("/email/confirm", foreign).await.refused(410, "challenge_dead");
    let resend = json!({"challenge": asked["challenge"]});
    site.post("/email/resend", resend).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn what_is_so_already_or_no_address_is_refused() {
    let (mut site, _) = Site::signed_in().await;
    site.put("/email", json!({"address": "Alice@Example.com"})).await.refused(409, "unchanged");
    for address in ["", "alice", "alice@localhost", "a b@example.com"] {
        site.put("/email", json!({"address": address})).await.unfit("address", "invalid_email");
    }
    site.world.advance(TimeDelta::minutes(16));
    site.put("/email", json!({"address": NEW})).await.refused(403, "stale_sign_in");
    site.delete("/email").await.refused(403, "stale_sign_in");
}

#[tokio::test]
async fn a_taken_address_is_told_only_to_who_receives_there() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = set(&mut site).await;
    site.user("bob", Some(NEW)).await;
    let body = json!({"challenge": challenge, "code": site.code(NEW).await});
    site.post("/email/confirm", body).await.refused(409, "address_taken");
    site.put("/email", json!({"address": NEW})).await.is(202);
}

#[tokio::test]
async fn codes_are_sent_again_after_a_while() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = set(&mut site).await;
    let body = json!({"challenge": challenge});
    let soon = site.post("/email/resend", body.clone()).await.refused(429, "too_soon");
    assert_eq!(soon["retry_after"], 60);
    for _ in 2..=5 {
        site.world.advance(TimeDelta::seconds(61));
        let sent = site.post("/email/resend", body.clone()).await.is(200).json();
        is_challenge(&sent, "a•••@example.com", &[]);
    }
    site.world.advance(TimeDelta::seconds(61));
    site.post("/email/resend", body).await.refused(429, "no_sends_left");
    site.post("/email/resend", json!({"challenge": "nonsense"})).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn mailed_codes_have_a_budget() {
    let (mut site, _) = Site::signed_in().await;
    for nth in 0..10 {
        site.put("/email", json!({"address": format!("alice{nth}@example.com")})).await.is(202);
    }
    site.put("/email", json!({"address": NEW})).await.refused(429, "too_soon");
}

#[tokio::test]
async fn a_pending_address_is_forgotten() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = set(&mut site).await;
    let code = site.code(NEW).await;
    let done = site.delete("/email/pending").await.is(204);
    assert!(done.cookies().is_empty());
    let body = json!({"challenge": challenge, "code": code});
    site.post("/email/confirm", body).await.refused(410, "challenge_dead");
    assert!(site.get("/settings").await.json()["email"].get("pending").is_none());
    site.delete("/email/pending").await.is(204);
}

#[tokio::test]
async fn an_address_is_removed_unless_something_uses_it() {
    let (mut site, _) = Site::signed_in().await;
    let old = site.session();
    let removed = site.delete("/email").await.is(204);
    assert_eq!(removed.cookie_names(), ["__Host-portcullis"]);
    assert_ne!(site.session(), old);
    let settings = site.get("/settings").await.json();
    assert_eq!(settings["email"], json!({"address": null, "confirmed": false}));
    assert!(site.delete("/email").await.is(204).cookies().is_empty(), "there was none");

    let (mut site, _) = Site::with_two_factor().await;
    site.delete("/email").await.refused(409, "in_use");
}
