//! Messages that a restored backup brought back: the old ones are held, since they may have been sent before.

use chrono::{DateTime, Utc};

use super::model::{Message, Outcome};
use super::rules::event;
use crate::decision::{Changes, Decision, Reason, Stored};
use crate::policy::Policy;
use crate::session::rules::after;

/// Whether a message that may leave is held all the same: it was written in an earlier epoch, so a backup was restored
/// since, and it is no longer young.
pub(crate) fn must_be_held(message: &Message, epoch: u32, policy: &Policy, now: DateTime<Utc>) -> bool {
    message.epoch < epoch && now >= after(message.created_at, policy.restored_message_life)
}

/// Holds a message: it keeps its content, and is purged when nobody released it in the policy's `message_kept`.
pub(crate) fn hold(message: Stored<Message>, policy: &Policy, now: DateTime<Utc>) -> Decision<Outcome> {
    let mut message = message;
    message.value.outcome = Outcome::Held;
    message.value.due_at = after(now, policy.message_kept);
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_held").because("old_epoch"));
    Decision::yes(Outcome::Held, changes)
}

/// Lets a held message wait to be sent again. Whether it may leave is asked anew when it does.
// INVARIANT: a released message belongs to the epoch of its release, so it is held again only after another restore.
pub(crate) fn release(message: Option<Stored<Message>>, epoch: u32, now: DateTime<Utc>) -> Decision<Message> {
    let Some(mut message) = message.filter(|message| message.value.outcome == Outcome::Held) else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    message.value.outcome = Outcome::Waiting;
    message.value.epoch = epoch;
    message.value.due_at = now;
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_released").because(message.value.kind.name()));
    Decision::yes(message.value, changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Entity as _;
    use crate::fixture::*;
    use crate::id::{MessageId, UserId};
    use crate::message::MessageKind;
    use crate::message::model::Draft;
    use crate::port::store::Lane;

    fn notice() -> Message {
        let draft = Draft {
            id: MessageId::from_uuid(uuid(70)),
            tenant: uuid(1),
            user: UserId::from_uuid(uuid(2)),
            kind: MessageKind::EmailChanged,
            to: email("u2@example.com").into(),
            lane: Lane::Interactive,
            code: None,
            charge: None,
            once_at: None,
            not_before: None,
            day: None,
        };
        Message::sealed(draft, &keyring(), [3; 24], began()).unwrap()
    }

    #[test]
    fn a_message_is_held_from_an_hour_on_when_its_epoch_is_over() {
        let policy = Policy::default();
        let held = |epoch, now| must_be_held(&notice(), epoch, &policy, now);
        let hour = began() + policy.restored_message_life;
        assert!(held(1, hour));
        assert!(!held(1, hour - TICK), "a young one is sent");
        assert!(!held(0, hour + policy.message_kept), "nothing was restored");
    }

    #[test]
    fn a_held_message_keeps_its_content_and_is_sent_by_nobody() {
        let policy = Policy::default();
        let decision = hold(stored(notice()), &policy, began());
        assert_eq!(trail(&decision.changes), ["message_held: old_epoch"]);
        let kept: Message = written(&decision.changes, uuid(70)).unwrap();
        assert_eq!((decision.reply.unwrap(), kept.outcome, kept.tries), (Outcome::Held, Outcome::Held, 0));
        assert!(kept.open(&keyring()).unwrap().is_ok());
        assert_eq!(kept.due(), Some((Lane::Dead, began() + policy.message_kept)));
        assert!(
            kept.keys().contains(&Message::held_key()) && !notice().keys().contains(&Message::held_key())
        );
    }

    #[test]
    fn only_a_held_message_is_released_and_it_is_not_held_again() {
        let policy = Policy::default();
        let refused = |message| release(message, 1, began()).reply.unwrap_err().reason();
        assert_eq!(refused(None), Reason::NotFound);
        for outcome in [Outcome::Waiting, Outcome::Sent, Outcome::Suppressed, Outcome::GivenUp] {
            let mut message = notice();
            message.outcome = outcome;
            assert_eq!(refused(Some(stored(message))), Reason::NotFound, "{outcome:?}");
        }
        let mut message = notice();
        message.outcome = Outcome::Held;
        let later = began() + policy.message_kept;
        let decision = release(Some(stored(message)), 1, later);
        assert_eq!(trail(&decision.changes), ["message_released: email_changed"]);
        let kept = decision.reply.unwrap();
        assert_eq!((kept.outcome, kept.due_at), (Outcome::Waiting, later));
        assert!(!must_be_held(&kept, 1, &policy, later) && must_be_held(&kept, 2, &policy, later));
    }
}
