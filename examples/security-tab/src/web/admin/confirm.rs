//! "Confirm that it is you" before a second factor is removed: the password, then a code.

use axum::http::StatusCode;
use portcullis::id::UserId;
use portcullis::secret::Code;
use portcullis::session::CurrentSession;
use portcullis::sign_in::{CodeResult, Reauthenticated};

use super::desk::Desk;
use crate::page::admin::Tab;
use crate::page::{CodeLine, Place, Problem, Step, field, route};
use crate::web::fault::{Fault, Wording};
use crate::web::ticket::Ticket;
use crate::web::visit::{Answer, Stop};

/// POST: the password.
pub(super) async fn password(mut desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let attempt = desk.visit.attempt()?;
    let result = match desk.visit.password() {
        Some(password) => {
            let room = desk.visit.portcullis().sign_in();
            room.reauthenticate(desk.session.id, &password, &attempt).await.map_err(Fault::Core)
        }
        None => Err(Fault::NoPassword),
    };
    match result {
        Ok(Reauthenticated::Fresh(fresh)) => desk.confirmed(fresh, user).await,
        Ok(Reauthenticated::CodeRequired { code, .. }) => {
            let ticket = Ticket::of(&code);
            desk.ask_code(user, ticket, None).await
        }
        Ok(_) => desk.visit.redirect_to(route::ADMIN_USERS, user),
        Err(fault) => desk.ask_password(user, &fault).await,
    }
}

/// POST: the code.
pub(super) async fn code(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let attempt = desk.visit.attempt()?;
    let Some((challenge, ticket)) = desk.visit.challenge() else {
        return desk.visit.redirect_to(route::ADMIN_USERS, user);
    };
    let result = match Code::parse(desk.visit.field(field::CODE)) {
        Ok(code) => {
            let room = desk.visit.portcullis().sign_in();
            room.code(challenge, &code, &attempt, Some(desk.session.id)).await.map_err(Fault::Core)
        }
        Err(_) => Err(Fault::NoCode),
    };
    match (result, ticket) {
        (Ok(CodeResult::Fresh(fresh)), _) => desk.confirmed(fresh, user).await,
        (Ok(_), _) => desk.visit.redirect_to(route::ADMIN_USERS, user),
        (Err(fault), Some(ticket)) if !fault.is_dead() => desk.ask_code(user, ticket, Some(fault)).await,
        (Err(fault), _) => desk.ask_password(user, &fault).await,
    }
}

/// POST: another code.
pub(super) async fn resend(desk: Desk) -> Answer {
    let Some(user) = desk.user() else { return desk.not_found(Tab::Users) };
    let attempt = desk.visit.attempt()?;
    let Some((challenge, ticket)) = desk.visit.challenge() else {
        return desk.visit.redirect_to(route::ADMIN_USERS, user);
    };
    let result = desk.visit.portcullis().sign_in().resend(challenge, &attempt).await.map_err(Fault::Core);
    match (result, ticket) {
        (Ok(code), _) => {
            let ticket = Ticket::of(&code);
            desk.ask_code(user, ticket, None).await
        }
        (Err(fault), Some(ticket)) if !fault.is_dead() => desk.ask_code(user, ticket, Some(fault)).await,
        (Err(fault), _) => desk.ask_password(user, &fault).await,
    }
}

impl Desk {
    /// Who acts is confirmed: the action goes on as if it had just been posted.
    async fn confirmed(mut self, fresh: CurrentSession, user: UserId) -> Answer {
        self.visit.give(&fresh).await?;
        self.session = fresh;
        self.remove_two_factor(user).await
    }

    async fn ask_password(self, user: UserId, fault: &Fault) -> Answer {
        let problem = self.proof_problem(fault, 0)?;
        self.show_user(user, fault.status(), None, Some(Step::Password(Some(problem)))).await
    }

    async fn ask_code(self, user: UserId, ticket: Ticket, fault: Option<Fault>) -> Answer {
        let ticket = match &fault {
            Some(fault) => ticket.after(fault),
            None => ticket,
        };
        let portcullis = self.visit.portcullis();
        let line = ticket.line(Place::Administer, ticket.seal(portcullis), portcullis.now(), self.zone());
        let status = fault.as_ref().map_or(StatusCode::OK, Fault::status);
        let problem = fault.map(|fault| self.proof_problem(&fault, ticket.attempts_left)).transpose()?;
        self.show_user(user, status, None, Some(Step::Code(CodeLine { problem, ..line }))).await
    }

    fn proof_problem(&self, fault: &Fault, left: u32) -> Result<Problem, Stop> {
        if let Fault::Core(error) = fault
            && fault.reason() == Some(portcullis::decision::Reason::SignedOut)
        {
            return Err(self.visit.end(error.clone()));
        }
        let portcullis = self.visit.portcullis();
        Ok(fault.problem(Wording {
            now: portcullis.now(),
            zone: self.zone(),
            minimum: portcullis.policy().password_minimum_alone,
            maximum: portcullis.policy().password_maximum,
            attempts_left: left,
            signed_in: true,
        }))
    }
}
