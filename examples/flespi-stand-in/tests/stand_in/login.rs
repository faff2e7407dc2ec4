//! The login page and what it gives.

use axum::http::Method;
use flespi_stand_in::{FlespiStandIn, Place};
use serde_json::{Value, json};

use crate::support::{call, get};

#[tokio::test]
async fn the_page_offers_both_regions_and_loads_nothing_from_elsewhere() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let url = stand_in.url(Place::Ru);
    let page = get(url, "/login/", "").await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(page.text.contains("<option value=\"eu\">eu (Netherlands)</option>"), "{}", page.text);
    assert!(page.text.contains("<option value=\"ru\" selected>ru (Russia)</option>"), "{}", page.text);
    assert!(!page.text.contains("style=") && !page.text.contains("onclick"), "the policy would refuse these");
    let parts = page.text.split(['"', '\'']).filter(|part| part.starts_with("/login/")).collect::<Vec<_>>();
    assert_eq!(parts.len(), 2);
    for (path, kind) in parts.into_iter().zip(["text/css; charset=utf-8", "text/javascript; charset=utf-8"]) {
        let part = get(url, path, "").await;
        assert_eq!((part.status, part.headers["content-type"].to_str().unwrap()), (200, kind));
    }
    assert_eq!(stand_in.requests(Place::Ru), [], "the page is no part of the api");
}

#[tokio::test]
async fn a_login_gives_a_master_token_of_the_chosen_region() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let wanted = json!({"region": "ru"});
    let login = call(Method::POST, stand_in.url(Place::Eu), "/stand-in/login", "", &wanted).await.json();
    assert_eq!(login["region"]["name"], "ru");
    assert_eq!(login["region"]["rest"], stand_in.url(Place::Ru));
    let key = login["token"].as_str().unwrap();
    let info = get(stand_in.url(Place::Ru), "/auth/info", key).await.result();
    assert_eq!((&info[0]["access"], &info[0]["expire"]), (&json!({"type": 1}), &json!(0)));
    assert_eq!(get(stand_in.url(Place::Eu), "/auth/info", key).await.status, 401);
}

#[tokio::test]
async fn what_is_posted_is_a_prefix_and_json() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let made = stand_in.log_in(Place::Ru);
    let posted: Value =
        serde_json::from_str(made.message.strip_prefix("FlespiLogin|token:").unwrap()).unwrap();
    assert_eq!(posted["token"], made.key);
    assert_eq!(posted["region"]["region"], "ru");
}
