//! Who may be invited, and what an invitation leaves.

use chrono::{DateTime, Utc};

use crate::account::rules::Chain;
use crate::challenge::Purpose;
use crate::challenge::link::{FreshLink, LinkAsk, Whose, issue_link, show_link};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::id::UserId;
use crate::manage::rules::{event, refuse};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::{Count, Counter, CounterOp, Window};
use crate::rights::rules::{Who, allow_on_user, pin};
use crate::rights::{Action, Gate, Verdict};
use crate::user::User;
use crate::user::model::PendingEmail;

/// Counts 1 while no further invitation is sent to a user.
pub(crate) const fn sent(user: UserId) -> Counter {
    Counter::of(user.uuid(), "invitation")
}

/// Where an invitation goes: to the confirmed address, or else to the one that waits.
// INVARIANT: an address that was proved is never passed over for one that somebody else named.
pub(crate) fn address(user: &User) -> Option<&Email> {
    user.confirmed_email().or_else(|| user.pending_email.as_ref().map(|pending| &pending.address))
}

/// Lets the address of a user wait for his invitation, and mails it. Who puts or inserts the user is the caller.
pub(crate) fn invite(
    changes: &mut Changes,
    user: &mut User,
    to: &Email,
    link: FreshLink,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    user.pending_email = Some(PendingEmail::proposed(to.clone(), link.challenge));
    issue_link(changes, &ask(user, to, policy), link, MessageKind::InvitationLink, policy, now);
}

/// What a link that invites a user is made for.
pub(crate) fn ask<'a>(user: &User, to: &'a Email, policy: &Policy) -> LinkAsk<'a> {
    LinkAsk {
        user: Whose::from(user),
        purpose: Purpose::Invitation,
        destination: to,
        life: policy.invitation_life,
    }
}

/// Who may be invited, to where and by which link.
fn may<L>(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    link: Option<(Email, L)>,
    now: DateTime<Utc>,
) -> Result<(Email, L), Refusal> {
    let user = &target.value;
    allow_on_user(who, &Action::SendInvitation, user, chain)?;
    who.fresh(now)?;
    if user.password.is_some() {
        return Err(Reason::InUse.into());
    }
    let gates =
        Verdict::of([(Gate::EmailUnconfirmed, address(user).is_some()), (Gate::Blocked, !chain.blocked())]);
    match link {
        Some(link) if gates.is_allowed() => Ok(link),
        Some(_) | None => Err(Refusal::not_allowed(gates.into_missing())),
    }
}

/// Sends an invitation; `link` is bound to [`address`], and `cool_down` is what [`sent`] holds.
pub(crate) fn send(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    link: Option<(Email, FreshLink)>,
    cool_down: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let user = &target.value;
    let (to, link) = match may(who, target, chain, link, now) {
        Ok(link) => link,
        Err(refusal) => return refuse(who, user, refusal),
    };
    if cool_down.value > 0 {
        return refuse(who, user, Refusal::from(Reason::TooSoon).until(cool_down.ends_at, now));
    }
    let challenge = link.challenge.uuid();
    let mut changes = Changes::none();
    if user.email.is_some() {
        issue_link(&mut changes, &ask(user, &to, policy), link, MessageKind::InvitationLink, policy, now);
    } else {
        let mut invited = target.clone();
        invite(&mut changes, &mut invited.value, &to, link, policy, now);
        changes.put(&invited);
    }
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(sent(user.id), CounterOp::Add { n: 1, limit: 1, window });
    pin(target, &mut changes);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "invited").about(challenge));
    Decision::yes((), changes)
}

/// Shows an invitation: nothing is mailed, so nothing is counted; `link` is bound to [`address`], with what it makes.
// INVARIANT: the address waits for the link that is shown, so one that was mailed to it before is dead.
pub(crate) fn show<U>(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    link: Option<(Email, (FreshLink, U))>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<(U, DateTime<Utc>)> {
    let user = &target.value;
    let (to, (link, url)) = match may(who, target, chain, link, now) {
        Ok(link) => link,
        Err(refusal) => return refuse(who, user, refusal),
    };
    let challenge = link.challenge;
    let mut changes = Changes::none();
    let kind = MessageKind::InvitationLink;
    let valid_until = show_link(&mut changes, &ask(user, &to, policy), link, kind, policy, now);
    if user.email.is_none() {
        let mut invited = target.clone();
        invited.value.pending_email = Some(PendingEmail::proposed(to, challenge));
        changes.put(&invited);
    }
    pin(target, &mut changes);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "invited").because("shown").about(challenge.uuid()));
    Decision::yes((url, valid_until), changes)
}
