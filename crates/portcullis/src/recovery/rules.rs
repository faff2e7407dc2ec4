//! Who may recover, what a request leaves behind, and what a link is worth.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{LinkInfo, RecoveryRequest, cool_down, mails, requests, told};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::link::{FreshLink, LinkAsk, LinkEntry, Whose, issue_link_once, peek_link, spend_link};
use crate::challenge::{Challenge, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, No, Reason, Refusal, Stored};
use crate::email::rules::{notice, take};
use crate::email::undo::{leave_undo, may_replace};
use crate::id::{MessageId, RequestId};
use crate::message::MessageKind;
use crate::password::Weakness;
use crate::password::rules::{NewHash, minimum};
use crate::policy::Policy;
use crate::port::store::{Count, CounterOp, Window};
use crate::session::rules::after;
use crate::user::rules::bump_credentials;
use crate::user::{Flag, Method, User};

const REFUSED: &str = "recovery_refused";

/// What the links of this room are for.
const PURPOSES: [Purpose; 2] = [Purpose::Recovery, Purpose::Invitation];

/// Why a user may not set a new password by a mailed link, beside being disabled or blocked.
///
/// An administrator or an undo may begin a recovery regardless of the user's flag.
pub(crate) fn barrier_for(challenge: &Challenge, user: &User, policy: &Policy) -> Option<&'static str> {
    barrier_unless(user, challenge.regardless_of_flag, policy)
}

/// As [`barrier_for`], with or without the flag to change the password.
pub(crate) fn barrier_unless(user: &User, regardless_of_flag: bool, policy: &Policy) -> Option<&'static str> {
    let mailbox_is_both = match user.two_factor {
        Method::Email => true,
        Method::None | Method::Sms => false,
    };
    if user.email.is_none() {
        Some("email_unconfirmed")
    } else if !regardless_of_flag && !user.flags.has(Flag::ChangePassword) {
        Some("change_password")
    } else if mailbox_is_both && !policy.email_factor {
        Some("policy")
    } else {
        None
    }
}

/// A request, with what the counters say. Nobody was looked up for it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The identifier, as a derived id.
    pub(crate) identifier: Uuid,
    /// The source address, as a derived id.
    pub(crate) source: Uuid,
    pub(crate) cool_down: Count,
    pub(crate) from_source: Count,
}

/// Keeps a request for the worker, or lets it pass silently while the last one for the identifier is young.
// INVARIANT: nothing here depends on whether anybody has the identifier.
pub(crate) fn request(
    asked: &Asked,
    request: &RecoveryRequest,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let event = |action| Event::of(action, request.tenant, asked.identifier).from(asked.source);
    let mut changes = Changes::none();
    let limit = policy.recovery_requests_per_source;
    if limit.is_reached(asked.from_source, now) {
        changes.event(event(REFUSED).because("too_many_attempts"));
        let refusal = Refusal::from(Reason::TooManyAttempts).until(asked.from_source.ends_at, now);
        return Decision::no(refusal, changes);
    }
    let window = Window::Rolling(limit.within);
    changes.count(requests(asked.source), CounterOp::Add { n: 1, limit: limit.count, window });
    if asked.cool_down.value > 0 {
        changes.event(event(REFUSED).because("too_soon"));
        return Decision::yes((), changes);
    }
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(cool_down(asked.identifier), CounterOp::Add { n: 1, limit: 1, window });
    changes.insert(request).event(event("recovery_requested").about(request.id.uuid()));
    Decision::yes((), changes)
}

/// What the links of one lot have in common: whatever kills one of them, or keeps it from leaving, kills them all.
// INVARIANT: a link that is worth nothing to its owner takes nothing from the next lot: strangers who ask while he can
// not recover, or before his address or his password changes, use up nothing of his.
pub(crate) fn lot(
    whose: Whose,
    destination: &Email,
    user: Option<(&User, &Chain)>,
    epoch: u32,
    policy: &Policy,
    now: DateTime<Utc>,
) -> String {
    let barrier = user.and_then(|(user, chain)| {
        barrier_unless(user, false, policy).or_else(|| chain.blocked(now).then_some("blocked"))
    });
    let lifts = user.map_or(0, |(_, chain)| chain.lifts());
    let (user, version, barrier) = (whose.user, whose.credential_version, barrier.unwrap_or_default());
    format!("{} {version} {epoch} {lifts} {barrier} {}", user.uuid(), destination.canonical())
}

