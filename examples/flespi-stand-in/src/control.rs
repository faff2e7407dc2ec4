//! The routes by which tests and developers steer the stand-in.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::gate::{Here, refuse_with};
use crate::login;
use crate::place::Place;
use crate::script::Scripted;
use crate::select::Selector;
use crate::world::{Rate, Who};

pub(crate) fn router(here: Here) -> Router {
    Router::new()
        .route("/stand-in/clock", get(clock).post(advance))
        .route("/stand-in/script", post(script))
        .route("/stand-in/rate", put(rate))
        .route("/stand-in/requests", get(requests).delete(forget))
        .route("/stand-in/tokens", get(tokens))
        .route("/stand-in/login", post(log_in))
        .with_state(here)
}

type Given<T> = Result<Json<T>, JsonRejection>;

fn odd() -> Response {
    refuse_with(StatusCode::BAD_REQUEST, "the body is not understood")
}

async fn clock(State(here): State<Here>) -> Response {
    Json(json!({"now": here.now()})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: i64,
}

async fn advance(State(here): State<Here>, body: Given<Advance>) -> Response {
    match body {
        Ok(Json(body)) if here.shared.clock.advance(body.advance) => clock(State(here)).await,
        _ => odd(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    answers: Vec<Scripted>,
}

async fn script(State(here): State<Here>, body: Given<Script>) -> Response {
    match body {
        Ok(Json(body)) if body.answers.iter().all(Scripted::fits) => {
            let mut world = here.world();
            body.answers.into_iter().for_each(|scripted| world.script(scripted));
            StatusCode::NO_CONTENT.into_response()
        }
        _ => odd(),
    }
}

/// `null` lifts the limit.
async fn rate(State(here): State<Here>, body: Given<Option<Rate>>) -> Response {
    match body {
        Ok(Json(rate)) => {
            here.world().limit(rate);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(_) => odd(),
    }
}

async fn requests(State(here): State<Here>) -> Response {
    let world = here.world();
    let (mut by_path, mut by_token) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for seen in &world.seen {
        *by_path.entry(format!("{} {}", seen.method, seen.path)).or_default() += 1;
        let who = match seen.who {
            Who::Nobody => "nobody".to_owned(),
            Who::Unknown => "unknown".to_owned(),
            Who::Token(id) => id.to_string(),
        };
        *by_token.entry(who).or_default() += 1;
    }
    Json(json!({"total": world.seen.len(), "by_path": by_path, "by_token": by_token})).into_response()
}

async fn forget(State(here): State<Here>) -> Response {
    here.world().seen.clear();
    StatusCode::NO_CONTENT.into_response()
}

async fn tokens(State(here): State<Here>) -> Response {
    let outcome = here.world().list(&Selector::All, here.now());
    Json(json!({"tokens": outcome.items})).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    region: Place,
}

async fn log_in(State(here): State<Here>, body: Given<LogIn>) -> Response {
    match body {
        Ok(Json(body)) => Json(login::posted(&here.shared, body.region).1).into_response(),
        Err(_) => odd(),
    }
}
