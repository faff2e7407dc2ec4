//! Users, as an administrator manages them.

use axum::extract::Query;
use axum::http::StatusCode;
use portcullis::decision::Reason;
use portcullis::id::UserId;
use portcullis::port::store::Page;
use portcullis::rights::Actor;
use portcullis::user::Login;

use super::settings::{LONGEST_PAGE, USUAL_PAGE};
use crate::Problem;
use crate::door::{Answer, Door, PathId};
use crate::managed::{ManagedUserView, UsersView};
use crate::people;

/// The user that a path names. What is no id names nobody.
fn user_of(path: &PathId) -> Result<UserId, Problem> {
    path.uuid().map(UserId::from_uuid).ok_or_else(|| Reason::NotFound.into())
}

pub(super) async fn list(mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(&door.parts().uri)
        .map_err(|_| people::invalid_query("query"))?;
    let query = people::user_query(pairs.0, LONGEST_PAGE)?;
    let manage = door.portcullis().manage(actor);
    let view = if let Some(login) = query.login {
        let found = manage.user_by_login(&Login::parse(&login)?).await?;
        let within = |account| query.account.is_none_or(|named| named == account);
        UsersView::only(found.as_ref().filter(|user| within(user.account)))
    } else {
        let page = Page { after: query.after, limit: query.limit.unwrap_or(USUAL_PAGE) };
        UsersView::from(&manage.users(query.account, page).await?)
    };
    door.reply(StatusCode::OK, &view).await
}

pub(super) async fn create(mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let new = people::new_user(door.any_fields()?)?;
    let user = door.portcullis().manage(actor).create_user(new).await?;
    door.reply(StatusCode::CREATED, &ManagedUserView::from(&user)).await
}

pub(super) async fn show(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let user = door.portcullis().manage(actor).user(user_of(&path)?).await?;
    door.reply(StatusCode::OK, &ManagedUserView::from(&user)).await
}

pub(super) async fn change(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let change = people::user_change(door.any_fields()?)?;
    let user = door.portcullis().manage(actor).change_user(user_of(&path)?, &change).await?;
    door.reply(StatusCode::OK, &ManagedUserView::from(&user)).await
}

pub(super) async fn end_sessions(path: PathId, mut door: Door) -> Answer {
    let session = door.user().await?;
    door.no_fields()?;
    let user = user_of(&path)?;
    door.portcullis().manage(Actor::Session(session.id)).end_sessions(user).await?;
    if user == session.user {
        door.take().await?;
    }
    door.done().await
}

pub(super) async fn remove_two_factor(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    door.no_fields()?;
    door.portcullis().manage(actor).remove_two_factor(user_of(&path)?).await?;
    door.done().await
}

pub(super) async fn send_recovery(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    door.no_fields()?;
    door.portcullis().manage(actor).send_recovery(user_of(&path)?).await?;
    door.reply(StatusCode::ACCEPTED, &serde_json::json!({})).await
}

pub(super) async fn send_invitation(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    door.no_fields()?;
    door.portcullis().invitation().send(actor, user_of(&path)?).await?;
    door.reply(StatusCode::ACCEPTED, &serde_json::json!({})).await
}

pub(super) async fn grant(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let (item, rights) = people::rights(door.any_fields()?)?;
    door.portcullis().manage(actor).grant(item, user_of(&path)?, &rights).await?;
    door.done().await
}
