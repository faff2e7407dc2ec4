//! How a record, a counter and an event lie in a row.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::port::store::{Count, Counter, Key, Kind, Lane, Record, Waiting};
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use uuid::Uuid;

/// The columns [`record`] reads, of a table called `r`.
pub(crate) const RECORD: &str = "r.id, r.tenant, r.kind, r.version, r.keys, r.refs, r.lane, r.due_at, r.body";

/// The columns [`counter`] reads, of a table called `c`.
pub(crate) const COUNTER: &str = "c.subject, c.name, c.value, c.ends_at";

/// The columns [`event`] reads, of a table called `a`.
pub(crate) const EVENT: &str =
    "a.id, a.at, a.tenant, a.subject, a.actor, a.action, a.reason, a.source, a.about";

/// Reads a record from nine columns, the first at `at`.
pub(crate) fn record(row: &Row<'_>, at: usize) -> rusqlite::Result<Record> {
    let lane = row.get_ref(at + 6)?.as_str_or_null()?;
    let due_at: Option<i64> = row.get(at + 7)?;
    let due = match (lane, due_at) {
        (Some(lane), Some(micros)) => {
            Some((Lane::stored(lane).ok_or_else(|| unreadable(at + 6))?, time(micros, at + 7)?))
        }
        _ => None,
    };
    Ok(Record {
        tenant: id(row, at + 1)?,
        kind: Kind::stored(row.get::<_, String>(at + 2)?),
        id: id(row, at)?,
        version: u64::try_from(row.get::<_, i64>(at + 3)?).map_err(|_| unreadable(at + 3))?,
        keys: keys(row, at + 4)?,
        refs: refs(row, at + 5)?,
        due,
        body: row.get(at + 8)?,
    })
}

/// Reads a counter from four columns, the first at `at`.
pub(crate) fn counter(row: &Row<'_>, at: usize) -> rusqlite::Result<(Counter, Count)> {
    let name = Cow::Owned(row.get(at + 1)?);
    let value = row.get::<_, i64>(at + 2)?;
    let ends_at: Option<i64> = row.get(at + 3)?;
    Ok((
        Counter { subject: id(row, at)?, name },
        Count {
            value: u32::try_from(value).map_err(|_| unreadable(at + 2))?,
            ends_at: ends_at.map(|micros| time(micros, at + 3)).transpose()?,
        },
    ))
}

/// Reads an event from nine columns.
pub(crate) fn event(row: &Row<'_>) -> rusqlite::Result<AuditEvent> {
    Ok(AuditEvent {
        id: id(row, 0)?,
        at: time(row.get(1)?, 1)?,
        tenant: id(row, 2)?,
        subject: id(row, 3)?,
        actor: maybe_id(row, 4)?,
        action: Cow::Owned(row.get(5)?),
        reason: row.get::<_, Option<String>>(6)?.map(Cow::Owned),
        source: maybe_id(row, 7)?,
        about: maybe_id(row, 8)?,
    })
}

/// Reads a count and a time.
pub(crate) fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let oldest: Option<i64> = row.get(1)?;
    Ok(Waiting {
        count: u32::try_from(row.get::<_, i64>(0)?).map_err(|_| unreadable(0))?,
        oldest: oldest.map(|micros| time(micros, 1)).transpose()?,
    })
}

/// Reads an id.
pub(crate) fn id(row: &Row<'_>, at: usize) -> rusqlite::Result<Uuid> {
    Ok(Uuid::from_bytes(row.get(at)?))
}

fn maybe_id(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Uuid>> {
    Ok(row.get::<_, Option<[u8; 16]>>(at)?.map(Uuid::from_bytes))
}

/// Reads the keys that [`keys_text`] wrote.
pub(crate) fn keys(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Key>> {
    let text = row.get_ref(at)?.as_str()?;
    let keys: Vec<(String, String, String, u8)> = serde_json::from_str(text).map_err(|_| unreadable(at))?;
    Ok(keys
        .into_iter()
        .map(|(kind, name, value, unique)| Key {
            kind: Kind::stored(kind),
            name: Cow::Owned(name),
            value,
            unique: unique == 1,
        })
        .collect())
}

/// Writes keys as they lie in a record's row.
pub(crate) fn keys_text(keys: &BTreeSet<&Key>) -> String {
    let keys: Vec<(&str, &str, &str, u8)> = keys
        .iter()
        .map(|key| (key.kind.as_str(), key.name.as_ref(), key.value.as_str(), u8::from(key.unique)))
        .collect();
    // Text and numbers can't fail to become JSON.
    serde_json::to_string(&keys).unwrap_or_default()
}

fn refs(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<Uuid>> {
    let text = row.get_ref(at)?.as_str()?;
    let refs: Vec<&str> = serde_json::from_str(text).map_err(|_| unreadable(at))?;
    refs.into_iter().map(|id| Uuid::try_parse(id).map_err(|_| unreadable(at))).collect()
}

/// Writes references as they lie in a record's row.
pub(crate) fn refs_text(refs: &[Uuid]) -> String {
    let mut text = String::with_capacity(2 + refs.len() * 35);
    text.push('[');
    for (index, id) in refs.iter().enumerate() {
        text.push_str(if index == 0 { "\"" } else { ",\"" });
        text.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        text.push('"');
    }
    text.push(']');
    text
}

/// Gives an instant as it is stored.
pub(crate) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

fn time(micros: i64, at: usize) -> rusqlite::Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| unreadable(at))
}

fn unreadable(at: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Null, Box::new(FromSqlError::InvalidType))
}
