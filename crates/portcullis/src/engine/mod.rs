//! The engine.
pub(crate) mod record;
