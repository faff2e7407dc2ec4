//! Accounts, as an administrator sees them.

use askama::Template;

use super::note::{attributes, line};
use super::rights::{RIGHTS, RightsForm, RightsSection};
use super::user::gate_list;
use super::{Billing, Note, Place, Tab, UsageFacts};
use crate::page::dialog::Question;
use crate::page::{Frame, Gate, Html, Reauthenticate, field};
use crate::texts::Texts;
use crate::texts::admin::AdminTexts;

/// The periods of a quota by the names of the HTTP contract.
pub(crate) const PERIODS: [&str; 5] = ["none", "hour", "day", "week", "month"];

/// An account in a list.
#[derive(Debug, Clone)]
pub(crate) struct AccountLine {
    /// The id.
    pub(crate) id: String,
    /// The name.
    pub(crate) name: String,
    /// How far below the first one it is.
    pub(crate) depth: u8,
    /// Whether it is blocked.
    pub(crate) blocked: bool,
}

/// The accounts one may see.
#[derive(Debug, Clone)]
pub(crate) struct AccountsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The accounts, each before those below it.
    pub(crate) accounts: Vec<AccountLine>,
    /// What was just done.
    pub(crate) note: Option<Note>,
}

/// What the form of an account says about its services.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceFields {
    /// Whether SMS are on.
    pub(crate) sms: bool,
    /// The number of SMS in a period; empty without a limit.
    pub(crate) quota: String,
    /// The period, a name of [`PERIODS`].
    pub(crate) period: String,
    /// Whether notices by mail are on.
    pub(crate) email_notification: bool,
}

/// The block of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    /// None.
    Off,
    /// By hand.
    On,
    /// By one above it alone.
    Above,
}

/// An account's page.
#[derive(Debug, Clone)]
pub(crate) struct AccountPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The id.
    pub(crate) id: String,
    /// The name in the store.
    pub(crate) title: String,
    /// The account above, by id and name, if it may be seen.
    pub(crate) parent: Option<(String, String)>,
    /// The name, or what was typed.
    pub(crate) name: String,
    /// The services, or what was typed.
    pub(crate) services: ServiceFields,
    /// The time zone, or what was typed.
    pub(crate) zone: String,
    /// What it has used.
    pub(crate) usage: UsageFacts,
    /// Days, balance and payments.
    pub(crate) billing: Billing,
    /// The block.
    pub(crate) block: Block,
    /// The accounts below it.
    pub(crate) below: Vec<AccountLine>,
    /// Gates that are closed for changing it.
    pub(crate) gates: Vec<Gate>,
    /// Gates that are closed for creating an account below it.
    pub(crate) create_gates: Vec<Gate>,
    /// The rights on it.
    pub(crate) rights: RightsForm,
    /// What was just done.
    pub(crate) note: Option<Note>,
    /// The dialog of a stale sign-in.
    pub(crate) dialog: Option<Reauthenticate>,
}

/// The form for a new account.
#[derive(Debug, Clone)]
pub(crate) struct NewAccountPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The account above it, by id and name.
    pub(crate) parent: (String, String),
    /// The name as it was typed.
    pub(crate) name: String,
    /// The services as they were chosen.
    pub(crate) services: ServiceFields,
    /// The time zone as it was typed.
    pub(crate) zone: String,
    /// What was just done.
    pub(crate) note: Option<Note>,
}

#[derive(Template)]
#[template(path = "admin_accounts.html")]
struct AccountsTemplate<'a> {
    frame: &'a Frame,
    page: &'a AccountsPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

#[derive(Template)]
#[template(path = "admin_account.html")]
struct AccountTemplate<'a> {
    frame: &'a Frame,
    page: &'a AccountPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

#[derive(Template)]
#[template(path = "admin_new_account.html")]
struct NewAccountTemplate<'a> {
    frame: &'a Frame,
    page: &'a NewAccountPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

fn period_label(name: &str, a: &'static AdminTexts) -> &'static str {
    match name {
        "hour" => a.period_hour,
        "day" => a.period_day,
        "week" => a.period_week,
        "month" => a.period_month,
        _ => a.period_none,
    }
}

impl AccountsPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        AccountsTemplate { frame: &self.frame, page: self, tab: Tab::Accounts, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }
}

impl AccountPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        AccountTemplate { frame: &self.frame, page: self, tab: Tab::Accounts, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }

    fn attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        let off = (!self.gates.is_empty()).then_some("form-gates");
        attributes(self.note.as_ref(), place, described_by, off)
    }

    fn bill_attributes(&self, place: Place) -> Html {
        self.service_attributes(place, &[])
    }

    /// What an account gets is changed by who may bill it.
    fn service_attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        let off = (!self.billing.gates.is_empty()).then_some("bill-gates");
        attributes(self.note.as_ref(), place, described_by, off)
    }

    fn gates(&self, gates: &[Gate], id: &'static str) -> Html {
        gate_list(gates, id, self.frame.language())
    }

    fn rights_section(&self) -> RightsSection<'_> {
        RightsSection {
            form: &self.rights,
            note: self.note.as_ref(),
            on_account: true,
            id: &self.id,
            language: self.frame.language(),
        }
    }

    fn question(&self) -> Option<Question<'_>> {
        self.dialog.as_ref().map(Reauthenticate::question)
    }
}

impl NewAccountPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        NewAccountTemplate { frame: &self.frame, page: self, tab: Tab::Accounts, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }

    fn attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        attributes(self.note.as_ref(), place, described_by, None)
    }

    fn service_attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        self.attributes(place, described_by)
    }
}
