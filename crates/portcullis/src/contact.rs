//! Contacts: where a person is reached, and where a request came from; parsed once, masked when shown.

use core::fmt;
use std::net::IpAddr;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

use crate::error::InputError;

mod destination;
#[cfg(feature = "phonenumber")]
mod national;
mod phone;

pub use destination::Destination;
pub use phone::Phone;

/// An e-mail address that every mail system can carry: ASCII, one `@`, a domain with a dot, nothing quoted.
///
/// It keeps the form that was typed, which is where mail goes, and a lower-case form, by which addresses are compared
/// and found. An international domain is written in its `xn--` form. `Debug` shows it masked; `==` is missing on
/// purpose, see [`Email::same_as`]. It is stored as typed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email {
    typed: String,
    canonical: String,
}

impl Email {
    /// The longest address, in bytes.
    pub const MAX_BYTES: usize = 254;
    /// The longest part before the `@`, in bytes.
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Reads an address from the field `address`; see [`Email::parse_field`].
    ///
    /// ```
    /// use portcullis::contact::Email;
    /// let email = Email::parse("Bob@Example.com").unwrap();
    /// assert_eq!(email.as_str(), "Bob@Example.com");
    /// assert_eq!(email.canonical(), "bob@example.com");
    /// assert_eq!(email.masked(), "B•••@Example.com");
    /// assert_eq!(Email::parse("bob@localhost").unwrap_err().code(), "invalid_email");
    /// ```
    ///
    /// # Errors
    /// `invalid_email` in the field `address`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        Self::parse_field(text, "address")
    }

    /// Reads an address from the field of that name. Surrounding white space is refused, not trimmed.
    ///
    /// # Errors
    /// `invalid_email` in that field.
    pub fn parse_field(text: &str, field: &'static str) -> Result<Self, InputError> {
        match fault_of(text) {
            None => Ok(Self { typed: text.to_owned(), canonical: text.to_ascii_lowercase() }),
            Some(fault) => Err(InputError::new(field, "invalid_email", fault)),
        }
    }

    /// The address as typed: where mail goes.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The address in lower case: the value of keys and of derived ids.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The part after the `@`, as typed.
    pub fn domain(&self) -> &str {
        self.typed.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address for other eyes: the first character, three bullets and the domain.
    pub fn masked(&self) -> String {
        let first: String = self.typed.chars().take(1).collect();
        format!("{first}•••@{}", self.domain())
    }

    /// Whether both reach the same mailbox: the same letters in any case.
    pub fn same_as(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", self.masked())
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.typed
    }
}

impl TryFrom<String> for Email {
    type Error = InputError;

    fn try_from(text: String) -> Result<Self, InputError> {
        Self::parse(&text)
    }
}

/// What is wrong with an address, in words without it.
fn fault_of(text: &str) -> Option<&'static str> {
    if text.len() > Email::MAX_BYTES {
        return Some("the address is longer than 254 bytes");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Some("the address has no `@`");
    };
    if local.len() > Email::MAX_LOCAL_BYTES {
        return Some("the part before the `@` is longer than 64 bytes");
    }
    if !domain.is_ascii() {
        return Some("an international domain is written in its `xn--` form");
    }
    if !local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte)) {
        return Some("the part before the `@` is not one that every mail system carries");
    }
    let mut labels = domain.split('.');
    let top = labels.next_back().unwrap_or_default();
    if labels.next_back().is_none() {
        return Some("the domain has no dot");
    }
    if top.bytes().all(|b| b.is_ascii_digit()) || !domain.split('.').all(is_label) {
        return Some("the part after the `@` is no domain");
    }
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    EmailAddress::parse_with_options(text, options).err().map(|_| "the address can't be read")
}

/// What an unquoted local part is made of (RFC 5322, 3.2.3).
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Letters, digits and inner hyphens, at most 63.
///
/// An `xn--` label that ends in a hyphen decodes to plain ASCII, that is, to another spelling of another label; the
/// rule for hyphens refuses it.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.eq_ignore_ascii_case("xn--")
}

/// Where a request came from, as far as it is counted: an IPv4 address, or the /64 network of an IPv6 address, since
/// one subscriber has all of it.
///
/// An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. `Debug` shows the family alone.
///
/// ```
/// use portcullis::contact::SourceAddress;
/// let one = SourceAddress::from("2001:db8::1".parse::<std::net::IpAddr>().unwrap());
/// let two = SourceAddress::from("2001:db8::2".parse::<std::net::IpAddr>().unwrap());
/// assert_eq!(one.to_bytes(), two.to_bytes());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceAddress(Network);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Network {
    V4([u8; 4]),
    V6([u16; 4]),
}

impl SourceAddress {
    /// The bytes of which ids are derived: a family byte, 4 or 6, and the 4 or 8 bytes of the network.
    pub fn to_bytes(self) -> Vec<u8> {
        match self.0 {
            Network::V4(address) => [&[4], &address[..]].concat(),
            Network::V6(network) => {
                core::iter::once(6).chain(network.into_iter().flat_map(u16::to_be_bytes)).collect()
            }
        }
    }
}

impl From<IpAddr> for SourceAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Network::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Network::V6([a, b, c, d])
            }
        })
    }
}

