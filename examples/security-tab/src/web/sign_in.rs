//! Getting in and out.

use portcullis::account::TimeZone;
use portcullis::challenge::{Channel, CodeDelivery};
use portcullis::secret::Code;
use portcullis::sign_in::{CodeResult, SignInResult};
use portcullis::user::Login;

use super::fault::{Fault, Wording};
use super::ticket::Ticket;
use super::visit::{Answer, Visit};
use crate::page::{CodePage, Place, Problem, Said, SignInPage, field, route};
use crate::texts::Language;

/// The cookie that carries a code's ticket from the password to the code page.
const TICKET: &str = "code";

/// GET: to the tab, or to the sign-in page.
pub(super) async fn home(visit: Visit) -> Answer {
    let live = visit.session_if_any().await?.is_some();
    visit.redirect(if live { route::SETTINGS } else { route::SIGN_IN })
}

/// GET: the sign-in page. A browser that still carries a session that is over is told so.
pub(super) async fn page(mut visit: Visit) -> Answer {
    if visit.session_if_any().await?.is_some() {
        return visit.redirect(route::SETTINGS);
    }
    let cookies = visit.app.security.options().cookies();
    let signed_out = cookies.session_token(&visit.parts.headers).is_some();
    visit.take().await?;
    let said = visit.told().filter(|said| matches!(said, Said::PasswordSet | Said::EmailUndone));
    let page = SignInPage { frame: visit.outside(), login: String::new(), problem: None, said, signed_out };
    visit.html(axum::http::StatusCode::OK, page.html())
}

/// POST: login and password.
pub(super) async fn start(mut visit: Visit) -> Answer {
    let attempt = visit.attempt()?;
    let typed = visit.field(field::LOGIN).to_owned();
    let (Ok(login), Some(password)) = (Login::parse(&typed), visit.password()) else {
        return visit.start_over(typed, &Fault::NoPassword);
    };
    let result = visit.portcullis().sign_in().start(&login, &password, &attempt).await.map_err(Fault::Core);
    match result {
        Ok(SignInResult::Admitted(admission)) => {
            visit.admit(&admission).await?;
            visit.redirect(route::SETTINGS)
        }
        Ok(SignInResult::CodeRequired { code, channels }) => {
            // The password was right: from here on the page may know whose it is.
            let user = visit.portcullis().users().by_login(&login).await.map_err(|error| visit.end(error))?;
            let ticket = Ticket::of(&code).open_to(&channels).read_by(&user);
            visit.remember(&ticket);
            visit.redirect(route::SIGN_IN_CODE)
        }
        Ok(_) => visit.redirect(route::SIGN_IN),
        Err(fault) => visit.start_over(typed, &fault),
    }
}

/// GET: the page that asks for the code.
pub(super) async fn code_page(visit: Visit) -> Answer {
    let Some(ticket) = visit.remembered() else { return visit.redirect(route::SIGN_IN) };
    // What is over is said when its code is typed.
    let known = visit.portcullis().sign_in().pending(ticket.challenge).await;
    visit.ask_for_code(ticket, None, known.map(|code| code.delivery).unwrap_or_default())
}

/// POST: the code.
pub(super) async fn code(mut visit: Visit) -> Answer {
    let attempt = visit.attempt()?;
    let Some((challenge, ticket)) = visit.challenge() else {
        return visit.redirect(route::SIGN_IN);
    };
    let result = match Code::parse(visit.field(field::CODE)) {
        Ok(code) => {
            let room = visit.portcullis().sign_in();
            room.code(challenge, &code, &attempt, None).await.map_err(Fault::Core)
        }
        Err(_) => Err(Fault::NoCode),
    };
    match result {
        Ok(CodeResult::Admitted(admission)) => {
            visit.admit(&admission).await?;
            visit.set_cookie(TICKET, "", 0);
            visit.redirect(route::SETTINGS)
        }
        Ok(_) => visit.redirect(route::SIGN_IN),
        Err(fault) => match ticket.or_else(|| visit.remembered()) {
            Some(ticket) => visit.ask_for_code(ticket, Some(&fault), CodeDelivery::Waiting),
            None => visit.start_over(String::new(), &fault),
        },
    }
}

