//! Messages: records written in the commit of the change they tell of, sealed until they are sent.

mod dead;
mod flow;
pub(crate) mod held;
pub(crate) mod model;
pub(crate) mod pace;
pub(crate) mod reseal;
pub(crate) mod rules;
pub(crate) mod sms;
mod wording;

pub use model::{Draft, Message, MessageKind, Outcome, Resealed};
pub use sms::Reported;
pub use wording::Wording;
