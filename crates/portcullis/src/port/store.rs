//! The store port: compare-and-swap records, conditional counters, claimed work.
//!
//! Everything portcullis promises about parallel callers and crashes rests on [`Store::commit`].

#![expect(
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "adapters build and match these; a new field or variant is a new contract and must not compile unnoticed"
)]

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::id::CommitId;
use crate::policy::CLOCK_SLACK;

/// The kind of a record, such as `user` or `challenge`.
///
/// A store treats kinds as opaque text of at most 32 bytes: a newer release may write kinds this one does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

impl Kind {
    /// Names a kind at compile time.
    pub const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Takes a kind as it is stored.
    pub fn stored(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }

    /// Gives the kind as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value by which records are found.
///
/// Keys compare byte-wise: folding is the core's. At most one record holds a given *unique* key
/// `(kind, name, value)`; a lookup key may be carried by any number of records. `kind` is the kind of the
/// record that carries the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind of the record that carries it.
    pub kind: Kind,
    /// What is looked up, such as `login` or `user`.
    pub name: Cow<'static, str>,
    /// The value, at most 512 bytes.
    pub value: String,
    /// Whether at most one record may hold it.
    pub unique: bool,
}

impl Key {
    /// A key that at most one record holds.
    pub fn unique(kind: Kind, name: &'static str, value: impl Into<String>) -> Self {
        Self { kind, name: Cow::Borrowed(name), value: value.into(), unique: true }
    }

    /// A key that any number of records may carry.
    pub fn lookup(kind: Kind, name: &'static str, value: impl Into<String>) -> Self {
        Self { kind, name: Cow::Borrowed(name), value: value.into(), unique: false }
    }
}

/// A queue of due records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// What somebody waits for.
    Interactive,
    /// Messages nobody waits for.
    Bulk,
    /// Everything else whose time comes.
    Timed,
    /// What is over: due is when it may be purged. Never claimed.
    Dead,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Interactive, Self::Bulk, Self::Timed, Self::Dead];

    /// Gives the lane as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
            Self::Timed => "timed",
            Self::Dead => "dead",
        }
    }

    /// Takes a lane as it is stored.
    pub fn stored(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.as_str() == name)
    }
}

/// One record: what a store keeps and never looks into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The top account it belongs to; the nil id for decoys. Never changes.
    pub tenant: Uuid,
    /// Its kind. Never changes.
    pub kind: Kind,
    /// Its id, unique over all kinds.
    pub id: Uuid,
    /// How often it was written: 1 when first stored, one more at each put and claim.
    pub version: u64,
    /// The keys it is found by.
    pub keys: Vec<Key>,
    /// The ids of the records it refers to, at most 64; they need not exist.
    pub refs: Vec<Uuid>,
    /// When it is due, and in which lane. Times are whole microseconds.
    pub due: Option<(Lane, DateTime<Utc>)>,
    /// JSON text with a schema number `v`, at most 64 KiB.
    pub body: String,
}

/// Names one counter: any subject (a record's id or an id derived from an address), and what is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// Whom it counts for.
    pub subject: Uuid,
    /// What it counts.
    pub name: Cow<'static, str>,
}

impl Counter {
    /// Names a counter.
    pub const fn of(subject: Uuid, name: &'static str) -> Self {
        Self { subject, name: Cow::Borrowed(name) }
    }
}

/// What a counter holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The value; 0 if the window has ended.
    pub value: u32,
    /// When the window ends and the value counts as 0 again; `None` means never. At most `i32::MAX` is ever reached.
    pub ends_at: Option<DateTime<Utc>>,
}

/// How long a counter counts, fixed when its window opens (at the first `Add` of a new window).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// For ever.
    None,
    /// For this long from the commit that opens it; positive.
    ///
    /// A stored end later than [`Window::latest_end`] was written by a clock that has since stepped back; such a window
    /// counts as ended, so that no such step locks anybody for longer than the length and [`CLOCK_SLACK`]. An end less
    /// far off is kept: callers whose clocks differ by a moment, or whose commits overtake each other, share one window
    /// and one limit.
    Rolling(TimeDelta),
    /// Until this instant. An instant that is not after `Commit::now` keeps nothing: the value is counted in this
    /// commit and has ended for every later one.
    Until(DateTime<Utc>),
}

impl Window {
    /// When the window ends if it opens at `now`; `None` means never.
    pub fn end(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::None => None,
            Self::Rolling(length) => Some(now.checked_add_signed(length).unwrap_or(DateTime::<Utc>::MAX_UTC)),
            Self::Until(instant) => Some(instant),
        }
    }

    /// The latest end of a stored window that still counts at `now`: of a `Rolling` one its own, and [`CLOCK_SLACK`];
    /// `None` means any.
    pub fn latest_end(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::None | Self::Until(_) => None,
            Self::Rolling(_) => {
                let end = self.end(now)?;
                Some(end.checked_add_signed(CLOCK_SLACK).unwrap_or(DateTime::<Utc>::MAX_UTC))
            }
        }
    }
}

