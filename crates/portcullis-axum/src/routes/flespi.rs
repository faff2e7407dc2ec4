//! The flespi connection of the signed-in user.

use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use portcullis::decision::Reason;
use portcullis::flespi::FlespiState;
use portcullis::port::flespi::RegionName;
use portcullis::secret::FlespiToken;

use super::Operation;
use crate::door::{Answer, Door};
use crate::flespi::{CheckView, FlespiView, HandOffView};

/// Routes of flespi.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation {
            method: "get",
            path: "/flespi",
            summary: "Shows the flespi connection; of its token the first characters.",
            session: true,
            body: None,
            success: 200,
            gives: Some("Flespi"),
            refusals: &[],
            route: get(show),
        },
        Operation {
            method: "put",
            path: "/flespi",
            summary: "Keeps a typed token and its region; flespi is not asked.",
            session: true,
            body: Some("FlespiToken"),
            success: 200,
            gives: Some("Flespi"),
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed],
            route: put(type_in),
        },
        Operation {
            method: "delete",
            path: "/flespi",
            summary: "Forgets the token.",
            session: true,
            body: None,
            success: 204,
            gives: None,
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed],
            route: delete(disconnect),
        },
        Operation {
            method: "post",
            path: "/flespi/hand-off",
            summary: "Begins a login at flespi: a one-time nonce, and what the pop-up needs.",
            session: true,
            body: None,
            success: 201,
            gives: Some("FlespiHandOff"),
            refusals: &[Reason::StaleSignIn, Reason::NotAllowed, Reason::TooManyAttempts],
            route: post(begin),
        },
        Operation {
            method: "post",
            path: "/flespi/hand-off/{nonce}",
            summary: "Takes what the pop-up posted; 202 with the state connecting when flespi is slow.",
            session: true,
            body: Some("FlespiMessage"),
            success: 200,
            gives: Some("Flespi"),
            refusals: &[Reason::HandOffDead, Reason::NotAllowed],
            route: post(redeem),
        },
        Operation {
            method: "post",
            path: "/flespi/check",
            summary: "Asks flespi, in the region of the token alone, whether it accepts the token.",
            session: true,
            body: None,
            success: 200,
            gives: Some("FlespiCheck"),
            refusals: &[Reason::NotConnected, Reason::NotAllowed, Reason::TooManyAttempts],
            route: post(check),
        },
    ]
}

async fn show(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    let settings = door.portcullis().settings(user.id).await?;
    let view = settings.flespi.as_ref().map_or(FlespiView::ABSENT, FlespiView::connection);
    door.reply(StatusCode::OK, &view).await
}

async fn begin(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    let hand_off = door.portcullis().flespi().begin(user.id).await?;
    door.reply(StatusCode::CREATED, &HandOffView::from(hand_off)).await
}

async fn redeem(path: Result<RawPathParams, RawPathParamsRejection>, mut door: Door) -> Answer {
    let user = door.user().await?;
    let message = door.fields(&["message"])?.text("message")?;
    // The host may have parameters of its own before the mount; ours is the last one.
    let nonce = path.as_ref().ok().and_then(|path| path.iter().filter(|(name, _)| *name == "nonce").last());
    let nonce = nonce.map_or("", |(_, nonce)| nonce);
    let flespi = door.portcullis().flespi().redeem(user.id, nonce, message).await?;
    let slow = flespi.state == FlespiState::Connecting;
    let status = if slow { StatusCode::ACCEPTED } else { StatusCode::OK };
    door.reply(status, &FlespiView::connection(&flespi)).await
}

async fn type_in(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.fields(&["token", "region"])?;
    let token = FlespiToken::parse(fields.text("token")?)?;
    let region = RegionName::parse(&fields.text("region")?)?;
    let flespi = door.portcullis().flespi().manual(user.id, &token, &region).await?;
    door.reply(StatusCode::OK, &FlespiView::connection(&flespi)).await
}

async fn check(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    let checked = door.portcullis().flespi().check(user.id).await?;
    door.reply(StatusCode::OK, &CheckView::from(checked)).await
}

async fn disconnect(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    door.portcullis().flespi().disconnect(user.id).await?;
    door.done().await
}
