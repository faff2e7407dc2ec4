//! The section about rights on a user or an account.

use super::note::{attributes, line};
use super::user::gate_list;
use super::{Note, Place};
use crate::page::{Gate, Html, route};
use crate::texts::Language;
use crate::texts::admin::AdminTexts;

/// The rights by the names of the HTTP contract, in the order of the page.
pub(crate) const RIGHTS: [&str; 10] = [
    "view",
    "view_details",
    "edit_other",
    "edit_flags",
    "manage_access",
    "manage_user_access",
    "act_on_behalf",
    "rename",
    "delete",
    "manage_account",
];

/// Somebody who has rights on a user or an account.
#[derive(Debug, Clone)]
pub(crate) struct HolderLine {
    /// The id.
    pub(crate) id: String,
    /// The login; `None` for a user who may not be seen, or is no longer there.
    pub(crate) login: Option<String>,
    /// The rights, by names of [`RIGHTS`].
    pub(crate) rights: Vec<&'static str>,
}

/// The section about rights on a user or an account.
#[derive(Debug, Clone)]
pub(crate) struct RightsForm {
    /// The login as it was typed.
    pub(crate) to: String,
    /// The rights that are checked, by name.
    pub(crate) checked: Vec<&'static str>,
    /// Who has rights on it already; `None` when that may not be seen.
    pub(crate) holders: Option<Vec<HolderLine>>,
    /// Gates that are closed.
    pub(crate) gates: Vec<Gate>,
}

/// The section as its template shows it.
#[derive(Debug)]
pub(super) struct RightsSection<'a> {
    /// The form.
    pub(super) form: &'a RightsForm,
    /// What is said at it.
    pub(super) note: Option<&'a Note>,
    /// Whether it is about an account.
    pub(super) on_account: bool,
    /// The id of the user or account.
    pub(super) id: &'a str,
    /// In which language.
    pub(super) language: Language,
}

/// A right in words.
pub(super) fn right_label(name: &str, a: &'static AdminTexts) -> &'static str {
    match name {
        "view" => a.right_view,
        "view_details" => a.right_view_details,
        "manage_access" => a.right_manage_access,
        "delete" => a.right_delete,
        "rename" => a.right_rename,
        "edit_other" => a.right_edit_other,
        "manage_user_access" => a.right_manage_user_access,
        "act_on_behalf" => a.right_act_on_behalf,
        "edit_flags" => a.right_edit_flags,
        _ => a.right_manage_account,
    }
}

impl RightsSection<'_> {
    pub(super) fn title(&self, a: &'static AdminTexts) -> &'static str {
        if self.on_account { a.account_rights } else { a.rights }
    }

    pub(super) fn lead(&self, a: &'static AdminTexts) -> &'static str {
        if self.on_account { a.account_rights_lead } else { a.rights_lead }
    }

    pub(super) fn none(&self, a: &'static AdminTexts) -> &'static str {
        if self.on_account { a.account_rights_none } else { a.rights_none }
    }

    pub(super) fn label(&self, name: &str, a: &'static AdminTexts) -> &'static str {
        match name {
            "view" if self.on_account => a.account_right_view,
            "manage_access" if self.on_account => a.account_right_manage_access,
            "delete" if self.on_account => a.account_right_delete,
            "rename" if self.on_account => a.account_right_rename,
            _ => right_label(name, a),
        }
    }

    /// The page that the list links to.
    pub(super) fn page(&self) -> &'static str {
        if self.on_account { route::ADMIN_ACCOUNTS } else { route::ADMIN_USERS }
    }

    pub(super) fn action(&self) -> &'static str {
        if self.on_account { route::ADMIN_ACCOUNT_RIGHTS } else { route::ADMIN_RIGHTS }
    }

    /// The name of the field that says on what.
    pub(super) fn named(&self) -> &'static str {
        if self.on_account { "account" } else { "user" }
    }

    pub(super) fn line(&self, place: Place) -> Html {
        line(self.note, place, self.language)
    }

    fn off_by(&self) -> Option<&'static str> {
        (!self.form.gates.is_empty()).then_some("rights-gates")
    }

    pub(super) fn field(&self) -> Html {
        attributes(self.note, Place::RightsTo, &["rights-lead"], self.off_by())
    }

    pub(super) fn off(&self) -> Html {
        attributes(None, Place::Top, &[], self.off_by())
    }

    pub(super) fn gates(&self) -> Html {
        gate_list(&self.form.gates, "rights-gates", self.language)
    }
}
