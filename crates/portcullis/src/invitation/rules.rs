//! Who may be invited, and what an invitation leaves.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::account::rules::Chain;
use crate::challenge::Purpose;
use crate::challenge::link::{FreshLink, LinkAsk, Whose, issue_link, show_link};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::id::{ChallengeId, UserId};
use crate::manage::rules::{event, refuse};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::{Count, Counter, CounterOp, Window};
use crate::rights::rules::{Who, allow_on_user};
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

/// Invitations sent to an address.
pub(crate) const fn to_address(address: Uuid) -> Counter {
    Counter::of(address, "invitations")
}

/// Invitations a user had sent to others.
pub(crate) const fn by_actor(actor: Uuid) -> Counter {
    Counter::of(actor, "invitations_by")
}

/// What the budgets of invitations hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// The address, as a derived id.
    pub(crate) address: Uuid,
    pub(crate) to_address: Count,
    /// Who invites; `None` is the embedding program, which knows what it does.
    pub(crate) actor: Option<(Uuid, Count)>,
}

/// The link of an invitation, with what was counted for it.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    pub(crate) link: FreshLink,
    pub(crate) budget: Budget,
}

/// Takes one invitation out of the budgets.
fn spend(changes: &mut Changes, budget: Budget, policy: &Policy, now: DateTime<Utc>) -> Result<(), Refusal> {
    let of_actor = budget.actor.map(|(actor, seen)| (by_actor(actor), seen, policy.invitations_per_actor));
    let of_address = (to_address(budget.address), budget.to_address, policy.invitations_per_address);
    for (counter, seen, limit) in std::iter::once(of_address).chain(of_actor) {
        if limit.is_reached(seen, now) {
            return Err(Refusal::from(Reason::TooSoon).until(seen.ends_at, now));
        }
        let window = Window::Rolling(limit.within);
        changes.count(counter, CounterOp::Add { n: 1, limit: limit.count, window });
    }
    Ok(())
}

/// Mails a user his invitation and lets him name it, so that an earlier one is dead. An address that is not confirmed
/// waits for it. Who puts or inserts the user is the caller.
///
/// # Errors
/// `too_soon` past a budget; nothing of the changes may be kept then.
pub(crate) fn invite(
    changes: &mut Changes,
    user: &mut User,
    lifts: u64,
    to: &Email,
    invitation: Invitation,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let Invitation { link, budget } = invitation;
    spend(changes, budget, policy, now)?;
    name(user, to, link.challenge);
    issue_link(changes, &ask(user, lifts, to, policy), link, MessageKind::InvitationLink, policy, now);
    Ok(())
}

/// Lets a user name the link that invites him, so that an earlier one is dead. An address that is not confirmed waits for
/// it.
fn name(user: &mut User, to: &Email, challenge: ChallengeId) {
    if user.email.is_some() {
        user.invitation = Some(challenge);
    } else {
        user.pending_email = Some(PendingEmail::proposed(to.clone(), challenge));
    }
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
    let gates = Verdict::of([
        (Gate::EmailUnconfirmed, address(user).is_some()),
        (Gate::Blocked, !chain.blocked(now)),
    ]);
    match link {
        Some(link) if gates.is_allowed() => Ok(link),
        Some(_) | None => Err(Refusal::not_allowed(gates.into_missing())),
    }
}

