//! Recovery and invitation: links by mail, and the password they set.

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::StatusCode;
use axum::routing::{get, post};
use portcullis::Error;
use portcullis::decision::Reason;
use portcullis::secret::LinkToken;
use serde_json::json;

use super::Operation;
use super::password::refused;
use crate::Problem;
use crate::answer::LinkView;
use crate::door::{Answer, Door};

type Path = Result<RawPathParams, RawPathParamsRejection>;

/// Routes of links by mail, for who is not signed in.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            method: "post",
            path: "/recovery",
            summary: "Asks for a link that sets a new password; answered alike whoever has the identifier.",
            session: false,
            body: Some("Recovery"),
            success: 202,
            gives: Some("Nothing"),
            refusals: &[Reason::TooManyAttempts],
            route: post(request),
        },
        Operation {
            method: "get",
            path: "/recovery/{token}",
            summary: "Looks at a link of recovery or invitation and changes nothing.",
            session: false,
            body: None,
            success: 200,
            gives: Some("Link"),
            refusals: &[Reason::ChallengeDead],
            route: get(show),
        },
        Operation {
            method: "post",
            path: "/recovery/{token}",
            summary: "Sets a new password by a link; every session is over and none is opened.",
            session: false,
            body: Some("NewPassword"),
            success: 204,
            gives: None,
            refusals: &[
                Reason::ChallengeDead,
                Reason::RepeatDiffers,
                Reason::WeakPassword,
                Reason::AddressTaken,
                Reason::TooSoon,
            ],
            route: post(set),
        },
    ]
}

pub(super) async fn request(door: Door) -> Answer {
    let identifier = door.fields(&["identifier"])?.identifier()?;
    let attempt = door.attempt()?;
    door.portcullis().recovery().request(&identifier, &attempt).await?;
    door.reply(StatusCode::ACCEPTED, &json!({})).await
}

pub(super) async fn show(path: Path, door: Door) -> Answer {
    door.no_fields()?;
    let link = door.portcullis().recovery().peek(&token(&path)?).await?;
    door.reply(StatusCode::OK, &LinkView::from(&link)).await
}

pub(super) async fn set(path: Path, door: Door) -> Answer {
    let mut fields = door.fields(&["new", "repeat"])?;
    let (new, repeat) = (fields.password("new")?, fields.password("repeat")?);
    let attempt = door.attempt()?;
    let set = door.portcullis().recovery().set_password(&token(&path)?, &new, &repeat, &attempt).await;
    match set {
        Ok(()) => door.done().await,
        Err(Error::Refused(refusal)) => Err(refused(refusal)),
        Err(error) => Err(error.into()),
    }
}

/// The token in the path. One that is none is as dead as one that is over.
fn token(path: &Path) -> Result<LinkToken, Problem> {
    // The host may have parameters of its own before the mount; ours is the last one.
    let text = path.as_ref().ok().and_then(|path| path.iter().filter(|(name, _)| *name == "token").last());
    text.and_then(|(_, text)| LinkToken::parse(text)).ok_or_else(|| Reason::ChallengeDead.into())
}
