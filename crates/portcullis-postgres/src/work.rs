//! Work whose time has come: claimed for one caller, and removed when long dead.

use chrono::{DateTime, Utc};
use portcullis::error::PortError;
use portcullis::port::store::{Lane, Purge, Record, Waiting};
use tokio_postgres::types::Type;

use crate::error::port;
use crate::row::{self, column, record_columns};
use crate::store::PostgresStore;

/// Takes the earliest due records that nobody holds. A record that another claim has just moved is looked at again
/// under its lock, and is no longer due.
pub(crate) const CLAIM: &str = concat!(
    "WITH due AS MATERIALIZED (
        SELECT r.id, r.due_at FROM portcullis_record r
        WHERE r.lane = $1 AND r.due_at <= $2
        ORDER BY r.due_at, r.id LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED
     ), claimed AS (
        UPDATE portcullis_record r SET due_at = $3, version = r.version + 1
        FROM due WHERE r.id = due.id
        RETURNING r.*, due.due_at AS was_due_at
     )
     SELECT ",
    record_columns!(),
    " FROM claimed r ORDER BY r.was_due_at, r.id"
);

/// Counts what is due, and the earliest.
pub(crate) const WAITING: &str = "SELECT count(*) AS count, min(d.due_at) AS oldest FROM (
        SELECT r.due_at FROM portcullis_record r WHERE r.lane = $1 AND r.due_at <= $2 ORDER BY r.due_at LIMIT $3
     ) d";

pub(crate) const PURGE_COUNTERS: &str = "WITH gone AS MATERIALIZED (
        SELECT c.subject, c.name FROM portcullis_counter c
        WHERE c.ends_at < $1 ORDER BY c.ends_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ), removed AS (
        DELETE FROM portcullis_counter c USING gone WHERE c.subject = gone.subject AND c.name = gone.name RETURNING 1
     )
     SELECT count(*) AS removed FROM removed";

pub(crate) const PURGE_AUDIT: &str = "WITH gone AS MATERIALIZED (
        SELECT a.id FROM portcullis_audit a
        WHERE a.at < $1 ORDER BY a.at LIMIT $2 FOR UPDATE SKIP LOCKED
     ), removed AS (
        DELETE FROM portcullis_audit a USING gone WHERE a.id = gone.id RETURNING 1
     )
     SELECT count(*) AS removed FROM removed";

pub(crate) const PURGE_RECORDS: &str = "SELECT portcullis_purge_records($1, $2) AS removed";

impl PostgresStore {
    pub(crate) async fn claimed(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        if lane == Lane::Dead {
            return Ok(Vec::new());
        }
        let rows = self
            .ask(
                CLAIM,
                &[
                    (&lane.as_str(), Type::TEXT),
                    (&row::instant(now)?, Type::TIMESTAMPTZ),
                    (&row::instant(until)?, Type::TIMESTAMPTZ),
                    (&i64::from(limit), Type::INT8),
                ],
            )
            .await?;
        rows.iter().map(row::record).collect()
    }

    pub(crate) async fn counted(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        at_most: u32,
    ) -> Result<Waiting, PortError> {
        let rows = self
            .ask(
                WAITING,
                &[
                    (&lane.as_str(), Type::TEXT),
                    (&row::instant(now)?, Type::TIMESTAMPTZ),
                    (&i64::from(at_most), Type::INT8),
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(|| port("the answer to a count is empty"))?;
        let count: i64 = column(row, "count")?;
        let count = u32::try_from(count).map_err(|_| port("the answer to a count is no number of rows"))?;
        Ok(Waiting { count, oldest: column(row, "oldest")? })
    }

    pub(crate) async fn purged(
        &self,
        what: Purge,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, PortError> {
        let sql = match what {
            Purge::Counters => PURGE_COUNTERS,
            Purge::Audit => PURGE_AUDIT,
            Purge::Records => PURGE_RECORDS,
        };
        let rows = self
            .ask(sql, &[(&row::instant(before)?, Type::TIMESTAMPTZ), (&i64::from(limit), Type::INT8)])
            .await?;
        let row = rows.first().ok_or_else(|| port("the answer to a purge is empty"))?;
        let removed: i64 = column(row, "removed")?;
        u32::try_from(removed).map_err(|_| port("the answer to a purge is no number of rows"))
    }
}
