//! The same rounds on PostgreSQL by hand: prepared statements on a connection of its own, one after the other.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::port::store::{Commit, CounterOp, Expect, Key, Record, Window};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};
use uuid::Uuid;

use crate::Fallible;
use crate::script::{Ids, Row, Script, Step};

/// A connection of a plain service, with its statements prepared.
pub struct BarePostgres {
    client: Client,
    find: Statement,
    record: Statement,
    counters: Statement,
    event: Statement,
    add: Statement,
    below: Statement,
    clear: Statement,
    guard: Statement,
    update: Statement,
    insert: Statement,
    drop_key: Statement,
    add_key: Statement,
}

impl core::fmt::Debug for BarePostgres {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BarePostgres").finish_non_exhaustive()
    }
}

impl BarePostgres {
    /// Connects and prepares.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(url: &str) -> Fallible<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            find: client
                .prepare("SELECT id FROM portcullis_key WHERE kind = $1 AND name = $2 AND value = $3 AND is_unique")
                .await?,
            record: client
                .prepare(
                    "SELECT id, tenant, kind, version, lane, due_at, refs, body FROM portcullis_record WHERE id = $1",
                )
                .await?,
            counters: client
                .prepare("SELECT name, value, ends_at FROM portcullis_counter WHERE subject = $1")
                .await?,
            event: client
                .prepare(
                    "INSERT INTO portcullis_audit
                     (id, at, tenant, subject, actor, action, reason, source, about, opens)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                )
                .await?,
            add: client
                .prepare(
                    "INSERT INTO portcullis_counter AS c (subject, name, value, ends_at) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (subject, name) DO UPDATE SET
                        value = CASE WHEN c.ends_at <= $5 THEN 0 ELSE c.value END + excluded.value,
                        ends_at = CASE WHEN c.ends_at <= $5 THEN excluded.ends_at ELSE c.ends_at END
                     WHERE CASE WHEN c.ends_at <= $5 THEN 0 ELSE c.value END + excluded.value <= $6",
                )
                .await?,
            below: client
                .prepare(
                    "SELECT value FROM portcullis_counter
                     WHERE subject = $1 AND name = $2 AND (ends_at IS NULL OR ends_at > $3)",
                )
                .await?,
            clear: client
                .prepare("DELETE FROM portcullis_counter WHERE subject = $1 AND name = $2")
                .await?,
            guard: client
                .prepare("SELECT version FROM portcullis_record WHERE id = $1 FOR SHARE")
                .await?,
            update: client
                .prepare(
                    "UPDATE portcullis_record SET version = version + 1, lane = $1, due_at = $2, refs = $3, body = $4
                     WHERE id = $5 AND version = $6",
                )
                .await?,
            insert: client
                .prepare(
                    "INSERT INTO portcullis_record (id, tenant, kind, version, lane, due_at, refs, body)
                     VALUES ($1, $2, $3, 1, $4, $5, $6, $7)",
                )
                .await?,
            drop_key: client
                .prepare(
                    "DELETE FROM portcullis_key
                     WHERE kind = $1 AND name = $2 AND value = $3 AND is_unique = $4 AND id = $5",
                )
                .await?,
            add_key: client
                .prepare(
                    "INSERT INTO portcullis_key (kind, name, value, id, tenant, is_unique)
                     VALUES ($1, $2, $3, $4, $5, $6)",
                )
                .await?,
            client,
        })
    }

    /// Does a round some times, each commit in a transaction of its own.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn rounds(&self, script: &Script, times: u32, seed: u64) -> Fallible<()> {
        let (old, mut seed) = (Arc::from(script.made.as_slice()), seed);
        for _ in 0..times {
            let ids = Ids::draw(&old, &mut seed);
            for step in &script.steps {
                match step {
                    Step::Look { key, records, subjects } => {
                        self.look(key.as_ref(), records, subjects, &ids).await?;
                    }
                    Step::Write(commit, rows) => {
                        self.client.batch_execute("BEGIN").await?;
                        self.write(commit, rows, &ids).await?;
                        self.client.batch_execute("COMMIT").await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn look(&self, key: Option<&Key>, records: &[Uuid], subjects: &[Uuid], ids: &Ids) -> Fallible<()> {
        if let Some(key) = key {
            let found =
                self.client.query_one(&self.find, &[&key.kind.as_str(), &&*key.name, &key.value]).await?;
            core::hint::black_box(found);
        }
        for id in records {
            core::hint::black_box(self.client.query_one(&self.record, &[&ids.of(*id)]).await?);
        }
        for subject in subjects {
            core::hint::black_box(self.client.query(&self.counters, &[&ids.of(*subject)]).await?);
        }
        Ok(())
    }

    async fn write(&self, commit: &Commit, rows: &[Row], ids: &Ids) -> Fallible<()> {
        for (place, event) in commit.audit.iter().enumerate() {
            let args: [&(dyn ToSql + Sync); 10] = [
                &ids.of(event.id),
                &ids.now,
                &event.tenant,
                &event.subject,
                &event.actor,
                &&*event.action,
                &event.reason.as_deref(),
                &event.source,
                &event.about.map(|about| ids.of(about)),
                &(place == 0),
            ];
            self.client.execute(&self.event, &args).await?;
        }
        for (counter, op) in &commit.counters {
            self.step(ids.of(counter.subject), &counter.name, *op, ids.now).await?;
        }
        for guard in &commit.guards {
            let version: i64 = self.client.query_one(&self.guard, &[&ids.of(guard.id)]).await?.get(0);
            if u64::try_from(version) != Ok(guard.version) {
                return Err("another version".into());
            }
        }
        for (put, row) in commit.puts.iter().zip(rows) {
            self.put(&put.record, &put.expect, row, ids).await?;
        }
        Ok(())
    }

    async fn step(&self, subject: Uuid, name: &str, op: CounterOp, now: DateTime<Utc>) -> Fallible<()> {
        let fits = match op {
            CounterOp::Add { n, limit, window } => {
                let (n, limit) = (i32::try_from(n)?, i32::try_from(limit).unwrap_or(i32::MAX));
                let args: [&(dyn ToSql + Sync); 6] = [&subject, &name, &n, &end(window, now), &now, &limit];
                self.client.execute(&self.add, &args).await? == 1
            }
            CounterOp::Below { limit, .. } => {
                let row = self.client.query_opt(&self.below, &[&subject, &name, &now]).await?;
                row.is_none_or(|row| i64::from(row.get::<_, i32>(0)) < i64::from(limit))
            }
            CounterOp::Clear => {
                self.client.execute(&self.clear, &[&subject, &name]).await?;
                true
            }
            CounterOp::GiveBack { .. } => return Err("a round gives nothing back".into()),
        };
        if fits { Ok(()) } else { Err("a counter is full".into()) }
    }

    async fn put(&self, record: &Record, expect: &Expect, row: &Row, ids: &Ids) -> Fallible<()> {
        let id = ids.of(record.id);
        let lane = record.due.map(|(lane, _)| lane.as_str());
        let due_at = record.due.map(|_| ids.now);
        let refs: Vec<Uuid> = record.refs.iter().map(|id| ids.of(*id)).collect();
        if let Expect::Version(version) = expect {
            let version = i64::try_from(*version)?;
            let args: [&(dyn ToSql + Sync); 6] = [&lane, &due_at, &refs, &record.body, &id, &version];
            if self.client.execute(&self.update, &args).await? != 1 {
                return Err("another version".into());
            }
        } else {
            let kind = record.kind.as_str();
            let args: [&(dyn ToSql + Sync); 7] =
                [&id, &record.tenant, &kind, &lane, &due_at, &refs, &record.body];
            self.client.execute(&self.insert, &args).await?;
        }
        for key in &row.stale {
            let args: [&(dyn ToSql + Sync); 5] =
                [&key.kind.as_str(), &&*key.name, &key.value, &key.unique, &id];
            self.client.execute(&self.drop_key, &args).await?;
        }
        for key in &row.fresh {
            let args: [&(dyn ToSql + Sync); 6] =
                [&key.kind.as_str(), &&*key.name, &key.value, &id, &record.tenant, &key.unique];
            self.client.execute(&self.add_key, &args).await?;
        }
        Ok(())
    }
}

fn end(window: Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match window {
        Window::None => None,
        Window::Rolling(length) => now.checked_add_signed(length),
        Window::Until(_) => now.checked_add_signed(TimeDelta::hours(1)),
    }
}
