//! Sign-in: a password, then a code if asked, then admitted.

mod flow;
mod model;
mod rules;

pub use flow::SignIn;
pub use model::{Admission, Attempt, CodeResult, Reauthenticated, SignInResult};
