//! What can go wrong, in fixed words: no path, no stored value and no SQL leaves this crate in an error.

use portcullis::error::PortError;
use portcullis::port::store::CommitError;

/// Why a database could not be opened.
///
/// The message is one lower-case line that names the part at fault and never holds a path or a stored value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// The folder of the database file is missing.
    #[error("the folder of the database file does not exist")]
    NoFolder,
    /// The file, or its folder, refuses to be opened or written.
    #[error("the database file or its folder can't be opened for writing")]
    NotWritable,
    /// The file holds something else.
    #[error("the database file is not a SQLite database")]
    NotADatabase,
    /// A newer release has migrated the file.
    #[error("the database file has schema {found}, this release knows {known}; use the newer release")]
    NewerSchema {
        /// The schema number in the file.
        found: i64,
        /// The newest schema number this release knows.
        known: i64,
    },
    /// The file was migrated by a different text than the one this release carries.
    #[error("migration {version} of the database file is not the one this release knows")]
    ChangedMigration {
        /// The number of the migration that differs.
        version: i64,
    },
    /// The file can't be kept in write-ahead-log mode, for instance on a network file system.
    #[error("the database file can't be used with a write-ahead log")]
    NoWal,
    /// Another process holds the file for longer than the busy timeout.
    #[error("the database file is locked by another process")]
    Locked,
    /// A thread could not be started.
    #[error("the system gives no thread for the store")]
    NoThread,
    /// SQLite failed in another way; the number is its extended result code.
    #[error("the database file can't be opened: sqlite code {code}")]
    Failed {
        /// SQLite's extended result code, 0 if the failure was not SQLite's.
        code: i32,
    },
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        let code = code(&error);
        match code & 0xff {
            BUSY | LOCKED => Self::Locked,
            PERM | READONLY | CANT_OPEN => Self::NotWritable,
            NOT_A_DATABASE => Self::NotADatabase,
            _ => Self::Failed { code },
        }
    }
}

/// Why one piece of the writer's work was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The contract says no; the transaction around it is sound.
    Refused(CommitError),
    /// SQLite failed; the transaction around it may be gone.
    Sql(rusqlite::Error),
    /// A stored value is not what this store writes.
    Corrupt(&'static str),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Failure {
    /// What the caller is told; nothing was kept.
    pub(crate) fn answer(self) -> CommitError {
        match self {
            Self::Refused(refused) => refused,
            Self::Sql(error) => CommitError::Port(port(&error)),
            Self::Corrupt(what) => CommitError::Port(PortError::new(PORT, what)),
        }
    }

    /// What the caller is told whose work can't meet the conditions of a commit.
    pub(crate) fn port(self) -> PortError {
        refused(self.answer())
    }
}

/// Puts an outcome into the words of a port.
pub(crate) fn refused(error: CommitError) -> PortError {
    match error {
        CommitError::Port(error) => error,
        CommitError::Unknown => PortError::new(PORT, "the writer ended before it answered"),
        CommitError::Conflict | CommitError::Duplicate(_) | CommitError::Exhausted(_) => {
            PortError::new(PORT, "the database refused")
        }
    }
}

/// What the caller is told whose COMMIT failed when it ran alone.
///
/// After a failed write or sync the frames may or may not have reached the disk, and only a recovery tells. Whatever else
/// stops a COMMIT does so before it writes.
pub(crate) fn after_commit(error: &rusqlite::Error) -> CommitError {
    if code(error) & 0xff == IO { CommitError::Unknown } else { CommitError::Port(port(error)) }
}

/// Puts a failure of SQLite into fixed words.
pub(crate) fn port(error: &rusqlite::Error) -> PortError {
    let words = match code(error) & 0xff {
        BUSY | LOCKED => "the database is locked by another process",
        READONLY => "the database is read-only",
        IO => "the disk failed",
        CORRUPT => "the database file is damaged",
        FULL => "the disk is full",
        CANT_OPEN => "the database file can't be opened",
        NOT_A_DATABASE => "the database file is not a SQLite database",
        0 => "a stored value can't be read",
        other => return PortError::new(PORT, format!("the database failed, sqlite code {other}")),
    };
    PortError::new(PORT, words)
}

/// Whether a unique index or a primary key refused a row.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    matches!(code(error), PRIMARY_KEY_TAKEN | UNIQUE_TAKEN)
}

fn code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// How this store is named in errors.
pub(crate) const PORT: &str = "store";

const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANT_OPEN: i32 = 14;
const NOT_A_DATABASE: i32 = 26;
const PRIMARY_KEY_TAKEN: i32 = 1555;
const UNIQUE_TAKEN: i32 = 2067;

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some("secret".into()))
    }

    #[test]
    fn only_a_failed_write_leaves_a_commit_in_doubt() {
        const IO_FSYNC: i32 = 1034;
        assert_eq!(after_commit(&failure(IO_FSYNC)), CommitError::Unknown);
        assert!(matches!(after_commit(&failure(FULL)), CommitError::Port(_)));
        assert!(matches!(after_commit(&failure(BUSY)), CommitError::Port(_)));
    }

    #[test]
    fn no_text_of_sqlite_gets_out() {
        for code in 1..=2100 {
            assert!(!port(&failure(code)).to_string().contains("secret"));
            assert!(!SqliteError::from(failure(code)).to_string().contains("secret"));
        }
    }
}
