//! Codes by SMS over HTTP.

use chrono::TimeDelta;
use portcullis::account::Service;
use portcullis::manage::AccountChange;
use portcullis::port::message::SendError;
use portcullis::rights::{AccessRight, Actor};
use portcullis::testing::world::PASSWORD;
use serde_json::{Value, json};

use crate::client::{ALICE, Site, keys};

const NUMBER: &str = "+37120000045";

async fn code(site: &Site) -> String {
    site.world.run_worker().await.unwrap();
    site.world.handset.last_code(NUMBER).unwrap().expose().to_owned()
}

async fn switched_on(site: &mut Site) {
    let body = json!({"method": "sms", "phone": NUMBER});
    let asked = site.post("/two-factor/challenge", body).await.is(202).json();
    assert_eq!((&asked["channel"], &asked["destination"]), (&json!("sms"), &json!("+371•••••45")));
    let waits = site.get("/settings").await.json();
    assert_eq!(waits["phone"], json!({"number": NUMBER, "confirmed": false}));
    assert_eq!(waits["two_factor"]["pending"]["method"], "sms");
    let body = json!({"method": "sms", "challenge": asked["challenge"], "code": code(site).await});
    let on = site.put("/two-factor", body).await.is(200).json();
    assert_eq!(keys(&on), ["delivery", "method", "options"]);
    assert_eq!(on["delivery"], json!({"channel": "sms", "reasons": []}));
    site.world.advance(TimeDelta::minutes(2));
}

async fn service_off(site: &Site) {
    let mut change = AccountChange::default();
    change.services.insert("sms".to_owned(), Service::off());
    site.world.security.manage(Actor::Program).change_account(site.account.id, &change).await.unwrap();
}

async fn asked(site: &mut Site) -> Value {
    let body = json!({"login": "alice", "password": PASSWORD});
    site.post("/sign-in", body).await.is(200).json()
}

#[tokio::test]
async fn a_sign_in_names_its_channels_and_what_was_proved() {
    let (mut site, _) = Site::signed_in().await;
    switched_on(&mut site).await;
    let settings = site.get("/settings").await.json();
    assert_eq!(settings["phone"], json!({"number": NUMBER, "confirmed": true}));
    site.jar.clear();
    let asked = asked(&mut site).await;
    assert_eq!((&asked["channel"], &asked["channels"]), (&json!("sms"), &json!(["sms", "email"])));
    site.world.advance(TimeDelta::minutes(1));
    let again = json!({"challenge": asked["challenge"], "channel": "email"});
    let mailed = site.post("/sign-in/resend", again).await.is(200).json();
    assert_eq!((&mailed["channel"], &mailed["destination"]), (&json!("email"), &json!("a•••@example.com")));
    let entered = site.code(ALICE).await;
    let body = json!({"challenge": asked["challenge"], "code": entered});
    let admitted = site.post("/sign-in/code", body).await.is(200).json();
    assert_eq!(admitted["assurance"], "password_email");
}

#[tokio::test]
async fn a_challenge_of_another_method_switches_nothing_on() {
    let (mut site, _) = Site::signed_in().await;
    let asked = site.post("/two-factor/challenge", json!({"method": "sms", "phone": NUMBER})).await.json();
    let entered = code(&site).await;
    let change = |method: &str| json!({"method": method, "challenge": asked["challenge"], "code": entered});
    site.put("/two-factor", change("email")).await.unfit("method", "invalid_method");
    let waits = site.get("/settings").await.json()["two_factor"].clone();
    assert_eq!(waits["method"], "none");
    assert_eq!(waits["pending"]["attempts_left"], 5, "no code was spent");
    site.put("/two-factor", change("sms")).await.is(200);

    let (mut site, _) = Site::signed_in().await;
    let asked = site.post("/two-factor/challenge", json!({"method": "email"})).await.json();
    let body = json!({"method": "sms", "challenge": asked["challenge"], "code": site.code(ALICE).await});
    site.put("/two-factor", body).await.unfit("method", "invalid_method");
    assert_eq!(site.get("/settings").await.json()["phone"]["number"], Value::Null);
}

