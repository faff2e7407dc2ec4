//! Text as it came in: wiped when dropped, never printed.

use core::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use crate::error::InputError;
use crate::secret::Password;

/// Text as it came in, not yet checked. `Debug` does not show it, and its memory is wiped when it is dropped.
///
/// ```
/// use portcullis::request::Raw;
/// let raw = Raw::from("s3cret".to_owned());
/// assert_eq!(format!("{raw:?}"), "..");
/// assert_eq!(raw.expose(), "s3cret");
/// ```
#[derive(Clone)]
pub struct Raw(Zeroizing<String>);

impl Raw {
    /// Shows the text to what checks it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(super) fn into_password(mut self, field: &'static str) -> Result<Password, InputError> {
        Password::parse(core::mem::take(&mut *self.0), field)
    }
}

impl From<String> for Raw {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Writes `..`: the errors of `validator` carry the value that is wrong, and must not carry this one.
#[cfg(feature = "validation")]
impl serde::Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("..")
    }
}

/// Its length in characters.
#[cfg(feature = "validation")]
impl validator::ValidateLength<u64> for Raw {
    fn length(&self) -> Option<u64> {
        u64::try_from(self.0.chars().count()).ok()
    }
}
