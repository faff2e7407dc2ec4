//! What every route checks before it listens: origin, size, type, form.

use axum::body::Body;
use axum::http::{Request, header};
use portcullis::testing::world::PASSWORD;
use portcullis_axum::Cidr;
use serde_json::json;

use crate::client::{MOUNT, PUBLIC, Reply, Site};

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("{MOUNT}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

async fn sign_in(site: &mut Site, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
    site.raw(request("POST", "/sign-in", headers, body)).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn another_origin_changes_nothing() {
    let (mut site, _) = Site::signed_in().await;
    let foreign: &[&[(&str, &str)]] = &[
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://portcullis.test")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", PUBLIC), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example"), ("host", "evil.example")],
        &[("origin", "https://evil.example"), ("x-forwarded-host", "evil.example")],
    ];
    for headers in foreign {
        for (method, path) in [
            ("POST", "/sign-in"),
            ("POST", "/sign-out"),
            ("PUT", "/email"),
            ("DELETE", "/email"),
            ("PUT", "/two-factor"),
            ("POST", "/nowhere"),
        ] {
            let reply = site.raw(request(method, path, headers, "")).await;
            assert!(reply.cookies().is_empty());
            reply.refused(403, "cross_origin");
        }
        site.raw(request("GET", "/settings", headers, "")).await.is(200);
    }
    let own: &[&[(&str, &str)]] = &[
        &[("origin", PUBLIC), ("sec-fetch-site", "same-origin"), ("host", "inner.example")],
        &[("sec-fetch-site", "none")],
        &[],
    ];
    for headers in own {
        site.raw(request("DELETE", "/email/pending", headers, "")).await.is(204);
    }
}

#[tokio::test]
async fn only_json_is_read() {
    let (mut site, _) = Site::of_alice().await;
    let good = json!({"login": "alice", "password": PASSWORD}).to_string();
    for kind in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")]
    {
        let headers: Vec<_> = kind.into_iter().map(|kind| ("content-type", kind)).collect();
        sign_in(&mut site, &headers, good.clone()).await.refused(415, "unsupported_media_type");
    }
    let kind = [("content-type", "application/json; charset=utf-8")];
    sign_in(&mut site, &kind, good).await.is(200);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let out = site.raw(request("POST", "/sign-out", &form, "a=b")).await;
    out.refused(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_ends_at_64_kib() {
    let (mut site, _) = Site::of_alice().await;
    let body = |length: usize| {
        let shell = json!({"login": "alice", "password": PASSWORD}).to_string();
        format!("{shell}{}", " ".repeat(length - shell.len()))
    };
    sign_in(&mut site, &[JSON], body(65_536)).await.is(200);
    sign_in(&mut site, &[JSON], body(65_537)).await.refused(413, "too_large");
    let announced = [JSON, ("content-length", "70000")];
    sign_in(&mut site, &announced, "{}").await.refused(413, "too_large");
    site.raw(request("POST", "/sign-out", &[], "x".repeat(65_537))).await.refused(413, "too_large");
    sign_in(&mut site, &[], body(65_537)).await.refused(413, "too_large");
}

#[tokio::test]
async fn malformed_json_names_the_body() {
    let (mut site, _) = Site::of_alice().await;
    let deep = "[".repeat(50_000);
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"null",
        b"7",
        b"\"alice\"",
        b"[]",
        b"[{\"login\":\"alice\",\"password\":\"x\"}]",
        b"{\"login\":\"alice\",\"password\":\"x\"} {}",
        b"{\"login\":\"alice\",\"password\":\"x\",}",
        b"{\"login\":\"\xff\",\"password\":\"x\"}",
        b"{\"login\":\"\\ud800\",\"password\":\"x\"}",
        b"{login:\"alice\"}",
        b"{\"login\":\"a\nb\",\"password\":\"x\"}",
        b"\xef\xbb\xbf{\"login\":\"alice\",\"password\":\"x\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        sign_in(&mut site, &[JSON], body.to_vec()).await.unfit("body", "invalid_json");
    }
}

#[tokio::test]
async fn every_field_that_does_not_fit_is_named() {
    let (mut site, _) = Site::of_alice().await;
    let long = "x".repeat(1025);
    for (body, field, code) in [
        (json!({}), "login", "missing"),
        (json!({"login": "alice"}), "password", "missing"),
        (json!({"login": null, "password": "x"}), "login", "missing"),
        (json!({"login": 7, "password": "x"}), "login", "invalid_type"),
        (json!({"login": ["alice"], "password": "x"}), "login", "invalid_type"),
        (json!({"login": {"$ne": ""}, "password": "x"}), "login", "invalid_type"),
        (json!({"login": "alice", "password": true}), "password", "invalid_type"),
        (json!({"login": "", "password": "x"}), "login", "invalid_login"),
        (json!({"login": " alice", "password": "x"}), "login", "invalid_login"),
        (json!({"login": "a".repeat(51), "password": "x"}), "login", "invalid_login"),
        (json!({"login": "a\u{202e}b", "password": "x"}), "login", "invalid_login"),
        (json!({"login": "alice", "password": ""}), "password", "missing"),
        (json!({"login": "alice", "password": long}), "password", "too_long"),
        (json!({"login": "alice", "password": "x", "remember": true}), "remember", "unknown_field"),
        (json!({"login": "alice", "password": "x", "Login": "bob"}), "Login", "unknown_field"),
    ] {
        site.post("/sign-in", body).await.unfit(field, code);
    }
    for (body, field, code) in [
        (json!({"code": "123456"}), "challenge", "missing"),
        (json!({"challenge": 7, "code": "123456"}), "challenge", "invalid_type"),
        (json!({"challenge": "x"}), "code", "missing"),
        (json!({"challenge": "x", "code": 123_456}), "code", "invalid_type"),
        (json!({"challenge": "x", "code": "12345"}), "code", "invalid_code"),
        (json!({"challenge": "x", "code": "1".repeat(60_000)}), "code", "invalid_code"),
        (json!({"challenge": "x", "code": "12345a"}), "code", "invalid_code"),
    ] {
        site.post("/sign-in/code", body).await.unfit(field, code);
    }
    let twice = r#"{"login":"alice","password":"x","login":"bob"}"#;
    sign_in(&mut site, &[JSON], twice).await.unfit("login", "duplicate_field");
    let name = "n".repeat(5000);
    let reply = site.post("/sign-in", json!({ name.as_str(): 1 })).await;
    reply.unfit(&"n".repeat(64), "unknown_field");
}

#[tokio::test]
async fn what_does_not_fit_is_not_repeated() {
    let (mut site, _) = Site::signed_in().await;
    let secret = "hunter2hunter2";
    for (method, path, body) in [
        ("POST", "/sign-in", json!({"login": format!(" {secret}"), "password": secret})),
        ("POST", "/sign-in", json!({"login": "alice", "password": {"a": secret}})),
        ("POST", "/sign-in", json!({"login": "alice", "password": secret, "extra": secret})),
        ("POST", "/sign-in/code", json!({"challenge": secret, "code": secret})),
        ("PUT", "/email", json!({"address": secret})),
        ("POST", "/reauthenticate", json!({"password": [secret]})),
        ("POST", "/two-factor/challenge", json!({"method": secret})),
    ] {
        let reply = site.send(method, path, Some(body)).await.is(422);
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
    let cut = format!("{{\"login\":\"alice\",\"password\":\"{secret}\"");
    let reply = sign_in(&mut site, &[JSON], cut).await.is(422);
    assert!(!reply.text.contains("hunter2"), "{}", reply.text);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_too() {
    let (mut site, _) = Site::of_alice().await;
    for path in ["/nowhere", "/sign-in/", "/sessions/", "/sessions/a/b", "/passwords"] {
        site.get(path).await.refused(404, "not_found");
    }
    for (method, path) in
        [("GET", "/sign-in"), ("PATCH", "/email"), ("POST", "/settings"), ("OPTIONS", "/email")]
    {
        let reply = site.send(method, path, None).await;
        assert!(reply.headers.contains_key(header::ALLOW), "{reply:?}");
        reply.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn guesses_are_counted_by_the_address_that_can_be_believed() {
    let proxy: Cidr = "10.0.0.0/8".parse().unwrap();
    let options = portcullis_axum::HttpOptions::new(PUBLIC).unwrap().trusted_proxy(proxy);
    let mut site = Site::over(portcullis::testing::World::new(), options).await;
    // Every guess is at another login, since one login has a count of its own.
    let guess = |nth: u8| json!({"login": format!("nobody{nth}"), "password": "x"}).to_string();
    site.peer = [192, 0, 2, 1].into();
    for nth in 0..10 {
        let forged = format!("198.51.100.{nth}");
        let headers = [JSON, ("x-forwarded-for", forged.as_str())];
        sign_in(&mut site, &headers, guess(nth)).await.refused(401, "bad_credentials");
    }
    let headers = [JSON, ("x-forwarded-for", "198.51.100.77")];
    sign_in(&mut site, &headers, guess(10)).await.refused(429, "too_many_attempts");

    site.peer = [10, 0, 0, 1].into();
    let behind = [JSON, ("x-forwarded-for", "203.0.113.9, 192.0.2.1")];
    sign_in(&mut site, &behind, guess(11)).await.refused(429, "too_many_attempts");
    let other = [JSON, ("x-forwarded-for", "192.0.2.1, 203.0.113.9")];
    sign_in(&mut site, &other, guess(12)).await.refused(401, "bad_credentials");
}
