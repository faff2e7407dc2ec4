//! Messages: records written in the commit of the change they tell of, sealed until they are sent.

pub(crate) mod model;
mod wording;

pub use model::{Draft, MessageKind};
pub use wording::Wording;
