//! A store in memory with one planted fault.

use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{
    Commit, CommitError, Counts, Expect, Key, Lane, Page, Purge, Read, Record, Snapshot, Start, Store,
    TrailPage, Waiting,
};
use uuid::Uuid;

type Answer = Result<Counts, CommitError>;

/// What is wrong with a store; without changes nothing is.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    /// What it makes of a commit before keeping it.
    pub(crate) alter: fn(&mut Commit),
    /// Records whose versions it does not compare.
    pub(crate) unfenced: fn(&Record) -> bool,
    /// What it makes of the answer to a commit.
    pub(crate) answer: fn(Answer) -> Answer,
    /// What it makes of a snapshot.
    pub(crate) shows: fn(Snapshot) -> Snapshot,
    /// Whether it gives what it has claimed for one to the next one too.
    pub(crate) shares_claims: bool,
}

impl Fault {
    /// Nothing is wrong.
    pub(crate) const NONE: Self = Self {
        alter: |_| (),
        unfenced: |_| false,
        answer: |answer| answer,
        shows: |snapshot| snapshot,
        shares_claims: false,
    };
}

pub(crate) struct Planted {
    inner: MemoryStore,
    fault: Fault,
    claimed: Mutex<Vec<Record>>,
}

impl Planted {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { inner: MemoryStore::new(), fault, claimed: Mutex::default() }
    }

    async fn stored(&self, id: Uuid) -> Option<Record> {
        let read = Read { starts: vec![Start::Id(id)], ..Read::default() };
        self.inner.read(&read).await.unwrap().records.remove(&id)
    }

    /// Writes the versions it has into the commit, so that none of them differs.
    async fn forgive_versions(&self, commit: &mut Commit) {
        for put in &mut commit.puts {
            if matches!(put.expect, Expect::Version(_)) && (self.fault.unfenced)(&put.record) {
                let stored = self.stored(put.record.id).await;
                put.expect = stored.map_or(Expect::Absent, |stored| Expect::Version(stored.version));
            }
        }
        let mut deletes = Vec::new();
        for delete in &commit.deletes {
            match self.stored(delete.id).await {
                Some(stored) if (self.fault.unfenced)(&stored) => {
                    deletes.push(portcullis::port::store::Delete { version: stored.version, ..*delete });
                }
                None if (self.fault.unfenced)(&nothing(delete.id)) => {}
                Some(_) | None => deletes.push(*delete),
            }
        }
        commit.deletes = deletes;
    }
}

/// What stands for a record that is gone.
fn nothing(id: Uuid) -> Record {
    Record {
        tenant: Uuid::nil(),
        kind: portcullis::port::store::Kind::of("gone"),
        id,
        version: 0,
        keys: Vec::new(),
        refs: Vec::new(),
        due: None,
        body: String::new(),
    }
}

#[async_trait]
impl Store for Planted {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.inner.read(read).await.map(self.fault.shows)
    }

    async fn list(&self, key: &Key, page: Page) -> Result<Vec<Record>, PortError> {
        self.inner.list(key, page).await
    }

    async fn claim(
        &self,
        lane: Lane,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Record>, PortError> {
        let mut claimed = self.inner.claim(lane, now, until, limit).await?;
        if self.fault.shares_claims {
            let room = usize::try_from(limit).unwrap() - claimed.len();
            let mut given = self.claimed.lock().unwrap();
            let again = given.len().saturating_sub(room);
            let again = given.split_off(again);
            given.extend(claimed.iter().cloned());
            claimed.extend(again);
        }
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit) -> Answer {
        let mut commit = commit.clone();
        (self.fault.alter)(&mut commit);
        self.forgive_versions(&mut commit).await;
        (self.fault.answer)(self.inner.commit(&commit).await)
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.inner.waiting(lane, now, at_most).await
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.inner.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.inner.purge(what, before, limit).await
    }
}
