//! What a password must be like, why one is refused, and what its owner sees of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::rights::Verdict;

/// A kind of character that a rule of composition may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CharacterKind {
    /// An upper-case letter of any script.
    Upper,
    /// A lower-case letter of any script.
    Lower,
    /// A digit.
    Digit,
    /// Neither a letter nor a digit.
    Special,
}

impl CharacterKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Upper, Self::Lower, Self::Digit, Self::Special];

    /// Whether a character is of this kind.
    pub fn includes(self, c: char) -> bool {
        match self {
            Self::Upper => c.is_uppercase(),
            Self::Lower => c.is_lowercase(),
            Self::Digit => c.is_numeric(),
            Self::Special => !c.is_alphanumeric(),
        }
    }
}

/// Which kinds of characters a password must hold, beside its length. By default none: length and the list of common
/// passwords do more (NIST).
///
/// ```
/// use portcullis::password::{CharacterKind, PasswordRule};
/// assert!(PasswordRule::default().needs.is_empty());
/// assert!(PasswordRule::wialon().needs.contains(&CharacterKind::Special));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordRule {
    /// The kinds of which at least one character each is needed.
    pub needs: BTreeSet<CharacterKind>,
}

impl PasswordRule {
    /// What Wialon asks for: upper, lower, digit, special.
    pub fn wialon() -> Self {
        Self { needs: CharacterKind::ALL.into_iter().collect() }
    }
}

/// One reason why a password is too weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Weakness {
    /// Fewer code points than the minimum in force.
    TooShort,
    /// More code points than the maximum.
    TooLong,
    /// It is known to be in use by many, or to be published.
    TooCommon,
    /// The login, a part of the address or the name of the product is the main part of it.
    Context,
    /// No upper-case letter.
    NeedsUpper,
    /// No lower-case letter.
    NeedsLower,
    /// No digit.
    NeedsDigit,
    /// Nothing but letters and digits.
    NeedsSpecial,
}

impl Weakness {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::TooShort,
        Self::TooLong,
        Self::TooCommon,
        Self::Context,
        Self::NeedsUpper,
        Self::NeedsLower,
        Self::NeedsDigit,
        Self::NeedsSpecial,
    ];

    /// The stable name, such as `too_short`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::TooCommon => "too_common",
            Self::Context => "context",
            Self::NeedsUpper => "needs_upper",
            Self::NeedsLower => "needs_lower",
            Self::NeedsDigit => "needs_digit",
            Self::NeedsSpecial => "needs_special",
        }
    }
}

/// The password as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordSettings {
    /// Whether its owner may change it.
    pub change: Verdict,
    /// When it was set.
    pub changed_at: Option<DateTime<Utc>>,
    /// The fewest code points a new one must have, as two-factor authentication stands.
    pub minimum: u32,
}
