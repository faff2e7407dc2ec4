//! Phone numbers: E.164, one and nothing else.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::error::InputError;

/// A phone number in its international form (E.164): `+`, a calling code and the rest, 8 to 15 ASCII digits in all.
///
/// Nothing else is read: no spaces, no brackets, no extension, no `00`, no second number. A form that lets people type
/// those turns them into this one first. Numbers are compared as they are. `Debug` shows it masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Phone(String);

impl Phone {
    /// The fewest digits.
    pub const MIN_DIGITS: usize = 8;
    /// The most digits (ITU-T E.164, 6.2.1).
    pub const MAX_DIGITS: usize = 15;

    /// Reads a number from the field `phone`; see [`Phone::parse_field`].
    ///
    /// ```
    /// use portcullis::contact::Phone;
    /// let phone = Phone::parse("+37120000045").unwrap();
    /// assert_eq!(phone.as_str(), "+37120000045");
    /// assert_eq!(phone.calling_code(), "371");
    /// assert_eq!(phone.masked(), "+371•••••45");
    /// for wrong in ["37120000045", "0037120000045", "+371 20000045", "+37120000045;+37120000046"] {
    ///     assert_eq!(Phone::parse(wrong).unwrap_err().code(), "invalid_phone");
    /// }
    /// ```
    ///
    /// # Errors
    /// `invalid_phone` in the field `phone`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        Self::parse_field(text, "phone")
    }

    /// Reads a number from the field of that name. Surrounding white space is refused, not trimmed.
    ///
    /// # Errors
    /// `invalid_phone` in that field.
    pub fn parse_field(text: &str, field: &'static str) -> Result<Self, InputError> {
        match fault_of(text) {
            None => Ok(Self(text.to_owned())),
            Some(fault) => Err(InputError::new(field, "invalid_phone", fault)),
        }
    }

    /// The number: `+` and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits without the `+`.
    pub fn digits(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }

    /// The calling code: the one to three digits by which the number is led to a country or a group of countries
    /// (`1` is North America and the Caribbean, `7` Russia and Kazakhstan).
    pub fn calling_code(&self) -> &str {
        let digits = self.digits();
        digits.get(..code_length(digits.as_bytes())).unwrap_or(digits)
    }

    /// The number for other eyes: the calling code, five bullets whatever the length, and the last two digits.
    pub fn masked(&self) -> String {
        let digits = self.digits();
        let last = digits.get(digits.len().saturating_sub(2)..).unwrap_or_default();
        format!("+{}•••••{last}", self.calling_code())
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl TryFrom<String> for Phone {
    type Error = InputError;

    fn try_from(text: String) -> Result<Self, InputError> {
        Self::parse(&text)
    }
}

/// What is wrong with a number, in words without it.
fn fault_of(text: &str) -> Option<&'static str> {
    let Some(digits) = text.strip_prefix('+') else {
        return Some("a phone number begins with `+` and the calling code");
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("a phone number has nothing but digits behind its `+`");
    }
    if digits.starts_with('0') {
        return Some("no calling code begins with 0");
    }
    if digits.len() < Phone::MIN_DIGITS {
        return Some("a phone number has at least 8 digits");
    }
    if digits.len() > Phone::MAX_DIGITS {
        return Some("a phone number has at most 15 digits");
    }
    None
}

/// How many digits the calling code has: the zones 1 and 7 are one code each; in the others the two-digit codes are the
/// ones listed, and the rest have three (ITU-T E.164, list of assigned country codes).
const fn code_length(digits: &[u8]) -> usize {
    match digits {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0' | b'1' | b'2' | b'3' | b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3' | b'4' | b'5' | b'6' | b'7' | b'8' | b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_and_nothing_else_is_read() {
        for text in ["+37120000000", "+12025550123", "+79123456789", "+12345678", "+123456789012345"] {
            assert_eq!(Phone::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "+",
            "++37120000000",
            "37120000000",
            "0037120000000",
            "+0037120000000",
            "+03712000000",
            "+1234567",
            "+1234567890123456",
            " +37120000000",
            "+37120000000 ",
            "+37120000000\n",
            "+371 20000000",
            "+371-20000000",
            "+(371)20000000",
            "+37120000000;+37120000001",
            "+37120000000,+37120000001",
            "+37120000000 +37120000001",
            "+37120000000;ext=1",
            "+37120000000x1",
            "+37120000000#",
            "tel:+37120000000",
            "+dwPAA;phone-context=AA",
            "+3712000000O",
            "+37120000٠00",
            "+３７１２０００００００",
            "＋37120000000",
            "+3712000\u{200b}0000",
            "\u{202e}+37120000000",
            "+3712000\u{0}0000",
        ] {
            let fault = Phone::parse_field(text, "number").unwrap_err();
            assert_eq!((fault.field(), fault.code()), ("number", "invalid_phone"), "{text:?}");
        }
    }

    #[test]
    fn the_calling_code_is_found_and_the_rest_is_hidden() {
        for (text, code, masked) in [
            ("+37120000045", "371", "+371•••••45"),
            ("+18765550123", "1", "+1•••••23"),
            ("+79123456789", "7", "+7•••••89"),
            ("+491701234567", "49", "+49•••••67"),
            ("+420601234567", "420", "+420•••••67"),
            ("+380441234567", "380", "+380•••••67"),
            ("+85212345678", "852", "+852•••••78"),
        ] {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.calling_code(), code);
            assert_eq!(phone.masked(), masked);
            assert_eq!(format!("{phone:?}"), format!("Phone({masked})"));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_comes_back(text in any::<String>(), digits in "[1-9][0-9]{7,14}") {
            let _ = Phone::parse(&text);
            let phone = Phone::parse(&format!("+{digits}")).unwrap();
            prop_assert_eq!(phone.digits(), &digits);
            prop_assert!(digits.starts_with(phone.calling_code()));
            let stored = serde_json::to_string(&phone).unwrap();
            prop_assert_eq!(serde_json::from_str::<Phone>(&stored).unwrap(), phone);
        }
    }
}
