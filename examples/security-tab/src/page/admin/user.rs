//! One user, as an administrator sees him.

use askama::Template;

use super::note::{attributes, line};
use super::rights::{RIGHTS, RightsForm, RightsSection};
use super::{Choice, Note, Place, Tab};
use crate::page::dialog::Question;
use crate::page::{Frame, Gate, Html, Reauthenticate, Sentence, Time, field};
use crate::texts::admin::AdminTexts;
use crate::texts::{Language, Texts};

/// A user's flag as a checkbox.
#[derive(Debug, Clone)]
pub(crate) struct FlagBox {
    /// What the form sends, a name of [`FLAGS`].
    pub(crate) name: &'static str,
    /// Whether it is checked.
    pub(crate) on: bool,
    /// Whether it is on in the store.
    pub(crate) stored: bool,
    /// Whether who acts lacks it: it can't be granted then.
    pub(crate) lacked: bool,
}

/// The flags by the names of the HTTP contract, in the order of the page.
pub(crate) const FLAGS: [&str; 4] = ["change_password", "send_sms", "change_settings", "create_items"];

/// What is known of a user.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "facts")]
pub(crate) struct UserFacts {
    /// The id.
    pub(crate) id: String,
    /// The login.
    pub(crate) login: String,
    /// The account's id and name, if that may be seen.
    pub(crate) account: Option<(String, String)>,
    /// The address.
    pub(crate) address: AdminAddress,
    /// Whether there is a password.
    pub(crate) password: bool,
    /// Whether two-factor authentication is on.
    pub(crate) two_factor: bool,
    /// Whether signing in is off.
    pub(crate) disabled: bool,
    /// Whether an account of the user is blocked.
    pub(crate) blocked: bool,
    /// When the user was created.
    pub(crate) created: Time,
}

/// A user's address, masked.
#[derive(Debug, Clone, Default)]
pub(crate) struct AdminAddress {
    /// The confirmed one.
    pub(crate) confirmed: Option<String>,
    /// The one that waits.
    pub(crate) pending: Option<String>,
}

/// A user's page.
#[derive(Debug, Clone)]
pub(crate) struct UserPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The user.
    pub(crate) user: UserFacts,
    /// The flags.
    pub(crate) flags: Vec<FlagBox>,
    /// Gates that are closed for the flags and for switching sign-in off.
    pub(crate) flags_gates: Vec<Gate>,
    /// The languages to choose from.
    pub(crate) languages: Vec<Choice>,
    /// The time zone, or what was typed.
    pub(crate) zone: String,
    /// Gates that are closed for language and time zone.
    pub(crate) settings_gates: Vec<Gate>,
    /// Gates that are closed for a password reset; absent for a user without a password.
    pub(crate) reset_gates: Option<Vec<Gate>>,
    /// Gates that are closed for an invitation; absent for a user with a password.
    pub(crate) invitation_gates: Option<Vec<Gate>>,
    /// Gates that are closed for removing the second factor.
    pub(crate) factor_gates: Vec<Gate>,
    /// Gates that are closed for ending the sessions.
    pub(crate) sessions_gates: Vec<Gate>,
    /// The rights on the user.
    pub(crate) rights: RightsForm,
    /// Whether the trail may be read.
    pub(crate) trail: bool,
    /// What was just done.
    pub(crate) note: Option<Note>,
    /// The dialog of a stale sign-in.
    pub(crate) dialog: Option<Reauthenticate>,
}

#[derive(Template)]
#[template(path = "admin_user.html")]
struct UserTemplate<'a> {
    frame: &'a Frame,
    page: &'a UserPage,
    tab: Tab,
    t: &'static Texts,
    a: &'static AdminTexts,
}

