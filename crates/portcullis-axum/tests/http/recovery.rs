//! Recovery: asked for alike by everyone, and a link that is worth one password.

use portcullis::testing::world::PASSWORD;
use serde_json::{Value, json};

use crate::client::{ALICE, SESSION, Site, keys};

const NEW: &str = "seven quiet lanterns";

fn body(new: &str, repeat: &str) -> Value {
    json!({"new": new, "repeat": repeat})
}

/// The path of the link that arrived.
async fn mailed(site: &mut Site) -> String {
    site.post("/recovery", json!({"identifier": "alice"})).await.is(202);
    site.world.run_worker().await.unwrap();
    format!("/recovery/{}", site.world.mailbox.last_link(ALICE).unwrap().expose())
}

#[tokio::test]
async fn known_and_unknown_are_answered_alike() {
    let (mut site, _) = Site::of_alice().await;
    site.user("bare", None).await;
    let mut seen = Vec::new();
    for identifier in ["alice", ALICE, "bare", "nobody", "nobody@example.com", "alice"] {
        let reply = site.post("/recovery", json!({"identifier": identifier})).await.is(202);
        let mut names: Vec<_> = reply.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        seen.push((reply.text, names));
    }
    assert_eq!(seen[0].0, "{}");
    assert!(seen.iter().all(|reply| *reply == seen[0]), "{seen:?}");
    for strange in ["", " ", "a\u{200b}b"] {
        site.post("/recovery", json!({"identifier": strange}))
            .await
            .unfit("identifier", "invalid_identifier");
    }
    site.post("/recovery", json!({})).await.unfit("identifier", "missing");
    site.post("/recovery", json!({"identifier": "a", "login": "a"})).await.unfit("login", "unknown_field");
}

#[tokio::test]
async fn a_link_is_looked_at_and_then_worth_one_password() {
    let (mut site, _) = Site::signed_in().await;
    let session = site.session();
    let path = mailed(&mut site).await;
    for _ in 0..2 {
        let reply = site.get(&path).await.is(200);
        assert_eq!(reply.headers["referrer-policy"], "no-referrer", "the token stands in the path");
        let link = reply.json();
        assert_eq!(keys(&link), ["purpose", "valid_until"]);
        assert_eq!(link["purpose"], "recovery");
        let until = link["valid_until"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(until, site.world.now() + site.world.security.policy().recovery_life);
    }
    site.post(&path, body(NEW, "other")).await.unfit("repeat", "repeat_differs");
    let short = site.post(&path, body("alice", "alice")).await.refused(422, "weak_password");
    assert_eq!((&short["field"], &short["reasons"]), (&json!("new"), &json!(["too_short", "context"])));
    site.post(&path, body(NEW, "")).await.unfit("repeat", "missing");
    let done = site.post(&path, body(NEW, NEW)).await.is(204);
    assert!(done.cookie_names().is_empty(), "no session comes of it");
    let dead = site.get(&path).await;
    assert_eq!(dead.headers["referrer-policy"], "no-referrer");
    dead.refused(410, "challenge_dead");
    site.post(&path, body(NEW, NEW)).await.refused(410, "challenge_dead");
    site.jar.insert(SESSION.to_owned(), session);
    site.get("/settings").await.refused(401, "signed_out");
    site.post("/sign-in", json!({"login": "alice", "password": PASSWORD}))
        .await
        .refused(401, "bad_credentials");
    site.post("/sign-in", json!({"login": "alice", "password": NEW})).await.is(200);
}

#[tokio::test]
async fn what_is_no_link_is_as_dead_as_one_that_is_over() {
    let (mut site, _) = Site::of_alice().await;
    let path = mailed(&mut site).await;
    let other = format!("/recovery/{}", "A".repeat(64));
    for dead in ["/recovery/x", "/recovery/%00", &other] {
        site.get(dead).await.refused(410, "challenge_dead");
        site.post(dead, body(NEW, NEW)).await.refused(410, "challenge_dead");
    }
    site.world.advance(site.world.security.policy().recovery_life);
    site.get(&path).await.refused(410, "challenge_dead");
    site.post(&path, body(NEW, NEW)).await.refused(410, "challenge_dead");
}

#[tokio::test]
async fn one_source_has_to_wait_after_twenty() {
    let (mut site, _) = Site::of_alice().await;
    for nth in 0..20 {
        site.post("/recovery", json!({"identifier": format!("nobody{nth}")})).await.is(202);
    }
    let waits =
        site.post("/recovery", json!({"identifier": "alice"})).await.refused(429, "too_many_attempts");
    assert_eq!(waits["retry_after"], 600);
}