/// One step on a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterOp {
    /// Adds `n`, unless the value would pass `limit`: then the commit is refused as `Exhausted`.
    Add {
        /// How much.
        n: u32,
        /// The highest value it may reach.
        limit: u32,
        /// How long it counts, if this opens the window.
        window: Window,
    },
    /// Refuses the commit as `Exhausted` unless the value is below `limit`. Changes nothing and opens no window.
    Below {
        /// The value it must be below.
        limit: u32,
        /// Only a `Rolling` length matters here: see [`Window::Rolling`].
        window: Window,
    },
    /// Takes `n` back, down to 0 at most, if the current window is the one that ends at `ends_at`; else does nothing.
    GiveBack {
        /// How much.
        n: u32,
        /// The end of the window in which it was added.
        ends_at: Option<DateTime<Utc>>,
    },
    /// Sets it to 0; the next `Add` opens a new window.
    Clear,
}

/// Where a read starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the record with this id.
    Id(Uuid),
    /// At the record that holds this unique key.
    Key(Key),
}

/// What to read, in one snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The time, by which ended counters are 0.
    pub now: DateTime<Utc>,
    /// The records to start from.
    pub starts: Vec<Start>,
    /// Further subjects whose counters are wanted.
    pub subjects: Vec<Uuid>,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// For each start, in the order asked, the id of the record found.
    pub found: Vec<Option<Uuid>>,
    /// The records found, those they refer to, and those these refer to.
    pub records: BTreeMap<Uuid, Record>,
    /// Every counter above 0 of all these records and of the listed subjects.
    pub counters: BTreeMap<Counter, Count>,
}

/// A part of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only what comes after this id.
    pub after: Option<Uuid>,
    /// At most so many, 1 to 1000.
    pub limit: u32,
}

/// Which end of a trail comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By rising ids.
    OldestFirst,
    /// By falling ids.
    NewestFirst,
}

/// A part of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailPage {
    /// Which end comes first.
    pub order: Order,
    /// Only what lies beyond this id in that order: later events when the oldest come first, earlier ones when the
    /// newest do.
    pub beyond: Option<Uuid>,
    /// At most so many, 1 to 1000.
    pub limit: u32,
}

impl TrailPage {
    /// The newest events, or those that came before one.
    ///
    /// ```
    /// use portcullis::port::store::{Order, TrailPage};
    /// assert_eq!(TrailPage::newest(None, 20).order, Order::NewestFirst);
    /// ```
    pub const fn newest(before: Option<Uuid>, limit: u32) -> Self {
        Self { order: Order::NewestFirst, beyond: before, limit }
    }
}

/// A page of any listing, as one of a trail: the oldest events first.
impl From<Page> for TrailPage {
    fn from(page: Page) -> Self {
        Self { order: Order::OldestFirst, beyond: page.after, limit: page.limit }
    }
}

/// The condition of a put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The stored version is this one; else `Conflict`.
    Version(u64),
    /// Nothing is stored under the id; else `Conflict`.
    Absent,
    /// If something is stored under the id, the put is skipped, and with `at` also while that counter, after this
    /// commit's counter steps, is lower than the value. A skipped put is no error and claims no key.
    AbsentElseSkip {
        /// The counter to have reached a value.
        at: Option<(Counter, u32)>,
    },
}

/// Writes one record, keys and references included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// What is stored from now on; the store sets `version` to one more than the version expected (1 for a new record).
    pub record: Record,
    /// On which condition.
    pub expect: Expect,
}

/// Pins a record that was only read: it is *locked* until the commit ends, and must still have this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The record.
    pub id: Uuid,
    /// The version it must have; else `Conflict`.
    pub version: u64,
}

/// Removes a record with its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The record.
    pub id: Uuid,
    /// The version it must have; else `Conflict`.
    pub version: u64,
}

/// Everything one answer rests on, kept together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The id of the first audit event, or of its own if there is none.
    pub id: CommitId,
    /// The only time a store knows.
    pub now: DateTime<Utc>,
    /// Records written; each id at most once in a commit, over puts, guards and deletes together.
    pub puts: Vec<Put>,
    /// Records pinned.
    pub guards: Vec<Guard>,
    /// Records removed.
    pub deletes: Vec<Delete>,
    /// Steps on counters, taken in this order for each counter.
    pub counters: Vec<(Counter, CounterOp)>,
    /// The trail; empty where a change tells nobody anything new.
    pub audit: Vec<AuditEvent>,
}

