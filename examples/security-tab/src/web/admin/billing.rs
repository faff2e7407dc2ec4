//! Days, balance and payments of an account.

use std::num::ParseIntError;

use axum::http::StatusCode;
use portcullis::Error;
use portcullis::account::{BalanceChange, DaysChange, Payment};
use portcullis::decision::Reason;
use portcullis::id::PaymentId;
use portcullis::manage::{AccountChange, ManagedAccount};
use portcullis::port::ambient::{Random as _, SystemRandom};
use portcullis::port::store::Page;
use uuid::Uuid;

use super::desk::{Desk, id};
use crate::page::admin::{
    AdminSaid, Billing, Note, PaymentFields, PaymentLine, Place, Tab, Trouble, gates_of,
};
use crate::page::field;
use crate::web::visit::{Answer, Stop};
use crate::web::words::{date_and_time_of, day_of};

/// How many payments the page shows.
const MOST_PAYMENTS: usize = 20;
/// How many it looks through for the newest, since a listing is in the order of ids.
const READ_PAYMENTS: u32 = 1000;

/// POST: changes days, balance, plan and whether it may have accounts below it.
pub(super) async fn bill(desk: Desk) -> Answer {
    let Some(account) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let Some(change) = change_of(&desk) else {
        let note = Note::trouble(Place::Billing, Trouble::InvalidNumber);
        return desk.show_account(account, StatusCode::UNPROCESSABLE_ENTITY, Some(note), None).await;
    };
    let result = desk.manage().change_account(account, &change).await;
    match trouble_of(result.as_ref().err()) {
        Some(trouble) => {
            let note = Note::trouble(Place::Billing, trouble);
            desk.show_account(account, StatusCode::UNPROCESSABLE_ENTITY, Some(note), None).await
        }
        None => desk.account_answer(account, result.map(drop), AdminSaid::BillingSaved, None).await,
    }
}

/// POST: records a payment.
pub(super) async fn pay(desk: Desk) -> Answer {
    let Some(account) = desk.account() else { return desk.not_found(Tab::Accounts) };
    let wrong = |desk: Desk| async move {
        let note = Note::trouble(Place::Payment, Trouble::InvalidPayment);
        desk.show_account(account, StatusCode::UNPROCESSABLE_ENTITY, Some(note), None).await
    };
    let (days, amount) = (number_or(&desk.typed(field::DAYS), 0), number_or(&desk.typed(field::AMOUNT), 0));
    let (Some(days), Some(amount)) = (days, amount) else { return wrong(desk).await };
    // INVARIANT: a form that is sent twice is one payment.
    let Some(id) = id(desk.visit.field(field::PAYMENT)) else { return wrong(desk).await };
    let payment =
        Payment::new(desk.typed(field::COMMENT)).days(days).amount(amount).under(PaymentId::from_uuid(id));
    let result = desk.manage().pay(account, &payment).await;
    if trouble_of(result.as_ref().err()).is_some() {
        return wrong(desk).await;
    }
    desk.account_answer(account, result.map(drop), AdminSaid::Paid, None).await
}

/// The id of the next payment.
fn fresh_id(desk: &Desk) -> Result<String, Stop> {
    let mut bytes = [0; 16];
    let filled = SystemRandom::default().fill(&mut bytes);
    filled.map_err(|error| desk.visit.end(Error::Unavailable(error)))?;
    Ok(Uuid::from_bytes(bytes).to_string())
}

/// What is wrong with the numbers themselves.
fn trouble_of(error: Option<&Error>) -> Option<Trouble> {
    let error = error?;
    if let Error::Refused(refusal) = error {
        let reason = refusal.reason();
        let of_numbers = matches!(reason, Reason::InvalidDays | Reason::InvalidBalance);
        let of_plan = (reason == Reason::UnknownPlan).then_some(Trouble::UnknownPlan);
        return of_numbers.then_some(Trouble::InvalidNumber).or(of_plan);
    }
    matches!(error, Error::Input(_)).then_some(Trouble::InvalidNumber)
}

fn number_or<T: std::str::FromStr>(text: &str, empty: T) -> Option<T> {
    if text.is_empty() { Some(empty) } else { text.parse().ok() }
}

