//! Accounts, as an administrator manages them.

use axum::http::StatusCode;
use portcullis::decision::Reason;
use portcullis::id::AccountId;
use portcullis::rights::Actor;

use crate::Problem;
use crate::customers;
use crate::door::{Answer, Door, PathId};
use crate::managed::ManagedAccountView;

/// The account that a path names. What is no id names none.
fn account_of(path: &PathId) -> Result<AccountId, Problem> {
    path.uuid().map(AccountId::from_uuid).ok_or_else(|| Reason::NotFound.into())
}

pub(super) async fn create(mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let new = customers::new_account(door.any_fields()?)?;
    let account = door.portcullis().manage(actor).create_account(new).await?;
    door.reply(StatusCode::CREATED, &ManagedAccountView::from(&account)).await
}

pub(super) async fn show(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let account = door.portcullis().manage(actor).account(account_of(&path)?).await?;
    door.reply(StatusCode::OK, &ManagedAccountView::from(&account)).await
}

pub(super) async fn change(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let change = customers::account_change(door.any_fields()?)?;
    let account = door.portcullis().manage(actor).change_account(account_of(&path)?, &change).await?;
    door.reply(StatusCode::OK, &ManagedAccountView::from(&account)).await
}
