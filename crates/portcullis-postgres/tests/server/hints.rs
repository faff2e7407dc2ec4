//! Hints that another process left something due.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Database, behind_bouncer, commit, due, id, in_database, insert, keyring, now, record};
use portcullis::Portcullis;
use portcullis::port::store::{Commit, Lane, Store};
use portcullis::testing::mailbox::Mailbox;
use portcullis::user::{Login, NewUser};
use portcullis_postgres::PostgresStore;

const LONG: Duration = Duration::from_secs(60);

async fn hinting(database: &Database) -> PostgresStore {
    PostgresStore::connect_with(database.options().with_hints()).await.unwrap()
}

/// Waits until so many sessions of the database listen, and takes what they were told as they began.
async fn listening(database: &Database, stores: &[&PostgresStore]) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'
               AND query IN ('LISTEN portcullis_due', 'NOTIFY portcullis_due')";
    let sessions = i64::try_from(stores.len()).unwrap();
    database.until(sql, |count| count == sessions).await;
    for store in stores {
        tokio::time::timeout(LONG, store.hint()).await.unwrap();
    }
}

fn left_due(n: u128) -> Commit {
    Commit { puts: vec![insert(due(record(n), Lane::Interactive, 0))], ..commit(n) }
}

#[test]
fn a_commit_that_leaves_something_due_is_hinted_to_others_and_no_other_is() {
    in_database("a_commit_that_leaves_something_due_is_hinted_to_others_and_no_other_is", async |database| {
        database.migrated().await;
        let (here, there) = (hinting(&database).await, hinting(&database).await);
        listening(&database, &[&here, &there]).await;
        // Kept for whoever asks later.
        here.commit(&left_due(10)).await.unwrap();
        tokio::time::timeout(LONG, there.hint()).await.unwrap();
        // What is not due, or dead, or refused, wakes nobody: the next hint is that of the last commit.
        let later = Commit { puts: vec![insert(due(record(11), Lane::Timed, 60))], ..commit(11) };
        here.commit(&later).await.unwrap();
        let dead = Commit { puts: vec![insert(due(record(12), Lane::Dead, 0))], ..commit(12) };
        here.commit(&dead).await.unwrap();
        here.commit(&Commit { id: commit(99).id, ..left_due(10) }).await.unwrap_err();
        let told = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                    AND query = 'NOTIFY portcullis_due'";
        database.until(told, |count| count == 1).await;
        there.commit(&left_due(13)).await.unwrap();
        database.until(told, |count| count == 2).await;
        tokio::time::timeout(LONG, here.hint()).await.unwrap();
        let mut nothing = Box::pin(there.hint());
        assert!(futures_now(nothing.as_mut()).is_none(), "nobody told it but itself");
    });
}

/// What a future gives when it is asked once.
fn futures_now<F: Future>(future: core::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut core::task::Context::from_waker(core::task::Waker::noop())) {
        core::task::Poll::Ready(output) => Some(output),
        core::task::Poll::Pending => None,
    }
}

fn engine(store: PostgresStore, mailbox: &Mailbox) -> Portcullis {
    Portcullis::builder(store)
        .keyring(keyring())
        .mail(mailbox.clone())
        .public_url("https://fleet.example.com")
        .build()
        .unwrap()
}

#[test]
fn a_worker_of_another_process_sends_at_once() {
    in_database("a_worker_of_another_process_sends_at_once", async |database| {
        database.migrated().await;
        let (here, there) = (hinting(&database).await, hinting(&database).await);
        listening(&database, &[&here, &there]).await;
        let mailbox = Mailbox::new();
        let (asking, working) = (engine(here, &mailbox), engine(there, &mailbox));
        // It would look again in a day.
        let worker = working.worker();
        let running = tokio::spawn(async move { worker.run(Duration::from_secs(86400)).await });
        let account = asking.accounts().create(portcullis::account::NewAccount::named("demo")).await.unwrap();
        let mut alice = NewUser::new(Login::parse("alice").unwrap(), account.id);
        alice.invited_email = Some(portcullis::contact::Email::parse("alice@example.com").unwrap());
        asking.users().create(alice).await.unwrap();
        let sent = async {
            while mailbox.mails().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, sent).await.expect("the other process sends it");
        running.abort();
    });
}

#[test]
fn hints_come_back_when_their_connection_was_lost_and_statements_never_miss_them() {
    in_database("hints_come_back_when_their_connection_was_lost", async |database| {
        database.migrated().await;
        let options = database.options().with_hints().with_connect_timeout(Duration::from_millis(200));
        let here = PostgresStore::connect_with(options.clone()).await.unwrap();
        let there = PostgresStore::connect_with(options).await.unwrap();
        listening(&database, &[&here, &there]).await;
        let admin = database.client().await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND query LIKE '%portcullis_due' AND pid <> pg_backend_pid()";
        admin.batch_execute(sql).await.unwrap();
        here.commit(&left_due(10)).await.unwrap();
        listening(&database, &[&here, &there]).await;
        here.commit(&left_due(11)).await.unwrap();
        tokio::time::timeout(LONG, there.hint()).await.unwrap();
        assert_eq!(there.claim(Lane::Interactive, now(), now(), 10).await.unwrap().len(), 2);
    });
}

#[test]
fn without_hints_and_behind_a_pooler_nothing_is_lost() {
    behind_bouncer("without_hints_and_behind_a_pooler_nothing_is_lost", async |database| {
        database.migrated().await;
        let (here, there) = (hinting(&database).await, database.store().await);
        here.commit(&left_due(10)).await.unwrap();
        let claimed = there.claim(Lane::Interactive, now(), now(), 10).await.unwrap();
        assert_eq!(claimed[0].id, id(10));
        let _: Arc<dyn Store> = Arc::new(there);
    });
}
