//! The forms of the section "flespi settings".

use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::port::flespi::RegionName;
use portcullis::secret::FlespiToken;
use portcullis::session::CurrentSession;

use super::fault::Fault;
use super::show::{Show, Spot};
use super::visit::{Answer, Visit};
use crate::page::{Part, PendingAction, Said, Step, field, route};

fn section(session: &CurrentSession) -> Show {
    Show { parts: vec![Part::Flespi], ..Show::of(session.id) }
}

/// POST: asks flespi what the token is worth.
pub(super) async fn check(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = section(&session);
    match visit.portcullis().flespi().check(session.id).await {
        Ok(_) => visit.show(show).await,
        Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotConnected => visit.show(show).await,
        Err(error) => visit.show(show.wrong(Spot::Flespi, Fault::Core(error))).await,
    }
}

/// POST: keeps a typed token, which no page and no dialog carries along.
pub(super) async fn type_in(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    let token = FlespiToken::parse(visit.taken(field::TOKEN));
    let region = RegionName::parse(visit.field(field::REGION));
    let show = Show { typing: true, ..section(&session) };
    let chosen = visit.field(field::REGION).to_owned();
    let result = match (token, region) {
        (Ok(token), Ok(region)) => visit.portcullis().flespi().manual(session.id, &token, &region).await,
        (Err(error), _) | (Ok(_), Err(error)) => Err(error.into()),
    };
    match result {
        Ok(_) => visit.show(section(&session)).await,
        Err(error) => {
            let fault = Fault::Core(error);
            let again = PendingAction::new(route::FLESPI_TOKEN, []);
            match again.filter(|_| fault.is_stale()) {
                Some(action) => visit.ask_who_it_is(show, &session, action, Step::Password(None)).await,
                None => visit.show(Show { region: chosen, ..show }.wrong(Spot::Flespi, fault)).await,
            }
        }
    }
}

impl Visit {
    /// What a press on "Login" comes to where no window was opened: what is missing is said.
    pub(super) async fn log_in_at_flespi(&self, show: Show) -> Show {
        let show = Show { parts: vec![Part::Flespi], ..show };
        match self.portcullis().flespi().begin(show.session).await {
            // The nonce is dropped: no window opens without a press, and the next one gets a nonce of its own.
            Ok(_) => show.said(Said::FlespiLoginNext),
            Err(error) => show.wrong(Spot::Flespi, Fault::Core(error)),
        }
    }

    /// Forgets the token.
    pub(super) async fn disconnect_flespi(&self, show: Show) -> Show {
        let show = Show { parts: vec![Part::Flespi], ..show };
        match self.portcullis().flespi().disconnect(show.session).await {
            Ok(()) => show,
            Err(error) => show.wrong(Spot::Flespi, Fault::Core(error)),
        }
    }
}
