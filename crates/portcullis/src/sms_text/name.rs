//! What the product is called in an SMS.

use core::fmt;

use crate::error::InputError;

/// The name of the product in SMS: short enough that every text with it is one segment.
///
/// A name of the host's own alphabet is welcome: the texts leave room for it. What phones turn into a link is not.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsName(String);

impl SmsName {
    /// The longest name, in units of UTF-16.
    pub const MAX_UNITS: usize = 20;

    /// Takes a name of 1 to 20 units on one line. A longer product needs a shorter name for SMS: none is cut.
    ///
    /// ```
    /// use portcullis::sms_text::SmsName;
    /// assert_eq!(SmsName::parse("Wialon Hosting").unwrap().as_str(), "Wialon Hosting");
    /// for wrong in ["", " ", "A name that is far too long", "two\nlines", "fleet.example", "a/b"] {
    ///     assert_eq!(SmsName::parse(wrong).unwrap_err().code(), "invalid_sms_name");
    /// }
    /// ```
    ///
    /// # Errors
    /// `invalid_sms_name` in the field `sms_name`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        match fault_of(text) {
            None => Ok(Self(text.to_owned())),
            Some(fault) => Err(InputError::new("sms_name", "invalid_sms_name", fault)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SmsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsName({})", self.0)
    }
}

fn fault_of(text: &str) -> Option<&'static str> {
    if text.trim() != text || text.is_empty() {
        return Some("the name is empty, or has white space around it");
    }
    if text.encode_utf16().count() > SmsName::MAX_UNITS {
        return Some("the name is longer than 20 characters");
    }
    if text.chars().any(is_unfit) {
        return Some("the name is not one line of letters");
    }
    let links = |pair: &[char]| matches!(pair, ['.', after] if after.is_alphanumeric());
    let chars: Vec<_> = text.chars().collect();
    (text.contains('/') || chars.windows(2).any(links)).then_some("the name looks like a link")
}

/// Control characters, and what turns the direction of writing or can't be seen.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_counted_as_it_is_sent() {
        assert!(SmsName::parse(&"я".repeat(20)).is_ok() && SmsName::parse(&"😀".repeat(10)).is_ok());
        assert!(SmsName::parse(&"я".repeat(21)).is_err() && SmsName::parse(&"😀".repeat(11)).is_err());
    }

    #[test]
    fn a_name_is_no_link_and_hides_nothing() {
        for right in ["Fleet & Co", "J. Doe", "Flotte Nr. 5", "Флот", "A.", "a-b_c"] {
            assert!(SmsName::parse(right).is_ok(), "{right}");
        }
        for wrong in
            ["fleet.io", "x.1", "http:/x", "a\u{202e}b", "a\u{200b}b", "a\tb", " a", "a ", "a\u{feff}"]
        {
            assert!(SmsName::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
