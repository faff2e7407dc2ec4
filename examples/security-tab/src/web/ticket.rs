//! What the pages remember of a code that is on its way, in the browser and sealed.

use chrono::{DateTime, Utc};
use portcullis::Portcullis;
use portcullis::account::TimeZone;
use portcullis::challenge::{Channel, PendingCode};
use portcullis::id::ChallengeId;
use portcullis::user::User;
use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// The label a ticket is sealed under.
const LABEL: &str = "code page";

/// A code that is on its way, as its page shows it. The core tells a challenge's facts only to who asked for it, so they
/// travel with the form and, for the way from one page to the next, in a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The challenge.
    pub(super) challenge: ChallengeId,
    /// Where the code went, masked.
    pub(super) destination: String,
    /// When it ends.
    pub(super) expires_at: DateTime<Utc>,
    /// When it may be sent again.
    pub(super) resend_at: DateTime<Utc>,
    /// Wrong codes that are left, as far as this page has seen.
    pub(super) attempts_left: u32,
    /// Whether it comes by SMS.
    pub(super) sms: bool,
    /// Whether it may come by mail instead.
    pub(super) email_instead: bool,
    /// The user's zone, by its IANA name, and language, once the password has told whose page it is.
    pub(super) reader: Option<(String, String)>,
}

/// A ticket as it is sealed: short, since a token holds little.
#[derive(Serialize, Deserialize)]
struct Packed(ChallengeId, String, i64, i64, u32, u8, Option<(String, String)>);

impl Ticket {
    /// What the page has to know of a code.
    pub(super) fn of(code: &PendingCode) -> Self {
        Self {
            challenge: code.id,
            destination: code.destination.clone(),
            expires_at: code.expires_at,
            resend_at: code.resend_at,
            attempts_left: code.attempts_left,
            sms: code.channel == Channel::Sms,
            email_instead: false,
            reader: None,
        }
    }

    /// The ticket for a page that nobody has signed in to yet.
    pub(super) fn read_by(mut self, user: &User) -> Self {
        self.reader = Some((user.time_zone.name().to_owned(), user.language.as_str().to_owned()));
        self
    }

    /// The ticket with the channels by which its code may be sent again.
    pub(super) fn open_to(mut self, channels: &[Channel]) -> Self {
        self.email_instead = self.sms && channels.contains(&Channel::Email);
        self
    }

    /// The ticket of a code that was sent again.
    pub(super) fn instead_of(mut self, before: Option<Self>) -> Self {
        if let Some(before) = before {
            self.email_instead = self.sms && before.email_instead;
            self.reader = before.reader;
        }
        self
    }

    /// The ticket after something went wrong with its code.
    pub(super) fn after(mut self, fault: &Fault) -> Self {
        if let Fault::Core(portcullis::Error::Refused(refusal)) = fault {
            self.attempts_left = refusal.attempts_left().unwrap_or(self.attempts_left);
        }
        self
    }

    /// The zone in which its times are told.
    pub(super) fn zone(&self) -> TimeZone {
        let zone = self.reader.as_ref().and_then(|(zone, _)| TimeZone::parse(zone).ok());
        zone.unwrap_or(TimeZone::UTC)
    }

    /// The ticket in a form that only this service can make and read.
    pub(super) fn seal(&self, portcullis: &Portcullis) -> String {
        portcullis.keyring().seal_token(LABEL, &self.pack()).unwrap_or_default()
    }

    /// Opens a ticket; `None` if it is none of ours.
    pub(super) fn open(portcullis: &Portcullis, sealed: &str) -> Option<Self> {
        Self::unpack(portcullis.keyring().open_token(LABEL, sealed)?.expose())
    }

    // INVARIANT: an address has at most 254 bytes, so that the whole of it fits into a token.
    fn pack(&self) -> Vec<u8> {
        let (expires, resend) = (self.expires_at.timestamp_micros(), self.resend_at.timestamp_micros());
        let (destination, reader) = (self.destination.clone(), self.reader.clone());
        // Text and numbers are always written.
        let channels = u8::from(self.sms) | (u8::from(self.email_instead) << 1);
        let packed =
            Packed(self.challenge, destination, expires, resend, self.attempts_left, channels, reader);
        serde_json::to_vec(&packed).unwrap_or_default()
    }

    fn unpack(text: &[u8]) -> Option<Self> {
        let Packed(challenge, destination, expires, resend, attempts_left, channels, reader) =
            serde_json::from_slice(text).ok()?;
        Some(Self {
            challenge,
            destination,
            expires_at: DateTime::from_timestamp_micros(expires)?,
            resend_at: DateTime::from_timestamp_micros(resend)?,
            attempts_left,
            sms: channels & 1 != 0,
            email_instead: channels & 2 != 0,
            reader,
        })
    }
}

#[cfg(test)]
mod tests {
    use portcullis::keyring::Keyring;
    use uuid::Uuid;

    use super::*;

    fn ticket(destination: &str) -> Ticket {
        Ticket {
            challenge: ChallengeId::from_uuid(Uuid::from_u128(u128::MAX)),
            destination: destination.to_owned(),
            expires_at: "2026-03-02T14:10:00.123456Z".parse().unwrap(),
            resend_at: "2026-03-02T14:01:00Z".parse().unwrap(),
            attempts_left: u32::MAX,
            sms: true,
            email_instead: true,
            reader: Some(("America/Argentina/ComodRivadavia".into(), "abcdefgh-12345678".into())),
        }
    }

    #[test]
    fn the_longest_ticket_comes_back_as_it_was() {
        let whole = ticket(&format!("a•••@{}", "ü".repeat(125)));
        let packed = whole.pack();
        assert!(packed.len() <= Keyring::MAX_PAYLOAD_BYTES, "{}", packed.len());
        assert_eq!(Ticket::unpack(&packed), Some(whole));
        assert_eq!(Ticket::unpack(b"[]"), None);
    }
}
