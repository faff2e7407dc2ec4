//! Sign-in: a password, then a code if asked, then admitted.

pub(crate) mod flow;
mod model;
pub(crate) mod rules;

pub use flow::SignIn;
pub use model::{Admission, Attempt, CodeResult, Reauthenticated, SignInResult};
