//! Brings the schema of a file up to this release's.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::SqliteError;
use crate::session::{Session, int, text};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// In order; a released one never changes.
const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "start", sql: include_str!("../migrations/0001_start.sql") }];

/// Migrates in one immediate transaction: of two migrators one waits and then finds nothing to do.
///
/// # Errors
/// When the file was migrated by a newer release or by another text, or SQLite fails; nothing is changed then.
pub(crate) fn migrate(session: &Session) -> Result<(), SqliteError> {
    apply(session, MIGRATIONS)
}

fn apply(session: &Session, migrations: &[Migration]) -> Result<(), SqliteError> {
    session.control("BEGIN IMMEDIATE")?;
    let done = steps(session, migrations).and_then(|()| Ok(session.commit()?));
    if done.is_err() {
        session.roll_back()?;
    }
    done
}

fn steps(session: &Session, migrations: &[Migration]) -> Result<(), SqliteError> {
    session.execute(
        "CREATE TABLE IF NOT EXISTS portcullis_migration (
            version    INTEGER NOT NULL PRIMARY KEY,
            name       TEXT    NOT NULL,
            checksum   TEXT    NOT NULL,
            applied_at INTEGER NOT NULL
        ) STRICT",
        &[],
    )?;
    let applied =
        session.query("SELECT version, checksum FROM portcullis_migration ORDER BY version", &[], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(&(found, _)) = applied.last().filter(|(found, _)| *found > known) {
        return Err(SqliteError::NewerSchema { found, known });
    }
    for migration in migrations {
        let checksum = checksum(migration.sql);
        match applied.iter().find(|(version, _)| *version == migration.version) {
            Some((_, stored)) if *stored == checksum => {}
            Some(_) => return Err(SqliteError::ChangedMigration { version: migration.version }),
            None => {
                session.conn.execute_batch(migration.sql)?;
                session.execute(
                    "INSERT INTO portcullis_migration (version, name, checksum, applied_at)
                     VALUES (?, ?, ?, unixepoch() * 1000000)",
                    &[int(migration.version), text(migration.name), text(&checksum)],
                )?;
            }
        }
    }
    Ok(())
}

/// The SHA-256 of a migration's text, line ends counted as `\n`.
fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n").as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _: std::fmt::Result = write!(hex, "{byte:02x}");
        hex
    })
}