impl FlagBox {
    pub(super) fn label(&self, a: &'static AdminTexts) -> &'static str {
        match self.name {
            "change_password" => a.flag_change_password,
            "send_sms" => a.flag_send_sms,
            "change_settings" => a.flag_change_settings,
            _ => a.flag_create_items,
        }
    }
}

impl FlagBox {
    /// Why the box is off, or what to mind.
    pub(super) fn note(&self, a: &'static AdminTexts) -> Option<&'static str> {
        match (self.lacked, self.stored) {
            (true, false) => Some(a.flag_lacked),
            (true, true) => Some(a.flag_one_way),
            (false, _) => None,
        }
    }

    /// The attributes of its input; `gates` says whether the whole section is off.
    pub(super) fn attributes(&self, gates: bool) -> Html {
        let off = gates || (self.lacked && !self.stored);
        let mut described = Vec::new();
        if gates {
            described.push("flags-gates".to_owned());
        }
        if self.lacked {
            described.push(format!("flag-{}-note", self.name));
        }
        let mut attributes = String::new();
        if !described.is_empty() {
            attributes = format!(" aria-describedby=\"{}\"", described.join(" "));
        }
        attributes.push_str(if self.on { " checked" } else { "" });
        attributes.push_str(if off { " disabled" } else { "" });
        Html::trusted(attributes)
    }
}

/// Gates as a list, to be described by; nothing if none is closed.
pub(super) fn gate_list(gates: &[Gate], id: &'static str, language: Language) -> Html {
    let reasons: Vec<_> = gates.iter().map(|gate| gate.text(language)).collect();
    list(&reasons, id)
}

fn list(reasons: &[&'static str], id: &'static str) -> Html {
    if reasons.is_empty() {
        return Html::default();
    }
    let items: Vec<_> = reasons.iter().map(|reason| format!("<li>{}</li>", Html::text(reason))).collect();
    Html::trusted(format!("<ul class=\"gates\" id=\"{id}\">{}</ul>", items.join("")))
}

/// The gates of a verdict, each once. A flag that is missing reads as a missing right: the user is another one.
pub(crate) fn gates_of(verdict: &portcullis::rights::Verdict) -> Vec<Gate> {
    let mut gates = Vec::new();
    for missing in verdict.missing() {
        let named = Gate::of_name(missing.name());
        let gate = if named == Gate::ChangePassword { Gate::Right } else { named };
        if !gates.contains(&gate) {
            gates.push(gate);
        }
    }
    gates
}

impl UserPage {
    /// The page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        let (t, a) = (self.frame.texts(), self.frame.language().admin());
        UserTemplate { frame: &self.frame, page: self, tab: Tab::Users, t, a }.render()
    }

    fn line(&self, place: Place) -> Html {
        line(self.note.as_ref(), place, self.frame.language())
    }

    /// The attributes of an input of the section "Language and time zone".
    fn attributes(&self, place: Place, described_by: &[&'static str]) -> Html {
        self.field(place, described_by, Self::off_by(&self.settings_gates, "settings-gates"))
    }

    fn field(&self, place: Place, described_by: &[&'static str], off: Option<&'static str>) -> Html {
        attributes(self.note.as_ref(), place, described_by, off)
    }

    fn off_by(gates: &[Gate], id: &'static str) -> Option<&'static str> {
        (!gates.is_empty()).then_some(id)
    }

    /// The attributes of a control that only gates switch off.
    fn off(gates: &[Gate], id: &'static str) -> Html {
        attributes(None, Place::Top, &[], Self::off_by(gates, id))
    }

    fn gates(&self, gates: &[Gate], id: &'static str) -> Html {
        gate_list(gates, id, self.frame.language())
    }

    fn reset_off(&self, gates: &[Gate]) -> Html {
        let off = !gates.is_empty() || self.user.address.confirmed.is_none();
        attributes(None, Place::Top, &[], off.then_some("reset-gates"))
    }

    /// Why no link for a new password can be sent.
    fn reset_reasons(&self, gates: &[Gate], a: &'static AdminTexts) -> Html {
        let mut reasons: Vec<_> = gates.iter().map(|gate| gate.text(self.frame.language())).collect();
        reasons.extend(self.user.address.confirmed.is_none().then_some(a.no_confirmed_address));
        list(&reasons, "reset-gates")
    }

    fn has_address(&self) -> bool {
        self.user.address.confirmed.is_some() || self.user.address.pending.is_some()
    }

    fn invitation_off(&self, gates: &[Gate]) -> Html {
        let off = !gates.is_empty() || !self.has_address();
        attributes(None, Place::Top, &[], off.then_some("invitation-gates"))
    }

    /// Why no invitation can be sent.
    fn invitation_reasons(&self, gates: &[Gate], a: &'static AdminTexts) -> Html {
        let mut reasons: Vec<_> = gates.iter().map(|gate| gate.text(self.frame.language())).collect();
        reasons.extend((!self.has_address()).then_some(a.no_address));
        list(&reasons, "invitation-gates")
    }

    fn question(&self) -> Option<Question<'_>> {
        self.dialog.as_ref().map(Reauthenticate::question)
    }

    fn rights_section(&self) -> RightsSection<'_> {
        RightsSection {
            form: &self.rights,
            note: self.note.as_ref(),
            on_account: false,
            id: &self.user.id,
            language: self.frame.language(),
        }
    }

    fn waiting(&self, a: &'static AdminTexts) -> Option<Html> {
        let pending = self.user.address.pending.as_ref()?;
        let words = if self.invitation_gates.is_some() { a.invitation_waits } else { a.email_waits };
        Some(Sentence::new(words).address("address", pending).html())
    }

    /// The flags that are on in the store, which a form sends along: only what differs from them was changed.
    fn shown(&self) -> impl Iterator<Item = &'static str> {
        self.flags.iter().filter(|flag| flag.stored).map(|flag| flag.name)
    }
}
