//! What went wrong or right, in words beside the control.

use portcullis::challenge::CodeDelivery;

use super::{Html, Sentence, Time};
use crate::texts::Language;

/// A line beside a control about what was just done.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// It was done: `role=status`.
    Status(Said),
    /// It was not: `role=alert`.
    Alert(Problem),
}

/// What was done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    /// The pending address took the place of the old one.
    EmailConfirmed,
    /// The pending address was dropped.
    ChangeCanceled,
    /// There is no address any more.
    EmailRemoved,
    /// The password was changed.
    PasswordChanged,
    /// Two-factor authentication was switched on.
    TwoFactorOn,
    /// Two-factor authentication was switched off.
    TwoFactorOff,
    /// Notices about blocking were switched.
    NoticesSaved,
    /// Another session was ended.
    SessionEnded,
    /// Every other session was ended.
    SessionsEnded,
    /// A password was set by a link; said on the sign-in page.
    PasswordSet,
    /// The old address is back; said on the sign-in page.
    EmailUndone,
    /// The user was confirmed, and a login at flespi takes another press.
    FlespiLoginNext,
    /// The user was confirmed, and a token was not carried along.
    FlespiTokenNext,
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub(crate) enum Problem {
    /// `bad_credentials` at sign-in.
    BadCredentials,
    /// `bad_credentials` when confirming that it is the user.
    WrongPassword,
    /// `too_many_attempts`.
    TooManyAttempts {
        /// When to try again.
        until: Time,
    },
    /// `invalid_email`.
    InvalidEmail,
    /// `invalid_identifier`.
    InvalidIdentifier,
    /// `unchanged`: the address is the one in use.
    UnchangedEmail,
    /// `address_taken`, known only once the address was proved.
    AddressTaken,
    /// `address_taken` by a mailed link: the address it was sent to is another user's by now.
    LinkAddressTaken,
    /// `in_use`: the address cannot be removed.
    AddressInUse,
    /// `wrong_code` with attempts left; with none left it reads as [`Problem::StartAgain`].
    WrongCode {
        /// Attempts left.
        left: u32,
    },
    /// `challenge_dead`.
    CodeDead,
    /// `locked` with a time to wait.
    Locked {
        /// When to try again.
        until: Time,
    },
    /// `locked` without one, or the last wrong code.
    StartAgain,
    /// `too_soon` or `no_sends_left`.
    NoMoreCodes {
        /// When to try again, if waiting helps.
        until: Option<Time>,
    },
    /// `invalid_phone`.
    InvalidPhone,
    /// `unchanged`: codes go to this number already.
    UnchangedPhone,
    /// An SMS of which nobody knows whether it was sent.
    MaybeSent,
    /// The channel refused the message.
    SendFailed,
    /// `not_allowed`, with every missing gate.
    NotAllowed(Vec<Gate>),
    /// `weak_password`: it cannot stand alone.
    PasswordTooShort {
        /// The least length, in characters.
        minimum: u32,
    },
    /// `repeat_differs`.
    RepeatDiffers,
    /// `unchanged`: the new password is the current one.
    UnchangedPassword,
    /// `weak_password`, with every reason.
    WeakPassword(Vec<Weakness>),
    /// `invalid_token`: what was typed is no flespi token.
    InvalidFlespiToken,
    /// `invalid_region`: none was chosen for a flespi token.
    NoFlespiRegion,
    /// `busy` or `unavailable`.
    CannotAnswer,
}

/// Why a new password is too weak, named as in the HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// `too_short`.
    TooShort {
        /// The least length, in characters.
        minimum: u32,
    },
    /// `too_long`.
    TooLong {
        /// The greatest length, in characters.
        maximum: u32,
    },
    /// `too_common`.
    TooCommon,
    /// `context`.
    Context,
    /// `needs_upper`.
    NeedsUpper,
    /// `needs_lower`.
    NeedsLower,
    /// `needs_digit`.
    NeedsDigit,
    /// `needs_special`.
    NeedsSpecial,
}

impl Weakness {
    fn html(self, language: Language) -> Html {
        let texts = language.texts();
        let counted = |n: u32, words| Sentence::new(language.counted(n, words)).number("n", n).html();
        match self {
            Self::TooShort { minimum } => counted(minimum, &texts.password_short),
            Self::TooLong { maximum } => counted(maximum, &texts.password_long),
            Self::TooCommon => Html::text(texts.password_common),
            Self::Context => Html::text(texts.password_context),
            Self::NeedsUpper => Html::text(texts.password_needs_upper),
            Self::NeedsLower => Html::text(texts.password_needs_lower),
            Self::NeedsDigit => Html::text(texts.password_needs_digit),
            Self::NeedsSpecial => Html::text(texts.password_needs_special),
        }
    }
}

