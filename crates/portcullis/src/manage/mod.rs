//! Managing: what an administrator does to the users and accounts below him, each act by the rights he holds.

mod flow;
mod model;
pub(crate) mod rules;

pub use flow::Manage;
pub use model::{ManagedEmail, ManagedUser, UserActions, UserChange, UserPage};
