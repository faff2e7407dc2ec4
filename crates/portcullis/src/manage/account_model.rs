//! Accounts as an administrator sees them, and what he may ask to change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::model::Holder;
use crate::account::{Balance, BalanceChange, DaysChange, Service, TimeZone};
use crate::id::AccountId;
use crate::rights::Verdict;

/// An account as an administrator sees it.
///
/// Who may see an account sees what it has: its days, balance, thresholds and plans take no right beyond `view`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedAccount {
    /// The id.
    pub id: AccountId,
    /// The account above it.
    pub parent: Option<AccountId>,
    /// Its name.
    pub name: String,
    /// Whether it may have accounts below it.
    pub dealer: bool,
    /// Its plan, one of those of the top account.
    pub plan: Option<String>,
    /// Its own services by name; what is not named follows its plan.
    pub services: BTreeMap<String, Service>,
    /// What it may use: by its own entry or else its plan's, never more than any account above it may use, and nothing
    /// while its balance or one above it is too low. An account with neither entry nor plan has nothing, and so has
    /// every account below it.
    pub in_force: BTreeMap<String, Service>,
    /// All plans by name, each with its services; only a top account has any.
    pub plans: BTreeMap<String, BTreeMap<String, Service>>,
    /// Its days.
    pub days: AccountDays,
    /// Its balance.
    pub balance: Balance,
    /// Whether it is blocked: by hand, by its balance or by its days, or because an account above it is.
    pub blocked: bool,
    /// Whether it was blocked by hand itself.
    pub blocked_by_hand: bool,
    /// When its days or those of an account above it block it, whichever is first, or blocked it; `None` while no days
    /// are counted.
    pub blocks_at: Option<DateTime<Utc>>,
    /// Days until then on the calendar of its zone; 0 from that day on.
    pub days_left: Option<u32>,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// What who asks may do to it.
    pub may: AccountActions,
    /// Who holds rights directly on it, in the order of their ids. Only where one account is shown, and to who may
    /// `manage_access`.
    pub rights: Option<Vec<Holder>>,
}

/// An account's own days, as they stand today in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountDays {
    /// Days left.
    pub left: i32,
    /// Days left at which it is blocked.
    pub minimum: i32,
    /// Whether days are counted.
    pub counting: bool,
}

/// What somebody may do to an account: each act with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountActions {
    /// Change its name and its time zone.
    pub change: Verdict,
    /// Change its services, plan, dealer rights, days, balance and manual block, and record payments.
    pub bill: Verdict,
    /// Create a user in it; to grant a flag takes the flag itself, too.
    pub create_user: Verdict,
    /// Create an account below it.
    pub create_account: Verdict,
    /// Let others have rights on it.
    pub manage_access: Verdict,
}

/// What of an account is to change, all of it or nothing; what is not named stays as it is.
///
/// ```
/// use portcullis::account::Service;
/// use portcullis::manage::AccountChange;
/// let change = AccountChange::default().service("sms", Service::off()).blocked(true);
/// assert_eq!(change.blocked, Some(true));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AccountChange {
    /// The name, 1 to 100 characters.
    pub name: Option<String>,
    /// Its own services by name.
    pub services: BTreeMap<String, Service>,
    /// The names of services that are to follow the plan.
    pub by_plan: BTreeSet<String>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// Whether it is to be blocked by hand.
    pub blocked: Option<bool>,
    /// Its days.
    pub days: DaysChange,
    /// Its balance.
    pub balance: BalanceChange,
    /// Whether it may have accounts below it.
    pub dealer: Option<bool>,
    /// Its plan, one of those of the top account, or none.
    pub plan: Option<Option<String>>,
    /// All plans by name, each with its services: for a top account only.
    pub plans: Option<BTreeMap<String, BTreeMap<String, Service>>>,
}

impl AccountChange {
    /// With this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With this service.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>, service: Service) -> Self {
        self.services.insert(name.into(), service);
        self
    }

    /// With a service that follows the plan.
    #[must_use]
    pub fn service_by_plan(mut self, name: impl Into<String>) -> Self {
        self.by_plan.insert(name.into());
        self
    }

    /// With this time zone.
    #[must_use]
    pub fn time_zone(mut self, time_zone: TimeZone) -> Self {
        self.time_zone = Some(time_zone);
        self
    }

    /// With the manual block set or lifted.
    #[must_use]
    pub fn blocked(mut self, blocked: bool) -> Self {
        self.blocked = Some(blocked);
        self
    }

    /// With these days.
    #[must_use]
    pub fn days(mut self, days: DaysChange) -> Self {
        self.days = days;
        self
    }

    /// With this balance.
    #[must_use]
    pub fn balance(mut self, balance: BalanceChange) -> Self {
        self.balance = balance;
        self
    }

    /// With accounts below it allowed, or not; those that exist stay.
    #[must_use]
    pub fn dealer(mut self, dealer: bool) -> Self {
        self.dealer = Some(dealer);
        self
    }

    /// On this plan, or none.
    #[must_use]
    pub fn plan(mut self, plan: Option<String>) -> Self {
        self.plan = Some(plan);
        self
    }

    /// With exactly these plans.
    #[must_use]
    pub fn plans(mut self, plans: BTreeMap<String, BTreeMap<String, Service>>) -> Self {
        self.plans = Some(plans);
        self
    }
}
