//! Users: logins with their password, address, flags, second factor and language.

mod flow;
pub(crate) mod model;
pub(crate) mod rules;

pub use flow::Users;
pub use model::{ConfirmedEmail, EmailClaim, Flag, Flags, Login, Method, NewUser, PendingEmail, User};
