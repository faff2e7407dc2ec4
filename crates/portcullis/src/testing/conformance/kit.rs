//! What the cases are written with: ids, records, commits, races.

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::id::{CommitId, uuid_v7};
use crate::port::store::{
    Commit, CommitError, Count, Counter, CounterOp, Counts, Delete, Expect, Guard, Key, Kind, Page, Put,
    Read, Record, Snapshot, Start, Store, TrailPage, Window,
};

/// The kind of every record the cases write, unless they say so.
pub(super) const KIND: Kind = Kind::of("conformance");

/// A day in 2026, in seconds.
const DAY: i64 = 1_790_000_000;
/// A day in 1980, in seconds: see the module above.
const OLD_DAY: i64 = 315_600_000;
/// How often a caller tries again, as the engine does, when the answer allows it.
const TRIES: u32 = 8;

/// Seconds after the time at which most cases play.
pub(super) fn at(secs: i64) -> DateTime<Utc> {
    time(DAY, secs)
}

/// Seconds after the time at which cases play that claim and purge.
pub(super) fn old(secs: i64) -> DateTime<Utc> {
    time(OLD_DAY, secs)
}

fn time(day: i64, secs: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(day + secs, 123_456_000).unwrap_or_default()
}

/// A length.
pub(super) fn secs(secs: i64) -> TimeDelta {
    TimeDelta::seconds(secs)
}

/// One store, and ids of its own for one case.
pub(super) struct Kit {
    pub(super) store: Arc<dyn Store>,
    seed: u64,
    made: AtomicU64,
}

impl Kit {
    pub(super) fn new(store: &Arc<dyn Store>, nonce: u64, case: &str) -> Self {
        let seed = case.bytes().fold(mix(nonce), |seed, byte| mix(seed ^ u64::from(byte)));
        Self { store: Arc::clone(store), seed, made: AtomicU64::new(0) }
    }

    /// A new id; later ones sort after earlier ones.
    pub(super) fn id(&self) -> Uuid {
        let nth = self.made.fetch_add(1, Ordering::Relaxed);
        let high = u128::from(mix(self.seed ^ mix(nth)));
        let low = u128::from(mix(self.seed.wrapping_add(nth)));
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(((high << 64) | low).to_be_bytes()) {
            *to = from;
        }
        let millis = TimeDelta::milliseconds(i64::try_from(nth).unwrap_or(0));
        uuid_v7(at(0) + millis, random)
    }

    /// A new record with nothing in it, not stored yet.
    pub(super) fn record(&self) -> Record {
        Record {
            tenant: Uuid::nil(),
            kind: KIND,
            id: self.id(),
            version: 0,
            keys: Vec::new(),
            refs: Vec::new(),
            due: None,
            body: r#"{"v":1}"#.to_owned(),
        }
    }

    /// A counter of a new subject.
    pub(super) fn counter(&self) -> Counter {
        Counter::of(self.id(), "guesses")
    }

    /// A unique key with a value of its own.
    pub(super) fn key(&self) -> Key {
        Key::unique(KIND, "login", self.id().to_string())
    }

    /// A lookup key with a value of its own.
    pub(super) fn lookup(&self) -> Key {
        Key::lookup(KIND, "user", self.id().to_string())
    }

    /// An event about a subject.
    pub(super) fn event(&self, subject: Uuid) -> AuditEvent {
        AuditEvent {
            id: self.id(),
            at: at(0),
            tenant: Uuid::nil(),
            subject,
            actor: None,
            action: "conformance".into(),
            reason: None,
            source: None,
            about: None,
        }
    }

    /// A new commit that only leaves an event about a subject of its own.
    pub(super) fn commit(&self) -> Commit {
        self.commit_about(self.id())
    }

    /// A new commit that only leaves an event about a subject.
    pub(super) fn commit_about(&self, subject: Uuid) -> Commit {
        let event = self.event(subject);
        Commit {
            id: CommitId::from_uuid(event.id),
            now: at(0),
            puts: Vec::new(),
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: vec![event],
        }
    }

    /// Commits what must be possible.
    pub(super) async fn keep(&self, what: &str, commit: &Commit) -> Counts {
        match self.store.commit(commit).await {
            Ok(counts) => counts,
            Err(error) => panic!("{what} must be kept, but the store says: {error}"),
        }
    }

    /// Commits what must be refused.
    pub(super) async fn refuse(&self, what: &str, commit: &Commit, why: &CommitError) {
        match self.store.commit(commit).await {
            Ok(_) => panic!("{what} must be refused, but it is kept"),
            Err(error) => assert_eq!(&error, why, "{what} must be refused for the right reason"),
        }
    }

    /// Stores a new record and gives it back as it must be stored.
    pub(super) async fn insert(&self, record: Record) -> Record {
        self.keep("a new record", &self.commit().put(record.clone(), Expect::Absent)).await;
        Record { version: 1, ..record }
    }

    /// Adds to a counter at a time and gives what it holds then.
    pub(super) async fn add(&self, counter: &Counter, n: u32, window: Window, now: DateTime<Utc>) -> Count {
        let commit = self.commit().at(now).count(counter, add(n, u32::MAX, window));
        let counts = self.keep("an addition far below its limit", &commit).await;
        counts.get(counter).copied().unwrap_or_default()
    }

