//! The password of the signed-in user.

use axum::http::StatusCode;
use portcullis::Error;
use portcullis::decision::{Reason, Refusal};

use crate::Problem;
use crate::door::{Answer, Door};

pub(super) async fn change(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.fields(&["current", "new", "repeat"])?;
    let (current, new) = (fields.password("current")?, fields.password("new")?);
    let repeat = fields.password("repeat")?;
    let attempt = door.attempt()?;
    let changed = door.portcullis().password().change(user.id, &current, &new, &repeat, &attempt).await;
    match changed {
        Ok(session) => {
            door.give(&session).await?;
            door.done().await
        }
        Err(Error::Refused(refusal)) => Err(refused(refusal)),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with the new password is wrong with a field: 422 here, whatever it is elsewhere.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let reason = refusal.reason();
    let field = if reason == Reason::RepeatDiffers {
        "repeat"
    } else if matches!(reason, Reason::WeakPassword | Reason::Unchanged) {
        "new"
    } else {
        return refusal.into();
    };
    Problem::from(refusal).of_field(StatusCode::UNPROCESSABLE_ENTITY, field)
}
