//! Requests of those who manage users.

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use super::Raw;
use crate::account::TimeZone;
use crate::contact::Email;
use crate::error::InputError;
use crate::id::AccountId;
use crate::language::Language;
use crate::manage::UserChange;
use crate::rights::AccessRight;
use crate::user::{Flag, Flags, Login, NewUser};

/// A user's switches, and whether signing in is off: what is not named stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FlagsRequest {
    /// May change the own password.
    pub change_password: Option<bool>,
    /// May have SMS sent.
    pub send_sms: Option<bool>,
    /// May change own settings.
    pub change_settings: Option<bool>,
    /// May create items.
    pub create_items: Option<bool>,
    /// Whether signing in is switched off.
    pub disabled: Option<bool>,
}

impl FlagsRequest {
    /// The switches after it.
    ///
    /// ```
    /// use portcullis::request::FlagsRequest;
    /// use portcullis::user::{Flag, Flags};
    /// let request: FlagsRequest = serde_json::from_str(r#"{"send_sms": false}"#).unwrap();
    /// let flags = request.onto(&Flags::all());
    /// assert!(!flags.has(Flag::SendSms) && flags.has(Flag::ChangePassword));
    /// ```
    pub fn onto(self, flags: &Flags) -> Flags {
        let named = |flag| match flag {
            Flag::ChangePassword => self.change_password,
            Flag::SendSms => self.send_sms,
            Flag::ChangeSettings => self.change_settings,
            Flag::CreateItems => self.create_items,
        };
        Flag::ALL.into_iter().filter(|flag| named(*flag).unwrap_or(flags.has(*flag))).collect()
    }
}

/// `POST /users`: a new user.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewUserRequest {
    /// The login, 1 to 50 characters.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 50)))]
    pub login: Raw,
    /// The account's id.
    pub account: Uuid,
    /// An address that the user has yet to confirm.
    #[cfg_attr(feature = "validation", validate(length(min = 3, max = 254)))]
    pub email: Option<Raw>,
    /// The switches that are on; those not named are off.
    #[serde(default)]
    pub flags: FlagsRequest,
    /// The IANA name of the time zone; the account's if it is not named.
    pub time_zone: Option<String>,
    /// The language; English if it is not named.
    pub language: Option<String>,
    /// The id another system knows the user by.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 200)))]
    pub external_id: Option<Raw>,
}

impl NewUserRequest {
    /// Checks it: the user, and the address that is yet to be confirmed.
    ///
    /// # Errors
    /// `invalid_login`, `invalid_email`, `invalid_time_zone`, `invalid_language`, each in its field; `unknown_field`
    /// for the flag `disabled`.
    pub fn parse(self) -> Result<(NewUser, Option<Email>), InputError> {
        let mut new = NewUser::new(Login::parse(self.login.expose())?, AccountId::from_uuid(self.account));
        if self.flags.disabled.is_some() {
            return Err(InputError::new("flags", "unknown_field", "a new user is not disabled"));
        }
        new.flags = self.flags.onto(&Flags::default());
        new.time_zone = self.time_zone.as_deref().map(TimeZone::parse).transpose()?;
        if let Some(language) = self.language {
            new.language = Language::parse(&language)?;
        }
        new.external_id = self.external_id.map(|id| id.expose().to_owned());
        let email = self.email.map(|email| Email::parse_field(email.expose(), "email")).transpose()?;
        Ok((new, email))
    }
}

/// `PATCH /users/{id}`: what of a user is to change.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct UserChangeRequest {
    /// The switches; those not named stay as they are.
    #[serde(default)]
    pub flags: FlagsRequest,
    /// A new address, to which a code is sent; the user confirms it himself.
    #[cfg_attr(feature = "validation", validate(length(min = 3, max = 254)))]
    pub email: Option<Raw>,
    /// The IANA name of the time zone.
    pub time_zone: Option<String>,
    /// The language.
    pub language: Option<String>,
}

impl UserChangeRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_email`, `invalid_time_zone`, `invalid_language`, each in its field.
    pub fn parse(self) -> Result<UserChange, InputError> {
        let mut change = UserChange::default();
        let FlagsRequest { change_password, send_sms, change_settings, create_items, disabled } = self.flags;
        let named = [
            (Flag::ChangePassword, change_password),
            (Flag::SendSms, send_sms),
            (Flag::ChangeSettings, change_settings),
            (Flag::CreateItems, create_items),
        ];
        change.flags = named.into_iter().filter_map(|(flag, on)| on.map(|on| (flag, on))).collect();
        change.disabled = disabled;
        change.email = self.email.map(|email| Email::parse_field(email.expose(), "email")).transpose()?;
        change.time_zone = self.time_zone.as_deref().map(TimeZone::parse).transpose()?;
        change.language = self.language.as_deref().map(Language::parse).transpose()?;
        Ok(change)
    }
}

/// `POST /users/{id}/rights`: what a user may do to an item from now on.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RightsRequest {
    /// The id of the item, a user or an account.
    pub item: Uuid,
    /// The rights by name; none at all revokes.
    pub rights: Vec<String>,
}

impl RightsRequest {
    /// Checks it: the item, and the rights.
    ///
    /// # Errors
    /// `invalid_right` in the field `rights`.
    pub fn parse(self) -> Result<(Uuid, BTreeSet<AccessRight>), InputError> {
        let right = |name: &String| {
            let named = AccessRight::ALL.into_iter().find(|right| right.name() == name);
            named.ok_or(InputError::new("rights", "invalid_right", "there is no right of this name"))
        };
        Ok((self.item, self.rights.iter().map(right).collect::<Result<_, _>>()?))
    }
}