    pub(super) async fn read(&self, read: &Read) -> Snapshot {
        match self.store.read(read).await {
            Ok(snapshot) => snapshot,
            Err(error) => panic!("the store must answer a read, but says: {error}"),
        }
    }

    /// The record stored under an id.
    pub(super) async fn get(&self, id: Uuid) -> Option<Record> {
        let read = Read { now: at(0), starts: vec![Start::Id(id)], subjects: Vec::new() };
        self.read(&read).await.records.remove(&id)
    }

    /// The record that holds a unique key.
    pub(super) async fn holder(&self, key: &Key) -> Option<Uuid> {
        let read = Read { now: at(0), starts: vec![Start::Key(key.clone())], subjects: Vec::new() };
        self.read(&read).await.found.first().copied().flatten()
    }

    /// What a counter holds at a time.
    pub(super) async fn count(&self, counter: &Counter, now: DateTime<Utc>) -> Count {
        let read = Read { now, starts: Vec::new(), subjects: vec![counter.subject] };
        self.read(&read).await.counters.remove(counter).unwrap_or_default()
    }

    /// The records that carry a key.
    pub(super) async fn list(&self, key: &Key, page: Page) -> Vec<Record> {
        match self.store.list(key, page).await {
            Ok(records) => records,
            Err(error) => panic!("the store must answer a list, but says: {error}"),
        }
    }

    /// The ids of the records that carry a key.
    pub(super) async fn carriers(&self, key: &Key) -> Vec<Uuid> {
        self.list(key, page(None, 1000)).await.into_iter().map(|record| record.id).collect()
    }

    pub(super) async fn trail(&self, subject: Uuid, page: impl Into<TrailPage>) -> Vec<AuditEvent> {
        match self.store.audit(subject, page.into()).await {
            Ok(events) => events,
            Err(error) => panic!("the store must show the trail, but says: {error}"),
        }
    }
}

/// The steps with which a commit is put together.
pub(super) trait Steps {
    fn at(self, now: DateTime<Utc>) -> Self;
    fn put(self, record: Record, expect: Expect) -> Self;
    fn guard(self, id: Uuid, version: u64) -> Self;
    fn delete(self, id: Uuid, version: u64) -> Self;
    fn count(self, counter: &Counter, op: CounterOp) -> Self;
}

impl Steps for Commit {
    fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        for event in &mut self.audit {
            event.at = now;
        }
        self
    }

    fn put(mut self, record: Record, expect: Expect) -> Self {
        self.puts.push(Put { record, expect });
        self
    }

    fn guard(mut self, id: Uuid, version: u64) -> Self {
        self.guards.push(Guard { id, version });
        self
    }

    fn delete(mut self, id: Uuid, version: u64) -> Self {
        self.deletes.push(Delete { id, version });
        self
    }

    fn count(mut self, counter: &Counter, op: CounterOp) -> Self {
        self.counters.push((counter.clone(), op));
        self
    }
}

pub(super) const fn add(n: u32, limit: u32, window: Window) -> CounterOp {
    CounterOp::Add { n, limit, window }
}

pub(super) const fn page(after: Option<Uuid>, limit: u32) -> Page {
    Page { after, limit }
}

/// A counter's content.
pub(super) const fn holds(value: u32, ends_at: Option<DateTime<Utc>>) -> Count {
    Count { value, ends_at }
}

/// A record with its keys in one order: a store may give them in any.
pub(super) fn sorted(mut record: Record) -> Record {
    record.keys.sort();
    record
}

pub(super) fn ids(records: &[Record]) -> Vec<Uuid> {
    records.iter().map(|record| record.id).collect()
}

pub(super) fn set(ids: impl IntoIterator<Item = Uuid>) -> BTreeSet<Uuid> {
    ids.into_iter().collect()
}

/// Commits, and tries again a few times on an answer that allows it: a store may ask for that.
pub(super) async fn settle(store: &dyn Store, commit: &Commit) -> Result<Counts, CommitError> {
    for _ in 1..TRIES {
        match store.commit(commit).await {
            Err(CommitError::Conflict | CommitError::Unknown) => tokio::task::yield_now().await,
            answer => return answer,
        }
    }
    store.commit(commit).await
}

/// Runs every caller in a task of its own, all let go at once, and gives their answers in order.
pub(super) async fn race<Fut>(callers: Vec<Fut>) -> Vec<Fut::Output>
where
    Fut: Future<Output: Send> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(callers.len()));
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|caller| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                caller.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(error) => panic!("a caller of the race fails: {error}"),
        }
    }
    answers
}

/// Commits all at once, each from a task of its own.
pub(super) async fn race_commits(kit: &Kit, commits: Vec<Commit>) -> Vec<Result<Counts, CommitError>> {
    let callers = commits.into_iter().map(|commit| {
        let store = Arc::clone(&kit.store);
        async move { settle(store.as_ref(), &commit).await }
    });
    race(callers.collect()).await
}

/// Scrambles a number; the same number always gives the same.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
