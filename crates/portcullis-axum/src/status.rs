//! Which status each refusal and each failure has: the one table.

use axum::http::StatusCode;
use portcullis::decision::Reason;

/// When a store that did not answer may be asked again, in seconds: a hint for clients, it decides nothing.
pub(crate) const UNAVAILABLE_RETRY: u32 = 5;
/// When a request that others were always faster than may be repeated, in seconds: a hint for clients.
pub(crate) const CONTENDED_RETRY: u32 = 1;

/// Gives the status of a refusal. A reason that a newer core added is a plain 403.
pub fn status_of(reason: Reason) -> StatusCode {
    listed(reason).unwrap_or(StatusCode::FORBIDDEN)
}

fn listed(reason: Reason) -> Option<StatusCode> {
    Some(match reason {
        Reason::BadCredentials | Reason::WrongCode | Reason::SignedOut => StatusCode::UNAUTHORIZED,
        Reason::NotAllowed | Reason::StaleSignIn => StatusCode::FORBIDDEN,
        Reason::NotFound => StatusCode::NOT_FOUND,
        Reason::Unchanged
        | Reason::InUse
        | Reason::AddressTaken
        | Reason::EmailUnconfirmed
        | Reason::WeakPassword
        | Reason::LoginTaken
        | Reason::ExternalIdTaken
        | Reason::AlreadySetUp
        | Reason::NotConnected
        | Reason::Expired
        | Reason::Rejected => StatusCode::CONFLICT,
        Reason::RepeatDiffers
        | Reason::NotADealer
        | Reason::TooDeep
        | Reason::UnknownPlan
        | Reason::InvalidDays
        | Reason::InvalidBalance => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::ChallengeDead | Reason::HandOffDead => StatusCode::GONE,
        Reason::Locked | Reason::TooSoon | Reason::NoSendsLeft | Reason::TooManyAttempts => {
            StatusCode::TOO_MANY_REQUESTS
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_status() {
        for reason in Reason::ALL {
            let status = listed(reason);
            assert!(status.is_some_and(|status| status.is_client_error()), "{reason:?}: {status:?}");
            assert_eq!(Some(status_of(reason)), status);
        }
    }

    #[test]
    fn the_statuses_are_those_of_the_contract() {
        for (reason, status) in [
            (Reason::BadCredentials, 401),
            (Reason::WrongCode, 401),
            (Reason::SignedOut, 401),
            (Reason::NotAllowed, 403),
            (Reason::StaleSignIn, 403),
            (Reason::NotFound, 404),
            (Reason::Unchanged, 409),
            (Reason::InUse, 409),
            (Reason::AddressTaken, 409),
            (Reason::EmailUnconfirmed, 409),
            (Reason::WeakPassword, 409),
            (Reason::RepeatDiffers, 422),
            (Reason::NotADealer, 422),
            (Reason::TooDeep, 422),
            (Reason::UnknownPlan, 422),
            (Reason::InvalidDays, 422),
            (Reason::InvalidBalance, 422),
            (Reason::LoginTaken, 409),
            (Reason::ChallengeDead, 410),
            (Reason::HandOffDead, 410),
            (Reason::NotConnected, 409),
            (Reason::Expired, 409),
            (Reason::Rejected, 409),
            (Reason::Locked, 429),
            (Reason::TooSoon, 429),
            (Reason::NoSendsLeft, 429),
            (Reason::TooManyAttempts, 429),
        ] {
            assert_eq!(status_of(reason).as_u16(), status, "{reason:?}");
        }
    }
}
