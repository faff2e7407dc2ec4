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
        Method::Email | Method::Sms => true,
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

/// What a user lacks to be sent a link for a new password on an administrator's word.
pub(super) fn recovery_gates(user: &User, chain: &Chain, policy: &Policy, now: DateTime<Utc>) -> Verdict {
    Verdict::of([
        (Gate::EmailUnconfirmed, user.email.is_some()),
        (Gate::Blocked, !chain.blocked(now)),
        (Gate::Policy, user.email.is_none() || barrier_unless(user, true, policy).is_none()),
    ])
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
    let allowed = allow_on_user(who, &Action::SendRecovery, user, chain).and_then(|()| who.fresh(now));
    if let Err(refusal) = allowed {
        return refuse(who, user, refusal);
    }
    let gates = recovery_gates(user, chain, policy, now);
    let (Some((to, link)), true) = (user.confirmed_email().zip(link), gates.is_allowed()) else {
        return refuse(who, user, Refusal::not_allowed(gates.into_missing()));
    };
    if sent.value > 0 {
        return refuse(who, user, Refusal::from(Reason::TooSoon).until(sent.ends_at, now));
    }
    let challenge = link.challenge.uuid();
    let mut changes = Changes::none();
    issue_recovery_regardless(&mut changes, Whose::from(user), chain.lifts(), to, link, policy, now);
    for issued in &mut changes.events {
        issued.actor = who.id();
    }
    let window = Window::Rolling(policy.recovery_cool_down);
    changes.count(links_sent(user.id), CounterOp::Add { n: 1, limit: 1, window });
    pin(target, &mut changes);
    who.pin(chain, &mut changes);
    changes.event(event(who, user, "recovery_started").about(challenge));
    Decision::yes((), changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::fixture::*;
    use crate::manage::rules::seen;
    use crate::rights::AccessRight;
    use crate::session::model::Acting;
    use crate::user::{Flag, Flags};

    fn scene() -> (Account, Acting, User) {
        let account = account(1);
        let admin = user(2, &account);
        let mut bob = user(4, &account);
        bob.two_factor = Method::Email;
        bob.rights.insert(admin.id, rights([AccessRight::View, AccessRight::EditFlags]));
        (account.clone(), acting_as(&admin, &account), bob)
    }

    fn removed(bob: &User, counted: bool, now: DateTime<Utc>) -> Decision<()> {
        let (account, acting, _) = scene();
        let message = MessageId::from_uuid(uuid(60));
        let who = Who::User(&acting);
        remove_two_factor(who, &stored(bob.clone()), &chain([&account]), counted, message, now)
    }

    #[test]
    fn removing_the_factor_forgets_every_wrong_code_and_tells_the_user() {
        let (_, _, bob) = scene();
        let decision = removed(&bob, true, began());
        assert_eq!(touched(&decision.changes), [uuid(4), uuid(900), uuid(2), uuid(1)]);
        let kept: User = written(&decision.changes, uuid(4)).unwrap();
        assert_eq!((kept.two_factor, kept.credential_version), (Method::None, 2));
        assert_eq!(decision.changes.messages[0].kind, MessageKind::TwoFactorOff);
        let cleared = steps(&decision.changes);
        for purpose in Purpose::ALL {
            for counter in [purpose.failures(bob.id), purpose.wait(bob.id)] {
                assert!(cleared.contains(&format!("{} clear", counter.name)), "{counter:?}: {cleared:?}");
            }
        }
        assert_eq!(trail(&decision.changes), ["two_factor_removed: -"]);
    }

    #[test]
    fn a_lock_alone_is_lifted_silently_and_nothing_at_all_changes_nothing() {
        let (_, _, mut bob) = scene();
        bob.two_factor = Method::None;
        let lifted = removed(&bob, true, began());
        assert!(lifted.changes.messages.is_empty() && !lifted.changes.counters.is_empty());
        assert!(removed(&bob, false, began()).changes.is_empty());
        bob.pending_two_factor = Some(fresh_code(800).challenge);
        let kept: User = written(&removed(&bob, false, began()).changes, uuid(4)).unwrap();
        assert_eq!(kept.pending_two_factor, None);
    }

    #[test]
    fn a_stale_sign_in_removes_nothing_and_learns_nothing_either() {
        let (_, _, mut bob) = scene();
        let stale = began() + Policy::default().session_fresh;
        assert_eq!(removed(&bob, true, stale).reply.unwrap_err().reason(), Reason::StaleSignIn);
        bob.rights.clear();
        assert_eq!(removed(&bob, true, stale).reply.unwrap_err().reason(), Reason::NotFound);
    }

    #[test]
    fn ending_sessions_ends_what_was_pending_too() {
        let (account, acting, mut bob) = scene();
        bob.pending_two_factor = Some(fresh_code(800).challenge);
        let decision = end_sessions(Who::User(&acting), &stored(bob), &chain([&account]));
        let kept: User = written(&decision.changes, uuid(4)).unwrap();
        assert_eq!((kept.credential_version, kept.pending_two_factor), (2, None));
        assert_eq!(kept.two_factor, Method::Email, "the factor stays");
        assert_eq!(trail(&decision.changes), ["all_sessions_ended: -"]);
    }

    fn link() -> FreshLink {
        let challenge = fresh_code(800).challenge;
        FreshLink {
            challenge,
            message: MessageId::from_uuid(uuid(801)),
            token: crate::secret::LinkToken::of(challenge, &[3; 32]),
            digest: fresh_code(800).digest,
            epoch: 0,
        }
    }

    fn reset(bob: &User, account: &Account, sent: Count, policy: &Policy) -> Decision<()> {
        reset_at(bob, account, sent, policy, began())
    }

    fn reset_at(
        bob: &User,
        account: &Account,
        sent: Count,
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Decision<()> {
        let (_, acting, _) = scene();
        let link = bob.confirmed_email().map(|_| link());
        let who = Who::User(&acting);
        send_recovery(who, &stored(bob.clone()), &chain([account]), link, sent, policy, now)
    }

    #[test]
    fn a_link_is_sent_by_a_fresh_sign_in_alone() {
        let (account, acting, mut bob) = scene();
        let stale = acting.session.value.fresh_until;
        let sent = |bob: &User, now| reset_at(bob, &account, Count::default(), &Policy::default(), now);
        assert!(sent(&bob, stale - TICK).reply.is_ok());
        let decision = sent(&bob, stale);
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        assert_eq!(decision.reply.unwrap_err().reason(), Reason::StaleSignIn);
        bob.rights.clear();
        assert_eq!(sent(&bob, stale).reply.unwrap_err().reason(), Reason::NotFound, "nothing is learnt");
    }

    #[test]
    fn a_reset_changes_nothing_yet_and_needs_no_flag() {
        let (account, _, mut bob) = scene();
        bob.flags = Flags::default().with(Flag::ChangePassword, false);
        let decision = reset(&bob, &account, Count::default(), &Policy::default());
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(4), uuid(900), uuid(2), uuid(1)]);
        assert!(written::<User>(&decision.changes, uuid(4)).is_none(), "the old password stays");
        let kept: crate::challenge::Challenge = written(&decision.changes, uuid(800)).unwrap();
        assert!(kept.regardless_of_flag && kept.purpose == Purpose::Recovery);
        assert_eq!(kept.expires_at, began() + Policy::default().recovery_life);
        assert_eq!(decision.changes.messages[0].kind, MessageKind::RecoveryLink);
        assert!(trail(&decision.changes).contains(&"recovery_started: -".to_owned()));
        assert_eq!(steps(&decision.changes), ["administrative_recovery add 1 to 1"]);
    }

    #[test]
    fn a_reset_that_could_not_arrive_is_refused_with_the_gates() {
        let (mut account, _, mut bob) = scene();
        let missing = |bob: &User, account: &Account, policy: &Policy| {
            let decision = reset(bob, account, Count::default(), policy);
            assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
            decision.reply.unwrap_err().missing().to_vec()
        };
        assert_eq!(missing(&bob, &account, &Policy::strict()), [Gate::Policy]);
        account.blocked = true;
        assert_eq!(missing(&bob, &account, &Policy::default()), [Gate::Blocked]);
        bob.email = None;
        assert_eq!(missing(&bob, &account, &Policy::strict()), [Gate::EmailUnconfirmed, Gate::Blocked]);
    }

    #[test]
    fn a_verdict_says_what_the_act_would_miss() {
        let (account, acting, bob) = scene();
        let blocked = Account { blocked: true, ..account.clone() };
        let without = |change: fn(&mut User)| {
            let mut user = bob.clone();
            change(&mut user);
            user
        };
        let users = [
            without(|_| {}),
            without(|bob| bob.email = None),
            without(|bob| bob.two_factor = Method::None),
            without(|bob| bob.rights.values_mut().for_each(|held| *held = rights([AccessRight::View]))),
        ];
        let mut allowed = 0;
        for policy in [Policy::default(), Policy::strict()] {
            for (bob, account) in users.iter().flat_map(|bob| [(bob, &account), (bob, &blocked)]) {
                let act = reset(bob, account, Count::default(), &policy).reply;
                let missing = act.err().map_or(Vec::new(), |refusal| refusal.missing().to_vec());
                let who = Who::User(&acting);
                let verdict = seen(who, bob, &chain([account]), &policy, began()).may.send_recovery;
                assert_eq!((verdict.missing(), verdict.is_allowed()), (&missing[..], missing.is_empty()));
                allowed += u32::from(verdict.is_allowed());
            }
        }
        assert_eq!(allowed, 3, "under strict rules only whose second factor is not the mailbox");
    }

    #[test]
    fn resets_are_spaced() {
        let (account, _, bob) = scene();
        let second = began() + crate::policy::CLOCK_SLACK;
        let refused = reset(&bob, &account, until(1, second), &Policy::default()).reply.unwrap_err();
        assert_eq!((refused.reason(), refused.retry_after()), (Reason::TooSoon, Some(30)));
    }
}
