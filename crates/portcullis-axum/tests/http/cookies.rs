//! Cookies: their flags, their rotation, and that a copied one dies.

use chrono::TimeDelta;
use portcullis::testing::World;
use portcullis::testing::ambient::SeededRandom;
use portcullis::testing::world::{PASSWORD, attempt};
use portcullis_axum::HttpOptions;
use serde_json::json;

use crate::client::{ALICE, DEVICE, SESSION, Site};

const GOOD: &str = "alice";

fn good() -> serde_json::Value {
    json!({"login": GOOD, "password": PASSWORD})
}

#[tokio::test]
async fn both_cookies_are_marked_and_live_as_long_as_the_core_says() {
    let (mut site, _) = Site::of_alice().await;
    let set = site.post("/sign-in", good()).await.is(200).cookies();
    let policy = site.world.security.policy();
    let flags = "HttpOnly; SameSite=Lax; Secure";
    let attributes = |life: TimeDelta| format!("Path=/; Max-Age={}; {flags}", life.num_seconds());
    let names: Vec<_> = set.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, [SESSION, DEVICE]);
    assert_eq!(set[0].2, attributes(policy.session_longest));
    assert_eq!(set[1].2, attributes(policy.device_life));
    let sessions = site.world.security.sessions();
    let id = sessions.open_token(&set[0].1).unwrap();
    assert_eq!(sessions.current(id).await.unwrap().login.as_str(), GOOD);
    assert!(!set[0].1.contains(&id.to_string()), "the id is sealed");
}

#[tokio::test]
async fn in_development_cookies_work_without_https() {
    let options = HttpOptions::new("http://127.0.0.1:8080").unwrap().dev(true);
    let mut site = Site::over(World::new(), options).await;
    site.user(GOOD, None).await;
    let set = site.post("/sign-in", good()).await.is(200).cookies();
    let names: Vec<_> = set.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, ["portcullis", "portcullis-device"]);
    for (_, _, attributes) in &set {
        assert!(attributes.ends_with("; HttpOnly; SameSite=Lax"), "{attributes}");
    }
    site.get("/settings").await.is(200);
    site.send("POST", "/sign-out", None).await.is(204);
    site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn a_cookie_for_one_thing_is_none_for_another() {
    let (mut site, _) = Site::signed_in().await;
    let device = site.jar[DEVICE].clone();
    site.jar.insert(SESSION.to_owned(), device);
    site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn a_known_browser_is_not_delayed_by_strangers() {
    let (mut site, _) = Site::signed_in().await;
    let mut stranger = std::mem::take(&mut site.jar);
    for nth in 0..10_u8 {
        site.peer = [198, 51, 100, nth].into();
        site.post("/sign-in", json!({"login": GOOD, "password": "guess"}))
            .await
            .refused(401, "bad_credentials");
    }
    site.peer = [203, 0, 113, 1].into();
    site.post("/sign-in", good()).await.refused(429, "too_many_attempts");
    stranger.remove(SESSION);
    site.jar = stranger;
    let reply = site.post("/sign-in", good()).await.is(200);
    assert_eq!(reply.json()["status"], "admitted");
}

#[tokio::test]
async fn a_copied_cookie_dies_with_every_change_of_credentials() {
    let (mut site, alice) = Site::signed_in().await;
    let elsewhere = site.world.sign_in(&alice).await.unwrap();
    let copied = site.session();
    site.delete("/email").await.is(204);
    let current = site.session();
    assert_ne!(current, copied);
    for dead in [copied, site.world.security.sessions().token(elsewhere.id)] {
        site.jar.insert(SESSION.to_owned(), dead);
        let reply = site.get("/settings").await;
        assert_eq!(reply.cookie_names(), [format!("({SESSION})")]);
        reply.refused(401, "signed_out");
    }
    site.jar.insert(SESSION.to_owned(), current);
    site.get("/settings").await.is(200);
}

#[tokio::test]
async fn a_dead_session_of_a_disabled_or_idle_user_is_dropped() {
    let (mut site, alice) = Site::signed_in().await;
    let rights = site.world.security.rights();
    rights.set_disabled(portcullis::rights::Actor::Program, alice.id, true).await.unwrap();
    let reply = site.get("/settings").await;
    assert_eq!(reply.cookie_names(), [format!("({SESSION})")]);
    reply.refused(401, "signed_out");
    assert!(!site.jar.contains_key(SESSION));

    let (mut site, _) = Site::signed_in().await;
    site.world.advance(TimeDelta::hours(13));
    site.get("/settings").await.refused(401, "signed_out");
}

#[tokio::test]
async fn a_session_in_use_does_not_idle() {
    let (mut site, _) = Site::signed_in().await;
    for _ in 0..4 {
        site.world.advance(TimeDelta::hours(8));
        site.get("/settings").await.is(200);
    }
}

#[tokio::test]
async fn a_cookie_sealed_with_an_old_key_is_given_anew() {
    let (mut site, _) = Site::signed_in().await;
    let old = site.session();
    assert!(site.get("/settings").await.is(200).cookies().is_empty());
    let mut keyring = site.world.security.keyring();
    keyring.rotate(&SeededRandom::new(9), site.world.now()).unwrap();
    site.world.security.replace_keyring(keyring.clone());
    let renewed = site.get("/settings").await.is(200);
    assert_eq!(renewed.cookie_names(), [SESSION]);
    let new = site.session();
    assert_ne!(new, old);
    assert!(keyring.is_current(&new));
    let sessions = site.world.security.sessions();
    assert_eq!(sessions.open_token(&new), sessions.open_token(&old), "the same session");
    assert!(site.get("/settings").await.is(200).cookies().is_empty());

    site.jar.insert(SESSION.to_owned(), old);
    let changed = site.delete("/email").await.is(204);
    assert_eq!(changed.cookie_names(), [SESSION], "one fresh cookie, not a renewed one beside it");
}

#[tokio::test]
async fn signing_in_with_a_code_also_knows_the_browser_from_then_on() {
    let (mut site, _) = Site::with_two_factor().await;
    site.jar.clear();
    let challenge = site.ask_code().await;
    let body = json!({"challenge": challenge, "code": site.code(ALICE).await});
    let admitted = site.post("/sign-in/code", body).await.is(200);
    assert_eq!(admitted.cookie_names(), [SESSION, DEVICE]);
    let known = attempt().with_device(site.jar[DEVICE].clone());
    assert!(known.device.is_some());
}
