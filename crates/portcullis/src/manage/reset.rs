//! What an administrator may take from a user, and the way back in: sessions, second factor, password.

use chrono::{DateTime, Utc};

use super::rules::{event, refuse};
use crate::account::rules::Chain;
use crate::challenge::Purpose;
use crate::challenge::link::{FreshLink, Whose, issue_recovery_regardless};
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::email::rules::notice;
use crate::id::{MessageId, UserId};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::{Count, Counter, CounterOp, Window};
use crate::recovery::rules::barrier_unless;
use crate::rights::rules::{Who, allow_on_user, pin};
use crate::rights::{Action, Gate, Verdict};
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

/// Counts 1 while no further link is sent to a user on an administrator's word.
pub(crate) const fn links_sent(user: UserId) -> Counter {
    Counter::of(user.uuid(), "administrative_recovery")
}

/// Sends a link to a user's confirmed address, by which he sets a new password himself, whatever his own flag says.
/// The old password stays until he does; `sent` is what [`links_sent`] holds.
pub(crate) fn send_recovery(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    link: Option<FreshLink>,
    sent: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let user = &target.value;
    if let Err(refusal) = allow_on_user(who, &Action::SendRecovery, user, chain) {
        return refuse(who, user, refusal);
    }
    let gates = Verdict::of([
        (Gate::EmailUnconfirmed, user.email.is_some()),
        (Gate::Blocked, !chain.blocked()),
        (Gate::Policy, user.email.is_none() || barrier_unless(user, true, policy).is_none()),
    ]);
    let (Some((to, link)), true) = (user.confirmed_email().zip(link), gates.is_allowed()) else {
        return refuse(who, user, Refusal::not_allowed(gates.into_missing()));
    };
    if sent.value > 0 {
        return refuse(who, user, Refusal::from(Reason::TooSoon).until(sent.ends_at, now));
    }
    let challenge = link.challenge.uuid();
    let mut changes = Changes::none();
    issue_recovery_regardless(&mut changes, Whose::from(user), to, link, policy, now);
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(links_sent(user.id), CounterOp::Add { n: 1, limit: 1, window });
    pin(target, &mut changes);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "recovery_started").about(challenge));
    Decision::yes((), changes)
}
