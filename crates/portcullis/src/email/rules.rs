//! What may become of an address.

use chrono::{DateTime, Utc};

use super::model::{Changed, EmailSettings, PendingEmailCode};
use super::undo::{leave_undo, may_replace};
use crate::challenge::link::FreshLink;
use crate::challenge::rules::{Ask, Entry, Fare, FreshCode, issue, judge, may_issue, pending_code};
use crate::challenge::{Challenge, PendingCode, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
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
    pub(crate) fare: Fare,
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
    if let Err(refusal) = may_replace(&acting.user.value, policy, now) {
        return acting.refuse(refusal, REFUSED);
    }
    if let Err(refusal) = may_issue(plan.failures, plan.wait, policy, now) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut changes = Changes::none();
    let challenge = plan.fresh.challenge;
    let ask = Ask {
        user: &acting.user.value,
        lifts: acting.chain.lifts(),
        purpose: Purpose::EmailConfirmation,
        destination: address.into(),
        session: None,
    };
    let code = match issue(&mut changes, &ask, plan.fresh, plan.fare, policy, now) {
        Ok(code) => code,
        Err(refusal) => return acting.refuse(refusal, REFUSED),
    };
    let mut user = acting.user.clone();
    user.value.pending_email = Some(PendingEmail::own(address.clone(), challenge));
    changes.put(&user);
    acting.guard(&mut changes);
    changes.event(acting.event("email_pending").about(challenge.uuid()));
    Decision::yes(code, changes)
}

/// Ids of the messages and the session that a change needs, and the link that takes it back.
#[derive(Clone, Debug)]
pub(crate) struct FreshIds {
    pub(crate) session: SessionId,
    /// For the confirmed address, if there is one.
    pub(crate) undo: Option<FreshLink>,
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
    let allowed = fresh_for(acting, entry, now).and_then(|()| may_replace(&acting.user.value, policy, now));
    if let Err(refusal) = allowed {
        // No code is judged: whether it was right is not told.
        return acting.refuse(refusal, "email_refused");
    }
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    let Some(address) = entry.challenge.value.mailbox() else {
        return acting.refuse_keeping(changes.into_pins(), Reason::ChallengeDead.into(), "email_refused");
    };
    if taken {
        // The code stays unspent: nothing was done with it.
        return acting.refuse_keeping(changes.into_pins(), Reason::AddressTaken.into(), "email_refused");
    }
    let mut user = acting.user.clone();
    take(&mut user.value, address, policy, now);
    leave_undo(&mut changes, &acting.user.value, &mut user.value, ids.undo, ids.to_new, policy, now);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("email_confirmed").about(entry.challenge.value.id.uuid()));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), policy), session), changes)
}

/// Whether the sign-in is recent enough for an address: who named it himself proved that then, but what somebody else
/// named would be taken by whoever holds an old cookie and reads the new mailbox.
fn fresh_for(acting: &Acting, entry: &Entry, now: DateTime<Utc>) -> Result<(), Refusal> {
    let pending = acting.user.value.pending_email.as_ref();
    let waits = pending.filter(|pending| pending.challenge == entry.challenge.value.id);
    if waits.is_some_and(|pending| pending.proposed_by_other) { acting.fresh(now) } else { Ok(()) }
}

/// Makes an address the user's confirmed one.
// INVARIANT: only called in the commit that spends a code sent to this address.
pub(crate) fn take(user: &mut User, address: &Email, policy: &Policy, now: DateTime<Utc>) {
    user.email =
        Some(ConfirmedEmail { address: address.clone(), confirmed_at: now, unique: policy.email_unique });
    bump_credentials(user);
}

