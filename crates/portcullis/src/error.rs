//! Errors: what went wrong, for the caller and for the host's log, without a secret or a whole address.

use core::fmt;
use std::borrow::Cow;

use crate::decision::Refusal;
use crate::id::CommitId;

/// A store, sender or other adapter failed; nothing is known about what it should have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortError {
    port: &'static str,
    message: Cow<'static, str>,
}

impl PortError {
    /// Says which port failed (`store`, `hasher`, …) and how.
    ///
    /// The message is lower case, has no full stop and holds no secret, no address and no stored value.
    pub fn new(port: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { port, message: message.into() }
    }

    /// The port that failed.
    pub const fn port(&self) -> &'static str {
        self.port
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.port, self.message)
    }
}

impl core::error::Error for PortError {}

/// A request that can't be understood: which field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    field: Cow<'static, str>,
    code: &'static str,
    message: Cow<'static, str>,
}

impl InputError {
    /// Names the field and what is wrong with it: a stable code, and words without the value.
    pub fn new(
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: field.into(), code, message: message.into() }
    }

    /// The field that is wrong.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong, as a stable code such as `invalid_email`.
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

/// Why a public operation has no answer.
///
/// Whatever it is, nothing was opened: no session exists, no guess went uncounted. After every variant but
/// [`Error::Unknown`] nothing was changed, except that a refusal may have been counted and audited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request can't be understood.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too much work is waiting; try again after this many seconds.
    #[error("too busy, try again in {retry_after} s")]
    Busy {
        /// When to try again, in seconds.
        retry_after: u32,
    },
    /// An adapter failed.
    #[error(transparent)]
    Unavailable(#[from] PortError),
    /// Others changed the same records all the time; try again.
    #[error("others change the same records, try again")]
    Contended,
    /// Nobody knows whether it happened; the id tells later.
    #[error("whether it happened is not known")]
    Unknown(CommitId),
    /// A stored record can't be read by this release.
    #[error("a stored {kind} can't be read: {why}")]
    Corrupt {
        /// The kind of the record.
        kind: Cow<'static, str>,
        /// What is wrong, without its content.
        why: &'static str,
    },
}
