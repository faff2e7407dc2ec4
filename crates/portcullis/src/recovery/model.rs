//! What is asked for, what is kept of it, and what a link tells.

use core::fmt;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::Event;
use crate::challenge::Purpose;
use crate::contact::Email;
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::RequestId;
use crate::keyring::{Keyring, OpenError, Sealing};
use crate::message::reseal::Sealed;
use crate::port::store::{Counter, Key, Kind, Lane};
use crate::user::Login;

/// Every identifier is filled up to this length before it is sealed; the longest is an address of 254 bytes.
const SEALED_BYTES: usize = 256;

/// Who wants to get in again: a login, an e-mail address, or a text that may be either. `Debug` does not show it.
///
/// ```
/// use portcullis::recovery::Identifier;
/// assert!(Identifier::parse("alice").is_ok());
/// assert!(Identifier::parse(" alice@example.com ").is_ok());
/// assert_eq!(Identifier::parse("").unwrap_err().code(), "invalid_identifier");
/// ```
#[derive(Clone)]
pub struct Identifier {
    text: String,
    login: Option<Login>,
    email: Option<Email>,
}

impl Identifier {
    /// Takes a login or an address as somebody typed it; spaces at its ends are dropped.
    ///
    /// # Errors
    /// `invalid_identifier` in the field `identifier` for what can be neither.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let text = text.trim();
        let (login, email) = (Login::parse(text).ok(), Email::parse(text).ok());
        if login.is_none() && email.is_none() {
            let message = "neither a login nor an e-mail address";
            return Err(InputError::new("identifier", "invalid_identifier", message));
        }
        Ok(Self { text: text.to_owned(), login, email })
    }

    /// The login it may be.
    pub(crate) const fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// The address it may be.
    pub(crate) const fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }

    /// The text as it was typed, without the spaces at its ends.
    pub(crate) fn typed(&self) -> &str {
        &self.text
    }

    /// What stands for nobody who has it: an address is one however it is written.
    pub(crate) fn canonical(&self) -> &str {
        self.email.as_ref().map_or(&self.text, Email::canonical)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier(..)")
    }
}

/// A request for recovery, kept until the worker looks for whom it is: all that is known of it is sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecoveryRequest {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: RequestId,
    pub(crate) tenant: Uuid,
    pub(crate) sealed: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the worker is to look at it, or may purge it.
    pub due_at: DateTime<Utc>,
}

impl RecoveryRequest {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("recovery_request");

    /// Seals an identifier, all to one length.
    pub(crate) fn sealed(
        id: RequestId,
        identifier: &Identifier,
        keyring: &Keyring,
        nonce: [u8; 24],
        now: DateTime<Utc>,
    ) -> Self {
        let mut plain = Zeroizing::new(identifier.text.as_bytes().to_vec());
        if plain.len() < SEALED_BYTES {
            plain.resize(SEALED_BYTES, b' ');
        }
        let sealed = keyring.seal(&sealing(id), &plain, nonce);
        Self {
            v: Schema::default(),
            id,
            tenant: Uuid::nil(),
            sealed: Some(sealed),
            created_at: now,
            due_at: now,
        }
    }

    /// The look-up key of the requests that a key sealed.
    pub(crate) fn sealed_with(key: &str) -> Key {
        Key::lookup(Self::KIND, "sealed", key)
    }

    /// Opens what was asked; `None` if it was seen to already.
    pub(crate) fn open(&self, keyring: &Keyring) -> Option<Result<Identifier, OpenError>> {
        let plain = match keyring.open(&sealing(self.id), self.sealed.as_deref()?) {
            Ok(plain) => plain,
            Err(error) => return Some(Err(error)),
        };
        let text = core::str::from_utf8(plain.expose()).map_err(|_| OpenError::Malformed);
        Some(text.and_then(|text| Identifier::parse(text).map_err(|_| OpenError::Malformed)))
    }
}

fn sealing(id: RequestId) -> Sealing {
    Sealing { label: "recovery_request", record: id.uuid(), owner: Uuid::nil() }
}

impl Sealed for RecoveryRequest {
    fn sealing_keys(&self) -> BTreeSet<&str> {
        self.sealed.as_deref().and_then(Keyring::key_of).into_iter().collect()
    }

    fn sealed_anew(&self, keyring: &Keyring, nonce: [u8; 24]) -> Option<Self> {
        let plain = keyring.open(&sealing(self.id), self.sealed.as_deref()?).ok()?;
        let sealed = keyring.seal(&sealing(self.id), plain.expose(), nonce);
        Some(Self { sealed: Some(sealed), ..self.clone() })
    }

    // It is nobody's until the worker has looked, and so is no trail its own.
    fn told(&self) -> Option<Event> {
        None
    }
}

impl Entity for RecoveryRequest {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant
    }

    fn keys(&self) -> Vec<Key> {
        self.sealing_keys().into_iter().map(Self::sealed_with).collect()
    }

    fn refs(&self) -> Vec<Uuid> {
        Vec::new()
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        // Somebody waits for the link.
        let lane = if self.sealed.is_some() { Lane::Interactive } else { Lane::Dead };
        Some((lane, self.due_at))
    }
}

/// Counts 1 while no other request for an identifier is looked at.
pub(crate) const fn cool_down(identifier: Uuid) -> Counter {
    Counter::of(identifier, "recovery_cool_down")
}

/// Links mailed because somebody asked for them, of those that [live and die together](crate::recovery::rules::lot).
pub(crate) const fn mails(lot: Uuid) -> Counter {
    Counter::of(lot, "recovery_mails")
}

/// Counts 1 while no further refusal of such links is told in the trail.
pub(crate) const fn told(lot: Uuid) -> Counter {
    Counter::of(lot, "recovery_mails_refused")
}

/// Recovery requests from a source address.
pub(crate) const fn requests(source: Uuid) -> Counter {
    Counter::of(source, "recovery_requests")
}

/// What a living link tells whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkInfo {
    /// Until when it can be used.
    pub valid_until: DateTime<Utc>,
    /// [`Purpose::Recovery`] or [`Purpose::Invitation`].
    pub purpose: Purpose,
    /// Whose password it sets.
    pub login: Login,
    /// The fewest code points of the new password.
    pub minimum: u32,
}
