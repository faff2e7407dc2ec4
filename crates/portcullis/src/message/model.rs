//! What a message is, before it is worded.

use core::fmt;
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::reseal::Sealed;
use super::rules::event;
use crate::audit::Event;
use crate::challenge::Channel;
use crate::contact::Destination;
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::error::{Error, PortError};
use crate::id::{ChallengeId, MessageId, UserId};
use crate::keyring::{Keyring, OpenError, Sealing};
use crate::port::message::DeliveryState;
use crate::port::store::{Counter, Key, Kind, Lane};
use crate::secret::{Code, LinkToken};
use crate::spend::Charge;

/// The content of a message with a link is filled up to this length, so that its seal tells nothing of its address: an
/// address of 254 characters fits, each written as one byte.
const LINK_CONTENT_BYTES: usize = 512;

/// What a message tells; the name of its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageKind {
    /// The code of a sign-in.
    SignInCode,
    /// The code of a re-authentication.
    ReauthenticationCode,
    /// The code that confirms an address.
    EmailConfirmationCode,
    /// The code that switches two-factor authentication on.
    TwoFactorCode,
    /// Too many wrong codes were entered.
    CodesLocked,
    /// The address was changed.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// Two-factor authentication was switched on.
    TwoFactorOn,
    /// Two-factor authentication was switched off.
    TwoFactorOff,
    /// The link that sets a new password.
    RecoveryLink,
    /// The link that sets the first password.
    InvitationLink,
    /// The address was changed; the link puts the old one back.
    EmailUndo,
    /// The account will be blocked in a few days.
    BlockingNotice,
    /// The time of the flespi token will be over in some days.
    FlespiExpiring,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::SignInCode,
        Self::ReauthenticationCode,
        Self::EmailConfirmationCode,
        Self::TwoFactorCode,
        Self::CodesLocked,
        Self::EmailChanged,
        Self::PasswordChanged,
        Self::TwoFactorOn,
        Self::TwoFactorOff,
        Self::RecoveryLink,
        Self::InvitationLink,
        Self::EmailUndo,
        Self::BlockingNotice,
        Self::FlespiExpiring,
    ];

    /// The name of its template.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignInCode => "sign_in_code",
            Self::ReauthenticationCode => "reauthentication_code",
            Self::EmailConfirmationCode => "email_confirmation_code",
            Self::TwoFactorCode => "two_factor_code",
            Self::CodesLocked => "codes_locked",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::TwoFactorOn => "two_factor_on",
            Self::TwoFactorOff => "two_factor_off",
            Self::RecoveryLink => "recovery_link",
            Self::InvitationLink => "invitation_link",
            Self::EmailUndo => "email_undo",
            Self::BlockingNotice => "blocking_notice",
            Self::FlespiExpiring => "flespi_expiring",
        }
    }
}

impl MessageKind {
    /// The page that its link leads to, below the public URL.
    pub(crate) const fn page(self) -> Option<&'static str> {
        match self {
            Self::RecoveryLink => Some("recovery"),
            Self::InvitationLink => Some("invitation"),
            Self::EmailUndo => Some("email/undo"),
            Self::SignInCode
            | Self::ReauthenticationCode
            | Self::EmailConfirmationCode
            | Self::TwoFactorCode
            | Self::CodesLocked
            | Self::EmailChanged
            | Self::PasswordChanged
            | Self::TwoFactorOn
            | Self::TwoFactorOff
            | Self::BlockingNotice
            | Self::FlespiExpiring => None,
        }
    }
}

/// A message as a rule asks for it. The engine seals it into a record.
pub struct Draft {
    /// Its id.
    pub(crate) id: MessageId,
    /// The tenant of its user.
    pub(crate) tenant: Uuid,
    /// Whom it is for.
    pub(crate) user: UserId,
    /// What it tells.
    pub(crate) kind: MessageKind,
    /// Where it goes.
    pub(crate) to: Destination,
    /// How urgent it is.
    pub(crate) lane: Lane,
    /// The code or link it carries, with the challenge that asks for it.
    pub(crate) code: Option<CodeToSend>,
    /// What is given back when it can't be sent.
    pub(crate) charge: Option<Charge>,
    /// It is written at most once under its id, and only when this counter has reached the value.
    pub(crate) once_at: Option<(Counter, u32)>,
    /// From when on it may leave; at once without one.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// The day of its reader it is for, if it is for one day.
    pub(crate) day: Option<NaiveDate>,
}

/// A one-time secret in a message.
pub(crate) enum OneTime {
    /// A code to be typed.
    Code(Code),
    /// The token of a link to be opened.
    Link(LinkToken),
}

