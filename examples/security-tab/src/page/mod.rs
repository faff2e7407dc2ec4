//! The pages as pure functions: a view model in, HTML out.
//!
//! Nothing here reads a store, a clock or a request. The program fills a view model ([`SignInPage`],
//! [`CodePage`], [`SecurityPage`], [`MessagesPage`]) and calls `html()`; times arrive worded in the user's zone
//! and language beside their RFC 3339 form, see [`Time`].
//!
//! # How a form is answered
//!
//! Every form posts to a route of [`route`] with the fields of [`field`], urlencoded, and works without a script:
//! the answer is then a redirect (303) to the page, or the page itself with what went wrong.
//!
//! With JavaScript the same forms of the tab carry the header `HX-Request: true`. The answer is then
//! [`SecurityPage::fragment`]: the section of the form, other sections that changed with it, and always the slot
//! of the dialog, which closes when it is empty. Any status below 500 is swapped in. A fragment without the
//! form's own section leaves what was typed in it, as it should be under a stale sign-in. When the session is over, answer with the
//! header `HX-Redirect: /sign-in`. Sign-in and code page are plain forms in both cases.
//!
//! # A stale sign-in
//!
//! Show [`SecurityPage::dialog`] with the [`PendingAction`] that was refused. Its forms send the route in
//! [`field::THEN`] and its fields under [`field::THEN_PREFIX`]; once the user is confirmed, do that action and
//! answer as if it had been posted. Read them back with [`PendingAction::of_fields`], which knows no other route
//! and no secret.

pub(crate) mod admin;
mod advanced;
mod code_line;
mod dev;
mod dialog;
mod flespi;
mod frame;
mod links;
mod password;
mod problem;
pub(crate) mod route;
mod samples;
mod sentence;
mod sessions;
mod settings;
mod sign_in;
mod states;
mod statics;
mod timeline;

pub(crate) use advanced::{AdvancedSection, Blocking};
pub(crate) use code_line::{CodeLine, LiveCode, News, Place, Resend};
pub(crate) use dev::{DevMessage, MessagesPage, StatesPage, TemplatesPage, WordedMessage};
pub(crate) use dialog::{PendingAction, Reauthenticate, Step};
pub(crate) use flespi::{FlespiCheck, FlespiSection, FlespiToken, LastKnown};
pub(crate) use frame::{Banner, Frame, Identity};
pub(crate) use links::{DeadLinkPage, ForgottenPage, LinkKind, LinkSentPage, NewPasswordPage, UndoPage};
pub(crate) use password::PasswordRow;
pub(crate) use problem::{Gate, Notice, Problem, Said, Weakness};
pub(crate) use route::field;
pub(crate) use sentence::{Html, Sentence, Time};
pub(crate) use sessions::{Proof, SessionsSection, ShownSession};
pub(crate) use settings::{
    EmailPanel, EmailRow, EmailState, Method, On, Part, Removal, SecurityPage, SmsPanel, TurnOff,
    TwoFactorSection,
};
pub(crate) use sign_in::{CodePage, SignInPage};
pub(crate) use states::states;
pub(crate) use statics::static_file;
pub(crate) use timeline::{Fate, Moved, SentMail, Stop, TimelinePage, UserLine};

/// The `Content-Security-Policy` of every page but the mailbox of development.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The `Content-Security-Policy` of [`route::DEV_MESSAGES`] and [`route::DEV_TEMPLATES`]. The HTML of a mail is shown in a sandboxed
/// `srcdoc` frame, which inherits this policy: its inline styles work, a script or a foreign picture does not.
pub(crate) const MESSAGES_CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

#[cfg(test)]
#[expect(clippy::string_slice, reason = "the places cut at were found in the same text")]
mod tests;
