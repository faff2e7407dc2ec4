//! The writer: one thread, one connection, one transaction and one sync for all commits that wait.
//!
//! Each piece of work of a batch runs in its own savepoint, so a refusal undoes only itself. Nobody is answered before
//! the one COMMIT. When SQLite gives the whole transaction up (a full disk does that, released savepoints included), or
//! the COMMIT fails, every piece of the batch runs again, alone, and is answered by its own outcome.

use std::sync::Arc;

use futures_channel::oneshot;
use portcullis::port::store::CommitError;

use crate::desk::Desk;
use crate::error::{Failure, after_commit, port};
use crate::queue::{Queue, Taker};
use crate::session::Session;
use crate::sql::Sql;
use crate::work::{Done, Work};

/// What a caller gets.
pub(crate) type Outcome = Result<Done, CommitError>;

/// A piece of work and whom to answer. The caller may be gone: the work is done whole all the same.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// Serves the queue until it is closed and empty.
pub(crate) fn serve(session: &Session, queue: &Arc<Queue<Job>>, batch: usize) {
    let _taker = Taker(Arc::clone(queue));
    let desk = Desk::new(session);
    loop {
        let jobs = queue.take(batch);
        if jobs.is_empty() {
            return;
        }
        let work: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
        let outcomes = run(&desk, &work);
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Fails when the caller is gone, which is its right.
            let _: Result<(), Outcome> = job.reply.send(outcome);
        }
    }
}

/// Runs all, together if that works; gives the outcome of each.
fn run(desk: &Desk<'_>, work: &[&Work]) -> Vec<Outcome> {
    if work.len() > 1 {
        match together(desk, work) {
            Ok(outcomes) => return outcomes,
            Err(Lost::Unbegun(error)) => {
                let answer = CommitError::Port(port(&error));
                return work.iter().map(|_| Err(answer.clone())).collect();
            }
            Err(Lost::Batch(error)) => {
                let error = port(&error);
                tracing::warn!(batch = work.len(), %error, "a batch of commits was lost and runs one by one");
            }
        }
    }
    work.iter().map(|work| alone(desk, work)).collect()
}

/// Why a batch has no outcomes; nothing of it was kept.
enum Lost {
    /// The transaction did not begin.
    Unbegun(rusqlite::Error),
    /// The transaction is gone, or was not committed.
    Batch(rusqlite::Error),
}

fn together(desk: &Desk<'_>, work: &[&Work]) -> Result<Vec<Outcome>, Lost> {
    begin(desk).map_err(Lost::Unbegun)?;
    let outcomes = work.iter().map(|work| in_savepoint(desk, work)).collect::<Result<Vec<_>, _>>();
    match outcomes.and_then(|outcomes| desk.commit().map(|()| outcomes)) {
        Ok(outcomes) => Ok(outcomes),
        Err(error) => Err(Lost::Batch(error)),
    }
}

/// Runs one piece of a batch. An error means that the batch is lost.
fn in_savepoint(desk: &Desk<'_>, work: &Work) -> rusqlite::Result<Outcome> {
    desk.control(Sql::SavePiece)?;
    match work.run(desk) {
        Ok(done) => {
            desk.control(Sql::ReleasePiece)?;
            Ok(Ok(done))
        }
        // INVARIANT: after a failure the transaction may be gone with all savepoints released before, and a ROLLBACK TO
        // would fail for another reason than the one to tell.
        Err(Failure::Sql(error)) if desk.session.conn.is_autocommit() => Err(error),
        Err(failure) => {
            desk.control(Sql::UndoPiece)?;
            desk.control(Sql::ReleasePiece)?;
            Ok(Err(failure.answer()))
        }
    }
}

fn alone(desk: &Desk<'_>, work: &Work) -> Outcome {
    begin(desk).map_err(|error| CommitError::Port(port(&error)))?;
    let outcome = match work.run(desk) {
        Ok(done) => desk.commit().map(|()| done).map_err(|error| after_commit(&error)),
        Err(failure) => Err(failure.answer()),
    };
    if outcome.is_err() {
        // A failure here is met again, and told, when the next transaction begins.
        let _: rusqlite::Result<()> = desk.roll_back();
    }
    outcome
}

