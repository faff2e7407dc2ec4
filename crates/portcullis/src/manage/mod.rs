//! Managing: what an administrator does to the users and accounts below him, each act by the rights he holds.

mod accounts;
mod below;
mod flow;
mod flow_accounts;
mod holders;
mod model;
mod reset;
pub(crate) mod rules;

pub use flow::Manage;
pub use model::{
    AccountActions, AccountChange, AccountPage, Holder, ManagedAccount, ManagedEmail, ManagedUser,
    UserActions, UserChange, UserPage,
};
