//! What lies in the tables, how it is looked at, and how it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound::{Excluded, Included};

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::audit::AuditEvent;
use portcullis::port::store::{
    Commit, CommitError, Count, Counter, CounterOp, Counts, Expect, Key, Kind, Lane, Order, Page, Purge, Put,
    Read, Record, Snapshot, Start, TrailPage, Waiting,
};
use redb::{ReadTransaction as Reading, ReadableTable, TableDefinition, WriteTransaction as Writing};
use uuid::Uuid;

use crate::tally::{Tally, lasts, step};
use crate::{Failure, Outcome};

pub(crate) type Time = DateTime<Utc>;

/// Kind, name, whether unique, value, and the record that carries the key.
type KeyRow<'a> = (&'a str, &'a str, bool, &'a str, u128);
/// Lane, time, record.
type DueRow<'a> = (&'a str, i64, u128);
/// Tenant, kind, version, keys, references, lane and due time, body.
type RecordRow<'a> = (u128, &'a str, u64, Vec<KeyRow<'a>>, Vec<u128>, Option<(&'a str, i64)>, &'a str);
/// Value, end of the window.
type CountRow = (u32, Option<i64>);

type Table<K, V> = TableDefinition<'static, K, V>;
const RECORDS: Table<u128, RecordRow<'_>> = Table::new("record");
const KEYS: Table<KeyRow<'_>, ()> = Table::new("key");
const DUE: Table<DueRow<'_>, ()> = Table::new("due");
/// By subject and name: the counters of a subject lie side by side.
const COUNTERS: Table<(u128, &str), CountRow> = Table::new("counter");
/// By subject and id: so does a trail. With the time, for which a purge asks, and the event as JSON.
const EVENTS: Table<(u128, u128), (i64, &str)> = Table::new("event");
/// The commits that happened, and when.
const COMMITS: Table<u128, i64> = Table::new("commit");

type DueList = Vec<(Time, Uuid)>;
const ONE: Page = Page { after: None, limit: 1 };

/// Makes the tables, so that readers find them.
pub(crate) fn make(on: &Writing) -> Outcome<()> {
    let _ = (on.open_table(RECORDS)?, on.open_table(KEYS)?, on.open_table(DUE)?);
    let _ = (on.open_table(COUNTERS)?, on.open_table(EVENTS)?, on.open_table(COMMITS)?);
    Ok(())
}

/// Writes a record that is not there, with its keys and its due time.
fn insert(on: &Writing, record: &Record) -> Outcome<()> {
    let id = record.id.as_u128();
    let keys: Vec<_> = record.keys.iter().map(|key| key_row(key, id)).collect();
    for key in &keys {
        on.open_table(KEYS)?.insert(key, ())?;
    }
    let due = record.due.map(|(lane, at)| (lane.as_str(), at.timestamp_micros()));
    if let Some((lane, at)) = due {
        on.open_table(DUE)?.insert((lane, at, id), ())?;
    }
    let refs = record.refs.iter().map(Uuid::as_u128).collect();
    let (tenant, kind) = (record.tenant.as_u128(), record.kind.as_str());
    on.open_table(RECORDS)?.insert(id, (tenant, kind, record.version, keys, refs, due, &*record.body))?;
    Ok(())
}

/// Removes a record with its keys and its due time, and gives it.
fn remove(on: &Writing, id: Uuid) -> Outcome<Option<Record>> {
    let Some(record) = record(&on.open_table(RECORDS)?, id)? else { return Ok(None) };
    for key in &record.keys {
        on.open_table(KEYS)?.remove(key_row(key, id.as_u128()))?;
    }
    if let Some((lane, at)) = record.due {
        on.open_table(DUE)?.remove((lane.as_str(), at.timestamp_micros(), id.as_u128()))?;
    }
    on.open_table(RECORDS)?.remove(id.as_u128())?;
    Ok(Some(record))
}

