//! When a code is sent again, where it goes then, and whether it is the same.

use chrono::{DateTime, Utc};

use super::model::{Challenge, Channel, PendingCode, Purpose, State};
use super::rules::{Entry, Fare, FreshCode, death, life, message, pay, pending_code, shut};
use crate::contact::Destination;
use crate::decision::{Changes, Decision, Reason, Refusal};
use crate::policy::{CLOCK_SLACK, Policy};
use crate::rights::Gate;
use crate::session::rules::after;
use crate::sms::rules::{self as sms, Line, Route};
use crate::spend::Charge;
use crate::user::User;

/// What a code that is sent again is made of.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub(crate) to: Destination,
    pub(crate) fresh: FreshCode,
    pub(crate) fare: Fare,
    /// Whether it is the same code: then it keeps its end.
    pub(crate) repeats: bool,
    /// What an SMS hangs on.
    pub(crate) line: Option<Line>,
    /// What is missing for the way that the user chose, where it goes another.
    pub(crate) instead_of: Vec<Gate>,
}

/// Where a code that is sent again goes. Only what proves a sign-in may change its channel; what confirms an address or
/// a number goes there and nowhere else.
///
/// # Errors
/// Every gate that is missing.
pub(crate) fn next_destination(
    challenge: &Challenge,
    user: &User,
    sms: &[Gate],
    channel: Option<Channel>,
    policy: &Policy,
) -> Result<Route, Vec<Gate>> {
    let own = challenge.destination.channel();
    let elsewhere = channel.is_some_and(|channel| channel != own);
    match challenge.purpose {
        Purpose::SignIn | Purpose::Reauthentication => {
            // Unasked, it goes on by the channel it has; an SMS that cannot be sent any more goes another way.
            let wanted = channel.or((own == Channel::Email).then_some(Channel::Email));
            sms::route(user, sms, wanted, policy)
        }
        Purpose::TwoFactorSms if !elsewhere && !sms.is_empty() => Err(sms.to_vec()),
        Purpose::TwoFactorSms
        | Purpose::EmailConfirmation
        | Purpose::TwoFactorEmail
        | Purpose::Recovery
        | Purpose::Invitation
        | Purpose::EmailUndo
        | Purpose::FlespiHandOff => {
            if elsewhere {
                Err(vec![Gate::Policy])
            } else {
                Ok(Route { to: challenge.destination.clone(), instead_of: Vec::new() })
            }
        }
    }
}

/// Sends a pending challenge's code again, the attempts as they were: by SMS the same code, by mail or by another
/// channel a new one, and the old one is dead. `again` is the refusal where nothing can be sent.
pub(crate) fn resend(
    entry: &Entry,
    again: Result<Again, Refusal>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<PendingCode> {
    let refuse = |refusal: Refusal| {
        let mut changes = Changes::none();
        changes.event(entry.event("resend_refused").because(refusal.code()));
        Decision::no(refusal, changes)
    };
    let old = &entry.challenge.value;
    if let Some(why) = death(old, &entry.user.value, &entry.chain, entry.epoch, now) {
        let mut changes = Changes::none();
        if old.state == State::Pending {
            let mut dead = entry.challenge.clone();
            dead.value.bury();
            changes.put(&dead);
        }
        changes.event(entry.event("resend_refused").because(why));
        return Decision::no(Reason::ChallengeDead.into(), changes);
    }
    if let Some(refusal) = shut(&entry.tally, policy, now) {
        return refuse(refusal);
    }
    if old.issue >= policy.sends_per_challenge {
        return refuse(Reason::NoSendsLeft.into());
    }
    let again = match again {
        Ok(again) => again,
        Err(refusal) => return refuse(refusal),
    };
    let resend_at = after(old.issued_at, policy.resend_after);
    // A code from the far future was made by a clock that has since stepped back; it delays nobody.
    if old.issued_at <= after(now, CLOCK_SLACK) && now < resend_at {
        return refuse(Refusal::from(Reason::TooSoon).until(Some(resend_at), now));
    }
    let mut changes = Changes::none();
    let charge = match pay(&mut changes, old.user, again.fare, policy, now) {
        Ok(charge) => charge,
        Err(refusal) => return refuse(refusal),
    };
    let mut challenge = entry.challenge.clone();
    if !again.repeats {
        challenge.value.expires_at = after(now, life(&again.to, policy));
    }
    challenge.value.destination = again.to;
    challenge.value.digest = again.fresh.digest;
    challenge.value.sealed = again.fresh.sealed;
    let newest = challenge.value.unverified.take();
    if again.repeats {
        let of_user = newest.as_ref().and_then(Charge::unverified_of_user);
        challenge.value.unverified_before.extend(of_user.map(|charge| (old.issue, charge)));
    } else {
        challenge.value.unverified_before.clear();
    }
    challenge.value.unverified = charge.as_ref().and_then(Charge::unverified);
    challenge.value.message = Some(again.fresh.message);
    challenge.value.issue += 1;
    challenge.value.issued_at = now;
    changes.put(&challenge).guard(&entry.user);
    entry.chain.guard(&mut changes);
    if let Some(line) = &again.line {
        line.pin(&mut changes);
    }
    changes.send(message(&challenge.value, again.fresh.message, again.fresh.code, charge.as_ref()));
    changes.event(entry.event("code_issued").because(old.purpose.name()));
    if let Some(gate) = again.instead_of.first() {
        changes.event(entry.event("sms_fallback").because(gate.name()));
    }
    Decision::yes(pending_code(&challenge.value, entry.tally.attempts, policy), changes)
}
