//! The section "Sessions".

use super::{Html, Notice, Problem, Sentence, Time};
use crate::texts::Language;

/// The section "Sessions": where the user is signed in.
#[derive(Debug, Clone)]
pub(crate) struct SessionsSection {
    /// The live sessions, the one of this browser first.
    pub(crate) sessions: Vec<ShownSession>,
    /// What was just done.
    pub(crate) notice: Option<Notice>,
}

/// One live session.
#[derive(Debug, Clone)]
pub(crate) struct ShownSession {
    /// What names it in a form; nobody can act by it.
    pub(crate) handle: String,
    /// Whether this browser carries it.
    pub(crate) here: bool,
    /// What was proved when it began.
    pub(crate) proof: Proof,
    /// When it began.
    pub(crate) began: Time,
    /// When it was last used.
    pub(crate) used: Time,
}

/// What was proved at a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The password.
    Password,
    /// The password, and a code by mail.
    PasswordEmail,
    /// The password and a code by SMS.
    PasswordSms,
}

impl SessionsSection {
    pub(super) fn others(&self) -> bool {
        self.sessions.iter().any(|session| !session.here)
    }

    pub(super) fn said(&self, language: Language) -> Option<&'static str> {
        match &self.notice {
            Some(Notice::Status(said)) => Some(said.text(language)),
            Some(Notice::Alert(_)) | None => None,
        }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        match &self.notice {
            Some(Notice::Alert(problem)) => Some(problem),
            Some(Notice::Status(_)) | None => None,
        }
    }
}

impl ShownSession {
    pub(super) fn began_line(&self, language: Language) -> Html {
        Sentence::new(language.texts().session_began).time("time", &self.began).html()
    }

    pub(super) fn used_line(&self, language: Language) -> Html {
        Sentence::new(language.texts().session_used).time("time", &self.used).html()
    }

    pub(super) fn proof_words(&self, language: Language) -> &'static str {
        match self.proof {
            Proof::Password => language.texts().proof_password,
            Proof::PasswordSms => language.texts().proof_password_sms,
            Proof::PasswordEmail => language.texts().proof_password_email,
        }
    }
}
