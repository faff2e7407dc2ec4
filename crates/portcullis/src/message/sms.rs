//! An SMS is submitted once: what is kept before it is handed over, what follows, and what its gateway reports later.

use chrono::{DateTime, Utc};

use super::model::{Message, Outcome};
use super::rules::{close, event, next_wait, settle};
use crate::challenge::Channel;
use crate::decision::{Changes, Decision, Reason, Refusal, Stored};
use crate::policy::Policy;
use crate::port::message::{DeliveryReport, SendError};
use crate::session::rules::after;

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

/// What handing an SMS over came to, kept under the version that said that it began.
pub(crate) fn settle_sms(
    message: Stored<Message>,
    result: &Result<(), SendError>,
    idempotent: bool,
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
    message.value.submitted = matches!(error, SendError::Ambiguous { .. });
    let next = after(now, next_wait(error, message.value.tries.saturating_add(1), policy));
    let over = message.value.valid_until.is_some_and(|end| end <= next);
    match error {
        // What it says would be worth nothing by then.
        SendError::Transient { .. } | SendError::Throttled { .. } if over => {
            close(message, Outcome::GivenUp, "message_given_up", Some("expired"), policy, now)
        }
        SendError::Ambiguous { .. } if over || message.value.tries.saturating_add(1) >= policy.send_tries => {
            maybe_sent(message, policy, now)
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

/// Keeps how far an SMS came. It only moves forward, and it tells: nothing else follows from it.
pub(crate) fn report(
    message: Option<Stored<Message>>,
    report: &DeliveryReport,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Reported> {
    let ignored = || Decision::yes(Reported::Ignored, Changes::none());
    let Some(mut message) = message.filter(|message| message.value.channel == Channel::Sms) else {
        return ignored();
    };
    match message.value.outcome {
        Outcome::Sent | Outcome::MaybeSent => {}
        // Its worker still holds it: a change now would cost the worker its outcome.
        Outcome::Waiting if message.value.submitted => {
            let again = after(now, policy.send_retry_first);
            return Decision::no(Refusal::from(Reason::TooSoon).until(Some(again), now), Changes::none());
        }
        Outcome::Waiting | Outcome::Suppressed | Outcome::GivenUp | Outcome::Held => return ignored(),
    }
    if message.value.delivery.is_some_and(|known| report.state <= known) {
        return ignored();
    }
    message.value.delivery = Some(report.state);
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "sms_reported").because(report.state.name()));
    Decision::yes(Reported::Kept, changes)
}
