//! How the engine is doing, for the tests and for whoever sets a gateway up.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use serde_json::json;

use super::tools::dev;
use crate::web::{Answer, App, rfc3339};

/// GET: what stands still, and what was reported in vain.
pub(super) async fn show(State(app): State<App>) -> Answer {
    dev(&app)?;
    let health = app.security.portcullis().health();
    let reports = health.reports;
    let body = json!({
        "last_pass": health.last_pass.map(rfc3339),
        "mail_stopped_until": health.mail_stopped_until.map(rfc3339),
        "sms_stopped_until": health.sms_stopped_until.map(rfc3339),
        "reports": {
            "kept": reports.kept, "unknown": reports.unknown, "repeated": reports.repeated,
            "late": reports.late, "forged": reports.forged,
        },
    });
    Ok(Json(body).into_response())
}
