//! What the signed-in user sees: the whole tab, and the own trail.

use std::collections::BTreeSet;

use serde_json::json;

use crate::client::{ALICE, Site, keys};

#[tokio::test]
async fn settings_show_what_exists_and_nothing_more() {
    let (mut site, alice) = Site::signed_in().await;
    let settings = site.get("/settings").await.is(200).json();
    assert_eq!(
        keys(&settings),
        ["account", "email", "flespi", "notices", "password", "phone", "sessions", "two_factor", "user"]
    );
    assert_eq!(
        settings["user"],
        json!({"id": alice.id, "login": "alice", "language": "en", "time_zone": alice.time_zone.name()})
    );
    assert_eq!(settings["email"], json!({"address": ALICE, "confirmed": true}));
    assert_eq!(settings["account"]["id"], json!(site.account.id));
    assert_eq!(settings["account"]["name"], "demo");
    assert_eq!(settings["sessions"], json!({"count": 1}));
    assert!(settings["account"]["services"].is_object());
    let options = settings["two_factor"]["options"].as_array().unwrap();
    let methods: Vec<_> = options.iter().map(|option| option["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["none", "email", "sms"]);
    assert!(options.iter().all(|option| option["verdict"] == json!({"allowed": true})), "{options:?}");
}

#[tokio::test]
async fn the_trail_is_the_own_one_in_pages() {
    let (mut site, alice) = Site::signed_in().await;
    let bob = site.user("bob", Some("bob@example.com")).await;
    site.world.sign_in(&bob).await.unwrap();
    let all = site.get("/audit").await.is(200).json();
    assert_eq!(keys(&all), ["events", "next"]);
    assert_eq!(all["next"], json!(null));
    let events = all["events"].as_array().unwrap();
    let page = portcullis::port::store::Page { after: None, limit: 1000 };
    let own = site.world.security.audit(alice.id, page).await.unwrap();
    assert_eq!(events.len(), own.len());
    assert!(events.len() >= 2, "created and signed in: {all}");
    assert_eq!(keys(&events[0]), ["about", "action", "actor", "at", "id", "reason", "source"]);
    assert!(
        events.iter().any(|event| event["action"] == "sign_in_completed" || event["action"] == "signed_in"),
        "{all}"
    );

    let mut seen = Vec::new();
    let mut path = "/audit?limit=1".to_owned();
    loop {
        let page = site.get(&path).await.is(200).json();
        seen.extend(page["events"].as_array().unwrap().iter().map(|event| event["id"].to_string()));
        match page["next"].as_str() {
            Some(next) => path = format!("/audit?limit=1&after={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = events.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(seen, expected);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
}

#[tokio::test]
async fn the_trail_goes_back_from_the_newest() {
    let (mut site, _) = Site::signed_in().await;
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let oldest_first = ids(&site.get("/audit").await.is(200).json());
    assert!(oldest_first.len() >= 2);
    assert_eq!(ids(&site.get("/audit?order=oldest").await.is(200).json()), oldest_first);
    let newest_first: Vec<String> = oldest_first.iter().rev().cloned().collect();
    assert_eq!(ids(&site.get("/audit?order=newest").await.is(200).json()), newest_first);

    let mut seen = Vec::new();
    let mut path = "/audit?order=newest&limit=1".to_owned();
    loop {
        let page = site.get(&path).await.is(200).json();
        seen.extend(ids(&page));
        match page["next"].as_str() {
            Some(next) => path = format!("/audit?limit=1&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn a_query_is_read_as_strictly_as_a_body() {
    const NIL: uuid::Uuid = uuid::Uuid::nil();
    let (mut site, _) = Site::signed_in().await;
    for (query, field, code) in [
        ("limit=0", "limit", "invalid_query"),
        ("limit=1001", "limit", "invalid_query"),
        ("limit=-1", "limit", "invalid_query"),
        ("limit=x", "limit", "invalid_query"),
        ("after=1", "after", "invalid_query"),
        ("before=1", "before", "invalid_query"),
        ("order=Newest", "order", "invalid_query"),
        (&format!("order=newest&after={NIL}"), "after", "invalid_query"),
        (&format!("order=oldest&before={NIL}"), "before", "invalid_query"),
        (&format!("after={NIL}&before={NIL}"), "before", "invalid_query"),
        ("user=bob", "user", "invalid_query"),
        ("Limit=1", "Limit", "unknown_field"),
    ] {
        site.get(&format!("/audit?{query}")).await.unfit(field, code);
    }
    site.get("/audit?limit=1000").await.is(200);
    site.get("/audit?").await.is(200);
}

#[tokio::test]
async fn without_a_session_nothing_is_shown_or_done() {
    let (mut site, _) = Site::of_alice().await;
    for (method, path) in [
        ("GET", "/settings"),
        ("GET", "/audit"),
        ("GET", "/sessions"),
        ("DELETE", "/sessions/others"),
        ("DELETE", "/sessions/x"),
        ("PUT", "/email"),
        ("DELETE", "/email"),
        ("DELETE", "/email/pending"),
        ("POST", "/email/confirm"),
        ("POST", "/email/resend"),
        ("POST", "/password"),
        ("POST", "/two-factor/challenge"),
        ("POST", "/two-factor/challenge/resend"),
        ("PUT", "/two-factor"),
        ("DELETE", "/phone"),
        ("POST", "/reauthenticate"),
        ("GET", "/flespi"),
        ("PUT", "/flespi"),
        ("DELETE", "/flespi"),
        ("POST", "/flespi/check"),
        ("POST", "/flespi/hand-off"),
        ("POST", "/flespi/hand-off/x"),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/x"),
        ("PATCH", "/users/x"),
        ("DELETE", "/users/x/sessions"),
        ("DELETE", "/users/x/two-factor"),
        ("POST", "/users/x/recovery"),
        ("POST", "/users/x/invitation"),
        ("POST", "/users/x/rights"),
        ("POST", "/accounts"),
        ("GET", "/accounts/x"),
        ("PATCH", "/accounts/x"),
    ] {
        let reply = site.send(method, path, None).await;
        assert!(reply.cookies().is_empty(), "there was no cookie to drop");
        reply.refused(401, "signed_out");
        site.jar.insert("__Host-portcullis".to_owned(), "junk".to_owned());
        let reply = site.send(method, path, None).await;
        assert_eq!(reply.cookie_names(), ["(__Host-portcullis)"], "{method} {path}");
        reply.refused(401, "signed_out");
    }
}
