//! The routes that steer.

use axum::body::Body;
use axum::http::{Method, Request};
use flespi_stand_in::{FlespiStandIn, Place, Scripted};
use serde_json::{Value, json};

use crate::support::{call, get, send};

#[tokio::test]
async fn scripted_answers_are_given_in_order_and_once() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    let answers = json!({"answers": [
        {"path": "/platform", "status": 503},
        {"status": 429, "headers": {"retry-after": "7"}, "times": 2},
        {"body": "{\"result\":"},
        {"oversize": 3_000_000},
        {"delay_ms": 1},
    ]});
    assert_eq!(call(Method::POST, url, "/stand-in/script", "", &answers).await.status, 204);
    for _ in 0..2 {
        let throttled = get(url, "/auth/info", &by.key).await;
        assert_eq!((throttled.status, throttled.headers["retry-after"].to_str().unwrap()), (429, "7"));
    }
    assert_eq!(get(url, "/auth/info", &by.key).await.text, "{\"result\":");
    assert_eq!(get(url, "/auth/info", &by.key).await.text.len(), 3_000_000);
    assert_eq!(get(url, "/auth/info", &by.key).await.result()[0]["id"], json!(by.id), "late, and real");
    assert_eq!(get(url, "/platform/customer", &by.key).await.status, 503);
    assert_eq!(get(url, "/platform/customer", &by.key).await.status, 200);
}

#[tokio::test]
async fn a_cut_line_gives_no_answer_though_the_work_may_be_done() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    let post = || {
        let wanted = json!([{"info": "lost", "ttl": 60}]).to_string();
        Request::post(format!("{url}/platform/tokens"))
            .header("authorization", format!("FlespiToken {}", by.key))
            .header("content-type", "application/json")
            .body(Body::from(wanted))
            .unwrap()
    };
    stand_in.script(Place::Eu, Scripted::cut().method("POST"));
    assert!(send(post()).await.is_none());
    assert_eq!(stand_in.tokens(Place::Eu).len(), 1, "nothing was done");
    stand_in.script(Place::Eu, Scripted::cut().path("/platform/tokens").act());
    assert!(send(post()).await.is_none());
    assert_eq!(stand_in.tokens(Place::Eu).len(), 2, "it was done");
    assert_eq!(send(post()).await.unwrap().status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_path_and_token_without_keys() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Eu));
    for key in [by.key.as_str(), &by.key, "", "wrong"] {
        get(url, "/auth/info?fields=id", key).await;
    }
    let counted = get(url, "/stand-in/requests", "").await;
    assert_eq!(
        counted.json(),
        json!({
            "total": 4,
            "by_path": {"GET /auth/info": 4},
            "by_token": {by.id.to_string(): 2, "nobody": 1, "unknown": 1},
        })
    );
    let listed = get(url, "/stand-in/tokens", "").await;
    assert_eq!(listed.json()["tokens"][0]["id"], json!(by.id));
    assert!(!listed.text.contains(&by.key) && !counted.text.contains(&by.key));
    assert!(!format!("{stand_in:?} {by:?} {:?}", stand_in.requests(Place::Eu)).contains(&by.key));
    assert_eq!(call(Method::DELETE, url, "/stand-in/requests", "", &Value::Null).await.status, 204);
    assert_eq!(get(url, "/stand-in/requests", "").await.json()["total"], json!(0));
}

#[tokio::test]
async fn the_clock_and_the_rate_are_set_from_outside() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let (url, by) = (stand_in.url(Place::Eu), stand_in.log_in(Place::Ru));
    let before = get(url, "/stand-in/clock", "").await.json()["now"].as_i64().unwrap();
    let year = json!({"advance": 31_536_000});
    let after = call(Method::POST, url, "/stand-in/clock", "", &year).await.json()["now"].as_i64().unwrap();
    assert!((31_536_000..31_536_060).contains(&(after - before)));
    assert_eq!(get(stand_in.url(Place::Ru), "/auth/info", &by.key).await.status, 401, "both have one clock");
    let none = json!({"limit": 0, "per": 60});
    assert_eq!(call(Method::PUT, url, "/stand-in/rate", "", &none).await.status, 204);
    assert_eq!(get(url, "/auth/regions", "").await.status, 429);
    assert_eq!(get(stand_in.url(Place::Ru), "/auth/regions", "").await.status, 200);
}

#[tokio::test]
async fn what_is_not_understood_changes_nothing() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let url = stand_in.url(Place::Eu);
    for (method, path, body) in [
        (Method::POST, "/stand-in/clock", json!({"advance": "1"})),
        (Method::POST, "/stand-in/clock", json!({"advance": i64::MAX})),
        (Method::POST, "/stand-in/script", json!({"answers": [{"stauts": 500}]})),
        (Method::POST, "/stand-in/script", json!({"answers": [{"status": 99}]})),
        (Method::POST, "/stand-in/script", json!({"answers": [{"headers": {"a b": "c"}}]})),
        (Method::PUT, "/stand-in/rate", json!({"limit": -1, "per": 1})),
        (Method::POST, "/stand-in/login", json!({"region": "us"})),
    ] {
        assert_eq!(call(method, url, path, "", &body).await.status, 400, "{path} {body}");
    }
    assert_eq!(get(url, "/auth/regions", "").await.status, 200);
}

#[tokio::test]
async fn a_name_that_is_not_loopback_is_turned_away() {
    let stand_in = FlespiStandIn::start().await.unwrap();
    let url = stand_in.url(Place::Eu);
    for (host, expected) in [
        ("localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.example", 421),
        ("evil.example:80", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ] {
        for path in ["/auth/regions", "/login/", "/stand-in/tokens"] {
            let request =
                Request::get(format!("{url}{path}")).header("host", host).body(Body::empty()).unwrap();
            assert_eq!(send(request).await.unwrap().status, expected, "{host} {path}");
        }
    }
}
