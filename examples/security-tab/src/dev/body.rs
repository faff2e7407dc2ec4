//! JSON in and out of the `/dev` routes.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portcullis::error::InputError;
use portcullis_axum::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::web::Stop;

/// A refusal in the form of the JSON routes.
pub(super) fn problem(status: StatusCode, code: &'static str, title: &str) -> Response {
    let body = json!({
        "type": format!("urn:portcullis:problem:{code}"),
        "title": title,
        "status": status.as_u16(),
        "code": code,
    });
    let kind = HeaderValue::from_static("application/problem+json");
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// A field that can't be used: 422.
pub(super) fn unfit(code: &'static str, field: &str, title: &'static str) -> Stop {
    Problem::from(InputError::new(field.to_owned(), code, title)).into()
}

/// The body of a request: one JSON object whose fields are all known.
pub(super) struct Fields(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let bytes = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        let object = if bytes.is_empty() { Ok(Map::new()) } else { serde_json::from_slice(&bytes) };
        let title = "the body is no json object";
        object.map(Self).map_err(|_| problem(StatusCode::BAD_REQUEST, "malformed", title))
    }
}

impl Fields {
    /// Refuses every field but these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Stop> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(unfit("unknown_field", name, "there is no such field")),
        }
    }

    /// A field that must be there.
    pub(super) fn need<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Stop> {
        self.take(name)?.ok_or_else(|| unfit("missing", name, "the field is missing"))
    }

    /// A field that may be there; `null` counts as absent.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Stop> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|_| unfit("invalid_type", name, "the field is of another type")),
        }
    }
}
