//! The part of flespi's REST API that is here.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::draft::{Fault, INVALID};
use crate::gate::{Acting, Here, gate, refuse, refuse_with};
use crate::place::Place;
use crate::select::Selector;
use crate::world::Outcome;

pub(crate) fn router(here: Here) -> Router {
    let tokens = get(list).put(change).delete(delete);
    Router::new()
        .route("/auth/info", get(info))
        .route("/auth/regions", get(regions))
        .route("/auth/oauth/providers", get(providers))
        .route("/platform/customer", get(customer))
        .route("/platform/tokens", post(create))
        .route("/platform/tokens/{selector}", tokens)
        .fallback(nothing)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(here.clone(), gate))
        .with_state(here)
}

/// Answers the question of a browser whether a page may ask.
pub(crate) fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, DELETE"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, x-flespi-app, x-flespi-cid, x-flespi-trace",
        ),
    ];
    (headers, StatusCode::NO_CONTENT).into_response()
}

async fn nothing() -> Response {
    refuse_with(StatusCode::NOT_FOUND, "there is no such method")
}

async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        preflight()
    } else {
        refuse_with(StatusCode::METHOD_NOT_ALLOWED, "there is no such method")
    }
}

/// The fields that are wanted; all if none is named.
#[derive(Deserialize)]
struct Wanted {
    fields: Option<String>,
    /// How many items at most.
    limit: Option<usize>,
    /// How many are passed over.
    offset: Option<usize>,
}

impl Wanted {
    fn cut(&self, item: Map<String, Value>) -> Value {
        match self.fields.as_deref() {
            None | Some("") => Value::Object(item),
            Some(fields) => {
                let kept = item.into_iter().filter(|(name, _)| fields.split(',').any(|field| field == name));
                Value::Object(kept.collect())
            }
        }
    }

    fn answer(&self, outcome: Outcome) -> Response {
        if outcome.items.is_empty() && !outcome.faults.is_empty() {
            let missing = outcome.faults.iter().all(|fault| fault.code != INVALID);
            let status = if missing { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
            return refuse(status, &outcome.faults);
        }
        let items: Vec<_> = outcome.items.into_iter().map(|item| self.cut(item)).collect();
        let mut body = json!({"result": items});
        if let (Some(pagination), Some(body)) = (outcome.pagination, body.as_object_mut()) {
            body.insert("pagination".to_owned(), pagination);
        }
        if let (false, Some(body)) = (outcome.faults.is_empty(), body.as_object_mut()) {
            let errors = outcome.faults.iter().map(Fault::shown).collect();
            body.insert("errors".to_owned(), Value::Array(errors));
        }
        Json(body).into_response()
    }
}

async fn info(
    State(here): State<Here>,
    Extension(Acting(id)): Extension<Acting>,
    wanted: Query<Wanted>,
) -> Response {
    let outcome = here.world().list(&Selector::Ids(vec![id]), here.now());
    wanted.answer(outcome)
}

async fn regions(State(here): State<Here>) -> Response {
    let regions = Place::ALL.map(|place| place.object(here.shared.url(place)));
    Json(json!({"result": regions})).into_response()
}

async fn providers(State(here): State<Here>) -> Response {
    let login = format!("{}/login/#/providers", here.shared.url(here.place));
    Json(json!({"result": [{"stand-in": login}]})).into_response()
}

async fn customer(State(here): State<Here>, wanted: Query<Wanted>) -> Response {
    let customer = json!({
        "id": here.place.account(),
        "name": "Customer of the stand-in",
        "email": "customer@example.com",
        "region": here.place.name(),
        "blocked": 0,
        "enabled": true,
        "created": 1_600_000_000,
        "accessed": here.now(),
        "metadata": {},
        "counters": {},
        "limit_id": 0,
    });
    let items = customer.as_object().cloned().into_iter().collect();
    wanted.answer(Outcome { items, ..Outcome::default() })
}

async fn create(
    State(here): State<Here>,
    wanted: Query<Wanted>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    match body.as_ref().map(|body| body.as_array()) {
        Ok(Some(items)) if !items.is_empty() => {
            let outcome = here.world().create(items, here.now());
            wanted.answer(outcome)
        }
        _ => refuse_with(StatusCode::BAD_REQUEST, "the body must be an array of tokens"),
    }
}

async fn list(State(here): State<Here>, selector: Path<String>, wanted: Query<Wanted>) -> Response {
    match Selector::parse(&selector) {
        Ok(selector) => {
            let mut world = here.world();
            let outcome = world.list(&selector, here.now());
            let outcome = world.part(outcome, wanted.limit, wanted.offset);
            drop(world);
            wanted.answer(outcome)
        }
        Err(fault) => refuse(StatusCode::BAD_REQUEST, &[fault]),
    }
}

async fn change(
    State(here): State<Here>,
    selector: Path<String>,
    wanted: Query<Wanted>,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let Ok(Json(body)) = body else {
        return refuse_with(StatusCode::BAD_REQUEST, "the body must be an object");
    };
    match Selector::parse(&selector) {
        Ok(selector) => {
            let outcome = here.world().change(&selector, &body, here.now());
            wanted.answer(outcome)
        }
        Err(fault) => refuse(StatusCode::BAD_REQUEST, &[fault]),
    }
}

async fn delete(State(here): State<Here>, selector: Path<String>, wanted: Query<Wanted>) -> Response {
    match Selector::parse(&selector) {
        Ok(selector) => {
            let outcome = here.world().delete(&selector, here.now());
            wanted.answer(outcome)
        }
        Err(fault) => refuse(StatusCode::BAD_REQUEST, &[fault]),
    }
}
