//! Binding: a digest that a code fits only together with everything it proves.

#![expect(
    clippy::exhaustive_structs,
    reason = "a binding is built field by field; a field left out is a hole"
)]

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{KeyBytes, Keyring, Usage, mac};

/// What a code or the secret of a link proves. Change any of it, and the code no longer fits.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    /// The challenge it answers.
    pub challenge: Uuid,
    /// What it is for, such as `sign_in`.
    pub purpose: &'a str,
    /// Whose it is.
    pub user: Uuid,
    /// Where it was sent, in canonical form.
    pub destination: &'a str,
    /// The credential version of the user when it was made.
    pub credential_version: u64,
    /// The code or secret.
    pub secret: &'a [u8],
}

impl fmt::Debug for Binding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("challenge", &self.challenge)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// The digest of a [`Binding`] under one key of a keyring: what a challenge keeps instead of its code.
///
/// It is compared by [`Keyring::fits`] alone. Without the key it tells nothing, not even to somebody who tries every
/// code.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundDigest {
    key: String,
    digest: String,
}

impl BoundDigest {
    /// The id of the key it was made with.
    pub fn key_id(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for BoundDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundDigest").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Keyring {
    /// Binds a code or secret under the current key.
    ///
    /// The digest is HMAC-SHA-256 over challenge, purpose, user, destination, credential version (8 bytes, big endian)
    /// and secret, each after its length.
    pub fn bind(&self, binding: &Binding<'_>) -> BoundDigest {
        let (id, key) = self.current_subkey(Usage::Bind);
        BoundDigest { key: id.to_owned(), digest: BASE64URL_NOPAD.encode(&digest(key, binding)) }
    }

    /// Says whether a binding is the one that was bound. How long that takes tells nothing about either.
    ///
    /// A digest of a retired or unknown key fits nothing.
    pub fn fits(&self, bound: &BoundDigest, binding: &Binding<'_>) -> bool {
        let Some(key) = self.subkey_of(&bound.key, Usage::Bind) else {
            return false;
        };
        let Ok(stored) = BASE64URL_NOPAD.decode(bound.digest.as_bytes()) else {
            return false;
        };
        digest(key, binding).ct_eq(stored.as_slice()).into()
    }
}

fn digest(key: &KeyBytes, binding: &Binding<'_>) -> [u8; 32] {
    mac(
        key,
        &[
            binding.challenge.as_bytes(),
            binding.purpose.as_bytes(),
            binding.user.as_bytes(),
            binding.destination.as_bytes(),
            &binding.credential_version.to_be_bytes(),
            binding.secret,
        ],
    )
}
