//! Who may recover.

use crate::challenge::Challenge;
use crate::policy::Policy;
use crate::user::{Flag, Method, User};

/// Why a user may not set a new password by a mailed link, beside being disabled or blocked.
pub(crate) fn barrier(user: &User, policy: &Policy) -> Option<&'static str> {
    barrier_unless(user, false, policy)
}

/// As [`barrier`], for one recovery that was begun: an administrator or an undo may begin it regardless of the user's
/// flag.
pub(crate) fn barrier_for(challenge: &Challenge, user: &User, policy: &Policy) -> Option<&'static str> {
    barrier_unless(user, challenge.regardless_of_flag, policy)
}

/// As [`barrier`], with or without the flag to change the password.
pub(crate) fn barrier_unless(user: &User, regardless_of_flag: bool, policy: &Policy) -> Option<&'static str> {
    let mailbox_is_both = match user.two_factor {
        Method::Email => true,
        Method::None => false,
    };
    if user.email.is_none() {
        Some("email_unconfirmed")
    } else if !regardless_of_flag && !user.flags.has(Flag::ChangePassword) {
        Some("change_password")
    } else if mailbox_is_both && !policy.email_factor {
        Some("policy")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::Purpose;
    use crate::fixture::*;

    #[test]
    fn only_what_an_administrator_or_an_undo_began_needs_no_flag() {
        let account = account(1);
        let (mut alice, policy) = (user(2, &account), Policy::default());
        let mut challenge = challenge(Purpose::Recovery, &alice, "u2@example.com");
        assert_eq!(barrier_for(&challenge, &alice, &policy), None);
        alice.flags = alice.flags.with(Flag::ChangePassword, false);
        assert_eq!(barrier(&alice, &policy), Some("change_password"));
        assert_eq!(barrier_for(&challenge, &alice, &policy), Some("change_password"));
        challenge.regardless_of_flag = true;
        assert_eq!(barrier_for(&challenge, &alice, &policy), None);
        alice.two_factor = Method::Email;
        assert_eq!(barrier_for(&challenge, &alice, &Policy::strict()), Some("policy"));
        alice.email = None;
        assert_eq!(barrier_for(&challenge, &alice, &policy), Some("email_unconfirmed"));
    }
}
