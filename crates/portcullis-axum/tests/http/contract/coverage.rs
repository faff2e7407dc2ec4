//! That the table leaves out no route and no refusal, and what every route answers alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use portcullis::memory::MemoryStore;
use portcullis::testing::faulty::{Failure, FaultyStore, Method};
use portcullis::testing::world::WorldOptions;
use serde_json::Value;

use super::all_rows;
use crate::client::{ALICE, MOUNT, Site};

/// Paths whose rows are kept elsewhere, each with where.
const ELSEWHERE: &[(&str, &str)] = &[("/recovery", "recovery.rs"), ("/email/undo", "undo.rs")];

/// What any route answers alike; the tests below know these by the route.
const ALIKE: [&str; 9] = [
    "signed_out",
    "cross_origin",
    "unsupported_media_type",
    "too_large",
    "busy",
    "unavailable",
    "contended",
    "unknown",
    "the code of the field that can't be used",
];

/// A route as the service describes itself.
struct Described {
    method: String,
    path: String,
    successes: Vec<u16>,
    /// Status and code of each refusal.
    refusals: BTreeSet<(u16, String)>,
    /// Whether it takes a body.
    body: bool,
}

impl Described {
    fn has(&self, code: &str) -> bool {
        self.refusals.iter().any(|(_, known)| known == code)
    }

    /// The path with something in place of its parameters.
    fn filled(&self) -> String {
        self.path.replace("{id}", "x").replace("{token}", "x").replace("{nonce}", "x")
    }
}

async fn described(site: &mut Site) -> Vec<Described> {
    let document = site.get("/openapi.json").await.is(200).json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let (mut successes, mut refusals) = (Vec::new(), BTreeSet::new());
            for (status, response) in route["responses"].as_object().unwrap() {
                let status: u16 = status.parse().unwrap();
                if status < 300 {
                    successes.push(status);
                    continue;
                }
                let codes = response["description"].as_str().unwrap().split(", ");
                refusals.extend(codes.map(|code| (status, code.to_owned())));
            }
            let (method, path) = (method.to_uppercase(), path.clone());
            let body = route.get("requestBody").is_some();
            routes.push(Described { method, path, successes, refusals, body });
        }
    }
    assert!(routes.len() > 15, "the description was read");
    routes
}

#[tokio::test]
async fn no_route_and_no_refusal_is_left_out_of_the_table() {
    let mut site = Site::new().await;
    let mut promised = BTreeSet::new();
    for route in described(&mut site).await {
        if ELSEWHERE.iter().any(|(path, _)| route.path.starts_with(path)) {
            continue;
        }
        let name = format!("{} {}", route.method, route.path);
        promised.extend(route.successes.iter().map(|status| (name.clone(), *status, String::new())));
        let own = route.refusals.into_iter().filter(|(_, code)| !ALIKE.contains(&code.as_str()));
        promised.extend(own.map(|(status, code)| (name.clone(), status, code)));
    }
    let shown: BTreeSet<_> =
        all_rows().iter().map(|row| (row.route(), row.status, row.code.to_owned())).collect();
    let without_a_row: Vec<_> = promised.difference(&shown).collect();
    assert!(without_a_row.is_empty(), "promised and not shown: {without_a_row:?}");
    // What is wrong with a field has a code of the field's own, which the description need not list.
    let of_a_field =
        |status: u16, code: &str| status == 422 && (code.starts_with("invalid_") || code == "bad_message");
    let not_promised: Vec<_> =
        shown.difference(&promised).filter(|(_, status, code)| !of_a_field(*status, code)).collect();
    assert!(not_promised.is_empty(), "shown and not promised: {not_promised:?}");
}

fn request(route: &Described, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(&*route.method).uri(format!("{MOUNT}{}", route.filled()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_every_route_promises_every_route_keeps() {
    let (mut site, _) = Site::of_alice().await;
    let mut kept = BTreeSet::new();
    for route in described(&mut site).await {
        if route.has("signed_out") {
            kept.insert("signed_out");
            site.raw(request(&route, &[JSON], "{}")).await.refused(401, "signed_out");
        } else {
            let reply = site.raw(request(&route, &[JSON], "{}")).await;
            let asked = reply.status == 401 && reply.json()["code"] == "signed_out";
            assert!(!asked, "{} {} does not promise it", route.method, route.path);
        }
        let foreign = [JSON, ("origin", "https://evil.example")];
        let reply = site.raw(request(&route, &foreign, "{}")).await;
        if route.has("cross_origin") {
            kept.insert("cross_origin");
            reply.refused(403, "cross_origin");
        } else {
            assert!(
                !reply.text.contains("urn:portcullis:problem:cross_origin"),
                "{} {}",
                route.method,
                route.path
            );
        }
        if route.has("too_large") {
            kept.insert("too_large");
            let large = vec![b' '; 64 * 1024 + 1];
            site.raw(request(&route, &[JSON], large)).await.refused(413, "too_large");
        }
        if route.has("unsupported_media_type") {
            kept.insert("unsupported_media_type");
            let mut signed_in = Site { jar: std::collections::BTreeMap::new(), ..Site::new().await };
            signed_in.user("carol", Some(ALICE)).await;
            signed_in.sign_in("carol").await;
            let plain = [("content-type", "text/plain")];
            let reply = signed_in.raw(request(&route, &plain, "{}")).await;
            reply.refused(415, "unsupported_media_type");
        }
    }
    assert_eq!(kept.len(), 4, "{kept:?}");
}

#[tokio::test]
async fn a_route_without_a_body_takes_none() {
    let mut routes = 0;
    let mut site = Site::new().await;
    for route in described(&mut site).await.iter().filter(|route| !route.body && route.method != "GET") {
        let (mut site, _) = Site::signed_in().await;
        site.raw(request(route, &[JSON], r#"{"extra":1}"#)).await.unfit("extra", "unknown_field");
        site.raw(request(route, &[JSON], "[]")).await.unfit("body", "invalid_json");
        routes += 1;
    }
    assert!(routes > 5, "{routes}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_said_at_every_route_with_a_session() {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    let options = WorldOptions { store: Arc::clone(&store) as _, ..WorldOptions::default() };
    let mut site = Site::with(options).await;
    site.user("alice", Some(ALICE)).await;
    site.sign_in("alice").await;
    let session = site.session();
    for route in described(&mut site).await.iter().filter(|route| route.has("signed_out")) {
        store.reset();
        store.fail(Method::Read, 1, Failure::Port);
        let reply = site.raw(request(route, &[JSON], "{}")).await;
        assert_eq!(site.session(), session, "{} {} takes no cookie", route.method, route.path);
        let problem = reply.refused(503, "unavailable");
        assert!(problem["retry_after"].as_u64().is_some_and(|wait| wait > 0), "{problem}");
        assert_eq!(store.reads(), 1, "{} {}", route.method, route.path);
    }
    assert!(matches!(site.get("/settings").await.is(200).json(), Value::Object(_)));
}
