//! What tests of hosts and adapters need. Behind the feature `testing`; the suites that race want tokio, and stand behind
//! `conformance`.
//!
//! A host's tests start at [`sync`]: a whole engine over memory, without a runtime. [`World`] is the same as futures, for
//! tests on a store of their own. Each port has a `mockall` mock in [`mocks`].
//!
//! Nothing in here is API-stable: a minor release may change it.

pub mod ambient;
mod block;
#[cfg(feature = "argon2")]
pub mod canary;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dump;
pub mod faulty;
pub mod flaky;
pub mod flespi;
pub mod handset;
pub mod hasher;
#[cfg(feature = "argon2")]
pub mod judge;
#[cfg(feature = "argon2")]
pub mod machine;
pub mod mailbox;
pub mod mocks;
mod people;
#[cfg(all(feature = "argon2", feature = "conformance"))]
pub mod races;
#[cfg(all(feature = "argon2", feature = "conformance"))]
pub mod stories;
pub mod sync;
pub mod usual;
#[cfg(feature = "argon2")]
pub mod world;

pub use self::block::block_on;
pub use self::dump::{Contents, Dump};
pub use self::people::{AccountBuilder, Person, UserBuilder};
#[cfg(feature = "argon2")]
pub use self::world::World;

/// The guide's examples, compiled and run with those of the code.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/testing.md")]
mod guide {}
