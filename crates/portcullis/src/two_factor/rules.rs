//! When two-factor authentication may be switched on and off.

use chrono::{DateTime, Utc};

use super::model::{Delivery, MethodOption, PendingMethod, TwoFactorSettings};
use crate::challenge::rules::{Ask, Entry, issue, judge, may_issue, pending_code};
use crate::challenge::{Challenge, Channel, PendingCode, Purpose};
use crate::contact::Email;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::email::Changed;
use crate::email::rules::{FreshIds, Plan, notice, take};
use crate::email::undo::{leave_undo, may_replace};
use crate::message::MessageKind;
use crate::policy::Policy;
use crate::port::store::Count;
use crate::rights::{Gate, Verdict};
use crate::session::Assurance;
use crate::session::model::Acting;
use crate::session::rules::succeed;
use crate::sms::rules::{Route, route};
use crate::user::rules::bump_credentials;
use crate::user::{Method, User};

/// May this user choose the method? Every missing gate is named. A pending address counts where its code confirms it
/// in the same step. `sms` is what is missing for an SMS, whatever the number.
pub(crate) fn verdict(
    user: &User,
    method: Method,
    with_pending: bool,
    sms: &[Gate],
    policy: &Policy,
) -> Verdict {
    match method {
        Method::None => {
            Verdict::of([(Gate::WeakPassword, user.two_factor == Method::None || user.long_enough_alone)])
        }
        Method::Sms => Verdict::of(sms.iter().map(|gate| (*gate, false))),
        Method::Email => {
            let address = user.email.is_some() || (with_pending && user.pending_email.is_some());
            Verdict::of([(Gate::Policy, policy.email_factor), (Gate::EmailUnconfirmed, address)])
        }
    }
}

/// Where the code that switches e-mail on would go: the pending address when it is named, else the confirmed one.
pub(crate) fn destination<'a>(user: &'a User, named: Option<&Email>) -> Option<&'a Email> {
    match named {
        None => user.confirmed_email(),
        Some(named) => {
            let pending = user.pending_email.as_ref().map(|pending| &pending.address);
            pending.into_iter().chain(user.confirmed_email()).find(|address| address.same_as(named))
        }
    }
}

