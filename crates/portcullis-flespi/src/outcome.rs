//! What an answer of flespi means, and whether to ask again.

use std::time::Duration;

use portcullis::port::flespi::FlespiError;

/// How often a reading call is tried.
const TRIES: u32 = 3;
/// The wait before the second try; it doubles with each one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Whether a call changes something at flespi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Changes,
}

/// Why a try gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing left for flespi, which may be otherwise soon.
    Unsent(&'static str),
    /// Nothing left for flespi, and nothing will.
    Barred(&'static str),
    /// The request left, or may have, and no whole answer came.
    Lost(&'static str),
    /// The answer was not 200; how long to wait, if it said so.
    Status(u16, Option<Duration>),
    /// The answer was whole, and made no sense.
    Unread(&'static str),
}

impl Trouble {
    /// What it is called outside.
    pub(crate) fn error(self, effect: Effect) -> FlespiError {
        match (self, effect) {
            (Self::Unsent(detail) | Self::Barred(detail), _) => FlespiError::Unavailable { detail },
            (Self::Lost(detail) | Self::Unread(detail), _) => FlespiError::Ambiguous { detail },
            (Self::Status(401, _), _) => FlespiError::Unauthorized,
            (Self::Status(403, _), _) => FlespiError::Forbidden,
            (Self::Status(429, wait), _) => FlespiError::Throttled { wait },
            (Self::Status(400..=499, _), _) => {
                FlespiError::Unavailable { detail: "flespi refuses the request" }
            }
            (Self::Status(300..=399, _), Effect::Reads) => {
                FlespiError::Unavailable { detail: "flespi sends elsewhere, which is not followed" }
            }
            (Self::Status(500..=599, _), Effect::Reads) => {
                FlespiError::Unavailable { detail: "flespi has a fault of its own" }
            }
            // Something stands behind a 302 or a 502 that may have acted.
            (Self::Status(..), _) => FlespiError::Ambiguous { detail: "flespi answers with an odd status" },
        }
    }

    /// How long to wait before the next try, after so many; `None` if there is to be none.
    pub(crate) fn wait(&self, effect: Effect, tried: u32, left: Duration) -> Option<Duration> {
        let said = match self {
            Self::Status(429 | 500..=599, said) => *said,
            Self::Unsent(_) | Self::Lost(_) => None,
            Self::Status(..) | Self::Unread(_) | Self::Barred(_) => return None,
        };
        if effect == Effect::Changes || tried >= TRIES {
            return None;
        }
        let wait = said.unwrap_or_else(|| FIRST_WAIT.saturating_mul(1 << tried.saturating_sub(1).min(8)));
        (wait < left).then_some(wait)
    }
}

/// Reads `Retry-After`, in seconds only: a date would need a clock that both sides share.
pub(crate) fn retry_after(text: Option<&str>) -> Option<Duration> {
    let text = text?;
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().map(Duration::from_secs) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_changes_something_is_never_repeated() {
        for trouble in
            [Trouble::Unsent("x"), Trouble::Lost("x"), Trouble::Status(429, None), Trouble::Status(503, None)]
        {
            assert_eq!(trouble.wait(Effect::Changes, 1, LONG), None, "{trouble:?}");
            assert!(trouble.wait(Effect::Reads, 1, LONG).is_some(), "{trouble:?}");
        }
    }

    #[test]
    fn a_read_is_tried_three_times_with_doubled_waits_within_its_time() {
        let trouble = Trouble::Status(502, None);
        let waits: Vec<_> = (1..=4).map(|tried| trouble.wait(Effect::Reads, tried, LONG)).collect();
        assert_eq!(waits, [Some(Duration::from_secs(1)), Some(Duration::from_secs(2)), None, None]);
        assert_eq!(trouble.wait(Effect::Reads, 2, Duration::from_secs(2)), None);
        let said = Trouble::Status(429, Some(Duration::from_secs(7)));
        assert_eq!(said.wait(Effect::Reads, 1, LONG), Some(Duration::from_secs(7)));
        assert_eq!(said.wait(Effect::Reads, 1, Duration::from_secs(7)), None);
    }

    #[test]
    fn what_will_not_change_is_not_asked_again() {
        for trouble in [
            Trouble::Status(200, None),
            Trouble::Status(302, None),
            Trouble::Status(400, None),
            Trouble::Status(401, None),
            Trouble::Status(403, None),
            Trouble::Status(404, None),
            Trouble::Unread("x"),
            Trouble::Barred("x"),
        ] {
            assert_eq!(trouble.wait(Effect::Reads, 1, LONG), None, "{trouble:?}");
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        use FlespiError::{Ambiguous, Forbidden, Throttled, Unauthorized, Unavailable};
        for status in 0..=1000 {
            for effect in [Effect::Reads, Effect::Changes] {
                let error = Trouble::Status(status, None).error(effect);
                let fits = match (status, effect) {
                    (401, _) => error == Unauthorized,
                    (403, _) => error == Forbidden,
                    (429, _) => error == Throttled { wait: None },
                    (400..=499, _) | (300..=399 | 500..=599, Effect::Reads) => {
                        matches!(error, Unavailable { .. })
                    }
                    _ => matches!(error, Ambiguous { .. }),
                };
                assert!(fits, "{status} {effect:?}: {error:?}");
            }
        }
    }

    #[test]
    fn retry_after_is_a_number_of_seconds() {
        assert_eq!(retry_after(Some("120")), Some(Duration::from_secs(120)));
        for odd in [
            None,
            Some(""),
            Some("-1"),
            Some("+1"),
            Some("1.5"),
            Some("9999999999"),
            Some("Wed, 21 Oct 2026 07:28:00 GMT"),
        ] {
            assert_eq!(retry_after(odd), None, "{odd:?}");
        }
    }
}
