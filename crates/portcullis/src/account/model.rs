//! What an account is.

use core::fmt;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::error::InputError;
use crate::id::{AccountId, UserId};
use crate::port::store::{Key, Kind, Lane};
use crate::rights::AccessRight;

/// A time zone by its IANA name.
///
/// ```
/// use portcullis::account::TimeZone;
/// assert_eq!(TimeZone::parse("Europe/Riga").unwrap().name(), "Europe/Riga");
/// assert_eq!(TimeZone::parse("Riga").unwrap_err().code(), "invalid_time_zone");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(chrono_tz::Tz);

impl TimeZone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::Tz::UTC);

    /// Takes an IANA name.
    ///
    /// # Errors
    /// `invalid_time_zone` for a name that is none.
    pub fn parse(name: &str) -> Result<Self, InputError> {
        name.parse().map(Self).map_err(|_| {
            InputError::new("time_zone", "invalid_time_zone", "there is no time zone of this name")
        })
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    pub(crate) fn day(self, at: DateTime<Utc>) -> chrono::NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    pub(crate) fn instant(self, day: chrono::NaiveDate, time: chrono::NaiveTime) -> DateTime<Utc> {
        use chrono::TimeZone as _;
        let wall = day.and_time(time);
        match self.0.from_local_datetime(&wall) {
            chrono::LocalResult::Single(at) | chrono::LocalResult::Ambiguous(at, _) => at.to_utc(),
            chrono::LocalResult::None => {
                let end = chrono_tz::GapInfo::new(&wall, &self.0).and_then(|gap| gap.end);
                end.map_or_else(|| wall.and_utc(), |end| end.to_utc())
            }
        }
    }

    /// Words an instant in this zone, such as `2026-11-24 16:05`.
    pub fn format(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.0).format("%Y-%m-%d %H:%M").to_string()
    }

    /// Words an instant's time of day in this zone, such as `16:05`.
    pub fn format_time(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.0).format("%H:%M").to_string()
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for TimeZone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

/// The period in which a service's quota is counted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Period {
    /// Never anew.
    None,
    /// Every hour.
    Hour,
    /// Every day of the account's zone.
    Day,
    /// Every week of the account's zone.
    Week,
    /// Every month of the account's zone.
    Month,
}

/// A capability of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Service {
    /// Whether it is switched on.
    pub on: bool,
    /// How much of it a period has; `None` means without limit, 0 means unavailable.
    pub quota: Option<u32>,
    /// The period.
    pub period: Period,
}

impl Service {
    /// Switched on, with a quota in each period.
    pub const fn on(quota: Option<u32>, period: Period) -> Self {
        Self { on: true, quota, period }
    }

    /// Switched off.
    pub const fn off() -> Self {
        Self { on: false, quota: None, period: Period::None }
    }
}

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
    /// Its services by name, such as `sms`.
    pub services: BTreeMap<String, Service>,
    /// Whether it was blocked by hand; its users are blocked too if an account above it is.
    pub blocked: bool,
    /// Sessions and challenges from before this are dead: the last time a block was lifted.
    pub void_before: Option<DateTime<Utc>>,
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
        vec![Self::below(parent)]
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
}
