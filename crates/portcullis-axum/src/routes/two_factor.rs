//! Two-factor authentication of the signed-in user.

use axum::http::StatusCode;

use crate::Problem;
use crate::answer::{ChallengeView, TwoFactorView};
use crate::door::{Answer, Door};

pub(super) async fn ask(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.any_fields()?;
    let code = match fields.text("method")?.as_str() {
        "email" => {
            fields.only(&["address"])?;
            let address = fields.optional_address()?;
            door.portcullis().two_factor().ask(user.id, address.as_ref()).await?
        }
        "sms" => {
            fields.only(&["phone"])?;
            let (phone, source) = (fields.optional_phone()?, door.source()?);
            door.portcullis().two_factor().ask_sms(user.id, phone.as_ref(), &source).await?
        }
        _ => return Err(invalid_method()),
    };
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::ACCEPTED, &view).await
}

pub(super) async fn resend(mut door: Door) -> Answer {
    let user = door.user().await?;
    let token = door.fields(&["challenge"])?.text("challenge")?;
    let challenge = door.challenge(&token)?;
    let source = door.source()?;
    let code = door.portcullis().two_factor().resend(user.id, challenge, &source).await?;
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn set(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.any_fields()?;
    let changed = match fields.text("method")?.as_str() {
        "none" => {
            fields.only(&[])?;
            door.portcullis().two_factor().disable(user.id).await?
        }
        method @ ("email" | "sms") => {
            fields.only(&["challenge", "code"])?;
            let (token, code) = (fields.text("challenge")?, fields.code()?);
            let challenge = door.challenge(&token)?;
            let pending = door.portcullis().settings(user.id).await?.two_factor.pending;
            // The challenge decides what its code switches on; who means another method is told before a code is spent.
            if pending.is_some_and(|pending| pending.code.id == challenge && pending.method.name() != method)
            {
                return Err(Problem::input("method", "invalid_method", "the challenge is of another method"));
            }
            let source = door.source()?;
            door.portcullis().two_factor().enable(user.id, challenge, &code, &source).await?
        }
        _ => return Err(invalid_method()),
    };
    door.give(&changed.session).await?;
    let view = TwoFactorView::of(door.portcullis(), &changed.now);
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn forget_phone(mut door: Door) -> Answer {
    let user = door.user().await?;
    door.no_fields()?;
    if let Some(session) = door.portcullis().phone().remove(user.id).await? {
        door.give(&session).await?;
    }
    door.done().await
}

fn invalid_method() -> Problem {
    Problem::input("method", "invalid_method", "there is no such method here")
}