#[tokio::test]
async fn every_missing_gate_is_named_and_a_code_goes_by_mail_instead() {
    let (mut site, _) = Site::signed_in().await;
    switched_on(&mut site).await;
    service_off(&site).await;
    let gate = json!({
        "gate": "service_sms",
        "text": "The SMS messages service is not active in the account properties.",
    });
    let tab = site.get("/settings").await.json()["two_factor"].clone();
    assert_eq!(tab["delivery"], json!({"channel": "email", "reasons": [gate]}));
    let option = tab["options"].as_array().unwrap().last().unwrap();
    let verdict = json!({"allowed": false, "missing": [gate]});
    assert_eq!(option, &json!({"method": "sms", "verdict": verdict}));
    let body = json!({"method": "sms", "phone": "+37120000046"});
    let refused = site.post("/two-factor/challenge", body).await.refused(403, "not_allowed");
    assert_eq!(refused["missing"], json!([gate]));
    site.jar.clear();
    let asked = asked(&mut site).await;
    assert_eq!((&asked["channel"], &asked["channels"]), (&json!("email"), &json!(["email"])));
}

#[tokio::test]
async fn what_came_of_the_message_is_told_to_who_waits_for_it() {
    let (mut site, _) = Site::signed_in().await;
    for (failure, delivery) in [
        (Some(SendError::Ambiguous { detail: "the connection was lost" }), Some("ambiguous")),
        (Some(SendError::Permanent { detail: "no such number" }), Some("failed")),
        (None, None),
    ] {
        site.world.handset.fail_with(failure);
        let body = json!({"method": "sms", "phone": NUMBER});
        let asked = site.post("/two-factor/challenge", body).await.is(202).json();
        assert_eq!(asked.get("delivery"), None, "nothing has left yet");
        site.world.run_worker().await.unwrap();
        let settings = site.get("/settings").await.json();
        let told = settings["two_factor"]["pending"].get("delivery").and_then(Value::as_str);
        assert_eq!(told, delivery);
        // After the cool-down the same user may ask again, whatever came of the one before.
        site.world.advance(TimeDelta::minutes(11));
        site.post("/reauthenticate", json!({"password": PASSWORD})).await.is(200);
    }
    let (mut site, _) = Site::signed_in().await;
    switched_on(&mut site).await;
    site.jar.clear();
    let asked = asked(&mut site).await;
    site.world.handset.fail_with(Some(SendError::Ambiguous { detail: "the connection was lost" }));
    site.world.run_worker().await.unwrap();
    let body = json!({"challenge": asked["challenge"]});
    let waits = site.post("/sign-in/pending", body).await.is(200).json();
    assert_eq!(waits["delivery"], "ambiguous");
    for same in ["destination", "expires_at", "resend_at", "attempts_left"] {
        assert_eq!(waits[same], asked[same], "{same}");
    }
}

#[tokio::test]
async fn an_account_shows_what_it_has_used() {
    let (mut site, _) = Site::signed_in().await;
    switched_on(&mut site).await;
    let path = format!("/accounts/{}/usage", site.account.id.uuid());
    site.get(&path).await.refused(404, "not_found");
    let admin = site.user("admin", None).await;
    let manager = [AccessRight::ManageAccount].into_iter().collect();
    let rights = site.world.security.rights();
    rights.grant_on_account(Actor::Program, site.account.id, admin.id, &manager).await.unwrap();
    site.jar.clear();
    site.sign_in("admin").await;
    let usage = site.get(&path).await.is(200).json();
    assert_eq!((&usage["sms"]["used"], &usage["sms"]["codes"]), (&json!(1), &json!(1)));
    assert_eq!(usage["email_notification"]["used"], 0);
    assert_eq!(usage["sms_budget"]["used"], 1);
    let left = usage["sms_budget"]["limit"].as_u64().unwrap() - 1;
    assert_eq!(usage["sms_budget"]["left"], left);
}

#[tokio::test]
async fn a_number_in_use_stays() {
    let (mut site, _) = Site::signed_in().await;
    switched_on(&mut site).await;
    site.delete("/phone").await.refused(409, "in_use");
    site.put("/two-factor", json!({"method": "none"})).await.is(200);
    let gone = site.delete("/phone").await.is(204);
    assert_eq!(gone.cookie_names(), ["__Host-portcullis"]);
    let settings = site.get("/settings").await.json();
    assert_eq!(settings["phone"], json!({"number": null, "confirmed": false}));
}
