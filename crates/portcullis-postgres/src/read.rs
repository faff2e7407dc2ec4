//! Reading: one statement, one snapshot.

use std::collections::BTreeMap;

use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{Key, Order, Page, Read, Record, Snapshot, Start, TrailPage};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::error::port;
use crate::row::{self, column, record_columns};
use crate::store::PostgresStore;

/// The starts, the records within two references of them, and the counters of all of these.
///
/// Each `LIMIT 1` and `OFFSET 0` keeps a lookup by id a lookup by id, whatever the planner believes about the number
/// of references.
pub(crate) const READ: &str = concat!(
    "WITH start AS MATERIALIZED (
        SELECT w.n, COALESCE(w.id, k.id) AS id
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS w (id, kind, name, value, n)
        LEFT JOIN LATERAL (
            SELECT k.id FROM portcullis_key k
            WHERE k.kind = w.kind AND k.name = w.name AND k.value = w.value AND k.is_unique LIMIT 1
        ) k ON true
     ), one AS MATERIALIZED (
        SELECT r.id, r.refs FROM (SELECT DISTINCT s.id FROM start s WHERE s.id IS NOT NULL) s
        CROSS JOIN LATERAL (SELECT r.id, r.refs FROM portcullis_record r WHERE r.id = s.id LIMIT 1) r
     ), two AS MATERIALIZED (
        SELECT r.id, r.refs FROM (SELECT DISTINCT unnest(o.refs) AS id FROM one o) s
        CROSS JOIN LATERAL (SELECT r.id, r.refs FROM portcullis_record r WHERE r.id = s.id LIMIT 1) r
     ), reached AS MATERIALIZED (
        SELECT o.id FROM one o UNION SELECT t.id FROM two t UNION SELECT unnest(t.refs) FROM two t
     ), reached_record AS MATERIALIZED (
        SELECT r.* FROM reached s
        CROSS JOIN LATERAL (SELECT r.* FROM portcullis_record r WHERE r.id = s.id LIMIT 1) r
     ), subject AS MATERIALIZED (
        SELECT r.id FROM reached_record r UNION SELECT unnest($5::uuid[])
     )
     SELECT 'start' AS what, s.n, s.id, NULL::uuid AS tenant, NULL::text AS kind, NULL::bigint AS version,
            NULL::text AS lane, NULL::timestamptz AS due_at, NULL::uuid[] AS refs, NULL::text AS body,
            NULL::text AS keys, NULL::text AS name, NULL::integer AS value, NULL::timestamptz AS ends_at
     FROM start s
     UNION ALL
     SELECT 'record', 0, ",
    record_columns!(),
    ", NULL, NULL, NULL FROM reached_record r
     UNION ALL
     SELECT 'counter', 0, s.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.name, c.value, c.ends_at
     FROM subject s
     CROSS JOIN LATERAL (
        SELECT c.name, c.value, c.ends_at FROM portcullis_counter c
        WHERE c.subject = s.id AND c.value > 0 AND (c.ends_at IS NULL OR c.ends_at > $6) OFFSET 0
     ) c"
);

/// The records that carry a key, by id.
pub(crate) const LIST: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM (
        SELECT k.id FROM portcullis_key k
        WHERE k.kind = $1 AND k.name = $2 AND k.value = $3 AND k.is_unique = $4 AND ($5 IS NULL OR k.id > $5)
        ORDER BY k.id LIMIT $6
     ) k
     CROSS JOIN LATERAL (SELECT r.* FROM portcullis_record r WHERE r.id = k.id LIMIT 1) r
     ORDER BY r.id"
);

/// The trail of a subject, by id.
pub(crate) const OLDEST_FIRST: &str =
    "SELECT a.id, a.at, a.tenant, a.subject, a.actor, a.action, a.reason, a.source, a.about
     FROM portcullis_audit a
     WHERE a.subject = $1 AND a.action <> '' AND ($2 IS NULL OR a.id > $2)
     ORDER BY a.id LIMIT $3";

