//! A server that is killed in COMMIT and under load.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::common::{add, client, commit, guesses, id, insert, record};
use crate::own::{Address, Server};
use portcullis::port::store::{Commit, CommitError, Store};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

fn counted(n: u128) -> Commit {
    Commit { puts: vec![insert(record(n))], counters: vec![(guesses(), add(1, u32::MAX))], ..commit(n) }
}

#[test]
fn a_server_killed_in_commit_leaves_no_doubt_and_no_double() {
    let Some(server) = Server::start("a_server_killed_in_commit_leaves_no_doubt_and_no_double") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let address = Address::of(&server.again()).await;
        let store = PostgresStore::connect(&address.url("postgres")).await.unwrap();
        store.migrate().await.unwrap();
        // A trigger that fires in COMMIT itself, and waits there.
        let holder = client(&address.url("postgres")).await;
        let sql = "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NULL; END $$;
                   CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON portcullis_record
                   DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hold();
                   SELECT pg_advisory_lock(7)";
        holder.batch_execute(sql).await.unwrap();
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&counted(10)).await }
        });
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'";
        while holder.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        server.kill();
        assert_eq!(writing.await.unwrap(), Err(CommitError::Unknown));
        // Gone: the store's word that nothing was kept, at once and without a doubt.
        assert!(matches!(store.commit(&counted(11)).await, Err(CommitError::Port(_))));
        address.leads_to(&server.again());
        assert_eq!(store.commit(&counted(10)).await.unwrap()[&guesses()].value, 1);
        assert_eq!(store.commit(&counted(10)).await.unwrap()[&guesses()].value, 1);
        assert_eq!(store.contents().await.unwrap().records.len(), 1);

        under_load(&server, &address, &store).await;
    });
}

/// Kills the server three times while eight callers commit: what was answered stays, what was not is settled.
async fn under_load(server: &Server, address: &Address, store: &PostgresStore) {
    const CALLERS: u32 = 8;
    let (mut kept, mut lost) = (BTreeSet::from([id(10)]), 0);
    for kill in 0..3_u32 {
        let answered = Arc::new(AtomicU32::new(0));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (store, answered) = (store.clone(), Arc::clone(&answered));
                tokio::spawn(async move {
                    let mut kept = Vec::new();
                    for round in 0_u32.. {
                        let n = u128::from((kill + 1) * 1_000_000 + caller * 100_000 + round);
                        match store.commit(&counted(n)).await {
                            Ok(_) => kept.push(n),
                            Err(CommitError::Unknown) => return (kept, Some(n)),
                            Err(CommitError::Port(_)) => return (kept, None),
                            Err(other) => panic!("{other:?}"),
                        }
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    unreachable!()
                })
            })
            .collect();
        while answered.load(Ordering::SeqCst) < 40 * (kill + 1) {
            tokio::task::yield_now().await;
        }
        server.kill();
        address.leads_to(&server.again());
        for caller in callers {
            let (answered, doubtful) = caller.await.unwrap();
            kept.extend(answered.into_iter().map(id));
            if let Some(n) = doubtful {
                lost += 1;
                while store.commit(&counted(n)).await.is_err() {}
                kept.insert(id(n));
            }
        }
    }
    assert!(lost > 0, "a kill met a commit");
    let contents = store.contents().await.unwrap();
    let found: BTreeSet<_> = contents.records.iter().map(|record| record.id).collect();
    assert_eq!(found, kept);
    assert_eq!(usize::try_from(contents.counters[0].1.value).unwrap(), kept.len());
}
