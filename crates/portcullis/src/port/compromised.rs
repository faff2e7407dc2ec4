//! The port that knows which passwords are no secret any more.

use async_trait::async_trait;

use crate::error::PortError;
use crate::secret::Password;

/// Knows passwords that many use or that were published.
///
/// **Failing.** While it fails no password is changed: the operation ends as
/// [`Error::Unavailable`](crate::Error::Unavailable), nothing is kept. One that must not stand in the way when its
/// source is down says so itself by answering `false`, and logs it.
///
/// **Secrecy.** The password must not leave the process: a service is asked by a short prefix of its digest. A wrong
/// `false` lets a password in that others guess first; a wrong `true` costs its user another idea.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CompromisedPasswords: Send + Sync + 'static {
    /// Whether a password is known.
    ///
    /// # Errors
    /// [`PortError`] when it can't be found out.
    async fn is_compromised(&self, password: &Password) -> Result<bool, PortError>;
}
