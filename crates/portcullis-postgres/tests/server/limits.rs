//! What one commit may hold, how long it waits, and what stays of it.

use std::time::Duration;

use crate::common::{
    commit, due, guard, id, in_database, insert, later, login, now, record, update, with_key,
};
use portcullis::port::store::{Commit, CommitError, Delete, Lane, Page, Purge, Read, Record, Start, Store};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

#[test]
fn keys_are_swapped_and_handed_on_in_one_commit() {
    in_database("keys_are_swapped_and_handed_on_in_one_commit", async |database| {
        let store = database.migrated().await;
        let puts = vec![insert(with_key(10, "ann")), insert(with_key(11, "bob"))];
        store.commit(&Commit { puts, ..commit(1) }).await.unwrap();
        let puts = vec![update(with_key(10, "bob"), 1), update(with_key(11, "ann"), 1)];
        store.commit(&Commit { puts, ..commit(2) }).await.unwrap();
        let deletes = vec![Delete { id: id(10), version: 2 }];
        let puts = vec![insert(with_key(9, "bob"))];
        store.commit(&Commit { puts, deletes, ..commit(3) }).await.unwrap();
        let starts = vec![Start::Key(login("ann")), Start::Key(login("bob"))];
        let snapshot = store.read(&Read { now: now(), starts, subjects: vec![] }).await.unwrap();
        assert_eq!(snapshot.found, [Some(id(11)), Some(id(9))]);
    });
}

#[test]
fn an_event_that_exists_is_no_sign_that_the_commit_happened() {
    in_database("an_event_that_exists_is_no_sign_that_the_commit_happened", async |database| {
        let store = database.migrated().await;
        let audit = vec![commit(1).audit.remove(0), commit(2).audit.remove(0)];
        store.commit(&Commit { audit, ..commit(1) }).await.unwrap();
        assert_eq!(store.commit(&commit(2)).await, Err(CommitError::Conflict));
        let audit = vec![commit(3).audit.remove(0), commit(1).audit.remove(0)];
        assert_eq!(store.commit(&Commit { audit, ..commit(3) }).await, Err(CommitError::Conflict));
        assert_eq!(store.contents().await.unwrap().audit.len(), 2);
    });
}

#[test]
fn a_record_that_is_purged_leaves_its_keys_free() {
    in_database("a_record_that_is_purged_leaves_its_keys_free", async |database| {
        let store = database.migrated().await;
        let put = insert(due(with_key(10, "ann"), Lane::Dead, 0));
        store.commit(&Commit { puts: vec![put], ..commit(1) }).await.unwrap();
        assert_eq!(store.purge(Purge::Records, later(1), 10).await, Ok(1));
        store.commit(&Commit { puts: vec![insert(with_key(11, "ann"))], ..commit(2) }).await.unwrap();
        let client = database.client().await;
        let keys: i64 = client.query_one("SELECT count(*) FROM portcullis_key", &[]).await.unwrap().get(0);
        assert_eq!(keys, 1);
    });
}

#[test]
fn a_commit_waits_no_longer_than_the_lock_timeout() {
    in_database("a_commit_waits_no_longer_than_the_lock_timeout", async |database| {
        database.migrated().await;
        let options = database.options().with_lock_timeout(Duration::from_millis(50));
        let store = PostgresStore::connect_with(options).await.unwrap();
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let holder = database.client().await;
        holder.batch_execute("BEGIN; SELECT * FROM portcullis_record FOR UPDATE").await.unwrap();
        let error =
            store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await.unwrap_err();
        assert_eq!(error.to_string(), "store: others held the same rows for too long (55P03)");
        assert!(matches!(error, CommitError::Port(_)));
        holder.batch_execute("COMMIT").await.unwrap();
        store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await.unwrap();
    });
}

#[test]
fn another_isolation_level_is_refused_clearly() {
    in_database("another_isolation_level_is_refused_clearly", async |database| {
        database.migrated().await;
        let name = database.url.rsplit('/').next().unwrap().to_owned();
        let sql = format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'");
        database.client().await.batch_execute(&sql).await.unwrap();
        let error = database.store().await.commit(&commit(1)).await.unwrap_err();
        assert!(error.to_string().contains("must be read committed"), "{error}");
        assert!(matches!(error, CommitError::Port(_)));
    });
}

#[test]
fn a_commit_is_durable_where_the_database_would_not_wait_for_its_disk() {
    let test = "a_commit_is_durable_where_the_database_would_not_wait_for_its_disk";
    in_database(test, async |database| {
        database.migrated().await;
        let name = database.url.rsplit('/').next().unwrap().to_owned();
        let sql = format!(
            "ALTER DATABASE {name} SET synchronous_commit = off;
             CREATE TABLE seen (setting text);
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
             CREATE TRIGGER see AFTER INSERT ON portcullis_record FOR EACH ROW EXECUTE FUNCTION see()"
        );
        database.client().await.batch_execute(&sql).await.unwrap();
        let store = database.store().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let row = database
            .client()
            .await
            .query_one("SELECT current_setting('synchronous_commit'), setting FROM seen", &[])
            .await
            .unwrap();
        assert_eq!((row.get(0), row.get(1)), ("off", "on"));
    });
}

#[test]
fn what_the_database_cannot_keep_is_refused_before_it_is_sent() {
    in_database("what_the_database_cannot_keep_is_refused_before_it_is_sent", async |database| {
        let store = database.migrated().await;
        let far = chrono::DateTime::<chrono::Utc>::MIN_UTC;
        let refused = [
            Commit { now: far, ..commit(1) },
            Commit {
                puts: vec![insert(Record { due: Some((Lane::Timed, far)), ..record(10) })],
                ..commit(2)
            },
            Commit { puts: vec![insert(Record { body: "\0".into(), ..record(10) })], ..commit(3) },
            Commit { puts: vec![insert(with_key(10, "a\0b"))], ..commit(4) },
            Commit { guards: vec![guard(10, 1), guard(10, 1)], ..commit(5) },
        ];
        for refused in refused {
            let error = store.commit(&refused).await.unwrap_err();
            assert!(matches!(error, CommitError::Port(_)), "{error:?}");
        }
        assert_eq!(store.contents().await.unwrap().to_string(), "");
        let start = vec![Start::Key(login("a\0b"))];
        assert_eq!(
            store.read(&Read { now: now(), starts: start, subjects: vec![] }).await.unwrap().found,
            [None]
        );
        assert_eq!(store.list(&login("a\0b"), Page { after: None, limit: 1 }).await, Ok(vec![]));
    });
}

#[test]
fn times_from_year_1_to_the_last_of_the_calendar_come_back_whole() {
    in_database("times_from_year_1_to_the_last_of_the_calendar_come_back_whole", async |database| {
        let store = database.migrated().await;
        let times = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"];
        let mut times: Vec<chrono::DateTime<chrono::Utc>> =
            times.iter().map(|time| time.parse().unwrap()).collect();
        let last = chrono::DateTime::<chrono::Utc>::MAX_UTC;
        times.push(last - chrono::TimeDelta::nanoseconds(999));
        for (n, time) in (10..).zip(times) {
            let put = insert(Record { due: Some((Lane::Dead, time)), ..record(n) });
            store.commit(&Commit { puts: vec![put], ..commit(n) }).await.unwrap();
            let read = Read { now: now(), starts: vec![Start::Id(id(n))], subjects: vec![] };
            assert_eq!(store.read(&read).await.unwrap().records[&id(n)].due, Some((Lane::Dead, time)));
        }
    });
}
