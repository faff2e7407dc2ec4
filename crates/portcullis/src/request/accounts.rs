//! Requests of those who manage accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::Raw;
use crate::account::{Balance, BalanceChange, DaysChange, NewAccount, Payment, Period, Service, TimeZone};
use crate::error::InputError;
use crate::id::{AccountId, PaymentId};
use crate::manage::AccountChange;

/// A service of an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServiceRequest {
    /// Whether it is switched on.
    pub on: bool,
    /// How much of it a period has; not named means without limit.
    pub quota: Option<u32>,
    /// The period; not named means that the quota is never counted anew.
    pub period: Option<Period>,
}

/// An account's days: what is not named stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DaysRequest {
    /// Days left.
    pub left: Option<i32>,
    /// The days left at which the account is blocked.
    pub minimum: Option<i32>,
    /// Whether they are counted down.
    pub counting: Option<bool>,
}

/// An account's balance: what is not named stays as it is, and a threshold that is `null` is none.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BalanceRequest {
    /// The amount, in minor units.
    pub amount: Option<i64>,
    /// Below what the account is blocked.
    #[serde(default, deserialize_with = "named")]
    pub block_below: Option<Option<i64>>,
    /// Below what its services are off.
    #[serde(default, deserialize_with = "named")]
    pub limit_below: Option<Option<i64>>,
}

/// `POST /accounts`: a new account.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewAccountRequest {
    /// The id it is to have, so that repeating the request changes nothing.
    pub id: Option<Uuid>,
    /// The name, 1 to 100 characters.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 100)))]
    pub name: Raw,
    /// The id of the account above it.
    pub parent: Option<Uuid>,
    /// Whether it may have accounts below it.
    #[serde(default)]
    pub dealer: bool,
    /// Its plan, one of those of the top account.
    pub plan: Option<String>,
    /// The services by name; one that is `null`, or not named, follows the plan.
    #[serde(default)]
    pub services: BTreeMap<String, Option<ServiceRequest>>,
    /// Its days; 0 that are not counted if they are not named.
    #[serde(default)]
    pub days: DaysRequest,
    /// Its balance; 0 without thresholds if it is not named.
    #[serde(default)]
    pub balance: BalanceRequest,
    /// Whether it is blocked by hand.
    #[serde(default)]
    pub blocked: bool,
    /// The IANA name of the time zone; UTC if it is not named.
    pub time_zone: Option<String>,
}

impl NewAccountRequest {
    /// Checks it.
    ///
    /// ```
    /// use portcullis::request::NewAccountRequest;
    /// let text = r#"{"name": "fleet", "days": {"left": 30, "counting": true}, "balance": {"block_below": 0}}"#;
    /// let new = serde_json::from_str::<NewAccountRequest>(text)?.parse()?;
    /// assert_eq!((new.days.left, new.balance.block_below), (Some(30), Some(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_time_zone`. Everything else is checked by [`Accounts::create`](crate::account::Accounts::create).
    pub fn parse(self) -> Result<NewAccount, InputError> {
        let mut new = NewAccount::named(self.name.expose());
        new.id = self.id.map(AccountId::from_uuid);
        new.parent = self.parent.map(AccountId::from_uuid);
        new.dealer = self.dealer;
        new.plan = self.plan;
        for (name, service) in self.services {
            new.services.extend(service.map(|service| (name, service.into())));
        }
        new.days = self.days.into();
        new.balance = Balance::default().changed(self.balance.into());
        new.blocked = self.blocked;
        if let Some(zone) = self.time_zone {
            new.time_zone = TimeZone::parse(&zone)?;
        }
        Ok(new)
    }
}

