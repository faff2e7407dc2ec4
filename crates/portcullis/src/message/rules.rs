//! Whether a message may still leave, and what follows when it did or did not.

use chrono::{DateTime, TimeDelta, Utc};

use super::model::{Message, Outcome};
use crate::account::rules::Chain;
use crate::audit::Event;
use crate::challenge::Challenge;
use crate::challenge::rules::death;
use crate::contact::Email;
use crate::decision::{Changes, Decision, Stored};
use crate::policy::Policy;
use crate::port::message::SendError;
use crate::session::rules::after;
use crate::user::User;

/// Whether a message may leave now: asked on the worker's own read, right before it is sent.
///
/// # Errors
/// Why it must not.
pub(crate) fn may_leave(
    message: &Message,
    to: &Email,
    user: Option<&User>,
    chain: &Chain,
    challenge: Option<&Challenge>,
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
    if let Some(why) = death(challenge, user, chain, now) {
        return Err(why);
    }
    if challenge.issue != message.issue {
        return Err("superseded");
    }
    if !challenge.destination.same_as(to) {
        return Err("destination_changed");
    }
    let confirmed = user.confirmed_email().is_some_and(|email| email.same_as(to));
    let pending = user.pending_email.as_ref().is_some_and(|pending| pending.address.same_as(to));
    if confirmed || pending { Ok(()) } else { Err("destination_changed") }
}

/// What sending came to, kept under the version that was claimed.
pub(crate) fn settle(
    message: Stored<Message>,
    result: &Result<(), SendError>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let tries = message.value.tries.saturating_add(1);
    match result {
        Ok(()) => close(message, Outcome::Sent, "message_sent", None, policy, now),
        Err(SendError::Permanent { .. }) => {
            close(message, Outcome::GivenUp, "message_given_up", Some("refused"), policy, now)
        }
        // A fault of the set-up blames no address: the message waits for the fault to be mended.
        Err(SendError::Misconfigured { .. }) => retry(message, "misconfigured", policy.send_retry_first, now),
        Err(SendError::Transient { .. } | SendError::Ambiguous { .. }) => {
            if tries >= policy.send_tries {
                return close(message, Outcome::GivenUp, "message_given_up", Some("tries_used"), policy, now);
            }
            let factor = 1_i32.checked_shl(tries.saturating_sub(1)).filter(|f| *f > 0).unwrap_or(i32::MAX);
            let wait = policy
                .send_retry_first
                .checked_mul(factor)
                .unwrap_or(policy.send_retry_longest)
                .min(policy.send_retry_longest);
            let mut message = message;
            message.value.tries = tries;
            retry(message, "not_taken_over", wait, now)
        }
    }
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
    why: &'static str,
    wait: TimeDelta,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let mut message = message;
    message.value.due_at = after(now, wait);
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_postponed").because(why));
    Decision::yes(Outcome::Waiting, changes)
}

// INVARIANT: a closed message has no content any more: neither its text nor its address can be had back.
fn close(
    message: Stored<Message>,
    outcome: Outcome,
    action: &'static str,
    why: Option<&'static str>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Decision<Outcome> {
    let mut message = message;
    message.value.outcome = outcome;
    message.value.tries = message.value.tries.saturating_add(1);
    message.value.sealed = None;
    message.value.due_at = after(now, policy.message_kept);
    let mut changes = Changes::none();
    changes.put(&message);
    let event = event(&message.value, action);
    changes.event(event.because(why.unwrap_or(message.value.kind.name())));
    Decision::yes(outcome, changes)
}

fn event(message: &Message, action: &'static str) -> Event {
    Event::of(action, message.tenant, message.user.uuid()).about(message.id.uuid())
}
