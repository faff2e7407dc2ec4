//! When the users of an account are looked through for notices, and what is kept for each of them.
//!
//! A look plans the notices of a day: today's, if its time has come, and those of the next 24 hours. The next look
//! begins when these are over. So no notice has to be found at its very time, and after a crash or a downtime the look
//! that is late finds today's and no older one.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use uuid::Uuid;

use super::model::{NoticeSchedule, Walk};
use super::rules::{Calendar, Planned};
use crate::account::rules::Chain;
use crate::account::{Account, TimeZone};
use crate::audit::Event;
use crate::contact::Email;
use crate::decision::{Changes, Decision, Entity as _, Stored};
use crate::engine::record::Schema;
use crate::id::{MessageId, UserId};
use crate::message::MessageKind;
use crate::message::model::{Draft, Message, Outcome};
use crate::policy::{CLOCK_SLACK, Policy};
use crate::port::store::Lane;
use crate::user::User;

/// Gives a day's notice of a user its id: always the same one.
pub(crate) type Name<'a> = &'a dyn Fn(UserId, NaiveDate) -> MessageId;

/// The end of the time that is planned from an instant on.
pub(crate) fn planned_until(from: DateTime<Utc>) -> DateTime<Utc> {
    from.checked_add_days(Days::new(1)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Where a user wants his notices, if he does and they would leave now.
fn wanted<'a>(user: &'a User, chain: &Chain, now: DateTime<Utc>) -> Option<&'a Email> {
    if !user.blocking_notices || user.disabled || chain.blocked(now) {
        return None;
    }
    user.confirmed_email()
}

fn calendar(user: &User, chain: &Chain, policy: &Policy) -> Calendar {
    Calendar::new(user.time_zone, chain.blocks_at(), policy)
}

fn draft(user: &User, to: &Email, planned: Planned, id: MessageId) -> Draft {
    Draft {
        id,
        tenant: user.tenant.uuid(),
        user: user.id,
        kind: MessageKind::BlockingNotice,
        to: to.into(),
        lane: Lane::Bulk,
        code: None,
        charge: None,
        once_at: None,
        not_before: Some(planned.at),
        day: Some(planned.day),
    }
}

/// Keeps what is planned for a user, each day once.
// INVARIANT: a day's notice has the id of user and day, and is skipped where one of that id is kept already.
fn keep(changes: &mut Changes, user: &User, to: &Email, planned: &[Planned], name: Name<'_>) {
    for planned in planned {
        let id = name(user.id, planned.day);
        changes.send(draft(user, to, *planned, id)).only_if_absent([id.uuid()]);
    }
}

/// Keeps the notices that a user has just become owed: by switching them on.
pub(crate) fn begin(
    changes: &mut Changes,
    user: &User,
    chain: &Chain,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    if let Some((to, planned)) = owed(user, chain, policy, now, planned_until(now)) {
        keep(changes, user, to, &planned, name);
    }
}

/// A notice that was kept before, as it is in the store.
#[derive(Clone)]
pub(crate) struct Standing {
    pub(crate) message: Stored<Message>,
    /// When the store would give it to a worker.
    pub(crate) due: Option<(Lane, DateTime<Utc>)>,
}

impl Standing {
    /// Whether it has not been tried, and no worker holds it.
    // INVARIANT: a claimed message is not touched while its claim lasts.
    fn rests(&self) -> bool {
        let message = &self.message.value;
        let fresh = message.outcome == Outcome::Waiting && message.tries == 0 && message.faults == 0;
        fresh && self.due == message.due()
    }
}

/// The days whose notices a move to another zone may concern.
pub(crate) fn days_to_move(zone: TimeZone, now: DateTime<Utc>) -> Vec<NaiveDate> {
    let today = zone.day(now);
    today.iter_days().take_while(|day| *day <= zone.day(planned_until(now))).collect()
}

/// Whether a change of a user concerns when his notices are due, or whether he is owed any.
pub(crate) fn resettles(before: &User, after: &User) -> bool {
    before.time_zone != after.time_zone || (before.disabled && !after.disabled)
}

