//! Every state that a record goes through, as the model test and a few lives make it go: `docs/states.md` draws these
//! steps, all of them and no others.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod lives;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::error::PortError;
use portcullis::memory::MemoryStore;
use portcullis::port::store::{
    Commit, CommitError, Counts, Expect, Key, Lane, Page, Purge, Read, Record, Snapshot, Start, Store,
    TrailPage, Waiting,
};
use portcullis::testing::machine::{self, Plan};
use serde_json::Value;
use uuid::Uuid;

const DRAWN: &str = include_str!("../../../../docs/states.md");

/// Where a diagram begins and ends.
const BOUND: &str = "[*]";

/// A step of a diagram: its name, the state before, the state after.
type Step = (String, String, String);

/// One thing about a record that has states: the name of its diagram, the kind of the record, and how the state is
/// read off a body. `None` is no state at all.
struct Machine {
    name: &'static str,
    kind: &'static str,
    state: fn(&Value) -> Option<&str>,
}

const MACHINES: &[Machine] = &[
    Machine { name: "Challenge", kind: "challenge", state: |body| body["state"].as_str() },
    Machine { name: "Message", kind: "message", state: message },
    Machine { name: "Delivery of an SMS", kind: "message", state: |body| body["delivery"].as_str() },
    Machine { name: "E-mail address", kind: "user", state: email },
    Machine { name: "Two-factor authentication", kind: "user", state: |body| body["two_factor"].as_str() },
    Machine { name: "User", kind: "user", state: |body| Some(user(body)) },
    Machine { name: "Account", kind: "account", state: |body| Some(account(body)) },
    Machine { name: "Session", kind: "session", state: |_| Some("alive") },
    Machine { name: "Request for a recovery", kind: "recovery_request", state: |_| Some("waiting") },
    Machine { name: "flespi connection", kind: "flespi_connection", state: |body| Some(flespi(body)) },
];

fn message(body: &Value) -> Option<&str> {
    match body["outcome"].as_str()? {
        "waiting" if body["submitted"] == true => Some("submitted"),
        outcome => Some(outcome),
    }
}

fn email(body: &Value) -> Option<&str> {
    match (body["email"].is_null(), body["pending_email"].is_null()) {
        (true, true) => None,
        (true, false) => Some("unconfirmed"),
        (false, true) => Some("confirmed"),
        (false, false) => Some("changing"),
    }
}

fn user(body: &Value) -> &'static str {
    match (body["disabled"] == true, body["password"].is_null()) {
        (true, _) => "disabled",
        (false, true) => "invited",
        (false, false) => "active",
    }
}

fn account(body: &Value) -> &'static str {
    if body["blocked"] == true { "blocked" } else { "open" }
}

fn flespi(body: &Value) -> &'static str {
    match (body["connected"].is_null(), body["connecting"].is_null()) {
        (true, true) => "absent",
        (true, false) => "connecting",
        (false, true) => "connected",
        (false, false) => "renewing",
    }
}

/// A store in memory that writes down every step of every record.
#[derive(Default)]
struct Watched {
    inner: MemoryStore,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    steps: BTreeSet<Step>,
    /// What may be purged, and what it was.
    dead: BTreeMap<Uuid, Record>,
}

impl Watched {
    async fn stored(&self, id: Uuid) -> Option<Record> {
        let read = Read { starts: vec![Start::Id(id)], ..Read::default() };
        self.inner.read(&read).await.unwrap().records.remove(&id)
    }

    fn note(&self, before: Option<&Record>, after: Option<&Record>) {
        let kind = before.or(after).unwrap().kind.as_str();
        let mut book = self.book.lock().unwrap();
        for machine in MACHINES.iter().filter(|machine| machine.kind == kind) {
            let state = |record: Option<&Record>| {
                let body: Value = serde_json::from_str(&record?.body).unwrap();
                (machine.state)(&body).map(str::to_owned)
            };
            let (from, to) = (state(before), state(after));
            if from != to {
                let drawn = |state: Option<String>| state.unwrap_or_else(|| BOUND.to_owned());
                book.steps.insert((machine.name.to_owned(), drawn(from), drawn(to)));
            }
        }
    }
}