impl OneTime {
    const fn code(&self) -> Option<&Code> {
        match self {
            Self::Code(code) => Some(code),
            Self::Link(_) => None,
        }
    }

    const fn link(&self) -> Option<&LinkToken> {
        match self {
            Self::Code(_) => None,
            Self::Link(token) => Some(token),
        }
    }
}

/// A code or link under way: it is only sent while its challenge still waits for it.
pub(crate) struct CodeToSend {
    pub(crate) code: OneTime,
    pub(crate) challenge: ChallengeId,
    /// Which of the challenge's sends it is.
    pub(crate) issue: u32,
    pub(crate) valid_until: DateTime<Utc>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It waits to be sent.
    Waiting,
    /// The next system took it over.
    Sent,
    /// It was not sent, because what it was for is over.
    Suppressed,
    /// It could not be sent, and is not tried again. One without a code or link keeps its content for a while, and can be
    /// sent again: see [`Portcullis::dead_messages`](crate::Portcullis::dead_messages).
    GivenUp,
    /// It was handed over, and nobody knows whether it was taken: it may have been sent. It is not tried again.
    MaybeSent,
    /// It was old when a backup was restored, and may have been sent before: somebody has to look.
    Held,
}

/// A message as it is kept: what it says and where it goes are sealed until it is sent, and gone afterwards. What was
/// given up stays sealed for as long as it can be sent again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: MessageId,
    pub(crate) tenant: Uuid,
    /// Whom it is for.
    pub user: UserId,
    /// What it tells.
    pub kind: MessageKind,
    /// Where it goes, masked.
    pub to: String,
    /// How it travels.
    #[serde(default)]
    pub channel: Channel,
    pub(crate) challenge: Option<ChallengeId>,
    pub(crate) issue: u32,
    pub(crate) valid_until: Option<DateTime<Utc>>,
    pub(crate) sealed: Option<String>,
    /// How urgent it is.
    pub(crate) bulk: bool,
    /// How often it was tried.
    pub tries: u32,
    /// How often in a row a fault of the set-up kept it; not counted as tries.
    #[serde(default)]
    pub faults: u32,
    /// Whether an SMS is being handed over, and what came of it is not known yet. Seen again so, it may have been sent.
    #[serde(default)]
    pub(crate) submitted: bool,
    /// What an SMS was charged, until it is given back.
    #[serde(default)]
    pub(crate) charge: Option<Charge>,
    /// How far an SMS came, as its gateway reported.
    #[serde(default)]
    pub delivery: Option<DeliveryState>,
    /// What became of it.
    pub outcome: Outcome,
    /// The epoch of the keys it was written in. Before there were such numbers it was 0.
    #[serde(default)]
    pub(crate) epoch: u32,
    /// The day of its reader it is for, if it is for one day.
    #[serde(default)]
    pub(crate) day: Option<NaiveDate>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it is to be tried next, or may be purged.
    pub due_at: DateTime<Utc>,
}

/// What sealing a page of messages, requests and flespi connections anew came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// Those that the current key seals now.
    pub sealed: u32,
    /// Those that are still sealed as they were: a worker holds them right now, or they can't be opened.
    pub left: u32,
    /// After which one the next page begins; `None` at the end.
    pub next: Option<Uuid>,
}

impl Resealed {
    /// The most of them in one page.
    pub const AT_ONCE: u32 = 100;
}

/// The sealed part of a message.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) to: Destination,
    pub(crate) code: Option<Wiped>,
    /// The token of a link.
    #[serde(default)]
    pub(crate) link: Option<Wiped>,
}

/// A text that is wiped when it goes.
pub(crate) struct Wiped(Zeroizing<String>);

