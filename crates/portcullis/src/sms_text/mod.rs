//! What an SMS says, and how many it takes.
//!
//! A code in an SMS is read on a locked screen and paid for by the segment. So its text is one segment on every phone: at
//! most 70 units whichever alphabet it needs, the code among them, what the code is for, and no link, since an SMS with a
//! link is what phishing looks like.
//!
//! ```
//! use portcullis::language::Language;
//! use portcullis::message::{MessageKind, Wording};
//! use portcullis::port::template::Templates as _;
//! use portcullis::sms_text::{KINDS, segments};
//! use portcullis::templates::BuiltinTemplates;
//! # fn main() -> Result<(), portcullis::error::PortError> {
//! let templates = BuiltinTemplates::new("Fleet")?;
//! for kind in KINDS {
//!     let text = templates.sms(&Wording::sample(kind, Language::RU))?;
//!     assert_eq!(segments(&text).parts, 1);
//! }
//! let sign_in = templates.sms(&Wording::sample(MessageKind::SignInCode, Language::EN))?;
//! assert_eq!(sign_in, "Fleet: 493201 is your sign-in code. Valid 10 min.");
//! # Ok(()) }
//! ```

mod fit;
mod gsm;
mod name;
mod segments;

pub use fit::{KINDS, check};
pub use name::SmsName;
pub use segments::{Encoding, Segments, parts, segments};

pub(crate) use fit::fits;
