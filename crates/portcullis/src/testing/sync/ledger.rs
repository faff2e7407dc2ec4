//! The order in which things happened, which a clock that stands still does not tell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::memory::MemoryStore;
use crate::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use crate::testing::faulty::FaultyStore;

/// The store of a world, and in which order its events were written. All clones are one.
#[derive(Clone)]
pub(super) struct Ledger {
    store: Arc<FaultyStore<MemoryStore>>,
    order: Arc<Mutex<BTreeMap<Uuid, usize>>>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { store: Arc::new(FaultyStore::new(MemoryStore::new())), order: Arc::default() }
    }

    pub(super) fn store(&self) -> &FaultyStore<MemoryStore> {
        &self.store
    }

    /// Everything in memory, past all orders to fail.
    pub(super) fn memory(&self) -> &MemoryStore {
        self.store.inner()
    }

    /// Puts events into the order in which they were written.
    pub(super) fn sort(&self, events: &mut [AuditEvent]) {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        events.sort_by_key(|event| order.get(&event.id).copied());
    }

    fn note(&self, commit: &Commit) {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &commit.audit {
            let next = order.len();
            order.entry(event.id).or_insert(next);
        }
    }
}

#[async_trait]
impl Store for Ledger {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.store.read(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.store.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.store.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.store.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.note(commit);
        self.store.commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.store.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.store.purge(what, before, limit).await
    }
}
