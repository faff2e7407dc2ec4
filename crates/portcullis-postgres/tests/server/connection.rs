//! Connections that are refused, lost, late or ended.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Database, add, commit, guesses, id, in_database, insert, login, now, record, update};
use crate::proxy::{Lose, Proxy};
use portcullis::port::store::{Commit, CommitError, Lane, Page, Purge, Read, Start, Store};
use portcullis::testing::Dump;
use portcullis_postgres::{PostgresOptions, PostgresStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A migrated database, and a store that reaches it through a proxy.
async fn behind_proxy(
    database: &Database,
    options: impl FnOnce(PostgresOptions) -> PostgresOptions,
) -> (Proxy, PostgresStore) {
    database.migrated().await;
    let (server, name) = database.url.split_once('@').unwrap().1.split_once('/').unwrap();
    let proxy = Proxy::to(server.to_owned()).await;
    let url = format!("postgres://postgres:s3cret@127.0.0.1:{}/{name}", proxy.port);
    let options = options(PostgresOptions::from_url(&url).unwrap().with_connections(1));
    let store = PostgresStore::connect_with(options).await.unwrap();
    (proxy, store)
}

fn counted(n: u128) -> Commit {
    Commit { puts: vec![insert(record(n))], counters: vec![(guesses(), add(1, 1))], ..commit(n) }
}

async fn is_kept_once(store: &PostgresStore) {
    let contents = store.contents().await.unwrap();
    assert_eq!((contents.records.len(), contents.audit.len()), (1, 1));
    assert_eq!(contents.counters[0].1.value, 1);
}

#[test]
fn a_commit_whose_answer_is_lost_is_unknown_and_the_same_again_tells() {
    in_database("a_commit_whose_answer_is_lost_is_unknown_and_the_same_again_tells", async |database| {
        let (proxy, store) = behind_proxy(&database, |options| options).await;
        proxy.lose(Lose::Answer);
        assert_eq!(store.commit(&counted(10)).await, Err(CommitError::Unknown));
        proxy.lose(Lose::Nothing);
        is_kept_once(&store).await;
        assert_eq!(store.commit(&counted(10)).await.unwrap()[&guesses()].value, 1);
        is_kept_once(&store).await;
    });
}

#[test]
fn a_commit_that_is_lost_on_the_way_is_unknown_and_the_same_again_does_it() {
    in_database("a_commit_that_is_lost_on_the_way_is_unknown_and_the_same_again_does_it", async |database| {
        let (proxy, store) = behind_proxy(&database, |options| options).await;
        proxy.lose(Lose::Request);
        assert_eq!(store.commit(&counted(10)).await, Err(CommitError::Unknown));
        proxy.lose(Lose::Nothing);
        assert_eq!(store.contents().await.unwrap().to_string(), "");
        assert_eq!(store.commit(&counted(10)).await.unwrap()[&guesses()].value, 1);
        is_kept_once(&store).await;
    });
}

#[test]
fn a_commit_whose_answer_is_late_is_unknown_and_the_same_again_tells() {
    in_database("a_commit_whose_answer_is_late_is_unknown_and_the_same_again_tells", async |database| {
        let wait = Duration::from_millis(300);
        let (proxy, store) = behind_proxy(&database, |options| options.with_statement_timeout(wait)).await;
        proxy.lose(Lose::Silently);
        assert_eq!(store.commit(&counted(10)).await, Err(CommitError::Unknown));
        proxy.lose(Lose::Nothing);
        assert_eq!(store.commit(&counted(10)).await.unwrap()[&guesses()].value, 1);
        is_kept_once(&store).await;
    });
}

#[test]
fn a_refusal_by_the_server_is_definite_and_the_connection_stays() {
    in_database("a_refusal_by_the_server_is_definite_and_the_connection_stays", async |database| {
        let (_proxy, store) = behind_proxy(&database, |options| options).await;
        let backend = async || {
            let sql = "SELECT max(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'portcullis'";
            database.client().await.query_one(sql, &[]).await.unwrap().get::<_, i32>(0)
        };
        let before = backend().await;
        store.commit(&counted(10)).await.unwrap();
        assert_eq!(store.commit(&counted(11)).await, Err(CommitError::Exhausted(guesses())));
        assert_eq!(backend().await, before);
    });
}

#[test]
fn every_call_of_the_contract_is_one_round_trip() {
    in_database("every_call_of_the_contract_is_one_round_trip", async |database| {
        let (proxy, store) = behind_proxy(&database, |options| options).await;
        let page = Page { after: None, limit: 10 };
        let mut before = proxy.requests();
        let mut one = |call: &str| {
            assert_eq!(proxy.requests(), before + 1, "{call}");
            before += 1;
        };
        store.commit(&counted(10)).await.unwrap();
        one("a commit");
        store.commit(&counted(11)).await.unwrap_err();
        one("a commit refused");
        store
            .read(&Read { now: now(), starts: vec![Start::Id(id(10))], subjects: vec![id(2)] })
            .await
            .unwrap();
        one("a read");
        store.list(&login("ann"), page).await.unwrap();
        one("a list");
        store.claim(Lane::Bulk, now(), now(), 10).await.unwrap();
        one("a claim");
        store.audit(id(2), page.into()).await.unwrap();
        one("a trail");
        for what in [Purge::Counters, Purge::Audit, Purge::Records] {
            store.purge(what, now(), 10).await.unwrap();
            one("a purge");
        }
    });
}

#[test]
fn a_read_that_is_lost_fails_and_the_next_one_is_answered() {
    in_database("a_read_that_is_lost_fails_and_the_next_one_is_answered", async |database| {
        let (proxy, store) = behind_proxy(&database, |options| options).await;
        proxy.lose(Lose::Answer);
        let error = store.read(&Read::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "store: the connection was lost");
        proxy.lose(Lose::Nothing);
        store.read(&Read::default()).await.unwrap();
    });
}

#[test]
fn a_session_that_is_ended_in_a_commit_makes_it_unknown() {
    in_database("a_session_that_is_ended_in_a_commit_makes_it_unknown", async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let holder = database.client().await;
        holder.batch_execute("BEGIN; SELECT * FROM portcullis_record FOR UPDATE").await.unwrap();
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await }
        });
        database.until_somebody_waits(1).await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        holder.batch_execute(sql).await.unwrap();
        assert_eq!(writing.await.unwrap(), Err(CommitError::Unknown));
        holder.batch_execute("COMMIT").await.unwrap();
        store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await.unwrap();
    });
}

