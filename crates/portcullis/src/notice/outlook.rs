//! Which notices a user gets on which day, which he got, and why one does not go: the whole of it, to be looked at.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::leave::{self, UNCONFIRMED};
use super::plan::Name;
use super::rules::Calendar;
use crate::account::TimeZone;
use crate::account::rules::Chain;
use crate::id::{MessageId, UserId};
use crate::message::model::{Message, Outcome};
use crate::policy::Policy;
use crate::user::User;

/// The notices of a user as they are and will be, if nothing changes but the time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeOutlook {
    /// Whose they are.
    pub user: UserId,
    /// Whether he has switched them on.
    pub enabled: bool,
    /// The zone of his days.
    pub time_zone: TimeZone,
    /// Whether he is blocked right now, by an account's days, balance or hand.
    pub blocked: bool,
    /// When the first of the accounts above him is blocked by its days, or was.
    pub blocks_at: Option<DateTime<Utc>>,
    /// The day that is in his zone.
    pub blocking_date: Option<NaiveDate>,
    /// The days before it that have a notice, the first of them first; none without a date.
    pub days: Vec<NoticeDay>,
}

/// One day's notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeDay {
    /// The day, in the user's zone.
    pub day: NaiveDate,
    /// How many days are left on it, 1 or more.
    pub days_left: u32,
    /// From when on it may leave: the policy's `notice_hour` of the day or, once it was tried in vain, the next try.
    pub at: DateTime<Utc>,
    /// The id of its message, known before the message is.
    pub message: MessageId,
    /// What becomes of it.
    pub fate: NoticeFate,
}

/// What becomes of a day's notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoticeFate {
    /// It was sent.
    Sent,
    /// It goes when its time has come.
    Planned,
    /// It does not go. The reasons are those of the audit trail's `message_suppressed`: `switched_off`,
    /// `email_unconfirmed`, `disabled`, `blocked`, `service_off`, `day_over`; and `given_up` or `held` where it waits for
    /// somebody to look, as [`Outcome`] has it.
    Withheld(&'static str),
}

fn calendar(user: &User, chain: &Chain, policy: &Policy) -> Calendar {
    Calendar::new(user.time_zone, chain.blocks_at(), policy)
}

/// The messages that an outlook asks for.
pub(crate) fn messages(user: &User, chain: &Chain, name: Name<'_>, policy: &Policy) -> Vec<MessageId> {
    calendar(user, chain, policy).told_days().into_iter().map(|day| name(user.id, day)).collect()
}

/// The notices of a user; `kept` are those of [`messages`] that are there.
pub(crate) fn outlook(
    user: &User,
    chain: &Chain,
    kept: &BTreeMap<MessageId, Message>,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> NoticeOutlook {
    let calendar = calendar(user, chain, policy);
    let day = |day: NaiveDate| {
        let message = name(user.id, day);
        let kept = kept.get(&message);
        let hour = calendar.instant(day);
        let waiting = kept.filter(|message| message.outcome == Outcome::Waiting);
        let at = waiting.map_or(hour, |message| message.due_at.max(hour));
        let fate = match kept.map(|message| message.outcome) {
            // A notice goes by mail, of which nobody says that it may have been sent.
            Some(Outcome::Sent | Outcome::MaybeSent) => NoticeFate::Sent,
            Some(Outcome::GivenUp) => NoticeFate::Withheld("given_up"),
            Some(Outcome::Held) => NoticeFate::Withheld("held"),
            // What was suppressed is asked for anew.
            Some(Outcome::Waiting | Outcome::Suppressed) | None => {
                coming(day, user, chain, policy, at.max(now))
            }
        };
        Some(NoticeDay { day, days_left: calendar.told_on(day)?, at, message, fate })
    };
    NoticeOutlook {
        user: user.id,
        enabled: user.blocking_notices,
        time_zone: user.time_zone,
        blocked: chain.blocked(now),
        blocks_at: chain.blocks_at(),
        blocking_date: calendar.blocking_day(),
        days: calendar.told_days().into_iter().filter_map(day).collect(),
    }
}

/// What becomes of a day's notice that is not out, once its time has come.
fn coming(day: NaiveDate, user: &User, chain: &Chain, policy: &Policy, then: DateTime<Utc>) -> NoticeFate {
    if day < user.time_zone.day(then) {
        return NoticeFate::Withheld("day_over");
    }
    match leave::owed(day, user, chain, policy, then) {
        Err(why) => NoticeFate::Withheld(why),
        Ok(_) if user.confirmed_email().is_none() => NoticeFate::Withheld(UNCONFIRMED),
        Ok(_) => NoticeFate::Planned,
    }
}

#[cfg(test)]
mod tests;
