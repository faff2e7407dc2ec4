//! Invitations: getting in for the first time, by a mailed link that sets the password and confirms the address.

mod flow;
mod model;
pub(crate) mod rules;

pub use flow::Invitations;
pub use model::ShownInvitation;
