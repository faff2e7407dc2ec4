//! When two-factor authentication by SMS may be switched on, and when a number goes.

use chrono::{DateTime, Utc};

use super::model::{PhoneSettings, TwoFactorSettings};
use super::rules::settings;
use crate::challenge::rules::{Ask, Entry, Fare, FreshCode, issue, judge, may_issue};
use crate::challenge::{Challenge, PendingCode, Purpose};
use crate::contact::Phone;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::email::Changed;
use crate::email::rules::{FreshIds, notice};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::Count;
use crate::rights::Gate;
use crate::session::model::Acting;
use crate::session::rules::succeed;
use crate::session::{Assurance, CurrentSession};
use crate::sms::Found;
use crate::sms::rules::tell_used_up;
use crate::user::rules::bump_credentials;
use crate::user::{Method, User};

const REFUSED: &str = "two_factor_refused";

/// A code by SMS that may be sent to a number.
pub(crate) struct SmsPlan {
    pub(crate) phone: Phone,
    pub(crate) fresh: FreshCode,
    pub(crate) failures: Count,
    pub(crate) wait: Count,
}

/// Sends the code that confirms a number and switches two-factor authentication by SMS on: `plan` goes to the number
/// given, or to the confirmed one.
pub(crate) fn ask(
    acting: &Acting,
    found: Found,
    plan: Option<SmsPlan>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<PendingCode> {
    let user = &acting.user.value;
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut missing = found.missing;
    if plan.is_none() {
        missing.push(Gate::NoPhone);
    }
    let (plan, left) = match (plan, found.left) {
        (Some(plan), Some(left)) if missing.is_empty() => (plan, left),
        (_, left) => {
            let mut changes = Changes::none();
            let until = left.as_ref().and_then(crate::spend::Left::until);
            if let Some(left) = left {
                tell_used_up(left, &mut changes);
            }
            return acting.refuse_keeping(changes, Refusal::not_allowed(missing).until(until, now), REFUSED);
        }
    };
    if user.two_factor == Method::Sms && user.phone.as_ref() == Some(&plan.phone) {
        return acting.refuse(Reason::Unchanged.into(), REFUSED);
    }
    if let Err(refusal) = may_issue(plan.failures, plan.wait, policy, now) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut changes = Changes::none();
    let challenge = plan.fresh.challenge;
    let ask = Ask {
        user,
        lifts: acting.chain.lifts(),
        purpose: Purpose::TwoFactorSms,
        destination: plan.phone.into(),
        session: None,
    };
    let code = match issue(&mut changes, &ask, plan.fresh, Fare::Sms(Box::new(left)), policy, now) {
        Ok(code) => code,
        Err(refusal) => return acting.refuse(refusal, REFUSED),
    };
    let mut user = acting.user.clone();
    user.value.pending_two_factor = Some(challenge);
    changes.put(&user);
    acting.guard(&mut changes);
    found.line.pin(&mut changes);
    changes.event(acting.event("two_factor_pending").because("sms").about(challenge.uuid()));
    Decision::yes(code, changes)
}

/// What would keep codes from being sent to a number from now on. What is used up for a while does not: the code that is
/// entered was sent already.
fn lasting(missing: &[Gate]) -> Vec<Gate> {
    missing.iter().copied().filter(|gate| !matches!(gate, Gate::Budget | Gate::QuotaSms)).collect()
}

/// Confirms a number by the right code, and switches two-factor authentication by SMS on.
pub(crate) fn enable(
    acting: &Acting,
    entry: &Entry,
    found: &Found,
    ids: &FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<TwoFactorSettings>> {
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    let missing = lasting(&found.missing);
    if !missing.is_empty() {
        return acting.refuse(Refusal::not_allowed(missing), REFUSED);
    }
    let Some(phone) = entry.challenge.value.destination.phone() else {
        return acting.refuse(Reason::ChallengeDead.into(), REFUSED);
    };
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    let mut user = acting.user.clone();
    user.value.phone = Some(phone.clone());
    user.value.two_factor = Method::Sms;
    user.value.recovered_by_mail = false;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    found.line.pin(&mut changes);
    if let Some(to) = user.value.confirmed_email() {
        changes.send(notice(&user.value, MessageKind::TwoFactorOn, to, ids.notice));
    }
    let session = succeed(acting, &user.value, ids.session, Assurance::PasswordSms, &mut changes);
    changes.event(acting.event("two_factor_on").because("sms").about(entry.challenge.value.id.uuid()));
    let now_so = settings(&user.value, None, Count::default(), &found.missing, policy);
    Decision::yes(Changed::new(now_so, session), changes)
}

/// Forgets the confirmed number.
pub(crate) fn forget_phone(
    acting: &Acting,
    ids: &FreshIds,
    now: DateTime<Utc>,
) -> Decision<Option<CurrentSession>> {
    const REFUSED: &str = "phone_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if acting.user.value.phone.is_none() {
        return Decision::yes(None, Changes::none());
    }
    match acting.user.value.two_factor {
        Method::Sms => return acting.refuse(Reason::InUse.into(), REFUSED),
        Method::None | Method::Email => {}
    }
    let mut changes = Changes::none();
    let mut user = acting.user.clone();
    user.value.phone = None;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    let assurance = acting.session.value.assurance;
    let session = succeed(acting, &user.value, ids.session, assurance, &mut changes);
    changes.event(acting.event("phone_cleared"));
    Decision::yes(Some(session), changes)
}

/// The number as its owner sees it.
pub(crate) fn phone_settings(user: &User, challenge: Option<&Stored<Challenge>>) -> PhoneSettings {
    let waiting = challenge.and_then(|challenge| challenge.value.destination.phone());
    let number = user.phone.as_ref().or(waiting);
    PhoneSettings { number: number.map(|number| number.as_str().to_owned()), confirmed: user.phone.is_some() }
}
