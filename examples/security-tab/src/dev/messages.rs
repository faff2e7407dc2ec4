//! What was sent, and what the pages can look like.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use portcullis::account::TimeZone;
use serde::Serialize;

use super::body::problem;
use crate::mailbox::Sent;
use crate::page::{DevMessage, Frame, MESSAGES_CONTENT_SECURITY_POLICY, MessagesPage, StatesPage, states};
use crate::web::{App, date_and_time_of, language_of_request, rfc3339};

/// GET: what was sent, oldest first as JSON, newest first as a page for browsers.
pub(super) async fn list(State(app): State<App>, headers: HeaderMap) -> Response {
    let sent = app.dev.as_ref().map(|dev| dev.mailbox.sent()).unwrap_or_default();
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    if accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html")) {
        let messages = sent.iter().rev().map(shown).collect();
        return page(MessagesPage { frame: frame(&headers), messages }.html());
    }
    Json(sent.iter().map(MessageView::from).collect::<Vec<_>>()).into_response()
}

/// A message as JSON.
#[derive(Serialize)]
struct MessageView<'a> {
    id: String,
    channel: &'static str,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    at: String,
}

impl<'a> From<&'a Sent> for MessageView<'a> {
    fn from(sent: &'a Sent) -> Self {
        let (channel, text, html) = match sent {
            Sent::Mail(mail, _) => ("email", &mail.text, &*mail.html),
            Sent::Sms(sms, _) => ("sms", &sms.text, ""),
        };
        Self {
            id: sent.id().to_string(),
            channel,
            to: sent.to(),
            subject: sent.subject().unwrap_or_default(),
            text,
            html,
            at: rfc3339(sent.at()),
        }
    }
}

fn shown(sent: &Sent) -> DevMessage {
    let (text, html) = match sent {
        Sent::Mail(mail, _) => (&mail.text, Some(mail.html.clone())),
        Sent::Sms(sms, _) => (&sms.text, None),
    };
    DevMessage {
        id: sent.id().to_string(),
        sms: matches!(sent, Sent::Sms(..)),
        to: sent.to().to_owned(),
        subject: sent.subject().map(str::to_owned),
        text: text.clone(),
        html,
        at: date_and_time_of(sent.at(), TimeZone::UTC),
    }
}

/// GET: the names of all states.
pub(super) async fn gallery(headers: HeaderMap) -> Response {
    let names = states().map(|states| states.into_iter().map(|state| state.name).collect());
    page(names.and_then(|names| StatesPage { frame: frame(&headers), names }.html()))
}

/// GET: one state.
pub(super) async fn state(Path(name): Path<String>) -> Response {
    match states() {
        Ok(states) => match states.into_iter().find(|state| state.name == name) {
            Some(state) => page(Ok(state.html)),
            None => problem(StatusCode::NOT_FOUND, "not_found", "there is no such state"),
        },
        Err(error) => page(Err(error)),
    }
}

pub(super) fn frame(headers: &HeaderMap) -> Frame {
    let zone = TimeZone::UTC.name().to_owned();
    Frame { language: language_of_request(headers), zone, identity: None, dev_mode: true }
}

pub(super) fn page(html: Result<String, askama::Error>) -> Response {
    match html {
        Ok(html) => {
            let policy = HeaderValue::from_static(MESSAGES_CONTENT_SECURITY_POLICY);
            ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
