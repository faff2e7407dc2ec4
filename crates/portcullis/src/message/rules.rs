//! Whether a message may still leave, and what follows when it did or did not.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Message, MessageKind, Outcome};
use super::reseal::Sealed;
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::rules::death;
use crate::challenge::{Challenge, Purpose};
use crate::contact::Destination;
use crate::decision::{Changes, Decision, Stored};
use crate::keyring::Keyring;
use crate::policy::{NOTICE_REMEMBERED, Policy};
use crate::port::message::SendError;
use crate::port::store::Lane;
use crate::recovery::rules::barrier_for;
use crate::session::rules::after;
use crate::user::User;

/// Whether a message may leave now: asked on the worker's own read, right before it is sent.
///
/// # Errors
/// Why it must not.
pub(crate) fn may_leave(
    message: &Message,
    to: &Destination,
    user: Option<&User>,
    chain: &Chain,
    challenge: Option<&Challenge>,
    epoch: u32,
    now: DateTime<Utc>,
) -> Result<(), &'static str> {
    let Some(user) = user else {
        return Err("user_gone");
    };
    if message.challenge.is_none() {
        return Ok(());
    }
    let Some(challenge) = challenge else {
        return Err("challenge_gone");
    };
    if let Some(why) = death(challenge, user, chain, epoch, now) {
        return Err(why);
    }
    if challenge.issue != message.issue {
        return Err("superseded");
    }
    if !challenge.destination.same_as(to) {
        return Err("destination_changed");
    }
    let confirmed = user.confirmed_email().is_some_and(|email| to.is_email(email));
    let pending = user.pending_email.as_ref().is_some_and(|pending| to.is_email(&pending.address));
    let phone = user.phone.as_ref().is_some_and(|phone| to.is_phone(phone));
    let goes_there = match challenge.purpose {
        Purpose::SignIn | Purpose::Reauthentication => confirmed || pending || phone,
        Purpose::EmailConfirmation | Purpose::TwoFactorEmail | Purpose::Invitation => confirmed || pending,
        // The challenge is the one that the user's record names, and its number waits for this very code.
        Purpose::TwoFactorSms => to.phone().is_some(),
        Purpose::Recovery => confirmed,
        Purpose::FlespiHandOff => false,
        Purpose::EmailUndo => {
            user.claims.iter().any(|claim| claim.challenge == challenge.id && to.is_email(&claim.address))
        }
    };
    if goes_there { Ok(()) } else { Err("destination_changed") }
}

/// Whether a message may still go where it is addressed; asked after [`may_leave`], which asks so of codes and links.
///
/// A notice tells the owner what was done: at his confirmed address, or at one that it replaced and that he can put back.
/// A changed address is told to whoever has lost it besides, though nothing of him is left by then; so that is told
/// only as long as such a change can be taken back.
///
/// # Errors
/// Why it must not.
// INVARIANT: nobody is told of a user whose address he took over later.
pub(crate) fn may_tell(
    message: &Message,
    to: &Destination,
    user: &User,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<(), &'static str> {
    let reads = || {
        to.email().is_some_and(|to| user.receives_at(to))
            || user.claims.iter().any(|claim| now < claim.ends_at && to.is_email(&claim.address))
    };
    let goes_there = match message.kind {
        MessageKind::CodesLocked
        | MessageKind::PasswordChanged
        | MessageKind::TwoFactorOn
        | MessageKind::TwoFactorOff
        | MessageKind::BlockingNotice
        | MessageKind::FlespiExpiring => reads(),
        MessageKind::EmailChanged => reads() || now < after(message.created_at, policy.email_undo_life),
        MessageKind::SignInCode
        | MessageKind::ReauthenticationCode
        | MessageKind::EmailConfirmationCode
        | MessageKind::TwoFactorCode
        | MessageKind::RecoveryLink
        | MessageKind::InvitationLink
        | MessageKind::EmailUndo => true,
    };
    if goes_there { Ok(()) } else { Err("destination_changed") }
}

/// Whether a recovery link may leave, as far as its user's rights go; asked before [`may_leave`].
pub(crate) fn may_recover(
    challenge: Option<&Challenge>,
    user: Option<&User>,
    policy: &Policy,
) -> Result<(), &'static str> {
    match (challenge, user) {
        (Some(challenge), Some(user)) if challenge.purpose == Purpose::Recovery => {
            barrier_for(challenge, user, policy).map_or(Ok(()), Err)
        }
        _ => Ok(()),
    }
}

