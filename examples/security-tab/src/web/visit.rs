//! One request for a page, and the answer that is being made.

use axum::Form;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use portcullis::contact::SourceAddress;
use portcullis::decision::Reason;
use portcullis::error::InputError;
use portcullis::id::ChallengeId;
use portcullis::secret::Password;
use portcullis::session::CurrentSession;
use portcullis::sign_in::Attempt;
use portcullis::{Error, Portcullis};
use portcullis_axum::Problem;

use super::App;
use super::ticket::Ticket;
use super::words::language_of_request;
use crate::page::{Frame, field, route};
use crate::texts::Language;

/// Set by the pages' script: only parts of the page are wanted.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
/// Tells the pages' script to load another page.
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// What a handler gives: an answer, or the answer that ended it early.
pub(crate) type Answer = Result<Response, Stop>;

/// An answer that ends a handler.
#[derive(Debug)]
pub(crate) struct Stop(Box<Response>);

impl From<Response> for Stop {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        problem.into_response().into()
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// One request, its form or query read, and the headers of its answer.
pub(crate) struct Visit {
    /// The program.
    pub(crate) app: App,
    /// The request without its body.
    pub(crate) parts: Parts,
    fields: Vec<(String, String)>,
    answer: HeaderMap,
}

impl FromRequest<App> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let whole = Request::from_parts(parts.clone(), body);
        // A form without fields comes without a body, and from some clients without a type too.
        let empty = parts.headers.get(header::CONTENT_TYPE).is_none()
            && parts.headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
            && !parts.headers.contains_key(header::TRANSFER_ENCODING);
        let fields = if empty && parts.method == axum::http::Method::POST {
            Vec::new()
        } else {
            Form::<Vec<(String, String)>>::from_request(whole, app)
                .await
                .map_err(IntoResponse::into_response)?
                .0
        };
        Ok(Self { app: app.clone(), parts, fields, answer: HeaderMap::new() })
    }
}

impl Visit {
    /// The engine.
    pub(crate) fn portcullis(&self) -> &Portcullis {
        self.app.security.portcullis()
    }

