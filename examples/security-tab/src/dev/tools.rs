//! Moving the clock, running the worker, breaking the senders.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use portcullis::challenge::Channel;
use portcullis::port::ambient::Clock as _;
use serde_json::json;

use super::Dev;
use super::body::{Fields, unfit};
use crate::mailbox::Failing;
use crate::web::{Answer, App, Stop, rfc3339};

/// POST: moves the time of the whole program, then works on what has become due.
pub(super) async fn clock(State(app): State<App>, mut fields: Fields) -> Answer {
    let dev = dev(&app)?;
    fields.only(&["advance_seconds"])?;
    let seconds: i64 = fields.need("advance_seconds")?;
    advance(dev, seconds, "advance_seconds").await?;
    Ok(Json(json!({ "now": rfc3339(dev.clock.now()) })).into_response())
}

/// Moves the clock by what a field asks for, and works on what has become due.
pub(super) async fn advance(dev: &Dev, seconds: i64, field: &str) -> Result<(), Stop> {
    if !dev.clock.advance(seconds) {
        return Err(unfit("out_of_range", field, "the time is moved by a hundred years at most"));
    }
    dev.worker.pass().await?;
    Ok(())
}

/// POST: works until nothing is due any more, and tells what was done since this was last asked.
pub(super) async fn run_worker(State(app): State<App>, fields: Fields) -> Answer {
    fields.only(&[])?;
    Ok(Json(dev(&app)?.worker.finish().await?).into_response())
}

/// POST: lets a sender misbehave.
pub(super) async fn fail(State(app): State<App>, mut fields: Fields) -> Answer {
    let dev = dev(&app)?;
    fields.only(&["channel", "mode"])?;
    let (channel, mode): (String, String) = (fields.need("channel")?, fields.need("mode")?);
    let failing = match mode.as_str() {
        "down" => Failing::Down,
        "slow" => Failing::Slow,
        "off" => Failing::Off,
        _ => return Err(unfit("invalid_mode", "mode", "a sender is down, slow or off, which is neither")),
    };
    match channel.as_str() {
        "email" => dev.mailbox.fail(Channel::Email, failing),
        "sms" => dev.mailbox.fail(Channel::Sms, failing),
        "flespi" => dev.flespi.fail(failing),
        _ => return Err(unfit("invalid_channel", "channel", "there is no such channel")),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn dev(app: &App) -> Result<&Arc<Dev>, Stop> {
    app.dev.as_ref().ok_or_else(|| Stop::from(StatusCode::NOT_FOUND.into_response()))
}
