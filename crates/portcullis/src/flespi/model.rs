//! What is kept of a user's flespi connection.

use core::fmt;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::view::{Expiry, LastCheck, Source};
use crate::audit::Event;
use crate::decision::Entity;
use crate::engine::record::Schema;
use crate::id::{AccountId, UserId};
use crate::keyring::{Keyring, OpenError, Sealing};
use crate::message::reseal::Sealed;
use crate::port::flespi::{RegionName, TokenKind};
use crate::port::store::{Counter, Key, Kind, Lane};
use crate::secret::FlespiToken;

/// What a sealed token is. One of one use opens for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Use {
    /// The token of a login, which issues the one that is kept.
    Login,
    /// A token that is kept for its user.
    Token,
}

/// A token of flespi, sealed for one connection of one user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SealedToken(String);

impl fmt::Debug for SealedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedToken(..)")
    }
}

/// Whose sealed tokens they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) connection: Uuid,
    pub(crate) user: UserId,
}

impl Owner {
    // INVARIANT: a token is sealed for its use, its user and its region, so that no row makes it go to another host.
    fn sealing(self, of: Use, region: &RegionName) -> Sealing {
        let label = match of {
            Use::Login => "flespi_login",
            Use::Token => "flespi_token",
        };
        Sealing { label, record: self.place(region), owner: self.user.uuid() }
    }

    /// A region of this connection, as the one record a seal is made for. The connection comes first and is of one
    /// length, so no two of them are written alike.
    fn place(self, region: &RegionName) -> Uuid {
        let digest = Sha256::new().chain_update(self.connection).chain_update(region.as_str()).finalize();
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Uuid::from_bytes(half)
    }

    /// Seals a token.
    pub(crate) fn seal(
        self,
        of: Use,
        region: &RegionName,
        token: &FlespiToken,
        keyring: &Keyring,
        nonce: [u8; 24],
    ) -> SealedToken {
        SealedToken(keyring.seal(&self.sealing(of, region), token.expose().as_bytes(), nonce))
    }

    /// Opens a sealed token: one of another use, region, connection or user does not open.
    pub(crate) fn open(
        self,
        of: Use,
        region: &RegionName,
        sealed: &SealedToken,
        keyring: &Keyring,
    ) -> Result<FlespiToken, OpenError> {
        let plain = keyring.open(&self.sealing(of, region), &sealed.0)?;
        let text = core::str::from_utf8(plain.expose()).map_err(|_| OpenError::Malformed)?;
        FlespiToken::parse(text.to_owned()).map_err(|_| OpenError::Malformed)
    }
}

/// The token in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connected {
    pub(crate) source: Source,
    pub(crate) region: RegionName,
    /// What it may do, once flespi has said so.
    pub(crate) kind: Option<TokenKind>,
    pub(crate) sealed: SealedToken,
    /// Its first characters.
    pub(crate) shown: String,
    /// The operation that issued it, noted on it at flespi; of a typed one, the operation that kept it.
    pub(crate) operation: Uuid,
    /// Its number at flespi, if it was issued here.
    pub(crate) number: Option<u64>,
    pub(crate) obtained_at: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// Whether the end moves with its use.
    pub(crate) sliding: bool,
    /// The last check that flespi answered.
    pub(crate) last_check: Option<LastCheck>,
    /// When flespi did not answer the last one, if it did not.
    pub(crate) unanswered_at: Option<DateTime<Utc>>,
    /// The notice that was the last to be told or that its user needs no more, in days before the end.
    pub(crate) told: Option<u32>,
}

impl Connected {
    pub(crate) const fn expiry(&self) -> Expiry {
        match (self.expires_at, self.sliding) {
            (None, _) => Expiry::Unknown,
            (Some(at), false) => Expiry::Fixed(at),
            (Some(at), true) => Expiry::Sliding(at),
        }
    }
}

