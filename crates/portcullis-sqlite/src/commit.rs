//! One commit inside the writer's transaction: looked at first, then written, nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use portcullis::error::PortError;
use portcullis::port::store::{Commit, CommitError, Count, Counter, Counts, Expect, Key, Put};
use uuid::Uuid;

use crate::counter::{Change, Steps, lasts};
use crate::desk::Desk;
use crate::error::{Failure, PORT, is_taken};
use crate::row::{self, keys_text, micros, refs_text};
use crate::session::{Arg, blob, int, maybe_blob, maybe_int, maybe_text, text};
use crate::sql::Sql;

/// What is stored of a record that the commit names. One that is only pinned is not asked for its keys.
struct Stored {
    version: u64,
    keys: Vec<Key>,
}

/// A record to be written.
struct Written<'a> {
    put: &'a Put,
    version: u64,
    keys: BTreeSet<&'a Key>,
}

/// Does a commit, or finds that it was done before. On an error the caller rolls back what was written.
pub(crate) fn commit(desk: &Desk<'_>, commit: &Commit) -> Result<Counts, Failure> {
    each_record_once(commit)?;
    if !is_first(desk, commit)? {
        return present(desk, commit);
    }
    let steps = step(desk, commit)?;
    let stored = pin(desk, commit)?;
    let written = plan(commit, &stored, &steps)?;
    remove(desk, commit)?;
    write(desk, &written)?;
    move_keys(desk, commit, &stored, &written)?;
    count(desk, &steps)?;
    let stepped: BTreeSet<&Counter> = commit.counters.iter().map(|(counter, _)| counter).collect();
    Ok(steps
        .iter()
        .filter(|(counter, _)| stepped.contains(*counter))
        .map(|(counter, steps)| ((*counter).clone(), steps.count()))
        .collect())
}

/// A commit that names a record twice has no meaning.
fn each_record_once(commit: &Commit) -> Result<(), Failure> {
    let mut named = BTreeSet::new();
    let puts = commit.puts.iter().map(|put| put.record.id);
    if puts.chain(pins(commit).map(|(id, _)| id)).all(|id| named.insert(id)) {
        Ok(())
    } else {
        let twice = PortError::new(PORT, "a commit names a record twice");
        Err(Failure::Refused(CommitError::Port(twice)))
    }
}

/// Writes the id of the commit, with the trail. False if it happened before.
fn is_first(desk: &Desk<'_>, commit: &Commit) -> Result<bool, Failure> {
    let id = commit.id.uuid();
    let mut added = Ok(0);
    if commit.audit.first().is_none_or(|event| event.id != id) {
        added = desk.execute(Sql::AddCommit, &[blob(&id), int(micros(commit.now))]);
    }
    if added.is_ok() && !commit.audit.is_empty() {
        let mut args = Vec::with_capacity(commit.audit.len() * 9);
        for event in &commit.audit {
            args.extend([
                blob(&event.id),
                int(micros(event.at)),
                blob(&event.tenant),
                blob(&event.subject),
                maybe_blob(event.actor.as_ref()),
                text(&event.action),
                maybe_text(event.reason.as_deref()),
                maybe_blob(event.source.as_ref()),
                maybe_blob(event.about.as_ref()),
            ]);
        }
        added = desk.execute(Sql::AddEvents(commit.audit.len()), &args);
    }
    match added {
        Ok(_) => Ok(true),
        Err(error) if is_taken(&error) => {
            let happened = desk.query(Sql::Happened, &[blob(&id)], |_| Ok(()))?;
            if happened.is_empty() { Err(Failure::Refused(CommitError::Conflict)) } else { Ok(false) }
        }
        Err(error) => Err(error.into()),
    }
}

fn present(desk: &Desk<'_>, commit: &Commit) -> Result<Counts, Failure> {
    let asked: BTreeSet<&Counter> = commit.counters.iter().map(|(counter, _)| counter).collect();
    let stored = load(desk, &asked)?;
    let present = |counter: &Counter| {
        stored.get(counter).copied().filter(|count| lasts(count, commit.now)).unwrap_or_default()
    };
    Ok(asked.into_iter().map(|counter| (counter.clone(), present(counter))).collect())
}

