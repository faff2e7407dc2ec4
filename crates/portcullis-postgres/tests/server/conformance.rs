//! The store contract, as the core's own suite puts it.

use std::sync::Arc;

use crate::common::in_database;
use portcullis::port::store::Store;
use portcullis::testing::conformance;

#[test]
fn the_store_keeps_the_contract() {
    in_database("the_store_keeps_the_contract", async |database| {
        let store: Arc<dyn Store> = Arc::new(database.migrated().await);
        conformance::run_all(1, || async { Arc::clone(&store) }).await;
    });
}
