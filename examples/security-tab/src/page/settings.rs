//! The tab "Security".

use askama::Template;

use super::dialog::Question;
use super::password::PasswordField;
use super::{
    AdvancedSection, Banner, CodeLine, FlespiSection, Frame, Gate, Html, Notice, PasswordRow, Place, Problem,
    Reauthenticate, Sentence, SessionsSection, Time,
};
use crate::texts::{Language, Texts};

/// The tab.
#[derive(Debug, Clone)]
pub(crate) struct SecurityPage {
    /// The frame, with an identity.
    pub(crate) frame: Frame,
    /// The warning above the tab.
    pub(crate) banner: Option<Banner>,
    /// The row "Email".
    pub(crate) email: EmailRow,
    /// The row "Change password".
    pub(crate) password: PasswordRow,
    /// The section "Two-factor authentication".
    pub(crate) two_factor: TwoFactorSection,
    /// The section "Advanced settings".
    pub(crate) advanced: AdvancedSection,
    /// The section "flespi settings".
    pub(crate) flespi: FlespiSection,
    /// The section "Sessions".
    pub(crate) sessions: SessionsSection,
    /// The dialog of a stale sign-in.
    pub(crate) dialog: Option<Reauthenticate>,
}

/// The row "Email".
#[derive(Debug, Clone)]
pub(crate) struct EmailRow {
    /// What stands in the input: the address, the pending one, or what was typed.
    pub(crate) value: String,
    /// What is stored.
    pub(crate) state: EmailState,
    /// The code line; there while an address is pending.
    pub(crate) line: Option<CodeLine>,
    /// Whether the address can be removed.
    pub(crate) removal: Removal,
    /// Gates that are closed; any switches the row off.
    pub(crate) gates: Vec<Gate>,
    /// What was just done. A problem stands at the input.
    pub(crate) notice: Option<Notice>,
}

/// What is stored as the address.
#[derive(Debug, Clone)]
pub(crate) enum EmailState {
    /// Nothing.
    None,
    /// A proved address.
    Confirmed,
    /// A new address that waits for its code.
    Pending {
        /// The new one.
        new: String,
        /// The one in use until then.
        old: Option<String>,
    },
}

/// Whether the address can be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// There is none.
    Absent,
    /// It can.
    Offered,
    /// Something uses it.
    InUse {
        /// Two-factor authentication does.
        two_factor: bool,
        /// The notices about blocking do.
        notices: bool,
    },
}

/// The section "Two-factor authentication".
#[derive(Debug, Clone)]
pub(crate) struct TwoFactorSection {
    /// How codes travel when it is on.
    pub(crate) on: Option<On>,
    /// The method whose panel is open.
    pub(crate) chosen: Method,
    /// The panel "Via email".
    pub(crate) email: EmailPanel,
    /// The panel "Via SMS".
    pub(crate) sms: SmsPanel,
    /// The panel "Off" while it is on.
    pub(crate) turn_off: TurnOff,
    /// The code line; there while a code is on its way.
    pub(crate) line: Option<CodeLine>,
    /// Gates that are closed for any change here.
    pub(crate) gates: Vec<Gate>,
    /// What was just done.
    pub(crate) notice: Option<Notice>,
}

/// A method of receiving the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// None.
    Off,
    /// By mail.
    Email,
    /// To a phone.
    Sms,
}

/// How codes travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum On {
    /// By mail, to this masked address.
    Email(String),
    /// By SMS, to this masked number.
    Sms(String),
    /// By SMS, but none can be sent.
    Stopped {
        /// Why not.
        reasons: Vec<Gate>,
        /// The masked address they are mailed to instead, if they may be.
        email: Option<String>,
    },
}

/// The panel "Via SMS".
#[derive(Debug, Clone)]
pub(crate) struct SmsPanel {
    /// What stands in the input: the number, or what was typed.
    pub(crate) number: String,
    /// Gates that are closed for this method.
    pub(crate) gates: Vec<Gate>,
    /// Until when the account's quota is used up, if that is known.
    pub(crate) quota_until: Option<Time>,
}

/// The panel "Via email".
#[derive(Debug, Clone)]
pub(crate) struct EmailPanel {
    /// The masked address codes would go to; `None` when there is none.
    pub(crate) address: Option<String>,
    /// The whole pending address, when it is to be confirmed right here by the same code.
    pub(crate) pending: Option<String>,
    /// Gates that are closed for this method.
    pub(crate) gates: Vec<Gate>,
}

/// Whether it can be turned off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnOff {
    /// It can.
    Offered,
    /// The password cannot stand alone.
    PasswordTooShort {
        /// The least length, in characters.
        minimum: u32,
    },
}

/// A part of the tab that is swapped by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The section "Authorization settings".
    Authorization,
    /// The section "Two-factor authentication".
    TwoFactor,
    /// The section "Advanced settings".
    Advanced,
    /// The section "flespi settings".
    Flespi,
    /// The section "Sessions".
    Sessions,
    /// The slot of the dialog.
    Dialog,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsTemplate<'a> {
    frame: &'a Frame,
    page: &'a SecurityPage,
    t: &'static Texts,
}

