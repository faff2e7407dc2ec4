//! Whether an SMS may be sent to a user, and how a code travels while it may not.

mod flow;
pub(crate) mod rules;

pub(crate) use flow::{Found, Learned};
