//! What the tests of this crate share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use portcullis::audit::AuditEvent;
use portcullis::id::CommitId;
use portcullis::port::store::{
    Commit, Counter, CounterOp, Expect, Key, Kind, Put, Read, Record, Start, Window,
};
use uuid::Uuid;

/// A folder of its own with a database file to be, removed when dropped.
pub(crate) struct File {
    folder: PathBuf,
    path: PathBuf,
}

impl File {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portcullis-sqlite-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self { path: folder.join("test.db"), folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl AsRef<Path> for File {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl Drop for File {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Runs a future on a runtime of one thread.
pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

/// The id with this number: numbers sort as their ids do.
pub(crate) fn id(number: u64) -> Uuid {
    portcullis::id::uuid_v7(DateTime::from_timestamp_millis(number.cast_signed()).unwrap(), [1; 10])
}

pub(crate) fn event(number: u64, subject: Uuid) -> AuditEvent {
    AuditEvent {
        id: id(number),
        at: at(0),
        tenant: Uuid::nil(),
        subject,
        actor: None,
        action: "tested".into(),
        reason: None,
        source: None,
        about: None,
    }
}

/// A commit that does nothing yet but leave one event.
pub(crate) fn commit(number: u64) -> Commit {
    let event = event(number, id(1));
    Commit {
        id: CommitId::from_uuid(event.id),
        now: at(0),
        puts: vec![],
        guards: vec![],
        deletes: vec![],
        counters: vec![],
        audit: vec![event],
    }
}

pub(crate) fn record(number: u64) -> Record {
    Record {
        tenant: Uuid::nil(),
        kind: Kind::of("user"),
        id: id(number),
        version: 1,
        keys: vec![],
        refs: vec![],
        due: None,
        body: "{\"v\":1}".into(),
    }
}

pub(crate) fn put(record: Record, expect: Expect) -> Put {
    Put { record, expect }
}

pub(crate) fn login(value: &str) -> Key {
    Key::unique(Kind::of("user"), "login", value)
}

pub(crate) fn add(number: u64, limit: u32) -> (Counter, CounterOp) {
    (Counter::of(id(number), "guesses"), CounterOp::Add { n: 1, limit, window: Window::None })
}

pub(crate) fn read_id(number: u64) -> Read {
    Read { now: at(0), starts: vec![Start::Id(id(number))], subjects: vec![] }
}
