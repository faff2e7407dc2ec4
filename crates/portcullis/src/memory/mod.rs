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
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store,
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

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.lock().commit(commit)
    }

    async fn audit(&self, subject: Uuid, page: Page) -> Result<Vec<AuditEvent>, PortError> {
        Ok(self.lock().audit_of(subject, page))
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        Ok(self.lock().purge(what, before, limit))
    }
}

#[cfg(feature = "testing")]
#[async_trait]
impl crate::testing::Dump for MemoryStore {
    async fn contents(&self) -> Result<crate::testing::Contents, PortError> {
        let state = self.lock();
        Ok(crate::testing::Contents {
            records: state.records.values().cloned().collect(),
            counters: state.counters.iter().map(|(counter, count)| (counter.clone(), *count)).collect(),
            audit: state.audit.values().cloned().collect(),
        })
    }
}

#[cfg(feature = "testing")]
impl MemoryStore {
    /// Gives everything that is kept as text, in canonical order: see [`crate::testing::Contents`].
    pub fn dump(&self) -> String {
        let state = self.lock();
        crate::testing::Contents {
            records: state.records.values().cloned().collect(),
            counters: state.counters.iter().map(|(counter, count)| (counter.clone(), *count)).collect(),
            audit: state.audit.values().cloned().collect(),
        }
        .to_string()
    }
}
