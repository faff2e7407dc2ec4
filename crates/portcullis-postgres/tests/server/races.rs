//! Commits and claims at the same time: what waits, what is refused, and that nothing happens twice.

use std::collections::BTreeSet;

use crate::common::{
    Database, add, at_once, commit, due, guard, guesses, id, in_database, insert, later, login, once, record,
    update, with_key,
};
use portcullis::port::store::{Commit, CommitError, Count, Counter, Expect, Lane, Put, Record, Store};
use portcullis::testing::Dump;
use portcullis_postgres::PostgresStore;

/// Two stores on one database stand for two processes.
async fn two_stores(database: &Database) -> [PostgresStore; 2] {
    [database.migrated().await, database.store().await]
}

async fn versions(store: &PostgresStore) -> Vec<(u128, u64)> {
    let mut records = store.contents().await.unwrap().records;
    records.sort_by_key(|record| record.id);
    records.iter().map(|record| (record.id.as_u128(), record.version)).collect()
}

#[test]
fn parallel_adds_lose_nothing_and_stop_at_the_limit() {
    in_database("parallel_adds_lose_nothing_and_stop_at_the_limit", async |database| {
        let stores = two_stores(&database).await;
        let outcomes = at_once(40, |n| {
            let store = stores[n as usize % 2].clone();
            async move {
                store.commit(&Commit { counters: vec![(guesses(), add(1, 25))], ..commit(n.into()) }).await
            }
        })
        .await;
        let mut values: Vec<u32> = outcomes
            .iter()
            .filter_map(|outcome| Some(outcome.as_ref().ok()?.get(&guesses())?.value))
            .collect();
        values.sort_unstable();
        assert_eq!(values, (1..=25).collect::<Vec<_>>());
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refused, CommitError::Exhausted(guesses()));
        }
        assert_eq!(stores[0].contents().await.unwrap().audit.len(), 25);
    });
}

#[test]
fn adds_and_clears_at_once_meet_on_the_same_counter() {
    in_database("adds_and_clears_at_once_meet_on_the_same_counter", async |database| {
        let stores = two_stores(&database).await;
        for round in 0..20 {
            let outcomes = at_once(6, |n| {
                let store = stores[n as usize % 2].clone();
                let op = if n % 3 == 0 { portcullis::port::store::CounterOp::Clear } else { add(1, 100) };
                async move {
                    let number = round * 10 + u128::from(n);
                    store.commit(&Commit { counters: vec![(guesses(), op)], ..commit(number) }).await
                }
            })
            .await;
            for outcome in outcomes {
                outcome.unwrap();
            }
        }
    });
}

#[test]
fn the_same_commit_at_once_happens_once() {
    in_database("the_same_commit_at_once_happens_once", async |database| {
        let stores = two_stores(&database).await;
        let same = Commit {
            puts: vec![insert(with_key(10, "ann"))],
            counters: vec![(guesses(), add(1, 1))],
            ..commit(1)
        };
        let outcomes = at_once(8, |n| {
            let (store, same) = (stores[n as usize % 2].clone(), same.clone());
            async move { store.commit(&same).await }
        })
        .await;
        for outcome in outcomes {
            assert_eq!(outcome.unwrap()[&guesses()], Count { value: 1, ends_at: None });
        }
        let contents = stores[0].contents().await.unwrap();
        assert_eq!((contents.records.len(), contents.audit.len()), (1, 1));
    });
}

#[test]
fn of_many_that_put_one_id_once_one_writes_and_none_fails() {
    in_database("of_many_that_put_one_id_once_one_writes_and_none_fails", async |database| {
        let stores = two_stores(&database).await;
        for round in 0..10 {
            let outcomes = at_once(8, |n| {
                let store = stores[n as usize % 2].clone();
                let put = once(with_key(10 + round, &format!("{round} {n}")));
                async move {
                    store.commit(&Commit { puts: vec![put], ..commit(round * 10 + u128::from(n)) }).await
                }
            })
            .await;
            for outcome in outcomes {
                outcome.unwrap();
            }
        }
        let contents = stores[0].contents().await.unwrap();
        assert_eq!(contents.records.len(), 10);
        assert!(contents.records.iter().all(|record| record.version == 1 && record.keys.len() == 1));
    });
}

