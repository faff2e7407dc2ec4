//! Finding users, and creating one.

use askama::Template;

use super::note::{attributes, line};
use super::{FlagBox, Note, Place, Tab};
use crate::page::dialog::Question;
use crate::page::{Frame, Gate, Html, Reauthenticate};
use crate::texts::Texts;
use crate::texts::admin::AdminTexts;

/// One of several, by its id and name.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What the form sends.
    pub(crate) id: String,
    /// What people read.
    pub(crate) name: String,
    /// Whether it is the chosen one.
    pub(crate) chosen: bool,
}

/// The users one may see.
#[derive(Debug, Clone)]
pub(crate) struct UsersPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The login that is looked for.
    pub(crate) login: String,
    /// The accounts to choose from.
    pub(crate) accounts: Vec<Choice>,
    /// The users.
    pub(crate) users: Vec<UserLine>,
    /// The id after which the next page begins.
    pub(crate) next: Option<String>,
    /// Whether this is a later page.
    pub(crate) later: bool,
    /// Gates that are closed for creating a user in the chosen account; `None` without one.
    pub(crate) create: Option<Vec<Gate>>,
    /// What was just done.
    pub(crate) note: Option<Note>,
}

/// A user in a list.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "facts")]
pub(crate) struct UserLine {
    /// The id.
    pub(crate) id: String,
    /// The login.
    pub(crate) login: String,
    /// The masked address.
    pub(crate) address: Option<String>,
    /// Whether it is who asks.
    pub(crate) own: bool,
    /// Whether signing in is off.
    pub(crate) disabled: bool,
    /// Whether an account of the user is blocked.
    pub(crate) blocked: bool,
    /// Whether there is a password.
    pub(crate) password: bool,
}

/// The form for a new user.
#[derive(Debug, Clone)]
pub(crate) struct NewUserPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The accounts to choose from.
    pub(crate) accounts: Vec<Choice>,
    /// Whether another account was named, so that none of these is chosen.
    pub(crate) unchosen: bool,
    /// The login as it was typed.
    pub(crate) login: String,
    /// The address as it was typed.
    pub(crate) address: String,
    /// The time zone as it was typed.
    pub(crate) zone: String,
    /// The languages to choose from.
    pub(crate) languages: Vec<Choice>,
    /// The flags.
    pub(crate) flags: Vec<FlagBox>,
    /// What was just done.
    pub(crate) note: Option<Note>,
    /// The dialog of a stale sign-in.
    pub(crate) dialog: Option<Reauthenticate>,
}

/// The answer about what is not there or may not be seen.
#[derive(Debug, Clone)]
pub(crate) struct NotFoundPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The part of the administration it would have been in.
    pub(crate) tab: Tab,
}

#[derive(Template)]
#[template(path = "admin_users.html")]
struct UsersTemplate<'a> {
    frame: &'a Frame,
    page: &'a UsersPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

#[derive(Template)]
#[template(path = "admin_new_user.html")]
struct NewUserTemplate<'a> {
    frame: &'a Frame,
    page: &'a NewUserPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

#[derive(Template)]
#[template(path = "admin_not_found.html")]
struct NotFoundTemplate<'a> {
    frame: &'a Frame,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

impl UsersPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        UsersTemplate { frame: &self.frame, page: self, tab: Tab::Users, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }

    fn account(&self) -> &str {
        self.accounts.iter().find(|account| account.chosen).map_or("", |account| account.id.as_str())
    }
}

impl UserLine {
    fn states(&self, a: &'static AdminTexts) -> Vec<&'static str> {
        let states = [
            (self.own, a.user_here),
            (self.disabled, a.user_disabled),
            (self.blocked, a.user_blocked),
            (!self.password, a.user_no_password),
        ];
        states.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words).collect()
    }
}

impl NewUserPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        NewUserTemplate { frame: &self.frame, page: self, tab: Tab::Users, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }

    fn attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        attributes(self.note.as_ref(), place, described_by, None)
    }

    fn question(&self) -> Option<Question<'_>> {
        self.dialog.as_ref().map(Reauthenticate::question)
    }
}

impl NotFoundPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        NotFoundTemplate { frame: &self.frame, tab: self.tab, t, a }.render()
    }
}