/// What was counted for a lot of links.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mailed {
    /// The [`lot`], as a derived id.
    pub(crate) lot: Uuid,
    /// What [`mails`] holds.
    pub(crate) links: Count,
    /// What [`told`] holds.
    pub(crate) told: Count,
}

/// Mails a link to a user, or to nobody at all: who may not recover gets one that never leaves. Whoever has had as many
/// as the policy allows gets none; only the trail says so, once in a window.
// INVARIANT: nobody is counted as somebody is, or the rows would tell them apart.
pub(crate) fn mail(
    request: RequestId,
    ask: &LinkAsk<'_>,
    fresh: FreshLink,
    mailed: Mailed,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut changes = Changes::none();
    let limit = policy.recovery_mails_per_user;
    let window = Window::Rolling(limit.within);
    if limit.is_reached(mailed.links, now) {
        if mailed.told.value == 0 {
            changes.count(told(mailed.lot), CounterOp::Add { n: 1, limit: 1, window });
            let event = Event::of(REFUSED, ask.user.tenant.uuid(), ask.user.user.uuid());
            changes.event(event.because(Reason::TooSoon.code()).about(request.uuid()));
        }
        return Decision::yes((), changes);
    }
    changes.count(mails(mailed.lot), CounterOp::Add { n: 1, limit: limit.count, window });
    issue_link_once(&mut changes, ask, fresh, MessageKind::RecoveryLink, policy, now);
    Decision::yes((), changes)
}

/// From when on a request is closed without a look: a link for it would have ended by then.
pub(crate) fn ends_at(request: &RecoveryRequest, policy: &Policy) -> DateTime<Utc> {
    after(request.created_at, policy.recovery_life)
}

/// Closes a request: nothing of what was asked is kept.
pub(crate) fn close(
    request: Option<Stored<RecoveryRequest>>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let mut changes = Changes::none();
    if let Some(mut request) = request.filter(|request| request.value.sealed.is_some()) {
        request.value.sealed = None;
        request.value.due_at = after(now, policy.challenge_kept);
        changes.put(&request);
    }
    Decision::yes((), changes)
}

/// What a living link tells.
pub(crate) fn peek(
    entry: Option<&LinkEntry>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<LinkInfo, Refusal> {
    let entry = peek_link(entry, &PURPOSES, now)?;
    may_set(entry, policy).map_err(|_| Reason::ChallengeDead)?;
    Ok(LinkInfo {
        valid_until: entry.challenge.value.expires_at,
        purpose: entry.challenge.value.purpose,
        login: entry.user.value.login.clone(),
        minimum: minimum(&entry.user.value, policy),
    })
}

/// Asked again when the link is used: what was true when it was mailed may be over.
fn may_set(entry: &LinkEntry, policy: &Policy) -> Result<(), &'static str> {
    let (challenge, user) = (&entry.challenge.value, &entry.user.value);
    if challenge.purpose != Purpose::Recovery {
        return Ok(());
    }
    if let Some(why) = barrier_for(challenge, user, policy) {
        return Err(why);
    }
    let confirmed = user.confirmed_email().is_some_and(|email| challenge.destination.is_email(email));
    if confirmed { Ok(()) } else { Err("destination_changed") }
}

fn judge<'a>(
    entry: Option<&'a LinkEntry>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(&'a LinkEntry, Changes), No> {
    let (entry, changes) = spend_link(entry, &PURPOSES, policy, now)?;
    match may_set(entry, policy) {
        Ok(()) => Ok((entry, changes)),
        Err(why) => Err(entry.refuse_dead(REFUSED, why, policy, now)),
    }
}

