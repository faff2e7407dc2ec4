//! The worker: claims what is due, asks once more whether it may leave, words it, sends it, keeps the outcome.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::claim::{Done, Ended, Load, Parked, UnderWay, first};
use super::commit::Try;
use super::leaving::Leaving;
use super::purge::Purging;
use super::record::View;
use super::{Engine, Portcullis, record};
use crate::account::TimeZone;
use crate::challenge::Channel;
use crate::contact::Email;
use crate::decision::{Decision, Stored};
use crate::error::{Error, PortError};
use crate::flespi::notice as expiring;
use crate::message::model::{Content, Message, Outcome};
use crate::message::{MessageKind, Wording, held, rules, sms};
use crate::notice::leave::{self, Stay, Told};
use crate::port::message::{Mail, SendError};
use crate::port::store::{CommitError, Lane, Record, Start};
use crate::secret::{Code, LinkToken, LinkUrl};
use crate::user::User;

/// Sends what was kept to be sent. Any number of workers, in any number of processes, share the work.
#[derive(Clone, Debug)]
pub struct Worker(Portcullis);

/// What one pass of a worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pass {
    /// Messages the next system took over.
    pub sent: u32,
    /// Messages that must not leave any more.
    pub suppressed: u32,
    /// Messages held for somebody to look at: see [`Portcullis::held_messages`].
    pub held: u32,
    /// Messages to be tried again later, and requests put off while too many were under way.
    pub postponed: u32,
    /// Messages given up for good.
    pub given_up: u32,
    /// SMS that may have been sent: nobody knows whether the gateway took them over.
    pub maybe_sent: u32,
    /// Records whose time had come, and that were seen to.
    pub timed: u32,
    /// Messages and timed records whose outcome could not be kept; they are tried again when their claim ends.
    pub failed: u32,
    /// Dead records, ended counters and old audit lines that were removed.
    pub purged: u32,
}

impl Portcullis {
    /// A worker: run one in at least one process, or nothing is ever sent.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.two_factor().ask(session.id, None).await?;
    /// let pass = security.worker().pass().await?; // `tokio::spawn` its `run` in a service
    /// assert_eq!((pass.sent, w.mailbox.mails().len()), (1, 1));
    /// # Ok(()) }
    /// ```
    pub fn worker(&self) -> Worker {
        Worker(self.clone())
    }
}

impl Worker {
    /// Sends, and sees to what has its time, until nothing is due any more. What somebody waits for goes first; bulk
    /// messages never take more than half the senders, nor do SMS, nor requests for a recovery, nor does what has its
    /// time, and no more bulk messages leave in a minute than the policy's `bulk_per_minute`; the rest stays for a later
    /// pass. While the sender is set up wrongly, one message at a time tries whether it still is, and the others stay.
    /// Once in `purge_every` of the policy, and at the first pass, it removes
    /// what is long dead beside that work: at most `purge_batch` of each sort, the rest at the next pass, or after
    /// `worker_every` when the work of this one does not end before.
    ///
    /// ```
    /// use portcullis::port::message::SendError;
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// w.mailbox.fail_with(Some(SendError::Transient { detail: "not reachable" }));
    /// security.two_factor().ask(session.id, None).await?;
    /// assert_eq!(security.worker().pass().await?.postponed, 1);
    /// w.mailbox.fail_with(None);
    /// w.advance(security.policy().send_retry_first);
    /// assert_eq!(security.worker().pass().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer; what was claimed before is still sent, and nothing more
    /// is claimed.
    pub async fn pass(&self) -> Result<Pass, Error> {
        let engine = &*self.0.engine;
        let mut pass = Pass::default();
        let mut under_way: Vec<UnderWay<'_>> = Vec::new();
        let mut ended: Vec<Ended> = Vec::new();
        let mut parked = Parked::new();
        let mut claiming = Ok(());
        let mut purging = Purging::default();
        loop {
            engine.last_pass.store(engine.now().timestamp_micros(), Ordering::Relaxed);
            // Listened to before the claim, so that no commit falls in between.
            let woken = engine.wake.listen();
            engine.begin_parked(&mut parked, &mut under_way);
            if claiming.is_ok() {
                claiming = engine.claim_all(&mut parked, &mut under_way, &mut ended).await;
            }
            // INVARIANT: a pass that claims no more ends: a purge of its own would keep it from ever claiming again.
            let goes_on = claiming.is_ok() && !under_way.is_empty();
            if let Some(work) = engine.purge_if_due(&mut purging, goes_on) {
                under_way.push(UnderWay { lane: Lane::Dead, load: Load::Other, work });
            }
            if ended.is_empty() {
                if under_way.is_empty() {
                    claiming?;
                    purging.failed.map_or(Ok(()), Err)?;
                    return Ok(pass);
                }
                ended.extend(first(&mut under_way, woken).await);
            }
            for outcome in ended.drain(..) {
                match outcome {
                    Ok(Done::Message(Outcome::Sent)) => pass.sent += 1,
                    Ok(Done::Message(Outcome::Suppressed)) => pass.suppressed += 1,
                    Ok(Done::Message(Outcome::GivenUp)) => pass.given_up += 1,
                    Ok(Done::Message(Outcome::MaybeSent)) => pass.maybe_sent += 1,
                    Ok(Done::Message(Outcome::Held)) => pass.held += 1,
                    Ok(Done::Message(Outcome::Waiting) | Done::PutOff) => pass.postponed += 1,
                    Ok(Done::Timed) => pass.timed += 1,
                    Ok(Done::Purged(removed)) => {
                        purging.under_way = false;
                        pass.purged = pass.purged.saturating_add(removed);
                    }
                    Err((Lane::Dead, error)) => {
                        tracing::warn!(%error, "a purge failed");
                        purging.under_way = false;
                        purging.failed = Some(error);
                    }
                    Err((_, error)) => {
                        pass.failed += 1;
                        tracing::warn!(%error, "the outcome of what was due could not be kept");
                    }
                }
            }
        }
    }