#[test]
fn the_pool_recovers_when_every_session_was_ended() {
    in_database("the_pool_recovers_when_every_session_was_ended", async |database| {
        let store = database.migrated().await;
        let admin = database.client().await;
        for n in 0..5 {
            let others =
                "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            admin.batch_execute(&format!("SELECT pg_terminate_backend(pid) {others}")).await.unwrap();
            // One failing call at most for each connection: it is the one that shows that it is dead.
            let mut failed = 0;
            while store.commit(&counted(10)).await.is_err() {
                failed += 1;
                assert!(failed <= 10, "round {n}");
            }
        }
        is_kept_once(&store).await;
    });
}

#[test]
fn a_commit_that_is_dropped_leaves_the_pool_in_order() {
    in_database("a_commit_that_is_dropped_leaves_the_pool_in_order", async |database| {
        database.migrated().await;
        let options = database
            .options()
            .with_connections(1)
            .with_lock_timeout(Duration::from_secs(60))
            .with_statement_timeout(Duration::from_secs(3));
        let store = PostgresStore::connect_with(options).await.unwrap();
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let holder = database.client().await;
        holder.batch_execute("BEGIN; SELECT * FROM portcullis_record FOR UPDATE").await.unwrap();
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await }
        });
        database.until_somebody_waits(1).await;
        writing.abort();
        assert!(writing.await.unwrap_err().is_cancelled());
        // The only connection was in the middle of the commit: this read does not wait behind it.
        let read = Read { now: now(), ..Read::default() };
        store.read(&read).await.unwrap();
        holder.batch_execute("COMMIT").await.unwrap();
        store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(2) }).await.unwrap();
        assert_eq!(store.contents().await.unwrap().records[0].version, 2);
    });
}

async fn refused(url: &str) -> String {
    let error = PostgresStore::connect(url).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret") && !shown.contains('\n'), "{shown}");
    error.to_string()
}

/// A server that answers the first message with a fatal error of this code.
async fn refusing(code: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 1024]).await;
            let fields = format!("SFATAL\0VFATAL\0C{code}\0Mno s3cret for \"app\"\0\0");
            let mut message = vec![b'E'];
            message.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            message.extend(fields.as_bytes());
            client.write_all(&message).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_gives_one_clear_line() {
    for (code, line) in [
        ("28P01", "store: the server refused the user or the password (28P01)"),
        ("28000", "store: the server refused the user or the password (28000)"),
        ("3D000", "store: the database does not exist (3D000)"),
        ("53300", "store: the server has too many connections (53300)"),
        ("57P03", "store: the server is starting or stopping (57P03)"),
    ] {
        let port = refusing(code).await;
        assert_eq!(refused(&format!("postgres://app:s3cret@127.0.0.1:{port}/app")).await, line);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_gives_one_clear_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let line = refused(&format!("postgres://app:s3cret@127.0.0.1:{port}/app")).await;
    assert_eq!(line, "store: the server can't be reached: connection refused");
    let line = refused("host=/nowhere/at/all user=app password=s3cret").await;
    assert_eq!(line, "store: the server can't be reached: entity not found");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://app:s3cret@{}/app", listener.local_addr().unwrap());
    let options = PostgresOptions::from_url(&url).unwrap().with_connect_timeout(Duration::from_millis(50));
    let error = PostgresStore::connect_with(options).await.unwrap_err();
    assert_eq!(error.to_string(), "store: the server did not accept a connection in time");
}

#[tokio::test]
async fn a_remote_server_is_not_met_in_clear() {
    let line = refused("postgres://app:s3cret@192.0.2.1/app").await;
    assert_eq!(line, "store: the connection must be encrypted, give a tls configuration");
}

fn tls(roots: rustls::RootCertStore) -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[tokio::test]
async fn a_server_without_tls_is_not_met_in_clear() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://app:s3cret@{}/app", listener.local_addr().unwrap());
    let answering = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut asked = [0; 8];
        client.read_exact(&mut asked).await.unwrap();
        client.write_all(b"N").await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        (asked, rest)
    });
    let options = PostgresOptions::from_url(&url).unwrap().with_tls(tls(rustls::RootCertStore::empty()));
    let error = PostgresStore::connect_with(options).await.unwrap_err();
    assert_eq!(error.to_string(), "store: the server offers no encrypted connections");
    let (asked, rest) = answering.await.unwrap();
    assert_eq!(
        (asked, rest.len()),
        ([0, 0, 0, 8, 4, 210, 22, 47], 0),
        "only the request for encryption was sent"
    );
}

#[test]
fn no_debug_output_of_a_store_holds_the_password() {
    in_database("no_debug_output_of_a_store_holds_the_password", async |database| {
        let (_proxy, store) = behind_proxy(&database, |options| options).await;
        let shown = format!("{store:?}");
        assert!(shown.contains("PostgresStore") && !shown.contains("s3cret"), "{shown}");
    });
}
