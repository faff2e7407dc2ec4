//! A small host: a fleet of vans, and people who sign in to send one out.
//!
//! It keeps its own tables and leaves passwords, codes and sessions to portcullis. Its functions are `async` as those of any
//! service, and know nothing of the runtime they will run in; its tests have none.

pub mod door;
pub mod fleet;
