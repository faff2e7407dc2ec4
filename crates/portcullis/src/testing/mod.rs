//! Helpers for tests: conformance suites, fault injection, canonical dumps. Behind the feature `testing`.
//!
//! Nothing in here is API-stable: a minor release may change it.

pub mod ambient;
#[cfg(feature = "argon2")]
pub mod canary;
pub mod conformance;
mod dump;
pub mod faulty;
pub mod flespi;
pub mod handset;
#[cfg(feature = "argon2")]
pub mod judge;
#[cfg(feature = "argon2")]
pub mod machine;
pub mod mailbox;
#[cfg(feature = "argon2")]
pub mod races;
#[cfg(feature = "argon2")]
pub mod stories;
#[cfg(feature = "argon2")]
pub mod world;

pub use self::dump::{Contents, Dump};
#[cfg(feature = "argon2")]
pub use self::world::World;