#[test]
fn of_many_that_insert_one_id_one_wins() {
    in_database("of_many_that_insert_one_id_one_wins", async |database| {
        let stores = two_stores(&database).await;
        let outcomes = at_once(8, |n| {
            let store = stores[n as usize % 2].clone();
            async move { store.commit(&Commit { puts: vec![insert(record(10))], ..commit(n.into()) }).await }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refused, CommitError::Conflict);
        }
    });
}

#[test]
fn of_many_that_want_one_unique_key_one_gets_it() {
    in_database("of_many_that_want_one_unique_key_one_gets_it", async |database| {
        let stores = two_stores(&database).await;
        let outcomes = at_once(8, |n| {
            let store = stores[n as usize % 2].clone();
            async move {
                let put = insert(with_key(10 + u128::from(n), "ann"));
                store.commit(&Commit { puts: vec![put], ..commit(n.into()) }).await
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for refused in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refused, CommitError::Duplicate(login("ann")));
        }
        assert_eq!(versions(&stores[0]).await.len(), 1);
    });
}

#[test]
fn of_many_updates_of_one_version_one_wins() {
    in_database("of_many_updates_of_one_version_one_wins", async |database| {
        let stores = two_stores(&database).await;
        stores[0].commit(&Commit { puts: vec![insert(record(10))], ..commit(100) }).await.unwrap();
        let outcomes =
            at_once(8, |n| {
                let store = stores[n as usize % 2].clone();
                async move {
                    store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(n.into()) }).await
                }
            })
            .await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(versions(&stores[0]).await, [(10, 2)]);
    });
}

#[test]
fn a_guard_waits_for_a_writer_and_sees_what_it_wrote() {
    in_database("a_guard_waits_for_a_writer_and_sees_what_it_wrote", async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(record(10))], ..commit(1) }).await.unwrap();
        let writer = database.client().await;
        writer.batch_execute("BEGIN; UPDATE portcullis_record SET version = version + 1").await.unwrap();
        let guarding = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&Commit { guards: vec![guard(10, 1)], ..commit(2) }).await }
        });
        database.until_somebody_waits(1).await;
        writer.batch_execute("COMMIT").await.unwrap();
        assert_eq!(guarding.await.unwrap(), Err(CommitError::Conflict));
        store.commit(&Commit { guards: vec![guard(10, 2)], ..commit(3) }).await.unwrap();
        assert_eq!(versions(&store).await, [(10, 2)], "a guard changes nothing");
    });
}

#[test]
fn a_writer_waits_for_a_guard_and_another_guard_does_not() {
    in_database("a_writer_waits_for_a_guard_and_another_guard_does_not", async |database| {
        let store = database.migrated().await;
        let puts = vec![insert(record(10))];
        let counters = vec![(guesses(), add(1, 100))];
        store.commit(&Commit { puts, counters: counters.clone(), ..commit(1) }).await.unwrap();
        // The guarding commit holds its guard while it waits for the counter.
        let holder = database.client().await;
        holder.batch_execute("BEGIN; SELECT * FROM portcullis_counter FOR UPDATE").await.unwrap();
        let guarding = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&Commit { guards: vec![guard(10, 1)], counters, ..commit(2) }).await }
        });
        database.until_somebody_waits(1).await;
        store.commit(&Commit { guards: vec![guard(10, 1)], ..commit(3) }).await.unwrap();
        let writing = tokio::spawn({
            let store = store.clone();
            async move { store.commit(&Commit { puts: vec![update(record(10), 1)], ..commit(4) }).await }
        });
        database.until_somebody_waits(2).await;
        assert!(!writing.is_finished());
        holder.batch_execute("COMMIT").await.unwrap();
        guarding.await.unwrap().unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(versions(&store).await, [(10, 2)]);
    });
}

