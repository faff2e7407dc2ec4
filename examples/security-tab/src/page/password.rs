//! The row "Change password".

use super::{Gate, Html, Notice, Problem, Sentence};
use crate::texts::Language;

/// The row "Change password". No password ever stands in it.
#[derive(Debug, Clone)]
pub(crate) struct PasswordRow {
    /// The fewest characters of a new one.
    pub(crate) minimum: u32,
    /// Gates that are closed; any switches the row off.
    pub(crate) gates: Vec<Gate>,
    /// What was just done. A problem stands at its field.
    pub(crate) notice: Option<Notice>,
}

/// A field of the row, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordField {
    Current,
    New,
    Repeat,
    Whole,
}

impl PasswordField {
    /// The field a problem stands at.
    fn of(problem: &Problem) -> Self {
        match problem {
            Problem::WrongPassword => Self::Current,
            Problem::WeakPassword(_) | Problem::UnchangedPassword => Self::New,
            Problem::RepeatDiffers => Self::Repeat,
            Problem::BadCredentials
            | Problem::TooManyAttempts { .. }
            | Problem::InvalidEmail
            | Problem::InvalidIdentifier
            | Problem::UnchangedEmail
            | Problem::AddressTaken
            | Problem::LinkAddressTaken
            | Problem::AddressInUse
            | Problem::WrongCode { .. }
            | Problem::CodeDead
            | Problem::Locked { .. }
            | Problem::StartAgain
            | Problem::NoMoreCodes { .. }
            | Problem::SendFailed
            | Problem::NotAllowed(_)
            | Problem::PasswordTooShort { .. }
            | Problem::InvalidPhone
            | Problem::UnchangedPhone
            | Problem::MaybeSent
            | Problem::InvalidFlespiToken
            | Problem::NoFlespiRegion
            | Problem::CannotAnswer => Self::Whole,
        }
    }

    /// The ids of the input and of the line with what is wrong with it.
    fn ids(self) -> (&'static str, &'static str) {
        match self {
            Self::Current => ("password-current", "password-current-problem"),
            Self::New => ("password-new", "password-new-problem"),
            Self::Repeat => ("password-repeat", "password-repeat-problem"),
            Self::Whole => ("password-go", "password-problem"),
        }
    }
}

impl PasswordRow {
    pub(super) fn problem_at(&self, field: PasswordField) -> Option<&Problem> {
        match &self.notice {
            Some(Notice::Alert(problem)) => Some(problem).filter(|known| PasswordField::of(known) == field),
            Some(Notice::Status(_)) | None => None,
        }
    }

    pub(super) fn said(&self, language: Language) -> Option<&'static str> {
        match &self.notice {
            Some(Notice::Status(said)) => Some(said.text(language)),
            Some(Notice::Alert(_)) | None => None,
        }
    }

    pub(super) fn rule(&self, language: Language) -> Html {
        let words = language.counted(self.minimum, &language.texts().password_rule);
        Sentence::new(words).number("n", self.minimum).html()
    }

    /// The attributes that say what a field is described by, whether it is off, wrong, and to take the focus.
    pub(super) fn attributes(&self, field: PasswordField) -> Html {
        let mut described = Vec::new();
        let problem = self.problem_at(field).is_some();
        if problem {
            described.push(field.ids().1);
        }
        if !self.gates.is_empty() {
            described.push("password-gates");
        }
        if field == PasswordField::New {
            described.push("password-rule");
        }
        let mut attributes = String::new();
        if !described.is_empty() {
            attributes = format!(" aria-describedby=\"{}\"", described.join(" "));
        }
        if problem && field != PasswordField::Whole {
            attributes.push_str(" aria-invalid=\"true\" autofocus");
        }
        if !self.gates.is_empty() {
            attributes.push_str(" disabled");
        }
        Html::trusted(attributes)
    }

    /// The fields in their order.
    pub(super) fn fields(language: Language) -> [Input; 3] {
        let texts = language.texts();
        let input = |field: PasswordField, name, label, autocomplete| Input {
            field,
            id: field.ids().0,
            problem_id: field.ids().1,
            name,
            label,
            autocomplete,
        };
        [
            input(PasswordField::Current, super::field::CURRENT, texts.current_password, "current-password"),
            input(PasswordField::New, super::field::NEW, texts.new_password, "new-password"),
            input(PasswordField::Repeat, super::field::REPEAT, texts.repeat_password, "new-password"),
        ]
    }
}

/// What an input is made of.
pub(super) struct Input {
    pub(super) field: PasswordField,
    pub(super) id: &'static str,
    pub(super) problem_id: &'static str,
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) autocomplete: &'static str,
}
