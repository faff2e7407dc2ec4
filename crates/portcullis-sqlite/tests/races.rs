//! Many callers at once against a whole engine on a file, and on a file that two stores share.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis::port::store::Store;
use portcullis::testing::races;
use portcullis_sqlite::SqliteStore;

/// A folder of its own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("portcullis-sqlite-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn the_promises_hold_on_a_file_that_two_stores_share() {
    let folder = Folder::new("races");
    let file = folder.0.join("test.db");
    let stores: [Arc<dyn Store>; 2] = [(); 2].map(|()| Arc::new(SqliteStore::open(&file).unwrap()) as Arc<_>);
    let next = AtomicUsize::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build();
    runtime.unwrap().block_on(races::run_all(1, || async {
        Arc::clone(&stores[next.fetch_add(1, Ordering::Relaxed) % 2])
    }));
}

#[test]
fn a_code_is_not_kept_waiting_by_a_hundred_thousand_notices() {
    let folder = Folder::new("waiting");
    let store = Arc::new(SqliteStore::open(folder.0.join("test.db")).unwrap()) as Arc<dyn Store>;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.unwrap().block_on(races::a_code_goes_before_waiting_notices(&store, 1, 100_000));
}

#[test]
fn a_recovery_is_not_kept_waiting_by_looks_at_a_hundred_thousand_accounts() {
    let folder = Folder::new("looks");
    let store = Arc::new(SqliteStore::open(folder.0.join("test.db")).unwrap()) as Arc<dyn Store>;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.unwrap().block_on(races::a_recovery_goes_before_waiting_looks(&store, 1, 100_000));
}
