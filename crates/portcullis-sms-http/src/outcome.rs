//! What a failure means for the SMS.
//!
//! The question is always the same: can it have been submitted? Only who says that it was not is believed.

use std::time::Duration;

use portcullis::port::message::SendError;

use crate::answer::{Answer, Body};
use crate::transport::Fault;

pub(crate) const UNREAD: SendError =
    SendError::Ambiguous { detail: "the gateway's answer was not understood" };
pub(crate) const REFUSED: SendError = SendError::Permanent { detail: "the gateway refused the message" };
pub(crate) const SET_UP: SendError =
    SendError::Misconfigured { detail: "the gateway refused the request, whoever it is for" };
pub(crate) const CREDENTIALS: SendError =
    SendError::Misconfigured { detail: "the gateway refused the credentials" };

/// Says what it means that there is no answer.
pub(crate) fn without_answer(fault: Fault) -> SendError {
    match fault {
        Fault::Unreached => SendError::Transient { detail: "the gateway was not reached" },
        Fault::UnreachedInTime => SendError::Transient { detail: "the gateway was not reached in time" },
        Fault::Certificate => SendError::Misconfigured {
            detail: "the gateway's certificate is not trusted or names another host",
        },
        Fault::Handshake => SendError::Misconfigured { detail: "no secure connection could be agreed on" },
        Fault::Unsendable => SendError::Permanent { detail: "the message cannot be put into a request" },
        Fault::TimedOut => SendError::Ambiguous { detail: "no answer in time after the request" },
        Fault::Cut => SendError::Ambiguous { detail: "the connection was lost after the request" },
    }
}

/// The body of a success, if all of it came: what is cut, late or too long may say anything.
pub(crate) fn whole(answer: &Answer) -> Result<&[u8], SendError> {
    match &answer.body {
        Body::Whole(body) => Ok(body),
        Body::Cut => Err(SendError::Ambiguous { detail: "the gateway's answer was cut" }),
        Body::TimedOut => Err(SendError::Ambiguous { detail: "the gateway's answer did not end in time" }),
        Body::Oversized => Err(SendError::Ambiguous { detail: "the gateway's answer was too long" }),
    }
}

/// Refused for now; without a time told, the worker's own spacing holds.
pub(crate) fn throttled(wait: Option<Duration>) -> SendError {
    SendError::Throttled { detail: "the gateway asks for fewer messages", wait: wait.unwrap_or_default() }
}

/// Says what a status other than 2xx means. `fixed`: the URL is the gateway's own and names no receiver, so that not
/// finding it is a fault of the set-up.
///
/// - 4xx says that the request was refused, but for 408 and 409: a proxy may say the first about an answer that was late,
///   and a conflict may be with the same message having come before.
/// - 5xx says that something failed, and nothing about how far it came; 501 and 505 are about the request itself. 503
///   with a time to come again is a refusal: who asks for the same once more has not done it.
/// - 3xx is never followed. 301, 307 and 308 say that nothing was done here; 302 and 303 are also how a form that was
///   taken answers.
pub(crate) fn by_status(answer: &Answer, fixed: bool) -> SendError {
    match answer.status.as_u16() {
        301 | 307 | 308 => SendError::Misconfigured { detail: "the gateway is somewhere else" },
        300..=399 => SendError::Ambiguous { detail: "the gateway answered with a redirect" },
        // A gateway that is only described says so of numbers it does not serve, too: no number stops all others.
        403 if !fixed => REFUSED,
        401 | 403 | 407 => CREDENTIALS,
        402 => SendError::Misconfigured { detail: "the gateway wants to be paid" },
        404 | 410 if fixed => SendError::Misconfigured { detail: "there is no gateway at this address" },
        405 | 406 | 411 | 415 | 417 | 421 | 426 | 431 | 501 | 505 => {
            SendError::Misconfigured { detail: "the gateway does not take such requests" }
        }
        408 => SendError::Ambiguous { detail: "the gateway gave the request up" },
        409 => SendError::Ambiguous { detail: "the gateway may have the message already" },
        425 => SendError::Transient { detail: "the gateway refused for now" },
        429 => throttled(answer.wait),
        400..=499 => REFUSED,
        503 if answer.wait.is_some() => throttled(answer.wait),
        500..=599 => SendError::Ambiguous { detail: "the gateway failed" },
        _ => UNREAD,
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn judged(status: u16, wait: Option<u64>, fixed: bool) -> SendError {
        let status = StatusCode::from_u16(status).unwrap();
        by_status(&Answer { status, wait: wait.map(Duration::from_secs), body: Body::Cut }, fixed)
    }

    #[test]
    fn no_failure_of_the_server_is_said_to_have_submitted_nothing() {
        for status in (500..=599).filter(|status| ![501, 505].contains(status)) {
            let error = judged(status, None, true);
            assert!(matches!(error, SendError::Ambiguous { .. }), "{status}: {error}");
        }
        let told = judged(503, Some(7), true);
        assert!(matches!(told, SendError::Throttled { wait, .. } if wait.as_secs() == 7), "{told}");
        let told = judged(500, Some(7), true);
        assert!(matches!(told, SendError::Ambiguous { .. }), "{told}");
    }

    #[test]
    fn a_demand_for_credentials_or_money_blames_no_number() {
        for (status, fixed) in
            [(401, false), (402, false), (403, true), (407, true), (404, true), (405, false)]
        {
            let error = judged(status, None, fixed);
            assert!(matches!(error, SendError::Misconfigured { .. }), "{status}: {error}");
        }
    }

    #[test]
    fn a_refusal_is_for_good_and_too_many_for_now() {
        for status in [400, 403, 404, 410, 413, 414, 422] {
            let error = judged(status, None, false);
            assert!(matches!(error, SendError::Permanent { .. }), "{status}: {error}");
        }
        for wait in [None, Some(3)] {
            let error = judged(429, wait, true);
            let told = Duration::from_secs(wait.unwrap_or_default());
            assert!(matches!(error, SendError::Throttled { wait, .. } if wait == told), "{error}");
        }
    }

    #[test]
    fn who_may_have_taken_it_leaves_it_open() {
        for status in [302, 303, 304, 408, 409, 100, 199, 600, 999] {
            let error = judged(status, None, true);
            assert!(matches!(error, SendError::Ambiguous { .. }), "{status}: {error}");
        }
        for status in [301, 307, 308] {
            let error = judged(status, None, true);
            assert!(matches!(error, SendError::Misconfigured { .. }), "{status}: {error}");
        }
    }
}
