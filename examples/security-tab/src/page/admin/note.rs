//! What went wrong or right on a page for administrators, beside its control.

use crate::page::{Html, Problem};
use crate::texts::Language;

/// Where on a page a note stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the page's heading.
    Top,
    /// At the login.
    Login,
    /// At the account.
    Account,
    /// At the address.
    Address,
    /// At the time zone.
    Zone,
    /// At the name of an account.
    Name,
    /// At the number of SMS.
    Quota,
    /// At the button of a whole form.
    Form,
    /// At the flags.
    Flags,
    /// At switching sign-in off or on.
    SignIn,
    /// At the password reset.
    Reset,
    /// At the invitation.
    Invitation,
    /// At the second factor.
    TwoFactor,
    /// At the sessions.
    Sessions,
    /// At the rights on a user.
    Rights,
    /// At the login of who gets rights.
    RightsTo,
    /// At the block of an account.
    Block,
    /// At days and balance.
    Billing,
    /// At a payment.
    Payment,
}

/// A line about what was just done, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    /// Where.
    pub(crate) place: Place,
    /// What.
    pub(crate) lines: Lines,
}

/// The line of a note.
#[derive(Debug, Clone)]
pub(crate) enum Lines {
    /// It was done.
    Said(AdminSaid),
    /// It was not.
    Trouble(Trouble),
}

macro_rules! said {
    ($($variant:ident $name:literal $text:ident,)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum AdminSaid {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )+
        }

        impl AdminSaid {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in a cookie.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            fn text(self, language: Language) -> &'static str {
                match self {
                    $(Self::$variant => language.admin().$text,)+
                }
            }
        }
    };
}

said! {
    FlagsSaved "flags-saved" said_saved,
    SettingsSaved "settings-saved" said_saved,
    SignInOff "sign-in-off" said_sign_in_off,
    SignInOn "sign-in-on" said_sign_in_on,
    ResetSent "reset-sent" said_reset_sent,
    Invited "invited" said_invited,
    FactorRemoved "factor-removed" said_factor_removed,
    SessionsEnded "all-sessions-ended" said_sessions_ended,
    RightsSet "rights-set" said_rights_set,
    UserCreated "user-created" said_user_created,
    UserInvited "user-invited" said_user_invited,
    AccountCreated "account-created" said_account_created,
    AccountSaved "account-saved" said_saved,
    BillingSaved "billing-saved" said_saved,
    Paid "paid" said_paid,
    Blocked "blocked" said_blocked,
    Unblocked "unblocked" said_unblocked,
}

impl AdminSaid {
    /// Where it is said.
    pub(crate) fn place(self) -> Place {
        match self {
            Self::FlagsSaved => Place::Flags,
            Self::SettingsSaved => Place::Zone,
            Self::SignInOff | Self::SignInOn => Place::SignIn,
            Self::ResetSent => Place::Reset,
            Self::Invited => Place::Invitation,
            Self::FactorRemoved => Place::TwoFactor,
            Self::SessionsEnded => Place::Sessions,
            Self::RightsSet => Place::Rights,
            Self::UserCreated | Self::UserInvited | Self::AccountCreated => Place::Top,
            Self::AccountSaved => Place::Form,
            Self::BillingSaved => Place::Billing,
            Self::Paid => Place::Payment,
            Self::Blocked | Self::Unblocked => Place::Block,
        }
    }
}

/// Why something was not done.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// What the tab has words for as well.
    Known(Problem),
    /// What was typed is no login.
    InvalidLogin,
    /// Another user has the login.
    LoginTaken,
    /// What was typed is no time zone.
    InvalidZone,
    /// What was typed is no name.
    InvalidName,
    /// What was typed is no number.
    InvalidQuota,
    /// What was typed is no number, or one out of range.
    InvalidNumber,
    /// The payment is none.
    InvalidPayment,
    /// There is no such plan.
    UnknownPlan,
    /// A flag or right that who acts lacks.
    Lacked,
    /// There is no such user, or none who may be seen.
    NoSuchUser,
    /// There is no such account, or none that may be seen.
    NoSuchAccount,
    /// The user has no confirmed address.
    NoAddress,
}

impl Trouble {
    fn html(&self, language: Language) -> Html {
        let texts = language.admin();
        match self {
            Self::Known(problem) => problem.html(language),
            Self::InvalidLogin => Html::text(texts.invalid_login),
            Self::LoginTaken => Html::text(texts.login_taken),
            Self::InvalidZone => Html::text(texts.invalid_zone),
            Self::InvalidName => Html::text(texts.invalid_name),
            Self::InvalidQuota => Html::text(texts.invalid_quota),
            Self::InvalidNumber => Html::text(texts.invalid_number),
            Self::InvalidPayment => Html::text(texts.invalid_payment),
            Self::UnknownPlan => Html::text(texts.unknown_plan),
            Self::Lacked => Html::text(texts.cannot_grant),
            Self::NoSuchUser => Html::text(texts.no_such_user),
            Self::NoSuchAccount => Html::text(texts.no_such_account),
            Self::NoAddress => Html::text(texts.no_confirmed_address),
        }
    }
}