    /// Resolves when a commit of this process has left something to send.
    ///
    /// Listen before a pass and wait after it, so that nothing falls in between.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// let woken = security.worker().woken();
    /// security.two_factor().ask(session.id, None).await?;
    /// woken.await;
    /// assert_eq!(security.worker().pass().await?.sent, 1);
    /// # Ok(()) }
    /// ```
    pub fn woken(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.engine.wake.listen()
    }

    /// Runs passes for ever: after each commit with messages, when the store [hints](crate::port::store::Store::hint)
    /// that another process left something due, and at least as often as `every`. Dropping or aborting it ends the
    /// worker; what it had claimed is due again when its claim ends.
    #[cfg(feature = "tokio")]
    pub async fn run(&self, every: core::time::Duration) {
        loop {
            let woken = self.woken();
            if let Err(error) = self.pass().await {
                tracing::warn!(%error, "a pass of the worker failed");
            }
            // A timeout is the other reason to look again.
            let _ = tokio::time::timeout(every, either(woken, self.0.engine.store.hint())).await;
        }
    }

    /// Runs the worker as a task of the present tokio runtime, looking at least every 5 seconds for work of other
    /// processes and for what is due again.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// let worker = security.worker().spawn();
    /// // … serve …
    /// worker.abort(); // what it had claimed is due again when its claim ends
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn spawn(self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            let every = self.0.engine.policy.worker_every.to_std().unwrap_or_default();
            self.run(every).await;
        })
    }
}

/// Ends with the first of the two.
#[cfg(feature = "tokio")]
async fn either(one: impl Future<Output = ()> + Send, other: impl Future<Output = ()> + Send) {
    let (mut one, mut other) = (core::pin::pin!(one), core::pin::pin!(other));
    core::future::poll_fn(|cx| {
        if one.as_mut().poll(cx).is_ready() { core::task::Poll::Ready(()) } else { other.as_mut().poll(cx) }
    })
    .await;
}

impl Engine {
    /// Sends one claimed message and keeps what came of it.
    // INVARIANT: whether a message may leave is asked on a read made after it was claimed, and the outcome is only kept
    // under the claimed version: a second worker that took it over wins.
    pub(super) async fn send(&self, claimed: Record) -> Result<Outcome, Error> {
        let message = record::parse::<Message>(&claimed)?;
        if message.value.channel == Channel::Sms {
            return self.submit(message).await;
        }
        let t = self.look();
        let halted = self.halt().lasting(&self.policy, t.now);
        if let Some(until) = halted.filter(|_| self.sms.is_some()) {
            return self.keep_outcome(sms::wait(message, until)).await;
        }
        let view = self.read(&t, vec![Start::Id(claimed.id)], Vec::new()).await?;
        let decision = match self.leaves(&message, &view, &t) {
            Err(Stop::Suppress(why)) => rules::suppress(message, why, &self.policy, t.now),
            Err(Stop::Hold) => held::hold(message, &self.policy, t.now),
            Err(Stop::Stay(Stay::Forget(why))) => leave::forget(&message, why),
            Err(Stop::Stay(Stay::Until(at))) => leave::wait(message, at),
            Err(Stop::Stay(Stay::Readdress(to))) => {
                leave::readdress(message, to, &self.keyring(), self.random_bytes()?, t.now)?
            }
            Err(Stop::Postpone(error)) => rules::settle(message, &Err(error), &self.policy, t.now),
            Ok(mail) => {
                let result = self.mail.send(&mail).await;
                if let Err(error) = &result {
                    tracing::warn!(message = %mail.id, %error, "a message was not taken over");
                }
                let stops = self.halt().note(&result, &self.policy, self.now());
                if stops {
                    tracing::error!(
                        "the mail sender is set up wrongly: all mail waits until one message gets through"
                    );
                }
                rules::settle(message, &result.map(drop), &self.policy, self.now())
            }
        };
        self.keep_outcome(decision).await
    }

