//! What a challenge is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::delivery::CodeDelivery;
use crate::audit::Event;
use crate::contact::{Destination, Email};
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::id::{AccountId, ChallengeId, MessageId, SessionId, UserId};
use crate::keyring::{BoundDigest, Keyring, Sealing};
use crate::message::MessageKind;
use crate::message::reseal::Sealed;
use crate::port::store::{Counter, Key, Kind, Lane};
use crate::spend::Charge;

/// What a code proves. A code for one purpose is worthless for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// Completes a sign-in.
    SignIn,
    /// Makes a session fresh again.
    Reauthentication,
    /// Confirms a new address.
    EmailConfirmation,
    /// Switches two-factor authentication by e-mail on.
    TwoFactorEmail,
    /// Confirms a phone number and switches two-factor authentication by SMS on.
    TwoFactorSms,
    /// Sets a new password by a mailed link.
    Recovery,
    /// Sets the first password by a mailed link, and confirms the address it was mailed to.
    Invitation,
    /// Puts the old address back by a link mailed to it.
    EmailUndo,
    /// Takes what a pop-up of flespi posted. No message carries it.
    FlespiHandOff,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 9] = [
        Self::SignIn,
        Self::Reauthentication,
        Self::EmailConfirmation,
        Self::TwoFactorEmail,
        Self::TwoFactorSms,
        Self::Recovery,
        Self::Invitation,
        Self::EmailUndo,
        Self::FlespiHandOff,
    ];

    /// The stable name, part of what a code is bound to.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Reauthentication => "reauthentication",
            Self::EmailConfirmation => "email_confirmation",
            Self::TwoFactorEmail => "two_factor_email",
            Self::TwoFactorSms => "two_factor_sms",
            Self::Recovery => "recovery",
            Self::Invitation => "invitation",
            Self::EmailUndo => "email_undo",
            Self::FlespiHandOff => "flespi_hand_off",
        }
    }

    /// The message that carries its code or link. A hand-off is carried by none; nothing with its challenge ever leaves.
    pub(crate) const fn message(self) -> MessageKind {
        match self {
            Self::SignIn => MessageKind::SignInCode,
            Self::Reauthentication => MessageKind::ReauthenticationCode,
            Self::EmailConfirmation => MessageKind::EmailConfirmationCode,
            Self::TwoFactorEmail | Self::TwoFactorSms => MessageKind::TwoFactorCode,
            Self::Recovery => MessageKind::RecoveryLink,
            Self::Invitation => MessageKind::InvitationLink,
            Self::EmailUndo => MessageKind::EmailUndo,
            Self::FlespiHandOff => MessageKind::FlespiExpiring,
        }
    }

    /// Whether its code may travel by SMS.
    pub(crate) const fn may_travel_by_sms(self) -> bool {
        match self {
            Self::SignIn | Self::Reauthentication | Self::TwoFactorSms => true,
            Self::EmailConfirmation
            | Self::TwoFactorEmail
            | Self::Recovery
            | Self::Invitation
            | Self::EmailUndo
            | Self::FlespiHandOff => false,
        }
    }

    /// Counts wrong codes in a row of a user; for links, which nobody guesses, it stays 0.
    pub(crate) const fn failures(self, user: UserId) -> Counter {
        Counter::of(
            user.uuid(),
            match self {
                Self::SignIn => "sign_in_code_failures",
                Self::Reauthentication => "reauthentication_code_failures",
                Self::EmailConfirmation => "email_code_failures",
                Self::TwoFactorEmail => "two_factor_code_failures",
                Self::TwoFactorSms => "two_factor_sms_failures",
                Self::Recovery | Self::Invitation | Self::EmailUndo | Self::FlespiHandOff => "link_failures",
            },
        )
    }

    /// Counts 1 while a user has to wait after wrong codes in a row.
    pub(crate) const fn wait(self, user: UserId) -> Counter {
        Counter::of(
            user.uuid(),
            match self {
                Self::SignIn => "sign_in_code_wait",
                Self::Reauthentication => "reauthentication_code_wait",
                Self::EmailConfirmation => "email_code_wait",
                Self::TwoFactorEmail => "two_factor_code_wait",
                Self::TwoFactorSms => "two_factor_sms_wait",
                Self::Recovery | Self::Invitation | Self::EmailUndo | Self::FlespiHandOff => "link_wait",
            },
        )
    }
}

/// Where a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It waits for its code.
    Pending,
    /// Its code was right, and the one change it was made for was kept with it.
    Spent,
    /// It was seen expired, superseded or void, and never comes back.
    Dead,
}

