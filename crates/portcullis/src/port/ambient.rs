//! Time and randomness, as ports.

use chrono::{DateTime, Utc};

use crate::error::PortError;

/// Tells the time.
///
/// The engine asks once per try and truncates to whole microseconds. The clock may step in either direction:
/// what was once seen as expired, used or superseded never works again, and nobody is locked for longer than the
/// policy says.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Gives randomness fit for secrets.
///
/// Must be a cryptographic generator: codes, keys and nonces are made of it.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Random: Send + Sync + 'static {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// [`PortError`] when there is no randomness; nothing is issued then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError>;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let secs = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        DateTime::from_timestamp(secs, since.subsec_nanos()).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The generator of the operating system.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the operating system")]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), PortError> {
        getrandom::fill(buffer).map_err(|_| PortError::new("random", "the system gives no randomness"))
    }
}
