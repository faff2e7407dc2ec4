//! One connection: how it is set up, and how statements are run and counted.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, params_from_iter};
use uuid::Uuid;

use crate::{SqliteError, SqliteOptions, Synchronous};

/// What was run, over all connections of a store.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) statements: AtomicU64,
    pub(crate) commits: AtomicU64,
}

/// One value bound to a statement.
pub(crate) type Arg<'a> = ToSqlOutput<'a>;

/// Binds text.
pub(crate) fn text(value: &str) -> Arg<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes()))
}

/// Binds text or NULL.
pub(crate) fn maybe_text(value: Option<&str>) -> Arg<'_> {
    value.map_or(ToSqlOutput::Borrowed(ValueRef::Null), text)
}

/// Binds an id.
pub(crate) fn blob(value: &Uuid) -> Arg<'_> {
    ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes()))
}

/// Binds an id or NULL.
pub(crate) fn maybe_blob(value: Option<&Uuid>) -> Arg<'_> {
    value.map_or(ToSqlOutput::Borrowed(ValueRef::Null), blob)
}

/// Binds a number.
pub(crate) const fn int(value: i64) -> Arg<'static> {
    ToSqlOutput::Borrowed(ValueRef::Integer(value))
}

/// Binds a number or NULL.
pub(crate) fn maybe_int(value: Option<i64>) -> Arg<'static> {
    value.map_or(ToSqlOutput::Borrowed(ValueRef::Null), int)
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) conn: Connection,
    tally: Arc<Tally>,
}

impl Session {
    /// Opens the file for writing, creating it if it is not there.
    pub(crate) fn writer(
        path: &Path,
        options: &SqliteOptions,
        tally: &Arc<Tally>,
    ) -> Result<Self, SqliteError> {
        create(path)?;
        let session = Self::open(path, options, tally)?;
        session.use_wal(options.busy_timeout)?;
        session.conn.pragma_update(
            None,
            "synchronous",
            match options.synchronous {
                Synchronous::Full => "FULL",
                Synchronous::Normal => "NORMAL",
            },
        )?;
        session.conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
        Ok(session)
    }

    /// Opens a file that is there, for reading only.
    pub(crate) fn reader(
        path: &Path,
        options: &SqliteOptions,
        tally: &Arc<Tally>,
    ) -> Result<Self, SqliteError> {
        let session = Self::open(path, options, tally)?;
        session.conn.pragma_update(None, "query_only", true)?;
        Ok(session)
    }

    fn open(path: &Path, options: &SqliteOptions, tally: &Arc<Tally>) -> Result<Self, SqliteError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(options.busy_timeout)?;
        conn.pragma_update(None, "trusted_schema", false)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        Ok(Self { conn, tally: Arc::clone(tally) })
    }

    /// Turns the write-ahead log on. SQLite does not promise to wait for another process that does the same, and may answer
    /// busy at once, so the waiting is done here.
    fn use_wal(&self, timeout: Duration) -> Result<(), SqliteError> {
        let pause = Duration::from_millis(5);
        let mut tries = timeout.as_millis() / pause.as_millis();
        loop {
            let mode = self.conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
            match mode.map_err(SqliteError::from) {
                Ok(mode) if mode == "wal" => return Ok(()),
                Ok(_) => return Err(SqliteError::NoWal),
                Err(SqliteError::Locked) if tries > 0 => {
                    tries -= 1;
                    std::thread::park_timeout(pause);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs a statement that gives rows.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.count();
        self.conn.prepare(sql)?.query_map(params_from_iter(args), map)?.collect()
    }

    /// Runs a statement that gives no rows; says how many it changed.
    pub(crate) fn execute(&self, sql: &str, args: &[Arg<'_>]) -> rusqlite::Result<usize> {
        self.count();
        self.conn.prepare(sql)?.execute(params_from_iter(args))
    }

    /// Begins, ends or rolls back; not counted as a statement.
    pub(crate) fn control(&self, sql: &str) -> rusqlite::Result<()> {
        self.conn.prepare(sql)?.execute([]).map(drop)
    }

    /// Ends the transaction: what it wrote is durable when this returns.
    pub(crate) fn commit(&self) -> rusqlite::Result<()> {
        self.control("COMMIT")?;
        self.count_commit();
        Ok(())
    }

    /// Counts a statement.
    pub(crate) fn count(&self) {
        self.tally.statements.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a transaction that was committed.
    pub(crate) fn count_commit(&self) {
        self.tally.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// How many transactions this session and its siblings committed.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> u64 {
        self.tally.commits.load(Ordering::Relaxed)
    }

    /// Gives up the transaction, if there still is one.
    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        if self.conn.is_autocommit() { Ok(()) } else { self.control("ROLLBACK") }
    }
}

/// Creates the file, if it is not there, for its owner only; SQLite gives the files beside it the same rights.
fn create(path: &Path) -> Result<(), SqliteError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(SqliteError::NoFolder);
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|_| SqliteError::NotWritable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary;

    fn pragma(session: &Session, sql: &str) -> String {
        let value: rusqlite::types::Value = session.conn.query_row(sql, [], |row| row.get(0)).unwrap();
        format!("{value:?}")
    }

    #[test]
    fn connections_are_set_up_as_promised() {
        let file = temporary::file();
        let options = SqliteOptions::new().busy_timeout(Duration::from_millis(1234));
        let tally = Arc::new(Tally::default());
        let writer = Session::writer(file.as_ref(), &options, &tally).unwrap();
        let reader = Session::reader(file.as_ref(), &options, &tally).unwrap();
        for session in [&writer, &reader] {
            assert_eq!(pragma(session, "PRAGMA journal_mode"), "Text(\"wal\")");
            assert_eq!(pragma(session, "PRAGMA busy_timeout"), "Integer(1234)");
            assert_eq!(pragma(session, "PRAGMA foreign_keys"), "Integer(1)");
            assert_eq!(pragma(session, "PRAGMA trusted_schema"), "Integer(0)");
        }
        assert_eq!(pragma(&writer, "PRAGMA synchronous"), "Integer(2)", "FULL");
        assert!(reader.conn.execute_batch("CREATE TABLE a (b)").is_err());
        let relaxed = options.synchronous(Synchronous::Normal);
        let writer = Session::writer(file.as_ref(), &relaxed, &tally).unwrap();
        assert_eq!(pragma(&writer, "PRAGMA synchronous"), "Integer(1)", "NORMAL");
    }
}
