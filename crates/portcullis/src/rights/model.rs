//! The gates a verdict can name.

use serde::{Deserialize, Serialize};

/// What one user may do to an item, a user or an account.
///
/// Source: the access bits of domain.md 1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccessRight {
    /// See that it exists, and its basic facts.
    View,
    /// See its details.
    ViewDetails,
    /// Manage who may do what to it.
    ManageAccess,
    /// Delete it.
    Delete,
    /// Rename it.
    Rename,
    /// Edit properties that no other right names.
    EditOther,
    /// Manage what a user may do to other items.
    ManageUserAccess,
    /// Act on a user's behalf.
    ActOnBehalf,
    /// Change a user's flags.
    EditFlags,
    /// Manage an account.
    ManageAccount,
}

impl AccessRight {
    /// Every right.
    pub const ALL: [Self; 10] = [
        Self::View,
        Self::ViewDetails,
        Self::ManageAccess,
        Self::Delete,
        Self::Rename,
        Self::EditOther,
        Self::ManageUserAccess,
        Self::ActOnBehalf,
        Self::EditFlags,
        Self::ManageAccount,
    ];

    /// The stable name, such as `edit_flags`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::ViewDetails => "view_details",
            Self::ManageAccess => "manage_access",
            Self::Delete => "delete",
            Self::Rename => "rename",
            Self::EditOther => "edit_other",
            Self::ManageUserAccess => "manage_user_access",
            Self::ActOnBehalf => "act_on_behalf",
            Self::EditFlags => "edit_flags",
            Self::ManageAccount => "manage_account",
        }
    }
}

/// One condition of doing something; a verdict names each that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Gate {
    /// The user may change the password.
    ChangePassword,
    /// The user may change settings: notices, flespi, own language and zone.
    ChangeSettings,
    /// The user may have SMS sent.
    SendSms,
    /// The user may create items.
    CreateItems,
    /// Everybody above the user may have SMS sent: who created him, and who created that one.
    SendSmsAbove,
    /// There is a confirmed phone number.
    NoPhone,
    /// The account has the service that SMS take.
    ServiceSms,
    /// The account's quota of SMS is not used up.
    QuotaSms,
    /// There is a confirmed address.
    EmailUnconfirmed,
    /// The password is long enough to be the only factor.
    WeakPassword,
    /// A budget of sends is left.
    Budget,
    /// The account is not blocked.
    Blocked,
    /// The account has the service that notices take.
    ServiceEmailNotification,
    /// The security policy allows it.
    Policy,
    /// It is a user of the top account.
    TopUser,
    /// The actor has this right on the target.
    Right(AccessRight),
}

impl Gate {
    /// The stable name, such as `email_unconfirmed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChangePassword => "change_password",
            Self::ChangeSettings => "change_settings",
            Self::SendSms => "send_sms",
            Self::CreateItems => "create_items",
            Self::SendSmsAbove => "send_sms_above",
            Self::NoPhone => "no_phone",
            Self::ServiceSms => "service_sms",
            Self::QuotaSms => "quota_sms",
            Self::EmailUnconfirmed => "email_unconfirmed",
            Self::WeakPassword => "weak_password",
            Self::Budget => "budget",
            Self::Blocked => "blocked",
            Self::ServiceEmailNotification => "service_email_notification",
            Self::Policy => "policy",
            Self::TopUser => "top_user",
            Self::Right(_) => "right",
        }
    }

    /// What is missing, as an English sentence for the page.
    pub const fn text(self) -> &'static str {
        match self {
            Self::ChangePassword => {
                "You do not have the right to change the password. Ask your administrator."
            }
            Self::ChangeSettings | Self::CreateItems | Self::Right(_) => {
                "You do not have the right to change this."
            }
            Self::SendSms => "Can send SMS is off in the user properties.",
            Self::SendSmsAbove => "Can send SMS is off for a user above yours.",
            Self::NoPhone => "Confirm a phone number first.",
            Self::ServiceSms => "The SMS messages service is not active in the account properties.",
            Self::QuotaSms => "The SMS messages limit of the account is used up.",
            Self::WeakPassword => "Choose a longer password first.",
            Self::EmailUnconfirmed => "Specify an email address first",
            Self::Budget => "No SMS can be sent now: the limit is reached. Try again later.",
            Self::Blocked => "The account is blocked.",
            Self::ServiceEmailNotification => {
                "The Email notifications service is not active in the account properties."
            }
            Self::Policy => "This method is switched off by the security policy.",
            Self::TopUser => "Only the user of the top account can connect flespi.",
        }
    }

    /// The right that is missing, if the gate is one.
    pub const fn right(self) -> Option<AccessRight> {
        match self {
            Self::Right(right) => Some(right),
            Self::ChangePassword
            | Self::ChangeSettings
            | Self::SendSms
            | Self::CreateItems
            | Self::SendSmsAbove
            | Self::NoPhone
            | Self::ServiceSms
            | Self::QuotaSms
            | Self::EmailUnconfirmed
            | Self::WeakPassword
            | Self::Budget
            | Self::Blocked
            | Self::ServiceEmailNotification
            | Self::Policy
            | Self::TopUser => None,
        }
    }
}

/// The answer of "may this actor do this now?", with every missing gate named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verdict {
    missing: Vec<Gate>,
}

impl Verdict {
    /// Judges gates: each with whether it is open.
    pub fn of(gates: impl IntoIterator<Item = (Gate, bool)>) -> Self {
        Self { missing: gates.into_iter().filter(|(_, open)| !open).map(|(gate, _)| gate).collect() }
    }

    /// Whether every gate is open.
    pub fn is_allowed(&self) -> bool {
        self.missing.is_empty()
    }

    /// The gates that are missing, all of them.
    pub fn missing(&self) -> &[Gate] {
        &self.missing
    }

    /// The gates that are missing, all of them.
    pub fn into_missing(self) -> Vec<Gate> {
        self.missing
    }
}
