//! The view model of the tab, from what is stored.

use chrono::{DateTime, Utc};
use portcullis::account::TimeZone;
use portcullis::challenge::{Channel, PendingCode};
use portcullis::contact::{Email, Phone};
use portcullis::decision::Reason;
use portcullis::id::SessionId;
use portcullis::rights::Gate as CoreGate;
use portcullis::session::{Assurance, ListedSession};
use portcullis::settings::SecuritySettings;
use portcullis::spend::Quota;
use portcullis::user::{self, User};

use super::fault::{Fault, Wording};
use super::show::{Show, Spot};
use super::ticket::Ticket;
use super::visit::{Stop, Visit};
use super::words::{date_and_time_of, day_of, from_time_of, rfc3339, time_of};
use crate::page::{
    AdvancedSection, Banner, Blocking, CodeLine, EmailPanel, EmailRow, EmailState, Frame, Gate, Identity,
    LiveCode, Method, News, Notice, On, PasswordRow, Place, Problem, Proof, Removal, Resend, Said,
    SecurityPage, SessionsSection, ShownSession, SmsPanel, TurnOff, TwoFactorSection,
};
use crate::texts::Language;

/// What is stored of the user who asks.
pub(super) struct Known {
    pub(super) settings: SecuritySettings,
    user: User,
    sessions: Vec<ListedSession>,
    pub(super) now: DateTime<Utc>,
    password_maximum: u32,
    notice_days: u32,
    administers: bool,
    quota_until: Option<DateTime<Utc>>,
}

impl Known {
    /// Reads it.
    pub(super) async fn read(visit: &Visit, session: SessionId) -> Result<Self, Stop> {
        let portcullis = visit.portcullis();
        let settings = portcullis.settings(session).await.map_err(|error| visit.end(error))?;
        // The settings do not tell of a pending address whose code is dead; the page offers a new code for it.
        let user = portcullis.users().get(settings.user.id).await.map_err(|error| visit.end(error))?;
        let sessions = portcullis.sessions().list(session).await.map_err(|error| visit.end(error))?;
        let password_maximum = portcullis.policy().password_maximum;
        let notice_days = portcullis.policy().notice_days;
        let administers = visit.administers(session).await?;
        let now = portcullis.now();
        let account =
            portcullis.accounts().get(settings.account.id).await.map_err(|error| visit.end(error))?;
        let service = settings.account.services.get("sms").copied();
        let quota_until = service.and_then(|service| Quota::sms(&account, service).renews_at(now));
        Ok(Self { settings, user, sessions, now, password_maximum, notice_days, administers, quota_until })
    }

    pub(super) fn zone(&self) -> TimeZone {
        self.settings.user.time_zone
    }

    /// The tab.
    pub(super) fn page(&self, visit: &Visit, show: &Show) -> SecurityPage {
        let (email_said, two_factor_said) = show.statuses();
        let mut page = SecurityPage {
            frame: self.frame(visit),
            banner: self.banner(),
            email: self.email(visit, email_said),
            password: self.password(show),
            two_factor: self.two_factor(visit, show, two_factor_said),
            advanced: self.advanced(show),
            flespi: self.flespi(show),
            sessions: self.sessions(visit, show),
            dialog: show.dialog.clone(),
        };
        if let Some(typed) = &show.typed {
            page.email.value.clone_from(typed);
        }
        if let Some(phone) = &show.phone {
            page.two_factor.sms.number.clone_from(phone);
        }
        if let Some((spot, fault)) = &show.fault {
            self.put(&mut page, *spot, fault);
        }
        page.settle_focus(self.newest_line());
        page
    }

    /// The place of the code that was sent last.
    fn newest_line(&self) -> Place {
        let ends = |code: Option<&PendingCode>| code.map(|code| code.expires_at);
        let email = ends(self.settings.email.pending.as_ref().map(|pending| &pending.code));
        let two_factor = ends(self.settings.two_factor.pending.as_ref().map(|pending| &pending.code));
        if two_factor > email { Place::TwoFactor } else { Place::Email }
    }

