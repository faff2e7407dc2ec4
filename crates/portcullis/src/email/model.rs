//! The address as its owner sees it, and what a change of it gives.

use chrono::{DateTime, Utc};

use crate::challenge::PendingCode;
use crate::session::CurrentSession;

/// The address, the one that waits for confirmation, and the code it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmailSettings {
    /// The confirmed address, or the pending one if there is no other; whole, for its owner's eyes.
    pub address: Option<String>,
    /// Whether `address` is confirmed.
    pub confirmed: bool,
    /// The address that waits, with its challenge.
    pub pending: Option<PendingEmailCode>,
}

/// An address that waits for its code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingEmailCode {
    /// The address, whole.
    pub address: String,
    /// The challenge.
    pub code: PendingCode,
}

/// What an undo link is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndoInfo {
    /// Until when it puts the old address back.
    pub valid_until: DateTime<Utc>,
}

/// A credential was changed: what is so now, and the session that goes on under a fresh id. Every other session of
/// the user is dead.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Changed<T> {
    /// What is so now.
    pub now: T,
    /// The session that goes on.
    pub session: CurrentSession,
}

impl<T> Changed<T> {
    pub(crate) const fn new(now: T, session: CurrentSession) -> Self {
        Self { now, session }
    }
}
