//! What a change of the confirmed address leaves to who reads the old mailbox: a link that takes it back.
//!
//! The old address stays claimed for its user while the link lives. Using it drops that claim and every later one, so
//! that whoever made the change can take nothing back in turn; earlier claims stay.

use chrono::{DateTime, Utc};

use super::rules::notice;
use crate::challenge::Purpose;
use crate::challenge::link::{
    FreshLink, LinkAsk, LinkEntry, issue_link, issue_recovery_regardless, spend_link,
};
use crate::decision::{Changes, Decision, Reason, Refusal};
use crate::id::{ChallengeId, MessageId};
use crate::message::model::MessageKind;
use crate::policy::Policy;
use crate::user::User;
use crate::user::model::{ConfirmedEmail, EmailClaim};
use crate::user::rules::bump_credentials;

/// Whether the confirmed address may be replaced or removed: not while too many old ones are claimed already.
pub(crate) fn may_replace(user: &User, policy: &Policy, now: DateTime<Utc>) -> Result<(), Refusal> {
    let alive: Vec<_> = user.claims.iter().map(|claim| claim.ends_at).filter(|end| now < *end).collect();
    if user.email.is_some() && u32::try_from(alive.len()).unwrap_or(u32::MAX) >= policy.email_claims {
        return Err(Refusal::from(Reason::TooSoon).until(alive.into_iter().min(), now));
    }
    Ok(())
}

/// Tells the addresses concerned that the confirmed one was replaced or removed. The old one gets the link that puts
/// it back, and is claimed while the link lives. A first address has nobody to tell.
///
/// A claimed address that its owner confirms anew is put back as by its link: that claim and every later one is gone,
/// and who held the address in between gets no link, which would outlive the owner's.
// INVARIANT: in the commit of every change of a confirmed address, before its user is put.
pub(crate) fn leave_undo(
    changes: &mut Changes,
    before: &User,
    after: &mut User,
    undo: Option<FreshLink>,
    to_new: MessageId,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    let (Some(old), Some(undo)) = (&before.email, undo) else {
        return;
    };
    after.claims.retain(|claim| now < claim.ends_at);
    let put_back = after
        .confirmed_email()
        .and_then(|new| after.claims.iter().position(|claim| claim.address.same_as(new)));
    if let Some(nth) = put_back {
        after.claims.truncate(nth);
        changes.send(notice(before, MessageKind::EmailChanged, &old.address, undo.message));
    } else {
        let challenge = undo.challenge;
        let ask = LinkAsk {
            user: before.into(),
            // No lift voids it.
            lifts: 0,
            purpose: Purpose::EmailUndo,
            destination: &old.address,
            life: policy.email_undo_life,
        };
        let ends_at = issue_link(changes, &ask, undo, MessageKind::EmailUndo, policy, now);
        after.claims.push(EmailClaim {
            address: old.address.clone(),
            challenge,
            unique: old.unique,
            ends_at,
        });
    }
    if let Some(new) = after.confirmed_email().filter(|new| !new.same_as(&old.address)) {
        changes.send(notice(after, MessageKind::EmailChanged, new, to_new));
    }
}

/// The user with the old address back, if the challenge is one of his undo links.
///
/// Every session and secret is dead, and so is the password: who could change the address knew it, and would be back
/// before its owner. Two-factor authentication by e-mail follows to the address.
pub(crate) fn restored(user: &User, undo: ChallengeId, now: DateTime<Utc>) -> Option<User> {
    let nth = user.claims.iter().position(|claim| claim.challenge == undo)?;
    let EmailClaim { address, unique, .. } = user.claims.get(nth)?.clone();
    let mut user = user.clone();
    user.claims.truncate(nth);
    user.email = Some(ConfirmedEmail { address, confirmed_at: now, unique });
    (user.password, user.long_enough_alone) = (None, false);
    bump_credentials(&mut user);
    Some(user)
}

/// What putting an address back needs, made beforehand for the user as he is going to be.
#[derive(Debug)]
pub(crate) struct Return {
    pub(crate) user: User,
    pub(crate) recovery: FreshLink,
    pub(crate) to_old: MessageId,
    pub(crate) to_new: MessageId,
}

/// Takes a change of address back, and mails the owner the link that sets a new password.
// INVARIANT: a disabled or blocked user's address may be put back, but no block is lifted: the recovery that follows is
// refused when it is about to leave, and when it is used.
pub(crate) fn undo(
    entry: Option<&LinkEntry>,
    back: Option<Return>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let (entry, mut changes) = match spend_link(entry, &[Purpose::EmailUndo], policy, now) {
        Ok(spent) => spent,
        Err(no) => return no.into(),
    };
    let Some(Return { user: after, recovery, to_old, to_new }) = back else {
        return Decision::no(Reason::ChallengeDead.into(), Changes::none());
    };
    let mut user = entry.user.clone();
    let replaced = std::mem::replace(&mut user.value, after).email;
    changes.put(&user);
    let user = &user.value;
    let Some(old) = entry.challenge.value.mailbox() else {
        return Decision::no(Reason::ChallengeDead.into(), Changes::none());
    };
    let lifts = entry.chain.lifts();
    issue_recovery_regardless(&mut changes, user.into(), lifts, old, recovery, policy, now);
    let same = replaced.as_ref().is_some_and(|replaced| replaced.address.same_as(old));
    if !same {
        changes.send(notice(user, MessageKind::EmailChanged, old, to_old));
        if let Some(replaced) = replaced {
            changes.send(notice(user, MessageKind::EmailChanged, &replaced.address, to_new));
        }
    }
    changes.event(entry.event("email_undone"));
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests;
