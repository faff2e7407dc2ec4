//! Faults in what is done around a commit or a claim.

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::error::PortError;
use portcullis::id::CommitId;
use portcullis::port::store::{
    Commit, CommitError, Count, CounterOp, Counts, Expect, Guard, Key, Lane, Put, Read, Record, Start, Store,
    Window,
};
use uuid::Uuid;

use crate::broken::{Broken, Fault};

impl Broken {
    pub(crate) async fn broken_commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.note(commit);
        let replay = self.notes().answers.contains_key(&commit.id);
        if let Some(answer) = self.before(commit, replay).await {
            return answer;
        }
        let altered = self.altered(commit).await;
        let answer = match self.fault {
            Some(Fault::GuardsCompareOnly) if !altered.guards.is_empty() => {
                self.compare_guards(altered).await
            }
            Some(Fault::CountsOutside) => self.count_outside(altered).await,
            Some(Fault::ComparesOutside) => self.compare_outside(altered).await,
            Some(Fault::KeysOutside) => self.keys_outside(altered).await,
            Some(Fault::CommitInTwoSteps) => self.commit_in_two_steps(altered).await,
            Some(Fault::VersionAsPut) => self.version_as_put(altered).await,
            Some(Fault::BareForgotten) if altered.audit.is_empty() => {
                self.inner.commit(&self.renewed(&altered)).await
            }
            Some(Fault::AlwaysNew) => self.inner.commit(&self.renewed(&altered)).await,
            _ => self.inner.commit(&altered).await,
        };
        match answer {
            Ok(counts) => Ok(self.after(commit, replay, counts).await),
            Err(error) => Err(self.after_failure(commit, error).await),
        }
    }

    fn note(&self, commit: &Commit) {
        let mut notes = self.notes();
        notes.counters.extend(commit.counters.iter().map(|(counter, _)| counter.clone()));
        notes.subjects.extend(commit.audit.iter().map(|event| event.subject));
        notes.ids.extend(commit.puts.iter().map(|put| put.record.id));
    }

    /// An answer that is given without a commit.
    async fn before(&self, commit: &Commit, replay: bool) -> Option<Result<Counts, CommitError>> {
        match self.fault {
            Some(Fault::ReplayConflicts) if replay => Some(Err(CommitError::Conflict)),
            Some(Fault::FailureBurnsId) if self.notes().burnt.contains(&commit.id) => Some(Ok(Counts::new())),
            Some(Fault::SkipDropsTheRest) => self.skips(commit).await.then(|| Ok(Counts::new())),
            Some(Fault::SkipClaimsKeys) => {
                let keys = |put: &Put| put.record.keys.clone();
                let wanted: Vec<Key> = commit.puts.iter().flat_map(keys).filter(|key| key.unique).collect();
                let twice = wanted.iter().find(|key| wanted.iter().filter(|other| other == key).count() > 1);
                twice.map(|key| Err(CommitError::Duplicate(key.clone())))
            }
            Some(Fault::KeysNeverFree) => self.owned(commit).map(Err),
            Some(Fault::KeysPutByPut) => self.held_on_the_way(commit).await.map(Err),
            _ => None,
        }
    }

    async fn after(&self, commit: &Commit, replay: bool, counts: Counts) -> Counts {
        let first = self.notes().answers.entry(commit.id).or_insert_with(|| counts.clone()).clone();
        match self.fault {
            Some(Fault::ReplayOldCounts) => first,
            Some(Fault::ReplayAudited) if replay => {
                let audit = self.renewed(commit).audit;
                self.made(&Commit { audit, ..self.empty() }).await;
                counts
            }
            Some(Fault::NoCounts) => Counts::new(),
            Some(Fault::CountsOfAddsOnly) => {
                let added = |op: &CounterOp| matches!(op, CounterOp::Add { .. });
                let adds = commit.counters.iter().filter(|(_, op)| added(op)).map(|(counter, _)| counter);
                adds.filter_map(|counter| Some((counter.clone(), *counts.get(counter)?))).collect()
            }
            Some(Fault::SixteenBits) => counts
                .into_iter()
                .map(|(counter, count)| (counter, Count { value: count.value % (1 << 16), ..count }))
                .collect(),
            _ => counts,
        }
    }

    async fn after_failure(&self, commit: &Commit, error: CommitError) -> CommitError {
        match self.fault {
            Some(Fault::FailureAudited) => {
                self.made(&Commit { audit: commit.audit.clone(), ..self.empty() }).await;
            }
            Some(Fault::FailureCounted) => {
                for step in &commit.counters {
                    let _ = self.inner.commit(&Commit { counters: vec![step.clone()], ..self.empty() }).await;
                }
            }
            Some(Fault::FailurePuts) => {
                for put in &commit.puts {
                    let _ = self.inner.commit(&Commit { puts: vec![put.clone()], ..self.empty() }).await;
                }
            }
            Some(Fault::FailureBurnsId) => drop(self.notes().burnt.insert(commit.id)),
            Some(Fault::NamesWrongKey) => {
                let first = commit.puts.iter().find_map(|put| put.record.keys.first());
                if let (CommitError::Duplicate(_), Some(key)) = (&error, first) {
                    return CommitError::Duplicate(key.clone());
                }
            }
            _ => {}
        }
        error
    }

    async fn made(&self, commit: &Commit) {
        assert!(self.inner.commit(commit).await.is_ok(), "the fault itself fails");
    }

    /// The same commit under ids that nobody has used.
    fn renewed(&self, commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.id = CommitId::from_uuid(self.fresh());
        for event in &mut commit.audit {
            event.id = self.fresh();
        }
        commit
    }

    async fn skips(&self, commit: &Commit) -> bool {
        for put in &commit.puts {
            let may = matches!(put.expect, Expect::AbsentElseSkip { .. });
            if may && self.stored(put.record.id).await.is_some() {
                return true;
            }
        }
        false
    }

    /// The first owner of a key owns it for ever.
    fn owned(&self, commit: &Commit) -> Option<CommitError> {
        let mut notes = self.notes();
        for put in &commit.puts {
            for key in put.record.keys.iter().filter(|key| key.unique) {
                if *notes.owners.entry(key.clone()).or_insert(put.record.id) != put.record.id {
                    return Some(CommitError::Duplicate(key.clone()));
                }
            }
        }
        None
    }

    /// A key is taken if its holder is put later than its taker.
    async fn held_on_the_way(&self, commit: &Commit) -> Option<CommitError> {
        let mut done: Vec<Uuid> = Vec::new();
        for put in &commit.puts {
            for key in put.record.keys.iter().filter(|key| key.unique) {
                let holder = self.holder(key).await;
                if holder.is_some_and(|id| id != put.record.id && !done.contains(&id)) {
                    return Some(CommitError::Duplicate(key.clone()));
                }
            }
            done.push(put.record.id);
        }
        None
    }

    async fn holder(&self, key: &Key) -> Option<Uuid> {
        let read = Read { starts: vec![Start::Key(key.clone())], ..Read::default() };
        self.inner.read(&read).await.ok()?.found.first().copied().flatten()
    }

    async fn compare_guards(&self, commit: Commit) -> Result<Counts, CommitError> {
        for Guard { id, version } in &commit.guards {
            if self.stored(*id).await.map(|record| record.version) != Some(*version) {
                return Err(CommitError::Conflict);
            }
        }
        self.meet().await;
        self.inner.commit(&Commit { guards: Vec::new(), ..commit }).await
    }

    async fn count_outside(&self, mut commit: Commit) -> Result<Counts, CommitError> {
        let mut steps = Vec::new();
        for (counter, op) in std::mem::take(&mut commit.counters) {
            if let CounterOp::Add { n, limit, window: Window::None } = op {
                let value = self.held(&counter, commit.now).await.value + n;
                if value > limit {
                    return Err(CommitError::Exhausted(counter));
                }
                self.meet().await;
                steps.push((counter.clone(), CounterOp::Clear));
                steps.push((counter, CounterOp::Add { n: value, limit, window: Window::None }));
            } else {
                steps.push((counter, op));
            }
        }
        self.inner.commit(&Commit { counters: steps, ..commit }).await
    }

    async fn compare_outside(&self, commit: Commit) -> Result<Counts, CommitError> {
        for put in &commit.puts {
            let version = self.stored(put.record.id).await.map(|record| record.version);
            let expected = match put.expect {
                Expect::Version(version) => Some(version),
                Expect::Absent => None,
                Expect::AbsentElseSkip { .. } => continue,
            };
            if version != expected {
                return Err(CommitError::Conflict);
            }
        }
        self.meet().await;
        loop {
            let mut blind = commit.clone();
            for put in &mut blind.puts {
                let stored = self.stored(put.record.id).await;
                put.expect = stored.map_or(Expect::Absent, |record| Expect::Version(record.version));
            }
            match self.inner.commit(&blind).await {
                Err(CommitError::Conflict) => {}
                answer => return answer,
            }
        }
    }

    async fn keys_outside(&self, mut commit: Commit) -> Result<Counts, CommitError> {
        for key in commit.puts.iter().flat_map(|put| &put.record.keys) {
            if self.holder(key).await.is_some() {
                return Err(CommitError::Duplicate(key.clone()));
            }
        }
        self.meet().await;
        match self.inner.commit(&commit).await {
            Err(CommitError::Duplicate(_)) => {
                commit.puts.iter_mut().for_each(|put| put.record.keys.clear());
                self.inner.commit(&commit).await
            }
            answer => answer,
        }
    }

    async fn commit_in_two_steps(&self, commit: Commit) -> Result<Counts, CommitError> {
        let first = Commit { puts: commit.puts.clone(), ..self.empty() };
        self.inner.commit(&first).await?;
        tokio::task::yield_now().await;
        self.inner.commit(&Commit { puts: Vec::new(), ..commit }).await
    }

    /// Keeps the version that was put, by putting until the store counts as far.
    async fn version_as_put(&self, commit: Commit) -> Result<Counts, CommitError> {
        let counts = self.inner.commit(&commit).await?;
        for put in &commit.puts {
            while let Some(stored) = self.stored(put.record.id).await
                && stored.version < put.record.version
            {
                let put = Put { record: put.record.clone(), expect: Expect::Version(stored.version) };
                self.made(&Commit { puts: vec![put], ..self.empty() }).await;
            }
        }
        Ok(counts)
    }

    /// Looks first and takes later, whoever was there in between.
    pub(crate) async fn claim_outside(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        let ids: Vec<Uuid> = self.notes().ids.iter().copied().collect();
        let mut due = Vec::new();
        for id in ids {
            let record = self.stored(id).await;
            due.extend(record.filter(|record| record.due.is_some_and(|(of, at)| of == lane && at <= now)));
        }
        due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        self.meet().await;
        for record in &mut due {
            let Some(stored) = self.stored(record.id).await else { continue };
            record.due = Some((lane, until));
            let put = Put { record: record.clone(), expect: Expect::Version(stored.version) };
            let _ = self.inner.commit(&Commit { puts: vec![put], ..self.empty() }).await;
        }
        Ok(due)
    }

    pub(crate) async fn claim_in_two_steps(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        let records = self.inner.claim(lane, now, until + TimeDelta::days(36_500), limit).await?;
        tokio::task::yield_now().await;
        for record in &records {
            let due = Some((lane, until));
            let put =
                Put { record: Record { due, ..record.clone() }, expect: Expect::Version(record.version) };
            self.made(&Commit { puts: vec![put], ..self.empty() }).await;
        }
        Ok(records)
    }
}
