//! The list of the own sessions, and ending them.

use serde_json::{Value, json};

use crate::client::{SESSION, Site, keys};

/// Alice signed in twice: the browser holds the second session; the cookie of the first one is given too.
async fn twice() -> (Site, String) {
    let (mut site, _) = Site::signed_in().await;
    let first = site.session();
    site.jar.clear();
    site.world.advance(chrono::TimeDelta::minutes(1));
    site.sign_in("alice").await;
    (site, first)
}

async fn listed(site: &mut Site) -> Vec<Value> {
    site.get("/sessions").await.is(200).json().as_array().unwrap().clone()
}

/// Takes another session's cookie.
fn carry(site: &mut Site, cookie: &str) {
    site.jar.insert(SESSION.to_owned(), cookie.to_owned());
}

#[tokio::test]
async fn the_list_shows_the_live_ones_newest_first_and_gives_no_cookie() {
    let (mut site, first) = twice().await;
    let list = listed(&mut site).await;
    assert_eq!(keys(&list[0]), ["assurance", "created_at", "current", "id", "used_at"]);
    let current: Vec<_> = list.iter().map(|session| session["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [true, false]);
    assert_eq!(list[0]["assurance"], "password");
    assert!(list[0]["created_at"].as_str().unwrap() > list[1]["created_at"].as_str().unwrap());
    assert_eq!(site.get("/settings").await.json()["sessions"], json!({"count": 2}));
    let own = site.session();
    for session in &list {
        let id = session["id"].as_str().unwrap().to_owned();
        assert!(id != first && id != own);
        carry(&mut site, &id);
        site.get("/settings").await.refused(401, "signed_out");
    }
}

#[tokio::test]
async fn one_session_is_ended_and_the_acting_one_stays() {
    let (mut site, first) = twice().await;
    let list = listed(&mut site).await;
    let path = format!("/sessions/{}", list[1]["id"].as_str().unwrap());
    assert!(site.delete(&path).await.is(204).cookies().is_empty());
    assert_eq!(listed(&mut site).await.len(), 1);
    site.delete(&path).await.refused(404, "not_found");
    let own = site.session();
    carry(&mut site, &first);
    site.get("/sessions").await.refused(401, "signed_out");
    carry(&mut site, &own);
    site.get("/sessions").await.is(200);
}

#[tokio::test]
async fn ending_the_acting_one_takes_its_cookie() {
    let (mut site, _) = twice().await;
    let list = listed(&mut site).await;
    let path = format!("/sessions/{}", list[0]["id"].as_str().unwrap());
    assert_eq!(site.delete(&path).await.is(204).cookie_names(), [format!("({SESSION})")]);
    site.get("/sessions").await.refused(401, "signed_out");
}

#[tokio::test]
async fn a_session_of_another_user_is_not_found() {
    let (mut site, alice) = twice().await;
    site.user("bob", None).await;
    let list = listed(&mut site).await;
    site.jar.clear();
    site.sign_in("bob").await;
    for path in [
        format!("/sessions/{}", list[0]["id"].as_str().unwrap()),
        format!("/sessions/{alice}"),
        "/sessions/x".to_owned(),
        "/sessions/%FF".to_owned(),
    ] {
        site.delete(&path).await.refused(404, "not_found");
    }
    carry(&mut site, &alice);
    assert_eq!(listed(&mut site).await.len(), 2);
}

#[tokio::test]
async fn a_cookie_does_not_name_a_session_to_end() {
    let (mut site, first) = twice().await;
    for cookie in [first, site.session()] {
        site.delete(&format!("/sessions/{cookie}")).await.refused(404, "not_found");
    }
    assert_eq!(listed(&mut site).await.len(), 2);
}

#[tokio::test]
async fn ending_the_others_gives_a_fresh_cookie() {
    let (mut site, first) = twice().await;
    let before = site.session();
    assert_eq!(site.delete("/sessions/others").await.is(204).cookie_names(), [SESSION]);
    let now = site.session();
    assert_eq!(listed(&mut site).await.len(), 1);
    for dead in [first, before] {
        carry(&mut site, &dead);
        site.get("/settings").await.refused(401, "signed_out");
    }
    carry(&mut site, &now);
    site.get("/settings").await.is(200);
}