#[test]
fn commits_that_cross_wait_in_line_and_never_in_a_circle() {
    in_database("commits_that_cross_wait_in_line_and_never_in_a_circle", async |database| {
        // Nobody looks for circles: a commit in one would wait until its lock timeout and fail.
        let name = database.url.rsplit('/').next().unwrap().to_owned();
        let sql = format!("ALTER DATABASE {name} SET deadlock_timeout = '1h'");
        database.client().await.batch_execute(&sql).await.unwrap();
        let stores = two_stores(&database).await;
        let all = [10, 11, 12];
        let puts = all.map(|n| insert(record(n))).to_vec();
        stores[0].commit(&Commit { puts, ..commit(9999) }).await.unwrap();
        for round in 0..25_u64 {
            let outcomes = at_once(6, |n| {
                let store = stores[n as usize % 2].clone();
                async move {
                    let mut order = all.to_vec();
                    order.rotate_left(n as usize % 3);
                    let mut puts: Vec<Put> =
                        order[..2].iter().map(|n| update(record(*n), round + 1)).collect();
                    puts.push(once(with_key(100 + u128::from(n % 2), ["x", "y"][n as usize % 2])));
                    if n % 2 == 0 {
                        puts.reverse();
                    }
                    let counters =
                        order.iter().map(|n| (Counter::of(id(*n), "guesses"), add(1, 1_000_000))).collect();
                    let guards = vec![guard(order[2], round + 1)];
                    let number = u128::from(round) * 10 + u128::from(n);
                    store.commit(&Commit { puts, counters, guards, ..commit(number) }).await
                }
            })
            .await;
            for outcome in &outcomes {
                assert!(matches!(outcome, Ok(_) | Err(CommitError::Conflict)), "{outcome:?}");
            }
            // Whoever lost left the versions apart: level them for the next round.
            let client = database.client().await;
            let level =
                format!("UPDATE portcullis_record SET version = {} WHERE id < '{}'", round + 2, id(100));
            client.batch_execute(&level).await.unwrap();
        }
    });
}

#[test]
fn a_key_that_is_being_given_up_is_waited_for() {
    in_database("a_key_that_is_being_given_up_is_waited_for", async |database| {
        let store = database.migrated().await;
        store.commit(&Commit { puts: vec![insert(with_key(10, "ann"))], ..commit(1) }).await.unwrap();
        for (end, expected) in [("ROLLBACK", Err(CommitError::Duplicate(login("ann")))), ("COMMIT", Ok(()))] {
            let holder = database.client().await;
            holder.batch_execute("BEGIN; DELETE FROM portcullis_key").await.unwrap();
            let taking = tokio::spawn({
                let store = store.clone();
                async move {
                    store
                        .commit(&Commit { puts: vec![insert(with_key(11, "ann"))], ..commit(2) })
                        .await
                        .map(drop)
                }
            });
            database.until_somebody_waits(1).await;
            holder.batch_execute(end).await.unwrap();
            assert_eq!(taking.await.unwrap(), expected);
        }
    });
}

#[test]
fn claims_at_once_never_give_out_a_record_twice() {
    in_database("claims_at_once_never_give_out_a_record_twice", async |database| {
        let stores = two_stores(&database).await;
        let puts =
            (0..100).map(|n| insert(due(record(1000 + n), Lane::Bulk, i64::try_from(n).unwrap()))).collect();
        stores[0].commit(&Commit { puts, ..commit(1) }).await.unwrap();
        let claimed =
            at_once(4, |n| {
                let store = stores[n as usize % 2].clone();
                async move {
                    let mut mine = Vec::new();
                    loop {
                        let some = store.claim(Lane::Bulk, later(200), later(1000), 7).await.unwrap();
                        if some.is_empty() {
                            return mine;
                        }
                        assert!(some.iter().all(
                            |record| record.version == 2 && record.due == Some((Lane::Bulk, later(1000)))
                        ));
                        mine.extend(some.into_iter().map(|record| record.id));
                    }
                }
            })
            .await;
        let claimed: Vec<_> = claimed.into_iter().flatten().collect();
        assert_eq!(claimed.len(), 100);
        assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 100);
    });
}

#[test]
fn a_put_that_waits_for_a_counter_is_skipped_below_its_value() {
    in_database("a_put_that_waits_for_a_counter_is_skipped_below_its_value", async |database| {
        let stores = two_stores(&database).await;
        // Ten guesses at once; the notice of the fifth is written once, by whichever commit was the fifth.
        let outcomes = at_once(10, |n| {
            let store = stores[n as usize % 2].clone();
            async move {
                let notice = Record { body: format!("{{\"v\":1,\"by\":{n}}}"), ..record(50) };
                let put = Put { record: notice, expect: Expect::AbsentElseSkip { at: Some((guesses(), 5)) } };
                let counters = vec![(guesses(), add(1, 100))];
                (n, store.commit(&Commit { puts: vec![put], counters, ..commit(n.into()) }).await.unwrap())
            }
        })
        .await;
        let fifth = outcomes.iter().find(|(_, counts)| counts[&guesses()].value == 5).unwrap().0;
        let records = stores[0].contents().await.unwrap().records;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].body, format!("{{\"v\":1,\"by\":{fifth}}}"));
    });
}