impl Place {
    /// The id of its line, and of the control the line belongs to.
    pub(super) fn ids(self) -> (&'static str, &'static str) {
        match self {
            Self::Top => ("top-problem", "top"),
            Self::Login => ("login-problem", "user-login"),
            Self::Account => ("account-problem", "account"),
            Self::Address => ("address-problem", "address"),
            Self::Zone => ("zone-problem", "zone"),
            Self::Name => ("name-problem", "name"),
            Self::Quota => ("quota-problem", "quota"),
            Self::Form => ("form-problem", "form"),
            Self::Flags => ("flags-problem", "flags"),
            Self::SignIn => ("sign-in-problem", "sign-in"),
            Self::Reset => ("reset-problem", "reset"),
            Self::Invitation => ("invitation-problem", "invitation"),
            Self::TwoFactor => ("factor-problem", "factor"),
            Self::Sessions => ("sessions-problem", "sessions"),
            Self::Rights => ("rights-problem", "rights"),
            Self::RightsTo => ("rights-to-problem", "rights-to"),
            Self::Block => ("block-problem", "block"),
            Self::Billing => ("billing-problem", "days-left"),
            Self::Payment => ("payment-problem", "payment-comment"),
        }
    }
}

impl Note {
    /// A note about what was done.
    pub(crate) fn said(said: AdminSaid) -> Self {
        Self { place: said.place(), lines: Lines::Said(said) }
    }

    /// A note about what was not done.
    pub(crate) fn trouble(place: Place, trouble: Trouble) -> Self {
        Self { place, lines: Lines::Trouble(trouble) }
    }

    pub(crate) fn is_trouble(&self) -> bool {
        matches!(self.lines, Lines::Trouble(_))
    }

    fn html(&self, language: Language) -> Html {
        match &self.lines {
            Lines::Said(said) => Html::text(said.text(language)),
            Lines::Trouble(trouble) => trouble.html(language),
        }
    }
}

/// The line at a place, as HTML; nothing if nothing is to be said there.
pub(super) fn line(note: Option<&Note>, place: Place, language: Language) -> Html {
    let Some(note) = note.filter(|note| note.place == place) else {
        return Html::default();
    };
    let words = note.html(language);
    Html::trusted(if note.is_trouble() {
        format!("<p class=\"message problem\" id=\"{}\" role=\"alert\">{words}</p>", place.ids().0)
    } else {
        format!("<p class=\"message done\" role=\"status\">{words}</p>")
    })
}

/// The attributes of an input at a place: what it is described by, whether it is off and why, whether it is wrong and
/// takes the focus.
pub(super) fn attributes(
    note: Option<&Note>,
    place: Place,
    described_by: &[&'static str],
    off: Option<&'static str>,
) -> Html {
    let wrong = note.is_some_and(|note| note.place == place && note.is_trouble());
    let mut described: Vec<_> = wrong.then_some(place.ids().0).into_iter().collect();
    described.extend(off);
    described.extend(described_by);
    let mut attributes = String::new();
    if !described.is_empty() {
        attributes = format!(" aria-describedby=\"{}\"", described.join(" "));
    }
    if wrong {
        attributes.push_str(" aria-invalid=\"true\" autofocus");
    }
    if off.is_some() {
        attributes.push_str(" disabled");
    }
    Html::trusted(attributes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn whatever_is_said_has_a_name_of_its_own() {
        let names: BTreeSet<_> = AdminSaid::ALL.iter().map(|said| said.name()).collect();
        assert_eq!(names.len(), AdminSaid::ALL.len());
    }

    #[test]
    fn a_line_stands_at_its_place_alone() {
        let note = Note::trouble(Place::Login, Trouble::LoginTaken);
        let at = |place| line(Some(&note), place, Language::English).as_str().to_owned();
        assert!(at(Place::Login).contains("role=\"alert\">This login is taken.<"));
        assert_eq!(at(Place::Zone), "");
        let wrong = attributes(Some(&note), Place::Login, &["login-help"], None);
        assert_eq!(
            wrong.as_str(),
            " aria-describedby=\"login-problem login-help\" aria-invalid=\"true\" autofocus"
        );
        assert_eq!(
            attributes(Some(&note), Place::Zone, &[], Some("why")).as_str(),
            " aria-describedby=\"why\" disabled"
        );
    }
}
