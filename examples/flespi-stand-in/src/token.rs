//! A token, and how long it lives.

use serde_json::{Map, Value, json};

/// A token of one region.
pub(crate) struct Token {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) info: String,
    pub(crate) enabled: bool,
    /// The fixed end in seconds since 1970, 0 for none.
    pub(crate) expire: i64,
    /// How many seconds it lives after its last use, 0 for no such life.
    pub(crate) ttl: i64,
    pub(crate) created: i64,
    pub(crate) accessed: i64,
    pub(crate) cid: u64,
    pub(crate) access: Value,
    pub(crate) ips: Value,
    pub(crate) origins: Value,
    pub(crate) metadata: Value,
}

impl Token {
    /// Either end is enough to live: the fixed one, or the one that each use moves.
    pub(crate) fn lives(&self, now: i64) -> bool {
        let used = self.created.max(self.accessed);
        (self.expire != 0 && now < self.expire) || (self.ttl != 0 && now < used.saturating_add(self.ttl))
    }

    pub(crate) fn is_master(&self) -> bool {
        self.access.get("type").and_then(Value::as_u64) == Some(1)
    }

    /// Everything but the key.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let shown = json!({
            "id": self.id,
            "info": self.info,
            "enabled": self.enabled,
            "expire": self.expire,
            "ttl": self.ttl,
            "created": self.created,
            "accessed": self.accessed,
            "cid": self.cid,
            "access": self.access,
            "ips": self.ips,
            "origins": self.origins,
            "metadata": self.metadata,
        });
        if let Value::Object(shown) = shown { shown } else { Map::new() }
    }

    /// With the key, which is shown once.
    pub(crate) fn shown_with_key(&self) -> Map<String, Value> {
        let mut shown = self.shown();
        shown.insert("key".to_owned(), Value::String(self.key.clone()));
        shown
    }
}

/// 64 letters and digits, each as likely as the others.
#[expect(clippy::disallowed_methods, reason = "nothing of portcullis is here, so there is no port to ask")]
pub(crate) fn new_key() -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut key = String::with_capacity(64);
    while key.len() < 64 {
        let mut bytes = [0; 64];
        if getrandom::fill(&mut bytes).is_err() {
            continue;
        }
        // 248 is the last multiple of 62.
        let letters = bytes.iter().filter(|byte| **byte < 248);
        let letters = letters.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        key.extend(letters.map(|letter| char::from(*letter)).take(64 - key.len()));
    }
    key
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn token(expire: i64, ttl: i64, created: i64, accessed: i64) -> Token {
        Token {
            id: 1,
            key: new_key(),
            info: String::new(),
            enabled: true,
            expire,
            ttl,
            created,
            accessed,
            cid: 1,
            access: json!({"type": 1}),
            ips: Value::Null,
            origins: Value::Null,
            metadata: json!({}),
        }
    }

    #[test]
    fn a_token_lives_while_either_end_is_ahead() {
        for (token, last) in [
            (token(100, 0, 10, 10), 99),
            (token(0, 50, 10, 10), 59),
            (token(0, 50, 10, 40), 89),
            (token(0, 50, 40, 10), 89),
            (token(100, 50, 10, 10), 99),
            (token(100, 50, 10, 70), 119),
        ] {
            assert!(token.lives(last));
            assert!(!token.lives(last + 1));
        }
        assert!(!token(0, 0, 10, 10).lives(10));
    }

    #[test]
    fn a_key_is_64_letters_and_digits_and_shown_only_when_asked_for() {
        let token = token(1, 0, 0, 0);
        assert_eq!(token.key.len(), 64);
        assert!(token.key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(token.key, new_key());
        assert_eq!(token.shown().get("key"), None);
        assert_eq!(token.shown_with_key()["key"], token.key);
    }
}
