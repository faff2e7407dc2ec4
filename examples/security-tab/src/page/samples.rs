//! What the gallery fills its pages with.

use super::{
    AdvancedSection, Banner, Blocking, CodeLine, DevMessage, EmailPanel, EmailRow, EmailState, Fate, Frame,
    Gate, Identity, LiveCode, MessagesPage, Method, Moved, News, On, PasswordRow, Place, Proof, Removal,
    Resend, SecurityPage, SentMail, SessionsSection, ShownSession, SmsPanel, StatesPage, Stop, TemplatesPage,
    Time, TimelinePage, TurnOff, TwoFactorSection, UserLine, WordedMessage,
};
use crate::texts::Language;
use chrono::NaiveDate;

/// Samples in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Samples {
    /// The language.
    pub(super) language: Language,
}

/// A long address.
pub(super) const ADDRESS: &str = "alice.long.address@engineering.example.com";
/// The same, masked.
pub(super) const MASKED: &str = "a•••@engineering.example.com";

impl Samples {
    /// What was sent, with an SMS among it.
    pub(super) fn messages(self) -> MessagesPage {
        let mail = DevMessage {
            id: "019a2b".into(),
            sms: false,
            to: ADDRESS.into(),
            subject: Some("493 201 is your code".into()),
            text:
                "Your code is 493201.\n\nIt is valid until 16:10.\nIf this was not you, change the password."
                    .into(),
            html: Some("<h1 style=\"font-family:sans-serif\">493201</h1><script>parent.x=1</script>".into()),
            at: Self::at("16:00", "14:00:00"),
        };
        let sms = DevMessage {
            id: "019a2a".into(),
            sms: true,
            to: "+37120000000".into(),
            subject: None,
            text: "Code: 112233".into(),
            html: None,
            at: Self::at("15:58", "13:58:00"),
        };
        MessagesPage { frame: self.outside(), messages: vec![mail, sms] }
    }

    /// The pages of development mode.
    pub(super) fn dev_pages(self) -> Result<Vec<(&'static str, String)>, askama::Error> {
        let frame = self.outside();
        let none = MessagesPage { frame: frame.clone(), messages: Vec::new() };
        let states = vec!["en-sign-in".to_owned(), "ru-sign-in".to_owned()];
        let worded = WordedMessage {
            kind: "two_factor_off",
            subject: "Zwei-Faktor-Authentifizierung ist ausgeschaltet: portcullis".into(),
            text: "Ab jetzt genügt das Passwort.\n".into(),
            html: "<p>Ab jetzt genügt das <strong>Passwort</strong>.</p>".into(),
        };
        let templates = TemplatesPage {
            frame: frame.clone(),
            languages: ["en", "de"].map(str::to_owned).to_vec(),
            shown: "de".into(),
            messages: vec![worded],
        };
        Ok(vec![
            ("messages", self.messages().html()?),
            ("messages-none", none.html()?),
            ("templates", templates.html()?),
            ("states", StatesPage { frame, names: states }.html()?),
            ("timeline", self.timeline().html()?),
            ("timeline-moved", self.timeline_moved().html()?),
            ("timeline-none", TimelinePage { users: Vec::new(), next: None, ..self.timeline() }.html()?),
        ])
    }

    /// The notices of two users: some are out, some are planned, and some do not go.
    fn timeline(self) -> TimelinePage {
        let notice = |day: u32, fate| Stop::Notice {
            day: self.day(day),
            hour: Self::at("09:00", "07:00:00"),
            left: 7 - day,
            fate,
        };
        let now = || Stop::Now(Self::at("2026-03-04 16:00", "14:00:00"));
        let block = || Stop::Block(Self::at("2026-03-07 02:00", "00:00:00"));
        let sent = |id: &str, fresh| Fate::Sent {
            mail: Some((id.to_owned(), Self::at("2026-03-04 09:00", "07:00:00"))),
            fresh,
        };
        let line = |login: &str, stops| UserLine {
            login: login.into(),
            account: "demo".into(),
            zone: "Europe/Riga".into(),
            stops,
        };
        let told = vec![
            notice(2, Fate::Withheld("day_over")),
            notice(3, Fate::Sent { mail: None, fresh: false }),
            notice(4, sent("019a2b", true)),
            now(),
            notice(5, Fate::Planned),
            notice(6, Fate::Withheld("given_up")),
            block(),
        ];
        let why = ["switched_off", "email_unconfirmed", "disabled", "blocked", "service_off"];
        let mut untold: Vec<_> = (2..).zip(why).map(|(day, why)| notice(day, Fate::Withheld(why))).collect();
        untold.insert(3, now());
        untold.push(block());
        TimelinePage {
            frame: Frame { zone: "UTC".into(), ..self.outside() },
            now: Self::at("2026-03-04 14:00", "14:00:00"),
            next: Some(Self::at("2026-03-05 07:00", "07:00:00")),
            moved: None,
            users: vec![line("alice", told), line("bob", untold)],
        }
    }

    /// The same after the clock was moved.
    fn timeline_moved(self) -> TimelinePage {
        let mail = SentMail {
            id: "019a2b".into(),
            subject: "493 201 is your code".into(),
            to: ADDRESS.into(),
            at: Self::at("2026-03-04 07:00", "07:00:00"),
        };
        let from = Self::at("2026-03-03 14:00", "14:00:00");
        TimelinePage { moved: Some(Moved { from, sent: vec![mail] }), ..self.timeline() }
    }

