//! The model test on a file, against what the store in memory answers.

use std::sync::Arc;

use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::testing::machine::{self, Plan};
use portcullis_sqlite::SqliteStore;

#[test]
fn the_answers_are_those_of_the_store_in_memory() {
    let folder = std::env::temp_dir().join(format!("portcullis-sqlite-machine-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("test.db")).unwrap());
    let plan = Plan::new(7, 60, 30);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let here = runtime.block_on(machine::run(|| async { Arc::clone(&store) }, &plan));
    let memory = || async { Arc::new(MemoryStore::new()) as Arc<dyn Store> };
    let memory = runtime.block_on(machine::run(memory, &plan));
    drop(store);
    std::fs::remove_dir_all(&folder).ok();
    assert_eq!(here, memory);
}
