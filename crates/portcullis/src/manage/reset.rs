//! What an administrator may take from a user: his sessions and his second factor.

use chrono::{DateTime, Utc};

use super::rules::{event, refuse};
use crate::account::rules::Chain;
use crate::challenge::Purpose;
use crate::decision::{Changes, Decision, Stored};
use crate::email::rules::notice;
use crate::id::MessageId;
use crate::message::MessageKind;
use crate::port::store::{Counter, CounterOp};
use crate::rights::Action;
use crate::rights::rules::{Who, allow_on_user};
use crate::user::rules::bump_credentials;
use crate::user::{Method, User};

/// Ends every session, pending code and remembered browser of a user.
pub(crate) fn end_sessions(who: Who<'_>, target: &Stored<User>, chain: &Chain) -> Decision<()> {
    if let Err(refusal) = allow_on_user(who, &Action::EndSessions, &target.value, chain) {
        return refuse(who, &target.value, refusal);
    }
    let mut user = target.clone();
    bump_credentials(&mut user.value);
    let mut changes = Changes::none();
    changes.put(&user);
    who.pin(chain, &mut changes);
    changes.event(event(who, &user.value, "all_sessions_ended"));
    Decision::yes((), changes)
}

/// What counts a user's wrong codes in a row, and lets him wait after them, for every purpose.
pub(crate) fn wrong_codes(user: &User) -> Vec<Counter> {
    Purpose::ALL.into_iter().flat_map(|purpose| [purpose.failures(user.id), purpose.wait(user.id)]).collect()
}

/// Removes a user's second factor, and forgets his wrong codes: a factor they disabled can be switched on again.
/// `counted` says whether there are any.
pub(crate) fn remove_two_factor(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    counted: bool,
    message: MessageId,
    now: DateTime<Utc>,
) -> Decision<()> {
    let before = &target.value;
    // Who may not see the user is told so first, whatever the session is.
    let allowed = allow_on_user(who, &Action::SeeUser, before, chain)
        .and_then(|()| who.fresh(now))
        .and_then(|()| allow_on_user(who, &Action::RemoveTwoFactor, before, chain));
    if let Err(refusal) = allowed {
        return refuse(who, before, refusal);
    }
    let on = match before.two_factor {
        Method::None => false,
        Method::Email => true,
    };
    let mut changes = Changes::none();
    if !on && before.pending_two_factor.is_none() && !counted {
        return Decision::yes((), changes);
    }
    let mut user = target.clone();
    user.value.two_factor = Method::None;
    bump_credentials(&mut user.value);
    changes.put(&user);
    who.pin(chain, &mut changes);
    for counter in wrong_codes(before) {
        changes.count(counter, CounterOp::Clear);
    }
    if let Some(to) = before.confirmed_email().filter(|_| on) {
        changes.send(notice(&user.value, MessageKind::TwoFactorOff, to, message));
    }
    changes.event(event(who, before, "two_factor_removed"));
    Decision::yes((), changes)
}
