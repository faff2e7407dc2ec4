//! Every state of the pages, from samples: for the gallery, the tests and the pictures.

mod flespi;
mod links;
mod sms;

use super::samples::{ADDRESS, MASKED, Samples};
use super::{
    Blocking, CodeLine, CodePage, EmailPanel, Gate, Method, Notice, PendingAction, Place, Problem,
    Reauthenticate, Removal, Said, SecurityPage, SignInPage, Step, TurnOff, TwoFactorSection, Weakness,
    field, route,
};
use crate::texts::Language;

/// One state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// Its name: the language's tag, then what is shown, by hyphens.
    pub(crate) name: String,
    /// The whole page.
    pub(crate) html: String,
}

/// Every state in every language.
///
/// # Errors
///
/// A template could not be written.
pub(crate) fn states() -> Result<Vec<State>, askama::Error> {
    let mut states = Vec::new();
    for language in Language::ALL {
        let samples = Samples { language };
        for (name, html) in samples.pages()? {
            states.push(State { name: format!("{}-{name}", language.tag()), html });
        }
    }
    Ok(states)
}

impl Samples {
    fn pages(self) -> Result<Vec<(&'static str, String)>, askama::Error> {
        let mut pages = Vec::new();
        for (name, page) in self.sign_in_pages() {
            pages.push((name, page.html()?));
        }
        for (name, page) in self.code_pages() {
            pages.push((name, page.html()?));
        }
        pages.extend(self.link_pages()?);
        let tabs = [
            self.email_pages(),
            self.password_pages(),
            self.two_factor_pages(),
            self.sms_pages(),
            self.both_codes_pages(),
            self.advanced_pages(),
            self.flespi_pages(),
            self.session_pages(),
            self.dialog_pages(),
        ];
        for (name, mut page) in tabs.into_iter().flatten() {
            page.settle_focus(Place::Email);
            pages.push((name, page.html()?));
        }
        pages.extend(super::admin::pages(self)?);
        pages.extend(self.dev_pages()?);
        Ok(pages)
    }

    fn sign_in_pages(self) -> Vec<(&'static str, SignInPage)> {
        let page = SignInPage {
            frame: self.outside(),
            login: String::new(),
            problem: None,
            said: None,
            signed_out: false,
        };
        let refused = |problem| SignInPage { login: "alice".into(), problem: Some(problem), ..page.clone() };
        let until = Self::at("16:25", "14:25:00");
        vec![
            ("sign-in-signed-out", SignInPage { signed_out: true, ..page.clone() }),
            ("sign-in-wrong", refused(Problem::BadCredentials)),
            ("sign-in-too-many", refused(Problem::TooManyAttempts { until })),
            ("sign-in-not-allowed", refused(Problem::NotAllowed(vec![Gate::EmailUnconfirmed]))),
            ("sign-in-busy", refused(Problem::CannotAnswer)),
            ("sign-in-password-set", SignInPage { said: Some(Said::PasswordSet), ..page.clone() }),
            ("sign-in-undone", SignInPage { said: Some(Said::EmailUndone), ..page.clone() }),
            ("sign-in", page),
        ]
    }

    fn code_pages(self) -> Vec<(&'static str, CodePage)> {
        let page = |line| CodePage { frame: self.outside(), line };
        let line = Self::line(Place::SignIn);
        let mut pages: Vec<_> =
            Self::lines(&line).into_iter().map(|(name, line)| (name.of_code_page(), page(line))).collect();
        let by_sms = CodeLine { email_instead: true, ..Self::sms_line(Place::SignIn) };
        pages.push(("code-email-instead", page(by_sms.clone())));
        pages.push(("code-maybe-sent", page(CodeLine { problem: Some(Problem::MaybeSent), ..by_sms })));
        pages.push(("code-resend-now", page(CodeLine { resend: Self::resend_now(), ..line.clone() })));
        pages.push(("code", page(line)));
        pages
    }