fn record(records: &impl ReadableTable<u128, RecordRow<'static>>, id: Uuid) -> Outcome<Option<Record>> {
    let Some(row) = records.get(id.as_u128())? else { return Ok(None) };
    let (tenant, kind, version, keys, refs, due, body) = row.value();
    Ok(Some(Record {
        tenant: Uuid::from_u128(tenant),
        kind: Kind::stored(kind),
        id,
        version,
        keys: keys.into_iter().map(key).collect(),
        refs: refs.into_iter().map(Uuid::from_u128).collect(),
        due: due.and_then(|(lane, at)| Some((Lane::stored(lane)?, time(at)))),
        body: body.to_owned(),
    }))
}

fn key_row(key: &Key, id: u128) -> KeyRow<'_> {
    (key.kind.as_str(), &key.name, key.unique, &key.value, id)
}

fn key((kind, name, unique, value, _): KeyRow<'_>) -> Key {
    Key { kind: Kind::stored(kind), name: name.to_owned().into(), value: value.to_owned(), unique }
}

/// Writes what a counter holds from now on; nothing, when no window is open.
fn set(on: &Writing, counter: &Counter, open: Option<Count>) -> Outcome<()> {
    let mut counters = on.open_table(COUNTERS)?;
    let row = (counter.subject.as_u128(), &*counter.name);
    counters.remove(row)?;
    if let Some(Count { value, ends_at }) = open {
        counters.insert(row, (value, ends_at.map(|end| end.timestamp_micros())))?;
    }
    Ok(())
}

fn count((value, ends_at): CountRow) -> Count {
    Count { value, ends_at: ends_at.map(time) }
}

fn time(micros: i64) -> Time {
    Time::from_timestamp_micros(micros).unwrap_or_default()
}

pub(crate) fn read(on: &Reading, read: &Read) -> Outcome<Snapshot> {
    let (records, keys) = (on.open_table(RECORDS)?, on.open_table(KEYS)?);
    let mut snapshot = Snapshot::default();
    for start in &read.starts {
        snapshot.found.push(match start {
            Start::Id(id) => records.get(id.as_u128())?.map(|_| *id),
            Start::Key(key) if key.unique => carriers(&keys, key, ONE)?.first().copied(),
            Start::Key(_) => None,
        });
    }
    // The records themselves, those they refer to, and those these refer to.
    let mut next: BTreeSet<Uuid> = snapshot.found.iter().flatten().copied().collect();
    for _ in 0..3 {
        for id in std::mem::take(&mut next) {
            if let Some(record) = record(&records, id)? {
                next.extend(record.refs.iter().copied());
                snapshot.records.insert(id, record);
            }
        }
    }
    let subjects: BTreeSet<Uuid> = snapshot.records.keys().chain(&read.subjects).copied().collect();
    let counters = on.open_table(COUNTERS)?;
    for subject in subjects {
        for row in counters.range((subject.as_u128(), "")..)? {
            let (key, row) = row?;
            let ((id, name), count) = (key.value(), count(row.value()));
            if id != subject.as_u128() {
                break;
            }
            if count.value > 0 && lasts(&count, read.now) {
                snapshot.counters.insert(Counter { subject, name: name.to_owned().into() }, count);
            }
        }
    }
    Ok(snapshot)
}

pub(crate) fn list(on: &Reading, key: &Key, page: Page) -> Outcome<Vec<Record>> {
    let records = on.open_table(RECORDS)?;
    let ids = carriers(&on.open_table(KEYS)?, key, page)?;
    ids.into_iter().filter_map(|id| record(&records, id).transpose()).collect()
}

pub(crate) fn waiting(on: &Reading, lane: Lane, now: Time, at_most: u32) -> Outcome<Waiting> {
    let due = due(&on.open_table(DUE)?, lane, now, at_most)?;
    let count = u32::try_from(due.len()).unwrap_or(at_most);
    Ok(Waiting { count, oldest: due.first().map(|(at, _)| *at) })
}

