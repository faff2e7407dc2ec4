//! The store a race plays on: it lets callers read together, holds one commit back, and notes what was kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::{Barrier, Semaphore};
use uuid::Uuid;

use crate::audit::AuditEvent;
use crate::error::PortError;
use crate::port::store::{
    Commit, CommitError, Counts, Key, Lane, Page, Purge, Read, Record, Snapshot, Store, TrailPage, Waiting,
};

/// Passes every call on to the store under test.
pub(super) struct Stage {
    inner: Arc<dyn Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many of the next reads wait for each other, and where.
    line: Option<(usize, Arc<Barrier>)>,
    gates: BTreeMap<&'static str, Arc<Gate>>,
    kept: Vec<Kept>,
}

/// A commit the store has said yes to.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// What it left in the trail.
    pub(super) actions: Vec<String>,
    /// What it counted.
    pub(super) counts: Counts,
}

/// Where commits wait until they are let through.
pub(super) struct Gate {
    arrived: Semaphore,
    opened: Semaphore,
}

impl Gate {
    /// A closed gate.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { arrived: Semaphore::new(0), opened: Semaphore::new(0) })
    }

    /// Waits until a commit waits.
    pub(super) async fn somebody_waits(&self) {
        self.arrived.acquire().await.expect("nobody closes the door bell").forget();
    }

    /// Rings for one who will not come any more.
    pub(super) fn passed_by(&self) {
        self.arrived.add_permits(1);
    }

    /// Lets every commit through, from now on.
    pub(super) fn open(&self) {
        self.opened.close();
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.arrived.add_permits(1);
        // It is closed to be opened: an error is the way through.
        let _ = self.opened.acquire().await;
    }
}

impl Stage {
    pub(super) fn on(store: &Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner: Arc::clone(store), state: Mutex::default() })
    }

    /// The next so many reads wait for each other, so that no caller commits before all have read.
    pub(super) fn line_up(&self, callers: usize) {
        self.state().line = Some((callers, Arc::new(Barrier::new(callers))));
    }

    /// Holds every commit that would leave this event, until the gate is opened.
    pub(super) fn hold(&self, action: &'static str) -> Arc<Gate> {
        let gate = Gate::new();
        self.state().gates.insert(action, Arc::clone(&gate));
        gate
    }

    /// The commits kept so far that left this event.
    pub(super) fn kept(&self, action: &str) -> Vec<Kept> {
        let left = |kept: &&Kept| kept.actions.iter().any(|left| left == action);
        self.state().kept.iter().filter(left).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place_in_line(&self) -> Option<Arc<Barrier>> {
        let mut state = self.state();
        let (left, barrier) = state.line.take()?;
        if left > 1 {
            state.line = Some((left - 1, Arc::clone(&barrier)));
        }
        Some(barrier)
    }

    fn gate(&self, commit: &Commit) -> Option<Arc<Gate>> {
        let state = self.state();
        commit.audit.iter().find_map(|event| state.gates.get(event.action.as_ref()).cloned())
    }
}

#[async_trait]
impl Store for Stage {
    async fn read(&self, read: &Read) -> Result<Snapshot, PortError> {
        let place = self.place_in_line();
        let snapshot = self.inner.read(read).await;
        if let Some(barrier) = place {
            barrier.wait().await;
        }
        snapshot
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
        if let Some(gate) = self.gate(commit) {
            gate.pass().await;
        }
        let answer = self.inner.commit(commit).await;
        if let Ok(counts) = &answer {
            let actions = commit.audit.iter().map(|event| event.action.to_string()).collect();
            self.state().kept.push(Kept { actions, counts: counts.clone() });
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