/// A token that is being issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Connecting {
    /// The operation; it is noted on every token that it issues.
    pub(crate) operation: Uuid,
    pub(crate) region: RegionName,
    /// The token of the login.
    pub(crate) sealed: SealedToken,
    pub(crate) began_at: DateTime<Utc>,
    /// The user's credentials when it began: it ends with them.
    pub(crate) credential_version: u64,
    /// How often a block of his accounts had been lifted by then.
    pub(crate) lifts: u64,
    /// Which attempt may keep what it issues: the newest alone.
    pub(crate) attempt: u32,
    /// From when on no call of that attempt is under way any more.
    pub(crate) quiet_at: DateTime<Utc>,
    /// How often flespi did not answer.
    pub(crate) tries: u32,
}

/// What an operation may have left at flespi, to be removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leftover {
    pub(crate) operation: Uuid,
    pub(crate) region: RegionName,
    /// The one token of the operation that stays.
    pub(crate) keep: Option<u64>,
    /// The number of the token that is to be removed, until it was seen at flespi; `None` if it has none that is known.
    pub(crate) number: Option<u64>,
    /// Whether a token may be there that nobody could have removed yet.
    pub(crate) unsure: bool,
    /// The tokens to remove them by, in turn.
    pub(crate) by: Vec<By>,
    pub(crate) since: DateTime<Utc>,
    /// From when on it may be looked for: while a call to issue is under way, what it issues is not there yet.
    pub(crate) not_before: DateTime<Utc>,
    /// How often flespi did not answer.
    pub(crate) tries: u32,
}

/// A token to act by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct By {
    pub(crate) of: Use,
    /// Its number at flespi, if it is known: of what is to be removed it comes last.
    pub(crate) number: Option<u64>,
    pub(crate) sealed: SealedToken,
    /// Whether it is revoked itself when all is removed.
    pub(crate) goes: bool,
}

impl By {
    /// The token of a login, which goes in the end.
    pub(crate) const fn login(sealed: SealedToken) -> Self {
        Self { of: Use::Login, number: None, sealed, goes: true }
    }

    /// A token that is, or was, in force.
    pub(crate) const fn token(number: Option<u64>, sealed: SealedToken) -> Self {
        Self { of: Use::Token, number, sealed, goes: false }
    }
}

impl Leftover {
    /// What tells it from others: what an operation issued is removed but for one first, and that one later.
    pub(crate) const fn name(&self) -> (Uuid, Option<u64>) {
        (self.operation, self.keep)
    }
}

/// A user's flespi connection: the token in force, the one that is being issued, and what is to be removed at flespi.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FlespiConnection {
    pub(crate) v: Schema<1>,
    /// Its id.
    pub id: Uuid,
    /// The top account of its user.
    pub tenant: AccountId,
    /// Whose it is.
    pub user: UserId,
    pub(crate) connected: Option<Connected>,
    pub(crate) connecting: Option<Connecting>,
    /// The issued token that a typed one has taken the place of. Nobody knows yet whether the typed one is any good; this
    /// one is removed at flespi when that is known, or when neither is wanted any more.
    #[serde(default)]
    pub(crate) replaced: Option<Connected>,
    pub(crate) leftovers: Vec<Leftover>,
    /// When the worker is to go on with what is not finished.
    pub(crate) work_at: Option<DateTime<Utc>>,
    /// When the next notice of the end is due.
    pub(crate) notice_at: Option<DateTime<Utc>>,
    /// When it may be purged, once nothing is left in it.
    pub(crate) kept_until: DateTime<Utc>,
}

impl FlespiConnection {
    /// The kind of its records.
    pub const KIND: Kind = Kind::of("flespi_connection");

    /// A connection with nothing in it.
    pub(crate) fn new(id: Uuid, tenant: AccountId, user: UserId, now: DateTime<Utc>) -> Self {
        Self {
            v: Schema::default(),
            id,
            tenant,
            user,
            connected: None,
            connecting: None,
            replaced: None,
            leftovers: Vec::new(),
            work_at: None,
            notice_at: None,
            kept_until: now,
        }
    }

    pub(crate) const fn owner(&self) -> Owner {
        Owner { connection: self.id, user: self.user }
    }

