//! The model test on a database, against what the store in memory answers.

use std::sync::Arc;

use crate::common::in_database;
use portcullis::memory::MemoryStore;
use portcullis::port::store::Store;
use portcullis::testing::machine::{self, Plan};

#[test]
fn the_answers_are_those_of_the_store_in_memory() {
    in_database("the_answers_are_those_of_the_store_in_memory", async |database| {
        let plan = Plan::new(7, 60, 30);
        let store: Arc<dyn Store> = Arc::new(database.migrated().await);
        let here = machine::run(|| async { Arc::clone(&store) }, &plan).await;
        let memory = machine::run(|| async { Arc::new(MemoryStore::new()) as Arc<dyn Store> }, &plan).await;
        assert_eq!(here, memory);
    });
}
