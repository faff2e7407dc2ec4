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

macro_rules! sms {
    ($language:literal, $kind:literal) => {
        ($language, $kind, include_str!(concat!($language, "/", $kind, ".sms")))
    };
}

/// The HTML around every message.
pub(super) const LAYOUT: &str = include_str!("layout.html");

/// Language, name of the kind, and subject, text and HTML.
pub(super) const BUILTIN: [(&str, &str, [&str; 3]); 56] = [
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
    message!("en", "flespi_expiring"),
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
    message!("ru", "flespi_expiring"),
    message!("es", "sign_in_code"),
    message!("es", "reauthentication_code"),
    message!("es", "email_confirmation_code"),
    message!("es", "two_factor_code"),
    message!("es", "codes_locked"),
    message!("es", "email_changed"),
    message!("es", "password_changed"),
    message!("es", "two_factor_on"),
    message!("es", "two_factor_off"),
    message!("es", "recovery_link"),
    message!("es", "invitation_link"),
    message!("es", "email_undo"),
    message!("es", "blocking_notice"),
    message!("es", "flespi_expiring"),
    message!("de", "sign_in_code"),
    message!("de", "reauthentication_code"),
    message!("de", "email_confirmation_code"),
    message!("de", "two_factor_code"),
    message!("de", "codes_locked"),
    message!("de", "email_changed"),
    message!("de", "password_changed"),
    message!("de", "two_factor_on"),
    message!("de", "two_factor_off"),
    message!("de", "recovery_link"),
    message!("de", "invitation_link"),
    message!("de", "email_undo"),
    message!("de", "blocking_notice"),
    message!("de", "flespi_expiring"),
];

/// Language, name of the kind, and the text of the SMS.
pub(super) const BUILTIN_SMS: [(&str, &str, &str); 12] = [
    sms!("en", "sign_in_code"),
    sms!("en", "reauthentication_code"),
    sms!("en", "two_factor_code"),
    sms!("ru", "sign_in_code"),
    sms!("ru", "reauthentication_code"),
    sms!("ru", "two_factor_code"),
    sms!("es", "sign_in_code"),
    sms!("es", "reauthentication_code"),
    sms!("es", "two_factor_code"),
    sms!("de", "sign_in_code"),
    sms!("de", "reauthentication_code"),
    sms!("de", "two_factor_code"),
];
