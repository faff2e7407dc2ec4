//! A store in memory with one fault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::id::CommitId;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{
    Commit, CommitError, Count, Counter, Counts, Delete, Key, Lane, Order, Page, Purge, Read, Record,
    Snapshot, Start, Store, TrailPage, Waiting,
};
use tokio::sync::Notify;
use uuid::Uuid;

macro_rules! faults {
    ($($name:ident)+) => {
        /// What is wrong with the store.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Fault { $($name),+ }

        impl Fault {
            /// Every fault.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

faults! {
    MissingNotSaid ReadsByIdOnly OneHop ThreeHops ListedSubjectsOnly NoListedSubjects ShowsZeros ShowsEnded TornRead
    ListReversed ListUnpaged ListUnlimited ListsLookupOnly ListsBothSorts
    FoldsCase TrimsKeys ForgetsKeyNames KeepsOldKeys KeepsKeysOfFirstPut KeysNotUnique NamesWrongKey LookupIsUnique
    KeysNeverFree KeysPutByPut KeysOutside
    LastPutWins VersionAsPut Upserts SkipOverwrites SkipConflicts SkipClaimsKeys SkipDropsTheRest CounterBefore
    IgnoresCounter NeedsMoreThanCounter DeletesBlindly DeletesNothing
    Milliseconds SortsRefs RewritesJson ForgetsTenant ShortBodies
    GuardsNothing GuardsForgiveAbsence GuardsCompareOnly
    OnePastLimit FillsUp BelowOrEqual BelowOpens GivesBackAnyWindow GivesBackNothing StepsReversed LastStepOnly
    NoCounts CountsOfAddsOnly SixteenBits
    ExtendsWindow NoWindows ClearKeepsWindow GiveBackCloses TrustsFarEnds DistrustsAllEnds DistrustsColleagues UntilIsRolling
    PastUntilKept PastUntilNotCounted EveryWindowEnds
    FailureAudited FailureCounted FailurePuts FailureBurnsId
    AlwaysNew BareForgotten ReplayConflicts ReplayAudited ReplayOldCounts
    CountsOutside ComparesOutside CommitInTwoSteps
    ClaimsEarly ClaimsAnyLane ClaimsLatestFirst ClaimUnlimited ClaimShowsOldVersion ClaimLosesKeys NoFence
    SharesClaims ClaimsOutside ForgetsUntil HalvesUntil ClaimsTheDead ClaimInTwoSteps
    CountsWhatIsNotDue CountsUnbounded CountsInteractiveOnly CountsBeforeTheInstant OldestIsNow
    TrailReversed TrailUnpaged TrailOfAll TrailForgetsActor TrailAlwaysOldestFirst TrailTurnsPages
    PurgeUnlimited PurgeAtInstant PurgeTooMuch PurgeMiscounts PurgesTheLiving
}

/// How long a caller waits for another one.
const PATIENCE: Duration = Duration::from_millis(200);

/// A store in memory with at most one fault.
pub(crate) struct Broken {
    pub(crate) inner: MemoryStore,
    pub(crate) fault: Option<Fault>,
    notes: Mutex<Notes>,
    met: Notify,
}

/// What some faults need to remember.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) made: u128,
    pub(crate) owners: BTreeMap<Key, Uuid>,
    pub(crate) counters: BTreeSet<Counter>,
    pub(crate) answers: BTreeMap<CommitId, Counts>,
    pub(crate) burnt: BTreeSet<CommitId>,
    pub(crate) subjects: BTreeSet<Uuid>,
    pub(crate) ids: BTreeSet<Uuid>,
    claimed: Vec<Record>,
    alone: bool,
}

impl Broken {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self { inner: MemoryStore::new(), fault, notes: Mutex::default(), met: Notify::new() }
    }

    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id that nobody has used.
    pub(crate) fn fresh(&self) -> Uuid {
        let mut notes = self.notes();
        notes.made += 1;
        Uuid::from_u128(notes.made)
    }

    pub(crate) async fn stored(&self, id: Uuid) -> Option<Record> {
        let read = Read { starts: vec![Start::Id(id)], ..Read::default() };
        self.inner.read(&read).await.ok()?.records.remove(&id)
    }

    pub(crate) async fn held(&self, counter: &Counter, now: DateTime<Utc>) -> Count {
        let read = Read { now, starts: Vec::new(), subjects: vec![counter.subject] };
        let snapshot = self.inner.read(&read).await.unwrap_or_default();
        snapshot.counters.get(counter).copied().unwrap_or_default()
    }

    /// Every record that was ever put and is there, in id order.
    async fn everything(&self) -> Vec<Record> {
        let starts = self.notes().ids.iter().map(|id| Start::Id(*id)).collect();
        let read = Read { starts, ..Read::default() };
        self.inner.read(&read).await.unwrap_or_default().records.into_values().collect()
    }

    /// Deletes a record, whatever its version.
    async fn destroy(&self, record: &Record) {
        let delete = Delete { id: record.id, version: record.version };
        let commit = Commit { deletes: vec![delete], ..self.empty() };
        assert!(self.inner.commit(&commit).await.is_ok(), "the fault itself fails");
    }

    /// A commit of nothing under an id that nobody has used.
    pub(crate) fn empty(&self) -> Commit {
        Commit {
            id: CommitId::from_uuid(self.fresh()),
            now: DateTime::UNIX_EPOCH,
            puts: Vec::new(),
            guards: Vec::new(),
            deletes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        }
    }

    async fn torn(&self, read: &Read) -> Result<Snapshot, PortError> {
        let mut whole = Snapshot::default();
        for start in &read.starts {
            let part = Read { starts: vec![start.clone()], subjects: Vec::new(), ..*read };
            let part = self.inner.read(&part).await?;
            whole.found.extend(part.found);
            whole.records.extend(part.records);
            whole.counters.extend(part.counters);
            linger().await;
        }
        let part = Read { starts: Vec::new(), ..read.clone() };
        whole.counters.extend(self.inner.read(&part).await?.counters);
        Ok(whole)
    }

    /// Reads what every reference in a snapshot leads to, too.
    async fn one_hop_more(&self, read: &Read, snapshot: &mut Snapshot) -> Result<(), PortError> {
        for id in snapshot.records.values().flat_map(|record| record.refs.clone()).collect::<Vec<_>>() {
            let further = Read { now: read.now, starts: vec![Start::Id(id)], subjects: Vec::new() };
            let record = self.inner.read(&further).await?;
            snapshot.records.extend(record.records.into_iter().filter(|(found, _)| *found == id));
        }
        Ok(())
    }

    /// Waits a while for another caller at the same point: both have looked then, and neither has acted.
    pub(crate) async fn meet(&self) {
        let alone = {
            let mut notes = self.notes();
            notes.alone = !notes.alone;
            notes.alone
        };
        if !alone {
            self.met.notify_one();
        } else if tokio::time::timeout(PATIENCE, self.met.notified()).await.is_err() {
            self.notes().alone = false;
        }
    }

    fn key(&self, key: &Key) -> Key {
        let mut key = key.clone();
        crate::alter::key(self.fault, &mut key);
        key
    }
}

/// Lets the others go on for a while.
async fn linger() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[async_trait]
impl Store for Broken {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        if self.has(Fault::TornRead) {
            return self.torn(read).await;
        }
        let mut read = read.clone();
        for start in &mut read.starts {
            if let Start::Key(key) = start {
                *key = self.key(key);
                if self.has(Fault::ReadsByIdOnly) {
                    *start = Start::Id(Uuid::nil());
                }
            }
        }
        if self.has(Fault::ShowsEnded) {
            read.now = DateTime::<Utc>::MIN_UTC;
        }
        let mut snapshot = self.inner.read(&read).await?;
        if self.has(Fault::MissingNotSaid) {
            snapshot.found.retain(Option::is_some);
        }
        if self.has(Fault::OneHop) {
            let starts: BTreeSet<Uuid> = snapshot.found.iter().flatten().copied().collect();
            let near = starts.iter().filter_map(|id| snapshot.records.get(id));
            let near: BTreeSet<Uuid> =
                near.flat_map(|record| record.refs.clone()).chain(starts.clone()).collect();
            snapshot.records.retain(|id, _| near.contains(id));
        }
        if self.has(Fault::ThreeHops) {
            self.one_hop_more(&read, &mut snapshot).await?;
        }
        if self.has(Fault::ListedSubjectsOnly) {
            snapshot.counters.retain(|counter, _| read.subjects.contains(&counter.subject));
        }
        if self.has(Fault::NoListedSubjects) {
            snapshot.counters.retain(|counter, _| snapshot.records.contains_key(&counter.subject));
        }
        if self.has(Fault::ShowsZeros) {
            for counter in &self.notes().counters {
                if snapshot.records.contains_key(&counter.subject) {
                    snapshot.counters.entry(counter.clone()).or_default();
                }
            }
        }
        if self.has(Fault::SixteenBits) {
            snapshot.counters.values_mut().for_each(|count| count.value %= 1 << 16);
        }
        Ok(snapshot)
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        let mut page = page;
        if self.has(Fault::ListUnpaged) {
            page.after = None;
        }
        if self.has(Fault::ListUnlimited) {
            page.limit = u32::MAX;
        }
        if self.has(Fault::ListsLookupOnly) && key.unique {
            return Ok(Vec::new());
        }
        let mut records = self.inner.list(&self.key(key), page).await?;
        if self.has(Fault::ListsBothSorts) {
            let twin = Key { unique: !key.unique, ..self.key(key) };
            records.extend(self.inner.list(&twin, page).await?);
        }
        if self.has(Fault::ListReversed) {
            records.reverse();
        }
        Ok(records)
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        let (mut now, mut until, mut limit) = (now, until, limit);
        match self.fault {
            Some(Fault::ClaimsEarly) => now += TimeDelta::hours(1),
            Some(Fault::ForgetsUntil) => until += TimeDelta::days(1),
            Some(Fault::HalvesUntil) => until = now + (until - now) / 2,
            Some(Fault::ClaimUnlimited) => limit = u32::MAX,
            Some(Fault::ClaimsOutside) => return self.claim_outside(lane, now, until, limit).await,
            Some(Fault::ClaimInTwoSteps) => return self.claim_in_two_steps(lane, now, until, limit).await,
            _ => {}
        }
        let mut records = self.inner.claim(lane, now, until, limit).await?;
        match self.fault {
            Some(Fault::ClaimsAnyLane) => {
                for other in Lane::ALL.into_iter().filter(|other| *other != lane) {
                    records.extend(self.inner.claim(other, now, until, limit).await?);
                }
            }
            Some(Fault::ClaimsLatestFirst) => records.reverse(),
            Some(Fault::ClaimShowsOldVersion) => records.iter_mut().for_each(|record| record.version -= 1),
            Some(Fault::ClaimLosesKeys) => records.iter_mut().for_each(|record| record.keys.clear()),
            Some(Fault::SharesClaims) => {
                let others = std::mem::replace(&mut self.notes().claimed, records.clone());
                records.extend(others);
            }
            Some(Fault::ClaimsTheDead) if lane == Lane::Dead => {
                let due =
                    |record: &Record| record.due.is_some_and(|(lane, at)| lane == Lane::Dead && at <= now);
                records.extend(self.everything().await.into_iter().filter(due));
            }
            _ => {}
        }
        Ok(records)
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        let (mut lane, mut now, mut at_most) = (lane, now, at_most);
        match self.fault {
            Some(Fault::CountsWhatIsNotDue) => now += TimeDelta::days(1),
            Some(Fault::CountsUnbounded) => at_most = u32::MAX,
            Some(Fault::CountsInteractiveOnly) => lane = Lane::Interactive,
            Some(Fault::CountsBeforeTheInstant) => now -= TimeDelta::microseconds(1),
            _ => {}
        }
        let mut waiting = self.inner.waiting(lane, now, at_most).await?;
        if self.has(Fault::OldestIsNow) {
            waiting.oldest = waiting.oldest.map(|_| now);
        }
        Ok(waiting)
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        self.broken_commit(commit).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        let mut page = page;
        if self.has(Fault::TrailUnpaged) {
            page.beyond = None;
        }
        let newest = page.order == Order::NewestFirst;
        if self.has(Fault::TrailAlwaysOldestFirst) || (newest && self.has(Fault::TrailTurnsPages)) {
            page.order = Order::OldestFirst;
        }
        let mut events = self.inner.audit(subject, page).await?;
        match self.fault {
            Some(Fault::TrailReversed) => events.reverse(),
            Some(Fault::TrailTurnsPages) if newest => events.reverse(),
            Some(Fault::TrailForgetsActor) => events.iter_mut().for_each(|event| event.actor = None),
            Some(Fault::TrailOfAll) => {
                let others = self.notes().subjects.clone();
                for other in others.into_iter().filter(|other| *other != subject) {
                    events.extend(self.inner.audit(other, page).await?);
                }
                events.sort_by_key(|event| event.id);
                if newest {
                    events.reverse();
                }
            }
            _ => {}
        }
        Ok(events)
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        let (mut before, mut limit) = (before, limit);
        match self.fault {
            Some(Fault::PurgeUnlimited) => limit = u32::MAX,
            Some(Fault::PurgeAtInstant) => before += TimeDelta::microseconds(1),
            Some(Fault::PurgeTooMuch) => before += TimeDelta::days(365),
            Some(Fault::PurgesTheLiving) => {
                for record in self.everything().await {
                    if record.due.is_some_and(|(_, at)| at < before) {
                        self.destroy(&record).await;
                    }
                }
            }
            _ => {}
        }
        let removed = self.inner.purge(what, before, limit).await?;
        let missed = u32::from(self.has(Fault::PurgeMiscounts));
        Ok(removed.saturating_sub(missed))
    }
}
