//! The notices of the signed-in user.

use axum::http::StatusCode;

use crate::Problem;
use crate::answer::NoticesView;
use crate::door::{Answer, Door};

pub(super) async fn set_blocking(mut door: Door) -> Answer {
    let user = door.user().await?;
    let enabled = door.fields(&["enabled"])?.optional_flag("enabled")?;
    let enabled = enabled.ok_or_else(|| Problem::input("enabled", "missing", "the switch is missing"))?;
    let notices = door.portcullis().notices().set_blocking(user.id, enabled).await?;
    door.reply(StatusCode::OK, &NoticesView::from(&notices)).await
}
