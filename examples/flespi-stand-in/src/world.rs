//! What one region knows: tokens, requests, what comes next.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::draft::{self, Fault, INVALID};
use crate::place::Place;
use crate::script::Scripted;
use crate::select::Selector;
use crate::token::{Token, new_key};

/// Whose token came with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "a token is missing, unknown or known")]
pub enum Who {
    /// None came.
    Nobody,
    /// One that is not valid in this region.
    Unknown,
    /// The one of this number.
    Token(u64),
}

/// A request that arrived. It holds no key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Its method.
    pub method: String,
    /// Its path, without what follows `?`.
    pub path: String,
    /// Whose token came with it.
    pub who: Who,
    /// What it says of the program, in `x-flespi-app`.
    pub app: Option<String>,
}

/// How many requests a region answers, before it answers 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "so many in so long, for tests to write down")]
pub struct Rate {
    /// So many requests,
    pub limit: u32,
    /// in so many seconds.
    pub per: i64,
}

pub(crate) struct World {
    pub(crate) place: Place,
    tokens: BTreeMap<u64, Token>,
    last_id: u64,
    pub(crate) seen: Vec<Seen>,
    script: VecDeque<(Scripted, u32)>,
    rate: Option<Rate>,
    window: (i64, u32),
    longest_list: Option<usize>,
}

/// What a call on a collection gave: items, and what went wrong beside them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Map<String, Value>>,
    pub(crate) faults: Vec<Fault>,
    /// Which part of a list the items are, if they are not asked for as a whole.
    pub(crate) pagination: Option<Value>,
}

const NOT_FOUND: u32 = 404;
const MOST_TOKENS: usize = 1000;
const MOST_SEEN: usize = 100_000;
/// How long a token of a login lives after its last use.
const LOGIN_TTL: i64 = 1800;

