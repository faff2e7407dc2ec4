//! The port to flespi: what issues, inspects and revokes tokens.

#![expect(
    clippy::exhaustive_structs,
    reason = "adapters build these and rules read them; a new field is a new contract"
)]

use core::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::error::InputError;
use crate::secret::FlespiToken;

/// The name of a region of flespi, as `eu`: what an account of flespi lives in. It says nothing of hosts; those are
/// compiled into the adapter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RegionName(String);

impl RegionName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 16;

    /// Reads a name from the field `region`: 1 to 16 of `a-z`, `0-9` and `-`. Whether such a region exists, the
    /// adapter's [`FlespiApi::regions`] says.
    ///
    /// ```
    /// use portcullis::port::flespi::RegionName;
    /// assert_eq!(RegionName::parse("eu").unwrap().as_str(), "eu");
    /// for wrong in ["", "EU", "eu ", "eu.evil.com", "ru@evil", "ｅｕ"] {
    ///     assert_eq!(RegionName::parse(wrong).unwrap_err().code(), "invalid_region");
    /// }
    /// ```
    ///
    /// # Errors
    /// `invalid_region` in the field `region`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InputError::new("region", "invalid_region", "there is no such region of flespi"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<RegionName> for String {
    fn from(name: RegionName) -> Self {
        name.0
    }
}

impl TryFrom<String> for RegionName {
    type Error = InputError;

    fn try_from(text: String) -> Result<Self, InputError> {
        Self::parse(&text)
    }
}

/// A region that the adapter knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its name.
    pub name: RegionName,
    /// Where it is, for people: `Netherlands`.
    pub place: String,
    /// The origin that its login page posts from: `https://flespi.io`.
    pub origin: String,
    /// The address of its login page.
    pub login_url: String,
}

/// What a token may do at flespi.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenKind {
    /// Everything but the platform's own objects.
    Standard,
    /// Everything.
    Master,
    /// What its list says.
    Acl,
    /// A kind that is not known here.
    Other,
}

/// What flespi says of a token. A field that was absent or made no sense is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its number at flespi.
    pub id: Option<u64>,
    /// What it may do.
    pub kind: TokenKind,
    /// What was noted on it when it was issued.
    pub info: Option<String>,
    /// The fixed end.
    pub expire: Option<DateTime<Utc>>,
    /// How long it lives after its last use.
    pub ttl: Option<TimeDelta>,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
    /// When it was used last.
    pub accessed: Option<DateTime<Utc>>,
}

impl TokenInfo {
    /// When the token ends: the later of its fixed end and of its life after the last use, since flespi keeps it while
    /// either lasts; `None` if neither is known.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta, Utc};
    /// use portcullis::port::flespi::{TokenInfo, TokenKind};
    /// let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0);
    /// let mut info = TokenInfo {
    ///     id: None, kind: TokenKind::Master, info: None,
    ///     expire: at(1_000), ttl: Some(TimeDelta::seconds(600)), created: at(100), accessed: at(500),
    /// };
    /// assert_eq!(info.ends_at(), at(1_100));
    /// info.ttl = None;
    /// assert_eq!(info.ends_at(), at(1_000));
    /// ```
    pub fn ends_at(&self) -> Option<DateTime<Utc>> {
        let used = self.accessed.into_iter().chain(self.created).max();
        let sliding = self.ttl.zip(used).and_then(|(ttl, used)| used.checked_add_signed(ttl));
        self.expire.into_iter().chain(sliding).max()
    }
}

/// A token to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What is noted on it: the id of the operation, by which it is found again.
    pub info: String,
    /// When it is to end.
    pub expire: DateTime<Utc>,
    /// What it may do.
    pub access: Access,
}

/// What a token to be issued may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// Everything but the platform's own objects.
    Standard,
    /// Everything.
    Master,
    /// What this list says, in flespi's own form.
    Acl(Vec<serde_json::Value>),
}

/// A token that was issued just now. Its `Debug` hides the key.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Its number at flespi.
    pub id: u64,
    /// The token itself, which flespi shows this once.
    pub token: FlespiToken,
    /// What flespi says of it.
    pub info: TokenInfo,
}