/// A no that leaves the link as it is.
fn refuse(entry: &LinkEntry, refusal: Refusal, why: &'static str) -> No {
    let mut changes = Changes::none();
    changes.event(entry.event(REFUSED).because(why));
    No::new(refusal, changes)
}

/// What was typed, before anything slow.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Whether the new password was repeated.
    pub(crate) repeated: bool,
    /// What is wrong with it.
    pub(crate) weaknesses: Vec<Weakness>,
    /// Whether another user holds the address that the link [would confirm](takes).
    pub(crate) taken: bool,
}

/// The address that a link confirms besides, if it is not the user's already.
pub(crate) fn takes(entry: &LinkEntry) -> Option<&Email> {
    let challenge = &entry.challenge.value;
    let wanted = entry.fits && challenge.purpose == Purpose::Invitation;
    challenge.mailbox().filter(|to| wanted && !entry.user.value.receives_at(to))
}

/// The cheap look: whether link and passwords are worth any slow work.
pub(crate) fn look<'a>(
    entry: Option<&'a LinkEntry>,
    chosen: Chosen,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<&'a LinkEntry, No> {
    let (entry, _) = judge(entry, policy, now)?;
    let refusal = if !chosen.repeated {
        Reason::RepeatDiffers.into()
    } else if !chosen.weaknesses.is_empty() {
        Refusal::weak_password(chosen.weaknesses)
    } else if chosen.taken {
        Reason::AddressTaken.into()
    } else {
        return Ok(entry);
    };
    let why = refusal.code();
    Err(refuse(entry, refusal, why))
}

/// Refuses a password that others know; the link stays.
pub(crate) fn refuse_common(entry: &LinkEntry) -> No {
    refuse(entry, Refusal::weak_password(vec![Weakness::TooCommon]), Reason::WeakPassword.code())
}

/// The ids of the notices that a new password needs, and the link that takes a change of the address back.
#[derive(Clone, Debug)]
pub(crate) struct FreshIds {
    pub(crate) changed: MessageId,
    /// For the confirmed address, if there is one.
    pub(crate) undo: Option<FreshLink>,
    pub(crate) to_new: MessageId,
}

/// Sets the new password and spends the link: every session and every other challenge is dead, and none is opened.
// INVARIANT: no session, no other factor, no lifted block and no forgiven failure comes of it (I-17, I-06).
pub(crate) fn set_password(
    entry: &LinkEntry,
    new: NewHash,
    taken: bool,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let (entry, mut changes) = match judge(Some(entry), policy, now) {
        Ok(good) => good,
        Err(no) => return no.into(),
    };
    if taken {
        // The link stays unspent: nothing was done with it.
        return refuse(entry, Reason::AddressTaken.into(), Reason::AddressTaken.code()).into();
    }
    let (challenge, before) = (&entry.challenge.value, &entry.user.value);
    let mut user = entry.user.clone();
    let Some(mailbox) = challenge.mailbox() else {
        return refuse(entry, Reason::ChallengeDead.into(), "no_mailbox").into();
    };
    if before.receives_at(mailbox) {
        bump_credentials(&mut user.value);
    } else {
        if let Err(refusal) = may_replace(before, policy, now) {
            let why = refusal.code();
            return refuse(entry, refusal, why).into();
        }
        take(&mut user.value, mailbox, policy, now);
        leave_undo(&mut changes, before, &mut user.value, ids.undo, ids.to_new, policy, now);
    }
    user.value.password = Some(new.hash);
    user.value.password_changed_at = Some(now);
    user.value.long_enough_alone = new.long_enough_alone;
    // INVARIANT: who holds the mailbox alone has the password now, and does not get the second factor from it besides.
    user.value.recovered_by_mail |= before.two_factor == Method::Sms;
    changes.put(&user);
    entry.chain.guard(&mut changes);
    // The first password changes nothing that its owner had.
    if let (true, Some(to)) = (before.password.is_some(), user.value.confirmed_email()) {
        changes.send(notice(&user.value, MessageKind::PasswordChanged, to, ids.changed));
    }
    changes.event(entry.event("password_set").because(challenge.purpose.name()));
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests;
