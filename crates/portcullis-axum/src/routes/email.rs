//! The e-mail address of the signed-in user.

use axum::http::StatusCode;

use crate::answer::{ChallengeView, EmailView};
use crate::door::{Answer, Door};

pub(super) async fn set(mut door: Door) -> Answer {
    let user = door.user().await?;
    let address = door.fields(&["address"])?.address()?;
    let code = door.portcullis().email().set(user.id, &address).await?;
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::ACCEPTED, &view).await
}

pub(super) async fn confirm(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.fields(&["challenge", "code"])?;
    let (token, code) = (fields.text("challenge")?, fields.code()?);
    let challenge = door.challenge(&token)?;
    let source = door.source()?;
    let changed = door.portcullis().email().confirm(user.id, challenge, &code, &source).await?;
    door.give(&changed.session).await?;
    let view = EmailView::of(door.portcullis(), &changed.now);
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn resend(mut door: Door) -> Answer {
    let user = door.user().await?;
    let token = door.fields(&["challenge"])?.text("challenge")?;
    let challenge = door.challenge(&token)?;
    let source = door.source()?;
    let code = door.portcullis().email().resend(user.id, challenge, &source).await?;
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn cancel(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    door.portcullis().email().cancel(user.id).await?;
    door.done().await
}

pub(super) async fn clear(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    if let Some(session) = door.portcullis().email().clear(user.id).await? {
        door.give(&session).await?;
    }
    door.done().await
}