/// Sends the code that switches two-factor authentication by e-mail on.
pub(crate) fn ask(
    acting: &Acting,
    named: Option<&Email>,
    plan: Option<Plan>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<PendingCode> {
    const REFUSED: &str = "two_factor_refused";
    let user = &acting.user.value;
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    let missing = verdict(user, Method::Email, named.is_some(), &[], policy).into_missing();
    let destination = destination(user, named);
    match (destination, plan) {
        _ if missing.iter().any(|gate| *gate != Gate::EmailUnconfirmed) => {
            acting.refuse(Refusal::not_allowed(missing), REFUSED)
        }
        (Some(destination), Some(plan)) if missing.is_empty() => {
            let confirmed = user.confirmed_email().is_some_and(|email| email.same_as(destination));
            if user.two_factor == Method::Email && confirmed {
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
                purpose: Purpose::TwoFactorEmail,
                destination: destination.into(),
                session: None,
            };
            let code = match issue(&mut changes, &ask, plan.fresh, plan.fare, policy, now) {
                Ok(code) => code,
                Err(refusal) => return acting.refuse(refusal, REFUSED),
            };
            let mut user = acting.user.clone();
            user.value.pending_two_factor = Some(challenge);
            changes.put(&user);
            acting.guard(&mut changes);
            changes.event(acting.event("two_factor_pending").about(challenge.uuid()));
            Decision::yes(code, changes)
        }
        _ => acting.refuse(Reason::EmailUnconfirmed.into(), REFUSED),
    }
}

/// Switches two-factor authentication by e-mail on by the right code; a pending address it was sent to is confirmed in
/// the same step.
pub(crate) fn enable(
    acting: &Acting,
    entry: &Entry,
    taken: bool,
    ids: FreshIds,
    sms: &[Gate],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<TwoFactorSettings>> {
    const REFUSED: &str = "two_factor_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if !policy.email_factor {
        return acting.refuse(Refusal::not_allowed(vec![Gate::Policy]), REFUSED);
    }
    let Some(to) = entry.challenge.value.mailbox() else {
        return acting.refuse(Reason::ChallengeDead.into(), REFUSED);
    };
    let stays = acting.user.value.confirmed_email().is_some_and(|email| email.same_as(to));
    if let Some(refusal) = may_replace(&acting.user.value, policy, now).err().filter(|_| !stays) {
        return acting.refuse(refusal, REFUSED);
    }
    let mut changes = match judge(entry, policy, now) {
        Ok(changes) => changes,
        Err(no) => return no.into(),
    };
    if taken {
        return acting.refuse_keeping(changes.into_pins(), Reason::AddressTaken.into(), REFUSED);
    }
    let mut user = acting.user.clone();
    let pending = user.value.pending_email.as_ref();
    if stays {
        bump_credentials(&mut user.value);
    } else if pending.is_some_and(|pending| pending.address.same_as(to)) {
        take(&mut user.value, to, policy, now);
        leave_undo(&mut changes, &acting.user.value, &mut user.value, ids.undo, ids.to_new, policy, now);
    } else {
        return acting.refuse_keeping(changes.into_pins(), Reason::EmailUnconfirmed.into(), REFUSED);
    }
    user.value.two_factor = Method::Email;
    changes.put(&user);
    acting.chain.guard(&mut changes);
    changes.send(notice(&user.value, MessageKind::TwoFactorOn, to, ids.notice));
    let session = succeed(acting, &user.value, ids.session, Assurance::PasswordEmail, &mut changes);
    changes.event(acting.event("two_factor_on").because("email").about(entry.challenge.value.id.uuid()));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), sms, policy), session), changes)
}

