//! When two-factor authentication may be switched on and off.

use chrono::{DateTime, Utc};

use super::model::{MethodOption, PendingMethod, TwoFactorSettings};
use crate::challenge::rules::{Ask, Entry, issue, judge, may_issue, pending_code};
use crate::challenge::{Challenge, Channel, PendingCode, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::email::Changed;
use crate::email::rules::{FreshIds, Plan, notice, take, tell_of_change};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::Count;
use crate::rights::{Gate, Verdict};
use crate::session::Assurance;
use crate::session::model::Acting;
use crate::session::rules::succeed;
use crate::user::rules::bump_credentials;
use crate::user::{Method, User};

/// May this user choose the method? Every missing gate is named. A pending address counts where its code confirms it
/// in the same step.
pub(crate) fn verdict(user: &User, method: Method, with_pending: bool, policy: &Policy) -> Verdict {
    match method {
        Method::None => {
            Verdict::of([(Gate::WeakPassword, user.two_factor == Method::None || user.long_enough_alone)])
        }
        Method::Email => {
            let address = user.email.is_some() || (with_pending && user.pending_email.is_some());
            Verdict::of([(Gate::Policy, policy.email_factor), (Gate::EmailUnconfirmed, address)])
        }
    }
}

/// Where the code that switches e-mail on would go: the pending address when it is named, else the confirmed one.
pub(crate) fn destination<'a>(user: &'a User, named: Option<&Email>) -> Option<&'a Email> {
    match named {
        None => user.confirmed_email(),
        Some(named) => {
            let pending = user.pending_email.as_ref().map(|pending| &pending.address);
            pending.into_iter().chain(user.confirmed_email()).find(|address| address.same_as(named))
        }
    }
}

/// Sends the code that switches two-factor authentication by e-mail on.
pub(crate) fn ask(
    acting: &Acting,
    named: Option<&Email>,
    plan: Option<Plan>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<PendingCode> {
    const REFUSED: &str = "two_factor_refused";
    let user = &acting.user.value;
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    let missing = verdict(user, Method::Email, named.is_some(), policy).into_missing();
    let destination = destination(user, named);
    match (destination, plan) {
        _ if missing.iter().any(|gate| *gate != Gate::EmailUnconfirmed) => {
            acting.refuse(Refusal::not_allowed(missing), REFUSED)
        }
        (Some(destination), Some(plan)) if missing.is_empty() => {
            let confirmed = user.confirmed_email().is_some_and(|email| email.same_as(destination));
            if user.two_factor == Method::Email && confirmed {
                return acting.refuse(Reason::Unchanged.into(), REFUSED);
            }
            if let Err(refusal) = may_issue(plan.failures, plan.wait, policy, now) {
                return acting.refuse(refusal, REFUSED);
            }
            let mut changes = Changes::none();
            let challenge = plan.fresh.challenge;
            let ask = Ask {
                user,
                purpose: Purpose::TwoFactorEmail,
                destination,
                address: plan.address,
                session: None,
            };
            let code = match issue(&mut changes, &ask, plan.fresh, plan.budgets, policy, now) {
                Ok(code) => code,
                Err(refusal) => return acting.refuse(refusal, REFUSED),
            };
            let mut user = acting.user.clone();
            user.value.pending_two_factor = Some(challenge);
            changes.put(&user);
            acting.guard(&mut changes);
            changes.event(acting.event("two_factor_pending").about(challenge.uuid()));
            Decision::yes(code, changes)
        }
        _ => acting.refuse(Reason::EmailUnconfirmed.into(), REFUSED),
    }
}

/// Switches two-factor authentication by e-mail on by the right code; a pending address it was sent to is confirmed in
/// the same step.
pub(crate) fn enable(
    acting: &Acting,
    entry: &Entry,
    taken: bool,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<TwoFactorSettings>> {
    const REFUSED: &str = "two_factor_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if !policy.email_factor {
        return acting.refuse(Refusal::not_allowed(vec![Gate::Policy]), REFUSED);
    }
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    if taken {
        return acting.refuse(Reason::AddressTaken.into(), REFUSED);
    }
    let to = &entry.challenge.value.destination;
    let mut user = acting.user.clone();
    let (confirmed, pending) = (user.value.confirmed_email(), user.value.pending_email.as_ref());
    if confirmed.is_some_and(|email| email.same_as(to)) {
        bump_credentials(&mut user.value);
    } else if pending.is_some_and(|pending| pending.address.same_as(to)) {
        take(&mut user.value, to, policy, now);
        tell_of_change(&mut changes, &acting.user.value, &user.value, ids);
    } else {
        return acting.refuse(Reason::EmailUnconfirmed.into(), REFUSED);
    }
    user.value.two_factor = Method::Email;
    changes.put(&user);
    acting.chain.guard(&mut changes);
    changes.send(notice(&user.value, MessageKind::TwoFactorOn, to, ids.notice));
    let session = succeed(acting, &user.value, ids.session, Assurance::PasswordEmail, &mut changes);
    changes.event(acting.event("two_factor_on").because("email").about(entry.challenge.value.id.uuid()));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), policy), session), changes)
}

/// Switches two-factor authentication off.
pub(crate) fn disable(
    acting: &Acting,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<TwoFactorSettings>> {
    const REFUSED: &str = "two_factor_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if acting.user.value.two_factor == Method::None {
        return acting.refuse(Reason::Unchanged.into(), REFUSED);
    }
    if !verdict(&acting.user.value, Method::None, false, policy).is_allowed() {
        return acting.refuse(Reason::WeakPassword.into(), REFUSED);
    }
    let mut changes = Changes::none();
    let mut user = acting.user.clone();
    user.value.two_factor = Method::None;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    if let Some(to) = user.value.confirmed_email() {
        changes.send(notice(&user.value, MessageKind::TwoFactorOff, to, ids.notice));
    }
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("two_factor_off"));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), policy), session), changes)
}

/// Forgets the method being switched on.
pub(crate) fn cancel(acting: &Acting) -> Decision<()> {
    let mut changes = Changes::none();
    if acting.user.value.pending_two_factor.is_some() {
        let mut user = acting.user.clone();
        user.value.pending_two_factor = None;
        changes.put(&user);
        acting.guard(&mut changes);
        changes.event(acting.event("two_factor_cancelled"));
    }
    Decision::yes((), changes)
}

/// Two-factor authentication as its user sees it.
pub(crate) fn settings(
    user: &User,
    challenge: Option<&Stored<Challenge>>,
    attempts: Count,
    policy: &Policy,
) -> TwoFactorSettings {
    let option = |method| MethodOption { method, verdict: verdict(user, method, true, policy) };
    TwoFactorSettings {
        method: user.two_factor,
        pending: challenge.map(|challenge| PendingMethod {
            method: Method::Email,
            code: pending_code(&challenge.value, attempts, policy),
        }),
        options: vec![option(Method::None), option(Method::Email)],
        delivery: match user.two_factor {
            Method::None => None,
            Method::Email => Some(Channel::Email),
        },
    }
}
