//! A store in memory: the reference of the store contract, for tests, examples and hosts that keep nothing.
//!
//! ```
//! # fn block<F: Future>(f: F) -> F::Output {
//! #     let mut f = std::pin::pin!(f);
//! #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
//! #     loop { if let std::task::Poll::Ready(value) = f.as_mut().poll(&mut context) { return value } }
//! # }
//! use portcullis::memory::MemoryStore;
//! use portcullis::port::store::{Read, Start, Store};
//!
//! let store = MemoryStore::new();
//! let read = Read { starts: vec![Start::Id(uuid::Uuid::nil())], ..Read::default() };
//! let snapshot = block(store.read(&read))?;
//! assert_eq!(snapshot.found, [None]);
//! # Ok::<(), portcullis::error::PortError>(())
//! ```

mod commit;
mod counter;
mod state;

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};

use self::state::State;

/// Keeps everything in memory, behind one lock.
///
/// Clones share what is kept. No call ever waits for anything but the lock, so every future is ready at its first
/// poll, and the same calls in the same order always give the same answers. Nothing survives the process: `durable`
/// means here that it is seen by every later call.
///
/// The keys of a record come back sorted and without repeats, whatever their order was when it was put.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // INVARIANT: every change is planned before the first of it is made, and making it can't panic, so a poisoned
    // lock still guards a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("MemoryStore")
            .field("records", &state.records.len())
            .field("counters", &state.counters.len())
            .field("audit", &state.audit.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        Ok(self.lock().read(read))
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        Ok(self.lock().list(key, page))
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        Ok(self.lock().claim(lane, now, until, limit))
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        Ok(self.lock().waiting(lane, now, at_most))
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.lock().commit(commit)
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        Ok(self.lock().audit_of(subject, page))
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        Ok(self.lock().purge(what, before, limit))
    }
}

#[cfg(feature = "testing")]
mod dump {
    use async_trait::async_trait;

    use super::MemoryStore;
    use crate::error::PortError;
    use crate::testing::{Contents, Dump};

    impl MemoryStore {
        /// Gives everything that is kept as text, in canonical order: see [`Contents`].
        pub fn dump(&self) -> String {
            self.everything().to_string()
        }

        fn everything(&self) -> Contents {
            let state = self.lock();
            Contents {
                records: state.records.values().cloned().collect(),
                counters: state.counters.iter().map(|(counter, count)| (counter.clone(), *count)).collect(),
                audit: state.audit.values().cloned().collect(),
            }
        }
    }

    #[async_trait]
    impl Dump for MemoryStore {
        async fn contents(&self) -> Result<Contents, PortError> {
            Ok(self.everything())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditEvent;
    use crate::id::CommitId;
    use crate::port::store::{Counter, CounterOp, Expect, Kind, Put, Window};

    const KIND: Kind = Kind::of("user");

    fn commit(n: u128, keys: Vec<Key>) -> Commit {
        let at = DateTime::UNIX_EPOCH;
        let id = Uuid::from_u128(n);
        let record = Record {
            tenant: Uuid::nil(),
            kind: KIND,
            id,
            version: 0,
            keys,
            refs: vec![Uuid::from_u128(7)],
            due: Some((Lane::Timed, at)),
            body: "{\"v\":1,\"canary\":\"a\nb\"}".to_owned(),
        };
        let event = AuditEvent {
            id,
            at,
            tenant: Uuid::nil(),
            subject: id,
            actor: None,
            action: "made".into(),
            reason: None,
            source: None,
            about: None,
        };
        let add = CounterOp::Add { n: 2, limit: 9, window: Window::Until(at + chrono::TimeDelta::days(1)) };
        Commit {
            id: CommitId::from_uuid(id),
            now: at,
            puts: vec![Put { record, expect: Expect::Absent }],
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: vec![(Counter::of(id, "guesses"), add)],
            audit: vec![event],
        }
    }

    #[tokio::test]
    async fn a_dump_shows_everything_in_one_order() {
        let (one, other) = (MemoryStore::new(), MemoryStore::new());
        let keys = [Key::unique(KIND, "login", "anna"), Key::lookup(KIND, "account", "a")];
        let turned: Vec<Key> = keys.iter().rev().cloned().collect();
        for made in [commit(1, keys.to_vec()), commit(2, Vec::new())] {
            one.commit(&made).await.unwrap();
        }
        for made in [commit(2, Vec::new()), commit(1, turned)] {
            other.commit(&made).await.unwrap();
        }
        assert_eq!(one.dump(), other.dump());
        let first = Uuid::from_u128(1);
        for line in [
            format!(
                "record {first} \"user\" v1 tenant={nil} due=timed@1970-01-01T00:00:00.000000Z \
                 keys=[user.account=\"a\" user.login!=\"anna\"] refs=[{seven}] \
                 body=\"{{\\\"v\\\":1,\\\"canary\\\":\\\"a\\nb\\\"}}\"",
                nil = Uuid::nil(),
                seven = Uuid::from_u128(7),
            ),
            format!("counter {first} \"guesses\" value=2 ends=1970-01-02T00:00:00.000000Z"),
            format!(
                "audit {first} 1970-01-01T00:00:00.000000Z \"made\" reason=\"-\" tenant={nil} subject={first} \
                 actor=- source=- about=-",
                nil = Uuid::nil(),
            ),
        ] {
            assert!(one.dump().lines().any(|shown| shown == line), "{line}\nis not in\n{}", one.dump());
        }
        assert_eq!(one.dump().lines().count(), 6);
    }

    #[tokio::test]
    async fn clones_share_and_debug_shows_numbers_only() {
        let store = MemoryStore::new();
        store.clone().commit(&commit(1, vec![Key::unique(KIND, "login", "anna")])).await.unwrap();
        assert_eq!(format!("{store:?}"), "MemoryStore { records: 1, counters: 1, audit: 1, .. }");
    }

    #[tokio::test]
    async fn a_commit_that_names_a_record_twice_is_refused() {
        let store = MemoryStore::new();
        let mut twice = commit(1, Vec::new());
        twice.guards = vec![crate::port::store::Guard { id: Uuid::from_u128(1), version: 1 }];
        assert!(matches!(store.commit(&twice).await, Err(CommitError::Port(_))));
        assert_eq!(store.dump(), "");
    }

    #[tokio::test]
    async fn an_event_id_of_another_commit_conflicts() {
        let store = MemoryStore::new();
        store.commit(&commit(1, Vec::new())).await.unwrap();
        let mut other = commit(2, Vec::new());
        other.audit.extend(commit(1, Vec::new()).audit);
        assert_eq!(store.commit(&other).await, Err(CommitError::Conflict));
    }
}