pub(crate) fn trail(on: &Reading, subject: Uuid, page: TrailPage) -> Outcome<Vec<AuditEvent>> {
    let row = |id: u128| (subject.as_u128(), id);
    let (first, last) = (Included(row(0)), Included(row(u128::MAX)));
    let beyond = page.beyond.map(|id| Excluded(row(id.as_u128())));
    let events = on.open_table(EVENTS)?;
    let rows: Vec<_> = match page.order {
        Order::OldestFirst => events.range((beyond.unwrap_or(first), last))?.take(many(page.limit)).collect(),
        Order::NewestFirst => {
            events.range((first, beyond.unwrap_or(last)))?.rev().take(many(page.limit)).collect()
        }
    };
    rows.into_iter().map(|row| Ok(serde_json::from_str(row?.1.value().1).map_err(io::Error::from)?)).collect()
}

/// The records that carry a key, in id order.
fn carriers(keys: &impl ReadableTable<KeyRow<'static>, ()>, key: &Key, page: Page) -> Outcome<Vec<Uuid>> {
    let from = page.after.map_or(Included(key_row(key, 0)), |id| Excluded(key_row(key, id.as_u128())));
    let rows = keys.range((from, Included(key_row(key, u128::MAX))))?;
    rows.take(many(page.limit)).map(|row| Ok(Uuid::from_u128(row?.0.value().4))).collect()
}

/// The records of a lane that are due, earliest first, with their time.
fn due(due: &impl ReadableTable<DueRow<'static>, ()>, lane: Lane, now: Time, limit: u32) -> Outcome<DueList> {
    let lane = lane.as_str();
    let rows = due.range((lane, i64::MIN, 0)..=(lane, now.timestamp_micros(), u128::MAX))?;
    let due = |(_, at, id): DueRow<'_>| (time(at), Uuid::from_u128(id));
    rows.take(many(limit)).map(|row| Ok(due(row?.0.value()))).collect()
}

fn many(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

type Tallies<'c> = BTreeMap<&'c Counter, Tally>;

fn value(tallies: &Tallies<'_>, counter: &Counter) -> Count {
    tallies.get(counter).copied().flatten().unwrap_or_default()
}

pub(crate) fn commit(on: &Writing, commit: &Commit) -> Outcome<Counts> {
    let mut tallies = tallies(on, commit)?;
    let (id, at) = (commit.id.uuid().as_u128(), commit.now.timestamp_micros());
    // The id is kept with what the commit does, so that the same commit again is known and does nothing.
    if on.open_table(COMMITS)?.insert(id, at)?.is_none() {
        for (counter, op) in &commit.counters {
            let stepped = step(counter, tallies.get(counter).copied().flatten(), *op, commit.now)?;
            tallies.insert(counter, stepped);
            if !matches!(op, CounterOp::Below { .. }) {
                set(on, counter, stepped.filter(|count| lasts(count, commit.now)))?;
            }
        }
        write(on, commit, &tallies)?;
        for event in &commit.audit {
            let row = (event.subject.as_u128(), event.id.as_u128());
            let json = serde_json::to_string(event).map_err(io::Error::from)?;
            on.open_table(EVENTS)?.insert(row, (event.at.timestamp_micros(), &*json))?;
        }
    }
    let stepped = commit.counters.iter().map(|(counter, _)| counter);
    Ok(stepped.map(|counter| (counter.clone(), value(&tallies, counter))).collect())
}

/// The counters that the commit steps on, and those that a put waits for.
fn tallies<'c>(on: &Writing, commit: &'c Commit) -> Outcome<Tallies<'c>> {
    let counters = on.open_table(COUNTERS)?;
    let awaited = commit.puts.iter().filter_map(|put| match &put.expect {
        Expect::AbsentElseSkip { at } => at.as_ref().map(|(counter, _)| counter),
        Expect::Version(_) | Expect::Absent => None,
    });
    let load = |counter: &'c Counter| {
        let row = counters.get((counter.subject.as_u128(), &*counter.name))?;
        Ok((counter, row.map(|row| count(row.value())).filter(|count| lasts(count, commit.now))))
    };
    commit.counters.iter().map(|(counter, _)| counter).chain(awaited).map(load).collect()
}

