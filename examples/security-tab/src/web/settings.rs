//! The tab and its forms.

use portcullis::Error;
use portcullis::contact::Email;
use portcullis::decision::Reason;
use portcullis::secret::Code;

use super::fault::Fault;
use super::show::{Show, Spot};
use super::visit::{Answer, Visit};
use crate::page::{Method, Part, PendingAction, Said, Step, field, route};

/// GET: the tab.
pub(super) async fn page(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    visit.renew(&session).await?;
    let chosen = Method::of_value(visit.field(field::METHOD));
    let typing = visit.field(field::FLESPI) == "type";
    visit.show_whole(Show { chosen, typing, ..Show::of(session.id) }).await
}

/// POST: an action that a stale sign-in may stop.
pub(super) async fn go_on(visit: Visit) -> Answer {
    let session = visit.session().await?;
    match PendingAction::new(visit.parts.uri.path(), visit.fields()) {
        Some(action) => visit.act(session, action).await,
        None => visit.redirect(route::SETTINGS),
    }
}

/// POST: the code of the pending address.
pub(super) async fn confirm_email(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show::of(session.id);
    let (challenge, code) = match typed(&visit) {
        Ok(typed) => typed,
        Err(fault) => return visit.show(show.wrong(Spot::EmailCode, fault)).await,
    };
    let source = visit.source()?;
    match visit.portcullis().email().confirm(session.id, challenge, &code, &source).await {
        Ok(changed) => {
            visit.give(&changed.session).await?;
            visit.show(Show::of(changed.session.id).said(Said::EmailConfirmed)).await
        }
        Err(error) => {
            let fault = Fault::Core(error);
            // What another user proposed needs a fresh sign-in.
            let again = PendingAction::new(route::EMAIL_CONFIRM, []);
            match again.filter(|_| fault.is_stale()) {
                Some(action) => visit.ask_who_it_is(show, &session, action, Step::Password(None)).await,
                None => visit.show(show.wrong(Spot::EmailCode, fault)).await,
            }
        }
    }
}

/// POST: another code for the pending address; a new challenge if there is none any more.
pub(super) async fn resend_email(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show::of(session.id);
    let Some((challenge, _)) = visit.challenge() else {
        let user = visit.portcullis().users().get(session.user).await.map_err(|error| visit.end(error))?;
        let address = user.pending_email.as_ref().map(|pending| Email::as_str(&pending.address));
        let fields = address.map(|address| (field::ADDRESS, address));
        return match PendingAction::new(route::EMAIL, fields).filter(|_| address.is_some()) {
            Some(action) => visit.act(session, action).await,
            None => visit.show(show).await,
        };
    };
    let source = visit.source()?;
    match visit.portcullis().email().resend(session.id, challenge, &source).await {
        Ok(_) => visit.show(show).await,
        Err(error) => visit.show(show.wrong(Spot::EmailCode, Fault::Core(error))).await,
    }
}

/// POST: drops the pending address.
pub(super) async fn cancel_email(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show::of(session.id);
    match visit.portcullis().email().cancel(session.id).await {
        Ok(()) => visit.show(show.said(Said::ChangeCanceled)).await,
        Err(error) => visit.show(show.wrong(Spot::Email, Fault::Core(error))).await,
    }
}

/// POST: the code that switches two-factor authentication on.
pub(super) async fn confirm_two_factor(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show { chosen: Some(visit.code_method()), ..Show::of(session.id) };
    let (challenge, code) = match typed(&visit) {
        Ok(typed) => typed,
        Err(fault) => return visit.show(show.wrong(Spot::TwoFactorCode, fault)).await,
    };
    let source = visit.source()?;
    match visit.portcullis().two_factor().enable(session.id, challenge, &code, &source).await {
        Ok(changed) => {
            visit.give(&changed.session).await?;
            visit.show(Show::of(changed.session.id).said(Said::TwoFactorOn)).await
        }
        Err(error) => {
            let fault = Fault::Core(error);
            // A code is no thing to be carried along: the user is asked for a fresh one.
            let again = PendingAction::new(route::TWO_FACTOR_SEND, visit.fields());
            match again.filter(|_| fault.is_stale()) {
                Some(action) => visit.ask_who_it_is(show, &session, action, Step::Password(None)).await,
                None => visit.show(show.wrong(Spot::TwoFactorCode, fault)).await,
            }
        }
    }
}

/// POST: another code that switches two-factor authentication on.
pub(super) async fn resend_two_factor(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show { chosen: Some(visit.code_method()), ..Show::of(session.id) };
    let source = visit.source()?;
    let result = match visit.challenge() {
        Some((challenge, _)) => visit.portcullis().two_factor().resend(session.id, challenge, &source).await,
        None => Err(Error::Refused(Reason::ChallengeDead.into())),
    };
    match result {
        Ok(_) => visit.show(show).await,
        Err(error) => visit.show(show.wrong(Spot::TwoFactorCode, Fault::Core(error))).await,
    }
}

/// POST: drops the code that would switch two-factor authentication on.
pub(super) async fn cancel_two_factor(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show::of(session.id);
    match visit.portcullis().two_factor().cancel(session.id).await {
        Ok(()) => visit.show(show).await,
        Err(error) => visit.show(show.wrong(Spot::TwoFactor, Fault::Core(error))).await,
    }
}

/// POST: switches notices about blocking on or off.
pub(super) async fn notices(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let on = !visit.field(field::ENABLED).is_empty();
    let show = Show { parts: vec![Part::Authorization, Part::Advanced], ..Show::of(session.id) };
    match visit.portcullis().notices().set_blocking(session.id, on).await {
        Ok(_) => visit.show(show.said(Said::NoticesSaved)).await,
        Err(error) => {
            visit
                .show(Show { parts: vec![Part::Advanced], ..show }.wrong(Spot::Advanced, Fault::Core(error)))
                .await
        }
    }
}

impl Visit {
    /// The method whose code a form is about.
    fn code_method(&self) -> Method {
        let method = Method::of_value(self.field(field::METHOD));
        method.filter(|method| *method == Method::Sms).unwrap_or(Method::Email)
    }
}

/// The challenge and the code of a form. A challenge that is none of ours is as dead as one that is over.
fn typed(visit: &Visit) -> Result<(portcullis::id::ChallengeId, Code), Fault> {
    let dead = || Fault::Core(Error::Refused(Reason::ChallengeDead.into()));
    let (challenge, _) = visit.challenge().ok_or_else(dead)?;
    let code = Code::parse(visit.field(field::CODE)).map_err(|_| Fault::NoCode)?;
    Ok((challenge, code))
}
