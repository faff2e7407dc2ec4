//! The store in memory does what every store must do.

use std::sync::Arc;

use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::testing::conformance;
use portcullis::testing::faulty::FaultyStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_store_for_each_case() {
    conformance::run_all(1, || async { Arc::new(MemoryStore::new()) as Arc<dyn Store> }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_store_for_all_cases_twice_and_behind_a_wrapper() {
    let store: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    for nonce in [1, 2] {
        conformance::run_all(nonce, || async { Arc::clone(&store) }).await;
    }
}
