//! Recovery and invitation: getting in by a mailed link, without the password or before there is one.

mod flow;
mod mailing;
pub(crate) mod model;
pub(crate) mod rules;

pub use flow::Recovery;
pub use model::{Identifier, LinkInfo, RecoveryRequest};