/// Moves the notices of a user whose zone has changed to its hours, and keeps those that the new zone owes him.
pub(crate) fn resettle(
    changes: &mut Changes,
    user: &User,
    chain: &Chain,
    mut standing: BTreeMap<MessageId, Standing>,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    let calendar = calendar(user, chain, policy);
    let owed = owed(user, chain, policy, now, planned_until(now));
    for day in days_to_move(user.time_zone, now) {
        match (standing.remove(&name(user.id, day)), &owed) {
            // Whether it is owed is not asked: it may be once the date is moved, and then it must not come late.
            (Some(mut standing), _) => {
                let at = calendar.instant(day).max(now);
                if standing.rests() && standing.message.value.due_at != at {
                    standing.message.value.due_at = at;
                    changes.put(&standing.message);
                }
            }
            (None, Some((to, planned))) => {
                let planned: Vec<_> = planned.iter().copied().filter(|planned| planned.day == day).collect();
                keep(changes, user, to, &planned, name);
            }
            (None, None) => {}
        }
    }
}

/// What a change of an account makes of the next look at its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// It stays as it is.
    AsItIs,
    /// It is planned anew.
    At {
        /// The blocking instant it is for.
        blocks_at: Option<DateTime<Utc>>,
        /// When it is due.
        due_at: DateTime<Utc>,
    },
    /// There is none.
    Never,
}