    /// A line with a code on its way.
    pub(super) fn line(place: Place) -> CodeLine {
        CodeLine {
            place,
            challenge: "sample-challenge".into(),
            live: Some(LiveCode { destination: MASKED.into(), valid_until: Self::at("16:10", "14:10:00") }),
            resend: Resend { at: Some(Self::at("16:01", "14:01:00")), now: "2026-03-02T14:00:12Z".into() },
            problem: None,
            news: News::Known,
            sms: false,
            email_instead: false,
            focus: true,
            carried: Vec::new(),
        }
    }

    /// A resend that has not to wait.
    pub(super) fn resend_now() -> Resend {
        Resend { at: None, now: Self::at("16:05", "14:05:00").rfc3339 }
    }

    /// A tab without an address.
    pub(super) fn tab(self) -> SecurityPage {
        let identity = Identity { login: "alice".into(), account: "demo".into(), administers: false };
        SecurityPage {
            frame: Frame { identity: Some(identity), ..self.outside() },
            banner: None,
            email: EmailRow {
                value: String::new(),
                state: EmailState::None,
                line: None,
                removal: Removal::Absent,
                gates: Vec::new(),
                notice: None,
            },
            password: PasswordRow { minimum: 15, gates: Vec::new(), notice: None },
            two_factor: TwoFactorSection {
                on: None,
                chosen: Method::Off,
                email: EmailPanel { address: None, pending: None, gates: Vec::new() },
                sms: SmsPanel { number: String::new(), gates: Vec::new(), quota_until: None },
                turn_off: TurnOff::Offered,
                line: None,
                gates: Vec::new(),
                notice: None,
            },
            advanced: AdvancedSection {
                enabled: false,
                address: None,
                days: 5,
                blocking: Blocking::Never,
                gates: vec![Gate::EmailUnconfirmed],
                notice: None,
            },
            flespi: Self::flespi_absent(),
            sessions: SessionsSection { sessions: vec![Self::session(0)], notice: None },
            dialog: None,
        }
    }

    /// A tab with a confirmed address.
    pub(super) fn confirmed(self) -> SecurityPage {
        let mut page = self.tab();
        page.email.value = ADDRESS.into();
        page.email.state = EmailState::Confirmed;
        page.email.removal = Removal::Offered;
        page.advanced.address = Some(MASKED.into());
        page.advanced.gates = Vec::new();
        page.advanced.blocking = self.blocking();
        page.two_factor.email.address = Some(MASKED.into());
        page
    }

    /// A tab with an address that waits for its code.
    pub(super) fn pending(self, old: Option<&str>) -> SecurityPage {
        let mut page = self.confirmed();
        page.email.state = EmailState::Pending { new: ADDRESS.into(), old: old.map(str::to_owned) };
        page.email.removal = if old.is_some() { Removal::Offered } else { Removal::Absent };
        page.email.line = Some(Self::line(Place::Email));
        page.advanced.address = old.map(|_| "a•••@example.org".to_owned());
        page.advanced.gates = if old.is_some() { Vec::new() } else { vec![Gate::EmailUnconfirmed] };
        page.two_factor.email.address = old.map(|_| "a•••@example.org".to_owned());
        page
    }

    /// The section when it is on.
    pub(super) fn switched_on(self) -> TwoFactorSection {
        let mut section = self.confirmed().two_factor;
        section.on = Some(On::Email(MASKED.into()));
        section.chosen = Method::Email;
        section
    }

    /// A session: number 0 is the one of this browser.
    pub(super) fn session(number: u32) -> ShownSession {
        let here = number == 0;
        let moment = |local: &str, utc: &str| Time {
            rfc3339: format!("2026-03-{utc}Z"),
            local: format!("2026-03-{local}"),
        };
        ShownSession {
            handle: format!("sample-{number}"),
            here,
            proof: if here { Proof::Password } else { Proof::PasswordEmail },
            began: if here { moment("02 15:58", "02T13:58:00") } else { moment("01 09:12", "01T07:12:00") },
            used: if here { moment("02 16:00", "02T14:00:00") } else { moment("02 11:47", "02T09:47:00") },
        }
    }

    /// A day on which the account is blocked, and that of the first mail.
    pub(super) fn blocking(self) -> Blocking {
        Blocking::On { date: self.day(25), first: self.day(20) }
    }

    pub(super) fn day(self, day: u32) -> Time {
        let day = NaiveDate::from_ymd_opt(2026, 3, day).unwrap_or_default();
        Time { rfc3339: day.to_string(), local: self.language.day(day) }
    }

    /// The warning.
    pub(super) fn banner(self, days: u32) -> Banner {
        Banner { account: "demo".into(), date: self.day(5), days }
    }

    /// The frame without an identity.
    pub(super) fn outside(self) -> Frame {
        Frame { language: self.language, zone: "Europe/Riga".into(), identity: None, dev_mode: true }
    }

    /// A moment of one day, worded.
    pub(super) fn at(local: &str, utc: &str) -> Time {
        Time { rfc3339: format!("2026-03-02T{utc}Z"), local: local.to_owned() }
    }
}
