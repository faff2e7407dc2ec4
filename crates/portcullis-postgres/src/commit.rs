//! The commit: everything in one call of `portcullis_commit`, sorted as its locks are taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::port::store::{
    Commit, CommitError, Count, Counter, CounterOp, Counts, Expect, Key, Lane, Put, Window,
};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error as SqlError, Row};
use uuid::Uuid;

use crate::error::{port, statement};
use crate::pool::{Failure, is_definite, is_undone};
use crate::row::{self, column};
use crate::store::PostgresStore;

pub(crate) const COMMIT: &str = "SELECT c.count_place, c.count_value, c.count_end FROM portcullis_commit(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35) c";

impl PostgresStore {
    pub(crate) async fn kept(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let call = Call::of(commit).map_err(CommitError::Port)?;
        let lock_wait = self.lock_wait();
        let outcome = match self.ask(COMMIT, &call.params(&commit.now, &lock_wait)).await {
            Ok(rows) => call.counts(&rows, commit).map_err(CommitError::Port),
            Err(Failure::Unsent(error)) => Err(CommitError::Port(error)),
            Err(Failure::Said(error)) => Err(call.refused(&error)),
            Err(Failure::Late) => Err(CommitError::Unknown),
        };
        if outcome.is_ok() {
            self.tell_if_due(commit);
        }
        outcome
    }

    pub(crate) fn lock_wait(&self) -> String {
        self.waits().lock.as_millis().max(1).to_string()
    }
}

/// The arguments of one call, in columns.
#[derive(Default)]
pub(crate) struct Call<'a> {
    trail: Trail<'a>,
    touched: Touched<'a>,
    keys: Keys<'a>,
    /// Every counter that is stepped on or asked for a value, in key order.
    counters: Vec<&'a Counter>,
    subjects: Vec<Uuid>,
    names: Vec<&'a str>,
    steps: Steps,
}

#[derive(Default)]
struct Trail<'a> {
    ids: Vec<Uuid>,
    ats: Vec<DateTime<Utc>>,
    tenants: Vec<Uuid>,
    subjects: Vec<Uuid>,
    actors: Vec<Option<Uuid>>,
    actions: Vec<&'a str>,
    reasons: Vec<Option<&'a str>>,
    sources: Vec<Option<Uuid>>,
    abouts: Vec<Option<Uuid>>,
}

#[derive(Default)]
struct Touched<'a> {
    ids: Vec<Uuid>,
    acts: Vec<&'static str>,
    versions: Vec<Option<i64>>,
    tenants: Vec<Option<Uuid>>,
    kinds: Vec<Option<&'a str>>,
    lanes: Vec<Option<&'static str>>,
    dues: Vec<Option<DateTime<Utc>>>,
    refs: Vec<Option<String>>,
    bodies: Vec<Option<&'a str>>,
    at_counters: Vec<Option<i32>>,
    at_values: Vec<Option<i64>>,
}

#[derive(Default)]
struct Keys<'a> {
    given: Vec<&'a Key>,
    puts: Vec<i32>,
    kinds: Vec<&'a str>,
    names: Vec<&'a str>,
    values: Vec<&'a str>,
    uniques: Vec<bool>,
}

#[derive(Default)]
struct Steps {
    counters: Vec<i32>,
    acts: Vec<&'static str>,
    ns: Vec<i64>,
    limits: Vec<i64>,
    latests: Vec<Option<DateTime<Utc>>>,
    ends: Vec<Option<DateTime<Utc>>>,
}

/// What a commit does with one record.
enum Act<'a> {
    Guard(u64),
    Delete(u64),
    Put(&'a Put),
}

impl<'a> Call<'a> {
    pub(crate) fn of(commit: &'a Commit) -> Result<Self, PortError> {
        row::instant(commit.now)?;
        let mut call = Self::default();
        call.trail.fill(commit)?;

        let asked = commit.puts.iter().filter_map(|put| match &put.expect {
            Expect::AbsentElseSkip { at: Some((counter, _)) } => Some(counter),
            Expect::AbsentElseSkip { at: None } | Expect::Version(_) | Expect::Absent => None,
        });
        let counters: BTreeSet<&Counter> =
            commit.counters.iter().map(|(counter, _)| counter).chain(asked).collect();
        let mut places = BTreeMap::new();
        for counter in counters {
            call.counters.push(counter);
            call.subjects.push(counter.subject);
            call.names.push(row::text(&counter.name, "the name of a counter")?);
            places.insert(counter, place(call.counters.len())?);
        }
        for (counter, op) in &commit.counters {
            call.steps.push(*places.get(counter).unwrap_or(&0), *op, commit.now)?;
        }
        for (id, act) in acts(commit)? {
            call.touched.push(id, &act, &places)?;
            if let Act::Put(put) = act {
                call.keys.push(put, place(call.touched.ids.len())?)?;
            }
        }
        Ok(call)
    }

