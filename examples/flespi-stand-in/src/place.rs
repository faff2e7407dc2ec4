//! The two regions.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A region of the stand-in. The tokens of one are unknown in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Place {
    /// `eu`, Netherlands.
    Eu,
    /// `ru`, Russia.
    Ru,
}

impl Place {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Eu, Self::Ru];

    /// Its name.
    ///
    /// ```
    /// assert_eq!(flespi_stand_in::Place::Ru.name(), "ru");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Ru => "ru",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Eu => "eu (Netherlands)",
            Self::Ru => "ru (Russia)",
        }
    }

    /// The number of the one account that lives there, from which the numbers of its tokens go on.
    pub(crate) const fn account(self) -> u64 {
        match self {
            Self::Eu => 1_000_000,
            Self::Ru => 2_000_000,
        }
    }

    /// What `/auth/regions` and the login page say of it. Only `rest` leads anywhere.
    pub(crate) fn object(self, rest: &str) -> Value {
        match self {
            Self::Eu => json!({
                "cdn": "https://cdn.flespi.invalid",
                "default": true,
                "gw": "gw.flespi.invalid",
                "gw-ftp": "{channel-address}:21",
                "gw-ip": "192.0.2.30",
                "media": "https://media.flespi.invalid",
                "mqtt": "mqtt.flespi.invalid:8883",
                "mqtt-ws": "mqtt.flespi.invalid:443",
                "name": "eu",
                "registration-allowed": true,
                "rest": rest,
            }),
            Self::Ru => json!({
                "cdn": "https://ru-cdn.flespi.invalid",
                "default": false,
                "gw": "ru-gw.flespi.invalid",
                "mqtt": "ru-mqtt.flespi.invalid:8883",
                "mqtt-ws": "ru-mqtt.flespi.invalid:443",
                "name": "ru",
                "region": "ru",
                "rest": rest,
            }),
        }
    }
}
