//! What is kept, its indexes, and every question but the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::id::CommitId;
use crate::port::store::{
    Count, Counter, Key, Lane, Order, Page, Purge, Read, Record, Snapshot, Start, TrailPage, Waiting,
};

use super::counter::lasts;

/// How far a read follows references.
const HOPS: usize = 2;

#[derive(Default)]
pub(super) struct State {
    pub(super) records: BTreeMap<Uuid, Record>,
    /// Every key with each record that carries it. INVARIANT: written by `insert` and `remove` only.
    keys: BTreeSet<(Key, Uuid)>,
    /// Every due record. INVARIANT: written by `insert` and `remove` only.
    due: BTreeSet<(Lane, DateTime<Utc>, Uuid)>,
    pub(super) counters: BTreeMap<Counter, Count>,
    pub(super) audit: BTreeMap<Uuid, AuditEvent>,
    /// The commits that happened, and when; kept as long as their events.
    pub(super) commits: BTreeMap<CommitId, DateTime<Utc>>,
}

impl State {
    pub(super) fn insert(&mut self, record: Record) {
        self.remove(record.id);
        self.keys.extend(record.keys.iter().map(|key| (key.clone(), record.id)));
        self.due.extend(record.due.map(|(lane, at)| (lane, at, record.id)));
        self.records.insert(record.id, record);
    }

    pub(super) fn remove(&mut self, id: Uuid) {
        let Some(record) = self.records.remove(&id) else { return };
        for key in record.keys {
            self.keys.remove(&(key, id));
        }
        if let Some((lane, at)) = record.due {
            self.due.remove(&(lane, at, id));
        }
    }

    /// The record that holds a unique key.
    pub(super) fn holder(&self, key: &Key) -> Option<Uuid> {
        if key.unique { self.carriers(key, None).next() } else { None }
    }

    /// The records that carry a key, in id order, after an id.
    fn carriers(&self, key: &Key, after: Option<Uuid>) -> impl Iterator<Item = Uuid> {
        let from = match after {
            Some(id) => Bound::Excluded((key.clone(), id)),
            None => Bound::Included((key.clone(), Uuid::nil())),
        };
        let to = Bound::Included((key.clone(), Uuid::max()));
        // A range that starts after its end panics: nothing comes after the highest id.
        let empty = after == Some(Uuid::max());
        (!empty).then(|| self.keys.range((from, to))).into_iter().flatten().map(|(_, id)| *id)
    }

    pub(super) fn read(&self, read: &Read) -> Snapshot {
        let found: Vec<Option<Uuid>> = read
            .starts
            .iter()
            .map(|start| match start {
                Start::Id(id) => self.records.contains_key(id).then_some(*id),
                Start::Key(key) => self.holder(key),
            })
            .collect();
        let mut records: BTreeMap<Uuid, Record> = BTreeMap::new();
        let mut next: BTreeSet<Uuid> = found.iter().flatten().copied().collect();
        for hop in 0..=HOPS {
            let mut refs = BTreeSet::new();
            for record in next.iter().filter_map(|id| self.records.get(id)) {
                if hop < HOPS {
                    refs.extend(record.refs.iter().copied());
                }
                records.insert(record.id, record.clone());
            }
            next = refs;
        }
        let subjects: BTreeSet<Uuid> = records.keys().chain(&read.subjects).copied().collect();
        let counters = subjects
            .into_iter()
            .flat_map(|subject| self.counters_of(subject))
            .filter(|(_, count)| count.value > 0 && lasts(count, read.now))
            .map(|(counter, count)| (counter.clone(), *count))
            .collect();
        Snapshot { found, records, counters }
    }

    /// The counters of a subject: they lie side by side, so that a read costs what it reads and not what there is.
    fn counters_of(&self, subject: Uuid) -> impl Iterator<Item = (&Counter, &Count)> {
        let all = self.counters.range(Counter::of(subject, "")..);
        all.take_while(move |(counter, _)| counter.subject == subject)
    }

