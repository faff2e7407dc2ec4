//! The suites of portcullis over the store: its contract, the races; and what a file is for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::PathBuf;
use std::sync::Arc;

use chrono::DateTime;
use own_store::RedbStore;
use portcullis::id::CommitId;
use portcullis::port::store::{Commit, Counter, CounterOp, Read, Store, Window};
use portcullis::testing::{conformance, races};
use uuid::Uuid;

#[test]
fn the_contract_holds() {
    let folder = Folder::new("contract");
    let store = folder.store("test");
    run(conformance::run_all(1, || async { Arc::clone(&store) }));
}

#[test]
fn the_races_are_won() {
    let folder = Folder::new("races");
    let store = folder.store("test");
    run(races::run_all(1, || async { Arc::clone(&store) }));
}

#[test]
fn what_is_kept_outlives_the_process_and_a_file_has_one_owner() {
    let folder = Folder::new("file");
    let now = DateTime::UNIX_EPOCH;
    let subject = Uuid::from_u128(1);
    let add = CounterOp::Add { n: 3, limit: 5, window: Window::None };
    let commit = Commit {
        id: CommitId::from_uuid(Uuid::from_u128(2)),
        now,
        puts: Vec::new(),
        guards: Vec::new(),
        deletes: Vec::new(),
        counters: vec![(Counter::of(subject, "guesses"), add)],
        audit: Vec::new(),
    };
    run(async {
        let store = folder.store("test");
        store.commit(&commit).await.unwrap();
        let other = RedbStore::open(folder.0.join("test")).unwrap_err();
        assert_eq!(other.to_string(), "store: the database is open elsewhere");
        drop(store);

        let store = folder.store("test");
        let read = Read { now, starts: Vec::new(), subjects: vec![subject] };
        let counters = store.read(&read).await.unwrap().counters;
        assert_eq!(counters.values().map(|count| count.value).collect::<Vec<_>>(), [3]);
        store.commit(&commit).await.unwrap();
        assert_eq!(store.read(&read).await.unwrap().counters, counters, "the same commit is known again");
    });
}

#[test]
fn it_is_as_short_as_it_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let code = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let lines = code.count();
    assert!((200..=400).contains(&lines), "{lines} lines of code");
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(future);
}

/// A folder of its own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("own-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn store(&self, name: &str) -> Arc<dyn Store> {
        Arc::new(RedbStore::open(self.0.join(name)).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
