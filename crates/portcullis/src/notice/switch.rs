//! When a user may switch notices on and off.

use chrono::{DateTime, Utc};

use super::leave::EMAIL_NOTIFICATION;
use super::model::{BlockingNotices, NoticeSettings};
use super::plan::{self, Name};
use super::rules::Calendar;
use crate::account::rules::Chain;
use crate::decision::{Changes, Decision, Reason, Refusal};
use crate::policy::Policy;
use crate::rights::{Gate, Verdict};
use crate::session::model::Acting;
use crate::user::{Flag, User};

/// May this user switch his blocking notices on, or off?
pub(crate) fn verdict(user: &User, chain: &Chain, on: bool, policy: &Policy) -> Verdict {
    let service = !policy.notices_need_service || chain.service(EMAIL_NOTIFICATION).on;
    Verdict::of([
        (Gate::ChangeSettings, user.flags.has(Flag::ChangeSettings)),
        (Gate::EmailUnconfirmed, !on || user.email.is_some()),
        (Gate::ServiceEmailNotification, !on || service),
    ])
}

/// Switches the blocking notices of the acting user on or off. Switched on in the last days, today's is sent at once if
/// its hour is over.
pub(crate) fn set(
    acting: &Acting,
    on: bool,
    name: Name<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<NoticeSettings> {
    const REFUSED: &str = "notices_refused";
    let missing = verdict(&acting.user.value, &acting.chain, on, policy).into_missing();
    if missing == [Gate::EmailUnconfirmed] {
        return acting.refuse(Reason::EmailUnconfirmed.into(), REFUSED);
    }
    if !missing.is_empty() {
        return acting.refuse(Refusal::not_allowed(missing), REFUSED);
    }
    let mut user = acting.user.clone();
    let mut changes = Changes::none();
    if user.value.blocking_notices != on {
        user.value.blocking_notices = on;
        changes.put(&user);
        acting.guard(&mut changes);
        changes.event(acting.event(if on { "blocking_notices_on" } else { "blocking_notices_off" }));
        plan::begin(&mut changes, &user.value, &acting.chain, name, policy, now);
    }
    Decision::yes(settings(&user.value, &acting.chain, policy), changes)
}

/// The notices as their user sees them.
pub(crate) fn settings(user: &User, chain: &Chain, policy: &Policy) -> NoticeSettings {
    let calendar = Calendar::new(user.time_zone, chain.blocks_at(), policy);
    NoticeSettings {
        blocking: BlockingNotices {
            enabled: user.blocking_notices,
            change: verdict(user, chain, !user.blocking_notices, policy),
            blocking_date: calendar.blocking_day(),
            first_notice: calendar.first(),
        },
    }
}

#[cfg(test)]
mod tests;