fn limit(text: &str) -> Result<Option<i64>, ParseIntError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The change of the form. Of what counts by itself or by payments, only what was typed anew is changed.
fn change_of(desk: &Desk) -> Option<AccountChange> {
    let mut days = DaysChange::default()
        .minimum(number_or(&desk.typed(field::MINIMUM), 0)?)
        .counting(!desk.visit.field(field::COUNTING).is_empty());
    let left = desk.typed(field::LEFT);
    if left != desk.visit.field(field::LEFT_SHOWN) {
        days = days.left(left.parse().ok()?);
    }
    let mut balance = BalanceChange::default()
        .block_below(limit(&desk.typed(field::BLOCK_BELOW)).ok()?)
        .limit_below(limit(&desk.typed(field::LIMIT_BELOW)).ok()?);
    let amount = desk.typed(field::AMOUNT);
    if amount != desk.visit.field(field::AMOUNT_SHOWN) {
        balance = balance.amount(amount.parse().ok()?);
    }
    let plan = Some(desk.typed(field::PLAN)).filter(|plan| !plan.is_empty());
    let dealer = !desk.visit.field(field::DEALER).is_empty();
    Some(AccountChange::default().days(days).balance(balance).plan(plan).dealer(dealer))
}

impl Desk {
    /// Days, balance and payments of an account; what was typed wrong stays in its form.
    pub(super) async fn billing(
        &self,
        account: &ManagedAccount,
        note: Option<&Note>,
    ) -> Result<Billing, Stop> {
        let whole = Page { after: None, limit: READ_PAYMENTS };
        let mut payments = match self.manage().payments(account.id, whole).await {
            Ok(payments) => payments,
            // Who may see an account may not see what was paid for it.
            Err(Error::Refused(refusal)) if refusal.reason() == Reason::NotAllowed => Vec::new(),
            Err(error) => return Err(self.visit.end(error)),
        };
        // They come in the order of their ids, which tell no time.
        payments.sort_by_key(|payment| core::cmp::Reverse(payment.at));
        payments.truncate(MOST_PAYMENTS);
        let optional = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
        let (days, balance) = (account.days, account.balance);
        let mut billing = Billing {
            left: days.left.to_string(),
            left_shown: days.left.to_string(),
            minimum: days.minimum.to_string(),
            counting: days.counting,
            amount: balance.amount.to_string(),
            amount_shown: balance.amount.to_string(),
            block_below: optional(balance.block_below),
            limit_below: optional(balance.limit_below),
            plan: account.plan.clone().unwrap_or_default(),
            dealer: account.dealer,
            blocks: account.blocks_at.map(|at| day_of(account.time_zone.day(at), self.frame.language)),
            payments: payments
                .into_iter()
                .map(|payment| PaymentLine {
                    at: date_and_time_of(payment.at, self.zone()),
                    days: payment.days,
                    amount: payment.amount,
                    comment: payment.comment,
                })
                .collect(),
            payment: PaymentFields { id: fresh_id(self)?, ..PaymentFields::default() },
            gates: gates_of(&account.may.bill),
        };
        match note.filter(|note| note.is_trouble()).map(|note| note.place) {
            Some(Place::Billing) => {
                billing.left = self.typed(field::LEFT);
                billing.minimum = self.typed(field::MINIMUM);
                billing.counting = !self.visit.field(field::COUNTING).is_empty();
                billing.amount = self.typed(field::AMOUNT);
                billing.block_below = self.typed(field::BLOCK_BELOW);
                billing.limit_below = self.typed(field::LIMIT_BELOW);
                billing.plan = self.typed(field::PLAN);
                billing.dealer = !self.visit.field(field::DEALER).is_empty();
            }
            Some(Place::Payment) => {
                billing.payment = PaymentFields {
                    id: self.visit.field(field::PAYMENT).to_owned(),
                    days: self.typed(field::DAYS),
                    amount: self.typed(field::AMOUNT),
                    comment: self.typed(field::COMMENT),
                };
            }
            _ => {}
        }
        Ok(billing)
    }
}
