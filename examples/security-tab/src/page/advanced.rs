//! The section "Advanced settings".

use super::{Gate, Html, Notice, Problem, Sentence, Time};
use crate::texts::Language;

/// The section "Advanced settings".
#[derive(Debug, Clone)]
pub(crate) struct AdvancedSection {
    /// Whether notices about blocking are on.
    pub(crate) enabled: bool,
    /// The masked address they go to; `None` without a confirmed one.
    pub(crate) address: Option<String>,
    /// How many days before the account is blocked the first mail leaves.
    pub(crate) days: u32,
    /// When the account is blocked.
    pub(crate) blocking: Blocking,
    /// Gates that are closed for switching it.
    pub(crate) gates: Vec<Gate>,
    /// What was just done.
    pub(crate) notice: Option<Notice>,
}

/// When an account is blocked.
#[derive(Debug, Clone)]
pub(crate) enum Blocking {
    /// Not by its days.
    Never,
    /// It is.
    Already,
    /// On a day to come.
    On {
        /// The day.
        date: Time,
        /// The day of the first mail.
        first: Time,
    },
}

impl AdvancedSection {
    pub(super) fn help(&self, language: Language) -> Option<Html> {
        let address = self.address.as_ref()?;
        let words = language.counted(self.days, &language.texts().blocking_notices_help);
        Some(Sentence::new(words).address("address", address).number("n", self.days).html())
    }

    pub(super) fn blocking_line(&self, language: Language) -> Html {
        let texts = language.texts();
        match &self.blocking {
            Blocking::Never => Html::text(texts.blocking_never),
            Blocking::Already => Html::text(texts.gate_blocked),
            Blocking::On { date, first } => {
                Sentence::new(texts.blocking_on).time("date", date).time("first", first).html()
            }
        }
    }

    pub(super) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.problem().is_some() {
            ids.push("advanced-problem");
        }
        if !self.gates.is_empty() {
            ids.push("advanced-gates");
        }
        if self.address.is_some() {
            ids.push("advanced-help");
        }
        ids.push("advanced-blocking-date");
        ids.join(" ")
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