    /// Puts what went wrong where it belongs: into the line of a code while there is one, else beside the control.
    fn put(&self, page: &mut SecurityPage, spot: Spot, fault: &Fault) {
        let email = self.settings.email.pending.as_ref().map(|pending| &pending.code);
        let two_factor = self.settings.two_factor.pending.as_ref().map(|pending| &pending.code);
        let left = |code: Option<&PendingCode>| code.map_or(0, |code| code.attempts_left);
        let (line, notice, attempts_left) = match spot {
            Spot::Email => (None, &mut page.email.notice, 0),
            Spot::Password => (None, &mut page.password.notice, 0),
            Spot::EmailCode => (page.email.line.as_mut(), &mut page.email.notice, left(email)),
            Spot::TwoFactor => (None, &mut page.two_factor.notice, 0),
            Spot::Advanced => (None, &mut page.advanced.notice, 0),
            Spot::Flespi => (None, &mut page.flespi.notice, 0),
            Spot::Sessions => (None, &mut page.sessions.notice, 0),
            Spot::TwoFactorCode => {
                (page.two_factor.line.as_mut(), &mut page.two_factor.notice, left(two_factor))
            }
        };
        let minimum = match spot {
            Spot::Password => self.settings.password.minimum,
            Spot::Email
            | Spot::EmailCode
            | Spot::TwoFactor
            | Spot::TwoFactorCode
            | Spot::Advanced
            | Spot::Flespi
            | Spot::Sessions => self.settings.password_minimum_alone,
        };
        let (now, zone, maximum) = (self.now, self.zone(), self.password_maximum);
        let wording = Wording { now, zone, minimum, maximum, attempts_left, signed_in: true };
        let problem = match (spot, fault.reason()) {
            (Spot::TwoFactor, Some(Reason::Unchanged)) if page.two_factor.chosen == Method::Sms => {
                Problem::UnchangedPhone
            }
            (Spot::Password, Some(Reason::Unchanged)) => Problem::UnchangedPassword,
            (Spot::Flespi, None) => super::flespi_view::problem(fault, wording),
            _ => fault.problem(wording),
        };
        match line {
            // That another user holds the address is no fault of the code.
            Some(line) if !matches!(problem, Problem::AddressTaken) => line.problem = Some(problem),
            Some(_) | None => *notice = Some(Notice::Alert(problem)),
        }
    }

    fn frame(&self, visit: &Visit) -> Frame {
        let identity = Identity {
            login: self.settings.user.login.as_str().to_owned(),
            account: self.settings.account.name.clone(),
            administers: self.administers,
        };
        Frame {
            language: self.language(),
            zone: self.zone().name().to_owned(),
            identity: Some(identity),
            dev_mode: visit.app.dev.is_some(),
        }
    }

    /// The warning, within the days in which mails are sent too.
    fn banner(&self) -> Option<Banner> {
        let days = self.settings.account.days_left.filter(|days| *days <= self.notice_days)?;
        let date = day_of(self.settings.notices.blocking.blocking_date?, self.language());
        Some(Banner { account: self.settings.account.name.clone(), date, days })
    }

    fn advanced(&self, show: &Show) -> AdvancedSection {
        let said = show.said.filter(|said| matches!(said, Said::NoticesSaved));
        let notices = &self.settings.notices.blocking;
        let blocking = match (notices.blocking_date, notices.first_notice) {
            (Some(_), _) if self.settings.account.blocked => Blocking::Already,
            (Some(date), Some(first)) => Blocking::On {
                date: day_of(date, self.language()),
                first: day_of(self.zone().day(first), self.language()),
            },
            (None, _) | (_, None) => Blocking::Never,
        };
        AdvancedSection {
            enabled: notices.enabled,
            address: self.user.confirmed_email().map(Email::masked),
            days: self.notice_days,
            blocking,
            gates: notices.change.missing().iter().map(|gate| Gate::of_name(gate.name())).collect(),
            notice: said.map(Notice::Status),
        }
    }

    pub(super) fn language(&self) -> Language {
        Language::of_tag(self.settings.user.language.base())
    }

    fn email(&self, visit: &Visit, notice: Option<Notice>) -> EmailRow {
        let confirmed = self.user.confirmed_email().map(|email| email.as_str().to_owned());
        let pending = self.user.pending_email.as_ref().map(|pending| pending.address.as_str().to_owned());
        let pending = pending.filter(|pending| confirmed.as_ref() != Some(pending));
        let line = pending.as_ref().map(|_| match &self.settings.email.pending {
            Some(pending) => self.line(visit, Place::Email, &pending.code),
            None => self.dead_line(Place::Email),
        });
        let two_factor = self.settings.two_factor.method != user::Method::None;
        let notices = self.settings.notices.blocking.enabled;
        let removal = match (&confirmed, two_factor || notices) {
            (None, _) => Removal::Absent,
            (Some(_), false) => Removal::Offered,
            (Some(_), true) => Removal::InUse { two_factor, notices },
        };
        let value = pending.clone().or_else(|| confirmed.clone()).unwrap_or_default();
        let state = match (pending, confirmed) {
            (Some(new), old) => EmailState::Pending { new, old },
            (None, Some(_)) => EmailState::Confirmed,
            (None, None) => EmailState::None,
        };
        EmailRow { value, state, line, removal, gates: Vec::new(), notice }
    }

    fn password(&self, show: &Show) -> PasswordRow {
        let said = show.said.filter(|said| matches!(said, Said::PasswordChanged));
        let missing = self.settings.password.change.missing();
        PasswordRow {
            minimum: self.settings.password.minimum,
            gates: missing.iter().map(|gate| Gate::of_name(gate.name())).collect(),
            notice: said.map(Notice::Status),
        }
    }

