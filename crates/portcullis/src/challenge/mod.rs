//! Challenges: one state machine for everything proved by a code or a mailed link.

pub(crate) mod delivery;
pub(crate) mod flow;
pub(crate) mod link;
pub(crate) mod model;
pub(crate) mod resend;
pub(crate) mod rules;

pub use delivery::CodeDelivery;
pub(crate) use flow::NewCode;
pub use model::{Challenge, Channel, PendingCode, Purpose};
