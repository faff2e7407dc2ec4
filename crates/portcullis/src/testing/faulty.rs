//! A store that fails on order and counts its calls.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};

/// A method of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Method {
    /// [`Store::read`].
    Read,
    /// [`Store::list`].
    List,
    /// [`Store::claim`].
    Claim,
    /// [`Store::waiting`].
    Waiting,
    /// [`Store::commit`].
    Commit,
    /// [`Store::audit`].
    Audit,
    /// [`Store::purge`].
    Purge,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::List, Self::Claim, Self::Waiting, Self::Commit, Self::Audit, Self::Purge];
}

/// How a call fails. Methods other than `commit` know only [`PortError`]: for them the first three are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The store does not answer and nothing was done.
    Port,
    /// Nothing was done: `Conflict`.
    Conflict,
    /// Nothing was done, and the answer is `Unknown`.
    UnknownBefore,
    /// It was done, and the answer is `Unknown` (for other methods: it was done, and the store does not answer).
    UnknownAfter,
}

/// Wraps a store: passes every call on, counts it, and fails those it was told to.
///
/// ```
/// # fn block<F: Future>(f: F) -> F::Output {
/// #     let mut f = std::pin::pin!(f);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop { if let std::task::Poll::Ready(value) = f.as_mut().poll(&mut context) { return value } }
/// # }
/// use portcullis::memory::MemoryStore;
/// use portcullis::port::store::{Read, Store};
/// use portcullis::testing::faulty::{Failure, FaultyStore, Method};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// store.fail(Method::Read, 2, Failure::Port);
/// assert!(block(store.read(&Read::default())).is_ok());
/// assert!(block(store.read(&Read::default())).is_err());
/// assert!(block(store.read(&Read::default())).is_ok());
/// assert_eq!(store.reads(), 3);
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    calls: BTreeMap<Method, u64>,
    orders: BTreeMap<(Method, u64), Failure>,
}

impl<S> FaultyStore<S> {
    /// Wraps a store; without orders it behaves like it.
    pub fn new(inner: S) -> Self {
        Self { inner, book: Mutex::default() }
    }

    /// Orders the `nth` call of a method to fail, counted from 1 since the store was made or [`reset`](Self::reset).
    pub fn fail(&self, method: Method, nth: u64, failure: Failure) {
        self.book().orders.insert((method, nth), failure);
    }

    /// Forgets every order and every count.
    pub fn reset(&self) {
        *self.book() = Book::default();
    }

    /// The wrapped store; calls made to it directly are neither counted nor failed.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// How often a method was called, failed calls included.
    pub fn calls(&self, method: Method) -> u64 {
        self.book().calls.get(&method).copied().unwrap_or(0)
    }

    /// How often `read` was called.
    pub fn reads(&self) -> u64 {
        self.calls(Method::Read)
    }

    /// How often `list` was called.
    pub fn lists(&self) -> u64 {
        self.calls(Method::List)
    }

    /// How often `claim` was called.
    pub fn claims(&self) -> u64 {
        self.calls(Method::Claim)
    }

    /// How often `commit` was called.
    pub fn commits(&self) -> u64 {
        self.calls(Method::Commit)
    }

