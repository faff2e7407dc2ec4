//! What a suite of senders asks of the far side, and what it makes of an error.

use core::time::Duration;

use crate::port::message::SendError;

/// How the far side of a sender behaves: what the test of an adapter has to set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FarSide {
    /// It takes every message over.
    TakesOver,
    /// It says: not now.
    RefusesForNow,
    /// It says: never, not this receiver.
    RefusesForGood,
    /// It does not know these credentials.
    RefusesCredentials,
    /// It takes the message over, and the answer is lost.
    LosesAnswer,
    /// Nobody listens there.
    Unreachable,
    /// It listens, and never says a word. Set the sender's bounds short.
    Silent,
}

impl FarSide {
    /// Every way to behave.
    pub const ALL: [Self; 7] = [
        Self::TakesOver,
        Self::RefusesForNow,
        Self::RefusesForGood,
        Self::RefusesCredentials,
        Self::LosesAnswer,
        Self::Unreachable,
        Self::Silent,
    ];

    /// Whether this is what the port calls an error so.
    pub(super) const fn is_called(self, error: &SendError, mail: bool) -> bool {
        match self {
            Self::TakesOver => false,
            Self::RefusesForNow => {
                matches!(error, SendError::Transient { .. } | SendError::Throttled { .. })
            }
            Self::RefusesForGood => matches!(error, SendError::Permanent { .. }),
            Self::RefusesCredentials => matches!(error, SendError::Misconfigured { .. }),
            Self::LosesAnswer => matches!(error, SendError::Ambiguous { .. }),
            Self::Unreachable => matches!(error, SendError::Transient { .. }),
            // A mail may not have got that far; whether an SMS did, nobody knows.
            Self::Silent => {
                matches!(error, SendError::Ambiguous { .. })
                    || (mail && matches!(error, SendError::Transient { .. }))
            }
        }
    }
}

/// How long a send may take before it counts as unbounded.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// What the code in each message of the suites is: no error may tell it.
pub(super) const CODE: &str = "924417";

/// Asserts that the words of an error are the adapter's own.
pub(super) fn says_nothing(error: &SendError, far: FarSide, receiver: &str) {
    let text = format!("{error} {error:?}");
    for secret in [CODE, receiver, "\n", "\r"] {
        assert!(!text.contains(secret), "an error tells of its message: {far:?}, {secret:?}");
    }
    let (SendError::Transient { detail }
    | SendError::Throttled { detail, .. }
    | SendError::Permanent { detail }
    | SendError::Ambiguous { detail }
    | SendError::Misconfigured { detail }) = error;
    assert!(!detail.is_empty() && detail.len() <= 100, "what happened is said shortly: {far:?}, {detail:?}");
    assert!(!detail.ends_with('.'), "what happened is said without a full stop: {far:?}, {detail:?}");
}
