//! The link at the old address: looked at, used, over.

use chrono::DateTime;
use portcullis::user::User;
use serde_json::{Value, json};

use crate::client::{ALICE, Site};

const NEW: &str = "alice.new@example.com";

/// Alice's address was changed; the link that arrived at the old one.
async fn changed() -> (Site, User, String) {
    let (mut site, alice) = Site::signed_in().await;
    let asked = site.put("/email", json!({"address": NEW})).await.is(202).json();
    let body = json!({"challenge": asked["challenge"], "code": site.code(NEW).await});
    site.post("/email/confirm", body).await.is(200);
    site.world.run_worker().await.unwrap();
    let link = site.world.mailbox.last_link(ALICE).unwrap().expose().to_owned();
    (site, alice, link)
}

async fn address(site: &Site, alice: &User) -> String {
    let alice = site.world.security.users().get(alice.id).await.unwrap();
    alice.confirmed_email().unwrap().as_str().to_owned()
}

fn with(token: &str) -> Value {
    json!({"token": token})
}

#[tokio::test]
async fn a_look_changes_nothing_and_the_link_puts_the_old_address_back() {
    let (mut site, alice, link) = changed().await;
    for _ in 0..2 {
        let seen = site.get(&format!("/email/undo/{link}")).await.is(200).json();
        let until = DateTime::parse_from_rfc3339(seen["valid_until"].as_str().unwrap()).unwrap();
        let life = site.world.security.policy().email_undo_life;
        assert_eq!(until, site.world.now() + life);
        assert_eq!(seen.as_object().unwrap().len(), 1, "it tells whose link it is to nobody");
        assert_eq!(address(&site, &alice).await, NEW);
    }
    site.get("/settings").await.is(200);
    let undone = site.post("/email/undo", with(&link)).await.is(200).json();
    assert_eq!(undone, json!({"status": "undone"}));
    assert_eq!(address(&site, &alice).await, ALICE);
    site.get("/settings").await.refused(401, "signed_out");
    site.post("/email/undo", with(&link)).await.refused(410, "challenge_dead");
    site.get(&format!("/email/undo/{link}")).await.refused(410, "challenge_dead");
    site.world.run_worker().await.unwrap();
    assert!(site.world.mailbox.to(ALICE).iter().any(|mail| mail.text.contains("/recovery/")));
}

#[tokio::test]
async fn what_is_no_link_is_as_dead_as_one_that_is_over() {
    let (mut site, alice, link) = changed().await;
    let mut wrong = link.clone();
    let last = if wrong.pop() == Some('A') { 'B' } else { 'A' };
    wrong.push(last);
    for token in [wrong.as_str(), "x", &"A".repeat(64), &"é".repeat(32)] {
        site.post("/email/undo", with(token)).await.refused(410, "challenge_dead");
    }
    for token in [wrong.as_str(), "x", &"A".repeat(64), "%C3%A9"] {
        site.get(&format!("/email/undo/{token}")).await.refused(410, "challenge_dead");
    }
    site.post("/email/undo", json!({})).await.refused(422, "missing");
    site.post("/email/undo", json!({"token": 7})).await.refused(422, "invalid_type");
    site.post("/email/undo", json!({"token": link, "x": 1})).await.refused(422, "unknown_field");
    assert_eq!(address(&site, &alice).await, NEW);
    site.world.advance(site.world.security.policy().email_undo_life);
    site.get(&format!("/email/undo/{link}")).await.refused(410, "challenge_dead");
    site.post("/email/undo", with(&link)).await.refused(410, "challenge_dead");
}