impl fmt::Debug for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Network::V4(_) => "SourceAddress(v4 ..)",
            Network::V6(_) => "SourceAddress(v6 ..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_addresses_are_kept_as_typed() {
        let long_local = format!("{}@example.com", "a".repeat(64));
        for text in [
            "bob@example.com",
            "Bob.O'Hara+alerts@Mail.Example.COM",
            "x@xn--bcher-kva.example",
            "a@b.co",
            "_$%*=/?^`{|}~!#&-@example.org",
            "1@1.example",
            &long_local,
        ] {
            assert_eq!(Email::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_that_mail_systems_read_differently_is_refused() {
        let long = format!("{}@{}.example", "a".repeat(64), "b.".repeat(100));
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.example", "b".repeat(64));
        for text in [
            "",
            "@",
            "bob",
            "bob@",
            "@example.com",
            "bob@localhost",
            "bob@example.com.",
            "bob@.example.com",
            "bob@example..com",
            ".bob@example.com",
            "bob.@example.com",
            "bo..b@example.com",
            "bob@a@example.com",
            "\"bob\"@example.com",
            "\"bob@evil.example\"@example.com",
            "bob(comment)@example.com",
            "Bob <bob@example.com>",
            "bob@[127.0.0.1]",
            "bob@127.0.0.1",
            "bob@[IPv6:::1]",
            " bob@example.com",
            "bob@example.com ",
            "bob@example.com\n",
            "bob@example.com\r\nBcc: eve@example.com",
            "b\0b@example.com",
            "b\tb@example.com",
            "bob@exa\u{200b}mple.com",
            "b\u{202e}ob@example.com",
            "björn@example.com",
            "bob@bücher.example",
            "bob@exаmple.com",
            "bob@xn--example-.org",
            "bob@XN--example-.org",
            "bob@xn--.org",
            "bob@-a.example",
            "bob@a-.example",
            "bob@a_b.example",
            "bob@a%2eb.example",
            "bob,eve@example.com",
            "bob;eve@example.com",
            "bob\\@example.com",
            &long,
            &long_local,
            &long_label,
        ] {
            let error = Email::parse(text).expect_err(text);
            assert_eq!((error.field(), error.code()), ("address", "invalid_email"), "{text:?}");
            assert!(text.len() < 4 || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn an_international_domain_is_told_how_it_is_written() {
        assert!(Email::parse("bob@bücher.example").unwrap_err().to_string().contains("`xn--` form"));
    }

    #[test]
    fn the_length_is_looked_at_first_and_each_fault_is_named() {
        let says = |text: &str, what: &str| {
            let error = Email::parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says(&format!("ü{}", "@".repeat(300)), "longer than 254 bytes");
        says(&format!("{}@bücher.example", "a".repeat(65)), "longer than 64 bytes");
        says("bob@xn--example-.org", "no domain");
        says("bob.example.com", "no `@`");
        says("bob@localhost", "no dot");
        says("b\u{202e}ob@example.com", "not one that every mail system carries");
    }

    #[test]
    fn the_field_is_the_one_it_was_typed_into() {
        assert_eq!(Email::parse_field("x", "identifier").unwrap_err().field(), "identifier");
    }

    #[test]
    fn case_makes_no_other_mailbox() {
        let email = Email::parse("Bob@Example.com").unwrap();
        assert!(email.same_as(&Email::parse("bOB@eXAMPLE.COM").unwrap()));
        assert!(!email.same_as(&Email::parse("rob@example.com").unwrap()));
    }

    #[test]
    fn other_eyes_see_one_character_and_the_domain() {
        let email = Email::parse("bob@example.com").unwrap();
        assert_eq!(email.masked(), "b•••@example.com");
        assert_eq!(format!("{email:?}"), "Email(b•••@example.com)");
        assert_eq!(Email::parse("x@a.example").unwrap().masked(), "x•••@a.example");
    }

    #[test]
    fn it_is_stored_as_typed_and_parsed_when_read() {
        let email = Email::parse("Bob@Example.com").unwrap();
        let stored = serde_json::to_string(&email).unwrap();
        assert_eq!(stored, r#""Bob@Example.com""#);
        assert!(serde_json::from_str::<Email>(&stored).unwrap().same_as(&email));
        let error = serde_json::from_str::<Email>(r#""bob@localhost""#).unwrap_err().to_string();
        assert!(!error.contains("localhost"), "{error}");
    }

    #[test]
    fn sources_are_counted_by_subscriber() {
        let bytes = |text: &str| SourceAddress::from(text.parse::<IpAddr>().unwrap()).to_bytes();
        assert_eq!(bytes("192.0.2.7"), [4, 192, 0, 2, 7]);
        assert_eq!(bytes("::ffff:192.0.2.7"), bytes("192.0.2.7"));
        assert_eq!(bytes("2001:db8:1:2:3:4:5:6"), [6, 0x20, 1, 0xd, 0xb8, 0, 1, 0, 2]);
        assert_eq!(bytes("2001:db8:1:2::"), bytes("2001:db8:1:2:ffff::"));
        assert_ne!(bytes("2001:db8:1:2::"), bytes("2001:db8:1:3::"));
        let shown = format!("{:?}", SourceAddress::from("192.0.2.7".parse::<IpAddr>().unwrap()));
        assert_eq!(shown, "SourceAddress(v4 ..)");
    }

    proptest! {
        #[test]
        fn an_accepted_address_is_safe_in_every_protocol(
            text in "\\PC{0,40}|[a-zA-Z0-9.!#\"(\\\\_+-]{0,12}@[a-z0-9.-]{0,12}\\.[a-z0-9-]{1,5}|.{0,9}@.{0,9}"
        ) {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(email.as_str(), &text);
                prop_assert!(text.len() <= 254 && text.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(!text.bytes().any(|b| b"\"(),:;<>[]\\".contains(&b)), "{}", text);
                prop_assert_eq!(text.matches('@').count(), 1);
                prop_assert!(email.domain().contains('.'));
                prop_assert!(email.domain().split('.').all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-')));
                prop_assert!(Email::parse(email.canonical()).unwrap().same_as(&email));
            }
        }
    }
}