impl Wiped {
    fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Wiped {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Wiped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Message {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("message");

    /// The key that every held message is found by.
    pub(crate) fn held_key() -> Key {
        Key::lookup(Self::KIND, "held", "held")
    }

    /// The key that every message is found by that was given up and can be sent again.
    pub(crate) fn dead_key() -> Key {
        Key::lookup(Self::KIND, "dead", "dead")
    }

    /// Whether it was given up with its content kept.
    pub(crate) fn is_dead_letter(&self) -> bool {
        self.outcome == Outcome::GivenUp && self.sealed.is_some()
    }

    fn sealing(&self) -> Sealing {
        Sealing { label: "message", record: self.id.uuid(), owner: self.user.uuid() }
    }

    /// Seals a draft.
    pub(crate) fn sealed(
        draft: Draft,
        keyring: &Keyring,
        nonce: [u8; 24],
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let carried = draft.code.as_ref().map(|carried| &carried.code);
        let content = Content {
            code: carried.and_then(OneTime::code).map(|code| Wiped::of(code.expose())),
            link: carried.and_then(OneTime::link).map(|token| Wiped::of(token.expose())),
            to: draft.to,
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(LINK_CONTENT_BYTES));
        serde_json::to_writer(&mut *plain, &content)
            .map_err(|_| PortError::new("message", "the content can't be written"))?;
        if content.link.is_some() && plain.len() < LINK_CONTENT_BYTES {
            plain.resize(LINK_CONTENT_BYTES, b' ');
        }
        let mut message = Self {
            v: Schema::default(),
            id: draft.id,
            tenant: draft.tenant,
            user: draft.user,
            kind: draft.kind,
            to: content.to.masked(),
            channel: content.to.channel(),
            challenge: draft.code.as_ref().map(|code| code.challenge),
            issue: draft.code.as_ref().map_or(0, |code| code.issue),
            valid_until: draft.code.as_ref().map(|code| code.valid_until),
            sealed: None,
            bulk: draft.lane == Lane::Bulk,
            tries: 0,
            faults: 0,
            submitted: false,
            charge: draft.charge,
            delivery: None,
            outcome: Outcome::Waiting,
            epoch: keyring.epoch(),
            day: draft.day,
            created_at: now,
            due_at: draft.not_before.unwrap_or(now),
        };
        message.sealed = Some(keyring.seal(&message.sealing(), &plain, nonce));
        Ok(message)
    }

    /// The look-up key of the messages that a key sealed.
    pub(crate) fn sealed_with(key: &str) -> Key {
        Key::lookup(Self::KIND, "sealed", key)
    }

    /// The same message to another address, sealed under the current key and due at once. Its age and its tries stay.
    // INVARIANT: one from before a restore is no younger at another address, so it is held as it would have been.
    pub(crate) fn readdressed(
        &self,
        to: Destination,
        keyring: &Keyring,
        nonce: [u8; 24],
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let draft = Draft {
            id: self.id,
            tenant: self.tenant,
            user: self.user,
            kind: self.kind,
            to,
            lane: if self.bulk { Lane::Bulk } else { Lane::Interactive },
            code: None,
            charge: None,
            once_at: None,
            not_before: None,
            day: self.day,
        };
        let sealed = Self::sealed(draft, keyring, nonce, now)?;
        let (epoch, created_at) = (self.epoch, self.created_at);
        Ok(Self { epoch, created_at, tries: self.tries, faults: self.faults, ..sealed })
    }

    /// Opens what it says and where it goes; `None` if that is gone already.
    pub(crate) fn open(&self, keyring: &Keyring) -> Option<Result<Content, OpenError>> {
        let sealed = self.sealed.as_deref()?;
        Some(
            keyring
                .open(&self.sealing(), sealed)
                .and_then(|plain| serde_json::from_slice(plain.expose()).map_err(|_| OpenError::Malformed)),
        )
    }
}

impl Sealed for Message {
    fn sealing_keys(&self) -> BTreeSet<&str> {
        self.sealed.as_deref().and_then(Keyring::key_of).into_iter().collect()
    }

    fn sealed_anew(&self, keyring: &Keyring, nonce: [u8; 24]) -> Option<Self> {
        let plain = keyring.open(&self.sealing(), self.sealed.as_deref()?).ok()?;
        let sealed = keyring.seal(&self.sealing(), plain.expose(), nonce);
        Some(Self { sealed: Some(sealed), ..self.clone() })
    }

    fn told(&self) -> Option<Event> {
        Some(event(self, "message_resealed"))
    }
}

impl Entity for Message {
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
        let mut keys = vec![Key::lookup(Self::KIND, "user", self.user.to_string())];
        keys.extend(self.sealing_keys().into_iter().map(Self::sealed_with));
        if self.outcome == Outcome::Held {
            keys.push(Self::held_key());
        }
        if self.is_dead_letter() {
            keys.push(Self::dead_key());
        }
        keys
    }

    fn refs(&self) -> Vec<Uuid> {
        let mut refs = vec![self.user.uuid()];
        refs.extend(self.challenge.iter().map(|challenge| challenge.uuid()));
        refs
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        let lane = match (self.outcome, self.bulk) {
            (Outcome::Waiting, false) => Lane::Interactive,
            (Outcome::Waiting, true) => Lane::Bulk,
            (
                Outcome::Sent | Outcome::Suppressed | Outcome::GivenUp | Outcome::MaybeSent | Outcome::Held,
                _,
            ) => Lane::Dead,
        };
        Some((lane, self.due_at))
    }
}
