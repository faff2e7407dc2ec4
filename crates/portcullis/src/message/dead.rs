//! Messages that were given up: those that hold no code or link can be sent again.

use chrono::{DateTime, Utc};

use super::model::{Message, Outcome};
use super::rules::event;
use crate::decision::{Changes, Decision, Reason, Stored};

/// Lets a message that was given up be tried anew, as often as a new one. Whether it may leave is asked when it does.
pub(crate) fn resend(message: Option<Stored<Message>>, epoch: u32, now: DateTime<Utc>) -> Decision<Message> {
    let Some(mut message) = message.filter(|message| message.value.is_dead_letter()) else {
        return Decision::no(Reason::NotFound.into(), Changes::none());
    };
    message.value.outcome = Outcome::Waiting;
    (message.value.tries, message.value.faults) = (0, 0);
    message.value.epoch = epoch;
    message.value.due_at = now;
    let mut changes = Changes::none();
    changes.put(&message);
    changes.event(event(&message.value, "message_resent").because(message.value.kind.name()));
    Decision::yes(message.value, changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::Purpose;
    use crate::decision::Entity as _;
    use crate::fixture::*;
    use crate::id::{MessageId, UserId};
    use crate::message::MessageKind;
    use crate::message::model::{CodeToSend, Draft, OneTime};
    use crate::message::rules::settle;
    use crate::policy::Policy;
    use crate::port::message::SendError;
    use crate::port::store::Lane;
    use crate::secret::Code;

    fn message(with_code: bool) -> Message {
        let account = account(1);
        let challenge = challenge(Purpose::SignIn, &user(2, &account), "u2@example.com");
        let draft = Draft {
            id: MessageId::from_uuid(uuid(70)),
            tenant: uuid(1),
            user: UserId::from_uuid(uuid(2)),
            kind: if with_code { MessageKind::SignInCode } else { MessageKind::TwoFactorOff },
            to: email("u2@example.com").into(),
            lane: Lane::Interactive,
            code: with_code.then(|| CodeToSend {
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

    fn given_up(with_code: bool, error: SendError) -> Message {
        let mut message = message(with_code);
        message.tries = Policy::default().send_tries - 1;
        let decision = settle(stored(message), &Err(error), &Policy::default(), began());
        assert_eq!(decision.reply.unwrap(), Outcome::GivenUp);
        written(&decision.changes, uuid(70)).unwrap()
    }

    #[test]
    fn what_is_given_up_without_a_code_stays_sealed_and_listed_and_a_code_does_not() {
        for error in [SendError::Permanent { detail: "no" }, SendError::Transient { detail: "busy" }] {
            let kept = given_up(false, error.clone());
            assert!(kept.open(&keyring()).unwrap().is_ok() && kept.keys().contains(&Message::dead_key()));
            assert_eq!(kept.due(), Some((Lane::Dead, began() + Policy::default().message_kept)));
            let gone = given_up(true, error);
            assert!(gone.open(&keyring()).is_none() && !gone.keys().contains(&Message::dead_key()));
        }
        let sent = settle(stored(message(false)), &Ok(()), &Policy::default(), began());
        let sent: Message = written(&sent.changes, uuid(70)).unwrap();
        assert!(sent.open(&keyring()).is_none() && !sent.keys().contains(&Message::dead_key()));
    }

    #[test]
    fn only_what_was_given_up_with_its_content_is_sent_again_as_if_it_were_new() {
        let refused = |message| resend(message, 1, began()).reply.unwrap_err().reason();
        assert_eq!(refused(None), Reason::NotFound);
        let code = given_up(true, SendError::Permanent { detail: "no" });
        assert_eq!(refused(Some(stored(code))), Reason::NotFound);
        for outcome in [Outcome::Waiting, Outcome::Sent, Outcome::Suppressed, Outcome::Held] {
            let mut message = message(false);
            message.outcome = outcome;
            assert_eq!(refused(Some(stored(message))), Reason::NotFound, "{outcome:?}");
        }
        let later = began() + Policy::default().message_kept;
        let dead = given_up(false, SendError::Permanent { detail: "no" });
        assert_eq!(dead.tries, Policy::default().send_tries);
        let decision = resend(Some(stored(dead)), 1, later);
        assert_eq!(trail(&decision.changes), ["message_resent: two_factor_off"]);
        let kept = decision.reply.unwrap();
        assert_eq!((kept.tries, kept.faults, kept.epoch), (0, 0, 1));
        assert_eq!(kept.due(), Some((Lane::Interactive, later)));
        assert!(!kept.keys().contains(&Message::dead_key()));
    }
}
