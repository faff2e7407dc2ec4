//! Migrating, and saying what differs.

use crate::common::{at_once, commit, in_database};
use portcullis::port::store::{CommitError, Read, Store};
use portcullis_postgres::PostgresStore;

fn all() -> Vec<i32> {
    PostgresStore::migrations().iter().map(|migration| migration.version).collect()
}

#[test]
fn connecting_never_migrates() {
    in_database("connecting_never_migrates", async |database| {
        let store = database.store().await;
        let report = store.check_schema().await.unwrap();
        assert_eq!(report.missing, ["0001 tables", "0002 commit", "0003 views"]);
        assert_eq!(report.to_string(), "the schema lacks 0001 tables, 0002 commit, 0003 views");
        let error = store.read(&Read::default()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "store: the schema is missing or older than this release, migrate first (42P01)"
        );
        let error = store.commit(&commit(1)).await.unwrap_err();
        assert!(matches!(&error, CommitError::Port(_)), "{error:?}");
        assert!(error.to_string().contains("migrate first"), "{error}");
    });
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    in_database("migrating_twice_does_nothing_the_second_time", async |database| {
        let store = database.store().await;
        assert_eq!(store.migrate().await, Ok(all()));
        assert_eq!(store.migrate().await, Ok(vec![]));
        let report = store.check_schema().await.unwrap();
        assert!(report.is_current(), "{report}");
    });
}

#[test]
fn of_migrators_at_once_one_migrates_and_none_fails() {
    in_database("of_migrators_at_once_one_migrates_and_none_fails", async |database| {
        let outcomes = at_once(6, |_| {
            let database = database.clone();
            async move { database.store().await.migrate().await.unwrap() }
        })
        .await;
        let mut outcomes: Vec<_> = outcomes.into_iter().filter(|applied| !applied.is_empty()).collect();
        assert_eq!(outcomes.pop(), Some(all()));
        assert!(outcomes.is_empty(), "{outcomes:?}");
        database.store().await.commit(&commit(1)).await.unwrap();
    });
}

#[test]
fn a_newer_schema_is_named_and_left_alone() {
    in_database("a_newer_schema_is_named_and_left_alone", async |database| {
        let store = database.migrated().await;
        let sql = "INSERT INTO portcullis_migration (version, name, checksum) VALUES (99, 'future', 'x')";
        database.client().await.batch_execute(sql).await.unwrap();
        let report = store.check_schema().await.unwrap();
        assert_eq!(report.newer, ["0099 future"]);
        assert_eq!(report.to_string(), "the schema is newer than this release by 0099 future");
        let error = store.migrate().await.unwrap_err().to_string();
        assert_eq!(error, format!("store: nothing was migrated: {report}"));
    });
}

#[test]
fn a_schema_made_by_other_sql_is_named_and_left_alone() {
    in_database("a_schema_made_by_other_sql_is_named_and_left_alone", async |database| {
        let store = database.migrated().await;
        let sql = "UPDATE portcullis_migration SET checksum = 'x' WHERE version = 1;
                   DELETE FROM portcullis_migration WHERE version > 1";
        database.client().await.batch_execute(sql).await.unwrap();
        let report = store.check_schema().await.unwrap();
        assert_eq!(
            (&*report.changed, &*report.missing),
            (&["0001 tables".into()][..], &["0002 commit".into(), "0003 views".into()][..])
        );
        let error = store.migrate().await.unwrap_err().to_string();
        assert!(error.contains("was made by other sql in 0001 tables"), "{error}");
    });
}

#[test]
fn a_dropped_table_column_index_or_function_is_named() {
    in_database("a_dropped_table_column_index_or_function_is_named", async |database| {
        let store = database.migrated().await;
        let sql = "DROP TABLE portcullis_mark; DROP INDEX portcullis_key_id; DROP FUNCTION portcullis_purge_records;
                   ALTER TABLE portcullis_counter DROP COLUMN ends_at";
        database.client().await.batch_execute(sql).await.unwrap();
        let report = store.check_schema().await.unwrap();
        let missing = [
            "portcullis_counter.ends_at",
            "portcullis_counter_end",
            "portcullis_key_id",
            "portcullis_mark",
            "portcullis_purge_records",
        ];
        assert_eq!(report.missing, missing);
        assert!(!report.is_current());
    });
}

#[test]
fn a_migration_that_fails_leaves_nothing() {
    in_database("a_migration_that_fails_leaves_nothing", async |database| {
        let client = database.client().await;
        // The second migration finds its function there already.
        let sql = "CREATE FUNCTION portcullis_purge_records(timestamptz, bigint) RETURNS bigint
                   LANGUAGE sql AS 'SELECT 1::bigint'";
        client.batch_execute(sql).await.unwrap();
        let store = database.store().await;
        store.migrate().await.unwrap_err();
        let row = client.query_one("SELECT to_regclass('portcullis_record') IS NULL", &[]).await.unwrap();
        assert!(row.get::<_, bool>(0));
        client.batch_execute("DROP FUNCTION portcullis_purge_records").await.unwrap();
        assert_eq!(store.migrate().await, Ok(all()));
    });
}

#[test]
fn marks_are_set_and_read() {
    in_database("marks_are_set_and_read", async |database| {
        let store = database.migrated().await;
        assert_eq!(store.mark("dev").await, Ok(None));
        store.set_mark("dev", "1").await.unwrap();
        store.set_mark("dev", "2").await.unwrap();
        assert_eq!(store.mark("dev").await, Ok(Some("2".to_owned())));
        assert_eq!(store.mark("DEV").await, Ok(None));
    });
}