/// Takes the steps on the counters, also loading those that only a put asks for.
fn step<'a>(desk: &Desk<'_>, commit: &'a Commit) -> Result<BTreeMap<&'a Counter, Steps>, Failure> {
    let asked = commit.puts.iter().filter_map(|put| match &put.expect {
        Expect::AbsentElseSkip { at: Some((counter, _)) } => Some(counter),
        Expect::AbsentElseSkip { at: None } | Expect::Version(_) | Expect::Absent => None,
    });
    let asked = commit.counters.iter().map(|(counter, _)| counter).chain(asked).collect();
    let stored = load(desk, &asked)?;
    let mut steps: BTreeMap<&Counter, Steps> = asked
        .into_iter()
        .map(|counter| (counter, Steps::from(stored.get(counter).copied(), commit.now)))
        .collect();
    for (counter, op) in &commit.counters {
        if let Some(steps) = steps.get_mut(counter) {
            steps.take(*op).map_err(|_| Failure::Refused(CommitError::Exhausted(counter.clone())))?;
        }
    }
    Ok(steps)
}

fn load(desk: &Desk<'_>, asked: &BTreeSet<&Counter>) -> Result<BTreeMap<Counter, Count>, Failure> {
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let args: Vec<Arg<'_>> =
        asked.iter().flat_map(|counter| [blob(&counter.subject), text(&counter.name)]).collect();
    let rows = desk.query(Sql::Counters(asked.len()), &args, |row| row::counter(row, 0))?;
    Ok(rows.into_iter().collect())
}

/// Looks at every record the commit names, unless it only adds records, which the insert itself checks.
fn pin(desk: &Desk<'_>, commit: &Commit) -> Result<BTreeMap<Uuid, Stored>, Failure> {
    let only_adds = commit.puts.iter().all(|put| put.expect == Expect::Absent);
    if only_adds && commit.guards.is_empty() && commit.deletes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> =
        pins(commit).map(|(id, _)| id).chain(commit.puts.iter().map(|put| put.record.id)).collect();
    let args: Vec<Arg<'_>> = ids.iter().map(blob).collect();
    let rows = desk.query(Sql::Versions(ids.len()), &args, |row| {
        let version = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
        let id = row::id(row, 0)?;
        let pinned = commit.guards.iter().any(|guard| guard.id == id);
        let keys = if pinned { Vec::new() } else { row::keys(row, 2)? };
        Ok((id, Stored { version, keys }))
    })?;
    let stored: BTreeMap<Uuid, Stored> = rows.into_iter().collect();
    for (id, version) in pins(commit) {
        if stored.get(&id).is_none_or(|stored| stored.version != version) {
            return Err(Failure::Refused(CommitError::Conflict));
        }
    }
    Ok(stored)
}

fn pins(commit: &Commit) -> impl Iterator<Item = (Uuid, u64)> {
    let guards = commit.guards.iter().map(|guard| (guard.id, guard.version));
    guards.chain(commit.deletes.iter().map(|delete| (delete.id, delete.version)))
}

/// Which puts are made, and under which version.
fn plan<'a>(
    commit: &'a Commit,
    stored: &BTreeMap<Uuid, Stored>,
    steps: &BTreeMap<&Counter, Steps>,
) -> Result<Vec<Written<'a>>, Failure> {
    let mut written = Vec::with_capacity(commit.puts.len());
    for put in &commit.puts {
        let found = stored.get(&put.record.id).map(|stored| stored.version);
        let version = match &put.expect {
            Expect::Version(expected) if found == Some(*expected) => expected.saturating_add(1),
            Expect::Absent if found.is_none() => 1,
            Expect::Version(_) | Expect::Absent => return Err(Failure::Refused(CommitError::Conflict)),
            Expect::AbsentElseSkip { at } => {
                let reached = at.as_ref().is_none_or(|(counter, value)| {
                    steps.get(counter).is_some_and(|steps| steps.count().value >= *value)
                });
                if found.is_some() || !reached {
                    continue;
                }
                1
            }
        };
        written.push(Written { put, version, keys: put.record.keys.iter().collect() });
    }
    Ok(written)
}

fn remove(desk: &Desk<'_>, commit: &Commit) -> Result<(), Failure> {
    if !commit.deletes.is_empty() {
        let args: Vec<Arg<'_>> = commit.deletes.iter().map(|delete| blob(&delete.id)).collect();
        desk.execute(Sql::RemoveRecords(commit.deletes.len()), &args)?;
    }
    Ok(())
}

