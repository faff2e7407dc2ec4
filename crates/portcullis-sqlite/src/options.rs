//! How a store is opened.

use std::path::Path;
use std::time::Duration;

use crate::{SqliteError, SqliteStore};

/// When a commit counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Synchronous {
    /// A commit is on the disk when it is answered: it survives a power cut. What the store contract promises.
    #[default]
    Full,
    /// A commit survives the end of the process, but a power cut may undo the last ones. Breaks the store contract's
    /// word on durability: for tests, and for data that may be lost.
    Normal,
}

/// How a [`SqliteStore`] is opened.
///
/// ```
/// use portcullis_sqlite::SqliteOptions;
/// # let path = std::env::temp_dir().join(format!("portcullis-options-{}.db", std::process::id()));
/// let store = SqliteOptions::new().readers(2).open(&path)?;
/// # drop(store);
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), portcullis_sqlite::SqliteError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `open` is called"]
pub struct SqliteOptions {
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) batch: usize,
    pub(crate) waiting: usize,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            batch: 64,
            waiting: 1024,
        }
    }
}

impl SqliteOptions {
    /// Full durability, 4 readers, a busy timeout of 5 s, at most 64 commits in a batch, at most 1024 waiting.
    pub fn new() -> Self {
        Self::default()
    }

    /// When a commit counts as durable.
    pub const fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How many reads run at once, each on its own thread and connection: 1 to 64.
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.clamp(1, 64);
        self
    }

    /// How long to wait for another process that holds the file, up to an hour.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(3600));
        self
    }

    /// How many waiting commits share one transaction and one sync at most: 1 to 1024.
    pub fn batch(mut self, batch: usize) -> Self {
        self.batch = batch.clamp(1, 1024);
        self
    }

    /// How many commits, and how many reads, wait in line at most: 1 to 65536. Further callers wait for a place.
    pub fn waiting(mut self, waiting: usize) -> Self {
        self.waiting = waiting.clamp(1, 65_536);
        self
    }

    /// Opens the file, creating it (readable and writable by its owner only, where the platform knows owners) and
    /// migrating it if need be.
    ///
    /// The folder must exist and stay writable: SQLite keeps two more files beside the database (`-wal`, `-shm`).
    /// Blocks while it opens; the store's own threads do all further work.
    ///
    /// # Errors
    /// [`SqliteError`], one clear line: no such folder, not writable, not a database, migrated by a newer release.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<SqliteStore, SqliteError> {
        SqliteStore::start(path.as_ref(), self)
    }
}
