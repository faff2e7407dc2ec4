//! Every route that takes a fresh sign-in refuses a stale one.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use portcullis::contact::Email;
use portcullis::manage::UserChange;
use portcullis::rights::Actor;
use serde_json::{Value, json};

use crate::office::Office;

#[tokio::test]
async fn every_route_that_takes_a_fresh_sign_in_refuses_a_stale_one() {
    let mut office = Office::open().await;
    let document = office.site.get("/openapi.json").await.is(200).json();
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let forbidden = operation["responses"]["403"]["description"].as_str().unwrap_or_default();
            if forbidden.contains("stale_sign_in") {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let demo = office.site.account.id;
    let dora = json!({"login": "dora", "account": demo, "email": "dora@example.com"});
    let dora = office.site.post("/users", dora).await.is(201).json();
    let dora = dora["id"].as_str().unwrap();
    let (admin, bob) = (office.admin.id.to_string(), office.bob.id.to_string());
    let manage = office.site.world.security.manage(Actor::Program);
    let change = UserChange::default().email(Email::parse("proposed@example.com").unwrap());
    manage.change_user(office.admin.id, &change).await.unwrap();
    let settings = office.site.get("/settings").await.is(200).json();
    let proposed = json!({"challenge": settings["email"]["pending"]["challenge"], "code": "000000"});
    let rows = [
        ("PUT /email", "", json!({"address": "new@example.com"})),
        ("DELETE /email", "", Value::Null),
        ("DELETE /phone", "", Value::Null),
        ("POST /two-factor/challenge", "", json!({"method": "email"})),
        ("PUT /two-factor", "", json!({"method": "none"})),
        ("PUT /flespi", "", json!({"token": "aB3x".repeat(16), "region": "eu"})),
        ("DELETE /flespi", "", Value::Null),
        ("POST /flespi/hand-off", "", Value::Null),
        ("DELETE /users/{id}/two-factor", bob.as_str(), Value::Null),
        ("PATCH /users/{id}", bob.as_str(), json!({"email": "new@example.com"})),
        ("POST /users", "", json!({"login": "fay", "account": demo, "email": "fay@example.com"})),
        ("POST /users/{id}/recovery", bob.as_str(), Value::Null),
        ("POST /users/{id}/invitation", dora, Value::Null),
        ("POST /users/{id}/rights", bob.as_str(), json!({"item": demo, "rights": ["view"]})),
        ("POST /email/confirm", "", proposed),
    ];
    let tried: BTreeSet<_> = rows.iter().map(|(route, ..)| (*route).to_owned()).collect();
    assert_eq!(described, tried, "a row for each of them");
    let fresh = office.site.world.security.policy().session_fresh;
    office.site.world.advance(fresh - TimeDelta::seconds(1));
    for (method, path, status) in [
        ("DELETE", format!("/users/{bob}/two-factor"), 204),
        ("POST", format!("/users/{bob}/recovery"), 202),
        ("POST", format!("/users/{dora}/invitation"), 202),
    ] {
        office.site.send(method, &path, None).await.is(status);
    }
    office.site.world.advance(TimeDelta::seconds(1));
    for (route, id, body) in rows {
        let (method, path) = route.split_once(' ').unwrap();
        let body = (!body.is_null()).then_some(body);
        let reply = office.site.send(method, &path.replace("{id}", id), body).await;
        reply.refused(403, "stale_sign_in");
    }
    let (own, address) = (format!("/users/{admin}"), json!({"email": "a@example.com"}));
    office.patch(&own, address).await.refused(403, "stale_sign_in");
    // What proposes no address and sends no link goes on.
    office.site.post("/users", json!({"login": "fay", "account": demo})).await.is(201);
    office
        .site
        .send("PATCH", &format!("/users/{bob}"), Some(json!({"time_zone": "Europe/Riga"})))
        .await
        .is(200);
    office.site.delete(&format!("/users/{bob}/sessions")).await.is(204);
    let nobody = format!("/users/{}/two-factor", crate::office::NOBODY);
    office.site.delete(&nobody).await.refused(404, "not_found");
    let outside = format!("/users/{}/two-factor", office.eve.id);
    office.site.delete(&outside).await.refused(404, "not_found");
}
