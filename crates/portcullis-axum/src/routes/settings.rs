//! What the signed-in user sees: the whole tab, and the own trail.

use axum::extract::Query;
use axum::http::StatusCode;
use portcullis::id::UserId;
use portcullis::port::store::{Order, TrailPage};
use portcullis::rights::Actor;
use uuid::Uuid;

use crate::Problem;
use crate::answer::SettingsView;
use crate::door::{Answer, Door};
use crate::input::unknown_field;
use crate::trail::AuditView;

/// The longest page of the trail: the store's own.
pub(super) const LONGEST_PAGE: u32 = 1000;
/// A page of the trail if none is asked for.
pub(super) const USUAL_PAGE: u32 = 100;

pub(super) async fn show(mut door: Door) -> Answer {
    let user = door.user().await?;
    let settings = door.portcullis().settings(user.id).await?;
    let view = SettingsView::of(door.portcullis(), &settings);
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn trail(mut door: Door) -> Answer {
    let user = door.user().await?;
    let (of, page) = page_of(&door)?;
    let events = match of {
        None => door.portcullis().audit(user.user, page).await?,
        Some(of) => door.portcullis().manage(Actor::Session(user.id)).trail(of, page).await?,
    };
    door.reply(StatusCode::OK, &AuditView::of(events, page.limit)).await
}

/// Whose trail is asked for, if not the own one, and which page of it.
fn page_of(door: &Door) -> Result<(Option<UserId>, TrailPage), Problem> {
    let invalid = |field| Problem::input(field, "invalid_query", "the query can't be read");
    let Query(pairs) =
        Query::<Vec<(String, String)>>::try_from_uri(&door.parts().uri).map_err(|_| invalid("query"))?;
    let mut limit = USUAL_PAGE;
    let (mut of, mut order, mut after, mut before) = (None, None, None, None);
    for (name, value) in pairs {
        match name.as_str() {
            "user" => of = Some(UserId::from_uuid(value.parse().map_err(|_| invalid("user"))?)),
            "order" => {
                order = Some(match value.as_str() {
                    "oldest" => Order::OldestFirst,
                    "newest" => Order::NewestFirst,
                    _ => return Err(invalid("order")),
                });
            }
            "after" => after = Some(value.parse::<Uuid>().map_err(|_| invalid("after"))?),
            "before" => before = Some(value.parse::<Uuid>().map_err(|_| invalid("before"))?),
            "limit" => {
                let asked = value.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit));
                limit = asked.ok_or_else(|| invalid("limit"))?;
            }
            _ => return Err(unknown_field(&name)),
        }
    }
    // A place to go on from says itself in which direction.
    let (order, beyond) = match (order, after, before) {
        (None | Some(Order::OldestFirst), after, None) => (Order::OldestFirst, after),
        (None, None, Some(before)) => (Order::NewestFirst, Some(before)),
        (Some(Order::NewestFirst), None, before) => (Order::NewestFirst, before),
        (Some(Order::NewestFirst), Some(_), _) => return Err(invalid("after")),
        (Some(Order::OldestFirst), _, Some(_)) | (None, Some(_), Some(_)) => return Err(invalid("before")),
    };
    Ok((of, TrailPage { order, beyond, limit }))
}
