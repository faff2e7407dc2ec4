//! A store that keeps what was read and committed, to be done again in bare SQL.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use uuid::Uuid;

/// What a store was asked, in order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Call {
    /// A read and what it found.
    Read(Read, Snapshot),
    /// A commit that was made.
    Commit(Commit),
}

/// Passes everything on and keeps reads and commits.
#[derive(Debug)]
pub struct Tape<S> {
    inner: S,
    calls: Mutex<Vec<Call>>,
}

impl<S> Tape<S> {
    /// An empty tape around a store.
    pub const fn new(inner: S) -> Self {
        Self { inner, calls: Mutex::new(Vec::new()) }
    }

    /// Takes what was kept since the last time.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}

#[async_trait]
impl<S: Store> Store for Tape<S> {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        let snapshot = self.inner.read(read).await?;
        self.keep(Call::Read(read.clone(), snapshot.clone()));
        Ok(snapshot)
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.inner.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.inner.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.inner.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let counts = self.inner.commit(commit).await?;
        self.keep(Call::Commit(commit.clone()));
        Ok(counts)
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.inner.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.inner.purge(what, before, limit).await
    }
}
