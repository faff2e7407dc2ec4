//! The mails before a token ends: when each is due, and whether it may leave.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::model::{Connected, FlespiConnection};
use super::view::CheckStatus;
use crate::account::rules::Chain;
use crate::contact::Email;
use crate::decision::{Changes, Decision, Stored};
use crate::id::MessageId;
use crate::message::MessageKind;
use crate::message::model::{Draft, Message};
use crate::notice::leave::Stay;
use crate::policy::Policy;
use crate::port::flespi::TokenInfo;
use crate::port::store::Lane;
use crate::session::rules::admissible;
use crate::user::User;

/// When a notice is due that is mailed so many days before the end.
fn at(ends_at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    let before = TimeDelta::try_days(i64::from(days)).unwrap_or(TimeDelta::MAX);
    ends_at.checked_sub_signed(before).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The latest end that is kept: the last second of the year 9999, beyond which a date is written otherwise.
fn latest() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The notice whose time has come last, in days before the end.
fn passed(ends_at: DateTime<Utc>, policy: &Policy, now: DateTime<Utc>) -> Option<u32> {
    policy.flespi_notice_days.into_iter().filter(|days| now >= at(ends_at, *days)).min()
}

/// When the next notice is due, after one was told.
fn next(ends_at: DateTime<Utc>, told: Option<u32>, policy: &Policy) -> Option<DateTime<Utc>> {
    let ahead = |days: &u32| told.is_none_or(|told| *days < told);
    policy.flespi_notice_days.into_iter().filter(ahead).map(|days| at(ends_at, days)).min()
}

/// Takes over what flespi says of a token's end; gives when the next notice is due.
///
/// An end that is not told stays as it was known, unless it has passed: then it is known no more. A moved end plans the
/// notices anew. What would have been due before is not made up for: whoever made the end known
/// has just seen it.
pub(crate) fn learn(
    connected: &mut Connected,
    info: &TokenInfo,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let Some(ends_at) = info.ends_at() else {
        if connected.expires_at.is_some_and(|end| now >= end) {
            (connected.expires_at, connected.sliding, connected.told) = (None, false, None);
        }
        return next(connected.expires_at?, connected.told, policy);
    };
    let ends_at = ends_at.min(latest());
    if Some(ends_at) != connected.expires_at {
        connected.told = passed(ends_at, policy, now);
    }
    // Whatever fixed end it has besides, a use may move what is the later one.
    connected.sliding = info.ttl.is_some();
    connected.expires_at = Some(ends_at);
    next(ends_at, connected.told, policy)
}

/// The day by which a notice is known: the one on which the token ends.
pub(crate) fn day(connected: &Connected) -> Option<NaiveDate> {
    connected.expires_at.map(|at| at.date_naive())
}

/// Gives a notice its id: always the same one for a token, its end, and the days before it.
pub(crate) type Name<'a> = &'a dyn Fn(&Connected, NaiveDate, u32) -> MessageId;

/// Mails the notice whose time has come; after a downtime the one that came last, and no older one.
pub(crate) fn tell(
    connection: Stored<FlespiConnection>,
    user: Option<&User>,
    chain: &Chain,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut stored = connection;
    let mut changes = Changes::none();
    let connection = &mut stored.value;
    let is_due = connection.notice_at.is_some_and(|due| due <= now);
    let Some((connected, ends_at)) = connection
        .connected
        .as_mut()
        .filter(|_| is_due)
        .and_then(|connected| connected.expires_at.map(|ends_at| (connected, ends_at)))
    else {
        return Decision::yes((), changes);
    };
    // Of those whose time has come only one that was not told is due: `notice_at` is the next after it.
    if let Some(days) = passed(ends_at, policy, now) {
        connected.told = Some(days);
        let day = ends_at.date_naive();
        match reader(user, chain, ends_at, now) {
            Ok((user, to)) => {
                let id = name(connected, day, days);
                changes.send(draft(user, to, day, id)).only_if_absent([id.uuid()]);
            }
            Err(why) => {
                let operation = connected.operation;
                changes.event(connection.event("flespi_notice_skipped").because(why).about(operation));
            }
        }
    }
    let told = connection.connected.as_ref().and_then(|connected| connected.told);
    connection.notice_at = next(ends_at, told, policy);
    changes.put(&stored);
    Decision::yes((), changes)
}

/// Who is told of an end, and where.
///
/// # Errors
/// Why nobody is.
fn reader<'a>(
    user: Option<&'a User>,
    chain: &Chain,
    ends_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(&'a User, &'a Email), &'static str> {
    let user = user.ok_or("user_gone")?;
    if now >= ends_at {
        return Err("expired");
    }
    admissible(user, chain, now)?;
    Ok((user, user.confirmed_email().ok_or("email_unconfirmed")?))
}

fn draft(user: &User, to: &Email, day: NaiveDate, id: MessageId) -> Draft {
    Draft {
        id,
        tenant: user.tenant.uuid(),
        user: user.id,
        kind: MessageKind::FlespiExpiring,
        to: to.clone().into(),
        lane: Lane::Bulk,
        code: None,
        charge: None,
        once_at: None,
        not_before: None,
        day: Some(day),
    }
}

/// Whether a notice to this address leaves now; gives the end that it tells of.
///
/// # Errors
/// Why it stays.
pub(crate) fn leave(
    message: &Message,
    to: &Email,
    user: &User,
    chain: &Chain,
    connection: Option<&FlespiConnection>,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Stay> {
    admissible(user, chain, now).map_err(Stay::Forget)?;
    let connected = connection.and_then(|connection| connection.connected.as_ref());
    let connected = connected.ok_or(Stay::Forget("disconnected"))?;
    if connected.last_check.is_some_and(|check| check.status == CheckStatus::Rejected) {
        return Err(Stay::Forget("rejected"));
    }
    let ends_at = connected.expires_at.filter(|_| day(connected) == message.day);
    let ends_at = ends_at.ok_or(Stay::Forget("date_moved"))?;
    if now >= ends_at {
        return Err(Stay::Forget("expired"));
    }
    match user.confirmed_email() {
        None => Err(Stay::Forget("email_unconfirmed")),
        Some(own) if own.same_as(to) => Ok(ends_at),
        Some(own) => Err(Stay::Readdress(own.clone())),
    }
}

#[cfg(test)]
mod tests;
