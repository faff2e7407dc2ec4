//! The notices of the signed-in user.

use axum::http::StatusCode;
use axum::routing::put;
use portcullis::decision::Reason;

use super::Operation;
use crate::door::{Answer, Door};
use crate::notices::NoticesView;

/// Routes of notices.
pub(super) fn operations() -> Vec<Operation> {
    vec![Operation {
        method: "put",
        path: "/notices/blocking",
        summary: "Switches the daily mails in the last days before the account is blocked on or off.",
        session: true,
        body: Some("Switch"),
        success: 200,
        gives: Some("Notices"),
        refusals: &[Reason::NotAllowed, Reason::EmailUnconfirmed],
        route: put(set_blocking),
    }]
}

async fn set_blocking(mut door: Door) -> Answer {
    let user = door.user().await?;
    let enabled = door.fields(&["enabled"])?.flag("enabled")?;
    let notices = door.portcullis().notices().set_blocking(user.id, enabled).await?;
    door.reply(StatusCode::OK, &NoticesView::from(&notices)).await
}
