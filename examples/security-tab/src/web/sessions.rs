//! The section "Sessions".

use portcullis::Error;
use portcullis::decision::Reason;

use super::fault::Fault;
use super::show::{Show, Spot};
use super::visit::{Answer, Visit};
use crate::page::{Part, Said, field};

/// POST: ends another session. One that is over already is as ended as one that was ended here.
pub(super) async fn end(visit: Visit) -> Answer {
    let session = visit.session().await?;
    let show = Show { parts: vec![Part::Sessions], ..Show::of(session.id) };
    let room = visit.portcullis().sessions();
    let result = match room.open_handle(visit.field(field::SESSION)) {
        Some(other) => room.end(session.id, other).await,
        None => Ok(()),
    };
    let is_over = |error: &Error| matches!(error, Error::Refused(no) if no.reason() == Reason::NotFound);
    match result {
        Err(error) if !is_over(&error) => visit.show(show.wrong(Spot::Sessions, Fault::Core(error))).await,
        Ok(()) | Err(_) => visit.show(show.said(Said::SessionEnded)).await,
    }
}

/// POST: ends every other session; this one goes on under a fresh id.
pub(super) async fn end_others(mut visit: Visit) -> Answer {
    let session = visit.session().await?;
    match visit.portcullis().sessions().end_others(session.id).await {
        Ok(next) => {
            visit.give(&next).await?;
            visit.show(Show::of(next.id).said(Said::SessionsEnded)).await
        }
        Err(error) => visit.show(Show::of(session.id).wrong(Spot::Sessions, Fault::Core(error))).await,
    }
}