#[derive(Template)]
#[template(path = "fragment.html")]
struct FragmentTemplate<'a> {
    frame: &'a Frame,
    page: &'a SecurityPage,
    parts: &'a [Part],
    t: &'static Texts,
}

impl SecurityPage {
    /// The whole page.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn html(&self) -> Result<String, askama::Error> {
        SettingsTemplate { frame: &self.frame, page: self, t: self.frame.texts() }.render()
    }

    /// Leaves the focus to one element: a refused field, else the code line that something was just wrong with, else
    /// the one at `newest`. A line about what was done or refused elsewhere is read before a code is typed.
    pub(crate) fn settle_focus(&mut self, newest: Place) {
        let said = [
            self.email.notice.is_some(),
            self.password.notice.is_some(),
            self.two_factor.notice.is_some(),
            self.advanced.notice.is_some(),
            self.flespi.notice.is_some(),
            self.sessions.notice.is_some(),
        ];
        let lines = [&mut self.email.line, &mut self.two_factor.line];
        let mut lines: Vec<_> = lines.into_iter().filter_map(Option::as_mut).collect();
        let refused = lines.iter().find(|line| line.problem.is_some()).map(|line| line.place);
        let only = if let [line] = lines.as_slice() { line.place } else { newest };
        let chosen = refused.unwrap_or(only);
        for line in &mut lines {
            line.focus = !said.contains(&true) && line.place == chosen;
        }
    }

    /// Some parts of it, for a request with `HX-Request: true`. The slot of the dialog is always among them.
    ///
    /// # Errors
    ///
    /// A template could not be written.
    pub(crate) fn fragment(&self, parts: &[Part]) -> Result<String, askama::Error> {
        FragmentTemplate { frame: &self.frame, page: self, parts, t: self.frame.texts() }.render()
    }

    fn question(&self) -> Option<Question<'_>> {
        self.dialog.as_ref().map(Reauthenticate::question)
    }
}

impl Part {
    /// The id of the element.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::TwoFactor => "two-factor",
            Self::Advanced => "advanced",
            Self::Flespi => "flespi",
            Self::Sessions => "sessions",
            Self::Dialog => "dialog-slot",
        }
    }

    /// The attributes of a form of this part: a plain post, and a swap of the part where there is JavaScript.
    pub(super) fn post(self, route: &'static str) -> Html {
        let id = self.id();
        let others: Vec<_> = [
            Self::Authorization,
            Self::TwoFactor,
            Self::Advanced,
            Self::Flespi,
            Self::Sessions,
            Self::Dialog,
        ]
        .into_iter()
        .filter(|other| *other != self)
        .map(|other| format!("#{}", other.id()))
        .collect();
        Html::trusted(format!(
            "method=\"post\" action=\"{route}\" hx-post=\"{route}\" hx-target=\"#{id}\" hx-select=\"#{id}\" \
             hx-select-oob=\"{}\" hx-swap=\"outerHTML\" hx-sync=\"this:drop\" novalidate",
            others.join(",")
        ))
    }

    /// The attributes of a form that loads a page in any case.
    pub(super) fn plain(route: &'static str) -> Html {
        Html::trusted(format!("method=\"post\" action=\"{route}\" novalidate"))
    }
}

impl EmailRow {
    fn problem(&self) -> Option<&Problem> {
        match &self.notice {
            Some(Notice::Alert(problem)) => Some(problem),
            Some(Notice::Status(_)) | None => None,
        }
    }

    fn is_invalid(&self) -> bool {
        matches!(
            self.problem(),
            Some(Problem::InvalidEmail | Problem::UnchangedEmail | Problem::AddressTaken)
        )
    }

    fn said(&self, language: Language) -> Option<&'static str> {
        match &self.notice {
            Some(Notice::Status(said)) => Some(said.text(language)),
            Some(Notice::Alert(_)) | None => None,
        }
    }

    fn is_confirmed(&self) -> bool {
        matches!(self.state, EmailState::Confirmed)
    }

    fn state_line(&self, language: Language) -> Html {
        let texts = language.texts();
        match &self.state {
            EmailState::None => Html::text(texts.email_none),
            EmailState::Confirmed => Html::text(texts.email_confirmed),
            EmailState::Pending { new, old: Some(old) } => {
                let sentence = Sentence::new(texts.email_pending_until_then);
                sentence.address("new", new).address("old", old).html()
            }
            EmailState::Pending { new, old: None } => {
                Sentence::new(texts.email_pending).address("new", new).html()
            }
        }
    }

    fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.problem().is_some() {
            ids.push("email-problem");
        }
        if !self.gates.is_empty() {
            ids.push("email-gates");
        }
        ids.extend(["email-state", "email-help"]);
        ids.join(" ")
    }

    fn in_use(&self, language: Language) -> Vec<&'static str> {
        let texts = language.texts();
        match self.removal {
            Removal::Absent | Removal::Offered => Vec::new(),
            Removal::InUse { two_factor, notices } => {
                let reasons = [(two_factor, texts.used_by_two_factor), (notices, texts.used_by_notices)];
                reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, words)| words).collect()
            }
        }
    }

    fn can_be_removed(&self) -> bool {
        self.removal == Removal::Offered && self.gates.is_empty()
    }
}

