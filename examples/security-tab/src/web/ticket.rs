//! What the pages remember of a code that is on its way, in the browser and sealed.

use chrono::{DateTime, Utc};
use portcullis::Portcullis;
use portcullis::challenge::PendingCode;
use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// The label a ticket is sealed under.
const LABEL: &str = "code page";

/// A code that is on its way, as its page shows it. The core tells a challenge's facts only to who asked for it, so they
/// travel with the form and, for the way from one page to the next, in a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The sealed id of the challenge.
    pub(super) challenge: String,
    /// Where the code went, masked.
    pub(super) destination: String,
    /// When it ends.
    pub(super) expires_at: DateTime<Utc>,
    /// When it may be sent again.
    pub(super) resend_at: DateTime<Utc>,
    /// Wrong codes that are left, as far as this page has seen.
    pub(super) attempts_left: u32,
}

impl Ticket {
    /// What the page has to know of a code.
    pub(super) fn of(portcullis: &Portcullis, code: &PendingCode) -> Self {
        Self {
            challenge: portcullis.challenge_token(code.id),
            destination: code.destination.clone(),
            expires_at: code.expires_at,
            resend_at: code.resend_at,
            attempts_left: code.attempts_left,
        }
    }

    /// The ticket after something went wrong with its code.
    pub(super) fn after(mut self, fault: &Fault) -> Self {
        if let Fault::Core(portcullis::Error::Refused(refusal)) = fault {
            self.attempts_left = refusal.attempts_left().unwrap_or(self.attempts_left);
        }
        self
    }

    /// The ticket in a form that only this service can make and read.
    pub(super) fn seal(&self, portcullis: &Portcullis) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        portcullis.keyring().seal_token(LABEL, &text).unwrap_or_default()
    }

    /// Opens a ticket; `None` if it is none of ours.
    pub(super) fn open(portcullis: &Portcullis, sealed: &str) -> Option<Self> {
        let text = portcullis.keyring().open_token(LABEL, sealed)?;
        serde_json::from_slice(text.expose()).ok()
    }
}