    /// Counts a call and says how it must fail.
    fn called(&self, method: Method) -> Option<Failure> {
        let mut book = self.book();
        let calls = book.calls.entry(method).or_default();
        *calls = calls.saturating_add(1);
        let nth = *calls;
        book.orders.remove(&(method, nth))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed() -> PortError {
    PortError::new("store", "failed on order")
}

/// Whether a call that knows only [`PortError`] fails before it reaches the store; `true` afterwards means: fail now.
fn judge(failure: Option<Failure>) -> Result<bool, PortError> {
    match failure {
        None => Ok(false),
        Some(Failure::UnknownAfter) => Ok(true),
        Some(Failure::Port | Failure::Conflict | Failure::UnknownBefore) => Err(failed()),
    }
}

#[async_trait]
impl<S: Store> Store for FaultyStore<S> {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        let lost = judge(self.called(Method::Read))?;
        let answer = self.inner.read(read).await;
        if lost { Err(failed()) } else { answer }
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        let lost = judge(self.called(Method::List))?;
        let answer = self.inner.list(key, page).await;
        if lost { Err(failed()) } else { answer }
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        let lost = judge(self.called(Method::Claim))?;
        let answer = self.inner.claim(lane, now, until, limit).await;
        if lost { Err(failed()) } else { answer }
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        let lost = judge(self.called(Method::Waiting))?;
        let answer = self.inner.waiting(lane, now, at_most).await;
        if lost { Err(failed()) } else { answer }
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        match self.called(Method::Commit) {
            None => self.inner.commit(commit).await,
            Some(Failure::Port) => Err(CommitError::Port(failed())),
            Some(Failure::Conflict) => Err(CommitError::Conflict),
            Some(Failure::UnknownBefore) => Err(CommitError::Unknown),
            Some(Failure::UnknownAfter) => self.inner.commit(commit).await.and(Err(CommitError::Unknown)),
        }
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        let lost = judge(self.called(Method::Audit))?;
        let answer = self.inner.audit(subject, page).await;
        if lost { Err(failed()) } else { answer }
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        let lost = judge(self.called(Method::Purge))?;
        let answer = self.inner.purge(what, before, limit).await;
        if lost { Err(failed()) } else { answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditEvent;
    use crate::id::CommitId;
    use crate::memory::MemoryStore;

    const FIRST: Page = Page { after: None, limit: 9 };

    fn commit(n: u128) -> Commit {
        let id = Uuid::from_u128(n);
        let event = AuditEvent {
            id,
            at: DateTime::UNIX_EPOCH,
            tenant: Uuid::nil(),
            subject: id,
            actor: None,
            action: "made".into(),
            reason: None,
            source: None,
            about: None,
        };
        Commit {
            id: CommitId::from_uuid(id),
            now: DateTime::UNIX_EPOCH,
            puts: Vec::new(),
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: vec![event],
        }
    }

    #[tokio::test]
    async fn a_commit_fails_as_ordered_and_only_then() {
        for (n, failure, error, kept) in [
            (1, Failure::Port, CommitError::Port(failed()), 0),
            (2, Failure::Conflict, CommitError::Conflict, 0),
            (3, Failure::UnknownBefore, CommitError::Unknown, 0),
            (4, Failure::UnknownAfter, CommitError::Unknown, 1),
        ] {
            let store = FaultyStore::new(MemoryStore::new());
            store.fail(Method::Commit, 2, failure);
            assert!(store.commit(&commit(100)).await.is_ok(), "the first call passes");
            assert_eq!(store.commit(&commit(n)).await, Err(error), "{failure:?}");
            let trail = store.inner().audit(Uuid::from_u128(n), FIRST.into()).await.unwrap();
            assert_eq!(trail.len(), kept, "{failure:?}");
            assert!(store.commit(&commit(n)).await.is_ok(), "the same commit again resolves {failure:?}");
            assert_eq!(store.commits(), 3);
            let trail = store.inner().audit(Uuid::from_u128(n), FIRST.into()).await.unwrap();
            assert_eq!(trail.len(), 1, "{failure:?}");
        }
    }

    async fn call(store: &FaultyStore<MemoryStore>, method: Method) -> bool {
        let at = DateTime::UNIX_EPOCH;
        let key = Key::lookup(crate::port::store::Kind::of("user"), "user", "a");
        match method {
            Method::Read => store.read(&Read::default()).await.is_ok(),
            Method::List => store.list(&key, FIRST).await.is_ok(),
            Method::Claim => store.claim(Lane::Bulk, at, at, 1).await.is_ok(),
            Method::Commit => store.commit(&commit(1)).await.is_ok(),
            Method::Waiting => store.waiting(Lane::Bulk, DateTime::UNIX_EPOCH, 1).await.is_ok(),
            Method::Audit => store.audit(Uuid::nil(), FIRST.into()).await.is_ok(),
            Method::Purge => store.purge(Purge::Audit, at, 1).await.is_ok(),
        }
    }

    #[tokio::test]
    async fn every_method_is_counted_and_fails_by_itself() {
        for failing in Method::ALL {
            let store = FaultyStore::new(MemoryStore::new());
            store.fail(failing, 1, Failure::UnknownAfter);
            store.fail(failing, 2, Failure::Port);
            for round in 1..=3 {
                for method in Method::ALL {
                    let fails = method == failing && round < 3;
                    assert_eq!(call(&store, method).await, !fails, "{method:?}, with {failing:?} failing");
                    assert_eq!(store.calls(method), round);
                }
            }
            let named = [store.reads(), store.lists(), store.claims(), store.commits()];
            assert_eq!(named, [3; 4]);
            store.fail(failing, 1, Failure::Port);
            store.reset();
            assert_eq!(store.calls(failing), 0);
            assert!(call(&store, failing).await, "a reset forgets what was ordered");
        }
    }

    #[tokio::test]
    async fn an_answer_lost_after_a_claim_leaves_the_claim() {
        let store = FaultyStore::new(MemoryStore::new());
        let at = DateTime::UNIX_EPOCH;
        let record = Record {
            tenant: Uuid::nil(),
            kind: crate::port::store::Kind::of("message"),
            id: Uuid::from_u128(9),
            version: 0,
            keys: Vec::new(),
            refs: Vec::new(),
            due: Some((Lane::Bulk, at)),
            body: "{}".to_owned(),
        };
        let expect = crate::port::store::Expect::Absent;
        let commit = Commit { puts: vec![crate::port::store::Put { record, expect }], ..commit(1) };
        store.commit(&commit).await.unwrap();
        store.fail(Method::Claim, 1, Failure::UnknownAfter);
        let until = at + chrono::TimeDelta::seconds(60);
        assert!(store.claim(Lane::Bulk, at, until, 1).await.is_err());
        assert_eq!(store.claim(Lane::Bulk, at, until, 1).await.unwrap(), [], "it is nobody's until then");
        assert_eq!(store.claim(Lane::Bulk, until, until, 1).await.unwrap().len(), 1, "and due again then");
    }
}
