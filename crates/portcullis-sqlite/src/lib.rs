//! SQLite store for portcullis: one writer that batches commits, readers beside it.
//!
//! [`SqliteStore`] keeps everything portcullis promises in one file, durable when a commit is answered. It brings its own
//! threads, so it runs under any async runtime, and its own SQLite (feature `bundled`, on by default; without it, the
//! system's SQLite must be 3.44 or newer). The feature `testing` lets a store show all its contents to the core's test
//! helpers; it is not API-stable.
//!
//! | file | answers |
//! |---|---|
//! | `store.rs` | how a call reaches a thread and its answer comes back |
//! | `queue.rs` | who waits, and what happens when a thread is gone |
//! | `writer.rs` | what is one transaction, and what happens when it is lost |
//! | `work.rs`, `commit.rs`, `counter.rs` | what one piece of work does |
//! | `reader.rs` | what a read asks |
//! | `desk.rs`, `sql.rs`, `row.rs` | the statements, kept prepared, and how things lie in rows |
//! | `session.rs`, `migrate.rs` | how a file is opened and brought up to date |

mod commit;
#[cfg(feature = "testing")]
mod contents;
mod counter;
mod desk;
mod error;
mod migrate;
mod options;
mod queue;
mod reader;
mod row;
mod session;
mod sql;
mod store;
#[cfg(test)]
mod temporary;
mod work;
mod writer;

pub use self::error::SqliteError;
pub use self::options::{SqliteOptions, Synchronous};
pub use self::store::SqliteStore;