    /// Every field as it was sent.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field; empty if it was not sent.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// Goes on with the fields of an action that waited, in place of those that were sent.
    pub(super) fn put_fields(&mut self, fields: &[(&'static str, String)]) {
        self.fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    }

    /// The password, taken out of the form. `None` if there is none that could be one.
    pub(super) fn password(&mut self) -> Option<Password> {
        self.secret(field::PASSWORD).ok()
    }

    /// A password of any name, taken out of the form. A missing one is refused as an empty one.
    pub(super) fn secret(&mut self, field: &'static str) -> Result<Password, InputError> {
        let found = self.fields.iter_mut().find(|(name, _)| name == field);
        Password::parse(found.map(|(_, text)| std::mem::take(text)).unwrap_or_default(), field)
    }

    /// A field, taken out of the form; empty if it was not sent.
    pub(super) fn taken(&mut self, field: &str) -> String {
        let found = self.fields.iter_mut().find(|(name, _)| name == field);
        found.map(|(_, text)| std::mem::take(text)).unwrap_or_default()
    }

    /// The challenge that the form names, as what is known of it or as its bare token.
    pub(super) fn challenge(&self) -> Option<(ChallengeId, Option<Ticket>)> {
        let text = self.field(field::CHALLENGE);
        match Ticket::open(self.portcullis(), text) {
            Some(ticket) => Some((ticket.challenge, Some(ticket))),
            None => Some((self.portcullis().open_challenge_token(text)?, None)),
        }
    }

    /// Whether only parts of the page are wanted.
    pub(super) fn wants_parts(&self) -> bool {
        self.parts.headers.get(HX_REQUEST).is_some_and(|value| value == "true")
    }

    /// The language of a page before there is a user.
    pub(super) fn language(&self) -> Language {
        language_of_request(&self.parts.headers)
    }

    /// The frame of a page before there is a user.
    pub(crate) fn outside(&self) -> Frame {
        let zone = portcullis::account::TimeZone::UTC.name().to_owned();
        Frame { language: self.language(), zone, identity: None, dev_mode: self.app.dev.is_some() }
    }

    /// Where the request comes from.
    pub(super) fn source(&self) -> Result<SourceAddress, Stop> {
        self.app.security.source(&self.parts).map_err(|problem| self.stop(&problem))
    }

    /// Who knocks.
    pub(super) fn attempt(&self) -> Result<Attempt, Stop> {
        self.app.security.attempt(&self.parts).map_err(|problem| self.stop(&problem))
    }

    /// The live session, or the way to the sign-in page.
    pub(super) async fn session(&self) -> Result<CurrentSession, Stop> {
        self.app.security.current(&self.parts).await.map_err(|error| self.end(error))
    }

    /// The live session, if there is one.
    pub(super) async fn session_if_any(&self) -> Result<Option<CurrentSession>, Stop> {
        match self.app.security.current(&self.parts).await {
            Ok(session) => Ok(Some(session)),
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::SignedOut => Ok(None),
            Err(error) => Err(self.end(error)),
        }
    }

    /// Lets the browser carry this session from now on.
    pub(super) async fn give(&mut self, session: &CurrentSession) -> Result<(), Stop> {
        let given = self.app.security.give(&self.parts, session, &mut self.answer).await;
        given.map_err(|error| self.end(error))
    }

    /// Lets the browser carry an admitted session, and remembers the browser.
    pub(super) async fn admit(&mut self, admission: &portcullis::sign_in::Admission) -> Result<(), Stop> {
        let given = self.app.security.admit(&self.parts, admission, &mut self.answer).await;
        given.map_err(|error| self.end(error))
    }

    /// Lets the browser carry this session under today's key.
    pub(super) async fn renew(&mut self, session: &CurrentSession) -> Result<(), Stop> {
        let given = self.app.security.renew(&self.parts, session, &mut self.answer).await;
        given.map_err(|error| self.end(error))
    }

    /// Lets the browser carry no session any more.
    pub(super) async fn take(&mut self) -> Result<(), Stop> {
        let taken = self.app.security.take(&self.parts, &mut self.answer).await;
        taken.map_err(|error| self.end(error))
    }

    /// Ends the session that the browser carries, and takes it from the browser.
    pub(super) async fn sign_out_here(&mut self) -> Result<(), Stop> {
        let id = self.app.security.session_id(&self.parts).await.map_err(|error| self.end(error))?;
        if let Some(id) = id {
            self.portcullis().sessions().sign_out(id).await.map_err(|error| self.end(error))?;
        }
        self.take().await
    }

    /// A cookie of the pages themselves; `name` is the part behind `portcullis-`.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookie_at(name, "/")
    }

    /// The same, of one that was given for one path alone.
    pub(super) fn cookie_at(&self, name: &str, path: &str) -> Option<&str> {
        let name = self.cookie_name(name, path);
        let lines = self.parts.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Gives a cookie of the pages themselves for so many seconds; 0 takes it.
    pub(super) fn set_cookie(&mut self, name: &str, value: &str, seconds: i64) {
        self.set_cookie_at(name, value, seconds, "/");
    }

    /// The same, for one path alone.
    pub(super) fn set_cookie_at(&mut self, name: &str, value: &str, seconds: i64, path: &str) {
        let secure = if self.app.security.options().cookies().is_secure() { "; Secure" } else { "" };
        let name = self.cookie_name(name, path);
        let cookie = format!(
            "{name}={value}; Path={path}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            seconds.max(0)
        );
        if let Ok(value) = HeaderValue::try_from(cookie) {
            self.answer.append(header::SET_COOKIE, value);
        }
    }

    /// `__Host-` is for the whole site: browsers drop such a cookie if it has a path of its own.
    fn cookie_name(&self, name: &str, path: &str) -> String {
        let session = self.app.security.options().cookies().session_name();
        match session.strip_prefix("__Host-").filter(|_| path != "/") {
            Some(bare) => format!("__Secure-{bare}-{name}"),
            None => format!("{session}-{name}"),
        }
    }

    /// Answers with a page or parts of one.
    pub(crate) fn html(self, status: StatusCode, html: Result<String, askama::Error>) -> Answer {
        match html {
            Ok(html) => Ok((status, self.answer, Html(html)).into_response()),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                Err(Stop::from(StatusCode::INTERNAL_SERVER_ERROR.into_response()))
            }
        }
    }

    /// Sends the browser to a page.
    #[expect(clippy::unnecessary_wraps, reason = "every way to answer gives an `Answer`")]
    pub(super) fn redirect(self, to: &'static str) -> Answer {
        Ok(self.see(HeaderValue::from_static(to)))
    }

    /// Sends the browser to the page of an id.
    #[expect(clippy::unnecessary_wraps, reason = "every way to answer gives an `Answer`")]
    pub(super) fn redirect_to(self, page: &'static str, id: impl std::fmt::Display) -> Answer {
        let to = HeaderValue::try_from(format!("{page}/{id}"));
        Ok(self.see(to.unwrap_or(HeaderValue::from_static(route::HOME))))
    }

    fn see(self, to: HeaderValue) -> Response {
        let mut response = self.answer.into_response();
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, to);
        response
    }

    /// The answer to an error that has no place on the page: a session that is over leads to the sign-in page, a
    /// failure says that nobody knows.
    pub(super) fn end(&self, error: Error) -> Stop {
        let is_over =
            |error: &Error| matches!(error, Error::Refused(refusal) if refusal.reason() == Reason::SignedOut);
        if is_over(&error) {
            let mut response = StatusCode::OK.into_response();
            let to = HeaderValue::from_static(route::SIGN_IN);
            if self.wants_parts() {
                response.headers_mut().insert(HX_REDIRECT, to);
            } else {
                *response.status_mut() = StatusCode::SEE_OTHER;
                response.headers_mut().insert(header::LOCATION, to);
            }
            return Stop::from(response);
        }
        self.stop(&Problem::from(error))
    }

    /// A plain answer with the status of a problem.
    fn stop(&self, problem: &Problem) -> Stop {
        let status = problem.status();
        tracing::warn!(code = problem.code(), "a page could not be answered");
        let words = self.language().texts().no_answer;
        Stop::from((status, format!("{words}\n")).into_response())
    }
}
