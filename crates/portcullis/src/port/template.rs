//! The template port: what puts a message into words.

#![expect(clippy::exhaustive_structs, reason = "templates build it; a new field is a new contract")]

use core::fmt;

use crate::error::PortError;
use crate::message::Wording;

/// A message in words. `Debug` shows nothing of it, since it may hold a code.
#[derive(Clone)]
pub struct Worded {
    /// One line, without the code: subjects are shown on locked screens.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML, complete.
    pub html: String,
}

impl fmt::Debug for Worded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worded(..)")
    }
}

/// Puts messages into words.
///
/// The same wording gives the same words. Everything a wording holds is somebody's input: it is escaped for HTML, never
/// read as a template, and never makes a second line of the subject. A message whose template asks for something the
/// wording does not hold is an error and is not sent: half a message misleads. A template in the wrong language is
/// better than none.
///
/// [`BuiltinTemplates`](crate::templates::BuiltinTemplates) is ours.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Templates: Send + Sync + 'static {
    /// Words a message.
    ///
    /// # Errors
    /// [`PortError`] when there is no template, or the template and the wording do not fit. It names the template and
    /// nothing of the wording.
    fn word(&self, wording: &Wording) -> Result<Worded, PortError>;

    /// Words an SMS.
    ///
    /// # Errors
    /// As [`Templates::word`].
    fn sms(&self, wording: &Wording) -> Result<String, PortError> {
        let code = wording.code.as_ref().map(crate::secret::Code::expose).unwrap_or_default();
        Ok(format!("{code} is your code"))
    }
}
