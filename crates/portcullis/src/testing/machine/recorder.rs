//! A store that notes what was kept, so that what a commit must hold can be asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};

/// Passes every call on and keeps the commits that were kept.
pub(super) struct Recorder {
    inner: Arc<dyn Store>,
    kept: Mutex<Vec<Commit>>,
}

impl Recorder {
    pub(super) fn on(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner: store, kept: Mutex::default() })
    }

    /// The commits since the last call.
    pub(super) fn take(&self) -> Vec<Commit> {
        core::mem::take(&mut *self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Commit>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Recorder {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        self.inner.read(read).await
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
        self.inner.claim(lane, now, until, limit).await
    }

    async fn waiting(&self, lane: Lane, now: DateTime<Utc>, at_most: u32) -> Result<Waiting, PortError> {
        self.inner.waiting(lane, now, at_most).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Counts, CommitError> {
        let answer = self.inner.commit(commit).await;
        if answer.is_ok() {
            self.kept().push(commit.clone());
        }
        answer
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.inner.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        self.inner.purge(what, before, limit).await
    }
}

/// How often each action stands in the trail.
pub(super) fn actions(commits: &[Commit], into: &mut BTreeMap<String, u64>) {
    for event in commits.iter().flat_map(|commit| &commit.audit) {
        *into.entry(event.action.to_string()).or_default() += 1;
    }
}

/// What every commit must hold by itself: a code or link is issued with its message in the same commit, and a refusal
/// writes nothing but the challenge or session it found dead.
pub(super) fn whole(commit: &Commit) -> Result<(), &'static str> {
    let made = |action: &str| ["code_issued", "link_issued"].contains(&action);
    let issues = commit.audit.iter().filter(|event| made(event.action.as_ref())).count();
    let challenges: Vec<Uuid> = commit
        .puts
        .iter()
        .filter(|put| put.record.kind.as_str() == "challenge")
        .map(|put| put.record.id)
        .collect();
    let carriers = commit
        .puts
        .iter()
        .filter(|put| put.record.kind.as_str() == "message")
        .filter(|put| put.record.refs.iter().any(|id| challenges.contains(id)))
        .count();
    if issues != carriers {
        return Err("I-28: a code and its message are kept together");
    }
    let refused = !commit.audit.is_empty()
        && commit.audit.iter().all(|event| event.action.as_ref().ends_with("_refused"));
    let more = |put: &&crate::port::store::Put| !["challenge", "message"].contains(&put.record.kind.as_str());
    if refused && commit.puts.iter().any(|put| more(&put)) {
        return Err("I-33: a refusal changes nothing but counters and trail");
    }
    // How far a look for notices has come tells nobody anything; its end is told.
    let untold =
        |put: &crate::port::store::Put| !["message", "notice_schedule"].contains(&put.record.kind.as_str());
    if commit.audit.is_empty() && commit.puts.iter().any(untold) {
        return Err("I-27: a change leaves an event");
    }
    Ok(())
}
