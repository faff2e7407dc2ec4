//! The e-mail address of the signed-in user.

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::StatusCode;
use portcullis::decision::Reason;
use portcullis::secret::LinkToken;

use crate::Problem;
use crate::answer::{ChallengeView, EmailView, UndoView, UndoneView};
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

pub(super) async fn peek_undo(path: Result<RawPathParams, RawPathParamsRejection>, door: Door) -> Answer {
    door.no_fields()?;
    // The host may have parameters of its own before the mount; ours is the last one.
    let token = path.as_ref().ok().and_then(|path| path.iter().filter(|(name, _)| *name == "token").last());
    let token = link(token.map_or("", |(_, token)| token))?;
    let info = door.portcullis().email().peek_undo(&token).await?;
    door.reply(StatusCode::OK, &UndoView::from(info)).await
}

pub(super) async fn undo(door: Door) -> Answer {
    let token = link(&door.fields(&["token"])?.text("token")?)?;
    let attempt = door.attempt()?;
    door.portcullis().email().undo(&token, &attempt).await?;
    door.reply(StatusCode::OK, &UndoneView::default()).await
}

/// The token of a link. A text that is none is as dead as a link that is over.
fn link(token: &str) -> Result<LinkToken, Problem> {
    LinkToken::parse(token).ok_or_else(|| Reason::ChallengeDead.into())
}
