//! The pages of development mode.

use askama::Template;

use super::{Frame, Html, Sentence, Time};
use crate::texts::{Language, Texts};

/// What was sent, to be read instead of delivered.
#[derive(Debug, Clone)]
pub(crate) struct MessagesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The messages, newest first.
    pub(crate) messages: Vec<DevMessage>,
}

/// One mail or SMS.
#[derive(Debug, Clone)]
pub(crate) struct DevMessage {
    /// Its id.
    pub(crate) id: String,
    /// Whether it is an SMS.
    pub(crate) sms: bool,
    /// The address or number.
    pub(crate) to: String,
    /// The subject of a mail.
    pub(crate) subject: Option<String>,
    /// The text.
    pub(crate) text: String,
    /// The HTML of a mail. It is shown in a sandboxed frame, see
    /// [`MESSAGES_CONTENT_SECURITY_POLICY`](super::MESSAGES_CONTENT_SECURITY_POLICY).
    pub(crate) html: Option<String>,
    /// When it was sent.
    pub(crate) at: Time,
}

/// The list of states of the gallery.
#[derive(Debug, Clone)]
pub(crate) struct StatesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Their names.
    pub(crate) names: Vec<String>,
}

/// Every kind of message in words, in one language.
#[derive(Debug, Clone)]
pub(crate) struct TemplatesPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The tags of all languages.
    pub(crate) languages: Vec<String>,
    /// The one the messages are in.
    pub(crate) shown: String,
    /// The messages.
    pub(crate) messages: Vec<WordedMessage>,
}

/// One kind of message in words.
#[derive(Debug, Clone)]
pub(crate) struct WordedMessage {
    /// The name of its kind.
    pub(crate) kind: &'static str,
    /// The subject.
    pub(crate) subject: String,
    /// The text.
    pub(crate) text: String,
    /// The HTML, shown as that of [`DevMessage`].
    pub(crate) html: String,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesTemplate<'a> {
    frame: &'a Frame,
    page: &'a MessagesPage,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "states.html")]
struct StatesTemplate<'a> {
    frame: &'a Frame,
    page: &'a StatesPage,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "templates.html")]
struct TemplatesTemplate<'a> {
    frame: &'a Frame,
    page: &'a TemplatesPage,
    t: &'static Texts,
}

impl MessagesPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        MessagesTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }
}

impl DevMessage {
    fn channel(&self, language: Language) -> &'static str {
        let texts = language.texts();
        if self.sms { texts.dev_channel_sms } else { texts.dev_channel_email }
    }

    fn to_line(&self, language: Language) -> Html {
        Sentence::new(language.texts().dev_to).address("address", &self.to).time("time", &self.at).html()
    }
}

impl StatesPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        StatesTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }
}

impl TemplatesPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        TemplatesTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }
}
