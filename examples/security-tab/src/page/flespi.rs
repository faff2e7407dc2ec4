//! The section "flespi settings".

use super::{Gate, Html, Notice, Problem, Sentence, Time};
use crate::texts::Language;

/// The section "flespi settings".
#[derive(Debug, Clone)]
pub(crate) struct FlespiSection {
    /// The token in force.
    pub(crate) token: Option<FlespiToken>,
    /// Whether one is being issued.
    pub(crate) connecting: bool,
    /// Whether a token is being typed.
    pub(crate) typing: bool,
    /// The regions that can be chosen, by name.
    pub(crate) regions: Vec<String>,
    /// The region that was chosen, after an error.
    pub(crate) chosen: String,
    /// Gates that are closed for changing it.
    pub(crate) gates: Vec<Gate>,
    /// What was just done.
    pub(crate) notice: Option<Notice>,
}

/// The token in force.
#[derive(Debug, Clone)]
pub(crate) struct FlespiToken {
    /// Its first characters.
    pub(crate) shown: String,
    /// The name of its region.
    pub(crate) region: String,
    /// Whether it was typed.
    pub(crate) manual: bool,
    /// When it was obtained.
    pub(crate) obtained: Time,
    /// When it ends, if that is known.
    pub(crate) ends: Option<Time>,
    /// How the last check went.
    pub(crate) check: FlespiCheck,
}

/// How the last check of a token went.
#[derive(Debug, Clone)]
pub(crate) enum FlespiCheck {
    /// There was none.
    None,
    /// flespi accepts it.
    Active,
    /// Its time is over.
    Expired,
    /// flespi does not accept it.
    Rejected,
    /// flespi did not answer; what it said before, if it ever did, and when.
    Unanswered(Option<(LastKnown, Time)>),
}

/// What flespi said of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LastKnown {
    /// It accepted it.
    Active,
    /// Its time was over.
    Expired,
    /// It did not accept it.
    Rejected,
}

impl FlespiSection {
    /// The name of a region and where it is.
    pub(super) fn region_words(&self, name: &str, language: Language) -> String {
        let texts = language.texts();
        match self.regions.iter().find(|known| *known == name).map(String::as_str) {
            Some("eu") => texts.flespi_region_eu.to_owned(),
            Some("ru") => texts.flespi_region_ru.to_owned(),
            Some(_) | None => name.to_owned(),
        }
    }

    pub(super) fn problem(&self) -> Option<&Problem> {
        match &self.notice {
            Some(Notice::Alert(problem)) => Some(problem),
            Some(Notice::Status(_)) | None => None,
        }
    }

    pub(super) fn said(&self, language: Language) -> Option<&'static str> {
        match &self.notice {
            Some(Notice::Status(said)) => Some(said.text(language)),
            Some(Notice::Alert(_)) | None => None,
        }
    }

    pub(super) fn is_token_invalid(&self) -> bool {
        matches!(self.problem(), Some(Problem::InvalidFlespiToken))
    }

    pub(super) fn is_region_missing(&self) -> bool {
        matches!(self.problem(), Some(Problem::NoFlespiRegion))
    }
}

impl FlespiToken {
    pub(super) fn obtained_line(&self, language: Language) -> Html {
        let texts = language.texts();
        let words = if self.manual { texts.flespi_entered } else { texts.flespi_obtained };
        Sentence::new(words).time("date", &self.obtained).html()
    }

    pub(super) fn ends_line(&self, language: Language) -> Html {
        let texts = language.texts();
        match &self.ends {
            Some(ends) => Sentence::new(texts.flespi_valid_until).time("date", ends).html(),
            None => Html::text(texts.flespi_end_unknown),
        }
    }

    /// What the last check said, and by which mark.
    pub(super) fn check_line(&self, language: Language) -> Option<(&'static str, Html)> {
        let texts = language.texts();
        let dated = |words, dateless| match &self.ends {
            Some(ends) => Sentence::new(words).time("date", ends).html(),
            None => Html::text(dateless),
        };
        Some(match &self.check {
            FlespiCheck::None => return None,
            FlespiCheck::Active => ("done", dated(texts.flespi_active_until, texts.flespi_active)),
            FlespiCheck::Expired => ("problem", dated(texts.flespi_expired_on, texts.flespi_expired)),
            FlespiCheck::Rejected => ("problem", Html::text(texts.flespi_rejected)),
            FlespiCheck::Unanswered(None) => ("problem", Html::text(texts.flespi_unanswered)),
            FlespiCheck::Unanswered(Some((last, when))) => {
                let status = match last {
                    LastKnown::Active => texts.flespi_was_active,
                    LastKnown::Expired => texts.flespi_was_expired,
                    LastKnown::Rejected => texts.flespi_was_rejected,
                };
                let line = Sentence::new(texts.flespi_last_known).text("status", status);
                ("problem", line.time("when", when).html())
            }
        })
    }
}