#[async_trait]
impl Store for Watched {
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
        let mut before = BTreeMap::new();
        let ids =
            commit.puts.iter().map(|put| put.record.id).chain(commit.deletes.iter().map(|delete| delete.id));
        for id in ids {
            before.insert(id, self.stored(id).await);
        }
        let answer = self.inner.commit(commit).await?;
        for put in &commit.puts {
            let old = before.remove(&put.record.id).flatten();
            // What another commit has changed since it was looked at is no step of this one.
            let same = match put.expect {
                Expect::Version(version) => old.as_ref().is_some_and(|old| old.version == version),
                Expect::Absent => old.is_none(),
                Expect::AbsentElseSkip { .. } => old.is_none() && self.stored(put.record.id).await.is_some(),
            };
            if same {
                self.note(old.as_ref(), Some(&put.record));
            }
            let mut book = self.book.lock().unwrap();
            if matches!(put.record.due, Some((Lane::Dead, _))) {
                book.dead.insert(put.record.id, put.record.clone());
            } else {
                book.dead.remove(&put.record.id);
            }
        }
        for delete in &commit.deletes {
            if let Some(old) = before.remove(&delete.id).flatten().filter(|old| old.version == delete.version)
            {
                self.note(Some(&old), None);
            }
        }
        Ok(answer)
    }

    async fn audit(&self, subject: Uuid, page: TrailPage) -> Result<Vec<AuditEvent>, PortError> {
        self.inner.audit(subject, page).await
    }

    async fn purge(&self, what: Purge, before: DateTime<Utc>, limit: u32) -> Result<u32, PortError> {
        let removed = self.inner.purge(what, before, limit).await?;
        let dead = self.book.lock().unwrap().dead.clone();
        if removed > 0 && what == Purge::Records {
            for (id, record) in dead {
                if self.stored(id).await.is_none() {
                    self.note(Some(&record), None);
                    self.book.lock().unwrap().dead.remove(&id);
                }
            }
        }
        Ok(removed)
    }
}

/// Every step that the model test and the lives make.
fn seen() -> BTreeSet<Step> {
    let book = Arc::new(Mutex::new(Book::default()));
    let store = || {
        book.lock().unwrap().dead.clear();
        let store = Watched { inner: MemoryStore::new(), book: Arc::clone(&book) };
        async { Arc::new(store) as Arc<dyn Store> }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        machine::run(store, &Plan::new(11, 100, 30)).await;
        lives::sms(&store().await).await;
        lives::flespi(&store().await).await;
        lives::messages(&store().await).await;
        lives::links(&store().await).await;
    });
    book.lock().unwrap().steps.clone()
}

/// Every step that is drawn: in each section, the lines of the form `from --> to` or `from --> to: why`.
fn drawn() -> BTreeSet<Step> {
    let mut steps = BTreeSet::new();
    for section in DRAWN.split("\n## ").skip(1) {
        let (name, rest) = section.split_once('\n').unwrap();
        for line in rest.lines() {
            let Some((from, to)) = line.split_once(" --> ") else { continue };
            let to = to.split_once(':').map_or(to, |(to, _)| to);
            let step = (name.to_owned(), from.trim().to_owned(), to.trim().to_owned());
            assert!(steps.insert(step.clone()), "{step:?} is drawn twice");
        }
    }
    steps
}

#[test]
fn the_diagrams_draw_every_step_and_no_other() {
    let (drawn, seen) = (drawn(), seen());
    let undrawn: Vec<_> = seen.difference(&drawn).collect();
    let unseen: Vec<_> = drawn.difference(&seen).collect();
    assert!(
        undrawn.is_empty() && unseen.is_empty(),
        "happens, and is not drawn: {undrawn:#?}\nis drawn, and never happens: {unseen:#?}"
    );
}
