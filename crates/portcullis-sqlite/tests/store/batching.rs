//! How commits share a transaction, and that they notice nothing of each other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::common::{File, add, block, commit, id, login, put, read_id, record};
use portcullis::port::store::{Commit, CommitError, Counter, Expect, Key, Kind, Page, Purge, Store};
use portcullis_sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;

/// Keeps every store from writing until it is dropped.
struct Hold(Connection);

impl Hold {
    fn new(file: &File) -> Self {
        let conn = Connection::open(file).unwrap();
        conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self(conn)
    }

    fn release(self) {
        self.0.execute_batch("ROLLBACK").unwrap();
    }
}

/// Commits all at once: every call is in line before the first may write. Gives each outcome, in order.
fn together(
    store: &SqliteStore,
    file: &File,
    commits: &[Commit],
) -> Vec<Result<portcullis::port::store::Counts, CommitError>> {
    let hold = Hold::new(file);
    block(async {
        let mut waiting: Vec<_> = commits.iter().map(|commit| store.commit(commit)).collect();
        let mut outcomes: Vec<_> = commits.iter().map(|_| None).collect();
        let mut hold = Some(hold);
        poll_fn(|context| {
            for (future, outcome) in waiting.iter_mut().zip(&mut outcomes) {
                if outcome.is_none()
                    && let Poll::Ready(ready) = future.as_mut().poll(context)
                {
                    *outcome = Some(ready);
                }
            }
            if let Some(hold) = hold.take() {
                hold.release();
            }
            if outcomes.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        outcomes.into_iter().flatten().collect()
    })
}

fn new_user(number: u64) -> Commit {
    let mut record = record(number);
    record.keys = vec![login(&format!("user {number}"))];
    Commit { puts: vec![put(record, Expect::Absent)], ..commit(1_000_000 + number) }
}

#[test]
fn commits_that_wait_share_one_sync() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let commits: Vec<_> = (10..70).map(new_user).collect();
    let outcomes = together(&store, &file, &commits);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    // The writer may have taken the first ones before the last were in line, and waited with them.
    assert!(store.transactions() <= 2, "{} transactions", store.transactions());
    for number in 10..70 {
        assert_eq!(block(store.read(&read_id(number))).unwrap().records.len(), 1);
    }
}

#[test]
fn a_batch_is_no_larger_than_asked() {
    let file = File::new();
    let store = SqliteOptions::new().batch(4).open(&file).unwrap();
    let commits: Vec<_> = (10..30).map(new_user).collect();
    assert!(together(&store, &file, &commits).iter().all(Result::is_ok));
    assert!(store.transactions() >= 5, "{} transactions", store.transactions());
}

#[test]
fn a_refusal_in_a_batch_harms_no_neighbour_and_keeps_nothing_of_itself() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let mut commits: Vec<_> = (10..40).map(new_user).collect();
    // The limit is 3: the fourth of these is refused, with everything else in it.
    for (index, commit) in commits.iter_mut().enumerate().filter(|(index, _)| index % 5 == 0).take(4) {
        commit.counters = vec![add(1, 3)];
        assert_eq!(commit.puts[0].record.id, id(10 + index as u64));
    }
    let mut taken = new_user(40);
    taken.puts[0].record.keys = vec![login("user 12")];
    commits.push(taken);
    let mut stale = new_user(41);
    stale.puts[0].expect = Expect::Version(7);
    commits.push(stale);

    let outcomes = together(&store, &file, &commits);
    for (index, outcome) in outcomes.iter().enumerate() {
        match index {
            15 => assert_eq!(*outcome, Err(CommitError::Exhausted(Counter::of(id(1), "guesses")))),
            30 => assert_eq!(*outcome, Err(CommitError::Duplicate(login("user 12")))),
            31 => assert_eq!(*outcome, Err(CommitError::Conflict)),
            _ => assert!(outcome.is_ok(), "{index}: {outcome:?}"),
        }
        let found = block(store.read(&read_id(10 + index as u64))).unwrap().records.len();
        assert_eq!(found, usize::from(outcome.is_ok()), "{index}");
    }
    let trail = block(store.audit(id(1), Page { after: None, limit: 1000 }.into())).unwrap();
    assert_eq!(trail.len(), 29, "the trail of a refused commit is not kept");
    assert_eq!(outcomes[10].as_ref().unwrap()[&Counter::of(id(1), "guesses")].value, 3);
}

#[test]
fn a_commit_sees_those_before_it_in_the_batch() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let mut second = record(10);
    second.body = "{\"v\":2}".into();
    let second = Commit { puts: vec![put(second, Expect::Version(1))], ..commit(901) };
    let outcomes = together(
        &store,
        &file,
        &[new_user(10), second.clone(), Commit { id: commit(902).id, audit: commit(902).audit, ..second }],
    );
    assert_eq!(outcomes[..2].iter().filter(|outcome| outcome.is_ok()).count(), 2);
    assert_eq!(outcomes[2], Err(CommitError::Conflict));
    assert_eq!(block(store.read(&read_id(10))).unwrap().records[&id(10)].version, 2);
}

#[test]
fn the_same_commit_twice_in_one_batch_happens_once() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let once = Commit { counters: vec![add(1, 9)], ..new_user(10) };
    let outcomes = together(&store, &file, &[once.clone(), once.clone(), once]);
    for outcome in outcomes {
        assert_eq!(outcome.unwrap()[&Counter::of(id(1), "guesses")].value, 1);
    }
}

#[test]
fn a_commit_whose_caller_is_gone_is_done_whole() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let hold = Hold::new(&file);
    let commits: Vec<_> = (10..20).map(new_user).collect();
    block(poll_fn(|context| {
        for commit in &commits {
            assert!(pin!(store.commit(commit)).as_mut().poll(context).is_pending());
        }
        Poll::Ready(())
    }));
    hold.release();
    // The drop waits for what was taken.
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    for number in 10..20 {
        let snapshot = block(store.read(&read_id(number))).unwrap();
        assert_eq!(snapshot.records[&id(number)].keys, [login(&format!("user {number}"))]);
    }
}

#[test]
fn more_callers_than_places_are_all_served() {
    let file = File::new();
    let store = SqliteOptions::new().waiting(2).batch(3).open(&file).unwrap();
    let commits: Vec<_> = (10..60).map(new_user).collect();
    assert!(together(&store, &file, &commits).iter().all(Result::is_ok));
}

#[test]
fn a_locked_file_is_a_failure_that_keeps_nothing() {
    let file = File::new();
    let options = SqliteOptions::new().busy_timeout(std::time::Duration::from_millis(1));
    let store = options.open(&file).unwrap();
    let hold = Hold::new(&file);
    let outcome = block(store.commit(&new_user(10)));
    let Err(CommitError::Port(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.to_string(), "store: the database is locked by another process");
    assert!(block(store.purge(Purge::Audit, crate::common::at(0), 1)).is_err());
    assert!(block(store.read(&read_id(10))).unwrap().records.is_empty(), "a read needs no lock");
    hold.release();
    block(store.commit(&new_user(10))).unwrap();
    let key = Key::lookup(Kind::of("user"), "login", "user 10");
    assert!(block(store.list(&key, Page { after: None, limit: 9 })).unwrap().is_empty());
}