/// All of it goes before any of it comes, so that a key may move from one record to another.
fn write(on: &Writing, commit: &Commit, tallies: &Tallies<'_>) -> Outcome<()> {
    let mut written = Vec::new();
    for put in &commit.puts {
        written.extend(version(on, put, tallies)?.map(|version| Record { version, ..put.record.clone() }));
    }
    let pins = commit.guards.iter().map(|guard| (guard.id, guard.version));
    for (id, version) in pins.chain(commit.deletes.iter().map(|delete| (delete.id, delete.version))) {
        if stored(on, id)? != Some(version) {
            return Err(Failure(CommitError::Conflict)); // and nobody else writes before this transaction ends
        }
    }
    for id in commit.deletes.iter().map(|delete| delete.id).chain(written.iter().map(|record| record.id)) {
        remove(on, id)?;
    }
    for record in &written {
        for key in record.keys.iter().filter(|key| key.unique) {
            if !carriers(&on.open_table(KEYS)?, key, ONE)?.is_empty() {
                return Err(Failure(CommitError::Duplicate(key.clone())));
            }
        }
        insert(on, record)?;
    }
    Ok(())
}

fn stored(on: &Writing, id: Uuid) -> Outcome<Option<u64>> {
    Ok(on.open_table(RECORDS)?.get(id.as_u128())?.map(|row| row.value().2))
}

/// The version under which a put is made; none if it is skipped.
fn version(on: &Writing, put: &Put, tallies: &Tallies<'_>) -> Outcome<Option<u64>> {
    let stored = stored(on, put.record.id)?;
    match &put.expect {
        Expect::Version(expected) if stored == Some(*expected) => Ok(Some(expected.saturating_add(1))),
        Expect::Absent if stored.is_none() => Ok(Some(1)),
        Expect::Version(_) | Expect::Absent => Err(Failure(CommitError::Conflict)),
        Expect::AbsentElseSkip { at } => {
            let reached = |(counter, at): &(Counter, u32)| value(tallies, counter).value >= *at;
            Ok((stored.is_none() && at.as_ref().is_none_or(reached)).then_some(1))
        }
    }
}

pub(crate) fn claim(on: &Writing, lane: Lane, now: Time, until: Time, limit: u32) -> Outcome<Vec<Record>> {
    let mut claimed = Vec::new();
    let due = if lane == Lane::Dead { Vec::new() } else { due(&on.open_table(DUE)?, lane, now, limit)? };
    for (_, id) in due {
        claimed.extend(remove(on, id)?.map(|record| {
            let version = record.version.saturating_add(1);
            Record { version, due: Some((lane, until)), ..record }
        }));
    }
    claimed.iter().try_for_each(|record| insert(on, record))?;
    Ok(claimed)
}

/// Looks at whole tables of counters and events; an index by time, as records have one, would spare that.
pub(crate) fn purge(on: &Writing, what: Purge, before: Time, limit: u32) -> Outcome<u32> {
    let time = before.timestamp_micros();
    match what {
        Purge::Counters => {
            let mut counters = on.open_table(COUNTERS)?;
            let ended = counters.extract_if(|_, (_, end): CountRow| end.is_some_and(|end| end < time))?;
            Ok(ended.take(many(limit)).try_fold(0, |count, row| row.map(|_| count + 1))?)
        }
        Purge::Audit => {
            on.open_table(COMMITS)?.retain(|_, at| at >= time)?;
            let mut events = on.open_table(EVENTS)?;
            let old = events.extract_if(|_, (at, _)| at < time)?;
            Ok(old.take(many(limit)).try_fold(0, |count, row| row.map(|_| count + 1))?)
        }
        Purge::Records => {
            let spent = due(&on.open_table(DUE)?, Lane::Dead, before - TimeDelta::microseconds(1), limit)?;
            spent.iter().try_fold(0, |count, (_, id)| remove(on, *id).map(|_| count + 1))
        }
    }
}
