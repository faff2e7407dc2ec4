//! What every text of an SMS must be like.

use super::name::SmsName;
use super::segments::segments;
use crate::error::PortError;
use crate::message::{MessageKind, Wording};
use crate::port::template::Templates;
use crate::secret::Code;
use crate::templates::BuiltinTemplates;

const PORT: &str = "templates";

/// So many units of UTF-16 are one segment on every phone, and what is shown of it without opening it.
const SHOWN: usize = 70;

/// The longest life of a code that a policy allows, in minutes: a day.
const MINUTES_MOST: u32 = 1440;

/// What is sent as SMS.
pub const KINDS: [MessageKind; 3] =
    [MessageKind::SignInCode, MessageKind::ReauthenticationCode, MessageKind::TwoFactorCode];

/// Checks that templates word every SMS in every built-in language as an SMS must be, with this name of the product and
/// the longest code and life there are: to be called before the first one is sent.
///
/// ```
/// use portcullis::sms_text::{SmsName, check};
/// use portcullis::templates::BuiltinTemplates;
/// let templates = BuiltinTemplates::new("Fleet").unwrap();
/// assert!(check(&templates, &SmsName::parse("Fleet").unwrap()).is_ok());
/// ```
///
/// # Errors
/// [`PortError`] names the first text that is not, and why.
pub fn check(templates: &dyn Templates, name: &SmsName) -> Result<(), PortError> {
    let code = Code::parse("0123456789").map_err(|_| PortError::new(PORT, "there is no code to try with"))?;
    for language in BuiltinTemplates::LANGUAGES {
        for kind in KINDS {
            let mut wording = Wording::sample(kind, language.clone());
            wording.product = Some(name.as_str().to_owned());
            (wording.code, wording.minutes) = (Some(code.clone()), Some(MINUTES_MOST));
            let text = templates.sms(&wording)?;
            fits(&text, &wording)
                .map_err(|why| PortError::new(PORT, format!("{language}/{}.sms: {why}", kind.name())))?;
        }
    }
    Ok(())
}

/// Whether a text is what an SMS must be: one segment that holds the code where it is shown, and no link.
///
/// # Errors
/// Why not, without the text.
pub(crate) fn fits(text: &str, wording: &Wording) -> Result<(), &'static str> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("an SMS is one line");
    }
    if text.contains("://") || text.contains("www.") {
        return Err("an SMS has no link");
    }
    if segments(text).parts != 1 {
        return Err("it is more than one segment");
    }
    let Some(code) = &wording.code else {
        return Err("an SMS carries a code");
    };
    let ends =
        text.split_once(code.expose()).map(|(before, _)| before.encode_utf16().count() + code.expose().len());
    match ends {
        Some(ends) if ends <= SHOWN => Ok(()),
        Some(_) => Err("the code is not among the first 70 characters"),
        None => Err("the code is missing"),
    }
}
