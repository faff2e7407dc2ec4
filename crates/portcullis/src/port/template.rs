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

    /// Words an SMS: one segment, the code among its first 70 characters, what the code is for, and no link.
    ///
    /// Templates that word mail alone need not have it: a service that sends SMS finds out when it is built, by
    /// [`sms_text::check`](crate::sms_text::check), and not when somebody waits for a code.
    ///
    /// # Errors
    /// As [`Templates::word`], and when the text is not as above.
    fn sms(&self, wording: &Wording) -> Result<String, PortError> {
        Err(PortError::new("templates", format!("there is no SMS of a {}", wording.kind.name())))
    }
}
