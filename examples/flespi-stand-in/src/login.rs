//! The login page, which posts a token to the page that opened it.

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use crate::gate::{Here, Shared};
use crate::place::Place;

const PAGE: &str = include_str!("../static/login.html");
const SCRIPT: &str = include_str!("../static/login.js");
const STYLE: &str = include_str!("../static/login.css");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn router(here: Here) -> Router {
    Router::new()
        .route("/login/", get(page))
        .route("/login/login.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/login/login.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .with_state(here)
}

/// What a login gives: the token, and everything about its region.
pub(crate) fn posted(shared: &Shared, place: Place) -> (u64, Value) {
    let (id, key) = shared.world(place).log_in(shared.clock.now());
    (id, json!({"token": key, "region": place.object(shared.url(place))}))
}

async fn page(State(here): State<Here>) -> Response {
    let option = |place: Place| {
        let chosen = if place == here.place { " selected" } else { "" };
        format!("<option value=\"{}\"{chosen}>{}</option>", place.name(), place.title())
    };
    file("text/html; charset=utf-8", &PAGE.replace("{regions}", &Place::ALL.map(option).concat()))
}

fn file(kind: &'static str, text: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text.to_owned()).into_response()
}
