//! What every page has around it.

use super::{Html, Sentence, Time, route};
use crate::texts::{Language, Texts};

/// The frame of a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The language of every text.
    pub(crate) language: Language,
    /// The zone of every time as people know it, such as "Europe/Riga".
    pub(crate) zone: String,
    /// Who is signed in; nobody on the sign-in and code pages.
    pub(crate) identity: Option<Identity>,
    /// Shows the strip of development mode.
    pub(crate) dev_mode: bool,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The user's login.
    pub(crate) login: String,
    /// The name of the user's account.
    pub(crate) account: String,
    /// Whether the user administers accounts.
    pub(crate) administers: bool,
}

/// The warning that an account is about to be blocked.
#[derive(Debug, Clone)]
pub(crate) struct Banner {
    /// The name of the account.
    pub(crate) account: String,
    /// The blocking date.
    pub(crate) date: Time,
    /// Whole days left.
    pub(crate) days: u32,
}

impl Frame {
    /// The language.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The catalogue.
    pub(crate) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// The strip of development mode.
    pub(crate) fn dev_strip(&self) -> Html {
        let texts = self.texts();
        Sentence::new(texts.dev_strip).link("link", route::DEV_MESSAGES, texts.dev_link).html()
    }

    /// The line that names the zone.
    pub(crate) fn zone_line(&self) -> Html {
        Sentence::new(self.texts().times_in).text("zone", &self.zone).html()
    }
}

impl Banner {
    /// The warning in words.
    pub(crate) fn html(&self, language: Language) -> Html {
        Sentence::new(language.counted(self.days, &language.texts().banner))
            .text("name", &self.account)
            .time("date", &self.date)
            .number("n", self.days)
            .html()
    }
}
