//! The sessions of the signed-in user.

use axum::http::StatusCode;
use portcullis::decision::Reason;

use crate::answer::SessionView;
use crate::door::{Answer, Door, PathId};

pub(super) async fn list(mut door: Door) -> Answer {
    let user = door.user().await?;
    let sessions = door.portcullis().sessions().list(user.id).await?;
    let view: Vec<_> = sessions.iter().map(|session| SessionView::of(door.portcullis(), session)).collect();
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn end(path: PathId, mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    let other = path.as_str().and_then(|handle| door.portcullis().sessions().open_handle(handle));
    let other = other.ok_or(Reason::NotFound)?;
    door.portcullis().sessions().end(user.id, other).await?;
    if other == user.id {
        door.take().await?;
    }
    door.done().await
}

pub(super) async fn end_others(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    let session = door.portcullis().sessions().end_others(user.id).await?;
    door.give(&session).await?;
    door.done().await
}
