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
