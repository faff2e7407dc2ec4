//! The host's keys: they bind a code to what it proves, seal what is kept, and make ids nobody can guess.
//!
//! A [`Keyring`] holds some keys by id. One of them is *current*: it makes everything new. The others still read what
//! they made, until they are retired. One more key, which rotation leaves alone, [derives](Keyring::derive) ids.
//! From each key a subkey is made for each use (HMAC-SHA-256 of the use's name), so no two uses share a key.
//!
//! A stolen database is worthless without the keyring, and the keyring is never written to it. Losing the keyring
//! loses pending codes, sealed messages and sessions, but no user and no password.

mod bind;
mod file;
mod seal;
mod token;

use core::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use bind::{Binding, BoundDigest};
pub use file::KeyringError;
pub use seal::{OpenError, Sealing};

use crate::error::PortError;
use crate::port::ambient::Random;

type KeyBytes = Zeroizing<[u8; 32]>;

/// The host's keys. Cheap to clone; shows key ids and nothing else in `Debug`.
///
/// ```
/// use chrono::DateTime;
/// use portcullis::{keyring::Keyring, port::ambient::SystemRandom};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
/// let mut keyring = Keyring::generate(&SystemRandom::default(), now)?;
/// let old = keyring.current().to_owned();
/// keyring.rotate(&SystemRandom::default(), now)?;
/// keyring.retire(&old)?;
/// assert_eq!(keyring.key_ids().count(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Keyring(Arc<Ring>);

/// INVARIANT: `current` names one of `keys`, ids are unique and of the form `is_key_id` allows.
#[derive(Clone)]
struct Ring {
    epoch: u32,
    current: String,
    derive: DeriveKey,
    keys: Vec<Entry>,
}

/// The key that rotation leaves alone, with the subkey it derives ids by.
#[derive(Clone)]
struct DeriveKey {
    key: KeyBytes,
    ids: KeyBytes,
}

impl DeriveKey {
    fn new(key: KeyBytes) -> Self {
        Self { ids: subkey(&key, "portcullis derive v1"), key }
    }
}

#[derive(Clone)]
struct Entry {
    id: String,
    made: DateTime<Utc>,
    key: KeyBytes,
    /// One for each use, in the order of [`Usage::ALL`]: made once, since every operation needs some.
    subkeys: [KeyBytes; Usage::ALL.len()],
}

impl Entry {
    fn new(id: String, made: DateTime<Utc>, key: KeyBytes) -> Self {
        Self { subkeys: Usage::ALL.map(|usage| subkey(&key, usage.name())), id, made, key }
    }

    const fn subkey(&self, usage: Usage) -> &KeyBytes {
        let [bind, seal, token_nonce, token_seal] = &self.subkeys;
        match usage {
            Usage::Bind => bind,
            Usage::Seal => seal,
            Usage::TokenNonce => token_nonce,
            Usage::TokenSeal => token_seal,
        }
    }
}

/// What a key is used for.
#[derive(Clone, Copy)]
enum Usage {
    Bind,
    Seal,
    TokenNonce,
    TokenSeal,
}

impl Usage {
    const ALL: [Self; 4] = [Self::Bind, Self::Seal, Self::TokenNonce, Self::TokenSeal];

    const fn name(self) -> &'static str {
        match self {
            Self::Bind => "portcullis bind v1",
            Self::Seal => "portcullis seal v1",
            Self::TokenNonce => "portcullis token nonce v1",
            Self::TokenSeal => "portcullis token seal v1",
        }
    }
}

impl Keyring {
    /// The most keys a keyring holds.
    pub const MAX_KEYS: usize = 64;

    /// Makes a keyring of one key.
    ///
    /// # Errors
    /// [`PortError`] when there is no randomness.
    pub fn generate(random: &dyn Random, now: DateTime<Utc>) -> Result<Self, PortError> {
        let first = Entry::new(new_id(random)?, now, new_key(random)?);
        let current = first.id.clone();
        let derive = DeriveKey::new(new_key(random)?);
        Ok(Self(Arc::new(Ring { epoch: 0, current, derive, keys: vec![first] })))
    }

