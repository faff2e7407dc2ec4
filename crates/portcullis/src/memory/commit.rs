//! The commit: everything is planned first, then made at once.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::error::PortError;
use crate::port::store::{Commit, CommitError, Count, Counter, Counts, Expect, Key, Put, Record};

use super::counter::{Tally, lasts};
use super::state::State;

impl State {
    pub(super) fn commit(&mut self, commit: &Commit) -> Result<Counts, CommitError> {
        if self.commits.contains_key(&commit.id) {
            return Ok(self.present_counts(commit));
        }
        each_record_once(commit)?;
        if commit.audit.iter().any(|event| self.audit.contains_key(&event.id)) {
            return Err(CommitError::Conflict);
        }
        let tallies = self.tallies(commit)?;
        let mut written = Vec::new();
        for put in &commit.puts {
            written.extend(self.written(put, commit, &tallies)?);
        }
        for (id, version) in pins(commit) {
            if self.version(id) != Some(version) {
                return Err(CommitError::Conflict);
            }
        }
        self.keys_are_free(&written, commit)?;
        Ok(self.make(commit, written, &tallies))
    }

    /// Makes what was planned; nothing in here fails.
    fn make(&mut self, commit: &Commit, written: Vec<Record>, tallies: &BTreeMap<Counter, Tally>) -> Counts {
        self.commits.insert(commit.id, commit.now);
        for delete in &commit.deletes {
            self.remove(delete.id);
        }
        for record in written {
            self.insert(record);
        }
        for (counter, tally) in tallies.iter().filter(|(_, tally)| tally.changed()) {
            self.counters.remove(counter);
            self.counters.extend(tally.kept().map(|count| (counter.clone(), count)));
        }
        self.audit.extend(commit.audit.iter().map(|event| (event.id, event.clone())));
        tallies.iter().map(|(counter, tally)| (counter.clone(), tally.count())).collect()
    }

    fn present_counts(&self, commit: &Commit) -> Counts {
        commit.counters.iter().map(|(counter, _)| (counter.clone(), self.present(counter, commit))).collect()
    }

    fn present(&self, counter: &Counter, commit: &Commit) -> Count {
        self.counters.get(counter).copied().filter(|count| lasts(count, commit.now)).unwrap_or_default()
    }

    fn tallies(&self, commit: &Commit) -> Result<BTreeMap<Counter, Tally>, CommitError> {
        let mut tallies = BTreeMap::new();
        for (counter, op) in &commit.counters {
            let tally = tallies
                .entry(counter.clone())
                .or_insert_with(|| Tally::load(self.counters.get(counter).copied(), commit.now));
            tally.step(*op).map_err(|_| CommitError::Exhausted(counter.clone()))?;
        }
        Ok(tallies)
    }

    /// The record a put leaves, or none if it is skipped.
    fn written(
        &self,
        put: &Put,
        commit: &Commit,
        tallies: &BTreeMap<Counter, Tally>,
    ) -> Result<Option<Record>, CommitError> {
        let stored = self.version(put.record.id);
        let version = match &put.expect {
            Expect::Version(expected) if stored == Some(*expected) => expected.saturating_add(1),
            Expect::Absent if stored.is_none() => 1,
            Expect::Version(_) | Expect::Absent => return Err(CommitError::Conflict),
            Expect::AbsentElseSkip { at } => {
                let reached = at.as_ref().is_none_or(|(counter, value)| {
                    let count =
                        tallies.get(counter).map_or_else(|| self.present(counter, commit), Tally::count);
                    count.value >= *value
                });
                if stored.is_some() || !reached {
                    return Ok(None);
                }
                1
            }
        };
        let keys: BTreeSet<Key> = put.record.keys.iter().cloned().collect();
        Ok(Some(Record { version, keys: keys.into_iter().collect(), ..put.record.clone() }))
    }

    /// Whether each unique key is held once, when all puts and deletes have been made.
    fn keys_are_free(&self, written: &[Record], commit: &Commit) -> Result<(), CommitError> {
        let left: BTreeSet<Uuid> =
            written.iter().map(|record| record.id).chain(commit.deletes.iter().map(|d| d.id)).collect();
        let mut taken: BTreeSet<&Key> = BTreeSet::new();
        for key in written.iter().flat_map(|record| &record.keys).filter(|key| key.unique) {
            let held = self.holder(key).is_some_and(|id| !left.contains(&id));
            if held || !taken.insert(key) {
                return Err(CommitError::Duplicate(key.clone()));
            }
        }
        Ok(())
    }

    fn version(&self, id: Uuid) -> Option<u64> {
        self.records.get(&id).map(|record| record.version)
    }
}

fn pins(commit: &Commit) -> impl Iterator<Item = (Uuid, u64)> {
    let guards = commit.guards.iter().map(|guard| (guard.id, guard.version));
    guards.chain(commit.deletes.iter().map(|delete| (delete.id, delete.version)))
}

/// A commit that names a record twice has no meaning; better refused here than kept differently by each store.
fn each_record_once(commit: &Commit) -> Result<(), CommitError> {
    let mut named = BTreeSet::new();
    let puts = commit.puts.iter().map(|put| put.record.id);
    if puts.chain(pins(commit).map(|(id, _)| id)).all(|id| named.insert(id)) {
        Ok(())
    } else {
        Err(CommitError::Port(PortError::new("store", "a commit names a record twice")))
    }
}