    fn two_factor(&self, visit: &Visit, show: &Show, notice: Option<Notice>) -> TwoFactorSection {
        let settings = &self.settings.two_factor;
        let confirmed = self.user.confirmed_email();
        let pending = self.settings.email.pending.as_ref().map(|pending| pending.address.clone());
        // With an address in use already, the code goes there and confirms nothing else.
        let pending = pending.filter(|_| confirmed.is_none());
        let on = self.on();
        let line = settings.pending.as_ref().map(|pending| self.line(visit, Place::TwoFactor, &pending.code));
        let stored = match (&line, &on) {
            (Some(line), _) if line.sms => Method::Sms,
            (Some(_), _) | (None, Some(On::Email(_))) => Method::Email,
            (None, Some(On::Sms(_) | On::Stopped { .. })) => Method::Sms,
            (None, None) => Method::Off,
        };
        let chosen = show.chosen.unwrap_or(stored);
        let missing = |method: user::Method| {
            let option = settings.options.iter().find(|option| option.method == method);
            option.map(|option| option.verdict.missing().to_vec()).unwrap_or_default()
        };
        let mut gates: Vec<_> =
            missing(user::Method::Email).iter().map(|gate| Gate::of_name(gate.name())).collect();
        // The panel says itself that an address comes first.
        gates.retain(|gate| *gate != Gate::EmailUnconfirmed);
        let masked = confirmed.map(Email::masked).or_else(|| {
            let waiting = self.user.pending_email.as_ref().filter(|_| pending.is_some());
            waiting.map(|waiting| waiting.address.masked())
        });
        let too_short = missing(user::Method::None).contains(&CoreGate::WeakPassword);
        let minimum = self.settings.password_minimum_alone;
        TwoFactorSection {
            on,
            chosen,
            email: EmailPanel { address: masked, pending, gates },
            sms: SmsPanel {
                number: self.settings.phone.number.clone().unwrap_or_default(),
                gates: missing(user::Method::Sms).iter().map(|gate| Gate::of_name(gate.name())).collect(),
                quota_until: self.quota_until.map(|until| date_and_time_of(until, self.zone())),
            },
            turn_off: if too_short { TurnOff::PasswordTooShort { minimum } } else { TurnOff::Offered },
            line,
            gates: Vec::new(),
            notice,
        }
    }

    /// How codes travel while it is on.
    fn on(&self) -> Option<On> {
        let settings = &self.settings.two_factor;
        let address = || self.user.confirmed_email().map(Email::masked);
        if settings.method == user::Method::None {
            return None;
        }
        if settings.method == user::Method::Email {
            return Some(On::Email(address().unwrap_or_default()));
        }
        let delivery = settings.delivery.as_ref()?;
        if delivery.channel == Some(Channel::Sms) {
            return Some(On::Sms(self.user.phone.as_ref().map(Phone::masked).unwrap_or_default()));
        }
        let reasons = delivery.reasons.iter().map(|gate| Gate::of_name(gate.name())).collect();
        let email = delivery.channel.and_then(|_| address());
        Some(On::Stopped { reasons, email })
    }

    fn sessions(&self, visit: &Visit, show: &Show) -> SessionsSection {
        let said = show.said.filter(|said| matches!(said, Said::SessionEnded | Said::SessionsEnded));
        let (here, others): (Vec<_>, Vec<_>) = self.sessions.iter().partition(|session| session.acting);
        let shown = |session: &ListedSession| ShownSession {
            handle: visit.portcullis().sessions().handle(session.id),
            here: session.acting,
            proof: match session.assurance {
                Assurance::PasswordEmail => Proof::PasswordEmail,
                Assurance::PasswordSms => Proof::PasswordSms,
                Assurance::Password | _ => Proof::Password,
            },
            began: date_and_time_of(session.created_at, self.zone()),
            used: date_and_time_of(session.used_at, self.zone()),
        };
        let sessions = here.into_iter().chain(others).map(shown).collect();
        SessionsSection { sessions, notice: said.map(Notice::Status) }
    }

    /// The line of a code that is on its way.
    fn line(&self, visit: &Visit, place: Place, code: &PendingCode) -> CodeLine {
        let challenge = visit.portcullis().challenge_token(code.id);
        let mut line = Ticket::of(code).line(place, challenge, self.now, self.zone());
        line.tell(code.delivery);
        if code.attempts_left == 0 {
            line.problem = Some(Problem::StartAgain);
        }
        line
    }

    /// The line of a code that is over: only a new one can be asked for.
    fn dead_line(&self, place: Place) -> CodeLine {
        CodeLine {
            place,
            challenge: String::new(),
            live: None,
            resend: Resend { at: None, now: rfc3339(self.now) },
            problem: None,
            news: News::Known,
            sms: false,
            email_instead: false,
            focus: true,
            carried: Vec::new(),
        }
    }
}

impl Ticket {
    /// The line into which the code is typed; `challenge` is what its forms send.
    pub(super) fn line(
        &self,
        place: Place,
        challenge: String,
        now: DateTime<Utc>,
        zone: TimeZone,
    ) -> CodeLine {
        let resend_at = (self.resend_at > now).then(|| from_time_of(self.resend_at, zone));
        CodeLine {
            place,
            challenge,
            live: Some(LiveCode {
                destination: self.destination.clone(),
                valid_until: time_of(self.expires_at, zone),
            }),
            resend: Resend { at: resend_at, now: rfc3339(now) },
            problem: None,
            news: News::Awaited,
            sms: self.sms,
            email_instead: self.email_instead,
            focus: true,
            carried: Vec::new(),
        }
    }
}