    pub(super) async fn keep_outcome(&self, decision: Decision<Outcome>) -> Result<Outcome, Error> {
        let Decision { reply, changes, .. } = decision;
        let commit = self.seal(changes, self.now())?;
        match self.keep(&commit).await {
            Ok(_) => reply.map_err(Error::Refused),
            Err(CommitError::Port(error)) => Err(Error::Unavailable(error)),
            Err(CommitError::Unknown) => Err(Error::Unknown(commit.id)),
            // Another worker took the message over after this one's claim had ended.
            Err(_) => Err(Error::Contended),
        }
    }

    fn leaves(&self, message: &Stored<Message>, view: &View, t: &Try) -> Result<Mail, Stop> {
        let this = &message.value;
        let Leaving { user, chain, content } = self.leaving(message, view, t)?;
        let Some(mailbox) = content.to.email() else {
            return Err(Stop::Suppress("no_mailbox"));
        };
        let told = if this.kind == MessageKind::BlockingNotice {
            let told = leave::leave(this, mailbox, &user, &chain, &self.policy, t.now);
            Some(told.map_err(Stop::Stay)?)
        } else {
            None
        };
        let ends_at = if this.kind == MessageKind::FlespiExpiring {
            let connection = view.flespi_of(&user).map_err(Stop::unreadable)?;
            let connection = connection.as_ref().map(|stored| &stored.value);
            let ends_at = expiring::leave(this, mailbox, &user, &chain, connection, t.now);
            Some(ends_at.map_err(Stop::Stay)?)
        } else {
            None
        };
        if held::must_be_held(this, view.epoch(), &self.policy, t.now) {
            return Err(Stop::Hold);
        }
        let wording = self.wording(this, &content, &user, told, t.now);
        let worded = wording.and_then(|mut wording| {
            wording.valid_until = ends_at.map(|at| user.time_zone.format(at)).or(wording.valid_until);
            self.templates.word(&wording)
        });
        let worded = worded.map_err(|error| {
            tracing::warn!(message = %this.id, %error, "a message could not be worded");
            Stop::Postpone(SendError::Misconfigured { detail: "the message can't be worded" })
        })?;
        let (subject, text, html) = (worded.subject, worded.text, worded.html);
        Ok(Mail { id: this.id, to: mailbox.clone(), subject, text, html })
    }

    /// What a message tells.
    pub(super) fn wording(
        &self,
        message: &Message,
        content: &Content,
        user: &User,
        told: Option<Told>,
        now: DateTime<Utc>,
    ) -> Result<Wording, PortError> {
        let unfit = |_| PortError::new("message", "the code in it is no code");
        let zone: TimeZone = user.time_zone;
        let mut wording = Wording::new(message.kind, user.language.clone(), user.login.as_str());
        wording.product = Some(self.product.clone());
        wording.code =
            content.code.as_ref().map(|code| Code::parse(code.as_str())).transpose().map_err(unfit)?;
        wording.link =
            content.link.as_ref().map(|token| self.link_url(message.kind, token.as_str())).transpose()?;
        wording.valid_until = message.valid_until.map(|at| zone.format(at));
        // To the nearest minute: a code of ten minutes that leaves after a moment is still called that.
        let minutes = |at: DateTime<Utc>| ((at - now).num_seconds() + 30) / 60;
        wording.minutes = message.valid_until.map(|at| u32::try_from(minutes(at).max(1)).unwrap_or(u32::MAX));
        wording.address = match message.kind {
            MessageKind::EmailChanged | MessageKind::EmailUndo => user.confirmed_email().map(Email::masked),
            MessageKind::SignInCode
            | MessageKind::ReauthenticationCode
            | MessageKind::EmailConfirmationCode
            | MessageKind::TwoFactorCode
            | MessageKind::CodesLocked
            | MessageKind::PasswordChanged
            | MessageKind::TwoFactorOn
            | MessageKind::TwoFactorOff
            | MessageKind::RecoveryLink
            | MessageKind::InvitationLink
            | MessageKind::BlockingNotice
            | MessageKind::FlespiExpiring => Some(message.to.clone()),
        };
        wording.at = Some(zone.format(message.created_at));
        wording.days_left = told.map(|told| told.days_left);
        wording.blocking_date = told.map(|told| told.blocking_day.to_string());
        Ok(wording)
    }
}

impl Engine {
    /// The address of a link.
    pub(crate) fn link_url(&self, kind: MessageKind, token: &str) -> Result<LinkUrl, PortError> {
        let unfit = || PortError::new("message", "the link in it is no link");
        let token = LinkToken::parse(token).ok_or_else(unfit)?;
        let page = kind.page().ok_or_else(unfit)?;
        Ok(LinkUrl::of(self.public_url.as_str(), page, &token))
    }
}

/// Why a message does not leave now.
pub(super) enum Stop {
    Suppress(&'static str),
    Hold,
    Postpone(SendError),
    Stay(Stay),
}

impl Stop {
    pub(super) fn unreadable(_: Error) -> Self {
        Self::Postpone(SendError::Misconfigured { detail: "what the message refers to can't be read" })
    }
}