impl TwoFactorSection {
    fn stored(&self) -> Method {
        match self.on {
            None => Method::Off,
            Some(On::Email(_)) => Method::Email,
            Some(On::Sms(_) | On::Stopped { .. }) => Method::Sms,
        }
    }

    /// The class of the state line: what is on and does not work is told from what does.
    fn state_class(&self) -> &'static str {
        match self.on {
            None => "off",
            Some(On::Email(_) | On::Sms(_)) => "on",
            Some(On::Stopped { .. }) => "stopped",
        }
    }

    fn state_line(&self, language: Language) -> Html {
        let texts = language.texts();
        match &self.on {
            None => Html::text(texts.two_factor_off),
            Some(On::Email(address)) => Sentence::new(texts.two_factor_on).address("address", address).html(),
            Some(On::Sms(phone)) => Sentence::new(texts.two_factor_on_sms).address("phone", phone).html(),
            Some(On::Stopped { reasons, email: Some(email) }) => self
                .why_stopped(texts.two_factor_sms_by_email, reasons, language)
                .address("email", email)
                .html(),
            Some(On::Stopped { reasons, email: None }) => {
                self.why_stopped(texts.two_factor_sms_stopped, reasons, language).html()
            }
        }
    }

    /// A sentence with its reasons; the dot behind the last is the sentence's own.
    fn why_stopped(&self, text: &'static str, reasons: &[Gate], language: Language) -> Sentence {
        let words: Vec<_> = reasons.iter().map(|gate| self.gate_words(*gate, language)).collect();
        let words: Vec<_> = words.iter().map(Html::as_str).collect();
        let words = words.join(" ");
        let words = words.strip_suffix('.').unwrap_or(&words);
        Sentence::new(text).markup("reasons", Html::trusted(words.to_owned()))
    }

    /// A gate in words, with the time until which it stays closed, where that is known.
    fn gate_words(&self, gate: Gate, language: Language) -> Html {
        match (gate, &self.sms.quota_until) {
            (Gate::QuotaSms, Some(until)) => {
                Sentence::new(language.texts().gate_quota_sms_until).time("time", until).html()
            }
            _ => Html::text(gate.text(language)),
        }
    }

    /// The line of a code by mail.
    fn email_line(&self) -> Option<&CodeLine> {
        self.line.as_ref().filter(|line| !line.sms)
    }

    /// The line of a code by SMS.
    fn sms_line(&self) -> Option<&CodeLine> {
        self.line.as_ref().filter(|line| line.sms)
    }

    /// Whether an alert stands at the number.
    fn number_problem(&self) -> Option<&Problem> {
        match &self.notice {
            Some(Notice::Alert(problem @ (Problem::InvalidPhone | Problem::UnchangedPhone))) => Some(problem),
            _ => None,
        }
    }

    /// Every closed gate of SMS in words, each once.
    fn sms_gates(&self, language: Language) -> Vec<Html> {
        let mut gates = self.gates.clone();
        for gate in &self.sms.gates {
            if !gates.contains(gate) {
                gates.push(*gate);
            }
        }
        gates.into_iter().map(|gate| self.gate_words(gate, language)).collect()
    }

    /// What describes the number.
    fn number_described_by(&self, gates: &[Html]) -> String {
        let mut ids = Vec::new();
        if self.number_problem().is_some() {
            ids.push("two-factor-phone-problem");
        }
        if !gates.is_empty() {
            ids.push("two-factor-sms-gates");
        }
        ids.push("two-factor-phone-help");
        ids.join(" ")
    }

    fn code_goes_to(&self, language: Language) -> Option<Html> {
        let address = self.email.address.as_ref()?;
        Some(Sentence::new(language.texts().code_goes_to).address("address", address).html())
    }

    /// Every closed gate of the method, each once.
    fn email_gates(&self) -> Vec<Gate> {
        let mut gates = self.gates.clone();
        for gate in &self.email.gates {
            if !gates.contains(gate) {
                gates.push(*gate);
            }
        }
        gates
    }

    fn too_short(&self, language: Language) -> Option<Html> {
        match self.turn_off {
            TurnOff::Offered => None,
            TurnOff::PasswordTooShort { minimum } => {
                Some(Problem::PasswordTooShort { minimum }.html(language))
            }
        }
    }
}

impl Method {
    /// Its name in a form.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Off => "none",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    /// The method of a name in a form or query.
    pub(crate) fn of_value(value: &str) -> Option<Self> {
        [Self::Off, Self::Email, Self::Sms].into_iter().find(|method| method.value() == value)
    }
}
