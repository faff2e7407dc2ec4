//! Who may recover.

use crate::policy::Policy;
use crate::user::{Flag, Method, User};

/// Why a user may not set a new password by a mailed link, beside being disabled or blocked.
pub(crate) fn barrier(user: &User, policy: &Policy) -> Option<&'static str> {
    let mailbox_is_both = match user.two_factor {
        Method::Email => true,
        Method::None => false,
    };
    if user.email.is_none() {
        Some("email_unconfirmed")
    } else if !user.flags.has(Flag::ChangePassword) {
        Some("change_password")
    } else if mailbox_is_both && !policy.email_factor {
        Some("policy")
    } else {
        None
    }
}
