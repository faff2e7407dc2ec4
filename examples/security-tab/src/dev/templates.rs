//! Every message in words, from samples, as the worker words it.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use portcullis::error::PortError;
use portcullis::language::Language;
use portcullis::message::{MessageKind, Wording};
use portcullis::port::template::Templates as _;
use portcullis::templates::BuiltinTemplates;

use super::body::problem;
use super::messages::{frame, page};
use crate::page::{Frame, TemplatesPage, WordedMessage};

/// GET: the messages in English.
pub(super) async fn first(headers: HeaderMap) -> Response {
    show(frame(&headers), &Language::EN)
}

/// GET: the messages in a language that is built in.
pub(super) async fn of_language(Path(tag): Path<String>, headers: HeaderMap) -> Response {
    match BuiltinTemplates::LANGUAGES.iter().find(|language| language.as_str() == tag) {
        Some(language) => show(frame(&headers), language),
        None => problem(StatusCode::NOT_FOUND, "not_found", "there are no messages in that language"),
    }
}

fn show(frame: Frame, language: &Language) -> Response {
    match messages(frame.texts().product, language) {
        Ok(messages) => {
            let languages = BuiltinTemplates::LANGUAGES.iter().map(Language::to_string).collect();
            page(TemplatesPage { frame, languages, shown: language.to_string(), messages }.html())
        }
        Err(error) => {
            tracing::error!(%error, "a message could not be worded");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "unavailable", "a message could not be worded")
        }
    }
}

fn messages(product: &str, language: &Language) -> Result<Vec<WordedMessage>, PortError> {
    let templates = BuiltinTemplates::new(product)?;
    let worded = |kind: MessageKind| {
        let worded = templates.word(&Wording::sample(kind, language.clone()))?;
        let (subject, text, html) = (worded.subject, worded.text, worded.html);
        Ok(WordedMessage { kind: kind.name(), subject, text, html })
    };
    MessageKind::ALL.into_iter().map(worded).collect()
}
