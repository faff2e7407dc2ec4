//! "Confirm that it is you", and the action that goes on after it.

use super::{CodeLine, Html, Part, Place, Problem, Sentence, field, route};
use crate::texts::Language;

/// The dialog of a stale sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Reauthenticate {
    /// Who has to confirm.
    pub(crate) login: String,
    /// What goes on afterwards.
    pub(crate) pending: PendingAction,
    /// What is asked for.
    pub(crate) step: Step,
}

/// What the dialog asks for.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// The current password.
    Password(Option<Problem>),
    /// A code; its place is [`PendingAction::place`] and the dialog fills what it carries.
    Code(CodeLine),
}

/// An action that waits for the user to be confirmed: a route of [`route::GO_ON`] or [`route::ADMIN_GO_ON`] and its
/// fields, none a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingAction {
    route: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl PendingAction {
    /// The action as it was posted. `None` for a route that does not wait; fields outside of
    /// [`field::CARRIED`] are dropped.
    pub(crate) fn new<'a>(path: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut routes = route::GO_ON.into_iter().chain(route::ADMIN_GO_ON);
        let route = routes.find(|known| *known == path)?;
        let mut kept = Vec::new();
        for (name, value) in fields {
            if let Some(name) = field::CARRIED.into_iter().find(|known| *known == name) {
                kept.push((name, value.to_owned()));
            }
        }
        Some(Self { route, fields: kept })
    }

    /// The action a form of the dialog has carried. `None` when it names no action that may wait.
    pub(crate) fn of_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut path = None;
        let mut carried = Vec::new();
        for (name, value) in fields {
            if name == field::THEN {
                path = Some(value);
            } else if let Some(name) = name.strip_prefix(field::THEN_PREFIX) {
                carried.push((name, value));
            }
        }
        Self::new(path?, carried)
    }

    /// The route it was posted to.
    pub(crate) fn route(&self) -> &'static str {
        self.route
    }

    /// A field it was posted with.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The fields it was posted with.
    pub(crate) fn fields(&self) -> &[(&'static str, String)] {
        &self.fields
    }

    /// Whether it is one of the pages for administrators.
    pub(crate) fn is_admins(&self) -> bool {
        route::ADMIN_GO_ON.contains(&self.route)
    }

    /// Where its dialog stands.
    pub(crate) fn place(&self) -> Place {
        if self.is_admins() { Place::Administer } else { Place::Reauthenticate }
    }

    /// The page it was posted from, which is also where giving up leads.
    fn page(&self) -> String {
        let of = |page: &str, name| format!("{page}/{}", self.field(name).unwrap_or_default());
        match self.route {
            route::ADMIN_USER_NEW => {
                let account = self.field(field::ACCOUNT).unwrap_or_default();
                format!("{}?{}={account}", route::ADMIN_USER_NEW, field::ACCOUNT)
            }
            route::ADMIN_ACCOUNT_RIGHTS => of(route::ADMIN_ACCOUNTS, field::ACCOUNT),
            _ if self.is_admins() => of(route::ADMIN_USERS, field::USER),
            _ => route::SETTINGS.to_owned(),
        }
    }

    /// The hidden inputs that carry it.
    pub(crate) fn hidden(&self) -> Vec<(String, String)> {
        let mut hidden = vec![(field::THEN.to_owned(), self.route.to_owned())];
        for (name, value) in &self.fields {
            hidden.push((format!("{}{name}", field::THEN_PREFIX), value.clone()));
        }
        hidden
    }
}

/// The dialog as its template shows it.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// What the ids in it begin with.
    pub(super) id: &'static str,
    /// Who has to confirm.
    pub(super) login: &'a str,
    /// What is asked for.
    pub(super) step: &'a Step,
    /// How its form with the password is sent.
    pub(super) post: Html,
    /// The hidden inputs of its forms.
    pub(super) carried: Vec<(String, String)>,
    /// Where giving up leads.
    pub(super) cancel: String,
}

impl Reauthenticate {
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            id: self.pending.place().id(),
            login: &self.login,
            step: &self.step,
            post: if self.pending.is_admins() {
                Part::plain(route::REAUTHENTICATE)
            } else {
                Part::Dialog.post(route::REAUTHENTICATE)
            },
            carried: self.pending.hidden(),
            cancel: self.pending.page(),
        }
    }
}

impl Question<'_> {
    /// Why it asks.
    pub(super) fn lead(&self, language: Language) -> Html {
        Sentence::new(language.texts().dialog_lead).text("login", self.login).html()
    }

    /// The line of the code step, with what it carries.
    pub(super) fn code_line(&self) -> Option<CodeLine> {
        match self.step {
            Step::Password(_) => None,
            Step::Code(line) => Some(CodeLine { carried: self.carried.clone(), ..line.clone() }),
        }
    }

    /// What is wrong with the password.
    pub(super) fn problem(&self) -> Option<&Problem> {
        match self.step {
            Step::Password(problem) => problem.as_ref(),
            Step::Code(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_action_survives_the_dialog() {
        let action = PendingAction::new(route::EMAIL, [(field::ADDRESS, "new@example.com")]).unwrap();
        let hidden = action.hidden();
        let back = PendingAction::of_fields(hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        assert_eq!(back.as_ref(), Some(&action));
        assert_eq!(action.route(), route::EMAIL);
        assert_eq!(action.field(field::ADDRESS), Some("new@example.com"));
    }

    #[test]
    fn no_secret_is_carried() {
        let fields = [(field::PASSWORD, "hunter2"), (field::CODE, "123456"), (field::CHALLENGE, "c")];
        let action = PendingAction::new(route::TWO_FACTOR_SEND, fields).unwrap();
        assert_eq!(action.hidden(), [("then".to_owned(), route::TWO_FACTOR_SEND.to_owned())]);
    }

    #[test]
    fn only_known_actions_go_on() {
        assert_eq!(PendingAction::new("https://evil.example/", []), None);
        assert_eq!(PendingAction::new(route::SIGN_OUT, []), None);
        assert_eq!(PendingAction::of_fields([("then.address", "a@example.com")]), None);
    }
}