/// Begins a transaction, having ended the one that a lost batch left open.
fn begin(desk: &Desk<'_>) -> rusqlite::Result<()> {
    desk.roll_back()?;
    desk.control(Sql::Begin)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use portcullis::audit::AuditEvent;
    use portcullis::id::CommitId;
    use portcullis::port::store::{Commit, Delete, Expect, Key, Kind, Put, Record, Store};
    use uuid::Uuid;

    use super::*;
    use crate::temporary::{self, File};
    use crate::{SqliteOptions, SqliteStore, migrate};

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn commit(number: u128) -> Commit {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let event = AuditEvent {
            id: id(1_000_000 + number),
            at: now,
            tenant: Uuid::nil(),
            subject: id(number),
            actor: None,
            action: "tested".into(),
            reason: None,
            source: None,
            about: None,
        };
        Commit {
            id: CommitId::from_uuid(event.id),
            now,
            puts: vec![],
            guards: vec![],
            deletes: vec![],
            counters: vec![],
            audit: vec![event],
        }
    }

    fn adding(number: u128, size: usize) -> Work {
        let record = Record {
            tenant: Uuid::nil(),
            kind: Kind::of("user"),
            id: id(number),
            version: 1,
            keys: vec![Key::unique(Kind::of("user"), "login", number.to_string())],
            refs: vec![],
            due: None,
            body: "x".repeat(size),
        };
        Work::Commit(Box::new(Commit {
            puts: vec![Put { record, expect: Expect::Absent }],
            ..commit(number)
        }))
    }

    fn deleting(number: u128) -> Work {
        let deletes = vec![Delete { id: id(number), version: 1 }];
        Work::Commit(Box::new(Commit { deletes, ..commit(2_000 + number) }))
    }

    fn number(session: &Session, sql: &str) -> i64 {
        session.conn.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn migrated(file: &File) -> Session {
        let session = temporary::session(file);
        migrate::migrate(&session).unwrap();
        session
    }

    /// Whether record, keys and trail are there: all or none.
    fn is_kept(session: &Session, number: u128) -> bool {
        let count = |sql: &str, value: &dyn rusqlite::ToSql| -> i64 {
            session.conn.query_row(sql, [value], |row| row.get(0)).unwrap()
        };
        let rows = [
            count("SELECT count(*) FROM portcullis_record WHERE id = ?", &id(number).as_bytes().as_slice()),
            count("SELECT count(*) FROM portcullis_key WHERE value = ?", &number.to_string()),
            count(
                "SELECT count(*) FROM portcullis_audit WHERE subject = ?",
                &id(number).as_bytes().as_slice(),
            ),
        ];
        assert!(rows == [1; 3] || rows == [0; 3], "{number}: {rows:?}");
        rows == [1; 3]
    }

    #[test]
    fn a_disk_that_fills_in_a_batch_loses_nothing_that_is_answered_and_harms_no_neighbour() {
        for full in 0..8 {
            let file = temporary::file();
            let session = migrated(&file);
            let pages = number(&session, "PRAGMA page_count") + 20;
            session.conn.pragma_update(None, "max_page_count", pages).unwrap();
            let work: Vec<Work> =
                (0..8).map(|number| adding(number, if number == full { 200_000 } else { 500 })).collect();
            let before = session.commits();
            let outcomes = run(&Desk::new(&session), &work.iter().collect::<Vec<_>>());
            assert!(session.conn.is_autocommit());
            let after = session.commits();
            drop(session);

            let session = temporary::session(&file);
            for (number, outcome) in (0..).zip(&outcomes) {
                assert_eq!(outcome.is_ok(), number != full, "{full}: {number}: {outcome:?}");
                assert_eq!(is_kept(&session, number), outcome.is_ok(), "{full}: {number}");
            }
            let Err(CommitError::Port(error)) = &outcomes[usize::try_from(full).unwrap()] else {
                panic!("{outcomes:?}")
            };
            assert_eq!(error.to_string(), "store: the disk is full");
            assert!(after > before);
            assert_eq!(
                session.conn.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).unwrap(),
                "ok"
            );
        }
    }

    #[test]
    fn a_batch_whose_commit_fails_is_answered_one_by_one() {
        let file = temporary::file();
        let session = migrated(&file);
        let outcomes = run(&Desk::new(&session), &[&adding(1, 10), &adding(2, 10)]);
        assert!(outcomes.iter().all(Result::is_ok));
        // A host's own table that refers to a record, and is looked at no earlier than at COMMIT.
        session
            .conn
            .execute_batch(
                "CREATE TABLE host (user BLOB REFERENCES portcullis_record (id) DEFERRABLE INITIALLY DEFERRED);
                 INSERT INTO host SELECT id FROM portcullis_record WHERE id = (SELECT min(id) FROM portcullis_record);",
            )
            .unwrap();
        let outcomes =
            run(&Desk::new(&session), &[&adding(3, 10), &deleting(1), &deleting(2), &adding(4, 10)]);
        assert!(outcomes[0].is_ok() && outcomes[2].is_ok() && outcomes[3].is_ok(), "{outcomes:?}");
        assert!(matches!(&outcomes[1], Err(CommitError::Port(_))), "{outcomes:?}");
        assert!(session.conn.is_autocommit());
        assert_eq!(number(&session, "SELECT count(*) FROM portcullis_record"), 3);
        assert!(is_kept(&session, 1) && is_kept(&session, 3) && is_kept(&session, 4));
    }

    #[test]
    fn a_refused_commit_leaves_no_lock_behind() {
        let file = temporary::file();
        let session = migrated(&file);
        let outcomes = run(&Desk::new(&session), &[&deleting(7)]);
        assert!(matches!(outcomes[..], [Err(CommitError::Conflict)]));
        temporary::session(&file).conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    }

    fn block<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_dead_writer_answers_everybody() {
        let file = temporary::file();
        let store = SqliteStore::open(&file).unwrap();
        assert!(matches!(block(store.write(Work::Die)), Err(CommitError::Unknown)));
        let outcome = block(store.commit(&commit(1)));
        assert!(matches!(outcome, Err(CommitError::Port(_) | CommitError::Unknown)), "{outcome:?}");
        assert!(block(store.set_mark("a", "b")).is_err());
        assert_eq!(block(store.mark("a")), Ok(None), "readers go on");
    }

    #[test]
    fn a_dead_reader_answers_its_caller_and_the_others_go_on() {
        let file = temporary::file();
        let store = SqliteOptions::new().readers(2).open(&file).unwrap();
        let die = |_: &Desk<'_>| -> Result<(), Failure> { panic!("the test asked for it") };
        assert!(block(store.ask(die)).is_err());
        assert_eq!(block(store.mark("a")), Ok(None));
        assert!(block(store.ask(die)).is_err());
        let error = block(store.mark("a")).unwrap_err();
        assert_eq!(error.to_string(), "store: a thread of the store has ended");
        assert_eq!(block(store.set_mark("a", "b")), Ok(()), "the writer goes on");
    }
}
