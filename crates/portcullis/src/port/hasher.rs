//! The hasher port: what makes password hashes and checks passwords against them.

#![expect(clippy::exhaustive_structs, reason = "hashers build it; a new field is a new contract")]
#![cfg_attr(
    feature = "testing",
    expect(clippy::ref_option_ref, reason = "the generated mock takes its arguments by reference")
)]

use core::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::PortError;
use crate::secret::Password;

/// A password hash as it is stored, a PHC string such as `$argon2id$v=19$m=19456,t=2,p=1$…$…`.
///
/// Any text is taken: what is no hash the hasher understands fits no password. `Debug` shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a hash as it is stored or imported.
    pub fn stored(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// Gives the hash as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What a check found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// The password is the one that was hashed.
    pub fits: bool,
    /// It fits, and should be hashed anew: the hash was made at another cost than new ones are.
    pub outdated: bool,
}

/// Why there is no hash or no answer; nothing is admitted then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many wait already.
    #[error("too many passwords wait to be hashed, try again in {retry_after} s")]
    Busy {
        /// When to try again, in seconds, at least 1.
        retry_after: u32,
    },
    /// The hasher failed.
    #[error(transparent)]
    Failed(#[from] PortError),
}

/// Hashes passwords, slowly and with much memory.
///
/// **Cost.** Checking against no hash, or against a text that is no usable hash, costs what a real check costs and never
/// fits; a hasher that is quicker there tells who exists. The cost of a foreign hash is bounded: one that asks for
/// absurd memory or time is not computed and does not fit.
///
/// **Load.** At most as many hashes run at once as the hasher was built for, also when callers go away; the rest waits
/// in a bounded queue, and past that the answer is [`HashError::Busy`] at once. A hasher without such a bound lets
/// anybody exhaust the memory of the host.
///
/// A wrong `fits` lets a stranger in; a wrong `outdated` costs one more hash at the next sign-in.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync + 'static {
    /// Hashes a password with a salt of 16 random bytes.
    ///
    /// # Errors
    /// See [`HashError`].
    async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<PasswordHash, HashError>;

    /// Checks a password against a hash, or against none at the same cost.
    ///
    /// # Errors
    /// See [`HashError`]. A hash that can't be read is no error: it does not fit.
    async fn verify<'a>(
        &self,
        password: &Password,
        hash: Option<&'a PasswordHash>,
    ) -> Result<Verified, HashError>;
}