/// One proof in progress.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Challenge {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: ChallengeId,
    /// The top account of its user.
    pub tenant: AccountId,
    /// Who is to prove something.
    pub user: UserId,
    /// What is to be proved.
    pub purpose: Purpose,
    pub(crate) destination: Destination,
    /// The session that asked, where only that one may finish.
    pub session: Option<SessionId>,
    /// The user's credential version it was made under; it is dead under any other.
    pub credential_version: u64,
    /// The keyring's epoch it was made in; it is dead in any later one.
    #[serde(default)]
    pub epoch: u32,
    /// How many blocks had been lifted among the user's accounts when it was made; it is dead at any other count.
    #[serde(default = "crate::account::chain::unknown_lifts")]
    pub lifts: u64,
    /// Whether it recovers whatever the user's flag to change the password says: an administrator or an undo began it.
    #[serde(default)]
    pub regardless_of_flag: bool,
    pub(crate) digest: BoundDigest,
    /// The code, sealed, where a resend repeats it; gone as soon as the challenge is spent or seen dead.
    #[serde(default)]
    pub(crate) sealed: Option<String>,
    /// What the right code gives back of what the newest SMS was charged.
    #[serde(default)]
    pub(crate) unverified: Option<Charge>,
    /// What the right code gives back of what the earlier SMS with the same code were charged, by issue.
    #[serde(default)]
    pub(crate) unverified_before: BTreeMap<u32, Charge>,
    /// The message with the living code; its outcome is told to who waits for it.
    #[serde(default)]
    pub(crate) message: Option<MessageId>,
    pub(crate) state: State,
    /// Which code is the living one: the number of sends so far.
    pub issue: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the living code was made.
    pub issued_at: DateTime<Utc>,
    /// When the living code ends; alive while now is before.
    pub expires_at: DateTime<Utc>,
    /// When no send of it can be alive any more and it may be purged.
    pub kept_until: DateTime<Utc>,
}

impl Challenge {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("challenge");

    /// The lookup key of all challenges of a user.
    pub(crate) fn of_user(user: UserId) -> Key {
        Key::lookup(Self::KIND, "user", user.to_string())
    }

    /// The mailbox it was mailed to, if it was.
    pub(crate) const fn mailbox(&self) -> Option<&Email> {
        self.destination.email()
    }

    /// Its one use is over; the code in it is gone.
    pub(crate) fn spend(&mut self) {
        self.end(State::Spent);
    }

    /// It is dead for good; the code in it is gone.
    pub(crate) fn bury(&mut self) {
        self.end(State::Dead);
    }

    fn end(&mut self, state: State) {
        (self.state, self.sealed, self.unverified) = (state, None, None);
        self.unverified_before.clear();
    }

    /// What the right code gives back.
    pub(crate) fn given_back_by_code(&self) -> impl Iterator<Item = &Charge> {
        self.unverified.iter().chain(self.unverified_before.values())
    }

    /// What the right code would give back of one send is given back without it; says whether there was any.
    pub(crate) fn forget_unverified(&mut self, issue: u32) -> bool {
        let newest = if self.issue == issue { self.unverified.take() } else { None };
        newest.is_some() || self.unverified_before.remove(&issue).is_some()
    }

    /// The look-up key of the challenges whose code a key sealed.
    pub(crate) fn sealed_with(key: &str) -> Key {
        Key::lookup(Self::KIND, "sealed", key)
    }

    /// Counts the wrong codes judged for a challenge.
    pub(crate) const fn attempts(id: ChallengeId) -> Counter {
        Counter::of(id.uuid(), "attempts")
    }
}

impl Entity for Challenge {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Self::of_user(self.user)];
        keys.extend(self.sealing_keys().into_iter().map(Self::sealed_with));
        keys
    }

    fn refs(&self) -> Vec<Uuid> {
        vec![self.user.uuid()]
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        match (self.purpose, self.state) {
            // Its end is an event of its own: the claim on the old address ends with it.
            (Purpose::EmailUndo, State::Pending) => Some((Lane::Timed, self.expires_at)),
            _ => Some((Lane::Dead, self.kept_until)),
        }
    }
}

/// What the code in a challenge is sealed for.
pub(crate) const fn sealing(id: ChallengeId, user: UserId) -> Sealing {
    Sealing { label: "challenge_code", record: id.uuid(), owner: user.uuid() }
}

impl Sealed for Challenge {
    fn sealing_keys(&self) -> BTreeSet<&str> {
        self.sealed.as_deref().and_then(Keyring::key_of).into_iter().collect()
    }

    fn sealed_anew(&self, keyring: &Keyring, nonce: [u8; 24]) -> Option<Self> {
        let sealing = sealing(self.id, self.user);
        let plain = keyring.open(&sealing, self.sealed.as_deref()?).ok()?;
        let sealed = keyring.seal(&sealing, plain.expose(), nonce);
        Some(Self { sealed: Some(sealed), ..self.clone() })
    }

    fn told(&self) -> Option<Event> {
        let event = Event::of("challenge_resealed", self.tenant.uuid(), self.user.uuid());
        Some(event.about(self.id.uuid()))
    }
}

/// How a code travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channel {
    /// By e-mail.
    #[default]
    Email,
    /// By SMS.
    Sms,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// A challenge as its user may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingCode {
    /// Its id; hosts hand out its token.
    pub id: ChallengeId,
    /// How the code travels.
    pub channel: Channel,
    /// Where it goes, masked.
    pub destination: String,
    /// When the code ends.
    pub expires_at: DateTime<Utc>,
    /// When it may be sent again.
    pub resend_at: DateTime<Utc>,
    /// How many wrong codes are left.
    pub attempts_left: u32,
    /// How far the newest message with the code came. The answer that asks for a code or a resend says
    /// [`CodeDelivery::Waiting`]; [`SignIn::pending`](crate::sign_in::SignIn::pending) and the settings say what is known.
    pub delivery: CodeDelivery,
}
