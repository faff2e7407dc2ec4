//! The same promises through a `PgBouncer` in transaction mode.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{behind_bouncer, commit, id, insert, now, pool, record, update};
use portcullis::memory::MemoryStore;
use portcullis::port::store::{Commit, Read, Start, Store};
use portcullis::testing::machine::{self, Plan};
use portcullis::testing::{conformance, races};
use portcullis_postgres::{PostgresOptions, PostgresStore};

#[test]
fn the_store_keeps_the_contract_behind_pgbouncer() {
    behind_bouncer("the_store_keeps_the_contract_behind_pgbouncer", async |database| {
        let store: Arc<dyn Store> = Arc::new(database.migrated().await);
        conformance::run_all(1, || async { Arc::clone(&store) }).await;
    });
}

#[test]
fn the_promises_hold_behind_pgbouncer() {
    behind_bouncer("the_promises_hold_behind_pgbouncer", async |database| {
        let store: Arc<dyn Store> = Arc::new(database.migrated().await);
        races::run_all(1, || async { Arc::clone(&store) }).await;
    });
}

#[test]
fn the_answers_behind_pgbouncer_are_those_of_the_store_in_memory() {
    behind_bouncer("the_answers_behind_pgbouncer_are_those_of_the_store_in_memory", async |database| {
        let plan = Plan::new(11, 20, 30);
        let store: Arc<dyn Store> = Arc::new(database.migrated().await);
        let here = machine::run(|| async { Arc::clone(&store) }, &plan).await;
        let memory = machine::run(|| async { Arc::new(MemoryStore::new()) as Arc<dyn Store> }, &plan).await;
        assert_eq!(here, memory);
    });
}

#[test]
fn more_callers_than_the_bouncer_has_connections_share_them() {
    behind_bouncer("more_callers_than_the_bouncer_has_connections_share_them", async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        // A pool of the host's, several times as large as what the pooler opens: statements of one connection of ours
        // meet many sessions of the server.
        let options = PostgresOptions::for_pool().with_statement_timeout(Duration::from_secs(60));
        let store = PostgresStore::from_pool_with(pool(&database.url, 64), &options);
        let done = crate::common::at_once(64, |n| {
            let store = store.clone();
            async move {
                for round in 0..5 {
                    let n = u128::from(n * 5 + round) + 100;
                    store.commit(&Commit { puts: vec![insert(record(n))], ..commit(n) }).await.unwrap();
                    let starts = vec![Start::Id(id(n)), Start::Id(id(10))];
                    let read = Read { now: now(), starts, subjects: vec![] };
                    assert_eq!(store.read(&read).await.unwrap().records.len(), 2);
                }
            }
        })
        .await;
        assert_eq!(done.len(), 64);
    });
}

#[test]
fn a_commit_that_is_dropped_behind_pgbouncer_is_whole_or_not_at_all() {
    let test = "a_commit_that_is_dropped_behind_pgbouncer_is_whole_or_not_at_all";
    behind_bouncer(test, async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        for n in 0..20 {
            let change = Commit { puts: vec![update(record(10), n + 1)], ..commit(u128::from(n) + 2) };
            let writing = tokio::spawn({
                let (store, change) = (store.clone(), change.clone());
                async move { store.commit(&change).await }
            });
            for _ in 0..n * 3 {
                tokio::task::yield_now().await;
            }
            writing.abort();
            let _ = writing.await;
            store.commit(&change).await.unwrap();
            let read = Read { now: now(), starts: vec![Start::Id(id(10))], subjects: vec![] };
            assert_eq!(store.read(&read).await.unwrap().records[&id(10)].version, n + 2);
        }
    });
}
