//! The store: hands each call to its threads and waits for the answer.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_channel::oneshot;
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};
use uuid::Uuid;

use crate::desk::Desk;
use crate::error::{Failure, PORT, refused};
use crate::queue::Queue;
use crate::reader::{self, Question};
use crate::session::{Session, Tally};
use crate::work::{Done, Work};
use crate::writer::{self, Job, Outcome};
use crate::{SqliteError, SqliteOptions, migrate};

/// Keeps everything in one SQLite file.
///
/// One thread writes: it takes all commits that wait, runs each in a savepoint of one immediate transaction, and answers
/// after the one COMMIT, so that many callers share one sync. A few threads read beside it, each on its own connection
/// and snapshot. Several stores, in one process or in many, may share a file on one machine; each write then waits for
/// the others, up to the busy timeout.
///
/// No call blocks the caller's thread, and none needs a particular async runtime. A call whose future is dropped is
/// still done whole if the store had taken it. Dropping the store blocks until everything it had taken is done.
///
/// The keys of a record come back sorted and without repeats.
///
/// ```
/// # fn block<F: Future>(f: F) -> F::Output {
/// #     tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f)
/// # }
/// use portcullis::port::store::{Read, Start, Store};
/// use portcullis_sqlite::SqliteStore;
///
/// # let path = std::env::temp_dir().join(format!("portcullis-store-{}.db", std::process::id()));
/// let store = SqliteStore::open(&path)?;
/// let read = Read { starts: vec![Start::Id(uuid::Uuid::nil())], ..Read::default() };
/// let snapshot = block(store.read(&read))?;
/// assert_eq!(snapshot.found, [None]);
/// # drop(store);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteStore {
    path: PathBuf,
    tally: Arc<Tally>,
    writes: Arc<Queue<Job>>,
    reads: Arc<Queue<Question>>,
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl SqliteStore {
    /// Opens the file with the default [`SqliteOptions`], creating and migrating it if need be.
    ///
    /// # Errors
    /// As [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        SqliteOptions::new().open(path)
    }

    pub(crate) fn start(path: &Path, options: &SqliteOptions) -> Result<Self, SqliteError> {
        let tally = Arc::new(Tally::default());
        let session = Session::writer(path, options, &tally)?;
        migrate::migrate(&session)?;
        let mut sessions = Vec::with_capacity(options.readers);
        for _ in 0..options.readers {
            sessions.push(Session::reader(path, options, &tally)?);
        }
        let mut store = Self {
            path: path.to_owned(),
            writes: Queue::new(options.waiting, 1),
            reads: Queue::new(options.waiting, options.readers),
            writer: None,
            readers: Vec::with_capacity(options.readers),
            tally,
        };
        // The counts begin with the store's own work: opening is not part of it.
        store.tally.statements.store(0, Ordering::Relaxed);
        store.tally.commits.store(0, Ordering::Relaxed);
        let (queue, batch) = (Arc::clone(&store.writes), options.batch);
        let writer = thread("portcullis-write").spawn(move || writer::serve(&session, &queue, batch));
        store.writer = Some(writer.map_err(|_| SqliteError::NoThread)?);
        for session in sessions {
            let queue = Arc::clone(&store.reads);
            let reader = thread("portcullis-read").spawn(move || reader::serve(&session, &queue));
            store.readers.push(reader.map_err(|_| SqliteError::NoThread)?);
        }
        Ok(store)
    }

    /// Reads a mark: a small text that a host keeps beside the store, such as what the file is used for.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    pub async fn mark(&self, name: &str) -> Result<Option<String>, PortError> {
        let name = name.to_owned();
        self.ask(move |desk| reader::mark(desk, &name)).await
    }

    /// Sets a mark, durable when this returns.
    ///
    /// # Errors
    /// [`PortError`] when the store does not answer.
    pub async fn set_mark(&self, name: &str, value: &str) -> Result<(), PortError> {
        let work = Work::Mark { name: name.to_owned(), value: value.to_owned() };
        match self.write(work).await.map_err(refused)? {
            Done::Marked => Ok(()),
            Done::Counts(_) | Done::Claimed(_) | Done::Purged(_) => Err(mixed_up()),
        }
    }

    /// How many statements were run since the store was opened, over all its connections, without those that begin, end
    /// or roll back transactions and savepoints. For tests and benches.
    pub fn statements(&self) -> u64 {
        self.tally.statements.load(Ordering::Relaxed)
    }

    /// How many write transactions were committed since the store was opened, each with one sync. For tests and benches.
    pub fn transactions(&self) -> u64 {
        self.tally.commits.load(Ordering::Relaxed)
    }

    pub(crate) async fn write(&self, work: Work) -> Outcome {
        let (reply, answer) = oneshot::channel();
        match self.writes.push(Job { work, reply }).await {
            Ok(()) => answer.await.unwrap_or(Err(CommitError::Unknown)),
            Err(_) => Err(CommitError::Port(ended())),
        }
    }

    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Desk<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, PortError> {
        let (reply, answer) = oneshot::channel();
        let question: Question = Box::new(move |desk| {
            // Fails when the caller is gone, which is its right.
            let _: Result<(), _> = reply.send(question(desk));
        });
        if self.reads.push(question).await.is_err() {
            return Err(ended());
        }
        answer.await.map_err(|_| ended())?.map_err(Failure::port)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.reads.close();
        self.writes.close();
        // The writer's connection goes last: it may then tidy the write-ahead log away.
        for thread in self.readers.drain(..).chain(self.writer.take()) {
            // An error is a panic of that thread, which its callers were told of.
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        let read = read.clone();
        self.ask(move |desk| reader::read(desk, &read)).await
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        let key = key.clone();
        self.ask(move |desk| reader::list(desk, &key, page)).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        match self.write(Work::Claim { lane, now, until, limit }).await.map_err(refused)? {
            Done::Claimed(records) => Ok(records),
            Done::Counts(_) | Done::Purged(_) | Done::Marked => Err(mixed_up()),
        }
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.ask(move |desk| reader::waiting(desk, lane, now, at_most)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        match self.write(Work::Commit(Box::new(commit.clone()))).await? {
            Done::Counts(counts) => Ok(counts),
            Done::Claimed(_) | Done::Purged(_) | Done::Marked => Err(CommitError::Port(mixed_up())),
        }
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.ask(move |desk| reader::trail(desk, subject, page)).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        match self.write(Work::Purge { what, before, limit }).await.map_err(refused)? {
            Done::Purged(removed) => Ok(removed),
            Done::Counts(_) | Done::Claimed(_) | Done::Marked => Err(mixed_up()),
        }
    }
}

fn thread(name: &str) -> Builder {
    Builder::new().name(name.to_owned())
}

fn ended() -> PortError {
    PortError::new(PORT, "a thread of the store has ended")
}

/// Can't happen: each kind of work has its own kind of outcome.
fn mixed_up() -> PortError {
    PortError::new(PORT, "the writer answered something else")
}
