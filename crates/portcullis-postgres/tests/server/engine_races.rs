//! Many callers at once against a whole engine on one database.

mod common;

use std::sync::Arc;

use common::in_database;
use portcullis::port::store::Store;
use portcullis::testing::races;

#[test]
fn the_promises_hold_across_two_stores() {
    in_database("the_promises_hold_across_two_stores", async |database| {
        let first: Arc<dyn Store> = Arc::new(database.migrated().await);
        let second: Arc<dyn Store> = Arc::new(database.store().await);
        races::run_all(1, || async { Arc::clone(&first) }).await;
        races::run_all(2, || async { Arc::clone(&second) }).await;
    });
}