    /// Adds a key, made at `now`, and makes it current. What the older keys made stays readable.
    ///
    /// # Errors
    /// [`KeyringError::Full`] at [`Keyring::MAX_KEYS`] keys, [`KeyringError::Random`] without randomness.
    pub fn rotate(&mut self, random: &dyn Random, now: DateTime<Utc>) -> Result<(), KeyringError> {
        if self.0.keys.len() >= Self::MAX_KEYS {
            return Err(KeyringError::Full);
        }
        let id = new_id(random)?;
        if self.entry(&id).is_some() {
            return Err(PortError::new("random", "the randomness repeats itself").into());
        }
        let key = new_key(random)?;
        let ring = Arc::make_mut(&mut self.0);
        ring.keys.push(Entry::new(id.clone(), now, key));
        ring.current = id;
        Ok(())
    }

    /// Removes a key: what it made can't be read any more.
    ///
    /// # Errors
    /// [`KeyringError::Current`] for the current key, [`KeyringError::Unknown`] for none of the keys.
    pub fn retire(&mut self, id: &str) -> Result<(), KeyringError> {
        if self.entry(id).is_none() {
            return Err(KeyringError::Unknown);
        }
        if id == self.0.current {
            return Err(KeyringError::Current);
        }
        Arc::make_mut(&mut self.0).keys.retain(|entry| entry.id != id);
        Ok(())
    }

    /// Moves to the next epoch: every session and every challenge made in an earlier one is dead.
    ///
    /// To be done after a backup was restored, since codes spent and sessions ended after the backup would live again.
    pub fn next_epoch(&mut self) {
        let ring = Arc::make_mut(&mut self.0);
        ring.epoch = ring.epoch.saturating_add(1);
    }

    /// The epoch, 0 at first; sessions and challenges keep the one they were made in.
    pub fn epoch(&self) -> u32 {
        self.0.epoch
    }

    /// The id of the current key.
    pub fn current(&self) -> &str {
        &self.0.current
    }

    /// The ids of all keys, in the order they were added.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys.iter().map(|entry| entry.id.as_str())
    }

    /// When a key was made.
    pub fn made_at(&self, id: &str) -> Option<DateTime<Utc>> {
        self.entry(id).map(|entry| entry.made)
    }

    /// Derives an id from a value: a `UUIDv8` that is the same at each call and that nobody without the keyring can
    /// compute. Rotation changes nothing about it. Different purposes give different ids.
    pub fn derive(&self, purpose: &'static str, value: &[u8]) -> Uuid {
        let bytes = head(mac(&self.0.derive.ids, &[purpose.as_bytes(), value]));
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.0.keys.iter().find(|entry| entry.id == id)
    }

    fn subkey_of(&self, id: &str, usage: Usage) -> Option<&KeyBytes> {
        self.entry(id).map(|entry| entry.subkey(usage))
    }

    /// The id of the current key and its subkey for a use.
    fn current_subkey(&self, usage: Usage) -> (&str, &KeyBytes) {
        let id = self.current();
        // INVARIANT: the current key is among the keys, so the other arm is never taken; it still yields a key
        // nobody else can know.
        (id, self.subkey_of(id, usage).unwrap_or(&self.0.derive.key))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("epoch", &self.0.epoch)
            .field("current", &self.0.current)
            .field("keys", &self.key_ids().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Lower-case letters and digits, 1 to 16.
fn is_key_id(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn new_id(random: &dyn Random) -> Result<String, PortError> {
    let mut bytes = [0; 4];
    random.fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}

fn new_key(random: &dyn Random) -> Result<KeyBytes, PortError> {
    let mut key = Zeroizing::new([0; 32]);
    random.fill(key.as_mut())?;
    Ok(key)
}

fn subkey(key: &[u8; 32], usage: &str) -> KeyBytes {
    let mut mac = keyed(key);
    mac.update(usage.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// HMAC-SHA-256 over the fields, each after its length (8 bytes, big endian), so that no two lists of fields run
/// together to the same text.
fn mac(key: &[u8; 32], fields: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed(key);
    for field in fields {
        mac.update(&length_prefix(field));
        mac.update(field);
    }
    mac.finalize().into_bytes().into()
}

/// The first bytes of a digest.
fn head<const N: usize>(digest: [u8; 32]) -> [u8; N] {
    const { assert!(N <= 32, "a digest has 32 bytes") }
    let mut head = [0; N];
    head.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    head
}

fn length_prefix(field: &[u8]) -> [u8; 8] {
    u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// HMAC pads a key with zeros to the block of its hash; doing it here leaves no length to be refused.
fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0_u8; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let block: &[u8; 64] = &block;
    Hmac::<Sha256>::new(block.into())
}

#[cfg(test)]
mod tests;
