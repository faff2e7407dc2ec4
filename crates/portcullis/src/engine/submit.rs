//! Submitting an SMS: the gates once more, a mark that it began, one submission, its outcome.

use chrono::{DateTime, Utc};

use super::commit::Try;
use super::record::View;
use super::worker::Stop;
use super::{Engine, SmsLine};
use crate::challenge::Challenge;
use crate::decision::{Changes, Decision, Stored};
use crate::error::{Error, PortError};
use crate::message::model::{Message, Outcome};
use crate::message::{held, rules, sms};
use crate::port::message::{SendError, Sms};
use crate::port::store::{CommitError, Start};
use crate::sms::rules as gates;
use crate::sms_text::{fits, segments};
use crate::spend::{Charge, Lack, serves};

impl Engine {
    /// Submits one claimed SMS and keeps what came of it.
    // INVARIANT: claiming an SMS is its one submission. That it began is kept first, under the claimed version; claimed
    // again without a known outcome, it is not submitted again, unless the gateway takes its id as an idempotency key.
    pub(super) async fn submit(&self, message: Stored<Message>) -> Result<Outcome, Error> {
        let t = self.look();
        let idempotent = self.sms.as_ref().is_some_and(|sms| sms.sender.is_idempotent());
        if message.value.submitted && !idempotent {
            return self.keep_outcome(sms::maybe_sent(message, &self.policy, t.now)).await;
        }
        let halted = self.sms_halt().lasting(&self.policy, t.now);
        if let Some(until) = halted {
            return self.keep_outcome(sms::wait(message, until)).await;
        }
        let view = self.read(&t, vec![Start::Id(message.value.id.uuid())], Vec::new()).await?;
        match self.may_submit(&message, &view, &t) {
            Ok(worded) => self.hand_over(message, &worded, idempotent).await,
            Err(stop) => self.keep_sms(&message, |message| self.stopped(message, &stop, t.now)).await,
        }
    }

    /// What becomes of an SMS that does not leave now.
    fn stopped(&self, message: Stored<Message>, stop: &Stop, now: DateTime<Utc>) -> Decision<Outcome> {
        match stop {
            _ if message.value.submitted => sms::maybe_sent(message, &self.policy, now),
            Stop::Suppress(why) => rules::suppress(message, why, &self.policy, now),
            Stop::Hold => held::hold(message, &self.policy, now),
            Stop::Postpone(error) => {
                sms::settle_sms(message, &Err(error.clone()), false, false, &self.policy, now)
            }
            Stop::Stay(_) => rules::suppress(message, "no_sms", &self.policy, now),
        }
    }

    /// Keeps what came of an SMS, and with it what its code gives back when it certainly was not sent.
    async fn keep_sms(
        &self,
        of: &Stored<Message>,
        decide: impl Fn(Stored<Message>) -> Decision<Outcome> + Send + Sync,
    ) -> Result<Outcome, Error> {
        let id = of.value.id.uuid();
        for _ in 0..self.policy.commit_tries {
            let Decision { reply, mut changes, attempts } = decide(of.clone());
            if !matches!(reply, Ok(Outcome::Suppressed | Outcome::GivenUp)) {
                return self.keep_outcome(Decision { reply, changes, attempts }).await;
            }
            let view = self.read(&self.look(), vec![Start::Id(id)], Vec::new()).await?;
            if view.start::<Message>(0)?.is_none_or(|kept| kept.version() != of.version()) {
                break;
            }
            let challenge = match of.value.challenge {
                Some(challenge) => view.record::<Challenge>(challenge.uuid())?,
                None => None,
            };
            sms::give_back_code(&mut changes, &of.value, challenge);
            match self.keep_first(changes).await {
                Ok(()) => return reply.map_err(Error::Refused),
                // The code was entered or sent again meanwhile.
                Err(Error::Contended) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended)
    }

    async fn hand_over(
        &self,
        message: Stored<Message>,
        worded: &Sms,
        idempotent: bool,
    ) -> Result<Outcome, Error> {
        let Some(SmsLine { sender, .. }) = &self.sms else {
            return self.keep_sms(&message, |m| rules::suppress(m, "policy", &self.policy, self.now())).await;
        };
        let admitted = self.sms_halt().admit(&self.policy, self.now());
        if let Err(until) = admitted {
            return self.keep_outcome(sms::wait(message, until)).await;
        }
        let (begun, changes) = sms::begin(&message, &self.policy, self.now());
        self.keep_first(changes).await?;
        let begun = begun.kept().map_err(|why| Error::Corrupt { kind: "message".into(), why })?;
        let result = sender.send(worded).await;
        if let Err(error) = &result {
            tracing::warn!(message = %worded.id, %error, "an SMS was not taken over");
        }
        let receiver = self.keyring().derive("sms_number", worded.to.as_str().as_bytes());
        if self.sms_halt().note_of(receiver, &result, &self.policy, self.now()) {
            tracing::error!("the SMS sender is set up wrongly: all SMS wait until one gets through");
        }
        let result = result.map(drop);
        let unknown = message.value.submitted;
        let now = self.now();
        self.keep_sms(&begun, |begun| sms::settle_sms(begun, &result, idempotent, unknown, &self.policy, now))
            .await
    }

    /// Keeps what must be kept before something leaves.
    pub(super) async fn keep_first(&self, changes: Changes) -> Result<(), Error> {
        let commit = self.seal(changes, self.now())?;
        match self.keep(&commit).await {
            Ok(_) => Ok(()),
            Err(CommitError::Port(error)) => Err(Error::Unavailable(error)),
            Err(CommitError::Unknown) => Err(Error::Unknown(commit.id)),
            // Another worker took the message over after this one's claim had ended.
            Err(_) => Err(Error::Contended),
        }
    }

    /// The gates of an SMS, asked right before it leaves, and its text.
    fn may_submit(&self, message: &Stored<Message>, view: &View, t: &Try) -> Result<Sms, Stop> {
        let leaving = self.leaving(message, view, t)?;
        let (this, user) = (&message.value, &leaving.user);
        let Some(phone) = leaving.content.to.phone().cloned() else {
            return Err(Stop::Suppress("no_phone"));
        };
        let line = self.line(view, user).map_err(Stop::unreadable)?;
        let mut lacks = Self::quota_kept(view, &leaving.chain, t.now);
        if !serves(&self.policy.sms_prefixes, &phone) {
            lacks.push(Lack::Country);
        }
        if let Some(gate) = gates::missing(&line, user, &leaving.chain, &lacks, &self.policy, t.now).first() {
            return Err(Stop::Suppress(gate.name()));
        }
        if held::must_be_held(this, view.epoch(), &self.policy, t.now) {
            return Err(Stop::Hold);
        }
        let worded = self.wording(this, &leaving.content, user, None, t.now).and_then(|mut wording| {
            wording.product = self.sms.as_ref().map(|sms| sms.name.as_str().to_owned());
            let text = self.templates.sms(&wording)?;
            // INVARIANT: what leaves is what was charged, and one segment with its code, whoever words it.
            fits(&text, &wording).map_err(|why| PortError::new("templates", why))?;
            let charged = this.charge.as_ref().map_or(1, Charge::segments);
            if segments(&text).parts > charged {
                return Err(PortError::new("templates", "it is longer than what was charged"));
            }
            Ok(text)
        });
        let text = worded.map_err(|error| {
            tracing::warn!(message = %this.id, %error, "an SMS could not be worded");
            Stop::Postpone(SendError::Misconfigured { detail: "the message can't be worded" })
        })?;
        Ok(Sms { id: this.id, to: phone, text })
    }
}