/// What sending came to, kept under the version that was claimed.
pub(crate) fn settle(
    message: Stored<Message>,
    result: &Result<(), SendError>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let tries = message.value.tries.saturating_add(1);
    let mut message = message;
    match result {
        Ok(()) => close(message, Outcome::Sent, "message_sent", None, policy, now),
        Err(SendError::Permanent { .. }) => {
            close(message, Outcome::GivenUp, "message_given_up", Some("refused"), policy, now)
        }
        // A fault of the set-up blames no address: the message waits for the fault to be mended.
        Err(SendError::Misconfigured { .. }) => {
            let before = message.value.faults;
            message.value.faults = before.saturating_add(1);
            let wait = spaced(before, policy.send_retry_first, policy.fault_retry_longest);
            // The trail says that it began; the log says at each retry that it lasts.
            retry(message, (before == 0).then_some("misconfigured"), wait, now)
        }
        Err(
            error @ (SendError::Transient { .. } | SendError::Throttled { .. } | SendError::Ambiguous { .. }),
        ) => {
            message.value.faults = 0;
            if tries >= policy.send_tries {
                return close(message, Outcome::GivenUp, "message_given_up", Some("tries_used"), policy, now);
            }
            message.value.tries = tries;
            retry(message, Some("not_taken_over"), next_wait(error, tries, policy), now)
        }
    }
}

/// The wait before the next try, after so many: spaced, and as long as the other side asked for.
pub(crate) fn next_wait(error: &SendError, tries: u32, policy: &Policy) -> TimeDelta {
    let spaced = spaced(tries.saturating_sub(1), policy.send_retry_first, policy.send_retry_longest);
    let told = match error {
        SendError::Throttled { wait, .. } => {
            TimeDelta::from_std(*wait).unwrap_or(TimeDelta::MAX).min(policy.send_retry_longest)
        }
        SendError::Transient { .. }
        | SendError::Permanent { .. }
        | SendError::Ambiguous { .. }
        | SendError::Misconfigured { .. } => TimeDelta::zero(),
    };
    spaced.max(told)
}

/// The wait after so many doublings.
pub(crate) fn spaced(doublings: u32, first: TimeDelta, longest: TimeDelta) -> TimeDelta {
    let factor = 1_i32.checked_shl(doublings).filter(|factor| *factor > 0).unwrap_or(i32::MAX);
    first.checked_mul(factor).unwrap_or(longest).min(longest)
}

/// It is not sent, and the trail says why.
pub(crate) fn suppress(
    message: Stored<Message>,
    why: &'static str,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    close(message, Outcome::Suppressed, "message_suppressed", Some(why), policy, now)
}

fn retry(
    message: Stored<Message>,
    why: Option<&'static str>,
    wait: TimeDelta,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let mut message = message;
    message.value.due_at = after(now, wait);
    let mut changes = Changes::none();
    changes.put(&message);
    if let Some(why) = why {
        changes.event(event(&message.value, "message_postponed").because(why));
    }
    Decision::yes(Outcome::Waiting, changes)
}

// INVARIANT: a closed message has no content any more: neither its text nor its address can be had back. Only one that
// was given up, and holds no code or link, stays sealed, so that somebody can send it again.
pub(super) fn close(
    message: Stored<Message>,
    outcome: Outcome,
    action: &'static str,
    why: Option<&'static str>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let mut message = message;
    message.value.outcome = outcome;
    if outcome != Outcome::Suppressed {
        message.value.tries = message.value.tries.saturating_add(1);
    }
    if outcome != Outcome::GivenUp || message.value.challenge.is_some() {
        message.value.sealed = None;
    }
    // A day's notice is remembered while the day may come again in another zone.
    let kept = match message.value.day {
        Some(_) => policy.message_kept.max(NOTICE_REMEMBERED),
        None => policy.message_kept,
    };
    message.value.due_at = after(now, kept);
    let mut changes = Changes::none();
    message.value.submitted = false;
    // INVARIANT: what certainly was not sent is given back, once: in the commit that closes it. What the right code gives
    // back hangs on its challenge too: `sms::give_back_code`.
    if matches!(outcome, Outcome::Suppressed | Outcome::GivenUp)
        && let Some(charge) = message.value.charge.take()
    {
        charge.settled().give_back(&mut changes);
    }
    changes.put(&message);
    let event = event(&message.value, action);
    changes.event(event.because(why.unwrap_or(message.value.kind.name())));
    Decision::yes(outcome, changes)
}

