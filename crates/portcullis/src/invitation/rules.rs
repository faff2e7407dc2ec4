//! Who may be invited, and what an invitation leaves.

use chrono::{DateTime, Utc};

use crate::account::rules::Chain;
use crate::challenge::Purpose;
use crate::challenge::link::{FreshLink, LinkAsk, Whose, issue_link};
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
    lifts: u64,
    to: &Email,
    link: FreshLink,
    policy: &Policy,
    now: DateTime<Utc>,
) {
    user.pending_email = Some(PendingEmail { address: to.clone(), challenge: link.challenge });
    issue_link(changes, &ask(user, lifts, to, policy), link, MessageKind::InvitationLink, policy, now);
}

/// What a link that invites a user is made for.
pub(crate) fn ask<'a>(user: &User, lifts: u64, to: &'a Email, policy: &Policy) -> LinkAsk<'a> {
    LinkAsk {
        user: Whose::from(user),
        lifts,
        purpose: Purpose::Invitation,
        destination: to,
        life: policy.invitation_life,
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
    if let Err(refusal) = allow_on_user(who, &Action::SendInvitation, user, chain) {
        return refuse(who, user, refusal);
    }
    if user.password.is_some() {
        return refuse(who, user, Reason::InUse.into());
    }
    let gates = Verdict::of([
        (Gate::EmailUnconfirmed, address(user).is_some()),
        (Gate::Blocked, !chain.blocked(now)),
    ]);
    let (Some((to, link)), true) = (link, gates.is_allowed()) else {
        return refuse(who, user, Refusal::not_allowed(gates.into_missing()));
    };
    if cool_down.value > 0 {
        return refuse(who, user, Refusal::from(Reason::TooSoon).until(cool_down.ends_at, now));
    }
    let challenge = link.challenge.uuid();
    let mut changes = Changes::none();
    if user.email.is_some() {
        issue_link(
            &mut changes,
            &ask(user, chain.lifts(), &to, policy),
            link,
            MessageKind::InvitationLink,
            policy,
            now,
        );
    } else {
        let mut invited = target.clone();
        invite(&mut changes, &mut invited.value, chain.lifts(), &to, link, policy, now);
        changes.put(&invited);
    }
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(sent(user.id), CounterOp::Add { n: 1, limit: 1, window });
    pin(target, &mut changes);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "invited").about(challenge));
    Decision::yes((), changes)
}
