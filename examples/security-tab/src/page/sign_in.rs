//! The pages before a session.

use askama::Template;

use super::{CodeLine, Frame, Problem, Said};
use crate::texts::Texts;

/// The sign-in page.
#[derive(Debug, Clone)]
pub(crate) struct SignInPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// What was typed as the login.
    pub(crate) login: String,
    /// Why nobody was admitted.
    pub(crate) problem: Option<Problem>,
    /// What a link has just done.
    pub(crate) said: Option<Said>,
    /// Says that a session has ended.
    pub(crate) signed_out: bool,
}

/// The page that asks for the code of a sign-in.
#[derive(Debug, Clone)]
pub(crate) struct CodePage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// The line, its place [`Place::SignIn`](super::Place::SignIn).
    pub(crate) line: CodeLine,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInTemplate<'a> {
    frame: &'a Frame,
    page: &'a SignInPage,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodeTemplate<'a> {
    frame: &'a Frame,
    line: &'a CodeLine,
    t: &'static Texts,
}

impl SignInPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        SignInTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }

    fn login_is_wrong(&self) -> bool {
        matches!(self.problem, Some(Problem::BadCredentials))
    }
}

impl CodePage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        CodeTemplate { frame: &self.frame, line: &self.line, t: self.frame.texts() }.render()
    }
}
