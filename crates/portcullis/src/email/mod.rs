//! The e-mail address: set, confirmed by code, cleared.

mod flow;
mod model;
pub(crate) mod rules;
pub(crate) mod undo;

pub use flow::EmailRoom;
pub use model::{Changed, EmailSettings, PendingEmailCode, UndoInfo};
