//! Signing in and out, and being asked again.

use axum::http::StatusCode;
use portcullis::challenge::Channel;
use portcullis::sign_in::{Admission, CodeResult, Reauthenticated, SignInResult};

use crate::Problem;
use crate::answer::{ChallengeView, SignInView};
use crate::door::{Answer, Door};

pub(super) async fn start(door: Door) -> Answer {
    let mut fields = door.fields(&["login", "password"])?;
    let (login, password) = (fields.login()?, fields.password("password")?);
    let attempt = door.attempt()?;
    match door.portcullis().sign_in().start(&login, &password, &attempt).await? {
        SignInResult::Admitted(admission) => admitted(door, &admission).await,
        SignInResult::CodeRequired { code, channels } => {
            let view = SignInView::code_required(door.portcullis(), &code, &channels);
            door.reply(StatusCode::OK, &view).await
        }
        _ => Err(Problem::unsupported()),
    }
}

pub(super) async fn code(mut door: Door) -> Answer {
    let mut fields = door.fields(&["challenge", "code"])?;
    let (token, code) = (fields.text("challenge")?, fields.code()?);
    let challenge = door.challenge(&token)?;
    let attempt = door.attempt()?;
    let session = door.security().session_id(door.parts()).await?;
    match door.portcullis().sign_in().code(challenge, &code, &attempt, session).await? {
        CodeResult::Admitted(admission) => admitted(door, &admission).await,
        CodeResult::Fresh(session) => {
            door.give(&session).await?;
            door.reply(StatusCode::OK, &SignInView::fresh(&session)).await
        }
        _ => Err(Problem::unsupported()),
    }
}

pub(super) async fn resend(door: Door) -> Answer {
    let mut fields = door.fields(&["challenge", "channel"])?;
    let token = fields.text("challenge")?;
    let unknown = || Problem::input("channel", "invalid_channel", "codes are not sent by this channel");
    let named = |name: String| Channel::ALL.into_iter().find(|channel| channel.name() == name);
    let channel = fields.optional_text("channel")?.map(|name| named(name).ok_or_else(unknown)).transpose()?;
    let challenge = door.challenge(&token)?;
    let attempt = door.attempt()?;
    let code = door.portcullis().sign_in().resend_by(challenge, channel, &attempt).await?;
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::OK, &view).await
}

/// It changes nothing; the challenge stands in the body so that no log of a URL holds it.
pub(super) async fn pending(door: Door) -> Answer {
    let token = door.fields(&["challenge"])?.text("challenge")?;
    let challenge = door.challenge(&token)?;
    let code = door.portcullis().sign_in().pending(challenge).await?;
    let view = ChallengeView::of(door.portcullis(), &code);
    door.reply(StatusCode::OK, &view).await
}

/// Who is signed out already is signed out: no refusal, and nothing left to carry.
pub(super) async fn out(mut door: Door) -> Answer {
    door.no_fields()?;
    if let Some(session) = door.security().session_id(door.parts()).await? {
        door.portcullis().sessions().sign_out(session).await?;
    }
    door.take().await?;
    door.done().await
}

pub(super) async fn again(mut door: Door) -> Answer {
    let user = door.user().await?;
    let mut fields = door.fields(&["password"])?;
    let password = fields.password("password")?;
    let attempt = door.attempt()?;
    match door.portcullis().sign_in().reauthenticate(user.id, &password, &attempt).await? {
        Reauthenticated::Fresh(session) => {
            door.give(&session).await?;
            door.reply(StatusCode::OK, &SignInView::fresh(&session)).await
        }
        Reauthenticated::CodeRequired { code, channels } => {
            let view = SignInView::code_required(door.portcullis(), &code, &channels);
            door.reply(StatusCode::OK, &view).await
        }
        _ => Err(Problem::unsupported()),
    }
}

async fn admitted(mut door: Door, admission: &Admission) -> Answer {
    door.admit(admission).await?;
    door.reply(StatusCode::OK, &SignInView::admitted(admission)).await
}
