//! Accounts, as an administrator manages them.

use axum::extract::Query;
use axum::http::StatusCode;
use portcullis::decision::Reason;
use portcullis::id::AccountId;
use portcullis::rights::Actor;

use super::settings::{LONGEST_PAGE, USUAL_PAGE};
use crate::Problem;
use crate::customers;
use crate::door::{Answer, Door, PathId};
use crate::managed::{ManagedAccountView, PaymentsView};
use crate::people::invalid_query;
use crate::usage::UsageView;

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

pub(super) async fn usage(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let usage = door.portcullis().manage(actor).usage(account_of(&path)?).await?;
    door.reply(StatusCode::OK, &UsageView::from(&usage)).await
}

pub(super) async fn pay(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let payment = customers::payment(door.any_fields()?)?;
    let paid = door.portcullis().manage(actor).pay(account_of(&path)?, &payment).await;
    let account = paid.map_err(|error| of_payment(error.into()))?;
    door.reply(StatusCode::CREATED, &ManagedAccountView::from(&account)).await
}

pub(super) async fn payments(path: PathId, mut door: Door) -> Answer {
    let actor = Actor::Session(door.user().await?.id);
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&door.parts().uri)
        .map_err(|_| invalid_query("query"))?;
    let page = customers::page(pairs, USUAL_PAGE, LONGEST_PAGE)?;
    let payments = door.portcullis().manage(actor).payments(account_of(&path)?, page).await?;
    door.reply(StatusCode::OK, &PaymentsView::of(&payments, page.limit)).await
}

/// What an account can't hold is too much in a field of the payment.
fn of_payment(problem: Problem) -> Problem {
    if problem.code() == Reason::InvalidBalance.code() {
        problem.of_field(StatusCode::UNPROCESSABLE_ENTITY, "amount")
    } else {
        problem
    }
}
