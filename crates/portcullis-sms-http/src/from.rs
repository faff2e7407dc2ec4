//! Whom the receiver sees an SMS come from.

use crate::options::SetupError;

/// The sender the receiver sees: a number, a name or a messaging service.
pub(crate) fn sender_name(from: &str) -> Result<String, SetupError> {
    let fits = (1..=64).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if fits && from.trim() == from { Ok(from.to_owned()) } else { Err(SetupError::From) }
}
