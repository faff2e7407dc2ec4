//! The audit trail of a user.

use askama::Template;

use super::Tab;
use crate::page::{Frame, Html, Sentence, Time};
use crate::texts::Texts;
use crate::texts::admin::{AdminTexts, Because};

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doer {
    /// The user himself, or nobody.
    Himself,
    /// Who reads the trail.
    You,
    /// Somebody else.
    Somebody,
}

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct TrailLine {
    /// When.
    pub(crate) at: Time,
    /// What, by the name of its action.
    pub(crate) action: String,
    /// Who.
    pub(crate) doer: Doer,
    /// Why, by its name.
    pub(crate) reason: Option<String>,
}

/// The trail of a user, newest first.
#[derive(Debug, Clone)]
pub(crate) struct TrailPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The user's id and login; `None` for one's own trail.
    pub(crate) of: Option<(String, String)>,
    /// The events.
    pub(crate) lines: Vec<TrailLine>,
    /// The id before which the earlier events are.
    pub(crate) earlier: Option<String>,
}

#[derive(Template)]
#[template(path = "admin_trail.html")]
struct TrailTemplate<'a> {
    frame: &'a Frame,
    page: &'a TrailPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

impl TrailPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        let tab = if self.of.is_some() { Tab::Users } else { Tab::Trail };
        TrailTemplate { frame: &self.frame, page: self, tab, t, a }.render()
    }

    fn heading(&self, a: &'static AdminTexts) -> Html {
        match &self.of {
            Some((_, login)) => Sentence::new(a.trail_of).text("login", login).html(),
            None => Html::text(a.own_trail),
        }
    }
}

impl TrailLine {
    /// What happened, and who did it.
    fn what(&self, frame: &Frame, a: &'static AdminTexts) -> Html {
        let mut words = frame.language().action(&self.action).unwrap_or(&self.action).to_owned();
        let doer = match self.doer {
            Doer::Himself => None,
            Doer::You => Some(a.by_you),
            Doer::Somebody => Some(a.by_somebody),
        };
        if let Some(doer) = doer {
            words.push_str(", ");
            words.push_str(doer);
        }
        Html::text(&words)
    }

    fn because(&self, frame: &Frame, a: &'static AdminTexts) -> Option<Html> {
        let reason = self.reason.as_deref()?;
        Some(match frame.language().because(reason) {
            Some(Because::What(words)) => Html::text(words),
            Some(Because::Why(words)) => Sentence::new(a.because).text("reason", words).html(),
            None => Sentence::new(a.because).text("reason", reason).html(),
        })
    }
}