/// What a change of an account makes of the next look at its users; `before` is how it was, if it is not new.
///
/// Where a date is near, or was, the look is due at once: the earliest date of a user may be another one from now on, and
/// so may be what was planned for him. So it is after a lifted block, while which nothing was planned.
pub(crate) fn next_look(
    before: Option<&Account>,
    after: &Account,
    schedule: Option<&NoticeSchedule>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Look {
    let ahead = |account: &Account| account.blocks_at().filter(|at| now < *at);
    let blocks_at = ahead(after);
    let lifted = before.is_some_and(|before| before.lifts != after.lifts);
    let moved = before.and_then(Account::blocks_at) != after.blocks_at();
    // Where a notice takes its service, one that was forgotten while it was off is owed again.
    let switched =
        policy.notices_need_service && before.is_some_and(|before| serves_otherwise(before, after));
    if !lifted && !moved && !switched {
        return Look::AsItIs;
    }
    let near = |at: DateTime<Utc>| begins(at, policy) <= now;
    // A look that is due, or under way, has a reason that this change may not know of.
    let owed = |look: &NoticeSchedule| is_owed(look, now);
    let at_once = lifted
        || switched
        || blocks_at.is_some_and(near)
        || before.and_then(ahead).is_some_and(near)
        || schedule.is_some_and(owed);
    match blocks_at {
        _ if at_once => Look::At { blocks_at, due_at: now },
        Some(at) => Look::At { blocks_at, due_at: begins(at, policy) },
        None => Look::Never,
    }
}

/// Whether a change may switch the service of notices, here or below.
fn serves_otherwise(before: &Account, after: &Account) -> bool {
    before.services != after.services
        || before.plan != after.plan
        || before.plans != after.plans
        || before.balance.limits() != after.balance.limits()
}

/// Whether a look is due, or under way.
fn is_owed(look: &NoticeSchedule, now: DateTime<Utc>) -> bool {
    look.walk.is_some() || look.due_at <= after_slack(now)
}

/// A look that is planned anew; `None` where it stays as it is, since all users are looked at after this change anyway.
///
/// One that is owed goes on where it is, and is followed by another one.
// INVARIANT: no change sets a look back, nor keeps a page of it from being kept more than once in a round: however often
// an account is changed, each of its users has his turn.
pub(crate) fn anew(
    look: &NoticeSchedule,
    blocks_at: Option<DateTime<Utc>>,
    due_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<NoticeSchedule> {
    let again = is_owed(look, now);
    let settled = again && look.again && look.due_at <= now;
    (!settled).then(|| NoticeSchedule { blocks_at, again, due_at, ..look.clone() })
}

/// Plans the look at an account's users anew, after a change of the account.
pub(crate) fn replan(
    changes: &mut Changes,
    before: Option<&Account>,
    after: &Account,
    schedule: Option<Stored<NoticeSchedule>>,
    id: Uuid,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    let look = next_look(before, after, schedule.as_ref().map(|schedule| &schedule.value), policy, now);
    match (schedule, look) {
        (Some(mut schedule), Look::At { blocks_at, due_at }) => {
            if let Some(anew) = anew(&schedule.value, blocks_at, due_at, now) {
                schedule.value = anew;
                changes.put(&schedule);
            } else {
                // The look that follows begins after this commit, or this commit is tried again.
                changes.guard(&schedule);
            }
        }
        (None, Look::At { blocks_at, due_at }) => {
            changes.insert(&NoticeSchedule {
                v: Schema::default(),
                id,
                tenant: after.tenant,
                account: after.id,
                blocks_at,
                walk: None,
                again: false,
                due_at,
            });
        }
        (Some(schedule), Look::Never) => {
            changes.delete(&schedule);
        }
        (None, Look::Never) | (_, Look::AsItIs) => {}
    }
}

/// The latest that any clock shows.
fn after_slack(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(CLOCK_SLACK).unwrap_or(now)
}

/// From when on somebody's first notice may have to be planned: even where the blocking instant falls on the end of a
/// day, the morning of the first notice is less than one day earlier than there are days of notices.
fn begins(blocks_at: DateTime<Utc>, policy: &Policy) -> DateTime<Utc> {
    let days = u64::from(policy.notice_days) + 1;
    blocks_at.checked_sub_days(Days::new(days)).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// A page of the users of an account.
pub(crate) struct UserPage {
    /// Each with his accounts.
    pub(crate) users: Vec<(Stored<User>, Chain)>,
    /// The last one of the page, if there may be more after it.
    pub(crate) last: Option<Uuid>,
}

/// The place of a look. One that has outlasted the time it plans goes on where it is with the next day.
pub(crate) fn place(schedule: &NoticeSchedule, now: DateTime<Utc>) -> Walk {
    match schedule.walk {
        Some(walk) if planned_until(walk.began) <= now => Walk { began: now, ..walk },
        Some(walk) => walk,
        None => Walk { began: now, below: false, after: None },
    }
}

/// The schedule once a page is done, `last` being the last user of it if there may be more; `None` if no further look
/// is needed, since all that is left until the account is blocked is planned.
pub(crate) fn go_on(
    schedule: &NoticeSchedule,
    account: Option<&Account>,
    last: Option<Uuid>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<NoticeSchedule> {
    let walk = place(schedule, now);
    let until = planned_until(walk.began);
    let next = match (last, walk.below) {
        (Some(last), _) => Some(Walk { after: Some(last), ..walk }),
        (None, false) => Some(Walk { below: true, after: None, ..walk }),
        (None, true) => None,
    };
    let blocks_at = account.and_then(Account::blocks_at).filter(|at| now < *at);
    // Who was passed before the next day began is owed that one, too.
    let again = schedule.again || schedule.walk.is_some_and(|before| before.began != walk.began);
    let due_at = match (next, blocks_at.filter(|at| until < *at)) {
        (Some(_), _) => now,
        (None, _) if again => now,
        (None, date) => begins(date?, policy).max(until),
    };
    Some(NoticeSchedule { walk: next, again: again && next.is_some(), blocks_at, due_at, ..schedule.clone() })
}

/// The notices that a user is owed from now on until an instant, and where they go.
pub(crate) fn owed<'a>(
    user: &'a User,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Option<(&'a Email, Vec<Planned>)> {
    let to = wanted(user, chain, now)?;
    let planned = calendar(user, chain, policy).coming(now, until);
    (!planned.is_empty()).then_some((to, planned))
}

/// Keeps the notices of one page of users, and how far that came.
// INVARIANT: the notices of a page and the place after it are kept in one commit, under the version that was claimed: a
// crash repeats a page or nothing, and of two workers one is refused.
pub(crate) fn walk(
    schedule: Stored<NoticeSchedule>,
    account: Option<&Account>,
    page: &UserPage,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let until = planned_until(place(&schedule.value, now).began);
    let mut changes = Changes::none();
    for (user, chain) in &page.users {
        if let Some((to, planned)) = owed(&user.value, chain, policy, now, until) {
            keep(&mut changes, &user.value, to, &planned, name);
            // A move to another zone either came first, or finds what is kept here.
            changes.guard(user);
        }
    }
    let next = go_on(&schedule.value, account, page.last, policy, now);
    if next.as_ref().is_none_or(|next| next.walk.is_none()) {
        let (tenant, account) = (schedule.value.tenant.uuid(), schedule.value.account.uuid());
        changes.event(Event::of("notices_planned", tenant, account));
    }
    let mut schedule = schedule;
    if let Some(next) = next {
        schedule.value = next;
        changes.put(&schedule);
    } else {
        changes.delete(&schedule);
    }
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests;
