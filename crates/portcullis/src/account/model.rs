//! What an account is.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::balance::Balance;
use super::days::{DayCounter, DaysChange};
use super::service::Service;
use super::zone::TimeZone;
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::id::{AccountId, UserId};
use crate::port::store::{Key, Kind, Lane};
use crate::rights::AccessRight;

/// A customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: AccountId,
    /// The top account above it, or itself.
    pub tenant: AccountId,
    /// The accounts above it, nearest first, at most 16. Never changes.
    pub ancestors: Vec<AccountId>,
    /// Its name.
    pub name: String,
    /// Its own services by name, such as `sms`; what is not named follows its plan.
    pub services: BTreeMap<String, Service>,
    /// Whether it was blocked by hand; its users are blocked too if an account above it is.
    pub blocked: bool,
    /// How many days it has left.
    #[serde(default)]
    pub days: DayCounter,
    /// What it has and what it needs.
    #[serde(default)]
    pub balance: Balance,
    /// Whether it may have accounts below it; a top account always may.
    #[serde(default)]
    pub dealer: bool,
    /// The name of its plan, one of those of the top account.
    #[serde(default)]
    pub plan: Option<String>,
    /// Plans by name, each with its services; only a top account has any.
    #[serde(default)]
    pub plans: BTreeMap<String, BTreeMap<String, Service>>,
    /// How many of its blocks were lifted. Sessions and challenges from before the last one are dead.
    #[serde(default)]
    pub lifts: u64,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Who may do what to it, granted directly.
    pub rights: BTreeMap<UserId, BTreeSet<AccessRight>>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl Account {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("account");

    /// The key that the accounts right below another carry; below the nil id are the top accounts.
    pub(crate) fn below(parent: Uuid) -> Key {
        Key::lookup(Self::KIND, "parent", parent.to_string())
    }

    /// The key that every account below one carries, at any depth; the nil id is above all.
    pub(crate) fn under(above: Uuid) -> Key {
        Key::lookup(Self::KIND, "above", above.to_string())
    }
}

impl Entity for Account {
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
        let parent = self.ancestors.first().map_or(Uuid::nil(), |parent| parent.uuid());
        let mut keys = vec![Self::below(parent), Self::under(Uuid::nil())];
        keys.extend(self.ancestors.iter().map(|above| Self::under(above.uuid())));
        keys
    }

    fn refs(&self) -> Vec<Uuid> {
        self.ancestors.iter().map(|ancestor| ancestor.uuid()).collect()
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        None
    }
}

/// What a new account is made of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewAccount {
    /// The id it is to have; repeating the creation with the same id changes nothing. `None` makes one.
    pub id: Option<AccountId>,
    /// The account above it; `None` makes a top account.
    pub parent: Option<AccountId>,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Its services.
    pub services: BTreeMap<String, Service>,
    /// Its time zone.
    pub time_zone: TimeZone,
    /// Its days: none, and not counted, unless they are named.
    pub days: DaysChange,
    /// Its balance.
    pub balance: Balance,
    /// Whether it may have accounts below it.
    pub dealer: bool,
    /// Its plan, one of those of the top account.
    pub plan: Option<String>,
    /// Whether it is blocked by hand from the start.
    pub blocked: bool,
}

impl NewAccount {
    /// A top account of this name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            id: None,
            parent: None,
            name: name.into(),
            services: BTreeMap::new(),
            time_zone: TimeZone::UTC,
            days: DaysChange::default(),
            balance: Balance::default(),
            dealer: false,
            plan: None,
            blocked: false,
        }
    }

    /// Under this account.
    #[must_use]
    pub fn under(mut self, parent: AccountId) -> Self {
        self.parent = Some(parent);
        self
    }

    /// With this service.
    #[must_use]
    pub fn with_service(mut self, name: impl Into<String>, service: Service) -> Self {
        self.services.insert(name.into(), service);
        self
    }

    /// In this zone.
    #[must_use]
    pub fn in_zone(mut self, time_zone: TimeZone) -> Self {
        self.time_zone = time_zone;
        self
    }

    /// With these days.
    #[must_use]
    pub fn with_days(mut self, days: DaysChange) -> Self {
        self.days = days;
        self
    }

    /// With this balance.
    #[must_use]
    pub fn with_balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// As a dealer, who may have accounts below.
    #[must_use]
    pub fn dealer(mut self) -> Self {
        self.dealer = true;
        self
    }

    /// On this plan of the top account.
    #[must_use]
    pub fn on_plan(mut self, plan: impl Into<String>) -> Self {
        self.plan = Some(plan.into());
        self
    }
    /// Blocked by hand from the start, or not.
    #[must_use]
    pub fn blocked(mut self, blocked: bool) -> Self {
        self.blocked = blocked;
        self
    }
}
