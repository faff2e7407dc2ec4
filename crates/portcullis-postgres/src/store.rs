//! The store: what the contract asks, handed to the file that answers it.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Pool;
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use uuid::Uuid;

use crate::hint::{Hints, leaves_due};
use crate::options::{PostgresOptions, Waits};
use crate::pool::{Lease, build};
use crate::statements::Statements;

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
    schema: Option<Arc<str>>,
    statements: Arc<Statements>,
    hints: Option<Arc<Hints>>,
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
        let mut store = Self::from_pool_with(build(&options)?, &options);
        Lease::take(&store.pool, store.waits).await?.give_back();
        if options.hints {
            store.hints = Some(Arc::new(Hints::spawn(&options)?));
        }
        Ok(store)
    }

    /// Uses a pool of the host's, by the default [`PostgresOptions`]. Nothing is connected yet.
    ///
    /// How its connections are encrypted is the host's business; they must run at `READ COMMITTED`. Where the host's
    /// statements change a session, such as its `search_path`, the pool must put it back.
    ///
    /// ```
    /// use portcullis_postgres::PostgresStore;
    /// use portcullis_postgres::deadpool_postgres::{Manager, Pool};
    /// use portcullis_postgres::tokio_postgres::{Config, NoTls};
    ///
    /// let manager = Manager::new("postgres://app@127.0.0.1/app".parse::<Config>()?, NoTls);
    /// let pool = Pool::builder(manager).max_size(16).build()?;
    /// let store = PostgresStore::from_pool(pool.clone()); // the host goes on using `pool`
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_pool(pool: Pool) -> Self {
        Self::from_pool_with(pool, &PostgresOptions::for_pool())
    }

    /// Uses a pool of the host's. Of the options the waits for a connection, a statement and a lock, the retries and the
    /// schema count; how connections are made is the pool's, and it gives no hints.
    ///
    /// ```
    /// use portcullis_postgres::{PostgresOptions, PostgresStore};
    /// use portcullis_postgres::deadpool_postgres::{Manager, Pool};
    /// use portcullis_postgres::tokio_postgres::{Config, NoTls};
    ///
    /// let manager = Manager::new("postgres://app@127.0.0.1/app".parse::<Config>()?, NoTls);
    /// let pool = Pool::builder(manager).build()?;
    /// let options = PostgresOptions::for_pool().in_schema("security")?;
    /// let store = PostgresStore::from_pool_with(pool, &options);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_pool_with(pool: Pool, options: &PostgresOptions) -> Self {
        Self {
            pool,
            waits: options.waits,
            schema: options.schema.as_deref().map(Arc::from),
            statements: Arc::new(Statements::in_schema(options.schema.as_deref())),
            hints: None,
        }
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// A statement, with the tables and functions named as the options say.
    pub(crate) fn named<'s>(&'s self, sql: &'s str) -> &'s str {
        self.statements.named(sql)
    }

    /// Tells other processes if a commit left something due.
    pub(crate) fn tell_if_due(&self, commit: &Commit) {
        if let Some(hints) = &self.hints
            && leaves_due(commit)
        {
            hints.tell();
        }
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
            .field("schema", &self.schema)
            .field("hints", &self.hints.is_some())
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

    async fn hint(&self) {
        match &self.hints {
            Some(hints) => hints.arrived().await,
            None => core::future::pending().await,
        }
    }
}
