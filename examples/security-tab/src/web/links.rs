//! Mailed links: the link leaves the address bar at once, its form is shown, and posting the form spends it.

use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use portcullis::Error;
use portcullis::account::TimeZone;
use portcullis::challenge::Purpose;
use portcullis::policy::Policy;
use portcullis::recovery::Identifier;
use portcullis::secret::LinkToken;

use super::fault::{Fault, Wording};
use super::visit::{Answer, Stop, Visit};
use super::words::date_and_time_of;
use crate::page::{
    DeadLinkPage, ForgottenPage, LinkKind, LinkSentPage, NewPasswordPage, Notice, PasswordRow, Problem, Said,
    UndoPage, field, route,
};

/// The label a link is sealed under.
const LABEL: &str = "link page";
/// The cookie that carries a link from the address bar to its form.
const LINK: &str = "link";
/// How long it is kept, in seconds: the time to choose a password.
const LINK_FOR: i64 = 15 * 60;

impl LinkKind {
    /// Where the form is. The cookie goes nowhere else.
    fn form(self) -> &'static str {
        match self {
            Self::Recovery => route::RECOVERY_PASSWORD,
            Self::Invitation => route::INVITATION,
            Self::Undo => route::EMAIL_UNDO,
        }
    }
}

/// What the pages of links carry, and what they are asked with: a page that tells nobody where it was has no origin
/// to tell either, so `Origin: null` says nothing about who sends a form. `Sec-Fetch-Site` does, and the cookie without
/// which nothing is spent comes with no foreign form.
pub(super) async fn tell_nobody(mut request: Request, next: Next) -> Response {
    if request.method() == Method::POST && has_no_origin(request.headers()) {
        request.headers_mut().remove(header::ORIGIN);
    }
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn has_no_origin(headers: &HeaderMap) -> bool {
    headers.get_all(header::ORIGIN).iter().all(|origin| origin == "null")
}

/// GET: the page that asks whose password was forgotten.
pub(super) async fn forgotten(visit: Visit) -> Answer {
    let page = ForgottenPage { frame: visit.outside(), identifier: String::new(), problem: None };
    visit.html(StatusCode::OK, page.html())
}

/// POST: asks for a link. The answer tells nothing of who is known.
pub(super) async fn request(visit: Visit) -> Answer {
    let attempt = visit.attempt()?;
    let typed = visit.field(field::IDENTIFIER).trim().to_owned();
    let (status, problem) = match Identifier::parse(&typed) {
        Ok(identifier) => match visit.portcullis().recovery().request(&identifier, &attempt).await {
            Ok(()) => return visit.redirect(route::RECOVERY_SENT),
            Err(error) => {
                let fault = Fault::Core(error);
                (fault.status(), visit.problem_of_link(&fault))
            }
        },
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, Problem::InvalidIdentifier),
    };
    let page = ForgottenPage { frame: visit.outside(), identifier: typed, problem: Some(problem) };
    visit.html(status, page.html())
}

/// GET: the answer to every request for a link.
pub(super) async fn sent(visit: Visit) -> Answer {
    let minutes = visit.portcullis().policy().recovery_life.num_minutes();
    let minutes = u32::try_from(minutes).unwrap_or(u32::MAX);
    let page = LinkSentPage { frame: visit.outside(), minutes };
    visit.html(StatusCode::OK, page.html())
}

/// GET: a recovery link as it was mailed.
pub(super) async fn recovery(token: Path<String>, visit: Visit) -> Answer {
    visit.take_link(LinkKind::Recovery, &token)
}

/// GET: an invitation as it was mailed.
pub(super) async fn invitation(token: Path<String>, visit: Visit) -> Answer {
    visit.take_link(LinkKind::Invitation, &token)
}

/// GET: an undo link as it was mailed.
pub(super) async fn undo_link(token: Path<String>, visit: Visit) -> Answer {
    visit.take_link(LinkKind::Undo, &token)
}

/// GET: the form of a recovery link.
pub(super) async fn recovery_form(visit: Visit) -> Answer {
    visit.password_form(LinkKind::Recovery, None).await
}

/// GET: the form of an invitation.
pub(super) async fn invitation_form(visit: Visit) -> Answer {
    visit.password_form(LinkKind::Invitation, None).await
}

/// POST: the new password of a recovery link.
pub(super) async fn set_by_recovery(visit: Visit) -> Answer {
    visit.set_password(LinkKind::Recovery).await
}

/// POST: the first password.
pub(super) async fn set_by_invitation(visit: Visit) -> Answer {
    visit.set_password(LinkKind::Invitation).await
}

/// GET: the form of an undo link.
pub(super) async fn undo_form(visit: Visit) -> Answer {
    visit.undo_page(None).await
}

/// POST: takes the changed address back.
pub(super) async fn undo(mut visit: Visit) -> Answer {
    let attempt = visit.attempt()?;
    let Some(token) = visit.carried_link(LinkKind::Undo) else {
        return visit.lost_link(LinkKind::Undo);
    };
    if !visit.is_form_of(&token) {
        return visit.undo_page(None).await;
    }
    match visit.portcullis().email().undo(&token, &attempt).await {
        Ok(()) => {
            visit.sign_out_here().await?;
            visit.done_by_link(LinkKind::Undo, Said::EmailUndone)
        }
        Err(error) => visit.undo_page(Some(Fault::Core(error))).await,
    }
}

impl Visit {
    /// Puts a link into a cookie and sends the browser to its form. Nothing is read or changed: whoever looks at links
    /// before their reader does spends none.
    fn take_link(mut self, kind: LinkKind, token: &str) -> Answer {
        let Some(token) = LinkToken::parse(token) else {
            return self.dead_link(kind);
        };
        let sealed = self.portcullis().keyring().seal_token(LABEL, token.expose().as_bytes());
        self.set_cookie_at(LINK, &sealed.unwrap_or_default(), LINK_FOR, kind.form());
        self.redirect(kind.form())
    }

