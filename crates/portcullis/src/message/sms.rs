//! An SMS is submitted once: what is kept before it is handed over, what follows, and what its gateway reports later.

use chrono::{DateTime, Utc};

use super::model::{Message, Outcome};
use super::rules::{close, event, next_wait, settle};
use crate::challenge::model::State;
use crate::challenge::{Challenge, Channel};
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::policy::Policy;
use crate::port::message::{DeliveryReport, SendError};
use crate::session::rules::after;
use crate::spend::Charge;

/// Keeps that an SMS is being handed over, and gives its worker the whole of a claim's life for it.
// INVARIANT: kept before anything is submitted. Who claims it and finds it so does not know what came of it.
pub(crate) fn begin(
    message: &Stored<Message>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Stored<Message>, Changes) {
    let mut begun = message.clone();
    begun.value.submitted = true;
    begun.value.due_at = after(now, policy.claim_life);
    let mut changes = Changes::none();
    changes.put(&begun);
    (begun, changes)
}

/// It may have been sent, nobody knows; it is not tried again, and it stays charged.
pub(crate) fn maybe_sent(message: Stored<Message>, policy: &Policy, now: DateTime<Utc>) -> Decision<Outcome> {
    close(message, Outcome::MaybeSent, "message_maybe_sent", None, policy, now)
}

/// What an SMS that certainly was not sent gives back besides: its code was counted as one that nobody has entered.
// INVARIANT: given back once. While the right code would give it back too, it is taken out of the challenge in the same
// commit, under its version; where the code was entered, or nobody knows, it was given back or stays.
pub(crate) fn give_back_code(changes: &mut Changes, message: &Message, challenge: Option<Stored<Challenge>>) {
    let Some(unverified) = message.charge.as_ref().and_then(Charge::unverified) else {
        return;
    };
    let Some(mut challenge) = challenge.filter(|challenge| challenge.value.state != State::Spent) else {
        return;
    };
    unverified.give_back(changes);
    if challenge.value.forget_unverified(message.issue) {
        changes.put(&challenge);
    }
}

/// What handing an SMS over came to, kept under the version that said that it began. `unknown`: an earlier submission of
/// it may have got through, whatever this one came to.
pub(crate) fn settle_sms(
    message: Stored<Message>,
    result: &Result<(), SendError>,
    idempotent: bool,
    unknown: bool,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let mut message = message;
    let error = match result {
        Err(SendError::Ambiguous { .. }) if !idempotent => return maybe_sent(message, policy, now),
        Err(error) => error,
        Ok(()) => {
            message.value.submitted = false;
            return settle(message, result, policy, now);
        }
    };
    let unknown = unknown || matches!(error, SendError::Ambiguous { .. });
    message.value.submitted = unknown;
    let next = after(now, next_wait(error, message.value.tries.saturating_add(1), policy));
    let over = message.value.valid_until.is_some_and(|end| end <= next);
    let last = message.value.tries.saturating_add(1) >= policy.send_tries;
    match error {
        SendError::Permanent { .. } if unknown => maybe_sent(message, policy, now),
        SendError::Misconfigured { .. } if unknown && over => maybe_sent(message, policy, now),
        SendError::Transient { .. } | SendError::Throttled { .. } | SendError::Ambiguous { .. }
            if unknown && (over || last) =>
        {
            maybe_sent(message, policy, now)
        }
        // What it says would be worth nothing by then.
        SendError::Transient { .. } | SendError::Throttled { .. } if over => {
            close(message, Outcome::GivenUp, "message_given_up", Some("expired"), policy, now)
        }
        SendError::Transient { .. }
        | SendError::Throttled { .. }
        | SendError::Ambiguous { .. }
        | SendError::Permanent { .. }
        | SendError::Misconfigured { .. } => settle(message, result, policy, now),
    }
}

/// It waits while its sender is set up wrongly.
pub(crate) fn wait(message: Stored<Message>, until: DateTime<Utc>) -> Decision<Outcome> {
    let mut message = message;
    message.value.due_at = until;
    let mut changes = Changes::none();
    changes.put(&message);
    Decision::yes(Outcome::Waiting, changes)
}

/// What became of a delivery report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reported {
    /// The SMS is known to have come that far now.
    Kept,
    /// It told nothing: of no SMS of ours, or of one that is known to have come that far already.
    Ignored,
}

/// Why a delivery report told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// It is of no SMS of ours.
    Unknown,
    /// It says what is known already.
    Repeated,
    /// It says less than what is known already, or the SMS was never handed over.
    Late,
    /// It did not come from the gateway.
    Forged,
}

impl Ignored {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::Forged => "forged",
        }
    }
}

