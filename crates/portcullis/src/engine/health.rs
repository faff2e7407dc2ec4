//! How the engine is doing: whether somebody works, what waits, and what was given up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{Engine, Portcullis};
use crate::error::Error;
use crate::message::Message;
use crate::message::pace::Halt;
use crate::message::sms::Ignored;
use crate::port::store::{Lane, Page, Waiting};
use crate::session::rules::after;

/// How the embedded engine is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// When a worker of this process last looked for work; `None` if none ever did.
    pub last_pass: Option<DateTime<Utc>>,
    /// Whether no worker of this process has looked for work in the policy's `worker_silence`: messages wait unless
    /// another process sends them.
    pub no_worker: bool,
    /// Until when this process sends no mail, because its sender is set up wrongly (credentials, certificate): look at
    /// the log and mend it. One message tries then; `None` while mail is sent.
    pub mail_stopped_until: Option<DateTime<Utc>>,
    /// Until when this process sends no SMS, because its sender is set up wrongly; `None` while SMS are sent.
    pub sms_stopped_until: Option<DateTime<Utc>>,
    /// How many delivery reports told this process nothing: all of [`Reports`] but those kept.
    pub reports_ignored: u64,
    /// The delivery reports that this process was given.
    pub reports: Reports,
}

/// How many delivery reports a process was given since it began, by what became of them. Each ignored one is an event of
/// `tracing`, too. Many unknown or forged ones mean that somebody guesses, or that a gateway reports of another service's
/// SMS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reports {
    /// Those that told something new.
    pub kept: u64,
    /// Those of no SMS of ours.
    pub unknown: u64,
    /// Those that said what was known.
    pub repeated: u64,
    /// Those that said less than what was known, or that came for an SMS which was never handed over.
    pub late: u64,
    /// Those that did not come from the gateway: see [`Portcullis::forged_delivery_report`].
    pub forged: u64,
}

/// Counts delivery reports.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) kept: AtomicU64,
    unknown: AtomicU64,
    repeated: AtomicU64,
    late: AtomicU64,
    forged: AtomicU64,
}

impl Counted {
    /// Counts one that told nothing.
    pub(crate) fn ignore(&self, why: Ignored) {
        // Anybody may send forged ones: they fill no log that is kept by default.
        tracing::debug!(why = why.name(), "a delivery report was ignored");
        let counter = match why {
            Ignored::Unknown => &self.unknown,
            Ignored::Repeated => &self.repeated,
            Ignored::Late => &self.late,
            Ignored::Forged => &self.forged,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn told(&self) -> Reports {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reports {
            kept: of(&self.kept),
            unknown: of(&self.unknown),
            repeated: of(&self.repeated),
            late: of(&self.late),
            forged: of(&self.forged),
        }
    }
}

/// What waits to be done, in all processes together. What is due is counted no further than the policy's
/// `backlog_counted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backlog {
    /// What somebody waits for and that is due: messages, and requests for recovery.
    pub interactive: Waiting,
    /// Messages that nobody waits for, and that are due.
    pub bulk: Waiting,
    /// What else has its time.
    pub timed: Waiting,
    /// Messages that were given up and can be sent again: see [`Portcullis::dead_messages`]. At least so many where it is
    /// the policy's `dead_counted`.
    pub dead: u32,
}

impl Portcullis {
    /// How the embedded engine is doing.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # use portcullis::testing::world::{PASSWORD, attempt, source};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// assert!(security.health().no_worker, "nothing would be sent");
    /// security.worker().pass().await?;
    /// assert_eq!(security.health().last_pass, Some(security.now()));
    /// # Ok(()) }
    /// ```
    pub fn health(&self) -> Health {
        let last_pass = DateTime::from_timestamp_micros(self.engine.last_pass.load(Ordering::Relaxed));
        let silence = self.engine.policy.worker_silence;
        let now = self.engine.now();
        let reports = self.engine.reports.told();
        let Reports { unknown, repeated, late, forged, .. } = reports;
        Health {
            last_pass,
            no_worker: last_pass.is_none_or(|at| now >= after(at, silence)),
            mail_stopped_until: self.engine.halt().until(),
            sms_stopped_until: self.engine.sms_halt().until(),
            reports_ignored: unknown + repeated + late + forged,
            reports,
        }
    }

    /// What waits to be done. Alert when the oldest message that somebody waits for was due some minutes ago, and when
    /// anything was given up.
    ///
    /// ```
    /// # use portcullis::testing::World;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let w = World::new();
    /// # let security = &w.security;
    /// # let account = w.account("demo").await?;
    /// # let alice = w.user(&account, "alice", Some("alice@example.com")).await?;
    /// # let session = w.sign_in(&alice).await?;
    /// security.two_factor().ask(session.id, None).await?;
    /// let backlog = security.backlog().await?;
    /// assert_eq!((backlog.interactive.count, backlog.interactive.oldest), (1, Some(security.now())));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store does not answer.
    pub async fn backlog(&self) -> Result<Backlog, Error> {
        let engine = &*self.engine;
        let (now, most) = (engine.now(), engine.policy.backlog_counted);
        // A listing gives whole records, and this is asked again and again.
        let page = Page { after: None, limit: engine.policy.dead_counted };
        let dead = engine.store.list(&Message::dead_key(), page).await?;
        Ok(Backlog {
            interactive: engine.store.waiting(Lane::Interactive, now, most).await?,
            bulk: engine.store.waiting(Lane::Bulk, now, most).await?,
            timed: engine.store.waiting(Lane::Timed, now, most).await?,
            dead: u32::try_from(dead.len()).unwrap_or(page.limit),
        })
    }
}

impl Engine {
    pub(super) fn sms_halt(&self) -> MutexGuard<'_, Halt> {
        self.sms_halt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn halt(&self) -> MutexGuard<'_, Halt> {
        self.halt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
