//! `PostgreSQL` store for [`portcullis`]: one round trip a read, one a commit.
//!
//! Many processes may share one database: every promise of the store contract lives in the commit, which is one
//! call of the function `portcullis_commit` in a transaction of its own. Nothing needs a session, a listener, a
//! sequence or a named statement, so a transaction-mode connection pooler may stand between.
//!
//! ```no_run
//! # async fn run() -> Result<(), portcullis::error::PortError> {
//! use portcullis_postgres::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://portcullis@127.0.0.1/portcullis").await?;
//! store.migrate().await?; // or let the database's owner run the SQL of `PostgresStore::migrations`
//! let schema = store.check_schema().await?;
//! assert!(schema.is_current(), "{schema}");
//! # Ok(())
//! # }
//! ```
//!
//! # Connections
//!
//! Over the network a connection is encrypted and the server is verified, or it is not made: give a
//! [`rustls::ClientConfig`] to [`PostgresOptions::with_tls`]. Plain connections are for loopback addresses and Unix
//! sockets. Every wait has an end, see [`PostgresOptions`].
//!
//! # What the database must do
//!
//! Run commits at `READ COMMITTED`, its default: another default isolation level is refused at the first commit.
//! A commit raises the session's `synchronous_commit` if it is off; `fsync` and the storage are the operator's.
//! `PostgreSQL` 12 or newer; tested with 15.

mod commit;
#[cfg(feature = "testing")]
mod dump;
mod error;
mod hint;
mod host;
mod mark;
mod objects;
mod options;
mod pool;
mod read;
mod row;
mod schema;
mod statements;
mod store;
mod work;

pub use deadpool_postgres;
pub use options::PostgresOptions;
pub use schema::{Migration, SchemaReport};
pub use store::PostgresStore;
pub use tokio_postgres;