/// Switches two-factor authentication off.
pub(crate) fn disable(
    acting: &Acting,
    ids: &FreshIds,
    sms: &[Gate],
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Changed<TwoFactorSettings>> {
    const REFUSED: &str = "two_factor_refused";
    if let Err(refusal) = acting.fresh(now) {
        return acting.refuse(refusal, REFUSED);
    }
    if acting.user.value.two_factor == Method::None {
        return acting.refuse(Reason::Unchanged.into(), REFUSED);
    }
    if !verdict(&acting.user.value, Method::None, false, &[], policy).is_allowed() {
        return acting.refuse(Reason::WeakPassword.into(), REFUSED);
    }
    let mut changes = Changes::none();
    let mut user = acting.user.clone();
    user.value.two_factor = Method::None;
    bump_credentials(&mut user.value);
    changes.put(&user);
    acting.chain.guard(&mut changes);
    if let Some(to) = user.value.confirmed_email() {
        changes.send(notice(&user.value, MessageKind::TwoFactorOff, to, ids.notice));
    }
    let session = succeed(acting, &user.value, ids.session, acting.session.value.assurance, &mut changes);
    changes.event(acting.event("two_factor_off"));
    Decision::yes(Changed::new(settings(&user.value, None, Count::default(), sms, policy), session), changes)
}

/// Forgets the method being switched on.
pub(crate) fn cancel(acting: &Acting) -> Decision<()> {
    let mut changes = Changes::none();
    if acting.user.value.pending_two_factor.is_some() {
        let mut user = acting.user.clone();
        user.value.pending_two_factor = None;
        changes.put(&user);
        acting.guard(&mut changes);
        changes.event(acting.event("two_factor_cancelled"));
    }
    Decision::yes((), changes)
}

/// Two-factor authentication as its user sees it. `sms` is what is missing for an SMS, whatever the number.
pub(crate) fn settings(
    user: &User,
    challenge: Option<&Stored<Challenge>>,
    attempts: Count,
    sms: &[Gate],
    policy: &Policy,
) -> TwoFactorSettings {
    let option = |method| MethodOption { method, verdict: verdict(user, method, true, sms, policy) };
    let by = |channel| match channel {
        Channel::Email => Method::Email,
        Channel::Sms => Method::Sms,
    };
    TwoFactorSettings {
        method: user.two_factor,
        pending: challenge.map(|challenge| PendingMethod {
            method: by(challenge.value.destination.channel()),
            code: pending_code(&challenge.value, attempts, policy),
        }),
        options: Method::ALL.into_iter().map(option).collect(),
        delivery: delivery(user, sms, policy),
    }
}

/// How sign-in codes travel now, and what is missing where they don't travel as chosen.
fn delivery(user: &User, sms: &[Gate], policy: &Policy) -> Option<Delivery> {
    match user.two_factor {
        Method::None => None,
        Method::Email | Method::Sms => Some(match route(user, sms, None, policy) {
            Ok(Route { to, instead_of }) => Delivery { channel: Some(to.channel()), reasons: instead_of },
            Err(missing) => Delivery { channel: None, reasons: missing },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::fixture::*;
    use crate::id::{MessageId, SessionId};
    use crate::user::model::PendingEmail;

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

    fn waiting(mut user: User, address: &str) -> User {
        let challenge = crate::id::ChallengeId::from_uuid(uuid(700));
        user.pending_email = Some(PendingEmail::own(email(address), challenge));
        user
    }

    fn asked(user: &User, named: Option<&str>, policy: &Policy, now: DateTime<Utc>) -> Decision<PendingCode> {
        let (account, _) = alice();
        let named = named.map(email);
        let plan = destination(user, named.as_ref()).map(|_| Plan {
            fresh: fresh_code(800),
            fare: fare(NO_BUDGETS),
            failures: Count::default(),
            wait: Count::default(),
        });
        ask(&acting_as(user, &account), named.as_ref(), plan, policy, now)
    }

    fn refused<T>(decision: Decision<T>) -> Refusal {
        assert!(touched(&decision.changes).is_empty() && decision.changes.messages.is_empty());
        let Err(refusal) = decision.reply else { panic!("a refusal") };
        assert_eq!(trail(&decision.changes), [format!("two_factor_refused: {}", refusal.code())]);
        refusal
    }

    fn refuse(user: &User, named: Option<&str>) -> Reason {
        refused(asked(user, named, &Policy::default(), began())).reason()
    }

    #[test]
    fn a_verdict_names_every_missing_gate() {
        let (_, mut alice) = alice();
        let missing = |user: &User, method, pending, policy: &Policy| {
            verdict(user, method, pending, &[], policy).into_missing()
        };
        let (usual, strict) = (Policy::default(), Policy::strict());
        assert_eq!(missing(&alice, Method::Email, false, &usual), []);
        assert_eq!(missing(&alice, Method::Email, false, &strict), [Gate::Policy]);
        alice.email = None;
        assert_eq!(missing(&alice, Method::Email, false, &strict), [Gate::Policy, Gate::EmailUnconfirmed]);
        assert_eq!(missing(&alice, Method::Email, true, &usual), [Gate::EmailUnconfirmed]);
        let alice = waiting(alice, "new@example.com");
        assert_eq!(missing(&alice, Method::Email, true, &usual), []);
        assert_eq!(missing(&alice, Method::Email, false, &usual), [Gate::EmailUnconfirmed]);
    }

    #[test]
    fn a_weak_password_may_not_be_left_alone() {
        let (account, mut alice) = alice();
        alice.long_enough_alone = false;
        let may = |user: &User| verdict(user, Method::None, false, &[], &Policy::default()).into_missing();
        assert_eq!(may(&alice), [], "it is alone already");
        alice.two_factor = Method::Email;
        assert_eq!(may(&alice), [Gate::WeakPassword]);
        let off =
            |user: &User, now| disable(&acting_as(user, &account), &ids(), &[], &Policy::default(), now);
        assert_eq!(refused(off(&alice, began())).reason(), Reason::WeakPassword);
        alice.long_enough_alone = true;
        let stale = began() + Policy::default().session_fresh;
        assert_eq!(refused(off(&alice, stale)).reason(), Reason::StaleSignIn);
        let decision = off(&alice, began());
        assert_eq!(touched(&decision.changes), [uuid(2), uuid(50), uuid(1), uuid(900)]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!((kept.two_factor, kept.credential_version), (Method::None, 2));
        assert_eq!(decision.changes.messages.first().unwrap().kind, MessageKind::TwoFactorOff);
        assert_eq!(decision.reply.unwrap().now.delivery, None);
        assert_eq!(refused(off(&kept, began())).reason(), Reason::Unchanged);
    }

    #[test]
    fn the_code_goes_to_the_confirmed_address_or_to_the_pending_one_that_is_named() {
        let (_, alice) = alice();
        let alice = waiting(alice, "new@example.com");
        let to = |named: Option<&str>| {
            let named = named.map(email);
            destination(&alice, named.as_ref()).map(|to| to.as_str().to_owned())
        };
        assert_eq!(to(None).as_deref(), Some("u2@example.com"));
        assert_eq!(to(Some("new@EXAMPLE.com")).as_deref(), Some("new@example.com"));
        assert_eq!(to(Some("u2@example.com")).as_deref(), Some("u2@example.com"));
        assert_eq!(to(Some("other@example.com")), None);
    }

    #[test]
    fn asking_sends_a_code_and_switches_nothing_on() {
        let (_, alice) = alice();
        let decision = asked(&alice, None, &Policy::default(), began());
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(2), uuid(900), uuid(1)]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!((kept.two_factor, kept.credential_version), (Method::None, 1));
        assert_eq!(kept.pending_two_factor.unwrap().uuid(), uuid(800));
        assert_eq!(decision.changes.messages.first().unwrap().kind, MessageKind::TwoFactorCode);
    }

    #[test]
    fn asking_is_refused_with_the_reason() {
        let (_, mut alice) = alice();
        let stale = began() + Policy::default().session_fresh;
        let late = refused(asked(&alice, None, &Policy::default(), stale));
        assert_eq!(late.reason(), Reason::StaleSignIn);
        assert_eq!(refuse(&alice, Some("other@example.com")), Reason::EmailUnconfirmed);
        let off = refused(asked(&alice, None, &Policy::strict(), began()));
        assert_eq!((off.reason(), off.missing()), (Reason::NotAllowed, [Gate::Policy].as_slice()));
        alice.two_factor = Method::Email;
        assert_eq!(refuse(&alice, None), Reason::Unchanged);
        alice.email = None;
        assert_eq!(refuse(&alice, None), Reason::EmailUnconfirmed);
        let both = refused(asked(&alice, None, &Policy::strict(), began()));
        assert_eq!(both.missing(), [Gate::Policy, Gate::EmailUnconfirmed]);
    }

    fn enabling(user: &User, to: &str) -> (Acting, Entry) {
        let (account, _) = alice();
        let challenge = challenge(Purpose::TwoFactorEmail, user, to);
        let mut user = user.clone();
        user.pending_two_factor = Some(challenge.id);
        (acting_as(&user, &account), entry(&challenge, &user, &chain([&account]), true))
    }

    fn on(acting: &Acting, entry: &Entry, taken: bool) -> Decision<Changed<TwoFactorSettings>> {
        enable(acting, entry, taken, ids(), &[], &Policy::default(), began())
    }

    #[test]
    fn the_right_code_switches_it_on_and_every_other_session_is_dead() {
        let (acting, entry) = enabling(&alice().1, "u2@example.com");
        let decision = on(&acting, &entry, false);
        assert_eq!(touched(&decision.changes), [uuid(800), uuid(2), uuid(50), uuid(1), uuid(900)]);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!((kept.two_factor, kept.credential_version), (Method::Email, 2));
        assert!(kept.pending_two_factor.is_none());
        let changed = decision.reply.unwrap();
        assert_eq!(changed.session.assurance, Assurance::PasswordEmail);
        assert_eq!(
            (changed.now.method, changed.now.delivery.unwrap().channel),
            (Method::Email, Some(Channel::Email))
        );
    }

    #[test]
    fn a_pending_address_is_confirmed_and_used_in_one_step() {
        let (acting, entry) = enabling(&waiting(alice().1, "new@example.com"), "new@example.com");
        let decision = on(&acting, &entry, false);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert_eq!(kept.confirmed_email().unwrap().as_str(), "new@example.com");
        assert_eq!((kept.two_factor, kept.credential_version), (Method::Email, 2));
        assert!(kept.pending_email.is_none());
        let kinds: Vec<_> = decision.changes.messages.iter().map(|draft| draft.kind).collect();
        assert_eq!(kinds, [MessageKind::EmailUndo, MessageKind::EmailChanged, MessageKind::TwoFactorOn]);
        assert_eq!(kept.claims.len(), 1);
    }

    #[test]
    fn nothing_is_switched_on_for_an_address_that_is_not_the_users() {
        let (acting, entry) = enabling(&alice().1, "gone@example.com");
        let decision = on(&acting, &entry, false);
        assert_eq!(steps(&decision.changes), ["attempts below 5", "two_factor_code_wait below 1"]);
        assert_eq!(refused(decision).reason(), Reason::EmailUnconfirmed);
        let (acting, entry) = enabling(&waiting(alice().1, "new@example.com"), "new@example.com");
        let decision = on(&acting, &entry, true);
        assert_eq!(steps(&decision.changes), ["attempts below 5", "two_factor_code_wait below 1"]);
        assert_eq!(refused(decision).reason(), Reason::AddressTaken);
    }

    #[test]
    fn a_stale_sign_in_or_a_strict_policy_judges_no_code() {
        let (acting, entry) = enabling(&alice().1, "u2@example.com");
        let stale = acting.session.value.fresh_until;
        let late = enable(&acting, &entry, false, ids(), &[], &Policy::default(), stale);
        assert!(late.changes.counters.is_empty());
        assert_eq!(refused(late).reason(), Reason::StaleSignIn);
        let strict = enable(&acting, &entry, false, ids(), &[], &Policy::strict(), began());
        assert_eq!(refused(strict).missing(), [Gate::Policy]);
    }

    #[test]
    fn cancelling_forgets_the_method_and_twice_changes_nothing() {
        let (mut acting, _) = enabling(&alice().1, "u2@example.com");
        let decision = cancel(&acting);
        let kept: User = written(&decision.changes, uuid(2)).unwrap();
        assert!(kept.pending_two_factor.is_none() && kept.credential_version == 1);
        acting.user.value.pending_two_factor = None;
        assert!(cancel(&acting).changes.is_empty());
    }

    #[test]
    fn its_user_sees_each_method_with_its_verdict() {
        let (_, alice) = alice();
        let (_, entry) = enabling(&alice, "u2@example.com");
        let seen = settings(&alice, Some(&entry.challenge), count(1), &[Gate::SendSms], &Policy::strict());
        assert_eq!(seen.pending.unwrap().code.attempts_left, 4);
        let options: Vec<_> =
            seen.options.iter().map(|option| (option.method, option.verdict.missing().to_vec())).collect();
        assert_eq!(
            options,
            [
                (Method::None, Vec::new()),
                (Method::Email, vec![Gate::Policy]),
                (Method::Sms, vec![Gate::SendSms]),
            ]
        );
    }
}
