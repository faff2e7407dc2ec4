//! Whether a notice may leave: asked on the worker's own read, right before it is sent.

use chrono::{DateTime, NaiveDate, Utc};

use super::rules::Calendar;
use crate::account::rules::Chain;
use crate::contact::Email;
use crate::decision::{Changes, Decision, Stored};
use crate::keyring::Keyring;
use crate::message::model::{Message, Outcome};
use crate::message::rules::event;
use crate::policy::Policy;
use crate::user::User;

/// The service of an account that notices take where the policy asks for it.
pub(crate) const EMAIL_NOTIFICATION: &str = "email_notification";

/// The user has no confirmed address.
pub(crate) const UNCONFIRMED: &str = "email_unconfirmed";

/// What a notice tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// How many days are left, by the user's clocks.
    pub(crate) days_left: u32,
    /// The day from which the account is blocked, by the user's clocks.
    pub(crate) blocking_day: NaiveDate,
}

/// Why a notice does not leave now.
#[derive(Clone, Debug)]
pub(crate) enum Stay {
    /// It is not time yet: the user's zone was moved.
    Until(DateTime<Utc>),
    /// The user has another address by now.
    Readdress(Email),
    /// It is not owed. Should it be owed again on the same day, it is planned anew.
    Forget(&'static str),
}

/// Whether a day's notice is owed to a user, and what it tells.
///
/// # Errors
/// Why it is not.
pub(crate) fn owed(
    day: NaiveDate,
    user: &User,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Told, &'static str> {
    let calendar = Calendar::new(user.time_zone, chain.blocks_at(), policy);
    if !user.blocking_notices {
        return Err("switched_off");
    }
    if user.disabled {
        return Err("disabled");
    }
    if chain.blocked(now) {
        return Err("blocked");
    }
    if policy.notices_need_service && !chain.service(EMAIL_NOTIFICATION).on {
        return Err("service_off");
    }
    if day < calendar.today(now) {
        return Err("day_over");
    }
    match (calendar.told_on(day), calendar.blocking_day()) {
        (Some(days_left), Some(blocking_day)) => Ok(Told { days_left, blocking_day }),
        (None, _) | (_, None) => Err("date_moved"),
    }
}

/// Whether a notice to this address leaves now, and what it tells.
///
/// # Errors
/// Why it stays.
pub(crate) fn leave(
    message: &Message,
    to: &Email,
    user: &User,
    chain: &Chain,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Told, Stay> {
    let day = message.day.ok_or(Stay::Forget("no_day"))?;
    let told = owed(day, user, chain, policy, now).map_err(Stay::Forget)?;
    let from = Calendar::new(user.time_zone, chain.blocks_at(), policy).instant(day);
    if now < from {
        return Err(Stay::Until(from));
    }
    match user.confirmed_email() {
        None => Err(Stay::Forget(UNCONFIRMED)),
        Some(own) if own.same_as(to) => Ok(told),
        Some(own) => Err(Stay::Readdress(own.clone())),
    }
}

/// It is not sent, the trail says why, and its day is as if it had never been planned.
pub(crate) fn forget(message: &Stored<Message>, why: &'static str) -> Decision<Outcome> {
    let mut changes = Changes::none();
    changes.delete(message);
    changes.event(event(&message.value, "message_suppressed").because(why));
    Decision::yes(Outcome::Suppressed, changes)
}

/// It waits until its time.
pub(crate) fn wait(mut message: Stored<Message>, until: DateTime<Utc>) -> Decision<Outcome> {
    message.value.due_at = until;
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_postponed").because("zone_moved"));
    Decision::yes(Outcome::Waiting, changes)
}

/// It goes to the address that the user has by now.
pub(crate) fn readdress(
    mut message: Stored<Message>,
    to: Email,
    keyring: &Keyring,
    nonce: [u8; 24],
    now: DateTime<Utc>,
) -> Result<Decision<Outcome>, crate::Error> {
    message.value = message.value.readdressed(to.into(), keyring, nonce, now)?;
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_readdressed").because(message.value.kind.name()));
    Ok(Decision::yes(Outcome::Waiting, changes))
}

#[cfg(test)]
mod tests;
