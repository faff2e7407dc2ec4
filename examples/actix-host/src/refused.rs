//! What the core refuses or fails at, in the host's words.

use core::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use portcullis::Error;
use portcullis::decision::{Reason, Refusal};
use portcullis::error::{InputError, PortError};
use portcullis_axum::status_of;
use serde_json::json;

/// An error of the core as an answer of actix-web.
#[derive(Debug)]
pub struct Refused(Error);

impl Refused {
    pub(crate) const NO_PEER: PeerIsUnknown = PeerIsUnknown;
}

/// Nobody says where a request comes from: guesses that nobody counts are not taken.
pub(crate) struct PeerIsUnknown;

impl From<PeerIsUnknown> for Refused {
    fn from(_: PeerIsUnknown) -> Self {
        Self(PortError::new("http", "the peer of the socket is not known").into())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<InputError> for Refused {
    fn from(error: InputError) -> Self {
        Self(error.into())
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self(Refusal::from(reason).into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        let status = match &self.0 {
            Error::Input(_) => 422,
            Error::Refused(refusal) => status_of(refusal.reason()).as_u16(),
            Error::Corrupt { .. } => 500,
            // What a newer core adds has failed, too.
            Error::Busy { .. } | Error::Unavailable(_) | Error::Contended | Error::Unknown(_) | _ => 503,
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let (code, retry_after) = match &self.0 {
            Error::Input(error) => (error.code(), None),
            Error::Refused(refusal) => (refusal.code(), refusal.retry_after()),
            Error::Busy { retry_after } => ("busy", Some(*retry_after)),
            // What failed is for the log, and nothing of it for clients.
            Error::Unavailable(_) | Error::Contended | Error::Unknown(_) | Error::Corrupt { .. } | _ => {
                ("unavailable", None)
            }
        };
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(seconds) = retry_after {
            answer.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        answer.json(json!({ "code": code }))
    }
}
