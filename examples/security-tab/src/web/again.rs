//! "Confirm that it is you": the password, then a code, then the action that waited, on the tab or for administrators.

use axum::http::StatusCode;
use portcullis::secret::Code;
use portcullis::session::CurrentSession;
use portcullis::sign_in::{CodeResult, Reauthenticated};

use super::admin;
use super::fault::{Fault, Wording};
use super::show::Show;
use super::ticket::Ticket;
use super::visit::{Answer, Stop, Visit};
use crate::page::{CodeLine, PendingAction, Problem, Step, field, route};

/// POST: the password.
pub(super) async fn password(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    let Some(action) = PendingAction::of_fields(visit.fields()) else {
        return visit.redirect(route::SETTINGS);
    };
    let attempt = visit.attempt()?;
    let result = match visit.password() {
        Some(password) => {
            let room = visit.portcullis().sign_in();
            room.reauthenticate(session.id, &password, &attempt).await.map_err(Fault::Core)
        }
        None => Err(Fault::NoPassword),
    };
    match result {
        Ok(Reauthenticated::Fresh(fresh)) => visit.confirmed(fresh, action).await,
        Ok(Reauthenticated::CodeRequired { code, channels }) => {
            let ticket = Ticket::of(&code).open_to(&channels);
            visit.ask_code(&session, action, ticket, None).await
        }
        Ok(_) => visit.redirect(route::SETTINGS),
        Err(fault) => visit.ask_password(&session, action, fault).await,
    }
}

/// POST: the code.
pub(super) async fn code(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let Some(action) = PendingAction::of_fields(visit.fields()) else {
        return visit.redirect(route::SETTINGS);
    };
    let attempt = visit.attempt()?;
    let Some((challenge, ticket)) = visit.challenge() else {
        return visit.redirect(route::SETTINGS);
    };
    let result = match Code::parse(visit.field(field::CODE)) {
        Ok(code) => {
            let room = visit.portcullis().sign_in();
            room.code(challenge, &code, &attempt, Some(session.id)).await.map_err(Fault::Core)
        }
        Err(_) => Err(Fault::NoCode),
    };
    match (result, ticket) {
        (Ok(CodeResult::Fresh(fresh)), _) => visit.confirmed(fresh, action).await,
        (Ok(_), _) => visit.redirect(route::SETTINGS),
        // Only a fresh start sends another code for a challenge that is over.
        (Err(fault), Some(ticket)) if !fault.is_dead() => {
            visit.ask_code(&session, action, ticket, Some(fault)).await
        }
        (Err(fault), _) => visit.ask_password(&session, action, fault).await,
    }
}

/// POST: another code.
pub(super) async fn resend(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let Some(action) = PendingAction::of_fields(visit.fields()) else {
        return visit.redirect(route::SETTINGS);
    };
    let attempt = visit.attempt()?;
    let Some((challenge, ticket)) = visit.challenge() else {
        return visit.redirect(route::SETTINGS);
    };
    let Ok(channel) = visit.channel() else {
        return visit.redirect(route::SETTINGS);
    };
    match (visit.portcullis().sign_in().resend_by(challenge, channel, &attempt).await, ticket) {
        (Ok(code), before) => {
            let ticket = Ticket::of(&code).instead_of(before);
            visit.ask_code(&session, action, ticket, None).await
        }
        (Err(error), Some(ticket)) if !is_dead(&error) => {
            visit.ask_code(&session, action, ticket, Some(Fault::Core(error))).await
        }
        (Err(error), _) => visit.ask_password(&session, action, Fault::Core(error)).await,
    }
}

fn is_dead(error: &portcullis::Error) -> bool {
    Fault::Core(error.clone()).is_dead()
}

impl Visit {
    /// The user is confirmed: the action goes on as if it had just been posted.
    async fn confirmed(mut self, fresh: CurrentSession, action: PendingAction) -> Answer {
        self.give(&fresh).await?;
        if action.is_admins() {
            return admin::go_on(self, fresh, action).await;
        }
        self.act(fresh, action).await
    }

    async fn ask_password(self, session: &CurrentSession, action: PendingAction, fault: Fault) -> Answer {
        let status = fault.status();
        let problem = self.dialog_problem(session, fault, 0).await?;
        self.ask_over_page(status, session, action, Step::Password(Some(problem))).await
    }

    async fn ask_code(
        self,
        session: &CurrentSession,
        action: PendingAction,
        ticket: Ticket,
        fault: Option<Fault>,
    ) -> Answer {
        let ticket = match &fault {
            Some(fault) => ticket.after(fault),
            None => ticket,
        };
        let status = fault.as_ref().map_or(StatusCode::OK, Fault::status);
        let zone = self.zone_of(session).await?;
        let (now, sealed) = (self.portcullis().now(), ticket.seal(self.portcullis()));
        let line = ticket.line(action.place(), sealed, now, zone);
        let problem = match fault {
            Some(fault) => Some(self.dialog_problem(session, fault, ticket.attempts_left).await?),
            None => None,
        };
        self.ask_over_page(status, session, action, Step::Code(CodeLine { problem, ..line })).await
    }

    /// Shows the dialog over the page that the action was posted from.
    async fn ask_over_page(
        self,
        status: StatusCode,
        session: &CurrentSession,
        action: PendingAction,
        step: Step,
    ) -> Answer {
        if action.is_admins() {
            return admin::ask_who_it_is(self, session, action, status, step).await;
        }
        self.ask_who_it_is(Show::of(session.id), session, action, step).await
    }

    async fn dialog_problem(
        &self,
        session: &CurrentSession,
        fault: Fault,
        left: u32,
    ) -> Result<Problem, Stop> {
        if let Fault::Core(error @ portcullis::Error::Refused(refusal)) = &fault
            && refusal.reason() == portcullis::decision::Reason::SignedOut
        {
            return Err(self.end(error.clone()));
        }
        let wording = Wording {
            now: self.portcullis().now(),
            zone: self.zone_of(session).await?,
            minimum: self.portcullis().policy().password_minimum_alone,
            maximum: self.portcullis().policy().password_maximum,
            attempts_left: left,
            signed_in: true,
        };
        Ok(fault.problem(wording))
    }

    async fn zone_of(&self, session: &CurrentSession) -> Result<portcullis::account::TimeZone, Stop> {
        let user = self.portcullis().users().get(session.user).await;
        user.map(|user| user.time_zone).map_err(|error| self.end(error))
    }
}
