//! Refusals and failures as clients see them: `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use portcullis::Error;
use portcullis::decision::{Reason, Refusal};
use portcullis::error::InputError;
use serde::Serialize;

use crate::answer::GateView;
use crate::status::{CONTENDED_RETRY, UNAVAILABLE_RETRY, status_of};

/// The answer to a request that was not granted: `{type, title, status, code, field?, missing?, reasons?,
/// attempts_left?, retry_after?}`, and `Retry-After` where waiting helps.
///
/// It is made of any error of the core, so that a host's own routes answer in the same form:
///
/// ```
/// use axum::response::IntoResponse;
/// use portcullis::decision::{Reason, Refusal};
/// use portcullis_axum::Problem;
/// let problem = Problem::from(Refusal::from(Reason::Unchanged));
/// assert_eq!((problem.status().as_u16(), problem.code()), (409, "unchanged"));
/// assert_eq!(problem.into_response().headers()["content-type"], "application/problem+json");
/// ```
#[derive(Clone, Debug)]
pub struct Problem {
    body: Box<Members>,
    headers: HeaderMap,
}

#[derive(Clone, Debug, Serialize)]
struct Members {
    r#type: String,
    title: Cow<'static, str>,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<GateView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// Marks an answer after which the client carries no session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedOut;

impl Problem {
    /// The status of the answer.
    pub const fn status(&self) -> StatusCode {
        self.body.status
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.body.code
    }

    /// Headers that the answer has besides its own.
    pub const fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    pub(crate) fn new(status: StatusCode, code: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        let body = Members {
            r#type: format!("urn:portcullis:problem:{code}"),
            title: title.into(),
            status,
            code,
            field: None,
            missing: Vec::new(),
            reasons: Vec::new(),
            attempts_left: None,
            retry_after: None,
        };
        Self { body: Box::new(body), headers: HeaderMap::new() }
    }

    /// What a client sent can't be used: 422, naming the field.
    pub(crate) fn input(
        field: impl Into<String>,
        code: &'static str,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, title);
        problem.body.field = Some(field.into());
        problem
    }

    /// The core gave an answer that these routes do not know.
    pub(crate) fn unsupported() -> Self {
        let title = "the answer is not one that these routes can give";
        Self::new(StatusCode::NOT_IMPLEMENTED, "unsupported", title)
    }

    /// The host does not tell who is at the other end of the socket.
    pub(crate) fn no_client_address() -> Self {
        tracing::error!("no peer address in the request: serve with connect info, or insert a PeerAddress");
        let title = "the service does not know where the request comes from";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "no_client_address", title)
    }

    /// The same, said of a field.
    pub(crate) fn of_field(mut self, status: StatusCode, field: &'static str) -> Self {
        self.body.status = status;
        self.body.field = Some(field.to_owned());
        self
    }

    /// The same, said of the field that the one it is about is part of; a field that does not exist keeps its name.
    pub(crate) fn within(self, field: &'static str) -> Self {
        if self.body.code == "unknown_field" {
            return self;
        }
        self.of_field(StatusCode::UNPROCESSABLE_ENTITY, field)
    }

    fn retry(mut self, seconds: u32) -> Self {
        self.body.retry_after = Some(seconds);
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let reason = refusal.reason();
        let mut problem = Self::new(status_of(reason), reason.code(), reason.text());
        problem.body.field = reason.field().map(str::to_owned);
        problem.body.missing = refusal.missing().iter().copied().map(GateView::from).collect();
        problem.body.reasons = refusal.reasons().iter().map(|reason| reason.name()).collect();
        problem.body.attempts_left = refusal.attempts_left();
        problem.body.retry_after = refusal.retry_after();
        problem
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Refusal::from(reason).into()
    }
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        Self::input(error.field(), error.code(), error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let unavailable = |code, title: &'static str| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title);
        match error {
            Error::Input(error) => error.into(),
            Error::Refused(refusal) => refusal.into(),
            Error::Busy { retry_after } => unavailable("busy", "too much work is waiting").retry(retry_after),
            Error::Contended => {
                unavailable("contended", "others change the same records").retry(CONTENDED_RETRY)
            }
            Error::Unknown(commit) => {
                tracing::error!(%commit, "whether a commit happened is not known");
                unavailable("unknown", "whether it happened is not known")
            }
            Error::Corrupt { kind, why } => {
                tracing::error!(%kind, why, "a stored record can't be read");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "corrupt", "a stored record can't be read")
            }
            // An error that a newer core added has failed too, and says of itself what happened.
            error @ (Error::Unavailable(_) | _) => {
                tracing::error!(%error, "an operation failed");
                unavailable("unavailable", "the service can't answer now").retry(UNAVAILABLE_RETRY)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { body, mut headers } = self;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = body.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        // Text, numbers and lists of them are always written.
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (body.status, Body::from(text)).into_response();
        response.headers_mut().extend(headers);
        if body.code == Reason::SignedOut.code() {
            response.extensions_mut().insert(SignedOut);
        }
        response
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use portcullis::error::PortError;
    use portcullis::id::CommitId;
    use portcullis::rights::{AccessRight, Gate};

    use super::*;

    fn json(problem: &Problem) -> String {
        serde_json::to_string(&problem.body).unwrap()
    }

    #[test]
    fn a_refusal_shows_all_it_may() {
        let gates = vec![Gate::EmailUnconfirmed, Gate::Right(AccessRight::EditFlags)];
        assert_eq!(
            json(&Refusal::not_allowed(gates).into()),
            concat!(
                r#"{"type":"urn:portcullis:problem:not_allowed","title":"this is not allowed","status":403,"#,
                r#""code":"not_allowed","missing":[{"gate":"email_unconfirmed","text":"Specify an email address first"},"#,
                r#"{"gate":"right","text":"You do not have the right to change this.","right":"edit_flags"}]}"#
            )
        );
        let now = DateTime::UNIX_EPOCH;
        let locked = Refusal::from(Reason::Locked).until(Some(now + TimeDelta::seconds(60)), now);
        let problem = Problem::from(locked.with_attempts_left(0));
        assert_eq!(
            json(&problem),
            concat!(
                r#"{"type":"urn:portcullis:problem:locked","title":"too many wrong codes","status":429,"#,
                r#""code":"locked","attempts_left":0,"retry_after":60}"#
            )
        );
        assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "60");
    }

    #[test]
    fn failures_tell_clients_nothing_of_what_failed() {
        let commit = CommitId::from_uuid(uuid::Uuid::from_u128(7));
        for (error, status, code, retry) in [
            (Error::Busy { retry_after: 9 }, 503, "busy", Some(9)),
            (PortError::new("store", "secret detail").into(), 503, "unavailable", Some(UNAVAILABLE_RETRY)),
            (Error::Contended, 503, "contended", Some(CONTENDED_RETRY)),
            (Error::Unknown(commit), 503, "unknown", None),
            (Error::Corrupt { kind: "user".into(), why: "secret detail" }, 500, "corrupt", None),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
            assert_eq!(problem.body.retry_after, retry, "{code}");
            assert!(!json(&problem).contains("detail"), "{}", json(&problem));
            assert_eq!(problem.into_response().headers().contains_key(header::RETRY_AFTER), retry.is_some());
        }
    }

    #[test]
    fn a_field_is_named_without_its_value() {
        let error = portcullis::contact::Email::parse("not-an-address").unwrap_err();
        assert_eq!(
            json(&error.into()),
            concat!(
                r#"{"type":"urn:portcullis:problem:invalid_email","title":"the address has no `@`","status":422,"#,
                r#""code":"invalid_email","field":"address"}"#
            )
        );
    }
}
