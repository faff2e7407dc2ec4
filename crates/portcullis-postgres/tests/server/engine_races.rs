//! Many callers at once against a whole engine on one database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::in_database;
use portcullis::port::store::Store;
use portcullis::testing::races;

#[test]
fn the_promises_hold_across_two_stores() {
    in_database("the_promises_hold_across_two_stores", async |database| {
        let stores: [Arc<dyn Store>; 2] =
            [Arc::new(database.migrated().await), Arc::new(database.store().await)];
        let next = AtomicUsize::new(0);
        races::run_all(1, || async { Arc::clone(&stores[next.fetch_add(1, Ordering::Relaxed) % 2]) }).await;
    });
}
