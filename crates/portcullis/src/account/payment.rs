//! Payments: what was added to an account's days and balance, by whom and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::balance;
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::{AccountId, PaymentId, UserId};
use crate::policy::{COMMENT_LONGEST, DAYS_FURTHEST};
use crate::port::store::{Key, Kind, Lane};

/// What is to be added to an account.
///
/// ```
/// use portcullis::account::Payment;
/// let payment = Payment::new("invoice 17").days(30).amount(9_900);
/// assert_eq!((payment.days, payment.amount), (30, 9_900));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Payment {
    /// What tells it from any other payment of the account: recording it again changes nothing.
    pub id: Option<PaymentId>,
    /// Days to add, at most 36525 either way.
    pub days: i32,
    /// What to add to the balance, in minor units, at most 2^53 - 1 either way.
    pub amount: i64,
    /// Why: 1 to 500 characters without control characters.
    pub comment: String,
}

impl Payment {
    /// A payment of nothing yet, with the reason.
    pub fn new(comment: impl Into<String>) -> Self {
        Self { id: None, days: 0, amount: 0, comment: comment.into() }
    }

    /// With so many days.
    #[must_use]
    pub fn days(mut self, days: i32) -> Self {
        self.days = days;
        self
    }

    /// With so much money.
    #[must_use]
    pub fn amount(mut self, amount: i64) -> Self {
        self.amount = amount;
        self
    }

    /// Under an id, so that recording it again changes nothing.
    #[must_use]
    pub fn under(mut self, id: PaymentId) -> Self {
        self.id = Some(id);
        self
    }

    /// Checks what it says by itself.
    pub(crate) fn check(&self) -> Result<(), InputError> {
        if !(-DAYS_FURTHEST..=DAYS_FURTHEST).contains(&self.days) {
            return Err(InputError::new("days", "invalid_days", "days are at most 36525 either way"));
        }
        if !balance::holds(self.amount) {
            let words = "an amount is at most 2^53 - 1 either way";
            return Err(InputError::new("amount", "invalid_amount", words));
        }
        if self.days == 0 && self.amount == 0 {
            return Err(InputError::new("days", "missing", "a payment has days or an amount"));
        }
        let length = self.comment.chars().count();
        let shown = !self.comment.trim().is_empty() && !self.comment.chars().any(char::is_control);
        if shown && length <= COMMENT_LONGEST {
            Ok(())
        } else {
            let words = "a comment has 1 to 500 characters and no control characters";
            Err(InputError::new("comment", "invalid_comment", words))
        }
    }
}

/// A payment as it was recorded. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedPayment {
    pub(crate) v: Schema<1>,
    /// Its id: the one it was given, bound to the account, or a new one.
    pub id: PaymentId,
    /// The top account of its account.
    pub tenant: AccountId,
    /// Whose days and balance it changed.
    pub account: AccountId,
    /// The days it added.
    pub days: i32,
    /// What it added to the balance, in minor units.
    pub amount: i64,
    /// Why.
    pub comment: String,
    /// Who recorded it; `None` when the embedding program did.
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}

impl RecordedPayment {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("payment");

    /// The lookup key of all payments of an account.
    pub(crate) fn of_account(account: AccountId) -> Key {
        Key::lookup(Self::KIND, "account", account.to_string())
    }

    /// Whether it is what is asked for.
    pub(crate) fn is(&self, account: AccountId, payment: &Payment) -> bool {
        self.account == account
            && (self.days, self.amount) == (payment.days, payment.amount)
            && self.comment == payment.comment
    }
}

impl Entity for RecordedPayment {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        vec![Self::of_account(self.account)]
    }

    fn refs(&self) -> Vec<Uuid> {
        Vec::new()
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_has_something_to_add_and_a_reason() {
        let code =
            |payment: Payment| payment.check().map_err(|error| (error.field().to_owned(), error.code()));
        let wrong = |field: &str, code| Err((field.to_owned(), code));
        let paid = |comment: &str| Payment::new(comment).days(1);
        assert_eq!(code(Payment::new("cash").days(-36_525)), Ok(()));
        assert_eq!(code(Payment::new("cash").amount(-1)), Ok(()));
        assert_eq!(code(Payment::new("cash")), wrong("days", "missing"));
        assert_eq!(code(paid("cash").days(36_526)), wrong("days", "invalid_days"));
        assert_eq!(code(paid("cash").amount(i64::MIN)), wrong("amount", "invalid_amount"));
        assert_eq!(code(paid(&"ä".repeat(500))), Ok(()));
        for comment in ["", "  ", "a\nb", &"a".repeat(501)] {
            assert_eq!(code(paid(comment)), wrong("comment", "invalid_comment"), "{comment:?}");
        }
    }
}
