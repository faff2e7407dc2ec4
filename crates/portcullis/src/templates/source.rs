//! The sources of the built-in templates, as they are in the folders beside this file.

macro_rules! message {
    ($language:literal, $kind:literal) => {
        (
            $language,
            $kind,
            [
                include_str!(concat!($language, "/", $kind, ".subject")),
                include_str!(concat!($language, "/", $kind, ".txt")),
                include_str!(concat!($language, "/", $kind, ".html")),
            ],
        )
    };
}

/// The HTML around every message.
pub(super) const LAYOUT: &str = include_str!("layout.html");

/// Language, name of the kind, and subject, text and HTML.
pub(super) const BUILTIN: [(&str, &str, [&str; 3]); 26] = [
    message!("en", "sign_in_code"),
    message!("en", "reauthentication_code"),
    message!("en", "email_confirmation_code"),
    message!("en", "two_factor_code"),
    message!("en", "codes_locked"),
    message!("en", "email_changed"),
    message!("en", "password_changed"),
    message!("en", "two_factor_on"),
    message!("en", "two_factor_off"),
    message!("en", "recovery_link"),
    message!("en", "invitation_link"),
    message!("en", "email_undo"),
    message!("en", "blocking_notice"),
    message!("ru", "sign_in_code"),
    message!("ru", "reauthentication_code"),
    message!("ru", "email_confirmation_code"),
    message!("ru", "two_factor_code"),
    message!("ru", "codes_locked"),
    message!("ru", "email_changed"),
    message!("ru", "password_changed"),
    message!("ru", "two_factor_on"),
    message!("ru", "two_factor_off"),
    message!("ru", "recovery_link"),
    message!("ru", "invitation_link"),
    message!("ru", "email_undo"),
    message!("ru", "blocking_notice"),
];
