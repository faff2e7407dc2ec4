//! Helpers for tests: conformance suites, fault injection, canonical dumps. Behind the feature `testing`.
//!
//! Nothing in here is API-stable: a minor release may change it.

pub mod conformance;
mod dump;
pub mod faulty;

pub use self::dump::{Contents, Dump};
