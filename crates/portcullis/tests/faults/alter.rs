//! Faults that are another commit than the one asked for.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each place knows its own faults, and all the others are not here"
)]

use chrono::TimeDelta;
use portcullis::port::store::{Commit, Count, CounterOp, Expect, Guard, Key, Record, Window};
use uuid::Uuid;

use crate::broken::{Broken, Fault};

/// Alters a key wherever it is used.
pub(crate) fn key(fault: Option<Fault>, key: &mut Key) {
    match fault {
        Some(Fault::FoldsCase) => key.value = key.value.to_lowercase(),
        Some(Fault::TrimsKeys) => key.value.truncate(key.value.trim_end().len()),
        Some(Fault::ForgetsKeyNames) => key.name = "key".into(),
        _ => {}
    }
}

impl Broken {
    pub(crate) async fn altered(&self, commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        for key_of in commit.puts.iter_mut().flat_map(|put| &mut put.record.keys) {
            key(self.fault, key_of);
        }
        self.alter_puts(&mut commit).await;
        self.alter_pins(&mut commit).await;
        self.alter_steps(&mut commit).await;
        commit
    }

    async fn alter_puts(&self, commit: &mut Commit) {
        let now = commit.now;
        let mut kept = Vec::new();
        for mut put in std::mem::take(&mut commit.puts) {
            let stored = self.stored(put.record.id).await;
            let version = stored.as_ref().map(|record| record.version);
            match (self.fault, &put.expect) {
                (Some(Fault::LastPutWins), Expect::Version(_))
                | (Some(Fault::Upserts), Expect::Absent)
                | (Some(Fault::SkipOverwrites), Expect::AbsentElseSkip { .. }) => {
                    put.expect = version.map_or(Expect::Absent, Expect::Version);
                }
                (Some(Fault::NoFence), Expect::Version(expected)) if version == Some(expected + 1) => {
                    put.expect = Expect::Version(expected + 1);
                }
                (Some(Fault::SkipConflicts), Expect::AbsentElseSkip { .. }) => put.expect = Expect::Absent,
                (Some(Fault::IgnoresCounter), Expect::AbsentElseSkip { .. }) => {
                    put.expect = Expect::AbsentElseSkip { at: None };
                }
                (
                    Some(Fault::NeedsMoreThanCounter),
                    Expect::AbsentElseSkip { at: Some((counter, value)) },
                ) => {
                    put.expect = Expect::AbsentElseSkip { at: Some((counter.clone(), value + 1)) };
                }
                (Some(Fault::CounterBefore), Expect::AbsentElseSkip { at: Some((counter, value)) }) => {
                    if self.held(counter, now).await.value < *value {
                        continue;
                    }
                    put.expect = Expect::AbsentElseSkip { at: None };
                }
                (Some(Fault::KeepsOldKeys), Expect::Version(_)) => {
                    put.record.keys.extend(stored.into_iter().flat_map(|record| record.keys));
                }
                (Some(Fault::KeepsKeysOfFirstPut), Expect::Version(_)) => {
                    put.record.keys = stored.map(|record| record.keys).unwrap_or_default();
                }
                _ => {}
            }
            alter_record(self.fault, &mut put.record);
            kept.push(put);
        }
        commit.puts = kept;
    }

    async fn alter_pins(&self, commit: &mut Commit) {
        match self.fault {
            Some(Fault::GuardsNothing) => commit.guards.clear(),
            Some(Fault::GuardsForgiveAbsence) => {
                let mut kept = Vec::new();
                for guard in &commit.guards {
                    kept.extend(self.stored(guard.id).await.map(|_| *guard));
                }
                commit.guards = kept;
            }
            Some(Fault::DeletesNothing) => {
                let pins =
                    commit.deletes.drain(..).map(|delete| Guard { id: delete.id, version: delete.version });
                commit.guards.extend(pins);
            }
            Some(Fault::DeletesBlindly) => {
                for delete in &mut commit.deletes {
                    if let Some(record) = self.stored(delete.id).await {
                        delete.version = record.version;
                    }
                }
            }
            _ => {}
        }
    }

