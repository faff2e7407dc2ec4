//! The tab as the answer to a request: a redirect, a page, or the parts of it that changed.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::id::SessionId;

use super::fault::Fault;
use super::view::Known;
use super::visit::{Answer, Visit};
use crate::page::{Method, Notice, Part, Reauthenticate, Said, route};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// The cookie that tells the next page what was done.
const SAID: &str = "said";
/// How long it is kept, in seconds: the way from a redirect to its page.
const SAID_FOR: i64 = 30;

/// Where on the tab something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// At the address.
    Email,
    /// At the password.
    Password,
    /// At the code that confirms the address.
    EmailCode,
    /// In the section "Two-factor authentication".
    TwoFactor,
    /// At the code that switches it on.
    TwoFactorCode,
    /// In the section "Advanced settings".
    Advanced,
    /// In the section "flespi settings".
    Flespi,
    /// In the section "Sessions".
    Sessions,
}

/// How the tab is to be shown.
#[derive(Debug)]
pub(super) struct Show {
    /// The session that goes on.
    pub(super) session: SessionId,
    /// The parts that changed.
    pub(super) parts: Vec<Part>,
    /// What went wrong, and where.
    pub(super) fault: Option<(Spot, Fault)>,
    /// What was done.
    pub(super) said: Option<Said>,
    /// What was typed as the address.
    pub(super) typed: Option<String>,
    /// What was typed as the phone number.
    pub(super) phone: Option<String>,
    /// The method whose panel is open, if not the stored one's.
    pub(super) chosen: Option<Method>,
    /// Whether the form of a flespi token is open.
    pub(super) typing: bool,
    /// The region that was chosen there.
    pub(super) region: String,
    /// The dialog of a stale sign-in.
    pub(super) dialog: Option<Reauthenticate>,
}

impl Show {
    /// The tab as it is, for a session.
    pub(super) fn of(session: SessionId) -> Self {
        Self {
            session,
            parts: vec![Part::Authorization, Part::TwoFactor, Part::Advanced, Part::Flespi, Part::Sessions],
            fault: None,
            said: None,
            typed: None,
            phone: None,
            chosen: None,
            typing: false,
            region: String::new(),
            dialog: None,
        }
    }

    /// Something went wrong.
    #[must_use]
    pub(super) fn wrong(mut self, spot: Spot, fault: Fault) -> Self {
        self.fault = Some((spot, fault));
        self
    }

    /// Something was done.
    #[must_use]
    pub(super) fn said(mut self, said: Said) -> Self {
        self.said = Some(said);
        self
    }
}

impl Visit {
    /// Answers a form of the tab. What was done is told after a redirect, what went wrong on the page at once.
    pub(super) async fn show(mut self, show: Show) -> Answer {
        if let Some((_, Fault::Core(error @ Error::Refused(refusal)))) = &show.fault
            && refusal.reason() == Reason::SignedOut
        {
            return Err(self.end(error.clone()));
        }
        let went_well = show.fault.is_none() && show.dialog.is_none();
        if went_well && !self.wants_parts() {
            if let Some(said) = show.said {
                self.tell(said);
            }
            let to = match (show.said, show.chosen) {
                (Some(Said::PasswordChanged), _) => PASSWORD,
                (Some(Said::TwoFactorOn | Said::TwoFactorOff), _) => TWO_FACTOR,
                (Some(Said::NoticesSaved), _) => ADVANCED,
                (Some(Said::SessionEnded | Said::SessionsEnded), _) => SESSIONS,
                (Some(Said::FlespiTokenNext), _) => route::FLESPI_TYPE,
                (_, Some(Method::Email)) => EMAIL_PANEL,
                (_, Some(Method::Sms)) => SMS_PANEL,
                _ if show.parts == [Part::Flespi] => FLESPI,
                _ => route::SETTINGS,
            };
            return self.redirect(to);
        }
        let status = show.fault.as_ref().map_or(StatusCode::OK, |(spot, fault)| fault.status_at(*spot));
        let page = Known::read(&self, show.session).await?.page(&self, &show);
        let html = if self.wants_parts() { page.fragment(&show.parts) } else { page.html() };
        self.tab(status, html)
    }