/// The trail of a subject, from its end.
pub(crate) const NEWEST_FIRST: &str =
    "SELECT a.id, a.at, a.tenant, a.subject, a.actor, a.action, a.reason, a.source, a.about
     FROM portcullis_audit a
     WHERE a.subject = $1 AND a.action <> '' AND ($2 IS NULL OR a.id < $2)
     ORDER BY a.id DESC LIMIT $3";

impl PostgresStore {
    pub(crate) async fn snapshot(&self, read: &Read) -> Result<Snapshot, PortError> {
        let mut ids: Vec<Option<Uuid>> = Vec::new();
        let (mut kinds, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for start in &read.starts {
            let (id, key) = match start {
                Start::Id(id) => (Some(*id), None),
                // A lookup key is nobody's, and one with a NUL can't have been stored.
                Start::Key(key) => (None, Some(key).filter(|key| key.unique && is_storable(key))),
            };
            ids.push(id);
            kinds.push(key.map(|key| key.kind.as_str()));
            names.push(key.map(|key| key.name.as_ref()));
            values.push(key.map(|key| key.value.as_str()));
        }
        let now = row::instant(read.now)?;
        let rows = self
            .ask(
                READ,
                &[
                    (&ids, Type::UUID_ARRAY),
                    (&kinds, Type::TEXT_ARRAY),
                    (&names, Type::TEXT_ARRAY),
                    (&values, Type::TEXT_ARRAY),
                    (&read.subjects, Type::UUID_ARRAY),
                    (&now, Type::TIMESTAMPTZ),
                ],
            )
            .await?;

        let mut snapshot = Snapshot::default();
        let mut starts: BTreeMap<i64, Option<Uuid>> = BTreeMap::new();
        for row in &rows {
            match column::<String>(row, "what")?.as_str() {
                "start" => {
                    starts.insert(column(row, "n")?, column(row, "id")?);
                }
                "record" => {
                    let record = row::record(row)?;
                    snapshot.records.insert(record.id, record);
                }
                _ => {
                    let (counter, count) = row::counter(row)?;
                    snapshot.counters.insert(counter, count);
                }
            }
        }
        snapshot.found =
            starts.into_values().map(|id| id.filter(|id| snapshot.records.contains_key(id))).collect();
        if snapshot.found.len() != read.starts.len() {
            return Err(port("the answer lacks a start"));
        }
        Ok(snapshot)
    }

    pub(crate) async fn listing(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        if !is_storable(key) {
            return Ok(Vec::new());
        }
        let rows = self
            .ask(
                LIST,
                &[
                    (&key.kind.as_str(), Type::TEXT),
                    (&key.name.as_ref(), Type::TEXT),
                    (&key.value, Type::TEXT),
                    (&key.unique, Type::BOOL),
                    (&page.after, Type::UUID),
                    (&i64::from(page.limit), Type::INT8),
                ],
            )
            .await?;
        rows.iter().map(row::record).collect()
    }

    pub(crate) async fn trail(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        let sql = match page.order {
            Order::OldestFirst => OLDEST_FIRST,
            Order::NewestFirst => NEWEST_FIRST,
        };
        let rows = self
            .ask(
                sql,
                &[(&subject, Type::UUID), (&page.beyond, Type::UUID), (&i64::from(page.limit), Type::INT8)],
            )
            .await?;
        rows.iter().map(event).collect()
    }
}

/// Takes an audit event.
pub(crate) fn event(row: &Row) -> Result<AuditEvent, PortError> {
    Ok(AuditEvent {
        id: column(row, "id")?,
        at: column(row, "at")?,
        tenant: column(row, "tenant")?,
        subject: column(row, "subject")?,
        actor: column(row, "actor")?,
        action: column::<String>(row, "action")?.into(),
        reason: column::<Option<String>>(row, "reason")?.map(Into::into),
        source: column(row, "source")?,
        about: column(row, "about")?,
    })
}

fn is_storable(key: &Key) -> bool {
    row::is_text(key.kind.as_str()) && row::is_text(&key.name) && row::is_text(&key.value)
}
