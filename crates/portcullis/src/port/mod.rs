//! Ports: the small traits through which the core meets the world.
//!
//! A port's documentation is normative: it says first what must be atomic, then what a wrong answer would
//! cost. Adapters hold no rule, limit, lifetime, random number or clock. The functions of
//! `portcullis::testing::conformance` (feature `testing`) prove an adapter, ours or anybody's.

pub mod ambient;
pub mod compromised;
pub mod flespi;
pub mod hasher;
pub mod message;
pub mod store;
pub mod template;