    pub(super) fn list(&self, key: &Key, page: Page) -> Vec<Record> {
        self.carriers(key, page.after)
            .take(many(page.limit))
            .filter_map(|id| self.records.get(&id).cloned())
            .collect()
    }

    pub(super) fn claim(
        &mut self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Vec<Record> {
        if lane == Lane::Dead {
            return Vec::new();
        }
        let claimed: Vec<Record> = self
            .due_in(lane, now)
            .take(many(limit))
            .filter_map(|id| self.records.get(&id).cloned())
            .map(|record| Record {
                version: record.version.saturating_add(1),
                due: Some((lane, until)),
                ..record
            })
            .collect();
        for record in &claimed {
            self.insert(record.clone());
        }
        claimed
    }

    /// The records of a lane that are due at an instant, earliest first.
    fn due_in(&self, lane: Lane, now: DateTime<Utc>) -> impl Iterator<Item = Uuid> {
        let from = (lane, DateTime::<Utc>::MIN_UTC, Uuid::nil());
        self.due.range(from..=(lane, now, Uuid::max())).map(|(_, _, id)| *id)
    }

    pub(super) fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Waiting {
        let due = || self.due_in(lane, now).take(many(at_most));
        let oldest = due().next().and_then(|id| self.records.get(&id)?.due);
        Waiting { count: u32::try_from(due().count()).unwrap_or(at_most), oldest: oldest.map(|(_, at)| at) }
    }

    pub(super) fn audit_of(&self, subject: Uuid, page: TrailPage) -> Vec<AuditEvent> {
        let beyond = page.beyond.map_or(Bound::Unbounded, Bound::Excluded);
        let of_subject = |(_, event): &(&Uuid, &AuditEvent)| event.subject == subject;
        let events: Vec<_> = match page.order {
            Order::OldestFirst => self
                .audit
                .range((beyond, Bound::Unbounded))
                .filter(of_subject)
                .take(many(page.limit))
                .collect(),
            Order::NewestFirst => {
                let earlier = self.audit.range((Bound::Unbounded, beyond)).rev();
                earlier.filter(of_subject).take(many(page.limit)).collect()
            }
        };
        events.into_iter().map(|(_, event)| event.clone()).collect()
    }

    pub(super) fn purge(&mut self, what: Purge, before: DateTime<Utc>, limit: u32) -> u32 {
        let removed = match what {
            Purge::Counters => self.purge_counters(before, many(limit)),
            Purge::Audit => self.purge_audit(before, many(limit)),
            Purge::Records => self.purge_records(before, many(limit)),
        };
        u32::try_from(removed).unwrap_or(limit)
    }

    fn purge_counters(&mut self, before: DateTime<Utc>, limit: usize) -> usize {
        let ended = |count: &Count| count.ends_at.is_some_and(|end| end < before);
        let over: Vec<Counter> = self
            .counters
            .iter()
            .filter(|(_, count)| ended(count))
            .map(|(counter, _)| counter.clone())
            .take(limit)
            .collect();
        for counter in &over {
            self.counters.remove(counter);
        }
        over.len()
    }

    fn purge_audit(&mut self, before: DateTime<Utc>, limit: usize) -> usize {
        let old: Vec<Uuid> =
            self.audit.values().filter(|event| event.at < before).map(|event| event.id).take(limit).collect();
        for id in &old {
            self.audit.remove(id);
        }
        let audit = &self.audit;
        self.commits.retain(|id, at| *at >= before || audit.contains_key(&id.uuid()));
        old.len()
    }

    fn purge_records(&mut self, before: DateTime<Utc>, limit: usize) -> usize {
        let spent: Vec<Uuid> = self
            .due
            .range((Lane::Dead, DateTime::<Utc>::MIN_UTC, Uuid::nil())..(Lane::Dead, before, Uuid::nil()))
            .map(|(_, _, id)| *id)
            .take(limit)
            .collect();
        for id in &spent {
            self.remove(*id);
        }
        spent.len()
    }
}

fn many(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
