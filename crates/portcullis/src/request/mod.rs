//! Requests as they come in, and what they are once checked.
//!
//! Each struct is what a client may send: unknown fields are refused, everything personal or secret is a [`Raw`] that is
//! wiped and never printed. `parse` turns it into the checked types that the rooms take, or names the field that is wrong.
//! Those types are the authority; `Validate` (feature `validation`) is a convenience for hosts that check forms with it, and
//! knows lengths alone.
//!
//! ```
//! use portcullis::request::SignInRequest;
//! let request: SignInRequest =
//!     serde_json::from_str(r#"{"login": "alice", "password": "correct horse"}"#).unwrap();
//! assert_eq!(format!("{request:?}"), "SignInRequest { login: .., password: .. }");
//! let (login, password) = request.parse().unwrap();
//! assert_eq!(login.as_str(), "alice");
//! # drop(password);
//! assert!(serde_json::from_str::<SignInRequest>(r#"{"login": "a", "password": "b", "admin": true}"#).is_err());
//! ```

mod accounts;
mod people;
mod raw;

pub use accounts::{
    AccountChangeRequest, BalanceRequest, DaysRequest, NewAccountRequest, PaymentRequest, ServiceRequest,
};
pub use people::{FlagsRequest, NewUserRequest, RightsRequest, UserChangeRequest};
pub use raw::Raw;

use serde::Deserialize;

use crate::challenge::Channel;
use crate::contact::{Email, Phone};
use crate::error::InputError;
use crate::recovery::Identifier;
use crate::secret::{Code, Password};
use crate::user::{Login, Method};

/// `POST /sign-in`: a login and its password.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignInRequest {
    /// The login, 1 to 50 characters.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 50)))]
    pub login: Raw,
    /// The password, 1 to 1024 bytes.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 1024)))]
    pub password: Raw,
}

impl SignInRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_login`; `missing` or `too_long` in the field `password`.
    pub fn parse(self) -> Result<(Login, Password), InputError> {
        Ok((Login::parse(self.login.expose())?, self.password.into_password("password")?))
    }
}

/// `POST /reauthenticate`: the password once more.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReauthenticateRequest {
    /// The password, 1 to 1024 bytes.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 1024)))]
    pub password: Raw,
}

impl ReauthenticateRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `missing` or `too_long` in the field `password`.
    pub fn parse(self) -> Result<Password, InputError> {
        self.password.into_password("password")
    }
}

/// `POST /sign-in/code`, `POST /email/confirm`: a code and the challenge it answers.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CodeRequest {
    /// The challenge's token.
    pub challenge: Raw,
    /// The code, 6 to 10 digits.
    #[cfg_attr(feature = "validation", validate(length(min = 6, max = 20)))]
    pub code: Raw,
}

impl CodeRequest {
    /// Checks it. The challenge's token stays text: whether it is one of ours,
    /// [`open_challenge_token`](crate::Portcullis::open_challenge_token) tells.
    ///
    /// # Errors
    /// `invalid_code` in the field `code`.
    pub fn parse(self) -> Result<(Raw, Code), InputError> {
        let code = Code::parse(self.code.expose())?;
        Ok((self.challenge, code))
    }
}

/// `POST /sign-in/resend`: the code once more, by the channel named.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResendRequest {
    /// The challenge's token.
    pub challenge: Raw,
    /// The channel, `email` or `sms`; the challenge's own if it is not named.
    pub channel: Option<Raw>,
}

impl ResendRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_channel` in the field `channel`.
    pub fn parse(self) -> Result<(Raw, Option<Channel>), InputError> {
        let named = |name: &Raw| Channel::ALL.into_iter().find(|channel| channel.name() == name.expose());
        let unknown = || InputError::new("channel", "invalid_channel", "there is no channel of this name");
        let channel = self.channel.map(|name| named(&name).ok_or_else(unknown)).transpose()?;
        Ok((self.challenge, channel))
    }
}

/// `POST /email/resend`, `POST /two-factor/challenge/resend`: the code of a challenge once more.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ChallengeRequest {
    /// The challenge's token.
    pub challenge: Raw,
}

impl ChallengeRequest {
    /// Gives the challenge's token.
    pub fn parse(self) -> Raw {
        self.challenge
    }
}

/// `POST /recovery`: who wants to get in again.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecoveryRequest {
    /// The login or the address.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 254)))]
    pub identifier: Raw,
}