    fn carried_link(&self, kind: LinkKind) -> Option<LinkToken> {
        let sealed = self.cookie_at(LINK, kind.form())?;
        let opened = self.portcullis().keyring().open_token(LABEL, sealed)?;
        LinkToken::parse(std::str::from_utf8(opened.expose()).ok()?)
    }

    /// Whether the form that was sent is the one of this link: another may have been opened beside it since.
    fn is_form_of(&self, token: &LinkToken) -> bool {
        let named = self.portcullis().open_challenge_token(self.field(field::CHALLENGE));
        named == Some(token.challenge())
    }

    /// The form that takes a new password, with what was wrong with it.
    async fn password_form(self, kind: LinkKind, fault: Option<Fault>) -> Answer {
        let Some(token) = self.carried_link(kind) else {
            return self.lost_link(kind);
        };
        let info = match self.portcullis().recovery().peek(&token).await {
            Ok(info) => info,
            Err(error) => return self.unless_dead(kind, error),
        };
        let purpose = match kind {
            LinkKind::Invitation => Purpose::Invitation,
            LinkKind::Recovery | LinkKind::Undo => Purpose::Recovery,
        };
        if info.purpose != purpose {
            return self.dead_link(kind);
        }
        let signed_in = self.signed_in_here().await?;
        let status = fault.as_ref().map_or(StatusCode::OK, Fault::status_of_password);
        let problem = fault.map(|fault| self.problem_of_password(&fault, info.minimum));
        let page = NewPasswordPage {
            frame: self.outside(),
            route: kind.form(),
            challenge: self.portcullis().challenge_token(token.challenge()),
            login: info.login.as_str().to_owned(),
            first: kind == LinkKind::Invitation,
            signed_in,
            valid_until: date_and_time_of(info.valid_until, TimeZone::UTC),
            row: PasswordRow { minimum: info.minimum, gates: Vec::new(), notice: problem.map(Notice::Alert) },
        };
        self.html(status, page.html())
    }

    async fn set_password(mut self, kind: LinkKind) -> Answer {
        let attempt = self.attempt()?;
        let Some(token) = self.carried_link(kind) else {
            return self.lost_link(kind);
        };
        if !self.is_form_of(&token) {
            return self.password_form(kind, None).await;
        }
        let result = match self.new_passwords() {
            Ok([new, repeat]) => {
                let room = self.portcullis().recovery();
                room.set_password(&token, &new, &repeat, &attempt).await.map_err(Fault::Core)
            }
            Err(fault) => Err(fault),
        };
        match result {
            Ok(()) => {
                // Whoever was signed in here is not any more; the sign-in page says what was done instead.
                self.sign_out_here().await?;
                self.done_by_link(kind, Said::PasswordSet)
            }
            Err(fault) => self.password_form(kind, Some(fault)).await,
        }
    }

    async fn undo_page(self, fault: Option<Fault>) -> Answer {
        let Some(token) = self.carried_link(LinkKind::Undo) else {
            return self.lost_link(LinkKind::Undo);
        };
        let info = match self.portcullis().email().peek_undo(&token).await {
            Ok(info) => info,
            Err(error) => return self.unless_dead(LinkKind::Undo, error),
        };
        let signed_in = self.signed_in_here().await?;
        let status = fault.as_ref().map_or(StatusCode::OK, Fault::status);
        let page = UndoPage {
            frame: self.outside(),
            signed_in,
            challenge: self.portcullis().challenge_token(token.challenge()),
            valid_until: date_and_time_of(info.valid_until, TimeZone::UTC),
            problem: fault.map(|fault| self.problem_of_link(&fault)),
        };
        self.html(status, page.html())
    }

    /// Who is signed in in this browser, whose session ends with the use of a link.
    async fn signed_in_here(&self) -> Result<Option<String>, Stop> {
        Ok(self.session_if_any().await?.map(|session| session.login.as_str().to_owned()))
    }

    /// What a link did is said on the sign-in page; the link is gone from the browser.
    fn done_by_link(mut self, kind: LinkKind, said: Said) -> Answer {
        self.set_cookie_at(LINK, "", 0, kind.form());
        self.tell(said);
        self.redirect(route::SIGN_IN)
    }

    fn dead_link(mut self, kind: LinkKind) -> Answer {
        self.set_cookie_at(LINK, "", 0, kind.form());
        let page = DeadLinkPage { frame: self.outside(), kind, lost: false };
        self.html(StatusCode::GONE, page.html())
    }

    /// The browser brings no link: it was open for too long, or was used here already.
    fn lost_link(self, kind: LinkKind) -> Answer {
        let page = DeadLinkPage { frame: self.outside(), kind, lost: true };
        self.html(StatusCode::GONE, page.html())
    }

    /// A failure of the store is none of the link.
    fn unless_dead(self, kind: LinkKind, error: Error) -> Answer {
        if Fault::Core(error.clone()).is_dead() { self.dead_link(kind) } else { Err(self.end(error)) }
    }

    fn problem_of_link(&self, fault: &Fault) -> Problem {
        self.problem_of_password(fault, self.portcullis().policy().password_minimum_alone)
    }

    fn problem_of_password(&self, fault: &Fault, minimum: u32) -> Problem {
        let policy: &Policy = self.portcullis().policy();
        fault.problem_of_link(Wording {
            now: self.portcullis().now(),
            zone: TimeZone::UTC,
            minimum,
            maximum: policy.password_maximum,
            attempts_left: 0,
            signed_in: true,
        })
    }
}