    /// Answers with the whole tab, and tells what the form before it did.
    pub(super) async fn show_whole(mut self, mut show: Show) -> Answer {
        show.said = self.told();
        let page = Known::read(&self, show.session).await?.page(&self, &show);
        self.tab(StatusCode::OK, page.html())
    }

    /// The tab, whose windows may speak to it: a login at flespi is one.
    fn tab(self, status: StatusCode, html: Result<String, askama::Error>) -> Answer {
        let mut answer = self.html(status, html)?;
        let policy = HeaderValue::from_static("same-origin-allow-popups");
        answer.headers_mut().insert(OPENER_POLICY, policy);
        Ok(answer)
    }
}

impl Visit {
    /// Lets the next page tell what was done.
    pub(super) fn tell(&mut self, said: Said) {
        self.set_cookie(SAID, name_of(said), SAID_FOR);
    }

    /// What the form before this page did. It is told once.
    pub(super) fn told(&mut self) -> Option<Said> {
        let name = self.cookie(SAID)?;
        let said = ALL_SAID.into_iter().find(|said| name_of(*said) == name);
        self.set_cookie(SAID, "", 0);
        said
    }
}

impl Show {
    /// The line at the row "Email" and the one in the section "Two-factor authentication".
    pub(super) fn statuses(&self) -> (Option<Notice>, Option<Notice>) {
        match self.said {
            None
            | Some(
                Said::PasswordChanged
                | Said::NoticesSaved
                | Said::SessionEnded
                | Said::SessionsEnded
                | Said::PasswordSet
                | Said::EmailUndone
                | Said::FlespiLoginNext
                | Said::FlespiTokenNext,
            ) => (None, None),
            Some(said @ (Said::EmailConfirmed | Said::ChangeCanceled | Said::EmailRemoved)) => {
                (Some(Notice::Status(said)), None)
            }
            Some(said @ (Said::TwoFactorOn | Said::TwoFactorOff)) => (None, Some(Notice::Status(said))),
        }
    }
}

/// The tab, scrolled to the row "Change password".
const PASSWORD: &str = "/settings#password";
/// The tab, scrolled to the section "Two-factor authentication".
const TWO_FACTOR: &str = "/settings#two-factor";
/// The same with the panel "Via email" open.
const EMAIL_PANEL: &str = "/settings?method=email#two-factor";
/// The same with the panel "Via SMS" open.
const SMS_PANEL: &str = "/settings?method=sms#two-factor";

/// The tab, scrolled to the section "Advanced settings".
const ADVANCED: &str = "/settings#advanced";
/// The tab, scrolled to the section "flespi settings".
const FLESPI: &str = "/settings#flespi";
/// The tab, scrolled to the section "Sessions".
const SESSIONS: &str = "/settings#sessions";

const ALL_SAID: [Said; 13] = [
    Said::NoticesSaved,
    Said::EmailConfirmed,
    Said::ChangeCanceled,
    Said::EmailRemoved,
    Said::PasswordChanged,
    Said::TwoFactorOn,
    Said::TwoFactorOff,
    Said::SessionEnded,
    Said::SessionsEnded,
    Said::PasswordSet,
    Said::EmailUndone,
    Said::FlespiLoginNext,
    Said::FlespiTokenNext,
];

fn name_of(said: Said) -> &'static str {
    match said {
        Said::EmailConfirmed => "email-confirmed",
        Said::ChangeCanceled => "change-canceled",
        Said::EmailRemoved => "email-removed",
        Said::PasswordChanged => "password-changed",
        Said::TwoFactorOn => "two-factor-on",
        Said::TwoFactorOff => "two-factor-off",
        Said::NoticesSaved => "notices-saved",
        Said::SessionEnded => "session-ended",
        Said::SessionsEnded => "sessions-ended",
        Said::PasswordSet => "password-set",
        Said::EmailUndone => "email-undone",
        Said::FlespiLoginNext => "flespi-login-next",
        Said::FlespiTokenNext => "flespi-token-next",
    }
}
