//! What a client wants a token to be.

use serde_json::{Map, Value, json};

use crate::token::Token;

/// Why flespi refuses something: an entry of `errors`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) code: u32,
    pub(crate) reason: String,
    pub(crate) id: Option<u64>,
}

impl Fault {
    pub(crate) fn new(code: u32, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), id: None }
    }

    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({"code": self.code, "reason": self.reason});
        if let (Some(id), Some(shown)) = (self.id, shown.as_object_mut()) {
            shown.insert("id".to_owned(), json!(id));
        }
        shown
    }
}

/// A property does not fit.
pub(crate) const INVALID: u32 = 400;

const LATEST: i64 = 253_402_300_799;
const LONGEST_INFO: usize = 1024;

/// Sets every property that is named, or none. The token must be one that lives.
pub(crate) fn apply(wanted: &Value, token: &mut Token, now: i64) -> Result<(), Fault> {
    let wanted = wanted.as_object().ok_or_else(|| Fault::new(INVALID, "a token is an object"))?;
    let unknown = wanted.keys().find(|name| !NAMES.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(Fault::new(INVALID, format!("unknown property \"{name}\"")));
    }
    let expire = seconds(wanted, "expire")?.unwrap_or(token.expire);
    let ttl = seconds(wanted, "ttl")?.unwrap_or(token.ttl);
    if expire == 0 && ttl == 0 {
        return Err(Fault::new(INVALID, "one of \"expire\" and \"ttl\" is mandatory"));
    }
    let info = wanted.get("info").map(info).transpose()?;
    let access = wanted.get("access").map(access).transpose()?;
    let enabled = match wanted.get("enabled") {
        None => None,
        Some(enabled) => Some(enabled.as_bool().ok_or_else(|| odd("enabled"))?),
    };
    let metadata = match wanted.get("metadata") {
        None => None,
        Some(Value::Object(metadata)) => Some(Value::Object(metadata.clone())),
        Some(_) => return Err(odd("metadata")),
    };
    let (before_expire, before_ttl) = (token.expire, token.ttl);
    (token.expire, token.ttl) = (expire, ttl);
    if !token.lives(now) {
        (token.expire, token.ttl) = (before_expire, before_ttl);
        return Err(Fault::new(INVALID, "the token would have expired"));
    }
    if let Some(info) = info {
        token.info = info;
    }
    if let Some(access) = access {
        token.access = access;
    }
    token.enabled = enabled.unwrap_or(token.enabled);
    if let Some(metadata) = metadata {
        token.metadata = metadata;
    }
    for (name, place) in [("ips", &mut token.ips), ("origins", &mut token.origins)] {
        if let Some(value) = wanted.get(name) {
            *place = value.clone();
        }
    }
    Ok(())
}

const NAMES: [&str; 8] = ["info", "enabled", "expire", "ttl", "access", "ips", "origins", "metadata"];

fn odd(name: &str) -> Fault {
    Fault::new(INVALID, format!("invalid value of \"{name}\""))
}

fn seconds(wanted: &Map<String, Value>, name: &str) -> Result<Option<i64>, Fault> {
    let Some(value) = wanted.get(name) else { return Ok(None) };
    let seconds = value.as_i64().filter(|seconds| (0..=LATEST).contains(seconds));
    seconds.map(Some).ok_or_else(|| odd(name))
}

fn info(value: &Value) -> Result<String, Fault> {
    let info = value.as_str().filter(|info| info.len() <= LONGEST_INFO);
    info.map(str::to_owned).ok_or_else(|| odd("info"))
}

fn access(value: &Value) -> Result<Value, Fault> {
    let entry = |entry: &Value| entry.get("uri").is_some_and(Value::is_string);
    let acl = value.get("acl").and_then(Value::as_array);
    let fits = match value.get("type").and_then(Value::as_u64) {
        Some(0 | 1) => true,
        Some(2) => acl.is_some_and(|acl| acl.iter().all(entry)),
        _ => false,
    };
    if fits { Ok(value.clone()) } else { Err(odd("access")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::token;

    fn apply_new(wanted: &Value) -> Result<Token, Fault> {
        let mut fresh = token(0, 0, 1000, 1000);
        apply(wanted, &mut fresh, 1000).map(|()| fresh)
    }

    #[test]
    fn what_fits_is_taken() {
        let made = apply_new(&json!({"info": "x", "expire": 2000, "access": {"type": 1}})).unwrap();
        assert_eq!((made.info.as_str(), made.expire, made.ttl), ("x", 2000, 0));
        let acl = json!({"type": 2, "acl": [{"uri": "gw/devices", "methods": ["GET"], "ids": "all"}]});
        let made = apply_new(&json!({"ttl": 60, "access": acl, "enabled": false, "ips": "10.*"})).unwrap();
        assert_eq!((made.ttl, made.enabled, &made.access, &made.ips), (60, false, &acl, &json!("10.*")));
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        for wanted in [
            json!({}),
            json!([]),
            json!({"info": "eternal"}),
            json!({"ttl": 0, "expire": 0}),
            json!({"expire": 1000}),
            json!({"expire": "2000"}),
            json!({"expire": 2000.5}),
            json!({"expire": -1}),
            json!({"ttl": null}),
            json!({"ttl": LATEST + 1}),
            json!({"ttl": 60, "info": 7}),
            json!({"ttl": 60, "enabled": "yes"}),
            json!({"ttl": 60, "metadata": []}),
            json!({"ttl": 60, "access": {"type": 3}}),
            json!({"ttl": 60, "access": {"type": 2}}),
            json!({"ttl": 60, "access": {"type": 2, "acl": [{}]}}),
            json!({"ttl": 60, "key": "mine"}),
        ] {
            let mut before = token(9000, 0, 1000, 1000);
            if wanted.as_object().is_some_and(|wanted| !wanted.contains_key("expire") && wanted.len() < 2) {
                before.expire = 0;
            }
            let was = before.shown();
            assert!(apply(&wanted, &mut before, 1000).is_err(), "{wanted}");
            assert_eq!(before.shown(), was, "{wanted}");
        }
    }
}
