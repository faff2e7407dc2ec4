//! No statement scans a table, at a hundred thousand rows of each.
//!
//! The server counts how often it read a table from end to end, also inside of a function, where `EXPLAIN` of the call
//! shows nothing.

use std::sync::Arc;

use crate::common::{add, commit, guard, id, in_database, insert, later, login, now, record, update};
use portcullis::port::store::{
    Commit, Counter, Delete, Key, Kind, Lane, Page, Purge, Read, Record, Start, Store, TrailPage,
};
use portcullis::testing::canary::live_through;
use portcullis::testing::machine::{self, Plan};

/// A hundred thousand records in a chain of references, with keys, due times, counters and events. The id of record `n` is
/// the digits of `n`.
const ROWS: &str = "
    INSERT INTO portcullis_record (id, tenant, kind, version, lane, due_at, refs, body)
    SELECT lpad(n::text, 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'user', 1,
           CASE WHEN n % 2 = 0 THEN 'bulk' ELSE 'dead' END,
           timestamptz '2026-09-21 14:13:20.123456Z' + n * interval '1 s',
           ARRAY[lpad((n - 1)::text, 32, '0'), lpad((n - 2)::text, 32, '0'), lpad((n - 3)::text, 32, '0')]::uuid[],
           repeat('x', 500)
    FROM generate_series(100003, 200002) n;
    INSERT INTO portcullis_key (kind, name, value, tenant, id, is_unique)
    SELECT 'user', 'login', 'user ' || id, tenant, id, true FROM portcullis_record
    UNION ALL SELECT 'user', 'tenant', tenant::text, tenant, id, false FROM portcullis_record;
    INSERT INTO portcullis_counter (subject, name, value, ends_at)
    SELECT id, 'guesses', 1, due_at FROM portcullis_record;
    INSERT INTO portcullis_audit (id, at, tenant, subject, action, opens)
    SELECT id, due_at, tenant, id, 'tested', true FROM portcullis_record;";

#[test]
fn no_statement_scans_a_table() {
    in_database("no_statement_scans_a_table", async |database| scans_nothing(database, "ANALYZE").await);
}

#[test]
fn no_statement_scans_a_table_that_was_never_analysed() {
    let test = "no_statement_scans_a_table_that_was_never_analysed";
    in_database(test, async |database| scans_nothing(database, "").await);
}

/// Whole stories and many random operations, on the engine, among rows that are nobody's turn.
#[test]
fn no_flow_scans_a_table() {
    in_database("no_flow_scans_a_table", async |database| {
        let store = database.migrated().await;
        let client = database.client().await;
        let rows = ROWS.replace("timestamptz '2026-09-21 14:13:20.123456Z'", "timestamptz '2100-01-01Z'");
        assert_ne!(rows, ROWS);
        client.batch_execute(&rows).await.unwrap();
        client.batch_execute("ANALYZE").await.unwrap();
        drop((client, store));
        let before = scans(&database).await;
        let store: Arc<dyn Store> = Arc::new(database.store().await);
        live_through(Arc::clone(&store), 1).await.unwrap();
        let played = machine::run(|| async { Arc::clone(&store) }, &Plan::new(5, 8, 30)).await;
        assert_eq!(played.answers.len(), 240);
        drop(store);
        assert_eq!(scans(&database).await, before);
    });
}

async fn scans_nothing(database: crate::common::Database, then: &str) {
    let store = database.migrated().await;
    let client = database.client().await;
    client.batch_execute(ROWS).await.unwrap();
    client.batch_execute(then).await.unwrap();
    drop(client);
    drop(store);
    let before = scans(&database).await;

    let store = database.store().await;
    let user = |n: u32| id(u128::from_str_radix(&n.to_string(), 16).unwrap());
    let number = |n: u32| user(n).as_u128();
    let key = login(&format!("user {}", user(105_000)));
    let starts = vec![Start::Id(user(104_000)), Start::Key(key), Start::Id(id(1))];
    let snapshot = store.read(&Read { now: now(), starts, subjects: vec![user(103_000)] }).await.unwrap();
    assert_eq!((snapshot.records.len(), snapshot.counters.len()), (14, 15));
    let tenant = Key::lookup(Kind::of("user"), "tenant", id(1).to_string());
    let listed = store.list(&tenant, Page { after: Some(user(104_000)), limit: 10 }).await.unwrap();
    assert_eq!(listed.len(), 10);
    assert_eq!(store.claim(Lane::Bulk, later(200_000), later(300_000), 10).await.unwrap().len(), 10);
    assert_eq!(store.waiting(Lane::Bulk, later(200_000), 1000).await.unwrap().count, 1000);
    for page in [Page { after: None, limit: 10 }.into(), TrailPage::newest(None, 10)] {
        assert_eq!(store.audit(user(104_000), page).await.unwrap().len(), 1);
    }
    for what in [Purge::Counters, Purge::Audit, Purge::Records] {
        assert_eq!(store.purge(what, later(200_000), 10).await, Ok(10));
    }
    for n in 0..10 {
        let target = 106_001 + 10 * n;
        let counters = vec![(Counter::of(user(target), "guesses"), add(1, 100))];
        let renamed = Record { keys: vec![login(&format!("renamed {n}"))], ..record(number(target)) };
        let made = Commit {
            puts: vec![update(renamed, 1), insert(record(u128::from(n) + 1))],
            guards: vec![guard(number(target + 2), 1)],
            deletes: vec![Delete { id: user(target + 4), version: 1 }],
            counters,
            ..commit(n.into())
        };
        store.commit(&made).await.unwrap();
        store.commit(&made).await.unwrap();
    }
    drop(store);
    assert_eq!(scans(&database).await, before);
}

/// How often each table was scanned, once every other session has ended and told.
async fn scans(database: &crate::common::Database) -> Vec<(String, i64)> {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                  AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    database.until(others, |count| count == 0).await;
    let client = database.client().await;
    let scans = "SELECT relname::text, seq_scan FROM pg_stat_user_tables WHERE relname <> 'portcullis_migration' ORDER BY 1";
    client.query(scans, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}