    /// The look-up key of the connections that hold something a key sealed.
    pub(crate) fn sealed_with(key: &str) -> Key {
        Key::lookup(Self::KIND, "sealed", key)
    }

    /// Every sealed token, with its use and its region.
    fn tokens(&self) -> impl Iterator<Item = (Use, &RegionName, &SealedToken)> {
        let held = self.connected.iter().chain(&self.replaced);
        let held = held.map(|held| (Use::Token, &held.region, &held.sealed));
        let connecting = self.connecting.iter().map(|it| (Use::Login, &it.region, &it.sealed));
        let by =
            self.leftovers.iter().flat_map(|left| left.by.iter().map(|by| (by.of, &left.region, &by.sealed)));
        held.chain(connecting).chain(by)
    }

    /// The same, to be replaced.
    fn tokens_mut(&mut self) -> impl Iterator<Item = (Use, &RegionName, &mut SealedToken)> {
        let held = self.connected.iter_mut().chain(&mut self.replaced);
        let held = held.map(|held| (Use::Token, &held.region, &mut held.sealed));
        let connecting = self.connecting.iter_mut().map(|it| (Use::Login, &it.region, &mut it.sealed));
        let by = self.leftovers.iter_mut().flat_map(|Leftover { region, by, .. }| {
            let region = &*region;
            by.iter_mut().map(move |by| (by.of, region, &mut by.sealed))
        });
        held.chain(connecting).chain(by)
    }

    /// An event about its user.
    pub(crate) fn event(&self, action: &'static str) -> Event {
        Event::of(action, self.tenant.uuid(), self.user.uuid())
    }
}

impl Sealed for FlespiConnection {
    fn sealing_keys(&self) -> BTreeSet<&str> {
        self.tokens().filter_map(|(_, _, sealed)| Keyring::key_of(&sealed.0)).collect()
    }

    fn sealed_anew(&self, keyring: &Keyring, nonce: [u8; 24]) -> Option<Self> {
        let (mut anew, owner) = (self.clone(), self.owner());
        for (nth, (of, region, sealed)) in anew.tokens_mut().enumerate() {
            let token = owner.open(of, region, sealed, keyring).ok()?;
            *sealed = owner.seal(of, region, &token, keyring, nth_nonce(nonce, nth)?);
        }
        Some(anew)
    }

    fn told(&self) -> Option<Event> {
        Some(self.event("flespi_resealed"))
    }
}

/// A nonce for each of several texts, made of one that is random.
// INVARIANT: no two texts are sealed under one nonce.
fn nth_nonce(mut nonce: [u8; 24], nth: usize) -> Option<[u8; 24]> {
    let [.., high, low] = &mut nonce;
    [*high, *low] = u16::from_be_bytes([*high, *low]).wrapping_add(u16::try_from(nth).ok()?).to_be_bytes();
    Some(nonce)
}

impl Entity for FlespiConnection {
    const KIND: Kind = Self::KIND;
    const V: u32 = 1;

    fn id(&self) -> Uuid {
        self.id
    }

    fn schema(&self) -> u32 {
        self.v.number()
    }

    fn tenant(&self) -> Uuid {
        self.tenant.uuid()
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = vec![Key::lookup(Self::KIND, "user", self.user.to_string())];
        keys.extend(self.sealing_keys().into_iter().map(Self::sealed_with));
        keys
    }

    fn refs(&self) -> Vec<Uuid> {
        vec![self.user.uuid()]
    }

    fn due(&self) -> Option<(Lane, DateTime<Utc>)> {
        let next = self.work_at.into_iter().chain(self.notice_at).min();
        match next {
            Some(at) => Some((Lane::Timed, at)),
            None if self.connected.is_none() => Some((Lane::Dead, self.kept_until)),
            None => None,
        }
    }
}

/// Flespi logins that a user began.
pub(crate) const fn hand_offs(user: UserId) -> Counter {
    Counter::of(user.uuid(), "flespi_hand_offs")
}

/// Checks of a user's token.
pub(crate) const fn checks(user: UserId) -> Counter {
    Counter::of(user.uuid(), "flespi_checks")
}

#[cfg(test)]
mod tests;
