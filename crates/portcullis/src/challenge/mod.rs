//! Challenges: one state machine for everything proved by a code.

mod flow;
pub(crate) mod model;
pub(crate) mod rules;

pub(crate) use flow::NewCode;
pub use model::{Challenge, Channel, PendingCode, Purpose};
