//! Two-factor authentication: switched on by a code that arrived, switched off only where the password can stand
//! alone.

mod flow;
mod model;
mod rules;

pub use flow::TwoFactor;
pub use model::{MethodOption, PendingMethod, TwoFactorSettings};
pub(crate) use rules::settings;