/// Seals what waits under the current key; says whether it did.
// INVARIANT: what is claimed is not touched while its claim lasts: its outcome is kept under the claimed version, and
// one that could not be kept would be had twice.
pub(crate) fn reseal<E: Sealed>(
    changes: &mut Changes,
    stored: Stored<E>,
    due: Option<(Lane, DateTime<Utc>)>,
    keyring: &Keyring,
    nonce: [u8; 24],
    now: DateTime<Utc>,
) -> bool {
    if due != stored.value.due() && due.is_none_or(|(_, claimed_until)| now < claimed_until) {
        return false;
    }
    let Some(value) = stored.value.sealed_anew(keyring, nonce) else {
        return false;
    };
    let mut stored = stored;
    stored.value = value;
    changes.put(&stored);
    if let Some(event) = stored.value.told() {
        changes.event(event);
    }
    true
}

pub(crate) fn event(message: &Message, action: &'static str) -> Event {
    Event::of(action, message.tenant, message.user.uuid()).about(message.id.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::decision::Entity as _;
    use crate::fixture::*;
    use crate::id::MessageId;
    use crate::message::MessageKind;
    use crate::message::model::{CodeToSend, Draft, OneTime};
    use crate::secret::Code;
    use crate::user::model::PendingEmail;

    fn message(kind: MessageKind, to: &str, challenge: Option<&Challenge>) -> Message {
        let draft = Draft {
            id: MessageId::from_uuid(uuid(70)),
            tenant: uuid(1),
            user: crate::id::UserId::from_uuid(uuid(2)),
            kind,
            to: email(to).into(),
            lane: Lane::Interactive,
            code: challenge.map(|challenge| CodeToSend {
                code: OneTime::Code(Code::parse("123456").unwrap()),
                challenge: challenge.id,
                issue: challenge.issue,
                valid_until: challenge.expires_at,
            }),
            charge: None,
            once_at: None,
            not_before: None,
            day: None,
        };
        Message::sealed(draft, &keyring(), [3; 24], began()).unwrap()
    }

    struct Scene {
        account: Account,
        user: User,
        challenge: Challenge,
        message: Message,
        to: Destination,
    }

    fn scene() -> Scene {
        let account = account(1);
        let user = user(2, &account);
        let challenge = challenge(Purpose::SignIn, &user, "u2@example.com");
        let message = message(MessageKind::SignInCode, "u2@example.com", Some(&challenge));
        Scene { account, user, challenge, message, to: email("u2@example.com").into() }
    }

    impl Scene {
        fn leaves(&self, now: DateTime<Utc>) -> Result<(), &'static str> {
            let chain = chain([&self.account]);
            may_leave(&self.message, &self.to, Some(&self.user), &chain, Some(&self.challenge), 0, now)
        }

        fn after(mut self, change: impl Fn(&mut Self)) -> Result<(), &'static str> {
            change(&mut self);
            self.leaves(began())
        }
    }

    #[test]
    fn a_code_that_is_still_asked_for_leaves() {
        assert_eq!(scene().leaves(began()), Ok(()));
        let end = scene().challenge.expires_at;
        assert_eq!(scene().leaves(end - TICK), Ok(()));
        assert_eq!(scene().leaves(end), Err("expired"));
    }

    #[test]
    fn each_reason_not_to_send_a_code_is_named() {
        assert_eq!(scene().after(|s| s.challenge.issue = 2), Err("superseded"));
        assert_eq!(scene().after(|s| s.user.credential_version += 1), Err("credentials_changed"));
        assert_eq!(scene().after(|s| s.user.disabled = true), Err("disabled"));
        assert_eq!(scene().after(|s| s.account.blocked = true), Err("blocked"));
        assert_eq!(scene().after(|s| s.account.lifts = 1), Err("voided"));
        assert_eq!(scene().after(|s| s.to = email("other@example.com").into()), Err("destination_changed"));
        assert_eq!(scene().after(|s| s.user.email = None), Err("destination_changed"));
        let s = scene();
        let chain = chain([&s.account]);
        let gone = may_leave(&s.message, &s.to, None, &chain, Some(&s.challenge), 0, began());
        assert_eq!(gone, Err("user_gone"));
        let gone = may_leave(&s.message, &s.to, Some(&s.user), &chain, None, 0, began());
        assert_eq!(gone, Err("challenge_gone"));
    }

    #[test]
    fn a_pending_address_gets_its_code_only_while_it_waits() {
        let mut s = scene();
        s.challenge = challenge(Purpose::EmailConfirmation, &s.user, "new@example.com");
        s.message = message(MessageKind::EmailConfirmationCode, "new@example.com", Some(&s.challenge));
        let new = email("new@example.com");
        s.to = new.clone().into();
        assert_eq!(s.leaves(began()), Err("superseded"));
        s.user.pending_email = Some(PendingEmail::own(new, s.challenge.id));
        assert_eq!(s.leaves(began()), Ok(()));
    }

    #[test]
    fn a_notice_leaves_whatever_became_of_its_user() {
        let mut s = scene();
        s.message = message(MessageKind::EmailChanged, "u2@example.com", None);
        (s.user.disabled, s.account.blocked) = (true, true);
        let chain = chain([&s.account]);
        let notice = |user| may_leave(&s.message, &s.to, user, &chain, None, 0, began());
        assert_eq!(notice(Some(&s.user)), Ok(()));
        assert_eq!(notice(None), Err("user_gone"));
    }

    #[test]
    fn a_notice_goes_to_an_address_only_while_its_user_reads_it() {
        let account = account(1);
        let alice = user(2, &account);
        let policy = Policy::default();
        let told = |kind, user: &User, to: &str, now| {
            may_tell(&message(kind, to, None), &email(to).into(), user, &policy, now).is_ok()
        };
        let mut moved = alice.clone();
        moved.email = user(5, &account).email;
        let mut claiming = moved.clone();
        let ends_at = began() + policy.email_undo_life;
        claiming.claims.push(crate::user::model::EmailClaim {
            address: email("u2@example.com"),
            challenge: fresh_link(800).challenge,
            unique: true,
            ends_at,
        });
        let mut waiting = moved.clone();
        waiting.pending_email = Some(PendingEmail::own(email("u2@example.com"), fresh_link(800).challenge));
        for kind in [
            MessageKind::CodesLocked,
            MessageKind::PasswordChanged,
            MessageKind::TwoFactorOn,
            MessageKind::TwoFactorOff,
        ] {
            assert!(told(kind, &alice, "u2@example.com", ends_at), "{kind:?}");
            assert!(told(kind, &alice, "u2@EXAMPLE.com", began()), "{kind:?}");
            assert!(!told(kind, &moved, "u2@example.com", began()), "{kind:?}");
            assert!(!told(kind, &waiting, "u2@example.com", began()), "{kind:?}: not his yet");
            assert!(told(kind, &claiming, "u2@example.com", ends_at - TICK), "{kind:?}: he can put it back");
            assert!(!told(kind, &claiming, "u2@example.com", ends_at), "{kind:?}: and no longer can");
        }
        let changed = |user: &User, now| told(MessageKind::EmailChanged, user, "u2@example.com", now);
        assert!(changed(&alice, ends_at) && changed(&moved, ends_at - TICK));
        assert!(!changed(&moved, ends_at));
    }

    /// Seals a message of the scene anew, kept with this due time, at this moment; gives what is kept and its trail.
    fn resealed(
        message: Message,
        claimed_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> (bool, Option<Message>, Vec<String>) {
        let due = claimed_until.map_or_else(|| message.due(), |until| Some((Lane::Interactive, until)));
        let mut changes = Changes::none();
        let done = reseal(&mut changes, stored(message), due, &rotated(), [4; 24], now);
        let kept = written(&changes, uuid(70));
        (done, kept, trail(&changes))
    }

    fn rotated() -> Keyring {
        let mut keys = keyring();
        keys.rotate(&crate::port::ambient::SystemRandom::default(), began()).unwrap();
        keys
    }

    #[test]
    fn a_waiting_message_is_sealed_anew_with_its_content() {
        let before = scene().message;
        let keys = rotated();
        let mut changes = Changes::none();
        let due = before.due();
        assert!(reseal(&mut changes, stored(before.clone()), due, &keys, [4; 24], began()));
        assert_eq!(trail(&changes), ["message_resealed: -"]);
        let after: Message = written(&changes, uuid(70)).unwrap();
        assert_eq!(after.sealing_keys(), [keys.current()].into());
        assert_ne!(after.sealing_keys(), before.sealing_keys());
        let content = after.open(&keys).unwrap().unwrap();
        assert_eq!((content.to.as_str(), content.code.unwrap().as_str()), ("u2@example.com", "123456"));
        assert!(after.open(&keyring()).unwrap().is_err(), "the old keys alone do not open it");
        assert_eq!((after.due_at, after.tries, after.issue), (before.due_at, before.tries, before.issue));
    }

    #[test]
    fn a_message_that_a_worker_holds_is_left_until_its_claim_ends() {
        let until = began() + TimeDelta::minutes(5);
        let held = |now| resealed(scene().message, Some(until), now);
        let (done, kept, told) = held(until - TICK);
        assert!(!done && kept.is_none() && told.is_empty());
        assert!(held(until).0);
        // One that waits for its next try has no claim.
        let mut later = scene().message;
        later.due_at = until;
        assert!(resealed(later, None, began()).0);
    }

    #[test]
    fn what_cannot_be_opened_is_left_as_it_is() {
        let mut gone = scene().message;
        gone.sealed = None;
        let mut foreign = scene().message;
        foreign.user = crate::id::UserId::from_uuid(uuid(3));
        for message in [gone, foreign] {
            let (done, kept, told) = resealed(message, None, began());
            assert!(!done && kept.is_none() && told.is_empty());
        }
    }

    fn settled(tries: u32, result: &Result<(), SendError>) -> (Outcome, Message, Vec<String>) {
        let mut message = scene().message;
        message.tries = tries;
        let decision = settle(stored(message), result, &Policy::default(), began());
        let kept = written(&decision.changes, uuid(70)).unwrap();
        (decision.reply.unwrap(), kept, trail(&decision.changes))
    }

    #[test]
    fn who_is_told_when_to_come_again_comes_no_sooner_and_not_never() {
        let policy = Policy::default();
        let due = |wait: core::time::Duration| {
            let error = SendError::Throttled { detail: "busy", wait };
            let decision = settle(stored(scene().message), &Err(error), &policy, began());
            let after: Message = written(&decision.changes, uuid(70)).unwrap();
            (after.tries, after.due_at - began())
        };
        let seconds = core::time::Duration::from_secs;
        assert_eq!(due(seconds(0)), (1, policy.send_retry_first));
        assert_eq!(due(seconds(3_600)), (1, TimeDelta::hours(1)));
        assert_eq!(due(core::time::Duration::MAX), (1, policy.send_retry_longest));
    }

    #[test]
    fn tries_are_spaced_and_bounded() {
        let policy = Policy::default();
        for error in [SendError::Transient { detail: "busy" }, SendError::Ambiguous { detail: "lost" }] {
            let wait = |tries| {
                let (outcome, kept, told) = settled(tries, &Err(error.clone()));
                assert_eq!((outcome, kept.tries), (Outcome::Waiting, tries + 1));
                assert!(kept.sealed.is_some(), "what is to be tried again keeps its content");
                assert_eq!(told, ["message_postponed: not_taken_over"]);
                kept.due_at - began()
            };
            let waits: Vec<_> = (0..19).map(wait).collect();
            assert_eq!(
                waits[..3],
                [policy.send_retry_first, policy.send_retry_first * 2, policy.send_retry_first * 4]
            );
            assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
            assert_eq!(waits[18], policy.send_retry_longest);
            let (outcome, kept, told) = settled(19, &Err(error.clone()));
            assert_eq!((outcome, kept.tries), (Outcome::GivenUp, 20));
            assert_eq!(told, ["message_given_up: tries_used"]);
        }
    }

    #[test]
    fn a_fault_of_the_set_up_never_gives_a_message_up_and_is_told_once() {
        let policy = Policy::default();
        let fault = Err(SendError::Misconfigured { detail: "credentials" });
        let mut message = scene().message;
        message.tries = 19;
        let mut waits = Vec::new();
        for nth in 0..40 {
            let decision = settle(stored(message), &fault, &policy, began());
            let told = trail(&decision.changes);
            let expected: &[&str] = if nth == 0 { &["message_postponed: misconfigured"] } else { &[] };
            assert_eq!(told, expected, "retry {nth}");
            message = written(&decision.changes, uuid(70)).unwrap();
            assert_eq!((decision.reply.unwrap(), message.tries), (Outcome::Waiting, 19));
            assert!(message.sealed.is_some());
            waits.push(message.due_at - began());
        }
        let first = policy.send_retry_first;
        assert_eq!(waits[..5], [first, first * 2, first * 4, first * 8, first * 16]);
        assert!(waits[5..].iter().all(|wait| *wait == policy.fault_retry_longest), "{waits:?}");
        message.tries = 0;
        let decision =
            settle(stored(message), &Err(SendError::Transient { detail: "busy" }), &policy, began());
        assert_eq!(trail(&decision.changes), ["message_postponed: not_taken_over"]);
        let kept: Message = written(&decision.changes, uuid(70)).unwrap();
        assert_eq!((kept.tries, kept.faults), (1, 0), "the fault is over: the next one is told again");
    }

    #[test]
    fn a_code_of_an_earlier_epoch_does_not_leave() {
        let s = scene();
        let chain = chain([&s.account]);
        let leaves =
            |epoch| may_leave(&s.message, &s.to, Some(&s.user), &chain, Some(&s.challenge), epoch, began());
        assert_eq!((leaves(0), leaves(1)), (Ok(()), Err("old_epoch")));
    }

    #[test]
    fn a_closed_message_has_no_content_any_more() {
        let sent = settled(0, &Ok(()));
        let refused = settled(0, &Err(SendError::Permanent { detail: "no such mailbox" }));
        let worn = settled(19, &Err(SendError::Transient { detail: "busy" }));
        let decision = suppress(stored(scene().message), "expired", &Policy::default(), began());
        let kept: Message = written(&decision.changes, uuid(70)).unwrap();
        assert_eq!((kept.tries, kept.outcome), (0, Outcome::Suppressed), "it was never tried");
        let suppressed = (decision.reply.unwrap(), kept, trail(&decision.changes));
        for ((outcome, kept, told), expected) in [
            (sent, "message_sent: sign_in_code"),
            (refused, "message_given_up: refused"),
            (worn, "message_given_up: tries_used"),
            (suppressed, "message_suppressed: expired"),
        ] {
            assert_eq!(kept.outcome, outcome);
            assert_eq!(told, [expected]);
            assert!(kept.sealed.is_none() && kept.open(&keyring()).is_none(), "{expected}");
            assert_eq!(kept.to, "u•••@example.com", "{expected}");
            assert_eq!(kept.due_at, began() + Policy::default().message_kept, "{expected}");
        }
    }

    fn linked(
        purpose: Purpose,
        to: &str,
        change: impl Fn(&mut User, &Challenge),
    ) -> Result<(), &'static str> {
        let mut s = scene();
        s.challenge = challenge(purpose, &s.user, to);
        s.challenge.credential_version = crate::challenge::link::Whose::from(&s.user).bound_version(purpose);
        s.message = message(purpose.message(), to, Some(&s.challenge));
        s.to = email(to).into();
        change(&mut s.user, &s.challenge);
        may_recover(Some(&s.challenge), Some(&s.user), &Policy::default()).and_then(|()| s.leaves(began()))
    }

    #[test]
    fn a_recovery_link_leaves_only_to_the_confirmed_address_of_who_may_recover() {
        use crate::user::Flag;
        let recovery =
            |to: &str, change: &dyn Fn(&mut User)| linked(Purpose::Recovery, to, |user, _| change(user));
        assert_eq!(recovery("u2@example.com", &|_| {}), Ok(()));
        let pending = |user: &mut User| {
            let challenge = crate::id::ChallengeId::from_uuid(uuid(800));
            user.pending_email = Some(PendingEmail::own(email("new@example.com"), challenge));
        };
        assert_eq!(recovery("new@example.com", &pending), Err("destination_changed"));
        let flagless = |user: &mut User| user.flags = user.flags.clone().with(Flag::ChangePassword, false);
        assert_eq!(recovery("u2@example.com", &flagless), Err("change_password"));
        assert_eq!(recovery("u2@example.com", &|user| user.disabled = true), Err("disabled"));
        assert_eq!(recovery("u2@example.com", &|user| user.email = None), Err("email_unconfirmed"));
    }

    #[test]
    fn an_invitation_leaves_while_it_is_named_and_an_undo_while_it_is_claimed() {
        let to = "other@example.com";
        let pending = |user: &mut User, challenge: &Challenge| {
            user.pending_email = Some(PendingEmail::own(email(to), challenge.id));
        };
        assert_eq!(linked(Purpose::Invitation, to, pending), Ok(()));
        assert_eq!(linked(Purpose::Invitation, to, |_, _| {}), Err("superseded"));
        let claim = |user: &mut User, challenge: &Challenge| {
            let (address, ends_at) = (email(to), challenge.expires_at);
            user.claims.push(crate::user::EmailClaim {
                address,
                challenge: challenge.id,
                unique: true,
                ends_at,
            });
        };
        assert_eq!(linked(Purpose::EmailUndo, to, claim), Ok(()));
        assert_eq!(linked(Purpose::EmailUndo, to, |_, _| {}), Err("superseded"));
    }
}
