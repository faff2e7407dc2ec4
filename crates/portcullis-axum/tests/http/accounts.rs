//! Accounts, as an administrator manages them.

use portcullis::account::NewAccount;
use portcullis::rights::{AccessRight, Actor};
use portcullis::user::{Flag, Flags};
use serde_json::{Value, json};

use crate::client::keys;
use crate::office::{NOBODY, Office, missing, yes};

#[tokio::test]
async fn an_account_is_made_below_another() {
    let mut office = Office::open().await;
    let body = json!({
        "name": "low", "parent": office.child.id, "time_zone": "Europe/Riga",
        "services": {"sms": {"on": true, "quota": 5, "period": "day"}, "email_notification": {"on": false}},
    });
    let low = office.site.post("/accounts", body).await.is(201).json();
    let members = [
        "balance",
        "blocked",
        "blocked_by_hand",
        "blocks_at",
        "created_at",
        "days",
        "days_left",
        "dealer",
        "id",
        "in_force",
        "may",
        "name",
        "parent",
        "plan",
        "services",
        "time_zone",
    ];
    assert_eq!(keys(&low), members);
    assert_eq!(low["days"], json!({"left": 0, "minimum": 0, "counting": false}));
    assert_eq!(low["balance"], json!({"amount": 0, "block_below": null, "limit_below": null}));
    assert_eq!((&low["dealer"], &low["plan"]), (&json!(false), &Value::Null));
    assert_eq!((&low["blocks_at"], &low["days_left"]), (&Value::Null, &Value::Null));
    assert_eq!((&low["name"], &low["parent"]), (&json!("low"), &json!(office.child.id)));
    assert_eq!(low["services"]["sms"], json!({"on": true, "quota": 5, "period": "day"}));
    assert_eq!(low["services"]["email_notification"], json!({"on": false, "quota": null, "period": "none"}));
    assert_eq!((&low["time_zone"], &low["blocked"]), (&json!("Europe/Riga"), &json!(false)));
    assert_eq!(low["may"]["create_account"], yes());
    let path = format!("/accounts/{}", low["id"].as_str().unwrap());
    let mut shown = office.site.get(&path).await.is(200).json();
    assert_eq!(shown.as_object_mut().unwrap().remove("rights"), Some(json!([])), "nobody has any yet");
    assert_eq!(shown, low);
    let user = json!({"login": "dora", "account": low["id"]});
    office.site.post("/users", user).await.is(201);
}

#[tokio::test]
async fn a_change_is_whole_and_a_block_reaches_everything_below() {
    let mut office = Office::open().await;
    let (child, demo) =
        (format!("/accounts/{}", office.child.id), format!("/accounts/{}", office.site.account.id));
    let carol = office.site.world.sign_in(&office.carol).await.unwrap();
    let body = json!({"name": "kid", "services": {"sms": {"on": true}}, "blocked": true, "time_zone": "UTC"});
    let seen = office.patch(&child, body).await.is(200).json();
    assert_eq!(
        (&seen["name"], &seen["blocked"], &seen["blocked_by_hand"]),
        (&json!("kid"), &json!(true), &json!(true))
    );
    assert_eq!(seen["services"], json!({"sms": {"on": true, "quota": null, "period": "none"}}));
    let sessions = office.site.world.security.clone();
    assert!(sessions.sessions().current(carol.id).await.is_err(), "blocked");
    let user = office.site.get(&format!("/users/{}", office.carol.id)).await.is(200).json();
    assert_eq!(user["blocked"], true);
    let seen = office
        .patch(&child, json!({"blocked": false, "services": {"email_notification": {"on": true}}}))
        .await;
    let seen = seen.is(200).json();
    assert_eq!(seen["blocked"], false);
    assert_eq!(keys(&seen["services"]), ["email_notification", "sms"], "what is not named stays");
    sessions.accounts().set_blocked(office.child.id, false).await.unwrap();
    assert!(sessions.sessions().current(carol.id).await.is_err(), "and dead for ever");
    assert_eq!(office.patch(&demo, json!({})).await.is(200).json()["name"], "demo");
}

