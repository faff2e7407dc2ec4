//! What came of the message with a code, for the script of the page that waits for it.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use portcullis::Error;
use portcullis::challenge::{CodeDelivery, PendingCode};
use portcullis::id::ChallengeId;

use super::visit::{Answer, Stop, Visit};
use crate::page::Problem;
use crate::texts::Language;

/// POST: a line where something is to be said, or the status that says whether to ask again.
pub(super) async fn tell(visit: Visit) -> Answer {
    let Some((challenge, ticket)) = visit.challenge() else { return Ok(StatusCode::GONE.into_response()) };
    let reader = ticket.and_then(|ticket| ticket.reader).map(|(_, tag)| Language::of_tag(&tag));
    let (code, language) = match visit.own_code(challenge).await? {
        Some((code, language)) => (Some(code), language),
        None => (visit.sign_in_code(challenge).await?, reader.unwrap_or_else(|| visit.language())),
    };
    let Some(code) = code else { return Ok(StatusCode::GONE.into_response()) };
    Ok(match Problem::of_delivery(code.delivery) {
        Some(problem) => Html(problem.line(language).to_string()).into_response(),
        None if code.delivery == CodeDelivery::Waiting => StatusCode::ACCEPTED.into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

impl Visit {
    /// The code that waits on the tab of who is signed in, and the language of the tab.
    async fn own_code(&self, challenge: ChallengeId) -> Result<Option<(PendingCode, Language)>, Stop> {
        let Some(session) = self.session_if_any().await? else { return Ok(None) };
        let settings = self.portcullis().settings(session.id).await.map_err(|error| self.end(error))?;
        let language = Language::of_tag(settings.user.language.base());
        let address = settings.email.pending.map(|pending| pending.code);
        let method = settings.two_factor.pending.map(|pending| pending.code);
        let mut codes = address.into_iter().chain(method);
        Ok(codes.find(|code| code.id == challenge).map(|code| (code, language)))
    }

    /// The code of a sign-in or a re-authentication; `None` when it is over.
    async fn sign_in_code(&self, challenge: ChallengeId) -> Result<Option<PendingCode>, Stop> {
        match self.portcullis().sign_in().pending(challenge).await {
            Ok(code) => Ok(Some(code)),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(self.end(error)),
        }
    }
}
