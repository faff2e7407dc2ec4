//! What the server or the connection said, put into words that hold no secret, no address and no stored value.

use deadpool_postgres::PoolError;
use portcullis::error::PortError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// The name of the port in every error of this crate.
const PORT: &str = "store";

/// An error of the store, in words of our own.
pub(crate) fn port(message: impl Into<std::borrow::Cow<'static, str>>) -> PortError {
    PortError::new(PORT, message)
}

/// Why there is no connection.
pub(crate) fn no_connection(error: &PoolError) -> PortError {
    match error {
        PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => {
            port("every connection was in use for too long")
        }
        PoolError::Timeout(
            deadpool_postgres::TimeoutType::Create | deadpool_postgres::TimeoutType::Recycle,
        ) => port("the server did not accept a connection in time"),
        PoolError::Backend(error) => connecting(error),
        PoolError::Closed => port("the pool is closed"),
        PoolError::NoRuntimeSpecified => port("the pool was built without a runtime"),
        PoolError::PostCreateHook(_) => port("a hook of the pool refused a new connection"),
    }
}

/// Why the server was not reached or did not let us in.
fn connecting(error: &Error) -> PortError {
    let Some(db) = error.as_db_error() else {
        // The driver tells these apart by its words only.
        let (of_tls, io) = causes(error);
        return match (error.to_string().as_str(), of_tls, io) {
            (_, true, _) => port("the server's certificate or encryption was not accepted"),
            ("error performing TLS handshake", false, None) => {
                port("the server offers no encrypted connections")
            }
            ("authentication error" | "invalid configuration", ..) => {
                port("the server wants a password, or a way to sign in that is not known")
            }
            (_, false, Some(kind)) => port(format!("the server can't be reached: {kind}")),
            (_, false, None) => port("the server can't be reached"),
        };
    };
    let code = db.code();
    let why = if [SqlState::INVALID_PASSWORD, SqlState::INVALID_AUTHORIZATION_SPECIFICATION].contains(code) {
        "the server refused the user or the password"
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        "the database does not exist"
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        "the server has too many connections"
    } else if *code == SqlState::CANNOT_CONNECT_NOW {
        "the server is starting or stopping"
    } else {
        "the server refused the connection"
    };
    coded(why, db)
}

/// Why a statement failed. Never the server's own words: they may quote what is stored.
pub(crate) fn statement(error: &Error) -> PortError {
    let Some(db) = error.as_db_error() else {
        return port("the connection was lost");
    };
    let code = db.code();
    let why = if [SqlState::UNDEFINED_FUNCTION, SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_COLUMN]
        .contains(code)
    {
        "the schema is missing or older than this release, migrate first"
    } else if *code == SqlState::INVALID_SCHEMA_NAME {
        "the schema that holds the tables does not exist"
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        "others held the same rows for too long"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        "the database user lacks a privilege"
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        "the server is read-only"
    } else if *code == SqlState::FOREIGN_KEY_VIOLATION {
        "a row of another table still refers to the record"
    } else if *code == SqlState::DISK_FULL {
        "the server's disk is full"
    } else if *code == SqlState::QUERY_CANCELED {
        "the server cancelled the statement"
    } else {
        "the server refused the statement"
    };
    coded(why, db)
}

fn coded(why: &str, db: &DbError) -> PortError {
    port(format!("{why} ({})", db.code().code()))
}

/// Whether TLS failed, and what kind of input or output did: not the words of the system, which may name a path.
fn causes(error: &Error) -> (bool, Option<std::io::ErrorKind>) {
    let mut source = std::error::Error::source(error);
    let mut io = None;
    while let Some(inner) = source {
        if inner.is::<rustls::Error>() {
            return (true, io);
        }
        if let Some(error) = inner.downcast_ref::<std::io::Error>() {
            if let Some(inner) = error.get_ref()
                && inner.is::<rustls::Error>()
            {
                return (true, io);
            }
            io = Some(error.kind());
        }
        source = inner.source();
    }
    (false, io)
}
