//! Records and values: bodies with a schema number, unknown fields kept, and the typed view of a snapshot.

use core::fmt;
use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::decision::{Changes, Entity, Stored};
use crate::error::Error;
use crate::port::store::{Count, Counter, Record, Snapshot, Window};

/// The schema number of a body: this release's, or the next one's, which is read but not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Schema<const N: u32>(u32);

impl<const N: u32> Schema<N> {
    pub(crate) const fn number(self) -> u32 {
        self.0
    }
}

impl<const N: u32> Default for Schema<N> {
    fn default() -> Self {
        Self(N)
    }
}

impl<const N: u32> Serialize for Schema<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Schema<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        if number == N || number == N + 1 {
            Ok(Self(number))
        } else {
            Err(D::Error::custom("unknown schema number"))
        }
    }
}

/// Most bodies are shorter, so that writing one takes memory once.
const USUAL_BODY_BYTES: usize = 1024;

/// Most bodies have fewer names.
const USUAL_NAMES: usize = 40;

/// Writes the body of a new value.
pub(crate) fn write<E: Entity>(value: &E) -> Result<String, &'static str> {
    if value.schema() != E::V {
        return Err("it was written by a newer release");
    }
    let mut body = Vec::with_capacity(USUAL_BODY_BYTES);
    serde_json::to_writer(&mut body, value).map_err(|_| "it can't be written as JSON")?;
    String::from_utf8(body).map_err(|_| "it can't be written as JSON")
}

/// Writes the body of a changed value and keeps the fields that only a newer release knows.
///
/// Every field of ours is always written, so a top-level name in the old body that is missing in the new one is not
/// ours.
pub(crate) fn rewrite<E: Entity>(value: &E, old: &str) -> Result<String, &'static str> {
    let body = write(value)?;
    if names_all_of(&body, old) {
        return Ok(body);
    }
    let (Ok(old), Ok(mut new)) =
        (serde_json::from_str::<Map<String, Value>>(old), serde_json::from_str::<Map<String, Value>>(&body))
    else {
        return Err("its body is not a JSON object");
    };
    if old.keys().all(|name| new.contains_key(name)) {
        return Ok(body);
    }
    for (name, field) in old {
        new.entry(name).or_insert(field);
    }
    serde_json::to_string(&new).map_err(|_| "it can't be written as JSON")
}

/// Whether one body has every top-level name of another, as far as a look at the names alone tells: no value is kept, and
/// a name written with escapes makes it `false`.
fn names_all_of(body: &str, old: &str) -> bool {
    match (serde_json::from_str::<Names<'_>>(body), serde_json::from_str::<Names<'_>>(old)) {
        // The same release writes the same names in the same order.
        (Ok(names), Ok(old)) => names == old || old.0.iter().all(|name| names.0.contains(name)),
        _ => false,
    }
}

/// The top-level names of a JSON object, in order.
#[derive(PartialEq)]
struct Names<'a>(Vec<&'a str>);

impl<'de> Deserialize<'de> for Names<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;
        impl<'de> Visitor<'de> for Look {
            type Value = Names<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut names = Vec::with_capacity(USUAL_NAMES);
                while let Some((name, _)) = map.next_entry::<&str, IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Look)
    }
}

/// The values of a kind that changes write.
pub(crate) fn written<E: Entity>(changes: &Changes) -> Result<Vec<E>, Error> {
    let corrupt = |why| Error::Corrupt { kind: Cow::Owned(E::KIND.as_str().to_owned()), why };
    let of_kind = changes.puts.iter().filter(|put| put.kind == E::KIND);
    of_kind
        .map(|put| {
            let body = put.body.as_ref().map_err(|why| corrupt(why))?;
            serde_json::from_str(body).map_err(|_| corrupt("what is written of it can't be read"))
        })
        .collect()
}

