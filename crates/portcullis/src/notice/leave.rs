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
    let calendar = Calendar::new(user.time_zone, chain.blocks_at(), policy);
    let day = message.day.ok_or(Stay::Forget("no_day"))?;
    if !user.blocking_notices {
        return Err(Stay::Forget("switched_off"));
    }
    if user.disabled {
        return Err(Stay::Forget("disabled"));
    }
    if chain.blocked(now) {
        return Err(Stay::Forget("blocked"));
    }
    if policy.notices_need_service && !chain.service(EMAIL_NOTIFICATION).on {
        return Err(Stay::Forget("service_off"));
    }
    if day < calendar.today(now) {
        return Err(Stay::Forget("day_over"));
    }
    let (Some(days_left), Some(blocking_day)) = (calendar.told_on(day), calendar.blocking_day()) else {
        return Err(Stay::Forget("date_moved"));
    };
    if now < calendar.instant(day) {
        return Err(Stay::Until(calendar.instant(day)));
    }
    match user.confirmed_email() {
        None => Err(Stay::Forget("email_unconfirmed")),
        Some(own) if own.same_as(to) => Ok(Told { days_left, blocking_day }),
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
