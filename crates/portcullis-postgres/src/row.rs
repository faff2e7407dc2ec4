//! Records and their parts, between the contract's types and the columns.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use portcullis::error::PortError;
use portcullis::port::store::{Count, Counter, Key, Kind, Lane, Record};
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;
use uuid::Uuid;

use crate::error::port;

/// The columns of a record `r`, as [`record`] takes them.
macro_rules! record_columns {
    () => {
        "r.id, r.tenant, r.kind, r.version, r.lane, r.due_at, r.refs, r.body, \
         (SELECT json_agg(json_build_array(k.kind, k.name, k.value, k.is_unique))::text \
          FROM portcullis_key k WHERE k.id = r.id) AS keys"
    };
}
pub(crate) use record_columns;

/// Takes one column.
pub(crate) fn column<T: FromSqlOwned>(row: &Row, name: &'static str) -> Result<T, PortError> {
    row.try_get(name).map_err(|_| port(format!("the column {name} of a stored row can't be read")))
}

/// Takes a record.
pub(crate) fn record(row: &Row) -> Result<Record, PortError> {
    let lane: Option<String> = column(row, "lane")?;
    let due_at: Option<DateTime<Utc>> = column(row, "due_at")?;
    let due = match (lane, due_at) {
        (Some(lane), Some(at)) => {
            Some((Lane::stored(&lane).ok_or_else(|| port("a stored record is in an unknown lane"))?, at))
        }
        _ => None,
    };
    let keys: Option<String> = column(row, "keys")?;
    Ok(Record {
        tenant: column(row, "tenant")?,
        kind: Kind::stored(column::<String>(row, "kind")?),
        id: column(row, "id")?,
        version: version(column(row, "version")?)?,
        keys: keys.map_or_else(|| Ok(Vec::new()), |keys| keys_of(&keys))?,
        refs: column(row, "refs")?,
        due,
        body: column(row, "body")?,
    })
}

fn version(stored: i64) -> Result<u64, PortError> {
    u64::try_from(stored).map_err(|_| port("a stored record has a version below 0"))
}

fn keys_of(json: &str) -> Result<Vec<Key>, PortError> {
    let keys: Vec<(String, String, String, bool)> =
        serde_json::from_str(json).map_err(|_| port("the keys of a stored record can't be read"))?;
    let mut keys: Vec<Key> = keys
        .into_iter()
        .map(|(kind, name, value, unique)| Key {
            kind: Kind::stored(kind),
            name: Cow::Owned(name),
            value,
            unique,
        })
        .collect();
    keys.sort();
    Ok(keys)
}

/// Takes a count.
pub(crate) fn count(value: i32, ends_at: Option<DateTime<Utc>>) -> Result<Count, PortError> {
    let value = u32::try_from(value).map_err(|_| port("a stored counter is below 0"))?;
    Ok(Count { value, ends_at })
}

/// Takes a counter and what it holds.
pub(crate) fn counter(row: &Row) -> Result<(Counter, Count), PortError> {
    let subject: Uuid = column(row, "id")?;
    let name: String = column(row, "name")?;
    Ok((Counter { subject, name: Cow::Owned(name) }, count(column(row, "value")?, column(row, "ends_at")?)?))
}

/// The earliest instant `PostgreSQL` keeps: the 24th of November 4714 BC, 00:00:00, in seconds from 1970.
const EARLIEST: i64 = -210_866_803_200;

/// Lets an instant pass that the database can keep.
pub(crate) fn instant(at: DateTime<Utc>) -> Result<DateTime<Utc>, PortError> {
    if at.timestamp() < EARLIEST {
        return Err(port("an instant lies before 4714 bc, earlier than the database can keep"));
    }
    Ok(at)
}

/// Whether the database can keep it: its text has no NUL.
pub(crate) fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// Lets a text pass that the database can keep.
pub(crate) fn text<'a>(text: &'a str, what: &'static str) -> Result<&'a str, PortError> {
    if is_text(text) {
        Ok(text)
    } else {
        Err(port(format!("{what} holds a NUL, which the database can't keep")))
    }
}
