//! The door of every route: the same checks on the way in, the same headers on the way out.

use core::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use portcullis::Portcullis;
use portcullis::contact::SourceAddress;
use portcullis::decision::Reason;
use portcullis::id::ChallengeId;
use portcullis::session::CurrentSession;
use portcullis::sign_in::{Admission, Attempt};
use serde::Serialize;
use uuid::Uuid;

use crate::input::{Fields, read_body};
use crate::problem::SignedOut;
use crate::{Problem, Security, is_same_origin};

/// What a handler gives.
pub(crate) type Answer = Result<Response, Problem>;

/// Stands around all routes: refuses other origins, lets nothing be cached, and takes a dead session from the client.
pub(crate) async fn guard(State(security): State<Security>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = if is_same_origin(&parts.method, &parts.headers, security.options().public_url()) {
        next.run(Request::from_parts(parts.clone(), body)).await
    } else {
        let title = "the request comes from a page of another origin";
        Problem::new(StatusCode::FORBIDDEN, "cross_origin", title).into_response()
    };
    if response.extensions().get::<SignedOut>().is_some() {
        let mut taken = HeaderMap::new();
        if let Err(error) = security.take(&parts, &mut taken).await {
            return Problem::from(error).into_response();
        }
        response.headers_mut().extend(taken);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// One request at a route, and the answer that is being made.
pub(crate) struct Door {
    security: Security,
    parts: Parts,
    body: Vec<u8>,
    live: Option<CurrentSession>,
    answer: HeaderMap,
}

impl FromRequest<Security> for Door {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, security: &Security) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let body = read_body(&parts.headers, body).await?;
        let security = security.clone();
        Ok(Self { security, parts, body, live: None, answer: HeaderMap::new() })
    }
}

/// The id in a path. The host may have parameters of its own before the mount; ours is the last one.
pub(crate) struct PathId(Option<String>);

impl PathId {
    /// The id, as it is written.
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The id of a user or an account.
    pub(crate) fn uuid(&self) -> Option<Uuid> {
        self.0.as_deref()?.parse().ok()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = RawPathParams::from_request_parts(parts, state).await;
        let last = path.as_ref().ok().and_then(|path| path.iter().filter(|(name, _)| *name == "id").last());
        Ok(Self(last.map(|(_, id)| id.to_owned())))
    }
}

impl Door {
    pub(crate) const fn portcullis(&self) -> &Portcullis {
        self.security.portcullis()
    }

    pub(crate) const fn security(&self) -> &Security {
        &self.security
    }

    pub(crate) const fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The live session; every other check of a route that needs one comes after it.
    pub(crate) async fn user(&mut self) -> Result<CurrentSession, Problem> {
        let session = self.security.current(&self.parts).await?;
        self.live = Some(session.clone());
        Ok(session)
    }

    /// The body of a route that knows only these fields.
    pub(crate) fn fields(&self, known: &[&str]) -> Result<Fields, Problem> {
        let fields = self.any_fields()?;
        fields.only(known)?;
        Ok(fields)
    }

    /// The body of a route whose fields depend on one of them.
    pub(crate) fn any_fields(&self) -> Result<Fields, Problem> {
        Fields::parse(&self.parts.headers, &self.body)
    }

    /// Refuses any field.
    pub(crate) fn no_fields(&self) -> Result<(), Problem> {
        Fields::none(&self.parts.headers, &self.body)
    }

    pub(crate) fn source(&self) -> Result<SourceAddress, Problem> {
        self.security.source(&self.parts)
    }

    pub(crate) fn attempt(&self) -> Result<Attempt, Problem> {
        self.security.attempt(&self.parts)
    }

    /// Opens the token of a challenge. One that is none of ours is as dead as one that is over.
    pub(crate) fn challenge(&self, token: &str) -> Result<ChallengeId, Problem> {
        self.portcullis().open_challenge_token(token).ok_or_else(|| Reason::ChallengeDead.into())
    }

    /// The client carries this session from now on.
    pub(crate) async fn give(&mut self, session: &CurrentSession) -> Result<(), Problem> {
        self.live = None;
        Ok(self.security.give(&self.parts, session, &mut self.answer).await?)
    }

    /// The client carries this session from now on, and its browser is known.
    pub(crate) async fn admit(&mut self, admission: &Admission) -> Result<(), Problem> {
        self.live = None;
        Ok(self.security.admit(&self.parts, admission, &mut self.answer).await?)
    }

    /// The client carries no session any more.
    pub(crate) async fn take(&mut self) -> Result<(), Problem> {
        self.live = None;
        Ok(self.security.take(&self.parts, &mut self.answer).await?)
    }

    /// Answers with JSON.
    pub(crate) async fn reply(self, status: StatusCode, body: &(impl Serialize + Sync)) -> Answer {
        // Text, numbers and lists of them are always written.
        let text = serde_json::to_string(body).unwrap_or_default();
        let mut response = self.finish(status, Body::from(text)).await?;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        Ok(response)
    }

    /// Answers that it is done.
    pub(crate) async fn done(self) -> Answer {
        self.finish(StatusCode::NO_CONTENT, Body::empty()).await
    }

    async fn finish(mut self, status: StatusCode, body: Body) -> Answer {
        if let Some(session) = &self.live {
            self.security.renew(&self.parts, session, &mut self.answer).await?;
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.answer;
        Ok(response)
    }
}
