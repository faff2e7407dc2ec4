//! An account's money: what it has, and what it needs.

use serde::{Deserialize, Serialize};

use crate::error::InputError;
use crate::policy::AMOUNT_LARGEST;

/// The balance of an account, in minor units of its currency, such as cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Balance {
    /// What it has; negative when it owes.
    pub amount: i64,
    /// Below this the account is blocked; `None` never blocks.
    pub block_below: Option<i64>,
    /// Below this every service of the account is off; `None` never limits.
    pub limit_below: Option<i64>,
}

impl Balance {
    /// Whether it is too low for the account not to be blocked.
    pub fn blocks(&self) -> bool {
        self.block_below.is_some_and(|least| self.amount < least)
    }

    /// Whether it is too low for services.
    ///
    /// ```
    /// use portcullis::account::{Balance, BalanceChange};
    /// let change = BalanceChange::default().amount(-1).limit_below(Some(0));
    /// let balance = Balance::default().changed(change);
    /// assert!(balance.limits() && !balance.blocks());
    /// ```
    pub fn limits(&self) -> bool {
        self.limit_below.is_some_and(|least| self.amount < least)
    }

    /// The balance after a change.
    #[must_use]
    pub fn changed(self, change: BalanceChange) -> Self {
        Self {
            amount: change.amount.unwrap_or(self.amount),
            block_below: change.block_below.unwrap_or(self.block_below),
            limit_below: change.limit_below.unwrap_or(self.limit_below),
        }
    }
}

/// What of a balance is to change; what is not named stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BalanceChange {
    /// What the account has.
    pub amount: Option<i64>,
    /// Below what it is blocked.
    pub block_below: Option<Option<i64>>,
    /// Below what its services are off.
    pub limit_below: Option<Option<i64>>,
}

impl BalanceChange {
    /// With this amount.
    #[must_use]
    pub const fn amount(mut self, amount: i64) -> Self {
        self.amount = Some(amount);
        self
    }

    /// Blocked below this, or never.
    #[must_use]
    pub const fn block_below(mut self, least: Option<i64>) -> Self {
        self.block_below = Some(least);
        self
    }

    /// Without services below this, or never.
    #[must_use]
    pub const fn limit_below(mut self, least: Option<i64>) -> Self {
        self.limit_below = Some(least);
        self
    }

    /// Checks the numbers.
    pub(crate) fn check(self) -> Result<(), InputError> {
        let named = [self.amount, self.block_below.flatten(), self.limit_below.flatten()];
        if named.into_iter().flatten().all(holds) {
            Ok(())
        } else {
            Err(InputError::new("balance", "invalid_balance", "an amount is at most 2^53 - 1 either way"))
        }
    }
}

/// Whether an amount is within bounds.
pub(crate) fn holds(amount: i64) -> bool {
    (-AMOUNT_LARGEST..=AMOUNT_LARGEST).contains(&amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(amount: i64, block_below: Option<i64>, limit_below: Option<i64>) -> Balance {
        Balance { amount, block_below, limit_below }
    }

    #[test]
    fn a_balance_blocks_and_limits_below_its_thresholds() {
        for (amount, blocks, limits) in
            [(-101, true, true), (-100, false, true), (-1, false, true), (0, false, false)]
        {
            let this = balance(amount, Some(-100), Some(0));
            assert_eq!((this.blocks(), this.limits()), (blocks, limits), "{amount}");
        }
        let free = balance(i64::MIN, None, None);
        assert!(!free.blocks() && !free.limits(), "without thresholds it never does");
    }

    #[test]
    fn what_is_not_named_stays_and_a_threshold_can_be_taken_away() {
        let before = balance(500, Some(-100), Some(0));
        assert_eq!(before.changed(BalanceChange::default()), before);
        assert_eq!(before.changed(BalanceChange::default().amount(7)), balance(7, Some(-100), Some(0)));
        assert_eq!(before.changed(BalanceChange::default().block_below(None)), balance(500, None, Some(0)));
        assert_eq!(before.changed(BalanceChange::default().limit_below(Some(9))).limit_below, Some(9));
    }

    #[test]
    fn amounts_survive_other_programs() {
        let largest = AMOUNT_LARGEST;
        let change = BalanceChange::default();
        assert_eq!(change.amount(-largest).block_below(Some(largest)).check(), Ok(()));
        for beyond in [
            change.amount(largest + 1),
            change.block_below(Some(-largest - 1)),
            change.limit_below(Some(i64::MIN)),
        ] {
            let error = beyond.check().unwrap_err();
            assert_eq!((error.code(), error.field()), ("invalid_balance", "balance"));
        }
    }
}