/// The values of the counters a commit stepped on, after it.
pub type Counts = BTreeMap<Counter, Count>;

/// Why a commit did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitError {
    /// A record has another version, exists although it must not, or a database asked to try again.
    Conflict,
    /// Another record holds this unique key.
    Duplicate(Key),
    /// This counter does not allow its step.
    Exhausted(Counter),
    /// Nobody knows whether it happened. Committing the *same* value again tells.
    Unknown,
    /// The store failed and nothing was kept.
    Port(PortError),
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict => f.write_str("a record changed meanwhile"),
            Self::Duplicate(key) => write!(f, "the {} is taken", key.name),
            Self::Exhausted(counter) => write!(f, "the limit of {} is reached", counter.name),
            Self::Unknown => f.write_str("whether the commit happened is not known"),
            Self::Port(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommitError {}

/// What waits in a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many records are due, counted no further than asked.
    pub count: u32,
    /// When the earliest of them was due; `None` when none is.
    pub oldest: Option<DateTime<Utc>>,
}

/// What to purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Counters whose window ended before the instant.
    Counters,
    /// Audit events from before the instant.
    Audit,
    /// Records in [`Lane::Dead`] that were due before the instant.
    Records,
}

/// Keeps records, counters and the audit trail.
///
/// **Atomicity.** A commit happens whole or not at all, seen whole or not at all by every read, claim and other
/// commit of any process; and it is durable when it returns `Ok`. A store that breaks this lets one code sign in
/// twice, lets parallel guesses outrun their limit, or answers for a change that a power cut undoes.
///
/// **Order.** Commits that touch the same record or counter are serial. A guard locks: a commit that changes a guarded
/// record either came before the guard was taken (then the guard's version fails) or waits until the guarding commit
/// has ended. A guard that merely compares lets a revoked right be used after its revocation was answered.
/// Take locks on records in id order, then on counters in key order, so that commits wait for each other and never
/// in a circle.
///
/// **The same commit again** (same `id`) returns `Ok` with the counters' present values if it had happened, and
/// doubles nothing; the id is what must be written first. **Dropping** a future of this trait leaves the state before
/// or after the call, never between.
///
/// **Refusals first seen win.** When several conditions fail, any of them may be named.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads in one round trip and one snapshot: each start, the records it refers to and those they refer to,
    /// the counters of all of these and of the listed subjects.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer; nothing is assumed then.
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError>;

    /// Lists the records that carry exactly this key, in id order, by page. A unique key and a plain one are different
    /// keys, also under the same name and value: who asks for the one gets no record that carries only the other.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError>;

    /// Takes records of a lane that are due at `now` for one caller, earliest first: sets their due time to `until`
    /// and bumps their version, which is the fence: an outcome committed under an older version conflicts.
    ///
    /// Two claims never give out the same record while `until` lies ahead. The records carry the new version and due
    /// time. [`Lane::Dead`] is never claimed and gives nothing.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer; what it may have claimed is due again at `until`.
    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError>;

    /// Says what of a lane is due at `now`: how many records, counting no further than `at_most`, and since when the
    /// earliest. What is claimed is due at the end of its claim, as for a claim.
    ///
    /// It is asked again and again while a backlog grows, so its cost ends with `at_most` too: a store that counts
    /// everything that waits makes a bad hour worse. Nothing is changed or locked, and the answer may be a moment old.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError>;

    /// Keeps a commit, all or nothing, durable when it returns `Ok`, in one round trip; returns the new values of the
    /// counters it stepped on.
    ///
    /// # Errors
    /// See [`CommitError`]; nothing was kept, except that `Unknown` leaves that open.
    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError>;

    /// Gives the trail of a subject by page of event ids, in the order the page names. Whichever end comes first, no
    /// more is read than the page holds: a trail of years shows its end as cheaply as its beginning.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError>;

    /// Removes what is long dead, at most `limit` at a time, and says how many were removed.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError>;

    /// Resolves when another process may have left something due. It is only a hint that spares the worker a wait: a
    /// hint that is lost loses nothing, since every worker also looks again by itself, and one too many costs one look.
    /// What was hinted while nobody waited is told to the next who does.
    ///
    /// A store that can't tell never resolves, which is what is done here.
    async fn hint(&self) {
        core::future::pending::<()>().await;
    }
}

/// A shared store is a store, also as `Arc<dyn Store>`.
#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.as_ref().read(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.as_ref().list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.as_ref().claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.as_ref().waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.as_ref().commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.as_ref().audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.as_ref().purge(what, before, limit).await
    }

    async fn hint(&self) {
        self.as_ref().hint().await;
    }
}
