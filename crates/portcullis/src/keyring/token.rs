//! Tokens: ids and small payloads as opaque text for cookies and answers.
//!
//! A token is sealed with a nonce made of what it holds (HMAC), so that no randomness is needed and the same id always
//! gives the same token. That two tokens hold the same is all that can be told from them.

use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use super::seal::{NONCE, associated_data, decrypt, encrypt};
use super::{Keyring, Usage, head, is_key_id, mac};
use crate::secret::Secret;

const ID: &str = "id";
const PAYLOAD: &str = "payload";

/// Key id, dot, and the base64url of nonce, payload and tag: 16 + 1 + (24 + 768 + 16) · 4 / 3.
const MAX_TOKEN_BYTES: usize = 1095;

impl Keyring {
    /// The longest payload of a token, in bytes.
    pub const MAX_PAYLOAD_BYTES: usize = 768;

    /// Makes an opaque, url-safe token of an id: `<key id>.<base64url>`. The same id gives the same token while the
    /// same key is current.
    pub fn seal_id(&self, label: &'static str, id: Uuid) -> String {
        self.token(ID, label, id.as_bytes())
    }

    /// Reads a token of [`Keyring::seal_id`] with the same label, made with any key of the keyring. How long the text
    /// is, is looked at first.
    pub fn open_id(&self, label: &'static str, token: &str) -> Option<Uuid> {
        let id = self.untoken(ID, label, token)?;
        Uuid::from_slice(id.expose()).ok()
    }

    /// Makes an opaque, url-safe token of a small payload; `None` above [`Keyring::MAX_PAYLOAD_BYTES`].
    pub fn seal_token(&self, label: &'static str, payload: &[u8]) -> Option<String> {
        (payload.len() <= Self::MAX_PAYLOAD_BYTES).then(|| self.token(PAYLOAD, label, payload))
    }

    /// Reads a token of [`Keyring::seal_token`] with the same label. How long the text is, is looked at first.
    pub fn open_token(&self, label: &'static str, token: &str) -> Option<Secret> {
        self.untoken(PAYLOAD, label, token)
    }

    /// Whether the current key made a token; if not, and it opens, the host gives out a new one in its place.
    pub fn is_current(&self, token: &str) -> bool {
        split(token).is_some_and(|(id, _)| id == self.current())
    }

    fn token(&self, kind: &str, label: &str, payload: &[u8]) -> String {
        let (id, nonce_key) = self.current_subkey(Usage::TokenNonce);
        let (_, seal_key) = self.current_subkey(Usage::TokenSeal);
        let nonce: [u8; NONCE] = head(mac(nonce_key, &[kind.as_bytes(), label.as_bytes(), payload]));
        let sealed = encrypt(seal_key, nonce, payload, &associated(kind, label, id));
        format!("{id}.{}", BASE64URL_NOPAD.encode(&sealed))
    }

    fn untoken(&self, kind: &str, label: &str, token: &str) -> Option<Secret> {
        let (id, body) = split(token)?;
        let seal_key = self.subkey_of(id, Usage::TokenSeal)?;
        let sealed = BASE64URL_NOPAD.decode(body.as_bytes()).ok()?;
        decrypt(seal_key, &sealed, &associated(kind, label, id))
    }
}

fn split(token: &str) -> Option<(&str, &str)> {
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    token.split_once('.').filter(|(id, _)| is_key_id(id))
}

fn associated(kind: &str, label: &str, key_id: &str) -> Vec<u8> {
    associated_data(&[kind.as_bytes(), label.as_bytes(), key_id.as_bytes()])
}
