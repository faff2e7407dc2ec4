//! What a sign-in is given, and what it gives.

use core::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::challenge::{Channel, PendingCode};
use crate::contact::SourceAddress;
use crate::session::CurrentSession;

/// Who knocks: the source address, and the browser if it is known. Its `Debug` does not show the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// Where the request comes from, as the host believes it.
    pub source: SourceAddress,
    /// The device token of an earlier admission, if the browser holds one.
    pub device: Option<String>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("source", &self.source)
            .field("device", &self.device.as_ref().map(|_| ".."))
            .finish()
    }
}

impl Attempt {
    /// A request from this address.
    pub const fn from(source: SourceAddress) -> Self {
        Self { source, device: None }
    }

    /// By a browser that holds this device token. A token that is not ours, or not this user's, counts as none.
    #[must_use]
    pub fn with_device(mut self, token: impl Into<String>) -> Self {
        self.device = Some(token.into());
        self
    }
}

/// A completed sign-in. Its `Debug` does not show the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct Admission {
    /// The session that was opened.
    pub session: CurrentSession,
    /// The token a browser keeps to be known again: from then on, wrong passwords of strangers do not delay it.
    pub device: String,
    /// How many days are left until the account is blocked, by the user's calendar, 0 on the last day; `None` while
    /// there are more than the policy's `notice_days`, or no date is set. Everybody is warned, whether or not notices
    /// are mailed.
    pub days_left: Option<u32>,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("session", &self.session)
            .field("days_left", &self.days_left)
            .finish_non_exhaustive()
    }
}

/// The answer to a right password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SignInResult {
    /// No code is asked; the session is open.
    Admitted(Admission),
    /// A code is on its way; no session exists yet.
    CodeRequired {
        /// The challenge.
        code: PendingCode,
        /// The channels by which it may be sent again.
        channels: Vec<Channel>,
    },
}

/// The answer to a right code.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CodeResult {
    /// The sign-in is complete.
    Admitted(Admission),
    /// The session is fresh again, under a new id.
    Fresh(CurrentSession),
}

/// The answer to a re-authentication.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reauthenticated {
    /// The session is fresh again, under a new id.
    Fresh(CurrentSession),
    /// A code is on its way; finish with it.
    CodeRequired {
        /// The challenge.
        code: PendingCode,
        /// The channels by which it may be sent again.
        channels: Vec<Channel>,
    },
}

/// A browser that once completed a sign-in, as its token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) user: Uuid,
    pub(crate) id: Uuid,
    pub(crate) credential_version: u64,
    pub(crate) ends_at: DateTime<Utc>,
}

impl Device {
    const LENGTH: usize = 16 + 16 + 8 + 8;

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.extend_from_slice(self.user.as_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.credential_version.to_be_bytes());
        bytes.extend_from_slice(&self.ends_at.timestamp().to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (user, rest) = bytes.split_first_chunk::<16>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (ends_at, rest) = rest.split_first_chunk::<8>()?;
        if !rest.is_empty() {
            return None;
        }
        Some(Self {
            user: Uuid::from_bytes(*user),
            id: Uuid::from_bytes(*id),
            credential_version: u64::from_be_bytes(*version),
            ends_at: DateTime::from_timestamp(i64::from_be_bytes(*ends_at), 0)?,
        })
    }
}