impl World {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            tokens: BTreeMap::new(),
            last_id: place.account(),
            seen: Vec::new(),
            script: VecDeque::new(),
            rate: None,
            window: (0, 0),
            longest_list: None,
        }
    }

    /// Deletes what has expired, as flespi does by itself.
    fn sweep(&mut self, now: i64) {
        self.tokens.retain(|_, token| token.lives(now));
    }

    /// Whose key this is, among those that live and are enabled.
    pub(crate) fn whose(&mut self, key: &str, now: i64) -> Who {
        self.sweep(now);
        let found = self.tokens.values().find(|token| token.enabled && token.key == key);
        found.map_or(Who::Unknown, |token| Who::Token(token.id))
    }

    pub(crate) fn note(&mut self, seen: Seen) {
        if self.seen.len() < MOST_SEEN {
            self.seen.push(seen);
        }
    }

    /// Marks a token as used, and says whether it may do everything.
    pub(crate) fn used(&mut self, id: u64, now: i64) -> bool {
        self.tokens.get_mut(&id).is_some_and(|token| {
            token.accessed = token.accessed.max(now);
            token.is_master()
        })
    }

    pub(crate) fn script(&mut self, scripted: Scripted) {
        let times = scripted.times.unwrap_or(1);
        if times > 0 {
            self.script.push_back((scripted, times));
        }
    }

    /// The first scripted answer for such a request, which is used up by it.
    pub(crate) fn scripted(&mut self, method: &str, path: &str) -> Option<Scripted> {
        let at = self.script.iter().position(|(scripted, _)| scripted.takes(method, path))?;
        let (scripted, times) = self.script.get_mut(at)?;
        let found = scripted.clone();
        *times -= 1;
        if *times == 0 {
            self.script.remove(at);
        }
        Some(found)
    }

    pub(crate) fn limit(&mut self, rate: Option<Rate>) {
        self.rate = rate;
        self.window = (0, 0);
    }

    /// Counts a request; how long to wait if it is one too many.
    pub(crate) fn too_many(&mut self, now: i64) -> Option<i64> {
        let rate = self.rate?;
        let (since, count) = self.window;
        if now >= since.saturating_add(rate.per) || now < since {
            self.window = (now, 1);
        } else {
            self.window = (since, count.saturating_add(1));
        }
        let (since, count) = self.window;
        (count > rate.limit).then(|| since.saturating_add(rate.per).saturating_sub(now))
    }

    /// The token that a login gives: it may do everything, and ends soon after its last use.
    pub(crate) fn log_in(&mut self, now: i64) -> (u64, String) {
        let mut token = self.fresh(now);
        "login".clone_into(&mut token.info);
        token.ttl = LOGIN_TTL;
        token.access = json!({"type": 1});
        let made = (token.id, token.key.clone());
        self.tokens.insert(token.id, token);
        made
    }

    fn fresh(&mut self, now: i64) -> Token {
        self.last_id += 1;
        Token {
            id: self.last_id,
            key: new_key(),
            info: String::new(),
            enabled: true,
            expire: 0,
            ttl: 0,
            created: now,
            accessed: now,
            cid: self.place.account(),
            access: json!({"type": 0}),
            ips: Value::Null,
            origins: Value::Null,
            metadata: json!({}),
        }
    }

    /// Makes each token that fits.
    pub(crate) fn create(&mut self, wanted: &[Value], now: i64) -> Outcome {
        self.sweep(now);
        let mut outcome = Outcome::default();
        for item in wanted {
            let mut token = self.fresh(now);
            let made = if self.tokens.len() < MOST_TOKENS {
                draft::apply(item, &mut token, now)
            } else {
                Err(Fault::new(INVALID, "too many tokens"))
            };
            match made {
                Ok(()) => {
                    outcome.items.push(token.shown_with_key());
                    self.tokens.insert(token.id, token);
                }
                Err(fault) => outcome.faults.push(fault),
            }
        }
        outcome
    }

    pub(crate) fn list(&mut self, selector: &Selector, now: i64) -> Outcome {
        let faults = self.missing(selector, now);
        let items = self.tokens.values().filter(|token| selector.takes(token)).map(Token::shown).collect();
        Outcome { items, faults, pagination: None }
    }

    /// Gives no more than so many items of a list at once; `None` gives it whole.
    pub(crate) fn shorten(&mut self, longest: Option<usize>) {
        self.longest_list = longest;
    }

    /// The part of a list that is wanted, or as much of it as is given at once.
    pub(crate) fn part(&self, whole: Outcome, limit: Option<usize>, offset: Option<usize>) -> Outcome {
        let Some(limit) = limit.into_iter().chain(self.longest_list).min().or(offset.map(|_| MOST_TOKENS))
        else {
            return whole;
        };
        let (total, offset) = (whole.items.len(), offset.unwrap_or_default());
        let items: Vec<_> = whole.items.into_iter().skip(offset).take(limit).collect();
        let pagination = json!({"total": total, "count": items.len(), "limit": limit, "offset": offset});
        Outcome { items, pagination: Some(pagination), ..whole }
    }

    pub(crate) fn change(&mut self, selector: &Selector, wanted: &Value, now: i64) -> Outcome {
        let mut outcome = Outcome { faults: self.missing(selector, now), ..Outcome::default() };
        for token in self.tokens.values_mut().filter(|token| selector.takes(token)) {
            match draft::apply(wanted, token, now) {
                Ok(()) => outcome.items.push(token.shown()),
                Err(fault) => outcome.faults.push(Fault { id: Some(token.id), ..fault }),
            }
        }
        outcome
    }

    pub(crate) fn delete(&mut self, selector: &Selector, now: i64) -> Outcome {
        let faults = self.missing(selector, now);
        let ids: Vec<_> =
            self.tokens.values().filter(|token| selector.takes(token)).map(|token| token.id).collect();
        let items = ids.iter().map(|id| Map::from_iter([("id".to_owned(), json!(id))])).collect();
        for id in ids {
            self.tokens.remove(&id);
        }
        Outcome { items, faults, pagination: None }
    }

    fn missing(&mut self, selector: &Selector, now: i64) -> Vec<Fault> {
        self.sweep(now);
        let missing = selector.named().iter().filter(|id| !self.tokens.contains_key(id));
        missing.map(|id| Fault { id: Some(*id), ..Fault::new(NOT_FOUND, "token not found") }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_admits_so_many_and_opens_again() {
        let mut world = World::new(Place::Eu);
        assert_eq!(world.too_many(100), None);
        world.limit(Some(Rate { limit: 2, per: 10 }));
        let answers: Vec<_> = [100, 101, 104, 109, 110].map(|now| world.too_many(now)).to_vec();
        assert_eq!(answers, [None, None, Some(6), Some(1), None]);
    }

    #[test]
    fn a_script_is_used_up_in_order_by_what_it_fits() {
        let mut world = World::new(Place::Eu);
        world.script(Scripted::status(500).path("/platform").times(2));
        world.script(Scripted::status(429));
        let mut status = |path| world.scripted("GET", path).and_then(|scripted| scripted.status);
        let answers =
            ["/auth/info", "/platform/x", "/auth/info", "/platform/x", "/platform/x"].map(&mut status);
        assert_eq!(answers, [Some(429), Some(500), None, Some(500), None]);
    }

    #[test]
    fn use_keeps_a_login_alive_and_its_end_deletes_it() {
        let mut world = World::new(Place::Eu);
        let (id, key) = world.log_in(1000);
        assert_eq!(world.whose(&key, 1000 + LOGIN_TTL - 1), Who::Token(id));
        assert!(world.used(id, 2000));
        assert_eq!(world.whose(&key, 2000 + LOGIN_TTL - 1), Who::Token(id));
        assert_eq!(world.whose(&key, 2000 + LOGIN_TTL), Who::Unknown);
        assert_eq!(world.whose(&key, 1000), Who::Unknown, "what was deleted does not come back");
    }
}
