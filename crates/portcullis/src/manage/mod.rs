//! Managing: what an administrator does to the users and accounts below him, each act by the rights he holds.

mod account_model;
mod accounts;
mod below;
mod flow;
mod flow_accounts;
mod holders;
mod model;
mod payments;
mod reset;
pub(crate) mod rules;

pub use account_model::{AccountActions, AccountChange, AccountDays, ManagedAccount};
pub use flow::Manage;
pub use model::{AccountPage, Holder, ManagedEmail, ManagedUser, UserActions, UserChange, UserPage};
