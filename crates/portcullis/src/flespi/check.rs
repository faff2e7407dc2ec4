//! What a check of a token says, and what it may say: active only when flespi has said so.

use chrono::{DateTime, Utc};

use super::issue;
use super::model::{Connected, FlespiConnection, Owner, checks};
use super::notice;
use super::view::{CheckStatus, Checked, LastCheck};
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::policy::Policy;
use crate::port::flespi::{FlespiError, TokenInfo};
use crate::port::store::{Count, CounterOp, Window};
use crate::session::model::Acting;

const REFUSED: &str = "flespi_check_refused";

/// Whether the user's token may be checked now, and which one that is. The check is counted before flespi is asked.
// INVARIANT: no more calls are made to flespi than were counted.
pub(crate) fn ask(
    acting: &Acting,
    connection: Option<&Stored<FlespiConnection>>,
    made: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<(Owner, Connected)> {
    let found = connection.and_then(|stored| Some((stored.value.owner(), stored.value.connected.clone()?)));
    let Some(found) = found else {
        return acting.refuse(Reason::NotConnected.into(), REFUSED);
    };
    let limit = policy.flespi_checks;
    if limit.is_reached(made, now) {
        return acting.refuse(Refusal::from(Reason::TooManyAttempts).until(made.ends_at, now), REFUSED);
    }
    let mut changes = Changes::none();
    let window = Window::Rolling(limit.within);
    let count = CounterOp::Add { n: 1, limit: limit.count, window };
    changes.count(checks(acting.user.value.id), count);
    acting.guard(&mut changes);
    changes.guard(&acting.user);
    Decision::yes(found, changes)
}

/// What flespi's answer, or its silence, says of a token.
pub(crate) fn status(
    expires_at: Option<DateTime<Utc>>,
    answer: &Result<TokenInfo, FlespiError>,
    now: DateTime<Utc>,
) -> CheckStatus {
    let over = |end: Option<DateTime<Utc>>| end.is_some_and(|end| now >= end);
    match answer {
        Ok(info) if over(info.ends_at()) => CheckStatus::Expired,
        Ok(_) => CheckStatus::Active,
        Err(FlespiError::Unauthorized) if over(expires_at) => CheckStatus::Expired,
        Err(FlespiError::Unauthorized) => CheckStatus::Rejected,
        Err(
            FlespiError::Forbidden
            | FlespiError::Throttled { .. }
            | FlespiError::Unavailable { .. }
            | FlespiError::Ambiguous { .. }
            | FlespiError::UnknownRegion,
        ) => CheckStatus::Unknown,
    }
}

/// Keeps what a check came to.
// INVARIANT: a silence changes nothing that was known; that it was asked is kept beside it.
pub(crate) fn settle(
    acting: &Acting,
    connection: Option<&Stored<FlespiConnection>>,
    answer: &Result<TokenInfo, FlespiError>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Checked> {
    let not_connected = || acting.refuse(Reason::NotConnected.into(), REFUSED);
    let Some(mut stored) = connection.cloned() else {
        return not_connected();
    };
    let Some(connected) = &mut stored.value.connected else {
        return not_connected();
    };
    let status = status(connected.expires_at, answer, now);
    let mut changes = Changes::none();
    let mut notice_at = stored.value.notice_at;
    match answer {
        Ok(info) => {
            connected.kind = Some(info.kind);
            notice_at = notice::learn(connected, info, policy, now);
        }
        Err(_) if status == CheckStatus::Rejected => notice_at = None,
        Err(_) => {}
    }
    if status == CheckStatus::Unknown {
        connected.unanswered_at = Some(now);
    } else {
        connected.last_check = Some(LastCheck { status, at: now });
        connected.unanswered_at = None;
    }
    let checked = Checked { status, expiry: connected.expiry(), checked_at: now, last: connected.last_check };
    stored.value.notice_at = notice_at;
    // INVARIANT: a typed token is proven by flespi's own word alone; until then the one before it is not revoked.
    if status == CheckStatus::Active {
        issue::settle_replaced(&mut stored.value, &mut changes, None, policy, now);
    }
    changes.put(&stored);
    acting.guard(&mut changes);
    changes.guard(&acting.user);
    changes.event(acting.event("flespi_checked").because(status.name()));
    Decision::yes(checked, changes)
}

#[cfg(test)]
mod tests;
