//! Sealing: what must be kept but not be readable in the store, or not be moved to another record.

#![expect(
    clippy::exhaustive_structs,
    reason = "a sealing is built field by field; a field left out is a hole"
)]

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use super::{KeyBytes, Keyring, Usage, length_prefix};
use crate::secret::Secret;

const VERSION: &str = "v1";

/// Bytes of an `XChaCha20` nonce.
pub(super) const NONCE: usize = 24;

/// What a sealed text belongs to. It opens only with the very same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealing {
    /// What is sealed, such as `message`.
    pub label: &'static str,
    /// The record that holds it.
    pub record: Uuid,
    /// The user or account it belongs to.
    pub owner: Uuid,
}

/// Why a sealed text does not open. Nothing of it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is no sealed text.
    #[error("not a sealed text")]
    Malformed,
    /// Its key is not in the keyring.
    #[error("sealed with a key that is not in the keyring")]
    UnknownKey,
    /// It was changed, or belongs to another record, owner or use.
    #[error("the sealed text was changed or belongs elsewhere")]
    Tampered,
}

impl Keyring {
    /// Seals bytes under the current key (XChaCha20-Poly1305): `v1.<key id>.<nonce and ciphertext in base64url>`.
    ///
    /// The nonce must be random: 24 fresh bytes of the `Random` port for each call.
    pub fn seal(&self, sealing: &Sealing, plain: &[u8], nonce: [u8; 24]) -> String {
        let (id, key) = self.current_subkey(Usage::Seal);
        let sealed = encrypt(key, nonce, plain, &associated(sealing, id));
        format!("{VERSION}.{id}.{}", BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens what [`Keyring::seal`] made, with any key of the keyring.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(&self, sealing: &Sealing, sealed: &str) -> Result<Secret, OpenError> {
        let (id, body) = split(sealed).ok_or(OpenError::Malformed)?;
        let bytes = BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| OpenError::Malformed)?;
        let key = self.subkey_of(id, Usage::Seal).ok_or(OpenError::UnknownKey)?;
        decrypt(key, &bytes, &associated(sealing, id)).ok_or(OpenError::Tampered)
    }

    /// The id of the key that sealed a text, whether or not it is in this keyring.
    pub fn key_of(sealed: &str) -> Option<&str> {
        split(sealed).map(|(id, _)| id)
    }
}

fn split(sealed: &str) -> Option<(&str, &str)> {
    let (version, rest) = sealed.split_once('.')?;
    let (id, body) = rest.split_once('.')?;
    (version == VERSION && super::is_key_id(id)).then_some((id, body))
}

fn associated(sealing: &Sealing, key_id: &str) -> Vec<u8> {
    associated_data(&[
        sealing.label.as_bytes(),
        sealing.record.as_bytes(),
        sealing.owner.as_bytes(),
        key_id.as_bytes(),
    ])
}

/// Fields, each after its length.
pub(super) fn associated_data(fields: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::with_capacity(fields.iter().map(|field| 8 + field.len()).sum());
    for field in fields {
        all.extend_from_slice(&length_prefix(field));
        all.extend_from_slice(field);
    }
    all
}

/// The nonce, then the ciphertext with its tag.
pub(super) fn encrypt(key: &KeyBytes, nonce: [u8; NONCE], plain: &[u8], associated: &[u8]) -> Vec<u8> {
    let key: &[u8; 32] = key;
    let payload = Payload { msg: plain, aad: associated };
    // INVARIANT: the cipher fails only above 256 GiB; nothing then opens, and nothing of the text is kept.
    let ciphertext =
        XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload).unwrap_or_default();
    [&nonce[..], &ciphertext].concat()
}

pub(super) fn decrypt(key: &KeyBytes, sealed: &[u8], associated: &[u8]) -> Option<Secret> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
    let key: &[u8; 32] = key;
    let payload = Payload { msg: ciphertext, aad: associated };
    XChaCha20Poly1305::new(key.into()).decrypt(&XNonce::from(*nonce), payload).ok().map(Secret::new)
}
