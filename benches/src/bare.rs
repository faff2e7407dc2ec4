//! The same rounds in bare SQL: what a service would write by hand that needs just these rows.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::port::store::{Commit, CounterOp, Expect, Key, Record, Window};
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::Fallible;
use crate::script::{Ids, Row, Script, Step};

/// A connection of a plain service.
#[derive(Debug)]
pub struct Bare(Connection);

impl Bare {
    /// Opens the file as the store does, with durability FULL or NORMAL.
    ///
    /// # Errors
    /// When SQLite does not.
    pub fn open(path: &Path, full: bool) -> Fallible<Self> {
        let conn = Connection::open(path)?;
        conn.busy_timeout(Duration::from_secs(60))?;
        conn.pragma_update(None, "synchronous", if full { "FULL" } else { "NORMAL" })?;
        conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.set_prepared_statement_cache_capacity(64);
        // The file is looked at by the first statement only.
        conn.query_row("SELECT count(*) FROM portcullis_mark", [], |row| row.get::<_, i64>(0))?;
        Ok(Self(conn))
    }

    /// Does a round some times, each commit in a transaction of its own.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn rounds(&self, script: &Script, times: u32, seed: u64) -> Fallible<()> {
        let (old, mut seed) = (Arc::from(script.made.as_slice()), seed);
        for _ in 0..times {
            let ids = Ids::draw(&old, &mut seed);
            for step in &script.steps {
                match step {
                    Step::Look { key, records, subjects } => {
                        self.look(key.as_ref(), records, subjects, &ids)?;
                    }
                    Step::Write(commit, rows) => {
                        self.control("BEGIN IMMEDIATE")?;
                        self.write(commit, rows, &ids)?;
                        self.control("COMMIT")?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Does a round some times, handing each commit to a writer that others hand theirs to as well.
    ///
    /// # Errors
    /// When SQLite refuses, or the writer is gone.
    pub fn rounds_by(
        &self,
        writer: &mpsc::Sender<Handed>,
        script: &Script,
        times: u32,
        seed: u64,
    ) -> Fallible<()> {
        let (old, mut seed) = (Arc::from(script.made.as_slice()), seed);
        for _ in 0..times {
            let ids = Ids::draw(&old, &mut seed);
            for step in &script.steps {
                match step {
                    Step::Look { key, records, subjects } => {
                        self.look(key.as_ref(), records, subjects, &ids)?;
                    }
                    Step::Write(commit, rows) => {
                        let (done, wait) = mpsc::channel();
                        let (commit, rows) = (commit.clone(), rows.clone());
                        writer.send(Handed { commit, rows, ids: ids.clone(), done })?;
                        wait.recv()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes what is handed in, all that waits in one transaction, until nobody can hand in any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn serve(&self, handed: &mpsc::Receiver<Handed>) -> Fallible<()> {
        while let Ok(first) = handed.recv() {
            let batch: Vec<Handed> = std::iter::once(first).chain(handed.try_iter()).collect();
            self.control("BEGIN IMMEDIATE")?;
            for handed in &batch {
                self.write(&handed.commit, &handed.rows, &handed.ids)?;
            }
            self.control("COMMIT")?;
            for handed in batch {
                handed.done.send(())?;
            }
        }
        Ok(())
    }

    fn control(&self, sql: &str) -> rusqlite::Result<()> {
        self.0.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn look(&self, key: Option<&Key>, records: &[Uuid], subjects: &[Uuid], ids: &Ids) -> Fallible<()> {
        if let Some(key) = key {
            let found: Vec<u8> = self
                .0
                .prepare_cached(
                    "SELECT id FROM portcullis_key WHERE kind = ? AND name = ? AND value = ? AND is_unique = 1",
                )?
                .query_row(params![key.kind.as_str(), key.name, key.value], |row| row.get(0))?;
            let _ = core::hint::black_box(found);
        }
        let mut record = self.0.prepare_cached(
            "SELECT id, tenant, kind, version, keys, refs, lane, due_at, body FROM portcullis_record WHERE id = ?",
        )?;
        for id in records {
            let read = record.query_row([bytes(&ids.of(*id))], |row| {
                Ok((
                    row.get::<_, [u8; 16]>(0)?,
                    row.get::<_, [u8; 16]>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, i64>(3)?,
                    row.get::<_, String>(4)?,
                    row.get::<_, String>(5)?,
                    row.get::<_, Option<String>>(6)?,
                    row.get::<_, Option<i64>>(7)?,
                    row.get::<_, String>(8)?,
                ))
            })?;
            core::hint::black_box(read);
        }
        let mut counter =
            self.0.prepare_cached("SELECT name, value, ends_at FROM portcullis_counter WHERE subject = ?")?;
        for subject in subjects {
            let counters = counter.query_map([bytes(&ids.of(*subject))], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
            })?;
            core::hint::black_box(counters.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(())
    }

    fn write(&self, commit: &Commit, rows: &[Row], ids: &Ids) -> Fallible<()> {
        for event in &commit.audit {
            self.0
                .prepare_cached("INSERT INTO portcullis_audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?
                .execute(params![
                    bytes(&ids.of(event.id)),
                    ids.now.timestamp_micros(),
                    bytes(&event.tenant),
                    bytes(&event.subject),
                    event.actor.as_ref().map(bytes),
                    event.action,
                    event.reason,
                    event.source.as_ref().map(bytes),
                    event.about.map(|about| ids.of(about)).as_ref().map(bytes),
                ])?;
        }
        for (counter, op) in &commit.counters {
            self.step(ids.of(counter.subject), &counter.name, *op, ids.now)?;
        }
        for guard in &commit.guards {
            let version: i64 = self
                .0
                .prepare_cached("SELECT version FROM portcullis_record WHERE id = ?")?
                .query_row([bytes(&ids.of(guard.id))], |row| row.get(0))?;
            if u64::try_from(version) != Ok(guard.version) {
                return Err("another version".into());
            }
        }
        for (put, row) in commit.puts.iter().zip(rows) {
            self.put(&put.record, &put.expect, row, ids)?;
        }
        Ok(())
    }

    fn step(&self, subject: Uuid, name: &str, op: CounterOp, now: DateTime<Utc>) -> Fallible<()> {
        let changed = match op {
            CounterOp::Add { n, limit, window } => self
                .0
                .prepare_cached(
                    "INSERT INTO portcullis_counter (subject, name, value, ends_at) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (subject, name) DO UPDATE SET
                        value = iif(ends_at <= ?5, 0, value) + excluded.value,
                        ends_at = iif(ends_at <= ?5, excluded.ends_at, ends_at)
                     WHERE iif(ends_at <= ?5, 0, value) + excluded.value <= ?6",
                )?
                .execute(params![
                    bytes(&subject),
                    name,
                    n,
                    end(window, now).map(|at| at.timestamp_micros()),
                    now.timestamp_micros(),
                    limit
                ])?,
            CounterOp::Below { limit, .. } => {
                let value: i64 = self
                    .0
                    .prepare_cached(
                        "SELECT ifnull((SELECT value FROM portcullis_counter
                         WHERE subject = ? AND name = ? AND (ends_at IS NULL OR ends_at > ?)), 0)",
                    )?
                    .query_row(params![bytes(&subject), name, now.timestamp_micros()], |row| row.get(0))?;
                usize::from(value < i64::from(limit))
            }
            CounterOp::Clear => {
                self.0
                    .prepare_cached("DELETE FROM portcullis_counter WHERE subject = ? AND name = ?")?
                    .execute(params![bytes(&subject), name])?;
                1
            }
            CounterOp::GiveBack { .. } => return Err("a round gives nothing back".into()),
        };
        if changed == 1 { Ok(()) } else { Err("a counter is full".into()) }
    }

    fn put(&self, record: &Record, expect: &Expect, row: &Row, ids: &Ids) -> Fallible<()> {
        let id = ids.of(record.id);
        let lane = record.due.map(|(lane, _)| lane.as_str());
        let due_at = record.due.map(|_| ids.now.timestamp_micros());
        let (tenant, kind) = (bytes(&record.tenant), record.kind.as_str());
        if let Expect::Version(version) = expect {
            let changed = self
                .0
                .prepare_cached(
                    "UPDATE portcullis_record SET version = version + 1, lane = ?, due_at = ?, keys = ?, refs = ?, body = ?
                     WHERE id = ? AND version = ?",
                )?
                .execute(params![
                    lane,
                    due_at,
                    row.keys,
                    row.refs,
                    record.body,
                    bytes(&id),
                    i64::try_from(*version)?
                ])?;
            if changed != 1 {
                return Err("another version".into());
            }
        } else {
            self.0
                .prepare_cached("INSERT INTO portcullis_record VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)")?
                .execute(params![bytes(&id), tenant, kind, lane, due_at, row.refs, row.keys, record.body])?;
        }
        for key in &row.stale {
            self.0
                .prepare_cached(
                    "DELETE FROM portcullis_key WHERE kind = ? AND name = ? AND value = ? AND is_unique = ? AND id = ?",
                )?
                .execute(params![key.kind.as_str(), key.name, key.value, key.unique, bytes(&id)])?;
        }
        for key in &row.fresh {
            self.0
                .prepare_cached("INSERT INTO portcullis_key VALUES (?, ?, ?, ?, ?, ?)")?
                .execute(params![key.kind.as_str(), key.name, key.value, bytes(&id), tenant, key.unique])?;
        }
        Ok(())
    }
}

/// A commit handed to a writer.
#[derive(Debug)]
pub struct Handed {
    commit: Box<Commit>,
    rows: Vec<Row>,
    ids: Ids,
    done: mpsc::Sender<()>,
}

fn end(window: Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match window {
        Window::None => None,
        Window::Rolling(length) => now.checked_add_signed(length),
        Window::Until(_) => now.checked_add_signed(TimeDelta::hours(1)),
    }
}

fn bytes(id: &Uuid) -> &[u8] {
    id.as_bytes()
}