    pub(crate) fn params<'p>(
        &'p self,
        now: &'p DateTime<Utc>,
        lock_wait: &'p String,
    ) -> [(&'p (dyn ToSql + Sync), Type); 35] {
        let Self { trail, touched, keys, subjects, names, steps, .. } = self;
        [
            (now, Type::TIMESTAMPTZ),
            (lock_wait, Type::TEXT),
            (&trail.ids, Type::UUID_ARRAY),
            (&trail.ats, Type::TIMESTAMPTZ_ARRAY),
            (&trail.tenants, Type::UUID_ARRAY),
            (&trail.subjects, Type::UUID_ARRAY),
            (&trail.actors, Type::UUID_ARRAY),
            (&trail.actions, Type::TEXT_ARRAY),
            (&trail.reasons, Type::TEXT_ARRAY),
            (&trail.sources, Type::UUID_ARRAY),
            (&trail.abouts, Type::UUID_ARRAY),
            (&touched.ids, Type::UUID_ARRAY),
            (&touched.acts, Type::TEXT_ARRAY),
            (&touched.versions, Type::INT8_ARRAY),
            (&touched.tenants, Type::UUID_ARRAY),
            (&touched.kinds, Type::TEXT_ARRAY),
            (&touched.lanes, Type::TEXT_ARRAY),
            (&touched.dues, Type::TIMESTAMPTZ_ARRAY),
            (&touched.refs, Type::TEXT_ARRAY),
            (&touched.bodies, Type::TEXT_ARRAY),
            (&touched.at_counters, Type::INT4_ARRAY),
            (&touched.at_values, Type::INT8_ARRAY),
            (&keys.puts, Type::INT4_ARRAY),
            (&keys.kinds, Type::TEXT_ARRAY),
            (&keys.names, Type::TEXT_ARRAY),
            (&keys.values, Type::TEXT_ARRAY),
            (&keys.uniques, Type::BOOL_ARRAY),
            (subjects, Type::UUID_ARRAY),
            (names, Type::TEXT_ARRAY),
            (&steps.counters, Type::INT4_ARRAY),
            (&steps.acts, Type::TEXT_ARRAY),
            (&steps.ns, Type::INT8_ARRAY),
            (&steps.limits, Type::INT8_ARRAY),
            (&steps.latests, Type::TIMESTAMPTZ_ARRAY),
            (&steps.ends, Type::TIMESTAMPTZ_ARRAY),
        ]
    }

    /// The counts of the counters that were stepped on; of one that has no row, 0.
    pub(crate) fn counts(&self, rows: &[Row], commit: &Commit) -> Result<Counts, PortError> {
        let mut counts: Counts =
            commit.counters.iter().map(|(counter, _)| (counter.clone(), Count::default())).collect();
        for row in rows {
            let place: i32 = column(row, "count_place")?;
            let counter =
                item(&self.counters, place).ok_or_else(|| port("an unknown counter was answered"))?;
            if let Some(count) = counts.get_mut(*counter) {
                *count = row::count(column(row, "count_value")?, column(row, "count_end")?)?;
            }
        }
        Ok(counts)
    }

    /// What an error after sending means. Only what the server says of the statement itself is sure.
    pub(crate) fn refused(&self, error: &SqlError) -> CommitError {
        let Some(db) = error.as_db_error().filter(|_| is_definite(error)) else {
            return CommitError::Unknown;
        };
        let named = db.detail().and_then(|place| place.parse().ok());
        match db.code().code() {
            "ZC001" => CommitError::Conflict,
            "ZC002" => match named.and_then(|place| item(&self.counters, place)) {
                Some(counter) => CommitError::Exhausted((*counter).clone()),
                None => CommitError::Port(port("a refusal names no counter")),
            },
            "ZC003" => match named.and_then(|place| item(&self.keys.given, place)) {
                Some(key) => CommitError::Duplicate((*key).clone()),
                None => CommitError::Port(port("a refusal names no key")),
            },
            "ZC004" => CommitError::Port(port(
                "the default isolation level of the database, the user or the session must be read committed",
            )),
            _ if is_undone(error) => CommitError::Conflict,
            _ => CommitError::Port(statement(error)),
        }
    }
}

/// What is done with each record, in id order.
fn acts(commit: &Commit) -> Result<BTreeMap<Uuid, Act<'_>>, PortError> {
    let puts = commit.puts.iter().map(|put| (put.record.id, Act::Put(put)));
    let guards = commit.guards.iter().map(|guard| (guard.id, Act::Guard(guard.version)));
    let deletes = commit.deletes.iter().map(|delete| (delete.id, Act::Delete(delete.version)));
    let mut acts = BTreeMap::new();
    for (id, act) in puts.chain(guards).chain(deletes) {
        if acts.insert(id, act).is_some() {
            return Err(port("a commit names a record twice"));
        }
    }
    Ok(acts)
}