impl RecoveryRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_identifier` in the field `identifier` for what is neither a login nor an address.
    pub fn parse(self) -> Result<Identifier, InputError> {
        Identifier::parse(self.identifier.expose())
    }
}

/// `POST /recovery/{token}`: the new password, typed twice.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewPasswordRequest {
    /// The new password, 1 to 1024 bytes.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 1024)))]
    pub new: Raw,
    /// The same once more.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 1024)))]
    pub repeat: Raw,
}

impl NewPasswordRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `missing` or `too_long` in the field `new` or `repeat`.
    pub fn parse(self) -> Result<(Password, Password), InputError> {
        Ok((self.new.into_password("new")?, self.repeat.into_password("repeat")?))
    }
}

/// `PUT /email`: a new address.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EmailRequest {
    /// The address.
    #[cfg_attr(feature = "validation", validate(length(min = 3, max = 254)))]
    pub address: Raw,
}

impl EmailRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_email` in the field `address`.
    pub fn parse(self) -> Result<Email, InputError> {
        Email::parse_field(self.address.expose(), "address")
    }
}

/// `POST /two-factor/challenge`: a code that would switch a method on.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TwoFactorChallengeRequest {
    /// The method, `email` or `sms`.
    pub method: Raw,
    /// The pending address, if its code is to confirm it too; for `email`.
    #[cfg_attr(feature = "validation", validate(length(min = 3, max = 254)))]
    pub address: Option<Raw>,
    /// The number that the code is to confirm, if it is not the confirmed one; for `sms`.
    #[cfg_attr(feature = "validation", validate(length(min = 9, max = 16)))]
    pub phone: Option<Raw>,
}

/// What a [`TwoFactorChallengeRequest`] asks for.
#[derive(Debug)]
#[non_exhaustive]
pub enum TwoFactorAsk {
    /// A code by e-mail, to the pending address if it is named.
    Email(Option<Email>),
    /// A code by SMS, to the number that is named or the confirmed one.
    Sms(Option<Phone>),
}

impl TwoFactorChallengeRequest {
    /// Checks it: the address or number that is named, if one is.
    ///
    /// # Errors
    /// `invalid_method` in the field `method` for anything but `email` and `sms`; `invalid_email` in the field
    /// `address`; `invalid_phone` in the field `phone`; `unknown_field` for what the method does not take.
    pub fn parse(self) -> Result<TwoFactorAsk, InputError> {
        let unknown = |field| InputError::new(field, "unknown_field", "the method takes none");
        match method(&self.method)? {
            Method::Email if self.phone.is_some() => Err(unknown("phone")),
            Method::Email => {
                let address = self.address.map(|address| Email::parse_field(address.expose(), "address"));
                address.transpose().map(TwoFactorAsk::Email)
            }
            Method::Sms if self.address.is_some() => Err(unknown("address")),
            Method::Sms => {
                let phone = self.phone.map(|phone| Phone::parse_field(phone.expose(), "phone"));
                phone.transpose().map(TwoFactorAsk::Sms)
            }
            Method::None => Err(invalid_method()),
        }
    }
}

/// `PUT /two-factor`: a method, with the code that switches it on.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TwoFactorRequest {
    /// The method, `email`, `sms` or `none`.
    pub method: Raw,
    /// The challenge's token, for `email` and `sms`.
    pub challenge: Option<Raw>,
    /// The code, for `email` and `sms`.
    #[cfg_attr(feature = "validation", validate(length(min = 6, max = 20)))]
    pub code: Option<Raw>,
}

/// What a [`TwoFactorRequest`] asks for.
#[derive(Debug)]
#[non_exhaustive]
pub enum TwoFactorChange {
    /// Switch it off.
    Off,
    /// Switch it on by this code.
    On {
        /// The method.
        method: Method,
        /// The challenge's token.
        challenge: Raw,
        /// The code.
        code: Code,
    },
}

impl TwoFactorRequest {
    /// Checks it.
    ///
    /// # Errors
    /// `invalid_method` in the field `method`; `missing` in the field `challenge` or `code`; `invalid_code`;
    /// `unknown_field` for a challenge or code beside `none`.
    pub fn parse(self) -> Result<TwoFactorChange, InputError> {
        let missing = |field| InputError::new(field, "missing", "the method needs it");
        let unknown = |field| InputError::new(field, "unknown_field", "the method takes none");
        match method(&self.method)? {
            method @ (Method::Email | Method::Sms) => {
                let challenge = self.challenge.ok_or_else(|| missing("challenge"))?;
                let code = self.code.ok_or_else(|| missing("code"))?;
                Ok(TwoFactorChange::On { method, challenge, code: Code::parse(code.expose())? })
            }
            Method::None if self.challenge.is_some() => Err(unknown("challenge")),
            Method::None if self.code.is_some() => Err(unknown("code")),
            Method::None => Ok(TwoFactorChange::Off),
        }
    }
}

fn method(name: &Raw) -> Result<Method, InputError> {
    let mut methods = Method::ALL.into_iter();
    methods.find(|method| method.name() == name.expose()).ok_or_else(invalid_method)
}

fn invalid_method() -> InputError {
    InputError::new("method", "invalid_method", "there is no method of this name")
}

#[cfg(test)]
mod tests;
