//! What may become of an address.

use chrono::{DateTime, Utc};

use super::model::{Changed, EmailSettings, PendingEmailCode};
use crate::challenge::rules::{Ask, Budgets, Entry, FreshCode, issue, judge, may_issue, pending_code};
use crate::challenge::{Challenge, PendingCode, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::id::{MessageId, SessionId};
use crate::message::model::{Draft, MessageKind};
use crate::policy::Policy;
use crate::port::store::{Count, Lane};
use crate::session::model::Acting;
use crate::session::rules::succeed;
use crate::user::model::{ConfirmedEmail, PendingEmail};
use crate::user::rules::bump_credentials;
use crate::user::{Method, User};

/// What the user's codes of one purpose hold, beside the code that may be sent.
pub(crate) struct Plan {
    pub(crate) fresh: FreshCode,
    pub(crate) budgets: Budgets,
    /// The destination, as a derived id.
    pub(crate) address: uuid::Uuid,
    pub(crate) failures: Count,
    pub(crate) wait: Count,
}

/// Lets an address wait for its confirmation; one that waited before is superseded.
///
/// Whether somebody else holds the address is not told here: only who reads its mailbox learns that, by confirming.
pub(crate) fn set(
    acting: &Acting,
    address: &Email,
    plan: Plan,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<PendingCode> {
    const REFUSED: &str = "email_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if acting.user.value.confirmed_email().is_some_and(|email| email.same_as(address)) {
        return acting.refuse(Reason::Unchanged.into(), REFUSED);
    }
    if let Err(refusal) = may_issue(plan.failures, plan.wait, policy, now) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut changes = Changes::none();
    let challenge = plan.fresh.challenge;
    let ask = Ask {
        user: &acting.user.value,
        purpose: Purpose::EmailConfirmation,
        destination: address,
        address: plan.address,
        session: None,
    };
    let code = match issue(&mut changes, &ask, plan.fresh, plan.budgets, policy, now) {
        Ok(code) => code,
        Err(refusal) => return acting.refuse(refusal, REFUSED),
    };
    let mut user = acting.user.clone();
    user.value.pending_email = Some(PendingEmail { address: address.clone(), challenge });
    changes.put(&user);
    acting.guard(&mut changes);
    changes.event(acting.event("email_pending").about(challenge.uuid()));
    Decision::yes(code, changes)
}

/// Ids of the messages and the session that a change needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreshIds {
    pub(crate) session: SessionId,
    pub(crate) to_old: MessageId,
    pub(crate) to_new: MessageId,
    pub(crate) notice: MessageId,
}

/// Confirms the address that waits: from now on it is the user's, and codes go there.
pub(crate) fn confirm(
    acting: &Acting,
    entry: &Entry,
    taken: bool,
    ids: FreshIds,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<EmailSettings>> {
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    if taken {
        // The code stays unspent: nothing was done with it.
        return acting.refuse(Reason::AddressTaken.into(), "email_refused");
    }
    let mut user = acting.user.clone();
    take(&mut user.value, &entry.challenge.value.destination, policy, now);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    tell_of_change(&mut changes, &acting.user.value, &user.value, ids);
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("email_confirmed").about(entry.challenge.value.id.uuid()));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), policy), session), changes)
}

/// Makes an address the user's confirmed one.
// INVARIANT: only called in the commit that spends a code sent to this address.
pub(crate) fn take(user: &mut User, address: &Email, policy: &Policy, now: DateTime<Utc>) {
    user.email =
        Some(ConfirmedEmail { address: address.clone(), confirmed_at: now, unique: policy.email_unique });
    bump_credentials(user);
}

/// Tells the old address, and the new one, that the address was changed. A first address has nobody to tell.
pub(crate) fn tell_of_change(changes: &mut Changes, before: &User, after: &User, ids: FreshIds) {
    let (Some(old), Some(new)) = (before.confirmed_email(), after.confirmed_email()) else {
        return;
    };
    changes.send(notice(before, MessageKind::EmailChanged, old, ids.to_old));
    if !old.same_as(new) {
        changes.send(notice(after, MessageKind::EmailChanged, new, ids.to_new));
    }
}

/// A notice of a security event.
pub(crate) fn notice(user: &User, kind: MessageKind, to: &Email, id: MessageId) -> Draft {
    Draft {
        id,
        tenant: user.tenant.uuid(),
        user: user.id,
        kind,
        to: to.clone(),
        lane: Lane::Interactive,
        code: None,
        once_at: None,
    }
}

/// Forgets the address that waits.
pub(crate) fn cancel(acting: &Acting) -> Decision<()> {
    let mut changes = Changes::none();
    if acting.user.value.pending_email.is_some() {
        let mut user = acting.user.clone();
        user.value.pending_email = None;
        changes.put(&user);
        acting.guard(&mut changes);
        changes.event(acting.event("email_cancelled"));
    }
    Decision::yes((), changes)
}

/// Removes the confirmed address.
pub(crate) fn clear(
    acting: &Acting,
    ids: FreshIds,
    now: DateTime<Utc>,
) -> Decision<Option<crate::session::CurrentSession>> {
    const REFUSED: &str = "email_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    let Some(old) = acting.user.value.confirmed_email() else {
        return Decision::yes(None, Changes::none());
    };
    match acting.user.value.two_factor {
        Method::Email => return acting.refuse(Reason::InUse.into(), REFUSED),
        Method::None => {}
    }
    let mut changes = Changes::none();
    let mut user = acting.user.clone();
    user.value.email = None;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    changes.send(notice(&acting.user.value, MessageKind::EmailChanged, old, ids.to_old));
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("email_cleared"));
    Decision::yes(Some(session), changes)
}

/// The address as its owner sees it.
pub(crate) fn settings(
    user: &User,
    challenge: Option<&Stored<Challenge>>,
    attempts: Count,
    policy: &Policy,
) -> EmailSettings {
    let pending = user.pending_email.as_ref().zip(challenge).map(|(pending, challenge)| PendingEmailCode {
        address: pending.address.as_str().to_owned(),
        code: pending_code(&challenge.value, attempts, policy),
    });
    let confirmed = user.confirmed_email().map(|email| email.as_str().to_owned());
    EmailSettings {
        confirmed: confirmed.is_some(),
        address: confirmed.or_else(|| pending.as_ref().map(|pending| pending.address.clone())),
        pending,
    }
}
