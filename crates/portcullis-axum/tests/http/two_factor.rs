//! Two-factor authentication: switched on by a code, and off again.

use chrono::TimeDelta;
use portcullis::password::argon2::HashPool;
use portcullis::policy::Policy;
use portcullis::port::hasher::PasswordHasher;
use portcullis::secret::Password;
use portcullis::testing::world::{PASSWORD, WorldOptions};
use serde_json::{Value, json};

use crate::client::{ALICE, Site, is_challenge, keys};

async fn ask(site: &mut Site) -> Value {
    let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.is(202).json();
    is_challenge(&asked, "a•••@example.com", &[]);
    asked["challenge"].clone()
}

#[tokio::test]
async fn it_is_switched_on_by_the_code_that_arrived() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = ask(&mut site).await;
    let pending = site.get("/settings").await.json()["two_factor"].clone();
    assert_eq!(pending["method"], "none");
    assert_eq!(pending["pending"]["method"], "email");
    is_challenge(&pending["pending"], "a•••@example.com", &["method"]);
    assert!(pending.get("delivery").is_none(), "no code is asked yet");

    let change = |code: &str| json!({"method": "email", "challenge": challenge, "code": code});
    let wrong = site.wrong_code(ALICE).await;
    let problem = site.put("/two-factor", change(&wrong)).await.refused(401, "wrong_code");
    assert_eq!(problem["attempts_left"], 4);
    let old = site.session();
    let right = site.code(ALICE).await;
    let on = site.put("/two-factor", change(&right)).await.is(200);
    assert_eq!(on.cookie_names(), ["__Host-portcullis"]);
    let on = on.json();
    assert_eq!(keys(&on), ["delivery", "method", "options"]);
    assert_eq!(on["method"], "email");
    assert_eq!(on["delivery"], json!({"channel": "email", "reasons": []}));
    site.put("/two-factor", change(&right)).await.refused(410, "challenge_dead");
    site.post("/two-factor/challenge", json!({"method": "email"})).await.refused(409, "unchanged");
    site.jar.insert("__Host-portcullis".to_owned(), old);
    site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn the_last_wrong_code_locks() {
    let (mut site, _) = Site::signed_in().await;
    let challenge = ask(&mut site).await;
    let wrong = site.wrong_code(ALICE).await;
    let body = json!({"method": "email", "challenge": challenge, "code": wrong});
    for _ in 0..5 {
        site.put("/two-factor", body.clone()).await.refused(401, "wrong_code");
    }
    site.put("/two-factor", body).await.refused(429, "locked");
    site.post("/two-factor/challenge/resend", json!({"challenge": challenge})).await.refused(429, "locked");
}

#[tokio::test]
async fn a_pending_address_is_confirmed_and_used_in_one_step() {
    let site = Site::new().await;
    site.user("alice", None).await;
    let mut site = site;
    site.sign_in("alice").await;
    site.post("/two-factor/challenge", json!({"method": "email"})).await.refused(409, "email_unconfirmed");
    site.put("/email", json!({"address": ALICE})).await.is(202);
    let other = json!({"method": "email", "address": "other@example.com"});
    site.post("/two-factor/challenge", other).await.refused(409, "email_unconfirmed");
    let named = json!({"method": "email", "address": ALICE});
    let asked = site.post("/two-factor/challenge", named).await.is(202).json();
    let body = json!({"method": "email", "challenge": asked["challenge"], "code": site.code(ALICE).await});
    site.put("/two-factor", body).await.is(200);
    let settings = site.get("/settings").await.json();
    assert_eq!(settings["email"], json!({"address": ALICE, "confirmed": true}));
    assert_eq!(settings["two_factor"]["method"], "email");
}

#[tokio::test]
async fn a_taken_pending_address_is_refused_when_its_code_was_right() {
    let site = Site::new().await;
    site.user("alice", None).await;
    let mut site = site;
    site.sign_in("alice").await;
    site.put("/email", json!({"address": ALICE})).await.is(202);
    let named = json!({"method": "email", "address": ALICE});
    let asked = site.post("/two-factor/challenge", named).await.is(202).json();
    site.user("bob", Some(ALICE)).await;
    let body = json!({"method": "email", "challenge": asked["challenge"], "code": site.code(ALICE).await});
    site.put("/two-factor", body).await.refused(409, "address_taken");
}