/// Why flespi gave no answer that counts. `detail` is short, lower case, and holds no secret and no text of flespi's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlespiError {
    /// The token is not valid there (401): expired, revoked, deleted, or of another region.
    #[error("flespi does not accept the token")]
    Unauthorized,
    /// The token may not do this (403).
    #[error("the token may not do this")]
    Forbidden,
    /// Too many calls (429); nothing was done.
    #[error("flespi is asked too often")]
    Throttled {
        /// How long to wait at least, if it said so.
        wait: Option<Duration>,
    },
    /// Certainly nothing was done: not reachable, refused.
    #[error("flespi can't be reached: {detail}")]
    Unavailable {
        /// What happened.
        detail: &'static str,
    },
    /// What was asked may have been done: the answer was lost, or can't be read.
    #[error("what flespi did is not known: {detail}")]
    Ambiguous {
        /// What happened.
        detail: &'static str,
    },
    /// No region of that name is compiled in; nothing was asked of anybody.
    #[error("there is no such region")]
    UnknownRegion,
}

/// Calls flespi.
///
/// A token goes to the one host of the region it is named with, and nowhere else: no redirect is followed, no proxy of
/// the environment used, no host taken from an answer or from a message. Every wait and every answer is bounded. What
/// changes something (`issue`, `revoke`) is never repeated by the adapter. A wrong `Unavailable` issues a second token;
/// a wrong `Unauthorized` calls a living token dead.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait FlespiApi: Send + Sync + 'static {
    /// The regions that are compiled in, each name once.
    fn regions(&self) -> Vec<Region>;

    /// Asks what a token is. Asking prolongs a token that lives by its last use.
    ///
    /// # Errors
    /// See [`FlespiError`].
    async fn inspect(&self, region: &RegionName, token: &FlespiToken) -> Result<TokenInfo, FlespiError>;

    /// Issues a token by another one, which has to be a master token.
    ///
    /// # Errors
    /// See [`FlespiError`].
    async fn issue(
        &self,
        region: &RegionName,
        by: &FlespiToken,
        wanted: &NewToken,
    ) -> Result<IssuedToken, FlespiError>;

    /// The numbers of the tokens that have exactly this noted on them.
    ///
    /// # Errors
    /// See [`FlespiError`].
    async fn find(&self, region: &RegionName, by: &FlespiToken, info: &str) -> Result<Vec<u64>, FlespiError>;

    /// Deletes a token by its number; `Ok` too when there is none of that number any more.
    ///
    /// # Errors
    /// See [`FlespiError`].
    async fn revoke(&self, region: &RegionName, by: &FlespiToken, id: u64) -> Result<(), FlespiError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_a_name_and_nothing_of_a_host() {
        for name in ["eu", "ru", "ap-1"] {
            assert_eq!(RegionName::parse(name).unwrap().as_str(), name);
        }
        let long = "a".repeat(17);
        for wrong in [
            "",
            "EU",
            "Eu",
            "eu ",
            " eu",
            "eu\n",
            "eu.evil.com",
            "ru@evil",
            "e/u",
            "ｅｕ",
            "еu",
            "e\u{200b}u",
            &long,
        ] {
            let fault = RegionName::parse(wrong).unwrap_err();
            assert_eq!((fault.field(), fault.code()), ("region", "invalid_region"), "{wrong:?}");
        }
    }

    #[test]
    fn a_token_lives_while_either_end_is_ahead() {
        let at = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0);
        let token = |expire, ttl: Option<i64>, created, accessed| {
            let ttl = ttl.map(TimeDelta::seconds);
            let kind = TokenKind::Master;
            TokenInfo { id: None, kind, info: None, expire, ttl, created, accessed }.ends_at()
        };
        assert_eq!(token(None, None, at(1), at(2)), None);
        assert_eq!(token(at(9), None, at(1), at(2)), at(9));
        assert_eq!(token(None, Some(5), at(1), at(2)), at(7));
        assert_eq!(token(None, Some(5), at(3), at(2)), at(8));
        assert_eq!(token(None, Some(5), None, None), None);
        assert_eq!(token(at(4), Some(5), at(1), None), at(6));
        assert_eq!(token(at(9), Some(5), at(1), at(2)), at(9));
        assert_eq!(token(None, Some(i64::MAX / 1_000), at(1), None), None, "beyond all dates");
    }
}
