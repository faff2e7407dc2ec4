//! The pages of mailed links: a forgotten password, a new one, an invitation, and the undoing of a changed address.

use askama::Template;

use super::password::PasswordField;
use super::{Frame, Html, PasswordRow, Problem, Sentence, Time};
use crate::texts::Texts;

/// The page that asks whose password was forgotten.
#[derive(Debug, Clone)]
pub(crate) struct ForgottenPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// What was typed as the login or the address.
    pub(crate) identifier: String,
    /// Why nothing was asked for.
    pub(crate) problem: Option<Problem>,
}

/// The page after it, the same for whatever was typed.
#[derive(Debug, Clone)]
pub(crate) struct LinkSentPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// How long a link lives, in minutes.
    pub(crate) minutes: u32,
}

/// What a mailed link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkKind {
    /// A new password.
    Recovery,
    /// The first password.
    Invitation,
    /// The old address back.
    Undo,
}

/// The page that takes a new password by a link.
#[derive(Debug, Clone)]
pub(crate) struct NewPasswordPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// Where its form goes.
    pub(crate) route: &'static str,
    /// The challenge its link answers, so that the form spends no other.
    pub(crate) challenge: String,
    /// Whose password it is.
    pub(crate) login: String,
    /// Whether it is the first password.
    pub(crate) first: bool,
    /// Who is signed in in this browser.
    pub(crate) signed_in: Option<String>,
    /// The end of the link.
    pub(crate) valid_until: Time,
    /// The rule, and what is wrong.
    pub(crate) row: PasswordRow,
}

/// The page that takes a changed address back by a link.
#[derive(Debug, Clone)]
pub(crate) struct UndoPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// The challenge its link answers, so that the form spends no other.
    pub(crate) challenge: String,
    /// Who is signed in in this browser.
    pub(crate) signed_in: Option<String>,
    /// The end of the link.
    pub(crate) valid_until: Time,
    /// Why it was not done.
    pub(crate) problem: Option<Problem>,
}

/// The page of a link that is over, and the way on.
#[derive(Debug, Clone)]
pub(crate) struct DeadLinkPage {
    /// The frame, without an identity.
    pub(crate) frame: Frame,
    /// What the link was for.
    pub(crate) kind: LinkKind,
    /// Whether the browser brought none, which tells nothing of the link itself.
    pub(crate) lost: bool,
}

macro_rules! pages {
    ($($page:ident $template:ident $path:literal)+) => {
        $(
            #[derive(Template)]
            #[template(path = $path)]
            struct $template<'a> {
                frame: &'a Frame,
                page: &'a $page,
                t: &'static Texts,
            }

            impl $page {
                /// The page.
                ///
                /// # Errors
                ///
                /// A template could not be written.
                pub(crate) fn html(&self) -> Result<String, askama::Error> {
                    $template { frame: &self.frame, page: self, t: self.frame.texts() }.render()
                }
            }
        )+
    };
}

pages! {
    ForgottenPage ForgottenTemplate "forgotten.html"
    LinkSentPage LinkSentTemplate "link_sent.html"
    NewPasswordPage NewPasswordTemplate "new_password.html"
    UndoPage UndoTemplate "undo.html"
    DeadLinkPage DeadLinkTemplate "dead_link.html"
}

impl ForgottenPage {
    fn is_invalid(&self) -> bool {
        matches!(self.problem, Some(Problem::InvalidIdentifier))
    }
}

impl LinkSentPage {
    fn life(&self) -> Html {
        let language = self.frame.language;
        Sentence::new(language.counted(self.minutes, &language.texts().link_life))
            .number("n", self.minutes)
            .html()
    }
}

impl NewPasswordPage {
    fn title(&self) -> &'static str {
        let texts = self.frame.texts();
        if self.first { texts.invitation_title } else { texts.recovery_title }
    }

    fn lead(&self) -> Html {
        let texts = self.frame.texts();
        let words = if self.first { texts.invitation_lead } else { texts.recovery_lead };
        Sentence::new(words).address("login", &self.login).html()
    }

    fn fields(&self) -> impl Iterator<Item = super::password::Input> {
        let fields = PasswordRow::fields(self.frame.language);
        fields.into_iter().filter(|input| input.field != PasswordField::Current)
    }
}

impl DeadLinkPage {
    fn title(&self) -> &'static str {
        let texts = self.frame.texts();
        if self.lost { texts.lost_link_title } else { texts.dead_link_title }
    }

    fn lead(&self) -> &'static str {
        let texts = self.frame.texts();
        if self.lost {
            return texts.lost_link_lead;
        }
        match self.kind {
            LinkKind::Recovery | LinkKind::Undo => texts.dead_link_lead,
            LinkKind::Invitation => texts.dead_invitation_lead,
        }
    }

    fn offers_recovery(&self) -> bool {
        self.kind != LinkKind::Invitation
    }
}

impl Frame {
    /// That the use of a link signs the browser out.
    fn signs_out(&self, login: &str) -> Html {
        Sentence::new(self.texts().link_signs_out).address("login", login).html()
    }

    pub(super) fn valid_until(&self, until: &Time) -> Html {
        Sentence::new(self.texts().link_valid_until).time("time", until).html()
    }
}
