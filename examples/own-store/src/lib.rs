//! A store of one's own: an adapter of portcullis to [redb](https://www.redb.org), an embedded database in Rust.
//!
//! It shows all that a store is: records with keys, references and a due time; counters; a trail. No rule of security is
//! in here, and yet the conformance suite and the races of portcullis run over it:
//!
//! ```sh
//! cargo test -p own-store
//! ```
//!
//! `contents` says where things lie, looks and changes; `tally` counts.
//! `docs/writing-an-adapter.md` says how to write another one.

#![cfg_attr(doctest, doc = include_str!("../../../docs/writing-an-adapter.md"))]

mod contents;
mod tally;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::contents::Time;

/// Keeps everything in one redb file, which one process has open.
///
/// redb lets one transaction write at a time and gives each reader a snapshot, which is all that the contract asks for.
/// It blocks, so each call runs on a thread of tokio made for that, and is done whole although its caller goes away.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("own-store-{}.redb", std::process::id()));
/// let store = own_store::RedbStore::open(&path)?; // for `Portcullis::builder`
/// # drop(store);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RedbStore(Arc<Database>);

/// Why a piece of work is not done.
struct Failure(CommitError);

type Outcome<T> = Result<T, Failure>;

impl RedbStore {
    /// Opens a file, and makes it if there is none.
    ///
    /// # Errors
    /// [`PortError`] when the file can't be opened, is no redb file, or is open elsewhere.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PortError> {
        let opened = || {
            let database = Database::create(path)?;
            let transaction = database.begin_write()?;
            contents::make(&transaction)?;
            transaction.commit()?;
            Ok(Self(Arc::new(database)))
        };
        opened().map_err(Failure::port)
    }

    /// Looks, in one snapshot.
    async fn look<T: Send + 'static>(
        &self,
        at: impl FnOnce(&ReadTransaction) -> Outcome<T> + Send + 'static,
    ) -> Result<T, PortError> {
        let database = Arc::clone(&self.0);
        let seen = spawn_blocking(move || at(&database.begin_read()?)).await;
        seen.unwrap_or(Err(Failure(CommitError::Unknown))).map_err(Failure::port)
    }

    /// Does a piece of work in one transaction: all or nothing, durable when it returns `Ok`.
    async fn keep<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let database = Arc::clone(&self.0);
        let kept = spawn_blocking(move || {
            let transaction = database.begin_write()?;
            let done = work(&transaction)?; // a transaction that is dropped leaves nothing
            // Whether a failed write reached the disk is known when the file is opened again, and not before.
            transaction.commit().map_err(|_| Failure(CommitError::Unknown))?;
            Ok(done)
        });
        kept.await.unwrap_or(Err(Failure(CommitError::Unknown)))
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        let read = read.clone();
        self.look(move |on| contents::read(on, &read)).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        let key = key.clone();
        self.look(move |on| contents::list(on, &key, page)).await
    }

    async fn claim(&self, lane: Lane, now: Time, until: Time, limit: u32) -> Result<Vec<Record>, PortError> {
        self.keep(move |on| contents::claim(on, lane, now, until, limit)).await.map_err(Failure::port)
    }

    async fn waiting(&self, lane: Lane, now: Time, at_most: u32) -> Result<Waiting, PortError> {
        self.look(move |on| contents::waiting(on, lane, now, at_most)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let commit = commit.clone();
        self.keep(move |on| contents::commit(on, &commit)).await.map_err(|failure| failure.0)
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.look(move |on| contents::trail(on, subject, page)).await
    }

    async fn purge(&self, what: Purge, before: Time, limit: u32) -> Result<u32, PortError> {
        self.keep(move |on| contents::purge(on, what, before, limit)).await.map_err(Failure::port)
    }
}

impl Failure {
    fn port(self) -> PortError {
        if let CommitError::Port(error) = self.0 {
            error
        } else {
            PortError::new("store", self.0.to_string())
        }
    }
}

impl<E: Into<redb::Error>> From<E> for Failure {
    /// In fixed words: the text of a database may hold a path, or what is stored.
    fn from(error: E) -> Self {
        let elsewhere = matches!(error.into(), redb::Error::DatabaseAlreadyOpen);
        let words = if elsewhere { "the database is open elsewhere" } else { "the database failed" };
        Self(CommitError::Port(PortError::new("store", words)))
    }
}