/// Sends an invitation; its link is bound to [`address`], and `cool_down` is what [`sent`] holds.
pub(crate) fn send(
    who: Who<'_>,
    target: &Stored<User>,
    chain: &Chain,
    invitation: Option<(Email, Invitation)>,
    cool_down: Count,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<()> {
    let user = &target.value;
    let (to, invitation) = match may(who, target, chain, invitation, now) {
        Ok(invitation) => invitation,
        Err(refusal) => return refuse(who, user, refusal),
    };
    if cool_down.value > 0 {
        return refuse(who, user, Refusal::from(Reason::TooSoon).until(cool_down.ends_at, now));
    }
    let challenge = invitation.link.challenge.uuid();
    let mut changes = Changes::none();
    let mut invited = target.clone();
    if let Err(refusal) =
        invite(&mut changes, &mut invited.value, chain.lifts(), &to, invitation, policy, now)
    {
        return refuse(who, user, refusal);
    }
    changes.put(&invited);
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(sent(user.id), CounterOp::Add { n: 1, limit: 1, window });
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
    let valid_until =
        show_link(&mut changes, &ask(user, chain.lifts(), &to, policy), link, kind, policy, now);
    let mut invited = target.clone();
    name(&mut invited.value, &to, challenge);
    changes.put(&invited);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "invited").because("shown").about(challenge.uuid()));
    Decision::yes((url, valid_until), changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::challenge::Challenge;
    use crate::fixture::*;
    use crate::rights::AccessRight;
    use crate::session::model::Acting;

    const EDITOR: [AccessRight; 2] = [AccessRight::View, AccessRight::EditFlags];

    /// An administrator, and dora without a password, whose address waits.
    fn scene(held: &[AccessRight]) -> (Account, Acting, User) {
        let account = account(1);
        let admin = user(2, &account);
        let mut dora = user(4, &account);
        (dora.password, dora.email) = (None, None);
        let first = fresh_link(700).challenge;
        dora.pending_email = Some(PendingEmail::proposed(email("d@example.com"), first));
        dora.rights.insert(admin.id, held.iter().copied().collect());
        (account.clone(), acting_as(&admin, &account), dora)
    }

    fn confirmed(mut dora: User) -> User {
        dora.email = user(4, &account(1)).email;
        dora
    }

    fn budget(to_address: u32, by_actor: u32) -> Budget {
        let soon = began() + TICK;
        Budget {
            address: uuid(5),
            to_address: until(to_address, soon),
            actor: Some((uuid(2), until(by_actor, soon))),
        }
    }

    fn sent_by(
        who: Who<'_>,
        dora: &User,
        budget: Budget,
        cool_down: Count,
        now: DateTime<Utc>,
    ) -> Decision<()> {
        let account = account(1);
        let invitation = address(dora).map(|to| (to.clone(), Invitation { link: fresh_link(800), budget }));
        let (target, chain) = (stored(dora.clone()), chain([&account]));
        send(who, &target, &chain, invitation, cool_down, &Policy::default(), now)
    }

    fn asked(dora: &User, budget: Budget, now: DateTime<Utc>) -> Decision<()> {
        let (_, acting, _) = scene(&[]);
        sent_by(Who::User(&acting), dora, budget, Count::default(), now)
    }

    fn refused(decision: Decision<()>) -> Refusal {
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        assert!(decision.changes.counters.is_empty());
        let refusal = decision.reply.unwrap_err();
        assert_eq!(trail(&decision.changes), [format!("change_refused: {}", refusal.code())]);
        refusal
    }

    #[test]
    fn the_address_that_waits_is_mailed_and_names_the_newest_link() {
        let (_, _, dora) = scene(&EDITOR);
        let decision = asked(&dora, budget(0, 0), began());
        assert!(decision.reply.is_ok());
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(4), uuid(900), uuid(2), uuid(1)]);
        let kept: User = written(&decision.changes, uuid(4)).unwrap();
        let pending = kept.pending_email.unwrap();
        assert_eq!((pending.address.as_str(), pending.challenge.uuid()), ("d@example.com", uuid(800)));
        assert!(pending.proposed_by_other && kept.invitation.is_none() && kept.credential_version == 1);
        let link: Challenge = written(&decision.changes, uuid(800)).unwrap();
        assert_eq!(
            (link.purpose, link.expires_at),
            (Purpose::Invitation, began() + Policy::default().invitation_life)
        );
        let mail = &decision.changes.messages[0];
        assert_eq!((mail.kind, mail.to.as_str()), (MessageKind::InvitationLink, "d@example.com"));
        assert_eq!(trail(&decision.changes), ["link_issued: invitation", "invited: -"]);
        assert_eq!(
            steps(&decision.changes),
            ["invitations add 1 to 5", "invitations_by add 1 to 100", "invitation add 1 to 1"]
        );
    }

    #[test]
    fn a_confirmed_address_comes_first_and_its_newest_link_kills_the_others() {
        let (account, _, dora) = scene(&EDITOR);
        let dora = confirmed(dora);
        let decision = asked(&dora, budget(0, 0), began());
        let kept: User = written(&decision.changes, uuid(4)).unwrap();
        assert_eq!(decision.changes.messages[0].to.as_str(), "u4@example.com");
        assert_eq!(kept.invitation.map(ChallengeId::uuid), Some(uuid(800)));
        assert_eq!(
            kept.pending_email.as_ref().unwrap().challenge.uuid(),
            uuid(700),
            "what waits goes on waiting"
        );
        let newest: Challenge = written(&decision.changes, uuid(800)).unwrap();
        let older = Challenge { id: fresh_link(790).challenge, ..newest.clone() };
        let death =
            |challenge, user| crate::challenge::rules::death(challenge, user, &chain([&account]), 0, began());
        assert_eq!((death(&older, &dora), death(&newest, &dora)), (None, None));
        assert_eq!((death(&older, &kept), death(&newest, &kept)), (Some("superseded"), None));
    }

    #[test]
    fn the_right_and_a_fresh_sign_in_are_asked() {
        let (_, acting, dora) = scene(&EDITOR);
        let stale = acting.session.value.fresh_until;
        assert!(asked(&dora, budget(0, 0), stale - TICK).reply.is_ok());
        assert_eq!(refused(asked(&dora, budget(0, 0), stale)).reason(), Reason::StaleSignIn);
        let (_, _, seen) = scene(&[AccessRight::View]);
        let missing = refused(asked(&seen, budget(0, 0), stale));
        assert_eq!(missing.missing(), [Gate::Right(AccessRight::EditFlags)]);
        let (_, _, unseen) = scene(&[]);
        assert_eq!(refused(asked(&unseen, budget(0, 0), stale)).reason(), Reason::NotFound);
        let of_program = Budget { actor: None, ..budget(0, 0) };
        let decision = sent_by(Who::Program, &unseen, of_program, Count::default(), stale);
        assert_eq!(steps(&decision.changes), ["invitations add 1 to 5", "invitation add 1 to 1"]);
    }

    #[test]
    fn who_has_a_password_or_no_address_is_not_invited() {
        let (account, acting, mut dora) = scene(&EDITOR);
        dora.pending_email = None;
        let missing = refused(asked(&dora, budget(0, 0), began()));
        assert_eq!(missing.missing(), [Gate::EmailUnconfirmed]);
        let mut shut = account;
        shut.blocked = true;
        let blocked = send(
            Who::User(&acting),
            &stored(dora.clone()),
            &chain([&shut]),
            None,
            Count::default(),
            &Policy::default(),
            began(),
        );
        assert_eq!(refused(blocked).missing(), [Gate::EmailUnconfirmed, Gate::Blocked]);
        dora.password = user(4, &account_of(&acting)).password;
        assert_eq!(refused(asked(&dora, budget(0, 0), began())).reason(), Reason::InUse);
    }

    fn account_of(acting: &Acting) -> Account {
        acting.chain.0[0].value.clone()
    }

    #[test]
    fn invitations_are_spaced_and_have_budgets() {
        let (_, acting, dora) = scene(&EDITOR);
        let soon = began() + TICK;
        let spaced = sent_by(Who::User(&acting), &dora, budget(0, 0), until(1, soon), began());
        assert_eq!(refused(spaced).reason(), Reason::TooSoon);
        for (of, allowed) in [(budget(4, 99), true), (budget(5, 0), false), (budget(0, 100), false)] {
            let decision = asked(&dora, of, began());
            if allowed {
                assert!(decision.reply.is_ok());
            } else {
                let refusal = refused(decision);
                assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::TooSoon, Some(1)));
            }
        }
    }

    #[test]
    fn a_new_user_is_invited_within_the_same_budgets() {
        let (_, _, dora) = scene(&[]);
        let to = email("d@example.com");
        let invited = |budget| {
            let (mut changes, mut dora) = (Changes::none(), dora.clone());
            let invitation = Invitation { link: fresh_link(800), budget };
            let answer = invite(&mut changes, &mut dora, 0, &to, invitation, &Policy::default(), began());
            (answer.map_err(|refusal| refusal.reason()), dora.pending_email.unwrap().challenge.uuid())
        };
        assert_eq!(invited(budget(4, 99)), (Ok(()), uuid(800)));
        assert_eq!(invited(budget(5, 0)), (Err(Reason::TooSoon), uuid(700)));
    }
}
