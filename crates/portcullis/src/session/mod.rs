//! Sessions: admitted browsers and clients, as records; a cookie is only a session's sealed id.

pub(crate) mod flow;
pub(crate) mod model;
pub(crate) mod rules;

pub use flow::Sessions;
pub use model::{Assurance, CurrentSession, ListedSession, Session};
