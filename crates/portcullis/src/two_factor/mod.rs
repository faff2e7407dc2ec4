//! Two-factor authentication: switched on by a code that arrived, switched off only where the password can stand
//! alone. By SMS, the code confirms the number too.

mod flow;
mod model;
mod phone;
mod rules;
mod sms;

pub use flow::TwoFactor;
pub use model::{Delivery, MethodOption, PendingMethod, PhoneSettings, TwoFactorSettings};
pub use phone::PhoneRoom;
pub(crate) use rules::settings;
pub(crate) use sms::phone_settings;
