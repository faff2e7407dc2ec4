//! The host's own tables, in the same file as ours.

use core::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis::Error;
use portcullis::error::PortError;
use portcullis::id::{SessionId, UserId};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

/// A driver is a person that portcullis knows: the database itself refuses any other.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS driver (
        person BLOB PRIMARY KEY REFERENCES portcullis_record (id),
        name   TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS trip (
        id     INTEGER PRIMARY KEY,
        person BLOB NOT NULL REFERENCES driver (person)
    );
    CREATE TABLE IF NOT EXISTS visit (
        cookie   BLOB PRIMARY KEY,   -- the SHA-256 of the cookie: what is stolen here opens nothing
        security BLOB NOT NULL       -- the id of the session in portcullis; whether it lives, portcullis says
    );";

/// The host's database. Its answers take microseconds, so handlers wait for them where they stand.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Connection>>);

/// A driver with the number of trips.
#[derive(Debug)]
#[non_exhaustive]
pub struct Driver {
    /// How the driver is greeted.
    pub name: String,
    /// How many trips there are in the book.
    pub trips: u32,
}

impl Database {
    /// Opens the file, which a `SqliteStore` has opened before.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let opened = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.execute_batch(TABLES)?;
            Ok(Self(Arc::new(Mutex::new(connection))))
        };
        opened().map_err(failed)
    }

    /// Makes a driver of a user.
    ///
    /// # Errors
    /// When there is no such user, or the user is a driver already.
    pub fn add_driver(&self, user: UserId, name: &str) -> Result<(), Error> {
        let sql = "INSERT INTO driver (person, name) VALUES (?1, ?2)";
        self.connection().execute(sql, (bytes(user.uuid()), name)).map(drop).map_err(failed)
    }

    /// Gives the driver that a user is.
    ///
    /// # Errors
    /// When the user is none.
    pub fn driver(&self, user: UserId) -> Result<Driver, Error> {
        let sql = "SELECT name, (SELECT count(*) FROM trip WHERE trip.person = driver.person) FROM driver WHERE person = ?1";
        let driver = |row: &rusqlite::Row<'_>| Ok(Driver { name: row.get(0)?, trips: row.get(1)? });
        self.connection().query_row(sql, [bytes(user.uuid())], driver).map_err(failed)
    }

    pub(crate) fn add_trip(&self, user: UserId) -> Result<(), Error> {
        let sql = "INSERT INTO trip (person) VALUES (?1)";
        self.connection().execute(sql, [bytes(user.uuid())]).map(drop).map_err(failed)
    }

    pub(crate) fn security_of(&self, cookie: &[u8]) -> Result<Option<SessionId>, Error> {
        let sql = "SELECT security FROM visit WHERE cookie = ?1";
        let id = |row: &rusqlite::Row<'_>| row.get::<_, [u8; 16]>(0);
        let found = self.connection().query_row(sql, [cookie], id).optional().map_err(failed)?;
        Ok(found.map(|id| SessionId::from_uuid(Uuid::from_bytes(id))))
    }

    pub(crate) fn keep_visit(&self, cookie: &[u8], security: SessionId) -> Result<(), Error> {
        let sql = "INSERT INTO visit (cookie, security) VALUES (?1, ?2)";
        self.connection().execute(sql, (cookie, bytes(security.uuid()))).map(drop).map_err(failed)
    }

    pub(crate) fn end_visit(&self, cookie: &[u8]) -> Result<(), Error> {
        self.connection().execute("DELETE FROM visit WHERE cookie = ?1", [cookie]).map(drop).map_err(failed)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}

fn bytes(id: Uuid) -> [u8; 16] {
    id.into_bytes()
}

/// What a failure of the host's database is to portcullis and to clients: nothing of it is told.
fn failed(_: rusqlite::Error) -> Error {
    PortError::new("host", "its database failed").into()
}
