//! How much of its quotas and budgets an account has used, for who sees the account.

use chrono::{DateTime, Utc};

use super::model::Budget;
use super::quota::{Quota, Usage};
use super::rules::{Row, share};
use crate::account::rules::Chain;
use crate::policy::{Limit, Policy};
use crate::port::store::{Count, Counter, Window};

/// What an account has used: its quotas, and the budgets that are its own. What is used of the budgets that it shares with
/// others (of a country, and of all) is not told: it is not the account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountUsage {
    /// Segments of SMS, in the period of the service.
    pub sms: Usage,
    /// Mails of the service `email_notification`, in its period.
    pub email_notification: Usage,
    /// Segments of SMS to anybody: the policy's `sms_per_account`.
    pub sms_budget: BudgetUsage,
    /// Segments of SMS to numbers that nobody has confirmed yet: the policy's `sms_new_share` of it.
    pub sms_new_budget: BudgetUsage,
}

/// How much of a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetUsage {
    /// What is used of it, in segments.
    pub used: u32,
    /// How much there is.
    pub limit: u32,
    /// When it is counted anew; `None` if nothing is counted yet.
    pub until: Option<DateTime<Utc>>,
}

impl BudgetUsage {
    /// What is left of it, in segments.
    ///
    /// ```
    /// # use portcullis::spend::BudgetUsage;
    /// fn soon_empty(budget: &BudgetUsage) -> bool {
    ///     budget.left() * 5 < budget.limit
    /// }
    /// ```
    pub const fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }
}

/// What the first account of a chain has used; `None` for no account. `count` gives what was read of the account's counters.
pub(crate) fn usage(
    chain: &Chain,
    policy: &Policy,
    count: impl Fn(&Counter) -> Count,
    now: DateTime<Utc>,
) -> Option<AccountUsage> {
    let account = &chain.0.first()?.value;
    let budget = |budget: Budget, limit: Limit| {
        let counter = Counter::of(account.id.uuid(), budget.name());
        let row = Row::plain(counter, limit.count, Window::Rolling(limit.within), &count, now);
        BudgetUsage { used: row.count.value, limit: limit.count, until: row.count.ends_at }
    };
    let whole = policy.sms_per_account;
    Some(AccountUsage {
        sms: Quota::sms(account, chain.service("sms")).usage(&count, now),
        email_notification: Quota::email_notification(account, chain.service("email_notification"))
            .usage(&count, now),
        sms_budget: budget(Budget::Account, whole),
        sms_new_budget: budget(Budget::AccountNew, share(whole, policy.sms_new_share)),
    })
}