/// Writes all in one statement: the cheapest that does it.
fn write(desk: &Desk<'_>, written: &[Written<'_>]) -> Result<(), Failure> {
    if written.is_empty() {
        return Ok(());
    }
    let is_changed = |written: &&Written<'_>| matches!(written.put.expect, Expect::Version(_));
    let sql = match (written.iter().filter(is_changed).count(), written.len()) {
        (0, rows) => Sql::AddRecords(rows),
        (1, 1) => Sql::ChangeRecord,
        (_, rows) => Sql::PutRecords(rows),
    };
    let texts: Vec<(String, String)> = written
        .iter()
        .map(|written| (keys_text(&written.keys), refs_text(&written.put.record.refs)))
        .collect();
    let mut args = Vec::with_capacity(written.len() * 9);
    for (written, (keys, refs)) in written.iter().zip(&texts) {
        let record = &written.put.record;
        let version =
            i64::try_from(written.version).map_err(|_| Failure::Corrupt("a version is too high"))?;
        args.extend([
            blob(&record.id),
            blob(&record.tenant),
            text(record.kind.as_str()),
            int(version),
            text(keys),
            text(refs),
            maybe_text(record.due.map(|(lane, _)| lane.as_str())),
            maybe_int(record.due.map(|(_, at)| micros(at))),
            text(&record.body),
        ]);
    }
    match desk.execute(sql, &args) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(Failure::Refused(CommitError::Conflict)),
        Err(error) => Err(error.into()),
    }
}

/// Removes every key that is no longer carried, then adds those that are new: so a key may move between records.
fn move_keys(
    desk: &Desk<'_>,
    commit: &Commit,
    stored: &BTreeMap<Uuid, Stored>,
    written: &[Written<'_>],
) -> Result<(), Failure> {
    let mut stale: Vec<(Uuid, &Key)> = Vec::new();
    let mut fresh: Vec<(&Written<'_>, &Key)> = Vec::new();
    for delete in &commit.deletes {
        let keys = stored.get(&delete.id).map(|stored| stored.keys.as_slice()).unwrap_or_default();
        stale.extend(keys.iter().map(|key| (delete.id, key)));
    }
    for written in written {
        let id = written.put.record.id;
        let old: BTreeSet<&Key> =
            stored.get(&id).map(|stored| stored.keys.iter().collect()).unwrap_or_default();
        stale.extend(old.difference(&written.keys).map(|key| (id, *key)));
        fresh.extend(written.keys.difference(&old).map(|key| (written, *key)));
    }
    remove_keys(desk, &stale)?;
    if fresh.is_empty() {
        return Ok(());
    }
    let mut args = Vec::with_capacity(fresh.len() * 6);
    for (written, key) in &fresh {
        let record = &written.put.record;
        args.extend(key_args(key));
        args.extend([int(i64::from(key.unique)), blob(&record.id), blob(&record.tenant)]);
    }
    match desk.execute(Sql::AddKeys(fresh.len()), &args) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(duplicate(desk, &fresh)),
        Err(error) => Err(error.into()),
    }
}

/// Removes keys from the records that carry them.
pub(crate) fn remove_keys(desk: &Desk<'_>, stale: &[(Uuid, &Key)]) -> Result<(), Failure> {
    if stale.is_empty() {
        return Ok(());
    }
    let mut args = Vec::with_capacity(stale.len() * 5);
    for (id, key) in stale {
        args.extend(key_args(key));
        args.extend([int(i64::from(key.unique)), blob(id)]);
    }
    desk.execute(Sql::RemoveKeys(stale.len()), &args)?;
    Ok(())
}

/// Kind, name and value, bound.
pub(crate) fn key_args(key: &Key) -> [Arg<'_>; 3] {
    [text(key.kind.as_str()), text(&key.name), text(&key.value)]
}

/// Which of the new keys another record holds, also one that this commit has just given it to.
fn duplicate(desk: &Desk<'_>, fresh: &[(&Written<'_>, &Key)]) -> Failure {
    for (written, key) in fresh.iter().filter(|(_, key)| key.unique) {
        match desk.query(Sql::Holder, &key_args(key), |row| row::id(row, 0)) {
            Ok(holders) if holders.iter().all(|holder| *holder == written.put.record.id) => {}
            Ok(_) => return Failure::Refused(CommitError::Duplicate((*key).clone())),
            Err(error) => return error.into(),
        }
    }
    Failure::Corrupt("the keys of a record are damaged")
}

fn count(desk: &Desk<'_>, steps: &BTreeMap<&Counter, Steps>) -> Result<(), Failure> {
    let mut put = Vec::new();
    let mut gone = Vec::new();
    for (counter, steps) in steps {
        let key = [blob(&counter.subject), text(&counter.name)];
        match steps.change() {
            Change::Nothing => {}
            Change::Remove => gone.extend(key),
            Change::Put(count) => {
                put.extend(key);
                put.extend([int(i64::from(count.value)), maybe_int(count.ends_at.map(micros))]);
            }
        }
    }
    if !put.is_empty() {
        desk.execute(Sql::PutCounters(put.len() / 4), &put)?;
    }
    if !gone.is_empty() {
        desk.execute(Sql::RemoveCounters(gone.len() / 2), &gone)?;
    }
    Ok(())
}
