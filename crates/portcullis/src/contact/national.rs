//! Phone numbers as people write them at home, read by the numbering plan of a region.

use std::str::FromStr as _;

use phonenumber::country::Id;
use phonenumber::{Mode, parse};

use super::phone::Phone;
use crate::error::InputError;

/// The fewest digits with which a number can be dialled anywhere.
const FEWEST: usize = 4;

/// The most characters that are looked at: a number with all the signs that people put between its digits.
const MAX_CHARS: usize = 40;

impl Phone {
    /// Reads a number from the field `phone` as people write it: in its international form, or as it is dialled in a
    /// region (ISO 3166-1, two letters), with spaces, hyphens, dots, slashes and brackets between the digits.
    ///
    /// One number and nothing else: no letters, no extension, no second number, no digits of other scripts. What begins
    /// with `+` is read as [`Phone::parse`] does once those signs are gone; nothing but ASCII digits ever gets to the
    /// numbering plan.
    ///
    /// ```
    /// use portcullis::contact::Phone;
    /// let phone = Phone::parse_national("(020) 7946-0018", "GB").unwrap();
    /// assert_eq!(phone.as_str(), "+442079460018");
    /// assert_eq!(Phone::parse_national("+371 2000 0045", "GB").unwrap().as_str(), "+37120000045");
    /// assert_eq!(Phone::parse_national("12", "GB").unwrap_err().code(), "invalid_phone");
    /// ```
    ///
    /// # Errors
    /// `invalid_phone` in the field `phone`, also for a region that there is not.
    pub fn parse_national(text: &str, region: &str) -> Result<Self, InputError> {
        Self::parse_national_field(text, region, "phone")
    }

    /// As [`Phone::parse_national`], from the field of that name.
    ///
    /// ```
    /// use portcullis::contact::Phone;
    /// assert_eq!(Phone::parse_national_field("call me", "LV", "mobile").unwrap_err().field(), "mobile");
    /// ```
    ///
    /// # Errors
    /// `invalid_phone` in that field.
    pub fn parse_national_field(text: &str, region: &str, field: &'static str) -> Result<Self, InputError> {
        let invalid = |fault| InputError::new(field, "invalid_phone", fault);
        let (international, digits) = digits_of(text).map_err(invalid)?;
        if international {
            return Self::parse_field(&format!("+{digits}"), field);
        }
        let region = Id::from_str(region).map_err(|_| invalid("there is no region of this name"))?;
        let number = parse(Some(region), digits).map_err(|_| invalid("this is no phone number there"))?;
        if !phonenumber::is_valid(&number) {
            return Err(invalid("nobody has a phone number like this"));
        }
        Self::parse_field(&number.format().mode(Mode::E164).to_string(), field)
    }
}

/// What a person meant: whether it begins with `+`, and the digits.
fn digits_of(text: &str) -> Result<(bool, String), &'static str> {
    if text.chars().count() > MAX_CHARS {
        return Err("a phone number has at most 15 digits");
    }
    let text = text.trim_matches(' ');
    let (international, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    if !rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')) {
        return Err("a phone number is digits, with a `+` in front or not");
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if (FEWEST..=Phone::MAX_DIGITS).contains(&digits.len()) {
        Ok((international, digits))
    } else {
        Err("a phone number has 4 to 15 digits")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, region: &str) -> String {
        Phone::parse_national(text, region).map_or_else(|error| error.code().to_owned(), String::from)
    }

    #[test]
    fn numbers_are_read_as_they_are_dialled_at_home() {
        for (text, region, number) in [
            ("20000045", "LV", "+37120000045"),
            ("2000 0045", "LV", "+37120000045"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("(201) 555-0123", "US", "+12015550123"),
            ("201.555.0123", "US", "+12015550123"),
            ("030/123456", "DE", "+4930123456"),
            ("8 916 123-45-67", "RU", "+79161234567"),
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("+371 20000045", "GB", "+37120000045"),
            ("  +37120000045 ", "US", "+37120000045"),
            ("+999 20000045", "GB", "+99920000045"),
            ("00 371 20000045", "GB", "+37120000045"),
        ] {
            assert_eq!(read(text, region), number, "{text} in {region}");
        }
    }

    #[test]
    fn what_is_not_one_number_is_refused() {
        for text in [
            "",
            " ",
            "+",
            "112",
            "20000045;20000046",
            "20000045,20000046",
            "20000045 ext. 3",
            "20000045x3",
            "20000045#3",
            "tel:20000045",
            "+371+20000045",
            "20000045+",
            "２００００００４５",
            "٢٠٠٠٠٠٤٥",
            "2000\u{a0}0045",
            "2000\u{202e}0045",
            "2000\n0045",
            "2000\t0045",
            "+dwPAA;phone-context=AA",
            "20000045;phone-context=+371",
            "1234567890123456",
            "+1234567890123456",
            "0000000000",
            "2000004",
            &"2".repeat(100_000),
        ] {
            let error = Phone::parse_national(text, "LV").expect_err(text);
            assert_eq!((error.field(), error.code()), ("phone", "invalid_phone"), "{text:?}");
        }
        for region in ["", "lv", "XX", "LVA", "Latvia", "\u{feff}LV"] {
            assert_eq!(read("20000045", region), "invalid_phone", "{region}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_read_is_strict(
            text in "\\+?[0-9 ().-]{0,24}|[0-9]{1,20}|\\PC{0,60}|(tel:|\\+|;phone-context=|;ext=|[0-9a-z]){0,12}",
            region in "[A-Z]{2}|(LV|US|GB|RU|IT|AR|MX|BR)|\\PC{0,4}",
        ) {
            if let Ok(phone) = Phone::parse_national(&text, &region) {
                prop_assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone);
            }
        }
    }
}
