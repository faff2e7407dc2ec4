//! The password: changed by the current one, and each way it is refused.

use chrono::TimeDelta;
use portcullis::rights::Actor;
use portcullis::testing::world::PASSWORD;
use portcullis::user::{Flag, Flags};
use serde_json::{Value, json};

use crate::client::{SESSION, Site, keys};

const NEW: &str = "seven quiet lanterns";

fn body(current: &str, new: &str, repeat: &str) -> Value {
    json!({"current": current, "new": new, "repeat": repeat})
}

#[tokio::test]
async fn a_change_gives_a_fresh_cookie_and_ends_every_other_session() {
    let (mut site, alice) = Site::signed_in().await;
    let other = site.session();
    site.sign_in("alice").await;
    let copied = site.session();
    site.world.advance(TimeDelta::hours(1));
    let reply = site.post("/password", body(PASSWORD, NEW, NEW)).await.is(204);
    assert_eq!(reply.cookie_names(), [SESSION]);
    assert!(site.session() != copied);
    let settings = site.get("/settings").await.is(200).json();
    let now = settings["password"]["changed_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>();
    assert_eq!(now.unwrap(), site.world.now());
    for dead in [other, copied] {
        site.jar.insert(SESSION.to_owned(), dead);
        site.get("/settings").await.refused(401, "signed_out");
    }
    site.post("/sign-in", json!({"login": alice.login.as_str(), "password": PASSWORD}))
        .await
        .refused(401, "bad_credentials");
    site.post("/sign-in", json!({"login": alice.login.as_str(), "password": NEW})).await.is(200);
}

#[tokio::test]
async fn each_refusal_has_its_status_and_its_field() {
    let (mut site, alice) = Site::signed_in().await;
    site.post("/password", body(PASSWORD, NEW, "other")).await.unfit("repeat", "repeat_differs");
    let short = site.post("/password", body(PASSWORD, "alice", "alice")).await.refused(422, "weak_password");
    assert_eq!((&short["field"], &short["reasons"]), (&json!("new"), &json!(["too_short", "context"])));
    let common = "1q2w3e4r5t6y7u8i9o0p";
    let common = site.post("/password", body(PASSWORD, common, common)).await.refused(422, "weak_password");
    assert_eq!(common["reasons"], json!(["too_common"]));
    site.post("/password", body(PASSWORD, PASSWORD, PASSWORD)).await.unfit("new", "unchanged");
    site.post("/password", body("not this one", NEW, NEW)).await.refused(401, "bad_credentials");
    site.post("/password", body("", NEW, NEW)).await.unfit("current", "missing");
    site.post("/password", json!({"current": PASSWORD, "new": NEW})).await.unfit("repeat", "missing");
    for _ in 0..9 {
        site.post("/password", body("not this one", NEW, NEW)).await.refused(401, "bad_credentials");
    }
    let waits = site.post("/password", body(PASSWORD, NEW, NEW)).await.refused(429, "too_many_attempts");
    assert_eq!(waits["retry_after"], 300);

    let flags = Flags::all().with(Flag::ChangePassword, false);
    site.world.security.rights().set_flags(Actor::Program, alice.id, flags).await.unwrap();
    let missing = site.post("/password", body(PASSWORD, NEW, NEW)).await.refused(403, "not_allowed");
    assert_eq!(missing["missing"][0]["gate"], "change_password");
    let shown = site.get("/settings").await.is(200).json()["password"].clone();
    assert_eq!(keys(&shown), ["change", "changed_at", "minimum"]);
    assert_eq!(
        (&shown["change"]["missing"][0]["gate"], &shown["minimum"]),
        (&json!("change_password"), &json!(15))
    );
}

#[tokio::test]
async fn with_a_second_factor_the_minimum_is_eight() {
    let (mut site, _) = Site::with_two_factor().await;
    assert_eq!(site.get("/settings").await.json()["password"]["minimum"], 8);
    site.post("/password", body(PASSWORD, "quiet lamps", "quiet lamps")).await.is(204);
    let weak = site.put("/two-factor", json!({"method": "none"})).await.refused(409, "weak_password");
    assert!(weak.get("reasons").is_none(), "{weak}");
}