/// `PATCH /accounts/{id}`: what of an account is to change.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountChangeRequest {
    /// The name, 1 to 100 characters.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 100)))]
    pub name: Option<Raw>,
    /// Whether it may have accounts below it.
    pub dealer: Option<bool>,
    /// Its plan, one of those of the top account; `null` for none.
    #[serde(default, deserialize_with = "named")]
    pub plan: Option<Option<String>>,
    /// All plans by name, each with its services: for a top account only.
    pub plans: Option<BTreeMap<String, BTreeMap<String, ServiceRequest>>>,
    /// The services by name; one that is `null` follows the plan from now on.
    #[serde(default)]
    pub services: BTreeMap<String, Option<ServiceRequest>>,
    /// Its days.
    #[serde(default)]
    pub days: DaysRequest,
    /// Its balance.
    #[serde(default)]
    pub balance: BalanceRequest,
    /// Whether it is blocked by hand.
    pub blocked: Option<bool>,
    /// The IANA name of the time zone.
    pub time_zone: Option<String>,
}

impl AccountChangeRequest {
    /// Checks it.
    ///
    /// ```
    /// use portcullis::request::AccountChangeRequest;
    /// let text = r#"{"plan": null, "services": {"sms": null}, "days": {"left": 30}}"#;
    /// let change = serde_json::from_str::<AccountChangeRequest>(text)?.parse()?;
    /// assert!(change.plan == Some(None) && change.by_plan.contains("sms"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_time_zone`. Everything else is checked by [`Manage::change_account`](crate::manage::Manage::change_account).
    pub fn parse(self) -> Result<AccountChange, InputError> {
        let services = |plan: BTreeMap<String, ServiceRequest>| {
            plan.into_iter().map(|(name, service)| (name, service.into())).collect()
        };
        let plans = |plans: BTreeMap<String, BTreeMap<String, ServiceRequest>>| {
            plans.into_iter().map(|(name, plan)| (name, services(plan))).collect()
        };
        let mut change = AccountChange {
            name: self.name.map(|name| name.expose().to_owned()),
            dealer: self.dealer,
            plan: self.plan,
            plans: self.plans.map(plans),
            days: self.days.into(),
            balance: self.balance.into(),
            blocked: self.blocked,
            time_zone: self.time_zone.as_deref().map(TimeZone::parse).transpose()?,
            ..AccountChange::default()
        };
        for (name, service) in self.services {
            match service {
                Some(service) => drop(change.services.insert(name, service.into())),
                None => drop(change.by_plan.insert(name)),
            }
        }
        Ok(change)
    }
}

/// `POST /accounts/{id}/payments`: what is added to an account.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "validation", derive(validator::Validate))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PaymentRequest {
    /// The id it is to have, so that repeating the request changes nothing.
    pub id: Option<Uuid>,
    /// Days to add.
    #[serde(default)]
    pub days: i32,
    /// What to add to the balance, in minor units.
    #[serde(default)]
    pub amount: i64,
    /// Why, 1 to 500 characters.
    #[cfg_attr(feature = "validation", validate(length(min = 1, max = 500)))]
    pub comment: Raw,
}

impl PaymentRequest {
    /// The payment it asks for, which [`Manage::pay`](crate::manage::Manage::pay) checks.
    ///
    /// ```
    /// use portcullis::request::PaymentRequest;
    /// let payment = serde_json::from_str::<PaymentRequest>(r#"{"days": 30, "comment": "invoice 17"}"#)?.payment();
    /// assert_eq!((payment.days, payment.amount, payment.comment.as_str()), (30, 0, "invoice 17"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn payment(self) -> Payment {
        let mut payment = Payment::new(self.comment.expose()).days(self.days).amount(self.amount);
        payment.id = self.id.map(PaymentId::from_uuid);
        payment
    }
}

impl From<ServiceRequest> for Service {
    fn from(request: ServiceRequest) -> Self {
        let ServiceRequest { on, quota, period } = request;
        Self { on, quota, period: period.unwrap_or(Period::None) }
    }
}

impl From<DaysRequest> for DaysChange {
    fn from(request: DaysRequest) -> Self {
        let DaysRequest { left, minimum, counting } = request;
        Self { left, minimum, counting }
    }
}

impl From<BalanceRequest> for BalanceChange {
    fn from(request: BalanceRequest) -> Self {
        let BalanceRequest { amount, block_below, limit_below } = request;
        Self { amount, block_below, limit_below }
    }
}

/// Tells `null` from what is not named.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