    async fn alter_steps(&self, commit: &mut Commit) {
        let now = commit.now;
        let mut steps = Vec::new();
        for (counter, op) in std::mem::take(&mut commit.counters) {
            let held = self.held(&counter, now).await;
            for op in self.altered_step(op, held, now) {
                steps.push((counter.clone(), op));
            }
        }
        match self.fault {
            Some(Fault::StepsReversed) => steps.reverse(),
            Some(Fault::LastStepOnly) => {
                let last: std::collections::BTreeMap<_, _> = steps.into_iter().collect();
                steps = last.into_iter().collect();
            }
            _ => {}
        }
        commit.counters = steps;
    }

    fn altered_step(&self, op: CounterOp, held: Count, now: chrono::DateTime<chrono::Utc>) -> Vec<CounterOp> {
        let Some(fault) = self.fault else { return vec![op] };
        let hour = Window::Rolling(TimeDelta::hours(1));
        match op {
            CounterOp::Add { n, limit, window } => {
                let with = |window| vec![CounterOp::Add { n, limit, window }];
                match (fault, window) {
                    (Fault::OnePastLimit, _) => {
                        vec![CounterOp::Add { n, limit: limit.saturating_add(1), window }]
                    }
                    (Fault::FillsUp, _) => {
                        vec![CounterOp::Add { n: n.min(limit.saturating_sub(held.value)), limit, window }]
                    }
                    (Fault::ExtendsWindow, Window::Rolling(_)) => {
                        vec![
                            CounterOp::Clear,
                            CounterOp::Add { n: n.saturating_add(held.value), limit, window },
                        ]
                    }
                    (Fault::NoWindows, _) => with(Window::None),
                    (Fault::TrustsFarEnds, Window::Rolling(length)) => with(Window::Until(now + length)),
                    (Fault::DistrustsColleagues, Window::Rolling(length))
                        if held.ends_at.is_some_and(|end| end > now + length) =>
                    {
                        vec![CounterOp::Clear, op]
                    }
                    (Fault::DistrustsAllEnds, Window::Until(end)) => with(Window::Rolling(end - now)),
                    (Fault::PastUntilKept, Window::Until(end)) if end <= now => with(hour),
                    (Fault::PastUntilNotCounted, Window::Until(end)) if end <= now => Vec::new(),
                    (Fault::UntilIsRolling, Window::Until(_)) | (Fault::EveryWindowEnds, Window::None) => {
                        with(hour)
                    }
                    _ => vec![op],
                }
            }
            CounterOp::Below { limit, window } => match (fault, window) {
                (Fault::BelowOrEqual, _) => vec![CounterOp::Below { limit: limit.saturating_add(1), window }],
                (Fault::BelowOpens, _) => vec![op, CounterOp::Add { n: 0, limit, window }],
                _ => vec![op],
            },
            CounterOp::GiveBack { n, .. } => match fault {
                Fault::GivesBackAnyWindow => vec![CounterOp::GiveBack { n, ends_at: held.ends_at }],
                Fault::GivesBackNothing => Vec::new(),
                Fault::GiveBackCloses if held.value <= n => vec![CounterOp::Clear],
                _ => vec![op],
            },
            CounterOp::Clear => match fault {
                Fault::ClearKeepsWindow => vec![CounterOp::GiveBack { n: u32::MAX, ends_at: held.ends_at }],
                _ => vec![op],
            },
        }
    }
}

fn alter_record(fault: Option<Fault>, record: &mut Record) {
    match fault {
        Some(Fault::KeysNotUnique) => record.keys.retain(|key| !key.unique),
        Some(Fault::LookupIsUnique) => record.keys.iter_mut().for_each(|key| key.unique = true),
        Some(Fault::Milliseconds) => {
            record.due = record.due.map(|(lane, at)| {
                (lane, at - TimeDelta::microseconds(i64::from(at.timestamp_subsec_micros() % 1000)))
            });
        }
        Some(Fault::SortsRefs) => record.refs.sort(),
        Some(Fault::RewritesJson) => {
            let value: Option<serde_json::Value> = serde_json::from_str(&record.body).ok();
            record.body = value.map_or_else(|| record.body.clone(), |value| value.to_string());
        }
        Some(Fault::ForgetsTenant) => record.tenant = Uuid::nil(),
        Some(Fault::ShortBodies) => {
            record.body = record.body.chars().take(60_000).collect();
        }
        _ => {}
    }
}
