//! How far the message with a code came, as its user may see it.

use super::model::Challenge;
use crate::message::{Message, Outcome};
use crate::port::message::DeliveryState;

/// How far the newest message with a code came, as far as anybody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeDelivery {
    /// It is on its way to the next system.
    #[default]
    Waiting,
    /// The next system took it over; whether it arrived is another matter.
    Sent,
    /// It was handed over and the answer was lost: it may have been sent. Nothing repeats it; its user may ask again.
    Ambiguous,
    /// It was not sent, or a gateway reports that it will not arrive. Its user may ask again.
    Failed,
}

impl CodeDelivery {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Ambiguous, Self::Failed];

    /// The stable name.
    ///
    /// ```
    /// use portcullis::challenge::CodeDelivery;
    /// assert_eq!(CodeDelivery::Ambiguous.name(), "ambiguous");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Ambiguous => "ambiguous",
            Self::Failed => "failed",
        }
    }
}

/// How far the newest message of a challenge came; a message of an earlier send tells nothing.
pub(crate) fn delivery(challenge: &Challenge, message: Option<&Message>) -> CodeDelivery {
    let newest =
        message.filter(|message| message.challenge == Some(challenge.id) && message.issue == challenge.issue);
    let Some(message) = newest else {
        return CodeDelivery::Waiting;
    };
    match (message.outcome, message.delivery) {
        (Outcome::Waiting, _) => CodeDelivery::Waiting,
        (Outcome::Suppressed | Outcome::GivenUp | Outcome::Held, _)
        | (Outcome::Sent | Outcome::MaybeSent, Some(DeliveryState::Undelivered)) => CodeDelivery::Failed,
        (Outcome::Sent, _)
        | (Outcome::MaybeSent, Some(DeliveryState::OnItsWay | DeliveryState::Delivered)) => {
            CodeDelivery::Sent
        }
        (Outcome::MaybeSent, None) => CodeDelivery::Ambiguous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::Purpose;
    use crate::contact::Phone;
    use crate::fixture::*;
    use crate::id::MessageId;
    use crate::message::model::Draft;

    fn of(issue: u32, outcome: Outcome, reported: Option<DeliveryState>) -> CodeDelivery {
        let account = account(1);
        let challenge = challenge(Purpose::SignIn, &user(2, &account), "+37120000045");
        let draft: Draft = crate::challenge::rules::message(
            &challenge,
            MessageId::from_uuid(uuid(70)),
            crate::secret::Code::parse("123456").unwrap(),
            None,
        );
        let mut message = Message::sealed(draft, &keyring(), [3; 24], began()).unwrap();
        assert_eq!(message.to, Phone::parse("+37120000045").unwrap().masked());
        (message.issue, message.outcome, message.delivery) = (issue, outcome, reported);
        delivery(&challenge, Some(&message))
    }

    #[test]
    fn what_is_known_of_the_newest_message_is_told() {
        use CodeDelivery::{Ambiguous, Failed, Sent, Waiting};
        let reported = [
            None,
            Some(DeliveryState::OnItsWay),
            Some(DeliveryState::Undelivered),
            Some(DeliveryState::Delivered),
        ];
        for (outcome, told) in [
            (Outcome::Waiting, [Waiting; 4]),
            (Outcome::Sent, [Sent, Sent, Failed, Sent]),
            (Outcome::MaybeSent, [Ambiguous, Sent, Failed, Sent]),
            (Outcome::Suppressed, [Failed; 4]),
            (Outcome::GivenUp, [Failed; 4]),
            (Outcome::Held, [Failed; 4]),
        ] {
            assert_eq!(reported.map(|state| of(1, outcome, state)), told, "{outcome:?}");
        }
        assert_eq!(of(2, Outcome::GivenUp, None), Waiting, "another send's");
    }
}
