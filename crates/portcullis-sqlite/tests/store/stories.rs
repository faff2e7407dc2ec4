//! The core's stories of notices, each on a new file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis::port::store::Store;
use portcullis::testing::stories;
use portcullis_sqlite::SqliteStore;

use crate::common::File;

#[test]
fn the_stories_of_notices_hold_on_a_file() {
    let folder = File::new();
    let next = AtomicUsize::new(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.unwrap().block_on(stories::run_all(|| async {
        let number = next.fetch_add(1, Ordering::Relaxed);
        Arc::new(SqliteStore::open(folder.folder().join(format!("{number}.db"))).unwrap()) as Arc<dyn Store>
    }));
    assert_eq!(next.load(Ordering::Relaxed), stories::STORIES.len());
}
