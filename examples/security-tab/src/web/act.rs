//! The actions that a stale sign-in may stop and that go on after it.

use portcullis::contact::{Email, Phone};
use portcullis::decision::Reason;
use portcullis::session::CurrentSession;

use super::fault::Fault;
use super::show::{Show, Spot};
use super::visit::{Answer, Visit};
use crate::page::{Method, PendingAction, Reauthenticate, Said, Step, field, route};

impl Visit {
    /// Does an action of a session, or asks its user to confirm that it is him.
    pub(super) async fn act(mut self, session: CurrentSession, action: PendingAction) -> Answer {
        let show = Show::of(session.id);
        let show = match action.route() {
            route::EMAIL => self.set_email(show, &action).await,
            // The code is a secret and was not carried: a script leaves it in its field, else it is typed again.
            route::EMAIL_CONFIRM => Show { parts: Vec::new(), ..show },
            route::EMAIL_REMOVE => self.remove_email(show).await?,
            route::TWO_FACTOR_SEND => self.ask_two_factor(show, &action).await?,
            route::FLESPI_LOGIN => self.log_in_at_flespi(show).await,
            route::FLESPI_DISCONNECT => self.disconnect_flespi(show).await,
            // The token is a secret and was not carried: a script leaves it in its field, else it is typed again.
            route::FLESPI_TOKEN => {
                Show { parts: Vec::new(), typing: true, ..show.said(Said::FlespiTokenNext) }
            }
            _ => self.turn_off(show).await?,
        };
        match show.fault {
            Some((_, fault)) if fault.is_stale() => {
                self.ask_who_it_is(Show { fault: None, ..show }, &session, action, Step::Password(None)).await
            }
            _ => self.show(show).await,
        }
    }

    /// Shows the dialog of a stale sign-in over the tab; what was typed stays where it is.
    pub(super) async fn ask_who_it_is(
        self,
        mut show: Show,
        session: &CurrentSession,
        action: PendingAction,
        step: Step,
    ) -> Answer {
        show.parts.clear();
        show.typed =
            action.field(field::ADDRESS).filter(|_| action.route() == route::EMAIL).map(str::to_owned);
        show.phone = action.field(field::PHONE).map(str::to_owned);
        show.dialog =
            Some(Reauthenticate { login: session.login.as_str().to_owned(), pending: action, step });
        self.show(show).await
    }

    async fn set_email(&self, show: Show, action: &PendingAction) -> Show {
        let typed = action.field(field::ADDRESS).unwrap_or_default().trim();
        let result = match Email::parse(typed) {
            Ok(address) => self.portcullis().email().set(show.session, &address).await.map_err(Fault::Core),
            Err(_) => Err(Fault::NoAddress),
        };
        match result {
            Ok(_) => show,
            Err(fault) => Show { typed: Some(typed.to_owned()), ..show.wrong(Spot::Email, fault) },
        }
    }

    async fn remove_email(&mut self, mut show: Show) -> Result<Show, super::visit::Stop> {
        match self.portcullis().email().clear(show.session).await {
            Ok(changed) => {
                if let Some(session) = changed {
                    self.give(&session).await?;
                    show.session = session.id;
                }
                Ok(show.said(Said::EmailRemoved))
            }
            Err(error) => Ok(show.wrong(Spot::Email, Fault::Core(error))),
        }
    }

    async fn ask_two_factor(&self, show: Show, action: &PendingAction) -> Result<Show, super::visit::Stop> {
        if action.field(field::METHOD) == Some(Method::Sms.value()) {
            return self.ask_sms(show, action).await;
        }
        let address = action.field(field::ADDRESS).map(Email::parse).transpose();
        let show = Show { chosen: Some(Method::Email), ..show };
        let result = match address {
            Ok(address) => self.portcullis().two_factor().ask(show.session, address.as_ref()).await,
            Err(error) => Err(error.into()),
        };
        Ok(match result {
            Ok(_) => show,
            Err(error) => show.wrong(Spot::TwoFactor, Fault::Core(error)),
        })
    }

    async fn ask_sms(&self, show: Show, action: &PendingAction) -> Result<Show, super::visit::Stop> {
        let typed = action.field(field::PHONE).unwrap_or_default();
        let show = Show { chosen: Some(Method::Sms), phone: Some(typed.to_owned()), ..show };
        // People write numbers in groups; what else is wrong the core says.
        let digits: String = typed.chars().filter(|c| *c != ' ').collect();
        let source = self.source()?;
        let result = match Phone::parse(&digits) {
            Ok(phone) => {
                let room = self.portcullis().two_factor();
                room.ask_sms(show.session, Some(&phone), &source).await.map_err(Fault::Core)
            }
            Err(_) => Err(Fault::NoPhone),
        };
        Ok(match result {
            Ok(_) => show,
            Err(fault) => show.wrong(Spot::TwoFactor, fault),
        })
    }

    async fn turn_off(&mut self, mut show: Show) -> Result<Show, super::visit::Stop> {
        match self.portcullis().two_factor().disable(show.session).await {
            Ok(changed) => {
                self.give(&changed.session).await?;
                show.session = changed.session.id;
                Ok(show.said(Said::TwoFactorOff))
            }
            Err(error) => {
                let fault = Fault::Core(error);
                if fault.reason() == Some(Reason::Unchanged) {
                    return Ok(show.said(Said::TwoFactorOff));
                }
                Ok(Show { chosen: Some(Method::Off), ..show.wrong(Spot::TwoFactor, fault) })
            }
        }
    }
}