/// A notice of a security event.
pub(crate) fn notice(user: &User, kind: MessageKind, to: &Email, id: MessageId) -> Draft {
    Draft {
        id,
        tenant: user.tenant.uuid(),
        user: user.id,
        kind,
        to: to.into(),
        lane: Lane::Interactive,
        code: None,
        charge: None,
        once_at: None,
        not_before: None,
        day: None,
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
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Option<crate::session::CurrentSession>> {
    const REFUSED: &str = "email_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if acting.user.value.email.is_none() {
        return Decision::yes(None, Changes::none());
    }
    match acting.user.value.two_factor {
        Method::Email => return acting.refuse(Reason::InUse.into(), REFUSED),
        Method::None | Method::Sms => {}
    }
    if acting.user.value.blocking_notices {
        return acting.refuse(Reason::InUse.into(), REFUSED);
    }
    if let Err(refusal) = may_replace(&acting.user.value, policy, now) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut changes = Changes::none();
    let mut user = acting.user.clone();
    user.value.email = None;
    bump_credentials(&mut user.value);
    leave_undo(&mut changes, &acting.user.value, &mut user.value, ids.undo, ids.to_new, policy, now);
    changes.put(&user);
    acting.chain.guard(&mut changes);
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::account::Account;
    use crate::challenge::rules::Budgets;
    use crate::fixture::*;

    fn alice() -> (Account, User) {
        let account = account(1);
        let alice = user(2, &account);
        (account, alice)
    }

    fn ids() -> FreshIds {
        FreshIds {
            session: SessionId::from_uuid(uuid(50)),
            undo: Some(fresh_link(810)),
            to_new: MessageId::from_uuid(uuid(52)),
            notice: MessageId::from_uuid(uuid(53)),
        }
    }

    fn plan() -> Plan {
        Plan {
            fresh: fresh_code(800),
            fare: fare(NO_BUDGETS),
            failures: Count::default(),
            wait: Count::default(),
        }
    }

    fn asked(user: &User, address: &str, now: DateTime<Utc>) -> Decision<PendingCode> {
        let (account, _) = alice();
        set(&acting_as(user, &account), &email(address), plan(), &Policy::default(), now)
    }

    fn refused<T>(decision: Decision<T>) -> (Reason, Vec<String>) {
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        let Err(refusal) = decision.reply else { panic!("a refusal") };
        (refusal.reason(), trail(&decision.changes))
    }

    fn sent(changes: &Changes) -> Vec<(MessageKind, String)> {
        changes.messages.iter().map(|draft| (draft.kind, draft.to.as_str().to_owned())).collect()
    }

    #[test]
    fn a_new_address_waits_and_the_old_one_stays() {
        let (_, alice) = alice();
        let decision = asked(&alice, "new@example.com", began());
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(2), uuid(900), uuid(1)]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!(kept.confirmed_email().unwrap().as_str(), "u2@example.com");
        assert_eq!(kept.credential_version, alice.credential_version);
        let pending = kept.pending_email.unwrap();
        assert_eq!((pending.address.as_str(), pending.challenge.uuid()), ("new@example.com", uuid(800)));
        let to_new = (MessageKind::EmailConfirmationCode, String::from("new@example.com"));
        assert_eq!(sent(&decision.changes), [to_new]);
    }

    #[test]
    fn a_stale_sign_in_or_the_same_address_asks_nothing() {
        let (_, alice) = alice();
        let stale = began() + Policy::default().session_fresh;
        let (reason, told) = refused(asked(&alice, "new@example.com", stale));
        assert_eq!((reason, told), (Reason::StaleSignIn, vec!["email_refused: stale_sign_in".to_owned()]));
        let (reason, _) = refused(asked(&alice, "u2@EXAMPLE.com", began()));
        assert_eq!(reason, Reason::Unchanged);
    }

    #[test]
    fn locked_codes_and_full_budgets_ask_nothing() {
        let (account, alice) = alice();
        let with = |change: &dyn Fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            let acting = acting_as(&alice, &account);
            refused(set(&acting, &email("new@example.com"), plan, &Policy::default(), began())).0
        };
        assert_eq!(with(&|p| p.failures = count(100)), Reason::Locked);
        assert_eq!(with(&|p| p.wait = count(1)), Reason::Locked);
        assert_eq!(with(&|p| p.fare = fare(Budgets { user: count(10), ..NO_BUDGETS })), Reason::TooSoon);
    }

    /// Alice, her new address waiting, and its code entered.
    fn confirming(fits: bool) -> (Acting, Entry) {
        let (account, mut alice) = alice();
        let challenge = challenge(Purpose::EmailConfirmation, &alice, "new@example.com");
        alice.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge.id));
        (acting_as(&alice, &account), entry(&challenge, &alice, &chain([&account]), fits))
    }

    #[test]
    fn the_right_code_makes_the_address_the_users_and_every_other_session_dead() {
        let (mut acting, mut entry) = confirming(true);
        for user in [&mut acting.user.value, &mut entry.user.value] {
            user.two_factor = Method::Email;
        }
        let decision = confirm(&acting, &entry, false, ids(), &Policy::default(), began());
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(810), uuid(2), uuid(50), uuid(1), uuid(900)]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!(kept.confirmed_email().unwrap().as_str(), "new@example.com");
        assert_eq!((kept.credential_version, kept.pending_email.is_none()), (2, true));
        assert_eq!(kept.claims.first().unwrap().address.as_str(), "u2@example.com");
        assert_eq!(kept.two_factor, Method::Email, "two-factor authentication follows");
        let told = |kind, address: &str| (kind, address.to_owned());
        let (undo, changed) = (MessageKind::EmailUndo, MessageKind::EmailChanged);
        assert_eq!(sent(&decision.changes), [told(undo, "u2@example.com"), told(changed, "new@example.com")]);
        let changed = decision.reply.unwrap();
        assert_eq!((changed.session.id, changed.now.confirmed), (ids().session, true));
        assert!(changed.now.pending.is_none());
    }

    #[test]
    fn an_address_that_another_proposed_takes_a_fresh_sign_in() {
        let (mut acting, mut entry) = confirming(true);
        let stale = acting.session.value.fresh_until;
        let confirmed = |acting: &Acting, entry: &Entry, now| {
            confirm(acting, entry, false, ids(), &Policy::default(), now)
        };
        entry.challenge.value.expires_at = stale + TimeDelta::days(1);
        assert!(confirmed(&acting, &entry, stale).reply.is_ok(), "the own one was asked for afresh");
        for user in [&mut acting.user.value, &mut entry.user.value] {
            let pending = PendingEmail::proposed(email("new@example.com"), entry.challenge.value.id);
            user.pending_email = Some(pending);
        }
        assert!(confirmed(&acting, &entry, stale - TICK).reply.is_ok());
        let (reason, told) = refused(confirmed(&acting, &entry, stale));
        assert_eq!((reason, told), (Reason::StaleSignIn, vec!["email_refused: stale_sign_in".to_owned()]));
        entry.fits = false;
        let (reason, _) = refused(confirmed(&acting, &entry, stale));
        assert_eq!(reason, Reason::StaleSignIn, "no code is judged");
    }

    #[test]
    fn a_first_address_has_nobody_to_tell() {
        let (mut acting, mut entry) = confirming(true);
        for user in [&mut acting.user.value, &mut entry.user.value] {
            user.email = None;
        }
        let decision = confirm(&acting, &entry, false, ids(), &Policy::default(), began());
        assert!(decision.reply.is_ok() && decision.changes.messages.is_empty());
    }

    #[test]
    fn a_taken_address_leaves_the_code_unspent_and_leaves_only_within_the_limits() {
        let (acting, entry) = confirming(true);
        let decision = confirm(&acting, &entry, true, ids(), &Policy::default(), began());
        assert_eq!(steps(&decision.changes), ["attempts below 5", "email_code_wait below 1"]);
        let (reason, told) = refused(decision);
        assert_eq!((reason, told), (Reason::AddressTaken, vec!["email_refused: address_taken".to_owned()]));
        let (acting, entry) = confirming(false);
        let wrong = confirm(&acting, &entry, true, ids(), &Policy::default(), began());
        assert_eq!(wrong.reply.unwrap_err().reason(), Reason::WrongCode, "who guesses learns nothing");
    }

    #[test]
    fn the_address_can_not_go_while_codes_go_there() {
        let (account, mut alice) = alice();
        let cleared = |user: &User, now| clear(&acting_as(user, &account), ids(), &Policy::default(), now);
        let stale = began() + Policy::default().session_fresh;
        assert_eq!(refused(cleared(&alice, stale)).0, Reason::StaleSignIn);
        let decision = cleared(&alice, began());
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert!(kept.email.is_none() && kept.credential_version == 2);
        assert_eq!(decision.changes.deletes, [(uuid(900), 7)]);
        assert_eq!(sent(&decision.changes), [(MessageKind::EmailUndo, "u2@example.com".to_owned())]);
        alice.two_factor = Method::Email;
        assert_eq!(refused(cleared(&alice, began())).0, Reason::InUse);
        (alice.two_factor, alice.email) = (Method::None, None);
        let nothing = cleared(&alice, began());
        assert!(nothing.reply.unwrap().is_none() && nothing.changes.is_empty());
    }

    #[test]
    fn cancelling_forgets_what_waits_and_twice_changes_nothing() {
        let (mut acting, _) = confirming(true);
        let decision = cancel(&acting);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert!(kept.pending_email.is_none() && kept.credential_version == 1);
        assert_eq!(touched(&decision.changes), [uuid(2), uuid(900), uuid(1)]);
        acting.user.value.pending_email = None;
        assert!(cancel(&acting).changes.is_empty());
    }

    #[test]
    fn the_owner_sees_the_pending_address_only_while_its_code_lives() {
        let (acting, entry) = confirming(true);
        let user = &acting.user.value;
        let policy = Policy::default();
        let seen = settings(user, Some(&entry.challenge), count(2), &policy);
        assert_eq!(seen.address.as_deref(), Some("u2@example.com"));
        let pending = seen.pending.unwrap();
        assert_eq!((pending.address.as_str(), pending.code.attempts_left), ("new@example.com", 3));
        assert!(settings(user, None, count(0), &policy).pending.is_none());
        let mut bare = user.clone();
        bare.email = None;
        let seen = settings(&bare, Some(&entry.challenge), count(0), &policy);
        assert_eq!((seen.address.as_deref(), seen.confirmed), (Some("new@example.com"), false));
    }
}