impl<'a> Trail<'a> {
    /// The event whose id is the commit's goes first; if there is none, a line without an action stands for it.
    fn fill(&mut self, commit: &'a Commit) -> Result<(), PortError> {
        let id = commit.id.uuid();
        if !commit.audit.iter().any(|event| event.id == id) {
            self.line(id, commit.now, Uuid::nil(), Uuid::nil())?;
            self.words(None, "", None, None, None);
        }
        let (first, rest): (Vec<_>, Vec<_>) = commit.audit.iter().partition(|event| event.id == id);
        for AuditEvent { id, at, tenant, subject, actor, action, reason, source, about } in
            first.into_iter().chain(rest)
        {
            self.line(*id, *at, *tenant, *subject)?;
            let reason =
                reason.as_deref().map(|reason| row::text(reason, "the reason of an event")).transpose()?;
            self.words(*actor, row::text(action, "the action of an event")?, reason, *source, *about);
        }
        Ok(())
    }

    fn line(&mut self, id: Uuid, at: DateTime<Utc>, tenant: Uuid, subject: Uuid) -> Result<(), PortError> {
        self.ids.push(id);
        self.ats.push(row::instant(at)?);
        self.tenants.push(tenant);
        self.subjects.push(subject);
        Ok(())
    }

    fn words(
        &mut self,
        actor: Option<Uuid>,
        action: &'a str,
        reason: Option<&'a str>,
        source: Option<Uuid>,
        about: Option<Uuid>,
    ) {
        self.actors.push(actor);
        self.actions.push(action);
        self.reasons.push(reason);
        self.sources.push(source);
        self.abouts.push(about);
    }
}

impl<'a> Touched<'a> {
    fn push(&mut self, id: Uuid, act: &Act<'a>, places: &BTreeMap<&Counter, i32>) -> Result<(), PortError> {
        let (name, version, put) = match act {
            Act::Guard(version) => ("guard", Some(*version), None),
            Act::Delete(version) => ("delete", Some(*version), None),
            Act::Put(put) => match &put.expect {
                Expect::Version(version) => ("update", Some(*version), Some(*put)),
                Expect::Absent => ("insert", None, Some(*put)),
                Expect::AbsentElseSkip { .. } => ("once", None, Some(*put)),
            },
        };
        self.ids.push(id);
        self.acts.push(name);
        // No stored version is higher than an `i64` holds: such a one is never met, and -1 is never met either.
        self.versions.push(version.map(|version| i64::try_from(version).unwrap_or(-1)));
        let record = put.map(|put| &put.record);
        self.tenants.push(record.map(|record| record.tenant));
        self.kinds
            .push(record.map(|record| row::text(record.kind.as_str(), "the kind of a record")).transpose()?);
        let due = record.and_then(|record| record.due);
        self.lanes.push(due.map(|(lane, _)| Lane::as_str(lane)));
        self.dues.push(due.map(|(_, at)| row::instant(at)).transpose()?);
        self.refs.push(record.map(|record| array(&record.refs)));
        self.bodies.push(record.map(|record| row::text(&record.body, "the body of a record")).transpose()?);
        let at = match put.map(|put| &put.expect) {
            Some(Expect::AbsentElseSkip { at: Some((counter, value)) }) => Some((counter, *value)),
            _ => None,
        };
        self.at_counters.push(at.and_then(|(counter, _)| places.get(counter).copied()));
        self.at_values.push(at.map(|(_, value)| i64::from(value)));
        Ok(())
    }
}

impl<'a> Keys<'a> {
    fn push(&mut self, put: &'a Put, place: i32) -> Result<(), PortError> {
        for key in put.record.keys.iter().collect::<BTreeSet<_>>() {
            self.given.push(key);
            self.puts.push(place);
            self.kinds.push(row::text(key.kind.as_str(), "the kind of a key")?);
            self.names.push(row::text(&key.name, "the name of a key")?);
            self.values.push(row::text(&key.value, "the value of a key")?);
            self.uniques.push(key.unique);
        }
        Ok(())
    }
}

impl Steps {
    fn push(&mut self, counter: i32, op: CounterOp, now: DateTime<Utc>) -> Result<(), PortError> {
        let of = |window: Window| (window.end(now), window.latest_end(now));
        let (act, n, limit, (end, latest)) = match op {
            CounterOp::Add { n, limit, window } => ("add", n, limit, of(window)),
            CounterOp::Below { limit, window } => ("below", 0, limit, of(window)),
            CounterOp::GiveBack { n, ends_at } => ("back", n, 0, (ends_at, None)),
            CounterOp::Clear => ("clear", 0, 0, (None, None)),
        };
        self.counters.push(counter);
        self.acts.push(act);
        self.ns.push(i64::from(n));
        self.limits.push(i64::from(limit));
        self.latests.push(latest.map(row::instant).transpose()?);
        self.ends.push(end.map(row::instant).transpose()?);
        Ok(())
    }
}

/// An array literal of ids.
fn array(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// The place of the last of so many items, counted from 1 as the database does.
fn place(items: usize) -> Result<i32, PortError> {
    i32::try_from(items).map_err(|_| port("a commit is too large"))
}

fn item<T>(items: &[T], place: i32) -> Option<&T> {
    usize::try_from(place).ok()?.checked_sub(1).and_then(|index| items.get(index))
}
