//! The store: what the contract asks, handed to the file that answers it.

use core::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use uuid::Uuid;

use crate::options::{PostgresOptions, Waits};
use crate::pool::{Lease, build};

/// Keeps records, counters and the audit trail in `PostgreSQL`.
///
/// Clones share one pool. Nothing is migrated unless [`PostgresStore::migrate`] is called.
///
/// **Unknown.** A commit whose answer is lost, late or cut off by the end of the session is
/// [`CommitError::Unknown`] and is never sent again by this store. Every other error is the server's word that nothing
/// was kept, or comes from before anything was sent.
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    waits: Waits,
}

impl PostgresStore {
    /// Connects to the database of a URL, by the default [`PostgresOptions`].
    ///
    /// # Errors
    /// The URL can't be understood, demands TLS (as every remote server does), or the server does not let us in.
    pub async fn connect(url: &str) -> Result<Self, PortError> {
        Self::connect_with(PostgresOptions::from_url(url)?).await
    }

    /// Connects, and shows by one connection that the server lets us in.
    ///
    /// # Errors
    /// The connection would not be encrypted although it must be, or the server does not let us in.
    pub async fn connect_with(options: PostgresOptions) -> Result<Self, PortError> {
        let store = Self { pool: build(&options)?, waits: options.waits };
        Lease::take(&store.pool, store.waits).await?.give_back();
        Ok(store)
    }

    /// Uses a pool of the host's, with the default waits of [`PostgresOptions`]. Nothing is connected yet.
    ///
    /// How its connections are encrypted is the host's business; they must run at `READ COMMITTED`.
    pub fn from_pool(pool: Pool) -> Self {
        Self { pool, waits: Waits::default() }
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) const fn waits(&self) -> Waits {
        self.waits
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.pool.status();
        f.debug_struct("PostgresStore")
            .field("connections", &status.size)
            .field("at_most", &status.max_size)
            .field("waits", &self.waits)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.snapshot(read).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.listing(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        self.claimed(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.counted(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.kept(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.trail(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.purged(what, before, limit).await
    }
}
