//! The flespi connection as its user sees it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::model::{Connected, FlespiConnection};
use super::rules::verdict;
use crate::policy::Policy;
use crate::port::flespi::{Region, RegionName, TokenKind};
use crate::rights::Verdict;
use crate::secret::LinkToken;
use crate::session::model::Acting;

/// How a token was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// It was issued after a login at flespi.
    Login,
    /// It was typed.
    Manual,
}

impl Source {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Manual => "manual",
        }
    }
}

/// When a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// Nobody has said so yet.
    Unknown,
    /// At this instant.
    Fixed(DateTime<Utc>),
    /// So long after its last use; at this instant, if it was not used since the last check.
    Sliding(DateTime<Utc>),
}

impl Expiry {
    /// The instant, if it is known.
    pub const fn ends_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Unknown => None,
            Self::Fixed(at) | Self::Sliding(at) => Some(at),
        }
    }
}

/// What a check said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckStatus {
    /// flespi accepts the token.
    Active,
    /// Its known end has passed.
    Expired,
    /// flespi does not accept it, though no known end has passed: it was revoked or deleted.
    Rejected,
    /// flespi did not say.
    Unknown,
}

impl CheckStatus {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// The last check that flespi answered: never [`CheckStatus::Unknown`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastCheck {
    /// What it said.
    pub status: CheckStatus,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// What it said.
    pub status: CheckStatus,
    /// When the token ends, as far as that is known.
    pub expiry: Expiry,
    /// When it was made.
    pub checked_at: DateTime<Utc>,
    /// The last check that flespi answered: this one, or with [`CheckStatus::Unknown`] an older one.
    pub last: Option<LastCheck>,
}

/// Where a flespi connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FlespiState {
    /// There is no token.
    Absent,
    /// One is being issued. An older one stays in force until then.
    Connecting,
    /// There is a token. Whether flespi accepts it, the last check says.
    Connected,
    /// There is one whose time is over.
    Expired,
    /// There is one that flespi did not accept when it was checked last.
    Rejected,
}

/// The token in force, of which nobody sees more than its first characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldToken {
    /// Its first characters.
    pub shown: String,
    /// What it may do; not known of a typed one that was never checked.
    pub kind: Option<TokenKind>,
    /// The region it is valid in.
    pub region: RegionName,
    /// How it was obtained.
    pub source: Source,
    /// When.
    pub obtained_at: DateTime<Utc>,
    /// When it ends.
    pub expiry: Expiry,
    /// The last check that flespi answered.
    pub last_check: Option<LastCheck>,
    /// When flespi did not answer a check that was made since.
    pub unanswered_at: Option<DateTime<Utc>>,
}

/// The flespi settings of a user as he sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlespiSettings {
    /// Where the connection stands.
    pub state: FlespiState,
    /// The token in force.
    pub token: Option<HeldToken>,
    /// Whether the user may change it.
    pub change: Verdict,
    /// The regions that there are.
    pub regions: Vec<Region>,
}

/// What the page needs to begin a login at flespi.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandOff {
    /// The one-time nonce that comes back with what the pop-up posts.
    pub nonce: LinkToken,
    /// The address of the pop-up.
    pub url: String,
    /// The origins it may post from; a message of any other is to be ignored.
    pub origins: Vec<String>,
    /// When the nonce ends.
    pub expires_at: DateTime<Utc>,
}

impl HeldToken {
    fn of(connected: &Connected) -> Self {
        Self {
            shown: connected.shown.clone(),
            kind: connected.kind,
            region: connected.region.clone(),
            source: connected.source,
            obtained_at: connected.obtained_at,
            expiry: connected.expiry(),
            last_check: connected.last_check,
            unanswered_at: connected.unanswered_at,
        }
    }
}

/// The connection as its user sees it.
pub(crate) fn settings(
    acting: &Acting,
    connection: Option<&FlespiConnection>,
    regions: Vec<Region>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> FlespiSettings {
    let connected = connection.and_then(|connection| connection.connected.as_ref());
    let connecting = connection.is_some_and(|connection| connection.connecting.is_some());
    let state = match connected {
        _ if connecting => FlespiState::Connecting,
        None => FlespiState::Absent,
        Some(connected) => state(connected, now),
    };
    FlespiSettings { state, token: connected.map(HeldToken::of), change: verdict(acting, policy), regions }
}

/// Where a token stands. A fixed end says so by itself; one that moves with use, only a check does.
pub(crate) fn state(connected: &Connected, now: DateTime<Utc>) -> FlespiState {
    let over = matches!(connected.expiry(), Expiry::Fixed(at) if now >= at);
    match connected.last_check.map(|check| check.status) {
        _ if over => FlespiState::Expired,
        Some(CheckStatus::Expired) => FlespiState::Expired,
        Some(CheckStatus::Rejected) => FlespiState::Rejected,
        Some(CheckStatus::Active | CheckStatus::Unknown) | None => FlespiState::Connected,
    }
}
