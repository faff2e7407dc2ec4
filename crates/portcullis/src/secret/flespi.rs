//! Tokens of flespi.

use core::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

use super::secret_copy;
use crate::error::InputError;

/// A token of flespi: 64 ASCII letters and digits, worth everything that its access allows.
#[derive(Clone)]
pub struct FlespiToken(SecretString);

impl FlespiToken {
    /// How many letters and digits it has.
    pub const LENGTH: usize = 64;
    /// What may stand before a token that is typed or posted, since flespi shows it so.
    pub const PREFIX: &'static str = "FlespiToken ";
    /// How many of its characters are ever shown.
    pub const SHOWN: usize = 4;

    /// Takes a token from the field `token`, with or without [`FlespiToken::PREFIX`], and wipes the text it came in.
    ///
    /// How long the text is, is looked at before anything else. Nothing is trimmed.
    ///
    /// ```
    /// use portcullis::secret::FlespiToken;
    /// let token = FlespiToken::parse(format!("FlespiToken {}", "aB3x".repeat(16))).unwrap();
    /// assert_eq!(token.expose().len(), 64);
    /// assert_eq!(token.shown(), "aB3x");
    /// assert_eq!(format!("{token:?}"), "FlespiToken(..)");
    /// assert_eq!(FlespiToken::parse("aB3x".into()).unwrap_err().code(), "invalid_token");
    /// ```
    ///
    /// # Errors
    /// `invalid_token` in the field `token`.
    pub fn parse(mut text: String) -> Result<Self, InputError> {
        let found = match text.len() {
            Self::LENGTH => Some(text.as_str()),
            long if long == Self::LENGTH + Self::PREFIX.len() => text.strip_prefix(Self::PREFIX),
            _ => None,
        };
        let found = found
            .filter(|token| token.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .map(|token| Self(secret_copy(token)))
            .ok_or_else(|| {
                InputError::new("token", "invalid_token", "a flespi token has 64 letters and digits")
            });
        text.zeroize();
        found
    }

    /// Shows the token to what must see it: the adapter that calls flespi, the seal.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether another one is the same. How long that takes tells nothing about either.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }

    /// Its first characters, which its owner may see to tell it from others.
    pub fn shown(&self) -> &str {
        self.expose().get(..Self::SHOWN).unwrap_or_default()
    }
}

impl fmt::Debug for FlespiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlespiToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_prints_a_token_sees_nothing_of_it() {
        let token = FlespiToken::parse("aB3x".repeat(16)).unwrap();
        assert_eq!(format!("{token:?} {token:#?}"), "FlespiToken(..) FlespiToken(..)");
    }

    #[test]
    fn a_token_has_64_letters_and_digits_and_may_wear_its_prefix() {
        let plain = "aB3x".repeat(16);
        assert_eq!(FlespiToken::parse(plain.clone()).unwrap().expose(), plain);
        assert_eq!(FlespiToken::parse(format!("FlespiToken {plain}")).unwrap().expose(), plain);
        for wrong in [
            String::new(),
            "a".repeat(63),
            "a".repeat(65),
            "a".repeat(76),
            format!("{}-", "a".repeat(63)),
            format!("{} ", "a".repeat(63)),
            format!("{}\n", "a".repeat(63)),
            "é".repeat(32),
            format!("flespitoken {plain}"),
            format!("FlespiToken\u{a0}{}", "a".repeat(63)),
            format!("FlespiToken {}", "a".repeat(63) + " "),
            "x".repeat(1 << 20),
        ] {
            let fault = FlespiToken::parse(wrong).unwrap_err();
            assert_eq!((fault.field(), fault.code()), ("token", "invalid_token"));
        }
    }
}
