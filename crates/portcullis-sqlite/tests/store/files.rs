//! Files: opened, refused, migrated by several at once, shared by several stores, and found whole again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;

use crate::common::{File, add, at, block, commit, id, login, put, read_id, record};
use portcullis::port::store::{Commit, CommitError, Counter, Expect, Lane, Read, Record, Start, Store};
use portcullis_sqlite::{SqliteError, SqliteOptions, SqliteStore};
use rusqlite::Connection;

fn sound(file: impl AsRef<Path>) -> bool {
    let conn = Connection::open(file).unwrap();
    conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap() == "ok"
}

fn say(result: Result<SqliteStore, SqliteError>) -> String {
    let said = result.expect_err("it opened").to_string();
    assert!(!said.contains(std::env::temp_dir().to_str().unwrap()), "{said}");
    assert!(!said.contains('\n') && !said.ends_with('.') && said.starts_with(char::is_lowercase), "{said}");
    said
}

#[test]
fn what_was_answered_is_there_after_reopening() {
    let file = File::new();
    for round in 0..5 {
        let store = SqliteStore::open(&file).unwrap();
        for number in 0..round {
            assert_eq!(block(store.read(&read_id(10 + number))).unwrap().records.len(), 1);
        }
        let mut record = record(10 + round);
        record.keys = vec![login(&round.to_string())];
        let puts = vec![put(record, Expect::Absent)];
        let counts = block(store.commit(&Commit { puts, counters: vec![add(1, 99)], ..commit(100 + round) }));
        assert_eq!(u64::from(counts.unwrap()[&Counter::of(id(1), "guesses")].value), round + 1);
    }
    assert!(sound(&file));
    let left: Vec<_> =
        std::fs::read_dir(file.folder()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["test.db"], "a closed store leaves one file");
}

#[test]
fn a_mark_is_kept_and_replaced() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(block(store.mark("mode")).unwrap(), None);
    block(store.set_mark("mode", "dev")).unwrap();
    block(store.set_mark("other", "x")).unwrap();
    block(store.set_mark("mode", "live")).unwrap();
    drop(store);
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(block(store.mark("mode")).unwrap().as_deref(), Some("live"));
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    block(store.commit(&commit(1))).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(file.folder()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        seen += 1;
    }
    assert_eq!(seen, 3, "the database, its log and its index");
}

#[test]
fn a_missing_folder_is_named() {
    let file = File::new();
    let said = say(SqliteStore::open(file.folder().join("missing").join("test.db")));
    assert_eq!(said, "the folder of the database file does not exist");
}

#[test]
fn a_path_that_can_not_be_written_is_named() {
    let file = File::new();
    let said = say(SqliteStore::open(file.folder()));
    assert_eq!(said, "the database file or its folder can't be opened for writing");
}

