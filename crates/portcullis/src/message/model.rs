//! What a message is, before it is worded.

use core::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::contact::Email;
use crate::id::{ChallengeId, MessageId, UserId};
use crate::port::store::Lane;
use crate::secret::Code;

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
    /// Two-factor authentication was switched on.
    TwoFactorOn,
    /// Two-factor authentication was switched off.
    TwoFactorOff,
}

impl MessageKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::SignInCode,
        Self::ReauthenticationCode,
        Self::EmailConfirmationCode,
        Self::TwoFactorCode,
        Self::CodesLocked,
        Self::EmailChanged,
        Self::TwoFactorOn,
        Self::TwoFactorOff,
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
            Self::TwoFactorOn => "two_factor_on",
            Self::TwoFactorOff => "two_factor_off",
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
    pub(crate) to: Email,
    /// How urgent it is.
    pub(crate) lane: Lane,
    /// The code it carries, with the challenge that asks for it.
    pub(crate) code: Option<CodeToSend>,
}

/// A code under way: it is only sent while its challenge still waits for it.
pub(crate) struct CodeToSend {
    pub(crate) code: Code,
    pub(crate) challenge: ChallengeId,
    /// Which of the challenge's codes it is.
    pub(crate) issue: u32,
    pub(crate) valid_until: DateTime<Utc>,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