/// Keeps how far an SMS came. It only moves forward, and it tells: nothing else follows from it.
pub(crate) fn report(
    message: Option<Stored<Message>>,
    report: &DeliveryReport,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Result<(), Ignored>> {
    let ignored = |why| Decision::yes(Err(why), Changes::none());
    let Some(mut message) = message.filter(|message| message.value.channel == Channel::Sms) else {
        return ignored(Ignored::Unknown);
    };
    match message.value.outcome {
        Outcome::Sent | Outcome::MaybeSent => {}
        // Its worker still holds it: a change now would cost the worker its outcome.
        Outcome::Waiting if message.value.submitted => {
            let again = after(now, policy.send_retry_first);
            return Decision::no(Refusal::from(Reason::TooSoon).until(Some(again), now), Changes::none());
        }
        Outcome::Waiting | Outcome::Suppressed | Outcome::GivenUp | Outcome::Held => {
            return ignored(Ignored::Late);
        }
    }
    match message.value.delivery {
        Some(known) if report.state == known => return ignored(Ignored::Repeated),
        Some(known) if report.state < known => return ignored(Ignored::Late),
        Some(_) | None => {}
    }
    message.value.delivery = Some(report.state);
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "sms_reported").because(report.state.name()));
    Decision::yes(Ok(()), changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::Purpose;
    use crate::fixture::*;
    use crate::id::{MessageId, UserId};
    use crate::message::MessageKind;
    use crate::message::model::{CodeToSend, Draft, OneTime};
    use crate::port::store::Lane;
    use crate::secret::Code;
    use crate::spend::Charge;

    fn challenge_of(newest: u32) -> Challenge {
        let account = account(1);
        let mut challenge = challenge(Purpose::SignIn, &user(2, &account), "+37120000045");
        challenge.issue = newest;
        challenge.unverified = Charge::of_a_code(u128::from(newest)).unverified();
        challenge
    }

    fn first_of(challenge: &Challenge) -> Message {
        let draft = Draft {
            id: MessageId::from_uuid(uuid(70)),
            tenant: uuid(1),
            user: UserId::from_uuid(uuid(2)),
            kind: MessageKind::SignInCode,
            to: challenge.destination.clone(),
            lane: Lane::Interactive,
            code: Some(CodeToSend {
                code: OneTime::Code(Code::parse("123456").unwrap()),
                challenge: challenge.id,
                issue: 1,
                valid_until: challenge.expires_at,
            }),
            charge: Some(Charge::of_a_code(1)),
            once_at: None,
            not_before: None,
            day: None,
        };
        Message::sealed(draft, &keyring(), [3; 24], began()).unwrap()
    }

    /// What is given back with a first SMS that failed, and the challenge where it is written.
    fn given_back(challenge: Option<Challenge>) -> (Vec<String>, Option<Challenge>) {
        let mut changes = Changes::none();
        give_back_code(&mut changes, &first_of(&challenge_of(1)), challenge.map(stored));
        let kept = written(&changes, challenge_of(1).id.uuid());
        (steps(&changes), kept)
    }

    const ALL: [&str; 2] = ["sms_user_unverified give back 1", "sms_unverified give back 1"];

    #[test]
    fn the_code_that_waits_gives_back_nothing_that_its_failed_sms_gave_back() {
        let (steps, kept) = given_back(Some(challenge_of(1)));
        assert_eq!(steps, ALL);
        assert_eq!(kept.unwrap().given_back_by_code().count(), 0);
    }

    #[test]
    fn a_challenge_that_moved_on_keeps_what_its_newest_sms_gives_back() {
        let (steps, kept) = given_back(Some(challenge_of(2)));
        assert_eq!((steps, kept.is_none()), (ALL.map(String::from).to_vec(), true), "another code by now");
        let mut repeated = challenge_of(2);
        repeated
            .unverified_before
            .extend(Charge::of_a_code(1).unverified_of_user().map(|charge| (1, charge)));
        let (steps, kept) = given_back(Some(repeated));
        assert_eq!(steps, ALL);
        let left: Vec<_> = kept.unwrap().given_back_by_code().cloned().collect();
        assert_eq!(left, [Charge::of_a_code(2).unverified().unwrap()]);
    }

    #[test]
    fn what_a_code_that_was_entered_gave_back_is_not_given_back_again() {
        let (mut spent, mut dead) = (challenge_of(1), challenge_of(1));
        spent.spend();
        dead.bury();
        assert_eq!(given_back(Some(spent)).0, <[&str; 0]>::default());
        assert_eq!(given_back(None).0, <[&str; 0]>::default(), "nobody knows");
        let (steps, kept) = given_back(Some(dead));
        assert_eq!((steps, kept.is_none()), (ALL.map(String::from).to_vec(), true), "nobody can enter it");
    }

    #[test]
    fn one_that_may_have_been_sent_is_never_certain_not_to_have_been() {
        let policy = Policy::default();
        let settled = |error: SendError, tries| {
            let mut message = first_of(&challenge_of(1));
            message.tries = tries;
            let decision = settle_sms(stored(message), &Err(error), true, true, &policy, began());
            let kept: Message = written(&decision.changes, uuid(70)).unwrap();
            (decision.reply.unwrap(), kept.submitted, steps(&decision.changes).is_empty())
        };
        let wait = core::time::Duration::from_secs(1);
        for again in [
            SendError::Transient { detail: "busy" },
            SendError::Throttled { detail: "slower", wait },
            SendError::Ambiguous { detail: "cut" },
            SendError::Misconfigured { detail: "credentials" },
        ] {
            assert_eq!(settled(again.clone(), 0), (Outcome::Waiting, true, true), "{again}");
            if !matches!(again, SendError::Misconfigured { .. }) {
                let last = settled(again.clone(), policy.send_tries - 1);
                assert_eq!(last, (Outcome::MaybeSent, false, true), "{again}");
            }
        }
        let refused = settled(SendError::Permanent { detail: "no such number" }, 0);
        assert_eq!(refused, (Outcome::MaybeSent, false, true));
    }
}
