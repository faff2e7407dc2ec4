//! A database of its own for each test, on the server named by `PORTCULLIS_TEST_POSTGRES`.

#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "shared by test files")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::audit::AuditEvent;
use portcullis::id::CommitId;
use portcullis::port::store::{
    Commit, Counter, CounterOp, Expect, Guard, Key, Kind, Lane, Put, Record, Window,
};
use portcullis_postgres::{PostgresOptions, PostgresStore};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A fresh database.
#[derive(Clone)]
pub struct Database {
    pub url: String,
}

impl Database {
    /// A store on it.
    pub async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url).await.unwrap()
    }

    /// A store on it, migrated.
    pub async fn migrated(&self) -> PostgresStore {
        let store = self.store().await;
        store.migrate().await.unwrap();
        store
    }

    /// A connection beside the store.
    pub async fn client(&self) -> Client {
        client(&self.url).await
    }

    pub fn options(&self) -> PostgresOptions {
        PostgresOptions::from_url(&self.url).unwrap()
    }

    /// Waits until somebody waits for a lock on this database.
    pub async fn until_somebody_waits(&self, waiting: i64) {
        let client = self.client().await;
        loop {
            let row = client
                .query_one(
                    "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'",
                    &[],
                )
                .await
                .unwrap();
            if row.get::<_, i64>(0) >= waiting {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

pub async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Where the server is, or why the test is skipped.
pub fn server(test: &str) -> Option<String> {
    if let Ok(url) = std::env::var("PORTCULLIS_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(
        std::env::var("PORTCULLIS_NO_SKIP").is_err(),
        "{test} was skipped: PORTCULLIS_TEST_POSTGRES is not set"
    );
    eprintln!("skipped: {test}: PORTCULLIS_TEST_POSTGRES is not set");
    None
}

/// Runs a test in a database of its own, and drops the database whatever came of it.
pub fn in_database<F>(test: &str, body: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(server) = server(test) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let name = format!("portcullis_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
    let url = format!("{base}/{name}");
    let outcome = runtime.block_on(async {
        let admin = client(&server).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let outcome = tokio::spawn(body(Database { url })).await;
        let _ = client(&server).await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        outcome
    });
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_000).unwrap()
}

pub fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

pub fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub fn event(n: u128) -> AuditEvent {
    AuditEvent {
        id: id(n),
        at: now(),
        tenant: id(1),
        subject: id(2),
        actor: None,
        action: "tested".into(),
        reason: Some("because".into()),
        source: None,
        about: Some(id(3)),
    }
}

/// A commit with one event and nothing else; its id is a number.
pub fn commit(n: u128) -> Commit {
    let n = n + (1 << 64);
    Commit {
        id: CommitId::from_uuid(id(n)),
        now: now(),
        puts: Vec::new(),
        guards: Vec::new(),
        deletes: Vec::new(),
        counters: Vec::new(),
        audit: vec![event(n)],
    }
}

pub fn record(n: u128) -> Record {
    Record {
        tenant: id(1),
        kind: Kind::of("user"),
        id: id(n),
        version: 0,
        keys: Vec::new(),
        refs: Vec::new(),
        due: None,
        body: "{\"v\":1}".to_owned(),
    }
}

pub fn due(record: Record, lane: Lane, seconds: i64) -> Record {
    Record { due: Some((lane, later(seconds))), ..record }
}

pub fn login(value: &str) -> Key {
    Key::unique(Kind::of("user"), "login", value)
}

pub fn insert(record: Record) -> Put {
    Put { record, expect: Expect::Absent }
}

pub fn once(record: Record) -> Put {
    Put { record, expect: Expect::AbsentElseSkip { at: None } }
}

pub fn update(record: Record, version: u64) -> Put {
    Put { record, expect: Expect::Version(version) }
}

pub fn guard(n: u128, version: u64) -> Guard {
    Guard { id: id(n), version }
}

pub fn guesses() -> Counter {
    Counter::of(id(2), "guesses")
}

pub fn add(n: u32, limit: u32) -> CounterOp {
    CounterOp::Add { n, limit, window: Window::None }
}

/// Runs so many tasks at once and gives what came of them.
pub async fn at_once<T, F>(tasks: u32, task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(tokio::sync::Barrier::new(usize::try_from(tasks).unwrap()));
    let running: Vec<_> = (0..tasks)
        .map(|n| {
            let (start, task) = (Arc::clone(&start), task(n));
            tokio::spawn(async move {
                start.wait().await;
                task.await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in running {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}
