//! What the server undoes for the sake of others is sent again, and not for ever.

use std::time::Duration;

use crate::common::{Database, commit, in_database, insert, record, update};
use portcullis::port::store::{Commit, CommitError, Lane, Store};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

#[test]
fn a_commit_that_loses_a_deadlock_is_sent_again() {
    in_database("a_commit_that_loses_a_deadlock_is_sent_again", async |database| {
        let store = database.migrated().await;
        let puts = vec![insert(record(10)), insert(record(11))];
        store.commit(&Commit { puts, ..commit(1) }).await.unwrap();
        // The commit looks for a deadlock after two seconds, the host's session does not: the commit is the one undone.
        let sql = format!("ALTER DATABASE {} SET deadlock_timeout = '2s'", database.name());
        database.client().await.batch_execute(&sql).await.unwrap();
        let options = database.options().with_lock_timeout(Duration::from_secs(30));
        let options = options.with_statement_timeout(Duration::from_secs(60));
        let holder = database.client().await;
        holder.batch_execute("SET deadlock_timeout = '1h'").await.unwrap();
        let lock = |n: u32| {
            format!("SELECT 1 FROM portcullis_record WHERE id = lpad('{n:x}', 32, '0')::uuid FOR UPDATE")
        };
        // Without a retry the deadlock shows; with one it does not.
        for (retries, outcome) in [(0, Err(CommitError::Conflict)), (1, Ok(()))] {
            let store = PostgresStore::connect_with(options.clone().with_retries(retries)).await.unwrap();
            holder.batch_execute(&format!("BEGIN; {}", lock(11))).await.unwrap();
            let writing = tokio::spawn(async move {
                let puts = vec![update(record(10), 1), update(record(11), 1)];
                store.commit(&Commit { puts, ..commit(2) }).await
            });
            database.until_somebody_waits(1).await;
            holder.batch_execute(&format!("{}; COMMIT", lock(10))).await.unwrap();
            assert_eq!(writing.await.unwrap().map(drop), outcome);
        }
        let contents = store.contents().await.unwrap();
        assert!(contents.records.iter().all(|record| record.version == 2));
    });
}

/// Makes every insert of a record fail so many times with a code; a sequence counts the tries, since no failure undoes
/// that.
async fn failing(database: &Database, code: &str, times: i64) {
    let sql = format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') <= {times} THEN RAISE EXCEPTION USING ERRCODE = '{code}'; END IF; RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON portcullis_record FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    database.client().await.batch_execute(&sql).await.unwrap();
}

async fn tries(database: &Database) -> i64 {
    database.client().await.query_one("SELECT last_value FROM tries", &[]).await.unwrap().get(0)
}

#[test]
fn what_is_undone_is_sent_again_as_often_as_the_options_say() {
    for code in ["40001", "40P01"] {
        in_database("what_is_undone_is_sent_again_as_often_as_the_options_say", async move |database| {
            database.migrated().await;
            failing(&database, code, 3).await;
            let put = Commit { puts: vec![insert(record(10))], ..commit(1) };
            let store = PostgresStore::connect_with(database.options().with_retries(2)).await.unwrap();
            assert_eq!(store.commit(&put).await, Err(CommitError::Conflict));
            assert_eq!(tries(&database).await, 3);
            store.commit(&put).await.unwrap();
            assert_eq!(store.contents().await.unwrap().records.len(), 1);
        });
    }
}

#[test]
fn a_claim_that_is_undone_is_made_again() {
    in_database("a_claim_that_is_undone_is_made_again", async |database| {
        let store = database.migrated().await;
        let due = crate::common::due(record(10), Lane::Timed, 0);
        store.commit(&Commit { puts: vec![insert(due)], ..commit(1) }).await.unwrap();
        failing(&database, "40P01", 3).await;
        let (now, until) = (crate::common::now(), crate::common::later(60));
        assert_eq!(store.claim(Lane::Timed, now, until, 10).await.unwrap().len(), 1);
        assert_eq!(tries(&database).await, 4);
    });
}

#[test]
fn another_failure_is_not_tried_again() {
    in_database("another_failure_is_not_tried_again", async |database| {
        let store = database.migrated().await;
        failing(&database, "53200", 1).await;
        let put = Commit { puts: vec![insert(record(10))], ..commit(1) };
        assert!(matches!(store.commit(&put).await, Err(CommitError::Port(_))));
        assert_eq!(tries(&database).await, 1);
    });
}
