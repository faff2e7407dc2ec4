//! What an account may use, and how much of it.

use serde::{Deserialize, Serialize};

/// The services there are.
pub(crate) const SERVICES: [&str; 2] = ["sms", "email_notification"];

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