/// A gate that is closed, named as in the HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// `service_sms`.
    ServiceSms,
    /// `quota_sms`.
    QuotaSms,
    /// `send_sms`.
    SendSms,
    /// `send_sms_above`.
    SendSmsAbove,
    /// `no_phone`.
    NoPhone,
    /// `budget`.
    Budget,
    /// `blocked`.
    Blocked,
    /// `right`, `change_settings`.
    Right,
    /// `change_password`.
    ChangePassword,
    /// `policy`.
    Policy,
    /// `email_unconfirmed`.
    EmailUnconfirmed,
    /// `service_email_notification`.
    ServiceEmailNotification,
    /// `top_user`.
    TopUser,
}

impl Gate {
    /// The gate of a name in the HTTP contract. One without words of its own reads as a missing right.
    pub(crate) fn of_name(name: &str) -> Self {
        match name {
            "service_sms" => Self::ServiceSms,
            "quota_sms" => Self::QuotaSms,
            "send_sms" => Self::SendSms,
            "send_sms_above" => Self::SendSmsAbove,
            "no_phone" => Self::NoPhone,
            "budget" => Self::Budget,
            "blocked" => Self::Blocked,
            "change_password" => Self::ChangePassword,
            "policy" => Self::Policy,
            "email_unconfirmed" => Self::EmailUnconfirmed,
            "top_user" => Self::TopUser,
            "service_email_notification" => Self::ServiceEmailNotification,
            _ => Self::Right,
        }
    }

    /// The gate in words.
    pub(crate) fn text(self, language: Language) -> &'static str {
        let texts = language.texts();
        match self {
            Self::ServiceSms => texts.gate_service_sms,
            Self::QuotaSms => texts.gate_quota_sms,
            Self::SendSms => texts.gate_send_sms,
            Self::SendSmsAbove => texts.gate_send_sms_above,
            Self::NoPhone => texts.gate_no_phone,
            Self::Budget => texts.gate_budget,
            Self::Blocked => texts.gate_blocked,
            Self::Right => texts.gate_right,
            Self::ChangePassword => texts.gate_change_password,
            Self::Policy => texts.gate_policy,
            Self::EmailUnconfirmed => texts.gate_email_unconfirmed,
            Self::TopUser => texts.gate_top_user,
            Self::ServiceEmailNotification => texts.gate_service_email_notification,
        }
    }
}

impl Said {
    /// The line.
    pub(crate) fn text(self, language: Language) -> &'static str {
        let texts = language.texts();
        match self {
            Self::EmailConfirmed => texts.said_email_confirmed,
            Self::ChangeCanceled => texts.said_change_canceled,
            Self::EmailRemoved => texts.said_email_removed,
            Self::PasswordChanged => texts.said_password_changed,
            Self::TwoFactorOn => texts.said_two_factor_on,
            Self::TwoFactorOff => texts.said_two_factor_off,
            Self::NoticesSaved => texts.said_saved,
            Self::SessionEnded => texts.said_session_ended,
            Self::SessionsEnded => texts.said_sessions_ended,
            Self::PasswordSet => texts.said_password_set,
            Self::EmailUndone => texts.said_email_undone,
            Self::FlespiLoginNext => texts.said_flespi_login_next,
            Self::FlespiTokenNext => texts.said_flespi_token_next,
        }
    }
}

impl Problem {
    /// The line.
    pub(crate) fn html(&self, language: Language) -> Html {
        let texts = language.texts();
        match self {
            Self::BadCredentials => Html::text(texts.bad_credentials),
            Self::WrongPassword => Html::text(texts.wrong_password),
            Self::TooManyAttempts { until } => {
                Sentence::new(texts.too_many_attempts).time("time", until).html()
            }
            Self::InvalidEmail => Html::text(texts.invalid_email),
            Self::InvalidIdentifier => Html::text(texts.invalid_identifier),
            Self::UnchangedEmail => Html::text(texts.unchanged_email),
            Self::AddressTaken => Html::text(texts.address_taken),
            Self::LinkAddressTaken => Html::text(texts.link_address_taken),
            Self::AddressInUse => Html::text(texts.address_in_use),
            Self::WrongCode { left: 0 } | Self::StartAgain => Html::text(texts.start_again),
            Self::WrongCode { left } => {
                Sentence::new(language.counted(*left, &texts.wrong_code)).number("n", *left).html()
            }
            Self::CodeDead => Html::text(texts.code_dead),
            Self::Locked { until } => Sentence::new(texts.locked).time("time", until).html(),
            Self::NoMoreCodes { until: Some(until) } => {
                Sentence::new(texts.no_more_codes).time("time", until).html()
            }
            Self::NoMoreCodes { until: None } => Html::text(texts.no_more_codes_now),
            Self::InvalidPhone => Html::text(texts.invalid_phone),
            Self::UnchangedPhone => Html::text(texts.unchanged_phone),
            Self::MaybeSent => Html::text(texts.maybe_sent),
            Self::SendFailed => Html::text(texts.send_failed),
            Self::NotAllowed(gates) => {
                let words: Vec<_> = gates.iter().map(|gate| gate.text(language)).collect();
                Html::text(&words.join(" "))
            }
            Self::PasswordTooShort { minimum } => {
                Sentence::new(language.counted(*minimum, &texts.password_too_short))
                    .number("n", *minimum)
                    .html()
            }
            Self::RepeatDiffers => Html::text(texts.password_repeat_differs),
            Self::UnchangedPassword => Html::text(texts.password_unchanged),
            Self::WeakPassword(weaknesses) => {
                let words: Vec<_> = weaknesses.iter().map(|weakness| weakness.html(language)).collect();
                let words: Vec<_> = words.iter().map(Html::as_str).collect();
                Html::trusted(words.join(" "))
            }
            Self::InvalidFlespiToken => Html::text(texts.flespi_token_invalid),
            Self::NoFlespiRegion => Html::text(texts.flespi_region_missing),
            Self::CannotAnswer => Html::text(texts.cannot_answer),
        }
    }