/// POST: another code. For a challenge that is over, only the password sends one.
pub(super) async fn resend(mut visit: Visit) -> Answer {
    let attempt = visit.attempt()?;
    let Some((challenge, ticket)) = visit.challenge() else {
        return visit.redirect(route::SIGN_IN);
    };
    let Ok(channel) = visit.channel() else {
        return visit.redirect(route::SIGN_IN_CODE);
    };
    match visit.portcullis().sign_in().resend_by(challenge, channel, &attempt).await {
        Ok(code) => {
            let ticket = Ticket::of(&code).instead_of(ticket);
            visit.remember(&ticket);
            visit.redirect(route::SIGN_IN_CODE)
        }
        Err(error) => {
            let fault = Fault::Core(error);
            match ticket.filter(|_| !fault.is_dead()) {
                Some(ticket) => visit.ask_for_code(ticket, Some(&fault), CodeDelivery::Waiting),
                None => visit.start_over(String::new(), &fault),
            }
        }
    }
}

/// POST: the session is over when this is answered.
pub(super) async fn sign_out(mut visit: Visit) -> Answer {
    visit.sign_out_here().await?;
    visit.redirect(route::SIGN_IN)
}

/// A form that is none of this program's.
pub(super) struct Foreign;

impl Visit {
    /// The channel a code is to be sent again by, if the form names one.
    ///
    /// # Errors
    /// The form is none of ours.
    pub(super) fn channel(&self) -> Result<Option<Channel>, Foreign> {
        match self.field(field::CHANNEL) {
            "" => Ok(None),
            "email" => Ok(Some(Channel::Email)),
            _ => Err(Foreign),
        }
    }

    fn remember(&mut self, ticket: &Ticket) {
        let sealed = ticket.seal(self.portcullis());
        let seconds = (ticket.expires_at - self.portcullis().now()).num_seconds();
        self.set_cookie(TICKET, &sealed, seconds);
    }

    fn remembered(&self) -> Option<Ticket> {
        Ticket::open(self.portcullis(), self.cookie(TICKET)?)
    }

    fn problem(&self, fault: &Fault, zone: TimeZone, attempts_left: u32) -> Problem {
        fault.problem(Wording {
            now: self.portcullis().now(),
            zone,
            minimum: self.portcullis().policy().password_minimum_alone,
            maximum: self.portcullis().policy().password_maximum,
            attempts_left,
            signed_in: false,
        })
    }

    /// The code page.
    fn ask_for_code(self, ticket: Ticket, fault: Option<&Fault>, delivery: CodeDelivery) -> Answer {
        let ticket = match fault {
            Some(fault) => ticket.after(fault),
            None => ticket,
        };
        let (portcullis, zone) = (self.portcullis(), ticket.zone());
        let mut line = ticket.line(Place::SignIn, ticket.seal(portcullis), portcullis.now(), zone);
        line.tell(delivery);
        if let Some(fault) = fault {
            line.problem = Some(self.problem(fault, zone, ticket.attempts_left));
        }
        let status = fault.map_or(axum::http::StatusCode::OK, Fault::status);
        let mut frame = self.outside();
        zone.name().clone_into(&mut frame.zone);
        if let Some((_, language)) = &ticket.reader {
            frame.language = Language::of_tag(language);
        }
        let page = CodePage { frame, line };
        self.html(status, page.html())
    }

    /// The sign-in page with what went wrong.
    fn start_over(self, login: String, fault: &Fault) -> Answer {
        let problem = Some(self.problem(fault, TimeZone::UTC, 0));
        let page = SignInPage { frame: self.outside(), login, problem, said: None, signed_out: false };
        self.html(fault.status(), page.html())
    }
}
