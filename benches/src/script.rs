//! What a round reads and writes, taped once and done again and again.
//!
//! One real round of each user is taped: the same reads by key, the same records, keys, counters and lines of the trail,
//! bodies of the same length. Ids of what a round makes are new at each repetition.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use portcullis::id::uuid_v7;
use portcullis::port::ambient::{Clock, SystemClock};
use portcullis::port::store::{Commit, CounterOp, Expect, Key, Read, Record, Snapshot, Start, Store};
use uuid::Uuid;

use crate::Fallible;
use crate::ours::Ours;
use crate::tape::{Call, Tape};

/// One round of one user.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) steps: Vec<Step>,
    /// What the round made: new at each repetition.
    pub(crate) made: Vec<Uuid>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Look { key: Option<Key>, records: Vec<Uuid>, subjects: Vec<Uuid> },
    Write(Box<Commit>, Vec<Row>),
}

/// A record as it lies in its row, beside the put.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) keys: String,
    pub(crate) refs: String,
    pub(crate) stale: Vec<Key>,
    pub(crate) fresh: Vec<Key>,
}

/// Fills a new store with users and tapes one round of each.
///
/// # Errors
/// When the store does not work.
pub async fn scripts<S: Store>(store: S, callers: usize) -> Fallible<Vec<Script>> {
    let tape = Arc::new(Tape::new(store));
    let ours = Ours::new(Arc::clone(&tape) as Arc<dyn Store>, callers).await?;
    let mut scripts = Vec::with_capacity(callers);
    for caller in 0..callers {
        tape.take();
        ours.round(caller).await?;
        scripts.push(Script::of(tape.take())?);
    }
    Ok(scripts)
}

impl Script {
    fn of(calls: Vec<Call>) -> Fallible<Self> {
        let mut made = Vec::new();
        let mut seen = Snapshot::default();
        let mut steps = Vec::new();
        for call in calls {
            match call {
                Call::Read(read, snapshot) => {
                    steps.push(look(&read, &snapshot));
                    seen.records.extend(snapshot.records);
                }
                Call::Commit(commit) => {
                    made.extend(commit.audit.iter().map(|event| event.id));
                    let rows = commit.puts.iter().map(|put| row(&put.record, &seen)).collect();
                    for put in &commit.puts {
                        match put.expect {
                            Expect::Version(_) if made.contains(&put.record.id) => {}
                            Expect::Absent => made.push(put.record.id),
                            Expect::Version(_) | Expect::AbsentElseSkip { .. } => {
                                return Err("a round changes what it did not make".into());
                            }
                        }
                    }
                    steps.push(Step::Write(Box::new(commit), rows));
                }
            }
        }
        Ok(Self { steps, made })
    }

    /// How many rows a round writes: records, keys, counters, lines of the trail.
    pub fn rows(&self) -> usize {
        let written = |step: &Step| match step {
            Step::Look { .. } => 0,
            Step::Write(commit, rows) => {
                let counted = |op: &CounterOp| !matches!(op, CounterOp::Below { .. });
                rows.iter().map(|row| 1 + row.stale.len() + row.fresh.len()).sum::<usize>()
                    + commit.counters.iter().filter(|(_, op)| counted(op)).count()
                    + commit.audit.len()
            }
        };
        self.steps.iter().map(written).sum()
    }
}

fn look(read: &Read, snapshot: &Snapshot) -> Step {
    let key = read.starts.iter().find_map(|start| match start {
        Start::Key(key) => Some(key.clone()),
        Start::Id(_) => None,
    });
    let records: Vec<Uuid> = snapshot.records.keys().copied().collect();
    let subjects = records.iter().chain(&read.subjects).copied().collect();
    Step::Look { key, records, subjects }
}

fn row(record: &Record, seen: &Snapshot) -> Row {
    let old = seen.records.get(&record.id).map(|old| old.keys.clone()).unwrap_or_default();
    let words = |key: &Key| {
        format!(r#"["{}","{}","{}",{}]"#, key.kind.as_str(), key.name, key.value, u8::from(key.unique))
    };
    Row {
        keys: format!("[{}]", record.keys.iter().map(words).collect::<Vec<_>>().join(",")),
        refs: format!(
            "[{}]",
            record.refs.iter().map(|id| format!("\"{}\"", id.simple())).collect::<Vec<_>>().join(",")
        ),
        stale: old.iter().filter(|key| !record.keys.contains(key)).cloned().collect(),
        fresh: record.keys.iter().filter(|key| !old.contains(key)).cloned().collect(),
    }
}

/// The ids of one repetition.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) now: DateTime<Utc>,
    old: Arc<[Uuid]>,
    new: Vec<Uuid>,
}

impl Ids {
    pub(crate) fn draw(old: &Arc<[Uuid]>, seed: &mut u64) -> Self {
        let now = SystemClock::default().now();
        let mut random = [0; 10];
        let new = old
            .iter()
            .map(|_| {
                *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                random.iter_mut().zip(seed.to_be_bytes()).for_each(|(to, from)| *to = from);
                uuid_v7(now, random)
            })
            .collect();
        Self { now, old: Arc::clone(old), new }
    }

    pub(crate) fn of(&self, id: Uuid) -> Uuid {
        let place = self.old.iter().position(|old| *old == id);
        place.and_then(|place| self.new.get(place)).copied().unwrap_or(id)
    }
}
