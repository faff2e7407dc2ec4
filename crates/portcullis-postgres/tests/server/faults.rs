//! A database that is full or read-only: what is asked fails, nothing is half done, and work goes on afterwards.

use std::collections::BTreeSet;
use std::process::Command;

use crate::common::{client, commit, id, in_database, insert, now, record};
use crate::own::{Server, run};
use portcullis::port::store::{Commit, CommitError, Lane, Purge, Read, Record, Start, Store};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

fn large(n: u128) -> Commit {
    // Nothing that the server could compress.
    let digits =
        (1..3000).map(|part| (n * 4999 + part).wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15) >> 64);
    let digits: Vec<String> = digits.map(|digits| format!("{digits:016x}")).collect();
    let digits = digits.concat();
    let body = format!("{{\"v\":1,\"x\":\"{digits}\"}}");
    Commit { puts: vec![insert(Record { body, ..record(n) })], ..commit(n) }
}

#[test]
fn a_full_disk_keeps_nothing_by_halves_and_work_goes_on_when_there_is_room() {
    let test = "a_full_disk_keeps_nothing_by_halves_and_work_goes_on_when_there_is_room";
    let Some(server) = Server::start(test) else { return };
    // A file system of its own, 24 MiB, for the tables alone: the log of the server stays outside.
    let full = server.folder.join("full");
    std::fs::create_dir(&full).unwrap();
    let full = full.to_str().unwrap();
    let mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=777", "none", full];
    let is_mounted = |command: &mut Command| command.output().is_ok_and(|done| done.status.success());
    if !is_mounted(Command::new(mount[0]).args(&mount[1..]))
        && !is_mounted(Command::new("sudo").arg("-n").args(mount))
    {
        return crate::common::skip(test, "no file system can be mounted");
    }
    let tables = format!("{full}/tables");
    std::fs::create_dir(&tables).unwrap();
    if std::fs::metadata(server.folder.join("data")).is_ok() {
        // Root's tests run the server as another user, and only root may give a folder away.
        let _ = Command::new("chown").args(["postgres:", &tables]).output();
        run("chmod", &["700", &tables]);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let url = server.again();
        let admin = client(&url).await;
        admin.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{tables}'")).await.unwrap();
        admin.batch_execute("CREATE DATABASE small TABLESPACE small").await.unwrap();
        let url = format!("{}/small", url.rsplit_once('/').unwrap().0);
        let store = PostgresStore::connect(&url).await.unwrap();
        store.migrate().await.unwrap();
        let beside = client(&url).await;
        beside
            .batch_execute("CREATE TABLE ballast AS SELECT repeat('x', 900) FROM generate_series(1, 4000)")
            .await
            .unwrap();
        let (mut kept, mut refused) = (BTreeSet::new(), None);
        for n in 100..2000 {
            match store.commit(&large(n)).await {
                Ok(_) => {
                    kept.insert(id(n));
                }
                Err(error) => {
                    assert_eq!(error.to_string(), "store: the server's disk is full (53100)");
                    assert!(matches!(error, CommitError::Port(_)));
                    refused = Some(n);
                    break;
                }
            }
        }
        let refused = refused.expect("it is full before it is too much");
        let found = async || -> BTreeSet<_> {
            store.contents().await.unwrap().records.iter().map(|record| record.id).collect()
        };
        assert_eq!(found().await, kept);
        let trail = store.contents().await.unwrap().audit.len();
        assert_eq!(trail, kept.len(), "no event of what was refused");
        let starts = vec![Start::Id(id(100))];
        let read = Read { now: now(), starts, subjects: vec![] };
        assert_eq!(store.read(&read).await.unwrap().records.len(), 1, "what is there is still read");
        beside.batch_execute("DROP TABLE ballast").await.unwrap();
        store.commit(&large(refused)).await.unwrap();
        kept.insert(id(refused));
        assert_eq!(found().await, kept);
    });
}

#[test]
fn a_read_only_server_is_named_and_work_goes_on_when_it_is_no_more() {
    in_database("a_read_only_server_is_named_and_work_goes_on_when_it_is_no_more", async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let set = async |on: &str| {
            let admin = database.client().await;
            admin.batch_execute("SET default_transaction_read_only = off").await.unwrap();
            let sql = format!(
                "ALTER DATABASE {} SET default_transaction_read_only = {on};
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
                database.name()
            );
            admin.batch_execute(&sql).await.unwrap();
            // The pool's connections are dead now; each shows it by one call at most.
            let read = Read { now: now(), starts: vec![Start::Id(id(10))], subjects: vec![] };
            let mut tries = 0;
            while store.read(&read).await.is_err() {
                tries += 1;
                assert!(tries <= 10);
            }
        };
        set("on").await;
        let error = store.commit(&commit(2)).await.unwrap_err();
        assert_eq!(error.to_string(), "store: the server is read-only (25006)");
        assert!(matches!(error, CommitError::Port(_)));
        let error = store.claim(Lane::Timed, now(), now(), 10).await.unwrap_err();
        assert_eq!(error.to_string(), "store: the server is read-only (25006)");
        store.purge(Purge::Audit, now(), 10).await.unwrap_err();
        set("off").await;
        store.commit(&commit(2)).await.unwrap();
        assert_eq!(store.contents().await.unwrap().audit.len(), 2);
    });
}
