//! Where a code or a notice goes: a mailbox or a phone.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Email, Phone};
use crate::challenge::Channel;
use crate::error::InputError;

/// Where a message goes. It is stored as one text: an `@` tells an address from a number. `Debug` shows it masked.
///
/// ```
/// use portcullis::challenge::Channel;
/// use portcullis::contact::{Destination, Email, Phone};
/// let mailbox = Destination::from(Email::parse("bob@example.com").unwrap());
/// let phone = Destination::from(Phone::parse("+37120000045").unwrap());
/// assert_eq!((mailbox.channel(), phone.channel()), (Channel::Email, Channel::Sms));
/// assert_eq!((mailbox.masked(), phone.masked()), ("b•••@example.com".into(), "+371•••••45".into()));
/// assert!(!mailbox.same_as(&phone));
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Destination {
    /// A mailbox.
    Email(Email),
    /// A phone.
    Phone(Phone),
}

impl Destination {
    /// The address or number as it was given: where messages go.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }

    /// The form by which destinations are compared: what codes are bound to.
    pub fn canonical(&self) -> &str {
        match self {
            Self::Email(email) => email.canonical(),
            Self::Phone(phone) => phone.as_str(),
        }
    }

    /// The destination for other eyes.
    pub fn masked(&self) -> String {
        match self {
            Self::Email(email) => email.masked(),
            Self::Phone(phone) => phone.masked(),
        }
    }

    /// Whether both reach the same mailbox or the same phone.
    pub fn same_as(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }

    /// How messages travel there.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Phone(_) => Channel::Sms,
        }
    }

    /// The address, if it is a mailbox.
    pub const fn email(&self) -> Option<&Email> {
        match self {
            Self::Email(email) => Some(email),
            Self::Phone(_) => None,
        }
    }

    /// The number, if it is a phone.
    pub const fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Email(_) => None,
            Self::Phone(phone) => Some(phone),
        }
    }

    /// Whether it is this mailbox.
    pub(crate) fn is_email(&self, email: &Email) -> bool {
        self.email().is_some_and(|own| own.same_as(email))
    }

    /// Whether it is this phone.
    pub(crate) fn is_phone(&self, phone: &Phone) -> bool {
        self.phone() == Some(phone)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destination({})", self.masked())
    }
}

impl From<Email> for Destination {
    fn from(email: Email) -> Self {
        Self::Email(email)
    }
}

impl From<&Email> for Destination {
    fn from(email: &Email) -> Self {
        Self::Email(email.clone())
    }
}

impl From<Phone> for Destination {
    fn from(phone: Phone) -> Self {
        Self::Phone(phone)
    }
}

impl From<&Phone> for Destination {
    fn from(phone: &Phone) -> Self {
        Self::Phone(phone.clone())
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Email(email) => email.into(),
            Destination::Phone(phone) => phone.into(),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = InputError;

    fn try_from(text: String) -> Result<Self, InputError> {
        if text.contains('@') {
            Email::try_from(text).map(Self::Email)
        } else {
            Phone::try_from(text).map(Self::Phone)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_stored_as_one_text_and_an_at_sign_tells_which_it_is() {
        for (text, channel) in [("Bob@Example.com", Channel::Email), ("+37120000045", Channel::Sms)] {
            let stored = format!("\"{text}\"");
            let read: Destination = serde_json::from_str(&stored).unwrap();
            assert_eq!((read.as_str(), read.channel()), (text, channel));
            assert_eq!(serde_json::to_string(&read).unwrap(), stored);
        }
        for wrong in ["\"\"", "\"bob\"", "\"bob@localhost\"", "\"20000045\"", "\"+371@20000045\""] {
            let error = serde_json::from_str::<Destination>(wrong).unwrap_err().to_string();
            assert!(!error.contains("localhost") && !error.contains("20000045"), "{error}");
        }
    }

    #[test]
    fn a_mailbox_is_compared_in_any_case_and_is_never_a_phone() {
        let email = Email::parse("Bob@Example.com").unwrap();
        let phone = Phone::parse("+37120000045").unwrap();
        let (mailbox, device) = (Destination::from(&email), Destination::from(&phone));
        assert!(mailbox.same_as(&Email::parse("bob@example.com").unwrap().into()));
        assert!(mailbox.is_email(&email) && !mailbox.is_phone(&phone));
        assert!(device.is_phone(&phone) && !device.is_email(&email));
        assert!(!device.is_phone(&Phone::parse("+37120000046").unwrap()));
        assert_eq!(
            format!("{mailbox:?} {device:?}"),
            "Destination(B•••@Example.com) Destination(+371•••••45)"
        );
    }
}
