//! Languages: which words a person reads.

use core::fmt;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::InputError;

/// A language tag such as `en`, `ru` or `pt-br`: 2 to 8 letters and perhaps one part of 2 to 8 letters or digits.
///
/// Kept in lower case, so equal languages are equal values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Language(Cow<'static, str>);

impl Language {
    /// English, the default.
    pub const EN: Self = Self(Cow::Borrowed("en"));
    /// German.
    pub const DE: Self = Self(Cow::Borrowed("de"));
    /// Spanish.
    pub const ES: Self = Self(Cow::Borrowed("es"));
    /// Russian.
    pub const RU: Self = Self(Cow::Borrowed("ru"));

    /// Reads a language tag in any case.
    ///
    /// ```
    /// use portcullis::language::Language;
    /// assert_eq!(Language::parse("RU").unwrap(), Language::RU);
    /// assert_eq!(Language::parse("pt-BR").unwrap().base(), "pt");
    /// assert_eq!(Language::parse("../en").unwrap_err().code(), "invalid_language");
    /// ```
    ///
    /// # Errors
    /// `invalid_language` in the field `language`.
    pub fn parse(tag: &str) -> Result<Self, InputError> {
        let sound = |part: &str| (2..=8).contains(&part.len());
        let fits = match tag.split_once('-') {
            None => sound(tag) && tag.bytes().all(|b| b.is_ascii_alphabetic()),
            Some((base, sub)) => {
                sound(base)
                    && sound(sub)
                    && base.bytes().all(|b| b.is_ascii_alphabetic())
                    && sub.bytes().all(|b| b.is_ascii_alphanumeric())
            }
        };
        if fits {
            Ok(Self(Cow::Owned(tag.to_ascii_lowercase())))
        } else {
            Err(InputError::new(
                "language",
                "invalid_language",
                "a language is a tag such as `en` or `pt-br`",
            ))
        }
    }

    /// The whole tag, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag without its second part.
    pub fn base(&self) -> &str {
        self.0.split_once('-').map_or(&*self.0, |(base, _)| base)
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::EN
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0.into_owned()
    }
}

impl TryFrom<String> for Language {
    type Error = InputError;

    fn try_from(tag: String) -> Result<Self, InputError> {
        Self::parse(&tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_makes_no_other_language() {
        assert_eq!(Language::parse("EN").unwrap(), Language::default());
        assert_eq!(Language::parse("Pt-bR").unwrap().as_str(), "pt-br");
        assert_eq!(Language::parse("es-419").unwrap().base(), "es");
        assert_eq!(Language::parse("Es").unwrap(), Language::ES);
        assert_eq!(Language::parse("DE").unwrap(), Language::DE);
    }

    #[test]
    fn a_tag_that_could_name_a_file_or_two_lines_is_refused() {
        for tag in ["", "e", "en_US", "en-", "-en", "en-US-x", "../en", "en\n", "e1", "русский", "abcdefghi"]
        {
            let error = Language::parse(tag).unwrap_err();
            assert_eq!((error.field(), error.code()), ("language", "invalid_language"), "{tag:?}");
        }
    }

    #[test]
    fn it_is_stored_as_its_tag() {
        assert_eq!(serde_json::to_string(&Language::RU).unwrap(), r#""ru""#);
        assert_eq!(serde_json::from_str::<Language>(r#""ru""#).unwrap(), Language::RU);
        assert!(serde_json::from_str::<Language>(r#""r u""#).is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_tag_is_lower_case_and_read_back(tag in "\\PC{0,20}|[A-Za-z]{1,9}(-[A-Za-z0-9]{1,9})?") {
            if let Ok(language) = Language::parse(&tag) {
                prop_assert!(tag.eq_ignore_ascii_case(language.as_str()));
                prop_assert!(language.as_str().bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')));
                prop_assert_eq!(Language::parse(language.as_str()).unwrap(), language);
            }
        }
    }
}
