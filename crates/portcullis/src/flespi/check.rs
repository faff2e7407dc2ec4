//! What a check of a token says, and what it may say: active only when flespi has said so.

use chrono::{DateTime, Utc};

use super::model::{Connected, FlespiConnection, checks};
use super::notice;
use super::view::{CheckStatus, Checked, LastCheck};
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::policy::Policy;
use crate::port::flespi::{FlespiError, TokenInfo};
use crate::port::store::{Count, CounterOp, Window};
use crate::session::model::Acting;

const REFUSED: &str = "flespi_check_refused";

/// Whether the user's token may be checked now, and which one that is.
pub(crate) fn ask<'a>(
    acting: &Acting,
    connection: Option<&'a Stored<FlespiConnection>>,
    made: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(&'a Stored<FlespiConnection>, &'a Connected), No> {
    let refuse = |refusal: Refusal| {
        let mut changes = Changes::none();
        changes.event(acting.event(REFUSED).because(refusal.code()));
        No::new(refusal, changes)
    };
    let found = connection.and_then(|stored| Some((stored, stored.value.connected.as_ref()?)));
    let found = found.ok_or_else(|| refuse(Reason::NotConnected.into()))?;
    if policy.flespi_checks.is_reached(made, now) {
        return Err(refuse(Refusal::from(Reason::TooManyAttempts).until(made.ends_at, now)));
    }
    Ok(found)
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
    connection: &Stored<FlespiConnection>,
    answer: &Result<TokenInfo, FlespiError>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Checked> {
    let mut stored = connection.clone();
    let Some(connected) = &mut stored.value.connected else {
        return acting.refuse(Reason::NotConnected.into(), REFUSED);
    };
    let status = status(connected.expires_at, answer, now);
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
    let mut changes = Changes::none();
    changes.put(&stored);
    changes.guard(&acting.session);
    let limit = policy.flespi_checks;
    let window = Window::Rolling(limit.within);
    let count = CounterOp::Add { n: 1, limit: limit.count, window };
    changes.count(checks(acting.user.value.id), count);
    changes.event(acting.event("flespi_checked").because(status.name()));
    Decision::yes(checked, changes)
}

#[cfg(test)]
mod tests;