#[tokio::test]
async fn a_block_from_above_is_no_block_by_hand() {
    let mut office = Office::open().await;
    let security = office.site.world.security.clone();
    let low = NewAccount::named("low").under(office.child.id);
    let low = security.accounts().create(low).await.unwrap();
    let child = format!("/accounts/{}", office.child.id);
    office.patch(&child, json!({"blocked": true})).await.is(200);
    let seen = office.site.get(&format!("/accounts/{}", low.id)).await.is(200).json();
    assert_eq!((&seen["blocked"], &seen["blocked_by_hand"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn every_period_is_kept_as_it_was_named() {
    let mut office = Office::open().await;
    let child = format!("/accounts/{}", office.child.id);
    for period in ["hour", "day", "week", "month", "none"] {
        let body = json!({"services": {"sms": {"on": true, "quota": 5, "period": period}}});
        let seen = office.patch(&child, body).await.is(200).json();
        assert_eq!(seen["services"]["sms"], json!({"on": true, "quota": 5, "period": period}));
    }
}

#[tokio::test]
async fn accounts_outside_are_not_found_and_others_take_their_gates() {
    let mut office = Office::open().await;
    for id in [NOBODY.to_owned(), office.eve.account.to_string(), office.bob.id.to_string(), "x".to_owned()] {
        let path = format!("/accounts/{id}");
        office.site.get(&path).await.refused(404, "not_found");
        office.patch(&path, json!({"name": "mine"})).await.refused(404, "not_found");
    }
    for parent in [json!(NOBODY), json!(office.eve.account)] {
        let body = json!({"name": "x", "parent": parent});
        office.site.post("/accounts", body).await.refused(404, "not_found");
    }
    let rights = office.site.world.security.clone();
    let flags = Flags::all().with(Flag::CreateItems, false);
    rights.rights().set_flags(Actor::Program, office.admin.id, flags).await.unwrap();
    let body = json!({"name": "x", "parent": office.child.id});
    let refused = office.site.post("/accounts", body.clone()).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["create_items"]);
    let all_but = AccessRight::ALL.into_iter().filter(|right| *right != AccessRight::ManageAccount).collect();
    rights.rights().grant_on_account(Actor::Program, office.child.id, office.bob.id, &all_but).await.unwrap();
    office.as_bob(&[]).await;
    let child = format!("/accounts/{}", office.child.id);
    assert_eq!(office.site.get(&child).await.is(200).json()["may"]["change"]["allowed"], false);
    let refused = office.patch(&child, json!({"name": "mine"})).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_account"]);
    let refused = office.site.post("/accounts", body).await.refused(403, "not_allowed");
    assert_eq!(missing(&refused), ["manage_account", "create_items"]);
    office.site.get(&format!("/accounts/{}", office.site.account.id)).await.refused(404, "not_found");
}

#[tokio::test]
async fn what_is_sent_is_read_strictly() {
    let mut office = Office::open().await;
    let parent = json!(office.child.id);
    for (body, field, code) in [
        (json!({"parent": parent}), "name", "missing"),
        (json!({"name": " ", "parent": parent}), "name", "invalid_name"),
        (json!({"name": "x"}), "parent", "missing"),
        (json!({"name": "x", "parent": "demo"}), "parent", "invalid_id"),
        (json!({"name": "x", "parent": parent, "id": NOBODY}), "id", "unknown_field"),
        (json!({"name": "x", "parent": parent, "services": {"fax": {"on": true}}}), "fax", "unknown_field"),
        (json!({"name": "x", "parent": parent, "services": {"sms": {}}}), "services", "missing"),
        (
            json!({"name": "x", "parent": parent, "services": {"sms": {"on": true, "price": 1}}}),
            "price",
            "unknown_field",
        ),
        (
            json!({"name": "x", "parent": parent, "services": {"sms": {"on": true, "quota": -1}}}),
            "services",
            "invalid_type",
        ),
        (
            json!({"name": "x", "parent": parent, "services": {"sms": {"on": true, "period": "year"}}}),
            "services",
            "invalid_period",
        ),
        (json!({"name": "x", "parent": parent, "time_zone": "Riga"}), "time_zone", "invalid_time_zone"),
    ] {
        office.site.post("/accounts", body).await.unfit(field, code);
    }
    let path = format!("/accounts/{}", office.child.id);
    for (body, field, code) in [
        (json!({"parent": NOBODY}), "parent", "unknown_field"),
        (json!({"name": ""}), "name", "invalid_name"),
        (json!({"blocked": 1}), "blocked", "invalid_type"),
    ] {
        office.patch(&path, body).await.unfit(field, code);
    }
}