    fn email_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let none = self.tab();
        let failed = |value: &str, problem| {
            let mut page = self.tab();
            page.email.value = value.into();
            page.email.notice = Some(Notice::Alert(problem));
            page
        };
        let until = Self::at("16:25", "14:25:00");
        let mut pages = vec![
            ("email-none", none.clone()),
            ("email-confirmed", self.confirmed()),
            ("email-pending", self.pending(Some("alice@example.org"))),
            ("email-pending-first", self.pending(None)),
            ("email-invalid", failed("alice@", Problem::InvalidEmail)),
            ("email-unchanged", failed("alice@example.org", Problem::UnchangedEmail)),
            ("email-taken", failed(ADDRESS, Problem::AddressTaken)),
            ("email-too-many", failed(ADDRESS, Problem::NoMoreCodes { until: Some(until) })),
            ("email-unavailable", failed(ADDRESS, Problem::CannotAnswer)),
            ("email-in-use", failed(ADDRESS, Problem::AddressInUse)),
        ];
        for (name, line) in Self::lines(&Self::line(Place::Email)) {
            let mut page = self.pending(Some("alice@example.org"));
            page.email.line = Some(line);
            pages.push((name.of_email(), page));
        }
        let mut page = self.pending(None);
        page.email.line = Some(CodeLine {
            challenge: String::new(),
            live: None,
            resend: Self::resend_now(),
            ..Self::line(Place::Email)
        });
        pages.push(("email-pending-no-code", page));

        let said = |mut page: SecurityPage, said| {
            page.email.notice = Some(Notice::Status(said));
            page
        };
        pages.push(("email-said-confirmed", said(self.confirmed(), Said::EmailConfirmed)));
        pages.push(("email-said-canceled", said(self.confirmed(), Said::ChangeCanceled)));
        pages.push(("email-said-removed", said(none.clone(), Said::EmailRemoved)));