/// Reads a value out of its record.
pub(crate) fn parse<E: Entity>(record: &Record) -> Result<Stored<E>, Error> {
    let corrupt = |why| Error::Corrupt { kind: Cow::Owned(record.kind.as_str().to_owned()), why };
    if record.kind != E::KIND {
        return Err(corrupt("it has another kind"));
    }
    let value: E = serde_json::from_str(&record.body).map_err(|_| corrupt("its body does not fit"))?;
    if value.id() != record.id || value.tenant() != record.tenant {
        return Err(corrupt("its body belongs to another record"));
    }
    Ok(Stored::new(value, record.version, record.body.clone()))
}

/// A snapshot, read as values.
#[derive(Debug)]
pub(crate) struct View {
    snapshot: Snapshot,
    now: DateTime<Utc>,
    epoch: u32,
}

impl View {
    pub(crate) const fn new(snapshot: Snapshot, now: DateTime<Utc>, epoch: u32) -> Self {
        Self { snapshot, now, epoch }
    }

    /// The epoch of the keys in force at the read.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The time of the read.
    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// What the `nth` start found, if it is of the kind.
    pub(crate) fn start<E: Entity>(&self, nth: usize) -> Result<Option<Stored<E>>, Error> {
        match self.snapshot.found.get(nth).copied().flatten() {
            Some(id) => self.record(id),
            None => Ok(None),
        }
    }

    /// The record with the id, if it was read and is of the kind.
    pub(crate) fn record<E: Entity>(&self, id: Uuid) -> Result<Option<Stored<E>>, Error> {
        match self.snapshot.records.get(&id) {
            Some(record) if record.kind == E::KIND => parse(record).map(Some),
            Some(_) | None => Ok(None),
        }
    }

    /// The record with the id as it is kept, if it was read.
    pub(crate) fn raw(&self, id: Uuid) -> Option<&Record> {
        self.snapshot.records.get(&id)
    }

    /// What a counter holds.
    pub(crate) fn count(&self, counter: &Counter) -> Count {
        self.snapshot.counters.get(counter).copied().unwrap_or_default()
    }

    /// Whether a counter holds anything.
    pub(crate) fn counts(&self, counter: &Counter) -> bool {
        self.count(counter).value > 0
    }

    /// What a counter holds whose windows are at most this long. One that ends too late was opened by a clock that has
    /// since stepped back: it counts as over, as it does in a commit, so that no such step delays anybody for longer.
    pub(crate) fn count_within(&self, counter: &Counter, longest: TimeDelta) -> Count {
        let count = self.count(counter);
        let latest = Window::Rolling(longest).latest_end(self.now);
        if count.ends_at.zip(latest).is_some_and(|(end, latest)| end > latest) {
            Count::default()
        } else {
            count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::CLOCK_SLACK;

    #[test]
    fn a_look_at_the_names_of_two_bodies_tells_what_is_missing() {
        let body = r#"{"a":{"x":1},"b":[2],"c":null}"#;
        assert!(names_all_of(body, r#"{"c":1,"a":2}"#), "in any order, whatever they hold");
        assert!(names_all_of(body, body) && names_all_of(body, "{}"));
        assert!(!names_all_of(body, r#"{"a":1,"x":2}"#), "a name within another is none of the body's");
        assert!(
            !names_all_of(body, r#"{"\u0061":1}"#) && !names_all_of(body, "[]") && !names_all_of("x", "{}")
        );
    }

    #[test]
    fn a_window_of_a_clock_that_stepped_back_delays_nobody() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let counter = Counter::of(Uuid::nil(), "wait");
        let longest = TimeDelta::minutes(15);
        let held = |ends_in: TimeDelta| {
            let count = Count { value: 1, ends_at: Some(now + ends_in) };
            let counters = [(counter.clone(), count)].into();
            let view = View::new(Snapshot { counters, ..Snapshot::default() }, now, 0);
            view.count_within(&counter, longest).value
        };
        assert_eq!(held(longest), 1, "a window opened just now counts");
        assert_eq!(held(longest + CLOCK_SLACK), 1, "and one of a colleague whose clock is ahead");
        assert_eq!(
            held(longest + CLOCK_SLACK + TimeDelta::seconds(1)),
            0,
            "one from the far future does not"
        );
    }
}