    /// What came of a code's message, where it is worth a word.
    pub(crate) fn of_delivery(delivery: CodeDelivery) -> Option<Self> {
        match delivery {
            CodeDelivery::Ambiguous => Some(Self::MaybeSent),
            CodeDelivery::Failed => Some(Self::SendFailed),
            CodeDelivery::Waiting | CodeDelivery::Sent | _ => None,
        }
    }

    /// The class of its line: what may have gone well is no error.
    pub(super) const fn kind(&self) -> &'static str {
        if matches!(self, Self::MaybeSent) { "caution" } else { "problem" }
    }

    /// Its line, for the place where it stands.
    pub(crate) fn line(&self, language: Language) -> Html {
        Html::trusted(format!(
            "<p class=\"message {}\" role=\"alert\">{}</p>",
            self.kind(),
            self.html(language)
        ))
    }

    /// Whether a code can still be typed after this.
    pub(super) fn takes_a_code(&self) -> bool {
        match self {
            Self::WrongCode { left: 0 } | Self::StartAgain | Self::Locked { .. } | Self::CodeDead => false,
            Self::BadCredentials
            | Self::WrongPassword
            | Self::TooManyAttempts { .. }
            | Self::InvalidEmail
            | Self::InvalidIdentifier
            | Self::UnchangedEmail
            | Self::AddressTaken
            | Self::LinkAddressTaken
            | Self::AddressInUse
            | Self::WrongCode { .. }
            | Self::NoMoreCodes { .. }
            | Self::InvalidPhone
            | Self::UnchangedPhone
            | Self::MaybeSent
            | Self::SendFailed
            | Self::NotAllowed(_)
            | Self::PasswordTooShort { .. }
            | Self::RepeatDiffers
            | Self::UnchangedPassword
            | Self::WeakPassword(_)
            | Self::InvalidFlespiToken
            | Self::NoFlespiRegion
            | Self::CannotAnswer => true,
        }
    }

    /// Whether what was typed as a code is what is wrong.
    pub(super) fn is_in_the_code(&self) -> bool {
        matches!(self, Self::WrongCode { .. })
    }

    /// Whether a fresh code may be asked for after this.
    pub(super) fn takes_a_resend(&self) -> bool {
        !matches!(
            self,
            Self::WrongCode { left: 0 } | Self::StartAgain | Self::Locked { .. } | Self::NoMoreCodes { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_named_as_in_the_contract() {
        for (name, gate) in [
            ("service_sms", Gate::ServiceSms),
            ("quota_sms", Gate::QuotaSms),
            ("send_sms", Gate::SendSms),
            ("send_sms_above", Gate::SendSmsAbove),
            ("no_phone", Gate::NoPhone),
            ("budget", Gate::Budget),
            ("blocked", Gate::Blocked),
            ("policy", Gate::Policy),
            ("top_user", Gate::TopUser),
            ("email_unconfirmed", Gate::EmailUnconfirmed),
            ("service_email_notification", Gate::ServiceEmailNotification),
            ("change_password", Gate::ChangePassword),
            ("right", Gate::Right),
            ("change_settings", Gate::Right),
        ] {
            assert_eq!(Gate::of_name(name), gate, "{name}");
        }
    }

    #[test]
    fn every_missing_gate_is_named() {
        let html = Problem::NotAllowed(vec![Gate::Blocked, Gate::Policy]).html(Language::English);
        let both = "The account is blocked. This method is switched off by the security policy.";
        assert_eq!(html.as_str(), both);
    }

    #[test]
    fn no_attempt_left_means_to_start_again() {
        let last = Problem::WrongCode { left: 0 };
        assert_eq!(last.html(Language::English), Problem::StartAgain.html(Language::English));
        assert!(!last.takes_a_code() && !last.takes_a_resend());
        assert!(Problem::WrongCode { left: 1 }.takes_a_code());
        assert!(Problem::CodeDead.takes_a_resend() && !Problem::CodeDead.takes_a_code());
    }
}