#[test]
fn a_file_of_something_else_is_named_and_left_alone() {
    let file = File::new();
    let text = "this is a letter, not a database. ".repeat(100);
    std::fs::write(&file, &text).unwrap();
    assert_eq!(say(SqliteStore::open(&file)), "the database file is not a SQLite database");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_newer_schema_and_a_changed_migration_are_refused() {
    let file = File::new();
    drop(SqliteStore::open(&file).unwrap());
    let conn = Connection::open(&file).unwrap();
    let change = |sql: &str| conn.execute_batch(sql).unwrap();
    change("INSERT INTO portcullis_migration VALUES (99, 'later', 'x', 0)");
    let said = say(SqliteStore::open(&file));
    assert_eq!(said, "the database file has schema 99, this release knows 1; use the newer release");
    change("DELETE FROM portcullis_migration WHERE version = 99");
    drop(SqliteStore::open(&file).unwrap());
    change("UPDATE portcullis_migration SET checksum = 'x'");
    let said = say(SqliteStore::open(&file));
    assert_eq!(said, "migration 1 of the database file is not the one this release knows");
}

#[test]
fn a_file_that_somebody_holds_is_named() {
    let file = File::new();
    drop(SqliteStore::open(&file).unwrap());
    let conn = Connection::open(&file).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options = SqliteOptions::new().busy_timeout(std::time::Duration::from_millis(20));
    assert_eq!(say(options.open(&file)), "the database file is locked by another process");
}

fn migrations(file: &File) -> i64 {
    let conn = Connection::open(file).unwrap();
    conn.query_row("SELECT count(*) FROM portcullis_migration", [], |row| row.get(0)).unwrap()
}

#[test]
fn many_threads_may_migrate_one_file_at_once() {
    for _ in 0..10 {
        let file = File::new();
        let start = Barrier::new(6);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        SqliteOptions::new().readers(1).open(&file).map(drop)
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
        assert_eq!(migrations(&file), 1);
        assert!(sound(&file));
    }
}

/// Steps of one racer, in a thread or in a process of its own: counts to a limit that all share, and updates a record
/// that all update.
fn race(path: &Path, racer: u64) -> u64 {
    let store = SqliteOptions::new().readers(1).open(path).unwrap();
    let mut counted = 0;
    for step in 0..40 {
        let number = 1_000 + racer * 1_000 + step * 10;
        match block(store.commit(&Commit { counters: vec![add(1, 50)], ..commit(number) })) {
            Ok(_) => counted += 1,
            Err(error) => assert_eq!(error, CommitError::Exhausted(Counter::of(id(1), "guesses"))),
        }
        loop {
            let found = block(store.read(&read_id(2))).unwrap();
            let expect =
                found.records.get(&id(2)).map_or(Expect::Absent, |found| Expect::Version(found.version));
            let update = Commit { puts: vec![put(record(2), expect)], ..commit(number + 1) };
            match block(store.commit(&update)) {
                Ok(_) => break,
                Err(error) => assert_eq!(error, CommitError::Conflict),
            }
        }
    }
    counted
}

fn after_race(file: &File, racers: u64) {
    let store = SqliteStore::open(file).unwrap();
    let read = Read { now: at(0), starts: vec![Start::Id(id(2))], subjects: vec![id(1)] };
    let snapshot = block(store.read(&read)).unwrap();
    assert_eq!(snapshot.records[&id(2)].version, racers * 40, "an update was lost");
    assert_eq!(snapshot.counters[&Counter::of(id(1), "guesses")].value, 50);
    drop(store);
    assert!(sound(file));
}

#[test]
fn stores_on_one_file_pass_no_limit_and_lose_no_update() {
    let file = File::new();
    let counted: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|racer| {
                scope.spawn({
                    let file = &file;
                    move || race(file.as_ref(), racer)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(counted, 50);
    after_race(&file, 3);
}

#[test]
fn stores_on_one_file_never_claim_the_same_record() {
    let file = File::new();
    let store = SqliteStore::open(&file).unwrap();
    let due = |number| Record { due: Some((Lane::Bulk, at(0))), ..record(number) };
    let puts = (100..300).map(|number| put(due(number), Expect::Absent)).collect();
    block(store.commit(&Commit { puts, ..commit(1) })).unwrap();
    let start = Barrier::new(3);
    let mut claimed: Vec<_> = std::thread::scope(|scope| {
        let claimers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let store = SqliteOptions::new().readers(1).open(&file).unwrap();
                    let claim = || block(store.claim(Lane::Bulk, at(1), at(600), 3)).unwrap();
                    start.wait();
                    std::iter::repeat_with(claim)
                        .take_while(|claimed| !claimed.is_empty())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        claimers.into_iter().flat_map(|claimer| claimer.join().unwrap().concat()).collect()
    });
    claimed.sort_by_key(|record| record.id);
    assert!(claimed.iter().all(|record| record.version == 2));
    assert!(claimed.iter().map(|record| record.id).eq((100..300).map(id)), "each once");
}

const RACER: &str = "PORTCULLIS_SQLITE_RACER";

#[test]
fn processes_on_one_new_file_migrate_it_once_pass_no_limit_and_lose_no_update() {
    let file = File::new();
    let racers: Vec<_> = (0..3)
        .map(|racer| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "files::one_racer", "--ignored", "--nocapture"])
                .env(RACER, format!("{racer} {}", file.as_ref().display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut counted = 0;
    for racer in racers {
        let output = racer.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        let number = said.split("counted=").nth(1).and_then(|rest| rest.split('.').next()).unwrap();
        counted += number.parse::<u64>().unwrap();
    }
    assert_eq!(counted, 50);
    assert_eq!(migrations(&file), 1);
    after_race(&file, 3);
}

#[test]
#[ignore = "run by the test of several processes"]
fn one_racer() {
    let Ok(told) = std::env::var(RACER) else { return };
    let (racer, path) = told.split_once(' ').unwrap();
    println!("counted={}.", race(Path::new(path), racer.parse().unwrap()));
}