#[tokio::test]
async fn codes_are_sent_again_after_a_while() {
    let (mut site, _) = Site::signed_in().await;
    let body = json!({"challenge": ask(&mut site).await});
    let path = "/two-factor/challenge/resend";
    site.post(path, body.clone()).await.refused(429, "too_soon");
    for _ in 2..=5 {
        site.world.advance(TimeDelta::seconds(61));
        is_challenge(&site.post(path, body.clone()).await.is(200).json(), "a•••@example.com", &[]);
    }
    site.world.advance(TimeDelta::seconds(61));
    site.post(path, body).await.refused(429, "no_sends_left");
    site.post(path, json!({"challenge": "nonsense"})).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_named_before_anything_else() {
    let (mut site, _) = Site::signed_in().await;
    for method in ["telegram", "none", "", "EMAIL"] {
        let body = json!({"method": method, "phone": "+37120000000"});
        site.post("/two-factor/challenge", body).await.unfit("method", "invalid_method");
    }
    for method in ["telegram", "", "off"] {
        let body = json!({"method": method, "challenge": "x", "code": "123456"});
        site.put("/two-factor", body).await.unfit("method", "invalid_method");
    }
    let body = json!({"method": "none", "code": "123456"});
    site.put("/two-factor", body).await.unfit("code", "unknown_field");
    let body = json!({"method": "email", "phone": "+37120000000"});
    site.post("/two-factor/challenge", body).await.unfit("phone", "unknown_field");
    let body = json!({"method": "email", "address": "alice"});
    site.post("/two-factor/challenge", body).await.unfit("address", "invalid_email");
    let body = json!({"method": "email", "challenge": "x"});
    site.put("/two-factor", body).await.unfit("code", "missing");
}

#[tokio::test]
async fn it_is_switched_off_by_a_fresh_session() {
    let (mut site, _) = Site::with_two_factor().await;
    site.world.advance(TimeDelta::minutes(16));
    site.put("/two-factor", json!({"method": "none"})).await.refused(403, "stale_sign_in");
    site.post("/two-factor/challenge", json!({"method": "email"})).await.refused(403, "stale_sign_in");

    let (mut site, _) = Site::with_two_factor().await;
    let off = site.put("/two-factor", json!({"method": "none"})).await.is(200);
    assert_eq!(off.cookie_names(), ["__Host-portcullis"]);
    assert_eq!(off.json()["method"], "none");
    site.put("/two-factor", json!({"method": "none"})).await.refused(409, "unchanged");
}

#[tokio::test]
async fn a_short_password_cannot_stand_alone() {
    let site = Site::new().await;
    let mut new =
        portcullis::user::NewUser::new(portcullis::user::Login::parse("carol").unwrap(), site.account.id);
    let password = Password::parse(PASSWORD.to_owned(), "password").unwrap();
    let pool = HashPool::with_cheap_cost_for_tests().unwrap();
    new.password = Some(pool.hash(&password, [7; 16]).await.unwrap());
    new.long_enough_alone = false;
    new.confirmed_email = Some(portcullis::contact::Email::parse("carol@example.com").unwrap());
    site.world.security.users().create(new).await.unwrap();
    let mut site = site;
    site.sign_in("carol").await;
    let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.is(202).json();
    let code = site.code("carol@example.com").await;
    let body = json!({"method": "email", "challenge": asked["challenge"], "code": code});
    site.put("/two-factor", body).await.is(200);
    site.put("/two-factor", json!({"method": "none"})).await.refused(409, "weak_password");
    let options = site.get("/settings").await.json()["two_factor"]["options"].clone();
    let off = options.as_array().unwrap().iter().find(|option| option["method"] == "none").unwrap();
    assert_eq!(off["verdict"]["allowed"], false);
    assert_eq!(off["verdict"]["missing"][0]["gate"], "weak_password");
}

#[tokio::test]
async fn a_policy_without_e_mail_codes_names_its_gate() {
    let mut policy = Policy::default();
    policy.email_factor = false;
    let mut site = Site::with(WorldOptions { policy, ..WorldOptions::default() }).await;
    site.user("alice", Some(ALICE)).await;
    site.sign_in("alice").await;
    let refused = site.post("/two-factor/challenge", json!({"method": "email"})).await;
    assert_eq!(refused.refused(403, "not_allowed")["missing"][0]["gate"], "policy");
}
