//! A database of its own for each test, on the server named by `PORTCULLIS_TEST_POSTGRES`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use portcullis::audit::AuditEvent;
use portcullis::id::CommitId;
use portcullis::port::store::{
    Commit, Counter, CounterOp, Expect, Guard, Key, Kind, Lane, Put, Record, Window,
};
use portcullis::testing::World;
use portcullis_postgres::{PostgresOptions, PostgresStore, deadpool_postgres};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A fresh database.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) url: String,
}

impl Database {
    /// A store on it.
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect(&self.url).await.unwrap()
    }

    /// A store on it, migrated.
    pub(crate) async fn migrated(&self) -> PostgresStore {
        let store = self.store().await;
        store.migrate().await.unwrap();
        store
    }

    /// A connection beside the store.
    pub(crate) async fn client(&self) -> Client {
        client(&self.url).await
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap()
    }

    /// Its URL for another user, without a password.
    pub(crate) fn url_of(&self, user: &str) -> String {
        self.url.replace("//postgres@", &format!("//{user}@"))
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions::from_url(&self.url).unwrap()
    }

    /// Waits until so many sessions wait for a lock on this database.
    pub(crate) async fn until_somebody_waits(&self, waiting: i64) {
        let waits = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.until(waits, |count| count >= waiting).await;
    }

    /// Asks the server until the number it gives is right.
    pub(crate) async fn until(&self, sql: &str, is_right: impl Fn(i64) -> bool) {
        let client = self.client().await;
        let asking = async {
            while !is_right(client.query_one(sql, &[]).await.unwrap().get(0)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), asking).await.expect("it never came to be");
    }
}

pub(crate) async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Where the server is, or why the test is skipped.
pub(crate) fn server(test: &str) -> Option<String> {
    if let Ok(url) = std::env::var("PORTCULLIS_TEST_POSTGRES") {
        return Some(url);
    }
    skip(test, "PORTCULLIS_TEST_POSTGRES is not set");
    None
}

/// Says that a test is skipped and why; fails where nothing may be skipped.
pub(crate) fn skip(test: &str, why: &str) {
    assert!(std::env::var("PORTCULLIS_NO_SKIP").is_err(), "{test} was skipped: {why}");
    // Straight to the stream: the harness would keep back what a passing test prints.
    let _ = std::io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes());
}

/// Runs a test in a database of its own, and drops the database whatever came of it.
pub(crate) fn in_database<F>(test: &str, body: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(server) = server(test) else { return };
    in_database_of(&server, &server, body);
}

/// Runs a test in a database of its own that is reached through a `PgBouncer` in transaction mode.
pub(crate) fn behind_bouncer<F>(test: &str, body: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(server) = server(test) else { return };
    let Ok(bouncer) = std::env::var("PORTCULLIS_TEST_PGBOUNCER") else {
        return skip(test, "PORTCULLIS_TEST_PGBOUNCER is not set");
    };
    in_database_of(&server, &bouncer, body);
}

/// Makes the database on the server, and gives its URL by way of another.
fn in_database_of<F>(server: &str, by_way_of: &str, body: impl FnOnce(Database) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let name = format!("portcullis_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let (base, _) = by_way_of.rsplit_once('/').expect("a URL with a database name");
    let url = format!("{base}/{name}");
    let outcome = runtime.block_on(async {
        let admin = client(server).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let outcome = tokio::spawn(body(Database { url })).await;
        let _ = client(server).await.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
        outcome
    });
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 123_456_000).unwrap()
}

pub(crate) fn later(seconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::seconds(seconds)
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn event(n: u128) -> AuditEvent {
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
pub(crate) fn commit(n: u128) -> Commit {
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

pub(crate) fn record(n: u128) -> Record {
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

pub(crate) fn due(record: Record, lane: Lane, seconds: i64) -> Record {
    Record { due: Some((lane, later(seconds))), ..record }
}

pub(crate) fn login(value: &str) -> Key {
    Key::unique(Kind::of("user"), "login", value)
}

pub(crate) fn with_key(n: u128, value: &str) -> Record {
    Record { keys: vec![login(value)], ..record(n) }
}

pub(crate) fn insert(record: Record) -> Put {
    Put { record, expect: Expect::Absent }
}

pub(crate) fn once(record: Record) -> Put {
    Put { record, expect: Expect::AbsentElseSkip { at: None } }
}

pub(crate) fn update(record: Record, version: u64) -> Put {
    Put { record, expect: Expect::Version(version) }
}

pub(crate) fn guard(n: u128, version: u64) -> Guard {
    Guard { id: id(n), version }
}

pub(crate) fn guesses() -> Counter {
    Counter::of(id(2), "guesses")
}

pub(crate) fn add(n: u32, limit: u32) -> CounterOp {
    CounterOp::Add { n, limit, window: Window::None }
}

/// Runs so many tasks at once and gives what came of them.
pub(crate) async fn at_once<T, F>(tasks: u32, task: impl Fn(u32) -> F) -> Vec<T>
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

/// What two programs share, so that one reads what the other sealed.
pub(crate) fn keyring() -> portcullis::keyring::Keyring {
    World::new().security.keyring()
}

/// A host's pool of its own.
pub(crate) fn pool(url: &str, connections: usize) -> deadpool_postgres::Pool {
    let manager = deadpool_postgres::Manager::new(url.parse().unwrap(), NoTls);
    deadpool_postgres::Pool::builder(manager).max_size(connections).build().unwrap()
}