        let mut page = self.confirmed();
        page.email.removal = Removal::InUse { two_factor: true, notices: true };
        page.two_factor = self.switched_on();
        pages.push(("email-held", page));
        let mut page = self.confirmed();
        page.email.gates = vec![Gate::Blocked, Gate::Right];
        page.two_factor.gates = vec![Gate::Blocked, Gate::Right];
        page.advanced.gates = vec![Gate::Right, Gate::ServiceEmailNotification];
        pages.push(("gates", page));
        let mut page = none;
        page.banner = Some(self.banner(1));
        page.frame.dev_mode = false;
        pages.push(("banner-one-day", page));
        let mut page = self.confirmed();
        page.banner = Some(self.banner(3));
        page.advanced.enabled = true;
        pages.push(("banner", page));
        pages
    }

    fn advanced_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |enabled, notice, blocking| {
            let mut page = self.confirmed();
            page.advanced.enabled = enabled;
            page.advanced.notice = notice;
            page.advanced.blocking = blocking;
            if enabled {
                page.email.removal = Removal::InUse { two_factor: false, notices: true };
            }
            page
        };
        let blocking = self.blocking();
        vec![
            ("notices-off", with(false, None, blocking.clone())),
            ("notices-on", with(true, None, blocking.clone())),
            ("notices-said", with(true, Some(Notice::Status(Said::NoticesSaved)), blocking.clone())),
            ("notices-unavailable", with(false, Some(Notice::Alert(Problem::CannotAnswer)), blocking)),
            ("notices-never", with(true, None, Blocking::Never)),
            ("notices-blocked", with(true, None, Blocking::Already)),
        ]
    }

    fn password_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |notice| {
            let mut page = self.confirmed();
            page.password.notice = Some(notice);
            page
        };
        let failed = |problem| with(Notice::Alert(problem));
        let weak = |weaknesses: &[Weakness]| failed(Problem::WeakPassword(weaknesses.to_vec()));
        let until = Self::at("16:25", "14:25:00");
        let composition =
            [Weakness::NeedsUpper, Weakness::NeedsLower, Weakness::NeedsDigit, Weakness::NeedsSpecial];
        let mut without = self.confirmed();
        without.password.gates = vec![Gate::ChangePassword];
        let mut beside = self.confirmed();
        beside.password.minimum = 8;
        beside.two_factor = self.switched_on();
        vec![
            ("password", self.confirmed()),
            ("password-second-factor", beside),
            ("password-no-right", without),
            ("password-wrong", failed(Problem::WrongPassword)),
            ("password-differs", failed(Problem::RepeatDiffers)),
            ("password-too-short", weak(&[Weakness::TooShort { minimum: 15 }])),
            ("password-too-long", weak(&[Weakness::TooLong { maximum: 128 }, Weakness::Context])),
            ("password-too-common", weak(&[Weakness::TooCommon])),
            ("password-composition", weak(&composition)),
            ("password-unchanged", failed(Problem::UnchangedPassword)),
            ("password-too-many", failed(Problem::TooManyAttempts { until })),
            ("password-unavailable", failed(Problem::CannotAnswer)),
            ("password-said", with(Notice::Status(Said::PasswordChanged))),
        ]
    }

    fn two_factor_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |change: &dyn Fn(&mut TwoFactorSection)| {
            let mut page = self.confirmed();
            change(&mut page.two_factor);
            page
        };
        let on = |change: &dyn Fn(&mut TwoFactorSection)| {
            let mut page = self.confirmed();
            page.email.removal = Removal::InUse { two_factor: true, notices: false };
            page.two_factor = self.switched_on();
            change(&mut page.two_factor);
            page
        };
        let mut pages = vec![
            ("two-factor-email", with(&|section| section.chosen = Method::Email)),
            (
                "two-factor-gates",
                with(&|section| {
                    section.chosen = Method::Email;
                    section.email.gates = vec![Gate::Policy, Gate::EmailUnconfirmed];
                }),
            ),
            (
                "two-factor-send-failed",
                with(&|section| {
                    section.chosen = Method::Email;
                    section.notice = Some(Notice::Alert(Problem::SendFailed));
                }),
            ),
            (
                "two-factor-said-off",
                with(&|section| {
                    section.notice = Some(Notice::Status(Said::TwoFactorOff));
                }),
            ),
            (
                "two-factor-said-on",
                on(&|section| {
                    section.notice = Some(Notice::Status(Said::TwoFactorOn));
                }),
            ),
            ("two-factor-on", on(&|_| ())),
            ("two-factor-turn-off", on(&|section| section.chosen = Method::Off)),
            (
                "two-factor-too-short",
                on(&|section| {
                    section.chosen = Method::Off;
                    section.turn_off = TurnOff::PasswordTooShort { minimum: 15 };
                }),
            ),
        ];
        for (name, line) in Self::lines(&Self::line(Place::TwoFactor)) {
            pages.push((
                name.of_two_factor(),
                with(&|section| {
                    section.chosen = Method::Email;
                    section.line = Some(line.clone());
                }),
            ));
        }
        pages.push((
            "two-factor-code",
            with(&|section| {
                section.chosen = Method::Email;
                section.line = Some(Self::line(Place::TwoFactor));
            }),
        ));
        let mut page = self.tab();
        page.two_factor.chosen = Method::Email;
        pages.push(("two-factor-no-address", page));
        let mut page = self.pending(None);
        page.email.line =
            Some(CodeLine { live: None, resend: Self::resend_now(), ..Self::line(Place::Email) });
        page.two_factor.chosen = Method::Email;
        page.two_factor.email =
            EmailPanel { address: Some(MASKED.into()), pending: Some(ADDRESS.into()), gates: Vec::new() };
        pages.push(("two-factor-pending-address", page));
        pages
    }

    /// Two codes on their way at once, and a form refused beside one.
    fn both_codes_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let mut both = self.pending(Some("alice@example.org"));
        both.two_factor.chosen = Method::Email;
        both.two_factor.line = Some(Self::line(Place::TwoFactor));
        let mut wrong = both.clone();
        if let Some(line) = &mut wrong.two_factor.line {
            line.problem = Some(Problem::WrongCode { left: 4 });
        }
        let mut beside = self.pending(None);
        beside.password.notice = Some(Notice::Alert(Problem::WrongPassword));
        vec![("codes-both", both), ("codes-both-wrong", wrong), ("codes-password-wrong", beside)]
    }

    fn session_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let with = |others: u32, notice| {
            let mut page = self.confirmed();
            page.sessions.sessions.extend((1..=others).map(Self::session));
            page.sessions.notice = notice;
            page
        };
        vec![
            ("sessions-others", with(2, None)),
            ("sessions-said-one", with(1, Some(Notice::Status(Said::SessionEnded)))),
            ("sessions-said-all", with(0, Some(Notice::Status(Said::SessionsEnded)))),
            ("sessions-unavailable", with(1, Some(Notice::Alert(Problem::CannotAnswer)))),
        ]
    }

    fn dialog_pages(self) -> Vec<(&'static str, SecurityPage)> {
        let page = |step| {
            let mut page = self.confirmed();
            page.email.value = "new@example.com".into();
            page.dialog = PendingAction::new(route::EMAIL, [(field::ADDRESS, "new@example.com")])
                .map(|pending| Reauthenticate { login: "alice".into(), pending, step });
            page
        };
        let line = Self::line(Place::Reauthenticate);
        let until = Self::at("16:25", "14:25:00");
        let mut pages = vec![
            ("dialog-password", page(Step::Password(None))),
            ("dialog-password-wrong", page(Step::Password(Some(Problem::WrongPassword)))),
            ("dialog-password-too-many", page(Step::Password(Some(Problem::TooManyAttempts { until })))),
        ];
        for (name, line) in Self::lines(&line) {
            pages.push((name.of_dialog(), page(Step::Code(line))));
        }
        pages.push(("dialog-code", page(Step::Code(line))));
        pages
    }

    /// What can be wrong with a line, the same at every place.
    fn lines(line: &CodeLine) -> Vec<(Wrong, CodeLine)> {
        let until = Self::at("16:25", "14:25:00");
        let wrong = |problem| CodeLine { problem: Some(problem), ..line.clone() };
        vec![
            (Wrong::Code, wrong(Problem::WrongCode { left: 4 })),
            (Wrong::LastButOne, wrong(Problem::WrongCode { left: 1 })),
            (Wrong::Last, wrong(Problem::WrongCode { left: 0 })),
            (Wrong::Over, wrong(Problem::StartAgain)),
            (Wrong::Dead, CodeLine { resend: Self::resend_now(), ..wrong(Problem::CodeDead) }),
            (Wrong::Locked, wrong(Problem::Locked { until: until.clone() })),
            (Wrong::NoSends, wrong(Problem::NoMoreCodes { until: Some(until) })),
            (Wrong::NoSendsEver, wrong(Problem::NoMoreCodes { until: None })),
            (Wrong::SendFailed, CodeLine { resend: Self::resend_now(), ..wrong(Problem::SendFailed) }),
        ]
    }
}

#[derive(Clone, Copy)]
enum Wrong {
    Code,
    LastButOne,
    Last,
    Over,
    Dead,
    Locked,
    NoSends,
    NoSendsEver,
    SendFailed,
}

macro_rules! names_of {
    ($($function:ident $prefix:literal)+) => {
        impl Wrong {
            $(fn $function(self) -> &'static str {
                match self {
                    Self::Code => concat!($prefix, "-wrong"),
                    Self::LastButOne => concat!($prefix, "-one-left"),
                    Self::Last => concat!($prefix, "-last-start-again"),
                    Self::Over => concat!($prefix, "-start-again"),
                    Self::Dead => concat!($prefix, "-dead"),
                    Self::Locked => concat!($prefix, "-locked"),
                    Self::NoSends => concat!($prefix, "-no-sends"),
                    Self::NoSendsEver => concat!($prefix, "-no-sends-ever"),
                    Self::SendFailed => concat!($prefix, "-send-failed"),
                }
            })+
        }
    };
}

names_of! {
    of_code_page "code"
    of_email "email-code"
    of_two_factor "two-factor-code"
    of_dialog "dialog-code"
}
