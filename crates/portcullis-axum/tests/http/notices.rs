//! Notices, as their reader switches and sees them.

use portcullis::account::DaysChange;
use portcullis::manage::AccountChange;
use portcullis::rights::Actor;
use portcullis::testing::world::PASSWORD;
use serde_json::json;

use crate::client::Site;

#[tokio::test]
async fn notices_are_switched_and_the_date_is_shown_and_warned_of() {
    let (mut site, alice) = Site::signed_in().await;
    let off = json!({
        "enabled": false, "change": {"allowed": true}, "blocking_date": null, "first_notice": null,
    });
    let settings = site.get("/settings").await.is(200).json();
    assert_eq!(settings["notices"], json!({"blocking": off}));
    assert_eq!(settings["account"]["blocked"], json!(false));
    assert_eq!(
        (&settings["account"]["blocks_at"], &settings["account"]["days_left"]),
        (&json!(null), &json!(null))
    );

    let days = AccountChange::default().days(DaysChange::default().left(4).counting(true));
    let manage = site.world.security.manage(Actor::Program);
    manage.change_account(site.account.id, &days).await.unwrap();
    let on = site.put("/notices/blocking", json!({"enabled": true})).await.is(200).json();
    let shown = json!({
        "enabled": true, "change": {"allowed": true},
        "blocking_date": "2026-11-22", "first_notice": "2026-11-17T09:00:00Z",
    });
    assert_eq!(on, json!({"blocking": shown}));
    let settings = site.get("/settings").await.is(200).json();
    assert_eq!(settings["notices"], on);
    assert_eq!(settings["account"]["blocks_at"], json!("2026-11-22T00:00:00Z"));
    assert_eq!(settings["account"]["days_left"], json!(4));
    site.world.run_worker().await.unwrap();
    assert_eq!(site.world.mailbox.to(alice.confirmed_email().unwrap().as_str()).len(), 1, "today's comes");

    let answer = site.post("/sign-in", json!({"login": "alice", "password": PASSWORD})).await.is(200).json();
    assert_eq!(answer["notice"], json!({"days_left": 4}));
    let refused = site.put("/notices/blocking", json!({"enabled": "yes"})).await.is(422).json();
    assert_eq!(refused["field"], "enabled");
    let refused = site.put("/notices/blocking", json!({})).await.is(422).json();
    assert_eq!((&refused["code"], &refused["field"]), (&json!("missing"), &json!("enabled")));
}

#[tokio::test]
async fn an_address_that_notices_use_stays_until_they_are_off() {
    let (mut site, _) = Site::signed_in().await;
    site.put("/notices/blocking", json!({"enabled": true})).await.is(200);
    site.delete("/email").await.refused(409, "in_use");
    assert_eq!(site.get("/settings").await.is(200).json()["email"]["confirmed"], true);
    site.put("/notices/blocking", json!({"enabled": false})).await.is(200);
    site.delete("/email").await.is(204);
    site.put("/notices/blocking", json!({"enabled": true})).await.refused(409, "email_unconfirmed");
}

#[tokio::test]
async fn the_switch_is_read_strictly() {
    let (mut site, _) = Site::signed_in().await;
    for (body, field, code) in [
        (json!({}), "enabled", "missing"),
        (json!({"enabled": null}), "enabled", "missing"),
        (json!({"enabled": 1}), "enabled", "invalid_type"),
        (json!({"enabled": true, "days": 5}), "days", "unknown_field"),
    ] {
        site.put("/notices/blocking", body).await.unfit(field, code);
    }
    assert_eq!(site.get("/settings").await.is(200).json()["notices"]["blocking"]["enabled"], false);
}

#[tokio::test]
async fn who_has_many_days_left_is_told_of_none_at_the_sign_in() {
    let (mut site, _) = Site::signed_in().await;
    for (left, notice) in [(6, json!({})), (5, json!({"days_left": 5})), (1, json!({"days_left": 1}))] {
        let days = AccountChange::default().days(DaysChange::default().left(left).counting(true));
        let manage = site.world.security.manage(Actor::Program);
        manage.change_account(site.account.id, &days).await.unwrap();
        let answer =
            site.post("/sign-in", json!({"login": "alice", "password": PASSWORD})).await.is(200).json();
        assert_eq!(answer["notice"], notice, "{left}");
    }
}
